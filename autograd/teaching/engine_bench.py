"""Running one small program on an engine of the family, whatever it does, and putting into words what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from numbers import Real
from types import CodeType
from typing import Any

from autograd.teaching.engine_blame import PROGRAM, meaning, where

Seen = Mapping[str, float]
# What was seen, as a number or as an open interval, and what that tells of the engine. MyValue stands for its name.
Hint = tuple[Mapping[str, float | tuple[float, float]], str]

TOLERANCE = 1e-9
NEARLY = 3e-4  # relative; what float32, rounding and differences leave of a number
DIGITS = {"float32": 7, "float16": 3, "bfloat16": 2}
IMPRECISE = (
    "that is nearly right, to a few digits of the 16 that a float has. Is something rounded, as `round` and float32 "
    "do, or is a derivative only approximated, by a difference?"
)


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

    engine: Callable[[float], Any]
    name: str
    doing: str
    errors: Sequence[tuple[type[BaseException], str]]

    def __init__(self, engine: Callable[[float], Any], name: str) -> None:
        self.engine, self.name = engine, name
        self.doing, self.errors = "", ()

    def leaves(self, **given: float) -> dict[str, Any]:
        """A leaf for each number."""
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
        """Compute the program's result from leaves, go backward where gradients are expected, and look.

        Args:
            program: statements, the last of which gives the result; or the words for it, and a function of the leaves.
            given: the leaves' numbers.
            data: the number expected of the result; None if it is not looked at.
            grads: the gradients expected of the leaves.
            hints: what wrong answers tell, the first that fits.
            otherwise: what any other wrong answer tells.
            errors: what exceptions tell.
            value: what any other wrong number of the result tells, if that is not what `otherwise` says.

        Raises:
            EngineError: for a wrong answer.
        """
        self.errors = errors
        words = program if isinstance(program, str) else program[0]
        leaves = self.leaves(**given)
        numbers = ", ".join(f"{name} = {x:g}" for name, x in given.items())
        self.doing = f"With {numbers}, `{words}`"
        before_it = {name: functions_of(leaf) for name, leaf in leaves.items()}
        result = evaluate(program, leaves) if isinstance(program, str) else program[1](**leaves)
        seen = {"data": self.number(result, "its result", "data")}
        made = f"an operation makes a new {self.name}, and leaves the numbers of those it takes as they are"
        self.same_data(leaves, given, made)
        for name, leaf in leaves.items():
            for key, function in functions_of(leaf).items():
                if function is not before_it[name].get(key):
                    raise EngineError(
                        f"{self.doing} gave {name} another `{key}`: what goes back is kept with the result, as in "
                        f"`out.{key} = ...`, and not with an operand"
                    )
        if data is not None:
            self.compare(seen, {"data": data}, hints, otherwise if value is None else value)
        if grads:
            result_of = words.rpartition("; ")[2].partition(" = ")
            self.doing += f", and backward() from {result_of[0]}," if result_of[1] else ", and backward() from it,"
            result.backward()
            seen |= {name: self.number(leaves[name], name, "grad") for name in grads}
            before = {"its result": seen["data"], **given}
            self.same_data({"its result": result, **leaves}, before, "on the way back only `grad` changes")
            self.doing = f"With {numbers}, `{words}`"
            self.compare(seen, grads, hints, otherwise)

    def same_data(self, nodes: Mapping[str, Any], given: Seen, rule: str) -> None:
        """Raise EngineError if the data of a node is no longer what it was."""
        for name, x in given.items():
            if not same(left := self.number(nodes[name], name, "data"), x):
                which = name if name == "its result" else f"{name}.data"
                raise EngineError(f"{self.doing.removesuffix(',')} changed {which} from {x:g} to {left:g}: {rule}")

    def compare(self, seen: Seen, expected: Seen, hints: Sequence[Hint] = (), otherwise: str = "") -> None:
        """Raise EngineError, with the first hint that fits, unless all is as expected."""
        for name, x in expected.items():
            if not close(seen[name], x):
                unknown = IMPRECISE if abs(seen[name] - x) <= NEARLY * abs(x) else otherwise
                hint = next((words for pattern, words in hints if fits(seen, pattern)), unknown)
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
        kind = str(getattr(x, "dtype", "")).rpartition(".")[2]
        if kind in DIGITS:
            raise EngineError(
                f"{self.doing} left in the `{attribute}` of {which} a number of type {kind}, which has {DIGITS[kind]} "
                f"digits, where Python's float has 16: keep `{attribute}` as a float"
            )
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
        """Explain an exception of the engine: what it says, where it comes from, and what that tells."""
        doing = self.doing.removesuffix(",")
        try:
            text = " ".join(str(error).split())[:200]
        except BaseException:  # whatever a class of errors of the engine's own may do
            text = ""
        place = where(error.__traceback__)
        words = f"{doing} raised {type(error).__name__}" + (f": {text}" if text else "") + place
        hint = meaning(error, text, self.engine, inside=bool(place))
        hint = hint or next((hint for kind, hint in self.errors if isinstance(error, kind)), "")
        if not hint and isinstance(error, RecursionError):
            hint = "Calls go round in a circle there: something calls what calls it, and so on without end"
        return f"{words}. {hint.replace('MyValue', self.name)}".removesuffix(". ")


def sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."


def functions_of(node: Any) -> dict[str, Any]:
    """The functions that are kept in an object itself."""
    try:
        own = dict(vars(node))
    except TypeError:  # it has slots
        return {}
    return {name: x for name, x in own.items() if callable(x) and not hasattr(x, "data")}


def evaluate(program: str, leaves: Mapping[str, Any]) -> Any:
    """The value of the last statement of a program of the ladder's own."""
    names = dict(leaves)
    *statements, last = program.split("; ")
    expression = last.rpartition(" = ")[2]
    exec(_compiled("; ".join([*statements, f"result = {expression}"])), names)
    return names["result"]


@lru_cache(maxsize=1_000)  # a class of pupils is checked with the same few programs
def _compiled(program: str) -> CodeType:
    return compile(program, PROGRAM, "exec")


def fits(seen: Seen, pattern: Mapping[str, float | tuple[float, float]]) -> bool:
    """Tell whether what was seen is what a hint is about."""
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
