"""Check a table's columns: raise errors for invalid ones and return remarks on suspicious ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from nn.tables.cells import Table, Texts
from nn.tables.kinds import MOST_CATEGORIES
from nn.tables.missing import missing
from nn.tables.numerals import NUMBERS, PLAIN, Reading

AMOUNT = re.compile(r"[^\w\s]{0,3}\s?[+\-−]?\d[\d.,']*\s?[^\d\s:/-]{0,4}")  # such as $12.50, 12 kg
FEW_CATEGORIES = 10
ROWS_THAT_COUNT = 5  # fewer may be 1, 2, 3 by coincidence


def checked_names(table: Table, target: str, drop: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names of the input columns, and remarks on columns that are left out.

    Raises:
        ValueError: for names that do not exist, occur twice or are empty, and if no input is left.
    """
    for name in (target, *drop):
        if name not in table.names and all(NUMBERS["."].fullmatch(other) for other in table.names):
            raise ValueError(
                f"{table.source} has no column {name!r}: its first line holds numbers ({', '.join(table.names[:5])}), "
                "but it must hold the column names"
            )
        table[name]
    if target in drop:
        raise ValueError(f"{target!r} is the column to predict, so it cannot be dropped")
    remarks = []
    names = [name for name in table.names if name not in drop]
    for name, count in Counter(names).items():
        if count > 1 and name:
            places = ", ".join(str(i) for i, other in enumerate(table.names, start=1) if other == name)
            raise ValueError(
                f"{table.source} has {count} columns named {name!r} (columns {places}): give each a unique name, "
                f"or leave them out with --drop {name!r}"
            )
    if "" in names:
        place = table.names.index("")
        if place or names.count("") > 1 or not _counts_rows(table.columns[0]):
            raise ValueError(f"column {place + 1} of {table.source} has no name: give it one in the file's first line")
        remarks.append("the first column has no name and counts the rows, so it is left out")
    inputs = [name for name in names if name not in ("", target)]
    if not inputs:
        raise ValueError(f"{table.source} has no column to predict {target!r} from")
    return inputs, remarks


def suspicious(table: Table, target: str, readings: dict[str, Reading]) -> list[str]:
    """Return remarks on columns that count the rows or reveal the target.

    Raises:
        ValueError: for a text column with mostly distinct texts, such as names.
    """
    remarks = []
    wanted = table[target]
    for name, reading in readings.items():
        if name == target:
            continue
        cells = table[name]
        if reading.kind == "text":
            remarks += _of_texts(table, name, cells)
        if bool((cells == wanted).all()) and len(table) > 1:
            remarks.append(
                f"column {name!r} equals the target {target!r} in every row: leave it out with --drop {name!r}"
            )
        elif reading == PLAIN and _counts_rows(cells):
            remarks.append(
                f"column {name!r} only numbers the rows, so it does not help with new ones: leave it out with "
                f"--drop {name!r}"
            )
        elif _tells(cells, wanted):
            remarks.append(
                f"column {name!r} corresponds one-to-one to the target {target!r}: if it will not be known for new "
                f"rows, leave it out with --drop {name!r}"
            )
    return remarks


def _of_texts(table: Table, name: str, cells: Texts) -> list[str]:
    cells = cells[~missing(cells)]
    different = len(np.unique(cells))
    if different > 1 and (different == len(cells) or (different > MOST_CATEGORIES and 2 * different > len(cells))):
        raise ValueError(
            f"column {name!r} of {table.source} has {different:,} different texts in {len(cells):,} rows, such as "
            f"{cells[0]!r}, which look like names or free text and do not generalise: leave it out with --drop {name!r}"
        )
    remarks = []
    amounts = [text for text in cells[:1000].tolist() if AMOUNT.fullmatch(text)]
    if different > FEW_CATEGORIES and 2 * len(amounts) > min(1000, len(cells)):
        remarks.append(
            f"column {name!r} is read as categories, since {amounts[0]!r} is not a plain number: if these are amounts, "
            "write them without a currency or unit"
        )
    if different > MOST_CATEGORIES:
        remarks.append(
            f"column {name!r} has {different:,} categories: the {MOST_CATEGORIES} most frequent have an input each, "
            "and the others share one"
        )
    return remarks


def _counts_rows(cells: Texts) -> bool:
    """Tell whether cells are 0, 1, 2, ... or 1, 2, 3, ..."""
    if len(cells) < ROWS_THAT_COUNT or cells[0] not in ("0", "1"):
        return False
    start = int(cells[0])
    counted: bool = cells[:100].tolist() == [str(k) for k in range(start, start + min(100, len(cells)))] and (
        cells.tolist() == [str(k) for k in range(start, start + len(cells))]
    )
    return counted


def _tells(cells: Texts, wanted: Texts) -> bool:
    """Tell whether a column with few distinct texts corresponds one-to-one to the target."""
    start = slice(0, 1000)
    if len(set(zip(cells[start].tolist(), wanted[start].tolist()))) > MOST_CATEGORIES:
        return False
    pairs = set(zip(cells.tolist(), wanted.tolist()))
    texts, targets = ({pair[k] for pair in pairs} for k in (0, 1))
    return 1 < len(pairs) == len(texts) == len(targets) and 3 * len(pairs) <= len(cells)
