"""Parse numbers, truth values and dates as people write them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from nn.data import Array
from nn.tables.cells import Texts, plain_numbers

Kind = Literal["number", "truth", "date", "text"]
Mark = Literal[".", ","]

GROUP_MARKS = " \u00a0\u202f\u2009'’"  # between thousands, besides whichever of . and , is not the decimal mark
TRUTH = {"true": 1.0, "false": 0.0}
EPOCH = date(1970, 1, 1).toordinal()
DAY = 86_400.0


@dataclass(frozen=True)
class Reading:
    """The format of one column's cells, decided once from all rows that a model was trained on.

    Attributes:
        kind: the type of a cell; "truth" is TRUE or FALSE in any case, read as 1 or 0, and "date" is read as days since
            1970-01-01.
        decimal: the decimal mark of numbers.
        grouped: whether thousands may be grouped by the other mark, a space or an apostrophe.
        percent: whether numbers have a percent sign, which is dropped: 12 % is 12.
        order: the order of year, month and day in dates, such as "ymd".
    """

    kind: Kind = "number"
    decimal: Mark = "."
    grouped: bool = False
    percent: bool = False
    order: str = ""

    def numbers(self, cells: Texts) -> Array:
        """Convert cells to numbers; nan for a cell that is not a finite number."""
        if self == PLAIN:
            plain = plain_numbers(cells)
            if plain is not None:
                return plain
        texts, places = np.unique(cells, return_inverse=True)
        values = [self.number(text) for text in texts.tolist()]
        return np.array([math.nan if x is None else x for x in values], dtype=float)[places]

    def number(self, text: str) -> float | None:
        """Convert a text to a number, or return None."""
        if self.kind == "truth":
            return TRUTH.get(text.lower())
        if self.kind == "date":
            return day_number(text, self.order)
        if self.percent:
            if not text.endswith("%"):
                return None
            text = text[:-1].rstrip()
        match = NUMBERS[self.decimal].fullmatch(text)
        if match is None or (match["group"] and not self.grouped):
            return None
        return finite_number(text, self.decimal)


PLAIN = Reading()
AS_TEXT = Reading("text")


def _pattern(decimal: str, other: str) -> re.Pattern[str]:
    mark, groups = re.escape(decimal), re.escape(other + GROUP_MARKS)
    whole = rf"(?:\d{{1,3}}(?P<group>[{groups}])\d{{3}}(?:(?P=group)\d{{3}})*|\d+)"
    return re.compile(rf"[+\-−]?(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+\-−]?\d+)?")


NUMBERS: dict[Mark, re.Pattern[str]] = {".": _pattern(".", ","), ",": _pattern(",", ".")}
LEADING_ZERO = re.compile(r"0\d+")

YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?: ?Z| ?\+00:?00)?")


def finite_number(text: str, decimal: Mark) -> float | None:
    """Convert a text that matches the pattern of its decimal mark; None if the number is not finite."""
    digits = text.translate({ord(sign): None for sign in ("," if decimal == "." else ".") + GROUP_MARKS})
    number = float(digits.replace(decimal, ".").replace("−", "-"))
    return number if math.isfinite(number) else None


def date_orders(text: str) -> set[str]:
    """Return the orders of year, month and day in which a text is a date: none, one, or two if ambiguous."""
    day, _, clock = text.replace("T", " ", 1).partition(" ")
    if clock and not TIME.fullmatch(clock):
        return set()
    if YEAR_FIRST.fullmatch(day):
        return {"ymd"} if day_number(text, "ymd") is not None else set()
    match = YEAR_LAST.fullmatch(day)
    if match is None:
        return set()
    orders = ("dmy",) if match[2] == "." else ("dmy", "mdy")
    return {order for order in orders if day_number(text, order) is not None}


def day_number(text: str, order: str) -> float | None:
    """Return the days from 1970-01-01 to a date and time of day, without time zones; None for anything else."""
    day, _, clock = text.replace("T", " ", 1).partition(" ")
    match = (YEAR_FIRST if order == "ymd" else YEAR_LAST).fullmatch(day)
    if match is None:
        return None
    parts = dict(zip(order, (match[1], match[3], match[4])))
    try:
        number = float(date(int(parts["y"]), int(parts["m"]), int(parts["d"])).toordinal() - EPOCH)
    except ValueError:
        return None
    if not clock:
        return number
    time = TIME.fullmatch(clock)
    if time is None:
        return None
    hours, minutes, seconds = int(time[1]), int(time[2]), float(time[3] or 0)
    if hours > 23 or minutes > 59 or seconds >= 61:
        return None
    return number + (3600 * hours + 60 * minutes + seconds) / DAY
