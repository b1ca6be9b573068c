"""The cost of a node: `python -m benchmarks.chain NODES on|off|memory` prints JSON.

The graph is a chain of additions and multiplications of two Values, x = x * a + b, as deep as it is long, which is
the worst case for a walk through it. With "memory", sizes are measured in place of times: `tracemalloc` slows
everything, so it has a process of its own.
"""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

from autograd import Value
from benchmarks.measure import Numbers, set_collector, time_passes


def chain(nodes: int) -> Value:
    """The end of x = x * a + b, half of the nodes multiplications and half additions; its numbers stay below 2."""
    x, a, b = Value(0.25), Value(-1.0), Value(0.5)
    for _ in range(nodes // 2):
        x = x * a + b
    return x


def times(nodes: int) -> Numbers:
    """Median seconds of each pass through a chain (see `time_passes`), divided by its nodes."""
    chain(1000).backward()  # the warm-up
    seconds = time_passes(lambda: chain(nodes), Value.backward, least=1, seconds=0.5)
    return {name: value / nodes for name, value in seconds.items()}


def memory(nodes: int) -> Numbers:
    """Bytes a node: of an addition and of a multiplication of two Values, and the peak of backward's own."""
    tracemalloc.start()
    _sums, addition, _ = _traced(lambda: repeat(Value.__add__, nodes))  # not freed, since their memory would come again
    _products, multiplication, _ = _traced(lambda: repeat(Value.__mul__, nodes))
    end = chain(nodes)
    _, _, peak = _traced(end.backward)
    return {"addition": addition / nodes, "multiplication": multiplication / nodes, "backward": peak / nodes}


def repeat(operation: Callable[[Value, Value], Value], nodes: int) -> Value:
    """The end of a chain of one operation, whose other operand is always the same."""
    x, other = Value(0.25), Value(-1.0)
    for _ in range(nodes):
        x = operation(x, other)
    return x


def _traced(compute: Callable[[], Any]) -> tuple[Any, int, int]:
    """The result, the bytes that it keeps, and the most bytes that were in use on the way to it."""
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    result = compute()
    after, peak = tracemalloc.get_traced_memory()
    return result, after - before, peak - before


if __name__ == "__main__":
    size, mode = sys.argv[1:]
    if mode == "memory":
        print(json.dumps(memory(int(size))))
    else:
        set_collector(mode)
        print(json.dumps(times(int(size))))
