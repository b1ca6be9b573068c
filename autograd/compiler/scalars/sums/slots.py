"""Give a single node that is added to a weighted sum a separate slot, if sums with equal weights add several nodes.

A chain of additions is one slot, whose terms may be added in any order. If a node of a graph network adds the message
of its only neighbour to its own weighted sum, that is such a chain; other nodes add sums of several messages.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from autograd.compiler.scalars.builder import Builder, renumbered
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, SUM
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import rebuild


def split_slots(program: ScalarProgram) -> ScalarProgram:
    """Split off the last term of a slot if other sums with the same weights have a separate slot for such terms."""
    if not any(program.slots):
        return program
    sums = [i for i in program.operations if program.opcodes[i] == SUM and program.counts[i] > 1]
    apart = {_weights(program, i, 1) for i in sums} - {None}
    together = [i for i in sums if _weights(program, i, 0) in apart] if apart else []
    if not together:
        return program

    def split(builder: Builder, i: int, new: Sequence[int]) -> int:
        total = renumbered(program.sum_of(i), new)
        return builder.sum(total._replace(slots=[*total.slots[:-1], 1]))

    return rebuild(program, set(together), split)


def _weights(program: Columns, i: int, slot: int) -> Hashable:
    """Return the weights of a sum with weighted products in its first slot, followed by nodes in some slot.

    None for other sums, and if the first slot has more than one such node.
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
