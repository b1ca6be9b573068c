"""The vector of all parameters: arrays are read from it, and gradients are added up in it, as by NumPy's indices."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from autograd.compiler.targets.parameter_buffer import ParameterBuffer, in_reading_order

SIZE = 12
CASES: dict[str, list[Any]] = {
    "matrices side by side": [[[0, 1, 2], [3, 4, 5]], [6, 7, 8, 9, 10, 11]],
    "a matrix and its transpose": [[[0, 1], [2, 3]], [[0, 2], [1, 3]]],
    "columns between others": [[[0, 3], [6, 9]], [[1, 4], [7, 10]], [2, 5, 8, 11]],
    "backwards": [[5, 4, 3, 2, 1, 0], [6, 7, 8, 9, 10, 11]],
    "in no order": [[3, 0, 7], [[1, 2], [4, 5]]],
    "one element in each place of a row": [[[4, 4, 4], [5, 5, 5]]],
    "one element in each place of a column": [[[4, 5], [4, 5], [4, 5]]],
    "one number": [[11]],
    "one row, and one column": [[[2, 3, 4]], [[7], [8], [9]]],
    "even but for one": [[[0, 1], [2, 4]]],
}


def assert_is_numpys(indices: list[NDArray[np.int64]]) -> None:
    """Check that it reads `vector[index]`, and writes the sums of `np.add.at` over any previous numbers."""
    buffer = ParameterBuffer(indices, SIZE)
    for seed in range(3):  # several vectors, since views of some are kept
        vector, into = np.random.default_rng(seed).normal(size=(2, SIZE))
        for _ in range(2):
            for array, index in zip(buffer.views(vector), indices):
                np.testing.assert_array_equal(array, vector[index])
            vector += 1.0  # cached views see the new numbers
        for _ in range(2):
            places = buffer.places(into)  # cached the second time
        expected = np.zeros(SIZE)
        for k, (place, index) in enumerate(zip(places, indices)):
            gradient = np.arange(1.0, index.size + 1).reshape(index.shape) + 100 * k
            place[...] = gradient
            np.add.at(expected, index, gradient)
        if not buffer.in_place:
            buffer.collect(places, into)
        np.testing.assert_array_equal(into, expected)


@pytest.mark.parametrize("name", CASES)
def test_arrays_are_elements_of_the_vector(name: str) -> None:
    assert_is_numpys([np.array(index) for index in CASES[name]])


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(1, 4)).flatmap(
            lambda shape: st.lists(
                st.integers(0, SIZE - 1), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]
            ).map(lambda elements: np.array(elements).reshape(shape))
        ),
        min_size=1,
        max_size=3,
    )
)
def test_any_arrays_are_elements_of_the_vector(indices: list[NDArray[np.int64]]) -> None:
    assert_is_numpys(indices)


def test_nothing_is_copied_where_matrices_fill_the_vector() -> None:
    buffer = ParameterBuffer([np.arange(6).reshape(2, 3), np.arange(6, 12)], SIZE)
    vector = np.zeros(SIZE)
    assert buffer.in_place
    assert all(np.shares_memory(view, vector) for view in buffer.views(vector))
    assert not ParameterBuffer([np.arange(6).reshape(2, 3)], SIZE).in_place  # the others' gradients are 0


def test_views_of_the_last_four_vectors_are_kept() -> None:
    """`fit` alternates between two vectors of weights and two of gradients; others are freed with their views."""
    buffer = ParameterBuffer([np.arange(SIZE)], SIZE)
    vectors = [np.zeros(SIZE) for _ in range(4)]
    views = [buffer.views(vector)[0] for vector in vectors]
    assert all(buffer.views(vector)[0] is view for vector, view in zip(vectors, views))
    first = weakref.ref(vectors[0])
    del vectors[0], views[0]
    buffer.views(np.zeros(SIZE))
    assert first() is None
    assert all(buffer.views(vector)[0] is view for vector, view in zip(vectors, views))


@pytest.mark.parametrize(
    ("indices", "order"),
    [
        ([[[3, 1], [0, 2]]], [3, 1, 0, 2]),
        ([[2, 0], [[0], [1]]], [2, 0, 1, 3]),
        ([[1]], [1, 0, 2, 3]),
        ([], [0, 1, 2, 3]),
    ],
)
def test_parameters_are_ordered_as_arrays_are_read(indices: list[Any], order: list[int]) -> None:
    assert in_reading_order([np.array(index) for index in indices], 4) == order


def test_only_arrays_that_lie_row_by_row_have_places_where_they_start() -> None:
    assert ParameterBuffer([np.arange(6, 12).reshape(2, 3), np.arange(6)], SIZE).starts == [6, 0]
    assert ParameterBuffer([np.arange(6), np.array([[6, 8], [7, 9]])], SIZE).starts is None
