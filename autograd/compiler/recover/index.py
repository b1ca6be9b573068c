"""Index: where the elements of a view lie in an array.

Most views are affine: their elements lie at start + Σ strides[k] · i[k] for the coordinates i of an array of some
shape. A slice, a strided slice, a transposition, a repetition and a column of a stencil are all of this kind. Whatever
is not affine is a few slices one after another ("pieces"), or a gather by explicit positions.

`as_slice`, `as_axes`, `as_pieces` and `as_band` say how a target can write the view without an array of positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler import cost

Positions = NDArray[np.int64]

PADDING = -1
"""The position of a lane that reads zero, and the member of a lane whose result is discarded."""

Kind = Literal["slice", "axes", "pieces", "band", "gather"]


@dataclass(frozen=True)
class Index:
    """An affine map into an array, or explicit positions where there is none.

    Attributes:
        start: the position of the first element.
        shape: the lengths of the axes, the outermost first.
        strides: by how many positions a step along each axis moves; 0 where the axis repeats what is there.
        explicit: the positions themselves where they are not affine; the shape then has one axis.
    """

    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    explicit: Positions | None = None

    @staticmethod
    def of(positions: Positions) -> Index:
        """The affine map with the fewest axes that reads these positions in this order, or the positions themselves.

        >>> Index.of(np.array([4, 5, 6]))
        Index(start=4, shape=(3,), strides=(1,), explicit=None)
        >>> Index.of(np.array([0, 3, 1, 4, 2, 5]))
        Index(start=0, shape=(3, 2), strides=(1, 3), explicit=None)
        """
        lengths: list[int] = []
        strides: list[int] = []
        rest = positions
        while len(rest) > 1:
            steps = np.diff(rest)
            stride = int(steps[0])
            length = int((steps != stride).argmax()) + 1 if (steps != stride).any() else len(rest)
            if len(rest) % length:
                return Index._explicit(positions)
            rows = rest.reshape(-1, length)
            if (rows != rows[:, :1] + stride * np.arange(length)).any():
                return Index._explicit(positions)
            lengths.insert(0, length)
            strides.insert(0, stride)
            rest = rows[:, 0]
        index = Index(int(rest[0]), tuple(lengths), tuple(strides))
        return Index._explicit(positions) if index.least < 0 else index

    @staticmethod
    def _explicit(positions: Positions) -> Index:
        return Index(int(positions[0]), (len(positions),), (0,), positions)

    @property
    def is_affine(self) -> bool:
        return self.explicit is None

    @property
    def least(self) -> int:
        """The least position that an affine map reads."""
        return self.start + sum(stride * (n - 1) for stride, n in zip(self.strides, self.shape) if stride < 0)

    @property
    def positions(self) -> Positions:
        """The positions, one after another."""
        if self.explicit is not None:
            return self.explicit
        positions = np.array([self.start])
        for stride, length in zip(self.strides, self.shape):
            positions = (positions[:, None] + stride * np.arange(length)).reshape(-1)
        return positions


class Axes(NamedTuple):
    """A view that reads a slice as an array of several axes, in another order of axes or some of them repeated.

    Attributes:
        start, stop: the slice.
        shape: the lengths of the axes of what is read, the outermost first.
        place: for each of these the number of the slice's own axis that it is; -1 where it repeats what is there.
    """

    start: int
    stop: int
    shape: list[int]
    place: list[int]

    @property
    def own(self) -> list[int]:
        """The lengths of the slice's own axes."""
        lengths = {k: length for k, length in zip(self.place, self.shape) if k >= 0}
        return [lengths[k] for k in sorted(lengths)]


class Band(NamedTuple):
    """The columns from `first` to `last` of each `period` columns of a slice, such as one gate of every step.

    Attributes:
        start, stop: the slice.
        axes: in which order these columns are read; None where it is their own.
    """

    start: int
    stop: int
    period: int
    first: int
    last: int
    axes: Axes | None


