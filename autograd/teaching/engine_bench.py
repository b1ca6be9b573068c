"""Run a small program on a student's engine, and explain in words what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from numbers import Real
from types import CodeType
from typing import Any

from autograd.teaching.engine_blame import PROGRAM, meaning, where

Seen = Mapping[str, float]
# Results, as numbers or open intervals, and what they indicate. MyValue is replaced by the engine's name.
Hint = tuple[Mapping[str, float | tuple[float, float]], str]

TOLERANCE = 1e-9
NEARLY = 3e-4  # relative error; larger than that of float32, rounding and finite differences
DIGITS = {"float32": 7, "float16": 3, "bfloat16": 2}
IMPRECISE = (
    "that is nearly right, but only to a few digits of the 16 that a float has. Is something rounded, as by `round` or "
    "float32, or is a derivative only approximated, by a difference?"
)


class EngineError(Exception):
    """An engine gave a wrong answer; the message explains it to a student."""


class Bench:
    """An engine under test, and the program that runs on it, for error messages.

    Attributes:
        engine: makes a node from a number.
        name: the engine's name.
        doing: the program that runs.
        errors: explanations of exceptions: pairs of a type and a text.
    """

    engine: Callable[[float], Any]
    name: str
    doing: str
    errors: Sequence[tuple[type[BaseException], str]]

    def __init__(self, engine: Callable[[float], Any], name: str) -> None:
        self.engine, self.name = engine, name
        self.doing, self.errors = "", ()

    def leaves(self, **given: float) -> dict[str, Any]:
        """Make a leaf for each number."""
        results = {}
        for name, x in given.items():
            self.doing = f"`{self.name}({x!r})`"
            results[name] = self.engine(x)
        return results

    def run(
        self,
        program: str | tuple[str, Callable[..., Any]],
        given: Mapping[str, float],
        data: float | None = None,
        grads: Seen | None = None,
        hints: Sequence[Hint] = (),
        otherwise: str = "",
        errors: Sequence[tuple[type[BaseException], str]] = (),
        value: str | None = None,
    ) -> None:
        """Run a program on leaves, run the backward pass if gradients are expected, and check the results.

        Args:
            program: statements, the last of which gives the result; or a description, and a function of the leaves.
            given: the leaves' numbers.
            data: the expected number of the result; None to skip this check.
            grads: the expected gradients of the leaves.
            hints: explanations of wrong answers; the first that matches is used.
            otherwise: the explanation of any other wrong answer.
            errors: explanations of exceptions.
            value: the explanation of any other wrong number of the result, if different from `otherwise`.

        Raises:
            EngineError: if an answer is wrong.
        """
        self.errors = errors
        words = program if isinstance(program, str) else program[0]
        leaves = self.leaves(**given)
        numbers = ", ".join(f"{name} = {x:g}" for name, x in given.items())
        self.doing = f"With {numbers}, `{words}`"
        functions_before = {name: functions_of(leaf) for name, leaf in leaves.items()}
        result = evaluate(program, leaves) if isinstance(program, str) else program[1](**leaves)
        seen = {"data": self.number(result, "its result", "data")}
        rule = f"an operation makes a new {self.name}, and does not change the numbers of its operands"
        self.same_data(leaves, given, rule)
        for name, leaf in leaves.items():
            for key, function in functions_of(leaf).items():
                if function is not functions_before[name].get(key):
                    raise EngineError(
                        f"{self.doing} replaced the `{key}` of {name}: the backward step is stored on the result, as "
                        f"in `out.{key} = ...`, and not on an operand"
                    )
        if data is not None:
            self.compare(seen, {"data": data}, hints, otherwise if value is None else value)
        if grads:
            result_of = words.rpartition("; ")[2].partition(" = ")
            self.doing += f", and backward() from {result_of[0]}," if result_of[1] else ", and backward() from it,"
            result.backward()
            seen |= {name: self.number(leaves[name], name, "grad") for name in grads}
            before = {"its result": seen["data"], **given}
            self.same_data({"its result": result, **leaves}, before, "the backward pass changes only `grad`")
            self.doing = f"With {numbers}, `{words}`"
            self.compare(seen, grads, hints, otherwise)

    def same_data(self, nodes: Mapping[str, Any], given: Seen, rule: str) -> None:
        """Raise EngineError if the data of a node has changed."""
        for name, x in given.items():
            if not same(left := self.number(nodes[name], name, "data"), x):
                which = name if name == "its result" else f"{name}.data"
                raise EngineError(f"{self.doing.removesuffix(',')} changed {which} from {x:g} to {left:g}: {rule}")

    def compare(self, seen: Seen, expected: Seen, hints: Sequence[Hint] = (), otherwise: str = "") -> None:
        """Raise EngineError, with the first matching hint, if a number is not as expected."""
        for name, x in expected.items():
            if not close(seen[name], x):
                unknown = IMPRECISE if abs(seen[name] - x) <= NEARLY * abs(x) else otherwise
                hint = next((words for pattern, words in hints if fits(seen, pattern)), unknown)
                quantity = "data" if name == "data" else f"{name}.grad"
                raise EngineError(
                    f"{self.doing} gave {quantity} = {seen[name]:.9g}, expected {x:.9g}"
                    + (f": {hint.replace('MyValue', self.name)}" if hint else "")
                )

    def number(self, node: Any, which: str, attribute: str) -> float:
        """Return the `data` or `grad` of a node. Raises EngineError if it is not a number."""
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
        kind = str(getattr(x, "dtype", "")).rpartition(".")[2]
        if kind in DIGITS:
            raise EngineError(
                f"{self.doing} left in the `{attribute}` of {which} a number of type {kind}, which has {DIGITS[kind]} "
                f"digits, where Python's float has 16: keep `{attribute}` as a float"
            )
        if isinstance(x, Real):
            return float(x)
        if getattr(x, "shape", None) == ():  # a 0-dimensional array of NumPy or PyTorch
            return float(x)
        advice = ""
        if hasattr(x, "data"):
            advice = ": compute with the numbers of the operands, `self.data` and `other.data`, not with the operands"
        elif x is None:
            advice = ": start with 0.0, so that gradients can be added"
        a = "an" if type(x).__name__[:1] in "aeiou" else "a"
        kind = "None" if x is None else f"{a} {type(x).__name__}"
        raise EngineError(f"{self.doing} left in the `{attribute}` of {which} {kind}, expected a number{advice}")

    def blame(self, error: BaseException) -> str:
        """Explain an exception of the engine: its message, its location, and its likely cause."""
        doing = self.doing.removesuffix(",")
        try:
            text = " ".join(str(error).split())[:200]
        except BaseException:  # the engine's own exception class may raise anything
            text = ""
        place = where(error.__traceback__)
        words = f"{doing} raised {type(error).__name__}" + (f": {text}" if text else "") + place
        hint = meaning(error, text, self.engine, inside=bool(place))
        hint = hint or next((hint for kind, hint in self.errors if isinstance(error, kind)), "")
        if not hint and isinstance(error, RecursionError):
            hint = "The calls there are circular: functions call each other without end"
        return f"{words}. {hint.replace('MyValue', self.name)}".removesuffix(". ")


def sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."


def functions_of(node: Any) -> dict[str, Any]:
    """Return the functions stored in an object itself."""
    try:
        own = dict(vars(node))
    except TypeError:  # a class with slots
        return {}
    return {name: x for name, x in own.items() if callable(x) and not hasattr(x, "data")}


def evaluate(program: str, leaves: Mapping[str, Any]) -> Any:
    """Run one of the ladder's programs and return the value of its last statement."""
    names = dict(leaves)
    *statements, last = program.split("; ")
    expression = last.rpartition(" = ")[2]
    exec(_compiled("; ".join([*statements, f"result = {expression}"])), names)
    return names["result"]


@lru_cache(maxsize=1_000)  # a class of students is checked with the same few programs
def _compiled(program: str) -> CodeType:
    return compile(program, PROGRAM, "exec")


def fits(seen: Seen, pattern: Mapping[str, float | tuple[float, float]]) -> bool:
    """Tell whether the results match a hint's pattern."""
    for name, expected in pattern.items():
        if name not in seen:
            return False
        if isinstance(expected, tuple):
            if not expected[0] < seen[name] < expected[1]:
                return False
        elif not close(seen[name], expected):
            return False
    return True


def same(x: float, y: float) -> bool:
    return close(x, y) or (x != x and y != y)


def close(x: float, expected: float) -> bool:
    return abs(x - expected) <= TOLERANCE * max(1.0, abs(expected))
