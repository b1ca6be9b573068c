"""How a table becomes inputs, and outputs become predictions: fitted on the rows to learn from, kept with the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.data import Array
from nn.tables.kinds import MOST_CATEGORIES
from nn.tables.missing import MARKS, POLICIES, Policy, missing_in, refuse_missing
from nn.tables.numerals import AS_TEXT, NUMBERS, PLAIN, Reading
from nn.tables.reading import Table, as_table

ORDERS = {"ymd": "year-month-day", "dmy": "day.month.year", "mdy": "month/day/year"}
FEWEST_ROWS = 2  # of a category with an input of its own: one row says nothing about others like it

Say = Callable[[str], object]


@dataclass(frozen=True)
class Column:
    """How one column of a table becomes inputs: (number - mean) / scale, or a place for each category.

    Attributes:
        categories: the texts with a place each; None for a column of numbers.
        other: whether there is one more place, for the rarest texts and for those that were not learned from. Where
            there is none, such a text has a 0 in every place.
        reading: how its cells are read.
        median, mode: what a missing value is taken for, where that is asked for; the mode of numbers is one as a text.
        marks: what stands for a missing value, besides an empty cell.
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
        """What each of its inputs stands for."""
        if self.categories is None:
            return [self.name]
        return [f"{self.name}={text}" for text in (*self.categories, *(["other"] if self.other else ()))]

    def missing(self, table: Table) -> NDArray[np.bool_]:
        """Which of its cells are missing."""
        return missing_in(table, self.name, self.marks)

    def inputs(self, table: Table, gaps: NDArray[np.bool_], policy: Policy, say: Say) -> Array:
        """Its inputs, a row for each row of the table; where a cell is missing, those of what the policy says.

        Raises ValueError for a cell that is no number in a column of numbers.
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
        """The rows whose text has no place of its own, missing ones aside."""
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
            say(f"column {self.name!r}: {_named(table, self.name, bad)} neither true nor false, and taken as neither")
            numbers[bad] = self.mean
        return ((numbers - self.mean) / self.scale).reshape(-1, 1)

    def _fill(self, policy: Policy) -> float:
        if policy == "median":
            return self.median
        return float(self.mode) if policy == "mode" else self.mean


def fitted_column(name: str, table: Table, reading: Reading, marks: tuple[str, ...]) -> Column:
    """The statistics of one column of the rows to learn from, as scikit-learn finds them.

    Raises:
        ValueError: for numbers whose squares overflow.
    """
    from sklearn.preprocessing import StandardScaler

    gaps = missing_in(table, name, marks)
    if gaps.all():  # all of its values are held out: what this column says cannot be learned
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
            f"column {name!r} of {table.source} has numbers as large as {np.abs(numbers).max():g}, whose squares are "
            "too large to add: write them in a larger unit"
        )
    return Column(name, mean, scale, None, False, reading, float(np.median(numbers)), usual, marks)


def numbers_in(table: Table, name: str, reading: Reading, gaps: NDArray[np.bool_]) -> Array:
    """The numbers of the cells of a column that are not missing; nan where one is none."""
    plain = table.numbers(name) if reading == PLAIN else None
    return reading.numbers(table[name][~gaps]) if plain is None else plain[~gaps]


@dataclass(frozen=True)
class Encoded:
    """A table as inputs.

    Attributes:
        inputs: a row for each row of the table that is used.
        used: which rows those are: all but those with a missing value, where these are left out.
        remarks: what a user may not expect, a line each.
    """

    inputs: Array
    used: NDArray[np.bool_]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preprocessing:
    """How a table becomes inputs, and outputs become predictions.

    Attributes:
        columns: one for each input column.
        target: the name of the column to predict.
        classes: what the outputs stand for in classification; None in regression.
        mean, scale: of the target in regression, whose outputs are (target - mean) / scale.
        missing: what is done about missing values.
    """

    columns: tuple[Column, ...]
    target: str
    classes: tuple[str, ...] | None = None
    mean: float = 0.0
    scale: float = 1.0
    missing: Policy = "refuse"

    @property
    def input_names(self) -> list[str]:
        """What each input stands for."""
        return [name for column in self.columns for name in column.names]

    def inputs(self, table: Any) -> Array:
        """A table, of texts or pandas's, as an array of inputs.

        Raises ValueError, naming line and column, for what does not fit.
        """
        return self.encode(as_table(table)).inputs

    def encode(self, table: Table, policy: Policy | None = None) -> Encoded:
        """A table as inputs, and which of its rows they are.

        Args:
            policy: what to do about missing values, if not what the rows learned from were treated by.

        Raises:
            ValueError: for a missing column, and for cells that do not fit, naming line and column.
        """
        policy = policy or self.missing
        gaps = {column.name: column.missing(table) for column in self.columns}
        if policy == "refuse":
            refuse_missing(table, gaps)
        used = np.ones(len(table), dtype=bool)
        remarks: list[str] = []
        if policy == "drop":
            used = ~np.logical_or.reduce(list(gaps.values()))
            if not used.all():
                remarks.append(f"{_rows(int((~used).sum()))} with a missing value left out")
                table = table.rows(used)
                gaps = {name: mask[used] for name, mask in gaps.items()}
        filled = int(sum(mask.sum() for mask in gaps.values()))
        if filled:
            remarks.append(f"{filled:,} missing values taken for the {policy} of their column in the rows learned from")
        parts = [column.inputs(table, gaps[column.name], policy, remarks.append) for column in self.columns]
        return Encoded(np.hstack(parts), used, (*remarks, *self._on_unseen(table)))

    def _on_unseen(self, table: Table) -> list[str]:
        remarks = []
        for column in self.columns:
            rows = column.unseen(table)
            if len(rows):
                remarks.append(
                    f"column {column.name!r}: {_named(table, column.name, rows)} not among the categories that were "
                    "learned, and taken as another one"
                )
        return remarks

    def predictions(self, outputs: Array) -> list[Any]:
        """A class's name, or a number in the target's own units, for each row of outputs."""
        if self.classes is None:
            numbers: list[Any] = (outputs[:, 0] * self.scale + self.mean).tolist()
            return numbers
        return [self.classes[k] for k in outputs.argmax(axis=1)]

    def to_json(self) -> dict[str, Any]:
        """As what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Any) -> Preprocessing:
        """What `to_json` gave. Raises ValueError for anything else."""
        try:
            columns = tuple(map(_column_from_json, content["columns"]))
            classes = None if content["classes"] is None else tuple(map(str, [*content["classes"]]))
            found = cls(
                columns,
                str(content["target"]),
                classes,
                float(content["mean"]),
                float(content["scale"]),
                content.get("missing", "refuse"),
            )
            names = [column.name for column in columns]
            if not columns or len(set(names)) < len(names) or found.missing not in POLICIES:
                raise ValueError("columns")
            statistics = [(found.mean, found.scale), *((column.mean, column.scale) for column in columns)]
            if not all(math.isfinite(mean) and math.isfinite(scale) and scale for mean, scale in statistics):
                raise ValueError("scales")
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ValueError("the model does not say how a table becomes its inputs: was it made by train?") from None
        return found


