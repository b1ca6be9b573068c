"""The rungs for the traversal of the graph: shared nodes, repeated passes, and depth."""

from __future__ import annotations

import math
import sys
from traceback import clear_frames
from typing import Any

from autograd.teaching.engine_bench import Bench, EngineError, Hint, close

INFINITE = math.inf
IN_A_BROWSER = sys.platform == "emscripten"
DEPTH = 2_000 if IN_A_BROWSER else 10_000  # more than Python's recursion limit
DOUBLINGS = 64


def diamond(bench: Bench) -> str:
    repeated = (
        "too much. Is a node gone through more than once, once for each path that leads to it? Keep a set of the nodes "
        "that have been visited"
    )
    early = (
        "too little. Does a node pass on its gradient before all nodes that use it have added theirs? Visit the nodes "
        "in reverse topological order: each after all nodes that were computed from it"
    )
    for program in ("c = a * b; d = c + b; e = c * d", "c = a * b; d = b + c; e = d * c"):
        hints: list[Hint] = [({"a": (65.0, INFINITE)}, repeated), ({"a": (0.0, 65.0)}, early)]
        bench.run(program, {"a": 2.0, "b": 5.0}, 150.0, {"a": 125.0, "b": 60.0}, [
            ({"a": (125.0, INFINITE)}, repeated), ({"a": (-INFINITE, 125.0)}, early),
            ({"b": (60.0, INFINITE)}, repeated), *hints], early)  # fmt: skip

    def fibonacci(a: Any, b: Any) -> Any:
        for _ in range(15):
            a, b = b, a + b
        return b

    words = "(a, b = b, a + b) 15 times, as Fibonacci did; b"
    hints = [({"b": (987.0, INFINITE)}, repeated), ({"a": (610.0, INFINITE)}, repeated)]
    bench.run((words, fibonacci), {"a": 2.0, "b": 5.0}, 6155.0, {"a": 610.0, "b": 987.0}, hints, early)
    return ""


def twins(bench: Bench) -> str:
    identity = (
        "two nodes that hold the same number are still two nodes. Does the class define `__eq__` by number, and does "
        "backward() look for nodes with `in`? Compare them with `is`, or keep id(node) in the set"
    )
    bench.run("c = a + b; d = b + a; e = c * d", {"a": 3.0, "b": 3.0}, 36.0, {"a": 12.0, "b": 12.0}, otherwise=identity)
    return ""


def sharing(bench: Bench) -> str:
    def doubled(a: Any) -> Any:
        for _ in range(DOUBLINGS):
            a = a + a
        return a

    n = 2.0**DOUBLINGS
    bench.run((f"(a = a + a) {DOUBLINGS} times; a", doubled), {"a": 1.0}, n, {"a": n})
    return ""


def second_graph(bench: Bench) -> str:
    a, b = bench.leaves(a=2.0, b=5.0).values()
    bench.doing = "`c = a * b; c.backward()`"
    c = a * b
    c.backward()
    bench.doing = "Setting a.grad = b.grad = 0 and a.data = 3 by hand"
    a.grad, b.grad, a.data = 0.0, 0.0, 3.0
    bench.doing = "After `c = a * b; c.backward()`, a.grad = b.grad = 0 and a.data = 3, `d = a * (a + b); d.backward()`"
    d = a * (a + b)
    seen = {"data": bench.number(d, "d", "data")}
    d.backward()
    seen |= {"a": bench.number(a, "a", "grad"), "b": bench.number(b, "b", "grad")}
    left = (
        "something is left from the first graph. Does backward() keep a list or set of nodes on the class, or as a "
        "default argument (`def build(v, visited=set())` makes it once, not at each call)?"
    )
    bench.compare(seen, {"data": 24.0, "a": 11.0, "b": 3.0}, otherwise=left)
    return ""


def second_backward(bench: Bench) -> str:
    leaves = bench.leaves(a=2.0, b=5.0, c=7.0)
    a, b, c = leaves.values()
    program = "d = (a * b) * c; d.backward()"
    bench.doing = f"`{program}`"
    d = (a * b) * c
    d.backward()

    def grads() -> dict[str, float]:
        return {name: bench.number(leaf, name, "grad") for name, leaf in leaves.items()}

    first = {"a": 35.0, "b": 14.0, "c": 10.0}
    bench.compare(grads(), first)
    for leaf in (a, b, c):
        leaf.grad = 0.0
    bench.doing = f"`{program}`, then the leaves' grad set to 0, and `d.backward()` again"
    d.backward()
    if not close(seeded := bench.number(d, "d", "grad"), 1.0):
        raise EngineError(
            f"{bench.doing} left d.grad = {seeded:.9g}, expected 1, since dd/dd = 1 each time: let backward() set it, "
            "with `self.grad = 1.0`; `+=` would add to the gradient of the pass before"
        )
    accumulated = (
        "a * b, inside the graph, still held the gradient of the first pass, and the second was added to it. Let "
        "backward() set the grad of every node that has parents to 0 before it starts"
    )
    inactive = (
        "nothing happened the second time. Does each node remember for ever that it has been visited? Or does "
        "backward() destroy the graph?"
    )
    bench.compare(grads(), first, [({"a": 70.0, "b": 28.0}, accumulated), ({"a": 0.0, "b": 0.0}, inactive)])
    bench.doing = f"`{program}`, and `d.backward()` again"
    d.backward()
    seen = grads()
    if all(close(seen[name], first[name]) for name in first):
        return (
            "A second backward() overwrites the gradients of the leaves. In PyTorch, micrograd and lucidgrad it adds "
            "to them, so that the gradients of several losses add up."
        )
    bench.compare(seen, {name: 2 * x for name, x in first.items()},
                  otherwise="leaves may either accumulate (twice as much) or start again (as much)")  # fmt: skip
    return ""


def deep(bench: Bench) -> str:
    nodes: list[Any] = []

    def chain_of_sums(a: Any, b: Any) -> Any:
        for _ in range(DEPTH):
            a = a + b
            nodes.append(a)
        return a

    recursion = (
        "Python allows about 1,000 nested calls, and a loop over time, or training, makes deeper graphs than that. "
        "Walk the graph with a list as a stack instead of a recursive function"
    )
    words = f"(a = a + b) {DEPTH:,} times; a"
    try:
        bench.run((words, chain_of_sums), {"a": 2.0, "b": 0.5}, 2.0 + 0.5 * DEPTH, {"a": 1.0, "b": float(DEPTH)},
                  errors=[(RecursionError, recursion)])  # fmt: skip
    finally:
        _release(nodes)
    return (
        f"In a browser only {DEPTH:,} operations in a row are tried: freeing a longer chain can end the interpreter "
        "there, which has a small stack. Elsewhere it is 10,000."
        if IN_A_BROWSER
        else ""
    )


def _release(nodes: list[Any]) -> None:
    """Free a chain from its end, one node at a time.

    Freed from its start, each node would free the next inside its own call, which takes too much stack in a browser.
    """
    if error := sys.exception():
        clear_frames(error.__traceback__)  # the frames hold the result
    while nodes:
        nodes.pop()
