"""Array functions that emitted source calls, besides NumPy's."""

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

__all__ = ["array_function", "named_function"]  # and the functions that emitted source calls

Array = NDArray[Any]

add, exp, negative, reciprocal = np.add, np.exp, np.negative, np.reciprocal


def _stacked(arrays: Sequence[Array]) -> Array:
    """Return a single array unchanged, or several arrays stacked along a new last axis."""
    if len(arrays) == 1:
        return arrays[0]
    return np.stack(np.broadcast_arrays(*arrays), axis=-1).astype(np.result_type(*arrays), copy=False)


def logsumexp(*arrays: Array) -> Array:
    """Compute log Σ exp over the last axis of one array, or elementwise over several arrays."""
    stacked = _stacked(arrays)
    largest = stacked.max(axis=-1, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    exponentials = np.exp(stacked - largest)
    # One exponential that is 1, the largest, is left to log1p: in a sum with it, the others would lose their digits.
    ones = (exponentials == 1.0).astype(exponentials.dtype)
    rest = (exponentials - ones).sum(axis=-1) + (ones.sum(axis=-1) - 1)
    log_of_sum: Array = largest[..., 0] + np.log1p(rest)
    return log_of_sum


def power(x: Array, exponent: Array | float) -> Array:
    """Compute the power as `math.pow` does; for the exponent 0.5, NumPy's square root differs at -inf and -0.0."""
    if np.ndim(exponent) or exponent != 0.5:
        return np.power(x, exponent)
    root: Array = np.sqrt(x) + np.zeros((), np.result_type(x))  # turns -0.0 into 0.0
    return np.where(np.equal(x, -math.inf), math.inf, root) if np.isnan(root.sum()) else root


def largest(*arrays: Array) -> Array:
    """Compute the elementwise maximum of several arrays."""
    return reduce(np.maximum, arrays)


def smallest(*arrays: Array) -> Array:
    """Compute the elementwise minimum of several arrays."""
    return reduce(np.minimum, arrays)


def softmax(*arrays: Array) -> Array:
    """Compute the derivatives of `logsumexp`: over the last axis of one array, or a part for each of several arrays."""
    stacked = _stacked(arrays)
    largest = max_last(stacked)[..., None]
    if np.isfinite(largest).all():
        result: Array = stacked - largest
        exp(result, result)
        result /= sum_last(result)[..., None]
    else:
        result = exp(np.where(stacked == largest, 0.0, stacked - largest))
        total = result.sum(axis=-1, keepdims=True)
        result /= np.where((largest < np.inf) | (total == 1.0), total, np.nan)
        result = np.where(largest > -np.inf, result, np.where(largest == -np.inf, 0.0, np.nan))
    return result if len(arrays) == 1 else np.moveaxis(result, -1, 0)


def shares(*arrays_and_out: Array) -> Array:
    """Compute the derivatives of a maximum or minimum, the last array: equal shares at a tie."""
    *arrays, out = arrays_and_out
    taken = _stacked(arrays) == (out if len(arrays) == 1 else out[..., None])
    result = taken.astype(out.dtype)
    result /= result.sum(axis=-1, keepdims=True)
    return result if len(arrays) == 1 else np.moveaxis(result, -1, 0)


def product(*arrays: Array) -> Array:
    """Compute the elementwise product of several arrays."""
    return reduce(np.multiply, arrays)


def products_of_others(*arrays: Array) -> Array:
    """Compute the derivatives of a product along the last axis: for each number, the product of all others."""
    stacked = _stacked(arrays)
    products = np.ones_like(stacked)
    np.cumprod(stacked[..., :-1], axis=-1, out=products[..., 1:])
    products[..., :-1] *= np.cumprod(stacked[..., :0:-1], axis=-1)[..., ::-1]
    return products if len(arrays) == 1 else np.moveaxis(products, -1, 0)


def detached(array: Array) -> Array:
    """Return a copy, since a program's results must not alias its arguments."""
    return +array


def sigmoid(array: Array) -> Array:
    """Compute 1 / (1 + exp(-x)) in a single array, or exp(x) where exp(-x) overflows."""
    result: Any = negative(array)
    if type(result) is not np.ndarray:
        result = np.asarray(result)
    before = overflows.latest
    exp(result, result)
    has_overflowed = overflows.latest is not before
    add(result, _ONE[result.itemsize], result)
    reciprocal(result, result)
    if has_overflowed:
        exp(array, result, where=result == 0.0)
    return result  # type: ignore[no-any-return]


_ONE = {size: np.array(1.0, f"f{size}") for size in (4, 8)}  # ufuncs are faster with these than with 1.0


def sum_samples(array: Array, into: Array) -> None:
    """Compute array.sum(axis=0), where possible as a product with ones, which takes a third of the time.

    The sum is over all axes before those of `into`.
    """
    if array.ndim > into.ndim + 1:
        array = array.swapaxes(0, 1) if is_by_step(array) else array
        array = array.reshape(-1, *into.shape)
    if array.ndim == 2:
        try:
            ones(len(array), array.dtype).dot(array, into)
            return
        except ValueError:
            pass  # `into` is not contiguous
    into[...] = array.sum(axis=0)


def sum_products(a: Array, b: Array) -> Array:
    """Compute (a * b).sum(axis=1, keepdims=True), over all axes but the first, in one call where possible."""
    if a is b or a.shape == b.shape:
        if a.ndim > 2 and a.size:
            a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
        if a.ndim == 2:
            column: Array = np.vecdot(a, b)[:, None]
            return column
    products = a * b
    sums: Array = products.sum(axis=tuple(range(1, products.ndim)))
    return sums[:, None]


def gather(array: Array, index: Array) -> Array:
    """Return the columns at an index, with zeros for -1."""
    zero = np.zeros((*array.shape[:-1], 1), array.dtype)
    taken: Array = np.concatenate([array, zero], axis=-1)[..., index]
    return taken


def place(array: Array, start: int, stop: int, width: int, step: int = 1) -> Array:
    """Return `width` columns of zeros, with the array in the columns from start to stop."""
    result: Array = np.zeros((*array.shape[:-1], width), array.dtype)
    result[..., start:stop:step] = array
    return result


def one_by_one(forward: Callable[..., float]) -> Callable[..., Array]:
    """Return an array function that calls a function of floats number by number."""

    def elementwise(*arrays: Any) -> Array:
        dtype = np.result_type(*(a.dtype for a in arrays if hasattr(a, "dtype")), np.float32)
        apply = np.frompyfunc(lambda *numbers: forward(*map(float, numbers)), len(arrays), 1)
        result: Array = np.asarray(apply(*arrays)).astype(dtype)
        return result

    return elementwise


def hypot_of_many(*arrays: Array) -> Array:
    """Compute √(x₁² + ... + xₙ²) elementwise."""
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
"""Array functions, besides NumPy's, that a row of the derivative table can name as its array form."""


def accumulate(x: Array, axis: int, backward: bool = False) -> Array:
    """Return the cumulative sums along an axis, from its start or from its end."""
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
"""Functions, besides primitives, that the emitted source calls."""


def named_function(primitive: Primitive) -> Callable[..., Any] | None:
    """Return the array function that a row of the derivative table names; None if it names none.

    Raises:
        ValueError: if there is no such function.

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
    """Return a plain elementwise implementation of a primitive."""
    if primitive is primitives.constant_power:
        return lambda x, n: power(x, n) if np.ndim(n) == 0 and n == 0.5 else x**n  # exact for small integers n
    return named_function(primitive) or one_by_one(primitive.forward)
