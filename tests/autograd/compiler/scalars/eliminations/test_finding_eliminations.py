"""Eliminations become loops over rows, which compute what NumPy does, and what the program did."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd.compiler.scalars.eliminations.find import find_eliminations
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.loops.find import loops_in
from autograd.compiler.scalars.passes import SIMPLIFY, run_passes
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.trace.retrace import settled_trace

SIZE = 7

Array = np.ndarray[Any, Any]


def determinant(a: Any) -> Any:
    a, product = [list(row) for row in a], 1.0
    for k in range(len(a)):
        product = product * a[k][k]
        for i in range(k + 1, len(a)):
            factor = a[i][k] / a[k][k]
            for j in range(k + 1, len(a)):
                a[i][j] = a[i][j] - factor * a[k][j]
    return product


def cholesky(a: Any) -> Any:
    lower: list[list[Any]] = []
    for i, row in enumerate(a):
        lower.append([])
        for j in range(i + 1):
            rest = row[j]
            for k in range(j):
                rest = rest - lower[i][k] * lower[j][k]
            lower[i].append(rest.sqrt() if i == j else rest / lower[j][j])
    return lower


def forward_substitution(lower: Any, b: Any) -> Any:
    x: list[Any] = []
    for i, rest in enumerate(b):
        for j in range(i):
            rest = rest - lower[i][j] * x[j]
        x.append(rest / lower[i][i])
    return x


def back_substitution(upper: Any, b: Any) -> Any:
    x = list(b)
    for i in reversed(range(len(b))):
        x[i] = (b[i] - sum(upper[i][j] * x[j] for j in range(i + 1, len(b)))) / upper[i][i]
    return x


def back_substitution_newest_first(upper: Any, b: Any) -> Any:
    x = list(b)
    for i in reversed(range(len(b))):
        rest = b[i]
        for j in range(i + 1, len(b)):
            rest = rest - upper[i][j] * x[j]
        x[i] = rest / upper[i][i]
    return x


def solution(a: Any, b: Any) -> Any:
    rows = [[*row, right] for row, right in zip(a, b)]
    for k in range(len(b)):
        for i in range(k + 1, len(b)):
            factor = rows[i][k] / rows[k][k]
            for j in range(k, len(b) + 1):
                rows[i][j] = rows[i][j] - factor * rows[k][j]
    return back_substitution(rows, [row[-1] for row in rows])


def unit_triangular(lower: Any, b: Any) -> Any:
    """Forward substitution without divisions, but with a function of each number."""
    x: list[Any] = []
    for i, rest in enumerate(b):
        for j in range(i):
            rest = rest + lower[i][j] * x[j]
        x.append(rest.tanh())
    return x


def by_rows(lower: Any, b: Any) -> Any:
    x: Any = []
    for row, b_i in zip(np.array(lower), b):
        x.append(np.tanh(b_i + row[: len(x)] @ x))
    return x


# The function, NumPy's, whether there is a right-hand side, and the steps of the loops
CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any], bool, list[int]]] = {
    "determinant": (lambda a: [determinant(a)], lambda a: [np.linalg.det(a)], False, [6]),
    "Cholesky": (
        lambda a: [x for row in cholesky(a) for x in row],
        lambda a: [x for k, row in enumerate(np.linalg.cholesky(np.tril(a) + np.tril(a, -1).T)) for x in row[: k + 1]],
        False,
        [6],
    ),
    "forward substitution": (forward_substitution, lambda a, b: np.linalg.solve(np.tril(a), b), True, [6]),
    "back substitution": (back_substitution, lambda a, b: np.linalg.solve(np.triu(a), b), True, [6]),
    "newest first": (back_substitution_newest_first, lambda a, b: np.linalg.solve(np.triu(a), b), True, [6]),
    "solution": (solution, np.linalg.solve, True, [6, 6]),
    "unit triangular": (unit_triangular, by_rows, True, [6]),
}


def examples(seed: int, size: int, right: bool) -> list[Any]:
    chance = np.random.default_rng(seed)
    a = chance.normal(size=(size, size)) / size + 3 * np.eye(size)
    return [a.tolist(), *([chance.normal(size=size).tolist()] if right else [])]


def simplified(function: Callable[..., Any], given: list[Any]) -> ScalarProgram:
    return run_passes(SIMPLIFY, from_trace(*settled_trace(function, given)))


def flat(given: list[Any]) -> list[list[float]]:
    return [np.ravel(x).tolist() for x in given]


@pytest.mark.parametrize("name", CASES)
def test_eliminations_are_loops_over_rows(name: str) -> None:
    function, by_numpy, right, steps = CASES[name]
    program = simplified(function, examples(0, SIZE, right))
    looped = find_eliminations(program).verify()
    assert [loop.steps for loop in loops_in(looped)] == steps
    assert len(looped.operations) < len(program.operations)
    for seed in range(2):
        given = examples(seed, SIZE, right)
        results = looped.evaluate(flat(given), [])
        assert results == pytest.approx(np.ravel(by_numpy(*given)).tolist(), rel=1e-10)
        assert results == pytest.approx(program.evaluate(flat(given), []), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_too_few_rows_are_no_loop(name: str) -> None:
    """With five rows there are four steps."""
    function, _, right, steps = CASES[name]
    for size, count in ((5, 0), (6, len(steps))):
        program = simplified(function, examples(0, size, right))
        looped = find_eliminations(program)
        assert len(loops_in(looped)) == count
        assert (looped is program) == (not count)
        given = examples(1, size, right)
        assert looped.evaluate(flat(given), []) == pytest.approx(program.evaluate(flat(given), []), rel=1e-11)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", CASES)
def test_eliminations_are_found_in_any_order(name: str, seed: int, shuffled: Any) -> None:
    function, _, right, steps = CASES[name]
    program = shuffled(simplified(function, examples(0, 6, right)), seed)
    looped = find_eliminations(program).verify()
    assert len(loops_in(looped)) == len(steps)
    given = examples(1, 6, right)
    assert looped.evaluate(flat(given), []) == pytest.approx(program.evaluate(flat(given), []), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["determinant", "forward substitution", "Cholesky"])
def test_a_matrix_with_an_exception_computes_the_same(name: str, seed: int) -> None:
    """One number of the algorithm is computed in another way."""
    function, _, right, _ = CASES[name]
    chance = random.Random(seed)

    def changed(*given: Any) -> Any:
        count, at = 0, chance_at

        class Row(list[Any]):
            def __getitem__(self, k: Any) -> Any:
                nonlocal count
                count += 1
                x = super().__getitem__(k)
                return x + 0.1 * x.sin() if count == at and not isinstance(k, slice) else x

        a, *rest = given
        return function([Row(row) for row in a], *rest)

    chance_at = chance.randrange(60)
    program = simplified(changed, examples(0, 6, right))
    looped = find_eliminations(program).verify()
    given = examples(1, 6, right)
    expected = program.evaluate(flat(given), [])
    assert looped.evaluate(flat(given), []) == pytest.approx(expected, rel=1e-11, abs=1e-13)


def assert_same(function: Callable[..., Any], steps: list[int], right: bool = True) -> None:
    program = simplified(function, examples(0, SIZE, right))
    looped = find_eliminations(program).verify()
    assert [loop.steps for loop in loops_in(looped)] == steps
    for seed in range(2):
        given = examples(seed, SIZE, right)
        assert looped.evaluate(flat(given), []) == pytest.approx(program.evaluate(flat(given), []), rel=1e-11)


def test_the_right_hand_side_may_be_numbers() -> None:
    assert_same(lambda a: forward_substitution(a, [0.5, 0.25, -1.0, 0.5, 2.0, 0.75, 0.25]), [6], right=False)


def test_the_program_may_have_guards() -> None:
    def function(a: Any, b: Any) -> Any:
        choice = autograd.where(b[0] > b[1], b[2], (b[1] * b[1] + 1.0).sqrt())
        x = forward_substitution(a, b)
        return [*x, choice, autograd.where(x[6] > 0.0, choice, (b[3] * b[3] + 1.0).sqrt())]

    program = simplified(function, examples(0, SIZE, True))
    assert program.guards.size
    assert_same(function, [6])


def test_steps_before_and_after_an_elimination_stay_there() -> None:
    def function(a: Any, b: Any) -> Any:
        right = [b_k.sin() for b_k in b]
        x = forward_substitution(a, right)
        return [x_k.cos() + right[0] for x_k in x]

    assert_same(function, [6])


@pytest.mark.parametrize("row", range(1, SIZE))
def test_right_hand_sides_that_depend_on_the_solution_compute_the_same(row: int) -> None:
    def function(a: Any, b: Any) -> Any:
        x: list[Any] = []
        for i, rest in enumerate(b):
            if i == row:
                rest *= x[0].sin()
            for j in range(i):
                rest = rest - a[i][j] * x[j]
            x.append(rest / a[i][i])
        return x

    program = simplified(function, examples(0, SIZE, True))
    looped = find_eliminations(program).verify()
    given = examples(1, SIZE, True)
    assert looped.evaluate(flat(given), []) == pytest.approx(program.evaluate(flat(given), []), rel=1e-11)


@pytest.mark.parametrize("name", ["determinant", "Cholesky", "forward substitution"])
def test_products_are_added_in_the_order_of_the_program(name: str) -> None:
    function, _, right, _ = CASES[name]
    program = simplified(function, examples(0, SIZE, right))
    looped = find_eliminations(program)
    for seed in range(3):
        given = flat(examples(seed, SIZE, right))
        assert looped.evaluate(given, []) == program.evaluate(given, [])


def test_other_programs_stay_the_same() -> None:
    def function(a: Any, b: Any) -> Any:
        return [autograd.dot(row, b).tanh() for row in a]

    program = simplified(function, examples(0, SIZE, True))
    assert find_eliminations(program) is program
