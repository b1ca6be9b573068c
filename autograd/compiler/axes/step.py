"""An operation to rewrite with divided axes, with views of its operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Batch, Operation, Shape
from autograd.compiler.axes.lengths import by_axis, size_of, strides_of
from autograd.compiler.axes.links import fitted_axes
from autograd.compiler.axes.views import View


class Step(NamedTuple):
    """An operation to rewrite.

    Attributes:
        builder: the builder of the new program.
        operation: the operation of the old program.
        shapes: the operands' shapes in the old program.
        views: the operands in the new program.
        lengths: the lengths that the result's axes are divided into.
    """

    builder: Builder
    operation: Operation
    shapes: list[Shape]
    views: list[View]
    lengths: Shape

    @property
    def axes(self) -> list[list[int]]:
        """The places of the lengths that each axis of the result is divided into."""
        return by_axis(self.operation.shape, self.lengths)

    @property
    def parts(self) -> list[Shape]:
        """The lengths that each axis of the result is divided into."""
        return [tuple([self.lengths[k] for k in places]) for places in self.axes]


def fitted(view: View, own: Shape, shape: Shape, lengths: Shape) -> View:
    """Return an array that is broadcast from its own shape to another, as a view with the latter's divided axes."""
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
    if size_of(chosen) != size_of(own):  # it is repeated along a part of one of these axes
        return View.of(view.handle.builder.broadcast(view.as_shape(own), shape)).divided(lengths)
    return view.divided(chosen).selected(lengths, places)


def trimmed(view: View, order: Sequence[int]) -> Handle:
    """Return an array with its axes in an order, without leading axes of length 1."""
    first = min([order.index(k) for k in view.axes], default=len(order))
    x = view.ordered(order[first:])
    if x.operation.kind == "reshape" and not x.operation.name:
        source: Handle = x.builder.operand(x)
        if len(source.shape) <= len(order) and _without_ones(source.shape) == _without_ones(x.shape):
            return source
    return x


def _without_ones(shape: Shape) -> Shape:
    """Return a shape without leading axes of length 1."""
    first = next((k for k, length in enumerate(shape) if length != 1), len(shape))
    return shape[first:]
