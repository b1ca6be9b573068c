"""Axes are recovered: heads, causal rows, running sums, ragged neighbours; and programs compute what the graph does.

Lines and products are counted at three lengths, so that a program with one operation per position could not pass.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import autograd
from autograd import Value
from autograd.compiler.program import Program
from autograd.nested import flatten

Array = NDArray[np.float64]
Function = Callable[..., Any]
Rows = list[list[Any]]


def lines(program: Program) -> int:
    return sum(1 for line in program.source.splitlines() if line.strip())


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(-1, 1, shape).tolist()


def positive(*shape: int) -> Any:
    return np.random.default_rng(0).uniform(0.1, 1, shape).tolist()


def parameters(rows: int, columns: int, seed: int) -> Rows:
    return [[Value(x) for x in row] for row in numbers(rows, columns, seed=seed)]


def linear(w: Rows, x: Sequence[Any]) -> list[Any]:
    return [autograd.sum([a * b for a, b in zip(row, x)]) for row in w]


def assert_equals_eager(function: Function, *batch: Any, tolerance: float = 1e-12, floor: float = 0.0) -> Program:
    """Compare results, parameter gradients and input derivatives with eager, array by array, in norm; one sample, too.

    Args:
        floor: an additional absolute tolerance, for results of larger numbers that cancel out.
    """
    program = autograd.compile(function, *[rows[0] for rows in batch])
    results, slopes = [], []
    for sample in zip(*batch):
        arguments, leaves = [], []
        for rows in sample:
            values, rebuilt = flatten(rows, "")
            nodes = [Value(x) for x in values]
            leaves += nodes
            arguments.append(rebuilt(iter(nodes)))
        result = function(*arguments)
        result.backward(1 / len(batch[0]))
        results.append(result.data)
        slopes.append([leaf.grad * len(batch[0]) for leaf in leaves])
    expected = [p.grad for p in program.parameters]
    for p in program.parameters:
        p.grad = 0.0

    def near(actual: Any, wanted: Any) -> None:
        assert np.linalg.norm(np.subtract(actual, wanted)) <= tolerance * np.linalg.norm(wanted) + floor

    arrays = [np.array(rows) for rows in batch]
    near(program(*arrays), results)
    near(float(program(*[rows[0] for rows in batch])), results[0])
    near(program.backward(*arrays), np.mean(results))
    near([p.grad for p in program.parameters], expected)
    derivatives = program.input_gradients(*arrays)
    derivatives = derivatives if isinstance(derivatives, tuple) else (derivatives,)
    near(np.concatenate([x.reshape(len(results), -1) for x in derivatives], axis=1), slopes)
    for p in program.parameters:
        p.grad = 0.0
    return program


# Attention


def attention(q: Rows, k: Rows, v: Rows, heads: int = 1, causal: bool = True, before: int | None = None) -> Rows:
    """softmax(q kᵀ / √d) v, position by position; each sees all, all before it, or a window of those before it."""
    heads = min(heads, len(q[0]))  # random layers may leave one number
    size = len(q[0]) // heads
    rows = []
    for t in range(len(q)):
        row = []
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            seen = range(0 if before is None else max(0, t - before), t + 1 if causal else len(k))
            scores = [autograd.sum([a * b for a, b in zip(q[t][part], k[s][part])]) / math.sqrt(size) for s in seen]
            shares = autograd.softmax(scores)
            row += [
                autograd.sum([share * v[s][j] for share, s in zip(shares, seen)])
                for j in range(h * size, (h + 1) * size)
            ]
        rows.append(row)
    return rows


def total(rows: Rows) -> Any:
    return autograd.sum([x.tanh() for row in rows for x in row])


@pytest.mark.parametrize("positions", [4, 8, 16])
def test_causal_attention_is_two_batched_products_and_one_mask(positions: int) -> None:
    w = [parameters(3, 3, seed) for seed in range(3)]

    def loss(x: Rows) -> Any:
        q, k, v = ([linear(one, row) for row in x] for one in w)
        return total(attention(q, k, v))

    program = assert_equals_eager(loss, numbers(3, positions, 3))
    forward = program.source.split("def backward")[0]
    assert lines(program) <= 50
    assert forward.count(" @ ") == 3  # the projections to queries, keys and values; q kᵀ; p v
    assert forward.count("where(") == forward.count("-inf") == 1


@pytest.mark.parametrize(("before", "heads"), [(2, 1), (2, 2), (4, 1), (4, 2)])
def test_attention_to_a_window_is_a_table_with_a_softmax(before: int, heads: int) -> None:
    """Each position has as many shares as the window has positions; at the beginning some of them are padding."""
    w = [parameters(4, 4, seed) for seed in range(3)]
    sizes = set()
    for positions in (10, 13, 16):

        def loss(x: Rows) -> Any:
            q, k, v = ([linear(one, row) for row in x] for one in w)
            return total(attention(q, k, v, heads, before=before))

        program = assert_equals_eager(loss, numbers(3, positions, 4))
        sizes.add((lines(program), program.operations, program.matrix_products))
        forward = program.source.split("def backward")[0]
        assert forward.count("= softmax(") == forward.count("-inf") == 1
    assert len(sizes) == 1
    assert sizes.pop()[0] <= 50


def test_windows_of_two_are_a_softmax_behind_the_first_position() -> None:
    w = [parameters(4, 4, seed) for seed in range(3)]
    sizes = set()
    for positions in (9, 12, 16):

        def loss(x: Rows) -> Any:
            q, k, v = ([linear(one, row) for row in x] for one in w)
            return total(attention(q, k, v, before=1))

        program = assert_equals_eager(loss, numbers(3, positions, 4))
        sizes.add((lines(program), program.operations))
        assert program.source.split("def backward")[0].count("= softmax(") == 1
    assert len(sizes) == 1


@pytest.mark.parametrize("positions", [10, 14])
def test_windows_to_both_sides_are_tables_too(positions: int) -> None:
    w = [parameters(4, 4, seed) for seed in range(3)]

    def loss(x: Rows) -> Any:
        q, k, v = ([linear(one, row) for row in x] for one in w)
        rows = []
        for t in range(positions):
            seen = range(max(0, t - 1), min(positions, t + 2))
            shares = autograd.softmax([autograd.dot(q[t], k[s]) for s in seen])
            rows.append([autograd.dot(shares, [v[s][j] for s in seen]) for j in range(4)])
        return total(rows)

    program = assert_equals_eager(loss, numbers(3, positions, 4))
    assert program.source.split("def backward")[0].count("= softmax(") == 1


def test_losses_that_where_leaves_out_leave_heads_whole() -> None:
    """With sequences of several lengths, one mask guards all numbers of a position, whatever it attends to."""
    w, found = [parameters(4, 4, seed) for seed in range(3)], set()
    for positions in (3, 5, 8):

        def loss(x: Rows, counts: Sequence[Any]) -> Any:
            q, k, v = ([linear(one, row) for row in x] for one in w)
            rows = attention(q, k, v, heads=2)
            return autograd.sum([autograd.where(c > 0, total([row]), 0.0) for c, row in zip(counts, rows)])

        counts = (np.arange(positions) < [[1], [2], [positions]]).astype(float).tolist()
        program = assert_equals_eager(loss, numbers(3, positions, 4), counts)
        found.add((lines(program), program.operations, program.matrix_products))
        assert lines(program) <= 90
    assert len(found) == 1


@pytest.mark.parametrize("causal", [False, True])
def test_heads_are_an_axis(causal: bool) -> None:
    found = set()
    for positions in (3, 5, 6):

        def loss(q: Rows, k: Rows, v: Rows) -> Any:
            return total(attention(q, k, v, heads=2, causal=causal))

        batch = [numbers(2, positions, 4, seed=seed) for seed in range(3)]
        program = assert_equals_eager(loss, *batch)
        found.add((lines(program), program.operations, program.matrix_products))
    assert len(found) == 1


@pytest.mark.parametrize("written", ["as it is", "shifted by the largest", "over the log of the sum"])
def test_a_softmax_may_be_written_in_other_ways(written: str) -> None:
    def softmax(xs: list[Any]) -> list[Any]:
        if written == "over the log of the sum":
            log_of_sum = autograd.logsumexp(xs)
            return [(x - log_of_sum).exp() for x in xs]
        largest = autograd.max(xs) if written == "shifted by the largest" else 0.0
        exponentials = [(x - largest).exp() for x in xs]
        summed: Any = sum(exponentials)
        return [e / summed for e in exponentials]

    sizes = set()
    for positions in (4, 6, 9):

        def loss(q: Rows, k: Rows) -> Any:
            rows = []
            for t in range(len(q)):
                shares = softmax([sum(a * b for a, b in zip(q[t], k[s])) / 2 for s in range(t + 1)])
                rows.append([sum(shares[s] * k[s][j] for s in range(t + 1)) for j in range(3)])
            return total(rows)

        program = assert_equals_eager(loss, numbers(2, positions, 3), numbers(2, positions, 3, seed=1))
        sizes.add((lines(program), program.operations))
    assert len(sizes) == 1


def test_what_a_padded_row_does_not_read_may_be_infinite() -> None:
    """The graph does not read later positions; in a padded row, 0 times an infinite number there would be nan."""

    def loss(q: Rows, k: Rows, v: Rows, used: Any) -> Any:
        large = [[1e200 * x * x for x in row] for row in v]
        rows = attention(q, k, large)
        return autograd.sum([autograd.where(m > 0, row[0], 0.0) for m, row in zip(used, rows)])

    q, k, v = (numbers(4, 2, seed=seed) for seed in range(3))
    program = autograd.compile(loss, q, k, v, [1.0, 1.0, 1.0, 1.0])
    assert " @ v" in program.source or "reshape" in program.source
    v[3] = [1e100, 1e100]
    used = [1.0, 1.0, 1.0, 0.0]
    values: list[Any] = [[[Value(x) for x in row] for row in rows] for rows in (q, k, v)]
    expected = loss(values[0], values[1], values[2], [Value(m) for m in used])
    assert float(program(q, k, v, used)) == pytest.approx(expected.data, rel=1e-12)


# Sums


def running(x: list[Any]) -> list[Any]:
    sums: list[Any] = []
    so_far = 0.0
    for one in x:
        so_far = so_far + one
        sums.append(so_far)
    return sums


def windows(x: list[Any], before: int, behind: int) -> list[list[Any]]:
    return [x[max(0, i - before) : i + behind + 1] for i in range(len(x))]


SUMS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "running": running,
    "running, of products": lambda x: running([a * b for a, b in itertools.pairwise(x)]),
    "running, of what is in several arrays": lambda x: running([*[a.tanh() for a in x], *x[:3]]),
    "prefixes": lambda x: [autograd.sum(x[: i + 1]) for i in range(len(x))],
    "suffixes": lambda x: [autograd.sum(x[i:]) for i in range(len(x))],
    "windows": lambda x: [autograd.sum(part) for part in windows(x, 2, 0)],
    "means around": lambda x: [autograd.sum(part) / len(part) for part in windows(x, 2, 2)],
    "largest so far": lambda x: [autograd.max(x[: i + 1]) for i in range(len(x))],
    "largest around": lambda x: [autograd.max(part) for part in windows(x, 1, 1)],
    "log of sums": lambda x: [autograd.logsumexp(x[: i + 1]) for i in range(len(x))],
    "products with what came before": lambda x: [
        autograd.sum([a * b for a, b in zip(x, x[i:])]) for i in range(len(x))
    ],
}


@pytest.mark.parametrize("kind", SUMS)
def test_sums_of_several_lengths_are_one_operation(kind: str) -> None:
    sizes = set()
    for length in (10, 17, 40):
        program = assert_equals_eager(lambda x: total([SUMS[kind]([2 * a for a in x])]), numbers(3, length))
        sizes.add((lines(program), program.operations))
    assert len(sizes) == 1, sizes
    assert sizes.pop()[0] <= 60


ROWS_ADDED: dict[str, Callable[[Sequence[Any]], Any]] = {
    "sums": autograd.sum,
    "chains": sum,
    "from 0": lambda terms: sum(terms, 0.0),
}


@pytest.mark.parametrize("kind", ROWS_ADDED)
def test_sums_of_squares_of_many_rows_are_one_operation(kind: str) -> None:
    """Penalties on all hidden numbers are often written as a sum of sums over rows."""
    add = ROWS_ADDED[kind]
    sizes = set()
    for rows in (6, 9, 16):
        w = parameters(4, 5, seed=1)
        program = assert_equals_eager(
            lambda x, w=w: add([add([y * y for y in linear(w, row)]) for row in x]), numbers(3, rows, 5)
        )
        sizes.add((lines(program), program.operations))
    assert len(sizes) == 1, sizes
    assert sizes.pop()[0] <= 12


@pytest.mark.parametrize("square", [lambda w: w * w, lambda w: w**2, abs], ids=["product", "power", "abs"])
def test_weight_decay_reads_the_matrix_of_the_layer(square: Callable[[Any], Any]) -> None:
    """The penalty reads the same array of parameters as the layer, not a second one."""
    sizes = set()
    for rows in (6, 9, 16):
        w = parameters(rows, 5, seed=1)

        def cost(x: list[Any], w: Rows = w) -> Any:
            penalty = sum(sum(square(a) for a in row) for row in w)
            return sum(y.tanh() for y in linear(w, x)) ** 2 + 0.01 * penalty

        program = assert_equals_eager(lambda x, cost=cost: cost(x), numbers(3, 5))
        assert str(program.stages["arrays"]).count(" = parameter ") == 1
        sizes.add((lines(program), program.operations))
    assert len(sizes) == 1, sizes
    assert sizes.pop()[0] <= 20


SUBTRACTED: dict[str, Callable[[Sequence[Any]], Any]] = {
    "from 0": lambda terms: functools.reduce(operator.sub, terms, 0.0),
    "from the negative of the first": lambda terms: functools.reduce(operator.sub, terms[1:], -terms[0]),
}


@pytest.mark.parametrize("kind", SUBTRACTED)
def test_what_only_subtracts_is_the_negative_of_a_sum(kind: str) -> None:
    """Likelihoods are often written as cost = 0.0, followed by cost = cost - log(p) for each token."""
    sizes = set()
    for tokens in (6, 9, 16):
        program = assert_equals_eager(lambda p: SUBTRACTED[kind]([autograd.log(a) for a in p]), positive(3, tokens))
        sizes.add((lines(program), program.operations))
    assert len(sizes) == 1, sizes
    assert sizes.pop()[0] <= 10


def test_zero_minus_zeros_is_zero() -> None:
    """The result must not be -0.0, since a division by it would give -inf."""
    program = autograd.compile(SUBTRACTED["from 0"], numbers(6))
    for zeros in ([0.0] * 6, [-0.0] * 6, [0.0, -0.0] * 3):
        assert math.copysign(1, float(program(zeros))) == math.copysign(1, SUBTRACTED["from 0"](zeros)) == 1


def test_energies_of_pairs_and_of_bodies() -> None:
    """The factor 0.5 m of a body of mass 2 is 1 and missing in the graph, but its row is computed like the others."""
    sizes = set()
    for bodies in (6, 9):
        masses = [float(1 + i) for i in range(bodies)]

        def energy(places: Rows, speeds: Rows, masses: list[float] = masses) -> Any:
            total = sum(0.5 * m * sum(v * v for v in speed) for m, speed in zip(masses, speeds))
            potential = 0.0
            for i, j in itertools.combinations(range(len(masses)), 2):
                distance = autograd.sqrt(sum((a - b) ** 2 for a, b in zip(places[i], places[j])))
                potential = potential - masses[i] * masses[j] / distance
            return total + potential

        program = assert_equals_eager(
            lambda p, v, energy=energy: energy(p, v), numbers(3, bodies, 3), numbers(3, bodies, 3, seed=1)
        )
        sizes.add((lines(program), program.operations))
    assert len(sizes) == 1, sizes
    assert sizes.pop()[0] <= 30


def test_running_sums_side_by_side() -> None:
    """One operation adds up all rows. It rounds as the graph does, so that subtracting a term again cancels it."""

    def loss(x: Rows) -> Any:
        return total([[a - b for a, b in zip(sums[1:], sums)] for sums in map(running, x)])

    programs = [assert_equals_eager(loss, numbers(3, 4, length)) for length in (6, 9)]
    assert [program.source.count("cumsum(") for program in programs] == [2, 2]  # forward; again for derivatives
    x = [[1e16, 1.0, -1e16, 1.0, 1.0, 1.0]] * 4
    assert float(programs[0](x)) == loss([[Value(a) for a in row] for row in x]).data


def test_a_triangle_of_weights_is_one_matrix() -> None:
    sizes = set()
    for length in (5, 9, 20):
        w = [[Value(x) for x in row[: i + 1]] for i, row in enumerate(numbers(length, length, seed=3))]

        def loss(x: list[Any], w: Rows = w) -> Any:
            return total([[autograd.dot(row, x[: len(row)]) for row in w]])

        program = assert_equals_eager(loss, numbers(3, length))
        sizes.add((lines(program), program.operations, program.matrix_products))
    assert len(sizes) == 1


def test_exponents_are_data() -> None:
    def polynomial(degree: int) -> Function:
        return lambda x: autograd.sum([x**k / (k + 1) for k in range(1, degree)])

    programs = [assert_equals_eager(polynomial(degree), numbers(3)) for degree in (5, 8, 20)]
    assert {program.operations for program in programs} == {programs[0].operations}
    assert programs[0].operations <= 4


def test_a_graph_network_with_ragged_neighbours() -> None:
    width = 4
    weights = [parameters(width, width, seed) for seed in (5, 6)]
    chance = random.Random(3)

    def loss(x: Rows) -> Any:
        for w in weights:
            means = [[autograd.sum([x[j][k] for j in of]) / len(of) for k in range(width)] for of in neighbours]
            x = [[a.tanh() for a in linear(w, row)] for row in means]
        return total(x)

    sizes = set()
    for nodes in (12, 20, 30):
        neighbours = [sorted({i, *chance.sample(range(nodes), chance.randint(1, 5))}) for i in range(nodes)]
        program = assert_equals_eager(loss, numbers(2, nodes, width))
        sizes.add((lines(program), program.operations, program.matrix_products))
    assert len({operations for _, operations, _ in sizes}) == 1
    assert sizes.pop()[1] <= 30


def test_nodes_with_one_neighbour_are_rows_of_the_same_network() -> None:
    """The mean of one neighbour is that neighbour divided by 1; the other nodes add several up."""
    width = 4
    weights, own = parameters(width, width, 5), parameters(width, width, 6)

    def loss(x: Rows) -> Any:
        for _ in range(2):
            means = [[sum(x[j][k] for j in of) / len(of) for k in range(width)] for of in neighbours]
            sums = [zip(linear(weights, mean), linear(own, row)) for mean, row in zip(means, x)]
            x = [[(a + b).tanh() for a, b in pairs] for pairs in sums]
        return total(x)

    sizes = set()
    for nodes in (12, 20, 30):
        neighbours = [sorted({(i + j + 1) % nodes for j in range(i % 4 + 1)}) for i in range(nodes)]
        program = assert_equals_eager(loss, numbers(2, nodes, width))
        sizes.add((lines(program), program.operations, program.matrix_products))
    assert len(sizes) == 1
    assert sizes.pop()[1] <= 30


# Random programs over positions and channels


def turned(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows)]


def square(w: Rows, rows: Rows) -> Rows:
    return [linear([weights[: len(row)] for weights in w[: len(row)]], row) for row in rows]


LAYERS: dict[str, Callable[[Rows, Rows], Rows]] = {
    "linear": square,
    "causal attention": lambda rows, w: attention(square(w, rows), rows, square(w, rows)),
    "causal heads": lambda rows, w: attention(rows, square(w, rows), rows, heads=2),
    "local attention": lambda rows, w: attention(square(w, rows), rows, rows, before=2),
    "heads": lambda rows, w: attention(square(w, rows), square(w, rows), rows, heads=2, causal=False),
    "mean of what came before": lambda rows, w: [
        [autograd.sum(list(column)) / (t + 1) for column in zip(*rows[: t + 1])] for t in range(len(rows))
    ],
    "running sums": lambda rows, w: turned([running([0.3 * x for x in column]) for column in turned(rows)]),
    "running sums of products": lambda rows, w: [running([a * b for a, b in zip(row, w[0])]) for row in rows],
    "windows": lambda rows, w: turned([[autograd.sum(of) for of in windows(column, 1, 1)] for column in turned(rows)]),
    "largest so far": lambda rows, w: [[autograd.max(row[: j + 1]) for j in range(len(row))] for row in rows],
    "log of sums so far": lambda rows, w: [[autograd.logsumexp(row[: j + 1]) for j in range(len(row))] for row in rows],
    "triangle": lambda rows, w: [[autograd.dot(w[j][: j + 1], row[: j + 1]) for j in range(len(row))] for row in rows],
    "root mean square": lambda rows, w: [
        [x * (autograd.sum([y * y for y in row]) / len(row) + 1e-5) ** -0.5 for x in row] for row in rows
    ],
    "powers": lambda rows, w: [[(0.5 * x.tanh() + 1) ** (j + 1) for j, x in enumerate(row)] for row in rows],
    "gate": lambda rows, w: [
        [autograd.where(x > 0.1, x, 0.5 * y) for x, y in zip(row, row[1:] + row[:1])] for row in rows
    ],
    "residual": lambda rows, w: [[x + y.relu() for x, y in zip(row, out)] for row, out in zip(rows, square(w, rows))],
    "turned": lambda rows, w: turned(rows) if len(rows) == len(rows[0]) else rows,
}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=4),
    positions=st.integers(1, 5),
    width=st.sampled_from([2, 4]),
    seed=st.integers(0, 2**32 - 1),
)
@example(names=["causal heads", "gate"], positions=1, width=4, seed=0)
@example(names=["causal attention", "largest so far"], positions=2, width=4, seed=0)
def test_layers_over_positions_compute_what_their_graphs_do(
    names: list[str], positions: int, width: int, seed: int
) -> None:
    w = [parameters(4, 4, seed + k) for k in range(len(names))]

    def loss(x: Rows) -> Any:
        for name, matrix in zip(names, w):
            x = [[y.tanh() for y in row] for row in LAYERS[name](x, matrix)]
        return total(x)

    assert_equals_eager(loss, numbers(2, positions, width, seed=seed), floor=1e-13)


def test_a_graph_network_whose_neighbours_are_added_up() -> None:
    """A single neighbour is multiplied by the same weights as the sums of the other nodes."""
    chooser = random.Random(0)
    neighbours = [chooser.sample([j for j in range(30) if j != i], chooser.randint(1, 4)) for i in range(30)]
    assert 1 in map(len, neighbours)
    own, of_others = parameters(4, 4, seed=1), parameters(4, 4, seed=2)

    def loss(x: Rows) -> Any:
        for _ in range(2):
            sums = [[autograd.sum([x[j][k] for j in near]) for k in range(4)] for near in neighbours]
            x = [
                [(a + b).tanh() for a, b in zip(linear(own, row), linear(of_others, added))]
                for row, added in zip(x, sums)
            ]
        return total(x)

    assert assert_equals_eager(loss, numbers(3, 30, 4)).operations <= 30


Aggregate = Callable[[list[Any]], Any]
GraphLayer = Callable[[Rows, Rows, Rows, list[list[int]], Aggregate], Rows]


def of_neighbours(x: Rows, neighbours: list[list[int]], aggregate: Aggregate) -> Rows:
    return [[aggregate([x[j][k] for j in near]) for k in range(len(x[0]))] for near in neighbours]


def two_products(w: Rows, u: Rows, x: Rows, neighbours: list[list[int]], aggregate: Aggregate) -> Rows:
    around = of_neighbours(x, neighbours, aggregate)
    return [[a + b for a, b in zip(linear(w, row), linear(u, m))] for row, m in zip(x, around)]


def side_by_side(w: Rows, u: Rows, x: Rows, neighbours: list[list[int]], aggregate: Aggregate) -> Rows:
    both = [[*p, *q] for p, q in zip(w, u)]
    around = of_neighbours(x, neighbours, aggregate)
    return [[autograd.dot(p, [*row, *m]) for p in both] for row, m in zip(x, around)]


def added(w: Rows, u: Rows, x: Rows, neighbours: list[list[int]], aggregate: Aggregate) -> Rows:
    around = of_neighbours(x, neighbours, aggregate)
    return [linear(w, [a + b for a, b in zip(row, m)]) for row, m in zip(x, around)]


def messages(w: Rows, u: Rows, x: Rows, neighbours: list[list[int]], aggregate: Aggregate) -> Rows:
    sent = [linear(u, row) for row in x]
    around = of_neighbours(sent, neighbours, aggregate)
    return [[a + b for a, b in zip(linear(w, row), m)] for row, m in zip(x, around)]


def messages_by_edge(w: Rows, u: Rows, x: Rows, neighbours: list[list[int]], aggregate: Aggregate) -> Rows:
    around = [[aggregate(list(column)) for column in zip(*[linear(u, x[j]) for j in near])] for near in neighbours]
    return [[sum([a * b for a, b in zip(p, row)]) + c for p, c in zip(w, m)] for row, m in zip(x, around)]


def average(elements: list[Any]) -> Any:
    return sum(elements) / len(elements)


@pytest.mark.parametrize(
    ("layer", "aggregate", "seed"),
    [
        (two_products, autograd.sum, 1),
        (two_products, sum, 1),
        (two_products, autograd.mean, 3),
        (two_products, average, 7),
        (two_products, autograd.max, 2),
        (side_by_side, autograd.sum, 2),
        (side_by_side, average, 1),
        (added, autograd.sum, 1),
        (added, sum, 1),
        (added, autograd.mean, 7),
        (messages, average, 6),
        (messages, autograd.max, 3),
        (messages_by_edge, sum, 1),
        (messages_by_edge, autograd.sum, 1),
        (messages_by_edge, autograd.mean, 2),
    ],
)
def test_graph_networks_with_random_neighbours(layer: GraphLayer, aggregate: Aggregate, seed: int) -> None:
    """Some nodes have one neighbour; others have the same neighbours as another node, so equal nodes are merged."""
    chooser = random.Random(seed)
    neighbours = [chooser.sample([j for j in range(30) if j != i], chooser.randint(1, 4)) for i in range(30)]
    assert len({tuple(sorted(near)) for near in neighbours}) < 30
    weights = [(parameters(b, a, seed), parameters(b, a, seed + 10)) for a, b in ((3, 4), (4, 4))]

    def loss(x: Rows) -> Any:
        for w, u in weights:
            x = [[z.tanh() for z in row] for row in layer(w, u, x, neighbours, aggregate)]
        return total(x)

    assert assert_equals_eager(loss, numbers(2, 30, 3, seed=seed)).operations <= 30
