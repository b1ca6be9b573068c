"""The interface of training engines, which compute losses, outputs and updates of batches."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from autograd import Value
from nn.conversion import Array
from nn.losses import Loss
from nn.training.samples import Samples

Reduction = Literal["mean", "sum"]


class Engine(Protocol):
    """Computes the updates of a training, and the losses and outputs to evaluate.

    An engine may hold the parameters in its own storage from `begin` to `settle`; in between, the Values are stale.

    Attributes:
        name: "eager" or "compiled", for the history.
        loss: the loss of one sample.
        reduction: how the losses of a batch are combined.
        warm_up: the compiled program's warm-up state (`autograd.Program.warm_up`); empty without a program.
    """

    name: str
    loss: Loss
    reduction: Reduction
    warm_up: dict[str, int]

    def begin(self, after_callbacks: bool) -> None:
        """Prepare for an epoch. Callbacks may have changed the parameters and everything else the model uses."""

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
        """Return losses and outputs without training on the samples; a loss without a finite value is inf."""


def checked_loss(loss: Any) -> Any:
    """Return a loss. Raise TypeError unless it is a Value, or 0."""
    if not isinstance(loss, Value) and loss != 0:
        raise TypeError(f"the loss must be a Value computed from the outputs, or 0; got {loss!r}")
    return loss
