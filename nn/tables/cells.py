"""A table of text cells, with the file's line number for each row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.data import Array

Texts = NDArray[Any]
"""An array of NumPy's StringDType: 16 bytes for a cell of up to 15 bytes, where a str takes 60."""

TEXT = np.dtypes.StringDType()


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        source: the file's path, for messages.
        names: the column names, from the first line.
        columns: an array of texts per column, stripped of white space.
        lines: the line of the file on which each row begins, counted from 1 as in editors.
        chosen: the indices of its rows in the columns, if it is a part of another table.
    """

    source: str
    names: tuple[str, ...]
    columns: tuple[Texts, ...]
    lines: NDArray[np.int64]
    chosen: NDArray[np.int64] | None = None
    _numbers: dict[int, Array | None] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, name: str) -> Texts:
        """Return the column of that name. Raise ValueError if there is none, with the names that exist."""
        column = self.columns[self._place(name)]
        return column if self.chosen is None else column[self.chosen]

    def numbers(self, name: str) -> Array | None:
        """Return the column as numbers if all its cells are plain finite ones, else None; cached for all parts."""
        place = self._place(name)
        if place not in self._numbers:
            self._numbers[place] = plain_numbers(self.columns[place])
        numbers = self._numbers[place]
        return numbers if numbers is None or self.chosen is None else numbers[self.chosen]

    def _place(self, name: str) -> int:
        if name not in self.names:
            shown = ", ".join(map(repr, self.names[:20])) + (", ..." if len(self.names) > 20 else "")
            hint = "" if len(self.names) > 1 else "; if the columns have another separator, name it with --separator"
            raise ValueError(f"{self.source} has no column {name!r}; it has {shown}{hint}")
        return self.names.index(name)

    def rows(self, chosen: NDArray[Any]) -> Table:
        """Return the rows at some indices, or where a mask is true; their texts are gathered on access."""
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        within = places if self.chosen is None else self.chosen[places]
        return Table(self.source, self.names, self.columns, self.lines[places], within, self._numbers)

    def place(self, row: int, name: str) -> str:
        """Describe a cell's position."""
        return f"line {self.lines[row]}, column {name!r}"


def plain_numbers(cells: Texts) -> Array | None:
    """Convert cells that are all finite numbers with a decimal point and without digit groups; otherwise None."""
    try:
        numbers: Array = cells.astype(float)
    except ValueError:
        return None
    if not np.isfinite(numbers).all() or (np.strings.find(cells, "_") >= 0).any():
        return None
    return numbers


def as_table(table: Any) -> Table:
    """Convert a pandas table to texts, with line numbers that count its rows from 1; return a Table unchanged."""
    if isinstance(table, Table):
        return table
    names = tuple(map(str, table.columns))
    columns = []
    for i in range(len(names)):
        column = table.iloc[:, i]
        texts = ["" if gap else str(cell) for cell, gap in zip(column.tolist(), column.isna().tolist())]
        columns.append(np.strings.strip(np.array(texts, dtype=TEXT)))
    return Table("the table", names, tuple(columns), np.arange(1, len(table) + 1))
