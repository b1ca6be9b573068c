"""Measure small networks, whose steps are dominated by calls: `python -m benchmarks.small NETWORK ENGINE` prints JSON.

"moons" is an MLP 2-16-16-1 on the 100 points of two moons, in one batch; "lstm" is an LSTM of 24 units over 8 steps,
one sequence at a time (Hochreiter & Schmidhuber, 1997, with the forget gate of Gers et al., 2000). A step is a forward
and a backward pass, from the inputs to the gradient with respect to all weights, which start equal in every engine.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Job, Numbers, alternate, is_installed, median, print_table, print_target, refuse_unequal
from benchmarks.measure import spread as spread_of
from benchmarks.two_moons import two_moons

Array = NDArray[Any]
Step = Callable[[], tuple[float, Array]]
"""Returns the cost, and the gradient in the order of the weights."""

STEPS, INPUTS, HIDDEN = 8, 4, 24
SIZES = (2, 16, 16, 1)
SECONDS = 1.0
WARM_UP = 20_000  # the most steps until machine code is compiled
ENGINES = {
    "compiled": "lucidgrad, compiled",
    "source": "lucidgrad, no llvmlite",
    "numpy": "NumPy by hand",
    "torch": "PyTorch",
}
JOBS = {"moons": ("compiled", "source", "torch"), "lstm": ("compiled", "source", "numpy")}
MOST = {("moons", "compiled"): 0.2, ("moons", "source"): 0.5, ("lstm", "compiled"): 1.0, ("lstm", "source"): 1.5}
"""Targets: the time of a step relative to that of the last engine."""


def layer_sizes() -> list[tuple[int, int]]:
    """Return the numbers of inputs and neurons of each layer of the MLP."""
    return list(pairwise(SIZES))


def weights_of(network: str) -> Array:
    """Return all weights in one vector, the same in every process: those of each neuron or gate, then its bias."""
    count = 4 * HIDDEN * (INPUTS + HIDDEN + 1) + HIDDEN
    if network == "moons":
        count = sum(m * (n + 1) for n, m in layer_sizes())
    return np.random.default_rng(1).normal(0.0, 0.3, count)


class LongShortTermMemory:
    """The cost of a sequence, and its gradient with respect to all weights, by backpropagation through time.

    Args:
        weights: those of the input, forget and output gates and of the candidates, each with its bias; then those of
            the readout.
    """

    def __init__(self, weights: Array) -> None:
        gates = 4 * HIDDEN * (INPUTS + HIDDEN + 1)
        rows = weights[:gates].reshape(4 * HIDDEN, -1)
        self._w, self._b, self._readout = np.ascontiguousarray(rows[:, :-1]), rows[:, -1].copy(), weights[gates:]
        self._gradient = np.empty_like(weights)
        rows = self._gradient[:gates].reshape(4 * HIDDEN, -1)
        self._d_w, self._d_b, self._d_readout = rows[:, :-1], rows[:, -1], self._gradient[gates:]
        self._read = np.zeros((STEPS, INPUTS + HIDDEN))  # the input and the previous state of each step
        self._gates = np.empty((STEPS, 4 * HIDDEN))
        self._cells = np.zeros((STEPS + 1, HIDDEN))
        self._squashed = np.empty((STEPS, HIDDEN))

    def step(self, x: Array, y: float) -> tuple[float, Array]:
        """Run the forward and the backward pass; return the cost and the gradient."""
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


def moons_loss(weights: Sequence[Any]) -> Callable[[Any, Any], Any]:
    """Return the hinge loss of a point, with tanh neurons."""
    import autograd

    numbers = iter(weights)
    layers = [[[next(numbers) for _ in range(n + 1)] for _ in range(m)] for n, m in layer_sizes()]

    def loss(x: Any, y: Any) -> Any:
        for depth, neurons in enumerate(layers):
            x = [autograd.dot(w[:-1], x) + w[-1] for w in neurons]
            if depth + 1 < len(layers):
                x = [autograd.tanh(z) for z in x]
        return autograd.relu(1 - y * x[0])

    return loss


def lstm_loss(weights: Sequence[Any]) -> Callable[[Any, Any], Any]:
    """Return the squared error of the readout of the last state of a sequence."""
    import autograd

    numbers = iter(weights)
    gates = [[next(numbers) for _ in range(INPUTS + HIDDEN + 1)] for _ in range(4 * HIDDEN)]
    readout = list(numbers)

    def loss(xs: Any, y: Any) -> Any:
        h, c = [0.0] * HIDDEN, [0.0] * HIDDEN
        for x in xs:
            z = [autograd.dot(w[:-1], [*x, *h]) + w[-1] for w in gates]
            i, f, o = ([autograd.sigmoid(v) for v in z[k * HIDDEN : (k + 1) * HIDDEN]] for k in range(3))
            g = [autograd.tanh(v) for v in z[3 * HIDDEN :]]
            c = [a * b + p * q for a, b, p, q in zip(f, c, i, g)]
            h = [a * autograd.tanh(b) for a, b in zip(o, c)]
        return (autograd.dot(readout, h) - y) ** 2

    return loss


def batch_of(network: str) -> tuple[Array, Array]:
    """Return the arguments: points and labels, or a sequence and its target."""
    if network == "moons":
        points, labels = two_moons()
        return np.array(points), np.array(labels, dtype=float)
    chance = np.random.default_rng(0)
    return chance.normal(size=(1, STEPS, INPUTS)), chance.normal(size=1)


def compiled(network: str) -> Step:
    """`autograd.compile`, with the program's flat path."""
    import autograd

    x, y = batch_of(network)
    weights = weights_of(network)
    leaves = [autograd.Value(w) for w in weights.tolist()]
    loss = {"moons": moons_loss, "lstm": lstm_loss}[network](leaves)
    program = autograd.compile(loss, x[0].tolist(), float(y[0]))
    place = {leaf: k for k, leaf in enumerate(leaves)}
    order = np.array([place[leaf] for leaf in program.parameters])
    flat, gradient = weights[order], np.empty(len(order))
    inverse = np.argsort(order)

    def step() -> tuple[float, Array]:
        costs, _ = program.outputs_and_gradient(flat, x, y, into=gradient)
        return float(costs.mean()), gradient

    step.in_order = lambda: gradient[inverse]  # type: ignore[attr-defined]
    return step


