"""The cost of a batch: the mean or the sum of its samples' results, and its derivatives with respect to them."""

from __future__ import annotations

import math
from typing import Any

from autograd.arrays import NDArray, np
from autograd.arrays.errors import ignoring_errors

Array = NDArray[Any]


class BatchCost:
    """The mean or the sum of the samples' results.

    Args:
        reduction: "mean" or "sum".
        dtype: the dtype of all computations.
        takes_one_seed: whether the backward pass takes one scalar seed for all samples.

    Attributes:
        reduction: as given.
    """

    reduction: str

    def __init__(self, reduction: str, dtype: np.dtype[Any], takes_one_seed: bool) -> None:
        self.reduction, self._dtype, self._takes_one_seed = reduction, dtype, takes_one_seed
        self._recent = np.empty(0, dtype), 0, 1.0

    def __call__(self, outputs: Array) -> float:
        """Return the cost of results, one row per sample.

        Raises:
            FloatingPointError: if it is not finite, although all results are.
        """
        share = 1 / len(outputs) if self.reduction == "mean" else 1.0
        cost = float(ignoring_errors(np.dot, outputs[:, 0], np.full(len(outputs), share, self._dtype)))
        if not math.isfinite(cost):
            raise FloatingPointError(f"the {self.reduction} of the samples' results is {cost}, although each is finite")
        return cost

    def seeds(self, samples: int, scale: float = 1.0) -> Array:
        """Return the derivative with respect to each result, times a scale; cached for batches of the same size."""
        seeds, of_samples, known = self._recent
        if of_samples != samples or scale != known:
            share = 1 / samples if self.reduction == "mean" else 1.0
            seeds = np.full(() if self._takes_one_seed else (samples, 1), share * scale, self._dtype)
            self._recent = seeds, samples, scale
        return seeds
