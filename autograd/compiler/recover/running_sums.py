"""Find running sums: chains of additions of which each part is read.

    c = 0.0
    for x in xs:
        c = c + x
        parts.append(c)

In the graph each part waits for the one before. As one operation that adds up along an axis, from left to right as the
graph does, all parts are computed at the level of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.blocks import View
from autograd.compiler.recover.groups import Places, RunningSum
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.continued import continued
from autograd.compiler.scalars.depths import depths
from autograd.compiler.scalars.nodes import ABSENT


class Chain(NamedTuple):
    """A running sum.

    Attributes:
        added: the nodes that are added up.
        parts: the sums, of which the last one has everything; as many, or one fewer where the first would be a node
            that is added.
    """

    added: list[int]
    parts: list[int]


def running_sums(program: Columns) -> list[Chain]:
    """Return the running sums of single nodes, none of which depends on the sum so far."""
    before = continued(program)
    if not before:
        return []
    depth = depths(program.operations, program.operands_of)
    chains: dict[int, Chain] = {}  # by their last part
    for i, previous in before.items():
        if not _adds_a_node(program, i):
            continue
        chain = chains.pop(previous, None)
        if chain is None:
            if not all(_is_node(program, n) for n in _terms(program, previous)):
                continue
            chain = Chain(list(program.operands_of(previous)), [previous])
        x = program.operands_of(i)[1]
        if depth.get(x, -1) > max(depth.get(k, -1) for k in chain.added):
            chains[previous] = chain
            continue
        chains[i] = Chain([*chain.added, x], [*chain.parts, i])
    return [chain for chain in chains.values() if cost.worth_accumulating(len(chain.parts))]


def _terms(program: Columns, i: int) -> range:
    return range(program.starts[i], program.starts[i] + program.counts[i])


def _is_node(program: Columns, n: int) -> bool:
    """Return whether a term is a node, and neither scaled nor multiplied."""
    return program.rights[n] == ABSENT and program.coefficients[n] == 1.0


def _adds_a_node(program: Columns, i: int) -> bool:
    return _is_node(program, program.starts[i] + 1)


def grouped(chains: Sequence[Chain], places: Places) -> list[list[Chain]]:
    """Return the chains that may be added up together: as long, from the same arrays, place by place."""
    classes: dict[tuple[int, tuple[int, ...]], list[Chain]] = {}
    for chain in chains:
        sources = tuple(places.source[np.array(chain.added)].tolist())
        classes.setdefault((len(chain.parts), sources), []).append(chain)
    return list(classes.values())


def running_sum(chains: Sequence[Chain], view: View, source: int, batched: bool) -> RunningSum:
    """Return the group that adds up several chains of one class, a row each."""
    lacking = len(chains[0].added) - len(chains[0].parts)
    members = [i for chain in chains for i in [*[PADDING] * lacking, *chain.parts]]
    return RunningSum(source, tuple(members), batched, view)
