"""The accurate formulas behind rows of the table, called directly, against mpmath, `fractions` and limits."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from mpmath import mp, mpc, mpf

from autograd.derivatives import formulas

pytestmark = pytest.mark.usefixtures("fifty_digits")

inf, nan = math.inf, math.nan


def assert_within_units(actual: float, truth: Any, units: float = 1) -> None:
    assert abs(mpf(actual) - truth) <= units * math.ulp(float(truth)), (actual, float(truth))


def assert_equal(actual: float | Sequence[float], expected: float | Sequence[float]) -> None:
    """Compare exactly: signed zeros differ, and nan equals nan."""
    assert repr(actual) == repr(expected)


def bell(x: Any) -> Any:
    return 2 / mp.sqrt(mp.pi) * mp.exp(-(mpf(x) ** 2))


CHANCE = random.Random(0)
NUMBERS = [CHANCE.choice((-1, 1)) * 10 ** CHANCE.uniform(-9, 9) for _ in range(60)]
PAIRS = [*zip(NUMBERS[::2], NUMBERS[1::2])]


@pytest.mark.parametrize(
    ("inputs", "dot"), [((7.0,), 7.0), ((2.0, 3.0, 0.5), 6.5), ((1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.25), 32.25)]
)
def test_dot_products(inputs: tuple[float, ...], dot: float) -> None:
    assert formulas.dot(*inputs) == dot


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_largest_and_the_smallest(position: int) -> None:
    xs = [1.0, 1.0, 1.0]
    for extreme, function in ((2.0, formulas.largest), (-2.0, formulas.smallest), (nan, formulas.largest)):
        xs[position] = extreme
        assert_equal(function(*xs), extreme)
    assert math.isnan(formulas.smallest(*xs))


@pytest.mark.parametrize("x", [-800.0, -30.0, -1.0, 0.0, 0.3, 30.0, 800.0])
def test_sigmoid_and_slopes(x: float) -> None:
    sigma = 1 / (1 + mp.exp(-mpf(x)))
    assert_within_units(formulas.sigmoid(x), sigma)
    assert_within_units(formulas.sigmoid_slope(x), sigma * (1 - sigma), 3)


@pytest.mark.parametrize("x", [-371.0, -300.5, -5.0, 0.0, 0.3, 1.0, 290.0, 310.0, 371.0, 372.5])
def test_the_slope_of_tanh(x: float) -> None:
    """exp(-2 · 371) is subnormal, with two bits, and so is the result; their errors do not add up."""
    assert_within_units(formulas.tanh_slope(x), mp.sech(mpf(x)) ** 2, 3)


@pytest.mark.parametrize("sign", [1, -1])
def test_one_minus_a_square(sign: int) -> None:
    for x in [sign * k / 64 for k in range(64)] + [
        sign * (1 - 2.0**-40),
        sign * 0.07720461740165374,
        sign * 1e-9,
        sign * 0.4999,
        sign * 0.1,
    ]:
        assert_within_units(formulas.one_minus_square(x), (1 - mpf(x)) * (1 + mpf(x)))
    assert formulas.one_minus_square(sign * 1.0) == 0.0


def test_the_slope_of_a_cube_root() -> None:
    hard = (5e-324, -1e-310, 1e308, 1.6976666666666667, 0.5676989914053718, 0.5874209509838766)
    for x in (*NUMBERS, 8.0, -27.0, *hard, *(1.0 + k / 97 for k in range(700))):
        assert_within_units(formulas.cbrt_slope(x), 1 / (3 * mp.cbrt(abs(mpf(x))) ** 2), 1.8)
    for x in (1.8444459334220935, 1.553751774787291):  # without a term of the Newton step, 1.75 units and more
        assert_within_units(formulas.cbrt_slope(x), 1 / (3 * mp.cbrt(mpf(x)) ** 2), 1.5)
    for x, slope in ((0.0, inf), (-0.0, inf), (inf, 0.0), (-inf, 0.0), (nan, nan)):
        assert_equal(formulas.cbrt_slope(x), slope)


@pytest.mark.parametrize("x", [0.0, 0.3, -3.0, 10.1, 20.3, -24.3, 24.7, 26.8, 27.2])
def test_bell_curves(x: float) -> None:
    assert_within_units(formulas.bell(x), bell(x), 2)
    assert_within_units(formulas.bell(x, -2 * x), -2 * mpf(x) * bell(x), 3)


def test_tails_of_bell_curves() -> None:
    assert [formulas.bell(x) for x in (28.0, -30.0, inf, -inf)] == [0.0] * 4
    assert math.isnan(formulas.bell(nan))


@pytest.mark.parametrize(("a", "b"), [*PAIRS, (1 / 3, 1 / 3), (1.0, 0.5)])
def test_products_and_differences_with_their_errors_are_exact(a: float, b: float) -> None:
    product, error = formulas.exact_product(a, b)
    assert product == a * b
    assert Fraction(product) + Fraction(error) == Fraction(a) * Fraction(b)
    difference, error = formulas.exact_difference(a, b)
    assert difference == a - b
    assert Fraction(difference) + Fraction(error) == Fraction(a) - Fraction(b)


@pytest.mark.parametrize(
    ("x", "y"), [(3.0, -4.0), (1e300, 1e290), (-5e-324, 0.0), (0.0, 0.5), (1.0, 1.0), (2.0, -1e-9)]
)
def test_two_numbers_scaled_to_one(x: float, y: float) -> None:
    u, v, exponent = formulas.scaled_to_one(x, y)
    assert 0.5 <= max(abs(u), abs(v)) < 1
    assert (Fraction(u), Fraction(v)) == (Fraction(x) * Fraction(2) ** exponent, Fraction(y) * Fraction(2) ** exponent)


EXTREMES = [(3.0, 4.0), (-3e200, 4e200), (3e-310, -4e-310), (1e-300, 7.0), (5.0, -1e-300), (2.0, 2.0)]


@pytest.mark.parametrize(("x", "y"), EXTREMES)
def test_slopes_of_hypotenuses(x: float, y: float) -> None:
    u, v = mpf(x), mpf(y)
    radius = mp.hypot(u, v)
    assert_within_units(formulas.hypot_slope(x, y), u / radius, 2)
    for slopes in (formulas.norm_slopes((x, y)), formulas.norm_slopes([x, y, 0.0])[:2]):
        assert_within_units(slopes[0], u / radius, 2)
        assert_within_units(slopes[1], v / radius, 2)
    to_x, to_y = v * v / radius**3, -u * v / radius**3
    if abs(to_x) < 1e300:
        first, second = formulas.hypot_slope_derivatives(x, y)
        assert_within_units(first, to_x, 4)
        assert_within_units(second, to_y, 4)
    assert formulas.norm_slopes([-0.5]) == (-1.0,)
    assert formulas.norm_slopes((2.0, -3.0, 6.0)) == pytest.approx((2 / 7, -3 / 7, 6 / 7), rel=1e-15)


def test_slopes_of_hypotenuses_at_zero_and_infinity() -> None:
    for x, y, slope in (
        *((0.0, 0.0, nan), (inf, inf, nan), (inf, -inf, nan), (nan, inf, nan), (inf, nan, nan), (nan, 1.0, nan)),
        *((inf, 1.0, 1.0), (-inf, 1.0, -1.0), (1.0, inf, 0.0), (-1.0, inf, -0.0), (1.0, -inf, 0.0), (1.0, nan, nan)),
    ):
        assert_equal(formulas.hypot_slope(x, y), slope)
    for xs, slopes in (
        ((0.0, 0.0), (nan, nan)),
        ((inf, 1.0, -1.0), (1.0, 0.0, -0.0)),
        ((2.0, -inf), (0.0, -1.0)),
        ((inf, 1.0, inf), (nan, nan, nan)),
        ((inf, nan), (nan, nan)),
        ((nan, 1.0), (nan, nan)),
    ):
        assert_equal(formulas.norm_slopes(xs), slopes)
    for x, y, both in (
        (inf, 1.0, 0.0),
        (1.0, -inf, 0.0),
        (nan, 1.0, nan),
        (1.0, nan, nan),
        (inf, nan, nan),
        (nan, inf, nan),
    ):
        assert_equal(formulas.hypot_slope_derivatives(x, y), (both, both))
    assert_equal(formulas.hypot_slope_derivatives(0.0, 0.0), (nan, nan))
    assert formulas.hypot_slope_derivatives(0.0, 1e-320) == (inf, -0.0)


def angle_derivative(y: float, x: float, to_y: int, to_x: int) -> Any:
    """Differentiate the imaginary part of log(x + iy): each derivative w.r.t. y adds a factor i."""
    n, z = to_y + to_x, mpc(x, y)
    return (mpc(0, 1) ** to_y * (-1) ** (n - 1) * mp.factorial(n - 1) / z**n).imag


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("y", "x"), [(0.3, 0.5), (-2.0, 1.0), (1.0, -3.0), (3e60, 4e60), (1e-60, 2e-60)])
def test_derivatives_of_angles(y: float, x: float, order: int) -> None:
    for to_y in range(order + 1):
        truth = angle_derivative(y, x, to_y, order - to_y)
        size = mp.factorial(order - 1) / abs(mpc(x, y)) ** order
        assert abs(formulas.atan2_derivative(y, x, float(to_y), float(order - to_y)) - truth) <= 1e-15 * size


@pytest.mark.parametrize(("y", "x"), [(1e-300, 5.0), (-7.0, 1e-300), (1e-320, -1e-310), (1e-320, 1e-5)])
def test_first_and_second_derivatives_of_angles_of_extreme_numbers(y: float, x: float) -> None:
    for to_y, to_x in ((1, 0), (0, 1), (2, 0), (0, 2)):
        truth = angle_derivative(y, x, to_y, to_x)
        actual = formulas.atan2_derivative(y, x, float(to_y), float(to_x))
        if abs(truth) < 1e308:
            assert_within_units(actual, truth, 4)
        else:
            assert actual == math.copysign(inf, truth)


@pytest.mark.parametrize(("y", "x"), [(0.3, 0.3000001), (-0.7, 0.70000003), (1 / 3, 0.33333334)])
def test_a_derivative_of_angles_that_is_a_difference_of_squares(y: float, x: float) -> None:
    assert_within_units(formulas.atan2_derivative(y, x, 1.0, 1.0), angle_derivative(y, x, 1, 1), 4)


def test_derivatives_of_angles_at_zero_and_infinity() -> None:
    assert formulas.atan2_derivative(-0.0, -1.0, 0.0, 0.0) == -math.pi
    for y, x, derivative in (
        *((0.0, 0.0, nan), (inf, 1.0, 0.0), (1.0, -inf, 0.0), (inf, inf, 0.0)),
        *((nan, inf, nan), (inf, nan, nan), (nan, 1.0, nan), (1.0, nan, nan)),
    ):
        for to_y, to_x in ((1.0, 0.0), (0.0, 1.0), (2.0, 0.0), (1.0, 1.0)):
            assert_equal(formulas.atan2_derivative(y, x, to_y, to_x), derivative)


def test_remainders_sums_and_powers_of_two_that_are_undefined_or_too_large() -> None:
    assert (formulas.remainder(7.5, 2.0), formulas.remainder(3.0, inf)) == (-0.5, 3.0)
    assert math.isnan(formulas.remainder(inf, 2.0))
    assert math.isnan(formulas.remainder(1.0, 0.0))
    assert (formulas.fsum(1e16, 1.0, -1e16), formulas.fsum(1e308, 1e308, -1e308), formulas.fsum()) == (1.0, inf, 0.0)
    assert math.isnan(formulas.fsum(inf, -inf))
    assert [formulas.times_power_of_two(x, 2000) for x in (1.5, -1.5, 0.0)] == [inf, -inf, 0.0]
    assert formulas.times_power_of_two(1.5, -3) == 0.1875


POINTS = [(0.3, 0.5), (2.0, -1.0), (7.0, 2.5), (0.3, 2.0), (1.5, 0.0), (1.0, 3.0), (2.0, 1.0)]


@pytest.mark.parametrize(("i", "j"), [*itertools.product(range(4), range(3)), (0, 3)])
def test_derivatives_of_powers(i: int, j: int) -> None:
    for x, y in POINTS:
        with mp.workdps(120):
            truth = mp.diff(mp.power, (mpf(x), mpf(y)), (i, j)) if i + j else mpf(x) ** mpf(y)
        actual = formulas.power_derivative(x, y, float(i), float(j))
        assert actual == pytest.approx(float(truth), rel=4e-14, abs=1e-60), (x, y)


@pytest.mark.parametrize(
    ("x", "y", "i"),
    [
        *((-2.0, 3.0, 0), (-2.0, 3.0, 1), (-2.0, 3.0, 2), (-2.0, 3.0, 3), (-2.0, -1.0, 1), (-2.0, -2.0, 3)),
        *((0.5, 1080.0, 1), (-0.5, 1081.0, 1), (-0.5, 1080.0, 1), (0.5, 1084.0, 4), (2.0, 1024.0, 1), (1e-300, 0.1, 1)),
        *(
            (-1.0, 2.0**54, 1),
            (-1.0, 2.0**54, 2),
            (-1.0, 2.0**54, 3),
            (-1.0, 2.0**53 + 2, 1),
            (-1.0, 2.0**53, 1),
            (-1.0, 2.0**54 + 8, 2),
            (-1.0, 1 - 2.0**53, 2),
        ),
        *((1.0 + 2**-40, 2.0**54 + 4, 1), (1e-100, 3.5, 1), (1e100, 3.5, 1), (1e-100, 3.5, 4), (-1e-160, 2.0, 1)),
        *((1e-155, -1.0, 0), (1e160, 1.5, 0), (1e160, -2.5, 1), (3.0, 5e-324, 1)),
    ],
)
def test_derivatives_of_powers_that_are_close_to_overflow_or_have_exponents_that_round(
    x: float, y: float, i: int
) -> None:
    sign = -1 if x < 0 and (int(y) - i) % 2 else 1
    with mp.workdps(80):
        truth = sign * mp.ff(mpf(y), i) * abs(mpf(x)) ** (mpf(y) - i)
    actual = formulas.power_derivative(x, y, float(i), 0.0)
    if math.isinf(float(truth)):
        assert actual == float(truth)
    else:
        assert_within_units(actual, truth, 4)


@pytest.mark.parametrize(
    ("x", "y", "orders", "derivative"),
    [
        # nan, and exponents at which a power of a negative number has no real value
        *((nan, 1.0, (1, 0), nan), (1.0, nan, (1, 0), nan), (nan, 0.0, (1, 0), nan), (-2.0, 3.0, (0, 1), nan)),
        # polynomials of too low a degree
        *((0.0, 0.0, (1, 0), 0.0), (0.0, 1.0, (2, 0), 0.0), (2.0, 1.0, (2, 0), 0.0), (inf, 2.0, (3, 0), 0.0)),
        # at 0, limits from above
        *((0.0, 0.0, (0, 1), 0.0), (0.0, 0.0, (0, 2), 0.0), (0.0, 0.0, (0, 0), 1.0), (0.0, 2.0, (0, 1), 0.0)),
        *((0.0, 0.5, (1, 0), inf), (0.0, 1.5, (2, 0), inf), (0.0, 0.5, (2, 0), -inf), (0.0, 1.0, (1, 0), 1.0)),
        *((0.0, 1.0, (1, 1), -inf), (0.0, 2.0, (2, 0), 2.0), (0.0, 2.0, (2, 1), -inf), (0.0, 1.0, (2, 1), inf)),
        *((0.0, 0.0, (1, 1), inf), (0.0, -1.0, (1, 0), -inf), (0.0, -1.0, (0, 1), -inf), (0.0, -1.0, (0, 2), inf)),
        *((-0.0, -1.0, (0, 0), -inf), (-0.0, -2.0, (0, 0), inf), (-0.0, -2.0, (1, 0), inf), (0.0, 3.0, (1, 0), 0.0)),
        # at infinity
        *((inf, 2.0, (1, 0), inf), (inf, 1.0, (1, 0), 1.0), (inf, 0.5, (1, 0), 0.0), (inf, -1.0, (0, 1), 0.0)),
        *((inf, 2.0, (0, 1), inf), (-inf, 3.0, (1, 0), inf), (-inf, 2.0, (1, 0), -inf), (2.0, -inf, (0, 0), 0.0)),
        *((2.0, inf, (0, 1), inf), (0.5, inf, (0, 1), 0.0), (0.5, -inf, (0, 1), -inf), (0.5, -inf, (0, 2), inf)),
        # overflow
        *((2.0, 2000.0, (0, 0), inf), (-2.0, 1025.0, (0, 0), -inf), (-2.0, 1026.0, (0, 0), inf)),
        *((0.5, -2000.0, (1, 0), -inf), (0.5, 3000.0, (1, 0), 0.0), (5e-324, -1e308, (1, 0), -inf)),
    ],
)  # fmt: skip
def test_derivatives_of_powers_at_edges(x: float, y: float, orders: tuple[int, int], derivative: float) -> None:
    assert_equal(formulas.power_derivative(x, y, *map(float, orders)) + 0.0, derivative)


@pytest.mark.parametrize(
    ("x", "y", "ratio"),
    [
        *((0.0, 0.0, 0.0), (-0.0, nan, 0.0), (3.0, 4.0, 0.75), (1.0, nan, nan)),
        *((2.0, 0.0, inf), (2.0, -0.0, -inf), (-2.0, 0.0, -inf)),
    ],
)
def test_ratios(x: float, y: float, ratio: float) -> None:
    assert_equal(formulas.ratio(x, y), ratio)


@pytest.mark.parametrize(
    "xs",
    [
        *([0.5], [1.0, 2.0, 3.0], [0.0, -40.0], [1e4, 1e4], [-800.0, -801.0, -1e9]),
        *([-inf, 2.0], [-1e18, 1e18], [-2000.0, 0.0]),
    ],
)
def test_logsumexp_and_softmax(xs: list[float]) -> None:
    total = mp.fsum(mp.exp(mpf(x) - max(xs)) for x in xs)
    assert_within_units(formulas.logsumexp(*xs), max(xs) + mp.log(total), 2)
    for share, x in zip(formulas.softmax(xs), xs):
        assert_within_units(share, mp.exp(mpf(x) - max(xs)) / total, 2)


def test_differences_that_round_do_not_change_a_share() -> None:
    """0.1 - 700.3 is rounded by half a unit of 700, which exp turns into 500 units."""
    for x in (0.1, 1 / 3, 0.7, 1.9):
        share = mp.exp(mpf(x) - mpf(700.3)) / (1 + mp.exp(mpf(x) - mpf(700.3)))
        assert_within_units(formulas.softmax([x, 700.3])[0], share, 2)


@pytest.mark.parametrize(
    ("xs", "value", "shares"),
    [
        ([-inf, -inf], -inf, [nan, nan]),
        ([inf, 0.0], inf, [1.0, 0.0]),
        ([0.0, inf, -inf], inf, [0.0, 1.0, 0.0]),
        ([inf, inf], inf, [nan, nan]),
        ([inf, nan], nan, [nan, nan]),
        ([0.0, nan], nan, [nan, nan]),
        ([nan, 0.0], nan, [nan, nan]),
        ([-inf, nan], nan, [nan, nan]),
    ],
)
def test_logsumexp_and_softmax_of_infinity_and_nan(xs: list[float], value: float, shares: list[float]) -> None:
    assert_equal(formulas.logsumexp(*xs), value)
    assert_equal(formulas.softmax(xs), shares)


def test_no_formula_raises() -> None:
    """An undefined result is inf or nan."""
    numbers = (0.0, -0.0, 5e-324, -1e-310, 0.5, -1.0, 3.0, 1e308, -1e308, inf, -inf, nan)
    binary: tuple[Callable[[float, float], Any], ...] = (
        *(formulas.hypot_slope, formulas.hypot_slope_derivatives, formulas.ratio, formulas.remainder),
        *(lambda x, y, i=i, j=j: formulas.power_derivative(x, y, i, j) for i in (0.0, 1.0, 2.0) for j in (0.0, 1.0)),
        *(lambda x, y, i=i, j=j: formulas.atan2_derivative(x, y, i, j) for i in (0.0, 1.0, 2.0) for j in (0.0, 1.0)),
    )
    for x, y in itertools.product(numbers, repeat=2):
        for function in binary:
            function(x, y)
        formulas.norm_slopes((x, y, 1.0))
        formulas.softmax([x, y])
        formulas.logsumexp(x, y)
    for x in numbers:
        for formula in (
            formulas.sigmoid,
            formulas.sigmoid_slope,
            formulas.tanh_slope,
            formulas.cbrt_slope,
            formulas.bell,
        ):
            formula(x)
