"""An operation by itself and in company, where a wrong way back shows that is right by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from autograd.teaching.engine_bench import Bench, Hint, Seen

K = -2.0  # a power of two: what is divided by it and multiplied again is the same number
ASSIGNS = "does `{}` assign the gradient instead of adding to it? Write `self.grad += ...`"
CHAIN = "in `{}`, is the local derivative multiplied by the gradient of the result, `out.grad`? That is the chain rule"
NOTHING = (
    "nothing reached {}: does `{}` give its result a way back, as in `out._backward = _backward` (without "
    "parentheses, which would call it at once), or its local derivatives? And does that add, to the gradient of an "
    "operand, its derivative times `out.grad`?"
)
STOPS = (
    "the gradient got no further than the result of `{}`: are the operands among its parents, as in "
    "`MyValue(..., ({}))`? backward() finds the nodes before them that way"
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
    """Run an operation by itself, then multiplied by a number, twice, and on results of others.

    Args:
        bench: where it runs.
        program: one operation on `a`, or on `a` and `b`, such as "a - b".
        given: the numbers of these.
        data: the result.
        grads: the derivatives of the result.
        name: the method that computes it, such as "__sub__".
        hints: what wrong answers tell, where it runs by itself.
        rule: its derivative, in words.
        errors: what exceptions tell.
        value: what a wrong result tells.

    Raises:
        EngineError: for a wrong answer.
    """
    operands = "the operand" if len(given) == 1 else "the operands"
    words: list[Hint] = [*hints, (dict.fromkeys(grads, 0.0), NOTHING.format(operands, name))]
    if len(given) > 1:
        words += [({x: 0.0}, f"operand {x} got nothing ({rule})") for x in grads]
    words += [({x: -slope}, f"look at the sign ({rule})") for x, slope in grads.items() if slope]
    number = "is the number of the result, `out.data`, multiplied in, where its gradient, `out.grad`, belongs?"
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
    hints += [({x: slope / K}, "multiply by the gradient of the result, `out.grad`, and do not divide by it")
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
    otherwise = "a value that is used twice is reached along both ways, and what comes along them adds up"
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
