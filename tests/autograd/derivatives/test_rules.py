"""Each row's rules in all their forms, called directly: on floats, on Values, for arrays and for machine code.

The truth is mpmath at 50 digits, or a limit from calculus.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from mpmath import mp, mpf

from autograd import Value, topological_order
from autograd.derivatives.slopes import softmax, traced_softmax
from autograd.table import OURS, TABLE, Primitive

pytestmark = pytest.mark.usefixtures("fifty_digits")

inf, nan = math.inf, math.nan


class Truth(NamedTuple):
    """The function that a row computes.

    Attributes:
        function: of numbers of 50 digits.
        points: the inputs to test.
        constants: positions of inputs whose derivative is 0 by definition; negative ones are counted from the end.
    """

    function: Callable[..., Any]
    points: Sequence[tuple[float, ...]]
    constants: tuple[int, ...] = ()


def cube_root(x: Any) -> Any:
    return mp.sign(x) * mp.cbrt(abs(x))


def sigma(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def bell(x: Any) -> Any:
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def hypotenuse(*xs: Any) -> Any:
    return mp.sqrt(mp.fsum(x * x for x in xs))


TAILS = [(0.3,), (-0.5,), (-2.0,), (3.0,)]
PAIRS = [(0.3, -1.7), (-3.0, -0.7)]
LISTS = [(1.5,), (0.3, -1.75), (1.5, -2.0, 3.25, 0.5)]
ROWS: dict[str, Truth] = {
    "add": Truth(lambda a, b: a + b, PAIRS),
    "sub": Truth(lambda a, b: a - b, PAIRS),
    "mul": Truth(lambda a, b: a * b, PAIRS),
    "div": Truth(lambda a, b: a / b, [*PAIRS, (0.0, 1e-200), (3e-300, 0.7)]),
    "neg": Truth(lambda x: -x, TAILS),
    "detach": Truth(lambda x: x, TAILS, (0,)),
    "identity": Truth(lambda x: x, TAILS),
    "sum": Truth(lambda *xs: mp.fsum(xs), LISTS),
    "mean": Truth(lambda *xs: mp.fsum(xs) / len(xs), LISTS),
    "prod": Truth(lambda *xs: mp.fprod(xs), [*LISTS, (2.0, 0.0, 5.0), (3.0, -0.5, 7.0, 2.0, 1.25)]),
    "dot": Truth(
        lambda *xs: mp.fdot(xs[: len(xs) // 2], xs[len(xs) // 2 : -1]) + xs[-1],
        [(2.0,), (2.0, 3.0, 0.5), (1.0, -2.0, 3.0, 0.25, 0.5), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)],
    ),
    "max": Truth(lambda *xs: max(xs), [*LISTS, (3.0, 1.0, 2.0)]),
    "min": Truth(lambda *xs: min(xs), [*LISTS, (1.0, 3.0, 2.0)]),
    "entry_at": Truth(lambda *xs: xs[int(xs[-1])], [(5.0, 7.0, 9.0, k) for k in (0.0, 1.0, 2.0)], (-1,)),
    "where": Truth(lambda c, a, b: a if c else b, [(1.0, 2.0, 3.0), (0.0, 2.0, 3.0)], (0,)),
    "abs": Truth(abs, TAILS),
    "maximum": Truth(max, [(1.0, 2.0), (2.0, 1.0)]),
    "minimum": Truth(min, [(1.0, 2.0), (2.0, 1.0)]),
    "exp": Truth(mp.exp, TAILS),
    "expm1": Truth(mp.expm1, [*TAILS, (1e-9,)]),
    "exp2": Truth(lambda x: mpf(2) ** x, TAILS),
    "log": Truth(mp.log, [(0.3,), (20.0,)]),
    "log1p": Truth(mp.log1p, [(0.3,), (-1e-9,)]),
    "log2": Truth(lambda x: mp.log(x, 2), [(0.3,), (20.0,)]),
    "log10": Truth(mp.log10, [(0.3,), (20.0,)]),
    "xlogy": Truth(lambda x, y: x * mp.log(y), [(0.5, 3.0), (-2.0, 0.25), (0.0, 0.25), (0.0, 3.0)]),
    "logsumexp": Truth(lambda *xs: mp.log(mp.fsum(map(mp.exp, xs))), [*LISTS, (800.0, 700.0, 800.5), (-800.0, -801.0)]),
    "power": Truth(mp.power, [(2.5, 1.5), (0.3, -2.0), (1.0, 2.0), (0.25, 1.0), (1.0, 0.0), (7.0, 0.0)]),
    "constant_power": Truth(
        lambda x, n: mp.power(x, int(n) if n == int(n) else n),
        [(2.5, 1.5), (-2.0, 3.0), (0.3, -2.0), (2.0, 1.0), (-3.0, -1.0), (2.0, 0.1), (3.0, 0.0), (0.7, 100.25)],
        (1,),
    ),
    "sqrt": Truth(mp.sqrt, [(0.3,), (20.0,)]),
    "cbrt": Truth(cube_root, [(0.3,), (-20.0,)]),
    "hypot": Truth(hypotenuse, [(3.0, 4.0), (-1.0, 2.5)]),
    "norm": Truth(hypotenuse, [(3.0,), (-1.0, 2.5), (2.0, -3.0, 6.0)]),
    "fsum": Truth(lambda *xs: mp.fsum(xs), LISTS),
    "sigmoid": Truth(sigma, TAILS),
    "softplus": Truth(lambda x: mp.log1p(mp.exp(x)), TAILS),
    "relu": Truth(lambda x: max(x, mpf(0)), TAILS),
    "erf": Truth(mp.erf, TAILS),
    "erfc": Truth(mp.erfc, TAILS),
    "sin": Truth(mp.sin, TAILS),
    "cos": Truth(mp.cos, TAILS),
    "tan": Truth(mp.tan, TAILS),
    "asin": Truth(mp.asin, [(0.3,), (-0.9,)]),
    "acos": Truth(mp.acos, [(0.3,), (-0.9,)]),
    "atan": Truth(mp.atan, TAILS),
    "atan2": Truth(mp.atan2, PAIRS),
    "sinh": Truth(mp.sinh, TAILS),
    "cosh": Truth(mp.cosh, TAILS),
    "tanh": Truth(mp.tanh, TAILS),
    "asinh": Truth(mp.asinh, TAILS),
    "acosh": Truth(mp.acosh, [(1.25,), (20.0,)]),
    "atanh": Truth(mp.atanh, [(0.3,), (-0.9,)]),
    "gamma": Truth(mp.gamma, [(0.3,), (5.5,), (-0.5,)]),
    "lgamma": Truth(lambda x: mp.log(abs(mp.gamma(x))), [(0.3,), (5.5,), (-0.5,)]),
    "lgamma_derivative": Truth(lambda x, n: mp.psi(int(n) - 1, x), [(0.3, 1.0), (5.5, 2.0)], (1,)),
    "copysign": Truth(lambda x, y: abs(x) * mp.sign(y), [(2.0, -3.0), (-2.0, -0.5), (2.0, 5.0), (-2.0, 5.0)]),
    "fmod": Truth(lambda x, y: x - y * int(x / y), [(7.5, 2.0), (-7.5, 2.0), (0.3, -0.1)]),
    "remainder": Truth(lambda x, y: x - y * mp.nint(x / y), [(7.5, 2.0), (-7.5, 2.0), (0.3, -0.2)]),
    "ratio": Truth(lambda x, y: x / y, [(3.0, 4.0), (0.0, 2.0), (-1.0, 3.0)]),
    "sqrt_slope": Truth(lambda x: 1 / (2 * mp.sqrt(x)), [(0.3,), (20.0,)]),
    "cbrt_slope": Truth(lambda x: 1 / (3 * cube_root(x) ** 2), [(0.3,), (-20.0,)]),
    "hypot_slope": Truth(lambda x, y: x / hypotenuse(x, y), [(3.0, 4.0), (-4.0, 3.0), (1.0, -2.5)]),
    "asin_slope": Truth(lambda x: 1 / mp.sqrt((1 - x) * (1 + x)), [(0.3,), (-0.9,), (1 - 2**-30,)]),
    "atan_slope": Truth(lambda x: 1 / (1 + x * x), [(0.3,), (-20.0,)]),
    "asinh_slope": Truth(lambda x: 1 / mp.sqrt(1 + x * x), [(0.3,), (-20.0,)]),
    "acosh_slope": Truth(lambda x: 1 / mp.sqrt((x - 1) * (x + 1)), [(1.25,), (20.0,)]),
    "atanh_slope": Truth(lambda x: 1 / ((1 - x) * (1 + x)), [(0.3,), (-0.9,)]),
    "tanh_slope": Truth(lambda x: mp.sech(x) ** 2, TAILS),
    "sigmoid_slope": Truth(lambda x: sigma(x) * sigma(-x), TAILS),
    "erf_slope": Truth(bell, TAILS),
}


def slopes_of(truth: Truth, point: tuple[float, ...]) -> list[float]:
    constants = [i % len(point) for i in truth.constants]
    numbers = tuple(map(mpf, point))

    def slope(i: int) -> Any:
        orders = tuple(int(k == i) for k in range(len(point)))
        return 0 if i in constants else mp.diff(truth.function, numbers, orders)

    return [float(slope(i)) for i in range(len(point))]


def forms(entry: Primitive) -> list[Callable[..., Any]]:
    return [rule for rule in (entry.forward, entry.array, entry.machine) if callable(rule)]


def derivative_rules(entry: Primitive) -> list[Callable[..., Any]]:
    return [entry.derivatives, entry.compiled_derivatives, entry.machine_derivatives]


def plain(number: Any) -> float:
    return number.data if isinstance(number, Value) else number


@pytest.mark.parametrize("name", ROWS)
def test_all_forms_of_a_rule_are_the_function_and_its_derivatives(name: str) -> None:
    entry, truth = TABLE[name], ROWS[name]
    for point in truth.points:
        value = float(truth.function(*map(mpf, point)))
        for form in forms(entry):
            assert form(*point) == pytest.approx(value, rel=4e-15, abs=0.0), point
        slopes = pytest.approx(slopes_of(truth, point), rel=1e-14, abs=1e-30)
        for rule in derivative_rules(entry):
            assert rule(*point, value) == slopes, point
            assert [*map(plain, rule(*map(Value, point), Value(value)))] == slopes, point


# Special numbers, in IEEE arithmetic as in arrays and machine code


def assert_equal(actual: Sequence[Any], expected: Sequence[float]) -> None:
    np.testing.assert_array_equal(np.array([*map(plain, actual)]), np.array(expected))


def ieee(rule: Callable[..., Any], *numbers: float) -> Any:
    with np.errstate(all="ignore"):
        return rule(*map(np.float64, numbers))


@pytest.mark.parametrize(
    ("name", "inputs", "value"),
    [
        *(("entry_at", (5.0, 7.0, index), nan) for index in (-1.0, 0.5, 2.0, 3.0, nan)),
        *((name, (nan, 1.0), nan) for name in ("maximum", "minimum", "max", "min")),
        *((name, (1.0, nan), nan) for name in ("maximum", "minimum")),
        *((name, (2.0, 2.0), 2.0) for name in ("maximum", "minimum")),
        ("abs", (0.0,), 0.0),
        ("abs", (-inf,), inf),
        ("relu", (-inf,), 0.0),
        ("softplus", (1000.0,), 1000.0),
        ("softplus", (-1000.0,), 0.0),
        ("sigmoid", (1000.0,), 1.0),
        ("sigmoid", (-1000.0,), 0.0),
        ("sigmoid", (0.0,), 0.5),
        ("xlogy", (0.0, 0.0), 0.0),
        ("logsumexp", (-inf, -inf), -inf),
        ("logsumexp", (0.0, inf), inf),
        ("logsumexp", (inf, 0.0), inf),
        ("logsumexp", (-inf, 2.0), 2.0),
        ("ratio", (0.0, 0.0), 0.0),
        ("ratio", (1.0, 0.0), inf),
        ("ratio", (-1.0, -0.0), inf),
        ("sqrt_slope", (0.0,), inf),
        ("asin_slope", (1.0,), inf),
        ("acosh_slope", (1.0,), inf),
        ("tanh_slope", (-700.0,), 0.0),
    ],
)
def test_values_of_special_numbers(name: str, inputs: tuple[float, ...], value: float) -> None:
    entry = TABLE[name]
    for rule in forms(entry):
        if name in ("max", "min") and rule is entry.machine:
            continue  # made of maximum and minimum
        assert_equal([ieee(rule, *inputs)], [value])


@pytest.mark.parametrize("y", [-0.5, -1.0])
def test_x_log_y_of_a_negative_number_has_no_value(y: float) -> None:
    for rule in forms(TABLE["xlogy"]):
        with pytest.raises(ValueError, match=r"domain|positive"):
            rule(0.0, y)


@pytest.mark.parametrize("name", ["abs", "relu"])
def test_numbers_that_are_never_negative_are_not_minus_zero(name: str) -> None:
    for rule in forms(TABLE[name]):
        assert math.copysign(1.0, rule(-0.0)) == 1.0


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_machine_code_chooses_between_zeros_of_both_signs_as_floats_do(name: str) -> None:
    entry = TABLE[name]
    assert callable(entry.machine)
    for a, b in ((0.0, -0.0), (-0.0, 0.0)):
        assert repr(entry.machine(a, b)) == repr(entry.forward(a, b))


POWERS: list[tuple[tuple[float, float], tuple[float, float]]] = [
    ((0.0, 0.0), (0.0, 0.0)),
    ((0.0, 0.5), (inf, 0.0)),
    ((0.0, 1.0), (1.0, 0.0)),
    ((0.0, 2.0), (0.0, 0.0)),
    ((-2.0, 3.0), (12.0, nan)),
    ((-0.5, 2.0), (-1.0, nan)),
    ((-1.0, 2.0), (-2.0, nan)),
    ((-1.0, 0.0), (0.0, nan)),
    ((1.0, -1.0), (-1.0, 0.0)),
]
"""The slopes of x^y: x^y log x tends to 0 with x if y > 0, and has no real value for a negative base."""

SPECIAL: list[tuple[str, tuple[float, ...], tuple[float, ...]]] = [
    *(("power", inputs, slopes) for inputs, slopes in POWERS),
    *(("constant_power", inputs, (slopes[0], 0.0)) for inputs, slopes in POWERS),
    ("xlogy", (0.0, 0.0), (-inf, 0.0)),
    ("logsumexp", (-inf, -inf), (0.0, 0.0)),
    ("logsumexp", (-inf, 3.0, -inf), (0.0, 1.0, 0.0)),
    ("logsumexp", (3.0, 3.0), (0.5, 0.5)),
    ("max", (3.0, 3.0, 1.0), (0.5, 0.5, 0.0)),
    ("min", (1.0, 3.0, 1.0), (0.5, 0.0, 0.5)),
    ("maximum", (2.0, 2.0), (0.5, 0.5)),
    ("minimum", (2.0, 2.0), (0.5, 0.5)),
    ("abs", (0.0,), (0.0,)),
    ("abs", (-0.5,), (-1.0,)),
    ("abs", (0.5,), (1.0,)),
    ("relu", (0.0,), (0.0,)),
    ("relu", (0.5,), (1.0,)),
    ("relu", (-0.5,), (0.0,)),
    ("sigmoid", (-1000.0,), (0.0,)),
    ("sigmoid", (1000.0,), (0.0,)),
]


@pytest.mark.parametrize(("name", "inputs", "slopes"), SPECIAL)
def test_derivatives_at_special_numbers(name: str, inputs: tuple[float, ...], slopes: tuple[float, ...]) -> None:
    entry = TABLE[name]
    out = entry.ieee_value(inputs)
    assert_equal(entry.local_derivatives(inputs, out), slopes)
    for rule in derivative_rules(entry)[1:]:
        assert_equal(ieee(rule, *inputs, out), slopes)


def test_an_infinite_term_takes_the_whole_gradient_of_logsumexp() -> None:
    entry = TABLE["logsumexp"]
    for rule in (entry.derivatives, entry.machine_derivatives):
        assert_equal(ieee(rule, inf, 0.0, -inf, inf), (1.0, 0.0, 0.0))
        assert np.isnan(ieee(rule, inf, inf, inf)).all()


def test_slopes_at_the_edges_of_domains() -> None:
    for name, x, value, slope in (
        ("sqrt_slope", -0.0, inf, -inf),
        ("cbrt_slope", 0.0, inf, -inf),
        ("asin_slope", 1.0, inf, inf),
        ("asin_slope", -1.0, inf, -inf),
        ("acosh_slope", 1.0, inf, -inf),
    ):
        entry = TABLE[name]
        assert entry(x) == value
        assert entry.local_derivatives((x,), value) == (slope,)
    assert math.isnan(TABLE["sqrt_slope"](-1.0))


@pytest.mark.parametrize(
    ("name", "x", "slope"),
    [
        *((name, x, -1 / mpf(x) ** 2) for name in ("asinh_slope", "acosh_slope") for x in (1e105, 1e160)),
        ("asinh_slope", -1e105, 1 / mpf(1e105) ** 2),
        ("atan_slope", 1e80, -2 / mpf(1e80) ** 3),
    ],
)
def test_slopes_of_large_numbers(name: str, x: float, slope: Any) -> None:
    """Squares and cubes of these numbers overflow, or would make a derivative underflow."""
    value = float(ROWS[name].function(mpf(x)))
    assert TABLE[name](x) == pytest.approx(value, rel=1e-15, abs=0.0)
    assert TABLE[name].derivatives(x, value)[0] == pytest.approx(float(slope), rel=1e-14, abs=5e-324)


def test_slopes_that_are_hardly_more_than_nothing() -> None:
    """The square of 10¹⁵⁵ overflows; exp(-26.8²) has eleven digits, and its slope should lose none of them."""
    assert TABLE["atan_slope"](1e155) == pytest.approx(1e-310, rel=1e-13, abs=0.0)
    assert TABLE["acosh_slope"](1e200) == 1e-200
    entry, x = TABLE["erf_slope"], 26.8
    (slope,) = entry.derivatives(x, entry(x))
    assert abs(mpf(slope) + 2 * mpf(x) * bell(mpf(x))) <= 5e-324
    assert plain(entry.derivatives(Value(x), Value(entry(x)))[0]) == pytest.approx(slope, rel=1e-10, abs=0.0)


def test_derivatives_that_count_themselves() -> None:
    x, y, orders = 0.3, 2.5, (1.0, 2.0)
    for name in ("power_derivative", "atan2_derivative"):
        row = TABLE[name]
        expected = (row(x, y, 2.0, 2.0), row(x, y, 1.0, 3.0), 0.0, 0.0)
        assert row.derivatives(x, y, *orders, row(x, y, *orders)) == expected
    row = TABLE["lgamma_derivative"]
    assert row.derivatives(x, 2.0, row(x, 2.0)) == (row(x, 3.0), 0.0)


# Powers: the graph of a derivative is a power, too, except where that would lose digits


@pytest.mark.parametrize("n", [-2.0, 0.5, 2.0, 3.0, 1000.0, 3 * 2.0**50, 2.0**53])
@pytest.mark.parametrize("x", [0.0, 1.0, 1.5])
def test_the_derivative_of_a_power_is_a_number_times_a_power(x: float, n: float) -> None:
    if (x == 0 and n < 1) or (x > 1 and n > 1000):
        return
    slope, _ = TABLE["constant_power"].derivatives(Value(x), n, Value(x**n))
    *_, power, product = topological_order(slope)
    assert (power.op, product.op) == ("**", "*")
    assert [parent.data for parent in power.parents] == [x, n - 1]
    assert slope.data == n * x ** (n - 1)


@pytest.mark.parametrize(
    ("x", "n"),
    [
        (0.5001, 1030.0),
        (0.5, 1080.0),
        (-0.5001, 1031.0),
        (1e-300, 0.1),
        (-1.0, 2.0**54),
        (-1.0, 2.0**53 + 2),
        (-1.0, -(2.0**53)),
    ],
)
def test_slopes_of_powers_keep_their_digits(x: float, n: float) -> None:
    """The power of one less is subnormal, or n - 1 is not a float."""
    sign = -1 if x < 0 and (int(n) - 1) % 2 else 1
    truth = sign * mpf(n) * abs(mpf(x)) ** (mpf(n) - 1)
    row = TABLE["constant_power"]
    of_values = [row.derivatives(Value(x), n, Value(x**n))] if x**n else []  # in a graph, a power that is 0 stays one
    for slope, zero in (row.derivatives(x, n, x**n), *of_values):
        assert abs(plain(slope) - truth) <= 2 * math.ulp(float(truth))
        assert zero == 0.0


def test_quotients_too_small_for_their_digits() -> None:
    a, b = 1e-313, 7e-3
    to_a, to_b = TABLE["div"].derivatives(a, b, a / b)
    assert to_a == 1 / b
    assert abs(to_b + mpf(a) / mpf(b) ** 2) <= math.ulp(to_b)
    assert plain(TABLE["div"].derivatives(Value(a), Value(b), Value(a / b))[1]) == pytest.approx(
        to_b, rel=1e-10, abs=0.0
    )


@pytest.mark.parametrize(("x", "y"), [(1e-320, 1e-309), (1e-309, 1e-320), (3e200, -4e200), (-3.0, 4.0)])
def test_the_graph_of_the_slope_of_a_hypotenuse_neither_overflows_nor_underflows(x: float, y: float) -> None:
    row = TABLE["hypot_slope"]
    u, v = mpf(x), mpf(y)
    truth = [v * v / hypotenuse(u, v) ** 3, -u * v / hypotenuse(u, v) ** 3]
    for slopes in (row.derivatives(x, y, row(x, y)), row.derivatives(Value(x), Value(y), Value(row(x, y)))):
        for slope, true in zip(map(plain, slopes), truth):
            assert slope == pytest.approx(float(true), rel=1e-4 if y == 1e-320 or x == 1e-320 else 1e-14, abs=0.0)


def test_the_slope_of_the_slope_of_asin_loses_no_unit_to_cancellation() -> None:
    entry = TABLE["asin_slope"]
    for x in (0.3836478393689734, 0.3821923235098065):
        truth = x / ((1 - mpf(x)) * (1 + mpf(x))) ** mpf(1.5)
        assert abs(entry.derivatives(x, entry(x))[0] - truth) <= 1.5 * math.ulp(float(truth))


# Softmax of Values, and while compiling


@pytest.mark.parametrize("xs", [(0.5,), (1.0, -2.0, 3.0), (1e9, 1e9 + 1), (3.0, 3.0), (-800.0, 700.0, 699.0)])
def test_softmax_of_values(xs: tuple[float, ...]) -> None:
    exponentials = [mp.exp(mpf(x) - max(xs)) for x in xs]
    shares = pytest.approx([float(e / mp.fsum(exponentials)) for e in exponentials], rel=1e-14, abs=0.0)
    assert softmax(xs) == shares
    assert traced_softmax(xs) == shares
    for values in ([*map(Value, xs)], [Value(xs[0]), *xs[1:]], [*xs[:-1], Value(xs[-1])]):
        assert [*map(plain, softmax(values))] == shares
        assert [*map(plain, traced_softmax(values))] == shares


def test_softmax_of_nan_is_nan_and_an_infinite_value_takes_all() -> None:
    for position in range(3):
        xs = [inf, 2.0, 0.5]
        xs[position] = nan
        assert all(map(math.isnan, map(plain, softmax([*map(Value, xs)])))), xs
    assert [*map(plain, softmax([Value(1.0), Value(inf), Value(-inf)]))] == [0.0, 1.0, 0.0]


# What a row says about its numbers


def test_rows_that_choose_are_those_whose_value_is_one_of_their_inputs_or_0() -> None:
    """`identity` has no input to leave out, and a number with the sign of another one is not always an input."""
    choices = {"detach", "entry_at", "max", "maximum", "min", "minimum", "relu", "where"}
    assert {name for name in OURS if TABLE[name].chooses} == choices


@pytest.mark.parametrize(
    ("name", "function", "inputs"),
    [
        ("power", math.pow, (1.0, nan)),
        ("power", math.pow, (nan, 0.0)),
        ("hypot", math.hypot, (inf, nan)),
        ("norm", math.hypot, (nan, 2.0, inf)),
        ("copysign", lambda x, y: 2.0, (2.0, nan)),
        ("where", lambda c, a, b: a, (1.0, 2.0, nan)),
        ("entry_at", lambda a, b, k: b, (nan, 2.0, 1.0)),
        ("ratio", lambda x, y: 0.0, (0.0, nan)),
    ],
)
def test_rows_that_hide_nan_say_so(name: str, function: Callable[..., float], inputs: tuple[float, ...]) -> None:
    assert abs(TABLE[name](*inputs)) == function(*inputs)
    assert TABLE[name].hides_nan


KEEPING = sorted(name for name in OURS if TABLE[name].keeps_infinity)


@pytest.mark.parametrize("name", KEEPING)
def test_infinity_and_nan_stay_where_the_row_says_so(name: str) -> None:
    entry = TABLE[name]
    count = 2 if name == "div" else 1
    for place in entry.keeps_infinity:
        assert place in range(count)
        for number in (inf, -inf, nan):
            for other in (0.5, -2.0, 0.0, inf, nan):
                inputs = [number if i == place else other for i in range(count)]
                assert not math.isfinite(entry.ieee_value(inputs))


def test_products_in_machine_code_are_taken_in_order() -> None:
    assert callable(TABLE["prod"].machine)
    xs = (1e200, 1e-200, 1e200, 3.0)
    assert TABLE["prod"].machine(*xs) == functools.reduce(lambda a, b: a * b, xs)
