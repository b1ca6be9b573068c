"""Find a module's parameters: the Values in its attributes, and in the containers and objects there."""

from __future__ import annotations

import dataclasses
import sys
from collections import UserList, deque
from collections.abc import Callable, Iterable, Mapping, Set, ValuesView
from contextlib import suppress
from functools import lru_cache
from types import MemberDescriptorType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from autograd import Value


class Hidden(NamedTuple):
    """Parameters in a container that is not searched.

    Attributes:
        path: the path of the container.
        owner: the name of its type.
        values: the parameters.
        remedy: advice if the parameters are nowhere else.
    """

    path: str
    owner: str
    values: list[Value]
    remedy: str


class Search:
    """One walk through a module's attributes.

    Args:
        is_module: whether an object is a module, whose attributes are all searched.

    Attributes:
        parameters: the parameters, each once, with their paths.
    """

    def __init__(self, is_module: Callable[[Any], bool]) -> None:
        self._is_module = is_module
        self.parameters: list[tuple[str, Value]] = []
        self._seen: dict[int, Any] = {}  # by id; holds references, so that no id of a temporary list is reused
        self._hidden: list[Hidden] = []

    def collect(self, item: Any, path: str) -> None:
        """Add the parameters in an item that were not seen yet; references may be cyclic."""
        if item is None or isinstance(item, (str, bytes, int, float)) or id(item) in self._seen:
            return
        self._seen[id(item)] = item
        if isinstance(item, Value):
            if not item.parents and not item.is_constant:
                self.parameters.append((path, item))
            return
        prefix = f"{path}." if path else ""
        if self._is_module(item):
            self._refuse_later(
                type(item), path, _of_classes(item), "set it in __init__, so that each object has its own"
            )
            children: Iterable[tuple[Any, Any]] = attributes(item)
        elif isinstance(item, Mapping):
            children = item.items()
        elif isinstance(item, (list, tuple, deque, UserList)):
            children = enumerate(item)
        elif isinstance(item, SimpleNamespace) or (dataclasses.is_dataclass(item) and not isinstance(item, type)):
            children = attributes(item)
        elif is_array(item):
            self.collect(objects_of(item), path)
            return
        else:
            self._refuse_later_what_hides_in(item, path)
            return
        seen, parameters = self._seen, self.parameters
        for key, child in children:
            if not isinstance(child, Value):
                self.collect(child, f"{prefix}{key}")
            elif id(child) not in seen:  # as above, but saves a call per weight
                seen[id(child)] = child
                if not child.parents and not child.is_constant:
                    parameters.append((f"{prefix}{key}", child))

    def check(self) -> None:
        """Refuse structures that would silently lose a parameter.

        Raises:
            TypeError: for Values in a set, in a class attribute, or in an object that is not a module, unless they
                also occur elsewhere.
            ValueError: for two parameters with the same name.
        """
        known = {id(parameter) for _, parameter in self.parameters} if self._hidden else set()
        for path, owner, values, remedy in self._hidden:
            if not known.issuperset(map(id, values)):
                raise TypeError(f"{path or 'the module'} holds parameters in a {owner}: {remedy}")
        names = [name for name, _ in self.parameters]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"two parameters have the name {twice!r}: choose other keys")

    def _refuse_later_what_hides_in(self, item: Any, path: str) -> None:
        if isinstance(item, (Set, ValuesView)):
            inside, remedy = list(item), "it has no order; use a list"
        elif not isinstance(item, (type, ModuleType)):
            inside, remedy = _own_attributes(item), "derive its class from nn.Module"
        else:
            return
        search = Search(self._is_module)
        search._seen = {id(item): item}
        for part in inside:
            if isinstance(part, (Value, list, tuple, dict)) or self._is_module(part) or is_array(part):
                search.collect(part, "")
        self._refuse_later(type(item), path, [parameter for _, parameter in search.parameters], remedy)

    def _refuse_later(self, kind: type, path: str, values: list[Value], remedy: str) -> None:
        if values:
            self._hidden.append(Hidden(path, kind.__name__, values, remedy))


def attributes(item: Any) -> list[tuple[str, Any]]:
    """Return an object's own attributes in the order in which they were set, then those in slots."""
    pairs = list(getattr(item, "__dict__", {}).items())
    for name, slot in _slots(type(item)):  # type: ignore[arg-type]  # mypy takes a type for unhashable
        with suppress(AttributeError):  # not set yet
            pairs.append((name, slot.__get__(item)))
    return pairs


def _own_attributes(item: Any) -> list[Any]:
    """Return the attributes set on an object, but not the slots of Python's own types, such as a function's globals."""
    if hasattr(type(item), "__slots__"):
        return [x for _, x in attributes(item)]
    own = getattr(item, "__dict__", None)
    return list(own.values()) if isinstance(own, dict) else []


@lru_cache
def _slots(kind: type) -> list[tuple[str, MemberDescriptorType]]:
    own = [item for base in reversed(kind.__mro__) for item in vars(base).items()]
    return [(name, slot) for name, slot in own if isinstance(slot, MemberDescriptorType)]


def _of_classes(module: Any) -> list[Value]:
    """Return the leaves that are class attributes of a module, unless an instance attribute shadows them."""
    own = vars(module)
    return [
        x
        for base in type(module).__mro__[:-1]
        for name, x in vars(base).items()
        if isinstance(x, Value) and not (name in own or x.parents or x.is_constant)
    ]


def is_array(item: Any) -> bool:
    """Tell whether an item is a NumPy array, data frame or column that can hold objects."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")  # imported if such an item exists
    if numpy is not None and isinstance(item, numpy.ndarray):
        return bool(item.dtype.hasobject)
    return pandas is not None and isinstance(item, (pandas.Series, pandas.DataFrame))


def objects_of(array: Any) -> Any:
    """Return the elements of an array or data frame as nested lists, or the element of an array without axes."""
    return (array if hasattr(array, "tolist") else array.to_numpy()).tolist()
