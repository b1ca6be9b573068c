"""Graph networks: nodes have different numbers of neighbours; programs have no more operations for that.

The networks of the tests have 30 nodes and two layers, and compile to at most 30 operations, forward and backward.
"""

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
from autograd import Value
from autograd.compiler.program import Program

Array = NDArray[np.float64]
Rows = list[list[Any]]
Neighbours = list[list[int]]
Aggregate = Callable[[list[Any]], Any]
Layer = Callable[[list[Rows], Rows, Neighbours, Aggregate], Rows]

WIDTHS = 3, 4, 4


# Graphs


def of_sizes(*sizes: int) -> Callable[[int, random.Random], Neighbours]:
    """Draw neighbours for each node; their number is one of these sizes."""

    def drawn(nodes: int, chooser: random.Random) -> Neighbours:
        others = [[j for j in range(nodes) if j != i] for i in range(nodes)]
        return [chooser.sample(among, chooser.choice(sizes)) for among in others]

    return drawn


def chain(nodes: int, chooser: random.Random) -> Neighbours:
    return [[j for j in (i - 1, i + 1) if 0 <= j < nodes] for i in range(nodes)]


def star(nodes: int, chooser: random.Random) -> Neighbours:
    return [[*range(1, nodes)], *[[0]] * (nodes - 1)]


def grid(nodes: int, chooser: random.Random) -> Neighbours:
    width = 6
    cells = [divmod(i, width) for i in range(nodes)]
    return [[j for j, b in enumerate(cells) if abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1] for a in cells]


def undirected(nodes: int, chooser: random.Random) -> Neighbours:
    """Draw each edge with the same probability, after Erdős and Rényi; some nodes have no neighbour."""
    edges = [(i, j) for i in range(nodes) for j in range(i) if chooser.random() < 3 / nodes]
    return [[*[j for k, j in edges if k == i], *[k for k, j in edges if j == i]] for i in range(nodes)]


def with_hubs(nodes: int, chooser: random.Random) -> Neighbours:
    """Connect each node to two others, chosen in proportion to their degrees, after Barabási and Albert."""
    neighbours: list[set[int]] = [{1}, {0}, *[set[int]() for _ in range(nodes - 2)]]
    ends = [0, 1]
    for i in range(2, nodes):
        for j in {chooser.choice(ends), chooser.choice(ends)}:
            neighbours[i].add(j)
            neighbours[j].add(i)
            ends += [i, j]
    return [sorted(near) for near in neighbours]


# Layers


def linear(w: Rows, x: list[Any]) -> list[Any]:
    return [autograd.dot(row, x) for row in w]


def of_neighbours(x: Rows, neighbours: Neighbours, aggregate: Aggregate) -> Rows:
    return [[aggregate([x[j][k] for j in near]) for k in range(len(x[0]))] for near in neighbours]


def two_products(weights: list[Rows], x: Rows, neighbours: Neighbours, aggregate: Aggregate) -> Rows:
    w, u, _ = weights
    around = of_neighbours(x, neighbours, aggregate)
    return [[a + b for a, b in zip(linear(w, row), linear(u, m))] for row, m in zip(x, around)]


def added(weights: list[Rows], x: Rows, neighbours: Neighbours, aggregate: Aggregate) -> Rows:
    around = of_neighbours(x, neighbours, aggregate)
    return [linear(weights[0], [a + b for a, b in zip(row, m)]) for row, m in zip(x, around)]


def messages(weights: list[Rows], x: Rows, neighbours: Neighbours, aggregate: Aggregate) -> Rows:
    w, u, _ = weights
    around = of_neighbours([linear(u, row) for row in x], neighbours, aggregate)
    return [[a + b for a, b in zip(linear(w, row), m)] for row, m in zip(x, around)]


def normalised(weights: list[Rows], x: Rows, neighbours: Neighbours, aggregate: Aggregate) -> Rows:
    """Divide messages by the root of the product of both nodes' degrees, after Kipf and Welling."""
    w, u, _ = weights
    sent, degree = [linear(u, row) for row in x], [max(len(near), 1) for near in neighbours]
    roots = [[math.sqrt(degree[i] * degree[j]) for j in near] for i, near in enumerate(neighbours)]
    return [
        [a + aggregate([sent[j][k] / c for j, c in zip(near, of)]) for k, a in enumerate(linear(w, row))]
        for row, near, of in zip(x, neighbours, roots)
    ]


def message_networks(weights: list[Rows], x: Rows, neighbours: Neighbours, aggregate: Aggregate) -> Rows:
    """Compute the message along each edge by a network with one hidden layer."""
    w, u, v = weights
    new = []
    for row, near in zip(x, neighbours):
        sent = [[(a + b).tanh() for a, b in zip(linear(u, row), linear(v, x[j]))] for j in near]
        around = [aggregate([message[k] for message in sent]) for k in range(len(w))]
        new.append([a + b for a, b in zip(linear(w, row), around)])
    return new


