"""Other numbers for Values, seen in one context alone: how `compile` runs a function again on other numbers.

The Values stay untouched. While any context sees other numbers, their class has a property in the place of its slot
`data`, which looks them up in a context variable, and else gives what the slot holds. So other threads, and whoever
pickles or saves, get the true numbers at any moment. Where an interrupt leaves the property behind, it gives the true
numbers to everybody, only slower, and the next read of a Value takes it away.

CPython 3.13 and later stop caching a class's attributes once it was changed 1,000 times: after some 500 compilations in
one process, arithmetic node by node takes half as long again there. Earlier versions have no such limit.
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
    """Is equal to itself alone, even if its object is gone before anybody asked for the hash."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


class _Others(dict[int, float]):
    """Other numbers by the ids of their Values.

    Attributes:
        change: gives another number for a Value that is read and has none yet; None outside of `Overriding.run`.
        made: the Values that were made meanwhile, by their ids. They keep their own numbers.
        met: other Values. An id is theirs as long as they are kept here.
    """

    def __init__(self, numbers: dict[int, float], change: Callable[[float], float] | None) -> None:
        super().__init__(numbers)
        self.change = change
        self.made: dict[int, Value] = {}
        self.met: list[Value] = []


_others: ContextVar[_Others] = ContextVar("others", default=_Others({}, None))  # noqa: B039  # which stays empty
_live: set[_Reference] = set()
_owners: dict[type, None] = {}  # classes that ever had a property in the place of their `data`
_properties: dict[int, property] = {}  # by id of what they stand in for
_originals: dict[int, Any] = {}  # what a property stands in for, by its id


class Overriding:
    """Lets functions see other numbers, between `begin` and `end`.

    Args:
        values: those that may get other numbers. Of one whose class has `data` as something else than a slot or a
            property, functions see the true number.
    """

    def __init__(self, values: Iterable[Value]) -> None:
        self._values = list(values)  # an id is theirs as long as they live
        self._reference = _Reference(self, _live.discard)

    def begin(self) -> None:
        _live.add(self._reference)  # first, so that nobody takes a property away any more
        for kind in {Value, *map(type, self._values)}:
            owner = next(base for base in kind.__mro__ if "data" in vars(base))
            original = vars(owner)["data"]
            if id(original) not in _originals and hasattr(original, "__set__"):
                _owners[owner] = None
                _install(owner, original)

    def run(
        self, numbers: Iterable[float], change: Callable[[float], float], function: Callable[..., Any], *arguments: Any
    ) -> Any:
        """Call a function that sees these numbers, one for each Value. What it sets them to, it alone sees, too.

        Of other Values that it reads it sees what `change` makes of theirs, except for constants and what it made.
        """
        token = _others.set(_Others({**_others.get(), **dict(zip(map(id, self._values), numbers))}, change))
        try:
            return function(*arguments)
        finally:
            _others.reset(token)

    def end(self) -> None:
        _live.discard(self._reference)
        _restore()


def _install(owner: type, original: Any) -> None:
    made = _properties.setdefault(id(original), _property(original))
    _originals[id(made)] = original
    owner.data = made  # type: ignore[attr-defined]


def _restore() -> None:
    """Give the classes back their own `data`, unless some thread needs the property.

    In one call of C, so that no thread begins between the question and the deed.
    """
    installed = [(owner, "data", vars(owner)["data"]) for owner in list(_owners)]
    rows = [(owner, name, _originals[id(now)]) for owner, name, now in installed if id(now) in _originals]
    deque(starmap(setattr, compress(rows, map(not_, repeat(_live)))), maxlen=0)


def _property(original: Any) -> property:
    read, write = original.__get__, original.__set__

    def get(value: Value) -> Any:
        others = _others.get()
        if id(value) in others:
            return others[id(value)]
        if not _live:
            _restore()
        number = read(value, type(value))
        if others.change is not None and type(number) is float and id(value) not in others.made:
            others.met.append(value)
            number = others[id(value)] = others.change(number)
        return number

    def put(value: Value, number: float) -> None:
        others = _others.get()
        if id(value) in others:
            others[id(value)] = number
        elif others.change is None or id(value) in others.made:
            write(value, number)
        elif hasattr(value, "grad"):  # it was there before
            others.met.append(value)
            others[id(value)] = number
        else:
            others.made[id(value)] = value
            write(value, number)

    return property(get, put, getattr(original, "__delete__", None))
