"""Find the elements of a flat list that a NumPy index selects: slices, None, `...`, index arrays, boolean masks."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

Shape = tuple[int, ...]


def size_of(shape: Sequence[int]) -> int:
    return math.prod(shape)


def strides_of(shape: Sequence[int]) -> list[int]:
    """Return the distance in the flat list between neighbours along each axis."""
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= length
    return strides[::-1]


def broadcast_shape(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that all shapes broadcast to. Raises ValueError if there is none."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    common = []
    for lengths in zip(*padded):
        others = {n for n in lengths if n != 1}
        if len(others) > 1:
            raise ValueError(f"operands could not be broadcast together with shapes {' '.join(map(str, shapes))}")
        common.append(others.pop() if others else 1)
    return tuple(common)


def broadcast_positions(shape: Shape, wanted: Shape) -> Sequence[int]:
    """Return for each element of the wanted shape the position of the element that is broadcast to it."""
    if shape == wanted:
        return range(size_of(shape))
    if broadcast_shape([shape, wanted]) != wanted:
        raise ValueError(f"could not broadcast from shape {shape} into shape {wanted}")
    padded = (1,) * (len(wanted) - len(shape)) + shape
    positions = [0]
    for length, stride, n in zip(padded, strides_of(padded), wanted):
        positions = [p + i * stride * (length != 1) for p in positions for i in range(n)]
    return positions


def select(shape: Shape, key: Any) -> tuple[list[int] | None, Shape]:
    """Return the selected positions in the flat list and the result's shape; for a single element None, (position,).

    Raises:
        IndexError: if an index is out of bounds, or there are too many.
    """
    entries = _expanded(shape, key)
    strides = strides_of(shape)
    has_arrays = any(isinstance(entry, tuple) for entry in entries)
    axis = 0
    blocks: list[tuple[Shape, list[int]]] = []  # axes of the result: lengths, and offsets in the flat list
    advanced: list[tuple[Shape, list[int]]] = []  # index arrays, and the integers used together with them
    where: list[int] = []
    for k, entry in enumerate(entries):
        if entry is None:
            blocks.append(((1,), [0]))
            continue
        length, stride = shape[axis], strides[axis]
        axis += 1
        if isinstance(entry, slice):
            indices = range(length)[entry]
            blocks.append(((len(indices),), [i * stride for i in indices]))
            continue
        inner, numbers = entry if isinstance(entry, tuple) else ((), [entry])
        offsets = [_in_bounds(i, length) * stride for i in numbers]
        if not has_arrays:
            blocks.append(((), offsets))
            continue
        advanced.append((inner, offsets))
        where += [k, len(blocks)] if not where else [k]
    if has_arrays:
        inner = broadcast_shape([s for s, _ in advanced])
        columns = [[o[p] for p in broadcast_positions(s, inner)] for s, o in advanced]
        ks = [where[0], *where[2:]]
        adjacent = ks[-1] - ks[0] == len(ks) - 1
        blocks.insert(where[1] if adjacent else 0, (inner, [sum(column) for column in zip(*columns)]))
    positions = [0]
    for _, offsets in blocks:
        positions = [p + offset for p in positions for offset in offsets]
    lengths = tuple(n for block, _ in blocks for n in block)
    if not lengths and not has_arrays:
        return None, (positions[0],)
    return positions, lengths


def _expanded(shape: Shape, key: Any) -> list[Any]:
    """Expand an index to one entry per axis: None, an int, a slice, or a shape and a list of indices."""
    given: list[Any] = []
    for entry in key if isinstance(key, tuple) else (key,):
        array = _as_indices(entry)
        if array is None:
            given.append(entry)
        elif array[2]:
            given += [((len(indices),), list(indices)) for indices in true_indices(array[0], array[1])]
        else:
            given.append((array[0], array[1]))
    used = sum(entry is not None and entry is not Ellipsis for entry in given)
    if used > len(shape):
        raise IndexError(f"too many indices: the array has {len(shape)} axes, but {used} were indexed")
    rest = [slice(None)] * (len(shape) - used)
    if Ellipsis not in [entry for entry in given if isinstance(entry, type(Ellipsis))]:
        return given + rest
    place = next(k for k, entry in enumerate(given) if entry is Ellipsis)
    return given[:place] + rest + given[place + 1 :]


def _as_indices(entry: Any) -> tuple[Shape, list[Any], bool] | None:
    """Return the shape and elements of an array or list, and whether it is boolean; None for anything else."""
    if isinstance(entry, (list, range)):
        from autograd.arrays.array import as_array

        entry = as_array(entry, None if len(entry) else int)
    if not hasattr(entry, "items") or not entry.shape:
        return None
    return entry.shape, entry.items, entry.dtype.kind == "b"


def true_indices(shape: Shape, conditions: Sequence[Any]) -> list[list[int]]:
    """Return for each axis the indices of the elements that are true."""
    indices: list[list[int]] = [[] for _ in shape]
    for position, condition in enumerate(conditions):
        if condition:
            for axis, (stride, length) in enumerate(zip(strides_of(shape), shape)):
                indices[axis].append(position // stride % length)
    return indices


def _in_bounds(index: Any, length: int) -> int:
    i = operator.index(index)
    if not -length <= i < length:
        raise IndexError(f"index {i} is out of bounds for axis with size {length}")
    return i % length
