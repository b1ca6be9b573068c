"""Errors for names from similar libraries, with one line that says what to write instead.

A name from micrograd, PyTorch or JAX may not exist here as an attribute, an argument or a module. Instead of only "has
no attribute", the error says what to write. There is no other effect: `hasattr` is false, and `dir` does not list it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Never, TypeVar

__all__ = [
    "F",
    "ForeignName",
    "explain_arguments",
    "explain_attributes",
    "explain_imports",
    "missing",
    "refuse_arguments",
]

F = TypeVar("F", bound=Callable[..., Any])


class ForeignName:
    """A name that a class does not have, with a line that says what to write instead.

    Raises:
        AttributeError: when it is read; also when it is set on an object of this package, where it would have no
            effect. Users' own classes and subclasses may have an attribute of that name.
    """

    name: str
    remedy: str
    home: str

    def __init__(self, name: str, remedy: str, home: str) -> None:
        self.name, self.remedy, self.home = name, remedy, home

    def __get__(self, instance: Any, owner: type) -> Any:
        own = getattr(instance, "__dict__", {})
        if self.name in own:
            return own[self.name]
        raise self._error(owner)

    def __set__(self, instance: Any, value: Any) -> None:
        own = getattr(instance, "__dict__", None)
        if own is None or type(instance).__module__.partition(".")[0] == self.home:
            raise self._error(type(instance))
        own[self.name] = value

    def __delete__(self, instance: Any) -> None:
        if getattr(instance, "__dict__", {}).pop(self.name, self) is self:
            raise self._error(type(instance))

    def _error(self, owner: type) -> AttributeError:
        return AttributeError(f"{owner.__name__} has no {self.name!r}: {self.remedy}")


def explain_attributes(kind: type, remedies: Mapping[str, str]) -> None:
    """Make reading a foreign name on a class's objects raise an error with a remedy, unless the class has the name."""
    for name, remedy in remedies.items():
        if not hasattr(kind, name):
            setattr(kind, name, ForeignName(name, remedy, kind.__module__.partition(".")[0]))
    setattr(kind, "__dir__", _existing_names)  # noqa: B010  # mypy rejects an assignment to a method


def _existing_names(self: object) -> list[str]:
    own = getattr(self, "__dict__", {})
    return [n for n in object.__dir__(self) if n in own or not isinstance(_of_class(type(self), n), ForeignName)]


def _of_class(kind: type, name: str) -> Any:
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def explain_arguments(remedies: Mapping[str, str]) -> Callable[[F], F]:
    """Decorate a function so that a foreign keyword raises a TypeError with a remedy.

    >>> @explain_arguments({"lr": "it is called learning_rate here"})
    ... def descend(learning_rate=0.1):
    ...     return learning_rate
    >>> descend(lr=1.0)
    Traceback (most recent call last):
        ...
    TypeError: descend has no argument 'lr': it is called learning_rate here
    """

    def decorate(function: F) -> F:
        name = function.__qualname__.removesuffix(".__init__")

        @wraps(function)
        def explained(*args: Any, **kwargs: Any) -> Any:
            if kwargs and not remedies.keys().isdisjoint(kwargs):
                refuse_arguments(name, kwargs, remedies)
            return function(*args, **kwargs)

        return explained  # type: ignore[return-value]

    return decorate


def refuse_arguments(function: str, given: Mapping[str, Any], remedies: Mapping[str, str]) -> Never:
    """Raise a TypeError for unknown arguments, with a remedy for the first one that has a remedy."""
    foreign = next((name for name in given if name in remedies), next(iter(given)))
    remedy = f": {remedies[foreign]}" if foreign in remedies else ""
    raise TypeError(f"{function} has no argument {foreign!r}{remedy}")


def missing(module: str, name: str, remedies: Mapping[str, str]) -> AttributeError:
    """Return the error of a module that lacks a name, with a remedy if the name is foreign."""
    remedy = f": {remedies[name]}" if name in remedies else ""
    return AttributeError(f"module {module!r} has no attribute {name!r}{remedy}")


class _ForeignImports:
    """A finder that finds no module, but raises an error for modules of other libraries: `import autograd.numpy`.

    If a package lacks an imported name, Python looks for a module of that name, so this also handles
    `from autograd import Tensor`.
    """

    def __init__(self) -> None:
        self.remedies: dict[str, Mapping[str, str]] = {}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        package, _, name = fullname.partition(".")
        if remedy := self.remedies.get(package, {}).get(name):
            # No `name=fullname`: the import system would mistake it for its own error and replace it.
            raise ModuleNotFoundError(f"lucidgrad's package {package!r} has no {name!r}: {remedy}")


_foreign_imports = _ForeignImports()


def explain_imports(package: str, remedies: Mapping[str, str]) -> None:
    """Make imports of a package's foreign names and modules fail with a remedy."""
    _foreign_imports.remedies[package] = remedies
    if _foreign_imports not in sys.meta_path:
        sys.meta_path.append(_foreign_imports)  # last, so that all other finders come first
