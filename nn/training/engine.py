"""The interface of what computes a training: losses and outputs of batches, and an update from each."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from autograd import Value
from nn.conversion import Array
from nn.losses import Loss
from nn.training.samples import Samples

Reduction = Literal["mean", "sum"]


class Engine(Protocol):
    """Computes the updates of a training, and what they are judged by.

    An engine may keep the parameters to itself from `begin` to `settle`; in between, the Values lag behind.

    Attributes:
        name: "eager" or "compiled", for the history.
        loss: of one sample.
        reduction: of the losses of a batch.
        warm_up: of the compiled program (`autograd.Program.warm_up`); nothing where there is none.
    """

    name: str
    loss: Loss
    reduction: Reduction
    warm_up: dict[str, int]

    def begin(self, after_callbacks: bool) -> None:
        """Prepare for an epoch. After callbacks, parameters and everything the model computes with may have changed."""

    def settle(self) -> None:
        """Bring the Values and the optimizer up to date."""

    def update(self, epoch: int, batch: Samples) -> tuple[list[float], Array, float]:
        """Make one update from a batch.

        Returns:
            Each sample's loss before it, the outputs as rows, and the largest |∂C/∂w|.

        Raises:
            FloatingPointError: if a number becomes inf or nan; the parameters keep the values from before.
        """

    def measure(self, batch: Samples) -> tuple[list[float], Array]:
        """Return losses and outputs of samples that are not learned from; a loss without a finite value is inf."""


def checked_loss(loss: Any) -> Any:
    """Return a loss. Raises TypeError unless it is a Value, or 0."""
    if not isinstance(loss, Value) and loss != 0:
        raise TypeError(f"the loss must be a Value computed from the outputs, or 0; it gave {loss!r}")
    return loss
