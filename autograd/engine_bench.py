"""Running one small program on an engine of the family, whatever it does, and putting into words what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from types import TracebackType
from typing import Any

Seen = Mapping[str, float]
# What was seen, as a number or as an open interval, and what that tells of the engine. MyValue stands for its name.
Hint = tuple[Mapping[str, float | tuple[float, float]], str]

PROGRAM = "<program of check_engine>"
TOLERANCE = 1e-9
DUNDERS = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "** or pow()": "pow"}
DUNDERS |= {f"{op}=": name for op, name in DUNDERS.items()} | {"**=": "pow"}


class EngineError(Exception):
    """An engine gave a wrong answer; the message says so as a teacher would."""


class Bench:
    """An engine under test, and what is being done with it, for the words of an error.

    Attributes:
        engine: makes a node out of a number.
        name: what it is called.
        doing: the program that runs.
        errors: what it means if that raises: pairs of a type and of words.
    """

    def __init__(self, engine: Callable[[float], Any], name: str) -> None:
        self.engine, self.name = engine, name
        self.doing, self.errors = "", ()  # type: tuple[str, Sequence[tuple[type[BaseException], str]]]

    def leaves(self, **given: float) -> dict[str, Any]:
        """A leaf for each number."""
        found = {}
        for name, x in given.items():
            self.doing = f"`{self.name}({x!r})`"
            found[name] = self.engine(x)
        return found

    def run(
        self,
        program: str | tuple[str, Callable[..., Any]],
        given: Mapping[str, float],
        data: float | None = None,
        grads: Seen | None = None,
        hints: Sequence[Hint] = (),
        otherwise: str = "",
        errors: Sequence[tuple[type[BaseException], str]] = (),
    ) -> None:
        """Compute the program's result from leaves, go backward where gradients are expected, and look.

        Args:
            program: statements, the last of which gives the result; or the words for it, and a function of the leaves.
            given: the leaves' numbers.
            data: the number expected of the result; None if it is not looked at.
            grads: the gradients expected of the leaves.
            hints: what wrong answers tell, the first that fits.
            otherwise: what any other wrong answer tells.
            errors: what exceptions tell.

        Raises:
            EngineError: for a wrong answer.
        """
        self.errors = errors
        words = program if isinstance(program, str) else program[0]
        leaves = self.leaves(**given)
        numbers = ", ".join(f"{name} = {x:g}" for name, x in given.items())
        self.doing = f"With {numbers}, `{words}`"
        result = evaluate(program, leaves) if isinstance(program, str) else program[1](**leaves)
        seen = {"data": self.number(result, "its result", "data")}
        for name, x in given.items():
            if not close(left := self.number(leaves[name], name, "data"), x):
                raise EngineError(
                    f"{self.doing} changed {name}.data from {x:g} to {left:g}: an operation makes a new {self.name}, "
                    "and leaves the numbers of those it takes as they are"
                )
        if grads:
            result_of = words.rpartition("; ")[2].partition(" = ")
            self.doing += f", and backward() from {result_of[0]}," if result_of[1] else ", and backward() from it,"
            result.backward()
            seen |= {name: self.number(leaves[name], name, "grad") for name in grads}
            self.doing = f"With {numbers}, `{words}`"
        expected = ({} if data is None else {"data": data}) | dict(grads or {})
        self.compare(seen, expected, hints, otherwise)

    def compare(self, seen: Seen, expected: Seen, hints: Sequence[Hint] = (), otherwise: str = "") -> None:
        """Raise EngineError, with the first hint that fits, unless all is as expected."""
        for name, x in expected.items():
            if not close(seen[name], x):
                hint = next((words for pattern, words in hints if fits(seen, pattern)), otherwise)
                what = "data" if name == "data" else f"{name}.grad"
                raise EngineError(
                    f"{self.doing} gave {what} = {seen[name]:.9g}, expected {x:.9g}"
                    + (f": {hint.replace('MyValue', self.name)}" if hint else "")
                )

    def number(self, node: Any, which: str, attribute: str) -> float:
        """The `data` or `grad` of a node. Raises EngineError where that is no number."""
        if node is None:
            raise EngineError(f"{self.doing} gave None: does a method end without `return out`?")
        if not hasattr(node, attribute):
            if isinstance(node, Real):
                raise EngineError(
                    f"{self.doing} gave the plain number {node!r}, expected a {self.name}: wrap the result, as in "
                    f"`return {self.name}(...)`"
                )
            raise EngineError(f"{self.doing} gave a {type(node).__name__} without the attribute `{attribute}`")
        x = getattr(node, attribute)
        if isinstance(x, Real):
            return float(x)
        if getattr(x, "shape", None) == ():  # an array of one number, as of NumPy or PyTorch
            return float(x)
        advice = ""
        if hasattr(x, "data"):
            advice = ": compute with the numbers of the operands, `self.data` and `other.data`, not with the operands"
        elif x is None:
            advice = ": begin with 0.0, to which something can be added"
        a = "an" if type(x).__name__[:1] in "aeiou" else "a"
        kind = "None" if x is None else f"{a} {type(x).__name__}"
        raise EngineError(f"{self.doing} left in the `{attribute}` of {which} {kind}, expected a number{advice}")

    def blame(self, error: BaseException) -> str:
        """What an exception of the engine says, where it comes from, and what that tells."""
        doing = self.doing.removesuffix(",")
        try:
            text = " ".join(str(error).split())[:200]
        except BaseException:  # whatever a class of errors of the engine's own may do
            text = ""
        place = where(error.__traceback__)
        words = f"{doing} raised {type(error).__name__}" + (f": {text}" if text else "") + place
        hint = next((hint for kind, hint in self.errors if isinstance(error, kind)), "")
        hint = meaning(error, text, inside=bool(place)) or hint
        return f"{words}. {hint.replace('MyValue', self.name)}".removesuffix(". ")


def sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."


def evaluate(program: str, leaves: Mapping[str, Any]) -> Any:
    """The value of the last statement of a program of the ladder's own."""
    names = dict(leaves)
    *statements, last = program.split("; ")
    expression = last.rpartition(" = ")[2]
    exec(compile("; ".join([*statements, f"result = {expression}"]), PROGRAM, "exec"), names)
    return names["result"]


