"""The training history, epoch by epoch."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

from autograd.support.files import write_atomically


@dataclass(frozen=True)
class Epoch:
    """One pass over the training samples.

    Attributes:
        epoch: its number, from 1.
        cost: the mean or the sum of the samples' losses, each computed just before its batch's update, and weighted if
            samples have weights.
        accuracy: the fraction of samples that were right at that time, weighted likewise; None if targets are not
            classes.
        validation_cost, validation_accuracy: the same on the validation samples, after the epoch; None without them.
        largest_derivative: the largest |∂C/∂w| of all updates of the epoch.
    """

    epoch: int
    cost: float
    accuracy: float | None
    validation_cost: float | None
    validation_accuracy: float | None
    largest_derivative: float


@dataclass
class History:
    """The epochs of a training, and why it ended.

    Attributes:
        epochs: a list of `Epoch`.
        stopped: one line on why the training ended.
        engine: the engine that trained, "compiled" or "eager".
        kept: the epoch whose parameters the network has, if `patience` selected it; 0 is before the first.
        classes: the names of the outputs' classes, if targets were names; for a single output, those of 0 and 1.
    """

    epochs: list[Epoch] = field(default_factory=list)
    stopped: str = ""
    engine: str = field(default="", compare=False)
    kept: int | None = field(default=None, compare=False)
    classes: tuple[str, ...] | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __getitem__(self, index: int) -> Epoch:
        return self.epochs[index]

    @property
    def costs(self) -> list[float]:
        """Return the cost of each epoch."""
        return [epoch.cost for epoch in self.epochs]

    def save_csv(self, path: str | Path) -> None:
        """Write a line of names and one line per epoch; None becomes an empty cell. Raises OSError."""

        def write(temporary: Path) -> None:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(f.name for f in fields(Epoch))
                writer.writerows(map(astuple, self.epochs))

        write_atomically(path, write)
