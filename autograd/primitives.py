"""The derivative table: each primitive once, its forward rule and its local derivatives.

A rule is a plain expression of the primitive's inputs and its output, and it does not care what they are.
Fed floats it gives numbers, which is how a graph is recorded. Fed Values it gives a graph of the derivative itself,
which is how second and higher derivatives come about.

Conventions at ties and kinks, where no derivative exists: relu and abs have slope 0 at 0; at a tie, maximum and
minimum hand half of the gradient to each side, as PyTorch and JAX do, and max and min of many numbers the same share
to each of the largest (smallest).

Rows that choose (`where`, relu, maximum and the like) hand exactly nothing to what they do not take. The slope of abs
at 0 is a convention and no choice: where it meets an infinite derivative, as in |sqrt(x)| at 0, nan says so.

The derivatives of sigmoid and tanh are rows of their own, with rules that keep all digits where a(1 - a) and 1 - a²
lose them: where a is close to 1. Compiled programs keep these formulas, which are those of the texts.
"""

from __future__ import annotations

import math
import operator
from typing import Any

from autograd import formulas
from autograd.slopes import (
    acosh_slope,
    asin_slope,
    asinh_slope,
    atan2_derivative,
    atan_slope,
    atanh_slope,
    cbrt_slope,
    erf_slope,
    hypot_slope,
    power_derivative,
    ratio,
    sigmoid_slope,
    softmax,
    sqrt_slope,
    tanh_slope,
)
from autograd.table import OURS, TABLE, Primitive, Rule, lookup, primitive

__all__ = ["TABLE", "Primitive", "Rule", "lookup", "primitive", "sigmoid_slope", "tanh_slope"]  # for the package


def _dot_derivatives(*inputs_and_out: Any) -> tuple[Any, ...]:
    n = len(inputs_and_out) // 2 - 1
    return (*inputs_and_out[n : 2 * n], *inputs_and_out[:n], 1.0)


def _shares(*xs_out: Any) -> tuple[Any, ...]:
    """Equal shares for all inputs that are the output."""
    *xs, out = xs_out
    taken = [1.0 * (x == out) for x in xs]
    n = sum(taken[1:], taken[0])
    return tuple(t / n for t in taken)


def _logsumexp_derivatives(*xs_out: Any) -> tuple[Any, ...]:
    """The softmax; 0 where all numbers are -inf, which is where paths of probability 0 meet."""
    *xs, out = xs_out
    return (0.0,) * len(xs) if out == -math.inf else tuple(softmax(xs))


def _compiled_logsumexp_derivatives(*xs_out: Any) -> tuple[Any, ...]:
    *xs, _ = xs_out
    largest = detached(max_(*xs))
    shift = where(abs(largest) < math.inf, largest, 0.0)
    exponentials = [exp(x - shift) for x in xs]
    total = sum_(*exponentials)
    total = where(total > 0, total, 1.0)
    return tuple(e / total for e in exponentials)


def _compiled_xlogy_derivatives(x: Any, y: Any, out: Any) -> tuple[Any, ...]:
    positive = where(y > 0, y, 1.0)
    return where(y > 0, log(positive), -math.inf), x / positive


def _div_derivatives(a: Any, b: Any, out: Any) -> tuple[Any, ...]:
    if isinstance(out, float) and abs(out) < formulas.TINY < b * b < formulas.HUGE:  # if subnormal, it lost digits
        return 1 / b, -a / (b * b)
    return 1 / b, -out / b


def _power_derivatives(x: Any, y: Any, out: Any) -> tuple[Any, ...]:
    return power_derivative(x, y, 1.0, 0.0), power_derivative(x, y, 0.0, 1.0)


def _compiled_power_derivatives(x: Any, y: Any, out: Any) -> tuple[Any, ...]:
    # x^y log x tends to 0 with x where y > 0, and has no real value for a negative base
    base = where(x > 0, x, where(x == 0, 1.0, math.nan))
    exponent = where(x != 0, y, where(y != 0, y, 1.0)) - 1  # x^0 is 1 at 0 too, so its slope is 0 there
    return y * x**exponent, out * log(base)


def _constant_power_derivatives(x: Any, n: Any, out: Any) -> tuple[Any, ...]:
    if n == 0:
        return 0.0, 0.0
    if n - 1 + 1 == n and abs(n) < 2**52 and not 0 < abs(out) < formulas.TINY:  # n - 1 is no rounded number
        slope = n * x ** (n - 1)
        if not isinstance(slope, float) or formulas.TINY < abs(slope) < formulas.HUGE:
            return slope, 0.0
    return power_derivative(x, n, 1.0, 0.0), 0.0


