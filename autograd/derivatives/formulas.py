"""Accurate formulas on floats, for cases in which the plain formulas overflow, cancel, or round an exponent.

Each is the forward rule of a row of the derivative table, or part of one. None of them raises: an undefined result is
inf or nan.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

TINY, HUGE = 1e-290, 1e290  # a number between these stays normal when multiplied by a few factors near 1


def dot(*inputs: float) -> float:
    """Compute Σ x_i y_i + bias from x_1 ... x_n, y_1 ... y_n, bias: the order of a `dot` node's parents."""
    n = len(inputs) // 2
    return sum(map(operator.mul, inputs[:n], inputs[n:-1]), inputs[-1])


def largest(*xs: float) -> float:
    """Return the largest number; nan if any number is nan."""
    return math.nan if any(x != x for x in xs) else max(xs)


def smallest(*xs: float) -> float:
    """Return the smallest number; nan if any number is nan."""
    return math.nan if any(x != x for x in xs) else min(xs)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x))."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)  # exp(-x) would overflow for a large negative x
    return e / (1 + e)


def sigmoid_slope(x: float) -> float:
    """σ(x) σ(-x)."""
    e = math.exp(-abs(x))
    return e / (1 + e) ** 2


def tanh_slope(x: float) -> float:
    """1 / cosh² x."""
    if abs(x) > 300:
        e = math.exp(-abs(x))
        return 4 * e * e  # not 4 * (e * e): the square may be subnormal
    e = math.exp(-2 * abs(x))
    return 4 * e / (1 + e) ** 2


def one_minus_square(x: float) -> float:
    """1 - x², in the more accurate of two forms."""
    return 1 - x * x if abs(x) < 0.5 else (1 - x) * (1 + x)


def cbrt_slope(x: float) -> float:
    """1 / (3 ∛x²), with the cube root refined to its last digits by one Newton step."""
    if not x or not math.isfinite(x):
        return math.inf if not x else 1 / abs(x)
    mantissa, exponent = math.frexp(x)
    exponent, rest = divmod(exponent, 3)
    x = math.ldexp(mantissa, rest)
    root = math.cbrt(x)
    square, error = exact_product(root, root)
    cube, cube_error = exact_product(square, root)
    root -= (cube - x + cube_error + error * root) / (3 * square)
    return math.ldexp(root / x / 3, -2 * exponent)


def bell(x: float, factor: float = 1.0) -> float:
    """factor · 2/√π · exp(-x²). The square is exact, since exp would amplify its rounding error by x²."""
    if not abs(x) < 28:
        return math.nan if x != x else 0.0
    square, rest = exact_product(x, x)
    if square < 600:
        return factor * (2 / math.sqrt(math.pi)) * math.exp(-square) * (1 - rest)
    root = math.exp(-square / 2)  # exp(-x²) itself may be subnormal
    return factor * (2 / math.sqrt(math.pi)) * root * (1 - rest) * root


def exact_product(a: float, b: float) -> tuple[float, float]:
    """Return the product of two moderate numbers and its rounding error. Source: Dekker (1971)."""
    product = a * b
    split = 134217729.0  # 2²⁷ + 1: splits a float into two halves, whose products are exact
    a_high = split * a - (split * a - a)
    b_high = split * b - (split * b - b)
    a_low, b_low = a - a_high, b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def exact_difference(a: float, b: float) -> tuple[float, float]:
    """Return the difference of two numbers and its rounding error. Source: Knuth, vol. 2, 4.2.2."""
    difference = a - b
    back = difference - a
    return difference, (a - (difference - back)) - (b + back)


def scaled_to_one(x: float, y: float) -> tuple[float, float, int]:
    """Scale two numbers by a power of 2 that brings the larger near 1; return them and the exponent."""
    exponent = -math.frexp(max(abs(x), abs(y)))[1]
    return math.ldexp(x, exponent), math.ldexp(y, exponent), exponent


def hypot_slope(x: float, y: float) -> float:
    """x / √(x² + y²), accurate even if the root overflows or is subnormal."""
    if math.isinf(x) or math.isinf(y):
        return math.nan if x != x or y != y or abs(x) == abs(y) else math.copysign(float(math.isinf(x)), x)
    x, y, _ = scaled_to_one(x, y)
    radius = math.hypot(x, y)
    return x / radius if radius else math.nan


