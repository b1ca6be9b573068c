"""Python's operators for placeholders of numbers, which write a program as they are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Never

from autograd import primitives
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.table import Operand


class Written(Operand):
    """An operand whose arithmetic is recorded: each operator applies its primitive."""

    __slots__ = ()

    __array_ufunc__ = None  # so that NumPy's functions reject it

    def __add__(self, other: Any) -> Any:
        return self.apply(primitives.add, (self, other))

    def __radd__(self, other: Any) -> Any:
        return self.apply(primitives.add, (other, self))

    def __sub__(self, other: Any) -> Any:
        return self.apply(primitives.sub, (self, other))

    def __rsub__(self, other: Any) -> Any:
        return self.apply(primitives.sub, (other, self))

    def __mul__(self, other: Any) -> Any:
        return self.apply(primitives.mul, (self, other))

    def __rmul__(self, other: Any) -> Any:
        return self.apply(primitives.mul, (other, self))

    def __truediv__(self, other: Any) -> Any:
        return self.apply(primitives.div, (self, other))

    def __rtruediv__(self, other: Any) -> Any:
        return self.apply(primitives.div, (other, self))

    def __pow__(self, exponent: Any) -> Any:
        if isinstance(exponent, Written):
            return self.apply(primitives.power, (self, exponent))
        return self.apply(primitives.constant_power, (self, float(exponent)))

    def __rpow__(self, base: Any) -> Any:
        return self.apply(primitives.power, (base, self))

    def __neg__(self) -> Any:
        return self.apply(primitives.neg, (self,))

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.apply(primitives.absolute, (self,))

    def __lt__(self, other: Any) -> Any:
        return self.apply(COMPARISONS["<"], (self, other))

    def __le__(self, other: Any) -> Any:
        return self.apply(COMPARISONS["<="], (self, other))

    def __gt__(self, other: Any) -> Any:
        return self.apply(COMPARISONS[">"], (self, other))

    def __ge__(self, other: Any) -> Any:
        return self.apply(COMPARISONS[">="], (self, other))

    def __eq__(self, other: object) -> Any:
        return self.apply(COMPARISONS["=="], (self, other))

    def __ne__(self, other: object) -> Any:
        return self.apply(COMPARISONS["!="], (self, other))

    if TYPE_CHECKING:

        def __hash__(self) -> int: ...
    else:
        __hash__ = object.__hash__

    def __bool__(self) -> Never:
        raise TypeError("a rule of the derivative table branches on a number that is not known at compile time")

    def __float__(self) -> Never:
        raise TypeError("a rule of the derivative table takes the float of a number that is not known at compile time")
