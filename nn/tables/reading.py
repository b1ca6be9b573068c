"""Read a CSV file as cells of text, with the line of the file on which each row begins."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.tables.cells import TEXT, Table, Texts
from nn.tables.opening import open_text

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SEPARATOR_LINE = re.compile("sep=(.)\r?\n?")  # which Excel reads, and some programs write for it
ROWS_A_BATCH = 20_000
LINES_TO_LOOK_AT = 200

Progress = Callable[[int], object]


@dataclass(frozen=True)
class Dialect:
    """The dialect in which a file writes its table; None is recognised.

    Attributes:
        separator: one character between cells; if None, the one of comma, semicolon, tab and bar that fits.
        encoding: as Python names it; if None, UTF-8, or what a byte order mark says.
    """

    separator: str | None = None
    encoding: str | None = None


def read_csv(
    path: str | Path, dialect: Dialect | None = None, wanted: Sequence[str] = (), progress: Progress | None = None
) -> Table:
    """Read a CSV file with a line of column names, every cell as text.

    White space around a cell is left out. A line without anything on it is a row without values, except at the end of
    a file of several columns.

    Args:
        dialect: how the file is written, where that should not be recognised.
        wanted: names that the table should have, which help to recognise the separator.
        progress: called with the number of rows read, every `ROWS_A_BATCH` rows.

    Raises:
        ValueError: for a file that is no such table, naming the line, and the option that helps where there is one.
        OSError: if it cannot be read.
    """
    dialect = dialect or Dialect()
    _check_separator(dialect.separator)
    reader: Any = None
    try:
        with open_text(path, dialect.encoding) as file:
            first = list(itertools.islice(file, LINES_TO_LOOK_AT))
            _refuse_binary(path, first)
            said = SEPARATOR_LINE.fullmatch("".join(first[:1]))
            separator = dialect.separator or (said[1] if said else _separator(first, wanted))
            reader = csv.reader(
                itertools.chain(first, file), delimiter=separator, strict=True, skipinitialspace=separator != " "
            )
            if said:
                next(reader)
            names = _names(path, reader)
            return _cells(path, names, reader, progress)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} cannot be read as a table in {_shown(error.encoding)}: byte 0x{error.object[error.start]:02x}"
            f"{_line_of(path, error.encoding)} does not belong there; name the file's encoding, such as "
            "--encoding cp1252 (of Windows in western Europe)"
        ) from None
    except csv.Error as error:
        raise ValueError(
            f"{path} cannot be read as a table: line {max(1, reader.line_num)}: {_reason(error)}"
        ) from None


def _names(path: str | Path, reader: Any) -> tuple[str, ...]:
    for row in reader:
        names = tuple(name.strip() for name in row)
        if any(names):
            return names
    raise ValueError(f"{path} cannot be read as a table: it is empty")


def _cells(path: str | Path, names: tuple[str, ...], reader: Any, progress: Progress | None) -> Table:
    width = len(names)
    batches: list[list[Texts]] = []
    lines: list[NDArray[np.int64]] = []
    count = 0
    for rows, numbers in _batches(path, reader, width):
        batches.append([np.strings.strip(np.array(cells, dtype=TEXT)) for cells in zip(*rows)])
        lines.append(np.array(numbers, dtype=np.int64))
        count += len(rows)
        if progress is not None:
            progress(count)
    if not count:
        raise ValueError(f"{path} has no rows under its line of column names")
    names, kept = _without_empty_end(names, batches)
    columns = tuple(np.concatenate([batch[k] for batch in batches]) for k in range(kept))
    return Table(str(path), names, columns, np.concatenate(lines))


def _batches(path: str | Path, reader: Any, width: int) -> Iterator[tuple[list[list[str]], list[int]]]:
    """Rows of as many cells as there are names, with the line on which each begins, many at a time."""
    rows: list[list[str]] = []
    numbers: list[int] = []
    blank: list[int] = []  # lines without anything on them, which are rows only if others follow
    line = reader.line_num + 1
    extra = 0  # empty cells behind the last name, as spreadsheets leave them
    for row in reader:
        if len(row) < 2 and not "".join(row).strip() and (width > 1 or not row):
            blank.append(line)
        else:
            for number in blank:
                rows.append([""] * width)
                numbers.append(number)
            blank.clear()
            if len(row) != width:
                extra = _checked_extra(path, row, width, line)
                row = row[: len(row) - extra]
            rows.append(row)
            numbers.append(line)
        line = reader.line_num + 1
        if len(rows) >= ROWS_A_BATCH:
            yield rows, numbers
            rows, numbers = [], []
    if width == 1:
        rows += [[""] for _ in blank]
        numbers += blank
    if rows:
        yield rows, numbers


def _checked_extra(path: str | Path, row: list[str], width: int, line: int) -> int:
    """Return how many cells behind the last name are empty, where a row is otherwise as long as the names."""
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        return len(row) - width
    raise ValueError(
        f"{path} cannot be read as a table: line {line} has {len(row)} cell{'s' * (len(row) != 1)}, and the line of "
        f"column names has {width}; a cell that holds the separator must stand in quotes"
    )


def _without_empty_end(names: tuple[str, ...], batches: list[list[Texts]]) -> tuple[tuple[str, ...], int]:
    """The names without those at the end that are empty and have nothing under them, and how many are left."""
    kept = len(names)
    while kept > 1 and not names[kept - 1] and not any((batch[kept - 1] != "").any() for batch in batches):
        kept -= 1
    return names[:kept], kept


def _separator(lines: Iterable[str], wanted: Sequence[str]) -> str:
    """The separator by which the line of names has the names wanted; else the one that splits the lines evenly."""
    sample = list(lines)
    header = next((line for line in sample if line.strip()), "")
    best, best_score = ",", (0, 0, 0)
    for separator in SEPARATORS:
        names = [name.strip() for name in next(_split([header], separator), [])]
        if len(names) < 2 and names != [*wanted]:
            continue
        widths = [len(row) for row in _split(sample, separator) if row]
        even = sum(width == len(names) for width in widths) / max(1, len(widths))
        score = (sum(name in names for name in wanted), round(100 * even), len(names))
        if score > best_score:
            best, best_score = separator, score
    return best


def _split(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=separator, skipinitialspace=True)
    except csv.Error:
        return


def _check_separator(separator: str | None) -> None:
    if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
        raise ValueError(f"a separator is one character, such as , or ;; got {separator!r}")


def _refuse_binary(path: str | Path, lines: list[str]) -> None:
    if any("\0" in line for line in lines):
        raise ValueError(
            f"{path} cannot be read as a table: it holds bytes of zero, which text does not; if it is UTF-16 without "
            "a byte order mark, say --encoding utf-16-le"
        )


def _line_of(path: str | Path, encoding: str) -> str:
    """On which line a file ceases to be in an encoding, in words; nothing for encodings of more bytes a letter."""
    with open_text(path, "latin-1") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.encode("latin-1").decode(encoding)
            except UnicodeDecodeError:
                return f" on line {number}"
    return ""


def _shown(encoding: str) -> str:
    return {"utf-8": "UTF-8", "utf-8-sig": "UTF-8"}.get(encoding, encoding)


def _reason(error: csv.Error) -> str:
    """Return what the csv module says, with a remedy."""
    text = str(error)
    if "unexpected end of data" in text:
        return "a quotation mark is opened and never closed"
    if "field larger" in text:
        return "a cell of more than 131,072 characters; is a quotation mark not closed?"
    if "expected after" in text:
        return "there is something behind a closing quotation mark; one inside a cell is written twice"
    return text
