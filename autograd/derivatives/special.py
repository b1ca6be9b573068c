"""Rows of the derivative table: the remaining functions of Python's `math`, for `autograd.math`."""

from __future__ import annotations

import functools
import math
from typing import Any

from autograd.derivatives import formulas, gamma_formulas
from autograd.derivatives.arithmetic import detached, where
from autograd.derivatives.exponentials import exp, hypot
from autograd.derivatives.slopes import erf_slope
from autograd.table import Primitive, Slope, row


def _norm_derivatives(*xs_out: Any) -> tuple[Any, ...]:
    *xs, out = xs_out
    return formulas.norm_slopes(xs) if isinstance(out, float) else tuple(x / out for x in xs)


def _remainder_derivatives(x: Any, y: Any, out: Any) -> tuple[Any, ...]:
    """Return the derivatives of x - n y, where n is locally constant."""
    return 1.0, -detached((x - out) / y)


exp2: Primitive = row(
    "exp2",
    math.exp2,
    lambda x, out: (math.log(2) * out,),
    doc="2 to the power of x.",
    array="exp2",
    machine="exp2",
    slope=Slope.LIKE_VALUE,
)
erfc: Primitive = row(
    "erfc",
    math.erfc,
    lambda x, out: (-erf_slope(x),),
    doc="1 - erf(x), accurate where erf(x) is close to 1.",
    machine="erfc",
    compiled_derivatives=lambda x, out: (-2 / math.sqrt(math.pi) * exp(-x * x),),
    slope=Slope.BOUNDED,
)

# No machine code: the C library has no derivatives of these
gamma: Primitive = row(
    "gamma",
    math.gamma,
    lambda x, out: (out * lgamma_derivative(x, 1.0),),
    symbol="Γ",
    doc="Euler's Γ(x), which is (x - 1)! for positive integers. Its derivative is Γ(x) ψ(x), see `lgamma`.",
    array="gamma",
)
lgamma: Primitive = row(
    "lgamma",
    math.lgamma,
    lambda x, out: (lgamma_derivative(x, 1.0),),
    doc="log |Γ(x)|. Its derivative is the digamma function ψ(x), computed by its asymptotic series for large x, the "
    "recurrence ψ(x) = ψ(x + 1) - 1/x for small x, and reflection for negative x. Higher derivatives likewise.",
    array="lgamma",
)
lgamma_derivative: Primitive = row(
    "lgamma_derivative",
    gamma_formulas.lgamma_derivative,
    lambda x, n, out: (lgamma_derivative(x, n + 1), 0.0),
    symbol="ψ",
    doc="A derivative of lgamma; the second number is its order: ψ(x), ψ′(x), and so on.",
)
copysign: Primitive = row(
    "copysign",
    math.copysign,
    lambda x, y, out: (where(out == x, 1.0, -1.0), 0.0),
    doc="The magnitude of the first number with the sign of the second.",
    array="copysign",
    machine="copysign",
    slope=Slope.FINITE,
    hides_nan=True,  # nan has a sign too
)
fmod: Primitive = row(
    "fmod",
    math.fmod,
    _remainder_derivatives,
    doc="x - n y for the integer n = trunc(x / y): the result has the sign of x.",
    array="fmod",
    machine="fmod",
)
remainder: Primitive = row(
    "remainder",
    math.remainder,
    _remainder_derivatives,
    doc="x - n y for the integer n nearest to x / y.",
    array="ieee_remainder",
    machine="remainder",
)

# Nodes of many parents
norm: Primitive = row(
    "norm",
    math.hypot,
    _norm_derivatives,
    symbol="hypot",
    doc="sqrt(x₁² + ... + xₙ²), without overflow.",
    array="hypot_of_many",
    machine=lambda *xs: functools.reduce(hypot, xs),
    hides_nan=True,  # the norm of inf and nan is inf
)
fsum: Primitive = row(
    "fsum",
    lambda *xs: math.fsum(xs),
    lambda *xs_out: (1.0,) * (len(xs_out) - 1),
    doc="The sum of many numbers, rounded once.",
    array="fsum",
    slope=Slope.FINITE,
)
