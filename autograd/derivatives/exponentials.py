"""Rows of the derivative table: exponentials and logarithms, powers and roots, activations."""

from __future__ import annotations

import functools
import math
from typing import Any

from autograd.derivatives import formulas
from autograd.derivatives.arithmetic import detached, max_, maximum, minimum, sum_, where
from autograd.derivatives.slopes import (
    cbrt_slope,
    erf_slope,
    hypot_slope,
    power_derivative,
    ratio,
    sigmoid_slope,
    softmax,
    sqrt_slope,
)
from autograd.table import Primitive, Slope, row


def _logsumexp_derivatives(*xs_out: Any) -> tuple[Any, ...]:
    """Return the softmax; 0 if all numbers are -inf, as where only paths of probability 0 meet."""
    *xs, out = xs_out
    return (0.0,) * len(xs) if out == -math.inf else tuple(softmax(xs))


def _shift(largest: Any) -> Any:
    """Return the number to subtract before exponentials: the largest, unless it is infinite, since inf - inf is nan."""
    return where(abs(largest) < math.inf, largest, 0.0)


def _compiled_logsumexp_derivatives(*xs_out: Any) -> tuple[Any, ...]:
    *xs, _ = xs_out
    shift = _shift(detached(max_(*xs)))
    exponentials = [exp(x - shift) for x in xs]
    total = sum_(*exponentials)
    total = where(total > 0, total, 1.0)
    return tuple(e / total for e in exponentials)


def _machine_logsumexp(*xs: Any) -> Any:
    """Compute largest + log1p(Σ exp(other - largest)), which stays accurate if the largest dominates."""
    largest, others = xs[0], []
    for x in xs[1:]:
        others.append(minimum(largest, x))
        largest = maximum(largest, x)
    shift = _shift(largest)
    return largest + log1p(sum((exp(x - shift) for x in others), 0.0)) if others else largest


def _machine_logsumexp_derivatives(*xs_out: Any) -> tuple[Any, ...]:
    """Return the softmax; 0 if all numbers are -inf, nan if several are inf."""
    *xs, out = xs_out
    largest = functools.reduce(maximum, xs)
    exponentials = [exp(where(x == largest, 0.0, x - largest)) for x in xs]
    total = sum(exponentials[1:], exponentials[0])
    total = where(largest < math.inf, total, where(total == 1.0, 1.0, math.nan))
    return tuple(where(out == -math.inf, 0.0, e / total) for e in exponentials)


def _machine_sigmoid(x: Any) -> Any:
    e = exp(-abs(x))  # exp(-x) would overflow for a large negative x
    return where(x >= 0, 1.0, e) / (1 + e)


def _compiled_xlogy_derivatives(x: Any, y: Any, out: Any) -> tuple[Any, ...]:
    positive = where(y > 0, y, 1.0)
    return where(y > 0, log(positive), -math.inf), x / positive


def _power_derivatives(x: Any, y: Any, out: Any) -> tuple[Any, ...]:
    return power_derivative(x, y, 1.0, 0.0), power_derivative(x, y, 0.0, 1.0)


def _compiled_power_derivatives(x: Any, y: Any, out: Any) -> tuple[Any, ...]:
    # x^y log x tends to 0 with x if y > 0, and has no real value for a negative base
    base = where(x > 0, x, where(x == 0, 1.0, math.nan))
    exponent = where(x != 0, y, where(y != 0, y, 1.0)) - 1  # x^0 is 1 even at x = 0, so its slope there is 0
    return y * x**exponent, out * log(base)


def _constant_power_derivatives(x: Any, n: Any, out: Any) -> tuple[Any, ...]:
    if n == 0:
        return 0.0, 0.0
    if n - 1 + 1 == n != n - 1 and not 0 < abs(out) < formulas.TINY:  # n - 1 is exact
        slope = n * x ** (n - 1)
        if not isinstance(slope, float) or formulas.TINY < abs(slope) < formulas.HUGE:
            return slope, 0.0
    return power_derivative(x, n, 1.0, 0.0), 0.0


