"""The textbook equations of backpropagation, written out by hand, against the engine.

Notation: w[l] is the matrix of the weights w_jk from node k of layer l − 1 to node j of layer l, b[l] the vector of its
biases; z = w a + b and a = σ(z); δ = ∂C/∂z. The lists below count layers from 0, so that index 0 is the first layer
after the input.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import nn
from autograd import Value
from autograd import sum as sum_of
from nn.layers import Activation

Array = NDArray[np.float64]

SEEDS = range(12)
LAYERS = range(1, 6)


@pytest.fixture
def torch() -> Any:
    """Return PyTorch, an independent reference."""
    return pytest.importorskip("torch", reason="PyTorch, whose gradients this compares with, is not installed")


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z: Array) -> Array:
    return sigmoid(z) * (1 - sigmoid(z))


def four_equations(w: list[Array], b: list[Array], x: Array, y: Array) -> tuple[list[Array], list[Array], Array]:
    """Return ∂C/∂w and ∂C/∂b of each layer, and ∂C/∂x, for C = ½ Σ (a − y)² of one sample."""
    activations, weighted_inputs = [x], []
    for w_l, b_l in zip(w, b):
        weighted_inputs.append(w_l @ activations[-1] + b_l)
        activations.append(sigmoid(weighted_inputs[-1]))
    delta = (activations[-1] - y) * sigmoid_prime(weighted_inputs[-1])
    dw: list[Array] = []
    db: list[Array] = []
    for layer in reversed(range(len(w))):
        dw.insert(0, np.outer(delta, activations[layer]))
        db.insert(0, delta)
        error = w[layer].T @ delta
        if layer == 0:
            break
        delta = error * sigmoid_prime(weighted_inputs[layer - 1])
    return dw, db, error


def four_equations_of_samples(
    w: list[Array], b: list[Array], x: Array, y: Array, factor: float
) -> tuple[list[Array], list[Array]]:
    """Return the same for rows of samples, in the second text's matrix form; C = factor · Σ of their losses."""
    activations, weighted_inputs = [x], []
    for w_l, b_l in zip(w, b):
        weighted_inputs.append(activations[-1] @ w_l.T + b_l)
        activations.append(sigmoid(weighted_inputs[-1]))
    delta = factor * (activations[-1] - y) * sigmoid_prime(weighted_inputs[-1])
    dw, db = [delta.T @ activations[-2]], [delta.sum(axis=0)]
    for layer in reversed(range(1, len(w))):
        delta = delta @ w[layer] * sigmoid_prime(weighted_inputs[layer - 1])
        dw.insert(0, delta.T @ activations[layer - 1])
        db.insert(0, delta.sum(axis=0))
    return dw, db


def random_sizes(chance: np.random.Generator, layers: int) -> list[int]:
    """Draw the number of inputs, and of neurons in each layer."""
    return [int(size) for size in chance.integers(1, 8, size=layers + 1)]


def random_network(chance: np.random.Generator, sizes: list[int], **options: Any) -> tuple[nn.MLP, list[Array]]:
    """Return a network with random weights and biases, and its weight matrices and bias vectors in turn.

    Weighted inputs stay within a few units: for larger ones, 1 − σ loses digits, and results depend on how it is
    computed.
    """
    model = nn.MLP(sizes[0], sizes[1:], **options)
    arrays = []
    for layer, fan_in in zip(model.layers, sizes):
        w = chance.normal(scale=1.5 / np.sqrt(fan_in), size=(len(layer.neurons), fan_in))
        b = chance.normal(scale=0.7, size=len(layer.neurons))
        for neuron, row, bias in zip(layer.neurons, w.tolist(), b.tolist()):
            neuron.bias.data = bias
            for weight, number in zip(neuron.weights, row):
                weight.data = number
        arrays += [w, b]
    return model, arrays


def arrays_of(model: nn.MLP, attribute: str) -> list[Array]:
    """Return the parameters' "data" or "grad": the weight matrix and the bias vector of each layer in turn."""
    arrays = []
    for layer in model.layers:
        arrays.append(np.array([[getattr(weight, attribute) for weight in n.weights] for n in layer.neurons]))
        arrays.append(np.array([getattr(n.bias, attribute) for n in layer.neurons]))
    return arrays


def assert_same(actual: Sequence[Array], expected: Sequence[Array], tolerance: float = 1e-12) -> None:
    """Check that the arrays agree, each to `tolerance` of its norm."""
    assert len(actual) == len(expected)
    for k, (a, b) in enumerate(zip(actual, expected)):
        assert a.shape == b.shape
        distance, norm = np.linalg.norm(a - b), np.linalg.norm(b)
        assert distance <= tolerance * norm, f"array {k} is {distance / norm:.1e} of its norm away"


