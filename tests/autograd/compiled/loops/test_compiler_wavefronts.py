"""Dynamic programs on a grid become loops over antidiagonals: exact, with as many lines for all lengths."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value

Series = list[Any]
Loss = Callable[[Series, Series], Any]


def softmin(*scores: Any) -> Any:
    return -autograd.logsumexp([-x for x in scores])


def soft_dtw_with_infinite_borders(x: Series, y: Series) -> Any:
    r: list[list[Any]] = [[math.inf] * (len(y) + 1) for _ in range(len(x) + 1)]
    r[0][0] = 0.0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            r[i][j] = (x[i - 1] - y[j - 1]) ** 2 + softmin(r[i - 1][j], r[i][j - 1], r[i - 1][j - 1])
    return r[len(x)][len(y)]


def soft_dtw_in_a_dict(x: Series, y: Series) -> Any:
    gamma = 0.5
    r: dict[tuple[int, int], Any] = {(0, 0): (x[0] - y[0]) ** 2}
    for i in range(1, len(x)):
        r[i, 0] = r[i - 1, 0] + (x[i] - y[0]) ** 2
    for j in range(1, len(y)):
        r[0, j] = r[0, j - 1] + (x[0] - y[j]) ** 2
    for i in range(1, len(x)):
        for j in range(1, len(y)):
            before = r[i - 1, j], r[i, j - 1], r[i - 1, j - 1]
            r[i, j] = (x[i] - y[j]) ** 2 - gamma * autograd.logsumexp([-a / gamma for a in before])
    return r[len(x) - 1, len(y) - 1]


def alignment(x: Series, y: Series) -> Any:
    """Return the score of the best alignment with gaps, by Needleman and Wunsch's algorithm."""
    gap = -0.7
    f: list[list[Any]] = [[gap * (i + j) for j in range(len(y) + 1)] for i in range(len(x) + 1)]
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            f[i][j] = autograd.max([f[i - 1][j - 1] + x[i - 1] * y[j - 1], f[i - 1][j] + gap, f[i][j - 1] + gap])
    return f[len(x)][len(y)]


def soft_edit_distance(x: Series, y: Series) -> Any:
    d: list[list[Any]] = [[float(i + j) for j in range(len(y) + 1)] for i in range(len(x) + 1)]
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            changed = d[i - 1][j - 1] + autograd.tanh((x[i - 1] - y[j - 1]) ** 2)
            d[i][j] = softmin(changed, d[i - 1][j] + 1.0, d[i][j - 1] + 1.0)
    return d[len(x)][len(y)]


def softmin_by_hand(scores: Series) -> Any:
    least = autograd.min(scores)
    return least - 0.5 * autograd.log(autograd.sum([autograd.exp(-(x - least) / 0.5) for x in scores]))


def soft_dtw_by_hand(x: Series, y: Series) -> Any:
    large = 1e6
    r: list[list[Any]] = [[large] * (len(y) + 1) for _ in range(len(x) + 1)]
    r[0][0] = 0.0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            r[i][j] = abs(x[i - 1] - y[j - 1]) + softmin_by_hand([r[i - 1][j], r[i][j - 1], r[i - 1][j - 1]])
    return r[len(x)][len(y)]


