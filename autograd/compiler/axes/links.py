"""Link the axes that operands and results share, and find the strides at which an operation needs axes to begin."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd.compiler.arrays.operations import Operation, Shape
from autograd.compiler.axes.lengths import per_sample, size_of, strides_of


class Link(NamedTuple):
    """Adjacent axes that an operand and the result share.

    Attributes:
        operand: the operand's number.
        own, result: the strides at which the axes begin in the operand and in the result.
        length: the product of their lengths.
        divisor: a divisor of the length. If only some of the elements are shared, an axis within must begin at a stride
            that divides it.
    """

    operand: int
    own: int
    result: int
    length: int
    divisor: int = 0


def links(operation: Operation, shapes: Sequence[Shape]) -> list[Link]:
    """Return the axes that an operation's operands share with its result.

    Args:
        shapes: the operands' shapes.

    >>> from autograd.compiler.arrays.operations import N
    >>> links(Operation("broadcast", (0,), None, (N, 3, 5, 4)), [(N, 3, 1, 4)])
    [Link(operand=0, own=1, result=1, length=4, divisor=0), Link(operand=0, own=4, result=20, length=3, divisor=0)]
    """
    of_kind = _LINKS.get(operation.kind)
    return [] if of_kind is None else of_kind(operation, shapes)


def ends(operation: Operation, shapes: Sequence[Shape]) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the strides at which the result's axes must begin, and pairs of an operand and such a stride."""
    if operation.kind in ("reshape", "guard"):
        return [], []
    linked = links(operation, shapes)
    own = [stride for link in linked for stride in (link.result, link.result * link.length)]
    others = [(link.operand, stride) for link in linked for stride in (link.own, link.own * link.length)]
    if operation.kind == "contract":
        others += [(k, stride) for k, shape in enumerate(shapes) for stride in strides_of(shape)]
    if operation.kind not in ("apply", "broadcast"):
        own += strides_of(operation.shape)
    return own, others


def _same(operation: Operation, shapes: Sequence[Shape]) -> list[Link]:
    return [Link(0, 1, 1, size_of(operation.shape))]


def fitted_axes(shape: Shape, result: Shape, operand: int = 0) -> list[Link]:
    """Return the axes along which broadcasting to a shape does not repeat an array.

    >>> from autograd.compiler.arrays.operations import N
    >>> [(link.own, link.result, link.length) for link in fitted_axes((3, 1, 4), (N, 3, 5, 4))]
    [(1, 1, 4), (4, 20, 3)]
    """
    linked, run, own, stride = list[Link](), Link(operand, 1, 1, 1), 1, 1
    missing = len(result) - len(shape)
    for axis in range(len(result) - 1, -1, -1):
        (length,) = per_sample(result[axis : axis + 1])
        stride *= length
        if axis >= missing and shape[axis - missing] == result[axis]:
            run = run._replace(length=run.length * length)
            own *= length
        else:
            linked.append(run)
            run = Link(operand, own, stride, 1)
    return _proper([*linked, run])


def _fitted(operation: Operation, shapes: Sequence[Shape]) -> list[Link]:
    return [link for k, shape in enumerate(shapes) for link in fitted_axes(shape, operation.shape, k)]


def _transposed(operation: Operation, shapes: Sequence[Shape]) -> list[Link]:
    (shape,) = shapes
    axes, own, result = operation.attribute, strides_of(shape), strides_of(operation.shape)
    linked = [Link(0, own[k], result[at], n) for at, (k, n) in enumerate(zip(axes, per_sample(operation.shape)))]
    return _joined(linked)


def _contracted(operation: Operation, shapes: Sequence[Shape]) -> list[Link]:
    labels = operation.attribute
    stride = dict(zip(labels.result, strides_of(operation.shape)))
    return _proper(
        [
            Link(k, own, stride[label], length)
            for k, (side, shape) in enumerate(zip(labels, shapes))
            for label, own, length in zip(side, strides_of(shape), per_sample(shape))
            if label in stride
        ]
    )


def _reduced(operation: Operation, shapes: Sequence[Shape]) -> list[Link]:
    (shape,), reduction = shapes, operation.attribute
    kept = [axis for axis in range(len(shape)) if axis not in reduction.axes]
    places = kept if reduction.keepdims else range(len(kept))
    own, result, lengths = strides_of(shape), strides_of(operation.shape), per_sample(shape)
    return _joined([Link(0, own[axis], result[at], lengths[axis]) for axis, at in zip(kept, places)])


def _around(operand: int, shape: Shape, result: Shape, axis: int) -> list[Link]:
    """Link the axes before and after one axis."""
    own, new = (math.prod(per_sample(x)[axis:]) for x in (shape, result))
    behind = math.prod(per_sample(shape)[axis + 1 :])
    return [Link(operand, 1, 1, behind), Link(operand, own, new, math.prod(per_sample(shape)[:axis]))]


def _sliced(operation: Operation, shapes: Sequence[Shape]) -> list[Link]:
    (shape,), (axis, start, stop, step) = shapes, operation.attribute
    linked = _around(0, shape, operation.shape, axis)
    if step == 1:
        behind = linked[0].length
        linked.append(Link(0, behind, behind, stop - start, math.gcd(start, stop, *per_sample(shape)[axis : axis + 1])))
    return _proper(linked)


def _accumulated(operation: Operation, shapes: Sequence[Shape]) -> list[Link]:
    (shape,) = shapes
    return _proper(_around(0, shape, operation.shape, operation.attribute.axis))


def _concatenated(operation: Operation, shapes: Sequence[Shape]) -> list[Link]:
    axis, start, linked = operation.attribute, 0, []
    for k, shape in enumerate(shapes):
        (length,) = per_sample(shape[axis : axis + 1])
        around = _around(k, shape, operation.shape, axis)
        behind = around[0].length
        linked += [*around, Link(k, behind, behind, length, math.gcd(start, length))]
        start += length
    return _proper(linked)


def _before_last(operation: Operation, shapes: Sequence[Shape]) -> list[Link]:
    """Link the axes of `take` and `place` before those of the positions."""
    (shape,) = shapes
    index = operation.attribute if operation.kind == "take" else operation.attribute.positions
    before = len(shape) - (1 if operation.kind == "take" else index.array.ndim)
    own, result = (math.prod(per_sample(x)[before:]) for x in (shape, operation.shape))
    return _proper([Link(0, own, result, math.prod(per_sample(shape)[:before]))])


def _joined(linked: list[Link]) -> list[Link]:
    """Join axes that are adjacent in both arrays."""
    joined: list[Link] = []
    for link in reversed(_proper(linked)):
        last = joined[-1] if joined else None
        if last is not None and last.own * last.length == link.own and last.result * last.length == link.result:
            joined[-1] = last._replace(length=last.length * link.length)
        else:
            joined.append(link)
    return joined


def _proper(linked: list[Link]) -> list[Link]:
    return [link for link in linked if link.length > 1]


_LINKS: dict[str, Callable[[Operation, Sequence[Shape]], list[Link]]] = {
    "reshape": _same,
    "guard": _same,
    "apply": _fitted,
    "broadcast": _fitted,
    "transpose": _transposed,
    "contract": _contracted,
    "reduce": _reduced,
    "slice": _sliced,
    "concatenate": _concatenated,
    "accumulate": _accumulated,
    "take": _before_last,
    "place": _before_last,
}
