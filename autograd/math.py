"""Python's `math` for Values and numbers: to use it, change only a program's import.

    from autograd import math                 # in place of `import math`
    from autograd.math import sin, pi         # in place of `from math import sin, pi`

Every name of the running Python's `math` is here, with the same signature. For numbers, a function returns exactly
what `math` does, to the last bit, and raises the same errors. For Values, it returns a Value, with these exceptions:

- `floor`, `ceil`, `trunc`, `ulp`, `isclose`, `isfinite`, `isinf` and `isnan` return plain numbers, since their slope
  is 0 wherever it exists. `autograd.compile` rejects them, because it would freeze the number of its example.
- `frexp` and `modf` return a Value and a plain number; `autograd.compile` rejects them too, and `nextafter`.
- `comb`, `factorial`, `gcd`, `isqrt`, `lcm` and `perm` take integers, and reject Values.

`help(math.lgamma)` explains how the derivatives of `gamma` and `lgamma` are computed.

>>> from autograd import Value, math
>>> x = Value(2.0)
>>> y = math.log(x, 2) + math.hypot(x, 3.0, 6.0) + math.floor(x)
>>> y.data
10.0
>>> y.backward()
>>> round(x.grad, 4)  # 1 / (2 log 2) + 2 / 7
1.0071
"""

from __future__ import annotations

import functools
import math as _math
from collections.abc import Callable
from typing import Any, Never, TypeVar

from autograd import functions, primitives, recording
from autograd.math_types import (
    Close,
    InTwoParts,
    Next,
    OfMany,
    OfOne,
    OfOneOrTwo,
    OfSequence,
    OfTwo,
    OfTwoSequences,
    Product,
    Question,
    Scaling,
    ToFloat,
    ToInteger,
)
from autograd.reading import number_of
from autograd.table import Operand, Primitive
from autograd.value import Constant, Value

__all__ = [name for name in dir(_math) if not name.startswith("_")]

e: float = _math.e
inf: float = _math.inf
nan: float = _math.nan
pi: float = _math.pi
tau: float = _math.tau

_Plain = TypeVar("_Plain", bound=Callable[..., Any])


def _function(name: str, of_values: Callable[..., Any]) -> Any:
    """Wrap a function of `math` so that it dispatches to `of_values` if any argument is a Value."""
    plain = getattr(_math, name)

    @functools.wraps(plain)
    def function(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Operand) for x in (*args, *kwargs.values())):
            return of_values(*args, **kwargs)
        return plain(*args, **kwargs)

    return _named(function, of_values)


def _of_sequences(name: str, of_values: Callable[..., Any]) -> Any:
    """Do the same for a function of sequences of numbers."""
    plain = getattr(_math, name)

    @functools.wraps(plain)
    def function(*sequences: Any, **kwargs: Any) -> Any:
        numbers = [xs if isinstance(xs, (list, tuple)) else tuple(xs) for xs in sequences]
        if any(isinstance(x, Operand) for xs in (*numbers, kwargs.values()) for x in xs):
            return of_values(*numbers, **kwargs)
        return plain(*numbers, **kwargs)

    return _named(function, of_values)


def _named(function: Any, of_values: Callable[..., Any]) -> Any:
    """Make a function picklable as this module's, and add its derivative's documentation."""
    function.__module__ = __name__
    if isinstance(of_values, Primitive):
        function.__doc__ = f"{function.__doc__}\n\nOf a Value: {of_values.__doc__}"
    return function


# Functions with a derivative


def _log(x: Any, base: Any = None) -> Any:
    return primitives.log(x) if base is None else primitives.log(x) / primitives.log(base)


def _ldexp(x: Any, i: int) -> Any:
    half = _math.trunc(i / 2)  # in two steps: 2**i may overflow although the result does not
    return x * _math.ldexp(1.0, half) * _math.ldexp(1.0, i - half)


def _hypot(*coordinates: Any) -> Any:
    if len(coordinates) < 3:
        return primitives.hypot(*coordinates) if len(coordinates) == 2 else abs(coordinates[0])
    return primitives.norm(*coordinates)


def _dist(p: Any, q: Any) -> Any:
    if len(p) != len(q):
        raise ValueError(f"both points must have the same number of dimensions, got {len(p)} and {len(q)}")
    return _hypot(*[x - y for x, y in zip(p, q)])


def _product(factors: Any, *, start: Any = 1) -> Any:
    return primitives.prod_(*([] if type(start) is int and start == 1 else [start]), *factors)


