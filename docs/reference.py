"""Generate the reference: a page for each package, with every public name, from signatures and docstrings.

The public names are those in `__all__` of the packages and their modules, including lazily imported names and rows of
the derivative table. So a new name appears here automatically.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from autograd.support.foreign_names import ForeignName
from autograd.table import Primitive
from autograd.value import Value
from docs.docstrings import as_markdown

PACKAGES = ("autograd", "nn")
CODE = re.compile(r"(?<![`}])`([\w.]+(?:\(\))?)`(?!`)")
# Their names are for packages that build on the engine, as nn does, or are in autograd already.
TOOLS = ("arrays", "lookups", "primitives", "reading", "recording", "updates")
INTERNAL = tuple(f"autograd.{name}" for name in TOOLS)


def pages() -> dict[str, str]:
    """Return the reference's pages as Markdown, by name."""
    modules = [importlib.import_module(name) for package in PACKAGES for name in _with_names(package)]
    known = {f"{module.__name__}.{name}" for module in modules for name in public_names(module)}
    return {module.__name__: _page(module, known) for module in modules}


def public_names(module: ModuleType) -> list[str]:
    """Return the names in `__all__`, and those left out so that `import *` hides no builtin."""
    hiding = [name for name in vars(module) if hasattr(builtins, name) and not name.startswith("_")]
    return sorted({*module.__all__, *hiding})


def _with_names(package: str) -> list[str]:
    """Return a package, and those of its modules that have an `__all__`."""
    names = [package]
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        if info.name.rpartition(".")[2].startswith("_") or info.name in INTERNAL:
            continue
        if "__all__" in vars(importlib.import_module(info.name)):
            names.append(info.name)
    return names


def _page(module: ModuleType, known: set[str]) -> str:
    name = module.__name__
    own = [public for public in public_names(module) if not _stands_elsewhere(module, public)]
    things = {public: getattr(module, public) for public in sorted(own, key=str.lower)}
    rows = {public: thing for public, thing in things.items() if isinstance(thing, Primitive)}
    classes = {public: thing for public, thing in things.items() if isinstance(thing, type)}
    others = {public: thing for public, thing in things.items() if public not in rows and public not in classes}
    parts = [f"# `{name}`", _text(module.__doc__, name, known), f"```{{py:module}} {name}\n```"]
    for title, group in (("Classes", classes), ("Functions", others), ("Primitives", rows)):
        if group:
            parts += [f"## {title}", *(_entry(name, public, thing, known) for public, thing in group.items())]
    return "\n\n".join(parts) + "\n"


def _stands_elsewhere(module: ModuleType, name: str) -> bool:
    """Tell whether a module's package has the same object under the same name, and so describes it."""
    package = importlib.import_module(module.__name__.partition(".")[0])
    return package is not module and getattr(package, name, None) is getattr(module, name)


def _entry(module: str, name: str, thing: Any, known: set[str]) -> str:
    """Describe one name."""
    if isinstance(thing, type):
        return _class(module, name, thing, known)
    if isinstance(thing, Primitive):
        return _directive("function", module, f"{name}({', '.join(_operands(thing))})", _of_row(name, thing))
    if not callable(thing):
        return _directive("data", module, name, f"`{thing!r}`")
    return _directive("function", module, name + _signature(thing), _text(thing.__doc__, module, known))


def _class(module: str, name: str, kind: type, known: set[str]) -> str:
    """Describe a class with its methods and properties, except those of a base class described elsewhere."""
    elsewhere = [base for base in kind.__mro__[1:] if f"{_home(base)}.{base.__name__}" in known]
    known = {full for full in known if not hasattr(kind, full.rpartition(".")[2])}  # `grad` is the attribute here
    body = [_text(kind.__doc__, module, known)]
    if elsewhere:
        body.append(
            f"Derives from {{py:class}}`{elsewhere[0].__name__} <{_home(elsewhere[0])}.{elsewhere[0].__name__}>`."
        )
    for member, thing in _members(kind, elsewhere):
        if isinstance(thing, Primitive):
            signature, doc = "()", (thing.__doc__ or "").strip()
        else:
            bound = not isinstance(thing, staticmethod)
            function = thing.__func__ if isinstance(thing, (classmethod, staticmethod)) else thing
            signature = "" if isinstance(thing, property) else _signature(function, method=bound)
            doc = _text(inspect.getdoc(thing), module, known)
        directive = "property" if isinstance(thing, property) else "method"
        body.append(_directive(directive, "", member + signature, doc, fence=":::"))
    signature = _signature(kind)
    return _directive("class", module, name + signature.partition(" -> ")[0], "\n\n".join(body))


