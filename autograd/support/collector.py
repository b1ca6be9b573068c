"""Pause Python's cyclic garbage collector, which would search graphs for cycles although they have none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collector_paused"]


class _Enabler:
    """Enables the collector when it is destroyed, and so even if the `del` is interrupted."""

    __slots__ = ()

    __del__ = staticmethod(gc.enable)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector; afterwards enable it again if it was enabled before.

    An interrupt on exit delays that until its traceback is released.

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
