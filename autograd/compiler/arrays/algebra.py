"""Handles that simplify as they compute, so that derivatives come out as a textbook would write them.

Zeros and ones disappear, numeric factors combine into one, and a product with 1 / x becomes a division by x. Forward
passes do not use these handles, since they must round as the graph does.
"""

from __future__ import annotations

from typing import Any

from autograd import primitives
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Application, Operation

_LARGEST, _SMALLEST = 1e200, 1e-200
"""Numeric factors are combined only where their product neither overflows nor underflows."""


class Simplified(Handle):
    """A handle whose arithmetic skips operations without effect.

    >>> from autograd.compiler.arrays.builder import Builder
    >>> x = Simplified.of(Builder().argument("x", 1))
    >>> (x + 0.0) is x, x * 0.0, (2.0 * (3.0 * x)).operation.operands == (6.0 * x).operation.operands
    (True, 0.0, True)
    """

    __slots__ = ()

    @classmethod
    def of(cls, x: Any) -> Any:
        """Return a handle of this kind for the same result; return a number unchanged."""
        return cls(x.builder, x.at) if isinstance(x, Handle) else x

    def __add__(self, other: Any) -> Any:
        if _is(other, 0.0):
            return self
        negated = self._negated(other)
        if negated is not None:
            return self - negated
        if isinstance(other, Handle):  # flatten, so that terms are added from left to right
            if _applies(other.operation, primitives.add):
                return self + self.builder.operand(other) + self.builder.operand(other, 1)
            if _applies(other.operation, primitives.sub):
                return self + self.builder.operand(other) - self.builder.operand(other, 1)
        return self.apply(primitives.add, (self, other))

    def __radd__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.apply(primitives.add, (other, self))

    def __sub__(self, other: Any) -> Any:
        if _is(other, 0.0):
            return self
        negated = self._negated(other)
        return self.apply(primitives.sub, (self, other)) if negated is None else self + negated

    def __rsub__(self, other: Any) -> Any:
        return -self if _is(other, 0.0) else self.apply(primitives.sub, (other, self))

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Handle):
            return other * self
        a, x = self.scaled()
        b, y = Simplified.of(other).scaled()
        if (a, b) != (1.0, 1.0) and is_ordinary(a * b):
            return a * b * (x * y)
        if (divisor := _inverted(other)) is not None:
            return self / divisor
        if (divisor := _inverted(self)) is not None:
            return Simplified.of(other) / divisor
        inner = other.operation
        if inner.kind == "constant" and not inner.shape:
            if not _is(inner.attribute, 0.0):
                return inner.attribute * self
            own = _number(self)
            return other * self if own != 0.0 else Simplified.of(self.builder.constant(own * inner.attribute))
        if _applies(inner, primitives.mul):  # flatten, so that factors are multiplied from left to right
            return self * self.builder.operand(other) * self.builder.operand(other, 1)
        if _applies(inner, primitives.div):
            above, below = self.builder.operand(other), self.builder.operand(other, 1)
            number = _number(above)
            return self * above / below if number is None else number * (self / below)
        return self.apply(primitives.mul, (self, other))

    def __rmul__(self, other: Any) -> Any:
        if _is(other, 0.0):
            return 0.0
        if _is(other, 1.0):
            return self
        number, x = self.scaled()
        if number != 1.0 and is_ordinary(other * number):
            return other * number * x
        return self._times_number(float(other))

    def __truediv__(self, other: Any) -> Any:
        if _is(other, 1.0):
            return self
        number, x = self.scaled()
        if number != 1.0 and isinstance(other, Handle):
            return number * (x / other)
        return self.apply(primitives.div, (self, other))

    def __neg__(self) -> Any:
        operation = self.operation
        if _applies(operation, primitives.neg):
            return self.builder.operand(self)
        if _applies(operation, primitives.sub):
            return self.builder.operand(self, 1) - self.builder.operand(self, 0)
        number, x = self.scaled()
        return self.apply(primitives.neg, (self,)) if number == 1.0 else -number * x

    def __pow__(self, exponent: Any) -> Any:
        if _is(exponent, 1.0):
            return self
        return 1.0 if _is(exponent, 0.0) else super().__pow__(exponent)

    def scaled(self) -> tuple[float, Simplified]:
        """Return the leading numeric factor of a product and the rest of it; 1 and this handle if there is none."""
        chain: list[Simplified] = []  # products and quotients, each the first operand of the one before it
        x: Simplified = self
        while (operation := x.operation).kind == "apply" and not operation.name:
            primitive = operation.attribute.primitive
            if primitive is primitives.neg:
                return -1.0, self._rebuilt(x.builder.operand(x), chain)
            if primitive is primitives.mul:
                number = _number(x.builder.operand(x))
                if number:  # a factor 0 stays, since 0 times inf is nan
                    return number, self._rebuilt(x.builder.operand(x, 1), chain)
            elif primitive is not primitives.div:
                break
            chain.append(x)
            x = x.builder.operand(x)
        return 1.0, self

    def _rebuilt(self, first: Simplified, chain: list[Simplified]) -> Simplified:
        """Return a chain of products and quotients with its first operand replaced."""
        for x in reversed(chain):
            first = first.apply(x.operation.attribute.primitive, (first, x.builder.operand(x, 1)))
        return first

    def _times_number(self, number: float) -> Any:
        """Return the product with a number, which is applied to the first factor: that may be a smaller array."""
        operation = self.operation
        if _applies(operation, primitives.mul) or _applies(operation, primitives.div):
            first, second = self.builder.operand(self), self.builder.operand(self, 1)
            if _number(first) is None:
                return self.apply(operation.attribute.primitive, (number * first, second))
            return self.apply(operation.attribute.primitive, (number * first.operation.attribute, second))
        if operation.kind == "broadcast" and not operation.name:
            return Simplified.of(self.builder.broadcast(number * self.builder.operand(self), self.shape))
        return -self if number == -1.0 else self.apply(primitives.mul, (number, self))

    def _negated(self, other: Any) -> Any:
        """Return the negative of a handle whose leading factor is negative; None for any other."""
        if not isinstance(other, Handle):
            return None
        number, x = Simplified.of(other).scaled()
        return -number * x if number < 0 else None


def _applies(operation: Operation, primitive: Any) -> bool:
    return (
        type(operation.attribute) is Application and operation.attribute.primitive is primitive and not operation.name
    )


def _number(x: Handle) -> float | None:
    operation = x.operation
    return operation.attribute if operation.kind == "constant" and isinstance(operation.attribute, float) else None


def _inverted(x: Handle) -> Handle | None:
    """Return the divisor of 1 / divisor."""
    if _applies(x.operation, primitives.div) and _number(x.builder.operand(x)) == 1.0:
        divisor: Handle = x.builder.operand(x, 1)
        return divisor
    return None


def _is(x: Any, number: float) -> bool:
    return isinstance(x, (int, float)) and x == number


def is_ordinary(number: float) -> bool:
    """Return whether a factor is moderate enough that multiplying by it neither overflows nor underflows."""
    return _SMALLEST < abs(number) < _LARGEST