def average(elements: list[Any]) -> Any:
    return sum(elements) / len(elements) if elements else 0.0


def mean(elements: list[Any]) -> Any:
    return autograd.mean(elements) if elements else 0.0


def largest(elements: list[Any]) -> Any:
    return autograd.max(elements) if elements else 0.0


def network(layer: Layer, aggregate: Aggregate, neighbours: Neighbours, seed: int) -> Callable[[Rows], Rows]:
    """Make two layers, each followed by tanh."""
    chooser = random.Random(seed)
    weights = [
        [[[Value(chooser.gauss(0, 0.5)) for _ in range(n)] for _ in range(m)] for _ in range(3)]
        for n, m in itertools.pairwise(WIDTHS)
    ]

    def outputs(x: Rows) -> Rows:
        for of_layer in weights:
            x = [[z.tanh() for z in row] for row in layer(of_layer, x, neighbours, aggregate)]
        return x

    return outputs


def assert_equals_eager(function: Callable[[Rows], Any], batch: Array) -> Program:
    """Compare the loss, its gradient and its input derivatives with eager, in norm, for a batch and one sample."""
    program = autograd.compile(function, batch[0].tolist())
    losses, slopes = [], []
    for sample in batch:
        x = [[Value(a) for a in row] for row in sample.tolist()]
        loss = function(x)
        loss.backward(1 / len(batch))
        losses.append(loss.data)
        slopes.append([[a.grad for a in row] for row in x])
    expected = [p.grad for p in program.parameters]
    for p in program.parameters:
        p.grad = 0.0
    program.backward(batch)
    pairs = [
        (program(batch), losses),
        (program(batch[0]), losses[0]),
        ([p.grad for p in program.parameters], expected),
        (np.reshape(program.input_gradients(batch), batch.shape) / len(batch), slopes),
    ]
    for actual, wanted in pairs:
        difference = np.reshape(actual, -1) - np.reshape(wanted, -1)
        assert np.linalg.norm(difference) <= 1e-12 * np.linalg.norm(wanted)
    return program


def program_of(layer: Layer, aggregate: Aggregate, neighbours: Neighbours, seed: int) -> Program:
    outputs = network(layer, aggregate, neighbours, seed)
    batch = np.random.default_rng(seed).normal(size=(2, len(neighbours), WIDTHS[0]))
    return assert_equals_eager(lambda x: autograd.sum([z * z for row in outputs(x) for z in row]), batch)


@pytest.mark.parametrize(
    ("graph", "layer", "aggregate"),
    [
        (of_sizes(1, 2), two_products, sum),
        (of_sizes(1, 2), normalised, sum),
        (of_sizes(1, 2), messages, largest),
        (of_sizes(2, 3), two_products, autograd.sum),
        (of_sizes(1, 3), messages, average),
        (of_sizes(1, 4), added, largest),
        (of_sizes(2, 5), message_networks, autograd.sum),
        (of_sizes(0, 2), two_products, sum),
        (of_sizes(0, 3), messages, mean),
        (of_sizes(0, 1, 2, 3), added, average),
        (star, two_products, sum),
        (chain, two_products, largest),
        (chain, normalised, autograd.sum),
        (grid, message_networks, sum),
        (undirected, normalised, sum),
        (undirected, two_products, mean),
        (with_hubs, two_products, sum),
        (with_hubs, added, largest),
    ],
)
def test_two_layers_are_at_most_thirty_operations(graph: Any, layer: Layer, aggregate: Aggregate) -> None:
    assert program_of(layer, aggregate, graph(30, random.Random(1)), seed=1).operations <= 30


@pytest.mark.parametrize("graph", [of_sizes(2, 3), chain, grid])
def test_larger_graphs_have_no_more_operations(graph: Any) -> None:
    def size(nodes: int) -> tuple[int, int]:
        outputs = network(two_products, autograd.sum, graph(nodes, random.Random(2)), seed=2)
        program = autograd.compile(lambda x: [z for row in outputs(x) for z in row], [[0.1] * 3] * nodes)
        return program.operations, program.matrix_products

    assert size(30) == size(90)


@pytest.mark.parametrize("graph", [of_sizes(0, 2), of_sizes(1, 2), with_hubs])
def test_padding_takes_nothing_from_nodes_that_are_no_neighbours(graph: Any) -> None:
    """An infinite number affects only the nodes that read it; tanh makes their results finite again."""
    neighbours = graph(30, random.Random(3))
    outputs = network(two_products, autograd.sum, neighbours, seed=3)
    program = autograd.compile(lambda x: [z for row in outputs(x) for z in row], [[0.1] * 3] * 30)
    x = np.random.default_rng(3).normal(size=(2, 30, 3))
    x[1, 7, 1] = math.inf
    for sample, results in zip(x, program(x)):
        wanted = [z.data for row in outputs([[Value(a) for a in row] for row in sample.tolist()]) for z in row]
        np.testing.assert_allclose(results, wanted, rtol=1e-12, atol=1e-15)
