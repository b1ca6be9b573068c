"""Missing values: detecting them, and policies for handling them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nn.tables.cells import Table, Texts

Policy = Literal["refuse", "drop", "mean", "median", "mode"]
POLICIES: tuple[Policy, ...] = ("refuse", "drop", "mean", "median", "mode")

MARKS = (
    *("NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"),
    *("#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
"""The texts that mark a missing value besides an empty cell, as in pandas."""


def missing(cells: Texts, marks: Sequence[str] = MARKS) -> NDArray[np.bool_]:
    """Return a mask of the cells that are empty or a mark of a missing value."""
    gaps: NDArray[np.bool_] = cells == ""
    for mark in marks:
        gaps = gaps | (cells == mark)
    return gaps


def missing_in(table: Table, name: str, marks: Sequence[str]) -> NDArray[np.bool_]:
    """Return a mask of a column's missing cells; none are missing if all are numbers."""
    return np.zeros(len(table), dtype=bool) if table.numbers(name) is not None else missing(table[name], marks)


def refuse_missing(table: Table, gaps: dict[str, NDArray[np.bool_]]) -> None:
    """Raise ValueError for the first missing value of a table, with the counts and the possible remedies.

    Args:
        gaps: a mask of the missing cells of each column.
    """
    rows = np.logical_or.reduce(list(gaps.values())) if gaps else np.zeros(0, dtype=bool)
    if not rows.any():
        return
    row = int(rows.argmax())
    name = next(name for name, mask in gaps.items() if mask[row])
    counts = {name: int(mask.sum()) for name, mask in gaps.items() if mask.any()}
    per_column = ", ".join(f"{count:,} in {name!r}" for name, count in list(counts.items())[:3])
    more = f" and {len(counts) - 3:,} more columns" if len(counts) > 3 else ""
    cell = table[name][row]
    text = f"{cell!r} stands for a missing value" if cell else "the value is missing"
    meant = f", or --text {name!r} if {cell!r} is meant as text" if cell else ""
    raise ValueError(
        f"{table.place(row, name)}: {text}; missing are {per_column}{more}. Leave such rows out with --missing drop, "
        f"or fill them in with --missing mean{meant}"
    )