@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
@pytest.mark.parametrize("layers", LAYERS)
def test_gradients_are_the_four_equations(layers: int, elementary: bool) -> None:
    for seed in SEEDS:
        chance = np.random.default_rng([layers, seed])
        sizes = random_sizes(chance, layers)
        model, arrays = random_network(chance, sizes, elementary=elementary)
        x, y = chance.normal(size=sizes[0]), chance.uniform(size=sizes[-1])
        inputs = [Value(number) for number in x]
        nn.half_squared_error(model(inputs), y.tolist()).backward()
        dw, db, dx = four_equations(arrays[::2], arrays[1::2], x, y)
        assert_same(arrays_of(model, "grad"), [array for pair in zip(dw, db) for array in pair])
        assert_same([np.array([value.grad for value in inputs])], [dx])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("layers", LAYERS)
def test_the_cost_of_many_samples_sums_their_deltas(layers: int, reduction: str) -> None:
    for seed in SEEDS:
        chance = np.random.default_rng([layers, seed])
        sizes = random_sizes(chance, layers)
        model, arrays = random_network(chance, sizes)
        n = int(chance.integers(1, 10))
        x, y = chance.normal(size=(n, sizes[0])), chance.uniform(size=(n, sizes[-1]))
        cost = sum_of([nn.half_squared_error(model(a), t) for a, t in zip(x.tolist(), y.tolist())])
        assert isinstance(cost, Value)
        if reduction == "mean":
            cost = cost / n
        cost.backward()
        dw, db = four_equations_of_samples(arrays[::2], arrays[1::2], x, y, 1 / n if reduction == "mean" else 1.0)
        assert_same(arrays_of(model, "grad"), [array for pair in zip(dw, db) for array in pair])


class Folded(nn.Module):
    """A network whose biases are weights of an additional input that is always 1; its real biases stay 0."""

    def __init__(self, w: list[Array], elementary: bool) -> None:
        self.layers = [nn.Layer(array.shape[1], array.shape[0], elementary=elementary) for array in w]
        for layer, array in zip(self.layers, w):
            for neuron, row in zip(layer.neurons, array.tolist()):
                for weight, number in zip(neuron.weights, row):
                    weight.data = number

    def __call__(self, inputs: Sequence[float]) -> list[Value]:
        activations: list[Any] = list(inputs)
        for layer in self.layers:
            activations = list(layer([*activations, 1.0]))
        return activations


@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
@pytest.mark.parametrize("layers", LAYERS)
def test_a_bias_is_one_more_weight_of_an_input_that_is_always_one(layers: int, elementary: bool) -> None:
    for seed in SEEDS:
        chance = np.random.default_rng([layers, seed])
        sizes = random_sizes(chance, layers)
        _, arrays = random_network(chance, sizes)
        w, b = arrays[::2], arrays[1::2]
        model = Folded([np.column_stack(pair) for pair in zip(w, b)], elementary)
        x, y = chance.normal(size=sizes[0]), chance.uniform(size=sizes[-1])
        nn.half_squared_error(model(x.tolist()), y.tolist()).backward()
        dw, db, _ = four_equations(w, b, x, y)
        folded = [np.array([[v.grad for v in n.weights] for n in layer.neurons]) for layer in model.layers]
        assert_same(folded, [np.column_stack(pair) for pair in zip(dw, db)])


@pytest.mark.parametrize("layers", LAYERS)
def test_one_step_moves_each_weight_against_its_derivative(layers: int) -> None:
    """The changes are Δw = −α ∂C/∂w and Δb = −α ∂C/∂b."""
    for seed in SEEDS:
        chance = np.random.default_rng([layers, seed])
        sizes = random_sizes(chance, layers)
        model, arrays = random_network(chance, sizes)
        x, y = chance.normal(size=sizes[0]), chance.uniform(size=sizes[-1])
        alpha = float(chance.uniform(0.01, 10.0))
        optimizer = nn.SGD(model.parameters(), learning_rate=alpha)
        optimizer.zero_grad()
        nn.half_squared_error(model(x.tolist()), y.tolist()).backward()
        optimizer.step()
        dw, db, _ = four_equations(arrays[::2], arrays[1::2], x, y)
        derivatives = [array for pair in zip(dw, db) for array in pair]
        assert_same(arrays_of(model, "data"), [w - alpha * d for w, d in zip(arrays, derivatives)])


def one_update(reduction: Any, alpha: float, seed: int) -> tuple[list[Array], list[Array], Array, Array]:
    """Return the parameters before and after one update of `fit` on all samples at once, and these samples."""
    chance = np.random.default_rng(seed)
    model, before = random_network(chance, [3, 4, 2])
    x, y = chance.normal(size=(70, 3)), chance.uniform(size=(70, 2))
    optimizer = nn.SGD(model.parameters(), learning_rate=alpha)
    nn.fit(model, x, y, optimizer=optimizer, epochs=1, batch_size=None, reduction=reduction, progress=False)
    return before, arrays_of(model, "data"), x, y