def as_slice(positions: Positions) -> tuple[int, int, int] | None:
    """Start, stop and step of a slice that reads these positions, where there is one."""
    start = int(positions[0])
    if len(positions) == 1:
        return (start, start + 1, 1) if start >= 0 else None
    steps = np.diff(positions)
    step = int(steps[0])
    if step < 1 or start < 0 or not (steps == step).all():
        return None
    return start, int(positions[-1]) + 1, step


def as_axes(positions: Positions) -> Axes | None:
    """The axes of a slice, and the order in which these positions read them, where they do that.

    >>> as_axes(np.array([0, 0, 1, 1, 2, 2]))
    Axes(start=0, stop=3, shape=[3, 2], place=[0, -1])
    >>> as_axes(np.array([0, 3, 1, 4, 2, 5]))
    Axes(start=0, stop=6, shape=[3, 2], place=[1, 0])
    """
    index = Index.of(positions)
    if not index.is_affine or min(index.strides, default=0) < 0:
        return None
    by_stride = sorted([k for k, stride in enumerate(index.strides) if stride], key=lambda k: -index.strides[k])
    expected = 1
    for k in reversed(by_stride):
        if index.strides[k] != expected:
            return None
        expected *= index.shape[k]
    if not by_stride:
        return None
    place = {k: n for n, k in enumerate(by_stride)}
    own = [place.get(k, -1) for k in range(len(index.strides))]
    return Axes(index.start, index.start + expected, list(index.shape), own)


def as_band(positions: Positions, width: int) -> Band | None:
    """The columns of each period of an array of this width that these positions read, where they do that."""
    own = np.unique(positions)
    breaks = np.flatnonzero(np.diff(own) != 1)
    if own[0] < 0 or not len(breaks):
        return None
    length = int(breaks[0]) + 1
    rows, rest = divmod(len(own), length)
    period = int(own[length] - own[0])
    if rest or (own.reshape(rows, length) != own[:length] + period * np.arange(rows)[:, None]).any():
        return None
    first = int(own[0]) % period
    start = int(own[0]) - first
    number = np.searchsorted(own, positions)
    axes = as_axes(number)
    in_order = as_slice(number) == (0, len(own), 1)
    if first + length > period or start + rows * period > width or (axes is None and not in_order):
        return None
    return Band(start, start + rows * period, period, first, first + length, None if in_order else axes)


def as_pieces(positions: Positions) -> list[tuple[int, int]] | None:
    """Start and stop of the few long slices that these positions read one after another, where they do that."""
    breaks = np.flatnonzero(np.diff(positions) != 1) + 1
    if not cost.worth_pieces(len(breaks) + 1, len(positions)) or (positions < 0).any():
        return None
    pieces = np.split(positions, breaks)
    return [(int(piece[0]), int(piece[-1]) + 1) for piece in pieces]


def is_part(positions: Positions, width: int) -> bool:
    """Whether these positions read a slice of an array of this width, or the same columns of each period of one."""
    if as_slice(positions) is not None:
        return True
    band = as_band(positions, width)
    return band is not None and band.axes is None


def kind_of(positions: Positions, width: int) -> Kind:
    """The cheapest way to read these positions of an array of this width.

    >>> [kind_of(np.array(p), 9) for p in ([2, 3, 4], [0, 3, 1, 4, 2, 5], [0, 1, 5, 6], [0, 3, 6], [4, 0, 1])]
    ['slice', 'axes', 'pieces', 'slice', 'gather']
    """
    return "slice" if as_slice(positions) is not None else _kind_of_others(positions, width)


def _kind_of_others(positions: Positions, width: int) -> Kind:
    if as_axes(positions) is not None:
        return "axes"
    if as_pieces(positions) is not None:
        return "pieces"
    return "gather" if as_band(positions, width) is None else "band"


def effort(positions: Positions) -> float:
    """The cost of reading an array so, from 0 for a slice to 1 for one element at a time."""
    if len(positions) > 1 and (positions == positions[0]).all():
        return cost.READING["slice"]
    part = as_slice(positions)
    if part is not None:
        return cost.READING["slice" if part[2] == 1 else "strided"]
    kind = _kind_of_others(positions, 2 * int(positions.max()) + 1)
    if kind == "gather" and (np.diff(positions) > 0).all():
        return cost.READING["ascending"]
    return cost.READING[kind]
