"""Per-thread (or per-task) recording state: whether graphs are recorded, and whether a function is being traced.

Graphs are recorded except inside `no_grad`. While `autograd.compile` traces a function, comparisons are recorded too,
and operations that would take a number out of the graph are refused.
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
_GENERATOR = 0x20 | 0x200  # code flags CO_GENERATOR and CO_ASYNC_GENERATOR; a coroutine has the context of its task
ever_changed = False  # set by the first pause or count in any thread; until then operations skip the context variables


class Tracer(Protocol):
    """Runs a function in order to compile it."""

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        """Return the comparison as a node of the graph; None if its operands are constants or not numbers."""

    def refuse(self, what: str, remedy: str) -> Never:
        """Raise a TypeError that names the line of user code that would freeze one of the example's numbers."""

    def take(self, table: Any, index: Any) -> Any:
        """Return the entry of a table at an index that is one of the arguments' numbers."""

    def one_hot(self, index: Any, classes: int) -> list[Any]:
        """Return for each class a node that compares such an index with it."""

    def derivatives_of(self, primitive: Any) -> Callable[..., Any]:
        """Return the derivative rule of a primitive, to be applied to Values."""


tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)
ever_traced = False  # set by the first trace in any thread; until then comparisons skip the context variable


@contextmanager
def tracing(active: Tracer | None) -> Iterator[None]:
    """Pass comparisons and conversions of Values to a tracer, in this thread or task only."""
    global ever_traced
    ever_traced = True
    token = tracer.set(active)
    try:
        yield
    finally:
        tracer.reset(token)


def compared(symbol: str, a: Any, b: Any) -> Any:
    """Return the comparison as a node if this thread is tracing and an operand is not constant; else None."""
    active = tracer.get()
    return None if active is None else active.compare(symbol, a, b)


@contextmanager
def pausing() -> Iterator[None]:
    """Record no graph inside this context. For internal use: no generator may be suspended inside it."""
    global ever_changed
    ever_changed = True
    before = paused.get()
    try:
        paused.set(True)
        yield
    finally:
        _leave(before)


def pause() -> Callable[[], None]:
    """Stop recording graphs on behalf of the caller's caller; return the function that ends the pause."""
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
    """Return the frame of the generator that contains a block; None if none does, or if it is a context manager.

    If the caller's own context manager enters the block in its `__enter__`, the search continues with its caller.
    """
    while frame is not None:
        is_generator = frame.f_code.co_flags & _GENERATOR
        enters = frame.f_code.co_name == "__enter__" or _makes_contexts(frame)
        if not enters and not (is_generator and _makes_contexts(frame.f_back)):
            return frame if is_generator else None
        frame = frame.f_back
    return None


def _makes_contexts(frame: FrameType | None) -> bool:
    """Tell whether the frame belongs to code that turns generators into contexts."""
    return frame is not None and frame.f_globals.get("__name__") in ("contextlib", "_pytest.fixtures")


class WhileRunning:
    """The state of a block in a generator: true while the generator runs, the outer state while it is suspended.

    A generator's frame has a caller only while the generator runs.

    Attributes:
        outside: the state where the block was entered, updated when outer blocks end.
    """

    outside: State

    def __init__(self, frame: FrameType, outside: State) -> None:
        self._frame: FrameType | None = frame
        self.outside = outside

    def end(self) -> None:
        """Leave the block, even if blocks entered later are still open."""
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
    """Return the state without the generators' blocks that have ended."""
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
    """Leave a block entered in state `before`, which becomes the outer state of generators' blocks inside it."""
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
    """Evaluate derivative rules in IEEE arithmetic: an undefined value is inf or nan instead of an exception."""
    token = differentiating.set(True)
    try:
        yield
    finally:
        differentiating.reset(token)


@contextmanager
def resumed() -> Iterator[bool]:
    """Record graphs even inside `no_grad`; yields whether they were recorded before."""
    before = paused.get()
    try:
        paused.set(False)
        yield not before
    finally:
        _leave(before)


class TooManyNodesError(BaseException):
    """More nodes were recorded than `counting` allows. Not an Exception, so that user code does not catch it."""


class Counter:
    """Counts the nodes that a trace computes, including those that are not recorded.

    Attributes:
        nodes: the number of nodes so far.
        kind: the class of new nodes, set by `value.py`.
    """

    kind: type[Any]

    def __init__(self, most: float, outer: Counter | None = None) -> None:
        self.nodes = 0
        self._most, self._outer = most, outer

    def count(self) -> None:
        """Count one more node, here and in the enclosing traces."""
        self.nodes += 1
        if self.nodes > self._most:
            raise TooManyNodesError
        if self._outer is not None:
            self._outer.count()


counter: ContextVar[Counter | None] = ContextVar("counter", default=None)


@contextmanager
def counting(most: float, kind: Callable[..., Counter] = Counter) -> Iterator[Counter]:
    """Count the nodes that are computed in this context, and allow at most `most` of them.

    Graphs are recorded even inside `no_grad`.

    Raises:
        TooManyNodesError: at the first node above the limit.
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
