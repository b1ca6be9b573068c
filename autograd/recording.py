"""Whether graphs are being recorded: yes, except inside `no_grad`, for the thread or asyncio task that is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

paused: ContextVar[bool] = ContextVar("paused", default=False)
ever_paused = False  # by any thread: until then, no operation need ask the context variable


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
    token = paused.set(True)
    try:
        yield
    finally:
        paused.reset(token)


@contextmanager
def resumed() -> Iterator[bool]:
    """A context in which graphs are recorded even inside `no_grad`; gives whether they were before."""
    before = not paused.get()
    token = paused.set(False)
    try:
        yield before
    finally:
        paused.reset(token)
