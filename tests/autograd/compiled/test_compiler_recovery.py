"""Matrix products that scalar code spells out are recovered, and compute what the graph does.

Products and statements are counted in the source of programs, so that scalar code could not pass.
"""

from __future__ import annotations

import inspect
import itertools
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value, primitive, sigmoid, tanh, where
from autograd.compiler.program import Program
from autograd.nested import flatten
from autograd.primitives import TABLE
from autograd.table import OURS

Array = NDArray[np.float64]
Function = Callable[..., Any]


class Found(NamedTuple):
    """Counts of emitted matrix products and statements, forward and backward."""

    forward_products: int
    backward_products: int
    forward_lines: int
    backward_lines: int


def counted(source: str) -> Found:
    """Count products and statements, which are the lines that assign; a loop over scalars would appear as many."""
    forward, backward = re.split(r"def (?:backward|input_gradients)\(", source)
    forward = forward.split("def forward(")[1]

    def lines(text: str) -> int:
        return len(re.findall(r"^    \w+ = ", text, flags=re.MULTILINE))

    return Found(forward.count(" @ "), backward.count(" @ "), lines(forward), lines(backward))


def assert_equals_eager(
    function: Function, *examples: Any, samples: int = 6, tolerance: float = 1e-12, batch: Sequence[Array] = ()
) -> Program:
    """Compare results, parameter gradients and input derivatives with eager, array by array, in norm."""
    chance = np.random.default_rng(7)
    given = list(batch) or [np.asarray(e) + 0.5 * chance.normal(size=(samples, *np.shape(e))) for e in examples]
    samples = len(given[0]) if given else 1
    program = autograd.compile(function, *examples)
    results, slopes = [], []
    for k in range(samples):
        leaves, arguments = [], []
        for example, array in zip(examples, given):
            values = [Value(x) for x in array[k].ravel().tolist()]
            leaves += values
            arguments.append(flatten(example, "")[1](iter(values)))
        result = function(*arguments)
        result.backward(1 / samples)
        results.append(result.data)
        slopes.append([leaf.grad * samples for leaf in leaves])
    expected = np.array([p.grad for p in program.parameters])
    for p in program.parameters:
        p.grad = 0.0

    def close(actual: Any, wanted: Any) -> None:
        assert np.linalg.norm(np.subtract(actual, wanted)) <= tolerance * np.linalg.norm(wanted)

    close(program(*given), results)
    close(program.backward(*given), np.mean(results))
    close([p.grad for p in program.parameters], expected)
    if given:
        derivatives = program.input_gradients(*given)
        derivatives = derivatives if isinstance(derivatives, tuple) else (derivatives,)
        close(np.concatenate([array.reshape(samples, -1) for array in derivatives], axis=1), slopes)
    for p in program.parameters:
        p.grad = 0.0
    return program


def leaves(count: int, seed: int = 0) -> list[Value]:
    chance = random.Random(seed)
    return [Value(chance.uniform(-1, 1)) for _ in range(count)]


def matrix(rows: int, columns: int, seed: int = 0) -> list[list[Value]]:
    """Make leaves without labels, in random order."""
    chance = random.Random(seed)
    places = [(j, k) for j in range(rows) for k in range(columns)]
    chance.shuffle(places)
    made = {place: Value(chance.uniform(-1, 1)) for place in places}
    return [[made[j, k] for k in range(columns)] for j in range(rows)]


# Networks


def test_the_source_of_a_network_is_the_four_equations() -> None:
    """Forward pass and gradients take at most 40 lines, with exactly five matrix products."""
    model = nn.MLP(64, [30, 10], seed=0)

    def loss(image: Any, target: Any) -> Any:
        return nn.half_squared_error(model(image), target)

    source = autograd.compile(loss, [0.5] * 64, [0.1] * 10).source
    assert len(source.splitlines()) <= 40
    assert source.count(" @ ") == 5
    for equation in (
        "z1 = image @ w1.T + b1",
        "a1 = sigmoid(z1)",
        "z2 = a1 @ w2.T + b2",
        "a2 = sigmoid(z2)",
        "delta1 = (delta2 @ w2) * a1 * (1 - a1)",
        "nabla_w1 = delta1.T @ image",
        "nabla_b1 = delta1.sum(axis=0)",
        "nabla_w2 = delta2.T @ a1",
        "nabla_b2 = delta2.sum(axis=0)",
    ):
        assert re.search(rf"^    {re.escape(equation)} +# \(", source, flags=re.MULTILINE), equation
    assert "# (n, 30)" in source
    assert "# (10, 30)" in source
    assert "[" not in source.replace("[:, ", "")  # no index arrays


@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
@pytest.mark.parametrize("nouts", [[1], [4], [4, 1], [5, 4, 3], [3, 3, 3, 3]], ids=str)
def test_a_layer_is_one_product_forward_and_two_backward(nouts: list[int], elementary: bool) -> None:
    model = nn.MLP(6, nouts, "tanh", seed=0, elementary=elementary)
    target: Any = 0.2 if nouts[-1] == 1 else [0.2] * nouts[-1]
    program = assert_equals_eager(lambda x, t: nn.half_squared_error(model(x), t), [0.1] * 6, target)
    counts = counted(program.source)
    assert counts.forward_products == len(nouts)
    assert counts.backward_products == 2 * len(nouts) - 1
    assert counts.forward_lines <= 2 * len(nouts) + 2
    assert counts.backward_lines <= 3 * len(nouts) + 2


