"""A sigmoid network with one hidden layer in NumPy, by hand, as fast as NumPy goes: the peer of the compiled programs.

Nothing is allocated while it trains. Gradients come out of the products scaled by minus the learning rate, which is
put into the small delta of the outputs, so that an update is one addition of two vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Sizes = tuple[int, int, int]

INPUTS = 784
OUTPUTS = 10


def initial_weights(sizes: Sizes, dtype: str = "float64") -> Array:
    """w1, b1, w2, b2 in one vector: the same in every process, weights of deviation 1 / sqrt(fan-in), biases zero."""
    chance = np.random.default_rng(1)
    vector = np.zeros(sum(shape_size for *_, shape_size in _places(sizes)))
    for array in arrays(vector, sizes)[::2]:
        array[:] = chance.normal(0.0, 1 / np.sqrt(array.shape[1]), array.shape)
    return vector.astype(dtype)


def arrays(vector: Array, sizes: Sizes) -> list[Array]:
    """w1, b1, w2, b2 as views of the vector."""
    return [vector[start : start + size].reshape(shape) for start, shape, size in _places(sizes)]


def _places(sizes: Sizes) -> list[tuple[int, tuple[int, ...], int]]:
    """Where each array begins in the vector, its shape, its size."""
    nin, hidden, nout = sizes
    places: list[tuple[int, tuple[int, ...], int]] = []
    start = 0
    for shape in ((hidden, nin), (hidden,), (nout, hidden), (nout,)):
        size = int(np.prod(shape))
        places.append((start, shape, size))
        start += size
    return places


def samples(count: int, dtype: str = "float64") -> tuple[Array, Array]:
    """Images of 784 random numbers, and one-hot targets that can be learned from them; the same in every process."""
    chance = np.random.default_rng(0)
    images = chance.random((count, INPUTS), dtype=np.dtype(dtype).type)
    scores = images @ chance.standard_normal((INPUTS, OUTPUTS)).astype(dtype)
    scores -= scores.mean(axis=0)
    targets = np.zeros((count, OUTPUTS), dtype)
    targets[np.arange(count), scores.argmax(axis=1)] = 1.0
    return images, targets


def losses(weights: Array, sizes: Sizes, images: Array, targets: Array) -> Array:
    """The half squared error of each sample, written for its clarity: what all engines are compared by."""
    w1, b1, w2, b2 = arrays(weights, sizes)
    a1 = 1 / (1 + np.exp(-(images @ w1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ w2.T + b2)))
    found: Array = 0.5 * ((a2 - targets) ** 2).sum(axis=1)
    return found


class Network:
    """Stochastic gradient descent on the mean half squared error of a batch.

    Args:
        weights: w1, b1, w2, b2 in one vector, which is copied.
        sizes: inputs, hidden neurons, outputs.
        batch: samples an update, always as many.
        learning_rate: of the updates.
    """

    def __init__(self, weights: Array, sizes: Sizes, batch: int, learning_rate: float) -> None:
        _, hidden, nout = sizes
        self.weights, self._step = weights.copy(), np.empty_like(weights)
        self._w1, self._b1, self._w2, self._b2 = arrays(self.weights, sizes)
        self._step_w1, self._step_b1, self._step_w2, self._step_b2 = arrays(self._step, sizes)
        self._a1, self._delta1, self._slope1 = np.empty((3, batch, hidden), weights.dtype)
        self._a2, self._delta2, self._slope2 = np.empty((3, batch, nout), weights.dtype)
        self._batch, self._ones = batch, np.ones(batch, weights.dtype)
        self._one = np.array(1.0, weights.dtype)  # ufuncs take arrays of one number quicker than floats
        self._rate = np.array(-learning_rate / batch, weights.dtype)

    def update(self, x: Array, y: Array) -> float:
        """One update; gives the cost before it."""
        a1, a2, delta1, delta2 = self._a1, self._a2, self._delta1, self._delta2
        _activate(np.matmul(x, self._w1.T, out=a1), self._b1, self._one)
        _activate(np.matmul(a1, self._w2.T, out=a2), self._b2, self._one)
        np.subtract(a2, y, out=delta2)
        cost = 0.5 * float(np.vdot(delta2, delta2)) / self._batch

        slope = _slope(a2, self._one, self._slope2)
        slope *= self._rate
        delta2 *= slope
        np.matmul(delta2, self._w2, out=delta1)
        delta1 *= _slope(a1, self._one, self._slope1)
        np.matmul(delta1.T, x, out=self._step_w1)
        self._ones.dot(delta1, self._step_b1)
        np.matmul(delta2.T, a1, out=self._step_w2)
        self._ones.dot(delta2, self._step_b2)
        self.weights += self._step
        return cost

    def products(self, x: Array, y: Array) -> float:
        """The five matrix products of an update and nothing else, to be timed."""
        np.matmul(x, self._w1.T, out=self._a1)
        np.matmul(self._a1, self._w2.T, out=self._a2)
        np.matmul(self._a2, self._w2, out=self._delta1)
        np.matmul(self._a1.T, x, out=self._step_w1)
        np.matmul(self._a2.T, self._a1, out=self._step_w2)
        return 0.0


def _activate(z: Array, b: Array, one: Array) -> None:
    """σ(z + b) in the place of z."""
    z += b
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += one
    np.reciprocal(z, out=z)


def _slope(a: Array, one: Array, out: Array) -> Array:
    """σ' = a (1 − a)."""
    np.subtract(one, a, out=out)
    out *= a
    return out
