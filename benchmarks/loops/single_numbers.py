"""Measure loops on single numbers: `python -m benchmarks.loops.single_numbers integrator|determinant|hand` prints JSON.

The integrator computes the energy of an oscillator after 20,000 steps, and its derivative with respect to the
stiffness. The determinant is that of a matrix of 32 rows, by elimination, with its derivatives with respect to all
elements; by hand it is a loop over rows in NumPy, and the same loop backwards.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Job, Numbers, alternate, median, print_table, print_target, refuse_unequal, spread

Array = NDArray[np.float64]

STEPS, ROWS = 20_000, 32
SECONDS = 1.0
NAMES = {"determinant": "lucidgrad, compiled", "hand": "NumPy, by hand"}


def energy_after(steps: int, stiffness: Any) -> Callable[[Any, Any], Any]:
    """Return the energy of an oscillator, by the semi-implicit Euler method."""

    def energy(x: Any, v: Any) -> Any:
        for _ in range(steps):
            x = x + 0.001 * v
            v = v - 0.001 * (stiffness * x)
        return stiffness * (x * x) + v * v

    return energy


def integrator() -> Numbers:
    """Measure CPU seconds per node of the graph: of compiling, without the trace, and of a gradient."""
    import autograd

    module: Any = importlib.import_module("autograd.compiler.program")
    trace, traced = module.settled_trace, 0.0

    def timed_trace(*arguments: Any) -> Any:
        nonlocal traced
        start = process_time()
        result = trace(*arguments)
        traced = process_time() - start
        return result

    stiffness = autograd.Value(0.5)
    autograd.compile(energy_after(40, stiffness), 1.0, 0.0).backward(1.0, 0.0)  # imports everything needed
    module.settled_trace = timed_trace
    start = process_time()
    program = autograd.compile(energy_after(STEPS, stiffness), 1.0, 0.0)
    compiling = process_time() - start
    vector, into, x, v = np.array([0.5]), np.empty(1), np.ones(1), np.zeros(1)
    seconds = timed(lambda: program.outputs_and_gradient(vector, x, v, into=into))
    return {"after trace": compiling - traced, "node": seconds / program.nodes, "trace": traced}


def matrix() -> Array:
    """Return a matrix that is far from singular, the same in every process."""
    return np.random.default_rng(0).normal(size=(ROWS, ROWS)) / 6 + np.eye(ROWS)


def by_elimination(a: Any) -> Any:
    """Return the determinant of a list of rows."""
    a, result = [list(row) for row in a], 1.0
    for k in range(len(a)):
        for i in range(k + 1, len(a)):
            factor = a[i][k] / a[k][k]
            for j in range(k + 1, len(a)):
                a[i][j] = a[i][j] - factor * a[k][j]
        result = result * a[k][k]
    return result


def determinant() -> Numbers:
    """Measure the compiled determinant of a matrix: its value alone, and with the derivatives."""
    import autograd

    a = matrix()
    program = autograd.compile(by_elimination, a.tolist())
    rows = a[None]
    value, gradient = program.value_and_grad(rows)
    seconds = {"value": timed(lambda: program(rows)), "gradient": timed(lambda: program.value_and_grad(rows))}
    return seconds | {"determinant": float(value[0]), "norm": float(np.linalg.norm(gradient))}


def hand() -> Numbers:
    """Measure the same in handwritten NumPy: elimination, and its derivative, row by row."""
    a = matrix()

    def value(copies: list[tuple[Array, Array]]) -> float:
        rest, result = a.copy(), 1.0
        for _ in range(ROWS):
            factors = rest[1:, 0] / rest[0, 0]
            copies.append((rest, factors))
            result *= rest[0, 0]
            rest = rest[1:, 1:] - np.outer(factors, rest[0, 1:])
        return float(result)

    def gradient() -> tuple[float, Array]:
        copies: list[tuple[Array, Array]] = []
        result, nabla = value(copies), np.zeros((0, 0))
        for rest, factors in reversed(copies):
            d_factors = -nabla @ rest[0, 1:]
            whole = np.empty_like(rest)
            whole[1:, 1:], whole[0, 1:], whole[1:, 0] = nabla, -(factors @ nabla), d_factors / rest[0, 0]
            whole[0, 0] = (result - d_factors @ factors) / rest[0, 0]
            nabla = whole
        return result, nabla

    result, nabla = gradient()
    seconds = {"value": timed(lambda: value([])), "gradient": timed(gradient)}
    return seconds | {"determinant": result, "norm": float(np.linalg.norm(nabla))}


def timed(step: Callable[[], Any]) -> float:
    """Return the median seconds of a call, after a second of warm-up, during which machine code may be compiled."""
    stop = perf_counter() + SECONDS
    while perf_counter() < stop:
        step()
    seconds: list[float] = []
    stop = perf_counter() + SECONDS
    while len(seconds) < 5 or perf_counter() < stop:
        start = perf_counter()
        step()
        seconds.append(perf_counter() - start)
    return statistics.median(seconds)


MEASURE: dict[str, Callable[[], Numbers]] = {"integrator": integrator, "determinant": determinant, "hand": hand}


def report(rounds: int) -> None:
    """Print the table and the targets."""
    jobs: dict[str, Job] = {name: ("-m", "benchmarks.loops.single_numbers", name) for name in MEASURE}
    by_job = alternate(list(jobs.values()), rounds, "loops on single numbers")
    measured = {name: by_job[job] for name, job in jobs.items()}
    determinants = {name: measured[name] for name in NAMES}
    for name in ("determinant", "norm"):
        refuse_unequal(f"det of {ROWS} rows", determinants, name, 1e-10)
    rows = [
        [
            NAMES[name],
            *(f"{1e6 * median(numbers, x):.0f}" for x in ("value", "gradient")),
            spread(numbers, "gradient", 1e6),
        ]
        for name, numbers in determinants.items()
    ]
    header = [f"determinant of {ROWS} rows", "value, us", "and gradient, us", "min-max"]
    print_table(f"Elimination of one matrix (medians of {rounds} processes)", header, rows)
    ratio = median(measured["determinant"], "gradient") / median(measured["hand"], "gradient")
    print_target(f"det({ROWS}) with gradient / NumPy by hand", ratio, at_most=3)
    of_integrator = measured["integrator"]
    print_target(
        f"{STEPS:,} steps of an integrator, compile after the trace, s",
        median(of_integrator, "after trace"),
        at_most=0.35,
    )
    print_target("its gradient, ns a node", 1e9 * median(of_integrator, "node"), at_most=3)


if __name__ == "__main__":
    print(json.dumps(MEASURE[sys.argv[1]]()))
