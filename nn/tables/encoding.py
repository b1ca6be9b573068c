"""Encode a table as inputs and decode outputs as predictions, with statistics of the training rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.data import Array
from nn.tables.cells import Table, as_table
from nn.tables.column import Column, column_from_json, named
from nn.tables.missing import POLICIES, Policy, refuse_missing
from nn.tables.numerals import Reading


@dataclass(frozen=True)
class Encoded:
    """A table encoded as inputs.

    Attributes:
        inputs: one row for each used row of the table.
        used: a mask of the used rows: all, except rows with a missing value if these are left out.
        remarks: lines about anything a user may not expect.
    """

    inputs: Array
    used: NDArray[np.bool_]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preprocessing:
    """The encoding of a table as inputs, and the decoding of outputs as predictions.

    Attributes:
        columns: the encoding of each input column.
        target: the name of the column to predict.
        classes: the class of each output; None for regression.
        mean, scale: of a regression's target, whose outputs are (target - mean) / scale.
        missing: how missing values are handled.
    """

    columns: tuple[Column, ...]
    target: str
    classes: tuple[str, ...] | None = None
    mean: float = 0.0
    scale: float = 1.0
    missing: Policy = "refuse"

    @property
    def input_names(self) -> list[str]:
        """Return the names of the inputs."""
        return [name for column in self.columns for name in column.names]

    def inputs(self, table: Any) -> Array:
        """Encode a Table or a pandas table as an array of inputs.

        Raises ValueError, naming line and column, for cells that do not fit.
        """
        return self.encode(as_table(table)).inputs

    def encode(self, table: Table, policy: Policy | None = None) -> Encoded:
        """Encode a table as inputs.

        Args:
            policy: how to handle missing values; by default as in training.

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
            remarks.append(f"{filled:,} missing values filled in with the {policy} of their column's training rows")
        parts = [column.inputs(table, gaps[column.name], policy, remarks.append) for column in self.columns]
        return Encoded(np.hstack(parts), used, (*remarks, *self._on_unseen(table)))

    def _on_unseen(self, table: Table) -> list[str]:
        remarks = []
        for column in self.columns:
            rows = column.unseen(table)
            if len(rows):
                remarks.append(
                    f"column {column.name!r}: {named(table, column.name, rows)} not among the categories seen in "
                    "training, and treated as 'other'"
                )
        return remarks

    def predictions(self, outputs: Array) -> list[Any]:
        """Return a class name, or a number in the target's own units, for each row of outputs."""
        if self.classes is None:
            numbers: list[Any] = (outputs[:, 0] * self.scale + self.mean).tolist()
            return numbers
        return [self.classes[k] for k in outputs.argmax(axis=1)]

    def to_json(self) -> dict[str, Any]:
        """Return a representation of values that JSON supports."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Any) -> Preprocessing:
        """Restore the result of `to_json`. Raises ValueError for anything else."""
        try:
            columns = tuple(map(column_from_json, content["columns"]))
            classes = None if content["classes"] is None else tuple(map(str, [*content["classes"]]))
            preprocessing = cls(
                columns,
                str(content["target"]),
                classes,
                float(content["mean"]),
                float(content["scale"]),
                content.get("missing", "refuse"),
            )
            names = [column.name for column in columns]
            if not columns or len(set(names)) < len(names) or preprocessing.missing not in POLICIES:
                raise ValueError("columns")
            statistics = [
                (preprocessing.mean, preprocessing.scale),
                *((column.mean, column.scale) for column in columns),
            ]
            if not all(math.isfinite(mean) and math.isfinite(scale) and scale for mean, scale in statistics):
                raise ValueError("scales")
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ValueError("the model has no encoding for tables: was it written by `lucidgrad train`?") from None
        return preprocessing


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def sorted_classes(labels: Sequence[str]) -> tuple[str, ...]:
    """Sort class names numerically if all are numbers, otherwise alphabetically."""
    numbers = [Reading("number", ".", False).number(label) for label in labels]
    if None in numbers:
        return tuple(sorted(labels))
    return tuple(label for _, label in sorted(zip(numbers, labels)))
