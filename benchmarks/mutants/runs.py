"""Run the tests of a file on each of its mutants; `python -m benchmarks.mutants` starts this in a copy of the checkout.

    python -m benchmarks.mutants.runs FILE TEST...

A process collects the tests once and forks for each mutant. The fork replaces the code of the functions that the mutant
changes, and runs the tests that reach the changed lines until one fails, starting with those that have killed most
mutants per second. If a mutant changes other code, or no test reaches it, the mutant is written to the file, and all
tests of the file run in a process that has imported nothing of the checkout.
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import importlib
import inspect
import json
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

import hypothesis
import pytest

from benchmarks.mutants.forks import ELSEWHERE, KILLED, LONGEST, SURVIVED, Running, answer, run_in_fork, silence
from benchmarks.mutants.mistakes import changed_lines, exchanged, mutants, runs_at_import

LIBRARIES = ("numpy", "mpmath", "scipy.special", "torch", "pandas")
"""Modules to import once, before the checkout; those that are not installed are not needed."""

LONGEST_TEST = 5  # CPU seconds, in addition to three times those of the test without a mutant


class Spot(NamedTuple):
    """The lines of the file that each test reaches, and the time that it takes."""

    seconds: float
    lines: frozenset[int]


class Fresh:
    """The plugin of a process that runs all tests, starting with those that have killed most mutants."""

    def __init__(self, kills: Counter[str]) -> None:
        self.kills, self.running = kills, Running()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: -self.kills[item.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.running.test = nodeid


class Quick:
    """The plugin that runs each mutant in a fork of a process that has collected the tests.

    Attributes:
        outcomes: the exit status of each mutant's fork.
        kills: the number of mutants that each test has killed, by the test's name.
    """

    def __init__(self, file: Path, mutated: Sequence[str]) -> None:
        self.file, self.source, self.mutated = file, file.read_text(), mutated
        self.outcomes: list[int] = []
        self.kills: Counter[str] = Counter()
        self._running = Running()
        self._imports = contextlib.ExitStack()
        self._at_import = self._imports.enter_context(_watched(str(file)))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests on every mutant, instead of running them once."""
        importlib.import_module(".".join(self.file.relative_to(Path.cwd()).with_suffix("").parts))  # if not yet
        self._imports.close()
        if session.testsfailed:
            raise session.Interrupted("the tests are not collected without a mutant")
        gc.unfreeze()
        functions: dict[CodeType, list[FunctionType]] = {}
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename == str(self.file):
                functions.setdefault(thing.__code__, []).append(thing)
        gc.collect()
        gc.freeze()
        spots = answer(
            lambda: [
                _spot(item, following, str(self.file))
                for item, following in zip(session.items, [*session.items[1:], None])
            ]
        )
        for number, mutant in enumerate(self.mutated):
            lines = changed_lines(self.source, mutant)
            tests = self._by_worth(session.items, spots, lines)
            outcome = run_in_fork(self._job(functions, mutant, tests), LONGEST)
            if outcome == KILLED:
                self.kills[self._running.test] += 1
            self.outcomes.append(ELSEWHERE if outcome == SURVIVED and lines & self._at_import else outcome)
            print(f"\r{number + 1} of {len(self.mutated)}", end="", file=sys.__stderr__, flush=True)
        return True

    def _by_worth(
        self, items: list[pytest.Item], spots: list[Spot], lines: set[int]
    ) -> list[tuple[pytest.Item, float]]:
        """Return the tests that reach the lines, each with its time limit.

        They are sorted by the mutants that they have killed per second, then by the time of their files and their own.
        """
        chosen = [(item, spot.seconds) for item, spot in zip(items, spots) if lines & spot.lines]
        totals: dict[Path, float] = {}
        for item, seconds in chosen:
            totals[item.path] = totals.get(item.path, 0.0) + seconds
        chosen.sort(key=lambda pair: (totals[pair[0].path], str(pair[0].path), pair[1]))
        chosen.sort(key=lambda pair: -self.kills[pair[0].nodeid] / (0.01 + pair[1]))
        return [(item, LONGEST_TEST + 3 * seconds) for item, seconds in chosen]

    def _job(
        self, functions: dict[CodeType, list[FunctionType]], mutant: str, tests: list[tuple[pytest.Item, float]]
    ) -> Callable[[], int]:
        def run() -> int:
            old, new = (compile(text, str(self.file), "exec", dont_inherit=True) for text in (self.source, mutant))
            pairs = list(exchanged(old, new))
            places = [(function, b) for a, b in pairs for function in functions.get(a, ())]
            at_import = any(
                runs_at_import(a) != runs_at_import(b) for a, b in pairs if not a.co_flags & inspect.CO_OPTIMIZED
            )
            if at_import or not (places and tests):
                return ELSEWHERE
            try:
                for function, code in places:
                    function.__code__ = code
            except ValueError:  # it has other closure variables
                return ELSEWHERE
            for (item, longest), next_item in zip(tests, [*[item for item, _ in tests[1:]], None]):
                self._running.test = item.nodeid
                signal.setitimer(signal.ITIMER_PROF, longest)
                if _fails(item, next_item):
                    return KILLED
            return SURVIVED

        return run