exp: Primitive = row(
    "exp",
    math.exp,
    lambda x, out: (out,),
    doc="e to the power of x.",
    array="exp",
    machine="exp",
    slope=Slope.LIKE_VALUE,
)
expm1: Primitive = row(
    "expm1",
    math.expm1,
    lambda x, out: (exp(x),),
    doc="exp(x) - 1, accurate near 0.",
    array="expm1",
    machine="expm1",
    slope=Slope.LIKE_VALUE,
)
log: Primitive = row(
    "log",
    math.log,
    lambda x, out: (1 / x,),
    doc="The natural logarithm.",
    array="log",
    machine="log",
    keeps_infinity=(0,),
)
log1p: Primitive = row(
    "log1p",
    math.log1p,
    lambda x, out: (1 / (1 + x),),
    doc="log(1 + x), accurate near 0.",
    array="log1p",
    machine="log1p",
    keeps_infinity=(0,),
)
log2: Primitive = row(
    "log2",
    math.log2,
    lambda x, out: (math.log2(math.e) / x,),
    doc="The logarithm to base 2.",
    array="log2",
    machine="log2",
    keeps_infinity=(0,),
)
log10: Primitive = row(
    "log10",
    math.log10,
    lambda x, out: (math.log10(math.e) / x,),
    doc="The logarithm to base 10.",
    array="log10",
    machine="log10",
    keeps_infinity=(0,),
)
xlogy: Primitive = row(
    "xlogy",
    lambda x, y: 0.0 if x == 0 and y >= 0 else x * math.log(y),
    lambda x, y, out: (log(y), ratio(x, y)),
    doc="x log y, and 0 at x = 0: a term of a cross-entropy.",
    array=lambda x, y: x * log(where(x == 0, where(y >= 0, 1.0, y), y)),
    compiled_derivatives=_compiled_xlogy_derivatives,
)
logsumexp: Primitive = row(
    "logsumexp",
    formulas.logsumexp,
    _logsumexp_derivatives,
    doc="log(exp(x₁) + ... + exp(xₙ)), without overflow.",
    array="logsumexp",
    machine=_machine_logsumexp,
    reduces="softmax",
    compiled_derivatives=_compiled_logsumexp_derivatives,
    machine_derivatives=_machine_logsumexp_derivatives,
    slope=Slope.LIKE_VALUE,
)

# Powers and roots
power: Primitive = row(
    "power",
    math.pow,
    _power_derivatives,
    symbol="**",
    doc="x to the power of y.",
    array="power",
    machine="pow",
    compiled_derivatives=_compiled_power_derivatives,
    hides_nan=True,  # 1**nan and nan**0 are 1
)
constant_power: Primitive = row(
    "constant_power",
    math.pow,
    _constant_power_derivatives,
    symbol="**",
    doc="x to the power of a constant.",
    array="power",
    machine="pow",
    compiled_derivatives=lambda x, n, out: ((n * x ** (n - 1) if n != 0 else 0.0), 0.0),
)
sqrt: Primitive = row(
    "sqrt",
    math.sqrt,
    lambda x, out: (sqrt_slope(x),),
    doc="The square root.",
    array="sqrt",
    machine="sqrt",
    compiled_derivatives=lambda x, out: (0.5 / out,),
    keeps_infinity=(0,),
)
cbrt: Primitive = row(
    "cbrt",
    math.cbrt,
    lambda x, out: (cbrt_slope(x),),
    doc="The cube root, also of negative numbers.",
    array="cbrt",
    machine="cbrt",
    compiled_derivatives=lambda x, out: (1 / (3 * out * out),),
    keeps_infinity=(0,),
)
hypot: Primitive = row(
    "hypot",
    math.hypot,
    lambda x, y, out: (hypot_slope(x, y), hypot_slope(y, x)),
    doc="sqrt(x² + y²), without overflow.",
    array="hypot",
    machine="hypot",
    compiled_derivatives=lambda x, y, out: (x / out, y / out),
    hides_nan=True,  # hypot(inf, nan) is inf
)

# Activations and the error function
sigmoid: Primitive = row(
    "sigmoid",
    formulas.sigmoid,
    lambda x, out: (sigmoid_slope(x),),
    doc="1 / (1 + exp(-x)), written σ in the textbooks.",
    array="sigmoid",
    machine=_machine_sigmoid,
    compiled_derivatives=lambda x, out: (out * (1 - out),),
    slope=Slope.BOUNDED,
)
softplus: Primitive = row(
    "softplus",
    lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    lambda x, out: (sigmoid(x),),
    doc="log(1 + exp(x)), a smooth relu.",
    array=lambda x: maximum(x, 0.0) + log1p(exp(-abs(x))),
    slope=Slope.BOUNDED,
)
relu: Primitive = row(
    "relu",
    lambda x: 0.0 if x <= 0 else x,
    lambda x, out: (1.0 * (x > 0),),
    doc="x if x > 0, else 0.",
    array=lambda x: maximum(x, 0.0),
    chooses=True,
    slope=Slope.FINITE,
)
erf: Primitive = row(
    "erf",
    math.erf,
    lambda x, out: (erf_slope(x),),
    doc="The error function.",
    machine="erf",
    compiled_derivatives=lambda x, out: (2 / math.sqrt(math.pi) * exp(-x * x),),
    slope=Slope.BOUNDED,
)