def weighted_cells(x: Series, y: Series) -> Any:
    """Compute a grid whose cells differ only in what they read, adding terms one by one."""
    d: list[list[Any]] = [[0.5] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            own = 0.1 * x[i - 1] * y[j - 1]
            d[i][j] = own + 0.3 * d[i - 1][j] + 0.4 * d[i][j - 1] + 0.2 * d[i - 1][j - 1]
    return d[len(x)][len(y)]


OPEN, EXTEND = Value(0.6), Value(0.2)


def hard_dtw(x: Series, y: Series) -> Any:
    """Return the cost of the best alignment in time, with each cell's own cost before that of its best neighbour."""
    d: dict[tuple[int, int], Any] = {}
    for i in range(len(x)):
        for j in range(len(y)):
            before = [d[at] for at in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if at in d]
            d[i, j] = (x[i] - y[j]) ** 2 + autograd.min(before) if before else (x[i] - y[j]) ** 2
    return d[len(x) - 1, len(y) - 1]


def affine_gaps(of_all: Callable[[Series], Any]) -> Loss:
    """Return an alignment in which opening a gap costs more than extending it, by Gotoh's three tables."""

    def score(x: Series, y: Series) -> Any:
        m: list[list[Any]] = [[-1e3] * (len(y) + 1) for _ in range(len(x) + 1)]
        in_x, in_y = ([row[:] for row in m] for _ in range(2))
        m[0][0] = 0.0
        for i in range(len(x) + 1):
            for j in range(len(y) + 1):
                if i and j:
                    before = [table[i - 1][j - 1] for table in (m, in_x, in_y)]
                    m[i][j] = of_all(before) + x[i - 1] * y[j - 1]
                if i:
                    in_x[i][j] = of_all([m[i - 1][j] - OPEN, in_x[i - 1][j] - EXTEND])
                if j:
                    in_y[i][j] = of_all([m[i][j - 1] - OPEN, in_y[i][j - 1] - EXTEND])
        return of_all([table[-1][-1] for table in (m, in_x, in_y)])

    return score


PROGRAMS: dict[str, Loss] = {
    "weighted cells": weighted_cells,
    "soft-DTW, infinite borders": soft_dtw_with_infinite_borders,
    "soft-DTW, a dict": soft_dtw_in_a_dict,
    "alignment": alignment,
    "soft edit distance": soft_edit_distance,
}
BY_HAND = {"soft-DTW, a softmin by hand": soft_dtw_by_hand}
HARD = {"hard DTW": hard_dtw}
AFFINE = {"affine gaps": affine_gaps(autograd.logsumexp), "affine gaps, the best": affine_gaps(autograd.max)}
LENGTHS = [(6, 6), (12, 12), (9, 15)]


def series(n: int, m: int, seed: int = 0) -> tuple[Series, Series]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, n).tolist(), rng.uniform(-1, 1, m).tolist()


def lines(source: str) -> int:
    return sum(bool(line.strip()) for line in source.splitlines())


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_number_of_lines_does_not_depend_on_the_lengths(name: str) -> None:
    sources = [autograd.compile(PROGRAMS[name], *series(n, m)).source for n, m in LENGTHS]
    counts = [lines(source) for source in sources]
    assert max(counts) <= 110
    assert max(counts) - min(counts) <= 2  # long numbers wrap lines
    for (n, m), source in zip(LENGTHS, sources):
        assert f"for t in range({n + m - 1}):" in source or f"for t in range({n + m - 2}):" in source


def test_borders_are_running_sums_whichever_term_comes_first() -> None:
    sources = [autograd.compile(hard_dtw, *series(n, m)).source for n, m in LENGTHS[:2]]
    assert all("cumsum(" in source for source in sources)
    assert abs(lines(sources[0]) - lines(sources[1])) <= 2
    assert lines(sources[0]) <= 118


@pytest.mark.parametrize("name", AFFINE)
def test_three_tables_are_one_loop_over_antidiagonals(name: str) -> None:
    """The borders remain outside: gaps along both ends of the series."""
    sources = [autograd.compile(AFFINE[name], *series(n, m)).source for n, m in LENGTHS]
    counts = [lines(source) for source in sources]
    assert max(counts) <= 255
    assert abs(counts[1] - counts[0]) <= 10
    for (n, m), source in zip(LENGTHS, sources):
        assert source.split("def input_gradients")[0].count(f"for t in range({n + m}):") == 1


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("name", [*PROGRAMS, *BY_HAND, *HARD, *AFFINE])
def test_it_is_what_eager_computes(name: str, lengths: tuple[int, int]) -> None:
    loss = {**PROGRAMS, **BY_HAND, **HARD, **AFFINE}[name]
    program = autograd.compile(loss, *series(*lengths))
    batch = [np.random.default_rng(n).uniform(-1, 1, (3, n)) for n in lengths]
    results, slopes = [], []
    for row in zip(*batch):
        inputs = [[Value(float(a)) for a in x] for x in row]
        result = loss(*inputs)
        result.backward()
        results.append(result.data)
        slopes.append([a.grad for x in inputs for a in x])
    assert program(*batch) == pytest.approx(results, rel=1e-12)
    found = np.concatenate(program.input_gradients(*batch), axis=1)
    assert np.linalg.norm(found - slopes) <= 1e-12 * np.linalg.norm(slopes)


