"""Predictions for many rows: compiled if possible, with the same numbers as a call for each row."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from nn.training import prediction

ROWS = 1500


def rows(count: int, width: int) -> NDArray[np.float64]:
    return np.random.default_rng(5).normal(size=(count, width))


def by_hand(model: nn.MLP, x: NDArray[Any]) -> NDArray[np.float64]:
    """Compute a sigmoid network in NumPy."""
    a = x
    for layer in model.layers:
        w = np.array([[weight.data for weight in neuron.weights] for neuron in layer.neurons])
        b = np.array([neuron.bias.data for neuron in layer.neurons])
        a = 1 / (1 + np.exp(-(a @ w.T + b)))
    return a


@pytest.mark.parametrize("sizes", [(12, [30, 1]), (5, [4, 3]), (1, [1]), (2, [2])])
def test_as_numpy_computes_them(sizes: tuple[int, list[int]]) -> None:
    model, x = nn.MLP(*sizes, seed=1), rows(ROWS, sizes[0])
    np.testing.assert_allclose(nn.predict(model, x), by_hand(model, x), rtol=1e-12)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "softplus", "identity"])
@pytest.mark.parametrize("elementary", [False, True])
def test_every_activation_computes_as_node_by_node(activation: Any, elementary: bool) -> None:
    model, x = nn.MLP(3, [4, 2], activation, activation, seed=1, elementary=elementary), 100 * rows(400, 3)
    expected = prediction.predict_node_by_node(model, x)
    np.testing.assert_allclose(nn.predict(model, x), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("sizes", [(12, [30, 1]), (3, [17, 10])])
def test_the_bits_of_a_row_do_not_depend_on_the_rows_beside_it(sizes: tuple[int, list[int]]) -> None:
    model, x = nn.MLP(*sizes, seed=1), rows(2500, sizes[0])
    outputs = nn.predict(model, x)
    alone = np.concatenate([*prediction.output_blocks(model, x[7:8], fewest=1)])
    assert (alone == outputs[7:8]).all()
    order = np.random.default_rng(0).permutation(len(x))
    assert (nn.predict(model, x[order]) == outputs[order]).all()
    for count in (300, 301, 1023, 1024, 1025, 2047):
        assert (nn.predict(model, x[:count]) == outputs[:count]).all()


def test_sequences_keep_their_shape() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            self.embedding, self.output = nn.Embedding(4, 3, seed=0), nn.Layer(3, 4, "identity", seed=0)

        def __call__(self, tokens: Any) -> Any:
            return [self.output(x) for x in self.embedding(tokens)]

    tokens: NDArray[Any] = np.random.default_rng(0).integers(0, 4, (400, 5))
    model = Counting()
    outputs = nn.predict(model, tokens)
    assert outputs.shape == (400, 5, 4)
    np.testing.assert_allclose(outputs, prediction.predict_node_by_node(model, tokens), rtol=1e-12)


class Branching(nn.Module):
    """A network that branches on a number, which cannot be compiled."""

    def __init__(self) -> None:
        self.layer = nn.Layer(2, 1, seed=0)

    def __call__(self, sample: Any) -> Any:
        return self.layer(sample) if sample[0] > 0 else self.layer([0.0, sample[1]])


def test_what_cannot_be_compiled_is_computed_node_by_node(capsys: pytest.CaptureFixture[str]) -> None:
    model, x = Branching(), rows(ROWS, 2)
    expected = [[model(row)[0].data] for row in x.tolist()]
    assert nn.predict(model, x).tolist() == expected
    assert capsys.readouterr() == ("", "")


def test_it_says_why_where_that_takes_long(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "SECONDS_BEFORE_BAR", 0.0)
    nn.predict(Branching(), rows(ROWS, 2))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("predicted node by node, since the model cannot be compiled: ")
    assert "autograd.where" in line


def test_a_model_that_draws_draws_anew_for_each_row() -> None:
    def model(sample: Any) -> Any:
        return autograd.Value(sample[0]) * random.random()

    outputs = nn.predict(model, np.ones((400, 1)))
    assert len(np.unique(outputs)) == 400


def test_numbers_without_a_finite_value_are_refused_as_by_a_call() -> None:
    def model(sample: Any) -> Any:
        return autograd.exp(autograd.Value(1.0) * sample[0])

    x = np.zeros((400, 1))
    x[399] = 1000.0
    with pytest.raises(OverflowError, match=r"exp\(1000.0\)"):
        nn.predict(model, x)


def test_parameters_are_read_and_gradients_left_alone() -> None:
    model, x = nn.MLP(3, [4, 2], seed=0), rows(ROWS, 3)
    for k, parameter in enumerate(model.parameters()):
        parameter.data, parameter.grad = k / 10, float(k)
    np.testing.assert_allclose(nn.predict(model, x), by_hand(model, x), rtol=1e-12)
    assert [parameter.grad for parameter in model.parameters()] == [float(k) for k in range(len(model.parameters()))]
