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

    Kept are the weights times -1, since 1 / (1 + exp(-z)) is then computed with one call less; and the activations of
    both layers in one array, so that two calls find all their slopes.

    Args:
        weights: w1, b1, w2, b2 in one vector.
        sizes: inputs, hidden neurons, outputs.
        batch: samples an update, always as many.
        learning_rate: of the updates.
    """

    def __init__(self, weights: Array, sizes: Sizes, batch: int, learning_rate: float) -> None:
        _, hidden, nout = sizes
        self._negated, self._step = -weights, np.empty_like(weights)
        self._w1, self._b1, self._w2, self._b2 = arrays(self._negated, sizes)
        self._step_w1, self._step_b1, self._step_w2, self._step_b2 = arrays(self._step, sizes)
        self._a, self._slopes, self._deltas = np.empty((3, batch * (hidden + nout)), weights.dtype)
        cut = batch * hidden
        self._a1, self._slope1, self._delta1 = (x[:cut].reshape(batch, hidden) for x in self._buffers())
        self._a2, self._slope2, self._delta2 = (x[cut:].reshape(batch, nout) for x in self._buffers())
        self._errors = self._deltas[cut:]
        self._w1_turned, self._w2_turned = self._w1.T, self._w2.T
        self._delta1_turned, self._delta2_turned = self._delta1.T, self._delta2.T
        self._ones = np.ones(batch, weights.dtype)
        self._one = np.array(1.0, weights.dtype)  # ufuncs take arrays of one number quicker than floats
        self._rate = np.array(-learning_rate / batch, weights.dtype)
        self._half = 0.5 / batch

    def _buffers(self) -> tuple[Array, Array, Array]:
        return self._a, self._slopes, self._deltas

    @property
    def weights(self) -> Array:
        """w1, b1, w2, b2 in one vector."""
        found: Array = -self._negated
        return found

    def update(self, x: Array, y: Array) -> float:
        """One update; gives the cost before it."""
        a1, a2, delta1, delta2, one = self._a1, self._a2, self._delta1, self._delta2, self._one
        _activate(np.matmul(x, self._w1_turned, a1), self._b1, one)
        _activate(np.matmul(a1, self._w2_turned, a2), self._b2, one)
        np.subtract(a2, y, delta2)
        cost: float = self._half * self._errors.dot(self._errors)

        np.subtract(self._a, one, self._slopes)
        self._slopes *= self._a  # a (a - 1), the slopes times -1
        delta2 *= self._rate
        delta2 *= self._slope2
        np.matmul(delta2, self._w2, delta1)
        delta1 *= self._slope1
        np.matmul(self._delta1_turned, x, self._step_w1)
        self._ones.dot(delta1, self._step_b1)
        np.matmul(self._delta2_turned, a1, self._step_w2)
        self._ones.dot(delta2, self._step_b2)
        self._negated += self._step
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
    """1 / (1 + exp(z + b)) in the place of z."""
    z += b
    np.exp(z, z)
    z += one
    np.reciprocal(z, z)
