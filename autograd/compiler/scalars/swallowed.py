"""Find nodes whose nan may be swallowed, because a reader can still be a number.

In padded rows, a padded element may be infinite or nan, and 0 times it is nan. The program then returns a nan that the
graph does not have, and runs again without padding. So no operation in between may hide the nan.
"""

from __future__ import annotations

from autograd import primitives
from autograd.compiler.scalars.columns import Columns
from autograd.primitives import Primitive

_TAKES: dict[Primitive | None, int] = {primitives.where: 0, primitives.entry_at: -1}
"""Primitives that select one of their operands, with the place of the selecting operand."""


def swallowed(program: Columns) -> frozenset[int]:
    """Return the nodes that a comparison, a condition, or another nan-hiding primitive depends on.

    For `where` and look-ups, that is the condition and the index: operands that they do not select may be nan.
    """
    if not any(primitive.hides_nan for primitive in program.primitives):
        return frozenset()
    hides = program.by_opcode(lambda primitive: primitive.hides_nan, False)
    hidden = set[int]()
    for i in reversed(program.interior):
        operands = program.operands_of(i)
        if i in hidden:
            hidden.update(operands)
        elif hides[program.opcodes[i]]:
            place = _TAKES.get(program.primitive_of(i))
            hidden.update(operands if place is None else [operands[place]])
    return frozenset(hidden)
