"""Symbols: what the derivative table's rules are fed with to give source. A symbol is a piece of source text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Never, TypeVar

from autograd import primitives
from autograd.primitives import Primitive, Rule
from autograd.table import Operand

T = TypeVar("T")

ATOM, POWER, SIGN, PRODUCT, SUM, COMPARISON = 9, 8, 7, 6, 5, 3  # how tightly the outermost operator of a text binds

LONG = 12  # characters of a number, from which on a fraction would be easier to read

INFIX = {
    "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT,
    "<": COMPARISON, "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON, "==": COMPARISON, "!=": COMPARISON,
}  # fmt: skip
OPERATORS = {primitives.add: "+", primitives.sub: "-", primitives.mul: "*", primitives.div: "/"}


class Symbol(Operand):
    """A piece of source that stands for a number, or for an array of them.

    Attributes:
        text: the source.
        binding: how tightly its outermost operator binds.
        width: how many columns the array has that it stands for; 1 goes with any other.
        call: gives the name under which the source calls a primitive.
        mask: of `1.0 * condition` the condition, which as a factor does without the 1.0.
        scaled: of a number times something, the number and the something, so that numbers meet in one.
        inverted: of `1 / x` the x, by which a product with it divides.
    """

    __slots__ = ("binding", "call", "inverted", "mask", "scaled", "text", "width")

    __array_ufunc__ = None  # so that NumPy's functions refuse it

    def __init__(self, text: str, binding: int, width: int, call: Callable[[Primitive], str]) -> None:
        self.text, self.binding, self.width, self.call = text, binding, width, call
        self.mask: Symbol | None = None
        self.scaled: tuple[float, Symbol] | None = None
        self.inverted: Symbol | None = None

    def of_kind(self, kind: type[Symbol]) -> Symbol:
        """The same source as a symbol whose arithmetic is of another kind."""
        return kind(self.text, self.binding, self.width, self.call)

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Any:
        """A primitive of symbols and numbers, as source."""
        if primitive in OPERATORS:
            return self._infix(OPERATORS[primitive], *inputs)
        if primitive is primitives.neg:
            return -inputs[0]
        if primitive is primitives.constant_power:
            return power(*inputs)
        if primitive.symbol in ("<", "<=", ">", ">=", "==", "!="):
            return 1.0 * self._infix(primitive.symbol, *inputs)
        width = max([x.width for x in inputs if isinstance(x, Symbol)])
        return Symbol(f"{self.call(primitive)}({', '.join(map(written, inputs))})", ATOM, width, self.call)

    def _infix(self, operator: str, a: Any, b: Any) -> Any:
        binding = INFIX[operator]
        if operator == "*" and isinstance(a, Symbol) and isinstance(b, Symbol):
            if a.mask is not None:
                a = a.mask
            elif b.mask is not None:
                b = b.mask
        left = _operand(a, binding + (operator != "@" and _is_matrix_product(a) and binding == PRODUCT), leads=True)
        right = _operand(b, binding if operator in "+*" and not _is_matrix_product(b) else binding + 1)
        width = max([x.width for x in (a, b) if isinstance(x, Symbol)])
        if operator in "+-" and right.startswith("-"):
            operator, right = "-+"[operator == "-"], right[1:]
        return Symbol(f"{left} {operator} {right}", binding, width, self.call)

    def __add__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self._infix("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self._infix("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self._infix("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return -self if _is(other, 0.0) else self._infix("-", other, self)

    def __mul__(self, other: Any) -> Any:
        if _is(other, 0.0):
            return 0.0
        if _is(other, 1.0) and self.binding != COMPARISON:
            return self
        if _is(other, -1.0):
            return -self
        if not isinstance(other, Symbol):
            return other * self
        if self.scaled or other.scaled:
            a, x = self.scaled or (1.0, self)
            b, y = other.scaled or (1.0, other)
            if _is_ordinary(a * b) and not x.binding == y.binding == COMPARISON:
                return a * b * (x * y)
        if other.inverted is not None:
            return self / other.inverted
        if self.inverted is not None:
            return other / self.inverted
        return self._infix("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        if _is(other, 0.0):
            return 0.0
        if _is(other, 1.0) and self.binding != COMPARISON:
            return self
        if _is(other, -1.0):
            return -self
        if self.scaled is not None and _is_ordinary(other * self.scaled[0]):
            return other * self.scaled[0] * self.scaled[1]
        product = self._infix("*", other, self)
        if _is(other, 1.0):
            product.mask = self
        else:
            product.scaled = other, self
        return product

    def __truediv__(self, other: Any) -> Any:
        return self if _is(other, 1.0) else self._infix("/", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        quotient = self._infix("/", other, self)
        if _is(other, 1.0):
            quotient.inverted = self
        elif not isinstance(other, Symbol):
            quotient.scaled = other, 1 / self
        return quotient

    def __matmul__(self, other: Any) -> Any:
        return self._infix("@", self, other)

    def __pow__(self, exponent: Any) -> Any:
        return self.apply(primitives.power, (self, exponent)) if isinstance(exponent, Symbol) else power(self, exponent)

    def __rpow__(self, base: Any) -> Any:
        return self.apply(primitives.power, (base, self))

    def __neg__(self) -> Any:
        if self.binding == SIGN:
            return Symbol(self.text[1:], PRODUCT, self.width, self.call)
        if self.binding == PRODUCT and self.text.startswith("-"):
            return Symbol(self.text[1:], PRODUCT, self.width, self.call)
        binding = PRODUCT if self.binding == PRODUCT else SIGN
        return Symbol(f"-{written(self, PRODUCT if self.binding == PRODUCT else SIGN)}", binding, self.width, self.call)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.apply(primitives.absolute, (self,))

    def __lt__(self, other: Any) -> Any:
        return self._infix("<", self, other)

    def __le__(self, other: Any) -> Any:
        return self._infix("<=", self, other)

    def __gt__(self, other: Any) -> Any:
        return self._infix(">", self, other)

    def __ge__(self, other: Any) -> Any:
        return self._infix(">=", self, other)

    def __eq__(self, other: object) -> Any:
        return self._infix("==", self, other)

    def __ne__(self, other: object) -> Any:
        return self._infix("!=", self, other)

    __hash__ = object.__hash__

    def __bool__(self) -> Never:
        raise TypeError("a rule of the derivative table branches on a number that is not known at compile time")

    def __float__(self) -> Never:
        raise TypeError("a rule of the derivative table takes the float of a number that is not known at compile time")

    def __repr__(self) -> str:
        return f"<symbol {self.text}>"


def own_expression(
    primitive: Primitive, given: Callable[[Rule], Sequence[Any]], kind: type[T]
) -> tuple[Sequence[Any], T] | None:
    """What a rule of the primitive's own is given and makes of it, where that is an expression of symbols' kind."""
    for rule in (primitive.array, primitive.forward):
        if rule is None:
            continue
        try:
            inputs = given(rule)
            result = rule(*inputs)
        except (TypeError, ValueError, AttributeError):
            continue
        if isinstance(result, kind):
            return inputs, result
    return None


def power(x: Any, exponent: float) -> Any:
    """x to a power that is a number."""
    if exponent == 1:
        return x
    if not isinstance(x, Symbol):
        return x**exponent
    if exponent == 0:
        return 1.0
    if float(exponent).is_integer() and abs(exponent) < 1000:
        return Symbol(f"{written(x, ATOM)} ** {int(exponent)}", POWER, x.width, x.call)
    return Symbol(f"{x.call(primitives.power)}({x.text}, {written(float(exponent))})", ATOM, x.width, x.call)


def written(x: Any, binding: int = 0) -> str:
    """A symbol or number as source, in parentheses where its operator binds less tightly than `binding`."""
    if isinstance(x, Symbol):
        return f"({x.text})" if x.binding < binding else x.text
    return _enclosed(number(x), binding)


def _enclosed(text: str, binding: int) -> str:
    return f"({text})" if binding > SUM and (text.startswith("-") or "/" in text) else text


def _operand(x: Any, binding: int, leads: bool = False) -> str:
    """An operand of an infix operator: a whole number need not say that it is a float, the first may have a sign."""
    if not isinstance(x, (int, float)):
        return written(x, binding)
    text = str(int(x)) if float(x).is_integer() and abs(x) < 1e6 and repr(x) != "-0.0" else number(x)
    return text if leads else _enclosed(text, binding)


def reshaped(x: Symbol, shape: str) -> str:
    """A symbol in another shape; how it was flattened before does not matter then."""
    text = written(x, ATOM)
    flattened = re.search(r"\.reshape\((?:-1, )?\d+\)$", text)
    return f"{text[: flattened.start()] if flattened else text}.reshape({shape})"


def number(x: Any) -> str:
    """A number as source: 3.0 as it is, 0.3333333333333333 as 1 / 3, inf and nan by names."""
    x = float(x)
    if x != x:
        return "nan"
    if x in (float("inf"), float("-inf")):
        return "inf" if x > 0 else "-inf"
    text = repr(x)
    if len(text) > LONG and 1e-4 < abs(x) < 1:
        for above in (1, 2, 3, 4):
            below = round(above / abs(x))
            if above / below == abs(x):
                return f"{'-' * (x < 0)}{above} / {below}"
    return text


def _is(x: Any, value: float) -> bool:
    return isinstance(x, (int, float)) and x == value


def _is_ordinary(number: float) -> bool:
    """Whether a product of numbers has neither overflowed nor vanished."""
    return 1e-200 < abs(number) < 1e200


def _is_matrix_product(x: Any) -> bool:
    return isinstance(x, Symbol) and x.binding == PRODUCT and " @ " in x.text
