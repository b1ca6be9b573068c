"""The encoding of one table column as inputs, fitted on the training rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.data import Array
from nn.tables.cells import Table
from nn.tables.kinds import MOST_CATEGORIES
from nn.tables.missing import MARKS, Policy, missing_in
from nn.tables.numerals import AS_TEXT, NUMBERS, PLAIN, Reading

ORDERS = {"ymd": "year-month-day", "dmy": "day.month.year", "mdy": "month/day/year"}
FEWEST_ROWS = 2  # for a category to get its own input: nothing can be learned from a single row

Say = Callable[[str], object]


@dataclass(frozen=True)
class Column:
    """The encoding of one table column as inputs: (number - mean) / scale, or one-hot with an input per category.

    Attributes:
        categories: the texts with an input each; None for a column of numbers.
        other: whether there is one more input, for rare and unseen texts. Without it, such a text is 0 in every input.
        reading: how its cells are read.
        median, mode: replacements for a missing value, if the policy selects them; the mode of numbers is a text, too.
        marks: marks of missing values, besides an empty cell.
    """

    name: str
    mean: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] | None = None
    other: bool = False
    reading: Reading = PLAIN
    median: float = 0.0
    mode: str = "0.0"
    marks: tuple[str, ...] = MARKS

    @property
    def names(self) -> list[str]:
        """Return the names of its inputs."""
        if self.categories is None:
            return [self.name]
        return [f"{self.name}={text}" for text in (*self.categories, *(["other"] if self.other else ()))]

    def missing(self, table: Table) -> NDArray[np.bool_]:
        """Return a mask of its missing cells."""
        return missing_in(table, self.name, self.marks)

    def inputs(self, table: Table, gaps: NDArray[np.bool_], policy: Policy, say: Say) -> Array:
        """Return its inputs for each row of the table; missing cells are filled in according to the policy.

        Raises ValueError if a cell of a numeric column is not a number.
        """
        if self.categories is None:
            return self._numbers(table, gaps, policy, say)
        cells = table[self.name]
        places = np.zeros((len(cells), len(self.names)))
        for k, text in enumerate(self.categories):
            places[cells == text, k] = 1.0
        places[gaps] = 0.0
        if self.mode in self.categories:
            places[gaps, self.categories.index(self.mode)] = 1.0
        if self.other:
            places[places.sum(axis=1) == 0, -1] = 1.0
        return places

    def unseen(self, table: Table) -> NDArray[np.int64]:
        """Return the rows whose text is not one of the categories, except missing ones."""
        if self.categories is None:
            return np.zeros(0, dtype=np.int64)
        cells = table[self.name]
        known = self.missing(table)
        for text in self.categories:
            known |= cells == text
        return np.flatnonzero(~known)

    def _numbers(self, table: Table, gaps: NDArray[np.bool_], policy: Policy, say: Say) -> Array:
        numbers = np.full(len(table), self._fill(policy))
        numbers[~gaps] = numbers_in(table, self.name, self.reading, gaps)
        bad = np.flatnonzero(~np.isfinite(numbers))
        if len(bad):
            if self.reading.kind != "truth":
                raise ValueError(_no_number(table, self, int(bad[0]), len(bad)))
            say(f"column {self.name!r}: {named(table, self.name, bad)} neither true nor false, so it counts as neither")
            numbers[bad] = self.mean
        return ((numbers - self.mean) / self.scale).reshape(-1, 1)

    def _fill(self, policy: Policy) -> float:
        if policy == "median":
            return self.median
        return float(self.mode) if policy == "mode" else self.mean


def fitted_column(name: str, table: Table, reading: Reading, marks: tuple[str, ...]) -> Column:
    """Fit the encoding of one column on the training rows, with scikit-learn's statistics.

    Raises:
        ValueError: for numbers whose squares overflow.
    """
    from sklearn.preprocessing import StandardScaler

    gaps = missing_in(table, name, marks)
    if gaps.all():  # all of its values are held out, so nothing can be learned from this column
        return Column(name, categories=(), other=True, reading=AS_TEXT, mode="", marks=marks)
    if reading.kind == "text":
        texts, counted = np.unique(table[name][~gaps], return_counts=True)
        mode = str(texts[counted.argmax()])
        frequent = np.flatnonzero(counted >= FEWEST_ROWS)
        frequent = frequent[np.argsort(-counted[frequent], kind="stable")][:MOST_CATEGORIES]
        categories = tuple(texts[np.sort(frequent)].tolist())
        return Column(name, 0.0, 1.0, categories, len(categories) < len(texts), reading, 0.0, mode, marks)
    numbers = numbers_in(table, name, reading, gaps)
    different, counted = np.unique(numbers, return_counts=True)
    usual = repr(float(different[counted.argmax()]))
    with np.errstate(all="ignore"):
        scaler = StandardScaler().fit(numbers.reshape(-1, 1))
    mean, scale = float(scaler.mean_[0]), float(scaler.scale_[0])
    if not (math.isfinite(mean) and math.isfinite(scale)):
        raise ValueError(
            f"column {name!r} of {table.source} has numbers as large as {np.abs(numbers).max():g}, whose squares "
            "overflow: write them in a larger unit"
        )
    return Column(name, mean, scale, None, False, reading, float(np.median(numbers)), usual, marks)


def numbers_in(table: Table, name: str, reading: Reading, gaps: NDArray[np.bool_]) -> Array:
    """Return the numbers of a column's cells that are not missing; nan for a cell that is not a number."""
    plain = table.numbers(name) if reading == PLAIN else None
    return reading.numbers(table[name][~gaps]) if plain is None else plain[~gaps]


