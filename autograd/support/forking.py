"""A lock and a cached property that are safe in a forked process."""

from __future__ import annotations

import os
from _thread import RLock  # importing `threading` would make `import autograd` 5 % slower
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_T = TypeVar("_T")

across_forks = RLock()
"""Held by a thread during work that would leave a child process stuck if another thread forked in the middle: drawing
with the embedded Graphviz, compiling machine code, and importing lazily loaded modules, since Python's module locks
stay locked in a child. `os.fork` waits for it. A thread that holds it must not wait for another thread."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=across_forks.acquire, after_in_parent=across_forks.release, after_in_child=across_forks.release
    )


class computed_once(Generic[_T]):  # noqa: N801  # named like the decorator `functools.cached_property`
    """`functools.cached_property` without its lock before Python 3.12, on which a forked process can hang.

    Two threads that read it at the same time may both compute it.
    """

    def __init__(self, function: Callable[[Any], _T]) -> None:
        self._function, self._name, self.__doc__ = function, "", function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: Any = None) -> computed_once[_T]: ...
    @overload
    def __get__(self, instance: object, owner: Any = None) -> _T: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._function(instance)
        return value
