"""An operation that is to be written with divided axes, and its operands as they are read then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Batch, Operation, Shape
from autograd.compiler.axes.lengths import by_axis, is_divided, size_of, strides_of
from autograd.compiler.axes.links import fitted_axes
from autograd.compiler.axes.views import View


class Step(NamedTuple):
    """An operation to write.

    Attributes:
        builder: of the new program.
        operation: of the old one.
        shapes: of its operands there.
        views: of its operands.
        lengths: into which its result's axes are divided.
    """

    builder: Builder
    operation: Operation
    shapes: list[Shape]
    views: list[View]
    lengths: Shape

    @property
    def axes(self) -> list[list[int]]:
        """The places of the lengths of each axis of the result."""
        return by_axis(self.operation.shape, self.lengths)

    def parts(self, operand: int, axis: int) -> Shape:
        """Return the lengths into which an axis of an operand is divided; its own where it is none by itself."""
        shape, lengths = self.shapes[operand], self.views[operand].lengths
        if not is_divided(shape, lengths):
            return shape[axis : axis + 1]
        return tuple([lengths[k] for k in by_axis(shape, lengths)[axis]])

    def divided(self, operand: int, parts: Sequence[Shape]) -> tuple[View, list[list[int]]]:
        """Return an operand with its axes divided into these, and where those of each axis are."""
        places, at = [], 0
        for lengths in parts:
            places.append(list(range(at, at + len(lengths))))
            at += len(lengths)
        return self.views[operand].divided(tuple([length for lengths in parts for length in lengths])), places


def fitted(view: View, own: Shape, shape: Shape, lengths: Shape) -> View:
    """Return what is broadcast from one shape to another as a view with the axes into which the latter is divided."""
    if own == shape:
        return view.divided(lengths)
    linked = fitted_axes(own, shape)
    places = [
        k
        for k, (stride, length) in enumerate(zip(strides_of(lengths), lengths))
        if length != 1
        and any(x.result <= stride and stride * size_of((length,)) <= x.result * x.length for x in linked)
    ]
    if own and isinstance(own[0], Batch):
        places = [0, *[k for k in places if k]]
    else:
        places = [k for k in places if isinstance(lengths[k], int)]
    chosen = tuple([lengths[k] for k in places])
    if size_of(chosen) != size_of(own):  # along a part of one of these lengths it is repeated
        return View.of(view.handle.builder.broadcast(view.as_shape(own), shape)).divided(lengths)
    return view.divided(chosen).selected(lengths, places)


def trimmed(view: View, order: Sequence[int]) -> Handle:
    """Return an array with its axes in an order, as far as it has to have axes of length 1 in front."""
    first = min([order.index(k) for k in view.axes], default=len(order))
    x = view.ordered(order[first:])
    if x.operation.kind == "reshape" and not x.operation.name:
        source: Handle = x.builder.operand(x)
        if len(x.shape) <= len(source.shape) <= len(order) and _without_ones(source.shape) == _without_ones(x.shape):
            return source
    return x


def _without_ones(shape: Shape) -> Shape:
    """Return a shape without axes of length 1 in front."""
    first = next((k for k, length in enumerate(shape) if length != 1), len(shape))
    return shape[first:]
