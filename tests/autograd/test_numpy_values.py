"""Arrays of Values: NumPy's functions of them agree with NumPy's of floats, have derivatives, and compile."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

from autograd import Value, array, compile, grad, jacobian, value_and_grad
from autograd.numpy_values.value_arrays import ELEMENTWISE, ValueArray

Thin = Callable[[str], AbstractContextManager[None]]

X = np.array([[0.25, 0.5, -0.75], [0.125, -0.9, 0.3]])
Y = np.array([[0.5, -0.25, 0.7], [-0.6, 0.45, 0.2]])


def plain(numbers: Any) -> Any:
    """Return a plain array of objects, like `np.array` of Values."""
    return np.vectorize(Value, otypes=[object])(numbers)


def numbers(values: Any) -> Any:
    return np.vectorize(lambda v: v.data if isinstance(v, Value) else v, otypes=[float])(values)


def slopes_by_differences(f: Callable[[Any], Any], x: Any) -> Any:
    """Return central differences of NumPy's own function of floats."""
    steps = np.eye(x.size).reshape(x.size, *x.shape) * 1e-6
    return np.array([(f(x + step) - f(x - step)) / 2e-6 for step in steps]).reshape(x.shape)


# Functions that NumPy calls as methods of the elements

METHODS = (
    *("arcsin", "arccos", "arctan", "arcsinh", "arctanh", "fabs", "exp2", "conjugate", "degrees", "radians"),
    *("rad2deg", "deg2rad", "square", "reciprocal", "exp", "tanh", "cbrt", "expm1"),
)
OF_TWO = ("arctan2", "hypot", "fmod")


@pytest.mark.parametrize("make", [plain, lambda x: array(plain(x))], ids=["plain", "autograd.array"])
def test_functions_of_arrays_of_objects(make: Callable[[Any], Any]) -> None:
    for name in METHODS:
        function = getattr(np, name)
        np.testing.assert_allclose(numbers(function(make(X))), function(X), rtol=1e-15)
    np.testing.assert_allclose(numbers(np.arccosh(make(1 + X**2))), np.arccosh(1 + X**2), rtol=1e-15)
    for name in OF_TWO:
        function = getattr(np, name)
        np.testing.assert_allclose(numbers(function(make(X), make(Y))), function(X, Y), rtol=1e-15)
        np.testing.assert_allclose(numbers(function(make(X), 0.5)), function(X, 0.5), rtol=1e-15)
    for function in (np.std, np.var, np.mean, np.linalg.norm):
        assert function(make(X)).data == pytest.approx(function(X), rel=1e-15)
    np.testing.assert_allclose(numbers(np.std(make(X), axis=0)), np.std(X, axis=0), rtol=1e-15)
    assert np.vdot(make(X), make(Y)).data == pytest.approx(np.vdot(X, Y), rel=1e-15)


# Functions that NumPy cannot call as methods

ONLY_OURS: dict[str, Callable[[Any, Any], Any]] = {
    "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2,
    "copysign": np.copysign,
    "float_power": lambda x, y: np.float_power(np.abs(x), y),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "clip": lambda x, y: np.clip(x, -0.5, np.abs(y)),
    "where": lambda x, y: np.where(x > y, x * x, np.exp(y)),
    "sign": lambda x, y: np.sign(x) * y,
    "isfinite": lambda x, y: np.where(np.isfinite(x), x * y, 0.0),
    "isnan": lambda x, y: np.where(np.isnan(x), 0.0, x * y),
    "isinf": lambda x, y: np.where(np.isinf(x), 0.0, x * y),
    "mixed": lambda x, y: np.hypot(1.0, x) + np.arctan2(2.0, y) + np.sin(1.0) * x,
    "largest": lambda x, y: np.max(x * y, axis=0),
    "rows": lambda x, y: np.logaddexp.reduce(x, axis=1)[:, None] * y,
}


@pytest.mark.parametrize("name", ONLY_OURS)
def test_values_and_derivatives_of_more_functions(name: str) -> None:
    """The arrays are made by `autograd.array`, or passed to a function by transforms."""
    f = ONLY_OURS[name]
    np.testing.assert_allclose(numbers(f(array(plain(X)), array(plain(Y)))), f(X, Y), rtol=1e-15)
    np.testing.assert_allclose(numbers(f(array(plain(X)), Y)), f(X, Y), rtol=1e-15)
    cost, (to_x, to_y) = value_and_grad(lambda x, y: f(x, y).sum(), (0, 1))(X, Y)
    assert cost == pytest.approx(f(X, Y).sum(), rel=1e-14)
    np.testing.assert_allclose(to_x, slopes_by_differences(lambda x: f(x, Y).sum(), X), atol=1e-8)
    np.testing.assert_allclose(to_y, slopes_by_differences(lambda y: f(X, y).sum(), Y), atol=1e-8)


