"""A sigmoid network with one hidden layer in NumPy, by hand, as fast as NumPy goes: the peer of the compiled programs.

Nothing is allocated while it trains. Gradients come out of the products scaled by minus the learning rate, which is
put into the small delta of the outputs, so that an update is one addition of two vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import add, exp, matmul, multiply, reciprocal, subtract
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


def samples(count: int, dtype: str = "float64", *, with_ones: bool = False) -> tuple[Array, Array]:
    """Images of 784 random numbers, and one-hot targets that can be learned from them; the same in every process.

    With ones, each image has one more number, 1, which makes biases weights.
    """
    chance = np.random.default_rng(0)
    images = np.ones((count, INPUTS + with_ones), dtype)
    for part in np.split(images, range(1_000, count, 1_000)):  # so that no copy of them all is made
        part[:, :INPUTS] = chance.random((len(part), INPUTS), dtype=np.dtype(dtype).type)
    scores = images[:, :INPUTS] @ chance.standard_normal((INPUTS, OUTPUTS)).astype(dtype)
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

    Samples stand in columns, as the texts have it: z = w a. Biases are weights too, of a one behind each sample and of
    a row of ones below the hidden layer's. Kept are the weights times -1, since 1 / (1 + exp(-z)) is then computed with
    one call less; and the activations of both layers in one array, so that two calls find all their slopes.

    Args:
        weights: w1, b1, w2, b2 in one vector.
        sizes: inputs, hidden neurons, outputs.
        batch: samples an update, always as many.
        learning_rate: of the updates.
    """

    def __init__(self, weights: Array, sizes: Sizes, batch: int, learning_rate: float) -> None:
        nin, hidden, nout = sizes
        dtype, cut = weights.dtype, hidden * (nin + 1)
        self._negated, self._step = np.empty((2, len(weights)), dtype)
        self._w1, step_w1 = (vector[:cut].reshape(hidden, nin + 1) for vector in (self._negated, self._step))
        self._w2, step_w2 = (vector[cut:].reshape(nout, hidden + 1) for vector in (self._negated, self._step))
        self._w1[:, :-1], self._w1[:, -1], self._w2[:, :-1], self._w2[:, -1] = arrays(-weights, sizes)

        a, slopes, deltas = np.empty((3, (hidden + 1 + nout) * batch), dtype)
        ones, last = hidden * batch, (hidden + 1) * batch
        a[ones:last] = 1.0
        a1, a1_and_ones, a2 = (x.reshape(-1, batch) for x in (a[:ones], a[:last], a[last:]))
        slope1, slope2, delta1, delta2 = (
            x.reshape(-1, batch) for x in (slopes[:ones], slopes[last:], deltas[:ones], deltas[last:])
        )
        self._forward = self._w1, self._w2, a1, a1_and_ones, a2
        self._errors = delta2, deltas[last:], a, slopes
        self._backward = self._w2[:, :hidden].T, slope1, slope2, delta1, a1_and_ones.T, step_w1, step_w2
        # ufuncs take arrays of one number quicker than floats
        self._numbers = np.array(1.0, dtype), np.array(-learning_rate / batch, dtype), 0.5 / batch

    @property
    def weights(self) -> Array:
        """w1, b1, w2, b2 in one vector."""
        parts = self._w1[:, :-1], self._w1[:, -1], self._w2[:, :-1], self._w2[:, -1]
        return np.concatenate([-part.reshape(-1) for part in parts])

    def update(self, x: Array, y: Array) -> float:
        """One update from samples in rows, with ones; gives the cost before it."""
        w1, w2, a1, a1_and_ones, a2 = self._forward
        one, rate, half = self._numbers
        exp(matmul(w1, x.T, a1), a1)
        reciprocal(add(a1, one, a1), a1)  # 1 / (1 + exp(z)) in the place of z, which is negated
        exp(matmul(w2, a1_and_ones, a2), a2)
        reciprocal(add(a2, one, a2), a2)
        delta2, errors, a, slopes = self._errors
        subtract(a2, y.T, delta2)
        cost: float = half * errors.dot(errors)

        w2_turned, slope1, slope2, delta1, a1_turned, step_w1, step_w2 = self._backward
        multiply(subtract(a, one, slopes), a, slopes)  # a (a - 1), the slopes times -1
        multiply(multiply(delta2, rate, delta2), slope2, delta2)
        multiply(matmul(w2_turned, delta2, delta1), slope1, delta1)
        matmul(delta1, x, step_w1)
        matmul(delta2, a1_turned, step_w2)
        add(self._negated, self._step, self._negated)
        return cost

    def products(self, x: Array, y: Array) -> float:
        """The five matrix products of an update and nothing else, to be timed."""
        w1, w2, a1, a1_and_ones, a2 = self._forward
        w2_turned, _, _, delta1, a1_turned, step_w1, step_w2 = self._backward
        matmul(w1, x.T, a1)
        matmul(w2, a1_and_ones, a2)
        matmul(w2_turned, a2, delta1)
        matmul(delta1, x, step_w1)
        matmul(a2, a1_turned, step_w2)
        return 0.0
