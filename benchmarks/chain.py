"""Measure the cost of a node: `python -m benchmarks.chain NODES on|off|memory` prints JSON.

The graph is a chain of additions and multiplications of two Values, x = x * a + b, as deep as it is long: the
worst case for a traversal. With "memory", sizes are measured instead of times, in a separate process since
`tracemalloc` slows everything down.
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
    """Return the end of the chain x = x * a + b, of multiplications and additions in turn; its numbers stay below 2."""
    x, a, b = Value(0.25), Value(-1.0), Value(0.5)
    for _ in range(nodes // 2):
        x = x * a + b
    return x


def times(nodes: int) -> Numbers:
    """Measure the median seconds per node of each pass through a chain (see `time_passes`)."""
    chain(1000).backward()  # the warm-up
    seconds = time_passes(lambda: chain(nodes), Value.backward, least=1, seconds=0.5)
    return {name: value / nodes for name, value in seconds.items()}


def memory(nodes: int) -> Numbers:
    """Measure bytes per node: of an addition, of a multiplication of two Values, and of the peak of backward."""
    tracemalloc.start()
    _sums, addition, _ = _traced(lambda: repeat(Value.__add__, nodes))  # kept alive, since freed memory would be reused
    _products, multiplication, _ = _traced(lambda: repeat(Value.__mul__, nodes))
    end = chain(nodes)
    _, _, peak = _traced(end.backward)
    return {"addition": addition / nodes, "multiplication": multiplication / nodes, "backward": peak / nodes}


def repeat(operation: Callable[[Value, Value], Value], nodes: int) -> Value:
    """Return the end of a chain of one operation, whose other operand is always the same."""
    x, other = Value(0.25), Value(-1.0)
    for _ in range(nodes):
        x = operation(x, other)
    return x


def _traced(compute: Callable[[], Any]) -> tuple[Any, int, int]:
    """Return the result of a call, the bytes that it keeps, and the peak bytes during the call."""
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
