"""Index maps: the positions of a view's elements in an array.

Most views are affine: their elements lie at start + Σ strides[k] · i[k] for the coordinates i of an array of some
shape. Slices, strided slices, transpositions, repetitions and columns of a stencil are affine. Other views are a few
concatenated slices ("pieces"), or gathers by explicit positions.

`Index` describes views that need no array of positions.
"""

from __future__ import annotations

import math
import sys
from typing import Any, Literal, NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler import cost

Positions = NDArray[np.int64]

Kind = Literal["slice", "axes", "pieces", "band", "gather"]


def distinct(positions: Positions) -> Positions:
    """Return the distinct positions in ascending order.

    `np.unique` does the same, but imports `numpy.ma`, which takes longer than compiling a small network.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    in_order = np.sort(positions.reshape(-1))
    is_first = np.ones(len(in_order), dtype=bool)
    is_first[1:] = in_order[1:] != in_order[:-1]
    return in_order[is_first]


def are_equal(rows: NDArray[Any]) -> bool:
    """Return whether all rows of an array, or all its elements if it has one axis, are the same."""
    return bool((rows == rows[0]).all())


def count_pairs(a: Positions, b: Positions) -> int:
    """Return the number of distinct pairs of elements; those of b are not negative."""
    return len(distinct(a * (1 + int(b.max())) + b))


class Axes(NamedTuple):
    """A slice, reshaped to several axes, which are transposed or repeated.

    Attributes:
        start, stop: the slice.
        shape: the lengths of the view's axes, the outermost first.
        place: for each of these axes, its number among the slice's axes; -1 for a repetition.
    """

    start: int
    stop: int
    shape: list[int]
    place: list[int]

    @property
    def own(self) -> list[int]:
        """The lengths of the slice's axes."""
        lengths = {k: length for k, length in zip(self.place, self.shape) if k >= 0}
        return [lengths[k] for k in sorted(lengths)]


class Band(NamedTuple):
    """The columns from `first` to `last` of every `period` columns of a slice, such as one gate of every step.

    Attributes:
        start, stop: the slice.
        axes: the order in which these columns are read; None if it is ascending.
    """

    start: int
    stop: int
    period: int
    first: int
    last: int
    axes: Axes | None


