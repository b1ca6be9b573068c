"""Infer the shapes of results. Both the builder and `verify` use `infer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.compiler.arity import takes
from autograd.compiler.arrays.loop import Loop
from autograd.compiler.arrays.operations import (
    PADDING,
    Accumulation,
    Application,
    Batch,
    Data,
    Kind,
    Labels,
    Length,
    LookUp,
    Padding,
    Placement,
    Reduction,
    Scattering,
    Shape,
    Slice,
    listed,
)
from autograd.primitives import Primitive


def infer(kind: Kind, shapes: Sequence[Shape], attribute: Any) -> Shape:
    """Return the shape of an operation's result.

    Args:
        shapes: the operands' shapes.
        attribute: the operation's attribute.

    Raises:
        ValueError: if the operands do not fit, naming the operation and the shapes.

    >>> infer("contract", [(Batch(), 784), (30, 784)], Labels("nk", "ck", "nc"))
    (Batch(times=1), 30)
    """
    shape: Shape | None = _SHAPES[kind](shapes, attribute)
    if shape is None:
        raise ValueError(f"{kind} {attribute!r} does not fit operands of shapes {', '.join(map(listed, shapes))}")
    return shape


def check_form(kind: str, operands: int, attribute: Any) -> None:
    """Check that an operation of a kind may have this number of operands and this attribute.

    Raises:
        ValueError: if it may not.
    """
    if kind not in _FORMS:
        raise ValueError(f"there are no operations of kind {kind!r}")
    least, most, carried = _FORMS[kind]
    if not isinstance(attribute, carried) or (carried == (tuple,) and type(attribute) is not tuple):
        raise ValueError(f"an operation of kind {kind!r} cannot have the attribute {attribute!r}")
    if not least <= operands <= (operands if most is None else most):
        raise ValueError(f"an operation of kind {kind!r} cannot have {operands} operand(s)")
    if isinstance(attribute, Application):
        primitive = attribute.primitive
        if not isinstance(primitive, Primitive) or not takes(primitive, operands):
            raise ValueError(f"{getattr(primitive, 'name', primitive)} cannot be applied to {operands} operand(s)")


def broadcast_shape(shapes: Sequence[Shape]) -> Shape | None:
    """Return the shape that these shapes broadcast to, or None if they are incompatible."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    axes = max(map(len, shapes))
    result: list[Length] = []
    for k in range(-axes, 0):
        lengths = {shape[k] for shape in shapes if len(shape) >= -k} - {1}
        if len(lengths) > 1:
            return None
        result.append(lengths.pop() if lengths else 1)
    return tuple(result)


def size(shape: Shape) -> tuple[int, int]:
    """Return the number of elements: (c, k) for c · n to the power k."""
    count, power = 1, 0
    for length in shape:
        if isinstance(length, Batch):
            count, power = count * length.times, power + 1
        else:
            count *= length
    return count, power


def is_batched(shape: Shape) -> bool:
    """Return whether an array has a row for each sample."""
    return bool(shape) and isinstance(shape[0], Batch)


# The shape of each kind's result; None if the operands do not fit.


def _of_parameter(shapes: Sequence[Shape], positions: Data) -> Shape | None:
    index = positions.array
    return tuple(index.shape) if not index.size or int(index.min()) >= 0 else None


def _of_constant(shapes: Sequence[Shape], attribute: float | Data) -> Shape | None:
    return tuple(attribute.array.shape) if isinstance(attribute, Data) else ()


def _of_argument(shapes: Sequence[Shape], attribute: tuple[str, Shape]) -> Shape | None:
    return attribute[1] if len(attribute) == 2 and _is_shape(attribute[1]) and isinstance(attribute[0], str) else None


def _is_shape(attribute: Any) -> bool:
    return type(attribute) is tuple and all(isinstance(length, (int, Batch)) for length in attribute)


def _of_application(shapes: Sequence[Shape], attribute: Application) -> Shape | None:
    return broadcast_shape(shapes) if isinstance(attribute.primitive, Primitive) else None


def _of_contraction(shapes: Sequence[Shape], labels: Labels) -> Shape | None:
    lengths: dict[str, Length] = {}
    for axes, shape in zip(labels[:2], shapes):
        if len(axes) != len(shape) or len(set(axes)) != len(axes):
            return None
        for label, length in zip(axes, shape):
            if lengths.setdefault(label, length) != length:
                return None
    if not set(labels.result) <= lengths.keys() or len(set(labels.result)) != len(labels.result):
        return None
    return tuple([lengths[label] for label in labels.result])


def _of_reduction(shapes: Sequence[Shape], reduction: Reduction) -> Shape | None:
    (shape,) = shapes
    function, axes = reduction[:2]
    if function not in _REDUCTIONS or not all(0 <= axis < len(shape) for axis in axes) or len(set(axes)) != len(axes):
        return None
    if reduction.keepdims:
        return tuple([1 if k in reduction.axes else length for k, length in enumerate(shape)])
    return tuple([length for k, length in enumerate(shape) if k not in reduction.axes])


def _of_slopes(shapes: Sequence[Shape], primitive: Any) -> Shape | None:
    """Return the array's shape for one array reduced along its last axis; several arrays add a leading axis."""
    *arrays, out = shapes
    if len(arrays) == 1:
        return arrays[0] if broadcast_shape([arrays[0], out]) == arrays[0] else None
    together = broadcast_shape(arrays)
    return None if together is None or together != out else (len(arrays), *together)


def _of_reshape(shapes: Sequence[Shape], shape: Shape) -> Shape | None:
    return shape if _is_shape(shape) and size(shape) == size(shapes[0]) else None


