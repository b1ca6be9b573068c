"""Check a student's engine: run a ladder of small programs, and explain the first failure."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from textwrap import fill
from typing import Any, Literal, NamedTuple

from autograd.teaching.engine_bench import Bench, EngineError, sentence
from autograd.teaching.engine_rungs import LADDER
from autograd.teaching.engine_rungs import Rung as _Rung

WIDTH = 96
MARKS = {"passed": "ok", "failed": "NO", "skipped": "--", "not run": "??"}
RECURSION_LIMIT = 1000  # Python's own default
MOST_STOPPED = 2  # timeouts after which the remaining rungs are not run


class Rung(NamedTuple):
    """The outcome of one rung.

    Attributes:
        name: its name for `up_to`.
        asks: its requirement.
        outcome: "skipped" if the class lacks an optional method; "not run" if earlier rungs took too long, which counts
            as failed.
        explanation: for a failure, the cause in words for a student; for any other outcome a remark, or "".
    """

    name: str
    asks: str
    outcome: Literal["passed", "failed", "skipped", "not run"]
    explanation: str = ""


class EngineReport(NamedTuple):
    """The report of `check_engine`; true if every rung passed or was skipped. `str()` of it is for people.

    Attributes:
        engine: the name of the class.
        rungs: the outcome of each rung, in the ladder's order.
        score: the fraction of rungs that passed, from 0 to 1, not counting skipped ones.
        passed: True if all of them passed.
        first_failure: the first rung that failed; None if none did.
    """

    engine: str
    rungs: tuple[Rung, ...]

    @property
    def score(self) -> float:
        counted = [rung for rung in self.rungs if rung.outcome != "skipped"]
        return sum(rung.outcome == "passed" for rung in counted) / len(counted)

    @property
    def passed(self) -> bool:
        return all(rung.outcome in ("passed", "skipped") for rung in self.rungs)

    @property
    def first_failure(self) -> Rung | None:
        return next((rung for rung in self.rungs if rung.outcome in ("failed", "not run")), None)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        counted = sum(rung.outcome != "skipped" for rung in self.rungs)
        passed = sum(rung.outcome == "passed" for rung in self.rungs)
        share = "all" if self.passed and counted > 1 else f"{passed} of"
        lines = [f"{self.engine} passes {share} {counted} rung{'s' * (counted != 1)}."]
        for outcome, rungs in groupby(self.rungs, key=lambda rung: rung.outcome):
            names = [f"{rung.name} ({rung.asks})" if outcome == "failed" else rung.name for rung in rungs]
            lines.append(_wrapped(", ".join(names), f"  {MARKS[outcome]}  "))
        paragraphs = []
        if failure := self.first_failure:
            paragraphs.append(f"First failure, {failure.name!r}. {failure.explanation}")
        remarks = [rung for rung in self.rungs if rung.outcome == "passed" and rung.explanation]
        paragraphs += [f"Remark on {rung.name!r}. {rung.explanation}" for rung in remarks]
        return "\n\n".join(["\n".join(lines), *map(_wrapped, paragraphs)])

    def __repr__(self) -> str:
        return str(self)


def _wrapped(text: str, mark: str = "") -> str:
    return fill(
        text,
        WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


def check_engine(engine: Callable[[float], Any], *, up_to: str | None = None, seconds: float = 5.0) -> EngineReport:
    """Run a ladder of small programs on a scalar engine like micrograd, and compare with exact answers.

    The engine is a class whose constructor takes a number, with `data`, `grad`, `backward()`, the operators, and
    `parents` or micrograd's `_prev`. The rungs for `exp`, `log`, `tanh`, `sigmoid` and `relu` are skipped if it has no
    such method. An unfinished engine can be checked too: `up_to` names the last rung to run. Each operation is tried
    alone, multiplied by a number, used twice, and on results of other operations, which reveals a backward step that
    ignores the gradient of the result, or assigns instead of adding.

    A second `backward()` on the same graph must not accumulate in interior nodes: after the leaves' gradients are set
    to 0 by hand, it must give the same gradients again. Leaves that were not set to 0 may accumulate, as in PyTorch, or
    start again; a remark says so if they start again.

    All failures are reported, not raised: wrong numbers, exceptions, infinite recursion (for which the recursion limit
    is temporarily set to Python's default of 1,000), infinite loops. The programs run in a separate thread, which is
    stopped when a rung takes longer than `seconds`; after two such rungs the others are not run. A computation that
    never returns to Python's interpreter, such as `2.0 ** 10**10**10` with integers, cannot be stopped; and without
    thread support there is no time limit. In a browser the deepest chain has 2,000 operations instead of 10,000, since
    freeing a longer one could crash the interpreter.

    Args:
        engine: the class itself, or another callable that makes a node from a number.
        up_to: the name of the last rung: "number", "plus", "times", "parents", "seed", "plus gradient",
            "times gradient", "chain", "used twice", "diamond", "twins", "sharing", "constant right", "constant left",
            "sum", "in place", "negative", "minus", "power", "divided", "everything", "exp", "log", "tanh", "sigmoid",
            "relu", "second graph", "second backward" or "deep".
        seconds: the time limit of a rung.

    Returns:
        A report that lists the rungs passed and explains the first failure. To grade a class:
        `{student: check_engine(engine).score for student, engine in engines.items()}`.

    Raises:
        TypeError: if `engine` is not callable, such as a node instead of its class.
        ValueError: if there is no rung of that name.

    >>> class MyValue:
    ...     def __init__(self, data):
    ...         self.data = data
    >>> print(check_engine(MyValue, up_to="number"))
    MyValue passes 0 of 1 rung.
      NO  number (MyValue(3.0) holds its data, and a grad of 0)
    <BLANKLINE>
    First failure, 'number'. `MyValue(3.0)` has no `grad`: write `self.grad = 0.0` in `__init__`.
    >>> from autograd import Value
    >>> bool(check_engine(Value))
    True
    """
    if not callable(engine):
        raise TypeError(
            f"check_engine expects the class itself, as in check_engine(MyValue); got an object of type "
            f"{type(engine).__name__}"
        )
    names = [rung.name for rung in LADDER]
    if up_to is not None and up_to not in names:
        raise ValueError(f"there is no rung {up_to!r}; there are: {', '.join(names)}")
    name = str(getattr(engine, "__name__", type(engine).__name__))
    rungs = LADDER[: len(LADDER) if up_to is None else names.index(up_to) + 1]
    results: list[Result] = []
    stopped = 0
    while len(results) < len(rungs) and stopped < MOST_STOPPED:
        more, in_time = _climb(rungs[len(results) :], engine, name, seconds)
        results += more
        stopped += not in_time
    for rung in rungs[len(results) :]:
        too_long = f"{MOST_STOPPED} rungs before it took too long."
        results.append(("skipped" if rung.method else "not run", too_long))
    questions = [rung.asks.replace("MyValue", name) for rung in rungs]
    return EngineReport(name, tuple(Rung(r.name, asks, *result) for r, asks, result in zip(rungs, questions, results)))


Result = tuple[Literal["passed", "failed", "skipped", "not run"], str]


def _climb(
    rungs: Sequence[_Rung], engine: Callable[[float], Any], name: str, seconds: float
) -> tuple[list[Result], bool]:
    """Run rungs in another thread, until one takes too long; return their outcomes, and whether all ended in time."""
    climb = _Climb(rungs, engine, name)
    limit = sys.getrecursionlimit()
    thread = threading.Thread(target=climb.run, daemon=True)
    try:
        try:
            thread.start()
        except RuntimeError:  # no thread support, as in a browser
            climb.run()
        count, left = 0, seconds
        while thread.is_alive() and left > 0:
            thread.join(left)
            count = len(climb.results)
            left = climb.began + seconds - time.monotonic()
        in_time, doing = not thread.is_alive(), climb.bench.doing
        results = climb.results if in_time else climb.results[:count]
    finally:  # also after a keyboard interrupt
        climb.goes_on = False
        if thread.is_alive():
            _stop(thread)
        sys.setrecursionlimit(limit)
    if not in_time:
        too_long = f"{doing.removesuffix(',')} took longer than {seconds:g} s and was stopped: {rungs[count].too_slow}"
        return [*results, ("failed", too_long)], False
    return results if len(results) == len(rungs) else [*results, ("failed", f"{doing} ended silently.")], True


class _Climb:
    """Rungs that are run one after the other, each at the default recursion limit.

    Attributes:
        results: the outcomes so far.
        began: when the current rung began, by the monotonic clock.
        bench: where the current rung runs.
        goes_on: whether to begin another rung.
    """

    def __init__(self, rungs: Sequence[_Rung], engine: Callable[[float], Any], name: str) -> None:
        self.results: list[Result] = []
        self.began = time.monotonic()
        self.bench = Bench(engine, name)
        self.goes_on = True
        self._rungs, self._engine, self._name = rungs, engine, name

    def run(self) -> None:
        limit = min(sys.getrecursionlimit(), RECURSION_LIMIT)
        for rung in self._rungs:
            self.bench = Bench(self._engine, self._name)
            with suppress(RecursionError):  # without thread support, this one may already be deeper than that
                sys.setrecursionlimit(limit)
            result = self._outcome(rung)
            if not self.goes_on:
                return
            self.began = time.monotonic()  # first, or the next rung would be charged for the time of this one
            self.results.append(result)

    def _outcome(self, rung: _Rung) -> Result:
        try:
            if rung.method and not hasattr(self.bench.leaves(a=0.5)["a"], rung.method):
                return "skipped", f"{self._name} has no method `{rung.method}`."
            return "passed", rung.climb(self.bench)
        except EngineError as wrong:
            return "failed", sentence(str(wrong))
        except BaseException as error:  # an engine may raise anything, even call exit()
            return "failed", sentence(self.bench.blame(error))


def _stop(thread: threading.Thread) -> None:
    import ctypes

    for _ in range(20):  # repeatedly, for programs that catch every exception
        # SystemExit ends a thread silently
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
        thread.join(0.05)
        if not thread.is_alive():
            return
