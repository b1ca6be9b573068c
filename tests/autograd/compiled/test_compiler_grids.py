"""Simulations on grids whose ends are fixed or differ from the rest: each step has the same number of operations."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, maximum, tanh
from autograd.compiler.recover.index import is_part
from autograd.compiler.recover.reading_order import chain
from autograd.nested import flatten

A = Value(0.1, label="a")
ENDS = Value(0.3), Value(0.8)
K = [Value(0.05 + 0.01 * i) for i in range(20)]


def diffused(u: Any, i: int, a: Any = A) -> Any:
    return u[i] + a * (u[i - 1] - 2 * u[i] + u[i + 1])


def inside(u: Any, cell: Callable[[Any, int], Any] = diffused) -> list[Any]:
    """Return the cells between the ends after a step."""
    return [cell(u, i) for i in range(1, len(u) - 1)]


def fixed(cell: Callable[[Any, int], Any]) -> Callable[[Any], Any]:
    return lambda u: [u[0], *inside(u, cell), u[-1]]


def reflected(u: Any) -> Any:
    within = inside(u)
    return [within[1], *within, within[-2]]


def wave(state: Any) -> Any:
    u, before = state if len(state) == 2 else (state, state)
    return [[u[0], *inside(u, lambda u, i: diffused(u, i) + u[i] - before[i]), u[-1]], u]


def flow_between(u: Any, i: int) -> Any:
    return u[i] + K[i] * (u[i + 1] - u[i]) - K[i - 1] * (u[i] - u[i - 1])


def of_fourth_order(u: Any) -> Any:
    within = range(2, len(u) - 2)
    changed = [u[i] + A * (-u[i - 2] + 16 * u[i - 1] - 30 * u[i] + 16 * u[i + 1] - u[i + 2]) / 48 for i in within]
    return [*u[:2], *changed, *u[-2:]]


def plate(u: Any) -> Any:
    n = len(u)

    def cell(i: int, j: int) -> Any:
        return u[i][j] + A * (u[i - 1][j] + u[i + 1][j] + u[i][j - 1] + u[i][j + 1] - 4 * u[i][j])

    return [[cell(i, j) if 0 < i < n - 1 and 0 < j < n - 1 else u[i][j] for j in range(n)] for i in range(n)]


LINE, PLATE = [0.1 * (i % 7) for i in range(20)], [[0.1 * ((3 * i + j) % 7) for j in range(10)] for i in range(10)]

# A step, its first state, and its most operations, forward and backward together.
STEPS: dict[str, tuple[Callable[[Any], Any], Any, int]] = {
    "fixed ends": (fixed(diffused), LINE, 6),
    "fixed ends, a number": (fixed(lambda u, i: diffused(u, i, 0.1)), LINE, 3),
    "all in one sum": (fixed(lambda u, i: diffused(u, i, 0.25)), LINE, 3),
    "ends that are parameters": (lambda u: [ENDS[0], *inside(u), ENDS[1]], LINE, 6),
    "ends of zeros": (lambda u: [0.0, *inside(u), 0.0], LINE, 14),
    "ends that follow": (lambda u: [inside(u)[0] * 0.5, *inside(u), inside(u)[-1] * 0.5], LINE, 6),
    "ghost cells": (lambda u: inside([u[0], *u, u[-1]]), LINE, 4),
    "a wave": (wave, LINE, 7),
    "against the wind": (lambda u: [u[0], *(u[i] - A * (u[i] - u[i - 1]) for i in range(1, len(u)))], LINE, 6),
    "Burgers' equation": (fixed(lambda u, i: diffused(u, i) - u[i] * (u[i + 1] - u[i - 1]) / 8), LINE, 10),
    "a coefficient for each cell": (fixed(flow_between), LINE, 12),
    "the largest of neighbours": (fixed(lambda u, i: tanh(A * maximum(u[i - 1], u[i + 1]))), LINE, 7),
    "a plate": (plate, PLATE, 6),
}
# If cells are computed in another order, or equal terms of several cells once, the reads need not be slices.
IN_NO_ORDER: dict[str, tuple[Callable[[Any], Any], Any, int]] = {
    "reflecting ends": (reflected, LINE, 4),
    "weighted neighbours": (fixed(lambda u, i: A * u[i - 1] + (1 - 2 * A) * u[i] + A * u[i + 1]), LINE, 10),
    "a stencil of fourth order": (of_fourth_order, LINE, 8),
}


def energy(state: Any) -> Any:
    return sum(v * v for v in flatten(state, "")[0])


def simulated(step: Callable[[Any], Any], steps: int, each: bool = False) -> Callable[[Any], Any]:
    def function(u: Any) -> Any:
        total: Any = 0.0
        for _ in range(steps):
            u = step(u)
            total = total + energy(u) if each else energy(u)
        return total

    return function


def assert_equals_eager(function: Callable[[Any], Any], start: Any, program: Any) -> None:
    batch = np.asarray(start) + 0.1 * np.random.default_rng(7).normal(size=(3, *np.shape(start)))
    results, slopes = [], []
    for row in batch:
        inputs = [Value(x) for x in row.ravel().tolist()]
        result = function(flatten(start, "")[1](iter(inputs)))
        result.backward(1 / 3)
        results.append(result.data)
        slopes.append([3 * x.grad for x in inputs])
    expected = [p.grad for p in program.parameters]
    clear_gradients(program)
    assert program(batch) == pytest.approx(results, rel=1e-12)
    program.backward(batch)
    found = [p.grad for p in program.parameters]
    clear_gradients(program)
    assert np.linalg.norm(np.subtract(found, expected)) <= 1e-12 * np.linalg.norm(expected)
    found = program.input_gradients(batch).reshape(3, -1)
    assert np.linalg.norm(found - slopes) <= 1e-12 * np.linalg.norm(slopes)


def clear_gradients(program: Any) -> None:
    for p in program.parameters:
        p.grad = 0.0


@pytest.mark.parametrize("name", [*STEPS, *IN_NO_ORDER])
def test_each_step_takes_as_many_operations(name: str) -> None:
    step, start, most = {**STEPS, **IN_NO_ORDER}[name]
    few, more, many = (autograd.compile(simulated(step, steps), start).operations for steps in (4, 8, 16))
    assert more - few <= 4 * most
    assert many - more <= 8 * most


@pytest.mark.parametrize("name", [*STEPS, *IN_NO_ORDER])
def test_it_is_what_eager_computes(name: str) -> None:
    step, start, _ = {**STEPS, **IN_NO_ORDER}[name]
    function = simulated(step, 6)
    assert_equals_eager(function, start, autograd.compile(function, start))


@pytest.mark.parametrize("name", [name for name in STEPS if name != "a plate"])
def test_slices_read_the_cells(name: str) -> None:
    step, start, _ = STEPS[name]
    program = autograd.compile(simulated(step, 6), start)
    for source in (program.source, program.input_gradients_source):
        assert "positions" not in source
        assert "scatter" not in source


def test_a_loss_at_each_step_takes_no_more_operations() -> None:
    step, start, most = STEPS["fixed ends"]
    function = simulated(step, 8, each=True)
    program = autograd.compile(function, start)
    assert program.operations <= 8 * most
    assert_equals_eager(function, start, program)


def test_the_source_is_the_textbook_s() -> None:
    lines = autograd.compile(simulated(fixed(diffused), 2), LINE[:8]).source.splitlines()
    wanted = [
        "y1 = u[:, 0:6] - 2 * u[:, 1:7] + u[:, 2:8]",
        "y2 = a * y1 + u[:, 1:7]",
        "joined1 = concatenate([u[:, 0:1], y2, u[:, 7:8]], axis=-1)",
        "y3 = joined1[:, 0:6] - 2 * joined1[:, 1:7] + joined1[:, 2:8]",
        "y4 = a * y3 + y2",
    ]
    assert [line.split("#")[0].strip() for line in lines[1:6]] == wanted


def test_what_reads_apart_stays_apart() -> None:
    """Towers of different widths are not joined, nor are squares and products of the same arrays."""

    def towers(x: Any, y: Any) -> Any:
        return sum(tanh(a) * b for a, b in pairwise(x)) + sum(tanh(a) * b for a, b in pairwise(y))

    def moments(x: Any, y: Any) -> Any:
        return sum(tanh(a * a) for a in x) + sum(tanh(a * b) for a, b in zip(x, y)) + sum(tanh(b * b) for b in y)

    for function, examples in ((towers, (LINE, LINE[:5])), (moments, (LINE, LINE))):
        assert "joined" not in autograd.compile(function, *examples).source


def test_a_chain_is_found_whatever_the_order_of_its_rows() -> None:
    rows = np.stack([np.arange(10) + 20, np.arange(10) + 22, np.arange(10) + 21], axis=1)
    rows = rows[np.random.default_rng(0).permutation(10)]
    assert chain(rows) in ([*range(20, 32)], [*range(31, 19, -1)])
    assert chain(np.array([[0, 1], [1, 2], [2, 0]])) is None
    assert chain(np.array([[0, 1], [2, 3]])) is None


@pytest.mark.parametrize("index, width", [([0, 1, 2], 3), ([1, 3, 5], 9), ([5, 6, 9, 10, 13, 14], 16)])
def test_parts_of_a_grid(index: list[int], width: int) -> None:
    assert is_part(np.array(index), width)
    assert not is_part(np.array(index[::-1]), width)
