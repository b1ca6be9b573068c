"""Early stopping: keep the parameters with the lowest validation cost, and decide when to stop."""

from __future__ import annotations

import math

from autograd.arrays import np
from autograd.updates import commit, setting
from nn.data import Array
from nn.module import Module
from nn.training.history import History


class Best:
    """The lowest validation cost so far, and its parameters.

    Args:
        patience: the number of epochs in a row without a lower cost after which to stop; None never stops and stores
            nothing.
    """

    epoch: int
    cost: float

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.epoch, self.cost = 0, math.inf
        self.numbers: Array | None = None

    def see(self, model: Module, epoch: int, cost: float | None) -> None:
        """Store the model's parameters if their cost is the lowest so far."""
        if self.patience is not None and cost is not None and cost < self.cost:
            numbers = np.array([parameter.data for parameter in model.parameters()], dtype=float)
            vars(self).update(epoch=epoch, cost=cost, numbers=numbers)

    def is_exhausted(self, epochs: int) -> bool:
        """Tell whether to stop after that many epochs."""
        return self.patience is not None and epochs - self.epoch >= self.patience

    def restore(self, model: Module) -> None:
        """Set a model's parameters to the stored ones, if there are any."""
        if self.numbers is not None:
            commit(setting("data", model.parameters(), self.numbers.tolist()))


class Stalled:
    """A callback that stops training if the cost has not fallen by `tol` for more than `most` epochs in a row.

    Args:
        tol: the required decrease below the lowest cost so far.
        most: the number of epochs to wait.
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
        """Tell whether more than `most` epochs have passed without the required decrease."""
        return self._waited > self._most
