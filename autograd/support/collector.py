"""Python's cyclic garbage collector, kept away from graphs: they have no cycles, and it would search them for some."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collector_paused"]


class _Enabler:
    """Enables the collector when it is forgotten: so also where the line that does it is interrupted."""

    __slots__ = ()

    __del__ = staticmethod(gc.enable)


@contextmanager
def collector_paused() -> Iterator[None]:
    """A context in which the collector does not run; afterwards it does if it did before.

    An interrupt while the context is left delays that until its traceback is forgotten.

    >>> with collector_paused():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    enabler = _Enabler() if gc.isenabled() else None
    try:
        gc.disable()
        yield
    finally:
        del enabler