@pytest.mark.parametrize("seed", SEEDS)
def test_fit_takes_the_mean_or_the_sum_over_the_samples(seed: int) -> None:
    """Both agree with the equations; their steps differ by a factor of the number of samples."""
    for reduction, factor in (("mean", 1 / 70), ("sum", 1.0)):
        before, after, x, y = one_update(reduction, 0.3, seed)
        dw, db = four_equations_of_samples(before[::2], before[1::2], x, y, factor)
        derivatives = [array for pair in zip(dw, db) for array in pair]
        assert_same(after, [w - 0.3 * d for w, d in zip(before, derivatives)])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rate_of_a_mean_is_that_of_a_sum_times_the_number_of_samples(seed: int) -> None:
    _, of_sum, _, _ = one_update("sum", 0.01, seed)
    _, of_mean, _, _ = one_update("mean", 0.01 * 70, seed)
    assert_same(of_mean, of_sum)


def hidden_neurons_differ(model: nn.MLP) -> list[bool]:
    """Tell for each pair of neurons of a hidden layer whether any of their weights or biases differ."""
    return [
        [v.data for v in (*a.weights, a.bias)] != [v.data for v in (*b.weights, b.bias)]
        for layer in model.layers[:-1]
        for a, b in itertools.combinations(layer.neurons, 2)
    ]


def train_a_little(model: nn.MLP) -> None:
    chance = np.random.default_rng(0)
    x = chance.normal(size=(30, 4))
    y = np.column_stack([x[:, 0] * x[:, 1] > 0, x[:, 2] > 0.2]).astype(float)
    optimizer = nn.SGD(model.parameters(), learning_rate=1.0, momentum=0.5)
    # Number by number: on some processors, the library for matrix products adds up columns in different orders.
    nn.fit(model, x, y, optimizer=optimizer, epochs=15, batch_size=5, seed=3, progress=False, engine="eager")


@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
@pytest.mark.parametrize("number", [0.0, 0.5, -1.0])
def test_neurons_that_start_equal_stay_equal_for_ever(number: float, elementary: bool) -> None:
    model = nn.MLP(4, [3, 5, 2], initializer=nn.constant(number), elementary=elementary)
    before = model.state_dict()
    train_a_little(model)
    assert model.state_dict() != before
    assert not any(hidden_neurons_differ(model))


@pytest.mark.parametrize("seed", SEEDS)
def test_neurons_that_start_at_random_do_not_become_equal(seed: int) -> None:
    model = nn.MLP(4, [3, 5, 2], seed=seed)
    train_a_little(model)
    assert all(hidden_neurons_differ(model))


MIXES: list[tuple[Activation, ...]] = [
    ("sigmoid", "sigmoid", "sigmoid"),
    ("tanh", "sigmoid"),
    ("relu", "tanh"),
    ("softplus", "identity"),
    ("sigmoid", "tanh", "relu", "softplus", "identity"),
    ("softplus", "relu", "tanh", "sigmoid"),
]


@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
@pytest.mark.parametrize("activations", MIXES, ids="-".join)
def test_outputs_and_gradients_agree_with_pytorch(
    torch: Any, activations: tuple[Activation, ...], elementary: bool
) -> None:
    functions: dict[str, Callable[[Any], Any]] = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "softplus": torch.nn.functional.softplus,
        "identity": lambda z: z,
    }
    for seed in SEEDS:
        chance = np.random.default_rng(seed)
        sizes = random_sizes(chance, len(activations))
        *hidden, output = activations
        model, arrays = random_network(
            chance, sizes, activation=hidden, output_activation=output, elementary=elementary
        )
        x, y = chance.normal(size=(3, sizes[0])), chance.normal(size=(3, sizes[-1]))

        linears = [torch.nn.Linear(i, o, dtype=torch.float64) for i, o in itertools.pairwise(sizes)]
        for linear, w, b in zip(linears, arrays[::2], arrays[1::2]):
            linear.weight.data, linear.bias.data = torch.tensor(w), torch.tensor(b)
        a = torch.tensor(x)
        for linear, activation in zip(linears, activations):
            a = functions[activation](linear(a))
        (0.5 * (a - torch.tensor(y)) ** 2).sum().backward()

        assert_same([nn.predict(model, x)], [a.detach().numpy()])
        for sample, target in zip(x.tolist(), y.tolist()):
            nn.half_squared_error(model(sample), target).backward()
        theirs = [parameter.grad.numpy() for linear in linears for parameter in (linear.weight, linear.bias)]
        assert_same(arrays_of(model, "grad"), theirs)
