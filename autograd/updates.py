"""Changes of many numbers at once: all of them or none, wherever an interrupt lands."""

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
"""Makes an iterator that changes something whenever it goes on; the iterator itself is written in C."""

_SETTERS = {name: vars(Value)[name].__set__ for name in ("data", "grad")}
_OURS = (Value, Constant, Traced)


def commit(*changes: Change) -> None:
    """Make changes in one go: all of them, or none.

    Python looks for Ctrl-C between two of its own instructions, not inside a function written in C, such as the one
    that runs through the iterators here. Where they call something written in Python, such as a property of the
    user's, which is interrupted, all changes are made once more.

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
    """The change that gives Values a new `data` or `grad`, one number each.

    While a function is traced, its own other numbers are set instead of those of the Values.
    """
    if recording.tracer.get() is None and all(_inherits(kind, name) for kind in set(map(type, values))):
        return partial(map, _SETTERS[name], values, numbers)
    return partial(map, setattr, values, repeat(name), numbers)


def setting_attributes(of: object, attributes: Mapping[str, Any]) -> Change:
    """The change that gives an object attributes."""
    return partial(map, vars(of).update, [attributes])


def _inherits(kind: type, name: str) -> bool:
    """Tell whether a class of Values has an attribute as Value has it."""
    owner = next(base for base in kind.__mro__ if name in vars(base))
    return owner in _OURS and not any("__setattr__" in vars(base) for base in kind.__mro__[:-1])
