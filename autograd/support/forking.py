"""A lock, and values computed once, with which a forked process can go on."""

from __future__ import annotations

import os
from _thread import RLock  # the lock of `threading`, whose import would add a twentieth to that of autograd
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_T = TypeVar("_T")

across_forks = RLock()
"""Held while something is done that a child process could not go on with, were it forked in the middle, by another
thread than the one that forks: drawing with the embedded Graphviz, making code, and importing modules that not every
program needs, since Python's own locks of modules stay locked in a child. `os.fork` waits for it. Whoever holds it must
not wait for another thread."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=across_forks.acquire, after_in_parent=across_forks.release, after_in_child=across_forks.release
    )


class computed_once(Generic[_T]):  # noqa: N801  # a decorator, as `functools.cached_property` is
    """`functools.cached_property` without the lock that it has before Python 3.12, in which a forked process can hang.

    Two threads that ask at the same time may both compute it.
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
