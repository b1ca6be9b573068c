"""The state of recording: graphs are recorded, except inside `no_grad`, in the thread or asyncio task that is in it.

And whether a trace is: while `autograd.compile` runs a function, comparisons are recorded too, and what would take a
number out of the graph is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from types import FrameType
from typing import Any, Never, Protocol, TypeAlias

__all__ = [
    "Counter",
    "State",
    "TooManyNodesError",
    "Tracer",
    "WhileRunning",
    "compared",
    "counter",
    "counting",
    "derivatives_never_raise",
    "differentiating",
    "ever_changed",
    "ever_traced",
    "pause",
    "paused",
    "pausing",
    "resumed",
    "tracer",
    "tracing",
]

State: TypeAlias = "bool | WhileRunning"

paused: ContextVar[State] = ContextVar("paused", default=False)
_GENERATOR = 0x20 | 0x200  # CO_GENERATOR and CO_ASYNC_GENERATOR among a code's flags; coroutines have tasks' contexts
ever_changed = False  # by any thread, by a pause or a count: until then, no operation need ask the context variables


class Tracer(Protocol):
    """Runs a function in order to compile it."""

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        """The comparison as a node of the graph; None where its operands are constants, or no numbers."""

    def refuse(self, what: str, remedy: str) -> Never:
        """Raise a TypeError that names the line of the user's code which would freeze a number of the example."""

    def take(self, table: Any, index: Any) -> Any:
        """The entry of a table at an index that is a number of an argument."""

    def one_hot(self, index: Any, classes: int) -> list[Any]:
        """For each class, the comparison of such an index with it as a node."""

    def derivatives_of(self, primitive: Any) -> Callable[..., Any]:
        """The derivative rule of a primitive, which makes a graph of Values."""


tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)
ever_traced = False  # by any thread: until then, no comparison need ask the context variable


@contextmanager
def tracing(by: Tracer | None) -> Iterator[None]:
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
def pausing() -> Iterator[None]:
    """A context of the package's own in which no graph is recorded, to be left before any generator is suspended."""
    global ever_changed
    ever_changed = True
    before = paused.get()
    try:
        paused.set(True)
        yield
    finally:
        _leave(before)


def pause() -> Callable[[], None]:
    """Record no graphs from now on, on behalf of the caller's caller; returns the function that ends it."""
    global ever_changed
    ever_changed = True
    frame = _suspendable(sys._getframe(2))
    before = paused.get()
    if frame is None:
        paused.set(True)
        return partial(_leave, before)
    state = WhileRunning(frame, before)
    paused.set(state)
    return state.end


def _suspendable(frame: FrameType | None) -> FrameType | None:
    """The generator's frame that a block is in; None where it is in none, or in one that is a context manager.

    A context manager of the caller's that enters the block in its own `__enter__` is looked through.
    """
    while frame is not None:
        is_generator = frame.f_code.co_flags & _GENERATOR
        enters = frame.f_code.co_name == "__enter__" or _makes_contexts(frame)
        if not enters and not (is_generator and _makes_contexts(frame.f_back)):
            return frame if is_generator else None
        frame = frame.f_back
    return None


def _makes_contexts(frame: FrameType | None) -> bool:
    """Tell whether it is code that makes contexts of generators."""
    return frame is not None and frame.f_globals.get("__name__") in ("contextlib", "_pytest.fixtures")


class WhileRunning:
    """The state of a block in a generator: true while its code runs, the state outside while it is suspended.

    A generator's frame has a caller just as long as its code runs.

    Attributes:
        outside: the state where the block was entered, or what became of it.
    """

    outside: State

    def __init__(self, frame: FrameType, outside: State) -> None:
        self._frame: FrameType | None = frame
        self.outside = outside

    def end(self) -> None:
        """Leave the block, even if others were entered in the meantime and not left yet."""
        self._frame = None
        paused.set(_alive(paused.get()))

    @property
    def has_ended(self) -> bool:
        return self._frame is None

    def __bool__(self) -> bool:
        state: State = self
        while isinstance(state, WhileRunning):
            frame = state._frame
            if frame is not None and frame.f_back is not None:
                return True
            state = state.outside
        return state


def _alive(state: State) -> State:
    """The state without the blocks of generators that were left."""
    while isinstance(state, WhileRunning) and state.has_ended:
        state = state.outside
    above = state
    while isinstance(above, WhileRunning):
        below = above.outside
        while isinstance(below, WhileRunning) and below.has_ended:
            below = below.outside
        above.outside = below
        above = below
    return state


def _leave(before: State) -> None:
    """Leave a block that stands on `before`. Where generators entered blocks inside it, they stand on that now."""
    state = lowest = paused.get()
    while isinstance(lowest, WhileRunning) and isinstance(lowest.outside, WhileRunning):
        lowest = lowest.outside
    if isinstance(lowest, WhileRunning):
        lowest.outside = before
    else:
        state = before
    paused.set(_alive(state))


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
    before = paused.get()
    try:
        paused.set(False)
        yield not before
    finally:
        _leave(before)


class TooManyNodesError(BaseException):
    """More nodes were recorded than `counting` allows. A function that handles its own Exceptions lets it pass."""


class Counter:
    """Counts the nodes that a trace computes, those included that are not recorded.

    Attributes:
        nodes: how many there were.
        kind: the class of nodes; `value.py` says which.
    """

    kind: type[Any]

    def __init__(self, most: float, outer: Counter | None = None) -> None:
        self.nodes = 0
        self._most, self._outer = most, outer

    def count(self) -> None:
        """Count one node more, here and in the traces around this one."""
        self.nodes += 1
        if self.nodes > self._most:
            raise TooManyNodesError
        if self._outer is not None:
            self._outer.count()


counter: ContextVar[Counter | None] = ContextVar("counter", default=None)


@contextmanager
def counting(most: float, kind: Callable[..., Counter] = Counter) -> Iterator[Counter]:
    """Count the nodes that are computed in a context, and let no more than so many be.

    Graphs are recorded in it even inside `no_grad`.

    Raises:
        TooManyNodesError: by the node that is one too many.
    """
    global ever_changed
    ever_changed = True
    counted = kind(most, counter.get())
    before, outer = paused.set(False), counter.set(counted)
    try:
        yield counted
    finally:
        counter.reset(outer)
        paused.reset(before)