def _of_transpose(shapes: Sequence[Shape], axes: tuple[int, ...]) -> Shape | None:
    (shape,) = shapes
    is_order = len(axes) == len(shape) and set(axes) == set(range(len(shape)))
    return tuple([shape[k] for k in axes]) if is_order else None


def _of_broadcast(shapes: Sequence[Shape], shape: Shape) -> Shape | None:
    return shape if _is_shape(shape) and broadcast_shape([*shapes, shape]) == shape else None


def _of_slice(shapes: Sequence[Shape], part: Slice) -> Shape | None:
    (shape,) = shapes
    axis, start, stop, step = part
    if not 0 <= axis < len(shape) or isinstance(shape[axis], Batch) or not 0 <= start < stop <= shape[axis] or step < 1:  # type: ignore[operator]
        return None
    return (*shape[:axis], len(range(start, stop, step)), *shape[axis + 1 :])


def _of_concatenation(shapes: Sequence[Shape], axis: int) -> Shape | None:
    first = shapes[0]
    length = 0
    for shape in shapes:
        if len(shape) != len(first) or not 0 <= axis < len(shape) or isinstance(shape[axis], Batch):
            return None
        if shape[:axis] != first[:axis] or shape[axis + 1 :] != first[axis + 1 :]:
            return None
        length += shape[axis]  # type: ignore[operator]
    return (*first[:axis], length, *first[axis + 1 :])


def _of_padding(shapes: Sequence[Shape], padding: Padding) -> Shape | None:
    (shape,) = shapes
    axis, start, stop, step, length = padding
    if not 0 <= axis < len(shape) or not 0 <= start < stop <= length or shape[axis] != len(range(start, stop, step)):
        return None
    return (*shape[:axis], length, *shape[axis + 1 :])


def _of_take(shapes: Sequence[Shape], positions: Data) -> Shape | None:
    (shape,) = shapes
    index = positions.array
    if not shape or isinstance(shape[-1], Batch) or not index.size:
        return None
    if int(index.min()) < PADDING or int(index.max()) >= shape[-1]:
        return None
    return (*shape[:-1], *index.shape)


def _of_place(shapes: Sequence[Shape], placement: Placement) -> Shape | None:
    (shape,) = shapes
    index = placement.positions.array
    if shape[len(shape) - index.ndim :] != index.shape or not index.size:
        return None
    if int(index.min()) < PADDING or int(index.max()) >= placement.length:
        return None
    return (*shape[: len(shape) - index.ndim], placement.length)


def _of_accumulation(shapes: Sequence[Shape], accumulation: Accumulation) -> Shape | None:
    (shape,) = shapes
    axis = accumulation.axis
    return shape if 0 <= axis < len(shape) and not isinstance(shape[axis], Batch) else None


def _of_look_up(shapes: Sequence[Shape], look_up: LookUp) -> Shape | None:
    table, index = shapes
    (shared,) = look_up
    if len(table) <= shared or table[:shared] != index[:shared] or isinstance(table[shared], Batch):
        return None
    return (*index, *table[shared + 1 :])


def _of_scatter(shapes: Sequence[Shape], scattering: Scattering) -> Shape | None:
    x, index = shapes
    shared, length = scattering
    if len(index) < shared or x[: len(index)] != index or length < 1:
        return None
    return (*index[:shared], length, *x[len(index) :])


def _of_result(shapes: Sequence[Shape], number: int) -> Any:
    """Return one of the shapes in a loop's tuple of shapes."""
    (several,) = shapes
    is_loop = all(type(shape) is tuple for shape in several)
    return several[number] if is_loop and 0 <= number < len(several) else None


_SHAPES: dict[str, Any] = {
    "parameter": _of_parameter,
    "constant": _of_constant,
    "argument": _of_argument,
    "index": _of_argument,
    "apply": _of_application,
    "contract": _of_contraction,
    "reduce": _of_reduction,
    "slopes": _of_slopes,
    "reshape": _of_reshape,
    "transpose": _of_transpose,
    "broadcast": _of_broadcast,
    "slice": _of_slice,
    "concatenate": _of_concatenation,
    "pad": _of_padding,
    "take": _of_take,
    "place": _of_place,
    "accumulate": _of_accumulation,
    "look up": _of_look_up,
    "scatter": _of_scatter,
    "loop": lambda shapes, loop: loop.infer(shapes),
    "result": _of_result,
    "guard": lambda shapes, number: shapes[0],
}

_REDUCTIONS = ("sum", "any", "max", "min", "prod", "logsumexp")

_FORMS: dict[str, tuple[int, int | None, tuple[type, ...]]] = {
    "parameter": (0, 0, (Data,)),
    "constant": (0, 0, (float, Data)),
    "argument": (0, 0, (tuple,)),
    "index": (0, 0, (tuple,)),
    "apply": (1, None, (Application,)),
    "contract": (2, 2, (Labels,)),
    "reduce": (1, 1, (Reduction,)),
    "slopes": (2, None, (Primitive,)),
    "reshape": (1, 1, (tuple,)),
    "transpose": (1, 1, (tuple,)),
    "broadcast": (1, 1, (tuple,)),
    "slice": (1, 1, (Slice,)),
    "concatenate": (1, None, (int,)),
    "pad": (1, 1, (Padding,)),
    "take": (1, 1, (Data,)),
    "place": (1, 1, (Placement,)),
    "accumulate": (1, 1, (Accumulation,)),
    "look up": (2, 2, (LookUp,)),
    "scatter": (2, 2, (Scattering,)),
    "loop": (1, None, (Loop,)),
    "result": (1, 1, (int,)),
    "guard": (1, 1, (int,)),
}
"""The least and the largest number of operands of each kind, and the types of its attribute."""
