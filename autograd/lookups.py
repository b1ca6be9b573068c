"""Look up entries of a table by an index: a word's vector, or the probability of the right class."""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeVar, overload

from autograd.value import Value

Entry = TypeVar("Entry")


@overload
def take(table: Sequence[Entry], index: SupportsIndex | Value) -> Entry: ...
@overload
def take(table: Sequence[Entry], index: Sequence[Any]) -> list[Any]: ...
def take(table: Sequence[Any], index: Any) -> Any:
    """Look up the entry of a table at an index, counted from 0. It is the table's own: no node is added to the graph.

    Args:
        table: a sequence of Values or numbers, or of rows of them, nested to any depth; or an array.
        index: an int, or a (nested) sequence of ints, which gives a list of entries.

    Raises:
        IndexError: for an index below 0 or beyond the last entry. None counts from the end.
        TypeError: for an index that is no int, or a table that is no sequence.

    >>> embedding = [[Value(0.1), Value(0.2)], [Value(0.3), Value(0.4)], [Value(0.5), Value(0.6)]]
    >>> take(embedding, 2) is embedding[2]
    True
    >>> [row[0].data for row in take(embedding, [1, 0, 1])]
    [0.3, 0.1, 0.3]
    """
    if not isinstance(table, Sequence) and not _is_array(table):
        raise TypeError(f"take expects a table that is a sequence, got one of type {type(table).__name__}")
    if isinstance(index, (list, tuple)) or (_is_array(index) and index.ndim):
        return [take(table, i) for i in index]
    if isinstance(index, Value):
        raise TypeError(f"take expects an index that is an int, got {index!r}: pass the plain int that it came from")
    return table[checked_index(index, len(table))]


def checked_index(index: Any, length: int) -> int:
    """An index into a sequence of this length as an int.

    Raises:
        IndexError: where there is no such entry.
        TypeError: for what is no int; a bool, which is a condition, included.
    """
    try:
        if isinstance(index, bool):
            raise TypeError
        i = operator.index(index)
    except TypeError:
        raise TypeError(f"take expects an index that is an int, got {index!r} of type {type(index).__name__}") from None
    if not 0 <= i < length:
        raise IndexError(f"the index {i} is not in a table of {length}, whose entries are counted from 0")
    return i


def _is_array(x: object) -> bool:
    numpy = sys.modules.get("numpy")  # who passes an array has imported it
    return numpy is not None and isinstance(x, numpy.ndarray)