# Arithmetic
add = primitive("add", operator.add, lambda a, b, out: (1.0, 1.0), symbol="+")
sub = primitive("sub", operator.sub, lambda a, b, out: (1.0, -1.0), symbol="-")
mul = primitive("mul", operator.mul, lambda a, b, out: (b, a), symbol="*")
div = primitive(
    "div", operator.truediv, _div_derivatives, symbol="/", compiled_derivatives=lambda a, b, out: (1 / b, -out / b)
)
neg = primitive("neg", operator.neg, lambda x, out: (-1.0,), symbol="-")
detached = primitive(
    "detach", lambda x: x, lambda x, out: (0.0,), doc="The number itself, cut off from its graph.", chooses=True
)
identity = primitive("identity", lambda x: x, lambda x, out: (1.0,), doc="The number itself, as a node of its own.")
power = primitive("power", math.pow, _power_derivatives, symbol="**", compiled_derivatives=_compiled_power_derivatives)
constant_power = primitive(
    "constant_power",
    math.pow,
    _constant_power_derivatives,
    symbol="**",
    compiled_derivatives=lambda x, n, out: ((n * x ** (n - 1) if n != 0 else 0.0), 0.0),
)

# Nodes of many parents
max_ = primitive(
    "max", formulas.largest, _shares, doc="The largest; at a tie the derivative is shared equally.", chooses=True
)
min_ = primitive(
    "min", formulas.smallest, _shares, doc="The smallest; at a tie the derivative is shared equally.", chooses=True
)
sum_ = primitive("sum", lambda *xs: sum(xs, 0.0), lambda *xs_out: (1.0,) * (len(xs_out) - 1))
dot = primitive("dot", formulas.dot, _dot_derivatives)
logsumexp = primitive(
    "logsumexp",
    formulas.logsumexp,
    _logsumexp_derivatives,
    compiled_derivatives=_compiled_logsumexp_derivatives,
)

# Choices, as conditions times numbers: a bool counts as 0 or 1
where: Primitive = primitive(
    "where", lambda c, a, b: a if c else b, lambda c, a, b, out: (0.0, 1.0 * c, 1.0 - c), chooses=True
)
absolute = primitive("abs", abs, lambda x, out: (1.0 * (x > 0) - 1.0 * (x < 0),))
maximum: Primitive = primitive(
    "maximum",
    lambda a, b: a if a > b or a != a else b,
    lambda a, b, out: (0.5 * (a > b) + 0.5 * (a >= b), 0.5 * (b > a) + 0.5 * (b >= a)),
    doc="The larger of two numbers; at a tie each side has derivative 1/2.",
    chooses=True,
)
minimum: Primitive = primitive(
    "minimum",
    lambda a, b: a if a < b or a != a else b,
    lambda a, b, out: (0.5 * (a < b) + 0.5 * (a <= b), 0.5 * (b < a) + 0.5 * (b <= a)),
    doc="The smaller of two numbers; at a tie each side has derivative 1/2.",
    chooses=True,
)

# Exponentials and logarithms
exp: Primitive = primitive("exp", math.exp, lambda x, out: (out,), doc="e to the power of x.")
expm1 = primitive("expm1", math.expm1, lambda x, out: (exp(x),), doc="exp(x) - 1, accurate near 0.")
log = primitive("log", math.log, lambda x, out: (1 / x,), doc="The natural logarithm.")
log1p = primitive("log1p", math.log1p, lambda x, out: (1 / (1 + x),), doc="log(1 + x), accurate near 0.")
log2 = primitive("log2", math.log2, lambda x, out: (math.log2(math.e) / x,), doc="The logarithm to base 2.")
log10 = primitive("log10", math.log10, lambda x, out: (math.log10(math.e) / x,), doc="The logarithm to base 10.")
xlogy = primitive(
    "xlogy",
    lambda x, y: 0.0 if x == 0 and y >= 0 else x * math.log(y),
    lambda x, y, out: (log(y), ratio(x, y)),
    array=lambda x, y: x * log(where(x == 0, where(y >= 0, 1.0, y), y)),
    doc="x log y, and 0 at x = 0: a term of a cross-entropy.",
    compiled_derivatives=_compiled_xlogy_derivatives,
)
sqrt: Primitive = primitive(
    "sqrt",
    math.sqrt,
    lambda x, out: (sqrt_slope(x),),
    doc="The square root.",
    compiled_derivatives=lambda x, out: (0.5 / out,),
)
cbrt: Primitive = primitive(
    "cbrt",
    math.cbrt,
    lambda x, out: (cbrt_slope(x),),
    doc="The cube root, of negative numbers too.",
    compiled_derivatives=lambda x, out: (1 / (3 * out * out),),
)
hypot: Primitive = primitive(
    "hypot",
    math.hypot,
    lambda x, y, out: (hypot_slope(x, y), hypot_slope(y, x)),
    doc="sqrt(x² + y²), without overflow.",
    compiled_derivatives=lambda x, y, out: (x / out, y / out),
)

