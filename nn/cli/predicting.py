"""Predict the target of a table's rows with a trained model."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autograd.support.files import write_atomically
from nn.cli.jobs import outputs_of
from nn.cli.terminal import Progress
from nn.layers import MLP
from nn.tables import Dialect, Policy, Preprocessing, read_csv
from nn.tables.numerals import Mark
from nn.tables.opening import same_file
from nn.training.models import load, read_metadata

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Formats:
    """Options for reading a table and writing predictions; None is the model's setting, or is detected.

    Attributes:
        missing: how to handle missing values.
        decimal: the decimal mark of this table.
        escape_formulas: put an apostrophe before names that a spreadsheet would run as formulas.
    """

    dialect: Dialect | None = None
    missing: Policy | None = None
    decimal: Mark | None = None
    escape_formulas: bool = False


def predict_file(
    model_path: Path,
    table_path: Path,
    output: Path | None,
    formats: Formats,
    progress: Progress,
    note: Callable[[str], None],
) -> int:
    """Write a trained model's predictions for each row of a CSV file to another file; return the number of rows.

    The columns are `prediction` and, for classification, `output NAME` for each class. There is a line for each row of
    the table; it is empty if the row has a missing value and such rows are left out.

    Args:
        output: None means standard output.
        note: called with each line about something a user may not expect.

    Raises:
        ValueError: if a file cannot be used; names line and column where possible.
        OSError: if a file cannot be read or written.
    """
    if output is not None:
        for path in (model_path, table_path):
            if same_file(output, path):
                raise ValueError(f"{output} is an input, so it cannot be the output: name another file with --output")
    model, preprocessing = _loaded(model_path)
    if formats.decimal is not None:
        preprocessing = _with_decimal(preprocessing, formats.decimal)
    with progress.bar("reading", " rows") as bar:
        names = [column.name for column in preprocessing.columns]
        table = read_csv(table_path, formats.dialect, names, lambda rows: bar.update(rows - bar.n))
    with progress.phase("preparing"):
        encoded = preprocessing.encode(table, formats.missing)
    for remark in encoded.remarks:
        note(remark)
    classes = [f"output {name}" for name in preprocessing.classes or ()]
    outputs = outputs_of(model, encoded.inputs, progress) if len(encoded.inputs) else np.zeros((0, _width(model)))
    predictions = iter(zip(preprocessing.predictions(outputs), outputs.tolist()))

    def rows() -> Iterator[list[Any]]:
        yield ["prediction", *classes]
        for used in encoded.used.tolist():
            if not used:
                yield [""] * (1 + len(classes))
                continue
            prediction, numbers = next(predictions)
            yield [_safe(prediction) if formats.escape_formulas else prediction, *(numbers if classes else ())]

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows())

    if output is None:
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows())
    else:
        write_atomically(output, write)
    return len(table)


def _loaded(path: Path) -> tuple[MLP, Preprocessing]:
    """Load a model and its preprocessing, and check that their sizes fit."""
    model = load(path)
    preprocessing = Preprocessing.from_json(read_metadata(path).get("preprocessing"))
    if len(preprocessing.input_names) != model.nin:
        raise ValueError(f"{path} is damaged: {model.nin} inputs for {len(preprocessing.input_names)} columns")
    if _width(model) != (1 if preprocessing.classes is None else len(preprocessing.classes)):
        raise ValueError(f"{path} is damaged: {_width(model)} outputs for the classes {preprocessing.classes}")
    return model, preprocessing


def _width(model: MLP) -> int:
    return len(model.layers[-1].neurons)


def _with_decimal(preprocessing: Preprocessing, decimal: Mark) -> Preprocessing:
    """Return the preprocessing for tables with another decimal mark."""
    columns = tuple(
        replace(column, reading=replace(column.reading, decimal=decimal, grouped=True))
        if column.reading.kind == "number"
        else column
        for column in preprocessing.columns
    )
    return replace(preprocessing, columns=columns)


def _safe(name: Any) -> Any:
    """Escape a name that a spreadsheet would take for a formula; numbers are unchanged."""
    return f"'{name}" if isinstance(name, str) and name.startswith(FORMULA_SIGNS) else name
