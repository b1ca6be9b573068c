"""Compiled programs round as the graph does: differences, compensated sums, conditions on 0 keep their meaning."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, where

Thin = Callable[[str], AbstractContextManager[None]]
WAYS = ["arrays", "machine code", "Python"]

BIG = 1.5 * 2.0**52


def two_sum(a: Any, b: Any) -> Any:
    """Return the exact rounding error of a + b (Knuth 1969)."""
    s = a + b
    virtual = s - a
    return (a - (s - virtual)) + (b - virtual)


def halves(a: Any) -> tuple[Any, Any]:
    """Split a into two numbers of half as many bits, whose sum it is (Veltkamp 1968)."""
    c = 134217729.0 * a
    high = c - (c - a)
    return high, a - high


def two_product(a: Any, b: Any) -> Any:
    """Return the exact rounding error of a b (Dekker 1971)."""
    (a1, a2), (b1, b2) = halves(a), halves(b)
    return ((a1 * b1 - a * b) + a1 * b2 + a2 * b1) + a2 * b2


def kahan(xs: Sequence[Any]) -> Any:
    total, lost = xs[0], 0.0
    for x in xs[1:]:
        y = x - lost
        t = total + y
        lost = (t - total) - y
        total = t
    return total


def neumaier(xs: Sequence[Any]) -> Any:
    total, lost = xs[0], 0.0
    for x in xs[1:]:
        t = total + x
        lost = lost + where(abs(total) >= abs(x), (total - t) + x, (x - t) + total)
        total = t
    return total + lost


# Functions of three numbers, and samples that reveal tempting but wrong optimizations.
PROGRAMS: dict[str, tuple[Callable[..., Any], list[tuple[float, float, float]]]] = {
    "a mean that is 0": (lambda a, b, c: where((a + b + c) / 3 > 0, a, -a), [(5, -7, 2), (1, 2, 4)]),
    "a scaled sum that is 0": (lambda a, b, c: autograd.sqrt(0.1 * (a + b + c)), [(3, -1, -2), (1, 2, 4)]),
    "a scaled difference": (lambda a, b, c: 3 * (a - 0.1), [(0.1 + 1e-12, 0, 0), (0.3, 0, 0)]),
    "what cancels": (lambda a, b, c: a - (a + b) + b, [(1e30, 1, 0), (1, 1e-20, 0)]),
    "a condition on a difference": (lambda a, b, c: where(0.1 * (a - b) == 0, c, a), [(0.3, 0.3, 7), (0.3, 0.1, 7)]),
    "like terms": (lambda a, b, c: 0.1 * a + 0.2 * a - 0.3 * a, [(1, 0, 0), (0.7, 0, 0)]),
    "zero times": (lambda a, b, c: 0 * a + 1, [(math.nan, 0, 0), (math.inf, 0, 0), (2, 0, 0)]),
    "tiny times tiny": (lambda a, b, c: (a * 1e-200) * 1e-200, [(1e300, 0, 0), (1, 0, 0)]),
    "huge times huge": (lambda a, b, c: a * 1e200 * 1e200, [(1e-300, 0, 0), (1e-200, 0, 0)]),
    "scaled and divided": (lambda a, b, c: a * 0.1 / 0.1 - a / 3 * 3, [(0.3, 0, 0), (7, 0, 0), (1e-320, 0, 0)]),
    "an affine chain": (lambda a, b, c: ((0.1 * a + 0.2) * 10 - 2) - a, [(1e-17, 0, 0), (0.7, 0, 0)]),
    "two products": (lambda a, b, c: a * b - c * c, [(0.1, 0.1, 0.1), (1 + 2.0**-30, 1 - 2.0**-30, 1)]),
    "two products, added": (lambda a, b, c: a * b + c * -c, [(0.1, 0.1, 0.1), (1 + 2.0**-30, 1 - 2.0**-30, 1)]),
    "a product and a number": (lambda a, b, c: a * b + c, [(1 + 2.0**-30, 1 - 2.0**-30, -1)]),
    "a scaled product": (lambda a, b, c: 0.1 * (a * b) - (0.1 * a) * b, [(0.7, 0.3, 0), (1e200, 1e200, 0)]),
    "two-sum": (lambda a, b, c: two_sum(a, b), [(1, 1e-17, 0), (0.1, 0.2, 0), (1e16, 1, 0)]),
    "Dekker's product": (lambda a, b, c: two_product(a, b), [(0.1, 0.3, 0), (1 / 3, 1e10 / 7, 0)]),
    "Kahan's sum": (lambda a, b, c: kahan([a, b, c, -a]), [(1e16, 3.14, 2.7), (1, 1e-16, 1e-16)]),
    "Neumaier's sum": (lambda a, b, c: neumaier([a, b, c, -b]), [(1, 1e100, 1), (0.1, 1e16, -1)]),
    "to the next integer": (lambda a, b, c: (a + BIG) - BIG, [(0.7, 0, 0), (2.5, 0, 0), (-1.2, 0, 0)]),
    "to an integer by adding": (lambda a, b, c: (a + BIG) + -BIG, [(0.7, 0, 0), (2.5, 0, 0)]),
    "the fraction": (lambda a, b, c: a - ((a + BIG) - BIG), [(0.7, 0, 0), (2.4, 0, 0)]),
    "adding zero": (lambda a, b, c: autograd.atan2(a + 0.0, -1.0), [(-0.0, 0, 0), (0.0, 0, 0)]),
    "a negated zero": (lambda a, b, c: autograd.atan2(-(a - b), -1.0), [(1, 1, 0)]),
    "a sum used twice": (lambda a, b, c: (a + b + c) - a - ((a + b) - a), [(1e16, 1, 1), (0.1, 0.2, 0.3)]),
    "the same number three times": (lambda a, b, c: autograd.sum([a, a, a]) - 3 * a, [(0.25, 0, 0), (3, 0, 0)]),
}


# These derivatives are only rounding errors, or do not exist.
ILL_CONDITIONED = {"a scaled sum that is 0", "a negated zero", "like terms"}


def compiled(thin: Thin, way: str, function: Callable[..., Any], *examples: Any) -> Any:
    with nullcontext() if way == "arrays" else thin(way):
        return autograd.compile(function, *examples)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_results_are_those_of_floats_to_the_last_bit(thin: Thin, way: str, name: str) -> None:
    function, samples = PROGRAMS[name]
    expected = [float(function(*(float(x) for x in sample))) for sample in samples]
    program = compiled(thin, way, function, 0.3, 0.4, 0.5)
    columns = [np.array(column, dtype=float) for column in zip(*samples)]
    outputs = program.outputs(np.empty(0), *columns)
    assert np.array_equal(outputs, expected, equal_nan=True)
    alone = [float(program.outputs(np.empty(0), *map(float, sample))) for sample in samples]
    assert np.array_equal(alone, expected, equal_nan=True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_so_are_those_of_many_cells_side_by_side(name: str) -> None:
    function, samples = PROGRAMS[name]
    cells = [float(x) for sample in samples for x in sample]
    expected = [float(function(*(float(x) for x in sample))) for sample in samples]
    program = autograd.compile(
        lambda x: [function(*x[k : k + 3]) for k in range(0, len(x), 3)], [0.1 * k + 0.3 for k in range(len(cells))]
    )
    outputs = program.outputs(np.empty(0), np.array([cells, cells]))
    assert np.array_equal(outputs, [expected] * 2, equal_nan=True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - ILL_CONDITIONED))
def test_derivatives_are_those_of_the_graph(thin: Thin, way: str, name: str) -> None:
    function, samples = PROGRAMS[name]
    program = compiled(thin, way, function, 0.3, 0.4, 0.5)
    for sample in samples:
        inputs = [Value(x) for x in sample]
        result = function(*inputs)
        if not math.isfinite(result.data):
            continue
        result.backward()
        slopes = [x.grad for x in inputs]
        if not np.isfinite(slopes).all():
            continue
        derivatives = program.input_gradients(*map(float, sample))
        assert np.linalg.norm(np.subtract(derivatives, slopes)) <= 1e-12 * np.linalg.norm(slopes)


@pytest.mark.parametrize("way", WAYS)
def test_parameters_are_not_merged_with_numbers(thin: Thin, way: str) -> None:
    w, b = Value(1e-200), Value(1e16)
    program = compiled(thin, way, lambda x: (w * x * 1e-200 * 1e300, (x + b) - b, 0 * (w * x) + 1), 2.0)
    weights = np.array([p.data for p in program.parameters])
    outputs = program.outputs(weights, [1e200, 3.0, math.inf])
    expected = [[1e-200 * 1e300, 1e200, 1.0], [0.0, 4.0, 1.0], [math.inf, math.inf, math.nan]]
    assert np.array_equal(outputs, expected, equal_nan=True)


# Sums that stay reductions


def test_a_neuron_is_a_matrix_product_however_its_sum_is_written() -> None:
    w = [[Value(0.1 * (3 * j + k)) for k in range(3)] for j in range(4)]
    b = [Value(0.5 * j) for j in range(4)]
    ways: list[Callable[[Any], Any]] = [
        lambda x: [autograd.dot(row, x, bias) for row, bias in zip(w, b)],
        lambda x: [sum(v * u for v, u in zip(row, x)) + bias for row, bias in zip(w, b)],
        lambda x: [bias + sum(u * v for v, u in zip(row, x)) for row, bias in zip(w, b)],
        lambda x: [autograd.sum([*(v * u for v, u in zip(row, x)), bias]) for row, bias in zip(w, b)],
    ]
    for way in ways:
        assert "z1 = x @ w1.T + b1 " in autograd.compile(way, [0.1, 0.2, 0.3]).source


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("terms", [3, 8, 50])
def test_a_reduction_is_within_its_bound(thin: Thin, way: str, terms: int) -> None:
    chance = np.random.default_rng(terms)
    x = chance.normal(size=(20, terms)) * 10.0 ** chance.integers(-12, 12, size=(20, terms))
    w = chance.normal(size=terms)
    weights = [Value(v) for v in w]
    functions: dict[str, Callable[[Any], Any]] = {
        "dot": lambda x: autograd.dot(weights, x),
        "chain": lambda x: sum(a * b for a, b in zip(weights, x)),
        "sum": autograd.sum,
    }
    for name, function in functions.items():
        factors = np.ones(terms) if name == "sum" else w
        program = compiled(thin, way, function, list(map(float, x[0])))
        outputs = program.outputs(np.array([p.data for p in program.parameters]), x)
        exact = [math.fsum(row) for row in (x * factors).tolist()]
        assert (np.abs(outputs - exact) <= terms * 2.0**-52 * np.abs(x * factors).sum(axis=1)).all()


# Random programs

NUMBERS = [0.1, 1 / 3, 3.0, -2.0, 0.5, 7.0, 1e-200, 1e200, 0.0, -0.0, -1.0, 1.0, BIG]

# Operations that round each step as IEEE 754 says, with the number of their operands; further arguments are numbers.
OPERATIONS: list[tuple[int, Callable[..., Any]]] = [
    *((2, lambda a, b, c, d: a + b), (2, lambda a, b, c, d: a - b), (2, lambda a, b, c, d: a * b)),
    *((2, lambda a, b, c, d: a / b), (1, lambda a, c, d: -a), (1, lambda a, c, d: 1 / a)),
    *((1, lambda a, c, d: c * a), (1, lambda a, c, d: a + c), (1, lambda a, c, d: c - a)),
    *((1, lambda a, c, d: a / (c or 3.0)), (1, lambda a, c, d: a * c * d), (1, lambda a, c, d: a * c / (d or 3.0))),
    *((1, lambda a, c, d: c * a + d), (1, lambda a, c, d: c * (a - d)), (1, lambda a, c, d: (c * a + d) * c - d)),
    *((1, lambda a, c, d: c * a + d * a), (2, lambda a, b, c, d: c * a - c * b), (2, lambda a, b, c, d: c * (a * b))),
    *((2, lambda a, b, c, d: c * a * b), (2, lambda a, b, c, d: c * a * (d * b)), (2, lambda a, b, c, d: c * (a - b))),
    *((3, lambda a, b, c, *_: a - b + c), (3, lambda a, b, c, *_: a - (b + c)), (3, lambda a, b, c, *_: a * b + c)),
    *((4, lambda a, b, c, d, *_: a * b - c * d), (4, lambda a, b, c, d, *_: a * b + c * d)),
    *((4, lambda a, b, c, d, *_: (a - b) - (c - d)), (2, lambda a, b, *_: a - (a + b) + b)),
    *((2, lambda a, b, *_: -(a + b)), (2, lambda a, b, *_: -(a * b) - -a), (2, lambda a, b, *_: (a + b) / 2)),
    *((2, lambda a, b, *_: two_sum(a, b)), (2, lambda a, b, *_: two_product(a, b))),
    *((3, lambda a, b, c, *_: kahan([a, b, c])), (3, lambda a, b, c, *_: neumaier([a, b, c]))),
    *((1, lambda a, *_: (a + BIG) - BIG), (1, lambda a, *_: a - ((a + BIG) - BIG))),
    *((2, lambda a, b, *_: where(a == 0, b, a)), (3, lambda a, b, c, *_: where(a - b + c > 0, b, -c))),
    *((2, lambda a, b, c, d: where(c * (a - d) >= 0, a, b)), (1, lambda a, *_: a * a * a), (1, lambda a, *_: abs(a))),
    *((2, lambda a, b, *_: autograd.maximum(a, b)), (2, lambda a, b, *_: autograd.minimum(a, b))),
    *((1, lambda a, *_: autograd.logsumexp([a])), (2, lambda a, b, *_: autograd.dot([a], [b]))),
    *((3, lambda a, b, c, *_: autograd.dot([a], [b], c)), (2, lambda a, b, *_: autograd.sum([a, b]))),
]


def any_number(chance: np.random.Generator) -> float:
    """Draw a number of any magnitude, an infinite one, nan, or one for which differences nearly cancel."""
    kinds: list[Callable[[], float]] = [
        lambda: chance.normal(),
        lambda: float(chance.integers(-8, 9)),
        lambda: float(chance.choice([-1, 1]) * 10.0 ** chance.uniform(-300, 300)),
        lambda: float(chance.choice([0.0, math.inf, -math.inf, math.nan])),
        lambda: 1e16 + 2 * float(chance.integers(-5, 6)),
        lambda: 0.1 + float(chance.choice([0, 1e-12, 1e-16])),
    ]
    return float(kinds[chance.choice(6, p=[0.4, 0.25, 0.15, 0.05, 0.05, 0.1])]())


def random_function(chance: np.random.Generator, inputs: int) -> tuple[int, Callable[[Sequence[Any]], list[Any]]]:
    """Make a random function; return the number of its results, and the function."""
    steps: list[tuple[Callable[..., Any], list[int], list[float]]] = []
    size = inputs
    for _ in range(chance.integers(1, 6)):
        arity, apply = OPERATIONS[chance.integers(len(OPERATIONS))]
        count = int(chance.choice([1, 1, 2, 3, 6]))
        starts = chance.integers(size, size=arity)
        for k in range(count):
            numbers = chance.choice(NUMBERS, size=2) if k == 0 or chance.random() < 0.3 else steps[-1][2]
            steps.append((apply, ((starts + k) % size).tolist(), [float(x) for x in numbers]))
        size += count

    def function(xs: Sequence[Any]) -> list[Any]:
        known = list(xs)
        for apply, places, numbers in steps:
            known.append(apply(*(known[i] for i in places), *numbers))
        return known[len(xs) :]

    return size - inputs, function


@pytest.mark.parametrize("way", WAYS)
def test_random_programs_round_as_their_graphs_do(thin: Thin, way: str) -> None:
    compared = 0
    for seed in range(80):
        chance = np.random.default_rng(seed)
        inputs = int(chance.integers(1, 6))
        leaves = [Value(chance.normal()) for _ in range(chance.integers(0, 4))]
        count, function = random_function(chance, inputs + len(leaves))
        samples, expected = [], []
        for _ in range(6):
            sample = [any_number(chance) for _ in range(inputs)]
            try:
                results = function([*map(Value, sample), *leaves])
            except ArithmeticError:  # of a division by zero
                continue
            samples.append(sample)
            expected.append([x.data for x in results])
        if samples:
            program = compiled(thin, way, lambda x, f=function, p=leaves: f([*x, *p]), np.linspace(0.3, 0.9, inputs))
            outputs = program.outputs(np.array([p.data for p in program.parameters]), np.array(samples))
            outputs = np.reshape(outputs, (len(samples), count))
            assert np.array_equal(outputs, expected, equal_nan=True), (seed, samples, outputs, expected)
            compared += outputs.size
    assert compared > 1000


# Outer products


OUTER: dict[str, Callable[..., list[Any]]] = {
    "products": lambda x, w: [c * x[0] for c in w],
    "all products": lambda x, w: [c * a for c in w for a in x],
    "of arguments": lambda x, w: [a * c for a in x for c in x],
    "quotients": lambda x, w: [1 / (c * x[0] - x[1]) for c in w],
    "differences": lambda x, w: [w[k] * x[0] - w[k - 1] * x[1] for k in range(4)],
    "sums": lambda x, w: [w[k] * x[0] + w[k - 1] * x[1] for k in range(4)],
    "three": lambda x, w: [x[0] * w[k] - x[1] * w[k - 1] - x[0] * w[k - 2] for k in range(4)],
    "of constants": lambda x, w: [c * x[0] - x[1] for c in (0.1, -0.7, 0.0, 2.0)],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", OUTER)
def test_outer_products_are_no_sums(name: str, way: str, thin: Thin) -> None:
    """Zeros keep their signs, and 0 times an infinite number is nan; a matrix product need not guarantee either."""
    special = [0.0, -0.0, 1.0, -1.0, 5e-324, math.inf, -math.inf, math.nan, BIG, 0.1]
    rows = np.array([[a, b] for a in special for b in special])
    w = [Value(0.3), Value(-0.7), Value(1.1), Value(2.3)]
    with thin(way):
        program = autograd.compile(lambda x: OUTER[name](x, w), [0.5, 0.6])
    for first in special:
        w[0].data, w[1].data = first, -first
        weights = np.array([p.data for p in program.parameters])
        for n in (1, len(rows)):
            outputs = program.outputs(weights, rows[:n]).tolist()
            for row, values in zip(rows[:n].tolist(), outputs):
                try:
                    expected = [v.data for v in OUTER[name]([Value(a) for a in row], w)]
                except ArithmeticError:  # of a division by 0, which raises an error in the graph
                    continue
                assert list(map(repr, values)) == list(map(repr, expected)), row
