"""JAX as the interpreter's array library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.loop import Stepping
from autograd.compiler.arrays.operations import Data, Padding
from autograd.compiler.targets.libraries.library import Forward, SlopesOf, Step
from autograd.compiler.trace.signature import Argument

LARGEST_MULTIPLIED = 1000
"""The largest integer exponent for which a power is computed by multiplications."""


class JaxLibrary:
    """JAX's functions.

    Args:
        jax: the module.
        dtype: the dtype of all computations.
    """

    name = "JAX"

    def __init__(self, jax: Any, dtype: Any) -> None:
        self._jax, self._np, self._dtype = jax, jax.numpy, dtype

    def array(self, x: Any) -> Any:
        """Return numbers as an array of the dtype."""
        return self._np.asarray(x, dtype=self._dtype)

    def constant(self, x: float | Data) -> Any:
        return np.asarray(x.array if isinstance(x, Data) else x, dtype=self._dtype)  # a constant under tracing, too

    def flags(self, x: NDArray[Any]) -> Any:
        return x

    def constant_of(self, x: Any) -> Any:
        return self._jax.lax.stop_gradient(x)

    def function(self, name: str) -> Callable[..., Any] | None:
        special = {"sigmoid": "expit", "lgamma": "gammaln"}.get(name, name) or "-"
        function: Callable[..., Any] | None = getattr(self._np, special, None)
        return function or getattr(self._jax.scipy.special, special, None)

    def power(self, x: Any, exponent: float) -> Any:
        if exponent.is_integer() and abs(exponent) < LARGEST_MULTIPLIED:
            return self._jax.lax.integer_pow(x, int(exponent))
        return self._np.power(x, self.constant(exponent))

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        return getattr(self._np, COMPARISONS[symbol])(a, b).astype(self._dtype)

    def is_nonzero(self, x: Any) -> Any:
        return self._np.not_equal(x, 0)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return self._np.where(condition, a, b)

    def finite_or(self, arrays: Sequence[Any], otherwise: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        numpy, lax = self._np, self._jax.lax
        is_finite = numpy.all(numpy.stack([numpy.all(numpy.isfinite(x)) for x in arrays]))
        if not isinstance(is_finite, self._jax.core.Tracer):
            return arrays if is_finite else otherwise()
        others: Sequence[Any] = lax.cond(
            is_finite, lambda given: list(given), lambda _: list(otherwise()), list(arrays)
        )
        return others

    def einsum(self, equation: str, a: Any, b: Any) -> Any:
        return self._np.einsum(equation, a, b)

    def sum(self, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
        return self._np.sum(x, axis=axes, keepdims=keepdims)

    def running_sums(self, x: Any, axis: int, backward: bool) -> Any:
        return self._jax.lax.cumsum(x, axis, reverse=backward)

    def largest(self, x: Any) -> Any:
        return self._np.max(x, axis=-1, keepdims=True)

    def product(self, x: Any) -> Any:
        return self._np.prod(x, axis=-1, keepdims=True)

    def running_products(self, x: Any) -> Any:
        return self._np.cumprod(x, axis=-1)

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        return self._np.reshape(x, shape)

    def transpose(self, x: Any, axes: tuple[int, ...]) -> Any:
        return self._np.transpose(x, axes)

    def broadcast(self, x: Any, shape: tuple[int, ...]) -> Any:
        return self._np.broadcast_to(x, shape)

    def concatenate(self, arrays: Sequence[Any], axis: int) -> Any:
        return self._np.concatenate(arrays, axis=axis)

    def stack(self, arrays: Sequence[Any]) -> Any:
        return self._np.stack(self._np.broadcast_arrays(*arrays), axis=-1)

    def pad(self, x: Any, padding: Padding, shape: tuple[int, ...]) -> Any:
        axis, start, stop, step, length = padding
        last = range(start, stop, step)[-1]
        widths = [(0, 0, 0)] * len(shape)
        widths[axis] = start, length - 1 - last, step - 1
        return self._jax.lax.pad(x, self.constant(0.0), widths)

    def take(self, x: Any, positions: NDArray[Any]) -> Any:
        return self._np.take(x, positions, axis=-1, mode="clip")

    def add_at(self, x: Any, positions: NDArray[Any], shape: tuple[int, ...]) -> Any:
        return self._np.zeros(shape, self._dtype).at[..., positions].add(x)

    def read_indices(self, argument: Argument, x: Any) -> tuple[Any, bool]:
        """Return an argument's indices, one row per sample, and whether they were a batch.

        Under tracing the numbers are unknown: an index out of range gives nan then.

        Raises:
            TypeError: for numbers that are not integers.
            IndexError: for an index that is out of range.
        """
        rows, batched = argument.as_rows(self._np.asarray(x))
        is_known = not isinstance(rows, self._jax.core.Tracer)
        argument.refuse_beyond_tables(np.asarray(rows) if is_known else rows, batched, is_known)
        return rows, batched

    def look_up(self, table: Any, index: Any, shared: int) -> Any:
        index = self._beyond(index, table.shape[shared])
        return table.at[(*self._places(index, shared), index)].get(mode="fill", fill_value=np.nan)

    def scatter(self, x: Any, index: Any, shared: int, shape: tuple[int, ...]) -> Any:
        index = self._beyond(index, shape[shared])
        return self._np.zeros(shape, self._dtype).at[(*self._places(index, shared), index)].add(x, mode="drop")

    def _beyond(self, index: Any, length: int) -> Any:
        """Replace negative indices by one beyond the table, since no index counts from the end."""
        return self._np.where(index < 0, length, index)

    def _places(self, index: Any, shared: int) -> list[Any]:
        """Return the coordinates of an index's elements along its first axes."""
        return [self._np.arange(index.shape[k]).reshape([-1, *[1] * (index.ndim - k - 1)]) for k in range(shared)]

    def by_rule(self, forward: Forward, slopes: SlopesOf, careful: bool, reduces: bool = False) -> Forward:
        numpy = self._np
        function = self._jax.custom_jvp(lambda *operands: forward(*operands))

        @function.defjvp  # type: ignore[untyped-decorator]
        def tangent(operands: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
            out = function(*operands)
            total: Any = numpy.zeros((), self._dtype)
            for slope, given in zip(slopes(operands, out), tangents):
                passed = slope * given
                if careful:
                    passed = numpy.where(numpy.not_equal(slope, 0), passed, numpy.zeros((), self._dtype))
                total = total + (numpy.sum(passed, axis=-1, keepdims=True) if reduces else passed)
            return out, numpy.broadcast_to(total, out.shape)

        result: Forward = function
        return result

    def loop(
        self,
        step: Step,
        states: Sequence[Any],
        read: Sequence[tuple[Any, Stepping]],
        written: Sequence[Stepping],
        steps: int,
    ) -> list[Any]:
        numpy = self._np

        def along_first(x: Any, stepping: Stepping) -> Any:
            moved = numpy.moveaxis(x, stepping.axis, 0)
            return numpy.flip(moved, 0) if stepping.backward else moved

        def back(x: Any, stepping: Stepping) -> Any:
            return numpy.moveaxis(numpy.flip(x, 0) if stepping.backward else x, 0, stepping.axis)

        def one(carried: list[Any], places: list[Any]) -> tuple[list[Any], list[Any]]:
            after, results = step(carried, places)
            return [self.array(x) for x in after], results

        initial = [self.array(x) for x in states]
        arrays = [along_first(x, stepping) for x, stepping in read]
        last, stacked = self._jax.lax.scan(one, initial, arrays, length=steps)
        return [*last, *map(back, stacked, written)]


COMPARISONS = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
