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
    """Look up the entry of a table at an index, counted from 0. The entry itself is returned: no node is added.

    In a compiled function, a number of an argument is an index if `take` or `nn.one_hot` uses it. It is then an integer
    at each call, which may only be looked up and compared. The look-ups of all samples become one operation,
    `table[tokens]`, whose gradient accumulates in the entries that were looked up. A plain `table[index]` would freeze
    the example's index, and is refused.

    Args:
        table: a sequence of Values or numbers, or of rows of them, nested to any depth; or an array.
        index: an int, or a (nested) sequence of ints, which gives a list of entries.

    Raises:
        IndexError: if an index is negative or beyond the last entry. Negative indices do not count from the end.
        TypeError: if an index is not an int, or the table is not a sequence; in a compiled function, also if the index
            was computed there.

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
        raise TypeError(f"take expects a sequence as its table, got an object of type {type(table).__name__}")
    if isinstance(index, (list, tuple)) or (_is_array(index) and index.ndim):
        return [take(table, i) for i in index]
    if isinstance(index, Value):
        if recording.ever_traced and not index.is_constant and (tracer := recording.tracer.get()) is not None:
            return tracer.take(table, index)
        raise TypeError(f"take expects an index that is an int, got {index!r}: pass the plain int that it came from")
    return table[checked_index(index, len(table))]


def indicators(index: Any, classes: int) -> list[Any]:
    """Return the one-hot vector of an index in a compiled function; for a list of indices, a list of them.

    Raises:
        TypeError: for a Value outside of a compiled function.
    """
    if not isinstance(index, Value):
        return [indicators(i, classes) for i in index]
    tracer = recording.tracer.get() if recording.ever_traced and not index.is_constant else None
    if tracer is None:
        raise TypeError(f"an index must be an int, got {index!r}: pass the plain int that it came from")
    return tracer.one_hot(index, classes)


def checked_index(index: Any, length: int) -> int:
    """Return an index into a sequence of this length as an int.

    Raises:
        IndexError: if there is no such entry.
        TypeError: if the index is not an int; a bool is rejected too, since it is a condition.
    """
    try:
        if isinstance(index, bool) or getattr(getattr(index, "dtype", None), "kind", "") == "b":
            raise TypeError  # NumPy 2.0 accepts its own bools with only a warning
        i = operator.index(index)
    except TypeError:
        raise TypeError(f"take expects an index that is an int, got {index!r} of type {type(index).__name__}") from None
    if not 0 <= i < length:
        raise IndexError(f"the index is {beyond_table(i, length)}")
    return i


def _is_array(x: object) -> bool:
    numpy = sys.modules.get("numpy")  # a caller that passes an array has imported NumPy
    return numpy is not None and isinstance(x, numpy.ndarray)
