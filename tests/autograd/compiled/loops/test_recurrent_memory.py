"""The memory that the gradient of a recurrent network takes, against handwritten backpropagation through time."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import autograd
from autograd import Value, dot

Array = NDArray[np.float64]

SAMPLES, STEPS, INPUTS, UNITS = 128, 12, 4, 8
RNG = np.random.default_rng(0)
W, U, B = RNG.normal(size=(4 * UNITS, INPUTS)), RNG.normal(size=(4 * UNITS, UNITS)) / 3, RNG.normal(size=4 * UNITS)
X, Y = RNG.normal(size=(SAMPLES, STEPS, INPUTS)), RNG.normal(size=(SAMPLES, STEPS, UNITS))


def gradients_by_hand() -> list[Array]:
    """Return gradients of an LSTM's mean squared error over samples; derivatives overwrite the gates in memory."""
    xs = np.ascontiguousarray(X.transpose(1, 0, 2))
    a = xs.reshape(-1, INPUTS) @ W.T
    a = (a + B).reshape(STEPS, SAMPLES, 4 * UNITS)
    h, c = np.zeros((2, STEPS + 1, SAMPLES, UNITS))
    for t in range(STEPS):
        i, f, g, o = np.split(a[t], 4, axis=1)
        a[t] += h[t] @ U.T
        np.tanh(g, out=g)
        for gate in (i, f, o):
            gate[...] = 1 / (1 + np.exp(-gate))
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * np.tanh(c[t + 1])
    d_h = 2 / SAMPLES * (h[1:] - Y.transpose(1, 0, 2))
    later, d_c = np.zeros((2, SAMPLES, UNITS))
    for t in reversed(range(STEPS)):
        i, f, g, o = np.split(a[t].copy(), 4, axis=1)
        squashed = np.tanh(c[t + 1])
        later += d_h[t]
        d_c += later * o * (1 - squashed**2)
        parts = [d_c * g * i * (1 - i), d_c * c[t] * f * (1 - f), d_c * i * (1 - g**2), later * squashed * o * (1 - o)]
        a[t] = np.concatenate(parts, axis=1)
        d_c *= f
        later = a[t] @ U
    deltas = a.reshape(-1, 4 * UNITS)
    return [deltas.T @ xs.reshape(-1, INPUTS), deltas.T @ h[:-1].reshape(-1, UNITS), deltas.sum(axis=0)]


def peak(compute: Callable[[], Any]) -> int:
    """Return the most bytes that a computation holds at a time, after a first call has made what it keeps."""
    compute()
    tracemalloc.start()
    try:
        compute()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        compute()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_an_lstm_takes_at_most_half_as_much_memory_again_as_by_hand() -> None:
    w, u, b = (np.vectorize(Value, otypes=[object])(array).tolist() for array in (W, U, B))

    def loss(xs: Any, ys: Any) -> Any:
        h: list[Any] = [0.0] * UNITS
        c, errors = h, []
        for x, y in zip(xs, ys):
            z = [dot(w[k], x) + dot(u[k], h) + b[k] for k in range(4 * UNITS)]
            i, f, o = ([a.sigmoid() for a in z[k * UNITS : (k + 1) * UNITS]] for k in (0, 1, 3))
            g = [a.tanh() for a in z[2 * UNITS : 3 * UNITS]]
            c = [f[k] * c[k] + i[k] * g[k] for k in range(UNITS)]
            h = [o[k] * c[k].tanh() for k in range(UNITS)]
            errors += [(a - target) ** 2 for a, target in zip(h, y)]
        return autograd.sum(errors)

    program = autograd.compile(loss, X[0].tolist(), Y[0].tolist())
    vector = np.array([parameter.data for parameter in program.parameters])
    place = {parameter: k for k, parameter in enumerate(program.parameters)}
    _, gradient = program.outputs_and_gradient(vector, X, Y)
    for values, expected in zip((w, u, b), gradients_by_hand()):
        own = [gradient[place[value]] for value in np.ravel(np.array(values, dtype=object))]
        np.testing.assert_allclose(own, expected.ravel(), rtol=1e-11, atol=1e-12 * float(np.linalg.norm(expected)))
    assert peak(lambda: program.outputs_and_gradient(vector, X, Y)) <= 1.5 * peak(gradients_by_hand)
