"""Write primitives as ONNX nodes: by one operator or composed of several; others are rejected by name.

onnxruntime lacks float64 versions of many operators, such as Cos, Asin and Erf. They are composed of those that it has,
among them the elementary functions Exp, Log, Sin, Sqrt and Tanh; an inverse function starts from the operator's float32
result, and one correction step makes it fully precise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from autograd import primitives as p
from autograd.compiler.targets.composed import is_ours, rules
from autograd.compiler.targets.notation import comparison
from autograd.compiler.trace.rule_state import reads_state
from autograd.primitives import Primitive

if TYPE_CHECKING:
    from autograd.compiler.targets.onnx.graph import Tensor

NATIVE = {
    "abs": "Abs",
    "add": "Add",
    "constant_power": "Pow",
    "detach": "Identity",
    "div": "Div",
    "exp": "Exp",
    "identity": "Identity",
    "log": "Log",
    "mul": "Mul",
    "neg": "Neg",
    "power": "Pow",
    "sigmoid": "Sigmoid",
    "sin": "Sin",
    "sqrt": "Sqrt",
    "sub": "Sub",
    "tanh": "Tanh",
}
"""Operators that runtimes implement for float64 and float32."""

NATIVE_IN_FLOAT32 = {
    "acos": "Acos",
    "acosh": "Acosh",
    "asin": "Asin",
    "asinh": "Asinh",
    "atan": "Atan",
    "atanh": "Atanh",
    "cos": "Cos",
    "cosh": "Cosh",
    "erf": "Erf",
    "sinh": "Sinh",
    "softplus": "Softplus",
    "tan": "Tan",
}
"""Operators that runtimes implement only for float32."""

HALF_PI, REST_OF_HALF_PI = math.pi / 2, 6.123233995736766e-17
SMALL, LARGE = 0.5, 1e8


def applied(primitive: Primitive, operands: Sequence[Tensor]) -> Tensor:
    """Apply a primitive elementwise.

    Raises:
        NotImplementedError: for a primitive that is not an expression, naming it.
    """
    graph = operands[0].graph
    if symbol := comparison(primitive):
        return _compared(symbol, *operands)
    if is_ours(primitive):
        operator = NATIVE.get(primitive.name) or (graph.dtype.itemsize == 4 and NATIVE_IN_FLOAT32.get(primitive.name))
        if operator:
            return operands[0].node(operator, *operands[1:])
        if primitive.name in COMPOSED:
            composed: Tensor = COMPOSED[primitive.name](*operands)
            return composed
    elif reads_state(primitive):
        raise NotImplementedError(
            f"primitive {primitive.name!r} reads mutable state, which an ONNX model cannot: its rules must be "
            "expressions of their arguments"
        )
    return _by_expression(primitive, operands)


def _by_expression(primitive: Primitive, operands: Sequence[Tensor]) -> Tensor:
    """Apply a row's rule to tensors."""
    from autograd.compiler.targets.onnx.graph import Tensor

    for rule in rules(primitive):
        try:
            result = rule(*operands)
        except (TypeError, ValueError, AttributeError):
            continue
        if isinstance(result, Tensor):
            return result
    if is_ours(primitive) and primitive.name in NATIVE_IN_FLOAT32:
        raise NotImplementedError(
            f"primitive {primitive.name!r} has no float64 operator in ONNX's runtimes, nor a composition of others: "
            "pass dtype='float32'"
        )
    way_out = "give it array=, an expression of this package's functions"
    remedy = "there are none that it could be composed of" if is_ours(primitive) else way_out
    raise NotImplementedError(
        f"primitive {primitive.name!r} is called number by number, which no operator of ONNX does: {remedy}"
    )


def _compared(symbol: str, a: Tensor, b: Tensor) -> Tensor:
    """Return 1.0 where a comparison holds, else 0.0."""
    operators = {"==": "Equal", "<": "Less", "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual"}
    holds = a.node("Equal", b).node("Not") if symbol == "!=" else a.node(operators[symbol], b)
    return holds.node("Cast", to=a.graph.element_type)


