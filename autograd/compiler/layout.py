"""Where each array of captured leaves lies in the one vector of them all: as a view of it, wherever that can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from autograd.compiler.products import Index

Array = NDArray[Any]


class Layout:
    """Reads arrays out of a vector, and adds their gradients up in another.

    Args:
        indices: for each array, which elements of the vector it is made of.
        size: the length of the vector.
    """

    def __init__(self, indices: Sequence[Index], size: int) -> None:
        self._indices = list(indices)
        self._strides = [_affine(index) for index in self._indices]
        counts = np.zeros(size, dtype=np.int64)
        for index in self._indices:
            np.add.at(counts, index.reshape(-1), 1)
        self._complete = bool((counts == 1).all())
        self._overlap = bool((counts > 1).any())
        self._recent: list[tuple[Array, list[Array]]] = []

    def views(self, vector: Array) -> list[Array]:
        """The arrays, as views of the vector where their elements lie evenly spaced in it, else as copies."""
        for known, views in self._recent:
            if known is vector:
                return [
                    view if strides else vector[index]
                    for view, strides, index in zip(views, self._strides, self._indices)
                ]
        views = [self._view(vector, i) for i in range(len(self._indices))]
        self._recent = [*self._recent[-2:], (vector, views)]
        return views

    def _view(self, vector: Array, i: int) -> Array:
        index, strides = self._indices[i], self._strides[i]
        if strides is None:
            return vector[index]
        start = int(index.reshape(-1)[0])
        return as_strided(vector[start:], index.shape, [vector.itemsize * s for s in strides])

    def collect(self, gradients: Sequence[Any], vector: Array) -> None:
        """Write the arrays' gradients into a vector, added up where arrays have elements in common."""
        if not self._complete:
            vector[:] = 0.0
        if self._overlap:
            for index, gradient in zip(self._indices, gradients):
                np.add.at(vector, index, gradient)
            return
        for i, (view, gradient) in enumerate(zip(self.views(vector), gradients)):
            if self._strides[i] is None:
                vector[self._indices[i]] = gradient
            else:
                view[...] = gradient


def _affine(index: Index) -> tuple[int, ...] | None:
    """The strides, in elements, of an index whose elements lie evenly spaced along each axis."""
    start = int(index.reshape(-1)[0])
    strides = []
    found = np.full(index.shape, start)
    for axis, length in enumerate(index.shape):
        second = tuple(int(k == axis) for k in range(index.ndim))
        stride = int(index[second]) - start if length > 1 else 0
        strides.append(stride)
        found += stride * np.arange(length).reshape([-1 if k == axis else 1 for k in range(index.ndim)])
    injective = all(s > 0 for s, length in zip(strides, index.shape) if length > 1)
    return tuple(strides) if injective and (found == index).all() else None


def in_reading_order(indices: Sequence[Index], size: int) -> list[int]:
    """All elements, those of the first array first, row by row."""
    order = list(dict.fromkeys(k for index in indices for k in index.reshape(-1).tolist()))
    rest = set(range(size)).difference(order)
    return [*order, *sorted(rest)]
