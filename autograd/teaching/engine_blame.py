"""Explain the likely cause of an exception that an engine raised."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

PROGRAM = "<program of check_engine>"
OURS = __name__.removesuffix("blame")  # the prefix of the modules that run the ladder
DUNDERS = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "** or pow()": "pow"}
DUNDERS |= {f"{op}=": name for op, name in DUNDERS.items()} | {"**=": "pow"}
WRAP = "wrap numbers first, as in `other = other if isinstance(other, MyValue) else MyValue(other)`"


def frames(traceback: TracebackType | None) -> list[tuple[FrameType, int]]:
    """Return the frames of the engine's own code, each with its line, the innermost last."""
    stack = []
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_filename != PROGRAM and not frame.f_globals.get("__name__", "").startswith(OURS):
            stack.append((frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return stack


def where(traceback: TracebackType | None) -> str:
    """Describe the place in the engine's code that raised; "" if it was the program itself."""
    stack = frames(traceback)
    return f" (in {stack[-1][0].f_code.co_name}, line {stack[-1][1]})" if stack else ""


def meaning(error: BaseException, text: str, engine: Callable[[float], Any], inside: bool) -> str:
    """Explain one of Python's own errors; "" if it is self-explanatory, or a rung explains it better."""
    if isinstance(error, TypeError):
        return _of_a_type(error, text, engine, inside)
    if isinstance(error, AttributeError):
        return _of_an_attribute(text, engine, inside)
    if isinstance(error, UnboundLocalError):
        name = match[1] if (match := re.search(r"'(\w+)'", text)) else "a name"
        return (
            f"`{name}` is used there before it has a value. (Assigning to a name in a function makes it local: write "
            f"`self.grad += ...`, or `nonlocal {name}`)"
        )
    return ""


def _of_a_type(error: TypeError, text: str, engine: Callable[[float], Any], inside: bool) -> str:
    if match := re.match(r"unsupported operand type\(s\) for (.+): '([\w.]+)' and '([\w.]+)'", text):
        return _of_operands(match[1], match[2], match[3], inside)
    if text.startswith("bad operand type for unary -"):
        return "Define `__neg__`" + ", or use the number of the node, its `data`" * inside
    if match := re.match(r"'(\w+)' object is not callable", text):
        return _of_a_call(match[1], error, engine)
    if match := re.match(r"'(\w+)' object is not iterable", text):
        if match[1] == "NoneType":
            return (
                "There is None where a loop expects a sequence: `list.reverse()` changes a list and returns None; use "
                "`reversed(...)`, which returns its nodes in reverse. Or is a `return` missing?"
            )
        if match[1] == getattr(engine, "__name__", ""):
            return "One node in parentheses is not a tuple: the comma makes one, `(self,)`"
    if "unhashable" in text:
        return (
            "Objects of a class that defines `__eq__` cannot be put in a set unless it defines `__hash__`: write "
            "`__hash__ = object.__hash__`, or keep id(node) in the set"
        )
    if text.startswith("float() argument must be") and inside:
        return "The constructor takes a number: compute it from the numbers of the operands, `self.data`"
    if "must be real number, not" in text and inside:
        return "The functions of `math` take numbers: give them `self.data`"
    if inside and re.search(r"__init__\(\) takes .* positional arguments? but \d+ were given", text):
        return "Let the constructor accept the arguments that operations pass: `def __init__(self, data, parents=()):`"
    if "not supported between instances of" in text and inside:
        return "Compare numbers, `self.data`, not nodes"
    if re.search(r"takes 0 positional arguments but 1 was given", text):
        return "The first parameter of a method is the node itself: write `self` there"
    return ""


def _of_operands(op: str, left: str, right: str, inside: bool) -> str:
    if "NoneType" in (left, right):
        return (
            "An operand is None instead of a number: does a function end without `return`, or does something start as "
            "None that should start as 0.0?"
        )
    for kind in (left, right):
        if kind in ("method", "function", "builtin_function_or_method"):
            return f"An operand is a {kind} instead of a number: to call it, write parentheses after its name"
    if inside:
        node, number = (right, left) if left in ("int", "float") else (left, right)
        return f"There {left} meets {right}: take the number of an operand from its `data`" if node != number else ""
    reflected = left in ("int", "float")
    dunder = f"`__{'r' if reflected else ''}{DUNDERS.get(op, op)}__`"
    if not reflected:
        return f"Define {dunder}"
    return (
        f"The left operand is a plain number, which cannot handle MyValue, so Python asks MyValue for {dunder}: define "
        "it" + ", which the built-in sum needs too, for it begins with 0 + ..." * (op == "+")
    )


def _of_a_call(kind: str, error: TypeError, engine: Callable[[float], Any]) -> str:
    """Explain a call of an object that is not a function: perhaps the result of a function called too early."""
    for node in frames(error.__traceback__)[-1:] and frames(error.__traceback__)[-1][0].f_locals.values():
        for name in callables(engine):
            if type(getattr(node, name, callables)).__name__ == kind:
                return (
                    f"The `{name}` of a result is not a function but {_article(kind)}: `out.{name} = {name}()` calls "
                    f"the function at once and keeps its result. Write `out.{name} = {name}`, without the parentheses"
                )
    if kind in ("float", "int"):
        return "A number was called there, such as `grad` or `data`: remove the parentheses after it"
    if kind == "NoneType":
        return "Does every node have a function for the backward pass? A leaf needs a function that does nothing"
    return ""


def callables(engine: Callable[[float], Any]) -> list[str]:
    """Return the names of a leaf's callable attributes."""
    try:
        leaf = engine(1.0)
        return [name for name in dir(leaf) if not name.startswith("__") and callable(getattr(leaf, name))]
    except Exception:  # the engine's constructor or properties may raise anything
        return []


def _article(kind: str) -> str:
    return "None" if kind == "NoneType" else f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"


def _of_an_attribute(text: str, engine: Callable[[float], Any], inside: bool) -> str:
    match = re.match(r"'(\w+)' object has no attribute '(\w+)'", text)
    if not match:
        return ""
    kind, name = match.groups()
    if kind in ("int", "float"):
        return f"A plain number was asked for its `{name}`: {WRAP}"
    if kind == "NoneType":
        return f"None was asked for its `{name}`: does an operation end without `return out`?"
    if kind in ("tuple", "list", "set") and name in ("data", "grad", "parents", "_prev", "_backward"):
        return f"A {kind} was asked for its `{name}`: loop over its elements"
    if name == "backward" and not inside:
        return "Define `backward(self)`"
    if kind == getattr(engine, "__name__", "") and inside and not name.startswith("__"):
        return f"A MyValue made of a number has no `{name}`: set it in `__init__`, or define it as a method"
    return ""
