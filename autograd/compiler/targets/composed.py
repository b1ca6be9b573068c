"""Primitives as expressions of others, for targets without a function for them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

from autograd import primitives as p
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.program import ArrayProgram
from autograd.primitives import TABLE, Primitive
from autograd.table import OURS


def is_ours(primitive: Primitive) -> bool:
    """Return whether this package defines the primitive."""
    return TABLE.get(primitive.name) is primitive and primitive.name in OURS


def rules(primitive: Primitive) -> list[Callable[..., Any]]:
    """Return the rules that may compute a primitive: expressions, and functions that take only floats."""
    candidates = (
        COMPOSED.get(primitive.name) if is_ours(primitive) else None,
        primitive.array,
        primitive.forward,
        primitive.machine,
    )
    return [rule for rule in candidates if callable(rule)]


def expression(primitive: Primitive, operands: int) -> ArrayProgram | None:
    """Return a primitive of this many operands as a program of its arguments; None if no rule is an expression.

    >>> print(expression(p.norm, 2))
    x1 = argument                                               (n, 1)
    x2 = argument                                               (n, 1)
    v2 = hypot (x1, x2)                                         (n, 1)
    return v2
    """
    for rule in rules(primitive):
        builder = Builder()
        try:
            result = rule(*[builder.argument(f"x{k + 1}", 1) for k in range(operands)])
        except (TypeError, ValueError, AttributeError):
            continue
        if isinstance(result, Handle):
            return builder.program([result])
    return None


def _remainder(x: Any, y: Any) -> Any:
    """Return x - n y for the integer n nearest to x / y, the even one at a tie; each difference is exact."""
    size = abs(y)
    rest = abs(p.fmod(x, size + size))
    once = rest - size
    rest = p.where(rest + rest > size, p.where(once + once >= size, once - size, once), rest)
    return p.where(x < 0, -rest, rest)


COMPOSED: dict[str, Callable[..., Any]] = {
    "fsum": lambda *xs: reduce(operator.add, xs),
    "remainder": _remainder,
}
