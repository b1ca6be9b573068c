"""Early stopping: the parameters of the epoch with the lowest validation cost, and when to wait no longer."""

from __future__ import annotations

import math

from autograd.arrays import np
from autograd.updates import commit, setting
from nn.data import Array
from nn.module import Module
from nn.training.history import History


class Best:
    """The lowest validation cost so far, and the parameters that had it.

    Args:
        patience: how many epochs in a row may pass without a lower cost; None waits for ever and keeps nothing.
    """

    epoch: int
    cost: float

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
        """Tell whether that many epochs are enough."""
        return self.patience is not None and epochs - self.epoch >= self.patience

    def restore(self, model: Module) -> None:
        """Give a model the parameters that were remembered, if any were."""
        if self.numbers is not None:
            commit(setting("data", model.parameters(), self.numbers.tolist()))


class Stalled:
    """A callback that ends a training whose cost has not fallen by `tol` for more than so many epochs in a row.

    Args:
        tol: what the lowest cost so far must be undercut by.
        most: so many epochs.
        verbose: whether to print the cost of each epoch, as scikit-learn does.
    """

    def __init__(self, tol: float, most: float, verbose: bool) -> None:
        self._tol, self._most, self._verbose = tol, most, verbose
        self._lowest, self._waited = math.inf, 0

    def __call__(self, model: Module, history: History) -> bool:
        cost = history[-1].cost
        if self._verbose:
            print(f"Iteration {len(history)}, loss = {cost:.8f}")
        self._waited = self._waited + 1 if cost > self._lowest - self._tol else 0
        self._lowest = min(self._lowest, cost)
        return self.is_exhausted

    @property
    def is_exhausted(self) -> bool:
        """True once so many epochs have gone by."""
        return self._waited > self._most
