"""Sample weights: their effect on the cost and on other results, and the meaning of weight 0."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix

import nn

Engine = Literal["eager", "compiled"]
ENGINES: list[Engine] = ["eager", "compiled"]

CHANCE = np.random.default_rng(3)
X = CHANCE.normal(size=(11, 2))
T = (X[:, 0] > X[:, 1]).astype(float)
W = np.array([0.5, 2.0, 1.0, 3.5, 0.25, 1.0, 4.0, 0.125, 1.0, 2.0, 1.5])


def trained(inputs: Any, targets: Any, engine: Engine, **settings: Any) -> tuple[dict[str, float], nn.History]:
    model = nn.MLP(2, [3, 1], seed=1)
    settings = {"epochs": 3, "batch_size": 4, "seed": 5, **settings}
    history = nn.fit(model, inputs, targets, engine=engine, progress=False, **settings)
    assert history.engine == engine
    return model.state_dict(), history


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_update_follows_the_weighted_cost(engine: Engine, reduction: Literal["mean", "sum"]) -> None:
    """The model is linear, with ½ (o − t)², whose gradient by hand is Σ w (o − t) x."""
    model = nn.Neuron(2, "identity", seed=0)
    line, bias = np.array([weight.data for weight in model.weights]), 0.0
    for start in (0, 4, 8):
        x, t, w = X[start : start + 4], T[start : start + 4], W[start : start + 4]
        errors = w * (x @ line + bias - t)
        total = w.sum() if reduction == "mean" else 1.0
        bias -= 0.1 * errors.sum() / total
        line = line - 0.1 * errors @ x / total
    settings: dict[str, Any] = {"epochs": 1, "batch_size": 4, "shuffle": False, "progress": False}
    nn.fit(model, X, T, sample_weight=W, reduction=reduction, engine=engine, **settings)
    assert [weight.data for weight in model.weights] == pytest.approx(line.tolist(), rel=1e-12)
    assert model.bias.data == pytest.approx(bias, rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("weights", [np.ones(11), W], ids=["weights of 1", "other weights"])
def test_weight_0_is_the_same_as_leaving_the_sample_out(engine: Engine, weights: Any) -> None:
    """Results are equal bit by bit, with order, batches and early stopping; such samples are never read."""
    holes = [1, 4, 5]
    mixed = np.insert(X, holes, math.nan, axis=0), np.insert(T, holes, math.inf), np.insert(weights, holes, 0.0)
    settings: dict[str, Any] = {"patience": 1, "epochs": 6, "optimizer": None}
    with_zeros = trained(*mixed[:2], engine, sample_weight=mixed[2], validation=mixed, **settings)
    without = trained(X, T, engine, sample_weight=weights, validation=(X, T, weights), **settings)
    assert with_zeros == without
    assert with_zeros[1].kept == without[1].kept


def test_weights_that_are_all_the_same_are_none() -> None:
    assert trained(X, T, "compiled", sample_weight=[3] * 11) == trained(X, T, "compiled")
    assert trained(X, T, "eager", reduction="sum", sample_weight=[1.0] * 11) == trained(X, T, "eager", reduction="sum")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_whole_weight_is_a_sample_that_often(engine: Engine) -> None:
    counts = np.array([1, 2, 0, 3, 1, 1, 4, 2, 1, 0, 2])
    settings: dict[str, Any] = {"batch_size": None, "shuffle": False}
    weighted, history = trained(X, T, engine, sample_weight=counts, **settings)
    repeated, expected = trained(X.repeat(counts, axis=0), T.repeat(counts), engine, **settings)
    assert weighted == pytest.approx(repeated, rel=1e-12)
    for epoch, other in zip(history, expected):
        assert epoch.cost == pytest.approx(other.cost, rel=1e-12)
        assert epoch.accuracy == pytest.approx(other.accuracy, rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_history_is_weighted(engine: Engine, reduction: Literal["mean", "sum"]) -> None:
    model = nn.MLP(2, [3, 1], seed=1)
    rate = nn.SGD(model.parameters(), learning_rate=1e-15)  # so that all batches see the same network
    settings: dict[str, Any] = {"epochs": 1, "batch_size": 4, "optimizer": rate, "progress": False}
    (epoch,) = nn.fit(
        model, X, T, sample_weight=W, validation=(X, T, W[::-1]), reduction=reduction, engine=engine, **settings
    )
    outputs = nn.predict(model, X)[:, 0]
    for weights, cost, accuracy in (
        (W, epoch.cost, epoch.accuracy),
        (W[::-1], epoch.validation_cost, epoch.validation_accuracy),
    ):
        total = weights.sum() if reduction == "mean" else 1.0
        assert cost == pytest.approx((weights * 0.5 * (outputs - T) ** 2).sum() / total, rel=1e-9)
        assert accuracy == pytest.approx(accuracy_score(T, outputs > 0.5, sample_weight=weights))


@pytest.mark.parametrize("outputs", [1, 3])
def test_evaluation_agrees_with_scikit_learn(outputs: int) -> None:
    model = nn.MLP(2, [3, outputs], seed=0)
    labels = np.arange(11) % max(2, outputs)
    predicted = nn.predict(model, X)
    classes = predicted.argmax(axis=1) if outputs > 1 else predicted[:, 0] > 0.5
    weights = np.where(np.arange(11) == 4, 0.0, W)
    expected = accuracy_score(labels, classes, sample_weight=weights)
    assert nn.accuracy(model, X, labels, sample_weight=weights) == pytest.approx(expected)
    np.testing.assert_allclose(
        nn.confusion_matrix(model, X, labels, sample_weight=weights),
        confusion_matrix(labels, classes, sample_weight=weights, labels=range(max(2, outputs))),
    )
    assert nn.confusion_matrix(model, X, labels).dtype == np.int64


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([*[1.0] * 10, -0.5], r"must be 0 or more, got -0\.5 for sample 10"),
        ([*[1.0] * 10, math.nan], "must be finite numbers, got nan in sample 10"),
        ([*[1.0] * 10, math.inf], "must be finite numbers, got inf in sample 10"),
        ([0] * 11, "must not be zero for all 11 samples"),
        ([1.0] * 10, r"one number for each of the 11 samples, got shape \(10,\)"),
        (np.ones((11, 1)), r"one number for each of the 11 samples, got shape \(11, 1\)"),
        (2.0, r"one number for each of the 11 samples, got shape \(\)"),
        (["heavy"] * 11, "sample_weight must be real numbers"),
    ],
)
def test_weights_that_make_no_cost_are_refused(weights: Any, message: str) -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    before = model.state_dict()
    with pytest.raises((ValueError, TypeError), match=message):
        nn.fit(model, X, T, sample_weight=weights, progress=False)
    with pytest.raises((ValueError, TypeError), match=f"validation.*{message}"):
        nn.fit(model, X, T, validation=(X, T, weights), progress=False)
    with pytest.raises((ValueError, TypeError), match=message):
        nn.accuracy(model, X, T, sample_weight=weights)
    assert model.state_dict() == before


def test_training_with_weights_goes_on_with_weights_alone(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    whole = trained(X, T, "compiled", sample_weight=W, epochs=4)
    model = nn.MLP(2, [3, 1], seed=1)
    settings: dict[str, Any] = {"batch_size": 4, "seed": 5, "checkpoint": file, "progress": False}
    nn.fit(model, X, T, sample_weight=W, epochs=2, **settings)
    with pytest.raises(ValueError, match=r"sample.weight 'given', and this training has sample.weight None"):
        nn.fit(nn.MLP(2, [3, 1], seed=1), X, T, epochs=4, resume=True, **settings)
    history = nn.fit(model, X, T, sample_weight=W, epochs=4, resume=True, **settings)
    assert (model.state_dict(), history) == whole
