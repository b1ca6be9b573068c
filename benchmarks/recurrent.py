"""Measure a recurrent network: `python -m benchmarks.recurrent ENGINE CELL STEPS SAMPLES` prints JSON.

A layer of 16 tanh or LSTM units reads 8 numbers at each step, and two linear neurons read the layer; the cost is the
mean squared error. Each engine computes the cost and its gradient with respect to all weights. PyTorch has the layer as
one function; by hand, it is backpropagation through time in optimized NumPy.
"""

from __future__ import annotations

import json
import statistics
import sys
import tracemalloc
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import (
    Job,
    Numbers,
    alternate,
    is_installed,
    median,
    peak_memory,
    print_table,
    print_target,
    refuse_unequal,
    spread,
)

Array = NDArray[np.float64]

UNITS, INPUTS, OUTPUTS = 16, 8, 2
GATES = {"RNN": 1, "LSTM": 4}  # an LSTM's in the order i, f, g, o
STEPS, BATCHES = 20, (1, 32, 256)
LONG = 10_000
SECONDS = 1.0
ENGINES = {
    "compiled": "lucidgrad, compiled",
    "source": "lucidgrad, no llvmlite",
    "numpy": "NumPy, by hand",
    "torch": "PyTorch",
}
PEERS = ("numpy", "torch")
IN_NUMPY = ("source", "numpy")
NEEDED = {"source": "llvmlite", "torch": "torch"}


class Weights(NamedTuple):
    """The weights of the inputs, of the states, the biases; and of the outputs."""

    w: Any
    u: Any
    b: Any
    v: Any


class Engine(NamedTuple):
    """A step that returns the cost, a function that returns its gradient, and the seconds to compile."""

    step: Callable[[], float]
    gradient: Callable[[], Weights]
    compiling: float = 0.0


def initial_weights(cell: str) -> Weights:
    """Return the initial weights, the same in every process."""
    chance = np.random.default_rng(1)
    rows = GATES[cell] * UNITS
    w, u, v = (chance.normal(0.0, shape[1] ** -0.5, shape) for shape in ((rows, INPUTS), (rows, UNITS), (2, UNITS)))
    return Weights(w, 0.5 * u, np.zeros(rows), v)


def sequences(steps: int, samples: int) -> tuple[Array, Array]:
    """Return inputs, and targets that depend on the last two of them."""
    x = np.random.default_rng(0).normal(size=(samples, steps, INPUTS))
    before = np.concatenate([np.zeros((samples, 1, INPUTS)), x[:, :-1]], axis=1)
    return x, np.sin(x[:, :, :OUTPUTS] + before[:, :, :OUTPUTS])


def by_hand(cell: str, steps: int, samples: int) -> Engine:
    """Backpropagation through time in NumPy, with contiguous inputs and results of each step."""
    weights, (x, y) = initial_weights(cell), sequences(steps, samples)
    xs, ys = (np.ascontiguousarray(array.transpose(1, 0, 2)) for array in (x, y))
    gradients: list[Weights] = []

    def step() -> float:
        w, u, b, v = weights
        a = (xs.reshape(-1, INPUTS) @ w.T + b).reshape(steps, samples, len(b))
        h, c = np.zeros((2, steps + 1, samples, UNITS))
        for t in range(steps):
            a[t] += h[t] @ u.T
            _ahead(cell, a[t], h, c, t)
        error = h[1:] @ v.T - ys
        d_error = error * (2 / (steps * samples))
        d_h = d_error @ v
        later, d_c = np.zeros((2, samples, UNITS))
        for t in reversed(range(steps)):
            d_h[t] += later
            _back(cell, a[t], d_h[t], d_c, c, t)
            later = a[t] @ u
        deltas, before = a.reshape(-1, len(b)), h[:-1].reshape(-1, UNITS)
        v_gradient = d_error.reshape(-1, OUTPUTS).T @ h[1:].reshape(-1, UNITS)
        gradients[:] = [Weights(deltas.T @ xs.reshape(-1, INPUTS), deltas.T @ before, deltas.sum(0), v_gradient)]
        return float(np.vdot(error, error)) / (steps * samples)

    return Engine(step, lambda: gradients[0])


def _ahead(cell: str, a: Array, h: Array, c: Array, t: int) -> None:
    """Compute the gates from the weighted sums, in place, and the states after the step."""
    if cell == "RNN":
        h[t + 1] = np.tanh(a, out=a)
        return
    i, f, g, o = (a[:, k : k + UNITS] for k in range(0, 4 * UNITS, UNITS))
    np.tanh(g, out=g)
    for gates in (a[:, : 2 * UNITS], o):
        np.reciprocal(1.0 + np.exp(-gates), out=gates)
    np.multiply(f, c[t], out=c[t + 1])
    c[t + 1] += i * g
    np.multiply(o, np.tanh(c[t + 1]), out=h[t + 1])