def test_questions_give_truth_values() -> None:
    values = plain([1.0, 2.0, 3.0])
    values[1].data, values[2].data = np.inf, np.nan
    for make in (array, lambda x: array(x.tolist())):
        given = make(values)
        assert np.isfinite(given).tolist() == [True, False, False]
        assert np.isnan(given).tolist() == [False, False, True]
        assert np.isinf(given).tolist() == [False, True, False]
        assert np.isfinite(given).dtype == bool
        assert (given > 1.5).tolist() == [False, True, False]
        assert given[np.isfinite(given)].tolist() == [values[0]]


def test_a_value_alone_among_arrays() -> None:
    v: Any = Value(0.3)  # NumPy's annotations allow only its own numbers
    assert np.logaddexp(v, 1.0).data == np.logaddexp(0.3, 1.0)
    assert (np.isnan(v), np.isfinite(v), np.isinf(v)) == (False, True, False)
    assert np.arctan2(2.0, v).data == np.arctan2(2.0, 0.3)
    assert type(np.sin(v)) is Value
    for product in (v * X, X * v, np.multiply(v, X)):
        np.testing.assert_allclose(numbers(product), 0.3 * X, rtol=1e-15)
    assert np.logaddexp(v, X).shape == X.shape
    assert (v < X).tolist() == (X > 0.3).tolist()
    assert (np.float64(2.0) * v).data == 0.6
    total = np.zeros(3, dtype=object)
    total += v
    assert [x.data for x in total] == [0.3] * 3
    with pytest.raises(TypeError, match="float"):
        X.copy().__iadd__(v)


def test_what_numpy_makes_of_it_is_such_an_array_again() -> None:
    a = array([[Value(1.0), 2.0], [3, Value(4.0)]])
    results = [a[0], a.T, a + 1, 2 * a, a @ a, np.exp(a), np.stack([a, a]), np.concatenate([a, X[:, :2]]), a.reshape(4)]
    results += [np.where(a > 1, a, 0.0), copy.deepcopy(a), pickle.loads(pickle.dumps(a)), np.linalg.inv(a)]
    results += [np.einsum("ij,jk->ik", a, a), np.dot(a, X), X[:, :2] @ a, np.logaddexp(X[:, :2], a)]
    for result in results:
        assert type(result) is ValueArray
    assert isinstance(a, np.ndarray)
    assert type(a[0, 0]) is Value
    assert type(a.sum()) is Value
    assert type(np.dot(a[0], a[1])) is Value
    out = array([0.0, 0.0])
    np.add(a[0], a[1], out=out)
    assert [x.data for x in out] == [4.0, 6.0]


def test_what_is_no_array_of_numbers_is_refused() -> None:
    with pytest.raises(TypeError, match=r"holds Values and real numbers, got 'a' at \[1\]"):
        array([1.0, "a"])
    with pytest.raises(ValueError, match="rows of the same length"):
        array([[1.0, Value(2.0)], [3.0]])


def test_the_table_of_functions_is_that_of_numpy() -> None:
    """Each name is one of NumPy's elementwise functions."""
    for name in set(ELEMENTWISE) - {"clip"}:
        assert isinstance(getattr(np, name), np.ufunc)


# Linear algebra