def test_series_that_are_captured_have_gradients() -> None:
    y = [Value(v) for v in series(7, 8)[1]]
    program = autograd.compile(lambda x: soft_dtw_with_infinite_borders(x, y), series(7, 8)[0])
    assert "for t in range(" in program.source
    x = np.random.default_rng(3).uniform(-1, 1, (2, 7))
    for row in x:
        (soft_dtw_with_infinite_borders(row.tolist(), y) / 2).backward()
    expected = [v.grad for v in y]
    for v in y:
        v.grad = 0.0
    program.backward(x)
    assert np.linalg.norm(np.subtract([v.grad for v in y], expected)) <= 1e-12 * np.linalg.norm(expected)


def test_all_cells_may_be_read() -> None:
    def best(x: Series, y: Series) -> Any:
        """Smith and Waterman's local alignment, with a soft maximum over all cells."""
        h: dict[tuple[int, int], Any] = {}
        for i in range(len(x)):
            for j in range(len(y)):
                gaps = [h.get((i - 1, j), 0.0) - 0.5, h.get((i, j - 1), 0.0) - 0.5]
                h[i, j] = autograd.logsumexp([0.0, h.get((i - 1, j - 1), 0.0) + x[i] * y[j], *gaps])
        return autograd.logsumexp(list(h.values()))

    x, y = series(7, 9, seed=1)
    program = autograd.compile(best, *series(7, 9))
    inputs = [Value(a) for a in x], [Value(a) for a in y]
    result = best(*inputs)
    result.backward()
    assert "for t in range(15):" in program.source
    assert program(x, y) == pytest.approx(result.data, rel=1e-12)
    for found, own in zip(program.input_gradients([x], [y]), inputs):
        assert found[0] == pytest.approx([a.grad for a in own], rel=1e-11)


def test_what_padding_makes_infinite_is_computed_without() -> None:
    """Lanes continue beyond the end of the grid, where products overflow; these must not reach the result."""

    def paths(x: Series, y: Series) -> Any:
        p: dict[tuple[int, int], Any] = {}
        for i in range(len(x)):
            for j in range(len(y)):
                p[i, j] = x[i] * p.get((i - 1, j), 0.5) + y[j] * p.get((i, j - 1), 0.5)
        return p[len(x) - 1, len(y) - 1]

    x, y = [1e30] * 6, [1.0] * 11
    program = autograd.compile(paths, *series(6, 11))
    inputs = [Value(a) for a in x], [Value(a) for a in y]
    result = paths(*inputs)
    result.backward()
    assert program(x, y) == pytest.approx(result.data, rel=1e-12)
    assert program.input_gradients([x], [y])[0][0] == pytest.approx([a.grad for a in inputs[0]], rel=1e-12)


def test_cells_that_read_two_rows_back_are_computed_in_an_order_that_works() -> None:
    """Rows become loops that end in the middle of a step, and some operations must wait for such a loop."""
    generator = np.random.default_rng(0)
    border = [Value(b) for b in generator.normal(size=20)]

    def last_row(x: Series, y: Series) -> Any:
        cells: dict[tuple[int, int], Any] = {}

        def cell(i: int, j: int) -> Any:
            return cells[i, j] if i >= 0 and j >= 0 else border[(i + 2 * j) % 20]

        for i in range(len(x)):
            for j in range(len(y)):
                before = [cell(i - 1, j), cell(i, j - 1) - 0.2, cell(i - 2, j - 1) - 0.4]
                cells[i, j] = x[i] * y[j] + autograd.logsumexp(before)
        return autograd.logsumexp([cells[len(x) - 1, j] for j in range(len(y))])

    x, y = series(6, 6)
    program = autograd.compile(last_row, x, y)
    a, b = [Value(number) for number in x], [Value(number) for number in y]
    expected = last_row(a, b)
    expected.backward()
    assert float(program(x, y)) == pytest.approx(expected.data, rel=1e-12)
    for gradients, leaves in zip(program.input_gradients(x, y), (a, b)):
        wanted = [leaf.grad for leaf in leaves]
        assert np.linalg.norm(np.subtract(gradients, wanted)) <= 1e-12 * np.linalg.norm(wanted)
