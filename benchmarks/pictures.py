"""Time drawing: `python -m benchmarks draw`; in each process `python -m benchmarks.pictures GRAPH` prints JSON.

The first picture of a process waits for the embedded Graphviz to be compiled, so it is timed separately.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from time import perf_counter

import autograd
from autograd import Picture, Value
from benchmarks.chain import chain
from benchmarks.measure import Job, Numbers, alternate, median, print_table, print_target, spread

LATER = 5


def tree(nodes: int) -> Value:
    """Return the end of a graph of products and sums in which most nodes are used twice."""
    level = [Value(0.5 + 0.1 * i, f"x{i}") for i in range(4)]
    count = len(level)
    while count < nodes:
        level = [*level[1:], (level[0] * level[1] if count % 2 else level[0] + level[2]).tanh()]
        count += 2
    return autograd.sum(level)


def network() -> Value:
    """Return the half squared error of a 784-50-10 network for one sample."""
    from nn import MLP, half_squared_error

    return half_squared_error(MLP(784, [50, 10], seed=0)([k / 784 for k in range(784)]), [0.0] * 9 + [1.0])


def _draw(make: Callable[[], Value]) -> Callable[[], Picture]:
    root = make()
    return lambda: autograd.draw(root)


GRAPHS: dict[str, Callable[[], Callable[[], Picture]]] = {
    "25 nodes": lambda: _draw(lambda: tree(24)),
    "50 nodes": lambda: _draw(lambda: tree(49)),
    "100 nodes": lambda: _draw(lambda: tree(99)),
    "784-50-10 network": lambda: _draw(network),
    "chain of 100,000": lambda: _draw(lambda: chain(100_000)),
    "page of 100 nodes": lambda: (lambda root: lambda: autograd.step_through(root))(tree(99)),
}


def measure(graph: str) -> Numbers:
    """Measure seconds of the first picture, the median of later ones, the size in bytes, and the graph's nodes."""
    picture = GRAPHS[graph]()
    seconds = []
    for _ in range(1 + LATER):
        start = perf_counter()
        drawn = picture()
        seconds.append(perf_counter() - start)
    return {"first": seconds[0], "later": statistics.median(seconds[1:]), "bytes": float(len(drawn.svg.encode()))}


def run(rounds: int) -> None:
    """Measure each graph in fresh processes, print the table and the targets."""
    jobs: dict[str, Job] = {graph: ("-m", "benchmarks.pictures", graph) for graph in GRAPHS}
    by_job = alternate(list(jobs.values()), rounds, "pictures")
    measured = {graph: by_job[job] for graph, job in jobs.items()}
    rows = [
        [
            graph,
            f"{1e3 * median(numbers, 'first'):.0f}",
            f"{1e3 * median(numbers, 'later'):.0f}",
            spread(numbers, "later", 1e3),
            f"{median(numbers, 'bytes') / 1e3:.0f}",
        ]
        for graph, numbers in measured.items()
    ]
    header = ["graph", "first, ms", "later, ms", "min-max", "SVG, kB"]
    print_table(f"Time a picture (medians of {rounds} processes)", header, rows)
    print_target("100 nodes once warm, s", median(measured["100 nodes"], "later"), at_most=0.1)
    print_target("the first picture of a process, s", median(measured["100 nodes"], "first"), at_most=2)
    print_target("the loss of a 784-50-10 network, s", median(measured["784-50-10 network"], "first"), at_most=3)
    print_target("100,000 nodes collapsed, s", median(measured["chain of 100,000"], "first"), at_most=3)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
