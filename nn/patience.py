"""Early stopping: the parameters of the epoch with the lowest validation cost, and when to wait no longer."""

from __future__ import annotations

import math

from autograd.arrays import np
from autograd.updates import commit, setting
from nn.data import Array
from nn.module import Module


class Best:
    """The lowest validation cost so far, and the parameters that had it.

    Args:
        patience: how many epochs in a row may pass without a lower cost; None waits for ever and keeps nothing.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.epoch, self.cost = 0, math.inf
        self.numbers: Array | None = None

    def see(self, model: Module, epoch: int, cost: float | None) -> None:
        """Remember the model's parameters, if their cost is the lowest so far."""
        if self.patience is not None and cost is not None and cost < self.cost:
            numbers = np.array([parameter.data for parameter in model.parameters()], dtype=float)
            vars(self).update(epoch=epoch, cost=cost, numbers=numbers)

    def is_exhausted(self, epochs: int) -> bool:
        """Whether that many epochs are enough."""
        return self.patience is not None and epochs - self.epoch >= self.patience

    def restore(self, model: Module) -> None:
        """Give a model the parameters that were remembered, if any were."""
        if self.numbers is not None:
            commit(setting("data", model.parameters(), self.numbers.tolist()))
