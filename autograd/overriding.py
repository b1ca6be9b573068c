"""Override the numbers of Values in one context only, so that `compile` can run a function again on other numbers.

The Values stay untouched. While any context overrides numbers, the slot `data` of their class is replaced by a property
that looks the number up in a context variable, and falls back to the slot. So other threads, and code that pickles or
saves, always see the true numbers. If an interrupt leaves the property installed, it still returns the true numbers,
only slower, and the next read of a Value removes it.

CPython 3.13 and later stop caching the attributes of a class that was changed 1,000 times: after some 500 compilations
in one process, arithmetic node by node takes 1.5 times as long there. Earlier versions have no such limit.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from itertools import compress, repeat, starmap
from operator import not_
from typing import Any

from autograd.value import Value


class _Reference(weakref.ref[Any]):
    """A weak reference that is equal only to itself, and hashable even if its object is gone."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


class _Overrides(dict[int, float]):
    """Overriding numbers, by the ids of their Values.

    Attributes:
        change: computes the number for a Value that is read and has none yet; None outside of `Overriding.run`.
        created: the Values made during the run, by their ids. They keep their own numbers.
        retained: the other Values read or written during the run, kept alive so that their ids stay unique.
    """

    def __init__(self, numbers: dict[int, float], change: Callable[[float], float] | None) -> None:
        super().__init__(numbers)
        self.change = change
        self.created: dict[int, Value] = {}
        self.retained: list[Value] = []


_overrides: ContextVar[_Overrides] = ContextVar("overrides", default=_Overrides({}, None))  # noqa: B039  # the default stays empty
_live: set[_Reference] = set()
_owners: dict[type, None] = {}  # classes whose `data` was ever replaced by a property
_properties: dict[int, property] = {}  # by the id of the descriptor they replace
_originals: dict[int, Any] = {}  # the replaced descriptor, by the id of its property


class Overriding:
    """Lets functions see other numbers, between `begin` and `end`.

    Args:
        values: the Values to override. If a class has a `data` that is neither a slot nor a property, functions see the
            true number.
    """

    def __init__(self, values: Iterable[Value]) -> None:
        self._values = list(values)  # kept alive so that their ids stay unique
        self._reference = _Reference(self, _live.discard)

    def begin(self) -> None:
        _live.add(self._reference)  # first, so that no other thread removes a property
        for kind in {Value, *map(type, self._values)}:
            owner = next(base for base in kind.__mro__ if "data" in vars(base))
            original = vars(owner)["data"]
            if id(original) not in _originals and hasattr(original, "__set__"):
                _owners[owner] = None
                _install(owner, original)

    def run(
        self, numbers: Iterable[float], change: Callable[[float], float], function: Callable[..., Any], *arguments: Any
    ) -> Any:
        """Call a function that sees these numbers, one for each Value; its own assignments are visible only to it.

        For other Values it sees the number that `change` returns, except for constants and Values that it made.
        """
        token = _overrides.set(_Overrides({**_overrides.get(), **dict(zip(map(id, self._values), numbers))}, change))
        try:
            return function(*arguments)
        finally:
            _overrides.reset(token)

    def end(self) -> None:
        _live.discard(self._reference)
        _restore()


def _install(owner: type, original: Any) -> None:
    replacement = _properties.setdefault(id(original), _property(original))
    _originals[id(replacement)] = original
    owner.data = replacement  # type: ignore[attr-defined]


def _restore() -> None:
    """Restore the classes' own `data`, unless a thread still needs the property.

    One C call, so that no thread begins between the check and the assignment.
    """
    installed = [(owner, "data", vars(owner)["data"]) for owner in list(_owners)]
    rows = [(owner, name, _originals[id(now)]) for owner, name, now in installed if id(now) in _originals]
    deque(starmap(setattr, compress(rows, map(not_, repeat(_live)))), maxlen=0)


def _property(original: Any) -> property:
    read, write = original.__get__, original.__set__

    def get(value: Value) -> Any:
        overrides = _overrides.get()
        override = overrides.get(id(value))  # retracing reads each weight here, as often as the function uses it
        if override is not None:
            return override
        if not _live:
            _restore()
        number = read(value, type(value))
        if overrides.change is not None and type(number) is float and id(value) not in overrides.created:
            overrides.retained.append(value)
            number = overrides[id(value)] = overrides.change(number)
        return number

    def put(value: Value, number: float) -> None:
        overrides = _overrides.get()
        if id(value) in overrides:
            overrides[id(value)] = number
        elif overrides.change is None or id(value) in overrides.created:
            write(value, number)
        elif hasattr(value, "grad"):  # made before the run
            overrides.retained.append(value)
            overrides[id(value)] = number
        else:
            overrides.created[id(value)] = value
            write(value, number)

    return property(get, put, getattr(original, "__delete__", None))
