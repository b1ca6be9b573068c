"""Whether graphs are being recorded: yes, except inside `no_grad`, for the thread or asyncio task that is in it.

And whether a trace is: while `autograd.compile` runs a function, comparisons are recorded too, and what would take a
number out of the graph is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import Any, Never, Protocol

paused: ContextVar[bool | Counter] = ContextVar("paused", default=False)
ever_paused = False  # by any thread: until then, no operation need ask the context variable


class Tracer(Protocol):
    """What runs a function in order to compile it."""

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        """The comparison as a node of the graph; None where its operands are constants, or no numbers."""

    def refuse(self, what: str, remedy: str) -> Never:
        """Raise a TypeError that names the line of the user's code which would freeze a number of the example."""


tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)
ever_traced = False  # by any thread: until then, no comparison need ask the context variable


@contextmanager
def tracing(by: Tracer) -> Iterator[None]:
    """A context in which comparisons and conversions of Values are put to a tracer, in this thread or task alone."""
    global ever_traced
    ever_traced = True
    token = tracer.set(by)
    try:
        yield
    finally:
        tracer.reset(token)


def compared(symbol: str, a: Any, b: Any) -> Any:
    """The comparison as a node, where a trace is on in this thread and the operands are not all constants; or None."""
    by = tracer.get()
    return None if by is None else by.compare(symbol, a, b)


@contextmanager
def no_grad() -> Iterator[None]:
    """A context (or decorator) in which no graph is recorded: results are constants, without parents.

    It holds for the thread (or asyncio task) that enters it, and no other.

    >>> from autograd import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (9.0, ())
    """
    global ever_paused
    ever_paused = True
    token = paused.set(_answering(True))
    try:
        yield
    finally:
        paused.reset(token)


differentiating: ContextVar[bool] = ContextVar("differentiating", default=False)


@contextmanager
def derivatives_never_raise() -> Iterator[None]:
    """A context for the rules of derivatives, in which what has no value is inf or nan as in IEEE arithmetic."""
    token = differentiating.set(True)
    try:
        yield
    finally:
        differentiating.reset(token)


@contextmanager
def resumed() -> Iterator[bool]:
    """A context in which graphs are recorded even inside `no_grad`; gives whether they were before."""
    before = not paused.get()
    token = paused.set(_answering(False))
    try:
        yield before
    finally:
        paused.reset(token)


class TooManyNodesError(BaseException):
    """More nodes were recorded than `counting` allows. A function that handles its own Exceptions lets it pass."""


class Counter:
    """The nodes that a trace computes: in the place of a bool in `paused`, which each new node asks.

    Contexts within it (`no_grad`, a transform, another `counting`) change the answer, but the nodes are counted on.

    Attributes:
        nodes: how many there were.
    """

    def __init__(self, most: float, outer: Counter | None = None) -> None:
        self._answer, self._tally, self._most, self._outer = False, [0], most, outer

    @property
    def nodes(self) -> int:
        return self._tally[0]

    def answering(self, answer: bool) -> Counter:
        """The same counter, with another answer."""
        other = copy(self)
        other._answer = answer
        return other

    def __bool__(self) -> bool:
        return self._answer

    def count(self) -> bool:
        """Count one node more; gives the answer."""
        self._tally[0] += 1
        if self._tally[0] > self._most:
            raise TooManyNodesError
        if self._outer is not None:
            self._outer.count()
        return self._answer


def _answering(pause: bool) -> bool | Counter:
    """What to put into `paused`."""
    state = paused.get()
    return state.answering(pause) if isinstance(state, Counter) else pause


@contextmanager
def counting(most: float) -> Iterator[Counter]:
    """Count the nodes that are computed in a context, and let no more than so many be.

    Graphs are recorded in it even inside `no_grad`.

    Raises:
        TooManyNodesError: by the node that is one too many.
    """
    global ever_paused
    ever_paused = True
    state = paused.get()
    counter = Counter(most, state if isinstance(state, Counter) else None)
    token = paused.set(counter)
    try:
        yield counter
    finally:
        paused.reset(token)
