"""Group a module's parameters into arrays, as a list of lists forms a matrix; used by files and pictures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from autograd import Value


class NamedArray(NamedTuple):
    """Parameters that form one array.

    Attributes:
        shape: the array's shape.
        parameters: the elements, row by row.
    """

    shape: tuple[int, ...]
    parameters: list[Value]


Entry = tuple[tuple[str, ...], Value]
"""The parts of a parameter's name, and the parameter."""


def named_arrays(parameters: Iterable[tuple[str, Value]]) -> dict[str, NamedArray]:
    """Group parameters whose names differ only in indices: those of a list of lists, or of a layer's neurons.

    >>> numbers = [(f"table.{i}.{k}", Value(0.0)) for i in range(2) for k in range(3)]
    >>> {name: array.shape for name, array in named_arrays([*numbers, ("bias", Value(0.0))]).items()}
    {'table': (2, 3), 'bias': ()}
    """
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for name, parameter in parameters:
        parts = tuple(name.split("."))
        last = max((n for n, part in enumerate(parts) if not part.isdecimal()), default=-1)
        of_neurons = (n > 0 and parts[n - 1] == "neurons" for n in range(len(parts)))
        is_axis = [
            part.isdecimal() and (n > last or next_to) for n, (part, next_to) in enumerate(zip(parts, of_neurons))
        ]
        key = tuple(["" if axis else part for part, axis in zip(parts, is_axis)])
        groups.setdefault(key, []).append((parts, parameter))
    arrays: dict[str, NamedArray] = {}
    for key, entries in groups.items():
        for name, array in _full_arrays(key, entries):
            arrays[name if name not in arrays else ".".join(key)] = array
    return arrays


def _full_arrays(key: tuple[str, ...], entries: list[Entry]) -> Iterator[tuple[str, NamedArray]]:
    """Yield one array or, if rows differ in length, one array per row.

    Args:
        key: the parts that the parameters' names share; "" stands for an index.
    """
    axes = [n for n, part in enumerate(key) if not part]
    numbered = {tuple([int(parts[n]) for n in axes]): parameter for parts, parameter in entries}
    shape = tuple([1 + max(index) for index in zip(*numbered)])
    if len(numbered) == math.prod(shape):
        in_order = [numbered[index] for index in itertools.product(*map(range, shape))]
        yield ".".join(filter(None, key)), NamedArray(shape, in_order)
        return
    rows: dict[str, list[Entry]] = {}
    for entry in entries:
        rows.setdefault(entry[0][axes[0]], []).append(entry)
    for number, row in rows.items():
        yield from _full_arrays((*key[: axes[0]], number, *key[axes[0] + 1 :]), row)
