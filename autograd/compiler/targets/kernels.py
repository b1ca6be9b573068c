"""Functions of arrays that emitted source calls, besides NumPy's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from autograd import primitives
from autograd.arrays import NDArray, np
from autograd.arrays.errors import overflows
from autograd.compiler.targets.last_axis import max_last, ones, sum_last
from autograd.compiler.targets.lookup_kernels import entry_at, look_up, scatter_add
from autograd.compiler.targets.step_kernels import beside, by_step, dot_of_rows, is_by_step, part_of, rows_dot, sum_rows
from autograd.derivatives import formulas, gamma_formulas
from autograd.primitives import Primitive

__all__ = ["array_function", "named_function"]  # and what emitted source calls

Array = NDArray[Any]

add, exp, negative, reciprocal = np.add, np.exp, np.negative, np.reciprocal


def _side_by_side(arrays: Sequence[Array]) -> Array:
    """One array as it is; of several, the elements at the same place side by side along a last axis."""
    if len(arrays) == 1:
        return arrays[0]
    return np.stack(np.broadcast_arrays(*arrays), axis=-1).astype(np.result_type(*arrays), copy=False)


def logsumexp(*arrays: Array) -> Array:
    """Over the last axis of one array; or of several arrays, element by element."""
    stacked = _side_by_side(arrays)
    largest = stacked.max(axis=-1, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    exponentials = np.exp(stacked - largest)
    # Of the largest, whose exponential is 1, one is left out of the sum, beside which others would vanish.
    ones = (exponentials == 1.0).astype(exponentials.dtype)
    rest = (exponentials - ones).sum(axis=-1) + (ones.sum(axis=-1) - 1)
    found: Array = largest[..., 0] + np.log1p(rest)
    return found


def power(x: Array, exponent: Array | float) -> Array:
    """The power that `math.pow` gives, -inf and -0.0 included, of which NumPy takes the square root where it is 0.5."""
    if np.ndim(exponent) or exponent != 0.5:
        return np.power(x, exponent)
    root: Array = np.sqrt(x) + np.zeros((), np.result_type(x))  # which is 0.0 for -0.0
    return np.where(np.equal(x, -math.inf), math.inf, root) if np.isnan(root.sum()) else root


def largest(*arrays: Array) -> Array:
    """The largest of several arrays, element by element."""
    return reduce(np.maximum, arrays)


def smallest(*arrays: Array) -> Array:
    """The smallest of several arrays, element by element."""
    return reduce(np.minimum, arrays)


def softmax(*arrays: Array) -> Array:
    """The derivatives of `logsumexp`: over the last axis of one array; or of several arrays, a part for each."""
    stacked = _side_by_side(arrays)
    largest = max_last(stacked)[..., None]
    if np.isfinite(largest).all():
        found: Array = stacked - largest
        exp(found, found)
        found /= sum_last(found)[..., None]
    else:
        found = exp(np.where(stacked == largest, 0.0, stacked - largest))
        total = found.sum(axis=-1, keepdims=True)
        found /= np.where((largest < np.inf) | (total == 1.0), total, np.nan)
        found = np.where(largest > -np.inf, found, np.where(largest == -np.inf, 0.0, np.nan))
    return found if len(arrays) == 1 else np.moveaxis(found, -1, 0)


def shares(*arrays_and_out: Array) -> Array:
    """The derivatives of the largest or smallest of numbers, which is the last array: equal shares at a tie."""
    *arrays, out = arrays_and_out
    taken = _side_by_side(arrays) == (out if len(arrays) == 1 else out[..., None])
    found = taken.astype(out.dtype)
    found /= found.sum(axis=-1, keepdims=True)
    return found if len(arrays) == 1 else np.moveaxis(found, -1, 0)


def product(*arrays: Array) -> Array:
    """The product of several arrays, element by element."""
    return reduce(np.multiply, arrays)


def products_of_others(*arrays: Array) -> Array:
    """The derivatives of a product along the last axis: to each number, the product of those before and after it."""
    stacked = _side_by_side(arrays)
    found = np.ones_like(stacked)
    np.cumprod(stacked[..., :-1], axis=-1, out=found[..., 1:])
    found[..., :-1] *= np.cumprod(stacked[..., :0:-1], axis=-1)[..., ::-1]
    return found if len(arrays) == 1 else np.moveaxis(found, -1, 0)


def detached(array: Array) -> Array:
    """A copy, since what a program returns must not be what it was given."""
    return +array


def sigmoid(array: Array) -> Array:
    """1 / (1 + exp(-x)), in one array; exp(x) where exp(-x) is too large for a number."""
    found: Any = negative(array)
    if type(found) is not np.ndarray:
        found = np.asarray(found)
    before = overflows.latest
    exp(found, found)
    has_overflowed = overflows.latest is not before
    add(found, _ONE[found.itemsize], found)
    reciprocal(found, found)
    if has_overflowed:
        exp(array, found, where=found == 0.0)
    return found  # type: ignore[no-any-return]


_ONE = {size: np.array(1.0, f"f{size}") for size in (4, 8)}  # which ufuncs take quicker than 1.0


def sum_samples(array: Array, into: Array) -> None:
    """array.sum(axis=0), as a product with ones where it can be, which takes a third of the time.

    Over all axes in front of those of the place.
    """
    if array.ndim > into.ndim + 1:
        array = array.swapaxes(0, 1) if is_by_step(array) else array
        array = array.reshape(-1, *into.shape)
    if array.ndim == 2:
        try:
            ones(len(array), array.dtype).dot(array, into)
            return
        except ValueError:
            pass  # the place is not contiguous
    into[...] = array.sum(axis=0)


def sum_products(a: Array, b: Array) -> Array:
    """(a * b).sum(axis=1, keepdims=True), in one go where it can be; over all axes but the first, as a column."""
    if a is b or a.shape == b.shape:
        if a.ndim > 2 and a.size:
            a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
        if a.ndim == 2:
            found: Array = np.vecdot(a, b)[:, None]
            return found
    products = a * b
    sums: Array = products.sum(axis=tuple(range(1, products.ndim)))
    return sums[:, None]


def gather(array: Array, index: Array) -> Array:
    """The columns of an index in which -1 stands for zeros."""
    zero = np.zeros((*array.shape[:-1], 1), array.dtype)
    found: Array = np.concatenate([array, zero], axis=-1)[..., index]
    return found


def place(array: Array, start: int, stop: int, width: int, step: int = 1) -> Array:
    """The array as the columns from start to stop of as many as `width`, the others zero."""
    found: Array = np.zeros((*array.shape[:-1], width), array.dtype)
    found[..., start:stop:step] = array
    return found


class Scatter:
    """Adds columns up into others: column k of what it is called with goes to column index[k], where that is not -1."""

    def __init__(self, index: NDArray[np.int64], width: int) -> None:
        self.width = width
        self._order = np.argsort(index, kind="stable")[int((index < 0).sum()) :]
        sorted_index = index[self._order]
        self._starts = np.flatnonzero(np.diff(sorted_index, prepend=-1))
        self._columns = sorted_index[self._starts]

    def __call__(self, array: Array) -> Array:
        sums = array[..., self._order]
        if len(self._starts) < len(self._order):
            sums = np.add.reduceat(sums, self._starts, axis=-1)
        if len(self._columns) == self.width:
            return sums
        found: Array = np.zeros((*array.shape[:-1], self.width), array.dtype)
        found[..., self._columns] = sums
        return found


def one_by_one(forward: Callable[..., float]) -> Callable[..., Array]:
    """A function of floats as one of arrays, which calls it number by number."""

    def elementwise(*arrays: Any) -> Array:
        dtype = np.result_type(*(a.dtype for a in arrays if hasattr(a, "dtype")), np.float32)
        apply = np.frompyfunc(lambda *numbers: forward(*map(float, numbers)), len(arrays), 1)
        found: Array = np.asarray(apply(*arrays)).astype(dtype)
        return found

    return elementwise


def hypot_of_many(*arrays: Array) -> Array:
    """√(x₁² + ... + xₙ²), element by element."""
    return reduce(np.hypot, arrays)


KERNELS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "detached": detached,
    "entry_at": entry_at,
    "fsum": one_by_one(formulas.fsum),
    "gamma": one_by_one(gamma_formulas.gamma),
    "hypot_of_many": hypot_of_many,
    "ieee_remainder": one_by_one(formulas.remainder),
    "largest": largest,
    "lgamma": one_by_one(gamma_formulas.lgamma),
    "logsumexp": logsumexp,
    "power": power,
    "product": product,
    "sigmoid": sigmoid,
    "smallest": smallest,
}
"""Functions of arrays besides NumPy's that a row of the derivative table can name as its array form."""


