"""Handles: results of operations that the derivative table's rules are fed with, to extend a program that is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Never

from autograd import primitives
from autograd.compiler.arrays.operations import Application, Operation, Shape
from autograd.compiler.trace.tracing import COMPARISONS
from autograd.primitives import Primitive
from autograd.table import Operand

if TYPE_CHECKING:
    from autograd.compiler.arrays.builder import Builder


class Handle(Operand):
    """The result of an operation of a program that is being built. Its arithmetic is recorded as it is written.

    Attributes:
        builder: of the program.
        at: the operation's place in it.
    """

    __slots__ = ("at", "builder")

    __array_ufunc__ = None  # so that NumPy's functions refuse it

    def __init__(self, builder: Builder, at: int) -> None:
        self.builder, self.at = builder, at

    @property
    def operation(self) -> Operation:
        return self.builder.operations[self.at]

    @property
    def shape(self) -> Shape:
        return self.builder.operations[self.at].shape

    def named(self, name: str) -> Handle:
        """Give the result a name; one that has another name already is copied under this one."""
        builder, operation = self.builder, self.operation
        if operation.name == name:
            return self
        if operation.name or operation.kind in ("parameter", "argument", "constant"):
            copied: Handle = self.like(builder.add("apply", (self.at,), Application(primitives.identity), name))
            return copied
        builder.operations[self.at] = operation._replace(name=name)
        return self

    def like(self, at: int) -> Any:
        """Return the handle of another operation, of the same type as this one."""
        return type(self)(self.builder, at)

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Any:
        """Apply a primitive to handles and numbers."""
        return self.like(self.builder.apply(primitive, *inputs).at)

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
        if isinstance(exponent, Handle):
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

    __hash__ = object.__hash__

    def __bool__(self) -> Never:
        raise TypeError("a rule of the derivative table branches on a number that is not known at compile time")

    def __float__(self) -> Never:
        raise TypeError("a rule of the derivative table takes the float of a number that is not known at compile time")

    def __repr__(self) -> str:
        return f"<{self.operation.name or f'v{self.at}'} {self.shape}>"
