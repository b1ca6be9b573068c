"""Compiled random programs, with shared nodes and wide levels, compute what the graph does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import autograd
from autograd import Value, topological_order

Array = NDArray[np.float64]

near_ties: list[float] = []  # conditions since the last reset that rounding could change


def choose(a: Any, b: Any) -> Any:
    if abs(a.data - b.data) < 1e-9:
        near_ties.append(a.data)
    return autograd.where(a > b, a - b, 2 * b)


# Operations, each with its number of operands, defined and of moderate slope for all operands.
OPERATIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "add": (2, lambda a, b: a + b),
    "subtract": (2, lambda a, b: a - b),
    "multiply": (2, lambda a, b: autograd.tanh(a) * b),
    "divide": (2, lambda a, b: a / (b * b + 1)),
    "affine": (1, lambda a: 0.75 * a - 2),
    "negate": (1, lambda a: -a),
    "square": (1, lambda a: 0.5 * autograd.sin(a) ** 2),
    "power": (2, lambda a, b: (autograd.tanh(a) + 2) ** autograd.tanh(b)),
    "exponential": (1, lambda a: 2 ** autograd.sin(a)),
    "log": (1, lambda a: autograd.log(a * a + 0.5)),
    "sqrt": (1, lambda a: autograd.sqrt(a * a + 0.5)),
    "cos": (1, lambda a: autograd.cos(a)),
    "atan2": (2, lambda a, b: autograd.atan2(a, b * b + 1)),
    "hypot": (2, lambda a, b: autograd.hypot(a, b * b + 1)),
    "asinh": (1, lambda a: autograd.asinh(a)),
    "tanh": (1, lambda a: autograd.tanh(a)),
    "sigmoid": (1, lambda a: autograd.sigmoid(a)),
    "softplus": (1, lambda a: autograd.softplus(a)),
    "erf": (1, lambda a: autograd.erf(a)),
    "relu": (1, lambda a: autograd.relu(a)),
    "abs": (1, lambda a: abs(a)),
    "maximum": (2, lambda a, b: autograd.maximum(a, b)),
    "minimum": (2, lambda a, b: autograd.minimum(a, b)),
    "where": (2, choose),
    "sum": (5, lambda *xs: autograd.sum(xs) / 5),
    "mean": (4, lambda *xs: autograd.mean(xs)),
    "prod": (3, lambda *xs: autograd.prod([autograd.sin(x) for x in xs])),
    "dot": (7, lambda *xs: autograd.dot([autograd.tanh(x) for x in xs[:3]], xs[3:6], xs[6])),
    "logsumexp": (4, lambda *xs: autograd.logsumexp(xs)),
    "difference": (3, lambda a, b, c: (a - b) * 0.25 - (c - a) / 4),
    "thirds": (2, lambda a, b: (a + b + 0.1) / 3 - a * (1 / 3)),
    "affine chain": (1, lambda a: ((0.1 * a - 0.7) * 3 + 0.2) / 7 - 0.1 * (a - 0.3)),
    "scaled products": (3, lambda a, b, c: 0.3 * (autograd.tanh(a) * b) - (0.7 * autograd.sin(b)) * c),
    "of one": (1, lambda a: autograd.logsumexp([a]) + a * autograd.softmax([a])[0] - autograd.sum([a]) / 2),
    "on zero": (2, lambda a, b: autograd.where((a - b) - (a - b) == 0, a - 0.1 * b, b)),
    "off zero": (2, lambda a, b: autograd.where(0 * a + 0.1 - 0.1 != 0, a * b, b - 0.1)),
    "dot of one": (3, lambda a, b, c: autograd.dot([autograd.tanh(a)], [b], c) / 1.7),
    "nested sums": (5, lambda *xs: (xs[0] + (xs[1] + xs[2] + xs[3]) + autograd.sum(xs[2:]) - 0.1) / 6),
}


class Recipe(NamedTuple):
    """Levels of operations that each append numbers to a list which begins with inputs and parameters.

    Attributes:
        inputs: the number of inputs in the argument.
        parameters: the parameters' numbers.
        levels: an operation, and for each number that it makes the positions of its operands.
        outputs: the positions of the numbers whose mean is the result.
    """

    inputs: int
    parameters: list[float]
    levels: list[tuple[str, list[tuple[int, ...]]]]
    outputs: list[int]

    def run(self, inputs: Sequence[Any], parameters: Sequence[Value]) -> Any:
        numbers = [*inputs, *parameters]
        for name, level in self.levels:
            apply = OPERATIONS[name][1]
            numbers += [apply(*(numbers[i] for i in operands)) for operands in level]
        return autograd.sum([numbers[i] for i in self.outputs]) / len(self.outputs)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    inputs = draw(st.integers(1, 6))
    parameters = draw(st.lists(st.floats(-1.5, 1.5).map(lambda x: round(x, 3) + 0.0004), min_size=0, max_size=6))
    size = inputs + len(parameters)
    levels = []
    operations = 0
    while operations < 30:
        name = draw(st.sampled_from(sorted(OPERATIONS)))
        count = draw(st.sampled_from([1, 1, 2, 3, 8]))
        arity = OPERATIONS[name][0]
        if draw(st.booleans()) and arity <= 2:  # neighbours with neighbours, as in real programs
            starts = [draw(st.integers(0, size - 1)) for _ in range(arity)]
            level = [tuple((start + k) % size for start in starts) for k in range(count)]
        else:
            level = [tuple(draw(st.integers(0, size - 1)) for _ in range(arity)) for _ in range(count)]
        levels.append((name, level))
        size += count
        operations += count
    outputs = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4))
    return Recipe(inputs, parameters, levels, [*outputs, size - 1])


def path_sums(order: list[Value]) -> dict[Value, float]:
    """Return Σ |∂·/∂·| over all paths from the last node to each node, which amplifies rounding errors."""
    derivatives = {order[-1]: 1.0}
    for node in reversed(order):
        for parent, derivative in zip(node.parents, node.local_derivatives):
            derivatives[parent] = derivatives.get(parent, 0.0) + abs(derivative) * derivatives.get(node, 0.0)
    return derivatives


def near_a_kink(nodes: list[Value]) -> bool:
    """Tell whether rounding could lead to another branch than the eager one."""
    kinked = {"relu": 0, "abs": 0, "maximum": 1, "minimum": 1}
    for node in nodes:
        if node.op in kinked:
            a = node.parents[0].data
            b = node.parents[1].data if kinked[node.op] else 0.0
            if abs(a - b) < 1e-9 * (1 + abs(a)):
                return True
    return False


def assert_computes_what_its_graph_does(recipe: Recipe, samples: int, seed: int, dtype: Any = "float64") -> str:
    """Compare results, parameter gradients and input derivatives with eager, of a batch and of one sample.

    Returns the printed program.
    """
    leaves = [Value(x) for x in recipe.parameters]
    chance = np.random.default_rng(seed)
    batch = chance.normal(size=(samples, recipe.inputs)).astype(dtype)
    program = autograd.compile(lambda x: recipe.run(x, leaves), [0.3] * recipe.inputs, dtype=dtype)
    assert set(program.parameters) <= set(leaves)

    expected, slopes, scale = [], [], 1.0
    near_ties.clear()
    for sample in batch.tolist():
        inputs = [Value(x) for x in sample]
        result = recipe.run(inputs, leaves)
        nodes = topological_order(result)
        if near_ties or near_a_kink(nodes):
            return str(program)
        result.backward(1 / samples)
        expected.append(result.data)
        slopes.append([x.grad * samples for x in inputs])
        scale = max(scale, *path_sums(nodes).values(), *(abs(n.data) for n in nodes))
    gradient = np.array([leaf.grad for leaf in program.parameters])
    for leaf in leaves:
        leaf.grad = 0.0

    allowed = (1e-12 if dtype == "float64" else 1e-5) * scale**2
    assert np.abs(program(batch) - expected).max() <= allowed
    cost = program.backward(batch)
    assert abs(cost - np.mean(expected)) <= allowed
    gradients = np.array([leaf.grad for leaf in program.parameters])
    assert np.linalg.norm(gradients - gradient) <= allowed
    assert np.abs(program.input_gradients(batch) - np.array(slopes)).max() <= allowed
    value, slope = program.value_and_grad(batch[0])
    assert abs(value - expected[0]) <= allowed
    assert np.abs(slope - slopes[0]).max() <= allowed
    return str(program)


@pytest.mark.parametrize("way", ["arrays", "machine code", "Python"])
@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(recipe=recipes(), samples=st.sampled_from([1, 2, 7, 40]), seed=st.integers(0, 2**32 - 1))
def test_a_compiled_program_computes_what_its_graph_does(
    way: str, thin: Callable[[str], AbstractContextManager[None]], recipe: Recipe, samples: int, seed: int
) -> None:
    with nullcontext() if way == "arrays" else thin(way):
        told = assert_computes_what_its_graph_does(recipe, samples, seed)
    assert way == "arrays" or told.count(f"run as {way};")


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(recipe=recipes(), samples=st.sampled_from([1, 7]), seed=st.integers(0, 2**32 - 1))
def test_in_float32_it_does_to_1e_5(recipe: Recipe, samples: int, seed: int) -> None:
    assert_computes_what_its_graph_does(recipe, samples, seed, "float32")


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(recipe=recipes(), seed=st.integers(0, 2**32 - 1))
def test_in_batches_of_1000_it_does(recipe: Recipe, seed: int) -> None:
    assert_computes_what_its_graph_does(recipe, 1000, seed)


@pytest.mark.parametrize("samples", [1, 10, 1000])
def test_one_program_for_all_batch_sizes(samples: int) -> None:
    chance = np.random.default_rng(samples)
    weights = [Value(x) for x in chance.normal(size=12)]

    def f(x: Sequence[Any]) -> Any:
        hidden = [autograd.tanh(autograd.dot(weights[3 * j : 3 * j + 3], x)) for j in range(4)]
        return autograd.logsumexp(hidden)

    program = autograd.compile(f, [0.1, 0.2, 0.3])
    batch = chance.normal(size=(samples, 3))
    w = np.array([v.data for v in weights]).reshape(4, 3)
    expected = np.log(np.exp(np.tanh(batch @ w.T)).sum(axis=1))
    assert program(batch) == pytest.approx(expected, rel=1e-12)


class Layered(NamedTuple):
    """A network of layers that share matrices and read parts of earlier results.

    Attributes:
        inputs: the number of inputs in the argument.
        layers: for each layer its kind, one of a few matrices, and the positions that it reads, with a row for each
            of its outputs or patches.
    """

    inputs: int
    layers: list[tuple[str, int, list[int]]]

    def run(self, x: Sequence[Any], matrices: list[list[list[Value]]]) -> Any:
        known = list(x)
        for kind, which, places in self.layers:
            matrix = matrices[which]
            read = [known[p % len(known)] for p in places]
            if kind == "dense":
                new = [autograd.dot(row[: len(read)], read, row[-1]) for row in matrix]
            elif kind == "by hand":
                new = [sum(w * v for w, v in zip(row, reversed(read))) - 2 * row[-1] for row in matrix]
            elif kind == "turned":
                new = [sum(row[k] * v for row, v in zip(matrix, read)) for k in range(len(matrix[0]))]
            elif kind == "patches":
                new = [
                    sum(row[k] * read[p + k] for k in range(3) if p + k < len(read)) + row[-1]
                    for row in matrix[:2]
                    for p in range(len(read) - 1)
                ]
            elif kind == "steps":
                state: list[Any] = [0.0] * len(matrix)
                for v in read:
                    state = [
                        tanh_of(row[0] * v + sum(w * s for w, s in zip(row[1:], state)) + row[-1]) for row in matrix
                    ]
                new = state
            elif kind == "masked":
                new = [
                    sum(mask(j, k) * w * v for k, (w, v) in enumerate(zip(row, read))) for j, row in enumerate(matrix)
                ]
            elif kind == "masked and turned":
                new = [
                    sum(mask(j, k) * row[k] * v for j, (row, v) in enumerate(zip(matrix, read)))
                    for k in range(len(matrix[0]))
                ]
            elif kind == "parameters alone":
                products: list[Any] = [sum(a * b for a, b in zip(matrix[0], row)) for row in matrix[:3]]
                scaled: Any = sum(mask(j, j + 1) * row[0] for j, row in enumerate(matrix))
                new = [*products, scaled]
            elif kind == "captured data":
                new = [
                    sum(mask(j + s, k) * w for k, w in enumerate(row)) + row[s] - row[s]
                    for s in range(3)
                    for j, row in enumerate(matrix[:3])
                ]
            elif kind == "both orders":
                new = [
                    a * b + b * a for a, b in itertools.product(map(tanh_of, read[:2]), map(autograd.cos, read[2:4]))
                ]
            elif kind == "quadratic":
                new = [sum(a * matrix[j][k] * b for j, a in enumerate(read[:4]) for k, b in enumerate(read[:4]))]
            elif kind == "differences":
                new = [(a - 2 * b + c) / 0.3 for a, b, c in zip(read, read[1:], read[2:])]
            elif kind == "softmax":
                new = autograd.softmax(read)
            elif kind == "pairs":
                new = [a * b - 0.5 * a for a, b in itertools.pairwise(read)]
            else:
                new = [autograd.sigmoid(v) + matrix[0][k % len(matrix[0])] for k, v in enumerate(read)]
            known = [*known[-4:], *map(tanh_of, new)]
        return autograd.sum(known) / len(known)


def tanh_of(v: Any) -> Any:
    return autograd.tanh(v)


def mask(j: int, k: int) -> float:
    """Return a constant for the weight from k to j; some are 0."""
    return (3 * j + 2 * k) % 5 / 2 - 1


KINDS = [
    *("dense", "by hand", "turned", "masked", "masked and turned", "patches", "steps", "parameters alone"),
    *("captured data", "both orders", "quadratic", "differences", "softmax", "pairs", "elementwise"),
]


@st.composite
def networks(draw: st.DrawFn) -> Layered:
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        start, length = draw(st.integers(0, 5)), draw(st.integers(3, 6))
        regular = draw(st.booleans())
        places = (
            list(range(start, start + length))
            if regular
            else draw(st.lists(st.integers(0, 30), min_size=3, max_size=6, unique=True))
        )
        layers.append((draw(st.sampled_from(KINDS)), draw(st.integers(0, 1)), places))
    return Layered(draw(st.integers(3, 6)), layers)


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(network=networks(), samples=st.sampled_from([1, 4]), seed=st.integers(0, 2**32 - 1))
@example(  # a border of the patches reads numbers that others read in other places
    network=Layered(3, [("dense", 0, [0, 1, 2]), ("dense", 0, [0, 1, 2, 3]), ("patches", 0, [0, 1, 2, 3, 4])]),
    samples=1,
    seed=0,
)
def test_networks_that_share_weights_compute_what_their_graphs_do(network: Layered, samples: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    matrices = [[[Value(w) for w in row] for row in chance.normal(size=(5, 7)).tolist()] for _ in range(2)]
    batch = chance.normal(size=(samples, network.inputs))
    program = autograd.compile(lambda x: network.run(x, matrices), [0.3] * network.inputs)
    expected, slopes = [], []
    for sample in batch.tolist():
        inputs = [Value(x) for x in sample]
        result = network.run(inputs, matrices)
        result.backward(1 / samples)
        expected.append(result.data)
        slopes.append([x.grad * samples for x in inputs])
    gradient = np.array([p.grad for p in program.parameters])
    for p in program.parameters:
        p.grad = 0.0
    assert program(batch) == pytest.approx(expected, rel=1e-12, abs=1e-13)
    program.backward(batch)
    gradients = np.array([p.grad for p in program.parameters])
    assert np.linalg.norm(gradients - gradient) <= 1e-12 * np.linalg.norm(gradient) + 1e-13
    assert np.linalg.norm(program.input_gradients(batch) - slopes) <= 1e-12 * np.linalg.norm(slopes) + 1e-13
