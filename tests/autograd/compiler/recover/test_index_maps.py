"""Index maps read the positions that they describe, as NumPy's slices, transpositions and repetitions do."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd.compiler.recover.index import (
    Axes,
    Band,
    Index,
    are_equal,
    as_band,
    count_pairs,
    distinct,
    effort,
    is_part,
    kind_of,
)

ARRAY = np.arange(300)


def along(part: Any, axes: Axes) -> Any:
    """Return a slice with its axes transposed and repeated."""
    own = [k for k in axes.place if k >= 0]
    turned = part.reshape(axes.own).transpose(own)
    apart = turned.reshape([n if k >= 0 else 1 for n, k in zip(axes.shape, axes.place)])
    return np.broadcast_to(apart, axes.shape).reshape(-1)


def read_axes(axes: Axes) -> Any:
    return along(ARRAY[axes.start : axes.stop], axes)


def read_band(band: Band) -> Any:
    rows = ARRAY[band.start : band.stop].reshape(-1, band.period)
    part = rows[:, band.first : band.last].reshape(-1)
    return part if band.axes is None else along(part, band.axes)


@given(st.lists(st.integers(2, 3), min_size=1, max_size=3), st.randoms(use_true_random=False), st.integers(0, 5))
def test_transposed_and_repeated_axes_of_a_slice(lengths: list[int], chance: Any, start: int) -> None:
    """Any order of a slice's axes, with repetitions anywhere, is recovered."""
    box = np.arange(start, start + int(np.prod(lengths))).reshape(lengths)
    order = list(range(len(lengths)))
    chance.shuffle(order)
    box = box.transpose(order)
    for axis in range(box.ndim + 1):
        if chance.random() < 0.3:
            box = np.repeat(np.expand_dims(box, axis), 2, axis=axis)
    positions = box.reshape(-1)
    axes = Index.of(positions).axes
    assert axes is not None
    assert (axes.start, axes.stop) == (start, start + int(np.prod(lengths)))
    assert read_axes(axes).tolist() == positions.tolist()


@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_bands(lengths: list[int], chance: Any) -> None:
    """Some columns of each row of a table, with their axes in any order, form a band."""
    rows, columns = chance.randint(2, 4), int(np.prod(lengths))
    before, after, start = (chance.randint(0, 2) for _ in range(3))
    period = before + columns + after
    table = np.arange(start * period, (start + rows) * period).reshape(rows, period)
    of_rows = (2, 2) if rows == 4 else (rows,)
    box = table[:, before : before + columns].reshape(*of_rows, *lengths)
    order = list(range(box.ndim))
    chance.shuffle(order)
    positions = box.transpose(order).reshape(-1)
    for width, fits in (((start + rows) * period, True), ((start + rows) * period - 1, False)):
        band = as_band(positions, width)
        if band is not None:
            assert read_band(band).tolist() == positions.tolist()
            assert band.stop <= width
        elif fits and before + after and columns > 1 and Index.of(positions).slice is None:
            pytest.fail(f"no band reads {positions.tolist()}")


@pytest.mark.parametrize(
    ("positions", "band"),
    [
        ([1, 2, 6, 7], Band(0, 10, 5, 1, 3, None)),
        ([6, 7, 11, 12], Band(5, 15, 5, 1, 3, None)),
        ([1, 6, 2, 7], Band(0, 10, 5, 1, 3, Axes(0, 4, [2, 2], [1, 0]))),
        ([1, 1, 2, 2, 6, 6, 7, 7], Band(0, 10, 5, 1, 3, Axes(0, 4, [4, 2], [0, -1]))),
        ([3, 4, 7, 8], Band(0, 12, 4, 3, 5, None)),
    ],
)
def test_a_band_is_the_same_columns_of_every_row(positions: list[int], band: Band) -> None:
    """The last example is not a band: its columns go beyond the end of their rows."""
    past = band.last > band.period
    assert as_band(np.array(positions), 20) == (None if past else band)
    if not past:
        assert read_band(band).tolist() == positions
        assert as_band(np.array(positions), band.stop) == band
        assert as_band(np.array(positions), band.stop - 1) is None


@pytest.mark.parametrize(
    "positions", [[0, 1, 3, 4, 7, 8], [5, 4, 3], [4, 2, 3, 1], [0, 2, 3, 4], [1, 1, 1, 2], [-1, 0, 1, 2, 3, 4]]
)
def test_what_is_neither_axes_nor_a_band(positions: list[int]) -> None:
    assert Index.of(np.array(positions)).axes is None
    assert as_band(np.array(positions), 20) is None


