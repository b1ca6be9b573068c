"""Build array programs operation by operation; merge common subexpressions and skip operations without effect.

A `Handle` refers to the result of an operation. The rules of the derivative table extend a program when they are given
handles, as they extend a graph when they are given Values; the handles of `algebra.py` simplify what rules compute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autograd.arrays import np
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.loop import Loop
from autograd.compiler.arrays.operations import (
    Accumulation,
    Application,
    Batch,
    Data,
    Kind,
    Labels,
    N,
    Operation,
    Padding,
    Placement,
    Reduction,
    Shape,
    Slice,
)
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.arrays.shapes import broadcast_shape, infer
from autograd.primitives import Primitive


class Builder:
    """A program under construction.

    Args:
        program: the program to extend; by default an empty one.

    Attributes:
        operations: so far.
    """

    def __init__(self, program: ArrayProgram | None = None) -> None:
        self.operations: list[Operation] = list(program.operations) if program else []
        self._places = {_key(o.kind, o.operands, o.attribute): at for at, o in enumerate(self.operations)}

    def program(
        self, outputs: Iterable[Handle], layers: Mapping[int, int] | None = None, masks: Iterable[Handle] = ()
    ) -> ArrayProgram:
        """Return the finished program."""
        places, of_masks = ([x.at for x in handles] for handles in (outputs, masks))
        return ArrayProgram(tuple(self.operations), tuple(places), dict(layers or {}), tuple(of_masks))

    def add(self, kind: Kind, operands: tuple[int, ...], attribute: Any, name: str = "") -> int:
        """Return the place of an operation, adding it unless it has no name and an equal one exists."""
        key = _key(kind, operands, attribute)
        at = self._places.get(key)
        if at is not None and not name:
            return at
        operations = self.operations
        shapes = [operations[k].shape for k in operands]
        if kind == "apply" and shapes.count(shapes[0]) == len(shapes):
            shape = shapes[0]
        else:
            shape = infer(kind, shapes, attribute)
        self._places.setdefault(key, len(operations))
        operations.append(Operation(kind, operands, attribute, shape, name))
        return len(operations) - 1

    def _add(self, kind: Kind, operands: Sequence[Handle], attribute: Any, name: str = "") -> Handle:
        at = self.add(kind, tuple([x.at for x in operands]), attribute, name)
        handle: Handle = operands[0].like(at) if operands else Handle(self, at)
        return handle

    # Leaves

    def argument(self, name: str, width: int | Shape) -> Handle:
        """Add an argument: a row of the given width for each sample or, in a loop's body, an array of any shape."""
        return self._add("argument", (), (name, (N, width) if isinstance(width, int) else width), name)

    def parameter(self, positions: Any, name: str = "") -> Handle:
        """Add an array of parameters: the elements of the parameter vector at positions, in the shape of these."""
        index = Data(np.array(positions, dtype=np.int64))
        known = self._places.get(_key("parameter", (), index))
        return Handle(self, known) if known is not None else self._add("parameter", (), index, name)

    def constant(self, numbers: Any) -> Handle:
        """Add a number, or an array of numbers."""
        if isinstance(numbers, (float, int)):
            return self._add("constant", (), float(numbers))
        return self._add("constant", (), Data(numbers))

    # Elementwise

    def apply(self, primitive: Primitive, *inputs: Any, careful: bool = False, name: str = "") -> Handle:
        """Apply a primitive elementwise. Explicit broadcasts of operands are dropped where implicit ones suffice."""
        handles = [x if isinstance(x, Handle) else self.constant(x) for x in inputs]
        first = next((x for x in inputs if isinstance(x, Handle)), handles[0])
        if len(handles) > 1 and any(self._is_plain(x, "broadcast") for x in handles):
            shape = broadcast_shape([x.shape for x in handles])
            for k, x in enumerate(handles):
                if self._is_plain(x, "broadcast"):
                    others = [*handles[:k], self.operand(x), *handles[k + 1 :]]
                    if broadcast_shape([y.shape for y in others]) == shape:
                        handles = others
        result: Handle = first.like(
            self.add("apply", tuple([x.at for x in handles]), Application(primitive, careful), name)
        )
        return result

    def operand(self, x: Handle, k: int = 0) -> Any:
        """Return an operand of a handle's operation."""
        return x.like(x.operation.operands[k])

    def _is_plain(self, x: Handle, kind: Kind) -> bool:
        """Return whether this is an unnamed operation of a kind."""
        operation = self.operations[x.at]
        return operation.kind == kind and not operation.name

    # Sums

    def contract(self, a: Handle, b: Handle, left: str, right: str, result: str) -> Handle:
        """Sum products over the axes that are not in the result; transpositions of operands are folded into the labels.

        >>> b = Builder()
        >>> x, w = b.argument("x", 4), b.parameter([[0, 1, 2, 3], [4, 5, 6, 7]], "w")
        >>> b.contract(x, w, "nk", "ck", "nc").shape
        (Batch(times=1), 2)
        """
        a, left = self._without_transposition(a, left)
        b, right = self._without_transposition(b, right)
        return self._add("contract", (a, b), Labels(left, right, result))

    def _without_transposition(self, x: Handle, labels: str) -> tuple[Handle, str]:
        if not self._is_plain(x, "transpose"):
            return x, labels
        axes = x.operation.attribute
        return self.operand(x), "".join([labels[axes.index(k)] for k in range(len(axes))])

    def reduce(
        self, x: Handle, function: str, axes: Sequence[int], keepdims: bool = False, careful: bool = False
    ) -> Handle:
        """Reduce along axes."""
        if not axes:
            return x
        axes = tuple(sorted(axes))
        if function == "sum":
            repeated = self._summed_broadcast(x, axes, keepdims)
            if repeated is not None:
                return repeated
        return self._add("reduce", (x,), Reduction(function, axes, keepdims, careful))

    def _summed_broadcast(self, x: Handle, axes: tuple[int, ...], keepdims: bool) -> Handle | None:
        """Sum a broadcast array along its broadcast axes, by multiplying the source by the number of repetitions."""
        if not self._is_plain(x, "broadcast"):
            return None
        source = self.operand(x)
        before: Shape = (*(1,) * (len(x.shape) - len(source.shape)), *source.shape)
        count = 1
        for axis in axes:
            length = x.shape[axis]
            if before[axis] != 1 or isinstance(length, Batch):
                return None
            count *= length
        rest = [1 if k in axes else length for k, length in enumerate(x.shape)]
        total = self.broadcast(self.reshape(source, before), tuple(rest))
        if not keepdims:
            total = self.reshape(total, tuple([length for k, length in enumerate(rest) if k not in axes]))
        return float(count) * total if count != 1 else total

    def slopes(self, primitive: Primitive, arrays: Sequence[Handle], out: Handle) -> Handle:
        """Compute the derivatives of a reducing primitive: over one array's last axis, or over several arrays."""
        return self._add("slopes", (*arrays, out), primitive)

    # Structure

    def reshape(self, x: Handle, shape: Shape) -> Handle:
        """Change the shape; earlier reshapes are folded into this one."""
        while self._is_plain(x, "reshape"):
            x = self.operand(x)
        if self._is_plain(x, "reduce") and x.shape != shape:
            inner, reduction = self.operand(x), x.operation.attribute
            other = reduction._replace(keepdims=not reduction.keepdims)
            if shape == infer("reduce", [inner.shape], other):
                return self._add("reduce", (inner,), other)
        return x if x.shape == shape else self._add("reshape", (x,), shape)

    def transpose(self, x: Handle, axes: Sequence[int]) -> Handle:
        """Permute axes."""
        axes = tuple(axes)
        if self._is_plain(x, "transpose"):
            inner = x.operation.attribute
            x, axes = self.operand(x), tuple([inner[k] for k in axes])
        if axes == tuple(range(len(axes))):
            return x
        if self._is_plain(x, "contract"):
            left, right, result = x.operation.attribute
            labels = Labels(left, right, "".join([result[k] for k in axes]))
            return self._add("contract", (self.operand(x), self.operand(x, 1)), labels)
        return self._add("transpose", (x,), axes)

    def broadcast(self, x: Handle, shape: Shape) -> Handle:
        """Repeat along axes of length 1, and along new ones in front."""
        if self._is_plain(x, "broadcast") or (self._is_plain(x, "reshape") and self.operand(x).shape == ()):
            x = self.operand(x)
        return x if x.shape == shape else self._add("broadcast", (x,), shape)

    def slice(self, x: Handle, axis: int, start: int, stop: int, step: int = 1) -> Handle:
        """Take a range along an axis."""
        if (start, stop, step) == (0, x.shape[axis], 1):
            return x
        inner = x.operation
        if inner.kind == "slice" and inner.attribute.axis == axis and not inner.name:
            by = inner.attribute.step
            first, last = inner.attribute.start + by * start, inner.attribute.start + by * (stop - 1)
            return self.slice(self.operand(x), axis, first, last + 1, by * step)
        if inner.kind == "broadcast" and not inner.name:
            return self._slice_of_broadcast(x, Slice(axis, start, stop, step))
        return self._add("slice", (x,), Slice(axis, start, stop, step))

    def _slice_of_broadcast(self, x: Handle, part: Slice) -> Handle:
        """Slice before broadcasting."""
        source = self.operand(x)
        own = part.axis - (len(x.shape) - len(source.shape))
        if own >= 0 and source.shape[own] != 1:
            source = self.slice(source, own, *part[1:])
        return self.broadcast(source, infer("slice", [x.shape], part))

    def concatenate(self, parts: Sequence[Handle], axis: int) -> Handle:
        """Join arrays along an axis."""
        return parts[0] if len(parts) == 1 else self._add("concatenate", parts, axis)

    def pad(self, x: Handle, axis: int, start: int, stop: int, step: int, length: int) -> Handle:
        """Put zeros around an array or between its elements: the transpose of slice."""
        if (start, stop, step) == (0, length, 1):
            return x
        return self._add("pad", (x,), Padding(axis, start, stop, step, length))

    def take(self, x: Handle, positions: Any) -> Handle:
        """Gather elements along the last axis by position; those at PADDING are zero."""
        return self._add("take", (x,), Data(np.array(positions, dtype=np.int64)))

    def place(self, x: Handle, positions: Any, length: int) -> Handle:
        """Scatter-add elements to positions along a new last axis of this length: the transpose of take."""
        index = np.array(positions, dtype=np.int64)
        if length == 1 and (index == 0).all():
            before = x.shape[: len(x.shape) - index.ndim]
            return self.reduce(self.reshape(x, (*before, index.size)), "sum", [len(before)], keepdims=True)
        return self._add("place", (x,), Placement(Data(index), length))

    def accumulate(self, x: Handle, axis: int, backward: bool = False) -> Handle:
        """Return the cumulative sums along an axis, from its start or from its end."""
        return self._add("accumulate", (x,), Accumulation(axis, backward))

    def loop(self, loop: Loop, operands: Sequence[Handle]) -> list[Handle]:
        """Add a loop; return its results, which must be named before they are read.

        >>> from autograd.compiler.arrays.loop import Stepping
        >>> body = Builder()
        >>> s, x = body.argument("s", 1), body.argument("x_t", 1)
        >>> loop = Loop(body.program([0.9 * s + x]), steps=50, carried=1, read=(Stepping(axis=1),))
        >>> b = Builder()
        >>> (last,) = b.loop(loop, [b.argument("start", 1), b.argument("x", (N, 50, 1))])
        >>> print(b.program([last.named("average")]).verify())
        start = argument                                            (n, 1)
        x = argument                                                (n, 50, 1)
        v2 = loop of 50 steps, 1 carried; reads along 1 (start, x)
            s = argument                                                (n, 1)
            x_t = argument                                              (n, 1)
            0.9 = constant 0.9                                          ()
            v3 = mul (0.9, s)                                           (n, 1)
            v4 = add (v3, x_t)                                          (n, 1)
            return v4
        average = result 0 (v2)                                     (n, 1)
        return average
        """
        several = self._add("loop", operands, loop)
        return [self.result(several, k) for k in range(loop.carried + len(loop.written))]

    def give_attribute(self, x: Handle, attribute: Any) -> None:
        """Replace an operation's attribute by one with which it computes the same results and possibly more."""
        operation = x.operation
        shape = infer(operation.kind, [self.operations[k].shape for k in operation.operands], attribute)
        self.operations[x.at] = operation._replace(attribute=attribute, shape=shape)

    def result(self, loop: Handle, number: int) -> Handle:
        """Return one of the results of a loop."""
        return self._add("result", (loop,), number)

    def guard(self, x: Handle, number: int) -> Handle:
        """Return x, with a derivative that is exactly 0 where the program's mask of this number is 0."""
        return self._add("guard", (x,), number)


def _key(kind: Kind, operands: tuple[int, ...], attribute: Any) -> object:
    """Return a key that equal operations share; 0.0 and -0.0 differ, and every nan is the same."""
    return (kind, operands, repr(attribute) if type(attribute) is float else attribute)
