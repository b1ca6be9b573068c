"""check_gradient: it accepts correct gradients, finds wrong ones, and says which ones, and by how much."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, check_gradient, primitive

# Each of these gradients is correct


@pytest.mark.parametrize("name", ["exp", "sin", "tanh", "sigmoid", "softplus", "erf", "atan", "cbrt", "asinh", "expm1"])
@pytest.mark.parametrize("x", [-3.0, -0.1, 0.4, 7.0])
def test_right_gradients_pass(name: str, x: float) -> None:
    report = check_gradient(getattr(autograd, name), x)
    assert report
    assert report.passed
    assert report.failures == ()


def test_right_gradients_of_many_arguments_pass() -> None:
    numbers = random.Random(1)

    def network(weights: Any, biases: Any, inputs: Any) -> Any:
        hidden = [autograd.dot(row, inputs, bias).sigmoid() for row, bias in zip(weights, biases)]
        return autograd.logsumexp(hidden) * hidden[0]

    weights = [[numbers.uniform(-1, 1) for _ in range(3)] for _ in range(4)]
    report = check_gradient(network, weights, np.array([0.1, -0.2, 0.3, 0.0]), (0.5, -1.0, 2.0))
    assert report
    assert len(report.comparisons) == 12 + 4 + 3


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (autograd.log, 2e-7),
        (autograd.log, 1e-12),
        (autograd.sqrt, 1e-10),
        (lambda x: x * x, 1e8),
        (lambda x: x * x, 1e-8),
        (lambda x: 1 / x, 1e-5),
        (autograd.sin, 1e8),
        (lambda x: (x / 1e8).sin(), 1e8),
        (lambda x: (1000 * x).sin(), 1.0),
        (autograd.exp, 700.0),
        (autograd.exp, -700.0),
        (autograd.tanh, 20.0),
        (autograd.relu, 1e-9),
        (autograd.acos, 1 - 1e-7),
        (lambda x: x**3, 0.0),
        (lambda x: 5.0 + 0 * x, 1.0),
    ],
)
def test_right_gradients_of_badly_scaled_arguments_pass(f: Callable[[Any], Any], x: float) -> None:
    report = check_gradient(f, x)
    assert report, str(report)


def test_a_right_gradient_that_rounding_hides_from_differences_passes() -> None:
    """f is 10⁸, so differences cannot resolve 10⁻¹⁰ y: the estimate of their own error must allow for this."""
    report = check_gradient(lambda x, y: x + 1e-10 * y, 1e8, 1e-8)
    assert report, str(report)


# Each of these is wrong


def test_a_wrong_gradient_is_found_with_argument_numbers_and_relative_error() -> None:
    """x · detach(x) is x², with derivative 2x = 6, while the engine sees only one factor and returns 3."""
    report = check_gradient(lambda bias, weight: bias + weight * weight.detach(), 1.0, 3.0)
    assert not report
    assert not report.passed
    (failure,) = report.failures
    assert failure.argument == "weight"
    assert failure.gradient == 3.0
    assert failure.difference == pytest.approx(6.0, rel=1e-9)
    assert failure.relative_error == pytest.approx(0.5, rel=1e-9)
    assert [comparison.argument for comparison in report.comparisons] == ["weight", "bias"], "the worst first"


def test_the_report_is_a_table_of_what_is_wrong() -> None:
    text = str(check_gradient(lambda bias, weight: bias + weight * weight.detach(), 1.0, 3.0))
    verdict, header, row = text.splitlines()
    assert verdict == "1 of 2 partial derivatives are wrong"
    assert header.split("  ")[0] == "argument"
    assert row.split()[:2] == ["weight", "3"]
    assert float(row.split()[2]) == pytest.approx(6.0, rel=1e-9)
    assert float(row.split()[3]) == pytest.approx(0.5, rel=1e-2)


def test_the_report_of_right_gradients_says_so() -> None:
    text = str(check_gradient(lambda x, y: x * y, 2.0, 3.0))
    assert text.splitlines()[0] == "gradients agree"
    assert "3" in text


@pytest.mark.parametrize("error", [1e-5, 1e-3, 1.0])
def test_a_derivative_rule_that_is_a_little_wrong_is_found(error: float, request: pytest.FixtureRequest) -> None:
    wrong_sine = primitive(
        f"own-{request.node.nodeid}", math.sin, lambda x, out: (autograd.cos(x) * (1 + error),), symbol="sine"
    )
    report = check_gradient(lambda x: wrong_sine(x) * x, 0.8)
    (failure,) = report.failures
    sine, cosine = math.sin(0.8), math.cos(0.8)
    assert failure.gradient == pytest.approx(sine + 0.8 * cosine * (1 + error), rel=1e-12)
    assert failure.difference == pytest.approx(sine + 0.8 * cosine, rel=1e-9)
    assert check_gradient(lambda x: wrong_sine(x) * x, 0.8, tolerance=2 * error)


def test_a_gradient_that_is_not_a_number_does_not_pass() -> None:
    assert not check_gradient(lambda x: 0 * autograd.sqrt(x), 0.0)
    assert not check_gradient(lambda x, y: x * y, math.nan, 1.0)


def test_missing_dependence_is_found() -> None:
    report = check_gradient(lambda x: Value(x.data) ** 2, 3.0)
    assert [(c.gradient, c.relative_error) for c in report.failures] == [(0.0, 1.0)]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((1.0, 2.0), ["first", "second"]),
        (([1.0, 2.0], 3.0), ["first[0]", "first[1]", "second"]),
        (([[1.0], [2.0, 3.0]], (4.0,)), ["first[0][0]", "first[1][0]", "first[1][1]", "second[0]"]),
        ((np.ones((2, 1)), np.array(5.0)), ["first[0, 0]", "first[1, 0]", "second"]),
    ],
)
def test_arguments_are_named_as_the_function_names_them(arguments: tuple[Any, ...], names: list[str]) -> None:
    report = check_gradient(lambda first, second: 1.0, *arguments)
    assert sorted(comparison.argument for comparison in report.comparisons) == names


def test_values_as_arguments_are_taken_by_their_number_and_not_touched() -> None:
    x = Value(2.0, "x")
    x.grad = 7.0
    report = check_gradient(lambda t: t**3, x)
    assert report
    assert type(report.comparisons[0].gradient) is float
    assert report.comparisons[0].gradient == 12.0
    assert (x.data, x.grad) == (2.0, 7.0)


def test_captured_values_are_not_touched() -> None:
    w = Value(2.0)
    assert check_gradient(lambda x: w * x * x, 3.0)
    assert w.grad == 0.0


def test_what_cannot_be_checked_is_told() -> None:
    with pytest.raises(TypeError, match="a function that returns one number"):
        check_gradient(lambda x: [x, x], 1.0)
    with pytest.raises(TypeError, match=r"argument 1\[0\] must be a number"):
        check_gradient(lambda x, y: x, 1.0, ["text"])


# Edges of domains, and kinks

EDGES: list[tuple[Callable[[Any], Any], float]] = [
    (autograd.sqrt, 0.0),
    (autograd.cbrt, 0.0),
    (autograd.asin, 1.0),
    (autograd.asin, -1.0),
    (autograd.acos, 1.0),
    (autograd.acosh, 1.0),
    (lambda x: x**0.9, 0.0),
    (lambda x: x**1.5, 0.0),
    (lambda x: autograd.xlogy(x, x), 0.0),
    (lambda x: 3 - 2 * autograd.sqrt(x) + autograd.sin(x), 0.0),
    (lambda x: autograd.exp(x) + (1 - x) ** 2.5, 1.0),
    (autograd.relu, 0.0),
    (abs, 0.0),
    (lambda x: autograd.maximum(x, 2 * x), 0.0),
]


@pytest.mark.parametrize(("f", "x"), EDGES)
def test_right_gradients_at_edges_and_kinks_pass(f: Callable[[Any], Any], x: float) -> None:
    report = check_gradient(f, x)
    assert report, str(report)


WRONG_AT_EDGES: dict[str, tuple[Callable[[float], float], float, float]] = {
    "finite where it is infinite": (math.sqrt, 0.0, 1.0),
    "of the wrong sign": (math.sqrt, 0.0, -math.inf),
    "infinite where it is 0": (lambda x: math.pow(x, 1.5), 0.0, math.inf),
    "a little off at an edge": (lambda x: math.pow(x, 2.5) + x, 0.0, 1.00001),
    "infinite inside the domain": (math.sin, 0.3, math.inf),
    "beyond the slopes of a kink": (lambda x: x if x > 0 else 0.0, 0.0, 1.1),
    "nan at an edge": (math.sqrt, 0.0, math.nan),
}


@pytest.mark.parametrize("name", WRONG_AT_EDGES)
def test_wrong_gradients_at_edges_are_found(name: str, request: pytest.FixtureRequest) -> None:
    function, x, slope = WRONG_AT_EDGES[name]
    wrong = primitive(f"own-{request.node.nodeid}", function, lambda x, out: (slope,))
    report = check_gradient(wrong, x)
    assert not report, str(report)
    assert "1 of 1 partial derivatives are wrong" in str(report)


@pytest.mark.parametrize("x", [math.inf, -math.inf])
def test_there_are_no_differences_beside_infinity(x: float) -> None:
    with pytest.raises(ValueError, match=r"needs finite numbers; point\[1\] is (inf|-inf)"):
        check_gradient(lambda point: point[0] * point[1], [1.0, x])


@pytest.mark.parametrize("x", [5e-324, -1e-320, 1e-310])
def test_beside_the_smallest_numbers(x: float) -> None:
    assert check_gradient(lambda x: 2 * x, x)
    assert not check_gradient(autograd.primitive("wrong slope", lambda x: 2 * x, lambda x, out: (3.0,)), x)
