"""The kinds of answers to exercises: which ones are accepted, and the feedback for the others."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from autograd import Value, exercises
from autograd.teaching.exercises import Kind, WrongAnswerError, check_answer

ODD: list[Any] = [None, "abc", b"abc", [], {}, {1: 2}, set(), object(), True, float("nan"), float("inf"), 10**400, 1j]
ODD += [[["a"]], (None, None), Value, Value(1.0), np.zeros((2, 3)), np.array("a"), range(0), int, print, len]
ODD += [lambda: 1, lambda x: None, lambda x: x[99], (x for x in "abc"), (1 // 0 for _ in "a"), itertools.count()]
KINDS: dict[str, Kind] = {
    "number": exercises.number,
    "three numbers": exercises.numbers(3),
    "numbers in any order": exercises.numbers(3, ordered=False),
    "table": exercises.table(2, 2),
    "parts": exercises.parts(w=exercises.numbers(2), b=exercises.number),
    "text": exercises.text,
    "texts": exercises.texts,
    "function of two": exercises.function("x", "y", gives=exercises.number),
}


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (7, 7),
        (7.5, 7.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.array(2.0), 2.0),
        (np.array([2.0]), 2.0),
        (Fraction(1, 4), 0.25),
        (Value(1.5), 1.5),
        (Value(2), 2),
    ],
)
def test_numbers_of_every_make_are_taken(given: Any, number: float) -> None:
    assert exercises.number(given) == number
    assert exercises.numbers(2)([given, given]) == [number, number]
    assert exercises.numbers(2)(x for x in (given, given)) == [number, number]
    assert exercises.function("x", gives=exercises.number)(lambda x: x, "it")(given) == number


@pytest.mark.parametrize("given", [(1, 2, 3), [1, 2, 3], range(1, 4), np.array([1, 2, 3]), iter([1, 2, 3])])
def test_sequences_of_every_make_are_taken(given: Any) -> None:
    assert exercises.numbers(3)(given, "it") == [1, 2, 3]


def test_a_set_is_taken_only_where_order_does_not_matter() -> None:
    assert sorted(exercises.numbers(2, ordered=False)({5, 3}, "it")) == [3, 5]
    with pytest.raises(WrongAnswerError, match="should be a pair of numbers, and is a set, which keeps no order"):
        exercises.numbers(2)({5, 3}, "it")


@pytest.mark.parametrize("name", KINDS)
def test_whatever_is_given_gets_a_sentence(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for odd in ODD:
        assert isinstance(check_answer(odd, lambda answer: "that is not it", hint="", expects=KINDS[name]), bool)
        said = capsys.readouterr().out
        assert re.fullmatch(r"Not yet: (?!it raised)[^\n]{5,400}\n", said), (odd, said)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (3, "should be a function, `def f(x, y): ...`, and is an int"),
        ("x + y", "and is the text 'x + y'"),
        (lambda x: x, "should be a function of 2 arguments, `def f(x, y): ...`, and cannot be called like that"),
        (lambda x, y, z: x, "should be a function of 2 arguments"),
        (lambda x, y: None, "called with 3, 4.5, it returns None: is the `return` missing?"),
        (lambda x, y: x / (x - x), "called with 3, 4.5, it raised ZeroDivisionError: division by zero"),
        (lambda x, y: exit(), "called with 3, 4.5, it raised SystemExit"),
        (lambda x, y: "7", "what it returns when called with 3, 4.5 should be a number, and is the text '7'"),
        (lambda x, y: float("nan"), "should be a number, and is not a number (nan)"),
        (lambda x, y: [x], "should be a number, and is a list"),
    ],
)
def test_functions_are_called_with_care(given: Any, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    def check(f: Callable[..., float]) -> str | None:
        return None if f(3, 4.5) == 7.5 else "no"

    assert not check_answer(given, check, hint="", expects=exercises.function("x", "y", gives=exercises.number))
    assert says in capsys.readouterr().out


def test_functions_may_have_more_parameters_that_need_not_be_given() -> None:
    kind = exercises.function("x", gives=exercises.number)
    assert kind(lambda x, h=1.0: x + h, "it")(2.0) == 3.0
    assert kind(lambda *given: given[0], "it")(2.0) == 2.0
    assert kind(abs, "it")(-2.0) == 2.0


def test_the_function_itself_is_at_hand() -> None:
    def f(x: float) -> float:
        return x

    assert exercises.function("x")(f, "it").__wrapped__ is f


def test_parts_name_the_one_that_is_wrong() -> None:
    kind = KINDS["parts"]
    assert kind(([1, 2], Value(3.0)), "it") == ([1, 2], 3.0)
    with pytest.raises(WrongAnswerError, match="w should be a pair of numbers, and has 3"):
        kind(([1, 2, 3], 3), "it")
    with pytest.raises(WrongAnswerError, match="b should be a number, and is None"):
        kind(([1, 2], None), "it")


def test_a_check_may_raise_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    def check(answer: Any) -> None:
        exercises.number(answer, "the gradient of x")

    assert not check_answer("2", check, hint="")
    assert capsys.readouterr().out == "Not yet: the gradient of x should be a number, and is the text '2'\n"
