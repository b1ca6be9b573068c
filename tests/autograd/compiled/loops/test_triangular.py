"""Triangular work becomes a loop over rows: substitution, elimination, Cholesky's algorithm, determinants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value

SIZES = 7, 10, 15
MOST_LINES = 110
LINES_WRAPPED = 8
"""Lines that are longer with the digits of a larger size, and so become two, at most."""


def matrix(size: int, seed: int = 0) -> Any:
    """A matrix whose pivots are far from 0."""
    return np.random.default_rng(seed).normal(size=(size, size)) / size**0.5 + 3 * np.eye(size)


def positive(size: int) -> Any:
    a = matrix(size)
    return a @ a.T + np.eye(size)


def vector(size: int) -> Any:
    return np.random.default_rng(1).normal(size=size)


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


def log_determinant(a: Any) -> Any:
    return 2 * autograd.sum([row[-1].log() for row in cholesky(a)])


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
    """Solve the same system, subtracting one product at a time, starting with that of the newest number."""
    x = list(b)
    for i in reversed(range(len(b))):
        rest = b[i]
        for j in range(i + 1, len(b)):
            rest = rest - upper[i][j] * x[j]
        x[i] = rest / upper[i][i]
    return x


def eliminated(a: Any, b: Any) -> Any:
    """Solve a x = b by eliminating in the rows of both, followed by back substitution."""
    rows = [[*row, right] for row, right in zip(a, b)]
    for k in range(len(b)):
        for i in range(k + 1, len(b)):
            factor = rows[i][k] / rows[k][k]
            for j in range(k, len(b) + 1):
                rows[i][j] = rows[i][j] - factor * rows[k][j]
    return back_substitution(rows, [row[-1] for row in rows])


def norm_of_solution(lower: Any, b: Any) -> Any:
    return autograd.sum([x * x for x in forward_substitution(lower, b)])


def of_solution(a: Any, b: Any) -> tuple[Any, list[Any]]:
    """Return the squared norm of the solution, and its derivatives."""
    x = np.linalg.solve(np.tril(a), b)
    adjoint = np.linalg.solve(np.tril(a).T, 2 * x)
    return x @ x, [np.tril(-np.outer(adjoint, x)), adjoint]


def of_upper_solution(a: Any, b: Any) -> tuple[Any, list[Any]]:
    x = np.linalg.solve(np.triu(a), b)
    adjoint = np.linalg.solve(np.triu(a).T, 2 * x)
    return x @ x, [np.triu(-np.outer(adjoint, x)), adjoint]


def of_full_solution(a: Any, b: Any) -> tuple[Any, list[Any]]:
    x = np.linalg.solve(a, b)
    adjoint = np.linalg.solve(a.T, 2 * x)
    return x @ x, [-np.outer(adjoint, x), adjoint]


def of_determinant(a: Any) -> tuple[Any, list[Any]]:
    return np.linalg.det(a), [np.linalg.det(a) * np.linalg.inv(a).T]


def of_log_determinant(a: Any) -> tuple[Any, list[Any]]:
    """Return log det a and derivatives for a given by its lower triangle: elements below the diagonal count twice."""
    inverse = np.linalg.inv(a)
    return np.linalg.slogdet(a)[1], [np.tril(2 * inverse) - np.diag(np.diag(inverse))]


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[[int], tuple[Any, ...]]]] = {
    "determinant": (determinant, of_determinant, lambda n: (matrix(n),)),
    "log-determinant": (log_determinant, of_log_determinant, lambda n: (positive(n),)),
    "forward substitution": (norm_of_solution, of_solution, lambda n: (matrix(n), vector(n))),
    "back substitution": (
        lambda a, b: autograd.sum([x * x for x in back_substitution(a, b)]),
        of_upper_solution,
        lambda n: (matrix(n), vector(n)),
    ),
    "back substitution, the newest first": (
        lambda a, b: autograd.sum([x * x for x in back_substitution_newest_first(a, b)]),
        of_upper_solution,
        lambda n: (matrix(n), vector(n)),
    ),
    "elimination": (
        lambda a, b: autograd.sum([x * x for x in eliminated(a, b)]),
        of_full_solution,
        lambda n: (matrix(n), vector(n)),
    ),
}


def lines(source: str) -> int:
    return sum(1 for line in source.splitlines() if line.strip())


def assert_near(actual: Any, expected: Any) -> None:
    """Compare with a tolerance, since the reference also rounds, in another order."""
    assert np.linalg.norm(np.asarray(actual) - expected) <= 1e-12 * np.linalg.norm(expected)


@pytest.mark.parametrize("name", CASES)
def test_triangular_work_is_a_loop_of_arguments(name: str) -> None:
    function, reference, examples = CASES[name]
    counts = set()
    for size in SIZES:
        arguments = examples(size)
        program = autograd.compile(function, *[x.tolist() for x in arguments])
        value, derivatives = reference(*arguments)
        assert_near(program(*[x[None] for x in arguments])[0], value)
        actual = program.input_gradients(*[x[None] for x in arguments])
        for one, expected in zip(actual if len(arguments) > 1 else [actual], derivatives):
            assert_near(one[0], expected)
        counts.add(lines(program.source))
        assert "for t in range(" in program.source
    assert max(counts) <= MOST_LINES * (1 + (name == "elimination")), counts  # which is two loops
    assert max(counts) - min(counts) <= LINES_WRAPPED, counts


@pytest.mark.parametrize("name", CASES)
def test_triangular_work_is_a_loop_of_parameters(name: str) -> None:
    function, reference, examples = CASES[name]
    counts = set()
    for size in SIZES:
        first, *others = examples(size)
        parameters = [[Value(x) for x in row] for row in first.tolist()]
        rest = [[Value(x) for x in other.tolist()] for other in others]
        program = autograd.compile(lambda x, p=parameters, r=rest: x * function(p, *r), 1.0)
        value, derivatives = reference(first, *others)
        assert_near(program.backward([1.0]), value)
        assert_near([[p.grad for p in row] for row in parameters], derivatives[0])
        counts.add(lines(program.source))
    assert max(counts) <= MOST_LINES * (1 + (name == "elimination")), counts  # which is two loops
    assert max(counts) - min(counts) <= LINES_WRAPPED, counts


def test_a_gaussian_log_likelihood_is_an_elimination() -> None:
    """The right-hand side is one more row of the matrix, as its numbers are eliminated by the same formula."""
    counts = set()
    for size in SIZES:
        a, b = positive(size), vector(size)
        program = autograd.compile(
            lambda a, b: norm_of_solution(cholesky(a), b) + log_determinant(a), a.tolist(), b.tolist()
        )
        solution = np.linalg.solve(a, b)
        value, (of_a,) = of_log_determinant(a)
        assert_near(program(a[None], b[None])[0], b @ solution + value)
        by_a, by_b = program.input_gradients(a[None], b[None])
        outer = np.outer(solution, solution)
        assert_near(by_a[0], of_a - np.tril(2 * outer) + np.diag(np.diag(outer)))
        assert_near(by_b[0], 2 * solution)
        counts.add(lines(program.source))
    assert max(counts) <= 130, counts
    assert "for t in range(14):" in program.source


def test_thomass_algorithm_reads_its_parameters_by_step() -> None:
    """A tridiagonal system of parameters: elimination downwards and substitution upwards are loops of one number."""
    counts = set()
    for size in (9, 14, 30):
        numbers = np.random.default_rng(size).uniform(-1, 1, (3, size))
        numbers[1] += 4
        lower, diagonal, upper = bands = [list(map(Value, band)) for band in numbers.tolist()]

        def norm(right: Any, lower: Any = lower, diagonal: Any = diagonal, upper: Any = upper) -> Any:
            factors, rests = [upper[0] / diagonal[0]], [right[0] / diagonal[0]]
            for i in range(1, len(right)):
                pivot = diagonal[i] - lower[i] * factors[-1]
                rests.append((right[i] - lower[i] * rests[-1]) / pivot)
                factors.append(upper[i] / pivot)
            x = [rests[-1]]
            for i in reversed(range(len(right) - 1)):
                x.append(rests[i] - factors[i] * x[-1])
            return autograd.sum([v * v for v in x])

        right = vector(size)
        program = autograd.compile(norm, right.tolist())
        matrix = np.diag(numbers[1]) + np.diag(numbers[0, 1:], -1) + np.diag(numbers[2, :-1], 1)
        x = np.linalg.solve(matrix, right)
        adjoint = np.linalg.solve(matrix.T, 2 * x)
        assert_near(program.backward(right[None]), x @ x)
        expected = np.zeros((3, size))
        expected[1], expected[0, 1:], expected[2, :-1] = -adjoint * x, -adjoint[1:] * x[:-1], -adjoint[:-1] * x[1:]
        assert_near([[p.grad for p in band] for band in bands], expected)
        assert_near(program.input_gradients(right[None])[0], adjoint)
        counts.add(lines(program.source))
    assert max(counts) <= MOST_LINES, counts
    assert len(counts) == 1, counts