def fits(seen: Seen, pattern: Mapping[str, float | tuple[float, float]]) -> bool:
    """Whether what was seen is what a hint is about."""
    for name, expected in pattern.items():
        if name not in seen:
            return False
        if isinstance(expected, tuple):
            if not expected[0] < seen[name] < expected[1]:
                return False
        elif not close(seen[name], expected):
            return False
    return True


def close(x: float, expected: float) -> bool:
    return abs(x - expected) <= TOLERANCE * max(1.0, abs(expected))


def where(traceback: TracebackType | None) -> str:
    """The place in the engine's code that raised; "" where it was the program itself."""
    place = ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename != PROGRAM and traceback.tb_frame.f_globals.get("__name__", "") not in OURS:
            place = f" (in {code.co_name}, line {traceback.tb_lineno})"
        traceback = traceback.tb_next
    return place


def meaning(error: BaseException, text: str, inside: bool) -> str:
    """What Python's own errors tell of an engine; "" where they speak for themselves, or a rung knows better."""
    if isinstance(error, TypeError):
        if found := re.match(r"unsupported operand type\(s\) for (.+): '(\w+)' and '(\w+)'", text):
            op, left, right = found.groups()
            if inside:
                return f"There {left} meets {right}: take the number of an operand from its `data`"
            reflected = left in ("int", "float")
            dunder = f"`__{'r' if reflected else ''}{DUNDERS.get(op, op)}__`"
            if reflected:
                return (
                    f"A number stands on the left and knows nothing of MyValue, so Python asks MyValue for {dunder}: "
                    f"define it{', which the built-in sum needs too, for it begins with 0 + ...' * (op == '+')}"
                )
            return f"Define {dunder}"
        if text.startswith("bad operand type for unary -"):
            return "Define `__neg__`"
        if "'NoneType' object is not callable" in text:
            return "Has every node something to call on the way back? A leaf needs a function that does nothing"
        if "unhashable" in text:
            return (
                "A class that defines `__eq__` cannot be kept in a set any more, unless it defines `__hash__`: write "
                "`__hash__ = object.__hash__`, or keep id(node) in the set"
            )
    if isinstance(error, AttributeError):
        if found := re.match(r"'(?:int|float)' object has no attribute '(\w+)'", text):
            return (
                f"A plain number was asked for its `{found[1]}`: wrap numbers first, as in "
                "`other = other if isinstance(other, MyValue) else MyValue(other)`"
            )
        if text.endswith("has no attribute 'backward'") and not inside:
            return "Define `backward(self)`"
    if isinstance(error, UnboundLocalError):
        return "A function that assigns to a name makes it its own: write `self.grad += ...`, or `nonlocal`"
    return ""


OURS = frozenset({__name__, "autograd.engine_rungs", "autograd.engine_check"})
