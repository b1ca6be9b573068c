"""Measure one engine on a small GPT: `python -m benchmarks.gpt_step ENGINE DOCUMENTS` prints JSON.

A step is a forward and a backward pass, from tokens to the gradient of the mean cross-entropy with respect to all 4,064
parameters. Every engine gets the same documents of 8 tokens and the same weights. For comparison, it prints its cost,
and the projection of each matrix's gradient on a random direction. Scalar engines take one document, with the cyclic
garbage collector on, as it is for users; each of their passes is timed, including the release of the graph.

`python -m benchmarks.gpt_step compile|compile-wide TOKENS` measures the cost of compiling: of the program with a node
for each addition and multiplication, and of the one with a `dot` for each weighted sum.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import autograd
from benchmarks.gpt_arrays import EPSILON, Array, Sizes, Transformer, arrays, documents, initial_weights
from benchmarks.gpt_scalars import GPT, MinimalValue, Words, as_scalars
from benchmarks.measure import Numbers, peak_memory, time_passes

SIZES = Sizes(positions=8)
SECONDS = 1.0  # of repetitions of each step


WORDS = {
    "compile": Words(softmax=autograd.softmax, take=autograd.take),
    "compile-wide": Words(autograd.dot, autograd.softmax, autograd.take),
    "elementary": Words(),
    "wide": Words(autograd.dot, autograd.softmax, autograd.take),
    "minimal": Words(),
}


class Engine(NamedTuple):
    """A step that returns the cost, and a function that returns its gradient in the order of the weights."""

    step: Callable[[], Any]
    gradient: Callable[[], Array]


def by_hand(count: int) -> Engine:
    """Handwritten NumPy."""
    batch = documents(count, SIZES)
    network = Transformer(initial_weights(SIZES), SIZES)
    return Engine(lambda: network.step(*batch), lambda: network.gradient)


def compiled(count: int) -> Engine:
    """`autograd.compile`, with the program's flat path."""
    program, order = compile_gpt("compile", SIZES)
    weights = initial_weights(SIZES)[order]
    gradient = np.empty_like(weights)
    batch = documents(count, SIZES)

    def step() -> float:
        costs, _ = program.outputs_and_gradient(weights, *batch, into=gradient)
        return float(costs.mean())

    return Engine(step, lambda: gradient[np.argsort(order)])


def source(count: int) -> Engine:
    """The same without llvmlite: the program runs on NumPy."""
    modules: dict[str, Any] = sys.modules
    modules["llvmlite"] = None
    return compiled(count)


def compile_gpt(written: str, sizes: Sizes) -> tuple[autograd.Program, Array]:
    """Return the compiled loss of a document, and each parameter's place in the vector of weights."""
    weights = as_scalars(initial_weights(sizes), sizes, autograd.Value)
    examples = [tokens[0].tolist() for tokens in documents(1, sizes)]
    program = autograd.compile(GPT(weights, sizes.heads, WORDS[written]).loss, *examples)
    place = {value: i for i, value in enumerate(x for matrix in weights.values() for row in matrix for x in row)}
    return program, np.array([place[value] for value in program.parameters])


