"""Array functions for look-ups and their transposes."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

from autograd.arrays import NDArray, np

Array = NDArray[Any]


def entry_at(*entries_and_index: Array) -> Array:
    """Select among arrays, elementwise, by the index in the last one; nan where it is out of range."""
    *entries, index = np.broadcast_arrays(*entries_and_index)
    is_valid = (index >= 0) & (index < len(entries)) & (index == np.trunc(index))
    chosen = np.where(is_valid, index, 0).astype(np.int64)
    result: Array = np.where(is_valid, look_up(np.stack(entries, axis=-1), chosen, index.ndim), math.nan)
    return result


def look_up(table: Array, index: NDArray[Any], shared: int) -> Array:
    """Return the entries of a table at an index; along shared leading axes, each part reads the part at its place."""
    entries: Array = table[(*_places(index, shared), index)]
    return entries


def _places(index: NDArray[Any], shared: int) -> list[NDArray[Any]]:
    """Return the coordinates of an index's elements along the first axes, an array for each axis."""
    axes = range(shared)
    return [np.arange(index.shape[axis]).reshape([-1 if k == axis else 1 for k in range(index.ndim)]) for axis in axes]


def scatter_add(x: Array, index: NDArray[Any], length: int, shared: int = 0, into: Array | None = None) -> Array:
    """Add an array to a table of zeros at an index: the transpose of a look-up.

    An entry that is looked up several times accumulates all cotangents.

    Args:
        x: an array of shape (*S, *I, *R).
        index: an index of shape (*S, *I).
        length: the length of the table, whose shape is (*S, length, *R).
        shared: the number of shared axes S.
        into: the table, by default a new one.
    """
    if index.ndim == shared:  # no two numbers are added to one entry
        table = np.zeros((*index.shape, length, *x.shape[index.ndim :]), x.dtype)
        table[(*_places(index, shared), index)] = x
        return table
    parts = math.prod(index.shape[:shared])
    width = math.prod(x.shape[index.ndim :])
    rows = index.reshape(parts, -1) + length * np.arange(parts)[:, None] if shared else index.reshape(-1)
    places = (rows.reshape(-1, 1).astype(np.int64) * width + np.arange(width)).reshape(-1)
    sums = np.bincount(places, x.reshape(-1), parts * length * width)
    table = sums.reshape(*index.shape[:shared], length, *x.shape[index.ndim :])
    if into is None:
        return table.astype(x.dtype, copy=False)
    into[...] = table
    return into


class Scatter:
    """Scatter-adds columns: column k of the argument is added to column index[k], unless that is -1."""

    def __init__(self, index: NDArray[np.int64], width: int) -> None:
        self.width = width
        self._order = np.argsort(index, kind="stable")[int((index < 0).sum()) :]
        sorted_index = index[self._order]
        self._starts = np.flatnonzero(np.diff(sorted_index, prepend=-1))
        self._columns = sorted_index[self._starts]
        lengths = np.diff(np.append(self._starts, len(self._order)))
        # The number of columns that are added to each other one; 0 if it is not the same for all.
        self._terms = int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else 0

    def __call__(self, array: Array) -> Array:
        sums = array[..., self._order]
        if 1 <= self._terms <= _MOST_ADDED:
            sums = reduce(np.add, [sums[..., k :: self._terms] for k in range(self._terms)])
        else:
            sums = np.add.reduceat(sums, self._starts, axis=-1)
        if len(self._columns) == self.width:
            return sums
        result: Array = np.zeros((*array.shape[:-1], self.width), array.dtype)
        result[..., self._columns] = sums
        return result


_MOST_ADDED = 8
"""Up to this number of terms, adding columns one after the other takes a fifth of the time of `reduceat`."""