def _home(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _members(kind: type, elsewhere: list[type]) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties with a docstring of a class and its base classes in this project."""
    seen = set()
    for base in kind.__mro__:
        if _home(base) not in PACKAGES or base in elsewhere:
            continue
        for name, thing in vars(base).items():
            usual = name == "__call__" or not name.startswith("_")
            if name in seen or not usual or isinstance(thing, ForeignName) or not inspect.getdoc(thing):
                continue
            if inspect.isfunction(thing) or isinstance(thing, (property, classmethod, staticmethod, Primitive)):
                seen.add(name)
                yield name, thing


def _operands(row: Primitive) -> list[str]:
    """Return the names of a primitive's operands in its derivative rule, whose last argument is the output."""
    given = list(inspect.signature(row.derivatives).parameters.values())
    names = [f"*{p.name}" if p.kind is p.VAR_POSITIONAL else p.name for p in given]
    return ["*xs"] if names and names[0].startswith("*") else names[:-1]


def _of_row(name: str, row: Primitive) -> str:
    """Describe what a primitive computes, with notes."""
    notes = [f"In pictures it is `{row.symbol}`."] if row.symbol != name else []
    notes += ["Nothing flows to an operand that it does not take."] if row.chooses else []
    notes += [f"Also a method of Value: `x.{name}()`."] if hasattr(Value, name) else []
    return "\n\n".join([(row.__doc__ or "").strip(), " ".join(notes)]).strip()


def _directive(kind: str, module: str, signature: str, body: str, fence: str = "::::") -> str:
    options = f":module: {module}\n" if module else ""
    return f"{fence}{{py:{kind}}} {signature}\n{options}\n{body}\n{fence}"


def _signature(thing: Any, method: bool = False) -> str:
    """Return a signature as written in the source, without arguments that exist only to be refused."""
    try:
        signature = inspect.signature(thing)
    except ValueError:  # a function written in C
        return "(*numbers)"
    given = [p for p in signature.parameters.values() if p.annotation != "Never"]
    given = given[1:] if method else given
    shown = [p.replace(annotation=_Written(p.annotation), default=_default(p.default)) for p in given]
    result = signature.return_annotation
    text = str(signature.replace(parameters=shown, return_annotation=_Written(result)))
    return re.sub(r": <empty>|<empty>", "", text.removesuffix(" -> <empty>"))


class _Written:
    """An annotation or default that prints as written in the source."""

    def __init__(self, text: Any) -> None:
        self.text = "<empty>" if text is inspect.Parameter.empty else text if isinstance(text, str) else repr(text)

    def __repr__(self) -> str:
        return self.text.replace("_Any", "Any")


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty or not callable(value):
        return value
    return _Written(f"{value.__module__.partition('.')[0]}.{value.__name__}")


def _text(doc: str | None, module: str, known: set[str]) -> str:
    """Convert a docstring to Markdown, with links to the names in it."""

    def link(match: re.Match[str]) -> str:
        name = match[1].removesuffix("()")
        here = module.partition(".")[0]
        for full in (name, f"{module}.{name}", f"{here}.{name}", f"autograd.{name}"):
            if full in known:
                return f"{{py:obj}}`{match[1]} <{full}>`"
        return match[0]

    parts = re.split(r"(^```.*?^```$)", as_markdown(doc or ""), flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("```") else CODE.sub(link, part) for part in parts)
