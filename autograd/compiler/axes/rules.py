"""Rewrite each kind of operation on arrays with divided axes."""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable

from autograd.compiler.arrays.operations import Labels, Length, Shape
from autograd.compiler.axes.step import Step, fitted, trimmed
from autograd.compiler.axes.structure import STRUCTURE
from autograd.compiler.axes.views import View, merged_order
from autograd.compiler.targets.contractions import product_order


def written(step: Step) -> View | None:
    """Return an operation's result with divided axes; None if its kind needs arrays in their old shapes."""
    rule = _RULES.get(step.operation.kind)
    return None if rule is None else rule(step)


def _apply(step: Step) -> View:
    operation = step.operation
    views = [fitted(x, own, operation.shape, step.lengths) for x, own in zip(step.views, step.shapes)]
    order = merged_order([view.axes for view in views])
    handles = [trimmed(view, order) for view in views]
    primitive, careful = step.operation.attribute
    result = step.builder.apply(primitive, *handles, careful=careful, name=step.operation.name)
    return View(result, step.lengths, tuple(order))


def _contract(step: Step) -> View:
    labels: Labels = step.operation.attribute
    parts = _letters(step, labels)
    result = [letter for label in labels.result for letter, _ in parts[label]]
    summed = {letter for label, several in parts.items() if label not in labels.result for letter, _ in several}
    handles, sides = [], []
    for side, operand in zip(labels, step.views):
        view, _ = operand.with_parts([tuple([length for _, length in parts[label]]) for label in side])
        letters = [letter for label in side for letter, _ in parts[label]]
        view = view.with_axes([at for at, letter in enumerate(letters) if letter in summed])
        handles.append(view.handle)
        sides.append("".join([letters[at] for at in view.axes]))
    present = "".join([letter for letter in result if letter in sides[0] + sides[1]])
    (first, second), (left, right) = handles, sides
    order = product_order(Labels(left, right, present))
    product = step.builder.contract(first, second, left, right, order)
    lengths = tuple([length for label in labels.result for _, length in parts[label]])
    return View(product, lengths, tuple([result.index(letter) for letter in order]))


def _letters(step: Step, labels: Labels) -> dict[str, list[tuple[str, Length]]]:
    """Return, for each label, a letter and a length for every axis that it is divided into.

    Summed axes and axes of parameter matrices are not divided.
    """
    free = iter([letter for letter in string.ascii_letters if letter not in "".join(labels)])
    parts: dict[str, list[tuple[str, Length]]] = {}
    sides = [(side, view.parts(shape)) for side, view, shape in zip(labels, step.views, step.shapes)]
    for label, own in zip(labels.result, step.parts):
        of_operands = [several[side.index(label)] for side, several in sides if label in side]
        if all([type(length) for length in several] == [int] for several in of_operands):
            own, *_ = of_operands
        parts[label] = [(letter, length) for length, letter in zip(own, itertools.chain(label, free))]
    for side, shape in zip(labels, step.shapes):
        for label, length in zip(side, shape):
            parts.setdefault(label, [(label, length)])
    return parts


def _reduce(step: Step) -> View:
    (view,), (shape,), reduction = step.views, step.shapes, step.operation.attribute
    kept = [axis for axis in range(len(shape)) if axis not in reduction.axes]
    at_result = dict(zip(kept, kept if reduction.keepdims else range(len(kept))))
    in_parts = reduction.function in ("sum", "any")
    parts: list[Shape] = view.parts(shape) if in_parts else [(length,) for length in shape]
    of_result = step.parts
    for axis, at in at_result.items():
        parts[axis] = of_result[at]
    view, places = view.with_parts(parts)
    reduced = [k for axis in reduction.axes for k in places[axis]]
    view = view.with_axes(reduced)
    if not in_parts:
        order = [*(k for k in view.axes if k not in reduced), *reduced]
        view = View(view.ordered(order), view.lengths, tuple(order))
    new_places = {k: at for axis, result in at_result.items() for k, at in zip(places[axis], step.axes[result])}
    keepdims = reduction.keepdims and len(reduced) == len(reduction.axes)
    if keepdims:
        new_places |= {k: at for axis in reduction.axes for k, at in zip(places[axis], step.axes[axis])}
    axes = tuple([new_places[k] for k in view.axes if k in new_places])
    where = tuple([view.axes.index(k) for k in reduced])
    result = View(
        step.builder.reduce(view.handle, reduction.function, where, keepdims, reduction.careful), step.lengths, axes
    )
    return result.with_axes(range(len(step.lengths))) if reduction.keepdims else result


_RULES: dict[str, Callable[[Step], View]] = {
    "apply": _apply,
    "contract": _contract,
    "reduce": _reduce,
    **STRUCTURE,
}
