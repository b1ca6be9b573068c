"""A sigmoid network with one hidden layer in NumPy, optimized by hand: the peer of the compiled programs.

Training allocates nothing. The small delta of the outputs is scaled by minus the learning rate, so all gradients are
scaled, and an update is one addition of two vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import add, exp, matmul, multiply, reciprocal, subtract
from numpy.typing import NDArray

Array = NDArray[Any]
Sizes = tuple[int, int, int]

INPUTS = 784
OUTPUTS = 10


def initial_weights(sizes: Sizes, dtype: str = "float64") -> Array:
    """Return w1, b1, w2, b2 in one vector, equal in every process: weights of deviation 1 / sqrt(fan-in), biases 0."""
    chance = np.random.default_rng(1)
    vector = np.zeros(sum(shape_size for *_, shape_size in _places(sizes)))
    for array in arrays(vector, sizes)[::2]:
        array[:] = chance.normal(0.0, 1 / np.sqrt(array.shape[1]), array.shape)
    return vector.astype(dtype)


def arrays(vector: Array, sizes: Sizes) -> list[Array]:
    """Return w1, b1, w2, b2 as views of the vector."""
    return [vector[start : start + size].reshape(shape) for start, shape, size in _places(sizes)]


def _places(sizes: Sizes) -> list[tuple[int, tuple[int, ...], int]]:
    """Return the start of each array in the vector, its shape, and its size."""
    nin, hidden, nout = sizes
    places: list[tuple[int, tuple[int, ...], int]] = []
    start = 0
    for shape in ((hidden, nin), (hidden,), (nout, hidden), (nout,)):
        size = int(np.prod(shape))
        places.append((start, shape, size))
        start += size
    return places


def samples(count: int, dtype: str = "float64") -> tuple[Array, Array]:
    """Return images of 784 random numbers with learnable one-hot targets, the same in every process."""
    chance = np.random.default_rng(0)
    images = chance.random((count, INPUTS), dtype=np.dtype(dtype).type)
    scores = images @ chance.standard_normal((INPUTS, OUTPUTS)).astype(dtype)
    scores -= scores.mean(axis=0)
    targets = np.zeros((count, OUTPUTS), dtype)
    targets[np.arange(count), scores.argmax(axis=1)] = 1.0
    return images, targets


def losses(weights: Array, sizes: Sizes, images: Array, targets: Array) -> Array:
    """Return the half squared error of each sample, written for clarity; all engines are compared by it."""
    w1, b1, w2, b2 = arrays(weights, sizes)
    a1 = 1 / (1 + np.exp(-(images @ w1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ w2.T + b2)))
    costs: Array = 0.5 * ((a2 - targets) ** 2).sum(axis=1)
    return costs


class Network:
    """Stochastic gradient descent on the mean half squared error of a batch.

    Samples are columns, as in textbooks: z = w a + b. The weights are stored times -1, since 1 / (1 + exp(-z)) then
    takes one call less. The activations of both layers are one array, so that two calls compute all their slopes. A row
    of ones below the hidden layer's activations makes the last biases one more weight each.

    Args:
        weights: w1, b1, w2, b2 in one vector.
        sizes: inputs, hidden neurons, outputs.
        batch: the number of samples per update.
        learning_rate: of the updates.
    """

    def __init__(self, weights: Array, sizes: Sizes, batch: int, learning_rate: float) -> None:
        self._sizes, dtype = sizes, weights.dtype
        _, hidden, nout = sizes
        vectors = _aligned((2, -(-len(weights) // 16) * 16), dtype)[:, : len(weights)]  # the weights times -1, the step
        self._w1, self._b1, self._w2 = self._arrays_of(vectors[0])
        w1, b1, w2, b2 = arrays(-weights, sizes)
        self._w1[:], self._b1[:], self._w2[:, :hidden], self._w2[:, hidden] = w1, b1, w2, b2
        buffers = _aligned((3, (hidden + 1 + nout) * batch), dtype)  # activations, slopes, deltas
        buffers[0, hidden * batch : (hidden + 1) * batch] = 1.0
        self.update, self.products = _passes(
            vectors,
            (self._w1, self._b1, self._w2),
            self._arrays_of(vectors[1]),
            buffers,
            [x.reshape(-1, batch) for x in buffers],
            learning_rate / batch,
        )

    def _arrays_of(self, vector: Array) -> tuple[Array, Array, Array]:
        """Return w1, b1, and w2 with b2 as its last column."""
        nin, hidden, nout = self._sizes
        cut, end = hidden * nin, hidden * nin + hidden
        return vector[:cut].reshape(hidden, nin), vector[cut:end], vector[end:].reshape(nout, hidden + 1)

    @property
    def weights(self) -> Array:
        """Return w1, b1, w2, b2 in one vector."""
        parts = self._w1, self._b1, self._w2[:, :-1], self._w2[:, -1]
        return np.concatenate([-part.reshape(-1) for part in parts])


def _aligned(shape: tuple[int, int], dtype: Any) -> Array:
    """Return an array aligned to the processor's cache lines; NumPy does not guarantee this."""
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    array: Array = memory[start : start + size].view(dtype).reshape(shape)
    return array


def _passes(
    vectors: Array,
    weights: tuple[Array, Array, Array],
    steps: tuple[Array, Array, Array],
    buffers: Array,
    in_columns: list[Array],
    rate: float,
) -> tuple[Callable[[Array, Array], float], Callable[[Array, Array], float]]:
    """Return an update, which returns the cost before it, and its five matrix products alone, to be timed.

    Both read closure variables, which are faster than attributes.
    """
    negated, step = vectors
    (w1, b1, w2), (step_w1, step_b1, step_w2) = weights, steps
    hidden, batch = len(w1), in_columns[0].shape[1]
    b1_column, w2_transposed = b1[:, None], w2[:, :hidden].T
    a, slopes, deltas = buffers
    a1, slope1, delta1 = (x[:hidden] for x in in_columns)
    a2, slope2, delta2 = (x[hidden + 1 :] for x in in_columns)
    a1_and_ones, errors = in_columns[0][: hidden + 1], deltas[(hidden + 1) * batch :]
    a1_transposed, ones, half = a1_and_ones.T, np.ones(batch, a.dtype), 0.5 / batch
    one, minus_rate = np.array(1.0, a.dtype), np.array(-rate, a.dtype)  # faster operands of ufuncs than floats

    def update(x: Array, y: Array) -> float:
        exp(add(matmul(w1, x.T, a1), b1_column, a1), a1)
        reciprocal(add(a1, one, a1), a1)  # 1 / (1 + exp(z)), in place, since z is negated
        exp(matmul(w2, a1_and_ones, a2), a2)
        reciprocal(add(a2, one, a2), a2)
        subtract(a2, y.T, delta2)
        cost: float = half * errors.dot(errors)

        multiply(subtract(a, one, slopes), a, slopes)  # a (a - 1), the slopes times -1
        multiply(multiply(delta2, minus_rate, delta2), slope2, delta2)
        multiply(matmul(w2_transposed, delta2, delta1), slope1, delta1)
        matmul(delta1, x, step_w1)
        delta1.dot(ones, step_b1)
        matmul(delta2, a1_transposed, step_w2)
        add(negated, step, negated)
        return cost

    def products(x: Array, y: Array) -> float:
        matmul(w1, x.T, a1)
        matmul(w2, a1_and_ones, a2)
        matmul(w2_transposed, a2, delta1)
        matmul(delta1, x, step_w1)
        matmul(a2, a1_transposed, step_w2)
        return 0.0

    return update, products
