"""Split long rows off weighted sums: the nodes that a few sums add to their products are many more than most sums add.

In a graph network, such a node has many neighbours, whose messages are added to the node's own weighted sum. All rows
padded to the longest would be too much work, so rows of different lengths become several operations. The weighted sums
stay one operation if the messages' sums are separate nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autograd.compiler import cost
from autograd.compiler.scalars.builder import Builder, renumbered
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, SUM, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import rebuild


class _Row(NamedTuple):
    """The nodes that a weighted sum adds to its products.

    Attributes:
        total: the number of the sum.
        start: the place of the first; the others follow.
        length: their number.
    """

    total: int
    start: int
    length: int


def split_long_rows(program: ScalarProgram) -> ScalarProgram:
    """Turn the rows of sums with equal weights into nodes if a few are much longer than most."""
    layers: dict[int, list[_Row]] = {}
    for weight, row in _rows(program):
        layers.setdefault(weight, []).append(row)
    chosen: dict[int, int] = {}
    for rows in layers.values():
        lengths = [row.length for row in rows]
        if not cost.worth_table(sum(lengths), len(rows) * max(lengths)):
            chosen.update({row.total: row.start for row in rows})
    if not chosen:
        return program

    def split(builder: Builder, i: int, new: Sequence[int]) -> int:
        total, start = renumbered(program.sum_of(i), new), chosen[i]
        coefficients, lefts, rights, slots = total[:4]
        apart = builder.sum(Sum(coefficients[start:], lefts[start:], rights[start:], [0] * (len(lefts) - start)))
        return builder.sum(
            total._replace(
                coefficients=[*coefficients[:start], 1.0],
                lefts=[*lefts[:start], apart],
                rights=[*rights[:start], ABSENT],
                slots=slots[: start + 1],
            )
        )

    return rebuild(program, chosen, split)


def _rows(program: Columns) -> Iterator[tuple[int, _Row]]:
    """Yield rows that are the last slot of a sum of products with weights, with the first of these weights."""
    parameters = program.parameters
    for i in program.operations:
        start, count = program.starts[i], program.counts[i]
        if program.opcodes[i] != SUM or not count:
            continue
        end = start + count
        lefts, rights, slots = program.lefts[start:end], program.rights[start:end], program.slots[start:end]
        weight = lefts[0] if lefts[0] in parameters else rights[0]
        at = slots.index(slots[-1])
        are_nodes = parameters.stop <= min(lefts[at:]) and set(rights[at:]) == {ABSENT}
        if at and rights[0] != ABSENT and weight in parameters and are_nodes:
            yield weight, _Row(i, at, count - at)
