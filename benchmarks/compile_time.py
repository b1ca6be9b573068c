"""Measure the cost of compiling: `python -m benchmarks.compile_time wide|elementary|hand|large` prints JSON.

The half squared error of a sigmoid network 784-50-10 for one sample, written in three ways, and of a large network
784-420-10 with a million elementary nodes.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

from benchmarks.measure import (
    Job,
    Numbers,
    alternate,
    median,
    peak_memory,
    print_table,
    print_target,
    refuse_unequal,
    spread,
)

INPUTS, OUTPUTS = 784, 10
WRITTEN = {
    "wide": "MLP, a node a weighted sum",
    "elementary": "MLP, elementary=True",
    "hand": "by hand: sum(w * x for w, x in zip(ws, xs)) + b",
}
LARGE = 420


def half_squared_error_of_mlp(hidden: int, elementary: bool) -> tuple[Callable[..., Any], list[Any]]:
    """Return the loss of one sample, and the parameters in the order in which they were drawn."""
    from nn import MLP, half_squared_error

    model = MLP(INPUTS, [hidden, OUTPUTS], elementary=elementary)
    return lambda image, target: half_squared_error(model(image), target), model.parameters()


def by_hand(hidden: int) -> tuple[Callable[..., Any], list[Any]]:
    """Return the same as a user may write it: lists of Values without labels, loops, built-in `sum`."""
    from autograd import Value, exp

    sizes = (INPUTS, hidden, OUTPUTS)
    layers = [[([Value(0.0) for _ in range(nin)], Value(0.0)) for _ in range(nout)] for nin, nout in pairwise(sizes)]

    def loss(image: Any, target: Any) -> Any:
        activations = image
        for layer in layers:
            sums = [sum(w * a for w, a in zip(weights, activations)) + bias for weights, bias in layer]
            activations = [1 / (1 + exp(-z)) for z in sums]
        return sum((a - t) ** 2 for a, t in zip(activations, target)) / 2

    return loss, [p for layer in layers for weights, bias in layer for p in (*weights, bias)]


def measure(written: str) -> Numbers:
    """Measure seconds to compile, program sizes and peak memory; return costs and gradients, too, for comparison."""
    import autograd

    hidden = LARGE if written == "large" else 50
    loss, parameters = by_hand(hidden) if written == "hand" else half_squared_error_of_mlp(hidden, written != "wide")
    chance = random.Random(0)
    for parameter in parameters:
        parameter.data = chance.gauss(0.0, 0.05)
    start = perf_counter()
    program = autograd.compile(loss, [0.5] * INPUTS, [0.0] * OUTPUTS)
    seconds = perf_counter() - start
    peak = peak_memory()
    images = [[chance.random() for _ in range(INPUTS)] for _ in range(3)]
    cost = program.backward(images, [[1.0] + [0.0] * (OUTPUTS - 1)] * 3)
    return {
        "compile": seconds,
        "nodes": program.nodes,
        "operations": program.operations,
        "products": program.matrix_products,
        "peak": peak,
        "cost": cost,
        "gradient": sum(parameter.grad**2 for parameter in parameters) ** 0.5,
    }


def report(rounds: int, quick: bool) -> None:
    """Print the time and memory of compiling, up to a million nodes."""
    jobs: dict[str, Job] = {written: ("-m", "benchmarks.compile_time", written) for written in WRITTEN}
    large: Job = ("-m", "benchmarks.compile_time", "large")
    by_job = alternate(list(jobs.values()), rounds, "time to compile")
    measured = {written: by_job[job] for written, job in jobs.items()}
    for name in ("cost", "gradient"):
        refuse_unequal("the ways to write it", measured, name, 1e-10)
    names = dict(WRITTEN)
    if not quick:
        measured["large"] = alternate([large], min(rounds, 3), "a million nodes")[large]
        names["large"] = f"MLP(784, [{LARGE}, 10]), elementary=True"
    rows = [
        [
            names[written],
            *(f"{numbers[0][name]:,.0f}" for name in ("nodes", "operations", "products")),
            f"{median(numbers, 'compile'):.2f}",
            spread(numbers, "compile", digits=2),
            f"{median(numbers, 'peak') / 1e6:,.0f}",
        ]
        for written, numbers in measured.items()
    ]
    header = ["loss of MLP(784, [50, 10])", "nodes", "operations", "products", "compile, s", "min-max", "peak RSS, MB"]
    print_table(f"Time to compile (medians of {rounds} processes, of a million nodes at most 3)", header, rows)
    for written, most in (("wide", 1), ("elementary", 3), ("hand", 3)):
        print_target(f"compile, {WRITTEN[written]}, s", median(measured[written], "compile"), at_most=most)
    if not quick:
        print_target("compile a million nodes, s", median(measured["large"], "compile"), at_most=30)
        gigabytes = median(measured["large"], "peak") / 1e9
        print_target("compile a million nodes, peak of the process, GB", gigabytes, at_most=2)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
