"""Record look-ups while tracing: the arguments used as indices, and the tables that they select from.

`autograd.take(table, index)`, with an argument as index, creates a node for each number returned. If the table holds
leaves, such as weights, the node's primitive identifies the column, and the index is the only parent: the cost of a
look-up depends on the size of the result, not of the table. If the table was computed, all entries that the index can
select are parents.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, compress
from numbers import Integral
from typing import Any, NamedTuple

from autograd import primitives
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.compiler.trace.source_lines import users_line
from autograd.compiler.trace.tables import Rows, are_leaves, read_rows
from autograd.operands import beyond_table
from autograd.primitives import Primitive
from autograd.reading import number_of
from autograd.table import Slope
from autograd.value import Value

_COMPARING = frozenset(COMPARISONS.values())

Place = tuple[int, int]
"""The position of an argument, and of a number in that argument."""


class Use(NamedTuple):
    """The use of an argument's number as an index.

    Attributes:
        length: the length of the shortest table that it indexes.
        example: its number in the example.
        line: the line of its first such use, in words.
    """

    length: int
    example: int
    line: str


def other_indices(uses: Mapping[Place, Use], seed: int) -> dict[Place, int]:
    """Return indices that differ from the example's, except for tables with a single entry."""
    chance = random.Random(seed)
    return {
        place: (use.example + chance.randint(1, max(1, use.length - 1))) % use.length for place, use in uses.items()
    }


class TracedLookUp(Primitive):
    """The entry of a table's column as a function of the row. Equal if table and column have the same positions."""

    table: int
    column: int

    def __init__(self, table: int, column: int, number: Callable[[float], float]) -> None:
        super().__init__("take", number, lambda index, out: (0.0,), slope=Slope.NONE, hides_nan=True)
        self.table, self.column = table, column

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TracedLookUp) and (other.table, other.column) == (self.table, self.column)

    def __hash__(self) -> int:
        return hash((self.table, self.column))


class Table(NamedTuple):
    """A table of leaves and plain numbers, with a primitive to look up each column."""

    rows: Rows
    columns: list[TracedLookUp]


class LookUps:
    """The look-ups of one trace.

    Args:
        inputs: the Values of the arguments' numbers.
        examples: these numbers as given.
        name: returns the name of an argument's number.

    Attributes:
        tables: the tables of leaves, in the order of first use.
        uses: the uses of the arguments' numbers as indices.
    """

    def __init__(
        self, inputs: Sequence[Sequence[Value]], examples: Sequence[Sequence[Any]], name: Callable[[Place], str]
    ) -> None:
        self._inputs, self._examples, self._name = inputs, examples, name
        self._places: dict[Value, Place] = {}
        self._known: dict[int, tuple[Any, list[Any], Table]] = {}  # by the id of the user's object
        self.tables: list[Table] = []
        self.uses: dict[Place, Use] = {}

    def index(self, index: Value, length: int) -> None:
        """Record that an argument's number indexes a table of this length.

        Raises:
            TypeError: if it is not an argument's number, or not an integer.
            IndexError: if it is out of range.
        """
        self._places = self._places or {x: (i, k) for i, xs in enumerate(self._inputs) for k, x in enumerate(xs)}
        place = self._places.get(index)
        if place is None:
            raise TypeError(
                f"{users_line()}: an index must be a number of an argument, and this one is computed. "
                f"Compute the index outside of the function, and pass it as an argument"
            )
        example = self._examples[place[0]][place[1]]
        if not isinstance(example, Integral) or isinstance(example, bool):
            raise TypeError(
                f"{users_line()}: {self._name(place)} is used as an index, so its example must be an int; "
                f"got {example!r}"
            )
        row = int(index.data)
        if not 0 <= row < length:
            raise IndexError(f"{users_line()}: {self._name(place)} is {beyond_table(row, length)}")
        known = self.uses.get(place)
        if known is None or length < known.length:
            self.uses[place] = Use(length, int(example), known.line if known else users_line())

    def take(self, table: Any, index: Value) -> Any:
        """Return a table's entry as nodes."""
        known = self._table(table)
        rows = known if isinstance(known, Rows) else known.rows
        self.index(index, rows.length)
        nodes: Iterator[Value]
        if isinstance(known, Table):
            nodes = (Value.apply(column, (index,)) for column in known.columns)
        else:
            width = rows.width
            nodes = (Value.apply(primitives.entry_at, (*rows.entries[k::width], index)) for k in range(width))
        return next(nodes) if rows.is_flat else rows.rebuild(nodes)

    def _table(self, table: Any) -> Table | Rows:
        """Return a table of leaves, reading it only once, or the rows of a computed table."""
        known = self._known.get(id(table))
        if known is not None and len(known[1]) == len(table) and all(map(operator.is_, known[1], table)):
            return known[2]
        rows = read_rows(table)
        if not are_leaves(rows.entries):
            return rows
        same = next((t for t in self.tables if t.rows.is_same(rows)), None)
        number = len(self.tables)
        columns = same.columns if same else [TracedLookUp(number, k, _number_in(rows, k)) for k in range(rows.width)]
        leaves = Table(rows, columns)
        if same is None:
            self.tables.append(leaves)
        self._known[id(table)] = table, list(table), leaves
        return leaves

    def refuse_changes(self) -> None:
        """Raise ValueError if a table has changed since it was read."""
        for table, _, known in self._known.values():
            rows = table if known.rows.is_flat else chain.from_iterable(table)
            is_same = len(table) == known.rows.length and all(map(operator.is_, rows, known.rows.entries))
            if not is_same and not read_rows(table).is_same(known.rows):
                raise ValueError(
                    "a table passed to autograd.take has changed while the function ran; leave it unchanged"
                )

    def number_use(self, operations: Sequence[Value], outputs: Sequence[Value]) -> Place | None:
        """Return the place of a number, in an argument with indices, that is used as a number; None if there is none.

        Args:
            operations: the graph's operations, in order.
            outputs: the nodes that the function returned.
        """
        if not self.uses:
            return None
        numbers = {x: (i, k) for i in {i for i, _ in self.uses} for k, x in enumerate(self._inputs[i])}
        rows = map(operator.attrgetter("parents"), operations)
        for node in compress(operations, map(operator.not_, map(set(numbers).isdisjoint, rows))):
            for parent in read_as_numbers(node.primitive, node.parents):
                if parent in numbers:
                    return numbers[parent]
        return next((numbers[x] for x in outputs if x in numbers), None)

    def both_uses(self, place: Place, line: str) -> str:
        """Explain that an argument is used both as an index and as a number.

        Args:
            place: the place of the number that is used as a number.
            line: the line of that use.
        """
        indexed = place if place in self.uses else next(other for other in self.uses if other[0] == place[0])
        number, index = self._name(place), self._name(indexed)
        also = "" if number == index else f", and {index}, of the same argument,"
        return (
            f"{line}: {number} is a number here{also or ', and'} an index at {self.uses[indexed].line}. An argument "
            f"must hold either numbers or indices: pass the number as a separate argument"
        )


def read_as_numbers(primitive: Primitive | None, parents: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the parents that a primitive computes with, as opposed to comparing them or using them as indices."""
    if isinstance(primitive, TracedLookUp) or primitive in _COMPARING:
        return ()
    return parents[:-1] if primitive is primitives.entry_at else parents


def _number_in(rows: Rows, column: int) -> Callable[[float], float]:
    def number(index: float) -> float:
        x = rows.entries[int(index) * rows.width + column]
        return number_of(x) if isinstance(x, Value) else float(x)

    return number