def _spot(item: pytest.Item, following: pytest.Item | None, file: str) -> Spot:
    """Run a test; return the lines that it reaches, or none if it fails while it is traced."""
    start = time.process_time()
    with _watched(file) as lines:
        fails = _fails(item, following)
    if fails:
        print(f"{item.nodeid} fails without a mutant: left out", file=sys.__stderr__)
        lines.clear()
    return Spot(time.process_time() - start, frozenset(lines))


@contextlib.contextmanager
def _watched(file: str) -> Iterator[set[int]]:
    """Collect the lines of a file that run within the block."""
    lines: set[int] = set()

    def local(frame: FrameType, event: str, argument: Any) -> Any:
        lines.add(frame.f_lineno)
        return local

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        return local(frame, event, argument) if frame.f_code.co_filename == file else None

    threading.settrace(enter)
    sys.settrace(enter)
    try:
        yield lines
    finally:
        sys.settrace(None)
        threading.settrace(None)


def _fails(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Run a test; return whether it fails."""
    before = item.session.testsfailed
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return item.session.testsfailed > before


def main() -> None:
    """Print the outcome of each mutant, one JSON object per line."""
    file, tests = Path(sys.argv[1]).resolve(), sys.argv[2:]
    source = file.read_text()
    mutated = list(mutants(source))
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    # the same examples each time, and no shrinking, since nobody reads which example failed
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile(
        "mutants", deadline=None, derandomize=True, phases=phases, suppress_health_check=slow
    )
    options = ["-q", "-x", "--hypothesis-profile=mutants", "-p", "no:cacheprovider"]
    options += ["-p", "no:xdist", "-p", "no:faulthandler"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning", *tests]

    def fresh() -> int:
        silence(1, 2)
        return int(pytest.main(options, plugins=[plugin]))

    def quick() -> tuple[list[int], Counter[str]]:
        silence(1)
        sys.dont_write_bytecode = False  # the processes below then compile only the mutated file
        plugin = Quick(file, mutated)
        pytest.main(["-s", *options], plugins=[plugin])
        return plugin.outcomes, plugin.kills

    outcomes, kills = answer(quick)
    plugin = Fresh(kills)
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*"):  # time stamps of whole seconds may be equal
        compiled.unlink()
    if len(outcomes) != len(mutated):
        raise SystemExit("the tests cannot be run")
    for mutant, outcome in zip(mutated, outcomes):
        if outcome == ELSEWHERE:
            file.write_text(mutant)
            plugin.running.test = ""
            outcome = run_in_fork(fresh, LONGEST)
            if outcome and plugin.running.test:
                plugin.kills[plugin.running.test] += 1
            file.write_text(source)
        diff = "\n".join(difflib.unified_diff(source.splitlines(), mutant.splitlines(), lineterm="", n=2))
        print(json.dumps({"outcome": "killed" if outcome else "survived", "diff": diff}), flush=True)


if __name__ == "__main__":
    main()