LOSSES = {
    nn.half_squared_error: [0.3, -0.2, 0.9],
    nn.mean_squared_error: [0.3, -0.2, 0.9],
    nn.binary_cross_entropy_with_logits: [0.3, 0.2, 0.9],
    nn.cross_entropy: [0.5, 0.2, 0.3],
    nn.hinge: [1.0, -1.0, 1.0],
}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("hidden", [("sigmoid", "relu"), ("tanh", "softplus"), ("identity", "sigmoid")], ids=str)
def test_any_mix_of_activations_and_losses(hidden: Any, loss: Function) -> None:
    model = nn.MLP(5, [4, 6, 3], hidden, "identity", seed=1)
    chance = np.random.default_rng(0)
    batch = [chance.normal(size=(7, 5)), np.array([LOSSES[loss]] * 7)]
    program = assert_equals_eager(lambda x, t: loss(model(x), t), [0.1] * 5, LOSSES[loss], batch=batch)
    counts = counted(program.source)
    assert (counts.forward_products, counts.backward_products) == (3, 5)
    assert counts.forward_lines <= 12
    assert counts.backward_lines <= 12


def test_the_cross_entropy_of_sigmoids() -> None:
    model = nn.MLP(5, [4, 3], seed=1)
    batch = [np.random.default_rng(0).normal(size=(7, 5)), np.random.default_rng(1).uniform(size=(7, 3))]
    program = assert_equals_eager(lambda x, t: nn.binary_cross_entropy(model(x), t), [0.1] * 5, [0.2] * 3, batch=batch)
    assert counted(program.source)[:2] == (2, 3)


def test_a_network_by_hand() -> None:
    """Leaves are unlabelled and in any order, terms are in another order in each neuron, biases inside or outside."""
    w1, b1, w2, b2 = matrix(6, 8), leaves(6), matrix(3, 6, seed=1), leaves(3, seed=1)

    def loss(x: Any, t: Any) -> Any:
        hidden = []
        for j in range(6):
            order = list(range(8))
            random.Random(j).shuffle(order)
            if j % 2:
                z = sum(w1[j][k] * x[k] for k in order) + b1[j]
            else:
                z = b1[j] + sum(x[k] * w1[j][k] for k in order)
            hidden.append(tanh(z))
        outputs = [sum(w * a for w, a in zip(w2[i], hidden)) - (-b2[i]) for i in range(3)]
        return sum((o - e) ** 2 for o, e in zip(outputs, t)) / 3

    program = assert_equals_eager(loss, [0.1] * 8, [0.2] * 3)
    counts = counted(program.source)
    assert counts[:2] == (2, 3)
    assert counts.forward_lines <= 6
    assert "[:, " not in program.source


def test_biases_before_and_after_dot_products() -> None:
    w, b = matrix(4, 6), leaves(4)

    def loss(x: Any) -> Any:
        products = [autograd.dot(row, x) for row in w]
        return sum(tanh(z + c if j % 2 else c + z) for j, (z, c) in enumerate(zip(products, b)))

    assert counted(assert_equals_eager(loss, [0.1] * 6).source)[:2] == (1, 1)


def test_scalings_and_differences_among_the_terms() -> None:
    w, b = matrix(4, 6), leaves(4)

    def loss(x: Any, t: Any) -> Any:
        scaled = [(v - 0.5) / 0.25 for v in x]
        outputs = [sigmoid(sum(0.5 * w[j][k] * scaled[k] / 2 for k in range(6)) - b[j] * 2) for j in range(4)]
        return -sum(e * autograd.log(o) for o, e in zip(outputs, t))

    counts = counted(assert_equals_eager(loss, [0.1] * 6, [0.2] * 4).source)
    assert counts[:2] == (1, 1)
    assert counts.forward_lines <= 5


@pytest.mark.parametrize("scaling", [lambda k: 255.0, lambda k: 1.0 + k], ids=["one for all", "one for each"])
def test_inputs_scaled_by_constants(scaling: Callable[[int], float]) -> None:
    w = matrix(4, 6)

    def loss(x: Any) -> Any:
        return sum(tanh(sum(w[j][k] * (x[k] / scaling(k)) for k in range(6))) for j in range(4))

    assert counted(assert_equals_eager(loss, [0.1] * 6).source)[:2] == (1, 1)


@pytest.mark.parametrize("arguments", [1, 2])
def test_two_towers_side_by_side(arguments: int) -> None:
    """The first layers are one product if they read the same inputs; over two arguments, they share nothing."""
    one: Any = nn.MLP(5, [4, 3], seed=1)
    other: Any = nn.MLP(5, [6, 3], "tanh", seed=2)

    def loss(x: Any, *more: Any) -> Any:
        *y, t = more
        return nn.half_squared_error(one(x) + other(y[0] if y else x), t)

    program = assert_equals_eager(loss, *[[0.1] * 5] * arguments, [0.2] * 6)
    counts = counted(program.source)
    assert counts.forward_products == 2 + arguments
    assert counts.backward_products == 4 + arguments
    assert counts.forward_lines + counts.backward_lines <= 30


