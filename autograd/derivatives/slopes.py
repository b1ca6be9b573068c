"""Derivatives that are rows of the table, because the plain formula or its derivative would lose digits.

σ(1 - σ) loses its digits where σ is close to 1, and the product rule where a derivative passes through 0. Each row here
has an accurate forward rule (`formulas.py`) and a derivative rule without cancellation, so higher derivatives are
accurate too. Rows that take the orders of differentiation as inputs give equal mixed derivatives in either order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import autograd.primitives as rows  # a circular import: the rows there use the rows here, and vice versa
from autograd.derivatives import formulas
from autograd.table import Primitive, Slope, row


def softmax(xs: Sequence[Any]) -> list[Any]:
    """exp(x) / Σ exp(x) for each x, for floats or Values.

    The largest Value is subtracted as a node, not as a number, so that derivatives do not cancel.
    """
    if all(isinstance(x, float) for x in xs):
        return formulas.softmax(xs)
    numbers = [x if isinstance(x, float) else x.data for x in xs]
    pivot = max(range(len(xs)), key=numbers.__getitem__)
    exponentials = [rows.exp(x - xs[pivot]) if i != pivot else 1.0 for i, x in enumerate(xs)]
    if numbers[pivot] != numbers[pivot]:
        exponentials[pivot] = math.nan
    total = rows.sum_(*exponentials)
    return [e / total for e in exponentials]


def traced_softmax(xs: Sequence[Any]) -> list[Any]:
    """Compute the softmax while `compile` traces; no branch may depend on which number is the largest."""
    largest = rows.detached(rows.max_(*xs))
    exponentials = [rows.exp(x - largest) for x in xs]
    total = rows.sum_(*exponentials)
    return [e / total for e in exponentials]


def _power_derivative_derivatives(x: Any, y: Any, to_x: Any, to_y: Any, out: Any) -> tuple[Any, ...]:
    return power_derivative(x, y, to_x + 1, to_y), power_derivative(x, y, to_x, to_y + 1), 0.0, 0.0


def _hypot_slope_derivatives(x: Any, y: Any, out: Any) -> tuple[Any, ...]:
    if isinstance(out, float):
        return formulas.hypot_slope_derivatives(x, y)
    radius, across = rows.hypot(x, y), hypot_slope(y, x)
    mixed = out / radius * across if abs(out) < abs(across) else across / radius * out
    return across / radius * across, -mixed


def _asinh_slope_derivatives(x: Any, out: Any) -> tuple[Any, ...]:
    return (-x * out / (1 + x * x) if abs(x) < 1e100 else -(x * out) * out * out,)


def _acosh_slope_derivatives(x: Any, out: Any) -> tuple[Any, ...]:
    return (-x * out / ((x - 1) * (x + 1)) if abs(x) < 1e100 else -(x * out) * out * out,)


def _atan2_derivative_derivatives(y: Any, x: Any, to_y: Any, to_x: Any, out: Any) -> tuple[Any, ...]:
    return atan2_derivative(y, x, to_y + 1, to_x), atan2_derivative(y, x, to_y, to_x + 1), 0.0, 0.0


def _erf_slope_derivatives(x: Any, out: Any) -> tuple[Any, ...]:
    if isinstance(out, float) and out < formulas.TINY:
        return (formulas.bell(x, -2 * x),)
    return (-2 * x * out,)


def _inverse_root(x: float) -> float:
    p = formulas.one_minus_square(x)
    return 1 / math.sqrt(p) if p else math.inf


def _asin_slope_derivatives(x: Any, out: Any) -> tuple[Any, ...]:
    return (x * out / (formulas.one_minus_square(x) if isinstance(x, float) else (1 - x) * (1 + x)),)


def _acosh_slope(x: float) -> float:
    p = (x - 1) * (x + 1)
    return (1 / math.sqrt(p) if p < math.inf else 1 / x) if p else math.inf


def _atan_slope(x: float) -> float:
    square = x * x
    return 1 / (1 + square) if square < formulas.HUGE else 1 / x / x


power_derivative: Primitive = row(
    "power_derivative",
    formulas.power_derivative,
    _power_derivative_derivatives,
    symbol="∂xʸ",
    doc="A derivative of x^y; the third and fourth numbers are its orders with respect to x and y.",
)
ratio: Primitive = row(
    "ratio",
    formulas.ratio,
    lambda x, y, out: (1 / y, -ratio(out, y)),
    symbol="/",
    array=lambda x, y: rows.where(x == 0, 0.0, x / y),
    doc="x / y, and 0 at x = 0 even if y is 0: the derivative of x log y with respect to y.",
    hides_nan=True,  # ratio(0, nan) is 0
)
sqrt_slope: Primitive = row(
    "sqrt_slope",
    lambda x: 0.5 / math.sqrt(x) if x > 0 else math.inf if x == 0 else math.nan,
    lambda x, out: (-0.5 * out / (x or x + 0.0),),  # -0.0 is the edge of the domain, not a negative number
    symbol="sqrt′",
    array=lambda x: 0.5 / rows.sqrt(x),
    doc="The derivative of sqrt.",
    compiled_derivatives=lambda x, out: (-0.5 * out / x,),
)
cbrt_slope: Primitive = row(
    "cbrt_slope",
    formulas.cbrt_slope,
    lambda x, out: (-2 * out / (3 * x),),
    symbol="cbrt′",
    array=lambda x: 1 / (3 * rows.cbrt(x) ** 2),
    doc="The derivative of cbrt.",
)
hypot_slope: Primitive = row(
    "hypot_slope",
    formulas.hypot_slope,
    _hypot_slope_derivatives,
    symbol="hypot′",
    array=lambda x, y: x / rows.hypot(x, y),
    doc="The derivative of hypot(x, y) with respect to x, which is a cosine.",
    compiled_derivatives=lambda x, y, out: (
        y / rows.hypot(x, y) * (y / rows.hypot(x, y)) / rows.hypot(x, y),
        -out * y / rows.hypot(x, y) / rows.hypot(x, y),
    ),
)
asin_slope: Primitive = row(
    "asin_slope",
    _inverse_root,
    _asin_slope_derivatives,
    symbol="asin′",
    compiled_derivatives=lambda x, out: (x * out / ((1 - x) * (1 + x)),),
    array=lambda x: 1 / rows.sqrt((1 - x) * (1 + x)),
    doc="The derivative of asin, 1 / √(1 - x²).",
)
atan_slope: Primitive = row(
    "atan_slope",
    _atan_slope,
    lambda x, out: (-2 * (x * out) * out,),
    symbol="atan′",
    array=lambda x: 1 / rows.hypot(1.0, x) / rows.hypot(1.0, x),
    doc="The derivative of atan, 1 / (1 + x²).",
)
atan2_derivative: Primitive = row(
    "atan2_derivative",
    formulas.atan2_derivative,
    _atan2_derivative_derivatives,
    symbol="∂atan2",
    doc="A derivative of atan2(y, x); the third and fourth numbers are its orders with respect to y and x.",
)
asinh_slope: Primitive = row(
    "asinh_slope",
    lambda x: 1 / math.hypot(1.0, x),
    _asinh_slope_derivatives,
    symbol="asinh′",
    compiled_derivatives=lambda x, out: (-x * out / (1 + x * x),),
    array=lambda x: 1 / rows.hypot(1.0, x),
    doc="The derivative of asinh, 1 / √(1 + x²).",
)
acosh_slope: Primitive = row(
    "acosh_slope",
    _acosh_slope,
    _acosh_slope_derivatives,
    symbol="acosh′",
    compiled_derivatives=lambda x, out: (-x * out / ((x - 1) * (x + 1)),),
    array=lambda x: 1 / (rows.sqrt(x - 1) * rows.sqrt(x + 1)),
    doc="The derivative of acosh, 1 / √(x² - 1).",
)
atanh_slope: Primitive = row(
    "atanh_slope",
    lambda x: 1 / formulas.one_minus_square(x),
    lambda x, out: (2 * x * out * out,),
    symbol="atanh′",
    array=lambda x: 1 / ((1 - x) * (1 + x)),
    doc="The derivative of atanh, 1 / (1 - x²).",
)
tanh_slope: Primitive = row(
    "tanh_slope",
    formulas.tanh_slope,
    lambda x, out: (-2 * rows.tanh(x) * out,),
    symbol="tanh′",
    array=lambda x: (2 * rows.exp(-abs(x)) / (1 + rows.exp(-2 * abs(x)))) ** 2,
    doc="The derivative of tanh, 1 / cosh² x, accurate where tanh is close to 1.",
    slope=Slope.BOUNDED,
)
sigmoid_slope: Primitive = row(
    "sigmoid_slope",
    formulas.sigmoid_slope,
    lambda x, out: (-out * rows.tanh(x / 2),),
    symbol="σ′",
    array=lambda x: rows.exp(-abs(x)) / (1 + rows.exp(-abs(x))) ** 2,
    doc="The derivative of the sigmoid, σ(x) σ(-x), accurate where σ is close to 1.",
    slope=Slope.BOUNDED,
)
erf_slope: Primitive = row(
    "erf_slope",
    lambda x: formulas.bell(x),
    _erf_slope_derivatives,
    symbol="erf′",
    array=lambda x: 2 / math.sqrt(math.pi) * rows.exp(-x * x),
    doc="The derivative of erf, 2/√π · exp(-x²).",
    compiled_derivatives=lambda x, out: (-2 * x * out,),
)
