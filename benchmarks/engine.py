"""Measure the eager engine: two moons against its peers, the cost of a node, the time of the import."""

from __future__ import annotations

import math

from benchmarks.measure import (
    PASSES,
    Job,
    Numbers,
    alternate,
    is_installed,
    median,
    print_facts,
    print_table,
    print_target,
    spread,
)

ENGINES = {"mlp": "MLP", "elementary": "MLP, elementary", "micrograd": "micrograd", "torch": "PyTorch scalars"}
PEERS = ("micrograd", "torch")
COLLECTOR = ("on", "off")
NODES = (1_000, 10_000, 100_000, 1_000_000)
MEMORY_NODES = (10_000, 30_000, 100_000, 300_000)  # several sizes, since tables grow in steps
IMPORT = (
    "import json, time; start = time.perf_counter(); import autograd; "
    "print(json.dumps({'import': time.perf_counter() - start}))"
)


def run(rounds: int) -> None:
    """Measure and print everything, each number in `rounds` fresh processes."""
    print_facts(PEERS)
    compare_engines(rounds)
    time_nodes(rounds)
    measure_memory()
    measure_import(rounds)


def compare_engines(rounds: int) -> None:
    """Print milliseconds of one forward and one backward pass of the two-moons demo, and ratios to the peers' times.

    Raises:
        SystemExit: if the engines do not compute the same, in which case their times mean nothing.
    """
    engines = [engine for engine in ENGINES if engine not in PEERS or is_installed(engine)]
    jobs: dict[tuple[str, str], Job] = {
        (engine, state): ("-m", "benchmarks.two_moons", engine, state) for state in COLLECTOR for engine in engines
    }
    by_job = alternate(list(jobs.values()), rounds, "two moons")
    measured = {key: by_job[job] for key, job in jobs.items()}
    _refuse_unequal(measured)
    total = {key: median(numbers, "total") for key, numbers in measured.items()}

    rows = [
        [
            ENGINES[engine],
            state,
            *(f"{1e3 * median(numbers, name):.1f}" for name in PASSES),
            f"{1e3 * total[engine, state]:.1f}",
            spread(numbers, "total", 1e3),
            *(f"{total[peer, state] / total[engine, state]:.2f}" if peer in engines else "-" for peer in PEERS),
        ]
        for (engine, state), numbers in measured.items()
    ]
    header = ["two moons", "collector", *PASSES, "total", "min-max", *(f"x {ENGINES[peer]}" for peer in PEERS)]
    print_table(f"MLP 2-16-16-1, 100 samples, one pass each way, ms (medians of {rounds} processes)", header, rows)
    print("Total includes the release of the graph; micrograd leaves that to the cyclic collector.\n")
    _print_speed_targets(total)


def _print_speed_targets(total: dict[tuple[str, str], float]) -> None:
    for state, wide, elementary in (("on", 30.0, 5.0), ("off", 5.0, 1.5)):
        for engine, peer, least in (
            ("mlp", "micrograd", wide),
            ("elementary", "micrograd", elementary),
            ("mlp", "torch", 30.0),
        ):
            if (peer, state) in total:
                what = f"{ENGINES[engine]}, times as fast as {ENGINES[peer]}, collector {state}"
                print_target(what, total[peer, state] / total[engine, state], at_least=least)
    for peer in PEERS:
        if (peer, "on") not in total:
            print(f"left out: {ENGINES[peer]} is not installed (pip install {peer})")


def _refuse_unequal(measured: dict[tuple[str, str], list[Numbers]]) -> None:
    """Exit if a loss or a gradient differs from the first by a relative error of more than 1e-6."""
    for name in ("loss", "gradient norm"):
        computed = {key: [numbers[name] for numbers in processes] for key, processes in measured.items()}
        expected = next(iter(computed.values()))[0]
        if not all(math.isclose(x, expected, rel_tol=1e-6) for values in computed.values() for x in values):
            each = "; ".join(f"{engine} {values[0]!r}" for (engine, _), values in computed.items())
            raise SystemExit(f"no timings, since the engines differ in the {name}: {each}")


def time_nodes(rounds: int) -> None:
    """Print nanoseconds per node of a chain, from a thousand to a million nodes."""
    jobs: dict[tuple[int, str], Job] = {
        (nodes, state): ("-m", "benchmarks.chain", str(nodes), state) for state in COLLECTOR for nodes in NODES
    }
    by_job = alternate(list(jobs.values()), rounds, "time a node")
    measured = {key: by_job[job] for key, job in jobs.items()}
    ratios = {key: median(numbers, "backward") / median(numbers, "forward") for key, numbers in measured.items()}

    rows = [
        [
            f"{nodes:,} nodes",
            state,
            *(f"{1e9 * median(numbers, name):.0f}" for name in (*PASSES, "total")),
            spread(numbers, "total", 1e9),
            f"{ratios[nodes, state]:.2f}",
        ]
        for (nodes, state), numbers in measured.items()
    ]
    header = ["chain", "collector", *PASSES, "total", "min-max", "backward / forward"]
    print_table(f"Time a node of x = x * a + b, ns (medians of {rounds} processes)", header, rows)
    for state in COLLECTOR:
        totals = [median(measured[nodes, state], "total") for nodes in NODES]
        print_target(f"flat: largest / smallest time a node, collector {state}", max(totals) / min(totals), at_most=2)
        largest = max(ratios[nodes, state] for nodes in NODES)
        print_target(f"backward / forward, the largest, collector {state}", largest, at_most=2)


def measure_memory() -> None:
    """Print bytes per node of a chain, measured once, since they are the same each time."""
    jobs: dict[int, Job] = {nodes: ("-m", "benchmarks.chain", str(nodes), "memory") for nodes in MEMORY_NODES}
    by_job = alternate(list(jobs.values()), 1, "memory a node")
    measured = {nodes: by_job[job][0] for nodes, job in jobs.items()}

    columns = ("addition", "multiplication", "backward")
    rows = [[f"{nodes:,} nodes", *(f"{numbers[name]:.0f}" for name in columns)] for nodes, numbers in measured.items()]
    print_table("Memory a node, bytes (by tracemalloc)", ["chain", *columns[:2], "backward's own peak"], rows)
    for name, what, most in (
        ("addition", "an addition of two Values", 250),
        ("multiplication", "a multiplication of two Values", 250),
        ("backward", "backward's own peak", 300),
    ):
        print_target(f"{what}, bytes a node", max(numbers[name] for numbers in measured.values()), at_most=most)


def measure_import(rounds: int) -> None:
    """Print milliseconds of `import autograd` in a fresh interpreter, excluding its own start."""
    job: Job = ("-c", IMPORT)
    measured = alternate([job], 4 * rounds, "import")[job]
    milliseconds = 1e3 * median(measured, "import")
    rows = [["import autograd", f"{milliseconds:.1f}", spread(measured, "import", 1e3)]]
    print_table(f"Import, ms (median of {4 * rounds} processes)", ["", "median", "min-max"], rows)
    print_target("import autograd, ms", milliseconds, at_most=50)
