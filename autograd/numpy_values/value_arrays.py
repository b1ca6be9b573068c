"""Arrays of Values: object arrays that also support functions NumPy cannot compute for objects."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from numbers import Real
from typing import Any, Never

import numpy as np

from autograd import primitives
from autograd.functions import where
from autograd.numpy_values import linear_algebra
from autograd.table import TABLE
from autograd.value import Value

Array = np.ndarray[Any, Any]


class ValueArray(np.ndarray[Any, Any]):
    """An array of Values and numbers, as returned by `autograd.array`."""

    __array_priority__: float = 10.0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return apply_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        own = FUNCTIONS.get(function)
        if own is not None and not (own is _where and len(args) == 1):
            return own(*args, **kwargs)
        try:
            return _wrapped(super().__array_function__(function, types, args, kwargs))
        except TypeError as error:
            if function.__module__ != "numpy.linalg" or not _is_conversion_error(str(error)):
                raise
            _refuse_linear_algebra(function.__name__)


def value_array(values: Any) -> ValueArray:
    """Implement `autograd.array`."""
    objects = np.array(values, dtype=object)
    for index in np.ndindex(objects.shape):
        x = objects[index]
        if isinstance(x, (list, tuple, np.ndarray)):
            raise ValueError(f"an array must have rows of the same length; the item at {list(index)} is {x!r:.60}")
        if not isinstance(x, (Value, Real, np.bool_)):
            raise TypeError(f"an array of Values holds Values and real numbers, got {x!r:.60} at {list(index)}")
    return objects.view(ValueArray)


def apply_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Compute an elementwise function of arrays and Values, using the table's function if there is one.

    Comparisons return an array of bools; while a function is compiled, an array of conditions for `np.where`.
    """
    operands = [_plain(x) for x in inputs]
    if "out" in options:
        options = {**options, "out": tuple(_plain(x) for x in options["out"])}
    of_objects = any(isinstance(x, np.ndarray) and x.dtype == object for x in operands)
    own = ELEMENTWISE.get(ufunc.__name__) if of_objects else None
    if own is not None:
        ufunc = np.frompyfunc(own, ufunc.nin, 1)
    elif of_objects and ufunc.__name__ in COMPARISONS and method == "__call__":
        options = {**options, "dtype": object}
    with np.errstate(all="ignore") if of_objects else nullcontext():  # the flags come from Python's own arithmetic
        result = getattr(ufunc, method)(*operands, **options)
    return tuple(map(_wrapped, result)) if isinstance(result, tuple) else _wrapped(result)


def _plain(x: Any) -> Any:
    """Wrap a Value in a 0-dimensional array, and view an array of Values as a plain object array."""
    if isinstance(x, Value):
        box = np.empty((), dtype=object)
        box[()] = x
        return box
    return x.view(np.ndarray) if isinstance(x, ValueArray) else x


def _wrapped(result: Any) -> Any:
    """View an object array as a ValueArray; if it holds only bools, as bools; if it is 0-dimensional, as its item."""
    if not isinstance(result, np.ndarray) or result.dtype != object:
        return result
    if result.size and all(isinstance(x, (bool, np.bool_)) for x in result.flat):
        return result.astype(bool)[()]
    return result.view(ValueArray) if result.ndim else result[()]


def _is_conversion_error(message: str) -> bool:
    """Tell whether an error of NumPy or of Value says that Values cannot be converted to floats."""
    return "ufunc" in message or message.startswith("float() of a Value")


def _refuse_linear_algebra(name: str) -> Never:
    raise TypeError(
        f"np.linalg.{name} does not take Values: solve, det, slogdet, inv, norm and matrix_power do. To compute with "
        "plain numbers, pass v.data of each Value"
    )


# Functions by NumPy's names


def _logaddexp2(x: Any, y: Any) -> Any:
    return primitives.logsumexp(x * LOG_2, y * LOG_2) / LOG_2


def _fmax(x: Any, y: Any) -> Any:
    return where(y != y, x, where(x != x, y, primitives.maximum(x, y)))


def _fmin(x: Any, y: Any) -> Any:
    return where(y != y, x, where(x != x, y, primitives.minimum(x, y)))


def _sign(x: Any) -> Any:
    return where(x > 0, 1.0, where(x < 0, -1.0, 0.0 * x))


def _clip(x: Any, low: Any, high: Any) -> Any:
    x = x if low is None else primitives.maximum(x, low)
    return x if high is None else primitives.minimum(x, high)


def _where(condition: Any, a: Any, b: Any) -> Any:
    result = np.frompyfunc(where, 3, 1)(*(_plain(x) for x in (condition, a, b)))
    return _wrapped(result)


LOG_2 = math.log(2)
OPERATORS = ("add", "subtract", "multiply", "divide", "negative", "positive", "power")
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **{
        row.array: row
        for row in TABLE.values()
        if isinstance(row.array, str) and isinstance(getattr(np, row.array, None), np.ufunc)
        if row.array not in OPERATORS
    },
    "absolute": primitives.absolute,
    "clip": _clip,
    "conjugate": lambda x: x,
    "deg2rad": lambda x: x * (np.pi / 180),
    "degrees": lambda x: x * (180 / np.pi),
    "fabs": primitives.absolute,
    "float_power": lambda x, y: x**y,
    "fmax": _fmax,
    "fmin": _fmin,
    "isfinite": lambda x: abs(x) < np.inf,
    "isinf": lambda x: abs(x) == np.inf,
    "isnan": lambda x: x != x,
    "logaddexp": lambda x, y: primitives.logsumexp(x, y),
    "logaddexp2": _logaddexp2,
    "rad2deg": lambda x: x * (180 / np.pi),
    "radians": lambda x: x * (np.pi / 180),
    "sign": _sign,
}
"""Functions by the name of NumPy's. For operators, NumPy calls the objects' own methods."""

FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.linalg.solve: lambda a, b: _wrapped(linear_algebra.solve(np.asarray(a), np.asarray(b))),
    np.linalg.det: lambda a: _wrapped(linear_algebra.det(np.asarray(a))),
    np.linalg.slogdet: linear_algebra.slogdet,
    np.linalg.inv: lambda a: _wrapped(linear_algebra.inv(np.asarray(a))),
}