def accumulate(x: Array, axis: int, backward: bool = False) -> Array:
    """Return the sums of the elements so far along an axis, from its start or from its end."""
    if not backward:
        return np.cumsum(x, axis=axis)
    sums: Array = np.flip(np.cumsum(np.flip(x, axis), axis=axis), axis)
    return sums


HELPERS: dict[str, Any] = {
    "accumulate": accumulate,
    "array": np.array,
    "beside": beside,
    "by_step": by_step,
    "broadcast_to": np.broadcast_to,
    "concatenate": np.concatenate,
    "cumsum": np.cumsum,
    "dot_of_rows": dot_of_rows,
    "einsum": np.einsum,
    "empty": np.empty,
    "gather": gather,
    "look_up": look_up,
    "max_last": max_last,
    "part_of": part_of,
    "place": place,
    "products_of_others": products_of_others,
    "rows_dot": rows_dot,
    "scatter_add": scatter_add,
    "shares": shares,
    "sum_last": sum_last,
    "softmax": softmax,
    "stack": np.stack,
    "take_along_axis": np.take_along_axis,
    "tile": np.tile,
    "zeros": np.zeros,
    "matmul": np.matmul,
    "sum_products": sum_products,
    "sum_rows": sum_rows,
    "sum_samples": sum_samples,
    "inf": math.inf,
    "nan": math.nan,
}
"""The functions that the emitted source calls besides primitives."""


def named_function(primitive: Primitive) -> Callable[..., Any] | None:
    """Return the function of arrays that a row of the derivative table names; None where it names none.

    Raises:
        ValueError: where there is no such function.

    >>> named_function(primitives.asin).__name__
    'arcsin'
    """
    if not isinstance(primitive.array, str):
        return None
    function: Callable[..., Any] | None = KERNELS.get(primitive.array) or getattr(np, primitive.array, None)
    if function is None:
        raise ValueError(
            f"primitive {primitive.name!r} names {primitive.array!r} as its form for arrays, but NumPy has no function "
            f"of that name"
        )
    return function


def array_function(primitive: Primitive) -> Callable[..., Any]:
    """Return what computes a primitive element by element, in the plainest way."""
    if primitive is primitives.constant_power:
        return lambda x, n: power(x, n) if np.ndim(n) == 0 and n == 0.5 else x**n  # which is exact for small whole n
    return named_function(primitive) or one_by_one(primitive.forward)