def test_towers_over_parts_of_one_argument() -> None:
    one: Any = nn.MLP(5, [4, 3], seed=1)
    other: Any = nn.MLP(3, [4, 4, 2], seed=2)
    program = assert_equals_eager(
        lambda x, t: nn.half_squared_error(one(x[:5]) + other(x[5:]), t), [0.1] * 8, [0.2] * 5
    )
    assert counted(program.source)[:2] == (5, 8)
    assert "x[:, 0:5]" in program.source


# Shared weights


def recurrent(w: Any, u: Any, b: Any, v: Any, start: list[Any]) -> Function:
    def loss(x: Any, t: Any) -> Any:
        h = start
        for step in x:
            h = [
                tanh(sum(a * c for a, c in zip(w[j], step)) + sum(a * c for a, c in zip(u[j], h)) + b[j])
                for j in range(len(u))
            ]
        return (sum(a * c for a, c in zip(v, h)) - t) ** 2

    return loss


def test_a_recurrent_network_projects_all_inputs_at_once() -> None:
    steps, inputs, hidden = 5, 3, 4
    loss = recurrent(matrix(hidden, inputs), matrix(hidden, hidden, 1), leaves(hidden), leaves(hidden, 1), [0.0] * 4)
    program = assert_equals_eager(loss, [[0.1] * inputs] * steps, 0.2)
    counts = counted(program.source)
    assert counts.forward_products == 1 + (steps - 1) + 1  # all inputs; each step but the first; the output
    assert counts.backward_products == 1 + 2 * (steps - 1) + 2
    assert ".reshape(-1, 3)" in program.source


def test_a_recurrent_network_with_a_loss_at_each_step() -> None:
    w, u, b, v = matrix(4, 3), matrix(4, 4, 1), leaves(4), leaves(4, 1)

    def loss(x: Any, t: Any) -> Any:
        h: list[Any] = [Value(0.0)] * 4
        cost: Any = 0.0
        for step, target in zip(x, t):
            h = [tanh(autograd.dot(w[j], step, b[j]) + autograd.dot(u[j], h)) for j in range(4)]
            cost = cost + (autograd.dot(v, h) - target) ** 2
        return cost

    counts = counted(assert_equals_eager(loss, [[0.1] * 3] * 5, [0.2] * 5).source)
    assert counts.forward_products <= 1 + 5 + 5
    assert counts.forward_lines <= 35


def test_an_lstm_computes_its_four_gates_in_one_product() -> None:
    w, u, b = matrix(16, 3), matrix(16, 4, 1), leaves(16)

    def loss(x: Any) -> Any:
        h: list[Any] = [0.0] * 4
        c: list[Any] = [0.0] * 4
        for step in x:
            z = [sum(a * v for a, v in zip(w[j], step)) + sum(a * v for a, v in zip(u[j], h)) + b[j] for j in range(16)]
            c = [sigmoid(z[4 + k]) * c[k] + sigmoid(z[k]) * tanh(z[12 + k]) for k in range(4)]
            h = [sigmoid(z[8 + k]) * tanh(c[k]) for k in range(4)]
        return sum(h)

    counts = counted(assert_equals_eager(loss, [[0.1] * 3] * 4).source)
    assert counts.forward_products == 1 + 3
    assert counts.forward_lines <= 40


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("padded", [False, True], ids=["inside", "padded"])
def test_a_convolution_is_one_product_over_patches(padded: bool, channels: int) -> None:
    length, width = 12, 3
    kernels, biases = matrix(channels, width), leaves(channels)
    starts = range(-1, length - 1) if padded else range(length - width + 1)

    def loss(x: Any, t: Any) -> Any:
        outputs = [
            autograd.relu(sum(kernels[c][k] * x[p + k] for k in range(width) if 0 <= p + k < length) + biases[c])
            for c in range(channels)
            for p in starts
        ]
        return (sum(outputs) - t) ** 2

    counts = counted(assert_equals_eager(loss, [0.1] * length, 0.2).source)
    assert counts[:2] == (1, 1)
    assert counts.forward_lines <= 6
    assert counts.backward_lines <= 5


@pytest.mark.parametrize("padded", [False, True], ids=["inside", "padded"])
def test_a_convolution_in_two_dimensions_with_a_dense_layer(padded: bool) -> None:
    size, width = 6, 3
    kernels, biases = [matrix(width, width, c) for c in range(2)], leaves(2)
    places = range(-1, size - 1) if padded else range(size - width + 1)
    dense = matrix(4, 2 * len(places) ** 2)

    def loss(x: Any, t: Any) -> Any:
        outputs = []
        for c in range(2):
            for i in places:
                for j in places:
                    z = biases[c]
                    for a in range(width):
                        for b in range(width):
                            if 0 <= i + a < size and 0 <= j + b < size:
                                z = z + kernels[c][a][b] * x[i + a][j + b]
                    outputs.append(tanh(z))
        return nn.half_squared_error([sum(w * o for w, o in zip(row, outputs)) for row in dense], t)

    counts = counted(assert_equals_eager(loss, [[0.1] * size] * size, [0.2] * 4).source)
    assert counts[:2] == (2, 3)
    assert counts.forward_lines <= 6


