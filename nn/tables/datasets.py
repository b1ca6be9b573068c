"""Training data: the handwritten digits that come with scikit-learn, or a user's CSV file.

Numbers are standardised and texts one-hot encoded with the statistics of the training rows. These are saved with the
model as plain numbers and names (`Preprocessing`), so that new rows are encoded in the same way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nn.data import Array, one_hot
from nn.tables.cells import Table, Texts
from nn.tables.checks import checked_names, suspicious
from nn.tables.column import Column, fitted_column, numbers_in
from nn.tables.encoding import Preprocessing, sorted_classes
from nn.tables.kinds import Settings, decide, remarks_on
from nn.tables.missing import MARKS, Policy, missing_in, refuse_missing
from nn.tables.numerals import Mark, Reading
from nn.tables.reading import Dialect, read_csv

Task = Literal["classification", "regression"]

MOST_INTEGER_CLASSES = 20  # a column with more distinct whole numbers is a regression target
WHOLE_WITH_POINT = re.compile(r"^([+-]?\d+)\.0*$")


@dataclass(frozen=True)
class Dataset:
    """Training samples and held-out samples, as arrays, samples first.

    Attributes:
        title: a description in one line.
        targets, held_out_targets: one-hot rows for classification, one standardised number per row for regression.
        preprocessing: the encoding from table to inputs.
        image_shape: rows and columns of pixels, if each sample is an image.
        remarks: lines about anything in the reading of the table that a user may not expect.
    """

    title: str
    inputs: Array
    targets: Array
    held_out_inputs: Array
    held_out_targets: Array
    preprocessing: Preprocessing
    image_shape: tuple[int, int] | None = None
    remarks: tuple[str, ...] = ()


def digits(held_out: float = 0.2, seed: int = 0) -> Dataset:
    """Return 1,797 real handwritten digits of 8 × 8 pixels, brightness from 0 to 1; holds a stratified part out.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, as scikit-learn ships it.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    table = load_digits()
    x, held_out_x, labels, held_out_labels = train_test_split(
        table.data / 16, table.target, test_size=held_out, stratify=table.target, random_state=seed
    )
    return Dataset(
        f"digits: {len(table.data):,} images of 8 x 8, {len(x):,} for training and {len(held_out_x):,} held out",
        x,
        one_hot(labels, 10),
        held_out_x,
        one_hot(held_out_labels, 10),
        Preprocessing(tuple(Column(name, scale=16.0) for name in table.feature_names), "digit", tuple("0123456789")),
        image_shape=(8, 8),
    )


def table(
    source: str | Path | Table,
    target: str,
    drop: Collection[str] = (),
    task: Task | None = None,
    held_out: float = 0.2,
    seed: int = 0,
    *,
    missing: Policy = "refuse",
    na: Collection[str] = MARKS,
    text: Collection[str] = (),
    decimal: Mark | None = None,
    dialect: Dialect | None = None,
) -> Dataset:
    """Convert a CSV file to samples, a part of them held out (stratified for classification).

    Args:
        source: the file, or a table from `read_csv`.
        target: the column to predict. Texts, and whole numbers with at most 20 distinct values, are classes; other
            targets are numbers.
        drop: columns to leave out.
        task: overrides the rule above.
        missing: how to handle missing values. Rows without a target are left out unless this is "refuse".
        na: marks of missing values, besides an empty cell.
        text: columns to read as categories.
        decimal: the decimal mark; detected by default.
        dialect: the file's format; detected by default.

    Raises:
        ValueError: for missing values (naming line and column), and columns that do not exist or cannot be inputs.
        OSError: if the file cannot be read.
    """
    rows = source if isinstance(source, Table) else read_csv(source, dialect, [target, *drop])
    settings = Settings(decimal, frozenset(text), tuple(na))
    names, remarks = checked_names(rows, target, tuple(drop))
    for name in text:
        rows[name]
    readings = decide(rows, [*names, target], settings)
    rows, left_out = _without_gaps(rows, [*names, target], target, settings, missing)
    remarks += left_out
    if len(rows) < 2:
        raise ValueError(f"{rows.source} has only one usable row: there must be training rows and held-out rows")
    remarks += [*remarks_on(readings, rows, settings), *suspicious(rows, target, readings)]
    task = task or _task(rows, target, readings[target])
    choices = _Choices(rows, names, target, readings, settings, missing, held_out, seed, remarks)
    return _classes(choices) if task == "classification" else _numbers(choices)