A = np.array([[1.0, 2.0, 0.5], [4.0, -1.0, 2.0], [0.25, 3.0, 1.0]])
B = np.array([[1.0, 0.5], [2.0, -1.0], [0.0, 3.0]])
LINEAR: dict[str, Callable[[Any], Any]] = {
    "det": np.linalg.det,
    "inv": lambda a: np.linalg.inv(a)[1],
    "solve": lambda a: np.linalg.solve(a, B),
    "solve a vector": lambda a: np.linalg.solve(a, B[:, 0]),
    "solve for the matrix": lambda a: np.linalg.solve(A.T, a),
    "slogdet": lambda a: np.linalg.slogdet(a).sign * np.linalg.slogdet(a).logabsdet,
    "a power": lambda a: np.linalg.matrix_power(a, -2),
    "norm": np.linalg.norm,
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_algebra_agrees_with_numpy(name: str) -> None:
    f = LINEAR[name]
    np.testing.assert_allclose(numbers(f(array(plain(A)))), f(A), rtol=1e-13)
    slopes = grad(lambda a: np.sum(np.sin(f(a))))(A)
    np.testing.assert_allclose(slopes, slopes_by_differences(lambda a: np.sum(np.sin(f(a))), A), atol=1e-7)


def test_derivatives_of_linear_algebra_are_those_of_the_texts() -> None:
    """The textbook formulas are ∂det/∂A = det A · A⁻ᵀ (Jacobi) and ∂A⁻¹ = -A⁻¹ ∂A A⁻¹."""
    np.testing.assert_allclose(grad(np.linalg.det)(A), np.linalg.det(A) * np.linalg.inv(A).T, rtol=1e-13, atol=1e-14)
    inverse = np.linalg.inv(A)
    expected = -np.einsum("ik,lj->ijkl", inverse, inverse)
    np.testing.assert_allclose(jacobian(lambda a: np.linalg.inv(a))(A), expected, rtol=1e-12, atol=1e-15)


def test_stacks_of_matrices() -> None:
    stack = np.stack([A, A.T, A @ A])
    for f in (np.linalg.det, np.linalg.inv, lambda a: np.linalg.solve(a, B), lambda a: np.linalg.slogdet(a)[1]):
        np.testing.assert_allclose(numbers(f(array(plain(stack)))), f(stack), rtol=1e-12)
    np.testing.assert_allclose(numbers(np.linalg.solve(A, array(plain(B)))), np.linalg.solve(A, B), rtol=1e-13)
    assert np.linalg.det(array(np.zeros((0, 0)))) == 1.0


@pytest.mark.parametrize(
    "matrix",
    [[[1.0, 2.0], [2.0, 4.0]], [[0.0, 1.0], [0.0, 2.0]], np.zeros((2, 2)), np.zeros((3, 3)), np.ones((4, 4))],
)
def test_the_derivative_of_the_determinant_of_a_singular_matrix(matrix: Any) -> None:
    """The derivative is the matrix of cofactors, which is 0 if the rank is at most n - 2."""
    matrix = np.array(matrix)
    n = len(matrix)
    minors = [[np.delete(np.delete(matrix, i, 0), j, 1) for j in range(n)] for i in range(n)]
    cofactors = [[(-1) ** (i + j) * np.linalg.det(minors[i][j]) for j in range(n)] for i in range(n)]
    assert np.linalg.det(array(plain(matrix))).data == 0.0
    np.testing.assert_allclose(grad(np.linalg.det)(matrix), cofactors, atol=1e-15)


@pytest.mark.parametrize(
    ("matrix", "ends_early"),
    [
        (np.zeros((3, 3)), True),
        (np.outer([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]), True),  # zeros remain after the first column
        ([[0.0, 1.0, 2.0], [0.0, 3.0, 4.0], [0.0, 5.0, 6.0]], True),
        ([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 1.0, 1.0]], False),  # the last pivot is 0
        ([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 3.0]], False),
    ],
)
def test_a_compiled_determinant_is_right_or_nan(matrix: Any, ends_early: bool) -> None:
    """A sample whose elimination ends before the last column gives nan; the others are not affected."""
    program = compile(np.linalg.det, A)
    batch = np.stack([A, np.array(matrix), A.T])
    assert np.isnan(program.outputs(np.empty(0), batch)).tolist() == [False, ends_early, False]
    if not ends_early:
        np.testing.assert_allclose(program(batch), np.linalg.det(batch), rtol=1e-12, atol=1e-15)
        cofactors = [program.input_gradients(a) for a in batch]
        np.testing.assert_allclose(cofactors, [grad(np.linalg.det)(a) for a in batch], rtol=1e-12, atol=1e-15)
        return
    for ask in (program, program.input_gradients, program.backward):
        with pytest.raises(FloatingPointError, match=r"not finite.*the determinant of a singular matrix"):
            ask(batch)


