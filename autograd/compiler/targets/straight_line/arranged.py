"""Apply structural operations, which only move numbers, to the codes of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.operations import PADDING, Batch, Operation, Shape
from autograd.compiler.arrays.shapes import broadcast_shape
from autograd.compiler.targets.straight_line.blocks import Codes


def arranged(operation: Operation, operands: Sequence[Any], zero: int) -> Any:
    """Apply a structural operation to codes; a loop's result and a guard return their operand.

    Args:
        zero: the code of 0.0.
    """
    attribute, x = operation.attribute, operands[0]
    match operation.kind:
        case "reshape":
            return x.reshape(sized(operation.shape))
        case "transpose":
            return x.transpose(attribute)
        case "broadcast":
            return np.broadcast_to(x, sized(operation.shape))
        case "slice":
            index = (slice(None),) * attribute.axis
            return x[(*index, slice(attribute.start, attribute.stop, attribute.step))]
        case "concatenate":
            return np.concatenate(operands, axis=attribute)
        case "pad":
            padded = np.zeros(sized(operation.shape), dtype=np.int64) + zero
            index = (slice(None),) * attribute.axis
            padded[(*index, slice(attribute.start, attribute.stop, attribute.step))] = x
            return padded
        case "take":
            return np.where(attribute.array == PADDING, zero, x[..., attribute.array])
        case "result":
            return x[attribute]
    return x  # a guard


def sized(shape: Shape) -> tuple[int, ...]:
    """Return a shape for one sample."""
    return tuple([length.times if isinstance(length, Batch) else length for length in shape])


def moved(x: Any, source: int, target: int) -> NDArray[np.int64]:
    """Return an array with one axis moved."""
    axes = [k for k in range(x.ndim) if k != source]
    result: NDArray[np.int64] = x.transpose([*axes[:target], source, *axes[target:]])
    return result


def together(arrays: Sequence[Any]) -> list[Any]:
    """Broadcast arrays to their common shape."""
    several = [np.asarray(x) for x in arrays]  # without NumPy, an element is not an array
    shape = broadcast_shape([x.shape for x in several])
    assert shape is not None
    return [np.broadcast_to(x, sized(shape)) for x in several]


def with_zeros(a: Codes, b: Codes, zero: int, add: Callable[[Codes, Codes], Codes]) -> Codes:
    """Add arrays, passing on elements whose summand is zero, such as a step whose result is unread.

    Args:
        zero: the code of zero.
        add: adds elements pairwise.
    """
    total, both = np.where(a == zero, b, a), (a != zero) & (b != zero)
    if both.any():
        total[both] = add(a[both], b[both])
    return total


def longest(shape: Sequence[int]) -> int:
    """Return the longest axis, the first of several."""
    return max(range(len(shape)), key=shape.__getitem__, default=0)
