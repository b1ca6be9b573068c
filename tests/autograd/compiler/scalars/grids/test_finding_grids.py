"""Grids of cells become loops over their wavefronts, which compute the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value
from autograd.compiler.pipeline import simplified
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.grids.find import find_grids
from autograd.compiler.scalars.loops.find import loops_in
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.stages import PassRunner
from autograd.compiler.trace.retrace import settled_trace

Series = list[Any]
Table = list[list[Any]]
Loss = Callable[[Series, Series], Any]

A, B, C = Value(0.3), Value(0.4), Value(0.2)


def softmin(*scores: Any) -> Any:
    return -autograd.logsumexp([-x for x in scores])


def infinite_borders(x: Series, y: Series) -> Any:
    r: Table = [[math.inf] * (len(y) + 1) for _ in range(len(x) + 1)]
    r[0][0] = 0.0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            r[i][j] = (x[i - 1] - y[j - 1]) ** 2 + softmin(r[i - 1][j], r[i][j - 1], r[i - 1][j - 1])
    return r[len(x)][len(y)]


def numbered_borders(x: Series, y: Series) -> Any:
    f: Table = [[-0.7 * (i + j) for j in range(len(y) + 1)] for i in range(len(x) + 1)]
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            f[i][j] = autograd.max([f[i - 1][j - 1] + x[i - 1] * y[j - 1], f[i - 1][j] - 0.7, f[i][j - 1] - 0.7])
    return f[len(x)][len(y)]


def weighted(x: Series, y: Series) -> Any:
    d: Table = [[0.5] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            d[i][j] = x[i - 1] * y[j - 1] + A * d[i - 1][j] + B * d[i][j - 1] + C * d[i - 1][j - 1]
    return d[len(x)][len(y)]


def read_everywhere(x: Series, y: Series) -> Any:
    h: dict[tuple[int, int], Any] = {}
    for i in range(len(x)):
        for j in range(len(y)):
            gaps = [h.get((i - 1, j), 0.0) - 0.5, h.get((i, j - 1), 0.0) - 0.5]
            h[i, j] = autograd.logsumexp([0.0, h.get((i - 1, j - 1), 0.0) + x[i] * y[j], *gaps])
    return list(h.values())


def read_in_the_last_row(x: Series, y: Series) -> Any:
    d: Table = [[0.5] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            d[i][j] = (x[i - 1] + A * d[i - 1][j] * d[i][j - 1]).tanh()
    return d[len(x)][1:]


def backwards(x: Series, y: Series) -> Any:
    """Cells read those below and to the right."""
    d: Table = [[0.5] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i in reversed(range(len(x))):
        for j in reversed(range(len(y))):
            d[i][j] = (x[i] * y[j] + A * d[i + 1][j] - B * d[i][j + 1]).sin()
    return d[0][0]


def two_back(x: Series, y: Series) -> Any:
    """Cells read two rows back."""
    d: Table = [[0.5] * (len(y) + 1) for _ in range(len(x) + 2)]
    for i in range(2, len(x) + 2):
        for j in range(1, len(y) + 1):
            d[i][j] = (x[i - 2] * y[j - 1] + A * d[i - 2][j] - B * d[i][j - 1]).sin()
    return d[-1][-1] + d[-2][-1]


def band(x: Series, y: Series) -> Any:
    """Only cells close to the diagonal."""
    d: dict[tuple[int, int], Any] = {}
    for i in range(len(x)):
        for j in range(max(0, i - 2), min(len(y), i + 3)):
            d[i, j] = (x[i] * y[j] + A * d.get((i - 1, j), 0.5) - B * d.get((i, j - 1), 0.5)).sin()
    return d[len(x) - 1, len(x) - 1]


CASES: dict[str, Loss] = {
    "infinite borders": infinite_borders,
    "numbered borders": numbered_borders,
    "weighted": weighted,
    "read everywhere": read_everywhere,
    "read in the last row": read_in_the_last_row,
    "backwards": backwards,
}
"""Functions whose cells read the two or three next to them."""


def elementary(function: Loss, n: int, m: int) -> ScalarProgram:
    """Return the program before sums are collected."""
    trace = from_trace(*settled_trace(function, tuple(series(0, n, m))))
    return simplified(trace, PassRunner())[1].elementary


def series(seed: int, n: int, m: int) -> list[Series]:
    chance = np.random.default_rng(seed)
    return [chance.uniform(-0.9, 0.9, n).tolist(), chance.uniform(-0.9, 0.9, m).tolist()]


def assert_loops(function: Loss, lengths: tuple[int, int], steps: list[int]) -> None:
    program = elementary(function, *lengths)
    looped = find_grids(program).verify()
    assert [loop.steps for loop in loops_in(looped)] == steps
    for seed in range(2):
        given, leaves = series(seed, *lengths), [0.3, 0.4, 0.2][: program.parameter_count]
        assert looped.evaluate(given, leaves) == pytest.approx(program.evaluate(given, leaves), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("lengths", [(6, 6), (5, 8), (8, 5)])
@pytest.mark.parametrize("name", CASES)
def test_there_is_a_step_for_each_antidiagonal(name: str, lengths: tuple[int, int]) -> None:
    assert_loops(CASES[name], lengths, [sum(lengths) - 1])


@pytest.mark.parametrize(("lengths", "steps"), [((6, 6), [8, 8]), ((8, 5), [8, 8])])
def test_even_and_odd_rows_are_grids_of_their_own(lengths: tuple[int, int], steps: list[int]) -> None:
    """Each has half of the rows."""
    assert_loops(two_back, lengths, steps)


@pytest.mark.parametrize("n", [5, 6])
def test_a_band_is_a_grid(n: int) -> None:
    assert_loops(band, (n, 8), [2 * n - 1])


def test_a_small_grid_stays() -> None:
    """A program of fewer than ten levels is not searched."""
    program = elementary(read_in_the_last_row, 2, 2)
    assert find_grids(program) is program


def simulation(x: Series, y: Series) -> Any:
    """All cells have the same steps: an ordinary loop."""
    for _ in range(8):
        x = [(A * x[k - 1] + B * x[k]).tanh() for k in range(len(x))]
    return x


def test_cells_of_a_simulation_are_no_grid() -> None:
    program = elementary(simulation, 6, 1)
    assert find_grids(program) is program


def mixed(x: Series, y: Series) -> Any:
    """The cells of even and odd columns apply other functions."""
    d: Table = [[0.5] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            z = x[i - 1] * y[j - 1] + A * d[i - 1][j] + B * d[i][j - 1]
            d[i][j] = z.tanh() if j % 2 else z.sin()
    return d[-1][-1]


def with_exception(at: tuple[int, int]) -> Loss:
    def function(x: Series, y: Series) -> Any:
        d: Table = [[0.5] * (len(y) + 1) for _ in range(len(x) + 1)]
        for i in range(1, len(x) + 1):
            for j in range(1, len(y) + 1):
                z = x[i - 1] * y[j - 1] + A * d[i - 1][j] + B * d[i][j - 1]
                d[i][j] = z.sin() if (i, j) == at else z.tanh()
        return d[-1][-1]

    return function


@pytest.mark.parametrize("function", [mixed, *map(with_exception, [(1, 1), (1, 4), (3, 3), (6, 1), (6, 6)])])
def test_cells_that_differ_compute_the_same(function: Loss) -> None:
    program = elementary(function, 6, 6)
    looped = find_grids(program).verify()
    given, leaves = series(1, 6, 6), [0.3, 0.4, 0.2][: program.parameter_count]
    assert looped.evaluate(given, leaves) == pytest.approx(program.evaluate(given, leaves), rel=1e-11, abs=1e-13)
