"""Training on the data of notebooks: data frames with mixed columns, arrays of objects, names of classes."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix

import nn
from autograd import Value

NUMBERS = [[1.0, 0.0, 3.0, -2.0], [0.0, 1.0, 2.5, 7.0], [1.0, 1.0, -1.0, 0.0], [0.0, 0.0, 4.0, 1.0]]
FRAMES: dict[str, dict[str, Any]] = {
    "bool and numbers": {"a": [True, False, True, False], "b": [0, 1, 1, 0], "c": [3, 2.5, -1, 4], "d": [-2, 7, 0, 1]},
    "nullable": {
        "a": pd.array([True, False, True, False], dtype="boolean"),
        "b": pd.array([0, 1, 1, 0], dtype="Int64"),
        "c": pd.array([3, 2.5, -1, 4], dtype="Float64"),
        "d": pd.array([-2, 7, 0, 1], dtype="Int8"),
    },
    "objects": {
        "a": pd.Series([True, False, True, False], dtype=object),
        "b": pd.Series([0, True, Fraction(1), 0], dtype=object),
        "c": pd.Series([3, 2.5, -1.0, np.float32(4)], dtype=object),
        "d": pd.array([-2, 7, 0, 1], dtype="float32"),
    },
}


def trained(inputs: Any, targets: Any, **settings: Any) -> dict[str, float]:
    model = nn.MLP(4, [2, 1], seed=0)
    nn.fit(model, inputs, targets, epochs=2, seed=0, progress=False, **settings)
    return model.state_dict()


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_trains_as_its_numbers_do(name: str) -> None:
    frame = pd.DataFrame(FRAMES[name]).set_axis([*"wxyz"])
    expected = trained(NUMBERS, [0, 1, 1, 0])
    assert trained(frame, pd.array([0, 1, 1, 0], dtype="Int64")) == expected
    assert trained(frame, frame["b"], validation=(frame, frame[["b"]])) == expected
    assert nn.predict(nn.MLP(4, [2], seed=0), frame).tolist() == nn.predict(nn.MLP(4, [2], seed=0), NUMBERS).tolist()


def test_arrays_of_objects_train_as_their_numbers_do() -> None:
    objects = np.array(
        [[np.float64(x) if i else int(x) for i, x in enumerate(row)] for row in NUMBERS[:3]] + [[False, 0, 4, 1]]
    )
    objects = objects.astype(object)
    objects[3] = [False, np.bool_(False), Fraction(4), np.int8(1)]
    assert trained(objects, np.array([0, 1.0, True, np.int64(0)], dtype=object)) == trained(NUMBERS, [0, 1, 1, 0])


def test_nullable_labels_name_several_classes() -> None:
    model, other = nn.MLP(4, [3], seed=0), nn.MLP(4, [3], seed=0)
    settings: dict[str, Any] = {"epochs": 1, "seed": 0, "progress": False}
    nn.fit(model, NUMBERS, pd.Series([2, 0, 1, 2], dtype="Int64"), **settings)
    nn.fit(other, NUMBERS, [2, 0, 1, 2], **settings)
    assert model.state_dict() == other.state_dict()


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (
            pd.DataFrame({"a": [1.0, 2.0], "b": pd.array([1, None], dtype="Int64")}),
            ValueError,
            "'b'.*missing.*sample 1",
        ),
        (pd.DataFrame({"a": [1.0, np.nan]}), ValueError, "'a'.*missing value in sample 1"),
        (pd.DataFrame({"a": [1.0, np.inf]}), ValueError, "finite numbers, got inf in sample 1, column 0"),
        (pd.DataFrame({"a": pd.array([True, None], dtype="boolean")}), ValueError, "'a'.*missing value in sample 1"),
        (pd.DataFrame({"a": [1, 2], "city": ["Ulm", "Bonn"]}), TypeError, "'city'.*'Ulm'.*pandas.get_dummies"),
        (pd.DataFrame({"city": pd.Categorical(["Ulm", "Bonn"])}), TypeError, "'city'.*category.*'Ulm'"),
        (pd.DataFrame({"when": pd.to_datetime(["2020-01-01", "2021-01-01"])}), TypeError, "'when'.*datetime64"),
        (pd.DataFrame(index=[0, 1]), ValueError, "at least one column"),
        (np.array([[1.0, Decimal(2)]], dtype=object), TypeError, r"Decimal\('2'\) in sample 0, column 1"),
        (np.array([[1.0, pd.NA]], dtype=object), ValueError, "missing value, <NA>, in sample 0, column 1"),
        (np.array([[1.0, Value(2.0)]], dtype=object), TypeError, r"got Values, .*v\.data"),
    ],
)
def test_what_is_no_number_is_refused_by_column_and_sample(inputs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nn.fit(nn.MLP(1, [1]), inputs, [0, 1], progress=False)


# Names of classes

X = np.random.default_rng(0).normal(size=(30, 2))
NAMES = np.where(X[:, 0] > 0.3, "left", np.where(X[:, 1] > 0, "middle", "right"))


def settings() -> dict[str, Any]:
    return {"epochs": 20, "seed": 0, "progress": False, "optimizer": None}


@pytest.mark.parametrize(
    "names",
    [NAMES.tolist(), NAMES, NAMES.astype(object), pd.Series(NAMES), pd.Series(NAMES).astype("category")],
    ids=["list", "array", "objects", "series", "categories"],
)
def test_names_of_classes_stand_for_outputs_in_sorted_order(names: Any) -> None:
    model, other = nn.MLP(2, [4, 3], seed=0), nn.MLP(2, [4, 3], seed=0)
    history = nn.fit(model, X, names, validation=(X[:3], names[:3]), **settings())
    assert history.classes == ("left", "middle", "right")
    places = np.searchsorted(history.classes, NAMES)
    assert nn.fit(other, X, places, validation=(X[:3], places[:3]), **settings()) == history
    assert model.state_dict() == other.state_dict()
    predicted = np.array(history.classes)[nn.predict(model, X).argmax(axis=1)]
    assert nn.accuracy(model, X, names) == accuracy_score(NAMES, predicted)
    np.testing.assert_array_equal(nn.confusion_matrix(model, X, names), confusion_matrix(NAMES, predicted))
    few = NAMES != "middle"
    given = np.asarray(names)[few]
    expected = accuracy_score(NAMES[few], predicted[few])
    assert nn.accuracy(model, X[few], given, classes=history.classes) == expected
    with pytest.raises(ValueError, match="3 outputs, for 3 classes; the targets name 2: 'left', 'right'"):
        nn.accuracy(model, X[few], given)


@pytest.mark.parametrize("loss", [nn.half_squared_error, nn.hinge])
def test_of_one_output_the_second_name_is_class_1(loss: Any) -> None:
    names = np.where(X[:, 0] > 0, "yes", "no")
    activation: Any = "identity" if loss is nn.hinge else "sigmoid"
    model, other = (nn.MLP(2, [3, 1], output_activation=activation, seed=0) for _ in range(2))
    history = nn.fit(model, X, names, loss=loss, **settings())
    assert history.classes == ("no", "yes")
    numbers = np.where(names == "yes", 1.0, -1.0 if loss is nn.hinge else 0.0)
    assert nn.fit(other, X, numbers, loss=loss, **settings()) == history
    assert model.state_dict() == other.state_dict()


def test_a_name_of_a_class_that_was_not_learned_is_refused() -> None:
    names = np.where(X[:, 0] > 0, "yes", "no")
    with pytest.raises(ValueError, match="the class 'maybe', which is none of 'no', 'yes'"):
        nn.fit(nn.MLP(2, [1]), X, names, validation=(X[:2], ["yes", "maybe"]), progress=False)
    with pytest.raises(ValueError, match="1 output, for 2 classes; the targets name 1: 'no'"):
        nn.fit(nn.MLP(2, [1]), X, ["no"] * 30, progress=False)


def test_names_of_weight_0_are_none() -> None:
    names = [*np.where(X[:, 0] > 0, "yes", "no")[:-2], "maybe", None]
    model = nn.MLP(2, [1], seed=0)
    history = nn.fit(model, X, names, sample_weight=[1.0] * 28 + [0.0] * 2, **settings())
    assert history.classes == ("no", "yes")
