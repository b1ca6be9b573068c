"""Checking an engine that somebody wrote: a ladder of small programs, and words for the first that goes wrong."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
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
MOST_STOPPED = 2  # programs that run out of time before the rest is left


class Rung(NamedTuple):
    """The outcome of one rung.

    Attributes:
        name: what `up_to` calls it.
        asks: what it asks of an engine.
        outcome: "skipped" where the class lacks a method that it need not have; "not run" where earlier rungs took
            too long, which counts as failed.
        explanation: of a failure what is wrong, as a teacher would say it; of any other outcome a remark, or "".
    """

    name: str
    asks: str
    outcome: Literal["passed", "failed", "skipped", "not run"]
    explanation: str = ""


class EngineReport(NamedTuple):
    """The report of `check_engine`; true where every rung passed that was not skipped. `str()` of it is for people.

    Attributes:
        engine: the name of the class.
        rungs: what became of each, in the ladder's order.
        score: which share of the rungs passed, from 0 to 1, the skipped ones left out.
        passed: whether all of them did.
        first_failure: the first rung that failed; None where none did.
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
    """Run a ladder of small programs on an engine of micrograd's family, against exact answers.

    The engine is a class with a constructor that takes a number, with `data`, `grad`, `backward()`, the operators, and
    `parents` or micrograd's `_prev`. The rungs for `exp`, `log`, `tanh`, `sigmoid` and `relu` are skipped where it has
    no such method. An engine may be in the making: `up_to` names the last rung that is tried. Each operation is tried
    by itself, multiplied by a number, twice, and on results of others, where a way back shows that it forgets the
    gradient of the result, or assigns instead of adding.

    Of a second `backward()` on the same graph it is asked that nothing piles up inside: with the leaves' gradients set
    to 0 by hand it must find what it found at first. Whether leaves that were not set to 0 add up, as in PyTorch, or
    start anew, is left to the engine; a remark says so of those that start anew.

    Whatever the engine does is reported, not raised: wrong numbers, exceptions, endless recursion (for which the
    recursion limit is brought back to Python's default of 1,000 meanwhile), endless loops. The programs run in a thread
    of their own, which is stopped when a rung takes longer than `seconds`; after two such rungs the others are not
    run. Not stopped can be what never comes back to Python's interpreter, such as `2.0 ** 10**10**10` with integers;
    and where Python has no threads there is no limit of time. In a browser the deepest chain has 2,000 operations in
    place of 10,000, for freeing a longer one could end the interpreter.

    Args:
        engine: the class itself, or another callable that makes a node of a number.
        up_to: the name of the last rung: "number", "plus", "times", "parents", "seed", "plus gradient",
            "times gradient", "chain", "used twice", "diamond", "twins", "sharing", "constant right", "constant left",
            "sum", "in place", "negative", "minus", "power", "divided", "everything", "exp", "log", "tanh", "sigmoid",
            "relu", "second graph", "second backward" or "deep".
        seconds: the longest that a rung may take.

    Returns:
        A report, which prints what passed and explains the first failure. To grade a class:
        `{student: check_engine(engine).score for student, engine in engines.items()}`.

    Raises:
        TypeError: if `engine` cannot be called, such as a node in place of its class.
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
    results: list[Rung] = []
    stopped = 0
    for rung in LADDER[: len(LADDER) if up_to is None else names.index(up_to) + 1]:
        if stopped < MOST_STOPPED:
            result, in_time = _climb(rung, engine, name, seconds)
            stopped += not in_time
        else:
            result = ("skipped" if rung.method else "not run", f"{MOST_STOPPED} rungs before it took too long.")
        results.append(Rung(rung.name, rung.asks.replace("MyValue", name), *result))
    return EngineReport(name, tuple(results))


Result = tuple[Literal["passed", "failed", "skipped", "not run"], str]


def _climb(rung: _Rung, engine: Callable[[float], Any], name: str, seconds: float) -> tuple[Result, bool]:
    """Climb a rung; return its outcome, and whether it ended in time."""
    bench = Bench(engine, name)
    results: list[Result] = []

    def climb() -> None:
        try:
            if rung.method and not hasattr(bench.leaves(a=0.5)["a"], rung.method):
                results.append(("skipped", f"{name} has no method `{rung.method}`."))
                return
            results.append(("passed", rung.climb(bench)))
        except EngineError as wrong:
            results.append(("failed", sentence(str(wrong))))
        except BaseException as error:  # exit() too: whatever an engine may raise
            results.append(("failed", sentence(bench.blame(error))))

    if _in_a_thread(climb, seconds):
        return results[0] if results else ("failed", f"{bench.doing} ended without a word."), True
    doing = bench.doing.removesuffix(",")
    return ("failed", f"{doing} took longer than {seconds:g} s and was stopped: {rung.too_slow}"), False


def _in_a_thread(work: Callable[[], None], seconds: float) -> bool:
    """Do the work in another thread, at the default recursion limit. Returns whether it was done in time."""
    limit = sys.getrecursionlimit()
    thread = threading.Thread(target=work, daemon=True)
    with suppress(RecursionError):  # this thread may be deeper inside already
        sys.setrecursionlimit(min(limit, RECURSION_LIMIT))
    try:
        try:
            thread.start()
        except RuntimeError:  # no threads, as in a browser
            work()
            return True
        thread.join(seconds)
        return not thread.is_alive()  # what it finds from here on, when it is stopped, no longer counts
    finally:  # after an interrupt from the keyboard too
        if thread.is_alive():
            _stop(thread)
        sys.setrecursionlimit(limit)


def _stop(thread: threading.Thread) -> None:
    import ctypes

    for _ in range(20):  # more than once, for programs that catch whatever is raised
        # SystemExit, with which a thread may end without a word, wherever it is hit
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
        thread.join(0.05)
        if not thread.is_alive():
            return