def _back(cell: str, a: Array, d_h: Array, d_c: Array, c: Array, t: int) -> None:
    """Overwrite the gates by the derivatives w.r.t. the weighted sums; d_c becomes that of the previous step."""
    if cell == "RNN":
        np.multiply(1.0 - a * a, d_h, out=a)
        return
    i, f, g, o = (a[:, k : k + UNITS].copy() for k in range(0, 4 * UNITS, UNITS))
    squashed = np.tanh(c[t + 1])
    d_c += d_h * o * (1.0 - squashed * squashed)
    np.multiply(d_c * g, i * (1.0 - i), out=a[:, :UNITS])
    np.multiply(d_c * c[t], f * (1.0 - f), out=a[:, UNITS : 2 * UNITS])
    np.multiply(d_c * i, 1.0 - g * g, out=a[:, 2 * UNITS : 3 * UNITS])
    np.multiply(d_h * squashed, o * (1.0 - o), out=a[:, 3 * UNITS :])
    d_c *= f


def compiled(cell: str, steps: int, samples: int) -> Engine:
    """`autograd.compile`, with the program's flat path."""
    import autograd

    arrays = initial_weights(cell)
    w, u, b, v = (np.vectorize(autograd.Value, otypes=[object])(array).tolist() for array in arrays)

    def loss(xs: Any, ys: Any) -> Any:
        h: list[Any] = [0.0] * UNITS
        c, errors = h, []
        for x, y in zip(xs, ys):
            z = [autograd.dot(w[k], x) + autograd.dot(u[k], h) + b[k] for k in range(len(b))]
            if cell == "RNN":
                h = [a.tanh() for a in z]
            else:
                i, f, o = ([a.sigmoid() for a in z[k * UNITS : (k + 1) * UNITS]] for k in (0, 1, 3))
                g = [a.tanh() for a in z[2 * UNITS : 3 * UNITS]]
                c = [f[k] * c[k] + i[k] * g[k] for k in range(UNITS)]
                h = [o[k] * c[k].tanh() for k in range(UNITS)]
            errors += [(autograd.dot(row, h) - target) ** 2 for row, target in zip(v, y)]
        return autograd.sum(errors) / steps

    x, y = sequences(steps, samples)
    start = perf_counter()
    program = autograd.compile(loss, x[0].tolist(), y[0].tolist())
    seconds = perf_counter() - start
    values = [value for array in (w, u, b, v) for row in array for value in (row if isinstance(row, list) else [row])]
    place = {value: k for k, value in enumerate(values)}
    order = np.array([place[value] for value in program.parameters])
    vector = np.concatenate([array.ravel() for array in arrays])[order]
    into = np.empty_like(vector)

    def gradient() -> Weights:
        ends = np.cumsum([array.size for array in arrays])[:-1]
        parts = np.split(into[np.argsort(order)], ends)
        return Weights(*(part.reshape(array.shape) for part, array in zip(parts, arrays)))

    def step() -> float:
        return float(program.outputs_and_gradient(vector, x, y, into=into)[0].mean())

    return Engine(step, gradient, seconds)


def source(cell: str, steps: int, samples: int) -> Engine:
    """The same without llvmlite: the program runs on NumPy."""
    modules: dict[str, Any] = sys.modules
    modules["llvmlite"] = None
    return compiled(cell, steps, samples)


def pytorch(cell: str, steps: int, samples: int) -> Engine:
    """PyTorch's built-in layer, on two threads."""
    import torch

    torch.set_num_threads(2)
    layer: Any = getattr(torch.nn, cell)(INPUTS, UNITS, batch_first=True, dtype=torch.float64)  # its types are vague
    w, u, b, v = (torch.tensor(array, requires_grad=True) for array in initial_weights(cell))
    for own, tensor in zip(layer.all_weights[0], (w, u, b, torch.zeros_like(b))):
        own.data = tensor.detach().clone()
    x, y = map(torch.from_numpy, sequences(steps, samples))
    parameters = [*layer.all_weights[0][:3], v]

    def step() -> float:
        for parameter in parameters:
            parameter.grad = None
        cost = ((layer(x)[0] @ v.T - y) ** 2).sum() / (steps * samples)
        cost.backward()
        return float(cost.item())

    return Engine(step, lambda: Weights(*(parameter.grad.numpy() for parameter in parameters)))


