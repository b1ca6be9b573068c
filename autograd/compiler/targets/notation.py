"""Rewrite operations in NumPy's notation: several operations for which NumPy has one become one.

`x.repeat(3, axis=1)` and `tile(x, 3)` are a reshape of a broadcast of a reshape, and `x[0]` is a reshape of a slice.
Functions that work only along the last axis are written with transpositions along other axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd import primitives
from autograd.compiler.arrays.operations import (
    Application,
    Batch,
    Labels,
    Length,
    Operation,
    Reduction,
    Shape,
    Slice,
    listed,
)
from autograd.compiler.arrays.program import LEAVES, ArrayProgram
from autograd.compiler.arrays.shapes import size
from autograd.compiler.targets.contractions import product_order
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.primitives import TABLE, Primitive

INFIX = {primitives.add: "+", primitives.sub: "-", primitives.mul: "*", primitives.div: "/"}

_READ = (*LEAVES, "result")
"""Kinds that have a name, but no statement."""

SLOPES = frozenset({row.reduces for row in TABLE.values() if row.reduces})
"""The functions that compute the derivatives of reducing primitives."""

_OTHERS = frozenset({primitives.neg, primitives.constant_power, primitives.identity})


def comparison(primitive: Primitive) -> str:
    """Return the operator of a comparison; "" for other primitives."""
    return primitive.symbol if primitive.symbol in COMPARISONS else ""


def is_operator(primitive: Primitive) -> bool:
    """Return whether a primitive is written with an operator instead of a call."""
    return primitive in INFIX or primitive in _OTHERS or bool(comparison(primitive))


class Term(NamedTuple):
    """An operation as it is written: one of a program's kinds, or one of these.

    - "repeat": each column repeated; attribute: the count.
    - "tile": all columns repeated; attribute: the count.
    - "element": one place along an axis; attribute: the axis and the place.
    - "stack": arrays stacked along a new axis; attribute: the axis.
    - "number": a float, the attribute.
    - "softmax", "shares", "products_of_others": the derivatives of a reducing primitive.
    """

    kind: str
    operands: tuple[int, ...]
    attribute: Any
    shape: Shape
    name: str = ""


class Notation:
    """The terms of a program.

    Attributes:
        terms: one for each operation of the program, then others that these refer to.
    """

    def __init__(self, program: ArrayProgram) -> None:
        self._operations = program.operations
        self.terms: list[Term] = [Term(*operation) for operation in program.operations]
        for at, operation in enumerate(program.operations):
            if operation.kind in _READINGS:
                self.terms[at] = _READINGS[operation.kind](self, operation)

    def is_statement(self, at: int) -> bool:
        """Return whether an operation is a statement."""
        term = self.terms[at]
        return (bool(term.name) and term.kind not in _READ) or term.kind == "loop"

    def is_inline(self, at: int) -> bool:
        """Return whether an operation is written where it is read."""
        return not self.terms[at].name and self.terms[at].kind != "number"

    def _add(self, kind: str, x: int, attribute: Any, shape: Shape) -> int:
        self.terms.append(Term(kind, (x,), attribute, shape))
        return len(self.terms) - 1

    def _plain(self, at: int, kind: str) -> Operation | None:
        """Return the operation if it is unnamed and of this kind, else None."""
        operation = self._operations[at]
        return operation if operation.kind == kind and not operation.name else None

    def _constant(self, operation: Operation) -> Term:
        is_number = isinstance(operation.attribute, float)
        return Term("number" if is_number else "constant", *operation[1:])

    def _guard(self, operation: Operation) -> Term:
        return Term("apply", operation.operands, Application(primitives.identity), operation.shape, operation.name)

    def _slopes(self, operation: Operation) -> Term:
        kind = operation.attribute.reduces
        operands = (
            operation.operands if kind == "shares" else operation.operands[:-1]
        )  # the others do not need the result
        return Term(kind, operands, *operation[2:])

    def _reshape(self, operation: Operation) -> Term:
        part = self._plain(operation.operands[0], "slice")
        if part is not None and (axis := _dropped_axis(operation.shape, part)) is not None:
            return Term("element", part.operands, (axis, part.attribute.start), operation.shape, operation.name)
        repeated = self._plain(operation.operands[0], "broadcast")
        reading = repeated and self._repetition(operation.shape, repeated)
        if reading is None:
            return Term(*operation)
        kind, x, times = reading
        return Term(kind, (x,), times, operation.shape, operation.name)

    def _repetition(self, shape: Shape, broadcast: Operation) -> tuple[str, int, int] | None:
        """Read (…, a) to (…, a, k) to (…, a * k) as a repetition, and (…, a) to (…, k, a) to (…, k * a) as tiling."""
        (x,) = broadcast.operands
        wide = broadcast.shape
        before = (*(1,) * (len(wide) - len(self._operations[x].shape)), *self._operations[x].shape)
        if len(wide) < 2 or len(shape) != len(wide) - 1 or shape[:-1] != wide[:-2]:
            return None
        a, b = wide[-2:]
        if before == (*wide[:-2], a, 1) and isinstance(b, int):
            kind, own, times = "repeat", a, b
        elif before == (*wide[:-2], 1, b) and isinstance(a, int):
            kind, own, times = "tile", b, a
        else:
            return None
        return kind, self._reshaped(x, (*wide[:-2], own)), times

    def _pad(self, operation: Operation) -> Term:
        padding, (x,) = operation.attribute, operation.operands
        return self._along_last(operation, padding.axis, padding._replace(axis=len(operation.shape) - 1), x)

    def _reduce(self, operation: Operation) -> Term:
        reduction, (x,) = operation.attribute, operation.operands
        if reduction.function != "logsumexp":
            return Term(*operation)
        (axis,), shape = reduction.axes, self._operations[x].shape
        last = len(shape) - 1
        flat = (*shape[:axis], *shape[axis + 1 :])
        if axis != last:
            x = self._moved_last(x, axis, shape)
        plain = Reduction("logsumexp", (last,))
        if not reduction.keepdims:
            return Term("reduce", (x,), plain, flat, operation.name)
        reduced = self._add("reduce", x, plain, flat)
        return Term("reshape", (reduced,), operation.shape, operation.shape, operation.name)

    def _concatenate(self, operation: Operation) -> Term:
        axis, parts = operation.attribute, operation.operands
        inner = [self._plain(k, "reshape") for k in parts]
        sources = [part.operands[0] for part in inner if part is not None]
        flat = (*operation.shape[:axis], *operation.shape[axis + 1 :])
        is_stack = len(sources) == len(parts) == operation.shape[axis] and len(parts) > 1
        if is_stack and all(self._operations[k].shape == flat for k in sources):
            return Term("stack", tuple(sources), axis, operation.shape, operation.name)
        return Term(*operation)

    def _contract(self, operation: Operation) -> Term:
        """Write a contraction as a matrix product, with axes transposed and joined as necessary."""
        labels, operands = self._joined_sums(operation)
        order = product_order(labels)
        if order == labels.result:
            return Term("contract", operands, labels, operation.shape, operation.name)
        axes = tuple([order.index(label) for label in labels.result])
        shape = tuple([operation.shape[labels.result.index(label)] for label in order])
        self.terms.append(Term("contract", operands, labels._replace(result=order), shape))
        return Term("transpose", (len(self.terms) - 1,), axes, operation.shape, operation.name)

    def _joined_sums(self, operation: Operation) -> tuple[Labels, tuple[int, ...]]:
        """Join several summed axes into one: `d.reshape(-1, 3).T @ x.reshape(-1, 4)`."""
        labels: Labels = operation.attribute
        several = "".join([label for label in labels.left if label in labels.right and label not in labels.result])
        if len(several) < 2 or several not in labels.left or several not in labels.right:
            return labels, operation.operands
        operands = []
        for side, x in zip(labels[:2], operation.operands):
            shape, first = self._operations[x].shape, side.index(several)
            end = first + len(several)
            operands.append(self._reshaped(x, (*shape[:first], _product(shape[first:end]), *shape[end:])))
        return Labels(*[x.replace(several, several[0]) for x in labels]), tuple(operands)

    def _place(self, operation: Operation) -> Term:
        (x,), index = operation.operands, operation.attribute.positions.array
        if index.ndim > 1:
            x = self._reshaped(x, (*self._operations[x].shape[: -index.ndim], index.size))
        return Term("place", (x,), *operation[2:])

    def _reshaped(self, x: int, shape: Shape) -> int:
        inner = self._plain(x, "reshape")
        source = x if inner is None else inner.operands[0]
        return source if self._operations[source].shape == shape else self._add("reshape", source, shape, shape)

    def _along_last(self, operation: Operation, axis: int, attribute: Any, x: int) -> Term:
        shape = operation.shape
        last = len(shape) - 1
        if axis == last:
            return Term(*operation)
        moved = self._moved_last(x, axis, self._operations[x].shape)
        there = (*shape[:axis], *shape[axis + 1 :], shape[axis])
        result = self._add(operation.kind, moved, attribute, there)
        back = (*range(axis), last, *range(axis, last))
        return Term("transpose", (result,), back, shape, operation.name)

    def _moved_last(self, x: int, axis: int, shape: Shape) -> int:
        order = (*(k for k in range(len(shape)) if k != axis), axis)
        return self._add("transpose", x, order, tuple([shape[k] for k in order]))


def _dropped_axis(shape: Shape, part: Operation) -> int | None:
    """Return the axis along which a slice has one element, if the shape lacks that axis."""
    cut: Slice = part.attribute
    is_one = part.shape[cut.axis] == 1
    return cut.axis if is_one and shape == (*part.shape[: cut.axis], *part.shape[cut.axis + 1 :]) else None


def _product(lengths: Sequence[Length]) -> Length:
    """Return the length of the axis that results from joining axes."""
    count, batches = size(tuple(lengths))
    return Batch(count) if batches else count


_READINGS = {
    "concatenate": Notation._concatenate,
    "constant": Notation._constant,
    "contract": Notation._contract,
    "guard": Notation._guard,
    "slopes": Notation._slopes,
    "reshape": Notation._reshape,
    "pad": Notation._pad,
    "place": Notation._place,
    "reduce": Notation._reduce,
}


def lengths(shape: Shape) -> list[str]:
    """Return the lengths of axes as arguments of a reshape, which infers the number of samples.

    >>> lengths((Batch(1), 3, 2))
    ['-1', '3', '2']
    """
    return ["-1" if isinstance(length, Batch) else str(length) for length in shape]


def described(term: Term) -> str:
    """Return the comment on the shape of a statement's result."""
    several = len(term.operands) - (term.kind == "shares")
    if term.kind in SLOPES and several > 1:
        return f"{several} of {listed(term.shape[1:])}"
    return listed(term.shape)


def _has_samples(shapes: Any) -> bool:
    """Return whether a result of a loop, which may need an allocation, has a row for each sample."""
    return any(isinstance(length, Batch) for shape in shapes for length in shape)


def reads_samples(term: Term) -> bool:
    """Return whether an expression contains the number of samples, n."""
    if term.kind == "loop":
        return _has_samples(term.shape) or any(map(reads_samples, Notation(term.attribute.body).terms))
    return term.kind == "broadcast" and any(isinstance(length, Batch) for length in term.shape)