@dataclass(frozen=True)
class _Choices:
    """Settings for splitting and encoding a table."""

    rows: Table
    names: list[str]
    target: str
    readings: dict[str, Reading]
    settings: Settings
    policy: Policy
    held_out: float
    seed: int
    remarks: list[str]

    def fitted(self, learned: Table) -> tuple[Column, ...]:
        """Return the input columns, with the statistics of the training rows."""
        return tuple(
            fitted_column(name, learned, self.readings[name], marks_of(name, self.settings)) for name in self.names
        )


def _without_gaps(
    rows: Table, names: list[str], target: str, settings: Settings, policy: Policy
) -> tuple[Table, list[str]]:
    """Return the usable rows, and a remark on those left out."""
    gaps = {name: missing_in(rows, name, marks_of(name, settings)) for name in names}
    if policy == "refuse":
        refuse_missing(rows, gaps)
        return rows, []
    without: NDArray[np.bool_] = np.logical_or.reduce(list(gaps.values())) if policy == "drop" else gaps[target]
    count, reason = int(without.sum()), "a missing value" if policy == "drop" else f"no {target!r}"
    if count == len(rows):
        raise ValueError(f"every row of {rows.source} has {reason}; --missing mean fills in all but the target")
    return (
        (rows.rows(~without), [f"{count:,} of {len(rows):,} rows have {reason} and are left out"])
        if count
        else (rows, [])
    )


def marks_of(name: str, settings: Settings) -> tuple[str, ...]:
    """Return a column's marks of missing values; in a column that the user declared text, only empty cells are."""
    return () if name in settings.text else settings.marks


def _task(rows: Table, target: str, reading: Reading) -> Task:
    if reading.kind != "number":
        return "classification"
    numbers = numbers_in(rows, target, reading, np.zeros(len(rows), dtype=bool))
    if len(np.unique(numbers)) > MOST_INTEGER_CLASSES or not (numbers % 1 == 0).all():
        return "regression"
    return "classification"


def _classes(choices: _Choices) -> Dataset:
    rows, target, reading = choices.rows, choices.target, choices.readings[choices.target]
    if reading.kind == "date":
        raise ValueError(f"column {target!r} holds dates: write the target as a number, or use --text {target!r}")
    labels = _labels(rows[target], reading)
    classes = sorted_classes(np.unique(labels).tolist())
    if len(classes) < 2:
        raise ValueError(f"column {target!r} holds a single class, {classes[0]!r}: there must be two or more")
    places = {label: k for k, label in enumerate(classes)}
    numbers = np.array([places[label] for label in labels.tolist()])
    parts = _stratified(rows, target, numbers, classes, choices.held_out, choices.seed)
    columns = choices.fitted(rows.rows(parts[0]))
    preprocessing = Preprocessing(columns, target, classes, missing=choices.policy)
    targets = [one_hot(numbers[part], len(classes)) for part in parts]
    return _dataset(rows, parts, targets, preprocessing, "classification", [*choices.remarks, *_alike(classes, target)])