def _column_from_json(c: Any) -> Column:
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
        how = f"date written as {ORDERS[reading.order]}, as in the rows learned from"
    else:
        how = "finite number"
        if reading.percent:
            how += " with a percent sign, as the rows learned from have it"
        elif reading.decimal == ",":
            how += " with a decimal comma, as the rows learned from have it"
    hint = ""
    other = Reading("number", "," if reading.decimal == "." else ".", True, reading.percent)
    if reading.kind == "number" and other.number(cell) is not None:
        hint = f"; if this file writes numbers so, say --decimal {other.decimal}"
    return f"{table.place(row, column.name)}: {cell!r} is no {how}{more}{hint}"


def _named(table: Table, name: str, rows: NDArray[np.int64]) -> str:
    """Some cells in words, with a verb: 'green' (line 3) is, or that and 4 more are."""
    row = int(rows[0])
    first = f"{table[name][row]!r} (line {table.lines[row]})"
    return f"{first} is" if len(rows) == 1 else f"{first} and {len(rows) - 1:,} more cells are"


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def sorted_classes(labels: Sequence[str]) -> tuple[str, ...]:
    """The names of classes in order: by number where all are numbers, else by letter."""
    numbers = [Reading("number", ".", False).number(label) for label in labels]
    if None in numbers:
        return tuple(sorted(labels))
    return tuple(label for _, label in sorted(zip(numbers, labels)))
