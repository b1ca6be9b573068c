"""Run a user's program, and report what it shows, prints and raises, as Python would."""

from __future__ import annotations

import ast
import linecache
import sys
import traceback
import types
import warnings
from collections.abc import Callable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

from playground.worker.output import Output

FILE = "program.py"


class Failure(NamedTuple):
    """An exception that ended a program.

    Attributes:
        text: Python's report, with only the frames of the program.
        line: the line in the program, from 1; 0 if unknown.
        message: the last line of the text.
    """

    text: str
    line: int
    message: str


def run(source: str, show: Callable[..., None], out: Output, err: Output) -> Failure | None:
    """Run a program.

    Args:
        show: the program's function `show`; also called with the value of the last expression.
        out, err: the streams for `print` and warnings.
    """
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    module = types.ModuleType("__main__")
    module.__dict__.update(show=show, input=_no_input, __file__=FILE)
    sys.modules["__main__"] = module
    try:
        with redirect_stdout(out), redirect_stderr(err), _warnings(err):
            try:
                _execute(source, module.__dict__, show)
            finally:
                out.flush()
                err.flush()
    except SystemExit as error:
        return (
            None if error.code in (None, 0) else Failure(f"SystemExit: {error.code}\n", 0, f"SystemExit: {error.code}")
        )
    except BaseException as error:
        return failure_of(error)
    return None


def _execute(source: str, namespace: dict[str, Any], show: Callable[..., None]) -> None:
    tree = ast.parse(source, FILE)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, FILE, "exec", dont_inherit=True), namespace)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), FILE, "eval", dont_inherit=True), namespace)
        if value is not None:
            show(value)


def failure_of(error: BaseException) -> Failure:
    """Describe an exception, with only the frames of the user's program and the line of the innermost one."""
    report = traceback.TracebackException.from_exception(error, compact=True)
    line = 0
    if isinstance(error, SyntaxError) and error.filename == FILE:
        line = error.lineno or 0
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == FILE:
            line = frame.lineno or line
    _keep_own_frames(report, set())
    text = "".join(report.format())
    return Failure(text, line, text.strip().rpartition("\n")[2])


def _keep_own_frames(report: traceback.TracebackException, seen: set[int]) -> None:
    """Remove all frames but the program's from an exception, its causes and its contexts."""
    if id(report) in seen:
        return
    seen.add(id(report))
    report.stack = traceback.StackSummary.from_list([frame for frame in report.stack if frame.filename == FILE])
    for other in (report.__cause__, report.__context__, *(report.exceptions or ())):
        if other is not None:
            _keep_own_frames(other, seen)


@contextmanager
def _warnings(err: Output) -> Any:
    """Write warnings to the program's own stream, with the line of the program that caused them."""

    def write(
        message: Any, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        if filename == FILE:
            err.write(warnings.formatwarning(message, category, filename, lineno, line))
        else:
            err.write(f"{category.__name__}: {message}\n")

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = write
        yield


def _no_input(prompt: object = "") -> str:
    raise EOFError("input() is not available on this page: write the answer into the program")
