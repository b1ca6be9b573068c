"""Read the tables that a traced function looks up in, and compare them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from itertools import chain
from numbers import Real
from typing import Any, NamedTuple

from autograd.compiler.trace.source_lines import users_line
from autograd.nested import Rebuild, flatten
from autograd.reading import number_of
from autograd.value import Traced, Value


class Rows(NamedTuple):
    """A table as given.

    Attributes:
        entries: all entries, row by row.
        length: the number of rows.
        is_flat: whether each row is a single number.
        rebuild: builds a row from an iterator over its numbers.
    """

    entries: list[Any]
    length: int
    is_flat: bool
    rebuild: Rebuild

    @property
    def width(self) -> int:
        """The number of entries in a row."""
        return len(self.entries) // self.length

    def is_same(self, other: Rows) -> bool:
        """Return whether another table holds the same leaves and numbers."""
        if other.length != self.length or len(other.entries) != len(self.entries):
            return False
        pairs = self.entries, other.entries
        return all(map(operator.is_, *pairs)) or all(map(_is_same, *pairs))


def read_rows(table: Any) -> Rows:
    """Read a table.

    Raises:
        ValueError: if its rows have different structures.
        TypeError: if they hold anything but numbers.
    """
    rows = list(table)
    if not rows:
        raise IndexError(f"{users_line()}: take expects a table of at least one entry, got none")
    if all(isinstance(row, (Value, float, int, Real)) for row in rows):
        return Rows(rows, len(rows), True, next)
    rebuild = flatten(rows[0], "table[0]")[1]
    if set(map(type, rows)) <= {list, tuple} and len(set(map(len, rows))) == 1:
        entries = list(chain.from_iterable(rows))
        if all(issubclass(kind, (Value, float, int)) for kind in set(map(type, entries))):
            return Rows(entries, len(rows), False, rebuild)
    parts = [flatten(row, f"table[{k}]") for k, row in enumerate(rows)]
    shapes = [_lengths(row) for row in rows]
    if shapes.count(shapes[0]) < len(shapes):
        k = next(k for k, shape in enumerate(shapes) if shape != shapes[0])
        raise ValueError(
            f"{users_line()}: take expects a table of equally nested rows, but table[{k}] is not nested like table[0]"
        )
    return Rows([x for numbers, _ in parts for x in numbers], len(rows), False, rebuild)


def in_common(first: Rows, second: Rows) -> Rows | None:
    """Return the table that two traces share, with plain numbers in the places where their leaves differ.

    Returns:
        The table, or None if the numbers differ in such a place.
    """
    if second.length != first.length or len(second.entries) != len(first.entries):
        return None
    if all(map(operator.is_, first.entries, second.entries)):
        return first
    entries = []
    for x, other in zip(first.entries, second.entries):
        number, other_number = (number_of(y) if isinstance(y, Value) else float(y) for y in (x, other))
        if x is not other and number != other_number and (number == number or other_number == other_number):
            return None
        entries.append(x if x is other else number)
    return first._replace(entries=entries)


def leaves_of(tables: Iterable[Rows]) -> list[Value]:
    """Return the distinct leaves of tables, without constants."""
    leaves = [x for rows in tables for x in rows.entries if isinstance(x, Value) and not x.is_constant]
    return list(dict.fromkeys(leaves))


def _lengths(row: Any) -> Any:
    """Return the nested lengths of a sequence; 0 for a number."""
    return [_lengths(item) for item in row] if hasattr(row, "__len__") else 0


def are_leaves(entries: Sequence[Any]) -> bool:
    """Return whether all entries are plain numbers, or leaves that are not arguments."""
    kinds = set(map(type, entries))
    values = entries if all(issubclass(kind, Value) for kind in kinds) else [x for x in entries if isinstance(x, Value)]
    return not any(issubclass(kind, Traced) for kind in kinds) and not any(map(operator.attrgetter("parents"), values))


def _is_same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if isinstance(a, Value) or isinstance(b, Value):
        return False
    return bool(a == b or (a != a and b != b))