def test_linear_algebra_that_does_not_work_is_refused() -> None:
    a = array(plain(A))
    for f in (np.linalg.eigvals, np.linalg.cholesky, np.linalg.pinv, np.linalg.qr, np.linalg.svd, np.linalg.cond):
        with pytest.raises(TypeError, match=r"np.linalg.\w+ does not take Values: solve, det, slogdet, inv"):
            f(a)
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        np.linalg.inv(array(plain(np.ones((2, 2)))))
    with pytest.raises(np.linalg.LinAlgError, match=r"expected a square matrix.*\(3, 2\)"):
        np.linalg.det(array(plain(B)))
    with pytest.raises(ValueError, match="a right side of 3 rows, as the matrix has"):
        np.linalg.solve(a, np.ones(2))


# Compiled


def assert_compiles(f: Callable[..., Any], *points: Any) -> None:
    """Check that the program computes the same as the function of floats, and the same derivatives as the graph."""
    program = compile(f, *points[0])
    for point in points:
        cost, slopes = program.value_and_grad(*point)
        assert cost == pytest.approx(f(*point), rel=1e-12)
        expected = grad(f, tuple(range(len(point))))(*point)
        for a, b in zip(slopes, expected):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def all_methods(x: Any, y: Any) -> Any:
    total = np.std(x) + np.var(y) + np.vdot(x, y) + np.arccosh(1 + x * x).sum()
    for name in METHODS:
        total = total + (getattr(np, name)(x) * y).sum()
    for name in OF_TWO:
        total = total + (getattr(np, name)(x, y) * y).sum()
    return total


def test_functions_of_arrays_compile() -> None:
    assert_compiles(all_methods, (X, Y), (Y * 0.9, X))


def test_functions_of_plain_arrays_compile() -> None:
    """The function makes arrays with `np.array`, or captures them."""
    weights = plain(X)

    def f(x: Any, y: Any) -> Any:
        return all_methods(np.array([x, y, 0.5 * x * y]), weights @ np.array([y, x, 0.25 * x]) @ weights)

    program = compile(f, 0.5, 0.25)
    for point in ((0.3, 0.7), (-0.6, 0.2)):
        values = [Value(x) for x in point]
        result = f(*values)
        result.backward()
        cost, slopes = program.value_and_grad(*point)
        assert cost == pytest.approx(result.data, rel=1e-12)
        assert slopes == pytest.approx(tuple(value.grad for value in values), rel=1e-11)


@pytest.mark.parametrize("name", ONLY_OURS)
def test_more_functions_compile(name: str) -> None:
    assert_compiles(lambda x, y: (np.sin(ONLY_OURS[name](x, y))).sum(), (X, Y), (Y * 0.9, X), (X[::-1], -Y))


@pytest.mark.parametrize("name", LINEAR)
def test_linear_algebra_compiles(name: str) -> None:
    """Each sample has its own pivots, since its largest numbers are in other rows."""

    def f(a: Any) -> Any:
        return np.sum(np.sin(LINEAR[name](a)))

    program = compile(f, A)
    samples = np.array([A, A[::-1], A[[1, 2, 0]], A.T, -A])
    costs = program(samples)
    gradients = program.input_gradients(samples)
    for sample, cost, slopes in zip(samples, costs, gradients):
        assert cost == pytest.approx(f(sample), rel=1e-11)
        np.testing.assert_allclose(slopes, grad(f)(sample), rtol=1e-9, atol=1e-11)


def test_arrays_that_a_function_makes_itself() -> None:
    program = compile(lambda x, y: np.logaddexp(array([x, y]), array([y, 1.0])).sum(), 0.5, 0.25)
    expected = np.logaddexp([0.3, 0.7], [0.7, 1.0]).sum()
    assert program(0.3, 0.7) == pytest.approx(expected)
    for refused in (
        lambda x, y: np.logaddexp(np.array([x, y]), np.array([y, x])).sum(),
        lambda x, y: np.linalg.det(np.array([[x, y], [y, 1.0]])),
        lambda x, y: x * np.isfinite(np.array([x, y])).sum(),
    ):
        with pytest.raises(TypeError, match=r"NumPy's \w+ does not take arrays of objects.*autograd\.array\(\.\.\.\)"):
            compile(refused, 0.5, 0.25)


def test_without_numpy_it_says_so(run_python: Callable[..., str]) -> None:
    code = """
import sys
sys.modules["numpy"] = None
import autograd
from autograd import *
try:
    autograd.array([1.0])
except ImportError as error:
    print(error)
"""
    assert "numpy" in run_python(code)
