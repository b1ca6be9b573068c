"""Arrays of shape (samples, steps, ...) in memory step by step, so that what a step of a loop reads lies side by side.

A slice `x[:, t]` of an array in the usual order is a row here and a row there: NumPy starts its inner loop for each of
them anew, and takes up to ten times as long. Shapes and values are those of arrays in the usual order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.operations import Batch, Shape
from autograd.compiler.targets.last_axis import ones
from autograd.compiler.targets.notation import Term

Array = NDArray[Any]

_LEAST_ROWS = 16
"""Samples from which on an array is copied into this order: with fewer, copying takes as long as it saves."""


def is_by_step(array: Array) -> bool:
    """Return whether an array lies in memory step by step."""
    return array.strides[0] < array.strides[1]


def by_step(array: Array) -> Array:
    """Return an array step by step in memory: a copy if necessary, and if it pays."""
    if len(array) < _LEAST_ROWS or is_by_step(array):
        return array
    return array.swapaxes(0, 1).copy().swapaxes(0, 1)


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Let the C library keep the memory of arrays that are freed, up to 32 MB, for the next call of a program.

    glibc gives free memory at the end of the heap back to the system, and takes it again page by page, which for a loop
    over 256 samples takes as long as all else. From how much on follows from the largest block that was ever freed,
    mallopt(3) says. Other libraries are not affected.
    """
    np.empty(_LARGE_BLOCK, np.uint8)


_LARGE_BLOCK = 1 << 24


def empty_by_step(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array to be filled, step by step in memory."""
    keep_freed_memory()
    samples, steps, *others = shape
    return np.empty((steps, samples, *others), dtype).swapaxes(0, 1)


def rows_dot(array: Array, matrix: Array) -> Array:
    """Return array @ matrix, of all rows in one product; the result lies in memory as the array does."""
    if is_by_step(array):
        return rows_dot(array.swapaxes(0, 1), matrix).swapaxes(0, 1)
    rows = array.reshape(-1, array.shape[2]).dot(matrix)
    return rows.reshape(*array.shape[:2], *rows.shape[1:])


def dot_of_rows(left: Array, right: Array, into: Array | None = None) -> Array:
    """Return the product of leftᵀ and right, with all rows of each one below the other, in the order of their memory."""
    if is_by_step(left) or is_by_step(right):
        left, right = left.swapaxes(0, 1), right.swapaxes(0, 1)
    product: Array = np.matmul(left.reshape(-1, left.shape[2]).T, right.reshape(-1, right.shape[2]), into)
    return product


def sum_rows(array: Array) -> Array:
    """Return the sum over the first two axes of three, as a product with ones."""
    if is_by_step(array):
        array = array.swapaxes(0, 1)
    rows = array.reshape(-1, array.shape[2])
    total: Array = ones(len(rows), rows.dtype).dot(rows)
    return total


_KEEP_ORDER = frozenset({"apply", "contract", "slice", "concatenate", "result"})
"""The kinds of terms whose result lies in memory as their operands do."""


def arrays_by_step(terms: Sequence[Term]) -> set[int]:
    """Return the arrays that should lie in memory step by step.

    They are those that loops read and write along the axis behind the samples', and all that is computed of these, or
    together with them, place by place.
    """
    neighbours: list[set[int]] = [set() for _ in terms]
    several = {at for at, term in enumerate(terms) if _has_steps(term.shape)}
    for at in several:
        if terms[at].kind in _KEEP_ORDER:
            for k in several.intersection(terms[at].operands):
                neighbours[at].add(k)
                neighbours[k].add(at)
    stack = [at for at in _by_loops(terms) if at in several]
    reached = set(stack)
    while stack:
        new = neighbours[stack.pop()] - reached
        reached |= new
        stack += new
    return reached


def comes_by_sample(term: Term) -> bool:
    """Return whether what computes an array gives it sample by sample, whatever it reads."""
    return term.kind not in _KEEP_ORDER


def _has_steps(shape: Shape) -> bool:
    return len(shape) == 3 and isinstance(shape[0], Batch) and not any(isinstance(n, Batch) for n in shape[1:])


def _by_loops(terms: Sequence[Term]) -> list[int]:
    """Return the arrays that loops read and write along their second axis."""
    places = []
    for at, term in enumerate(terms):
        if term.kind == "loop":
            steppings = zip(term.operands, term.attribute.steppings)
            places += [k for k, stepping in steppings if stepping is not None and stepping.axis == 1]
        elif term.kind == "result":
            loop = terms[term.operands[0]].attribute
            number = term.attribute - loop.carried
            if number >= 0 and loop.written[number].axis == 1:
                places.append(at)
    return places
