"""Symbols whose arithmetic is written as it stands, for forward passes, which round as the graph does."""

from __future__ import annotations

from typing import Any

from autograd.compiler.symbols import ATOM, INFIX, Symbol


def infix(operator: str, a: Any, b: Any) -> Symbol:
    """An operator applied to symbols or numbers as it stands, at least one of them a symbol."""
    symbol: Symbol = a if isinstance(a, Symbol) else b
    if isinstance(b, Symbol) and b.binding == INFIX[operator]:
        b = Symbol(f"({b.text})", ATOM, b.width, b.call)
    found: Symbol = Symbol._infix(symbol, operator, a, b)
    return found


def exact_product(c: Any, *factors: Symbol) -> Symbol:
    """A number or an array of numbers times symbols, from left to right."""
    first, *rest = factors
    if isinstance(c, Symbol) or abs(c) != 1.0:
        first = infix("*", c, first)
    elif c < 0:
        first = -first
    for factor in rest:
        first = infix("*", first, factor)
    return first


class ExactSymbol(Symbol):
    """What the rule of a primitive is fed with that computes its value: numbers do not meet, and none is left out."""

    __slots__ = ()

    def _infix(self, operator: str, a: Any, b: Any) -> Any:
        return infix(operator, a, b).of_kind(ExactSymbol)

    def apply(self, primitive: Any, inputs: tuple[Any, ...]) -> Any:
        return super().apply(primitive, inputs).of_kind(ExactSymbol)

    def __add__(self, other: Any) -> Any:
        return self._infix("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._infix("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._infix("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._infix("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._infix("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._infix("*", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._infix("/", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._infix("/", other, self)

    def __pow__(self, exponent: Any) -> Any:
        found = super().__pow__(exponent)
        return found.of_kind(ExactSymbol) if isinstance(found, Symbol) else found

    def __neg__(self) -> Any:
        return super().__neg__().of_kind(ExactSymbol)
