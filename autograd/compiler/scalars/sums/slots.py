"""Add a single node to a weighted sum as sums with the same weights add several nodes: as a slot of its own.

Chains of additions are one slot, whose terms may be added in any order. Where a node of a graph network adds the
message of its only neighbour to its own weighted sum, that is such a chain; the others add sums of several messages.
"""

from __future__ import annotations

from collections.abc import Hashable

from autograd.compiler.scalars.builder import DROPPED, Builder, renumbered
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, SUM
from autograd.compiler.scalars.program import ScalarProgram


def split_slots(program: ScalarProgram) -> ScalarProgram:
    """Let the last term of a slot be a slot where other sums with the same weights have one for such terms."""
    if not any(program.slots):
        return program
    sums = [i for i in program.operations if program.opcodes[i] == SUM and program.counts[i] > 1]
    apart = {_weights(program, i, 1) for i in sums} - {None}
    together = [i for i in sums if _weights(program, i, 0) in apart] if apart else []
    if not together:
        return program
    builder = Builder.like(program)
    new = [*range(program.interior.start), *[DROPPED] * len(program.interior)]
    chosen = set(together)
    for i in program.interior:
        if i in chosen:
            total = renumbered(program.sum_of(i), new)
            new[i] = builder.sum(total._replace(slots=[*total.slots[:-1], 1]))
        else:
            new[i] = builder.copy(program, i, new)
    return builder.successor(program, new, range(len(program)))


def _weights(program: Columns, i: int, slot: int) -> Hashable:
    """The weights of a sum that has products with these in its first slot, and behind them nodes in some slot.

    None for others, and where the nodes of the first slot are more than one.
    """
    start, count = program.starts[i], program.counts[i]
    end = start + count
    products = program.rights[start:end].index(ABSENT) if program.rights[end - 1] == ABSENT else 0
    if not products or (slot == 0 and products + 1 < count):
        return None
    parameters, slots, rights = program.parameters, program.slots[start:end], program.rights[start:end]
    behind = program.lefts[start + products : end]
    if slots != (*[0] * products, *[slot] * (count - products)) or any(x in parameters for x in behind):
        return None
    if set(rights[products:]) != {ABSENT}:
        return None
    factors = zip(program.lefts[start:end], rights[:products])
    return tuple([x if x in parameters else y if y in parameters else ABSENT for x, y in factors])
