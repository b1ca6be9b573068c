"""Derivatives where floating point is hard: tails, kinks, edges of domains, common offsets, untaken branches.

The truth is mpmath at 50 digits, limits from calculus, or PyTorch where it agrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

import autograd
from autograd import Value, grad
from autograd.primitives import TABLE

pytestmark = pytest.mark.usefixtures("fifty_digits")


def nth_grad(f: Callable[[Any], Any], order: int) -> Callable[[Any], Any]:
    for _ in range(order):
        f = grad(f)
    return f


# The tails of sigmoid and tanh


@pytest.mark.parametrize("x", [-700.0, -40.0, -1e-8, 0.0, 1e-300, 0.3, 20.0, 40.0, 700.0])
def test_third_and_fourth_derivatives_of_sigmoid_and_tanh(x: float) -> None:
    """The closed forms are polynomials in tanh(x/2) and tanh(x); near a zero, errors are relative to the terms."""
    t, s = mp.tanh(mpf(x) / 2), mp.sech(mpf(x) / 2) ** 2 / 4
    third, fourth = s * (t**2 - (1 - t**2) / 2), s * t * (2 - 3 * t**2)
    assert nth_grad(autograd.sigmoid, 3)(x) == pytest.approx(float(third), rel=1e-14, abs=1e-15 * float(s))
    assert nth_grad(autograd.sigmoid, 4)(x) == pytest.approx(float(fourth), rel=1e-14, abs=1e-15 * float(s))
    t, s = mp.tanh(mpf(x)), mp.sech(mpf(x)) ** 2
    assert nth_grad(autograd.tanh, 3)(x) == pytest.approx(float(s * (6 * t**2 - 2)), rel=1e-14, abs=1e-14 * float(s))


def test_a_detached_number_has_no_derivative() -> None:
    x = Value(3.0)
    node = TABLE["detach"](x) * x
    node.backward()
    assert (node.data, x.grad) == (9.0, 3.0)


# The largest and the smallest of a list


@given(st.lists(st.floats(allow_nan=False) | st.sampled_from((0.0, 1.0)), min_size=1, max_size=8))
def test_max_and_min_share_the_gradient_among_the_largest(xs: list[float]) -> None:
    for choose, python in ((autograd.max, max), (autograd.min, min)):
        values = [Value(x) for x in xs]
        node = choose(values)
        node.backward()
        assert node.data == python(xs) == choose(xs)
        assert type(choose(xs)) is float
        chosen = [x == python(xs) for x in xs]
        assert [v.grad for v in values] == [c / sum(chosen) for c in chosen]
        assert (len(node.parents), node.op) == (len(xs), python.__name__)


def test_max_and_min_of_nan_are_nan() -> None:
    for choose in (autograd.max, autograd.min):
        for numbers in ([math.nan, 1.0], [1.0, math.nan], [math.nan], [math.inf, math.nan, -math.inf]):
            node = choose(map(Value, numbers))
            assert math.isnan(node.data)
            assert all(map(math.isnan, node.local_derivatives))
            assert math.isnan(choose(numbers))


def test_max_and_min_of_nothing_and_of_one_number_are_told() -> None:
    for choose, other in ((autograd.max, "maximum"), (autograd.min, "minimum")):
        with pytest.raises(ValueError, match="at least one number, got none: add a default"):
            choose([])
        with pytest.raises(TypeError, match=rf"expects one list of numbers, got Value.*write {other}\(a, b\)"):
            choose(Value(1.0))  # type: ignore[call-overload]


# Derivatives that are rows of the table, by mpmath's own differentiation of the functions they belong to

SLOPES: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "sqrt_slope": (mp.sqrt, [1e-300, 0.3, 2.0, 7e200]),
    "cbrt_slope": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), [-2.0, 1e-200, 0.3, 5.0]),
    "asin_slope": (mp.asin, [-0.99, -1e-8, 0.3, 1 - 2**-40]),
    "atan_slope": (mp.atan, [-1e8, -2.0, 1e-8, 0.3, 5.0]),
    "asinh_slope": (mp.asinh, [-1e8, -2.0, 1e-8, 0.3, 5.0]),
    "acosh_slope": (mp.acosh, [1 + 2**-40, 1.5, 30.0]),
    "atanh_slope": (mp.atanh, [-0.99, 1e-8, 0.3]),
    "erf_slope": (mp.erf, [-3.0, 1e-8, 0.3, 10.0]),
    "sigmoid_slope": (lambda x: 1 / (1 + mp.exp(-x)), [-30.0, 1e-8, 0.3, 30.0]),
    "tanh_slope": (mp.tanh, [-15.0, 1e-8, 0.3, 10.0]),
}


@pytest.mark.parametrize("name", SLOPES)
def test_rows_of_slopes_to_the_third_derivative(name: str) -> None:
    function, points = SLOPES[name]
    for x in points:
        with mp.workdps(120):
            truth = [mp.diff(function, mpf(x), order, h=mpf(10) ** -40 * abs(mpf(x))) for order in (1, 2, 3)]
        assert TABLE[name](x) == pytest.approx(float(truth[0]), rel=1e-15)
        assert grad(TABLE[name])(x) == pytest.approx(float(truth[1]), rel=2e-15)
        assert grad(grad(TABLE[name]))(x) == pytest.approx(float(truth[2]), rel=1e-13)


BINARY = {
    "atan2_derivative": (mp.atan2, [(0.3, 0.5), (-2.0, 1.0), (1.0, -3.0)]),
    "power_derivative": (mp.power, [(0.3, 0.5), (2.0, -1.0), (7.0, 2.5)]),
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(("i", "j"), [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (2, 1), (1, 2), (3, 0), (0, 3), (2, 2)])
def test_rows_that_count_their_derivatives(name: str, i: int, j: int) -> None:
    function, points = BINARY[name]
    for point in points:
        with mp.workdps(120):
            truth = float(mp.diff(function, tuple(map(mpf, point)), (i, j)))
        assert TABLE[name](*point, float(i), float(j)) == pytest.approx(truth, rel=1e-13)


def test_a_quotient_too_small_for_its_digits_has_a_slope_with_all_of_them() -> None:
    """10⁻³¹³ / 10⁻³ is subnormal, with eleven digits, but its derivative w.r.t. the divisor is a normal number."""
    a, b = Value(1e-313), Value(1e-3)
    (a / b).backward()
    assert b.grad == pytest.approx(float(-mpf(a.data) / mpf(b.data) ** 2), rel=1e-15)
    assert a.grad == pytest.approx(1e3, rel=1e-15)


@pytest.mark.parametrize(("place", "entry"), [(0.0, 5.0), (1.0, 7.0), (-1.0, None), (0.5, None), (2.0, None)])
def test_the_entry_at_a_place_is_nan_where_there_is_none(place: float, entry: float | None) -> None:
    row = TABLE["entry_at"]
    assert callable(row.machine)
    for taken in (row.forward(5.0, 7.0, place), row.machine(5.0, 7.0, place)):
        assert math.isnan(taken) if entry is None else taken == entry


def test_the_ratio_of_nothing_is_nothing() -> None:
    ratio = TABLE["ratio"]
    assert [ratio(0.0, 0.0), ratio(1.0, 0.0), ratio(-1.0, 0.0), ratio(-1.0, -0.0)] == [
        0.0,
        math.inf,
        -math.inf,
        math.inf,
    ]
    assert ratio(3.0, 4.0) == 0.75
    assert grad(ratio, (0, 1))(3.0, 4.0) == (0.25, -3 / 16)


def test_another_ratio_is_that_of_ieee() -> None:
    numbers = [0.0, -0.0, 1.5, -2.0, 5e-324, -1e308, math.inf, -math.inf, math.nan]
    x, y = np.array([(x, y) for x in numbers for y in numbers]).T
    with np.errstate(all="ignore"):
        expected = np.where(x == 0, 0.0, x / y)
    ratio = TABLE["ratio"]
    np.testing.assert_array_equal([ratio(a, b) for a, b in zip(x.tolist(), y.tolist())], expected)
    np.testing.assert_array_equal(autograd.compile(ratio, 1.0, 1.0).outputs(np.array([]), x, y), expected)


# A derivative never raises, in any mode


def no_grad_number(x: Any) -> float:
    return x.data if isinstance(x, Value) else x


MODES: dict[str, Callable[[Callable[[Any], Any], float], float]] = {
    "backward": lambda f, x: backward(f, x),
    "grad": lambda f, x: grad(f)(x),
    "grad of a Value": lambda f, x: no_grad_number(grad(f)(Value(x))),
    "value_and_grad": lambda f, x: autograd.value_and_grad(f)(x)[1],
    "jacobian": lambda f, x: autograd.jacobian(f)(x),
    "jvp": lambda f, x: autograd.jvp(f, (x,), (1.0,))[1],
    "jvp of Values": lambda f, x: no_grad_number(autograd.jvp(f, (Value(x),), (Value(1.0),))[1]),
    "from the list": lambda f, x: grad(lambda p: f(p[0]))([x, 1.0])[0],
}


def backward(f: Callable[[Any], Any], x: float) -> float:
    variable = Value(x)
    f(variable).backward()
    return variable.grad


INFINITE: list[tuple[str, Callable[[Any], Any], float, float]] = [
    ("sqrt", autograd.sqrt, 0.0, math.inf),
    ("sqrt of -0.0", autograd.sqrt, -0.0, math.inf),
    ("cbrt", autograd.cbrt, 0.0, math.inf),
    ("cbrt of -0.0", autograd.cbrt, -0.0, math.inf),
    ("power", lambda x: x**0.5, 0.0, math.inf),
    ("power of -0.0", lambda x: x**0.5, -0.0, math.inf),
    ("-power", lambda x: -(x**0.25), 0.0, -math.inf),
    ("general power", lambda x: x ** Value(0.5), 0.0, math.inf),
    ("asin", autograd.asin, 1.0, math.inf),
    ("asin at -1", autograd.asin, -1.0, math.inf),
    ("acos", autograd.acos, 1.0, -math.inf),
    ("acosh", autograd.acosh, 1.0, math.inf),
    ("log", autograd.log, 5e-324, math.inf),
    ("log2", autograd.log2, 5e-324, math.inf),
    ("xlogy", lambda x: autograd.xlogy(x, 0.0), 0.0, -math.inf),
    ("1/x", lambda x: 1 / x, 1e-200, -math.inf),
    ("x ** -2", lambda x: x**-2, 1e-120, -math.inf),
    ("2 sqrt", lambda x: 3 * autograd.sqrt(2 * x) + x, 0.0, math.inf),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "f", "x", "slope"), INFINITE, ids=[case[0] for case in INFINITE])
def test_infinite_slopes(name: str, f: Callable[[Any], Any], x: float, slope: float, mode: str) -> None:
    assert MODES[mode](f, x) == slope


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("f", [lambda x: autograd.hypot(x, 0.0), lambda x: autograd.atan2(x, 0.0)])
def test_undefined_slopes(f: Callable[[Any], Any], mode: str) -> None:
    assert math.isnan(MODES[mode](f, 0.0))


SECOND: list[tuple[str, Callable[[Any], Any], float, float]] = [
    ("sqrt", autograd.sqrt, 0.0, -math.inf),
    ("cbrt", autograd.cbrt, 0.0, -math.inf),
    ("cbrt of -0.0", autograd.cbrt, -0.0, math.inf),
    ("power", lambda x: x**0.5, 0.0, -math.inf),
    ("power 1.5", lambda x: x**1.5, 0.0, math.inf),
    ("power 2", lambda x: x**2, 0.0, 2.0),
    ("power 2.5", lambda x: x**2.5, 0.0, 0.0),
    ("asin", autograd.asin, 1.0, math.inf),
    ("asin at -1", autograd.asin, -1.0, -math.inf),
    ("acos", autograd.acos, 1.0, -math.inf),
    ("acosh", autograd.acosh, 1.0, -math.inf),
    ("log", autograd.log, 1e-200, -math.inf),
]


@pytest.mark.parametrize(("name", "f", "x", "slope"), SECOND, ids=[case[0] for case in SECOND])
def test_infinite_second_derivatives(name: str, f: Callable[[Any], Any], x: float, slope: float) -> None:
    assert grad(grad(f))(x) == slope
    assert autograd.hessian(f)(x) == slope
    assert no_grad_number(autograd.hessian_vector_product(f, Value(x), Value(1.0))) == slope
    assert backward(grad(f), x) == slope


def test_values_raise_where_derivatives_do_not() -> None:
    for f, x in ((autograd.log, 0.0), (autograd.sqrt, -1.0), (lambda x: 1 / x, 0.0), (autograd.exp, 1000.0)):
        for transform in (grad, lambda f: grad(grad(f)), autograd.value_and_grad, autograd.jacobian):
            with pytest.raises((ValueError, ArithmeticError), match="has no finite real value"):
                transform(f)(x)


def raising(error: type[Exception]) -> float:
    raise error("no derivative here")


def test_a_rule_of_ones_own_that_raises_for_a_number_beside_a_value_is_infinite() -> None:
    """This rule claims that x + b has the slope 1 / b; the graph of the derivative has w as a factor."""
    own = autograd.primitive("own_that_raises", lambda x, b: x + b, lambda x, b, out: (1 / b, 1.0))
    w = Value(2.0)
    try:
        assert grad(lambda x: own(x, 0.0) * w)(1.0) == math.inf
        assert backward(lambda x: own(x, 0.0) * w, 1.0) == math.inf
    finally:
        del TABLE["own_that_raises"]


def test_rules_of_ones_own_that_raise_give_nan_or_infinity_in_any_mode() -> None:
    rules: list[tuple[Callable[..., Any], float]] = [
        (lambda x, out: (1 / x,), math.inf),
        (lambda x, out: (raising(ValueError),), math.nan),
        (lambda x, out: (raising(ZeroDivisionError),), math.nan),
        (lambda x, out: (1 / autograd.sqrt(x),), math.inf),
        (lambda x, out: (autograd.log(x),), -math.inf),
        (lambda x, out: (autograd.exp(1000.0 + x),), math.inf),
        (lambda x, out: (-autograd.exp(1000.0 + x),), -math.inf),
        (lambda x, out: (autograd.asin(2 + x),), math.nan),
        (lambda x, out: (autograd.atanh(1 + x),), math.inf),
    ]
    for rule, slope in rules:
        own = autograd.primitive("own_that_raises", lambda x: x, rule)
        try:
            for mode in MODES.values():
                assert repr(mode(own, 0.0)) == repr(slope)
        finally:
            del TABLE["own_that_raises"]


@pytest.mark.parametrize(
    ("f", "point", "matrix"),
    [
        (lambda p: p[0] ** p[1], [0.0, 1.0], [[0.0, -math.inf], [-math.inf, 0.0]]),
        (lambda p: p[0] ** p[1], [0.0, 0.5], [[-math.inf, -math.inf], [-math.inf, 0.0]]),
        (lambda p: p[0] ** p[1], [0.0, 2.0], [[2.0, 0.0], [0.0, 0.0]]),
        (lambda p: autograd.xlogy(p[0], p[1]), [0.0, 0.0], [[0.0, math.inf], [math.inf, 0.0]]),
        (lambda p: autograd.xlogy(p[0], p[1]), [0.0, 4.0], [[0.0, 0.25], [0.25, 0.0]]),
        (lambda p: autograd.atan2(p[0], p[1]), [0.0, 1e-200], [[0.0, -math.inf], [-math.inf, 0.0]]),
        (lambda p: autograd.hypot(p[0], p[1]), [0.0, 1e-320], [[math.inf, 0.0], [0.0, 0.0]]),
        (lambda p: p[0] / p[1], [1.0, 1e-200], [[0.0, -math.inf], [-math.inf, math.inf]]),
    ],
)
def test_hessians_at_edges_are_symmetric(
    f: Callable[[Any], Any], point: list[float], matrix: list[list[float]]
) -> None:
    """The expected entries are the limits of the second derivatives, such as x^(y-1) (1 + y log x)."""
    assert autograd.hessian(f)(point) == matrix


two_numbers = st.floats(1e-3, 50.0) | st.floats(0.1, 2.0)


@given(two_numbers, two_numbers, st.sampled_from(["power", "xlogy", "hypot", "atan2", "div", "mul"]))
def test_hessians_are_symmetric(x: float, y: float, name: str) -> None:
    (_, a), (b, _) = autograd.hessian(lambda p: TABLE[name](p[0], p[1]))([x, y])
    assert a == pytest.approx(b, rel=1e-15)


# Branches that are not taken


def untaken(name: str) -> Callable[[Any], Any]:
    """Return functions with derivative 1 at 0, where the branch that is not taken has an infinite derivative."""
    return {
        "where": lambda x: x + autograd.where(x > 0, x.sqrt(), 0.0),
        "where, the other side": lambda x: x + autograd.where(x <= 0, 0.0, x.cbrt()),
        "where of where": lambda x: x + autograd.where(x > 0, autograd.where(x > -1, x.sqrt(), 1.0) * 3, 0.0),
        "relu": lambda x: x + (-x.sqrt()).relu(),
        "maximum": lambda x: x + autograd.maximum(x.sqrt() - 1, 0.0),
        "minimum": lambda x: x + autograd.minimum(1 + x.sqrt(), 0.0),
        "max": lambda x: x + autograd.max([x.sqrt() - 1, 0.5, x.cbrt()]),
        "min": lambda x: x + autograd.min([x.sqrt() + 1, 0.5, x.cbrt() + 1]),
        "a long way": lambda x: x + autograd.where(x > 0, ((x.sqrt() * 2 + 1).exp() * x.cbrt()).sin(), 0.0),
        "behind an infinite gradient": lambda x: x + 0 * (x * 0 + 1) + autograd.where(x > 0, x.sqrt(), x * 0).relu(),
        "atan2": lambda x: x + autograd.where(x > 0, autograd.atan2(x, x), 0.0),
        "hypot": lambda x: x + autograd.where(x > 0, autograd.hypot(x, x), 0.0),
    }[name]


UNTAKEN = [
    *("where", "where, the other side", "where of where", "relu", "maximum", "minimum", "max", "min", "a long way"),
    *("behind an infinite gradient", "atan2", "hypot"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", UNTAKEN)
def test_what_is_not_taken_contributes_nothing(name: str, mode: str) -> None:
    def f(x: Any) -> Any:
        return untaken(name)(x)

    assert MODES[mode](f, 0.0) == 1.0


@pytest.mark.parametrize("name", UNTAKEN)
def test_what_is_not_taken_contributes_nothing_to_second_derivatives(name: str) -> None:
    f = untaken(name)
    assert autograd.hessian(lambda p: f(p[0]))([0.0, 1.0]) == [[0.0, 0.0], [0.0, 0.0]]
    assert grad(grad(f))(0.0) == 0.0
    assert autograd.hessian_vector_product(lambda p: f(p[0]) + p[1] ** 2, [0.0, 1.0], [1.0, 1.0]) == [0.0, 2.0]
    assert backward(lambda x: grad(f)(x) * x, 0.0) == 1.0


def test_zero_times_infinity_stays_nan() -> None:
    for mode in MODES.values():
        assert math.isnan(mode(lambda x: 0 * x.sqrt(), 0.0))
        assert math.isnan(mode(lambda x: 0 * x.sqrt() + autograd.where(x > 0, x.cbrt(), 0.0), 0.0))
        assert math.isnan(mode(lambda x: abs(x.sqrt()), 0.0))


def test_a_branch_that_is_taken_elsewhere_keeps_its_derivative() -> None:
    def f(x: Any) -> Any:
        root = x.sqrt()
        return autograd.where(x > 0, root, 0.0) + root

    for mode in MODES.values():
        assert mode(f, 0.0) == math.inf


def test_an_infinite_gradient_does_not_reach_what_is_not_taken() -> None:
    functions: list[Callable[[Any], Any]] = [
        lambda x: autograd.sqrt(autograd.where(x > 0, x, 0.0)) + x,
        lambda x: autograd.sqrt(autograd.maximum(x - 1, 0.0)) + x,
        lambda x: autograd.cbrt(autograd.relu(x)) + x,
    ]
    for f in functions:
        for mode in MODES.values():
            assert mode(f, 0.0) == 1.0


def test_backward_twice_doubles_where_a_branch_is_not_taken() -> None:
    x, y = Value(0.0), Value(2.0)
    root = x.sqrt()
    loss = y * y + autograd.where(x > 0, root * y, x * 3)
    loss.backward()
    loss.backward()
    assert (x.grad, y.grad, root.grad) == (6.0, 8.0, 0.0)


def test_a_choice_of_ones_own() -> None:
    try:
        clip = autograd.primitive(
            "own_clip", lambda x: min(max(x, 0.0), 1.0), lambda x, out: (1.0 * (x > 0) * (x < 1),), chooses=True
        )
        for mode in MODES.values():
            assert mode(lambda x: clip(x.sqrt()) + x, 0.0) == 1.0
    finally:
        del TABLE["own_clip"]


def test_a_direction_of_zero_moves_nothing() -> None:
    """d/dt √(0 + 0 t) is 0: a zero tangent is not multiplied by the infinite slope."""
    value, slope = autograd.jvp(lambda p: p[0].sqrt() + p[1] ** 2, ([0.0, 3.0],), ([0.0, 1.0],))
    assert (value, slope) == (9.0, 6.0)


# Softmax and functions of it, relative to the largest


def exact_softmax(xs: list[float]) -> list[Any]:
    exponentials = [mp.exp(mpf(x) - max(xs)) for x in xs]
    return [e / mp.fsum(exponentials) for e in exponentials]


def assert_within_units(actual: float, truth: Any, units: int = 4) -> None:
    assert abs(actual - truth) <= units * math.ulp(float(truth)), (actual, float(truth))


logits = st.lists(st.floats(-800, 800) | st.floats(-1e18, 1e18) | st.floats(-3, 3), min_size=1, max_size=6)


@given(logits, st.sampled_from([0.0, 1e9, -1e9, 1e17]))
def test_softmax_and_the_gradient_of_logsumexp_are_exact(xs: list[float], offset: float) -> None:
    xs = [x + offset for x in xs]
    of_values = [p.data for p in autograd.softmax(list(map(Value, xs)))]
    for actual, of_value, share in zip(autograd.softmax(xs), of_values, exact_softmax(xs)):
        assert_within_units(actual, share)
        # differences of Values are rounded, and exp multiplies that by their size, up to 745
        assert abs(of_value - share) <= 4 * math.ulp(float(share)) + share * 2**-53 * 745


@given(st.lists(st.floats(-800, 800) | st.floats(-3, 3), min_size=1, max_size=6))
def test_first_derivatives_of_logsumexp_lie_within_four_units(xs: list[float]) -> None:
    for actual, share in zip(grad(autograd.logsumexp)(xs), exact_softmax(xs)):
        assert_within_units(actual, share)


@pytest.mark.parametrize("offset", [0.0, 1e9, -1e9])
def test_second_derivatives_of_logsumexp_and_first_of_softmax_keep_their_digits(offset: float) -> None:
    """They are pᵢ (δᵢⱼ - pⱼ); written as p - p², the diagonal would cancel where a share is close to 1."""
    for xs in ([0.0, -20.0, -20.0], [0.0, 0.0, 0.0], [-40.0, 0.0], [3.0, 1.0, -5.0, 3.0]):
        xs = [x + offset for x in xs]
        p = exact_softmax(xs)
        truth = [
            [p[i] * (mp.fsum(p[:i] + p[i + 1 :]) if i == j else -p[j]) for j in range(len(p))] for i in range(len(p))
        ]
        for rows in (autograd.hessian(autograd.logsumexp)(xs), autograd.jacobian(autograd.softmax)(xs)):
            for row, true_row in zip(rows, truth):
                assert row == pytest.approx([float(x) for x in true_row], rel=1e-14, abs=0.0)


def test_softmax_of_equal_and_infinite_logits() -> None:
    assert autograd.softmax([1e17] * 3) == [1 / 3] * 3
    assert [p.data for p in autograd.softmax([Value(1e17)] * 3)] == [1 / 3] * 3
    for xs, shares in (
        ([math.inf, 0.0, -math.inf], [1.0, 0.0, 0.0]),
        ([-math.inf, 0.0], [0.0, 1.0]),
        ([-math.inf, 1e16, 1e16], [0.0, 0.5, 0.5]),
    ):
        assert autograd.softmax(xs) == shares
        assert [p.data for p in autograd.softmax(map(Value, xs))] == shares
        assert grad(autograd.logsumexp)(xs) == shares
        assert all(x == 0.0 or abs(x) == 0.25 for row in autograd.hessian(autograd.logsumexp)(xs) for x in row)
    for xs in ([math.nan, 0.0], [0.0, math.inf, math.nan], [math.inf, math.inf], [-math.inf, math.nan]):
        assert any(map(math.isnan, autograd.softmax(xs)))
        assert any(map(math.isnan, [p.data for p in autograd.softmax(map(Value, xs))]))
        assert any(map(math.isnan, grad(autograd.logsumexp)(xs)))


ROW = TABLE["logsumexp"]
COMPILED_FORMS: dict[str, Callable[..., Any]] = {
    "arrays": ROW.compiled_derivatives,
    "machine code": ROW.machine_derivatives,
}


@pytest.mark.parametrize("form", COMPILED_FORMS)
def test_compiled_derivatives_of_logsumexp_are_the_softmax(form: str) -> None:
    for xs in ([0.5], [1.0, -2.0, 3.0], [700.0, 800.0, 800.5], [-800.0, -801.0], [-math.inf, 2.0], [3.0, 3.0, -1e9]):
        slopes = COMPILED_FORMS[form](*xs, float(mp.log(mp.fsum(map(mp.exp, xs)))))
        assert slopes == pytest.approx([float(share) for share in exact_softmax(xs)], rel=1e-14, abs=0.0)
    assert COMPILED_FORMS[form](-math.inf, -math.inf, -math.inf) == (0.0, 0.0)
    assert any(map(math.isnan, COMPILED_FORMS[form](math.inf, math.inf, 0.0, math.inf)))


def test_logsumexp_and_sigmoid_in_machine_code() -> None:
    machine: Any = ROW.machine
    for xs in ([0.5], [1.0, -2.0, 3.0], [3.0, -2.0, 1.0], [800.0, 700.0, 800.5], [-800.0, -801.0], [-math.inf, 2.0]):
        assert_within_units(machine(*xs), mp.log(mp.fsum(map(mp.exp, xs))))
    assert machine(-math.inf, -math.inf) == -math.inf
    assert machine(0.0, math.inf) == math.inf
    sigmoid: Any = TABLE["sigmoid"].machine
    for x in (-800.0, -40.0, -0.3, 0.0, 0.3, 40.0, 800.0):
        assert_within_units(sigmoid(x), 1 / (1 + mp.exp(-mpf(x))))


def test_logsumexp_of_nothing_possible_has_gradient_zero() -> None:
    """In the forward algorithm of a hidden Markov model, paths of probability 0 meet like this."""
    nothing = [-math.inf, -math.inf]
    assert autograd.logsumexp(nothing) == -math.inf
    assert MODES["backward"](lambda x: autograd.logsumexp([x, x - 1]), -math.inf) == 0.0
    assert grad(autograd.logsumexp)(nothing) == [0.0, 0.0]
    assert autograd.hessian(autograd.logsumexp)(nothing) == [[0.0, 0.0], [0.0, 0.0]]
    assert grad(lambda x: autograd.logsumexp([autograd.logsumexp([x - math.inf, -math.inf]), 2 * x]))(1.0) == 2.0


def test_the_tail_of_softmax_is_that_of_sigmoid() -> None:
    for order in range(4):
        softmax_of_two = nth_grad(lambda x: autograd.softmax([x, 0.0])[0], order)
        assert softmax_of_two(40.0) == pytest.approx(nth_grad(autograd.sigmoid, order)(40.0), rel=1e-14)