def test_convolutions_one_after_the_other() -> None:
    first, second, biases = matrix(2, 3), [matrix(2, 3, c) for c in range(3)], leaves(2)

    def loss(x: Any) -> Any:
        hidden = [[tanh(sum(first[c][k] * x[p + k] for k in range(3)) + biases[c]) for p in range(8)] for c in range(2)]
        outputs = [
            sum(second[d][c][k] * hidden[c][p + k] for c in range(2) for k in range(3))
            for d in range(3)
            for p in range(6)
        ]
        return sum(o * o for o in outputs) / len(outputs)

    assert counted(assert_equals_eager(loss, [0.1] * 10).source)[:2] == (2, 3)


def test_tied_weights() -> None:
    """An autoencoder whose second matrix is the transpose of the first has one array, used twice."""
    w = matrix(4, 7)

    def loss(x: Any) -> Any:
        hidden = [tanh(sum(w[j][k] * x[k] for k in range(7))) for j in range(4)]
        outputs = [sum(w[j][k] * hidden[j] for j in range(4)) for k in range(7)]
        return sum((a - b) ** 2 for a, b in zip(x, outputs))

    program = assert_equals_eager(loss, [0.1] * 7)
    assert counted(program.source)[:2] == (2, 3)
    assert len(program.parameters) == 28


def test_a_parameter_in_a_matrix_and_alone() -> None:
    model = nn.MLP(5, [4, 3], seed=0)
    parameters = model.parameters()

    def loss(x: Any, t: Any) -> Any:
        alone = tanh(parameters[3]) * parameters[3] + autograd.exp(parameters[0] * x[0])
        return nn.half_squared_error(model(x), t) + alone

    assert counted(assert_equals_eager(loss, [0.1] * 5, [0.2] * 3).source)[:2] == (2, 3)


def test_a_penalty_on_all_weights() -> None:
    model = nn.MLP(5, [4, 3], seed=0)

    def loss(x: Any, t: Any) -> Any:
        return nn.half_squared_error(model(x), t) + 0.01 * sum(p * p for p in model.parameters())

    counts = counted(assert_equals_eager(loss, [0.1] * 5, [0.2] * 3).source)
    assert counts[:2] == (2, 3)
    assert counts.forward_lines <= 8


# Data captured as numbers

XOR = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 0.0)]


def samples_of(inputs: int, count: int, zeros: float = 0.0) -> list[tuple[list[float], float]]:
    """Return samples of plain numbers, some of them 0, each with a target."""
    chance = random.Random(4)
    return [
        ([chance.uniform(-1, 1) if chance.random() >= zeros else 0.0 for _ in range(inputs)], chance.uniform(-1, 1))
        for _ in range(count)
    ]


def squares(model: Function, data: Sequence[tuple[list[float], float]]) -> Function:
    return lambda: sum((model(x) - t) ** 2 for x, t in data)


def elements(source: str) -> int:
    """Count the numbers in the arrays of parameters by the shapes of their gradients."""
    return sum(int(np.prod(eval(shape))) for shape in re.findall(r"^    nabla_\w+ = .*# (.*)$", source, re.MULTILINE))