def norm_slopes(xs: Sequence[float]) -> tuple[float, ...]:
    """x / √(x₁² + ... + xₙ²) for each x, as accurate. If one x is infinite, the slopes of the others are 0."""
    if any(map(math.isinf, xs)):
        several = sum(map(math.isinf, xs)) > 1 or any(x != x for x in xs)
        return tuple(math.nan if several else math.copysign(float(math.isinf(x)), x) for x in xs)
    exponent = -math.frexp(max(map(abs, xs)))[1]
    scaled = [math.ldexp(x, exponent) for x in xs]
    radius = math.hypot(*scaled)
    return tuple(x / radius if radius else math.nan for x in scaled)


def hypot_slope_derivatives(x: float, y: float) -> tuple[float, float]:
    """Return the derivatives of x / √(x² + y²): y² / r³ and -xy / r³."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return (math.nan, math.nan) if x != x or y != y else (0.0, 0.0)
    u, v, exponent = scaled_to_one(x, y)
    radius = math.hypot(u, v)
    if not radius:
        return math.nan, math.nan
    cube = (u * u + v * v) * radius
    (a, i), (b, j) = math.frexp(x), math.frexp(y)  # scaling could make the smaller subnormal although the result is not
    return (
        times_power_of_two(b * b / cube, 2 * j + 3 * exponent),
        times_power_of_two(-a * b / cube, i + j + 3 * exponent),
    )


def atan2_derivative(y: float, x: float, to_y: float, to_x: float) -> float:
    """Differentiate the angle of z = x + iy, `to_y` times with respect to y and `to_x` times with respect to x.

    The angle is the imaginary part of log z, whose nth derivative is (-1)ⁿ⁻¹ (n - 1)! / zⁿ; each derivative with
    respect to y adds a factor i. So mixed derivatives are the same in either order.
    """
    n = int(to_y) + int(to_x)
    if n == 0:
        return math.atan2(y, x)
    if math.isinf(x) or math.isinf(y):
        return math.nan if x != x or y != y else 0.0
    (a, i), (b, j) = math.frexp(x), math.frexp(y)  # scaling could make the smaller subnormal although the result is not
    x, y, exponent = scaled_to_one(x, y)
    (x_square, x_rest), (y_square, y_rest) = exact_product(x, x), exact_product(y, y)
    square = math.fsum((x_square, x_rest, y_square, y_rest))
    if not square > 0:
        return math.nan
    sign = (1, 1, -1, -1)[int(to_y) % 4] * -((-1) ** n)
    if n == 1:
        mantissa, own = (a, i) if to_y else (-b, j)
        return times_power_of_two(sign * mantissa / square, own + 2 * exponent)
    if n == 2 and to_y != 1:
        return times_power_of_two(sign * -2 * a * b / square / square, i + j + 4 * exponent)
    real = math.fsum((x_square, x_rest, -y_square, -y_rest)) / square / square  # of 1/z²
    imaginary = -2 * x * y / square / square
    for _ in range(n - 2):
        real, imaginary = (real * x + imaginary * y) / square, (imaginary * x - real * y) / square
    part = real if to_y % 2 else imaginary
    return times_power_of_two(sign * math.factorial(n - 1) * part, n * exponent)


def remainder(x: float, y: float) -> float:
    """x - n y for the integer n nearest to x / y; nan if x is infinite or y is 0."""
    try:
        return math.remainder(x, y)
    except ValueError:
        return math.nan


def fsum(*xs: float) -> float:
    """Return the sum, rounded once; the plain sum if an intermediate result overflows."""
    try:
        return math.fsum(xs)
    except (OverflowError, ValueError):
        return sum(xs)


def times_power_of_two(x: float, exponent: int) -> float:
    """x · 2^exponent; inf if it overflows."""
    try:
        return math.ldexp(x, exponent)
    except OverflowError:
        return math.copysign(math.inf, x)


def power_derivative(x: float, y: float, to_x: float, to_y: float) -> float:
    """Differentiate x^y, i = `to_x` times with respect to x and j = `to_y` times with respect to y.

    At x = 0 the result is the limit from above. The derivatives with respect to y alone at 0⁰ do not exist, since 0^y
    jumps from 1 to 0; they are 0 by convention.

    With q(y) = y (y - 1) ... (y - i + 1), the derivative is x^(y - i) Σ C(j, m) q⁽ᵐ⁾(y) logʲ⁻ᵐ x. If x is 0 or inf, the
    first nonzero term dominates.
    """
    if x != x or y != y:
        return math.nan
    i, j = int(to_x), int(to_y)
    if x < 0 and j:
        return math.nan  # for negative x, x^y is real only at isolated y
    q = _falling_product(y, i, j)
    coefficients = [math.perm(j, m) * q[m] for m in range(j + 1)]
    first = next((m for m in range(j + 1) if coefficients[m]), None)
    if first is None:
        return 0.0
    if x == y == i == 0 and j:
        return 0.0
    if x == 0 or math.isinf(x) or math.isinf(y):
        power = _ieee_power(x, y - i)
        if power == 0:
            return 0.0
        logarithm = -math.inf if x == 0 else math.log(abs(x))
        return coefficients[first] * power * logarithm ** (j - first)
    logarithm = math.log(abs(x))
    total = 0.0
    for coefficient in coefficients:  # Horner's rule
        total = total * logarithm + coefficient
    return _times_power(total, x, y, i)


def _falling_product(y: float, i: int, j: int) -> list[float]:
    """Return the Taylor coefficients, to order j, of y (y - 1) ... (y - i + 1)."""
    coefficients = [1.0] + [0.0] * j
    for k in range(i):
        for m in range(j, -1, -1):
            coefficients[m] = coefficients[m] * (y - k) + (coefficients[m - 1] if m else 0.0)
    return coefficients


def _times_power(factor: float, x: float, y: float, shift: int) -> float:
    """factor · x^(y - shift), unaffected by the rounding of y - shift and by intermediate overflow."""
    exponent, rest = exact_difference(y, float(shift))
    power, root = _ieee_power(x, exponent), _ieee_power(abs(x), exponent / 2)
    if not root:
        return 0.0
    if rest:
        factor *= _ieee_power(abs(x), rest)
        if x < 0 and rest % 2:  # an exponent that is rounded to an integer is even
            factor = -factor
    if TINY < abs(power) < HUGE:
        return factor * power
    return math.copysign(root, power) * factor * root


def _ieee_power(x: float, y: float) -> float:
    try:
        return math.pow(x, y)
    except (OverflowError, ValueError):  # too large, or 0 to a negative power
        return math.copysign(math.inf, x) if y % 2 == 1 else math.inf


def ratio(x: float, y: float) -> float:
    """x / y in IEEE arithmetic, except that it is 0 if x is 0, for any y."""
    if x == 0:
        return 0.0
    return x / y if y else x * math.copysign(math.inf, y)


def logsumexp(*xs: float) -> float:
    """log Σ exp(x)."""
    largest = max(xs)
    if math.isinf(largest):
        return sum(x for x in xs if x != x) + largest  # nan if any number is nan
    return largest + math.log1p(math.fsum([-1.0, *(math.exp(x - largest) for x in xs)]))  # -1 cancels the largest's 1


def softmax(xs: Sequence[float]) -> list[float]:
    """exp(x) / Σ exp(x) for each x; nan if all are -inf, or several are inf."""
    largest = max(xs)
    if any(x != x for x in xs):
        return [math.nan] * len(xs)
    if math.isinf(largest):
        is_largest = [float(x == largest) for x in xs]
        return is_largest if largest == math.inf and sum(is_largest) == 1 else [math.nan] * len(xs)
    exponentials = [_exp_of_difference(x, largest) for x in xs]
    total = math.fsum(exponentials)
    return [e / total for e in exponentials]


def _exp_of_difference(x: float, largest: float) -> float:
    """exp(x - largest), corrected for the rounding of the difference, which exp would amplify."""
    difference, rest = exact_difference(x, largest)
    return math.exp(difference) * (1 + rest) if difference > -1000 else 0.0
