"""The record of a training, epoch by epoch."""

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
        cost: the mean or the sum of the samples' losses, each as it was when its batch came up, and weighted where
            samples have weights.
        accuracy: the fraction of them that were right at that time, weighted likewise; None where targets name no
            classes.
        validation_cost, validation_accuracy: the same on the validation samples, after the epoch; None without any.
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
        engine: what computed it, "compiled" or "eager".
        kept: the epoch whose parameters the network has, where `patience` chose it; 0 is before the first.
        classes: what the outputs stand for, where targets were names of classes: of one output, what 0 and 1 are.
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
        """The cost of each epoch."""
        return [epoch.cost for epoch in self.epochs]

    def save_csv(self, path: str | Path) -> None:
        """Write one line an epoch under a line of names; what is None stays empty. Raises OSError."""

        def write(temporary: Path) -> None:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(f.name for f in fields(Epoch))
                writer.writerows(map(astuple, self.epochs))

        write_atomically(path, write)
