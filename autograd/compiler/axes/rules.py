"""Write each kind of operation on arrays whose axes are divided."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Batch, Labels, Length, Operation, Shape
from autograd.compiler.axes.lengths import by_axis, is_divided, per_sample, size_of, strides_of
from autograd.compiler.axes.links import fitted_axes
from autograd.compiler.axes.views import View, merged_order
from autograd.compiler.targets.contractions import product_order


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


def written(step: Step) -> View | None:
    """Return an operation's result, written with divided axes; None where its kind takes arrays as they are."""
    rule = _RULES.get(step.operation.kind)
    return None if rule is None else rule(step)


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
    return view.divided(tuple([lengths[k] for k in places])).selected(lengths, places)


def _apply(step: Step) -> View:
    operation = step.operation
    views = [fitted(x, own, operation.shape, step.lengths) for x, own in zip(step.views, step.shapes)]
    order = merged_order([view.axes for view in views])
    handles = [trimmed(view, order) for view in views]
    primitive, careful = step.operation.attribute
    result = step.builder.apply(primitive, *handles, careful=careful, name=step.operation.name)
    return View(result, step.lengths, tuple(order))


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


def _transpose(step: Step) -> View:
    """Its axes in another order; so the view's are, with what each is divided into."""
    axes = step.operation.attribute
    parts: list[Shape] = [()] * len(axes)
    for at, axis in enumerate(axes):
        parts[axis] = tuple([step.lengths[k] for k in step.axes[at]])
    divided_view, places = step.divided(0, parts)
    return divided_view.transposed([k for axis in axes for k in places[axis]])


def _contract(step: Step) -> View:
    labels: Labels = step.operation.attribute
    free = iter([letter for letter in string.ascii_letters if letter not in "".join(labels)])
    parts: dict[str, list[tuple[str, Length]]] = {}
    for label, places in zip(labels.result, step.axes):
        own = [step.lengths[k] for k in places]
        parts[label] = list(zip([label, *(next(free) for _ in own[1:])], own))
    for side, shape in zip(labels[:2], step.shapes):
        for label, length in zip(side, shape):
            parts.setdefault(label, [(label, length)])
    result = [letter for label in labels.result for letter, _ in parts[label]]
    summed = {letter for label, several in parts.items() if label not in labels.result for letter, _ in several}
    handles, sides = [], []
    for k, side in enumerate(labels[:2]):
        view, _ = step.divided(k, [tuple([length for _, length in parts[label]]) for label in side])
        letters = [letter for label in side for letter, _ in parts[label]]
        view = view.with_axes([at for at, letter in enumerate(letters) if letter in summed])
        handles.append(view.handle)
        sides.append("".join([letters[at] for at in view.axes]))
    present = "".join([letter for letter in result if letter in sides[0] + sides[1]])
    (first, second), (left, right) = handles, sides
    order = product_order(Labels(left, right, present))
    product = step.builder.contract(first, second, left, right, order)
    return View(product, step.lengths, tuple([result.index(letter) for letter in order]))


def _reduce(step: Step) -> View:
    (shape,), reduction = step.shapes, step.operation.attribute
    kept = [axis for axis in range(len(shape)) if axis not in reduction.axes]
    at_result = dict(zip(kept, kept if reduction.keepdims else range(len(kept))))
    in_parts = reduction.function in ("sum", "any")
    parts = [
        tuple([step.lengths[k] for k in step.axes[at_result[axis]]])
        if axis in at_result
        else (step.parts(0, axis) if in_parts else shape[axis : axis + 1])
        for axis in range(len(shape))
    ]
    view, places = step.divided(0, parts)
    reduced = [k for axis in reduction.axes for k in places[axis]]
    view = view.with_axes(reduced)
    if not in_parts and view.axes[-len(reduced) :] != tuple(reduced):
        order = [*(k for k in view.axes if k not in reduced), *reduced]
        view = View(view.ordered(order), view.lengths, tuple(order))
    new_places = {k: at for axis, result in at_result.items() for k, at in zip(places[axis], step.axes[result])}
    keepdims = reduction.keepdims and len(reduced) == len(reduction.axes)
    if keepdims:
        new_places |= {places[axis][0]: step.axes[axis][0] for axis in reduction.axes}
    axes = tuple([new_places[k] for k in view.axes if k in new_places])
    where = tuple([view.axes.index(k) for k in reduced])
    result = View(
        step.builder.reduce(view.handle, reduction.function, where, keepdims, reduction.careful), step.lengths, axes
    )
    return result.with_axes(range(len(step.lengths))) if reduction.keepdims else result


def _slice(step: Step) -> View:
    (shape,), (axis, start, stop, stride) = step.shapes, step.operation.attribute
    parts = [step.parts(0, k) for k in range(len(shape))]
    outer, inner = _split(parts[axis], math.gcd(start, stop) if stride == 1 else 1)
    parts[axis] = (outer, *inner)
    view, places = step.divided(0, parts)
    place, block = places[axis][0], math.prod(per_sample(inner))
    start, stop = start // block, -(-stop // block)
    handle = view.handle
    if view.is_there([place]):
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
    """Divide an axis in two: the inner part as long as it can be, if it is to divide a number."""
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
    """Return the lengths behind the first one along an axis where every operand has them too."""
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
    """Return an operand with its last axes last, and which of the axes before them it has, in order."""
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


_RULES: dict[str, Callable[[Step], View]] = {
    "accumulate": _accumulate,
    "apply": _apply,
    "broadcast": _broadcast,
    "concatenate": _concatenate,
    "constant": _constant,
    "contract": _contract,
    "parameter": _parameter,
    "place": _place,
    "reduce": _reduce,
    "reshape": _reshape,
    "slice": _slice,
    "take": _take,
    "transpose": _transpose,
}