MAKE: dict[str, Callable[[str, int, int], Engine]] = {
    "compiled": compiled,
    "source": source,
    "numpy": by_hand,
    "torch": pytorch,
}


def measure(name: str, cell: str, steps: int, samples: int) -> Numbers:
    """Measure median seconds of a step, those of compiling, and peak memory; return cost and gradient projections."""
    engine = MAKE[name](cell, steps, samples)
    stop = perf_counter() + SECONDS  # of warm-up, during which machine code is compiled
    while True:
        cost = engine.step()
        if perf_counter() > stop:
            break
    numbers: Numbers = {"cost": cost, "compile": engine.compiling}
    for array, letter in zip(engine.gradient(), Weights._fields):
        direction = np.random.default_rng(2).normal(size=array.shape)
        numbers[f"gradient to {letter}"] = float(np.vdot(array, direction))
    seconds: list[float] = []
    stop = perf_counter() + SECONDS
    while len(seconds) < 5 or perf_counter() < stop:
        start = perf_counter()
        engine.step()
        seconds.append(perf_counter() - start)
    numbers |= {"step": statistics.median(seconds), "peak": peak_memory()}
    return numbers | ({"memory": memory_of_step(engine.step)} if name in IN_NUMPY else {})


def memory_of_step(step: Callable[[], float]) -> float:
    """Return the peak bytes of a step's arrays."""
    tracemalloc.start()
    step()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    step()
    return float(tracemalloc.get_traced_memory()[1] - before)


def report(rounds: int, quick: bool) -> None:
    """Print the table and the targets."""
    engines = [name for name in ENGINES if is_installed(NEEDED.get(name, "autograd"))]
    settings = [(cell, STEPS, samples) for cell in GATES for samples in BATCHES]
    keys = [(name, *setting) for setting in settings for name in engines]
    keys += [] if quick else [(name, "RNN", LONG, 1) for name in engines if name != "source"]
    jobs: dict[tuple[str, str, int, int], Job] = {key: ("-m", "benchmarks.recurrent", *map(str, key)) for key in keys}
    short = alternate([jobs[key] for key in keys if key[2] == STEPS], rounds, "recurrent networks")
    long = alternate([jobs[key] for key in keys if key[2] == LONG], min(rounds, 3), "a long sequence")
    measured = {key: {**short, **long}[job] for key, job in jobs.items()}
    rows = []
    for cell, steps, samples in dict.fromkeys(key[1:] for key in measured):
        setting = f"{cell}, {steps:,} steps, {samples} samples"
        here = {key[0]: numbers for key, numbers in measured.items() if key[1:] == (cell, steps, samples)}
        for name in ("cost", *(f"gradient to {letter}" for letter in Weights._fields)):
            refuse_unequal(setting, here, name, 1e-8)
        for engine, numbers in here.items():
            milliseconds = f"{1e3 * median(numbers, 'step'):.3f}", spread(numbers, "step", 1e3, 3)
            ratios = [f"{median(numbers, 'step') / median(here[x], 'step'):.2f}" if x in here else "-" for x in PEERS]
            compiling = f"{median(numbers, 'compile'):.2f}", f"{median(numbers, 'peak') / 1e6:,.0f}"
            memory = f"{median(numbers, 'memory') / 1e6:.2f}" if engine in IN_NUMPY else "-"
            rows.append([setting, ENGINES[engine], *milliseconds, *ratios, *compiling, memory])
    header = [
        "layer of 16 units",
        "engine",
        "step, ms",
        "min-max",
        "/ NumPy",
        "/ PyTorch",
        "compile, s",
        "peak RSS, MB",
        "arrays, MB",
    ]
    print_table(f"Recurrent networks, cost and gradient (medians of {rounds} processes)", header, rows)
    for cell in GATES:
        of_arrays = [median(measured[name, cell, STEPS, max(BATCHES)], "memory") for name in IN_NUMPY]
        print_target(f"{cell}, arrays of a step without llvmlite / by hand", of_arrays[0] / of_arrays[1], at_most=1.5)
    if of_long := measured.get(("compiled", "RNN", LONG, 1)):
        print_target(f"{LONG:,} steps, compile, s", median(of_long, "compile"), at_most=60)
        print_target(f"{LONG:,} steps, peak of the process, GB", median(of_long, "peak") / 1e9, at_most=6)
    if "torch" not in engines:
        print("left out: PyTorch is not installed (pip install torch)")


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
