"""Nodes whose nan the program may swallow, since something reads them that can be a number all the same.

Where rows are padded, a padded element may be infinite or nan, and 0 times it is nan. A program then shows a nan that
the graph has not, and runs once more without padding. So nothing between may hide it.
"""

from __future__ import annotations

from autograd import primitives
from autograd.compiler.scalars.columns import Columns
from autograd.primitives import Primitive

_TAKES: dict[Primitive | None, int] = {primitives.where: 0, primitives.entry_at: -1}
"""Primitives that take one of their operands, by the place of the one that says which."""


def swallowed(program: Columns) -> frozenset[int]:
    """Return the nodes that a comparison, a condition, or another primitive that hides nan depends on.

    Of `where` and look-ups that is the condition, and the index: what they do not take may be nan.
    """
    hides = program.by_opcode(lambda primitive: primitive.hides_nan, False)
    if True not in hides:
        return frozenset()
    hidden = set[int]()
    for i in reversed(program.interior):
        operands = program.operands_of(i)
        if i in hidden:
            hidden.update(operands)
        elif hides[program.opcodes[i]]:
            place = _TAKES.get(program.primitive_of(i))
            hidden.update(operands if place is None else [operands[place]])
    return frozenset(hidden)
