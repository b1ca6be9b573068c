"""Samples, targets and one-hot rows: accepted forms, and the errors for others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import OneHotEncoder

import nn
from nn.data import are_classes, as_samples, as_targets

EITHER = (TypeError, ValueError)


# one_hot


@pytest.mark.parametrize("classes", [1, 2, 10])
def test_one_hot_agrees_with_scikit_learn(classes: int) -> None:
    labels = np.random.default_rng(0).integers(0, classes, size=50)
    encoder = OneHotEncoder(categories=[range(classes)], sparse_output=False)
    np.testing.assert_array_equal(nn.one_hot(labels, classes), encoder.fit_transform(labels[:, None]))


def test_one_hot_of_a_single_label_is_a_single_row() -> None:
    assert nn.one_hot(2, 4).tolist() == [0.0, 0.0, 1.0, 0.0]


def test_one_hot_adds_an_axis_to_any_shape() -> None:
    labels = np.arange(6).reshape(2, 3)
    rows = nn.one_hot(labels)
    assert rows.shape == (2, 3, 6)
    assert (rows.argmax(axis=-1) == labels).all()
    assert (rows.sum(axis=-1) == 1).all()


def test_without_a_number_of_classes_the_largest_label_decides() -> None:
    assert nn.one_hot([0, 3, 1]).shape == (3, 4)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_integers_of_any_size_are_labels(dtype: Any) -> None:
    assert nn.one_hot(np.array([1, 0], dtype=dtype), 2).tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_no_labels_give_no_rows() -> None:
    assert nn.one_hot(np.array([], dtype=int), 3).shape == (0, 3)


def test_rows_are_independent_of_each_other() -> None:
    rows = nn.one_hot([1, 1], 2)
    rows[0, 1] = 5.0
    assert rows[1].tolist() == [0.0, 1.0]


def test_one_hot_needs_memory_for_its_rows_alone() -> None:
    """One row of 200,000 numbers takes 1.6 MB; an identity matrix would take 320 GB."""
    row = nn.one_hot(199_999, 200_000)
    assert row.shape == (200_000,)
    assert row.argmax() == 199_999


@pytest.mark.parametrize(
    ("labels", "classes", "error", "message"),
    [
        ([0, 3], 3, ValueError, "labels go from 0 to 3, but there are classes 0 to 2"),
        ([-1, 0], 3, ValueError, "labels go from -1 to 0"),
        ([-1], None, ValueError, "labels go from -1 to -1"),
        ([0.0, 1.0], 3, TypeError, "integer labels, got an array of float64"),
        (["a"], 3, TypeError, "integer labels"),
        ([True, False], 2, TypeError, "integer labels, got an array of bool"),
        (None, 2, TypeError, "integer labels"),
        ([0], 0, ValueError, "labels go from 0 to 0"),
        ([0], -1, ValueError, "labels go from 0 to 0"),
    ],
)
def test_one_hot_refuses_what_are_no_labels(labels: Any, classes: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nn.one_hot(labels, classes)


# Samples


@pytest.mark.parametrize(
    "inputs",
    [
        [[1, 2], [3, 4]],
        ((1.0, 2.0), (3.0, 4.0)),
        np.array([[1, 2], [3, 4]], dtype=np.uint8),
        np.array([[1, 2], [3, 4]], dtype=np.float32),
        np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]),
    ],
    ids=["list", "tuple", "uint8", "float32", "by columns"],
)
def test_samples_become_rows_of_floats(inputs: Any) -> None:
    array = as_samples(inputs)
    assert array.dtype == np.float64
    assert array.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_arrays_of_floats_are_not_copied_where_they_can_be_read_as_they_are() -> None:
    floats = np.arange(12.0).reshape(3, 4)
    assert np.shares_memory(as_samples(floats, copy=False), floats)
    unaligned = np.frombuffer(b" " + floats.tobytes(), np.uint8)[1:].view(float).reshape(3, 4)
    for array in (np.asfortranarray(floats), floats.astype(">f8"), unaligned, np.repeat(floats, 2, axis=1)[:, ::2]):
        samples = as_samples(array, copy=False)
        assert samples.flags.c_contiguous and samples.flags.aligned
        assert samples.dtype.isnative
        np.testing.assert_array_equal(samples, floats)


def test_sums_that_overflow_are_no_reason_to_refuse() -> None:
    assert as_samples([[1.7e308], [1.7e308]]).tolist() == [[1.7e308], [1.7e308]]


def test_a_pandas_table_is_samples() -> None:
    import pandas as pd

    assert as_samples(pd.DataFrame({"a": [1, 3], "b": [2.0, 4.0]})).tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_booleans_are_0_and_1() -> None:
    assert as_samples([[True, False]]).tolist() == [[1.0, 0.0]]


def test_one_number_a_sample_becomes_a_row_of_one() -> None:
    assert as_samples([1.0, 2.0, 3.0]).shape == (3, 1)


def test_samples_keep_further_axes() -> None:
    assert as_samples(np.zeros((4, 2, 3))).shape == (4, 2, 3)


def test_the_users_array_is_not_the_one_that_is_kept() -> None:
    given = np.zeros((2, 2))
    as_samples(given)[0, 0] = 5.0
    as_targets(given, 2, 2)[0, 0] = 5.0
    assert given[0, 0] == 0.0


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ([], ValueError, "at least one sample"),
        ([[]], ValueError, "at least one sample"),
        (np.zeros((0, 3)), ValueError, "at least one sample"),
        (3.0, ValueError, "at least one sample"),
        ([[1, 2], [3]], ValueError, "rows of the same length"),
        ([1, [2]], ValueError, "rows of the same length"),
        (None, EITHER, "real numbers"),
        ([[None, 1.0]], EITHER, "real numbers"),
        ([{"a": 1}], EITHER, "real numbers"),
        ([["1", "2"]], TypeError, "real numbers"),
        ("12", TypeError, "real numbers"),
        (b"12", TypeError, "real numbers"),
        ([[1j]], TypeError, "real numbers, got an array of complex128"),
        ([[nn.MLP(1, [1], seed=0)([1.0])]], EITHER, "real numbers"),
        ([[10**400]], EITHER, "real numbers"),
        ([[0.0, math.nan]], ValueError, "be finite numbers, got nan in sample 0, column 1"),
        ([[0.0, 1.0], [math.inf, 0.0]], ValueError, "got inf in sample 1, column 0"),
        ([0.0, -math.inf], ValueError, "got -inf in sample 1"),
        ([[[0.0], [0.0]], [[0.0], [math.nan]]], ValueError, "got nan in sample 1, column 1, 0"),
    ],
)
def test_what_are_no_samples_is_refused_under_its_name(inputs: Any, error: type[Exception], message: str) -> None:
    for name in ("inputs", "validation inputs"):
        with pytest.raises(error, match=f"^{name} must .*{message}"):
            as_samples(inputs, name)


# Targets


@pytest.mark.parametrize(
    ("targets", "outputs", "expected"),
    [
        ([0, 1], 1, [[0.0], [1.0]]),
        ([0.5, -3.0], 1, [[0.5], [-3.0]]),
        ([[0.5], [1.0]], 1, [[0.5], [1.0]]),
        ([True, False], 1, [[1.0], [0.0]]),
        ([[1, 2], [3, 4]], 2, [[1.0, 2.0], [3.0, 4.0]]),
        ([2, 0], 3, [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
        (np.array([1, 0], dtype=np.uint8), 2, [[0.0, 1.0], [1.0, 0.0]]),
        ([True, False], 2, [[0.0, 1.0], [1.0, 0.0]]),
    ],
)
def test_targets_become_a_row_a_sample(targets: Any, outputs: int, expected: list[list[float]]) -> None:
    array = as_targets(targets, 2, outputs)
    assert array.dtype == np.float64
    assert array.tolist() == expected


@pytest.mark.parametrize(
    ("targets", "outputs", "error", "message"),
    [
        ([0, 1, 1], 1, ValueError, "a target for each of the 2 samples, got 3 targets"),
        ([], 1, ValueError, "a target for each of the 2 samples, got 0 targets"),
        (1.0, 1, ValueError, "a target for each of the 2 samples, got a single number"),
        ([[1, 2], [3, 4]], 1, ValueError, r"shape \(2, 1\), got \(2, 2\)"),
        ([[1], [2]], 2, ValueError, r"shape \(2, 2\), got \(2, 1\)"),
        (np.zeros((2, 2, 1)), 2, ValueError, r"shape \(2, 2\), got \(2, 2, 1\)"),
        ([0.0, 1.0], 2, ValueError, r"integer labels, or rows of 2 numbers.*targets.astype\(int\)"),
        ([0, 2], 2, ValueError, "labels go from 0 to 2"),
        ([math.nan, 0.0], 1, ValueError, "targets must be finite numbers, got nan in sample 0"),
        ([[0, 1], [0]], 2, ValueError, "targets must be rows of the same length"),
        (["yes", "no"], 3, ValueError, "3 outputs, for 3 classes; the targets name 2: 'no', 'yes'"),
        ([1j, 0], 1, TypeError, "targets must be real numbers"),
        (None, 1, EITHER, "targets must be .*real numbers"),
    ],
)
def test_targets_that_do_not_fit_are_refused(targets: Any, outputs: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        as_targets(targets, 2, outputs)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([[0], [1], [1]], True),
        ([[-1], [1]], True),
        ([[1], [1]], True),
        ([[0], [1], [-1]], False),
        ([[0.5], [1]], False),
        ([[0], [2]], False),
        ([[0, 1], [1, 0]], True),
        ([[-1, 1], [1, -1]], True),
        ([[0, 1], [1, -1]], False),
        ([[1, 1], [1, 0]], False),
        ([[0, 0], [1, 0]], False),
        ([[0.3, 0.7], [1, 0]], False),
    ],
)
def test_which_targets_name_classes(targets: Any, expected: bool) -> None:
    assert are_classes(np.array(targets, dtype=float)) is expected
