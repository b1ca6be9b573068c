"""Look-ups in tables of parameters and constants: primitives whose only operand is the index.

The table, which may have many thousands of entries, is not an operand: a look-up node costs as much as any other, and
scalar passes need not handle it. Parameters keep their numbers from pass to pass.
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
"""The number of entries whose labels are considered for a table's name."""

CONSTANT = -1
"""The place of an entry that is not a parameter."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table that look-ups read.

    Attributes:
        name: its name in listings: t0, t1, ...
        places: the parameter of each entry, of shape (rows, columns); CONSTANT for a constant.
        numbers: the numbers of constants, in the same shape.
        is_flat: whether its rows are single numbers.
        labels: the user's names of some entries.
    """

    name: str
    places: NDArray[np.int64]
    numbers: NDArray[np.float64]
    is_flat: bool
    labels: frozenset[str]


class LookUp(Primitive):
    """The entry of a table's column in the row of an index.

    Attributes:
        table, column: the place to look up.
    """

    table: Table
    column: int

    def __init__(self, table: Table, column: int) -> None:
        super().__init__("look up", self._no_number, lambda index, out: (0.0,), slope=Slope.NONE, hides_nan=True)
        self.table, self.column = table, column

    def _no_number(self, index: float) -> float:
        raise TypeError("a look-up needs the parameters' numbers: call number_in instead")

    def number_in(self, index: float, parameters: Sequence[float]) -> float:
        """Return the number at an index.

        Args:
            parameters: the numbers of the program's parameters.
        """
        row = int(index)
        place = int(self.table.places[row, self.column])
        return float(self.table.numbers[row, self.column] if place == CONSTANT else parameters[place])


def look_ups(trace: Trace, parameters: Sequence[Value]) -> Mapping[Primitive, LookUp]:
    """Return a program's look-ups, by the look-ups of its trace.

    Args:
        parameters: the leaves that are parameters; others in tables are constants.
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
    """Return the places of entries among the parameters, which usually are consecutive."""
    start = next((k for k, parameter in enumerate(parameters) if parameter is entries[0]), len(parameters))
    stop = start + len(entries)
    if stop <= len(parameters) and all(map(operator.is_, entries, parameters[start:stop])):
        return np.arange(start, stop)
    place_of = {parameter: k for k, parameter in enumerate(parameters)}
    return np.array([place_of.get(x, CONSTANT) if isinstance(x, Value) else CONSTANT for x in entries], dtype=np.int64)