def _where(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return condition.node("Cast", to=condition.graph.onnx.TensorProto.BOOL).node("Where", a, b)


def _largest(*xs: Any) -> Any:
    """Return the maximum; nan propagates, which not every runtime's operator ensures."""
    return reduce(lambda a, b: p.where(a > b, a, p.where(a != a, a, b)), xs)


def _smallest(*xs: Any) -> Any:
    return reduce(lambda a, b: p.where(a < b, a, p.where(a != a, a, b)), xs)


def _log1p(x: Any) -> Any:
    """Return log(1 + x), corrected for the rounding of 1 + x. Source: Kahan."""
    u = 1 + x
    exact = p.where(u == 1, x, p.log(u) * (x / p.where(u == 1, 1.0, u - 1)))
    return p.where(abs(x) > SMALL, p.log(u), exact)


def _expm1(x: Any) -> Any:
    """Return exp(x) - 1, corrected for the rounding of exp(x). Source: Kahan."""
    u = p.exp(x)
    exact = p.where(u == 1, x, (u - 1) * (x / p.where(u == 1, 1.0, p.log(u))))
    return p.where(abs(x) > SMALL, u - 1, exact)


def _copysign(x: Any, y: Any) -> Any:
    is_negative = p.where(y == 0, 1 / y < 0, y < 0)
    return p.where(is_negative, -abs(x), abs(x))


def _fmod(x: Tensor, y: Tensor) -> Tensor:
    return x.node("Mod", y, fmod=1)


def _cos(x: Any) -> Any:
    near = p.sin((HALF_PI - abs(x)) + REST_OF_HALF_PI)  # fully precise near the first zeros
    half = p.sin(0.5 * x)
    return p.where(abs(x) < 2 * HALF_PI, near, 1 - 2 * (half * half))


def _angle(sine: Any, cosine: Any, start: Any) -> Any:
    """Return the angle with this sine and cosine near a start, by the series of asin for the difference."""
    d = sine * _cos(start) - cosine * p.sin(start)
    square = d * d
    return start + d * (1 + square * (1 / 6 + square * (3 / 40)))


def _atan(x: Any) -> Any:
    is_large = abs(x) > 1
    small = p.where(is_large, 1 / p.where(is_large, x, 1.0), x)
    root = p.sqrt(1 + small * small)
    angle = _angle(small / root, 1 / root, small.in_float32("Atan"))
    return p.where(is_large, p.where(x < 0, -HALF_PI, HALF_PI) - angle, angle)


def _asin(x: Any) -> Any:
    return _angle(x, p.sqrt((1 - x) * (1 + x)), x.in_float32("Asin"))


def _acos(x: Any) -> Any:
    return _angle(p.sqrt((1 - x) * (1 + x)), x, x.in_float32("Acos"))


def _atan2(y: Any, x: Any) -> Any:
    a, b = abs(y), abs(x)
    longer, shorter = p.maximum(a, b), p.minimum(a, b)
    angle = _atan(shorter / p.where(longer == 0, 1.0, longer))
    angle = p.where(a > b, HALF_PI - angle, angle)
    angle = p.where(x < 0, 2 * HALF_PI - angle, angle)
    return p.where(y < 0, -angle, angle)


def _sinh(x: Any) -> Any:
    size = abs(x)
    less_one, half = _expm1(size), p.exp(0.5 * size)
    result = p.where(size > 20, (0.5 * half) * half, 0.5 * (less_one + less_one / (less_one + 1)))
    return p.where(x < 0, -result, result)


def _cosh(x: Any) -> Any:
    half = p.exp(0.5 * abs(x))
    return (0.5 * half) * half + 0.5 * p.exp(-abs(x))


def _asinh(x: Any) -> Any:
    size = abs(x)
    result = p.where(
        size > LARGE, p.log(size) + math.log(2), _log1p(size + size * size / (1 + p.sqrt(1 + size * size)))
    )
    return p.where(x < 0, -result, result)


def _acosh(x: Any) -> Any:
    less_one = x - 1
    return p.where(x > LARGE, p.log(x) + math.log(2), _log1p(less_one + p.sqrt(less_one * (less_one + 2))))


def _atanh(x: Any) -> Any:
    size = abs(x)
    result = 0.5 * _log1p(2 * size / (1 - size))
    return p.where(x < 0, -result, result)


def _cbrt(x: Any) -> Any:
    """Return the cube root: a power, refined to full precision by a step of Newton's method."""
    size = abs(x)
    root = size ** (1 / 3)
    has_digits = (root > 0) * (root < math.inf)
    safe = p.where(has_digits, root, 1.0)
    result = p.where(has_digits, safe - (safe - size / safe / safe) / 3, root)
    return p.where(x < 0, -result, result)


def _hypot(x: Any, y: Any) -> Any:
    longer, shorter = p.maximum(abs(x), abs(y)), p.minimum(abs(x), abs(y))
    ratio = shorter / p.where((longer > 0) * (longer < math.inf), longer, 1.0)
    return p.where(longer < math.inf, longer * p.sqrt(1 + ratio * ratio), longer)


def _logsumexp(*xs: Any) -> Any:
    largest = _largest(*xs)
    shift = p.where(abs(largest) < math.inf, largest, 0.0)
    return shift + p.log(reduce(lambda a, b: a + b, [p.exp(x - shift) for x in xs]))


COMPOSED: dict[str, Callable[..., Any]] = {
    "acos": _acos,
    "acosh": _acosh,
    "asin": _asin,
    "asinh": _asinh,
    "atan": _atan,
    "atan2": _atan2,
    "atanh": _atanh,
    "cbrt": _cbrt,
    "copysign": _copysign,
    "cos": _cos,
    "cosh": _cosh,
    "exp2": lambda x: p.power(2.0, x),
    "expm1": _expm1,
    "fmod": _fmod,
    "hypot": _hypot,
    "log10": lambda x: p.log(x) / math.log(10),
    "log1p": _log1p,
    "log2": lambda x: p.log(x) / math.log(2),
    "logsumexp": _logsumexp,
    "max": _largest,
    "maximum": _largest,
    "min": _smallest,
    "minimum": _smallest,
    "prod": lambda *xs: reduce(lambda a, b: a * b, xs),
    "sinh": _sinh,
    "tan": lambda x: p.sin(x) / _cos(x),
    "where": _where,
}
"""Primitives composed of others. Primitives in no table use their rows' rules, if these are expressions."""
