"""Reductions along a last axis, which is usually short: NumPy restarts its loop for each row."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from autograd.arrays import NDArray, np

Array = NDArray[Any]

_SHORT = 64
"""Up to this length, reducing the transposed rows takes a third of the time, including the copy."""


@lru_cache(maxsize=16)
def ones(length: int, dtype: np.dtype[Any]) -> Array:
    """Return a vector of ones, cached."""
    return np.ones(length, dtype)


def sum_last(array: Array) -> Array:
    """Compute array.sum(axis=-1) as a product with ones, which takes a tenth of the time if the axis is short."""
    length = array.shape[-1]
    sums: Array = array.reshape(-1, length).dot(ones(length, array.dtype)).reshape(array.shape[:-1])
    return sums


def max_last(array: Array) -> Array:
    """Compute array.max(axis=-1)."""
    length = array.shape[-1]
    if length > _SHORT or array.size <= length:
        largest: Array = array.max(axis=-1)
    else:
        rows = array.reshape(-1, length).T.copy()
        largest = np.maximum.reduce(rows, axis=0).reshape(array.shape[:-1])
    return largest