def test_pieces_are_a_few_long_slices() -> None:
    """There are at most four slices, with at least two elements on average."""
    for numbers in ([0, 1, 5, 6], [5, 6, 0, 1, 2], [0, 1, 2, 9], [0, 1, 3, 4, 6, 7, 9, 10], [3, 4, 3, 4]):
        pieces = Index.of(np.array(numbers)).pieces
        assert pieces is not None
        assert list(itertools.chain.from_iterable(range(*piece) for piece in pieces)) == numbers
        assert len(pieces) == 1 + sum(b != a + 1 for a, b in itertools.pairwise(numbers))
    for numbers in ([0, 2, 5], [0, 1, 4], [0, 1, 3, 4, 6, 7, 9, 10, 12, 13], [-1, 0, 1, 5, 6, 7]):
        assert Index.of(np.array(numbers)).pieces is None


def test_parts_are_slices_and_ascending_bands() -> None:
    assert is_part(np.array([2, 3, 4]), 5)
    assert is_part(np.array([0, 2, 4]), 5)
    assert is_part(np.array([1, 2, 6, 7]), 10)
    assert not is_part(np.array([1, 6, 2, 7]), 10)
    assert not is_part(np.array([1, 2, 6, 7]), 9)
    assert not is_part(np.array([1, 2, 6]), 10)


def test_axes_come_before_pieces_and_pieces_before_bands() -> None:
    for numbers, width, kind in (
        ([0, 1, 0, 1], 9, "axes"),
        ([0, 1, 4, 5], 9, "pieces"),
        ([0, 1, 4, 5, 8, 9, 12, 13, 16, 17], 20, "band"),
        ([0, 1, 4, 5, 8, 9, 12, 13, 16, 17], 18, "gather"),
    ):
        assert kind_of(np.array(numbers), width) == kind


def test_the_effort_of_reading() -> None:
    """In the cost model, a slice is free, a stride costs 0.1, axes 0.3, pieces and bands 0.5, a gather 0.9 or 1."""
    for numbers, needed in (
        ([7], 0.0),
        ([-1], 0.9),
        ([7, 7], 0.0),
        ([7, 7, 7], 0.0),
        ([1, 2, 3], 0.0),
        ([1, 3, 5], 0.1),
        ([0, 2, 1, 3], 0.3),
        ([0, 0, 1, 1], 0.3),
        ([0, 1, 4, 5], 0.5),
        ([0, 3, 6, 1, 4, 7], 0.5),
        ([0, 1, 3], 0.9),
        ([0, 1, 1], 1.0),
        ([1, 0, 3], 1.0),
    ):
        assert effort(np.array(numbers)) == needed


@given(st.lists(st.integers(-1, 6), max_size=12))
def test_distinct_positions(numbers: list[int]) -> None:
    assert distinct(np.array(numbers, dtype=np.int64)).tolist() == sorted(set(numbers))


def test_the_least_position_of_a_map() -> None:
    assert Index(9, (3, 2), (-2, 1)).least == 5
    assert Index(3, (2, 3), (4, 0)).least == 3
    assert not Index.of(np.array([2, 1, 0, -1])).is_affine
    assert Index.of(np.array([3, 2, 1, 0])).is_affine


def test_rows_of_other_strides_are_no_map() -> None:
    assert not Index.of(np.array([0, 1, 2, 5, 7, 9])).is_affine


def test_distinct_pairs_are_counted() -> None:
    a, b = np.array([0, 0, 1, 1, 0, 2]), np.array([0, 3, 0, 3, 3, 1])
    assert count_pairs(a, b) == len(set(zip(a.tolist(), b.tolist()))) == 5
    assert count_pairs(np.array([0, 1]), np.array([1, 0])) == 2
    for a, b in np.random.default_rng(0).integers(0, 9, size=(20, 2, 30)):
        assert count_pairs(a, b % 4) == len(set(zip(a.tolist(), (b % 4).tolist())))


def test_rows_that_are_equal() -> None:
    assert are_equal(np.array([[1, 2], [1, 2]])) and are_equal(np.array([[1, 2]])) and are_equal(np.array([3, 3, 3]))
    assert not are_equal(np.array([[1, 2], [1, 2], [1, 3]])) and not are_equal(np.array([3, 3, 4]))
