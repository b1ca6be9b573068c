"""Look up entries of a table by an index: a word's vector, or the probability of the right class."""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeVar, overload

from autograd import recording
from autograd.operands import beyond_table
from autograd.value import Value

__all__ = ["Entry", "checked_index", "indicators", "take"]

Entry = TypeVar("Entry")


@overload
def take(table: Sequence[Entry], index: SupportsIndex | Value) -> Entry: ...
@overload
def take(table: Sequence[Entry], index: Sequence[Any]) -> list[Any]: ...
def take(table: Sequence[Any], index: Any) -> Any:
    """Look up the entry of a table at an index, counted from 0. It is the table's own: no node is added to the graph.

    In a function that is compiled, a number of an argument is an index wherever `take` or `nn.one_hot` uses it. Then it
    is an integer at each call, and not a number to compute with, and the look-ups of all samples are one operation,
    `table[tokens]`, whose gradient is added up at the entries that were looked up. `table[index]` itself would keep the
    example's index for ever, and is refused.

    Args:
        table: a sequence of Values or numbers, or of rows of them, nested to any depth; or an array.
        index: an int, or a (nested) sequence of ints, which gives a list of entries.

    Raises:
        IndexError: for an index below 0 or beyond the last entry. None counts from the end.
        TypeError: for an index that is no int, or a table that is no sequence; in a function that is compiled, also for
            an index that was computed there.

    >>> embedding = [[Value(0.1), Value(0.2)], [Value(0.3), Value(0.4)], [Value(0.5), Value(0.6)]]
    >>> take(embedding, 2) is embedding[2]
    True
    >>> [row[0].data for row in take(embedding, [1, 0, 1])]
    [0.3, 0.1, 0.3]

    >>> from autograd import compile, dot
    >>> program = compile(lambda token, x: dot(take(embedding, token), x), 0, [1.0, 1.0])
    >>> program([2, 0], [[1.0, 0.0], [1.0, 2.0]])
    array([0.5, 0.5])
    """
    if not isinstance(table, Sequence) and not _is_array(table):
        raise TypeError(f"take expects a table that is a sequence, got one of type {type(table).__name__}")
    if isinstance(index, (list, tuple)) or (_is_array(index) and index.ndim):
        return [take(table, i) for i in index]
    if isinstance(index, Value):
        if recording.ever_traced and not index.is_constant and (tracer := recording.tracer.get()) is not None:
            return tracer.take(table, index)
        raise TypeError(f"take expects an index that is an int, got {index!r}: pass the plain int that it came from")
    return table[checked_index(index, len(table))]


def indicators(index: Any, classes: int) -> list[Any]:
    """Return 1 for the class of an index in a compiled function and 0 for the others; a list of such rows for a list.

    Raises:
        TypeError: for a Value outside of such a function.
    """
    if not isinstance(index, Value):
        return [indicators(i, classes) for i in index]
    tracer = recording.tracer.get() if recording.ever_traced and not index.is_constant else None
    if tracer is None:
        raise TypeError(f"an index must be an int, got {index!r}: pass the plain int that it came from")
    return tracer.one_hot(index, classes)


def checked_index(index: Any, length: int) -> int:
    """An index into a sequence of this length as an int.

    Raises:
        IndexError: where there is no such entry.
        TypeError: for what is no int; a bool, which is a condition, included.
    """
    try:
        if isinstance(index, bool) or getattr(getattr(index, "dtype", None), "kind", "") == "b":
            raise TypeError  # NumPy 2.0 only warns of its own
        i = operator.index(index)
    except TypeError:
        raise TypeError(f"take expects an index that is an int, got {index!r} of type {type(index).__name__}") from None
    if not 0 <= i < length:
        raise IndexError(f"the index is {beyond_table(i, length)}")
    return i


def _is_array(x: object) -> bool:
    numpy = sys.modules.get("numpy")  # who passes an array has imported it
    return numpy is not None and isinstance(x, numpy.ndarray)