def column_from_json(c: Any) -> Column:
    """Return the column that `Preprocessing.to_json` stored. Raise KeyError, TypeError or ValueError if invalid."""
    categories = None if c["categories"] is None else tuple(map(str, [*c["categories"]]))
    reading = Reading(**c.get("reading", {"kind": "number" if categories is None else "text"}))
    if reading.kind not in ("number", "truth", "date", "text") or reading.decimal not in NUMBERS:
        raise ValueError(reading)
    if (categories is None) == (reading.kind == "text") or reading.order not in ("", "ymd", "dmy", "mdy"):
        raise ValueError(reading)
    return Column(
        str(c["name"]),
        float(c["mean"]),
        float(c["scale"]),
        categories,
        bool(c.get("other", False)),
        reading,
        float(c.get("median", c["mean"])),
        repr(float(c.get("mode", c["mean"]))) if categories is None else str(c.get("mode", "")),
        tuple(map(str, c.get("marks", MARKS))),
    )


def _no_number(table: Table, column: Column, row: int, count: int) -> str:
    cell = table[column.name][row]
    more = f", one of {count:,} such cells" if count > 1 else ""
    reading = column.reading
    if reading.kind == "date":
        expected = f"date written as {ORDERS[reading.order]}, as in the training rows"
    else:
        expected = "finite number"
        if reading.percent:
            expected += " with a percent sign, as in the training rows"
        elif reading.decimal == ",":
            expected += " with a decimal comma, as in the training rows"
    hint = ""
    other = Reading("number", "," if reading.decimal == "." else ".", True, reading.percent)
    if reading.kind == "number" and other.number(cell) is not None:
        hint = f"; if this file writes numbers so, use --decimal {other.decimal}"
    return f"{table.place(row, column.name)}: {cell!r} is not a {expected}{more}{hint}"


def named(table: Table, name: str, rows: NDArray[np.int64]) -> str:
    """Name cells, with a verb: "'green' (line 3) is", or "'green' (line 3) and 4 more cells are"."""
    row = int(rows[0])
    first = f"{table[name][row]!r} (line {table.lines[row]})"
    return f"{first} is" if len(rows) == 1 else f"{first} and {len(rows) - 1:,} more cells are"
