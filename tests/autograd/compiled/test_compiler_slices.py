"""No index arrays where a slice, a reshape or a concatenation suffices: arrays are ordered accordingly."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value, dot, exp, maximum, relu, sigmoid, tanh
from autograd.compiler.recover.index import Index, as_band, as_slice
from autograd.nested import flatten

# Indices


@given(st.data())
def test_axes_are_found_again(data: st.DataObject) -> None:
    """Axes are recovered from the index of an array that was transposed and repeated along new axes."""
    lengths = data.draw(st.lists(st.integers(2, 4), min_size=1, max_size=4))
    start = data.draw(st.integers(0, 5))
    order = data.draw(st.permutations(range(len(lengths))))
    array = start + np.arange(np.prod(lengths)).reshape(lengths).transpose(order)
    for axis in range(len(lengths), -1, -1):
        if data.draw(st.booleans()):
            array = np.repeat(np.expand_dims(array, axis), data.draw(st.integers(2, 3)), axis)
    index = np.ascontiguousarray(array).reshape(-1)
    axes = Index.of(index).axes
    assert axes is not None
    assert (axes.start, axes.stop) == (start, start + int(np.prod(lengths)))
    own = [k for k in axes.place if k >= 0]
    read = np.arange(axes.start, axes.stop).reshape(axes.own).transpose(own)
    apart = [length if k >= 0 else 1 for length, k in zip(axes.shape, axes.place)]
    assert np.array_equal(np.broadcast_to(read.reshape(apart), axes.shape).reshape(-1), index)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=12))
def test_what_is_found_in_any_index_reads_it(numbers: list[int]) -> None:
    index = np.array(numbers)
    part = as_slice(index)
    if part is not None:
        assert np.array_equal(np.arange(*part), index)
    pieces = Index.of(index).pieces
    if pieces is not None:
        assert np.array_equal(np.concatenate([np.arange(*piece) for piece in pieces]), index)
    axes = Index.of(index).axes
    if axes is not None and len(set(numbers)) == len(numbers):
        order = np.arange(axes.start, axes.stop).reshape(axes.own).transpose(axes.place)
        assert np.array_equal(order.reshape(-1), index)


@given(st.integers(0, 4), st.integers(2, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 3), st.booleans())
def test_bands_are_found_again(start: int, rows: int, length: int, more: int, first: int, turned: bool) -> None:
    """A band is the same columns of each row of a matrix, read row by row or column by column."""
    period = length + more
    first %= more + 1
    matrix = start * period + np.arange(rows * period).reshape(rows, period)[:, first : first + length]
    index = np.ascontiguousarray(matrix.T if turned else matrix).reshape(-1)
    band = as_band(index, start * period + rows * period)
    assert band is not None
    read = np.arange(band.start, band.stop).reshape(-1, band.period)[:, band.first : band.last].reshape(-1)
    if band.axes is not None:
        read = read.reshape(band.axes.own).transpose(band.axes.place).reshape(-1)
    assert np.array_equal(read, index)
    assert as_band(index, int(index.max())) is None


@pytest.mark.parametrize("numbers", [[0, 2, 1], [0, 1, 3], [3, 2, 1], [0, 1, 0], [-1, 0, -1, 0], [0, 1, 4, 5, 2, 3, 6]])
def test_an_index_without_axes(numbers: list[int]) -> None:
    assert Index.of(np.array(numbers)).axes is None


# Programs


def matrix(rows: int, columns: int, seed: int = 0) -> list[list[Value]]:
    chance = random.Random(seed)
    return [[Value(chance.uniform(-1, 1)) for _ in range(columns)] for _ in range(rows)]


def product(w: list[list[Value]], x: Any) -> list[Any]:
    return [dot(row, x) for row in w]


def added(*vectors: Any) -> list[Any]:
    return [sum(terms) for terms in zip(*vectors)]


W, U, B = (
    [matrix(3, 4, seed) for seed in range(4)],
    [matrix(3, 3, 9 + seed) for seed in range(4)],
    matrix(4, 3, seed=5),
)


def lstm(x: Any) -> Any:
    """An LSTM that starts with zeros, so that its first step has nothing to forget."""
    h: list[Any] = [0.0] * 3
    c: list[Any] = [0.0] * 3
    for step in x:
        z = [added(product(w, step), product(u, h), b) for w, u, b in zip(W, U, B)]
        i, f, o = ([sigmoid(v) for v in gate] for gate in z[:3])
        c = [a * b + d * tanh(e) for a, b, d, e in zip(f, c, i, z[3])]
        h = [a * tanh(b) for a, b in zip(o, c)]
    return sum(h)


def lstm_of_one_matrix(x: Any) -> Any:
    """An LSTM whose gates are computed unit by unit, as in the rows of one matrix."""
    h: list[Any] = [0.0] * 3
    c: list[Any] = [0.0] * 3
    for step in x:
        for_each = [[dot(w[k], step, b[k]) + dot(u[k], h) for w, u, b in zip(W, U, B)] for k in range(3)]
        c = [sigmoid(z[1]) * c[k] + sigmoid(z[0]) * tanh(z[3]) for k, z in enumerate(for_each)]
        h = [sigmoid(z[2]) * tanh(c[k]) for k, z in enumerate(for_each)]
    return sum(v * v for v in h)


def gru(x: Any) -> Any:
    h: list[Any] = [0.0] * 3
    for step in x:
        z, r = ([sigmoid(v) for v in added(product(W[k], step), product(U[k], h), B[k])] for k in range(2))
        forgotten = [a * b for a, b in zip(r, h)]
        n = [tanh(v) for v in added(product(W[2], step), product(U[2], forgotten), B[2])]
        h = [(1 - a) * b + a * c for a, b, c in zip(z, n, h)]
    return sum(v * v for v in h)


def last_output_first(x: Any, t: Any) -> Any:
    y = [tanh(z) for z in added(product(W[0], x), B[0])]
    return (y[2] - t[2]) ** 2 + (y[0] - t[0]) ** 2 + (y[1] - t[1]) ** 2


def pooled(pool: Callable[..., Any]) -> Callable[[Any], Any]:
    """A convolution of width 3 over 8 positions, with neighbours pooled in each channel."""

    def function(x: Any) -> Any:
        channels = [[relu(dot(row, x[p : p + 3])) for p in range(8)] for row in U[0]]
        return sum(tanh(pool(row[p], row[p + 1])) for row in channels for p in range(0, 8, 2))

    return function


def mixture_of_experts(x: Any) -> Any:
    chosen = autograd.softmax(product(W[3][:2], x))
    experts = [[tanh(z) for z in product(w, x)] for w in W[:2]]
    return sum(sum(p * y for p, y in zip(chosen, column)) ** 2 for column in zip(*experts))


def two_softmaxes(x: Any) -> Any:
    z = product([*W[0], *W[1]], x)
    p, q = autograd.softmax(z[::2]), autograd.softmax(z[1::2])
    return sum(a * b for a, b in zip(p, q))


def attention(x: Any) -> Any:
    queries, keys, values = ([product(w, row) for row in x] for w in W[:3])
    outputs = []
    for query in queries:
        weights = autograd.softmax([dot(query, key) / 2 for key in keys])
        outputs += [dot(weights, column) for column in zip(*values)]
    return sum(o * o for o in outputs)


FOUR = [0.3, -0.2, 0.5, 0.9]
PROGRAMS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "LSTM": (lstm, [[FOUR] * 4]),
    "LSTM of one matrix": (lstm_of_one_matrix, [[FOUR] * 4]),
    "GRU": (gru, [[FOUR] * 4]),
    "the last output first": (last_output_first, [FOUR, [0.1, 0.2, 0.3]]),
    "mixture of experts": (mixture_of_experts, [FOUR]),
    "attention": (attention, [[FOUR, FOUR[::-1], FOUR[1:] + FOUR[:1]]]),
    "two softmaxes, interleaved": (two_softmaxes, [FOUR]),
    "differences of all pairs": (
        lambda x: sum(exp(-((a[0] - b[0]) ** 2) - (a[1] - b[1]) ** 2) for a in x for b in x),
        [[FOUR[:2], FOUR[2:], FOUR[1:3]]],
    ),
    "a product of two arguments": (
        lambda x, y: sum(tanh(sum(a * b for a, b in zip(row, column))) for row in x for column in zip(*y)),
        [[FOUR, FOUR[::-1]], [FOUR[:3]] * 4],
    ),
    "columns of an argument": (lambda x: sum(tanh(sum(column)) for column in zip(*x)), [[FOUR, FOUR[::-1], FOUR]]),
    "once round": (lambda x: sum(tanh(a) * exp(b) for a, b in zip(x, [*x[2:], *x[:2]])), [[*FOUR, *FOUR]]),
    "each with its successor": (lambda x: sum(tanh(b - a) for a, b in itertools.pairwise(x)), [FOUR]),
    "halves": (lambda x: sum(tanh(a + b) for a, b in zip(x[:2], x[2:])), [FOUR]),
}
OVER_PATCHES: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "the largest of neighbours": (pooled(maximum), [[*FOUR, *FOUR, 0.7, -0.4]]),
    "the mean of neighbours": (pooled(lambda a, b: (a + b) / 2), [[*FOUR, *FOUR, 0.7, -0.4]]),
}


def assert_equals_eager(function: Callable[..., Any], examples: list[Any]) -> Any:
    chance = np.random.default_rng(7)
    batch = [np.asarray(e) + 0.5 * chance.normal(size=(5, *np.shape(e))) for e in examples]
    program = autograd.compile(function, *examples)
    results, slopes = [], []
    for rows in zip(*batch):
        inputs = [[Value(x) for x in row.ravel().tolist()] for row in rows]
        result = function(*(flatten(e, "")[1](iter(values)) for e, values in zip(examples, inputs)))
        result.backward(1 / 5)
        results.append(result.data)
        slopes.append([5 * x.grad for values in inputs for x in values])
    expected = np.array([p.grad for p in program.parameters])
    for p in program.parameters:
        p.grad = 0.0
    assert program(*batch) == pytest.approx(results, rel=1e-12)
    program.backward(*batch)
    gradient = np.array([p.grad for p in program.parameters])
    assert np.linalg.norm(gradient - expected) <= 1e-12 * np.linalg.norm(expected)
    arrays = program.input_gradients(*batch)
    arrays = arrays if isinstance(arrays, tuple) else (arrays,)
    gradient = np.concatenate([a.reshape(5, -1) for a in arrays], axis=1)
    assert np.linalg.norm(gradient - slopes) <= 1e-12 * np.linalg.norm(slopes)
    for p in program.parameters:
        p.grad = 0.0
    return program


@pytest.mark.parametrize("name", PROGRAMS)
def test_slices_reshapes_and_concatenations_read_arrays(name: str) -> None:
    program = assert_equals_eager(*PROGRAMS[name])
    for source in (program.source, program.input_gradients_source):
        assert "positions" not in source
        assert "scatter" not in source


@pytest.mark.parametrize("name", OVER_PATCHES)
def test_only_the_patches_are_gathered(name: str) -> None:
    source = assert_equals_eager(*OVER_PATCHES[name]).source
    assert source.count(": positions") == 1
    assert re.search(r"patches1 = x\[:, i1\]", source)
    assert "scatter" not in source.split("def forward(")[1]


def test_the_gates_of_a_recurrent_network_are_slices() -> None:
    source = autograd.compile(*PROGRAMS["LSTM"][:1], *PROGRAMS["LSTM"][1]).source
    for line in ("a2 = sigmoid(z2[:, 0:9])", "a2_2 = tanh(z2[:, 9:12])", "z1 = (patches1 @ w1.T).reshape(-1, 48)"):
        assert f"    {line} " in source
    assert re.search(r"z4 = z1\[:, 36:48\] \+ y\d+ @ w2.T \+ b2", source)
    assert source.count(" @ ") == 1 + 3 + 1 + 3 + 3  # 4 forward; to inputs, states and weights


def test_targets_are_read_as_they_are() -> None:
    """Targets need no index, whichever output the loss reads first."""
    source = autograd.compile(*PROGRAMS["the last output first"][:1], *PROGRAMS["the last output first"][1]).source
    assert "e1 = a1 - t " in source


def test_outputs_are_in_the_order_of_the_result() -> None:
    def function(x: Any) -> Any:
        y = product([*W[0], *W[1]], x)
        return [y[3], y[4], y[5], y[0], y[1], y[2]]

    assert "return z1, " in autograd.compile(function, FOUR).source


def test_a_network_alongside_its_mirror_image_shares_weights() -> None:
    """If two readers need different orders, one of them reads through an index; the weights are stored once."""
    model: Any = nn.MLP(4, [5, 3], seed=0)
    assert_equals_eager(lambda x: dot(model(x), model(x[::-1])), [FOUR])
