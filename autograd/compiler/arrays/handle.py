"""Handles: results of operations of a program under construction; the derivative table's rules compute with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd import primitives
from autograd.compiler.arrays.operations import Application, Operation, Shape
from autograd.compiler.arrays.operators import Written
from autograd.primitives import Primitive

if TYPE_CHECKING:
    from autograd.compiler.arrays.builder import Builder


class Handle(Written):
    """The result of an operation of a program under construction, which its arithmetic extends.

    Attributes:
        builder: the program's builder.
        at: the operation's place in the program.
    """

    at: int
    builder: Builder

    __slots__ = ("at", "builder")

    def __init__(self, builder: Builder, at: int) -> None:
        self.builder, self.at = builder, at

    @property
    def operation(self) -> Operation:
        return self.builder.operations[self.at]

    @property
    def shape(self) -> Shape:
        return self.builder.operations[self.at].shape

    def named(self, name: str) -> Handle:
        """Name the result; if it already has another name, return a copy with the new one."""
        builder, operation = self.builder, self.operation
        if operation.name == name:
            return self
        if operation.name or operation.kind in ("parameter", "argument", "index", "constant"):
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

    def __repr__(self) -> str:
        return f"<{self.operation.name or f'v{self.at}'} {self.shape}>"
