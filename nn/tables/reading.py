"""Read a CSV file as text cells, with the file's line number for each row."""

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
SEPARATOR_LINE = re.compile("sep=(.)\r?\n?")  # some programs write this line for Excel
ROWS_A_BATCH = 20_000
LINES_TO_LOOK_AT = 200

Progress = Callable[[int], object]


@dataclass(frozen=True)
class Dialect:
    """The format of a table file; None detects it.

    Attributes:
        separator: the character between cells; if None, the one of comma, semicolon, tab and bar that fits.
        encoding: Python's name of it; if None, UTF-8 or the encoding of a byte order mark.
    """

    separator: str | None = None
    encoding: str | None = None


def read_csv(
    path: str | Path, dialect: Dialect | None = None, wanted: Sequence[str] = (), progress: Progress | None = None
) -> Table:
    """Read a CSV file with a line of column names, every cell as text.

    White space around cells is stripped. An empty line is a row without values, except at the end of a file with
    several columns.

    Args:
        dialect: the file's format; detected by default.
        wanted: expected column names, which help to detect the separator.
        progress: called with the number of rows read, every `ROWS_A_BATCH` rows.

    Raises:
        ValueError: if the file is not such a table; names the line, and the option that helps if there is one.
        OSError: if it cannot be read.
    """
    dialect = dialect or Dialect()
    _check_separator(dialect.separator)
    reader: Any = None
    try:
        with open_text(path, dialect.encoding) as file:
            first = list(itertools.islice(file, LINES_TO_LOOK_AT))
            _refuse_binary(path, first)
            declared = SEPARATOR_LINE.fullmatch("".join(first[:1]))
            separator = dialect.separator or (declared[1] if declared else _separator(first, wanted))
            reader = csv.reader(
                itertools.chain(first, file), delimiter=separator, strict=True, skipinitialspace=separator != " "
            )
            if declared:
                next(reader)
            names = _names(path, reader)
            return _cells(path, names, reader, progress)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} cannot be read as a table in {_shown(error.encoding)}: byte 0x{error.object[error.start]:02x}"
            f"{_line_of(path, error.encoding)} is invalid there; name the file's encoding, such as "
            "--encoding cp1252 (Windows in western Europe)"
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
    names, width = _without_empty_end(names, batches)
    columns = tuple(np.concatenate([batch[k] for batch in batches]) for k in range(width))
    return Table(str(path), names, columns, np.concatenate(lines))


def _batches(path: str | Path, reader: Any, width: int) -> Iterator[tuple[list[list[str]], list[int]]]:
    """Yield batches of rows with one cell per name, and the line on which each row begins."""
    rows: list[list[str]] = []
    numbers: list[int] = []
    blank: list[int] = []  # empty lines, which are rows only if others follow
    line = reader.line_num + 1
    extra = 0  # empty cells after the last name, as spreadsheets leave them
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
    """Return the number of cells after the last name if all are empty. Raise ValueError for any other width."""
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        return len(row) - width
    raise ValueError(
        f"{path} cannot be read as a table: line {line} has {len(row)} cell{'s' * (len(row) != 1)}, and the line of "
        f"column names has {width}; a cell that contains the separator must be quoted"
    )


def _without_empty_end(names: tuple[str, ...], batches: list[list[Texts]]) -> tuple[tuple[str, ...], int]:
    """Return the names without trailing columns that have neither a name nor a value, and their number."""
    width = len(names)
    while width > 1 and not names[width - 1] and not any((batch[width - 1] != "").any() for batch in batches):
        width -= 1
    return names[:width], width


def _separator(lines: Iterable[str], wanted: Sequence[str]) -> str:
    """Return the separator that yields the most wanted names, then the one that splits the lines most evenly."""
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
        raise ValueError(f"a separator must be one character, such as , or ;; got {separator!r}")


def _refuse_binary(path: str | Path, lines: list[str]) -> None:
    if any("\0" in line for line in lines):
        raise ValueError(
            f"{path} cannot be read as a table: it contains zero bytes, so it is not text; if it is UTF-16 without "
            "a byte order mark, use --encoding utf-16-le"
        )


def _line_of(path: str | Path, encoding: str) -> str:
    """Describe the line where a file first fails to decode; empty if no single line fails, as in UTF-16."""
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
    """Return the csv module's error in plain words, with a remedy."""
    text = str(error)
    if "unexpected end of data" in text:
        return "a quotation mark is opened and never closed"
    if "field larger" in text:
        return "a cell has more than 131,072 characters; is a quotation mark not closed?"
    if "expected after" in text:
        return "text follows a closing quotation mark; inside a cell, a quotation mark is written twice"
    return text
