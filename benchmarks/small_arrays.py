"""The weights of the small networks of `benchmarks.small`, and an LSTM in NumPy by hand, forward and backward."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

STEPS, INPUTS, HIDDEN = 8, 4, 24
SIZES = (2, 16, 16, 1)


def layer_sizes() -> list[tuple[int, int]]:
    """Inputs and neurons of each layer of the MLP."""
    return list(pairwise(SIZES))


def weights_of(network: str) -> Array:
    """All weights in one vector, the same in every process: of each neuron or gate, then its bias."""
    count = 4 * HIDDEN * (INPUTS + HIDDEN + 1) + HIDDEN
    if network == "moons":
        count = sum(m * (n + 1) for n, m in layer_sizes())
    return np.random.default_rng(1).normal(0.0, 0.3, count)


class LongShortTermMemory:
    """The cost of a sequence, and its gradient to all weights: backpropagation through time.

    Args:
        weights: of the input, forget and output gates and of the candidates, each with its bias; then of the readout.
    """

    def __init__(self, weights: Array) -> None:
        gates = 4 * HIDDEN * (INPUTS + HIDDEN + 1)
        rows = weights[:gates].reshape(4 * HIDDEN, -1)
        self._w, self._b, self._readout = np.ascontiguousarray(rows[:, :-1]), rows[:, -1].copy(), weights[gates:]
        self._gradient = np.empty_like(weights)
        rows = self._gradient[:gates].reshape(4 * HIDDEN, -1)
        self._d_w, self._d_b, self._d_readout = rows[:, :-1], rows[:, -1], self._gradient[gates:]
        self._read = np.zeros((STEPS, INPUTS + HIDDEN))  # the input of each step, and the state before it
        self._gates = np.empty((STEPS, 4 * HIDDEN))
        self._cells = np.zeros((STEPS + 1, HIDDEN))
        self._squashed = np.empty((STEPS, HIDDEN))

    def step(self, x: Array, y: float) -> tuple[float, Array]:
        """Forward and backward: gives the cost and the gradient."""
        read, gates, cells, n = self._read, self._gates, self._cells, HIDDEN
        read[:, :INPUTS] = x
        h = np.zeros(n)
        for t in range(STEPS):
            read[t, INPUTS:] = h
            z = self._w @ read[t] + self._b
            s = gates[t]
            s[: 3 * n] = 1 / (1 + np.exp(-z[: 3 * n]))
            np.tanh(z[3 * n :], out=s[3 * n :])
            cells[t + 1] = s[n : 2 * n] * cells[t] + s[:n] * s[3 * n :]
            np.tanh(cells[t + 1], out=self._squashed[t])
            h = s[2 * n : 3 * n] * self._squashed[t]
        error = float(self._readout @ h) - y
        self._d_readout[:] = 2 * error * h
        self._backward(2 * error * self._readout)
        return error * error, self._gradient

    def _backward(self, d_h: Array) -> None:
        gates, cells, n = self._gates, self._cells, HIDDEN
        d_z = np.empty((STEPS, 4 * n))
        d_c = np.zeros(n)
        for t in reversed(range(STEPS)):
            s, squashed, d = gates[t], self._squashed[t], d_z[t]
            d_c += d_h * s[2 * n : 3 * n] * (1 - squashed * squashed)
            d[:n] = d_c * s[3 * n :]
            d[n : 2 * n] = d_c * cells[t]
            d[2 * n : 3 * n] = d_h * squashed
            d[3 * n :] = d_c * s[:n] * (1 - s[3 * n :] ** 2)
            d[: 3 * n] *= s[: 3 * n] * (1 - s[: 3 * n])
            d_h = d @ self._w[:, INPUTS:]
            d_c *= s[n : 2 * n]
        self._d_w[:] = d_z.T @ self._read
        self._d_b[:] = d_z.sum(axis=0)
