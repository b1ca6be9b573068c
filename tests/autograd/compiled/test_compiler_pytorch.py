"""Compiled programs against PyTorch, which shares no code with them: the same costs and gradients of the same networks.

Each case is written twice, for one sample of scalars and for a batch of tensors, as a user of either would write it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value, sigmoid, tanh

torch: Any = pytest.importorskip("torch", reason="PyTorch, which compiled programs are compared with, is not installed")
functional = torch.nn.functional

Array = NDArray[np.float64]
SAMPLES = 9


class Case(NamedTuple):
    """A loss, written twice.

    Attributes:
        parameters: arrays of Values, nested lists of them.
        ours: from one sample's arguments to a Value.
        theirs: from parameters as tensors, and arguments as tensors with a row per sample, to one loss per sample.
        batch: the arguments.
    """

    parameters: list[Any]
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    batch: list[Array]


def matrix(rows: int, columns: int, seed: int) -> list[list[Value]]:
    chance = np.random.default_rng(seed)
    return [[Value(x) for x in row] for row in chance.uniform(-0.8, 0.8, (rows, columns)).tolist()]


def vector(length: int, seed: int) -> list[Value]:
    return matrix(1, length, seed)[0]


def product(w: list[list[Any]], x: Any) -> list[Any]:
    return [sum(a * b for a, b in zip(row, x)) for row in w]


def added(*vectors: Any) -> list[Any]:
    return [sum(terms) for terms in zip(*vectors)]


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(SAMPLES, *shape))


# Networks

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softplus": functional.softplus,
    "identity": lambda z: z,
}
CLASSES = np.eye(3)[np.random.default_rng(2).integers(0, 3, SAMPLES)]
LOSSES: dict[str, tuple[Any, Callable[[Any, Any], Any], Array]] = {
    "half squared error": (nn.half_squared_error, lambda o, t: ((o - t) ** 2).sum(1) / 2, normal(3, seed=1)),
    "mean squared error": (
        nn.mean_squared_error,
        lambda o, t: functional.mse_loss(o, t, reduction="none").mean(1),
        normal(3, seed=1),
    ),
    "softmax cross-entropy": (nn.cross_entropy, lambda o, t: functional.cross_entropy(o, t, reduction="none"), CLASSES),
    "binary cross-entropy with logits": (
        nn.binary_cross_entropy_with_logits,
        lambda o, t: functional.binary_cross_entropy_with_logits(o, t, reduction="none").sum(1),
        CLASSES,
    ),
}


def network(hidden: Any, loss: str, elementary: bool) -> Case:
    model = nn.MLP(5, [6, 4, 3], [hidden, hidden], "identity", seed=3, elementary=elementary)
    ours, theirs, targets = LOSSES[loss]
    weights = [[neuron.weights for neuron in layer.neurons] for layer in model.layers]
    biases = [[neuron.bias for neuron in layer.neurons] for layer in model.layers]

    def of_tensors(w1: Any, w2: Any, w3: Any, b1: Any, b2: Any, b3: Any, x: Any, t: Any) -> Any:
        activation = ACTIVATIONS[hidden]
        a2 = activation(functional.linear(activation(functional.linear(x, w1, b1)), w2, b2))
        return theirs(functional.linear(a2, w3, b3), t)

    return Case([*weights, *biases], lambda x, t: ours(model(x), t), of_tensors, [normal(5), targets])


def sigmoids_by_hand() -> Case:
    w1, b1, w2, b2 = matrix(6, 5, 1), vector(6, 2), matrix(2, 6, 3), vector(2, 4)

    def ours(x: Any, t: Any) -> Any:
        a1 = [1 / (1 + (-z).exp()) for z in added(product(w1, x), b1)]
        a2 = [1 / (1 + (-z).exp()) for z in added(product(w2, a1), b2)]
        return -sum(e * autograd.log(a) + (1 - e) * autograd.log(1 - a) for a, e in zip(a2, t))

    def theirs(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, t: Any) -> Any:
        a2 = torch.sigmoid(functional.linear(torch.sigmoid(functional.linear(x, w1, b1)), w2, b2))
        return functional.binary_cross_entropy(a2, t, reduction="none").sum(1)

    return Case([w1, b1, w2, b2], ours, theirs, [normal(5), np.random.default_rng(1).uniform(size=(SAMPLES, 2))])


# Shared weights


def convolution(stride: int, padding: int) -> Case:
    size, width, channels = 7, 3, 2
    kernels, biases = [matrix(width, width, c) for c in range(channels)], vector(channels, 9)
    starts = range(-padding, size + padding - width + 1, stride)
    dense = matrix(3, channels * len(starts) ** 2, 5)

    def ours(x: Any) -> Any:
        outputs = [
            tanh(
                sum(
                    (
                        kernel[a][b] * x[i + a][j + b]
                        for a in range(width)
                        for b in range(width)
                        if 0 <= i + a < size and 0 <= j + b < size
                    ),
                    bias,
                )
            )
            for kernel, bias in zip(kernels, biases)
            for i in starts
            for j in starts
        ]
        return autograd.logsumexp(product(dense, outputs))

    def theirs(kernels: Any, biases: Any, dense: Any, x: Any) -> Any:
        outputs = torch.tanh(functional.conv2d(x[:, None], kernels[:, None], biases, stride=stride, padding=padding))
        return torch.logsumexp(functional.linear(outputs.flatten(1), dense), 1)

    return Case([kernels, biases, dense], ours, theirs, [normal(size, size)])


def recurrent() -> Case:
    steps, inputs, hidden = 6, 3, 4
    w, u, b, v = matrix(hidden, inputs, 1), matrix(hidden, hidden, 2), vector(hidden, 3), vector(hidden, 4)

    def ours(x: Any, t: Any) -> Any:
        h: list[Any] = [0.0] * hidden
        cost = []
        for step, target in zip(x, t):
            h = [tanh(z) for z in added(product(w, step), product(u, h), b)]
            cost.append((autograd.dot(v, h) - target) ** 2)
        return autograd.sum(cost)

    def theirs(w: Any, u: Any, b: Any, v: Any, x: Any, t: Any) -> Any:
        cell = torch.nn.RNN(inputs, hidden, batch_first=True, dtype=torch.float64)
        names = {"weight_ih_l0": w, "weight_hh_l0": u, "bias_ih_l0": b, "bias_hh_l0": torch.zeros_like(b)}
        states, _ = torch.func.functional_call(cell, names, x)
        return ((states @ v - t) ** 2).sum(1)

    return Case([w, u, b, v], ours, theirs, [normal(steps, inputs), normal(steps, seed=1)])


def lstm() -> Case:
    steps, inputs, hidden = 5, 3, 4
    w, u, b = matrix(4 * hidden, inputs, 1), matrix(4 * hidden, hidden, 2), vector(4 * hidden, 3)

    def ours(x: Any) -> Any:
        h: list[Any] = [0.0] * hidden
        c: list[Any] = [0.0] * hidden
        for step in x:
            z = added(product(w, step), product(u, h), b)
            i, f, g, o = (z[k * hidden : (k + 1) * hidden] for k in range(4))
            c = [sigmoid(f) * c + sigmoid(i) * tanh(g) for f, c, i, g in zip(f, c, i, g)]
            h = [sigmoid(o) * tanh(c) for o, c in zip(o, c)]
        return sum(v * v for v in h)

    def theirs(w: Any, u: Any, b: Any, x: Any) -> Any:
        cell = torch.nn.LSTM(inputs, hidden, batch_first=True, dtype=torch.float64)
        names = {"weight_ih_l0": w, "weight_hh_l0": u, "bias_ih_l0": b, "bias_hh_l0": torch.zeros_like(b)}
        states, _ = torch.func.functional_call(cell, names, x)
        return (states[:, -1] ** 2).sum(1)

    return Case([w, u, b], ours, theirs, [normal(steps, inputs)])


def attention() -> Case:
    positions, size, width = 4, 5, 3
    w = [matrix(width, size, seed) for seed in range(3)]

    def ours(x: Any) -> Any:
        queries, keys, values = ([product(m, row) for row in x] for m in w)
        outputs = []
        for query in queries:
            weights = autograd.softmax([autograd.dot(query, key) / width**0.5 for key in keys])
            outputs += [autograd.dot(weights, column) for column in zip(*values)]
        return autograd.sum([o * o for o in outputs])

    def theirs(q: Any, k: Any, v: Any, x: Any) -> Any:
        outputs = functional.scaled_dot_product_attention(x @ q.T, x @ k.T, x @ v.T)
        return (outputs**2).sum((1, 2))

    return Case(w, ours, theirs, [normal(positions, size)])


# Without matrices


def log_sum_exp() -> Case:
    scales = vector(6, 1)

    def ours(x: Any) -> Any:
        return autograd.logsumexp([100 * s * v for s, v in zip(scales, x)])

    return Case([scales], ours, lambda s, x: torch.logsumexp(100 * s * x, 1), [normal(6)])


def integrator() -> Case:
    """A pendulum with friction, in 300 small steps: a thin program, without arrays of several numbers."""
    length, friction = Value(1.3), Value(0.2)

    def swing(sin: Any, length: Any, friction: Any, angle: Any, speed: Any) -> Any:
        for _ in range(300):
            speed = speed - 0.01 * (9.81 / length * sin(angle) + friction * speed)
            angle = angle + 0.01 * speed
        return angle * angle + speed

    def ours(start: Any) -> Any:
        return swing(autograd.sin, length, friction, *start)

    def theirs(length: Any, friction: Any, start: Any) -> Any:
        return swing(torch.sin, length, friction, *start.T)

    return Case([length, friction], ours, theirs, [normal(2)])


CASES: dict[str, Callable[[], Case]] = {
    **{
        f"{hidden}, {loss}, {kind}": partial(network, hidden, loss, kind == "elementary")
        for hidden, loss in zip(ACTIVATIONS, [*LOSSES, "half squared error"])
        for kind in ("wide", "elementary")
    },
    "sigmoids by hand": sigmoids_by_hand,
    "convolution": partial(convolution, 1, 0),
    "convolution with padding": partial(convolution, 1, 1),
    "convolution in strides with padding": partial(convolution, 2, 1),
    "recurrent": recurrent,
    "LSTM": lstm,
    "attention": attention,
    "log-sum-exp": log_sum_exp,
    "integrator": integrator,
}


def numbers(values: Any, read: Callable[[Value], float]) -> Any:
    return [numbers(v, read) for v in values] if isinstance(values, list) else read(values)


def assert_close(actual: Any, expected: Any) -> None:
    assert np.shape(actual) == np.shape(expected)
    assert np.linalg.norm(np.subtract(actual, expected)) <= 1e-12 * np.linalg.norm(expected)


@pytest.mark.parametrize("name", CASES)
def test_costs_and_gradients_are_those_of_pytorch(name: str) -> None:
    case = CASES[name]()
    parameters = [
        torch.tensor(numbers(array, lambda v: v.data), dtype=torch.float64, requires_grad=True)
        for array in case.parameters
    ]
    batch = [torch.tensor(array, requires_grad=True) for array in case.batch]
    losses = case.theirs(*parameters, *batch)
    losses.mean().backward()

    program = autograd.compile(case.ours, *(array[0] for array in case.batch))
    assert_close(program(*case.batch), losses.detach().numpy())
    assert_close(program.backward(*case.batch), losses.mean().item())
    for array, tensor in zip(case.parameters, parameters):
        assert_close(numbers(array, lambda v: v.grad), tensor.grad.numpy())
    slopes = program.input_gradients(*case.batch)
    for slope, tensor in zip(slopes if len(batch) > 1 else (slopes,), batch):
        assert_close(slope / SAMPLES, tensor.grad.numpy())
