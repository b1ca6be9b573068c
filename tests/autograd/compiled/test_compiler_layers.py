"""Programs of layers whose nodes read one another in many ways: trees of soft decisions and sorting networks.

Each layer is a constant number of array operations, whatever its width.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, sigmoid
from autograd.compiler.recovery import count_of_work

INPUTS = 3

Compare = Callable[[Any, Any], tuple[Any, Any]]
Pair = tuple[int, int]


class Tree:
    """A tree of soft decisions with random parameters: Frosst and Hinton, 2017."""

    def __init__(self, depth: int) -> None:
        chance = random.Random(depth)
        inner = 2**depth - 1
        self.depth = depth
        self.w = [[Value(chance.uniform(-1, 1)) for _ in range(INPUTS)] for _ in range(inner)]
        self.b = [Value(chance.uniform(-1, 1)) for _ in range(inner)]
        self.leaves = [Value(chance.uniform(-1, 1)) for _ in range(inner + 1)]

    def gate(self, x: Sequence[Any], node: int) -> Any:
        return sigmoid(self.score(x, node))

    def score(self, x: Sequence[Any], node: int) -> Any:
        return autograd.sum([w * x_k for w, x_k in zip(self.w[node], x)]) + self.b[node]

    def mean(self, probabilities: Sequence[Any]) -> Any:
        return autograd.sum([q * leaf for q, leaf in zip(probabilities, self.leaves)])

    def by_level(self, x: Sequence[Any]) -> Any:
        level = [self.gate(x, 0), 1 - self.gate(x, 0)]
        for _ in range(1, self.depth):
            gates = [self.gate(x, len(level) - 1 + k) for k in range(len(level))]
            level = [part for q, g in zip(level, gates) for part in (q * g, q * (1 - g))]
        return self.mean(level)

    def recursive(self, x: Sequence[Any]) -> Any:
        def below(node: int, q: Any) -> list[Any]:
            if node >= len(self.w):
                return [q]
            g = self.gate(x, node)
            return [*below(2 * node + 1, q * g), *below(2 * node + 2, q * (1 - g))]

        return self.mean(below(0, 1.0))

    def by_differences(self, x: Sequence[Any]) -> Any:
        def below(node: int, q: Any) -> list[Any]:
            if node >= len(self.w):
                return [q]
            left = q * self.gate(x, node)
            return [*below(2 * node + 1, left), *below(2 * node + 2, q - left)]

        return self.mean(below(0, 1.0))

    def by_negation(self, x: Sequence[Any]) -> Any:
        level = [1.0]
        for _ in range(self.depth):
            scores = [self.score(x, len(level) - 1 + k) for k in range(len(level))]
            level = [part for q, z in zip(level, scores) for part in (sigmoid(z) * q, sigmoid(-z) * q)]
        return self.mean(level)

    def from_leaves(self, x: Sequence[Any]) -> Any:
        def value(node: int) -> Any:
            if node >= len(self.w):
                return self.leaves[node - len(self.w)]
            g = self.gate(x, node)
            return g * value(2 * node + 1) + (1 - g) * value(2 * node + 2)

        return value(0)


def samples(width: int, count: int = 4) -> list[list[float]]:
    chance = random.Random(width)
    return [[chance.uniform(-1, 1) for _ in range(width)] for _ in range(count)]


def counts(program: Any) -> tuple[int, int]:
    """Return the number of operations, slices and leaves included, and of those that compute or copy numbers."""
    arrays = program.stages["arrays"]
    return len(arrays.operations), count_of_work(arrays)


TREES = {
    "by level": Tree.by_level,
    "recursive": Tree.recursive,
    "by differences": Tree.by_differences,
    "by negation": Tree.by_negation,
    "from the leaves": Tree.from_leaves,
}


@pytest.mark.parametrize("depth", [3, 4, 5])
@pytest.mark.parametrize("name", TREES)
def test_a_layer_of_a_soft_tree_is_a_few_operations(name: str, depth: int) -> None:
    tree = Tree(depth)

    def function(x: Sequence[Any]) -> Any:
        return TREES[name](tree, x)

    x = samples(INPUTS)
    program = autograd.compile(function, x[0])
    operations, work = counts(program)
    assert operations <= 10 * depth
    assert work <= 6 * depth
    assert len(program.stages["backward"].operations) <= 25 * depth
    parameters = [*[w for row in tree.w for w in row], *tree.b, *tree.leaves]
    total = autograd.sum([function([Value(x_k) for x_k in sample]) for sample in x])
    total.backward()
    expected = [p.grad for p in parameters]
    for p in parameters:
        p.grad = 0.0
    program.backward(np.array(x), gradients=np.ones(len(x)))
    np.testing.assert_allclose([p.grad for p in parameters], expected, rtol=0, atol=1e-12)
    values = [float(function([Value(x_k) for x_k in sample]).data) for sample in x]
    np.testing.assert_allclose(program(np.array(x)), values, rtol=0, atol=1e-12)


def bitonic(width: int) -> list[Pair]:
    """Batcher's bitonic sorter, 1968."""
    pairs = []
    block = 2
    while block <= width:
        distance = block // 2
        while distance:
            pairs += [
                (i, i | distance) if not i & block else (i | distance, i) for i in range(width) if not i & distance
            ]
            distance //= 2
        block *= 2
    return pairs