# Trigonometry, angles in radians
sin = primitive("sin", math.sin, lambda x, out: (cos(x),), doc="The sine of an angle in radians.")
cos: Primitive = primitive("cos", math.cos, lambda x, out: (-sin(x),), doc="The cosine of an angle in radians.")
tan = primitive("tan", math.tan, lambda x, out: (1 + out * out,), doc="The tangent of an angle in radians.")
asin = primitive(
    "asin",
    math.asin,
    lambda x, out: (asin_slope(x),),
    doc="The angle whose sine is x.",
    compiled_derivatives=lambda x, out: (1 / sqrt((1 - x) * (1 + x)),),
)
acos = primitive(
    "acos",
    math.acos,
    lambda x, out: (-asin_slope(x),),
    doc="The angle whose cosine is x.",
    compiled_derivatives=lambda x, out: (-1 / sqrt((1 - x) * (1 + x)),),
)
atan = primitive(
    "atan",
    math.atan,
    lambda x, out: (atan_slope(x),),
    doc="The angle whose tangent is x.",
    compiled_derivatives=lambda x, out: (1 / hypot(1.0, x) / hypot(1.0, x),),
)
atan2 = primitive(
    "atan2",
    math.atan2,
    lambda y, x, out: (atan2_derivative(y, x, 1.0, 0.0), atan2_derivative(y, x, 0.0, 1.0)),
    doc="The angle of the point (x, y); the arguments come as atan2(y, x).",
    compiled_derivatives=lambda y, x, out: (x / hypot(y, x) / hypot(y, x), -y / hypot(y, x) / hypot(y, x)),
)

# Hyperbolic functions
sinh = primitive("sinh", math.sinh, lambda x, out: (cosh(x),), doc="The hyperbolic sine.")
cosh: Primitive = primitive("cosh", math.cosh, lambda x, out: (sinh(x),), doc="The hyperbolic cosine.")
tanh: Primitive = primitive(
    "tanh",
    math.tanh,
    lambda x, out: (tanh_slope(x),),
    doc="The hyperbolic tangent, an activation.",
    compiled_derivatives=lambda x, out: (1 - out * out,),
)
asinh = primitive(
    "asinh",
    math.asinh,
    lambda x, out: (asinh_slope(x),),
    doc="The inverse hyperbolic sine.",
    compiled_derivatives=lambda x, out: (1 / hypot(1.0, x),),
)
acosh = primitive(
    "acosh",
    math.acosh,
    lambda x, out: (acosh_slope(x),),
    doc="The inverse hyperbolic cosine.",
    compiled_derivatives=lambda x, out: (1 / (sqrt(x - 1) * sqrt(x + 1)),),
)
atanh = primitive(
    "atanh",
    math.atanh,
    lambda x, out: (atanh_slope(x),),
    doc="The inverse hyperbolic tangent.",
    compiled_derivatives=lambda x, out: (1 / ((1 - x) * (1 + x)),),
)

# Activations and the error function
sigmoid = primitive(
    "sigmoid",
    formulas.sigmoid,
    lambda x, out: (sigmoid_slope(x),),
    doc="1 / (1 + exp(-x)), the texts' σ.",
    compiled_derivatives=lambda x, out: (out * (1 - out),),
)
softplus = primitive(
    "softplus",
    lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    lambda x, out: (sigmoid(x),),
    array=lambda x: maximum(x, 0.0) + log1p(exp(-abs(x))),
    doc="log(1 + exp(x)), a smooth relu.",
)
relu = primitive(
    "relu",
    lambda x: 0.0 if x <= 0 else x,
    lambda x, out: (1.0 * (x > 0),),
    array=lambda x: maximum(x, 0.0),
    doc="x above 0, else 0.",
    chooses=True,
)
erf = primitive(
    "erf",
    math.erf,
    lambda x, out: (erf_slope(x),),
    doc="The error function.",
    compiled_derivatives=lambda x, out: (2 / math.sqrt(math.pi) * exp(-x * x),),
)

OURS.update(TABLE)
