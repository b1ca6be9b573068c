"""Lengths of axes, and the division of axes by strides.

A stride is the distance between neighbours along an axis, in elements of one sample: the axes of an array (n, 3, 4)
have the strides 12 (samples), 4 and 1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from autograd.compiler.arrays.operations import Batch, Length, N, Shape


def is_by_sample(shape: Shape) -> bool:
    """Return whether only the first axis, if any, depends on the number of samples."""
    return not any(isinstance(length, Batch) for length in shape[1:])


def per_sample(shape: Shape) -> list[int]:
    """Return the lengths of the axes of one sample.

    >>> per_sample((Batch(4), 3)), per_sample((N, 3)), per_sample((2, 3))
    ([4, 3], [1, 3], [2, 3])
    """
    return [length.times if isinstance(length, Batch) else length for length in shape]


def size_of(shape: Shape) -> int:
    """Return the number of elements per sample."""
    return math.prod(per_sample(shape))


def strides_of(shape: Shape) -> list[int]:
    """Return the stride of each axis.

    >>> strides_of((N, 3, 4))
    [12, 4, 1]
    """
    strides, stride = [], 1
    for length in reversed(per_sample(shape)):
        strides.append(stride)
        stride *= length
    return strides[::-1]


def divided(shape: Shape, strides: Iterable[int] = ()) -> Shape:
    """Return a shape divided into axes that begin at these strides; axes of length 1 stay where possible.

    >>> divided((N, 12, 1), [4]), divided((Batch(4), 3), [3])
    ((Batch(times=1), 3, 4, 1), (Batch(times=1), 4, 3))
    """
    ends = sorted({1, size_of(shape), *strides})
    ones = Counter([stride for stride, length in zip(strides_of(shape), shape) if length == 1])
    lengths: list[Length] = []
    for end, following in zip(ends, [*ends[1:], None]):
        lengths += [1] * ones[end]
        if following is not None:
            lengths.append(following // end)
    return (*[N] * bool(shape and isinstance(shape[0], Batch)), *reversed(lengths))


def by_axis(shape: Shape, lengths: Sequence[Length]) -> list[list[int]]:
    """Return the places of the lengths that each axis of a shape is divided into.

    >>> by_axis((N, 12, 1), (N, 3, 4, 1))
    [[0], [1, 2], [3]]
    """
    places, at = [], 0
    parts = per_sample(tuple(lengths))
    for length in shape:
        start = at
        (rest,) = per_sample((length,))
        if isinstance(length, Batch) or length == 1:
            at += 1
        while rest != 1:
            assert rest % parts[at] == 0, (shape, lengths)
            rest, at = rest // parts[at], at + 1
        places.append(list(range(start, at)))
    return places


def is_divided(shape: Shape, lengths: Sequence[Length]) -> bool:
    """Return whether these lengths divide the axes of a shape, as `by_axis` requires.

    >>> is_divided((N, 12), (N, 3, 4)), is_divided((N, 3, 4), (N, 12))
    (True, False)
    """
    strides = strides_of(tuple(lengths))
    return divided(shape, strides) == tuple(lengths) and set(strides_of(shape)) <= set(strides)
