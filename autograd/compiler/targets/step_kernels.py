"""Arrays of shape (samples, steps, ...) ordered by step in memory, so that each step of a loop reads contiguous memory.

The rows of a slice `x[:, t]` of an array in the usual order are scattered: NumPy restarts its inner loop for each, and
takes up to ten times as long. Shapes and values do not depend on the order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import accumulate
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.targets.last_axis import ones

Array = NDArray[Any]

_LEAST_ROWS = 16
"""The least number of samples for which an array is copied into this order: with fewer, copying does not pay."""


def is_by_step(array: Array) -> bool:
    """Return whether an array is ordered by step in memory."""
    return array.strides[0] < array.strides[1]


def by_step(array: Array) -> Array:
    """Return an array ordered by step in memory: a copy if that is necessary and pays."""
    if len(array) < _LEAST_ROWS or is_by_step(array):
        return array
    return array.swapaxes(0, 1).copy().swapaxes(0, 1)


def beside(*arrays: Array) -> Array:
    """Concatenate arrays of any number of axes, each flattened to one row per sample."""
    ends = list(accumulate([math.prod(array.shape[1:]) for array in arrays]))
    result = np.empty((len(arrays[0]), ends[-1]), np.result_type(*arrays))
    for array, start, end in zip(arrays, [0, *ends], ends):
        result[:, start:end].reshape(array.shape)[...] = array
    return result


def makers_of_arrays(dtype: np.dtype[Any]) -> dict[str, Callable[..., Array]]:
    """Return the functions with which loops allocate arrays to fill, by their names in emitted source."""
    makers: dict[str, Callable[..., Array]] = {
        "empty": _empty,
        "empty_by_step": _empty_by_step,
        "room_of": _room_of,
    }
    return {name: partial(maker, dtype=dtype) for name, maker in makers.items()}


def _empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    _keep_freed_memory()
    return np.empty(shape, dtype)


def _empty_by_step(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Allocate an array of samples, steps and further axes, ordered by step in memory."""
    samples, steps, *others = shape
    return _empty((steps, samples, *others), dtype).swapaxes(0, 1)


def _room_of(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return the memory of an array with steps along its first axis, a row for each; new memory if it has gaps."""
    if array.flags.c_contiguous and array.flags.writeable and array.dtype == dtype:
        return array.reshape(len(array), -1)
    return _empty((len(array), math.prod(array.shape[1:])), dtype)


def part_of(room: Array, start: int, shape: tuple[int, ...]) -> Array:
    """Return a part of each row, from a start on, as an array of this shape."""
    return room[:, start : start + math.prod(shape[1:])].reshape(shape)


_LARGE_BLOCK = 1 << 24
"""The bytes of a block that is freed once, so that the C library keeps up to twice as many."""


@lru_cache(maxsize=1)
def _keep_freed_memory() -> None:
    """Let the C library keep the memory of freed arrays, up to 32 MB, for the next call of a program.

    glibc returns free memory at the end of the heap to the system and requests it again page by page, which takes half
    the time of a loop over 256 samples. Its threshold depends on the largest block that was ever freed (mallopt(3),
    M_MMAP_THRESHOLD). Other C libraries are not affected.
    """
    np.empty(_LARGE_BLOCK, np.uint8)


def rows_dot(array: Array, matrix: Array) -> Array:
    """Compute array @ matrix as one product of all rows; the result has the array's memory order."""
    if is_by_step(array):
        return rows_dot(array.swapaxes(0, 1), matrix).swapaxes(0, 1)
    rows: Array = array.reshape(-1, array.shape[2]).dot(matrix)
    return rows.reshape(*array.shape[:2], *rows.shape[1:])


def dot_of_rows(left: Array, right: Array, into: Array | None = None) -> Array:
    """Compute leftᵀ @ right over the rows of all steps and samples, in memory order."""
    if is_by_step(left) or is_by_step(right):
        left, right = left.swapaxes(0, 1), right.swapaxes(0, 1)
    product: Array = np.matmul(left.reshape(-1, left.shape[2]).T, right.reshape(-1, right.shape[2]), into)
    return product


def sum_rows(array: Array) -> Array:
    """Sum over the first two of three axes, as a product with ones."""
    if is_by_step(array):
        array = array.swapaxes(0, 1)
    rows = array.reshape(-1, array.shape[2])
    total: Array = ones(len(rows), rows.dtype).dot(rows)
    return total