def odd_even_merge(width: int) -> list[Pair]:
    """Batcher's odd-even merge sort, 1968."""
    pairs = []
    p = 1
    while p < width:
        k = p
        while k:
            for j in range(k % p, width - k, 2 * k):
                pairs += [
                    (i + j, i + j + k)
                    for i in range(min(k, width - j - k))
                    if (i + j) // (2 * p) == (i + j + k) // (2 * p)
                ]
            k //= 2
        p *= 2
    return pairs


def layers(pairs: Sequence[Pair], width: int) -> int:
    depth = [0] * width
    for i, j in pairs:
        depth[i] = depth[j] = 1 + max(depth[i], depth[j])
    return max(depth)


def hard(a: Any, b: Any) -> tuple[Any, Any]:
    return autograd.min([a, b]), autograd.max([a, b])


def soft(a: Any, b: Any) -> tuple[Any, Any]:
    s = sigmoid(b - a)
    return a * s + b * (1 - s), a * (1 - s) + b * s


def soft_maximum(a: Any, b: Any) -> tuple[Any, Any]:
    high = autograd.logsumexp([a, b])
    return a + b - high, high


def sorter(pairs: Sequence[Pair], compare: Compare) -> Callable[[Sequence[Any]], Any]:
    """Return a function that sorts numbers, and weights them by their ranks."""

    def function(x: Sequence[Any]) -> Any:
        wires = list(x)
        for i, j in pairs:
            wires[i], wires[j] = compare(wires[i], wires[j])
        return autograd.sum([0.1 * (k + 1) * wire for k, wire in enumerate(wires)])

    return function


@pytest.mark.parametrize(
    ("network", "compare", "width", "most", "most_work"),
    [
        *[(bitonic, hard, width, 10, 6) for width in (8, 16, 32)],
        *[(odd_even_merge, hard, width, 10, 6) for width in (8, 16, 32)],
        *[(bitonic, soft, width, 20, 10) for width in (8, 16, 32)],
        *[(odd_even_merge, soft, width, 20, 14) for width in (8, 16)],
        *[(bitonic, soft_maximum, width, 14, 8) for width in (8, 16)],
    ],
)
def test_a_layer_of_a_sorting_network_is_a_few_operations(
    network: Callable[[int], list[Pair]], compare: Compare, width: int, most: int, most_work: int
) -> None:
    pairs = network(width)
    function = sorter(pairs, compare)
    x = samples(width)
    program = autograd.compile(function, x[0])
    operations, work = counts(program)
    depth = layers(pairs, width)
    assert operations <= most * depth
    assert work <= most_work * depth
    values, gradients = program.value_and_grad(np.array(x))
    for sample, value, gradient in zip(x, values, gradients):
        numbers = [Value(x_k) for x_k in sample]
        result = function(numbers)
        result.backward()
        np.testing.assert_allclose(value, result.data, rtol=0, atol=1e-12)
        np.testing.assert_allclose(gradient, [number.grad for number in numbers], rtol=0, atol=1e-12)


@pytest.mark.parametrize("network", [bitonic, odd_even_merge])
def test_the_networks_sort(network: Callable[[int], list[Pair]]) -> None:
    (x,) = samples(16, 1)
    program = autograd.compile(sorter(network(16), hard), x)
    assert float(program(np.array(x))) == pytest.approx(sum([0.1 * (k + 1) * y for k, y in enumerate(sorted(x))]))
