"""Sign analysis: a slope that is infinite at zero is finite for a node that is bounded away from zero."""

from __future__ import annotations

from enum import IntEnum, auto

from autograd import primitives
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, CONSTANT, PLAIN, SUM


class Sign(IntEnum):
    """The known sign of a node's number, unless it is nan."""

    ANY = auto()
    NONNEGATIVE = auto()
    POSITIVE = auto()  # at least some positive number


_NONNEGATIVE = frozenset({primitives.exp, primitives.sigmoid, primitives.absolute, primitives.sqrt})


def signs(program: Columns) -> list[Sign]:
    """Return the sign of each node; ANY for arguments and parameters.

    >>> from autograd.compiler.scalars.builder import Builder
    >>> from autograd.compiler.scalars.nodes import NOTHING, Sum
    >>> builder = Builder([1], 0)
    >>> _ = builder.sum(Sum([1.0], [0], [0], [0], 1e-5))
    >>> [sign.name for sign in signs(builder.program([1]))]
    ['ANY', 'POSITIVE']
    """
    known = [Sign.ANY] * len(program)
    for i in program.interior:
        if program.opcodes[i] == SUM:
            known[i] = _of_sum(program, i, known)
        elif program.opcodes[i] == CONSTANT:
            known[i] = _of_number(program.constants[i])
        else:
            known[i] = _of_application(program, i, known)
    return known


def _of_number(x: float) -> Sign:
    return Sign.POSITIVE if x > 0 else Sign.NONNEGATIVE if x == 0 else Sign.ANY


def _of_sum(program: Columns, i: int, known: list[Sign]) -> Sign:
    """Return the sign of a sum: that of its most positive part, if no part can be negative."""
    scaling = program.scalings.get(i, PLAIN)
    if scaling.factor <= 0 or scaling.divisor <= 0:
        return Sign.ANY
    sign = _of_number(scaling.constant)
    start, count = program.starts[i], program.counts[i]
    for n in range(start, start + count):
        x, y = program.lefts[n], program.rights[n]
        if program.coefficients[n] < 0 or sign == Sign.ANY:
            return Sign.ANY
        if y == ABSENT:
            term = known[x]
        else:  # a product of small numbers can underflow to 0, even a square
            term = Sign.NONNEGATIVE if x == y or min(known[x], known[y]) > Sign.ANY else Sign.ANY
        if term == Sign.ANY:
            return term
        if program.coefficients[n] != 0:  # 0 times a positive number is 0
            sign = max(sign, term)
    return sign


def _of_application(program: Columns, i: int, known: list[Sign]) -> Sign:
    primitive, operands = program.primitive_of(i), program.operands_of(i)
    if primitive in _NONNEGATIVE:
        return (
            Sign.POSITIVE if primitive is primitives.sqrt and known[operands[0]] == Sign.POSITIVE else Sign.NONNEGATIVE
        )
    if primitive is primitives.maximum:
        return max(known[k] for k in operands)
    if primitive is primitives.constant_power:
        is_even = program.constants[operands[1]] % 2 == 0
        return Sign.NONNEGATIVE if is_even or known[operands[0]] > Sign.ANY else Sign.ANY
    return Sign.ANY
