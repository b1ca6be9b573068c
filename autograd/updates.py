"""Atomic changes of many numbers: all or none are made, even if an interrupt arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, repeat
from typing import Any

from autograd import recording
from autograd.value import Constant, Traced, Value

__all__ = ["Change", "commit", "setting", "setting_attributes"]

Change = Callable[[], Iterator[Any]]
"""Returns an iterator, implemented in C, that makes one change per step."""

_SETTERS = {name: vars(Value)[name].__set__ for name in ("data", "grad")}
_OURS = (Value, Constant, Traced)


def commit(*changes: Change) -> None:
    """Make all of the changes, or none.

    Python checks for Ctrl-C between its own instructions, not inside a C function such as the one that consumes the
    iterators here. If they call Python code, such as a user's property, and that is interrupted, all changes are made
    again.

    >>> from autograd import Value
    >>> a, b = Value(1.0), Value(2.0)
    >>> commit(setting("data", [a, b], [3.0, 4.0]), setting("grad", [a, b], [0.5, 0.25]))
    >>> a, b
    (Value(data=3.0, grad=0.5), Value(data=4.0, grad=0.25))
    """
    iterators = [change() for change in changes]
    try:
        deque(chain.from_iterable(iterators), maxlen=0)
    except BaseException:
        iterators = [change() for change in changes]
        deque(chain.from_iterable(iterators), maxlen=0)
        raise


def setting(name: str, values: Sequence[Value], numbers: Sequence[float]) -> Change:
    """Return the change that assigns to the `data` or `grad` of Values, one number each.

    While a function is traced, its overriding numbers are set instead of the Values' own.
    """
    if recording.tracer.get() is None and all(_inherits(kind, name) for kind in set(map(type, values))):
        return partial(map, _SETTERS[name], values, numbers)
    return partial(map, setattr, values, repeat(name), numbers)


def setting_attributes(of: object, attributes: Mapping[str, Any]) -> Change:
    """Return the change that sets attributes of an object."""
    return partial(map, vars(of).update, [attributes])


def _inherits(kind: type, name: str) -> bool:
    """Tell whether a class of Values inherits an attribute of Value unchanged."""
    owner = next(base for base in kind.__mro__ if name in vars(base))
    return owner in _OURS and not any("__setattr__" in vars(base) for base in kind.__mro__[:-1])