def pytorch(count: int) -> Engine:
    """PyTorch, eager, on two threads, with built-in functions for all parts."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(2)
    f: Any = functional  # its types are incomplete
    tokens, targets = (torch.from_numpy(x) for x in documents(count, SIZES))
    w: dict[str, Any] = {
        name: torch.from_numpy(x).requires_grad_() for name, x in arrays(initial_weights(SIZES), SIZES).items()
    }
    qkv: Any = torch.cat([w["query"], w["key"], w["value"]]).detach().requires_grad_()
    parameters = [w["tokens"], w["positions"], qkv, w["mix"], w["up"], w["down"], w["output"]]
    width, shape = SIZES.width, (count, SIZES.positions, 3 * SIZES.heads, -1)

    def norm(x: Any) -> Any:
        return f.rms_norm(x, (width,), eps=EPSILON)

    def step() -> float:
        for parameter in parameters:
            parameter.grad = None
        x = norm(f.embedding(tokens, w["tokens"]) + w["positions"])
        heads = f.linear(norm(x), qkv).view(shape).transpose(1, 2).chunk(3, dim=1)
        attended = f.scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).flatten(2)
        x = x + f.linear(attended, w["mix"])
        x = x + f.linear(f.relu(f.linear(norm(x), w["up"])), w["down"])
        cost = f.cross_entropy(f.linear(x, w["output"]).flatten(0, 1), targets.flatten())
        cost.backward()
        return float(cost.item())

    return Engine(step, lambda: np.concatenate([p.grad.numpy().ravel() for p in parameters]))


ARRAYS: dict[str, Callable[[int], Engine]] = {
    "numpy": by_hand,
    "compiled": compiled,
    "source": source,
    "torch": pytorch,
}


def measure_arrays(name: str, count: int) -> Numbers:
    """Measure the median seconds of a step; return its results, too."""
    engine = ARRAYS[name](count)
    stop = perf_counter() + SECONDS  # of warm-up, during which machine code is compiled
    while True:
        cost = engine.step()
        if perf_counter() > stop:
            break
    numbers = results(cost, engine.gradient(), SIZES)
    seconds: list[float] = []
    stop = perf_counter() + SECONDS
    while len(seconds) < 5 or perf_counter() < stop:
        start = perf_counter()
        engine.step()
        seconds.append(perf_counter() - start)
    return numbers | {"step": statistics.median(seconds)}


def measure_scalars(name: str) -> Numbers:
    """Measure the median seconds of each pass of one document (see `time_passes`); return the results, too."""
    weights = as_scalars(initial_weights(SIZES), SIZES, MinimalValue if name == "minimal" else autograd.Value)
    parameters = [x for matrix in weights.values() for row in matrix for x in row]
    gpt = GPT(weights, SIZES.heads, WORDS[name])
    tokens, targets = (x[0].tolist() for x in documents(1, SIZES))

    def forward() -> Any:
        return gpt.loss(tokens, targets)

    def backward(loss: Any) -> None:
        for parameter in parameters:
            parameter.grad = 0.0
        loss.backward()

    loss = forward()  # the warm-up
    backward(loss)
    numbers = results(loss.data, np.array([parameter.grad for parameter in parameters]), SIZES)
    del loss
    return numbers | time_passes(forward, backward, least=5, seconds=SECONDS)


def measure_compiling(written: str, positions: int) -> Numbers:
    """Measure seconds to compile, the size of the program, and its results for one document."""
    sizes = Sizes(positions)
    start = perf_counter()
    program, order = compile_gpt(written, sizes)
    seconds = perf_counter() - start - program.seconds
    costs, gradient = program.outputs_and_gradient(initial_weights(sizes)[order], *documents(1, sizes))
    return {
        **results(costs[0], gradient[np.argsort(order)], sizes),
        "compile": program.seconds,
        "set up": seconds,
        "nodes": program.nodes,
        "lines": sum(not line.isspace() for line in program.source.splitlines(keepends=True)),
        "operations": program.operations,
        "products": program.matrix_products,
        "peak": peak_memory(),
    }


def results(cost: float, gradient: Array, sizes: Sizes) -> Numbers:
    """Return the cost, and the projection of each matrix's gradient on a random direction."""
    directions = arrays(np.random.default_rng(2).normal(size=len(gradient)), sizes)
    return {"cost": float(cost)} | {
        f"gradient to {name}": float(np.vdot(matrix, directions[name]))
        for name, matrix in arrays(gradient, sizes).items()
    }


def main(name: str, count: str) -> Numbers:
    """Parse the command line and print the measurement."""
    if name in ARRAYS:
        return measure_arrays(name, int(count))
    return measure_compiling(name, int(count)) if name.startswith("compile") else measure_scalars(name)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
