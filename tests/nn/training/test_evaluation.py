"""predict, accuracy and confusion_matrix, compared with scikit-learn where it has the same function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

import autograd
import nn
from autograd import Value
from nn.layers import Activation

Array = NDArray[np.float64]


def table(rows: Array) -> Callable[[Any], Any]:
    """Return a function in place of a network, which gives row k for sample k."""
    return lambda sample: [Value(x) for x in rows[int(sample[0])]]


def samples(n: int) -> Array:
    return np.arange(float(n)).reshape(n, 1)


# predict


def test_predict_gives_a_row_for_each_sample() -> None:
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert nn.predict(nn.MLP(3, [4, 2], seed=0), x).shape == (5, 2)
    assert nn.predict(nn.MLP(3, [4, 1], seed=0), x).shape == (5, 1)
    assert nn.predict(nn.Layer(3, 4, seed=0), x).shape == (5, 4)
    assert nn.predict(nn.Neuron(3, seed=0), x[:1]).shape == (1, 1)


def test_predict_is_the_forward_pass_of_the_texts() -> None:
    """Each layer computes a = σ(a W + b), with a row for each sample."""
    model = nn.MLP(3, [4, 2], seed=0)
    a = x = np.random.default_rng(0).normal(size=(5, 3))
    for k, layer in enumerate(model.layers):
        for j, neuron in enumerate(layer.neurons):
            neuron.bias.data = math.sin(k + 2 * j)
        w = np.array([[weight.data for weight in neuron.weights] for neuron in layer.neurons])
        a = 1 / (1 + np.exp(-(a @ w.T + [neuron.bias.data for neuron in layer.neurons])))
    np.testing.assert_allclose(nn.predict(model, x), a, rtol=1e-13)


def test_predict_gives_the_numbers_of_the_network_to_the_bit() -> None:
    model = nn.MLP(3, [4, 2], seed=0)
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert nn.predict(model, x).tolist() == [[o.data for o in model(row)] for row in x.tolist()]


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "softplus", "identity"])
@pytest.mark.parametrize("elementary", [False, True])
def test_one_row_and_many_give_the_same_bits(activation: Any, elementary: bool) -> None:
    model = nn.MLP(7, [5, 4, 2], activation, activation, seed=3, elementary=elementary)
    x = np.random.default_rng(4).normal(size=(60, 7)) * np.logspace(-6, 3, 60)[:, None]
    rows = nn.predict(model, x).tolist()
    assert rows == [[o.data for o in model(row)] for row in x.tolist()]
    assert rows == [nn.predict(model, row[None])[0].tolist() for row in x]


def test_a_network_with_a_neuron_of_another_kind_is_called_as_it_is() -> None:
    class Doubled(nn.Neuron):
        def forward(self, inputs: list[Value]) -> Value:
            return 2 * super().forward(inputs)

    model, x = nn.MLP(3, [2, 2], seed=0), np.ones((9, 3))
    before = nn.predict(model, x)
    model.layers[1].neurons[0].__class__ = Doubled
    model.layers[1].neurons[1].activation = "identity"
    after = nn.predict(model, x)
    np.testing.assert_array_equal(after[:, 0], 2 * before[:, 0])
    np.testing.assert_allclose(1 / (1 + np.exp(-after[:, 1])), before[:, 1], rtol=1e-12)


def test_predict_records_no_graph() -> None:
    model = nn.MLP(3, [4, 2], seed=0)
    outputs: list[Value] = []

    def watched(sample: Any) -> Any:
        outputs.extend(model(sample))
        return outputs[-2:]

    nn.predict(watched, np.ones((2, 3)))
    assert len(outputs) == 4
    assert all(output.parents == () for output in outputs)
    assert model([1.0, 1.0, 1.0])[0].parents


def test_predict_leaves_gradients_alone() -> None:
    model = nn.MLP(2, [2], seed=0)
    for k, parameter in enumerate(model.parameters()):
        parameter.grad = float(k)
    nn.predict(model, [[1.0, 2.0]])
    assert [parameter.grad for parameter in model.parameters()] == [float(k) for k in range(6)]


def test_predict_takes_any_function_of_a_sample() -> None:
    functions: list[Any] = [
        lambda x: x[0] * x[1],
        lambda x: [x[0] * x[1]],
        lambda x: Value(x[0]) * x[1],
        lambda x: (autograd.sum([x[0] * x[1]]),),
        lambda x: np.array([x[0] * x[1]]),
    ]
    for function in functions:
        assert nn.predict(function, [[2, 3], [4, 5]]).tolist() == [[6.0], [20.0]]


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ([], ValueError, "at least one sample"),
        ([[0, 0], [0]], ValueError, "same length"),
        ([[0, math.nan]], ValueError, "finite.*sample 0, column 1"),
        ([["a", "b"]], TypeError, "real numbers"),
        ([[0, 0, 0]], ValueError, "MLP expects 2 inputs, got 3"),
    ],
)
def test_predict_refuses_what_are_no_samples(inputs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nn.predict(nn.MLP(2, [2], seed=0), inputs)


def test_predict_wants_something_that_can_be_called() -> None:
    no_model: Any = [1.0]
    with pytest.raises(TypeError, match="predict expects a network that can be called"):
        nn.predict(no_model, [[0.0]])
    with pytest.raises(TypeError, match="predict expects a network that can be called"):
        nn.predict(nn.Module(), [[0.0]])


# accuracy and confusion_matrix


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_several_outputs_agree_with_scikit_learn(classes: int) -> None:
    chance = np.random.default_rng(classes)
    for n in (1, 10, 200):
        rows, labels = chance.normal(size=(n, classes)), chance.integers(0, classes, size=n)
        model, predicted = table(rows), rows.argmax(axis=1)
        expected = sklearn_confusion_matrix(labels, predicted, labels=range(classes))
        for targets in (labels, labels.tolist(), nn.one_hot(labels, classes), 2 * nn.one_hot(labels, classes) - 1):
            assert nn.accuracy(model, samples(n), targets) == pytest.approx(accuracy_score(labels, predicted))
            assert nn.confusion_matrix(model, samples(n), targets).tolist() == expected.tolist()


@pytest.mark.parametrize("threshold", [0.5, 0.0, -1.0, 0.9])
def test_one_output_agrees_with_scikit_learn(threshold: float) -> None:
    chance = np.random.default_rng(0)
    rows, labels = chance.normal(size=(200, 1)), chance.integers(0, 2, size=200)
    predicted = (rows[:, 0] > threshold).astype(int)
    expected = sklearn_confusion_matrix(labels, predicted)
    for targets in (labels, labels[:, None], labels.astype(float), labels.astype(bool), 2 * labels - 1):
        accuracy = nn.accuracy(table(rows), samples(200), targets, threshold)
        assert accuracy == pytest.approx(accuracy_score(labels, predicted))
        assert nn.confusion_matrix(table(rows), samples(200), targets, threshold).tolist() == expected.tolist()


def test_a_sigmoid_output_parts_at_one_half() -> None:
    model = nn.MLP(1, [1], initializer=nn.constant(1.0))
    assert nn.accuracy(model, [[-1.0], [-0.1], [0.1], [1.0]], [0, 0, 1, 1]) == 1.0
    assert nn.accuracy(model, [[-1.0], [-0.1], [0.1], [1.0]], [0, 1, 1, 1]) == 0.75


def test_targets_of_minus_one_and_one_part_at_zero() -> None:
    activations: tuple[Activation, ...] = ("tanh", "identity")
    for activation in activations:
        model = nn.MLP(1, [1], output_activation=activation, initializer=nn.constant(1.0))
        assert nn.accuracy(model, [[-1.0], [-0.1], [0.1], [1.0]], [-1, -1, 1, 1]) == 1.0
        counts = nn.confusion_matrix(model, [[-1.0], [-0.1], [0.1], [1.0]], [-1, 1, 1, 1])
        assert counts.tolist() == [[1, 0], [1, 2]]


def test_an_output_at_the_threshold_is_not_above_it() -> None:
    assert nn.accuracy(lambda x: x[0], [0.5, 0.5 + 1e-15], [0, 1], threshold=0.5) == 1.0


def test_a_threshold_that_cannot_be_known_is_asked_for() -> None:
    """The targets are 0 and 1, and the output may be a logit or a probability."""
    for model in (nn.MLP(1, [1], output_activation="identity", seed=0), nn.MLP(1, [1], output_activation="tanh"), sum):
        for measure in (nn.accuracy, nn.confusion_matrix):
            with pytest.raises(ValueError, match=r"threshold=0\.0 for logits, or 0\.5"):
                measure(model, [[0.0], [1.0]], [0, 1])
            assert measure(model, [[0.0], [1.0]], [0, 1], threshold=0.0) is not None


def test_what_a_module_calls_layers_is_its_own_affair() -> None:
    """The activation is read from `layers` only if this is the attribute of an MLP."""

    class Odd(nn.Module):
        def __init__(self, layers: Any) -> None:
            self.layers = layers
            self.weight = Value(1.0)

        def __call__(self, inputs: list[float]) -> Value:
            return self.weight * inputs[0]

    anything: list[Any] = [{"hidden": nn.Layer(1, 1, seed=0)}, [], 2, None]
    for layers in anything:
        with pytest.raises(ValueError, match="threshold"):
            nn.accuracy(Odd(layers), [[0.0], [1.0]], [0, 1])


def test_the_matrix_has_a_row_and_a_column_also_for_a_class_that_does_not_occur() -> None:
    counts = nn.confusion_matrix(table(np.eye(3)), samples(2), [0, 0])
    assert counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert np.issubdtype(counts.dtype, np.integer)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([[0.2, 0.8], [1, 0]], "targets that are classes"),
        ([[1, 1], [1, 0]], "targets that are classes"),
        ([[0, 0], [1, 0]], "targets that are classes"),
        ([[-1, 0], [1, 0]], "targets that are classes"),
        ([0, 2], "labels go from 0 to 2"),
        ([0, 1, 1], "a target for each of the 2 samples"),
        ([0.0, 1.0], "integer labels"),
    ],
)
def test_targets_that_name_no_classes_are_refused(targets: Any, message: str) -> None:
    for measure in (nn.accuracy, nn.confusion_matrix):
        with pytest.raises(ValueError, match=message):
            measure(table(np.eye(2)), samples(2), targets)


def test_a_sigmoid_output_is_cut_at_one_half_whatever_the_labels_are() -> None:
    """A sigmoid is never below 0, so a threshold of 0 would assign every sample to class 1."""
    model = nn.MLP(1, [1], seed=0)
    model.layers[0].neurons[0].weights[0].data = 5.0
    assert nn.accuracy(model, [-1.0, 1.0], [-1, 1]) == 1.0
    assert nn.accuracy(model, [-1.0, 1.0], [0, 1]) == 1.0
