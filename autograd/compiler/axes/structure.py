"""Rewrite leaves and structural operations, which only move elements, on arrays with divided axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Shape
from autograd.compiler.axes.lengths import per_sample
from autograd.compiler.axes.step import Step, fitted
from autograd.compiler.axes.views import View, merged_order


def _transpose(step: Step) -> View:
    """Permute the axes of the view, each together with its parts."""
    axes = step.operation.attribute
    parts: list[Shape] = [()] * len(axes)
    for at, axis in enumerate(axes):
        parts[axis] = tuple([step.lengths[k] for k in step.axes[at]])
    divided_view, places = step.divided(0, parts)
    return divided_view.transposed([k for axis in axes for k in places[axis]])


def _slice(step: Step) -> View:
    (shape,), (axis, start, stop, stride) = step.shapes, step.operation.attribute
    parts = [step.parts(0, k) for k in range(len(shape))]
    outer, inner = _split(parts[axis], math.gcd(start, stop) if stride == 1 else 1)
    parts[axis] = (outer, *inner)
    view, places = step.divided(0, parts)
    place, block = places[axis][0], math.prod(per_sample(inner))
    start, stop = start // block, -(-stop // block)
    handle = view.handle
    if view.has_axes([place]):
        handle = step.builder.slice(handle, view.axes.index(place), start, stop, stride)
    count = len(range(start, stop, stride))
    return View(handle, (*view.lengths[:place], count, *view.lengths[place + 1 :]), view.axes)


def _accumulate(step: Step) -> View:
    (shape,), (axis, backward) = step.shapes, step.operation.attribute
    parts = [tuple([step.lengths[k] for k in places]) for places in step.axes]
    parts[axis] = shape[axis : axis + 1]
    view, places = step.divided(0, parts)
    (place,) = places[axis]
    view = view.with_axes([place])
    return view._replace(handle=step.builder.accumulate(view.handle, view.axes.index(place), backward))


def _split(lengths: Shape, divisor: int) -> tuple[int, Shape]:
    """Split an axis in two, with the longest inner part whose length divides a number."""
    for at in range(1, len(lengths)):
        if divisor % math.prod(per_sample(lengths[at:])) == 0:
            return math.prod(per_sample(lengths[:at])), lengths[at:]
    return math.prod(per_sample(lengths)), ()


def _concatenate(step: Step) -> View:
    axis, result = step.operation.attribute, step.axes
    inner = _common_blocks(step, axis)
    views = []
    for k, shape in enumerate(step.shapes):
        parts = [tuple([step.lengths[at] for at in places]) for places in result]
        (length,) = per_sample(shape[axis : axis + 1])
        parts[axis] = (length // math.prod(per_sample(inner)), *inner)
        view, places = step.divided(k, parts)
        views.append(view.with_axes([places[axis][0]]))
    place = sum([len(x) for x in result[:axis]])
    order = merged_order([view.axes for view in views])
    joined = step.builder.concatenate([view.spread(order).handle for view in views], order.index(place))
    lengths = list(views[0].lengths)
    lengths[place] = joined.shape[order.index(place)]
    return View(joined, tuple(lengths), tuple(order))


def _common_blocks(step: Step, axis: int) -> Shape:
    """Return the lengths after the first that an axis is divided into, if all operands share them."""
    inner = tuple([step.lengths[k] for k in step.axes[axis][1:]])
    is_common = bool(inner) and all(step.parts(k, axis)[1:] == inner for k in range(len(step.shapes)))
    return inner if is_common else ()


def _take(step: Step) -> View:
    before = len(step.shapes[0]) - 1
    view, order = _last_axes_last(step, before, [step.shapes[0][before:]])
    behind = [k for places in step.axes[before:] for k in places]
    index = step.operation.attribute.array.reshape([step.lengths[k] for k in behind])
    first = len([k for places in step.axes[:before] for k in places])
    return View(step.builder.take(view, index), step.lengths, (*order, *range(first, len(step.lengths))))


def _place(step: Step) -> View:
    positions, length = step.operation.attribute
    before = len(step.shapes[0]) - positions.array.ndim
    parts = [step.parts(0, axis) for axis in range(before, len(step.shapes[0]))]
    view, order = _last_axes_last(step, before, parts)
    index = positions.array.reshape([length for lengths in parts for length in lengths])
    lengths = (*[step.lengths[k] for places in step.axes[:before] for k in places], length)
    return View(step.builder.place(view, index, length), lengths, (*order, len(lengths) - 1))


def _last_axes_last(step: Step, before: int, last: Sequence[Shape]) -> tuple[Handle, list[int]]:
    """Return an operand with its last axes moved to the end, and its other axes in order."""
    parts = [tuple([step.lengths[k] for k in places]) for places in step.axes[:before]]
    view, places = step.divided(0, [*parts, *last])
    behind = [k for own in places[before:] for k in own]
    view = view.with_axes(behind)
    order = [k for k in view.axes if k not in behind]
    return view.ordered([*order, *behind]), order


def _reshape(step: Step) -> View:
    return step.views[0].divided(step.lengths)


def _broadcast(step: Step) -> View:
    return fitted(step.views[0], step.shapes[0], step.operation.shape, step.lengths)


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
