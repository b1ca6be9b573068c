"""Lay out the numbers of an unrolled program, resolving its structural operations into references.

Slices, broadcasts, concatenations and similar operations become references to the numbers that they read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.compiler.arrays.operations import Operation
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.transposes import GRADIENT

Reference = int
"""A number per sample: the place of an application or constant, or, after those, of one of `Layout.elements`."""


class Element(NamedTuple):
    """An element of an input array, or of several results that an operation computes together.

    Attributes:
        array: "x" for the arguments' numbers, "p" for the parameters, "seeds" for the cotangents of the results;
            "slopes" for the derivatives of a variadic primitive.
        at: the number of the element; for slopes, of the operand.
        place: the operation that it is a result of.
    """

    array: str
    at: int
    place: int


class Layout(NamedTuple):
    """A program and its numbers.

    Attributes:
        operations: the program's operations.
        references: the number of each operation with one number per sample.
        elements: the references from `len(operations)` on.
        order: the live operations that compute numbers, in order.
        first_backward: the first operation of the backward pass; `len(operations)` if there is none.
        results: the numbers of each output; an empty list for a zero gradient.
        arguments: the total count of the arguments' numbers.
    """

    operations: Sequence[Operation]
    references: list[Reference]
    elements: list[Element]
    order: list[int]
    first_backward: int
    results: list[list[Reference]]
    arguments: int

    def element(self, reference: Reference) -> Element | None:
        """Return the element of a reference; None for an operation."""
        at = reference - len(self.operations)
        return self.elements[at] if at >= 0 else None

    def slopes(self, place: int) -> list[Reference]:
        """Return the references of the slopes that an operation computes."""
        first = self.references[place]
        return list(range(first, first + len(self.operations[place].operands) - 1))


def lay_out(program: ArrayProgram) -> Layout:
    """Resolve the structure of an unrolled program.

    Raises:
        ValueError: if `recover.unrolled` did not build the program, or the program that it is the derivative of.
    """
    return _Resolver(program).layout()


class _Resolver:
    def __init__(self, program: ArrayProgram) -> None:
        self._program = program
        self._references: list[Reference] = list(range(len(program.operations)))
        self._elements: list[Element] = []
        self._columns: dict[int, list[Reference]] = {}  # the numbers of wider arrays
        self._arguments = 0
        self._first_backward = len(program.operations)

    def layout(self) -> Layout:
        operations = self._program.operations
        order = []
        for at, operation in enumerate(operations):
            if operation[0] == "apply":
                order.append(at)
            elif operation[0] == "slopes":
                order.append(at)
                self._columns[at] = self._new("slopes", at, len(operation.operands) - 1)
                self._references[at] = self._columns[at][0]
            elif operation[0] != "constant":
                columns = self._columns[at] = self._resolved(at, operation)
                if len(columns) == 1:
                    (self._references[at],) = columns
        results = [self._read(at) for at in self._program.outputs]
        for at, result in zip(self._program.outputs[1:], results[1:]):
            if not operations[at].shape:
                result.clear()  # the gradient is zero
        if self._program.masks:
            needed = self._program.needed(self._program.outputs)
            order = [at for at in order if at in needed]
        return Layout(
            operations, self._references, self._elements, order, self._first_backward, results, self._arguments
        )

    def _new(self, array: str, place: int, size: int, first: int = 0) -> list[Reference]:
        begin = len(self._program.operations) + len(self._elements)
        self._elements += [Element(array, first + k, place) for k in range(size)]
        return list(range(begin, begin + size))

    def _read(self, at: int) -> list[Reference]:
        """Return an array's numbers."""
        return list(self._columns.get(at, [self._references[at]]))

    def _resolved(self, at: int, operation: Operation) -> list[Reference]:
        """Return the numbers of a structural operation."""
        operands, attribute = operation.operands, operation.attribute
        match operation.kind:
            case "argument":
                return self._argument(at, *attribute)
            case "parameter":
                return [reference for k in attribute.array.tolist() for reference in self._new("p", at, 1, k)]
            case "slice":
                return self._read(*operands)[attribute.start : attribute.stop : attribute.step]
            case "concatenate":
                return [reference for k in operands for reference in self._read(k)]
            case "guard" | "reshape" | "broadcast":
                return self._read(*operands)
            case "reduce" if attribute.function == "sum" and attribute.axes == (0,):
                return self._read(*operands)  # storing gradients of parameters sums over samples
        raise ValueError(f"straight-line code does not support {operation.kind} {attribute!r}")

    def _argument(self, at: int, name: str, shape: tuple[object, int]) -> list[Reference]:
        _, width = shape
        if name == GRADIENT:
            self._first_backward = at
            return self._new("seeds", at, width)
        self._arguments += width
        return self._new("x", at, width, self._arguments - width)