DATA: dict[str, tuple[int, list[tuple[list[float], float]]]] = {
    "dense": (4, samples_of(4, 9)),
    "one input": (1, samples_of(1, 9)),
    "one zero": (3, [*samples_of(3, 5), ([0.1, 0.0, 0.3], 0.2)]),
    "zeros": (8, samples_of(8, 20, zeros=0.5)),
    "mostly zeros": (30, samples_of(30, 40, zeros=0.9)),
    "XOR": (2, XOR),
    "inputs that repeat": (3, [*samples_of(3, 5), (samples_of(3, 1)[0][0], 0.7)]),
    "an input that is always 1": (3, [([a, 1.0, b], t) for (a, b), t in samples_of(2, 6)]),
    "one of each": (4, [([float(j == k) for k in range(4)], 0.1 * j) for j in range(4)]),
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
@pytest.mark.parametrize("nouts", [[3, 1], [5, 4, 1], [2, 2, 2, 1]], ids=str)
def test_a_layer_over_captured_data_is_one_product(name: str, nouts: list[int], elementary: bool) -> None:
    """A layer takes one product forward and two backward, the first layer one; no weight is stored twice or indexed."""
    inputs, data = DATA[name]
    model = nn.MLP(inputs, nouts, "tanh", seed=0, elementary=elementary)
    program = assert_equals_eager(squares(model, data))
    counts = counted(program.source)
    assert counts.forward_products == len(nouts)
    assert counts.backward_products == 2 * len(nouts) - 1
    assert counts.forward_lines <= 3 * len(nouts) + 3
    assert counts.backward_lines <= 3 * len(nouts) + 3
    assert elements(program.source) <= len(model.parameters())
    assert "positions" not in program.source


def test_a_network_by_hand_over_captured_data() -> None:
    """Each neuron has its terms in another order, and the activation of 0 is not 0."""
    w, b, v, chance = matrix(4, 3), leaves(4, 1), leaves(4, 2), random.Random(5)
    orders = [chance.sample(range(3), 3) for _ in range(4)]

    def model(x: Any) -> Any:
        return sum(v[j] * sigmoid(b[j] + sum(w[j][k] * x[k] for k in orders[j])) for j in range(4))

    data = [*samples_of(3, 6), ([0.0, 0.0, 0.0], 0.5)]
    assert counted(assert_equals_eager(squares(model, data)).source) == (2, 3, 5, 5)


@pytest.mark.parametrize("beside", ["scaling", "sample"])
def test_captured_data_beside_an_argument(beside: str) -> None:
    model: Any = nn.MLP(3, [4, 1], "tanh", seed=0)
    data = samples_of(3, 6)

    def scaled(a: Any) -> Any:
        return sum((a * model(x) - t) ** 2 for x, t in data)

    def one_more(x: Any) -> Any:
        return squares(model, data)() + model(x) ** 2

    if beside == "scaling":
        assert counted(assert_equals_eager(scaled, 0.4).source)[:2] == (2, 3)
    else:
        assert counted(assert_equals_eager(one_more, [0.1, 0.2, 0.3]).source)[:2] == (4, 6)


def test_two_towers_over_captured_data() -> None:
    one: Any = nn.MLP(3, [4, 1], "tanh", seed=0)
    other: Any = nn.MLP(2, [4, 1], "tanh", seed=1)
    data = list(zip(samples_of(3, 6), samples_of(2, 6, zeros=0.4)))
    counts = counted(assert_equals_eager(lambda: sum((one(x) + other(y) - t) ** 2 for (x, t), (y, _) in data)).source)
    assert counts[:2] == (4, 6)


def test_a_recurrent_network_over_captured_data() -> None:
    """The input projections of all steps are one product."""
    w, u, b, v = matrix(3, 2), matrix(3, 3, 1), leaves(3, 2), leaves(3, 3)
    step = recurrent(w, u, b, v, [0.0] * 3)
    sequence = [x for x, _ in samples_of(2, 5)]
    source = assert_equals_eager(lambda: step(sequence, 0.3)).source
    assert counted(source)[:2] == (5, 5)
    assert len(re.findall(r"c\d @ ", source)) == 1


@pytest.mark.parametrize("data", [XOR, samples_of(2, 6)], ids=["zeros", "dense"])
def test_one_neuron_over_captured_data(data: list[tuple[list[float], float]]) -> None:
    model = nn.MLP(2, [1], seed=0)
    counts = counted(assert_equals_eager(squares(model, data)).source)
    assert counts[:2] == (1, 1)
    assert counts.forward_lines <= 6


@pytest.mark.parametrize("first", [0.3, 0.0])
def test_regression_over_captured_data_is_elementwise_work(first: float) -> None:
    w, b = leaves(2)
    data = [(first, 0.1), (0.5, -0.2), (1.0, 0.3), (-2.0, 0.0), (0.5, 0.7)]
    source = assert_equals_eager(lambda: sum((w * x + b - y) ** 2 for x, y in data)).source
    assert counted(source) == (0, 0, 3, 3)
    assert "[" not in re.sub(r" = \[.*\]$", "", source, flags=re.MULTILINE)


def test_a_polynomial_through_captured_points() -> None:
    c = leaves(4)
    points = [-1.0, -0.5, 0.0, 0.5, 1.0, 2.0]
    source = assert_equals_eager(
        lambda: sum((sum(ck * x**k for k, ck in enumerate(c)) - math.sin(x)) ** 2 for x in points)
    ).source
    assert counted(source) == (1, 1, 3, 3)


def test_partial_sums_of_parameters_are_not_written_out() -> None:
    """Written out, each partial sum would repeat all terms before it."""
    w = leaves(40)
    source = assert_equals_eager(lambda: sum(s * s for s in itertools.accumulate(w))).source
    assert source.count(" @ ") == 0


# Other programs

_SWISH = primitive("compiled_swish", lambda x: x * sigmoid(x), lambda x, out: (sigmoid(x) + out * (1 - sigmoid(x)),))
_GAMMA = primitive("compiled_gamma", lambda x: math.gamma(2 + abs(x)) if x > -9 else 0.0, lambda x, out: (out * x,))
_SQUARE = primitive("compiled_square", lambda x: math.pow(x, 2), lambda x, out: (2 * x,), array=np.square)
_FARTHER = primitive("compiled_farther", math.hypot, lambda x, y, out: (x / out, y / out))
_CONSTANTS = leaves(10, seed=3)
_CONSTANTS_OF_PAIRS = matrix(10, 10)

ARRAY_WORK: dict[str, tuple[int, Function]] = {
    "sum": (2, lambda x: sum(v * v for v in x)),
    "mean": (3, lambda x: sum(tanh(v) for v in x) / len(x)),
    "log-sum-exp": (2, lambda x: autograd.logsumexp([v * v for v in x])),
    "softmax": (7, lambda x: sum(p * p for p in autograd.softmax(x))),
    "where": (5, lambda x: sum(where(v > 0.1, v * v, -2 * v) for v in x)),
    "where of two conditions": (8, lambda x: sum(where((v > 0) & (v < 0.4) | (v > 1), v * v, -2 * v) for v in x)),
    "polynomial": (5, lambda x: sum(3 * v**3 - v**2 / 2 + 0.25 * v - 7 for v in x)),
    "constants folded": (2, lambda x: sum((Value(2.0) * 3.0 - 1) * v + math.sin(1.0) for v in x)),
    "powers": (5, lambda x: sum((v * v + 0.5) ** 1.5 + 2**v for v in x)),
    "extremes": (5, lambda x: sum(autograd.maximum(v, 0.2) * abs(v) - autograd.minimum(v, x[0]) for v in x)),
    "elementwise weights": (4, lambda x: sum(tanh(c * v + c) for c, v in zip(_CONSTANTS, x))),
    "neighbours": (3, lambda x: sum((a - b) ** 2 for a, b in itertools.pairwise(x))),
    "every other": (2, lambda x: sum(a * b for a, b in zip(x[::2], x[1::2]))),
    "weighted pairs": (3, lambda x: sum(c * x[i] * b for i in range(10) for c, b in zip(_CONSTANTS_OF_PAIRS[i], x))),
    "pairs": (4, lambda x: sum(tanh(a * b) for i, a in enumerate(x) for b in x[:i])),
    "own primitive of two numbers": (3, lambda x: sum(_FARTHER(a, b) for a, b in itertools.pairwise(x))),
    "own primitives": (5, lambda x: sum(_SWISH(v) + _GAMMA(v) + _SQUARE(v) for v in x)),
    "functions without a twin": (6, lambda x: sum(autograd.erf(v) + autograd.xlogy(v * v, v * v + 1) for v in x)),
    "constant matrix": (
        4,
        lambda x: sum(tanh(sum(math.cos(i * j) * v for j, v in enumerate(x))) for i in range(len(x))),
    ),
}


@pytest.mark.parametrize("name", ARRAY_WORK)
def test_work_on_arrays_takes_few_operations(name: str) -> None:
    most, function = ARRAY_WORK[name]
    program = assert_equals_eager(function, [0.3, -0.7, 0.2, 0.45, 1.1, -0.2, 0.8, -0.4, 0.6, 0.15])
    counts = counted(program.source)
    assert 0 < counts.forward_lines <= most


def test_a_function_that_differentiates() -> None:
    """A gradient penalty is only a larger graph, whose gradient is computed like that of any other."""
    model = nn.MLP(5, [4, 3], "tanh", seed=0)

    def penalty(x: Any, t: Any) -> Any:
        gradient = autograd.grad(lambda point: nn.half_squared_error(model(point), t))(x)
        return sum(g * g for g in gradient)

    counts = counted(assert_equals_eager(penalty, [0.1] * 5, [0.2] * 3).source)
    assert counts.forward_products <= 4
    assert counts.forward_lines <= 25


def test_outputs_that_depend_on_parameters_alone() -> None:
    parameters = leaves(5)
    program = assert_equals_eager(lambda x: sum(p * p for p in parameters) * 2, [0.1] * 3)
    assert program(np.zeros((4, 3))).shape == (4,)
    assert np.all(program.input_gradients(np.zeros((4, 3))) == 0.0)


def test_arguments_that_nothing_depends_on() -> None:
    w = leaves(5)
    program = assert_equals_eager(lambda x, y: autograd.dot(w, x), [0.3] * 5, [0.1] * 3)
    assert np.all(program.input_gradients(np.ones((2, 5)), np.ones((2, 3)))[1] == 0.0)


def test_several_outputs() -> None:
    model: Any = nn.MLP(4, [5, 3], seed=0)

    def function(x: Any) -> Any:
        outputs = model(x)
        return outputs, {"largest": outputs}["largest"][0] * 2, [[outputs[2]], [1.0, x[1]]]

    program = autograd.compile(function, [0.1] * 4)
    batch = np.random.default_rng(0).normal(size=(6, 4))
    outputs, double, ((third,), (one, second)) = program(batch)
    expected = nn.predict(model, batch)
    assert np.allclose(np.stack(outputs, axis=1), expected, rtol=1e-13)
    assert np.allclose(double, 2 * expected[:, 0], rtol=1e-13)
    assert np.allclose(third, expected[:, 2], rtol=1e-13)
    assert np.array_equal(one, np.ones(6))
    assert np.array_equal(second, batch[:, 1])


def test_outputs_gradients_are_handed_in() -> None:
    """With several outputs, the result is the gradient of Σ outputs · gradients over samples and outputs."""
    model: Any = nn.MLP(4, [5, 3], seed=0)
    program = autograd.compile(lambda x: model(x), [0.1] * 4)
    chance = np.random.default_rng(0)
    batch, weights = chance.normal(size=(6, 4)), chance.normal(size=(6, 3))
    outputs = program.backward(batch, gradients=weights)
    assert np.allclose(outputs, nn.predict(model, batch), rtol=1e-13)
    gradient = np.array([p.grad for p in program.parameters])
    model.zero_grad()
    for sample, row in zip(batch.tolist(), weights.tolist()):
        weighted: Any = autograd.dot(model(sample), row)
        weighted.backward()
    expected = np.array([p.grad for p in program.parameters])
    assert np.linalg.norm(gradient - expected) <= 1e-12 * np.linalg.norm(expected)


FIVE = leaves(5, seed=9)

FOUND_BY_CHANCE: dict[str, Function] = {
    "log-sum-exp of one number four times": lambda x: autograd.logsumexp([x[0] * x[1]] * 4),
    "sums that are equal but for their order": lambda x: sum(tanh(v) for v in (x[0] + x[1], x[1] + x[0], x[2] + x[0])),
    "products that are equal but for their order": lambda x: sum(v * w for v, w in ((x[0], x[1]), (x[1], x[0]))) ** 2,
    "twice and once the same": lambda x: sum(tanh(v) for v in (abs(x[0]) + abs(x[0]), 2 * abs(x[0]), 3 * abs(x[1]))),
    "one weight for two": lambda x: tanh(FIVE[0] * x[0] + FIVE[1] * x[0]) + tanh(FIVE[0] * x[1] + FIVE[1] * x[2]),
    "patches of parameters alone": lambda x: sum(
        tanh(sum(FIVE[k] * tanh(FIVE[p + k]) for k in range(3)) + x[p]) for p in range(3)
    ),
    "matrices of parameters alone": lambda x: sum(
        tanh(sum(tanh(FIVE[j + k]) * x[k] for k in range(3)) + FIVE[j] * FIVE[j + 1]) for j in range(3)
    ),
    "an argument's number many times": lambda x: sum(tanh(c * x[0]) for c in FIVE),
    "functions of parameters": lambda x: sum(autograd.erf(c) * sigmoid(c) * v for c, v in zip(FIVE, x)),
    "to the power of 0 and 1": lambda x: sum(v**k for k in range(3) for v in x),
    "products of single numbers in both orders": lambda x: (
        tanh(x[0] + x[1] + x[2]) * autograd.sin(x[0] - x[1]) + autograd.sin(x[0] - x[1]) * tanh(x[0] + x[1] + x[2])
    ),
    "products among parameters, one of them in both sums": lambda x: (
        tanh(FIVE[0] * FIVE[1] + FIVE[2] * FIVE[3]) * sum(x) + tanh(FIVE[0] * FIVE[4]) * x[0]
    ),
    "squares of parameters, and a product": lambda x: (
        tanh(FIVE[0] * FIVE[0] + FIVE[1] * FIVE[1]) + tanh(FIVE[0] * FIVE[1]) * sum(x)
    ),
    "a parameter minus itself, beside others of its kind": lambda x: (
        0.7 * tanh(FIVE[0]) + 0.4 * tanh(FIVE[0] - FIVE[0]) + 0.8 * FIVE[0] + x[0]
    ),
    "nothing to sum": lambda x: autograd.dot([], [], x[0]) + autograd.sum([]) + x[1],
}


@pytest.mark.parametrize("name", FOUND_BY_CHANCE)
def test_what_random_programs_found(name: str) -> None:
    assert_equals_eager(FOUND_BY_CHANCE[name], [0.3, -0.7, 0.2, 0.45, 1.1])


@pytest.mark.parametrize("samples", [1, 3, 5])
def test_a_matrix_with_constants_for_its_weights_is_turned_as_a_whole(samples: int) -> None:
    """A masked autoencoder has tied weights, each scaled by a constant in the decoder."""
    w, chance = matrix(3, 3), random.Random(1)
    mask = [[chance.gauss(0, 1) for _ in range(3)] for _ in range(3)]

    def loss(x: Any) -> Any:
        hidden = [tanh(sum(a * v for a, v in zip(row, x))) for row in w]
        decoded = [sum(mask[j][k] * w[j][k] * hidden[j] for j in range(3)) for k in range(3)]
        return sum((a - v) ** 2 for a, v in zip(decoded, x))

    assert_equals_eager(loss, [0.1, 0.2, 0.3], samples=samples)


def test_a_turned_matrix_is_summed_with_constants() -> None:
    w, chance = matrix(4, 6), random.Random(2)
    c = [[chance.gauss(0, 1) for _ in range(6)] for _ in range(4)]

    def loss(x: Any) -> Any:
        hidden = [tanh(sum(a * v for a, v in zip(row, x))) for row in w]
        return sum(tanh(sum(c[j][k] * w[j][k] for j in (3, 2, 1, 0))) for k in range(6)) + sum(hidden)

    assert_equals_eager(loss, [0.1] * 6)


NEARLY_EQUAL: dict[str, Function] = {
    "differences, scaled": lambda x: sum((1000 * (b - a)) ** 2 for a, b in itertools.pairwise(x)),
    "a second difference quotient": lambda x: sum(tanh((a - 2 * b + c) / 1e-4) for a, b, c in zip(x, x[1:], x[2:])),
}


@pytest.mark.parametrize("name", NEARLY_EQUAL)
@pytest.mark.parametrize("count", [3, 8], ids=["numbers", "arrays"])
def test_differences_of_nearly_equal_numbers_are_exact(name: str, count: int) -> None:
    """Eager subtracts first, which is exact (Sterbenz); if the numbers were scaled before, each would be rounded."""
    batch = 1 + 1e-6 * np.random.default_rng(0).normal(size=(5, count))
    assert_equals_eager(NEARLY_EQUAL[name], [1.0] * count, batch=[batch])


def test_a_function_may_return_its_argument_or_a_parameter_or_a_constant() -> None:
    w = Value(3.0)
    assert autograd.compile(lambda x: x, 2.0)([1.0, 2.0]).tolist() == [1.0, 2.0]
    assert autograd.compile(lambda x: w, 2.0)([1.0, 2.0]).tolist() == [3.0, 3.0]
    assert autograd.compile(lambda x: 5.0, 2.0)([1.0, 2.0]).tolist() == [5.0, 5.0]
    program = autograd.compile(lambda x: [x, w, 5.0], 2.0)
    assert program([1.0, 2.0]).tolist() == [[1.0, 3.0, 5.0], [2.0, 3.0, 5.0]]
    program.backward([1.0, 2.0], gradients=[[1.0, 10.0, 100.0], [1.0, 20.0, 100.0]])
    assert w.grad == 30.0
    for wrong in ([1.0, 10.0, 100.0], [[1.0, 10.0]] * 2, [[1.0, 10.0, 100.0]] * 3, "text", None):
        with pytest.raises((TypeError, ValueError), match="gradients"):
            program.backward([1.0, 2.0], gradients=wrong)
    assert w.grad == 30.0
    assert autograd.compile(lambda x: x * x, 2.0).input_gradients([1.0, 2.0]).tolist() == [2.0, 4.0]


def test_what_cancels_is_not_forgotten_where_it_is_infinite() -> None:
    program = autograd.compile(lambda x: sum((v * v) - (v * v) + v for v in x), [1.0] * 6)
    assert program(np.full((2, 6), 3.0)).tolist() == [18.0, 18.0]
    with pytest.raises(FloatingPointError):
        program(np.full((2, 6), 1e200))


def _leak(x: float) -> float:
    return x if x > 0 else 0.1 * x


@pytest.fixture
def own_name(request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"compiled_{request.node.name}"
    yield name
    TABLE.pop(name, None)


OWN_RULES: dict[str, Callable[[str], Any]] = {
    "a choice by where": lambda name: primitive(
        name,
        lambda x: max(x, 0.1 * x),
        lambda x, out: (where(x > 0, 1.0, 0.1),),
        array=lambda x: where(x > 0, x, 0.1 * x),
    ),
    "a branch": lambda name: primitive(name, _leak, lambda x, out: (1.0 if x > 0 else 0.1,)),
    "functions of floats": lambda name: primitive(
        name, lambda x: math.sin(x) * math.exp(x), lambda x, out: (out + math.cos(x) * math.exp(x),)
    ),
}


@pytest.mark.parametrize("name", OWN_RULES)
@pytest.mark.parametrize("count", [1, 6, 300], ids=["numbers", "arrays", "a chain"])
def test_rules_of_ones_own_may_be_made_for_floats(name: str, count: int, own_name: str) -> None:
    own, w = OWN_RULES[name](own_name), Value(0.7)

    def f(x: Any) -> Any:
        if count < 300:
            return sum(own(w * v) * v for v in x)
        y = x[0]
        for _ in range(count):
            y = own(w * y + 0.3) - 0.2
        return y

    assert_equals_eager(f, [0.4] * min(count, 6))


VARIADIC = {"sum": 3, "mean": 3, "prod": 3, "max": 3, "min": 3, "dot": 5, "logsumexp": 3, "norm": 3, "fsum": 3}
EVERY_PRIMITIVE = [name for name in TABLE if name in OURS - {"entry_at"}]  # its index is an integer argument


@pytest.mark.parametrize("count", [1, 6], ids=["numbers", "arrays"])
@pytest.mark.parametrize("name", EVERY_PRIMITIVE)
def test_every_primitive_of_the_table(name: str, count: int) -> None:
    """Values and derivatives agree inside the domain, for one sample on floats and for several on arrays."""
    entry = TABLE[name]
    arity = VARIADIC.get(name) or len(inspect.signature(entry.derivatives).parameters) - 1
    shift = 1.0 if name.startswith("acosh") else 0.0

    def f(x: Any) -> Any:
        rows = [x[k * arity : (k + 1) * arity] for k in range(count)]
        if name == "where":
            return sum(where(c > 0.5, a, b) for c, a, b in rows)
        if name == "constant_power":
            return sum(row[0] ** 2.5 for row in rows)
        return autograd.sum([entry(*row) for row in rows])

    chance = np.random.default_rng(len(name))
    batch = chance.uniform(0.15, 0.85, size=(5, arity * count)) + shift
    program = assert_equals_eager(f, [0.4 + shift] * (arity * count), batch=[batch])
    single = [Value(x) for x in batch[0].tolist()]
    expected = f(single)
    expected.backward()
    value, slopes = program.value_and_grad(batch[0])
    assert value == pytest.approx(expected.data, rel=1e-13)
    assert slopes == pytest.approx([x.grad for x in single], rel=1e-13, abs=1e-13)
