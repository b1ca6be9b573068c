"""Helpers shared by the benchmarks: time passes, run fresh processes in alternation, print tables and targets."""

from __future__ import annotations

import gc
import json
import math
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata, util
from time import perf_counter
from typing import Any

Job = tuple[str, ...]
"""The command of a fresh Python process: "-m", a module, its arguments."""

Numbers = dict[str, float]
"""The results of a process by name: the last line that it prints, as JSON."""

PASSES = ("forward", "backward", "release")


def time_passes(forward: Callable[[], Any], backward: Callable[[Any], None], *, least: int, seconds: float) -> Numbers:
    """Measure the median seconds of each pass, and of all together.

    The release of the graph is timed too, because reference counting spends time on it that the cyclic collector would
    otherwise spend later. If the collector is off, it runs between repetitions, outside of the timings.

    Args:
        forward: makes a graph and returns its end.
        backward: takes that end through one backward pass.
        least: the smallest number of repetitions.
        seconds: how long to repeat, if this allows for more repetitions.

    Returns:
        Seconds under "forward", "backward", "release" and "total".
    """
    repetitions: list[tuple[float, ...]] = []
    stop = perf_counter() + seconds
    while len(repetitions) < least or perf_counter() < stop:
        if not gc.isenabled():
            gc.collect()
        start = perf_counter()
        end = forward()
        forward_done = perf_counter()
        backward(end)
        backward_done = perf_counter()
        del end
        released = perf_counter()
        repetitions.append(
            (forward_done - start, backward_done - forward_done, released - backward_done, released - start)
        )
    return dict(zip((*PASSES, "total"), map(statistics.median, zip(*repetitions))))


def set_collector(state: str) -> None:
    """Leave the cyclic garbage collector "on", as a user has it, or switch it "off"."""
    if state not in ("on", "off"):
        raise SystemExit(f"the collector is on or off, not {state!r}")
    if state == "off":
        gc.disable()


def alternate(jobs: Sequence[Job], rounds: int, description: str) -> dict[Job, list[Numbers]]:
    """Run all jobs in each round, one after the other, each in a fresh process.

    So a temporary load on the machine slows all of them.
    """
    from tqdm import tqdm

    measured: dict[Job, list[Numbers]] = {job: [] for job in jobs}
    for job in tqdm(list(jobs) * rounds, desc=description, leave=False, disable=None):
        measured[job].append(_run(job))
    return measured


def _run(job: Job) -> Numbers:
    """Return the results of a fresh process with the same imports as this one, and with bytecode, as if installed."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.run(
        [sys.executable, *job], stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment
    )
    if process.returncode:
        raise SystemExit(f"`python {' '.join(job)}` failed with exit status {process.returncode}")
    numbers: Numbers = json.loads(process.stdout.splitlines()[-1])
    return numbers


def median(measured: Sequence[Numbers], name: str) -> float:
    """Return the median of a result over processes."""
    return statistics.median(numbers[name] for numbers in measured)


def spread(measured: Sequence[Numbers], name: str, scale: float = 1.0, digits: int = 1) -> str:
    """Format the smallest and the largest of a result over processes, times `scale`."""
    values = [numbers[name] * scale for numbers in measured]
    return f"{min(values):.{digits}f}-{max(values):.{digits}f}"


def use_two_threads() -> None:
    """Limit the array libraries of later processes to two threads each."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[name] = "2"


def peak_memory() -> float:
    """Return the peak memory of this process in bytes, including the interpreter's."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def refuse_unequal(what: str, measured: Mapping[str, Sequence[Numbers]], name: str, tolerance: float) -> None:
    """Exit if a result differs from the first process by more than the relative tolerance.

    Raises:
        SystemExit: the engines do not compute the same, so their times mean nothing.
    """
    computed = {engine: [numbers[name] for numbers in processes] for engine, processes in measured.items()}
    expected = next(iter(computed.values()))[0]
    if not all(math.isclose(x, expected, rel_tol=tolerance) for values in computed.values() for x in values):
        each = "; ".join(f"{engine} {values[0]!r}" for engine, values in computed.items())
        raise SystemExit(f"no timings, since the engines differ in the {name} of {what}: {each}")


def is_installed(module: str) -> bool:
    """Return whether a module can be imported, without importing it."""
    return util.find_spec(module) is not None


def print_facts(peers: Sequence[str]) -> None:
    """Print the environment: machine, Python, the engine's location, versions of installed peers."""
    engine = util.find_spec("autograd")
    versions = [f"{name} {metadata.version(name)}" for name in peers if is_installed(name)]
    print(f"{os.cpu_count()} CPUs, {platform.platform()}")
    print(f"{platform.python_implementation()} {platform.python_version()}; peers: {', '.join(versions) or 'none'}")
    print(f"engine: {engine.origin if engine else 'not found'}")


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text under their header, with the first column aligned left, and the others right."""
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    print(f"\n{title}\n")
    for row in (header, ["-" * width for width in widths], *rows):
        print("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]))
    print()


def print_target(what: str, measured: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
    """Print a target, the measured number, and whether the target was reached. A missed target is not an error."""
    if at_least is not None:
        target, reached = f"at least {at_least:g}", measured >= at_least
    elif at_most is not None:
        target, reached = f"at most {at_most:g}", measured <= at_most
    else:
        raise ValueError("a target needs at_least or at_most")
    print(f"{'reached' if reached else 'MISSED '}  {what}: {measured:.3g} ({target})")