acos: OfOne = _function("acos", primitives.acos)
acosh: OfOne = _function("acosh", primitives.acosh)
asin: OfOne = _function("asin", primitives.asin)
asinh: OfOne = _function("asinh", primitives.asinh)
atan: OfOne = _function("atan", primitives.atan)
atan2: OfTwo = _function("atan2", primitives.atan2)
atanh: OfOne = _function("atanh", primitives.atanh)
cbrt: OfOne = _function("cbrt", primitives.cbrt)
copysign: OfTwo = _function("copysign", primitives.copysign)
cos: OfOne = _function("cos", primitives.cos)
cosh: OfOne = _function("cosh", primitives.cosh)
degrees: OfOne = _function("degrees", lambda x: x * (180.0 / pi))
dist: OfTwoSequences = _of_sequences("dist", _dist)
erf: OfOne = _function("erf", primitives.erf)
erfc: OfOne = _function("erfc", primitives.erfc)
exp: OfOne = _function("exp", primitives.exp)
exp2: OfOne = _function("exp2", primitives.exp2)
expm1: OfOne = _function("expm1", primitives.expm1)
fabs: OfOne = _function("fabs", primitives.absolute)
fmod: OfTwo = _function("fmod", primitives.fmod)
fsum: OfSequence = _of_sequences("fsum", lambda xs: primitives.fsum(*xs))
gamma: OfOne = _function("gamma", primitives.gamma)
hypot: OfMany = _function("hypot", _hypot)
ldexp: Scaling = _function("ldexp", _ldexp)
lgamma: OfOne = _function("lgamma", primitives.lgamma)
log: OfOneOrTwo = _function("log", _log)
log10: OfOne = _function("log10", primitives.log10)
log1p: OfOne = _function("log1p", primitives.log1p)
log2: OfOne = _function("log2", primitives.log2)
pow: OfTwo = _function("pow", lambda x, y: x**y)
prod: Product = _of_sequences("prod", _product)
radians: OfOne = _function("radians", lambda x: x * (pi / 180.0))
remainder: OfTwo = _function("remainder", primitives.remainder)
sin: OfOne = _function("sin", primitives.sin)
sinh: OfOne = _function("sinh", primitives.sinh)
sqrt: OfOne = _function("sqrt", primitives.sqrt)
tan: OfOne = _function("tan", primitives.tan)
tanh: OfOne = _function("tanh", primitives.tanh)
if hasattr(_math, "fma"):
    fma = _function("fma", lambda x, y, z: x * y + z)
if hasattr(_math, "sumprod"):
    sumprod: OfTwoSequences = _of_sequences("sumprod", functions.dot)


# Functions that return plain numbers


def _of_number(name: str, remedy: str, of_values: Callable[..., Any] | None = None) -> Any:
    """Apply a function of `math` to the Values' numbers, or call `of_values`; refuse it inside a compiled function."""
    plain = getattr(_math, name)

    def refusing(*args: Any, **kwargs: Any) -> Any:
        values = [x for x in (*args, *kwargs.values()) if isinstance(x, Value) and not x.is_constant]
        if recording.ever_traced and values and (tracer := recording.tracer.get()) is not None:
            tracer.refuse(f"math.{name} of a Value", remedy)
        if of_values is not None:
            return of_values(*args, **kwargs)
        return plain(*map(_number, args), **{key: _number(x) for key, x in kwargs.items()})

    return _function(name, refusing)


def _number(x: Any) -> Any:
    return number_of(x) if isinstance(x, Value) else x


def _frexp(x: Value) -> tuple[Value, int]:
    exponent = _math.frexp(number_of(x))[1]
    return _ldexp(x, -exponent), exponent


def _modf(x: Value) -> tuple[Value, float]:
    fraction, integer = _math.modf(number_of(x))
    return primitives.fmod(x, 1.0) if _math.isfinite(integer) else Constant(fraction), integer


def _nextafter(x: Any, *args: Any, **kwargs: Any) -> Value:
    before = _number(x)
    after = _math.nextafter(before, *map(_number, args), **kwargs)
    return x + (after - before) if _math.isfinite(before) and isinstance(x, Value) else Constant(after)


_STEPS = "write x - math.fmod(x, 1.0), which is trunc(x) as a Value, or choose a step with autograd.where(x < 1, a, b)"
_CONDITION = "choose with autograd.where and a comparison of Values: "
_NO_STEPS = "compute numbers that depend on the bits of a number outside of the function, and capture them"

ceil: ToInteger = _of_number("ceil", _STEPS)
floor: ToInteger = _of_number("floor", _STEPS)
trunc: ToInteger = _of_number("trunc", _STEPS)
isclose: Close = _of_number("isclose", f"{_CONDITION}abs(a - b) <= tolerance")
isfinite: Question = _of_number("isfinite", f"{_CONDITION}abs(x) < math.inf")
isinf: Question = _of_number("isinf", f"{_CONDITION}abs(x) == math.inf")
isnan: Question = _of_number("isnan", f"{_CONDITION}x != x")
frexp: InTwoParts = _of_number("frexp", _NO_STEPS, _frexp)
modf: InTwoParts = _of_number("modf", "write math.fmod(x, 1.0), which is the fraction as a Value", _modf)
nextafter: Next = _of_number("nextafter", _NO_STEPS, _nextafter)
ulp: ToFloat = _of_number("ulp", _NO_STEPS)


# Functions of integers, and any function that a later version of Python adds


def _without_derivative(plain: _Plain) -> _Plain:
    def refuse(*args: Any, **kwargs: Any) -> Never:
        raise TypeError(
            f"math.{plain.__name__} has no derivative and takes no Values: give it plain numbers, such as int(v.data)"
        )

    function: _Plain = _function(plain.__name__, refuse)
    return function


comb: Callable[..., int] = _without_derivative(_math.comb)
factorial: Callable[..., int] = _without_derivative(_math.factorial)
gcd: Callable[..., int] = _without_derivative(_math.gcd)
isqrt: Callable[..., int] = _without_derivative(_math.isqrt)
lcm: Callable[..., int] = _without_derivative(_math.lcm)
perm: Callable[..., int] = _without_derivative(_math.perm)
for _name in set(__all__).difference(globals()):
    _other = getattr(_math, _name)
    globals()[_name] = _without_derivative(_other) if callable(_other) else _other
