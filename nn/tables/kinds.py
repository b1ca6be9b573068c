"""Decide the type of each column, once, from all rows that a model is made from."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nn.tables.cells import Table, Texts, plain_numbers
from nn.tables.missing import MARKS, missing, missing_in
from nn.tables.numerals import (
    AS_TEXT,
    LEADING_ZERO,
    NUMBERS,
    PLAIN,
    TRUTH,
    Mark,
    Reading,
    date_orders,
    finite_number,
)

MOST_CATEGORIES = 100  # inputs of a text column; rarer categories share one more
CELLS_NAMED = 3
VERSION = re.compile(r"v?\d+(?:\.\d+){2,}[\w.+-]*")  # next to such versions, 1.10 is not a number either


@dataclass(frozen=True)
class Settings:
    """The user's settings for reading cells; the rest is detected.

    Attributes:
        decimal: the decimal mark; None detects it.
        text: columns to read as categories; marks of missing values are ordinary texts there.
        marks: marks of missing values, besides an empty cell.
    """

    decimal: Mark | None = None
    text: Collection[str] = ()
    marks: tuple[str, ...] = MARKS


@dataclass
class _Evidence:
    """Evidence from the distinct texts of a column.

    Attributes:
        texts, counts: the distinct texts that are not missing, and their numbers of cells.
        fits: for each decimal mark, a mask of the texts that are numbers.
        plain: whether all cells are whole numbers or have a decimal point, so that the texts need not be examined.
        fractions: in a plain column, whether a cell has a point.
    """

    name: str
    texts: list[str] = field(default_factory=list)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    fits: dict[Mark, NDArray[np.bool_]] = field(default_factory=dict)
    plain: bool = False
    fractions: bool = False

    def share(self, decimal: Mark) -> float:
        """Return the fraction of cells that are numbers with that decimal mark."""
        return float(self.counts[self.fits[decimal]].sum() / max(1, self.counts.sum()))

    @property
    def numeric(self) -> bool:
        """Tell whether most cells are numbers with one of the two marks."""
        return self.plain or max(self.share("."), self.share(",")) > 0.5

    def settles(self, decimal: Mark) -> bool:
        """Tell whether the column's numbers fit that mark better than the other."""
        other: Mark = "," if decimal == "." else "."
        if self.plain:
            return decimal == "." and self.fractions
        return self.numeric and self.share(decimal) > self.share(other)


def decide(table: Table, names: Collection[str], settings: Settings) -> dict[str, Reading]:
    """Decide how to read each column of a table.

    Raises:
        ValueError: for a column of numbers with a few other cells, which are named, and for numbers that may or may not
            have a decimal comma; the message names the option that settles it.
    """
    columns = [_look_at(table, name, settings) for name in names if name not in settings.text]
    decimal = settings.decimal or _decimal_mark(table, columns)
    readings = {evidence.name: _reading(table, evidence, decimal, settings) for evidence in columns}
    return {name: readings.get(name, AS_TEXT) for name in names}


def _look_at(table: Table, name: str, settings: Settings) -> _Evidence:
    gaps = missing_in(table, name, settings.marks)
    cells = table[name] if not gaps.any() else table[name][~gaps]
    if not len(cells):
        raise ValueError(f"column {name!r} of {table.source} has no values: leave it out with --drop {name!r}")
    numbers = plain_numbers(cells) if gaps.any() else table.numbers(name)
    if settings.decimal != "," and numbers is not None and not _has_leading_zero(cells):
        with_point = cells[np.strings.find(cells, ".") >= 0]
        if not len(with_point) or not all(_is_number(text, ",") for text in with_point.tolist()):
            return _Evidence(name, plain=True, fractions=bool(len(with_point)))
    texts, counts = np.unique(cells, return_counts=True)
    evidence = _Evidence(name, texts.tolist(), counts)
    bare = [text[:-1].rstrip() if text.endswith("%") else text for text in evidence.texts]
    for mark in NUMBERS:
        evidence.fits[mark] = np.array([_is_number(text, mark) for text in bare])
    return evidence


def _is_number(text: str, decimal: Mark) -> bool:
    return NUMBERS[decimal].fullmatch(text) is not None and finite_number(text, decimal) is not None


def _has_leading_zero(cells: Texts) -> bool:
    """Tell whether any cell is a whole number such as 01."""
    zeros = np.strings.startswith(cells, "0") & ~np.strings.startswith(cells, "0.") & (cells != "0")
    return any(LEADING_ZERO.fullmatch(text) for text in cells[zeros].tolist())


def _decimal_mark(table: Table, columns: list[_Evidence]) -> Mark:
    """Return the file's decimal mark: the one that a column settles, otherwise a point unless a comma is possible."""
    points = [evidence for evidence in columns if evidence.settles(".")]
    commas = [evidence for evidence in columns if evidence.settles(",")]
    unsettled = [e for e in columns if not e.plain and e.numeric and not e.settles(".") and not e.settles(",")]
    doubtful = [(e, text) for e in unsettled for text in e.texts if "," in text or "." in text]
    if points and commas and doubtful:
        evidence, text = doubtful[0]
        raise ValueError(
            f"column {evidence.name!r} of {table.source} has {text!r}, and other columns have both decimal points "
            f"({points[0].name!r}) and commas ({commas[0].name!r}): use --decimal . or --decimal ,"
        )
    if commas and not points:
        return ","
    with_comma = [(e, text) for e, text in doubtful if "," in text]
    if with_comma and not points:
        evidence, text = with_comma[0]
        raise ValueError(
            f"column {evidence.name!r} of {table.source} has {text!r}, which may be "
            f"{finite_number(text.rstrip('% '), ','):g} or {finite_number(text.rstrip('% '), '.'):g}: "
            "use --decimal , or --decimal ."
        )
    return "."


