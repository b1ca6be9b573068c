"""The flat vector of all parameters, with the program's arrays as views of it where possible."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from autograd.arrays import NDArray, np

Array = NDArray[Any]
Positions = NDArray[np.int64]


class ParameterBuffer:
    """Reads arrays from a vector, and accumulates their gradients in another.

    Args:
        indices: the places of each array's elements in the vector.
        size: the length of the vector.

    Attributes:
        in_place: whether writing to `places` fills the vector.
        starts: the place of each array's first element if all arrays are contiguous and row-major; else None.
    """

    in_place: bool
    starts: list[int] | None

    def __init__(self, indices: Sequence[Positions], size: int) -> None:
        self._indices = list(indices)
        self._strides = [_affine(index) for index in self._indices]
        counts = np.zeros(size, dtype=np.int64)
        for index in self._indices:
            np.add.at(counts, index.reshape(-1), 1)
        self._unused = np.flatnonzero(counts == 0)
        self._overlap = bool((counts > 1).any())
        self._all_views = None not in self._strides
        self.in_place = self._all_views and not self._overlap and not len(self._unused)
        firsts = [int(index.reshape(-1)[0]) for index in self._indices]
        is_row_major = [
            (index.reshape(-1) == np.arange(first, first + index.size)).all()
            for index, first in zip(self._indices, firsts)
        ]
        self.starts = firsts if all(is_row_major) else None
        self._recent: dict[int, tuple[Array, list[Array]]] = {}  # by the ids of vectors, which it keeps alive

    def views(self, vector: Array) -> list[Array]:
        """Return the arrays, as strided views of the vector where possible, else as copies."""
        known = self._recent.get(id(vector))
        views = self._views(vector) if known is None else known[1]
        if self._all_views:
            return views
        return [view if strides else vector[i] for view, strides, i in zip(views, self._strides, self._indices)]

    def places(self, vector: Array) -> list[Array]:
        """Return arrays to write the gradients to: the same views, or new arrays for `collect` to accumulate."""
        if self._overlap:
            return [np.empty(index.shape, vector.dtype) for index in self._indices]
        known = self._recent.get(id(vector))
        return self._views(vector) if known is None else known[1]

    def collect(self, gradients: Sequence[Array], vector: Array) -> None:
        """Copy the gradients from `places` to the vector, accumulated where arrays share elements.

        If the buffer is `in_place`, there is nothing to copy.
        """
        if self._overlap:
            vector[:] = 0.0
            for index, gradient in zip(self._indices, gradients):
                np.add.at(vector, index, gradient)
            return
        vector[self._unused] = 0.0
        for strides, index, gradient in zip(self._strides, self._indices, gradients):
            if strides is None:
                vector[index] = gradient

    def _views(self, vector: Array) -> list[Array]:
        """Return views of the vector, cached; new arrays where there is no view."""
        views = [self._view(vector, i) for i in range(len(self._indices))]
        recent = list(self._recent.items())[-3:]  # `fit` alternates between two vectors of weights and two of gradients
        self._recent = {**dict(recent), id(vector): (vector, views)}
        return views

    def _view(self, vector: Array, i: int) -> Array:
        index, strides = self._indices[i], self._strides[i]
        if strides is None:
            return np.empty(index.shape, vector.dtype)
        start = int(index.reshape(-1)[0])
        return np.lib.stride_tricks.as_strided(vector[start:], index.shape, [vector.itemsize * s for s in strides])


def _affine(index: Positions) -> tuple[int, ...] | None:
    """Return the strides, in elements, of an affine index; None if it is not affine.

    Repeated elements have stride 0; `collect` accumulates their gradients.
    """
    start = int(index.reshape(-1)[0])
    strides = []
    affine = np.full(index.shape, start)
    for axis, length in enumerate(index.shape):
        second = tuple(min(1, length - 1) if k == axis else 0 for k in range(index.ndim))
        stride = int(index[second]) - start
        strides.append(stride)
        affine += stride * np.arange(length).reshape([-1 if k == axis else 1 for k in range(index.ndim)])
    return tuple(strides) if (affine == index).all() else None


def in_reading_order(indices: Sequence[Positions], size: int) -> list[int]:
    """Return all elements in the order of the arrays, row by row, followed by those that no array contains.

    >>> in_reading_order([np.array([[3, 1]]), np.array([1, 0])], 5)
    [3, 1, 0, 2, 4]
    """
    order = list(dict.fromkeys(chain.from_iterable(index.reshape(-1).tolist() for index in indices)))
    return order if len(order) == size else [*order, *sorted(set(range(size)).difference(order))]
