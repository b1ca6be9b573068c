"""Measure a thin program: `python -m benchmarks.thin ENGINE NODES` prints JSON.

Van der Pol's oscillator x″ = μ (1 − x²) x′ − x in small steps, with nine dependent additions, subtractions and
multiplications per step; and the gradient of the end with respect to the start and μ. Every engine gets the same Python
function, except "scan", in which the loop is rewritten with `jax.lax.scan`, as JAX requires.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

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

OPERATIONS_A_STEP = 9
START = (0.5, 0.0, 0.7)
DT = 0.01
NODES = 20_000
MANY = 100_000
FEW = 2_000  # the nodes for JAX, whose time to compile grows faster than the program

ENGINES = {
    "compiled": "lucidgrad, compiled",
    "source": "lucidgrad, no llvmlite",
    "eager": "lucidgrad, eager",
    "jax": "JAX, jit",
    "scan": "JAX, jit of lax.scan",
    "casadi": "CasADi, SX",
}
PEERS = {"jax": "jax", "scan": "jax", "casadi": "casadi"}
NEEDED = {**PEERS, "source": "llvmlite"}  # without llvmlite, "compiled" is the same

Run = Callable[[], tuple[Any, Any]]
"""Returns the value and the gradient."""


def step(x: Any, v: Any, mu: Any) -> tuple[Any, Any]:
    """Return the state after one step of the oscillator."""
    v = v + DT * (mu * (1 - x * x) * v - x)
    return x + DT * v, v


def oscillator(steps: int) -> Callable[[Any, Any, Any], Any]:
    """Return the squared distance from rest after some steps."""

    def function(x: Any, v: Any, mu: Any) -> Any:
        for _ in range(steps):
            x, v = step(x, v, mu)
        return x * x + v * v

    return function


def compiled(steps: int) -> Run:
    """`autograd.compile`, after one run of both passes, which compiles them."""
    import autograd

    program = autograd.compile(oscillator(steps), *START)
    return lambda: program.value_and_grad(*START)


def source(steps: int) -> Run:
    """The same without llvmlite, as Python source."""
    modules: dict[str, Any] = sys.modules
    modules["llvmlite"] = None
    return compiled(steps)


def eager(steps: int) -> Run:
    """Node by node."""
    import autograd

    both = autograd.value_and_grad(oscillator(steps), argnums=(0, 1, 2))
    return lambda: both(*START)


def jax(steps: int) -> Run:
    """JAX, which unrolls the loop during its trace."""
    return _jitted(oscillator(steps))


def scan(steps: int) -> Run:
    """JAX, with a loop of XLA."""
    from jax import lax

    def function(x: Any, v: Any, mu: Any) -> Any:
        (x, v), _ = lax.scan(lambda now, _: (step(now[0], now[1], mu), None), (x, v), None, length=steps)
        return x * x + v * v

    return _jitted(function)


def _jitted(function: Callable[..., Any]) -> Run:
    import jax

    peer: Any = jax  # its types are incomplete
    peer.config.update("jax_enable_x64", True)
    both = peer.jit(peer.value_and_grad(function, argnums=(0, 1, 2)))
    start = [peer.numpy.asarray(number) for number in START]

    def run() -> tuple[Any, Any]:
        value, gradient = peer.block_until_ready(both(*start))
        return value, gradient

    return run


def casadi(steps: int) -> Run:
    """CasADi: a scalar graph, run by its virtual machine."""
    import casadi

    x = casadi.SX.sym("x", 3)
    end = oscillator(steps)(x[0], x[1], x[2])
    both = casadi.Function("both", [x], [end, casadi.gradient(end, x)])

    def run() -> tuple[Any, Any]:
        value, gradient = both(START)
        return value, gradient.full().ravel()

    return run


MAKE: dict[str, Callable[[int], Run]] = {
    "compiled": compiled,
    "source": source,
    "eager": eager,
    "jax": jax,
    "scan": scan,
    "casadi": casadi,
}


def measure(engine: str, nodes: int) -> Numbers:
    """Measure seconds until the first value and gradient, seconds per node of a later run, and peak memory.

    Imports of this package are counted, those of the peers are not.
    """
    if engine in PEERS:
        __import__(PEERS[engine])
    steps = nodes // OPERATIONS_A_STEP
    start = perf_counter()
    run = MAKE[engine](steps)
    value, gradient = run()
    compile_seconds = perf_counter() - start
    seconds: list[float] = []
    stop = perf_counter() + 1.0
    while len(seconds) < 5 or perf_counter() < stop:
        start = perf_counter()
        run()
        seconds.append(perf_counter() - start)
    return {
        "compile": compile_seconds,
        "run": statistics.median(seconds) / (steps * OPERATIONS_A_STEP),
        "peak": peak_memory(),
        "value": float(value),
        "gradient": sum(float(g) ** 2 for g in gradient) ** 0.5,
    }


def report(rounds: int, quick: bool) -> dict[str, list[Numbers]]:
    """Print the table and the targets; return the results by "ENGINE NODES"."""
    largest = [] if quick else [("compiled", MANY)]
    settings = [("compiled", NODES), ("source", NODES), ("eager", NODES), ("casadi", NODES), ("scan", NODES), *largest]
    settings += [("compiled", FEW), ("jax", FEW)]
    settings = [(engine, nodes) for engine, nodes in settings if is_installed(NEEDED.get(engine, "autograd"))]
    jobs: dict[tuple[str, int], Job] = {
        (engine, nodes): ("-m", "benchmarks.thin", engine, str(nodes)) for engine, nodes in settings
    }
    by_job = alternate(list(jobs.values()), rounds, "thin program")
    measured = {key: by_job[job] for key, job in jobs.items()}
    for nodes in (NODES, FEW):
        same = {engine: numbers for (engine, size), numbers in measured.items() if size == nodes}
        for name in ("value", "gradient"):
            refuse_unequal(f"a thin program of {nodes:,} nodes", same, name, 1e-8)
    rows = [
        [
            ENGINES[engine],
            f"{nodes:,}",
            f"{median(numbers, 'compile'):.2f}",
            spread(numbers, "compile", digits=2),
            f"{1e9 * median(numbers, 'run'):.1f}",
            spread(numbers, "run", 1e9),
            f"{median(numbers, 'peak') / 1e6:,.0f}",
        ]
        for (engine, nodes), numbers in measured.items()
    ]
    header = ["thin program", "nodes", "first result, s", "min-max", "ns a node", "min-max", "peak RSS, MB"]
    print_table(f"Van der Pol's oscillator, value and gradient (medians of {rounds} processes)", header, rows)
    print("First result: to compile and run once. Nodes are the function's operations, constants not counted.\n")
    _print_targets(measured)
    return {f"{engine} {nodes}": numbers for (engine, nodes), numbers in measured.items()}


def _print_targets(measured: dict[tuple[str, int], list[Numbers]]) -> None:
    for engine, how, most in (("compiled", "", 3), ("source", " without llvmlite", 100)):
        if here := measured.get((engine, NODES)):
            print_target(f"{NODES:,} nodes{how}, ns a node", 1e9 * median(here, "run"), at_most=most)
            print_target(f"{NODES:,} nodes{how}, compile and first result, s", median(here, "compile"), at_most=2.5)
    if many := measured.get(("compiled", MANY)):
        print_target(f"{MANY:,} nodes, compile and first result, s", median(many, "compile"), at_most=10)
        print_target(f"{MANY:,} nodes, peak of the process, GB", median(many, "peak") / 1e9, at_most=1)
    if of_jax := measured.get(("jax", FEW)):
        for name, what in (("compile", "compile and first result"), ("run", "run")):
            ratio = median(of_jax, name) / median(measured["compiled", FEW], name)
            print_target(f"{FEW:,} nodes, {what}, times as fast as JAX", ratio, at_least=1)
    for peer in sorted({module for module in NEEDED.values() if not is_installed(module)}):
        print(f"left out: {peer} is not installed (pip install {peer})")


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
