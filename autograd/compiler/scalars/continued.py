"""Sums that go on from another sum, of which each part is read."""

from __future__ import annotations

from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.merge import uses
from autograd.compiler.scalars.nodes import ABSENT, PLAIN, SUM, Scaling

_FROM_ZERO = Scaling(0.0, True)


def continued(program: Columns) -> dict[int, int]:
    """Return the sums that are another one plus one more term, in order: the node of each, and of what it goes on from.

    What it goes on from is read elsewhere too; and is such a sum itself, or one of at most two terms.
    """
    count = uses(program)
    before: dict[int, int] = {}
    for i in program.operations:
        if program.opcodes[i] == SUM and program.counts[i] == 2 and i not in program.scalings:
            start = program.starts[i]
            previous = program.lefts[start]
            is_node = program.rights[start] == ABSENT and program.coefficients[start] == 1.0
            if is_node and count[previous] > 1 and _begins(program, previous):
                before[i] = previous
    return before


def _begins(program: Columns, i: int) -> bool:
    """Return whether a running sum may go on from a node: a sum of one or two terms, or from 0.0 on."""
    is_sum = program.opcodes[i] == SUM and program.counts[i] <= 2
    return is_sum and program.scalings.get(i, PLAIN) in (PLAIN, _FROM_ZERO)
