"""NumPy's functions that sort, search, count and rearrange arrays, under the same names."""

from __future__ import annotations

import itertools
import operator
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

from autograd.arrays.array import as_array, elementwise, ndarray
from autograd.arrays.indexing import Shape, broadcast_positions, true_indices
from autograd.arrays.kinds import CONVERT


def vector(items: list[Any], kind: Any = int) -> ndarray:
    return ndarray(items, (len(items),), kind)


def sort(x: Any, axis: int = -1) -> ndarray:
    array = as_array(x)
    return along(sorted, array, axis)


def argsort(x: Any, axis: int = -1, kind: str = "stable") -> ndarray:
    return along(lambda row: sorted(range(len(row)), key=row.__getitem__), as_array(x), axis, int)


def along(function: Any, array: ndarray, axis: int, kind: Any = None) -> ndarray:
    """Apply a function to each list along an axis; it returns a list, whose length may differ."""
    rows, shape = array.rows_along(axis)
    results = [function(row) for row in rows]
    length = len(results[0]) if results else 0
    moved = ndarray([x for row in results for x in row], (*shape, length), kind or array.dtype)
    axis %= array.ndim
    order = list(range(array.ndim - 1))
    order.insert(axis, array.ndim - 1)
    return moved if axis == array.ndim - 1 else moved.transpose(order)


def lexsort(keys: Any, axis: int = -1) -> ndarray:
    """Return the order along the last axis that sorts by the last key, then by the one before it, and so on."""
    columns = [as_array(key).rows_along(-1)[0] for key in keys]
    first = as_array(keys[0])
    orders = []
    for rows in zip(*columns):
        tuples = list(zip(*reversed(rows)))
        orders += sorted(range(len(tuples)), key=tuples.__getitem__)
    return ndarray(orders, first.shape, int)


def searchsorted(x: Any, numbers: Any) -> Any:
    items, needles = as_array(x).items, as_array(numbers)
    positions = [bisect_left(items, y) for y in needles.items]
    return ndarray(positions, needles.shape, int) if needles.shape else positions[0]


def unique(
    x: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
) -> Any:
    """Return the distinct elements in order; for a given axis, the distinct rows or columns."""
    array = as_array(x)
    keys: list[Any] = array.items
    if axis is not None:
        moved = array if axis == 0 else array.T
        width = len(moved.items) // moved.shape[0] if moved.shape[0] else 0
        keys = [tuple(moved.items[i * width : (i + 1) * width]) for i in range(moved.shape[0])]
    first: dict[Any, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    ordered = sorted(first)
    if axis is None:
        distinct = ndarray(ordered, (len(ordered),), array.dtype)
    else:
        rows = ndarray([y for key in ordered for y in key], (len(ordered), *moved.shape[1:]), array.dtype)
        distinct = rows if axis == 0 else rows.T
    number = {key: k for k, key in enumerate(ordered)}
    inverse = [number[key] for key in keys]
    extras = []
    if return_index:
        extras.append(vector([first[key] for key in ordered]))
    if return_inverse:
        extras.append(vector(inverse) if axis is not None else ndarray(inverse, array.shape, int))
    if return_counts:
        extras.append(bincount(inverse, len(ordered)))
    return (distinct, *extras) if extras else distinct


def bincount(x: Any, minlength: int = 0) -> ndarray:
    numbers = as_array(x, int).items
    counts = [0] * max(minlength, max(numbers, default=-1) + 1)
    for n in numbers:
        counts[n] += 1
    return vector(counts)


def flatnonzero(x: Any) -> ndarray:
    return vector([i for i, y in enumerate(as_array(x).items) if y])


def argwhere(x: Any) -> ndarray:
    array = as_array(x)
    indices = true_indices(array.shape, array.items)
    return ndarray([i for index in zip(*indices) for i in index], (len(indices[0]), array.ndim), int)


def count_nonzero(x: Any, axis: int | None = None) -> Any:
    return as_array(x).reduced(lambda row: sum(map(bool, row)), axis, False, int)


def where(condition: Any, a: Any, b: Any) -> Any:
    kind = max((as_array(a).dtype, as_array(b).dtype), key=lambda d: "bif".find(d.kind))
    convert = CONVERT[kind.kind]
    return elementwise(lambda c, x, y: convert(x if c else y), kind, condition, a, b)


def diff(x: Any, axis: int = -1, prepend: Any = None) -> ndarray:
    array = as_array(x)
    if prepend is not None:
        array = concatenate([[prepend], array])
    kind = bool if array.dtype.kind == "b" else None
    minus = operator.ne if kind else operator.sub
    return along(lambda row: list(map(minus, row[1:], row[:-1])), array, axis, kind)


def concatenate(arrays: Any, axis: int = 0) -> ndarray:
    parts = [as_array(x) for x in arrays]
    rank = parts[0].ndim
    order = [axis % rank, *(k for k in range(rank) if k != axis % rank)]
    moved = [part.transpose(order) for part in parts]
    shape = (sum(part.shape[0] for part in moved), *moved[0].shape[1:])
    kinds = [part.dtype for part in parts if part.size] or [parts[0].dtype]
    joined = ndarray([x for part in moved for x in part.items], shape, max(kinds, key=lambda d: "bif".find(d.kind)))
    return joined.transpose([order.index(k) for k in range(rank)])


def stack(arrays: Any, axis: int = 0) -> ndarray:
    parts = [as_array(x) for x in arrays]
    axis %= parts[0].ndim + 1
    return concatenate([part.reshape((*part.shape[:axis], 1, *part.shape[axis:])) for part in parts], axis)


def append(x: Any, more: Any) -> ndarray:
    return concatenate([as_array(x).ravel(), as_array(more).ravel()])


def delete(x: Any, indices: Any) -> ndarray:
    deleted = set(as_array(indices, int).items)
    array = as_array(x)
    return array[[i for i in range(len(array)) if i not in deleted]]  # type: ignore[no-any-return]


def repeat(x: Any, times: Any) -> ndarray:
    array = as_array(x)
    counts = as_array(times, int).items
    counts = counts * array.size if len(counts) == 1 else counts
    return ndarray([y for y, n in zip(array.items, counts) for _ in range(n)], (sum(counts),), array.dtype)


def split(x: Any, breaks: Any) -> list[ndarray]:
    array = as_array(x)
    ends = [0, *as_array(breaks, int).items, len(array)]
    return [array[a:b] for a, b in itertools.pairwise(ends)]


def take_along_axis(x: Any, indices: Any, axis: int) -> ndarray:
    array, positions = as_array(x), as_array(indices)
    axis %= array.ndim
    if axis != array.ndim - 1:
        raise NotImplementedError("the stand-in for NumPy takes along the last axis only")
    rows, n = array.rows_along(axis)[0], positions.shape[-1]
    items = [row[i] for k, row in enumerate(rows) for i in positions.items[k * n : (k + 1) * n]]
    return ndarray(items, positions.shape, array.dtype)


def broadcast_to(x: Any, shape: Shape) -> ndarray:
    array = as_array(x)
    return ndarray([array.items[p] for p in broadcast_positions(array.shape, shape)], tuple(shape), array.dtype)


def array_equal(a: Any, b: Any) -> bool:
    a, b = as_array(a), as_array(b)
    return bool(a.shape == b.shape and a.items == b.items)


def ndindex(*shape: int) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, shape))


class Joined:
    """`r_[a, b]`: numbers and vectors, concatenated."""

    def __getitem__(self, parts: Sequence[Any]) -> ndarray:
        return concatenate([as_array(part).reshape(-1) for part in parts])


r_ = Joined()
