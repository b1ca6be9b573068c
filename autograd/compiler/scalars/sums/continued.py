"""Running sums: sums that continue other sums, with each partial sum read elsewhere."""

from __future__ import annotations

from autograd.compiler import cost
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.merge import uses
from autograd.compiler.scalars.nodes import ABSENT, PLAIN, SUM, Scaling

_FROM_ZERO = Scaling(0.0, True)


def running_sums(program: Columns) -> list[list[int]]:
    """Return the partial sums of each running sum, the first being a sum of one or two terms.

    The added terms lie no deeper than those of the first partial sum, so they do not depend on partial sums, as they do
    in a recurrence or a simulation.
    """
    before = _continued(program)
    if not cost.worth_accumulating(len(before) + 1):
        return []
    level = program.levels
    chains: dict[int, list[int]] = {}  # by their last part
    deepest: dict[int, int] = {}  # by their first part
    for i, previous in before.items():
        chain = chains.pop(previous, [previous])
        first, added = chain[0], added_term(program, i, previous)
        if first not in deepest:
            deepest[first] = max(level[k] for k in program.operands_of(first))
        if max(level[program.lefts[added]], level[program.rights[added]]) > deepest[first]:
            chains[previous] = chain
        else:
            chain.append(i)
            chains[i] = chain
    return [chain for chain in chains.values() if cost.worth_accumulating(len(chain))]


def _continued(program: Columns) -> dict[int, int]:
    """Return, for each sum that is another one plus one term, in order, the node of that other sum.

    The other sum is read elsewhere, too; it is such a sum itself, or has at most two terms.
    """
    before: dict[int, int] = {}
    for i in program.operations:
        if program.opcodes[i] == SUM and program.counts[i] == 2 and i not in program.scalings:
            start = program.starts[i]
            for own, other in ((start, start + 1), (start + 1, start)):  # a + b rounds like b + a
                previous = program.lefts[own]
                is_node = program.rights[own] == ABSENT and program.coefficients[own] == 1.0
                added = program.lefts[other], program.rights[other]
                if is_node and previous not in added and _begins(program, previous):
                    before[i] = previous
                    break
    if not before:
        return {}
    count = uses(program)
    return {i: previous for i, previous in before.items() if count[previous] > 1}


def added_term(program: Columns, i: int, previous: int) -> int:
    """Return the place of the term that a partial sum adds to the previous one."""
    start = program.starts[i]
    return start if program.lefts[start + 1] == previous and program.rights[start + 1] == ABSENT else start + 1


def _begins(program: Columns, i: int) -> bool:
    """Return whether a running sum may start at a node: a sum of one or two terms, possibly plus 0.0."""
    is_sum = program.opcodes[i] == SUM and 0 < program.counts[i] <= 2
    return is_sum and program.scalings.get(i, PLAIN) in (PLAIN, _FROM_ZERO)
