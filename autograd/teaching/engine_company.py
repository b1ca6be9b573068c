"""Try an operation alone and combined with others, which reveals errors of its backward step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from autograd.teaching.engine_bench import Bench, Hint, Seen

K = -2.0  # a power of two, so that dividing and multiplying by it is exact
ASSIGNS = "does `{}` assign the gradient instead of adding to it? Write `self.grad += ...`"
CHAIN = "in `{}`, is the local derivative multiplied by the gradient of the result, `out.grad`? That is the chain rule"
NOTHING = (
    "nothing reached {}: does `{}` give its result a backward function, as in `out._backward = _backward` (without "
    "parentheses, which would call it at once), or local derivatives? And does that add, to the gradient of an "
    "operand, its derivative times `out.grad`?"
)
STOPS = (
    "the gradient stopped at the result of `{}`: are the operands among its parents, as in "
    "`MyValue(..., ({}))`? backward() needs them to reach earlier nodes"
)
CONSTANT = (
    "make a MyValue of the number before you compute with it, as in "
    "`other = other if isinstance(other, MyValue) else MyValue(other)`"
)


def try_operation(
    bench: Bench,
    program: str,
    given: Mapping[str, float],
    data: float,
    grads: Seen,
    name: str,
    hints: Sequence[Hint] = (),
    rule: str = "",
    errors: Sequence[tuple[type[BaseException], str]] = (),
    value: str = "",
) -> None:
    """Run an operation alone, then multiplied by a number, used twice, and on results of other operations.

    Args:
        bench: the engine under test.
        program: one operation on `a`, or on `a` and `b`, such as "a - b".
        given: the numbers of `a` and `b`.
        data: the expected result.
        grads: the expected derivatives of the result.
        name: the method that computes it, such as "__sub__".
        hints: explanations of wrong answers of the operation alone.
        rule: its derivative, in words.
        errors: explanations of exceptions.
        value: the explanation of a wrong result.

    Raises:
        EngineError: if an answer is wrong.
    """
    operands = "the operand" if len(given) == 1 else "the operands"
    words: list[Hint] = [*hints, (dict.fromkeys(grads, 0.0), NOTHING.format(operands, name))]
    if len(given) > 1:
        words += [({x: 0.0}, f"operand {x} got nothing ({rule})") for x in grads]
    words += [({x: -slope}, f"look at the sign ({rule})") for x, slope in grads.items() if slope]
    number = "is the operand's derivative multiplied by the result's number, `out.data`, instead of `out.grad`?"
    words += [({x: slope * data}, number) for x, slope in grads.items() if slope]
    bench.run(program, given, data, grads, words, rule, errors, value)
    _multiplied(bench, program, given, data, grads, name, rule)
    _used_twice(bench, program, given, data, grads, name)
    _behind_another(bench, program, given, data, grads, name, rule)


def _enclosed(program: str) -> str:
    return program if re.fullmatch(r"a\.\w+\(\)", program) else f"({program})"


def _multiplied(
    bench: Bench, program: str, given: Mapping[str, float], data: float, grads: Seen, name: str, rule: str
) -> None:
    hints: list[Hint] = [({x: slope}, CHAIN.format(name)) for x, slope in grads.items() if slope]
    hints += [({x: slope / K}, "multiply by the gradient of the result, `out.grad`; do not divide by it")
              for x, slope in grads.items() if slope]  # fmt: skip
    hints += [({x: slope * K * K}, f"is the gradient of the result multiplied in twice in `{name}`?")
              for x, slope in grads.items() if slope]  # fmt: skip
    otherwise = (
        f"the gradient of the result of `{name}` is k here, and an operand gets that times its derivative, in brackets "
        "if it is a sum"
    )
    expected = {x: K * slope for x, slope in grads.items()}
    bench.run(f"k * {_enclosed(program)}", {**given, "k": K}, K * data, expected, hints, f"{otherwise} ({rule})")


def _used_twice(bench: Bench, program: str, given: Mapping[str, float], data: float, grads: Seen, name: str) -> None:
    part = _enclosed(program)
    hints: list[Hint] = [({x: data * slope}, ASSIGNS.format(name)) for x, slope in grads.items() if data * slope]
    expected = {x: 2 * data * slope for x, slope in grads.items()}
    otherwise = "a value that is used twice is reached along both paths, and their gradients add up"
    bench.run(f"{part} * {part}", given, data * data, expected, hints, otherwise)


def _behind_another(
    bench: Bench, program: str, given: Mapping[str, float], data: float, grads: Seen, name: str, rule: str
) -> None:
    inner = re.sub(r"\b([ab])\b", r"(k * \1)", program)
    operands = "self, other" if len(given) > 1 else "self,"
    hints: list[Hint] = [({x: 0.0}, STOPS.format(name, operands)) for x, slope in grads.items() if slope]
    expected = {x: K * slope for x, slope in grads.items()}
    before = {x: number / K for x, number in given.items()}
    bench.run(inner, {**before, "k": K}, data, expected, hints, rule)