def _numbers(choices: _Choices) -> Dataset:
    rows, target, reading = choices.rows, choices.target, choices.readings[choices.target]
    if reading.kind in ("text", "truth"):
        reading = Reading("number", choices.settings.decimal or ".")
    numbers = numbers_in(rows, target, reading, np.zeros(len(rows), dtype=bool))
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad) or reading.kind == "date":
        row = int(bad[0]) if len(bad) else 0
        problem = "a date; write it as a number" if reading.kind == "date" else "not a finite number"
        raise ValueError(
            f"{rows.place(row, target)}: {rows[target][row]!r} is {problem}, which --task regression needs"
        )
    parts = _parts(rows, choices.held_out, choices.seed)
    learned = rows.rows(parts[0])
    fitted = fitted_column(target, learned, reading, ())
    columns = choices.fitted(learned)
    preprocessing = Preprocessing(columns, target, None, fitted.mean, fitted.scale, choices.policy)
    targets = [((numbers[part] - fitted.mean) / fitted.scale).reshape(-1, 1) for part in parts]
    return _dataset(rows, parts, targets, preprocessing, "regression", choices.remarks)


def _dataset(
    rows: Table,
    parts: list[NDArray[np.int64]],
    targets: list[Array],
    preprocessing: Preprocessing,
    task: Task,
    remarks: list[str],
) -> Dataset:
    learned, held_out = (preprocessing.encode(rows.rows(part)) for part in parts)
    pooled = [
        f"column {column.name!r}: categories of a single row, or beyond the most frequent, share the input 'other'"
        for column in preprocessing.columns
        if column.other
    ]
    unseen = [f"held out: {remark}" for remark in held_out.remarks if "not among the categories" in remark]
    return Dataset(
        f"{Path(rows.source).name}: {task} of {preprocessing.target!r}, {len(parts[0]):,} rows for training and "
        f"{len(parts[1]):,} held out",
        learned.inputs,
        targets[0],
        held_out.inputs,
        targets[1],
        preprocessing,
        remarks=(*remarks, *pooled, *unseen),
    )


def _labels(cells: Texts, reading: Reading) -> Texts:
    """Return the classes' names as written, except that 1.0 becomes 1 if this merges no two classes."""
    if reading.kind != "number":
        return cells
    texts, places = np.unique(cells, return_inverse=True)
    names = [WHOLE_WITH_POINT.sub(r"\1", text) for text in texts.tolist()]
    if len(set(names)) < len(names):
        return cells
    return np.array(names, dtype=cells.dtype)[places]


def _alike(classes: tuple[str, ...], target: str) -> list[str]:
    """Return remarks on classes that may be the same: equal numbers, or texts that differ only in case."""
    plain = Reading("number", ".", True)
    groups: dict[Any, list[str]] = {}
    for label in classes:
        number = plain.number(label)
        groups.setdefault(label.casefold() if number is None else number, []).append(label)
    return [
        f"column {target!r}: {' and '.join(map(repr, labels))} are different classes"
        for labels in groups.values()
        if len(labels) > 1
    ]


def _parts(rows: Table, held_out: float, seed: int, labels: Any = None) -> list[NDArray[np.int64]]:
    from sklearn.model_selection import train_test_split

    return list(train_test_split(np.arange(len(rows)), test_size=held_out, stratify=labels, random_state=seed))


def _stratified(
    rows: Table, target: str, numbers: NDArray[np.int64], classes: tuple[str, ...], held_out: float, seed: int
) -> list[NDArray[np.int64]]:
    """Return the indices of the training rows and of the held-out rows, with each class in both."""
    counts = Counter(numbers.tolist())
    rarest, count = min(counts.items(), key=lambda item: item[1])
    if count < 2:
        row = int((numbers == rarest).argmax())
        single = sum(n == 1 for n in counts.values())
        others = f" ({single - 1:,} more classes occur once)" if single > 1 else ""
        raise ValueError(
            f"{rows.place(row, target)}: class {classes[rarest]!r} occurs once{others}, and each class needs a "
            "training row and a held-out row: leave such rows out, or merge rare classes"
        )
    try:
        return _parts(rows, held_out, seed, numbers)
    except ValueError as error:
        raise ValueError(
            f"{len(rows):,} rows are too few to hold out a fraction of {held_out:g} with each of {len(classes)} "
            f"classes in both parts: {error}"
        ) from None