class Index(NamedTuple):
    """An affine map into an array, or explicit positions.

    Attributes:
        start: the position of the first element.
        shape: the lengths of the axes, the outermost first.
        strides: the distance between neighbours along each axis; 0 for a repetition.
        explicit: the positions if they are not affine; there are no axes then.
    """

    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    explicit: Positions | None = None

    @staticmethod
    def of(positions: Positions) -> Index:
        """Return the affine map with the fewest axes that reads these positions in order, or the explicit positions.

        >>> Index.of(np.array([4, 5, 6]))
        Index(start=4, shape=(3,), strides=(1,), explicit=None)
        >>> Index.of(np.array([0, 3, 1, 4, 2, 5]))
        Index(start=0, shape=(3, 2), strides=(1, 3), explicit=None)
        """
        shape: tuple[int, ...] = ()
        strides: tuple[int, ...] = ()
        rest = positions
        while len(rest) > 1:
            steps = rest[1:] - rest[:-1]  # four times as fast as `np.diff` for a few
            stride = int(steps[0])
            others = np.flatnonzero(steps != stride)
            length = int(others[0]) + 1 if len(others) else len(rest)
            if len(rest) % length:
                return Index(int(positions[0]), (), (), positions)
            rows = rest.reshape(-1, length)
            if len(rows) > 1 and (rows != rows[:, :1] + stride * np.arange(length)).any():
                return Index(int(positions[0]), (), (), positions)
            shape, strides = (length, *shape), (stride, *strides)
            rest = rows[:, 0]
        index = Index(int(positions[0]), shape, strides)
        return index if index.least >= 0 else Index(int(positions[0]), (), (), positions)

    @property
    def is_affine(self) -> bool:
        return self.explicit is None

    @property
    def least(self) -> int:
        """The least position that an affine map reads."""
        return self.start + sum(min(stride, 0) * (n - 1) for stride, n in zip(self.strides, self.shape))

    @property
    def positions(self) -> Positions:
        """The positions, in order."""
        if self.explicit is not None:
            return self.explicit
        positions = np.array([self.start])
        for stride, length in zip(self.strides, self.shape):
            positions = (positions[:, None] + stride * np.arange(length)).reshape(-1)
        return positions

    @property
    def slice(self) -> tuple[int, int, int] | None:
        """The start, stop and step of the slice that reads these positions, if there is one."""
        if not self.is_affine or len(self.strides) > 1:
            return None
        (step,), (length,) = self.strides or (1,), self.shape or (1,)
        if step < 1:
            return None
        return self.start, self.start + step * (length - 1) + 1, step

    @property
    def axes(self) -> Axes | None:
        """The transposed or repeated axes of a slice that read these positions, if there are any.

        >>> Index.of(np.array([0, 0, 1, 1, 2, 2])).axes
        Axes(start=0, stop=3, shape=[3, 2], place=[0, -1])
        >>> Index.of(np.array([0, 3, 1, 4, 2, 5])).axes
        Axes(start=0, stop=6, shape=[3, 2], place=[1, 0])
        """
        order = self._by_stride()
        length = self._compact(order, 1)
        if not order or length < len(order):
            return None
        return self._along(order, self.start, math.prod([self.shape[k] for k in order]))

    @property
    def pieces(self) -> list[tuple[int, int]] | None:
        """The start and stop of the few long slices that, concatenated, read these positions, if there are any."""
        positions = self.positions
        breaks = np.flatnonzero(np.diff(positions) != 1) + 1
        if not cost.worth_pieces(len(breaks) + 1, len(positions)) or (positions < 0).any():
            return None
        return [(int(piece[0]), int(piece[-1]) + 1) for piece in np.split(positions, breaks)]

    def band(self, width: int) -> Band | None:
        """Return the band of an array of this width that reads these positions, if there is one."""
        order = self._by_stride()
        inner = self._compact(order, 1)
        outer = order[inner:]
        if not outer or self._compact(outer, self.strides[outer[0]]) < len(outer):
            return None
        period = self.strides[outer[0]]
        length, rows = (math.prod([self.shape[k] for k in axes]) for axes in (order[:inner], outer))
        first = self.start % period
        start, stop = self.start - first, self.start - first + rows * period
        if first + length > period or stop > width:
            return None
        axes = None if self._is_in_order(order) else self._along(order, 0, rows * length)
        return Band(start, stop, period, first, first + length, axes)

    def _by_stride(self) -> list[int]:
        """Return the axes with nonzero strides, in order of strides. Those with negative ones are never contiguous."""
        return sorted([k for k, stride in enumerate(self.strides) if stride], key=lambda k: self.strides[k])

    def _compact(self, order: list[int], stride: int) -> int:
        """Return the number of leading axes that are contiguous if the innermost has this stride."""
        for n, k in enumerate(order):
            if self.strides[k] != stride:
                return n
            stride *= self.shape[k]
        return len(order)

    def _is_in_order(self, order: list[int]) -> bool:
        return order == list(range(len(self.shape)))[::-1]

    def _along(self, order: list[int], start: int, size: int) -> Axes:
        """Return the axes of a slice of this size, of which the last has the least stride."""
        number = {k: n for n, k in enumerate(reversed(order))}
        shape: list[int] = []
        place: list[int] = []
        for k, length in enumerate(self.shape):
            n = number.get(k, -1)
            if number.get(k - 1) == n - 1:  # merge two adjacent axes of the slice
                shape[-1] *= length
            else:
                shape.append(length)
                place.append(n)
        used = sorted({n for n in place if n >= 0})
        return Axes(start, start + size, shape, [used.index(n) if n >= 0 else -1 for n in place])


def as_slice(positions: Positions) -> tuple[int, int, int] | None:
    """Return the start, stop and step of the slice that reads these positions, if there is one."""
    start = int(positions[0])
    if len(positions) == 1:
        return (start, start + 1, 1) if start >= 0 else None
    steps = positions[1:] - positions[:-1]
    step = int(positions[1]) - start
    if step < 1 or start < 0 or not (steps == step).all():
        return None
    return start, int(positions[-1]) + 1, step


def as_band(positions: Positions, width: int) -> Band | None:
    """Return the band of an array of this width that reads these positions, if there is one."""
    return Index.of(positions).band(width)


def is_part(positions: Positions, width: int) -> bool:
    """Return whether these positions are a slice or an ascending band of an array of this width."""
    if as_slice(positions) is not None:
        return True
    band = as_band(positions, width)
    return band is not None and band.axes is None


def kind_of(positions: Positions, width: int) -> Kind:
    """Return the cheapest way to read these positions of an array of this width.

    >>> [kind_of(np.array(p), 9) for p in ([2, 3, 4], [0, 3, 1, 4, 2, 5], [0, 1, 5, 6], [0, 3, 6], [4, 0, 1])]
    ['slice', 'axes', 'pieces', 'slice', 'gather']
    """
    index = Index.of(positions)
    if index.slice is not None:
        return "slice"
    if index.axes is not None:
        return "axes"
    if index.pieces is not None:
        return "pieces"
    return "gather" if index.band(width) is None else "band"


def effort(positions: Positions) -> float:
    """Return the relative cost of reading these positions, from 0 for a slice to 1 for a gather."""
    if len(positions) > 1 and are_equal(positions):
        return cost.READING["slice"]
    part = as_slice(positions)
    if part is not None:
        return cost.READING["slice" if part[2] == 1 else "strided"]
    kind = kind_of(positions, sys.maxsize)  # the width is unknown: the last period of a band may be cut off
    if kind == "gather" and (np.diff(positions) > 0).all():
        return cost.READING["ascending"]
    return cost.READING[kind]