def _reading(table: Table, evidence: _Evidence, decimal: Mark, settings: Settings) -> Reading:
    if evidence.plain:
        return PLAIN
    if settings.decimal is None and evidence.settles(",") != evidence.settles("."):
        decimal = "," if evidence.settles(",") else "."
    fits, counts = evidence.fits[decimal], evidence.counts
    signs = np.array([text.endswith("%") for text in evidence.texts])
    if max(evidence.share("."), evidence.share(",")) <= 0.5:
        return _not_numbers(table, evidence, settings)
    percent = bool(counts[signs & fits].sum() * 2 > counts[fits].sum())
    odd = ~fits | (signs != percent)
    if odd.any() and all(VERSION.fullmatch(text) for text, is_odd in zip(evidence.texts, odd.tolist()) if is_odd):
        return AS_TEXT
    if odd.any():
        raise ValueError(_few_cells(table, evidence, odd, settings))
    grouped = any(NUMBERS[decimal].fullmatch(text.rstrip("% "))["group"] for text in evidence.texts)  # type: ignore[index]
    if any(LEADING_ZERO.fullmatch(text) for text in evidence.texts) and len(evidence.texts) <= MOST_CATEGORIES:
        return AS_TEXT
    return Reading("number", decimal, grouped, percent)


def _not_numbers(table: Table, evidence: _Evidence, settings: Settings) -> Reading:
    """Return the reading of a column that does not hold numbers."""
    if {text.lower() for text in evidence.texts} <= TRUTH.keys():
        return Reading("truth")
    orders = [date_orders(text) for text in evidence.texts[:5]]
    if not all(orders):
        return AS_TEXT
    orders = [date_orders(text) for text in evidence.texts]
    if not all(orders):
        dates = np.array([bool(order) for order in orders])
        if evidence.counts[dates].sum() * 2 > evidence.counts.sum():
            raise ValueError(_few_cells(table, evidence, ~dates, settings, "date"))
        return AS_TEXT
    common = set.intersection(*orders)
    if len(common) == 1:
        return Reading("date", order=common.pop())
    example = evidence.texts[0]
    why = "whose day and month cannot be distinguished" if common else "but others are in another order"
    raise ValueError(
        f"column {evidence.name!r} of {table.source} has dates such as {example!r}, {why}: write them as "
        f"year-month-day, or read them as categories with --text {evidence.name!r}"
    )


def _few_cells(
    table: Table,
    evidence: _Evidence,
    odd: NDArray[np.bool_],
    settings: Settings,
    kind: str = "finite number",
) -> str:
    """Return an error message that names the odd cells of a column and the remedies."""
    cells = table[evidence.name]
    strange = {text for text, is_odd in zip(evidence.texts, odd.tolist()) if is_odd}
    rows = np.flatnonzero(np.isin(cells.astype(object), list(strange)))
    gaps = missing(cells, settings.marks)
    rows = rows[~gaps[rows]]
    named = [f"{cells[row]!r} (line {table.lines[row]})" for row in rows[:CELLS_NAMED].tolist()]
    rest = f" and {len(rows) - len(named):,} more" if len(rows) > len(named) else ""
    first = rows[0]
    also = f"; nor {'are' if len(rows) > 2 else 'is'} {', '.join(named[1:])}{rest}" if len(named) > 1 else ""
    if odd.all():
        return (
            f"{table.place(int(first), evidence.name)}: {cells[first]!r} is not a {kind} with --decimal "
            f"{settings.decimal} and neither is any other cell of the column: drop that option, or use "
            f"--text {shlex.quote(evidence.name)}"
        )
    usual = next(text for text, is_odd in zip(evidence.texts, odd.tolist()) if not is_odd)
    marks = " ".join(sorted(map(shlex.quote, strange))) if len(strange) <= 2 else "MARK"
    return (
        f"{table.place(int(first), evidence.name)}: {cells[first]!r} is not a {kind}{also}, while "
        f"{int(evidence.counts.sum()) - len(rows):,} other cells are like {usual!r}: correct them, or use "
        f"--na {marks} if they mark missing values, or --text {shlex.quote(evidence.name)} if the column holds "
        "categories"
    )


def remarks_on(readings: Mapping[str, Reading], table: Table, settings: Settings) -> list[str]:
    """Return remarks, a line each, on columns whose reading a user may not expect."""
    remarks = []
    for name, reading in readings.items():
        if reading.kind == "date":
            remarks.append(f"column {name!r} holds dates, read as days since 1970-01-01")
        elif reading.percent:
            remarks.append(f"column {name!r} is in percent: 12% is read as 12")
        elif reading.kind == "number" and (reading.decimal == "," or reading.grouped):
            cells = table[name]
            cell = cells[~missing(cells, settings.marks)][0]
            remarks.append(
                f"column {name!r} is read with a decimal {'comma' if reading.decimal == ',' else 'point'}: "
                f"{cell!r} is {reading.number(cell):g}"
            )
        elif reading.kind == "text" and name not in settings.text and _has_leading_zero(table[name]):
            remarks.append(f"column {name!r} has whole numbers with leading zeros, so its cells are read as categories")
    return remarks
