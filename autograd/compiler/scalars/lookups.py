"""Look-ups in tables of parameters and constants: each is a primitive of one operand, the index.

So the table, which may have many thousands of entries, is no operand: a node costs as much as any other, and passes
over scalars need not know of it. Parameters keep their numbers from pass to pass.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.trace.lookups import TracedLookUp
from autograd.compiler.trace.tracing import Trace
from autograd.primitives import Primitive
from autograd.reading import number_of
from autograd.table import Slope
from autograd.value import Value

LABELS_READ = 100
"""Entries of a table whose labels name it."""

CONSTANT = -1
"""The place of an entry that is no parameter."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table that look-ups read.

    Attributes:
        name: for listings: t0, t1, ...
        places: of shape (rows, columns), which parameter each entry is; CONSTANT where it is none.
        numbers: of the same shape, those of the constants.
        is_flat: whether its rows are single numbers.
        labels: the users' names for some of its entries.
    """

    name: str
    places: NDArray[np.int64]
    numbers: NDArray[np.float64]
    is_flat: bool
    labels: frozenset[str]


class LookUp(Primitive):
    """The number of a table's column in the row of an index.

    Attributes:
        table, column: where it looks.
    """

    table: Table
    column: int

    def __init__(self, table: Table, column: int) -> None:
        super().__init__("look up", self._no_number, lambda index, out: (0.0,), slope=Slope.NONE, hides_nan=True)
        self.table, self.column = table, column

    def _no_number(self, index: float) -> float:
        raise TypeError("a look-up needs the parameters' numbers: call number_in")

    def number_in(self, index: float, parameters: Sequence[float]) -> float:
        """Return the number that is looked up.

        Args:
            parameters: the numbers of the program's parameters.
        """
        row = int(index)
        place = int(self.table.places[row, self.column])
        return float(self.table.numbers[row, self.column] if place == CONSTANT else parameters[place])


def look_ups(trace: Trace, parameters: Sequence[Value]) -> Mapping[Primitive, LookUp]:
    """Return the look-ups of a program by those of its trace.

    Args:
        parameters: the leaves that are parameters; others in the tables are constants.
    """
    if not trace.tables:
        return {}
    tables = []
    for n, traced in enumerate(trace.tables):
        index = _places(traced.entries, parameters)
        numbers = np.zeros(len(index))
        for k in np.flatnonzero(index == CONSTANT).tolist():
            x = traced.entries[k]
            numbers[k] = number_of(x) if isinstance(x, Value) else float(x)
        shape = (traced.length, traced.width)
        labels = frozenset([x.label for x in traced.entries[:LABELS_READ] if isinstance(x, Value)])
        tables.append(Table(f"t{n}", index.reshape(shape), numbers.reshape(shape), traced.is_flat, labels))
    traced_look_ups = [p for p in dict.fromkeys(trace.primitives) if isinstance(p, TracedLookUp)]
    return {p: LookUp(tables[p.table], p.column) for p in traced_look_ups}


def _places(entries: Sequence[Any], parameters: Sequence[Value]) -> NDArray[np.int64]:
    """The places of entries among the parameters: mostly one after another, in their order."""
    start = next((k for k, parameter in enumerate(parameters) if parameter is entries[0]), len(parameters))
    stop = start + len(entries)
    if stop <= len(parameters) and all(map(operator.is_, entries, parameters[start:stop])):
        return np.arange(start, stop)
    place_of = {parameter: k for k, parameter in enumerate(parameters)}
    return np.array([place_of.get(x, CONSTANT) if isinstance(x, Value) else CONSTANT for x in entries], dtype=np.int64)
