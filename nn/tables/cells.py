"""A table as cells of text, with the line of the file on which each row begins."""

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
        names: of the columns, as the first line has them.
        columns: an array of texts each, without white space at either end.
        lines: the line of the file on which each row begins, from 1, as editors count.
        chosen: the places of its rows in the columns, where it is a part of another table.
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
        """The column of that name. Raises ValueError where there is none, saying which there are."""
        column = self.columns[self._place(name)]
        return column if self.chosen is None else column[self.chosen]

    def numbers(self, name: str) -> Array | None:
        """The column as numbers, if all its cells are finite ones with a decimal point; found once for all parts."""
        place = self._place(name)
        if place not in self._numbers:
            self._numbers[place] = plain_numbers(self.columns[place])
        numbers = self._numbers[place]
        return numbers if numbers is None or self.chosen is None else numbers[self.chosen]

    def _place(self, name: str) -> int:
        if name not in self.names:
            shown = ", ".join(map(repr, self.names[:20])) + (", ..." if len(self.names) > 20 else "")
            hint = "" if len(self.names) > 1 else "; if another sign is between the columns, name it with --separator"
            raise ValueError(f"{self.source} has no column {name!r}; it has {shown}{hint}")
        return self.names.index(name)

    def rows(self, chosen: NDArray[Any]) -> Table:
        """The rows at some places, or where a mask is true; their texts are taken when they are asked for."""
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        within = places if self.chosen is None else self.chosen[places]
        return Table(self.source, self.names, self.columns, self.lines[places], within, self._numbers)

    def place(self, row: int, name: str) -> str:
        """Say where a cell stands, in words."""
        return f"line {self.lines[row]}, column {name!r}"


def plain_numbers(cells: Texts) -> Array | None:
    """The numbers of cells that are all finite ones, with a decimal point and without groups; else None."""
    try:
        numbers: Array = cells.astype(float)
    except ValueError:
        return None
    if not np.isfinite(numbers).all() or (np.strings.find(cells, "_") >= 0).any():
        return None
    return numbers


def as_table(table: Any) -> Table:
    """A pandas table as a table of texts, whose lines count its rows from 1; a Table as it is."""
    if isinstance(table, Table):
        return table
    names = tuple(map(str, table.columns))
    columns = []
    for i in range(len(names)):
        column = table.iloc[:, i]
        texts = ["" if gap else str(cell) for cell, gap in zip(column.tolist(), column.isna().tolist())]
        columns.append(np.strings.strip(np.array(texts, dtype=TEXT)))
    return Table("the table", names, tuple(columns), np.arange(1, len(table) + 1))
