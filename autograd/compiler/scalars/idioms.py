"""Recognise formulas that spell out a function of the derivative table, and replace them by that function.

The sigmoid is often spelled out as 1 / (1 + exp(-z)), and tanh as in micrograd: (e - 1) / (e + 1), e = exp(2 z). After
recognition, the program is readable, and its backward pass has one factor in place of a chain of derivatives.

That factor is not the table's a (1 - a) or 1 - a², which lose digits where a is close to 1: the graph's chain of
derivatives loses none there, and a compiled program must match the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeGuard

from autograd import primitives
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.merge import uses
from autograd.compiler.scalars.nodes import APPLY
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import Replacement, rewrite
from autograd.primitives import Primitive, Rule

_ADD, _SUB, _MUL, _DIV, _NEG = primitives.add, primitives.sub, primitives.mul, primitives.div, primitives.neg
_POWER = primitives.constant_power


def _recognised(row: Primitive, derivatives: Rule) -> Primitive:
    """Return a variant of a row for recognised formulas, with derivatives as exact as the formula's."""
    return Primitive(
        row.name, row.forward, derivatives, row.symbol, array=row.array, machine=row.machine, slope=row.slope
    )


SIGMOID = _recognised(primitives.sigmoid, lambda z, out: (out * primitives.sigmoid(-z),))
TANH = _recognised(primitives.tanh, lambda z, out: (1 / primitives.cosh(z) ** 2,))

NOTES = {
    SIGMOID: "sigmoid(-z) is 1 - sigmoid(z), with all its digits where that is close to 0",
    TANH: "1 / cosh(z) ** 2 is 1 - tanh(z) ** 2, with all its digits where that is close to 0",
}
"""Comments in the source of backward passes with these factors."""


def recognise_idioms(program: ScalarProgram) -> ScalarProgram:
    """Replace formulas for sigmoid and tanh whose parts have no other readers."""
    if primitives.exp not in program.primitives:
        return program
    roots = program.by_opcode(lambda primitive: primitive in (_DIV, _POWER), False)
    formulas = _Formulas(program)
    for i in program.interior:
        if roots[program.opcodes[i]]:
            formulas.recognise(i)
    if not formulas.replaced:
        return program
    return rewrite(program, range(len(program)), formulas.replaced, formulas.builder)


class _Formulas:
    """The formulas of a program so far. No part of one has a reader outside, so none is a part of another.

    Attributes:
        replaced: the replacements of nodes.
        builder: has the opcodes of these.
    """

    def __init__(self, program: ScalarProgram) -> None:
        self._program, self._literals = program, program.literals
        self.replaced: dict[int, Replacement] = {}
        self.builder = Builder.like(program)

    @cached_property
    def _uses(self) -> Sequence[int]:
        return uses(self._program)

    def _node(self, i: int) -> tuple[Primitive | None, tuple[int, ...]]:
        """Return the primitive of a node and its operands."""
        if self._program.opcodes[i] < APPLY:
            return None, ()
        return self._program.primitive_of(i), self._program.operands_of(i)

    def _constant(self, i: int) -> float | None:
        return self._literals.get(i)

    def recognise(self, i: int) -> None:
        """Recognise a formula that ends with a quotient or a power."""
        primitive, (a, b) = self._node(i)
        if primitive is not _DIV:
            if self._constant(b) == -1.0:
                self._sigmoid(i, a)
        elif self._constant(a) == 1.0:
            self._sigmoid(i, b)
        else:
            self._tanh(i, a, b)

    def _sigmoid(self, i: int, below: int) -> None:
        """Recognise 1 / (1 + exp(-z)), or (1 + exp(-z)) ** -1."""
        exponential = self._plus(below, 1.0)
        if self._is_exponential(exponential, uses=1) and self._uses[below] == 1:
            self._becomes(i, SIGMOID, exponential, -1.0)

    def _tanh(self, i: int, above: int, below: int) -> None:
        """Recognise (e - 1) / (e + 1) with e = exp(2 z)."""
        exponential = self._plus(below, 1.0)
        if exponential is None or self._plus(above, -1.0) != exponential:
            return
        if self._uses[above] == self._uses[below] == 1 and self._is_exponential(exponential, uses=2):
            self._becomes(i, TANH, exponential, 0.5)

    def _plus(self, i: int, number: float) -> int | None:
        """Return the x of x + number; None if a node does not have this form."""
        primitive, operands = self._node(i)
        if len(operands) != 2:
            return None
        a, b = operands
        if primitive in (_ADD, primitives.sum_):
            return b if self._constant(a) == number else a if self._constant(b) == number else None
        return a if primitive is _SUB and self._constant(b) == -number else None

    def _is_exponential(self, i: int | None, uses: int) -> TypeGuard[int]:
        return i is not None and self._node(i)[0] is primitives.exp and self._uses[i] == uses

    def _becomes(self, i: int, primitive: Primitive, exponential: int, factor: float) -> None:
        """Replace node i by a primitive of the exponent times a factor; the dead exponential's place is reused."""
        (exponent,) = self._node(exponential)[1]
        z, c = self._without_scaling(exponent, factor)
        if abs(c) != 1.0:
            return
        if c == -1.0:
            self._replace(exponential, _NEG, z)
            z = exponential
        self._replace(i, primitive, z)

    def _replace(self, i: int, primitive: Primitive, operand: int) -> None:
        self.replaced[i] = self.builder.opcode(primitive), (operand,)

    def _without_scaling(self, i: int, c: float) -> tuple[int, float]:
        """Return a node without a sign or numeric factor, which is multiplied into c."""
        primitive, operands = self._node(i)
        if primitive is _NEG:
            (negated,) = operands
            return negated, -c
        if primitive is _MUL:
            a, b = operands
            for scale, other in ((a, b), (b, a)):
                if (number := self._constant(scale)) is not None:
                    return other, c * number
        return i, c
