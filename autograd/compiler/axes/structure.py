"""Rewrite leaves and structural operations, which only move elements, on arrays with divided axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Shape
from autograd.compiler.axes.lengths import per_sample, size_of
from autograd.compiler.axes.step import Step, fitted
from autograd.compiler.axes.views import View, merged_order


def _transpose(step: Step) -> View:
    """Permute the axes of the view, each together with its parts."""
    (view,), axes = step.views, step.operation.attribute
    parts: list[Shape] = [()] * len(axes)
    for axis, own in zip(axes, step.parts):
        parts[axis] = own
    view, places = view.with_parts(parts)
    return view.transposed([k for axis in axes for k in places[axis]])


def _slice(step: Step) -> View:
    (view,), (shape,), (axis, start, stop, stride) = step.views, step.shapes, step.operation.attribute
    parts = view.parts(shape)
    outer, inner = _split(parts[axis], math.gcd(start, stop) if stride == 1 else 1)
    parts[axis] = (outer, *inner)
    view, places = view.with_parts(parts)
    place, block = places[axis][0], size_of(inner)
    start, stop = start // block, -(-stop // block)
    handle = view.handle
    if view.has_axes([place]):
        handle = step.builder.slice(handle, view.axes.index(place), start, stop, stride)
    count = len(range(start, stop, stride))
    return View(handle, (*view.lengths[:place], count, *view.lengths[place + 1 :]), view.axes)


def _accumulate(step: Step) -> View:
    (view,), (axis, backward) = step.views, step.operation.attribute
    parts = step.parts
    parts[axis] = step.operation.shape[axis : axis + 1]
    view, places = view.with_parts(parts)
    (place,) = places[axis]
    view = view.with_axes([place])
    return view._replace(handle=step.builder.accumulate(view.handle, view.axes.index(place), backward))


def _split(lengths: Shape, divisor: int) -> tuple[int, Shape]:
    """Split an axis in two, with the longest inner part whose length divides a number."""
    outer, *inner = per_sample(lengths)
    while divisor % math.prod(inner):
        outer *= inner.pop(0)
    return outer, tuple(inner)


def _concatenate(step: Step) -> View:
    axis = step.operation.attribute
    inner = _common_blocks(step, axis)
    parts = step.parts
    place = sum([len(own) for own in parts[:axis]])
    views = []
    for view, shape in zip(step.views, step.shapes):
        (length,) = per_sample(shape[axis : axis + 1])
        parts[axis] = (length // size_of(inner), *inner)
        divided_view, _ = view.with_parts(parts)
        views.append(divided_view.with_axes([place]))
    order = merged_order([view.axes for view in views])
    joined = step.builder.concatenate([view.spread(order).handle for view in views], order.index(place))
    parts[axis] = (joined.shape[order.index(place)], *inner)
    return View(joined, tuple([length for own in parts for length in own]), tuple(order))


def _common_blocks(step: Step, axis: int) -> Shape:
    """Return the lengths after the first that an axis is divided into, if all operands share them."""
    _, *inner = step.parts[axis]
    of_operands = [view.parts(shape)[axis] for view, shape in zip(step.views, step.shapes)]
    return tuple(inner) if all(blocks == inner for _, *blocks in of_operands) else ()


def _take(step: Step) -> View:
    (shape,) = step.shapes
    before = len(shape) - 1
    view, order = _last_axes_last(step, before, [shape[before:]])
    behind = [k for places in step.axes[before:] for k in places]
    index = step.operation.attribute.array.reshape([step.lengths[k] for k in behind])
    return View(step.builder.take(view, index), step.lengths, (*order, *behind))


def _place(step: Step) -> View:
    (view,), (shape,), (positions, length) = step.views, step.shapes, step.operation.attribute
    before = len(shape) - positions.array.ndim
    parts = view.parts(shape)[before:]
    placed, order = _last_axes_last(step, before, parts)
    index = positions.array.reshape([length for lengths in parts for length in lengths])
    lengths = [length for own in step.parts[:before] for length in own]
    return View(step.builder.place(placed, index, length), (*lengths, length), (*order, len(lengths)))


def _last_axes_last(step: Step, before: int, last: Sequence[Shape]) -> tuple[Handle, list[int]]:
    """Return an operand with its last axes moved to the end, and its other axes in order."""
    (view,) = step.views
    view, places = view.with_parts([*step.parts[:before], *last])
    behind = [k for own in places[before:] for k in own]
    view = view.with_axes(behind)
    order = [k for k in view.axes if k not in behind]
    return view.ordered([*order, *behind]), order


def _reshape(step: Step) -> View:
    (view,) = step.views
    return view.divided(step.lengths)


def _broadcast(step: Step) -> View:
    (view,), (shape,) = step.views, step.shapes
    return fitted(view, shape, step.operation.shape, step.lengths)


def _constant(step: Step) -> View:
    attribute = step.operation.attribute
    if isinstance(attribute, float):
        return View.of(step.builder.constant(attribute))
    return View.of(step.builder.constant(attribute.array.reshape(step.lengths)))


def _parameter(step: Step) -> View:
    index = step.operation.attribute.array
    shape = step.lengths if index.ndim == 1 else index.shape
    return View.of(step.builder.parameter(index.reshape(shape), step.operation.name))


STRUCTURE: dict[str, Callable[[Step], View]] = {
    "accumulate": _accumulate,
    "broadcast": _broadcast,
    "concatenate": _concatenate,
    "constant": _constant,
    "parameter": _parameter,
    "place": _place,
    "reshape": _reshape,
    "slice": _slice,
    "take": _take,
    "transpose": _transpose,
}