def source(network: str) -> Step:
    """The same without llvmlite."""
    modules: dict[str, Any] = sys.modules
    modules["llvmlite"] = None
    return compiled(network)


def by_hand(network: str) -> Step:
    """Handwritten NumPy."""
    network_by_hand = LongShortTermMemory(weights_of(network))
    x, y = batch_of(network)
    return lambda: network_by_hand.step(x[0], float(y[0]))


def pytorch(network: str) -> Step:
    """PyTorch, eager, on two threads."""
    import torch

    torch.set_num_threads(2)
    x, y = (torch.from_numpy(a) for a in batch_of(network))
    numbers = torch.from_numpy(weights_of(network))
    layers: list[Any] = []
    first = 0
    for n, m in layer_sizes():
        rows = numbers[first : first + m * (n + 1)].reshape(m, n + 1)
        layers.append([part.clone().requires_grad_() for part in (rows[:, :-1], rows[:, -1])])
        first += m * (n + 1)
    parameters = [part for layer in layers for part in layer]

    def step() -> tuple[float, Array]:
        for parameter in parameters:
            parameter.grad = None
        hidden = x
        for depth, (w, b) in enumerate(layers):
            hidden = torch.nn.functional.linear(hidden, w, b)
            hidden = hidden.tanh() if depth + 1 < len(layers) else hidden
        cost: Any = torch.relu(1 - y * hidden[:, 0]).mean()
        cost.backward()
        return float(cost.item()), np.empty(0)

    def in_order() -> Array:
        return np.concatenate([torch.cat([w.grad, b.grad[:, None]], 1).numpy().ravel() for w, b in layers])

    step.in_order = in_order  # type: ignore[attr-defined]
    return step


ENGINE: dict[str, Callable[[str], Step]] = {"compiled": compiled, "source": source, "numpy": by_hand, "torch": pytorch}


def measure(network: str, engine: str) -> Numbers:
    """Measure the median seconds of a step; return the cost and the projected gradient, too."""
    step = ENGINE[engine](network)
    stop = perf_counter() + SECONDS
    for _ in range(WARM_UP):
        cost, gradient = step()
        if perf_counter() > stop:
            break
    gradient = getattr(step, "in_order", lambda: gradient)()
    direction = np.random.default_rng(2).normal(size=len(gradient))
    numbers = {"cost": cost, "gradient": float(gradient @ direction)}
    seconds: list[float] = []
    stop = perf_counter() + SECONDS
    while len(seconds) < 5 or perf_counter() < stop:
        start = perf_counter()
        step()
        seconds.append(perf_counter() - start)
    return numbers | {"step": statistics.median(seconds)}


def run(rounds: int) -> None:
    """Measure and print everything, each number in `rounds` fresh processes.

    Raises:
        SystemExit: if the engines do not compute the same, in which case their times mean nothing.
    """
    jobs: dict[tuple[str, str], Job] = {
        (network, engine): ("-m", "benchmarks.small", network, engine)
        for network, engines in JOBS.items()
        for engine in engines
        if engine != "torch" or is_installed("torch")
    }
    by_job = alternate(list(jobs.values()), rounds, "small networks")
    measured = {key: by_job[job] for key, job in jobs.items()}
    for network, engines in JOBS.items():
        several = {engine: measured[network, engine] for engine in engines if (network, engine) in measured}
        for name in ("cost", "gradient"):
            refuse_unequal(network, several, name, 1e-9)
    rows = [
        [network, ENGINES[engine], f"{1e6 * median(numbers, 'step'):.1f}", spread_of(numbers, "step", 1e6)]
        for (network, engine), numbers in measured.items()
    ]
    print_table(f"Small networks, a step (medians of {rounds} processes)", ["network", "engine", "µs", "min-max"], rows)
    for (network, engine), most in MOST.items():
        peer = JOBS[network][-1]
        if (network, peer) in measured:
            ratio = median(measured[network, engine], "step") / median(measured[network, peer], "step")
            print_target(f"{network}, {ENGINES[engine]}, times {ENGINES[peer]}", ratio, at_most=most)


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:])))
