"""IEEE arithmetic of floats: a division by zero is infinite or nan, and no operation raises an exception."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

raises: ContextVar[bool] = ContextVar("raises", default=False)
"""True if new infinities and nans are errors, as after NumPy's `seterr(over="raise")`."""


def seterr(**settings: str) -> None:
    raises.set("raise" in settings.values())


@contextmanager
def errstate(**settings: str) -> Iterator[None]:
    token = raises.set("raise" in settings.values())
    try:
        yield
    finally:
        raises.reset(token)


def refuse_new_infinities(results: Iterable[Any], operands: list[list[Any]]) -> None:
    """Raise FloatingPointError if finite operands have a result that is not finite."""
    for result, *numbers in zip(results, *operands):
        if not math.isfinite(result) and all(map(math.isfinite, numbers)):
            raise FloatingPointError("overflow, invalid operation or division by zero")


def divide(a: float, b: float) -> float:
    """
    >>> divide(1.0, 0.0), divide(-1.0, 0.0), divide(0.0, 0.0)
    (inf, -inf, nan)
    """
    try:
        return a / b
    except ZeroDivisionError:
        return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1.0, b)
    except OverflowError:
        return math.inf


def power(a: float, b: float) -> float:
    """
    >>> power(0.0, -1.0), power(-8.0, 1 / 3), power(1e200, 2.0)
    (inf, nan, inf)
    """
    try:
        if isinstance(a, int) and isinstance(b, int) and b >= 0:
            return int(a**b)
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        if a == 0:
            return -math.inf if math.copysign(1.0, a) < 0 and b % 2 == 1 else math.inf
        return math.nan


def never_raising(function: Callable[..., float], poles: Mapping[float, float] | None = None) -> Callable[..., float]:
    """Wrap a function of floats so that it is infinite at poles and on overflow, and nan where it is undefined.

    >>> never_raising(math.log, {0.0: -math.inf})(0.0), never_raising(math.sinh)(-1e3), never_raising(math.sqrt)(-1.0)
    (-inf, -inf, nan)
    """

    def total(*numbers: float) -> float:
        try:
            return function(*numbers)
        except OverflowError:
            return -math.inf if function is math.sinh and numbers[0] < 0 else math.inf
        except ValueError:
            return (poles or {}).get(numbers[0], math.nan)

    return total


class Float(float):
    """A float with IEEE arithmetic.

    >>> Float(1.0) / 0.0, 2.0 * Float(0.0) ** -1
    (inf, inf)
    """

    __slots__ = ()

    def __add__(self, other: float) -> Float:
        return Float(float(self) + other)

    def __radd__(self, other: float) -> Float:
        return Float(other + float(self))

    def __mul__(self, other: float) -> Float:
        return Float(float(self) * other)

    def __rmul__(self, other: float) -> Float:
        return Float(other * float(self))

    def __sub__(self, other: float) -> Float:
        return Float(float(self) - other)

    def __rsub__(self, other: float) -> Float:
        return Float(other - float(self))

    def __neg__(self) -> Float:
        return Float(-float(self))

    def __abs__(self) -> Float:
        return Float(abs(float(self)))

    def __truediv__(self, other: float) -> Float:
        return Float(divide(float(self), float(other)))

    def __rtruediv__(self, other: float) -> Float:
        return Float(divide(float(other), float(self)))

    def __pow__(self, other: float, modulo: None = None) -> Float:
        return Float(power(float(self), float(other)))

    def __rpow__(self, other: float, modulo: None = None) -> Float:
        return Float(power(float(other), float(self)))
