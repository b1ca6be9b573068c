"""Neuron, Layer and MLP: shapes, numbers, names, seeds, and errors."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value
from nn.layers import Activation

Array = NDArray[np.float64]

# The textbook definitions of the activations.
DEFINITIONS: dict[Activation, Callable[[Array], Array]] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "relu": lambda z: np.where(z > 0, z, 0.0),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "identity": lambda z: z,
}


def weights_and_biases(layer: nn.Layer) -> tuple[Array, Array]:
    w = np.array([[weight.data for weight in neuron.weights] for neuron in layer.neurons])
    return w, np.array([neuron.bias.data for neuron in layer.neurons])


def spread_biases(model: nn.Module) -> None:
    """Give every bias a different number: initial ones are zero, and would hide mistakes."""
    for k, (name, parameter) in enumerate(model.named_parameters()):
        if name.endswith("bias"):
            parameter.data = 0.5 * math.sin(k)


# Shapes


def test_a_neuron_has_a_weight_for_each_input_and_a_bias() -> None:
    neuron = nn.Neuron(5, seed=0)
    assert len(neuron.weights) == 5
    assert len(neuron.parameters()) == 6
    assert isinstance(neuron([0.0] * 5), Value)


@pytest.mark.parametrize("nout", [1, 4])
def test_a_layer_gives_a_list_also_of_one(nout: int) -> None:
    layer = nn.Layer(3, nout, seed=0)
    outputs = layer([1.0, 2.0, 3.0])
    assert isinstance(outputs, list)
    assert [type(output) for output in outputs] == [Value] * nout


def test_one_output_neuron_gives_a_value_and_several_give_a_list() -> None:
    assert isinstance(nn.MLP(2, [3, 1], seed=0)([1.0, 2.0]), Value)
    outputs = nn.MLP(2, [3, 2], seed=0)([1.0, 2.0])
    assert isinstance(outputs, list)
    assert len(outputs) == 2


def test_the_layers_of_a_network_fit_together() -> None:
    model = nn.MLP(4, [3, 5, 2], seed=0)
    shapes = [(len(layer.neurons), len(layer.neurons[0].weights)) for layer in model.layers]
    assert model.nin == 4
    assert shapes == [(3, 4), (5, 3), (2, 5)]


@pytest.mark.parametrize(
    "nouts", [(3, 1), np.array([3, 1]), [np.int64(3), np.int32(1)]], ids=["tuple", "array", "ints"]
)
def test_sizes_may_come_as_any_sequence_of_integers(nouts: Any) -> None:
    assert nn.MLP(2, nouts, seed=0).state_dict() == nn.MLP(2, [3, 1], seed=0).state_dict()


def test_repr_tells_the_sizes_and_the_activations() -> None:
    text = repr(nn.MLP(64, [30, 10], activation="tanh", seed=0))
    assert [word in text for word in ("64", "30 tanh", "10 sigmoid")] == [True] * 3


# Numbers


@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
@pytest.mark.parametrize("activation", DEFINITIONS)
def test_a_neuron_computes_its_activation_of_the_weighted_sum(activation: Activation, elementary: bool) -> None:
    chance = np.random.default_rng(0)
    for _ in range(20):
        neuron = nn.Neuron(4, activation, elementary=elementary)
        w, b, x = chance.normal(size=4), float(chance.normal()), chance.normal(size=4)
        for weight, number in zip(neuron.weights, w.tolist()):
            weight.data = number
        neuron.bias.data = b
        expected = float(DEFINITIONS[activation](np.asarray(w @ x + b)))
        assert neuron(x.tolist()).data == pytest.approx(expected, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
@pytest.mark.parametrize("activations", list(itertools.permutations(DEFINITIONS, 3)), ids="-".join)
def test_each_layer_may_have_an_activation_of_its_own(
    activations: tuple[Activation, Activation, Activation], elementary: bool
) -> None:
    *hidden, output = activations
    model = nn.MLP(3, [4, 3, 2], hidden, output, seed=5, elementary=elementary)
    spread_biases(model)
    assert tuple(layer.activation for layer in model.layers) == activations
    a = np.array([0.3, -0.6, 0.9])
    outputs = nn.predict(model, [a])[0]
    for layer, activation in zip(model.layers, activations):
        w, b = weights_and_biases(layer)
        a = DEFINITIONS[activation](w @ a + b)
    np.testing.assert_allclose(outputs, a, rtol=1e-13)


def test_one_name_is_the_activation_of_all_hidden_layers_and_not_of_the_output() -> None:
    model = nn.MLP(2, [3, 4, 5], activation="relu", output_activation="identity")
    assert [layer.activation for layer in model.layers] == ["relu", "relu", "identity"]


def test_a_network_is_of_sigmoid_neurons_unless_told_otherwise() -> None:
    assert [layer.activation for layer in nn.MLP(2, [3, 4]).layers] == ["sigmoid", "sigmoid"]


@pytest.mark.parametrize("activation", DEFINITIONS)
def test_elementary_and_wide_networks_agree_in_values_and_gradients(activation: Activation) -> None:
    for seed in range(10):
        networks = [nn.MLP(5, [6, 4, 3], activation, seed=seed, elementary=e) for e in (False, True)]
        chance = np.random.default_rng(seed)
        x, y = chance.normal(size=5), chance.uniform(size=3)
        outputs, gradients = [], []
        for model in networks:
            spread_biases(model)
            inputs = [Value(number) for number in x]
            nn.half_squared_error(model(inputs), y.tolist()).backward()
            outputs.append(nn.predict(model, [x])[0])
            gradients.append(np.array([v.grad for v in (*model.parameters(), *inputs)]))
        np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-14)
        assert np.linalg.norm(gradients[0] - gradients[1]) <= 1e-14 * np.linalg.norm(gradients[0])


def test_a_wide_neuron_is_two_nodes_and_an_elementary_one_shows_every_multiplication() -> None:
    """An elementary neuron has n products, n additions and the activation, and 2n + 1 leaves."""
    n = 7
    wide, elementary = (nn.Neuron(n, seed=0, elementary=e)([float(k) for k in range(n)]) for e in (False, True))
    assert autograd.summary(wide).nodes == (2 * n + 1) + 2
    assert autograd.summary(elementary).nodes == (2 * n + 1) + 2 * n + 1
    assert max(len(node.parents) for node in autograd.topological_order(elementary)) == 2


def test_gradients_reach_the_inputs() -> None:
    """With z = w · x + b and a = σ(z), the derivative w.r.t. x is σ′(z) w."""
    neuron = nn.Neuron(2, initializer=nn.uniform(), seed=1)
    x = [Value(0.4), Value(-1.2)]
    a = neuron(x)
    a.backward()
    slope = a.data * (1 - a.data)
    assert [v.grad for v in x] == pytest.approx([slope * w.data for w in neuron.weights], rel=1e-15)


@pytest.mark.parametrize("make", [list, tuple, np.array, lambda xs: np.array([Value(x) for x in xs])])
def test_inputs_may_come_as_any_sequence_of_numbers_or_values(make: Callable[[list[float]], Any]) -> None:
    model = nn.MLP(3, [2, 1], seed=0)
    assert model(make([0.5, -1.0, 2.0])) == model([0.5, -1.0, 2.0])


def test_integers_booleans_and_numpy_numbers_are_numbers() -> None:
    model = nn.MLP(3, [2, 1], seed=0)
    numbers: list[Any] = [1, True, np.float32(0.5)]
    assert model(numbers) == model([1.0, 1.0, 0.5])


# Names


def test_every_parameter_is_labelled_with_its_name() -> None:
    model = nn.MLP(3, [4, 2], seed=0)
    assert [p.label for p in model.parameters()] == [name for name, _ in model.named_parameters()]


@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
def test_weighted_sums_and_activations_are_labelled_with_their_neuron(elementary: bool) -> None:
    model = nn.MLP(2, [2, 2], seed=0, elementary=elementary)
    outputs = model([0.1, 0.2])
    assert isinstance(outputs, list)
    labels = {node.label for node in autograd.topological_order(*outputs)}
    assert {f"layers.{i}.neurons.{j}.{x}" for i in (0, 1) for j in (0, 1) for x in "za"} <= labels
    assert outputs[1].label == "layers.1.neurons.1.a"
    assert outputs[1].parents[0].label == "layers.1.neurons.1.z"


# Seeds


def test_the_same_seed_draws_the_same_weights_and_another_one_others() -> None:
    assert nn.MLP(3, [4, 2], seed=7).state_dict() == nn.MLP(3, [4, 2], seed=7).state_dict()
    assert nn.MLP(3, [4, 2], seed=7).state_dict() != nn.MLP(3, [4, 2], seed=8).state_dict()


def test_a_seed_is_independent_of_the_global_random_state() -> None:
    random.seed(1)
    first = nn.MLP(3, [4, 2], seed=7).state_dict()
    after_a_network = random.random()
    random.seed(1)
    assert random.random() == after_a_network
    random.seed(2)
    assert nn.MLP(3, [4, 2], seed=7).state_dict() == first


def test_without_a_seed_the_global_random_state_decides() -> None:
    random.seed(1337)
    first, second = nn.MLP(3, [4, 2]).state_dict(), nn.MLP(3, [4, 2]).state_dict()
    random.seed(1337)
    assert nn.MLP(3, [4, 2]).state_dict() == first
    assert second != first


def test_a_seed_may_be_a_source_of_chance_that_layers_share() -> None:
    source = random.Random(3)
    layers = [nn.Layer(2, 2, seed=source), nn.Layer(2, 2, seed=source)]
    assert layers[0].state_dict() != layers[1].state_dict()
    source = random.Random(3)
    assert nn.Layer(2, 2, seed=source).state_dict() == layers[0].state_dict()


def test_no_two_weights_of_a_seeded_network_are_equal() -> None:
    """One random generator is used for all layers, so that no two layers get the same numbers."""
    weights = [p.data for name, p in nn.MLP(5, [5, 5, 5], seed=0).named_parameters() if "weights" in name]
    assert len(set(weights)) == len(weights)


def test_numpy_integers_are_seeds_too() -> None:
    seed: Any = np.int64(5)
    assert nn.MLP(2, [2], seed=seed).state_dict() == nn.MLP(2, [2], seed=5).state_dict()


# Errors

Errors = type[Exception] | tuple[type[Exception], ...]
EITHER = (TypeError, ValueError)

BAD_NETWORKS: list[tuple[str, Callable[[Any], Any], Errors, str]] = [
    ("no inputs", lambda mlp: mlp(0, [1]), ValueError, "inputs must be at least 1, got 0"),
    ("fewer than no inputs", lambda mlp: mlp(-1, [1]), ValueError, "inputs must be at least 1, got -1"),
    ("half an input", lambda mlp: mlp(2.5, [1]), TypeError, "inputs must be an integer, got 2.5"),
    ("True inputs", lambda mlp: mlp(True, [1]), TypeError, "inputs must be an integer, got True"),
    ("inputs in words", lambda mlp: mlp("2", [1]), TypeError, "inputs must be an integer, got '2'"),
    ("None inputs", lambda mlp: mlp(None, [1]), TypeError, "inputs must be an integer, got None"),
    ("no neurons", lambda mlp: mlp(2, [3, 0]), ValueError, "neurons must be at least 1, got 0"),
    ("fewer than no neurons", lambda mlp: mlp(2, [-1, 2]), ValueError, "neurons must be at least 1, got -1"),
    ("half a neuron", lambda mlp: mlp(2, [2.5]), TypeError, "neurons must be an integer, got 2.5"),
    ("True neurons", lambda mlp: mlp(2, [True]), TypeError, "neurons must be an integer, got True"),
    ("neurons in words", lambda mlp: mlp(2, ["3"]), TypeError, "neurons must be an integer, got '3'"),
    ("a complex number", lambda mlp: mlp(2, [3j]), TypeError, "neurons must be an integer"),
    ("no layers", lambda mlp: mlp(2, []), ValueError, "nouts expects a list"),
    ("a number of layers", lambda mlp: mlp(2, 3), ValueError, "nouts expects a list.*got 3"),
    ("half a number of layers", lambda mlp: mlp(2, 2.5), EITHER, "nouts expects a list.*got 2.5"),
    ("None layers", lambda mlp: mlp(2, None), EITHER, "nouts expects a list.*got None"),
    ("an unknown activation", lambda mlp: mlp(2, [3, 1], "swish"), ValueError, "unknown activation 'swish'.*sigmoid"),
    ("an unknown output", lambda mlp: mlp(2, [1], "tanh", "softmax"), ValueError, "unknown activation 'softmax'"),
    ("a capital letter", lambda mlp: mlp(2, [3, 1], "ReLU"), ValueError, "unknown activation 'ReLU'.*relu"),
    ("no activation", lambda mlp: mlp(2, [3, 1], ""), ValueError, "unknown activation ''"),
    ("None activation", lambda mlp: mlp(2, [3, 1], None), EITHER, "activation.*None"),
    ("a function", lambda mlp: mlp(2, [1], "tanh", math.tanh), EITHER, "activation"),
    ("too many activations", lambda mlp: mlp(2, [3, 1], ["tanh", "relu"]), ValueError, "1 hidden layers.*'relu'"),
    ("too few activations", lambda mlp: mlp(2, [3, 3, 1], ["tanh"]), ValueError, "2 hidden layers"),
    ("a seed in words", lambda mlp: mlp(2, [1], seed="7"), EITHER, "seed"),
    ("half a seed", lambda mlp: mlp(2, [1], seed=1.5), EITHER, "seed"),
    ("weights in words", lambda mlp: mlp(2, [1], initializer=lambda *_: "1"), TypeError, "real number, got '1'"),
]


@pytest.mark.parametrize(
    ("make", "error", "message"), [case[1:] for case in BAD_NETWORKS], ids=[case[0] for case in BAD_NETWORKS]
)
def test_a_network_that_cannot_be_is_refused_in_words(make: Callable[[Any], Any], error: Errors, message: str) -> None:
    with pytest.raises(error, match=message):
        make(nn.MLP)


@pytest.mark.parametrize("nin", [0, -3, 2.5, True, "2", None])
def test_neurons_and_layers_refuse_the_same_counts(nin: Any) -> None:
    for make in (nn.Neuron, lambda n: nn.Layer(n, 1), lambda n: nn.Layer(1, n)):
        with pytest.raises(EITHER, match=r"number of (inputs|neurons) must be"):
            make(nin)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([0.5] * 63, ValueError, "MLP expects 64 inputs, got 63"),
        ([0.5] * 65, ValueError, "MLP expects 64 inputs, got 65"),
        ([], ValueError, "MLP expects 64 inputs, got 0"),
        (np.zeros((1, 64)), ValueError, "MLP expects 64 inputs, got 1"),
        (np.zeros((64, 2)), TypeError, "real number"),
        (0.5, TypeError, "MLP expects a sequence of 64 numbers, got 0.5"),
        (None, TypeError, "MLP expects a sequence of 64 numbers, got None"),
        (Value(0.5), TypeError, "MLP expects a sequence of 64 numbers"),
        ("5" * 64, TypeError, "MLP expects a sequence of 64 numbers"),
        ([*[0.5] * 63, "0.5"], TypeError, "real number, got '0.5'"),
        ([*[0.5] * 63, None], TypeError, "real number, got None"),
        ([*[0.5] * 63, 1j], TypeError, "real number, got 1j"),
        ([*[0.5] * 63, [0.5]], TypeError, "real number"),
    ],
    ids=[
        *("one too few", "one too many", "none", "a row of a matrix", "a matrix", "a number", "None", "a Value"),
        *("a text", "a text among them", "None among them", "a complex number", "a list among them"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_in_words(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nn.MLP(64, [2], seed=0)(given)


def test_neurons_and_layers_count_their_inputs_too() -> None:
    with pytest.raises(ValueError, match="Neuron expects 3 inputs, got 2"):
        nn.Neuron(3, seed=0)([1.0, 2.0])
    with pytest.raises(ValueError, match="Layer expects 3 inputs, got 4"):
        nn.Layer(3, 2, seed=0)([1.0, 2.0, 3.0, 4.0])
