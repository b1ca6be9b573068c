"""The NumPy functions that networks need, in plain Python, under the same names."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Never

from autograd.arrays.array import as_array, elementwise, isfinite, ndarray
from autograd.arrays.chance import Generator
from autograd.arrays.ieee import divide as _divide
from autograd.arrays.ieee import errstate, never_raising, seterr
from autograd.arrays.ieee import power as _power
from autograd.arrays.indexing import Shape, size_of
from autograd.arrays.kinds import dtype
from autograd.arrays.sorting import (
    append,
    argsort,
    argwhere,
    array_equal,
    bincount,
    broadcast_to,
    concatenate,
    count_nonzero,
    delete,
    diff,
    flatnonzero,
    lexsort,
    ndindex,
    r_,
    repeat,
    searchsorted,
    sort,
    split,
    stack,
    take_along_axis,
    unique,
    where,
)

__all__ = [
    "append", "argsort", "argwhere", "array_equal", "bincount", "broadcast_to", "concatenate", "count_nonzero",
    "delete", "diff", "dtype", "errstate", "flatnonzero", "isfinite", "lexsort", "ndarray", "ndindex", "r_",
    "repeat", "searchsorted", "seterr", "sort", "split", "stack", "take_along_axis", "unique", "where",
]  # fmt: skip

INSTALL_NUMPY = "NumPy is not installed, and not available in the browser: pip install numpy"


class _Kind:
    """A stand-in for a NumPy class that has no instances here."""


inf: float = math.inf
nan: float = math.nan
float64: type[float] = float
float32: type[float] = float
int64: type[int] = int
bool_: type[bool] = bool
linalg: SimpleNamespace = SimpleNamespace(norm=lambda x: math.sqrt(sum(y * y for y in as_array(x).items)))
random: SimpleNamespace = SimpleNamespace(
    default_rng=Generator, Generator=_Kind, BitGenerator=_Kind, RandomState=_Kind, random_sample=None
)


class Missing:
    """A NumPy function that only compiled programs call when they run."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *operands: Any, **options: Any) -> Never:
        raise ModuleNotFoundError(f"numpy.{self.__name__} is needed for this. {INSTALL_NUMPY}", name="numpy")


def __getattr__(name: str) -> Missing:
    if name.startswith("__"):
        raise AttributeError(f"the stand-in for NumPy has no {name}")
    return Missing(name)


# Arrays


def asarray(x: Any, dtype: Any = None) -> ndarray:
    return as_array(x, dtype)


def array(x: Any, dtype: Any = None) -> ndarray:
    return as_array(x, dtype).copy()


def ascontiguousarray(x: ndarray) -> ndarray:
    return x


def zeros(shape: int | Shape, dtype: Any = float) -> ndarray:
    return full(shape, 0, dtype)


def full(shape: int | Shape, x: Any, dtype: Any = None) -> ndarray:
    lengths = shape if isinstance(shape, tuple) else (shape,)
    filled = ndarray([x] * size_of(lengths), lengths, type(x) if dtype is None else dtype)
    return filled if dtype is None else filled.astype(dtype)


def ones(shape: int | Shape, dtype: Any = float) -> ndarray:
    return full(shape, 1, dtype)


def empty(shape: int | Shape, dtype: Any = float) -> ndarray:
    return full(shape, 0, dtype)


def empty_like(x: ndarray) -> ndarray:
    return zeros(x.shape, x.dtype)


def arange(*limits: int, dtype: Any = int) -> ndarray:
    numbers = list(range(*map(operator.index, limits)))
    return ndarray(numbers, (len(numbers),), int)


def shape(x: Any) -> Shape:
    return as_array(x).shape


def ndim(x: Any) -> int:
    return as_array(x).ndim


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    def close(x: float, y: float) -> bool:
        return x == y or abs(x - y) <= atol + rtol * abs(y) or (equal_nan and x != x and y != y)

    return bool(as_array(elementwise(close, bool, a, b)).all())


def signbit(x: Any) -> Any:
    return elementwise(lambda x: math.copysign(1.0, x) < 0, bool, x)


# Elementwise functions


class Elementwise:
    """An elementwise function with NumPy's `out=` and `.at`."""

    def __init__(self, function: Callable[..., Any], kind: Any = None) -> None:
        self._function, self._kind = function, kind

    def __call__(self, *operands: Any, out: ndarray | None = None) -> Any:
        return elementwise(self._function, self._kind, *operands, out=out)

    def at(self, x: ndarray, indices: Any, numbers: Any) -> None:
        """Change elements one by one, so that an element whose index is repeated is changed repeatedly."""
        arrays = indices if isinstance(indices, tuple) else (indices,)
        columns = [as_array(array).ravel().tolist() for array in arrays]
        given = as_array(numbers)
        for k, index in enumerate(zip(*columns)):
            x[index] = self._function(x[index], given.items[k if given.size > 1 else 0])


add: Elementwise = Elementwise(operator.add)
subtract: Elementwise = Elementwise(operator.sub)
multiply: Elementwise = Elementwise(operator.mul)
divide: Elementwise = Elementwise(_divide, float)
power: Elementwise = Elementwise(_power, float)
abs: Elementwise = Elementwise(operator.abs)


def _of_math(function: Callable[..., float], poles: dict[float, float] | None = None) -> Elementwise:
    return Elementwise(never_raising(function, poles), float)


exp: Elementwise = _of_math(math.exp)
expm1: Elementwise = _of_math(math.expm1)
sqrt: Elementwise = _of_math(math.sqrt)
cbrt: Elementwise = _of_math(math.cbrt)
log: Elementwise = _of_math(math.log, {0.0: -inf})
log2: Elementwise = _of_math(math.log2, {0.0: -inf})
log10: Elementwise = _of_math(math.log10, {0.0: -inf})
log1p: Elementwise = _of_math(math.log1p, {-1.0: -inf})
sin: Elementwise = _of_math(math.sin)
cos: Elementwise = _of_math(math.cos)
tan: Elementwise = _of_math(math.tan)
arcsin: Elementwise = _of_math(math.asin)
arccos: Elementwise = _of_math(math.acos)
arctan: Elementwise = _of_math(math.atan)
sinh: Elementwise = _of_math(math.sinh)
cosh: Elementwise = _of_math(math.cosh)
tanh: Elementwise = _of_math(math.tanh)
arcsinh: Elementwise = _of_math(math.asinh)
arccosh: Elementwise = _of_math(math.acosh)
arctanh: Elementwise = _of_math(math.atanh, {1.0: inf, -1.0: -inf})
arctan2: Elementwise = _of_math(math.atan2)
hypot: Elementwise = _of_math(math.hypot)
