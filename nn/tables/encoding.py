"""Encoding of a table as inputs, and of outputs as predictions: fitted on the rows to learn from."""

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
    """The encoding of a table as inputs, and of outputs as predictions.

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
        """The names of the inputs."""
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
                    f"column {column.name!r}: {named(table, column.name, rows)} not among the categories that were "
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
        """Return what `to_json` was made from. Raises ValueError for anything else."""
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
            raise ValueError("the model does not say how a table becomes its inputs: was it made by train?") from None
        return preprocessing


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def sorted_classes(labels: Sequence[str]) -> tuple[str, ...]:
    """The names of classes in order: by number where all are numbers, else by letter."""
    numbers = [Reading("number", ".", False).number(label) for label in labels]
    if None in numbers:
        return tuple(sorted(labels))
    return tuple(label for _, label in sorted(zip(numbers, labels)))
