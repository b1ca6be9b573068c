"""Arrays of shape (samples, steps, ...) in memory step by step, so that what a step of a loop reads lies side by side.

A slice `x[:, t]` of an array in the usual order is a row here and a row there: NumPy starts its inner loop for each of
them anew, and takes up to ten times as long. Shapes and values are those of arrays in the usual order.
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
"""Samples from which on an array is copied into this order: with fewer, copying takes as long as it saves."""


def is_by_step(array: Array) -> bool:
    """Return whether an array lies in memory step by step."""
    return array.strides[0] < array.strides[1]


def by_step(array: Array) -> Array:
    """Return an array step by step in memory: a copy if necessary, and if it pays."""
    if len(array) < _LEAST_ROWS or is_by_step(array):
        return array
    return array.swapaxes(0, 1).copy().swapaxes(0, 1)


def beside(*arrays: Array) -> Array:
    """Return arrays side by side, of each a row a sample, whatever axes it has."""
    ends = list(accumulate([math.prod(array.shape[1:]) for array in arrays]))
    result = np.empty((len(arrays[0]), ends[-1]), np.result_type(*arrays))
    for array, start, end in zip(arrays, [0, *ends], ends):
        result[:, start:end].reshape(array.shape)[...] = array
    return result


def makers_of_arrays(dtype: np.dtype[Any]) -> dict[str, Callable[..., Array]]:
    """Return the functions with which loops make arrays to fill, by their names in emitted source."""
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
    """Return an array of samples, steps and more, step by step in memory."""
    samples, steps, *others = shape
    return _empty((steps, samples, *others), dtype).swapaxes(0, 1)


def _room_of(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return the memory of an array whose first axis are the steps, as a row for each; new memory where it has gaps."""
    if array.flags.c_contiguous and array.flags.writeable and array.dtype == dtype:
        return array.reshape(len(array), -1)
    return _empty((len(array), math.prod(array.shape[1:])), dtype)


def part_of(room: Array, start: int, shape: tuple[int, ...]) -> Array:
    """Return a part of each row of numbers, from one of them on, as an array of this shape."""
    return room[:, start : start + math.prod(shape[1:])].reshape(shape)


_LARGE_BLOCK = 1 << 24
"""Bytes that are freed once, so that up to twice as many are kept."""


@lru_cache(maxsize=1)
def _keep_freed_memory() -> None:
    """Let the C library keep the memory of freed arrays, up to 32 MB, for the next call of a program.

    glibc gives free memory at the end of the heap back to the system and takes it again page by page, which for a loop
    over 256 samples takes as long as all else. From how much on follows from the largest block that was ever freed
    (mallopt(3), M_MMAP_THRESHOLD). Other C libraries take no notice.
    """
    np.empty(_LARGE_BLOCK, np.uint8)


def rows_dot(array: Array, matrix: Array) -> Array:
    """Return array @ matrix, of all rows in one product; the result lies in memory as the array does."""
    if is_by_step(array):
        return rows_dot(array.swapaxes(0, 1), matrix).swapaxes(0, 1)
    rows: Array = array.reshape(-1, array.shape[2]).dot(matrix)
    return rows.reshape(*array.shape[:2], *rows.shape[1:])


def dot_of_rows(left: Array, right: Array, into: Array | None = None) -> Array:
    """Return leftᵀ @ right, the rows of all steps and samples one below the other, in the order of their memory."""
    if is_by_step(left) or is_by_step(right):
        left, right = left.swapaxes(0, 1), right.swapaxes(0, 1)
    product: Array = np.matmul(left.reshape(-1, left.shape[2]).T, right.reshape(-1, right.shape[2]), into)
    return product


def sum_rows(array: Array) -> Array:
    """Return the sum over the first two axes of three, as a product with ones."""
    if is_by_step(array):
        array = array.swapaxes(0, 1)
    rows = array.reshape(-1, array.shape[2])
    total: Array = ones(len(rows), rows.dtype).dot(rows)
    return total
