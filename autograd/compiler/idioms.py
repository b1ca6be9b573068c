"""Formulas that spell out a function of the derivative table are that function again.

By hand the sigmoid is often written 1 / (1 + exp(-z)), and tanh as micrograd has it: (e - 1) / (e + 1), e = exp(2 z).
Read as what they are, the program says so, and its backward pass has one factor in place of a chain of derivatives.

That factor is not the table's a (1 - a) or 1 - a², which lose their digits where a is close to 1: the chain of the
formula, which the graph goes, loses none there, and a compiled program computes what the graph does.
"""

from __future__ import annotations

from autograd import primitives
from autograd.primitives import Primitive

_ADD, _SUB, _MUL, _DIV, _NEG = primitives.add, primitives.sub, primitives.mul, primitives.div, primitives.neg

SIGMOID = Primitive(
    "sigmoid", primitives.sigmoid.forward, lambda z, out: (out * primitives.sigmoid(-z),), "sigmoid", None
)
TANH = Primitive("tanh", primitives.tanh.forward, lambda z, out: (1 / primitives.cosh(z) ** 2,), "tanh", None)

NOTES = {
    SIGMOID: "sigmoid(-z) is 1 - sigmoid(z), with all its digits where that is close to 0",
    TANH: "1 / cosh(z) ** 2 is 1 - tanh(z) ** 2, with all its digits where that is close to 0",
}
"""What the source says where a backward pass has one of these factors."""


class Formulas:
    """The nodes of a trace, as what computes each from which others.

    Attributes:
        made_by: the primitive of each node, None for a leaf or a constant.
        operands: what it is applied to.
    """

    def __init__(
        self,
        made_by: list[Primitive | None],
        operands: list[tuple[int, ...]],
        constants: dict[int, float],
        uses: list[int],
    ) -> None:
        self.made_by, self.operands = list(made_by), list(operands)
        self._constants, self._uses = constants, uses

    def recognise(self) -> None:
        """Put sigmoid and tanh in the place of formulas for them whose parts nothing else refers to."""
        for i, operands in enumerate(self.operands):
            if not self._uses[i] or not operands:
                continue
            if self.made_by[i] in (_DIV, primitives.constant_power):
                self._sigmoid(i)
            if self.made_by[i] is _DIV:
                self._tanh(i)

    def _sigmoid(self, i: int) -> None:
        """1 / (1 + exp(-z)), or (1 + exp(-z)) ** -1."""
        a, b = self.operands[i]
        below, other, number = (b, a, 1.0) if self.made_by[i] is _DIV else (a, b, -1.0)
        if self._constants.get(other) != number:
            return
        exponential = self._plus(below, 1.0)
        if self._uses[below] == 1 and self._is_exponential(exponential, uses=1):
            self._becomes(i, SIGMOID, exponential, -1.0)

    def _tanh(self, i: int) -> None:
        """(e - 1) / (e + 1) with e = exp(2 z)."""
        above, below = self.operands[i]
        exponential = self._plus(below, 1.0)
        if self._plus(above, -1.0) != exponential or not self._is_exponential(exponential, uses=2):
            return
        if self._uses[above] == self._uses[below] == 1:
            self._becomes(i, TANH, exponential, 0.5)

    def _plus(self, i: int, number: float) -> int:
        """The x of x + number; -1 where a node is nothing of this form."""
        if len(self.operands[i]) != 2:
            return -1
        a, b = self.operands[i]
        first, second = self._constants.get(a), self._constants.get(b)
        if self.made_by[i] in (_ADD, primitives.sum_):
            return b if first == number else a if second == number else -1
        return a if self.made_by[i] is _SUB and second == -number else -1

    def _is_exponential(self, i: int, uses: int) -> bool:
        return i >= 0 and self.made_by[i] is primitives.exp and self._uses[i] == uses

    def _becomes(self, i: int, primitive: Primitive, exponential: int, factor: float) -> None:
        """Node i is a primitive of the exponent times a factor, in the place of the exponential that is not needed."""
        (exponent,) = self.operands[exponential]
        z, c = self._without_scaling(exponent, factor)
        if abs(c) != 1.0:
            return
        if c == -1.0:
            self.made_by[exponential], self.operands[exponential] = _NEG, (z,)
            z = exponential
        self.made_by[i], self.operands[i] = primitive, (z,)

    def _without_scaling(self, i: int, c: float) -> tuple[int, float]:
        """A node without the sign or the number that it is multiplied by; these go into c."""
        if self.made_by[i] is _NEG:
            return self.operands[i][0], -c
        if self.made_by[i] is _MUL:
            a, b = self.operands[i]
            if a in self._constants:
                return b, c * self._constants[a]
            if b in self._constants:
                return a, c * self._constants[b]
        return i, c
