"""Functions of arrays that look up, and add up where was looked up."""

from __future__ import annotations

import math
from typing import Any

from autograd.arrays import NDArray, np

Array = NDArray[Any]


def entry_at(*entries_and_index: Array) -> Array:
    """Choose among arrays, element by element, by the index in the last one; nan where there is no such array."""
    *entries, index = np.broadcast_arrays(*entries_and_index)
    there = (index >= 0) & (index < len(entries)) & (index == np.trunc(index))
    chosen = np.where(there, index, 0).astype(np.int64)
    result: Array = np.where(there, look_up(np.stack(entries, axis=-1), chosen, index.ndim), math.nan)
    return result


def look_up(table: Array, index: NDArray[Any], shared: int) -> Array:
    """The entries of a table at an index, each part along the shared leading axes from the part at the same place."""
    entries: Array = table[(*_places(index, shared), index)]
    return entries


def _places(index: NDArray[Any], shared: int) -> list[NDArray[Any]]:
    """The place of each element of an index along the first axes, one array an axis."""
    axes = range(shared)
    return [np.arange(index.shape[axis]).reshape([-1 if k == axis else 1 for k in range(index.ndim)]) for axis in axes]


def scatter_add(x: Array, index: NDArray[Any], length: int, shared: int = 0, into: Array | None = None) -> Array:
    """An array added up in a table of zeros at the positions in an index: the transpose of a look-up.

    Each number is added on its own: what is looked up twice has both gradients.

    Args:
        x: of shape (*S, *I, *R), for an index of shape (*S, *I) with so many shared axes S.
        length: of the table, which is of shape (*S, length, *R).
        into: the table, where it exists.
    """
    if index.ndim == shared:  # no two numbers meet
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
