"""Write out running sums, of which each part is read, as sums of all that they add up.

    c = 0.0
    for x in xs:
        c = c + x
        parts.append(c)

As the graph has it, each part waits for the one before. As sums of their own they can be computed side by side, in a
product with a triangle of ones.
"""

from __future__ import annotations

from autograd.compiler import cost
from autograd.compiler.scalars.builder import DROPPED, Builder, renumbered
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.depths import depths
from autograd.compiler.scalars.merge import uses
from autograd.compiler.scalars.nodes import ABSENT, PLAIN, SUM, Scaling, Sum
from autograd.compiler.scalars.program import ScalarProgram

_FROM_ZERO = Scaling(0.0, True)


def write_out_running_sums(program: ScalarProgram) -> ScalarProgram:
    """Let the parts of a running sum be sums of leaves and of what lies no deeper than its beginning.

    What is added up in another order is a chain of additions, as in any reduction. A recurrence stays as it is, where
    what is added depends on the sum so far; and so does a long sum, of which there would be too many terms.
    """
    before = _continued(program)
    if not before:
        return program
    depth = depths(program.operations, program.operands_of)
    parts: dict[int, Sum] = {}
    start: dict[int, int] = {}  # of each part the one that its running sum begins with
    for i, previous in before.items():
        first = start.setdefault(previous, previous)
        so_far = parts.setdefault(previous, _plain(program.sum_of(previous), 0))
        deepest = max([depth.get(k, -1) for k in program.operands_of(first)], default=-1)
        _, *added = program.operands_of(i)
        if len(so_far.lefts) < cost.LONGEST_RUNNING_SUM and all(depth.get(k, -1) <= deepest for k in added):
            start[i] = first
            parts[i] = _joined(so_far, _plain(program.sum_of(i), 1))
    length = {start[i]: len(total.lefts) for i, total in parts.items()}
    parts = {i: total for i, total in parts.items() if length[start[i]] > 2}
    if not parts:
        return program
    builder = Builder.like(program)
    new = [*range(program.interior.start), *[DROPPED] * len(program.interior)]
    for i in program.interior:
        new[i] = builder.sum(renumbered(parts[i], new)) if i in parts else builder.copy(program, i, new)
    return builder.successor(program, new, range(len(program)))


def _plain(total: Sum, first: int) -> Sum:
    """The terms of a sum from one of them on, in one slot."""
    return Sum(total.coefficients[first:], total.lefts[first:], total.rights[first:], [0] * len(total.lefts[first:]))


def _joined(a: Sum, b: Sum) -> Sum:
    """The sum of the terms of two."""
    return Sum(*[[*of_a, *of_b] for of_a, of_b in zip(a[:4], b[:4])])


def _continued(program: Columns) -> dict[int, int]:
    """The sums that go on from another sum, which others read as well: the node of each, and of what it goes on from."""
    count = uses(program)
    continued: dict[int, int] = {}
    for i in program.operations:
        if program.opcodes[i] == SUM and _goes_on(program, i):
            previous = program.lefts[program.starts[i]]
            if count[previous] > 1:
                continued[i] = previous
    return continued


def _goes_on(program: Columns, i: int) -> bool:
    """Return whether a sum is another one plus one more term, and nothing else."""
    if program.counts[i] != 2 or i in program.scalings or not _is_addition(program, i):
        return False
    start = program.starts[i]
    previous = program.lefts[start]
    return (
        program.rights[start] == ABSENT
        and program.coefficients[start] == 1.0
        and program.opcodes[previous] == SUM
        and program.counts[previous] <= 2
        and program.scalings.get(previous, PLAIN) in (PLAIN, _FROM_ZERO)
        and _is_addition(program, previous)
    )


def _is_addition(program: Columns, i: int) -> bool:
    """Return whether a sum only adds, and subtracts nothing."""
    start = program.starts[i]
    return all(c > 0 for c in program.coefficients[start : start + program.counts[i]])
