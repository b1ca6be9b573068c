"""How an index reads an array: as a slice, by turning and repeating axes of a slice, or one element at a time."""

from __future__ import annotations

from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler.products import Index

MOST_PIECES = 4  # of an array that are put side by side


class Axes(NamedTuple):
    """An index that reads a slice as an array of several axes, in another order of axes or some of them repeated.

    Attributes:
        start, stop: the slice.
        shape: the lengths of the axes of what is read, the outermost first.
        place: for each of these the number of the slice's own axis that it is; -1 where it repeats what there is.
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


def as_slice(index: Index) -> tuple[int, int, int] | None:
    """Start, stop and step of a slice that reads what an index says, where there is one."""
    start = int(index[0])
    if len(index) == 1:
        return (start, start + 1, 1) if start >= 0 else None
    steps = np.diff(index)
    step = int(steps[0])
    if step < 1 or start < 0 or not (steps == step).all():
        return None
    return start, int(index[-1]) + 1, step


def as_axes(index: Index) -> Axes | None:
    """Which axes of a slice an index reads in which order, where it does that.

    >>> as_axes(np.array([0, 0, 1, 1, 2, 2]))
    Axes(start=0, stop=3, shape=[3, 2], place=[0, -1])
    >>> as_axes(np.array([0, 3, 1, 4, 2, 5]))
    Axes(start=0, stop=6, shape=[3, 2], place=[1, 0])
    """
    lengths: list[int] = []
    strides: list[int] = []
    rest = index
    while len(rest) > 1:
        steps = np.diff(rest)
        stride = int(steps[0])
        length = int((steps != stride).argmax()) + 1 if (steps != stride).any() else len(rest)
        if stride < 0 or len(rest) % length:
            return None
        rows = rest.reshape(-1, length)
        if (rows != rows[:, :1] + stride * np.arange(length)).any():
            return None
        lengths.insert(0, length)
        strides.insert(0, stride)
        rest = rows[:, 0]
    by_stride = sorted([k for k, stride in enumerate(strides) if stride], key=lambda k: -strides[k])
    expected = 1
    for k in reversed(by_stride):
        if strides[k] != expected:
            return None
        expected *= lengths[k]
    start = int(rest[0])
    if start < 0 or not by_stride:
        return None
    place = {k: n for n, k in enumerate(by_stride)}
    return Axes(start, start + expected, lengths, [place.get(k, -1) for k in range(len(strides))])


def as_band(index: Index, width: int) -> Band | None:
    """Which columns of each period of an array of so many columns an index reads, where it does that."""
    own = np.unique(index)
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
    number = np.searchsorted(own, index)
    axes = as_axes(number)
    in_order = as_slice(number) == (0, len(own), 1)
    if first + length > period or start + rows * period > width or (axes is None and not in_order):
        return None
    return Band(start, start + rows * period, period, first, first + length, None if in_order else axes)


def is_part(index: Index, width: int) -> bool:
    """Whether an index reads a slice of an array of so many columns, or the same columns of each period of one."""
    if as_slice(index) is not None:
        return True
    band = as_band(index, width)
    return band is not None and band.axes is None


def as_pieces(index: Index) -> list[tuple[int, int]] | None:
    """Start and stop of the few slices that an index reads one after the other, where they are longer than many."""
    breaks = np.flatnonzero(np.diff(index) != 1) + 1
    if len(breaks) >= MOST_PIECES or len(index) < 2 * (len(breaks) + 1) or (index < 0).any():
        return None
    pieces = np.split(index, breaks)
    return [(int(piece[0]), int(piece[-1]) + 1) for piece in pieces]


def effort(index: Index) -> float:
    """How much it takes to read an array so: nothing for a slice, most for one element at a time."""
    if len(index) > 1 and (index == index[0]).all():
        return 0.0
    found = as_slice(index)
    if found is not None:
        return 0.0 if found[2] == 1 else 0.1
    if as_axes(index) is not None:
        return 0.3
    if as_pieces(index) is not None or as_band(index, 2 * int(index.max()) + 1) is not None:
        return 0.5
    return 0.9 if (np.diff(index) > 0).all() else 1.0
