"""Errors with line and remedy: for operations that a traced argument lacks, and for Values that outlive a trace."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, compile

TABLE = [1.0, 2.0, 3.0]
NUMBERS = {0: 1.0, 1: 2.0}

BY_INDEX: dict[str, Callable[[Any], Any]] = {
    "list": lambda i: TABLE[i] * i,
    "tuple": lambda i: (1.0, 2.0)[i] * i,
    "string": lambda i: "ab"[i] and i,
    "slice": lambda i: sum(TABLE[:i]) * i,
    "range": lambda i: autograd.sum([i for _ in range(i)]),
    "range of a sum": lambda i: autograd.sum([i for _ in range(i + 1)]),
    "repeated": lambda i: autograd.sum([i] * i),
    "array": lambda i: np.array(TABLE)[i] * i,
    "dictionary": lambda i: NUMBERS[i] * i,
    "condition": lambda i: TABLE[i > 0] * i,
    "Values": lambda i: [Value(1.0), Value(2.0)][i] * i,
    "in a comprehension": lambda i: autograd.sum([TABLE[k] * i for k in (i, i)]),
    "in a library": lambda i: functools.reduce(lambda a, k: a + TABLE[k], [i, i], 0.0),
}

BY_OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "int": lambda x: int(x) * x,
    "round": lambda x: round(x) * x,
    "floor division": lambda x: x // 2 * x,
    "remainder": lambda x: (x % 2) * x,
    "shift": lambda x: (x << 1) * x,
    "subscript": lambda x: x[0] * x,
    "iteration": lambda x: autograd.sum(list(x)),
    "length": lambda x: len(x) * x,
}


@pytest.mark.parametrize("name", BY_INDEX)
def test_an_index_that_is_traced_is_refused_with_line_and_remedy(name: str) -> None:
    with pytest.raises(
        TypeError, match=r"test_compiler_refusals\.py, line \d+, `.*`: .*Instead, look it up with autograd\.take"
    ) as caught:
        compile(BY_INDEX[name], 1.0)
    line = BY_INDEX[name].__code__.co_firstlineno
    assert f"line {line}, " in str(caught.value)
    assert "Traced" not in str(caught.value) and "Condition" not in str(caught.value)


@pytest.mark.parametrize("name", BY_OPERATIONS)
def test_an_operation_that_values_do_not_have_is_refused_with_line_and_remedy(name: str) -> None:
    with pytest.raises(
        TypeError, match=r"test_compiler_refusals\.py, line \d+, `.*`: .*Instead, compute with"
    ) as caught:
        compile(BY_OPERATIONS[name], 1.0)
    assert f"line {BY_OPERATIONS[name].__code__.co_firstlineno}, " in str(caught.value)
    assert "Traced" not in str(caught.value)


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: TABLE[7] * x, IndexError("list index out of range")),
        (lambda x: NUMBERS[7] * x, KeyError(7)),
        (lambda x: len(3) * x, TypeError("object of type 'int' has no len()")),  # type: ignore[arg-type]
    ],
)
def test_other_errors_come_out_as_they_are(f: Callable[[Any], Any], error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        compile(f, 1.0)
    assert type(caught.value) is type(error) and caught.value.args == error.args


# Caches that outlive a trace


def _in_a_dictionary() -> Callable[[Any], Any]:
    memo: dict[int, Any] = {}

    def fibonacci(n: int, x: Any) -> Any:
        if n not in memo:
            memo[n] = x if n < 2 else fibonacci(n - 1, x) * fibonacci(n - 2, x)
        return memo[n]

    return lambda x: fibonacci(6, x) + 1.0


def _the_argument_itself() -> Callable[[Any], Any]:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        seen.append(x)
        return x * seen[0]

    return f


def _the_result() -> Callable[[Any], Any]:
    memo: list[Any] = []

    def f(x: Any) -> Any:
        if not memo:
            memo.append(x * x)
        return memo[0]

    return f


def _of_an_object() -> Callable[[Any], Any]:
    class Model:
        hidden: Any = None

        def __call__(self, x: Any) -> Any:
            if self.hidden is None:
                self.hidden = x.tanh()
            return self.hidden * 2.0 + x

    return Model()


def _of_no_arguments() -> Callable[[Any], Any]:
    @functools.lru_cache
    def of(name: str) -> list[Any]:
        return []

    def f(x: Any) -> Any:
        cached = of("a")
        cached.append(x)
        return autograd.sum([cached[0] * 2.0, x])

    return f


@pytest.mark.parametrize("make", [_in_a_dictionary, _the_argument_itself, _the_result, _of_an_object, _of_no_arguments])
def test_a_cache_of_values_is_refused_with_a_remedy(make: Callable[[], Callable[[Any], Any]]) -> None:
    with pytest.raises(ValueError, match=r"uses a Value from an earlier run.*begin with an empty cache") as caught:
        compile(make(), 1.5)
    if make is not _the_result:  # it computes nothing with the Value
        assert "test_compiler_refusals.py, line " in str(caught.value)


def test_a_cache_that_each_run_makes_anew_is_no_matter() -> None:
    def f(x: Any) -> Any:
        @functools.lru_cache
        def power(n: int) -> Any:
            return x if n == 1 else power(n - 1) * x

        return power(4) + power(3)

    assert compile(f, 1.5)(2.0) == 24.0


# Numbers that leave the graph as v.data


def _largest(logits: list[Any]) -> Any:
    m = max(v.data for v in logits)
    exponentials = [(v - m).exp() for v in logits]
    return exponentials[0] / sum(exponentials)


def _smallest(logits: list[Any]) -> Any:
    m = min([v.data for v in logits])
    return autograd.sum([(v - m) * v for v in logits])


@pytest.mark.parametrize(("f", "line"), [(_largest, "m = max(v.data for v in logits)"), (_smallest, "m = min([v.data")])
def test_the_largest_of_numbers_is_refused_with_line_and_remedy(f: Callable[[Any], Any], line: str) -> None:
    message = rf"test_compiler_refusals\.py, line \d+, `{re.escape(line)}.*froze a number.*It came out .* by v\.data; "
    with pytest.raises(ValueError, match=message + r".*autograd\.softmax\(logits\).*autograd\.max\(logits\)\.detach"):
        compile(f, [0.1, 0.3, 0.2])


def test_the_remedies_for_it_compile() -> None:
    def by_hand(logits: list[Any]) -> Any:
        m = autograd.max(logits).detach()
        exponentials = [(v - m).exp() for v in logits]
        return exponentials[0] / sum(exponentials)

    rows = [[0.1, 0.3, 0.2], [800.0, -1.0, 799.0]]
    functions: list[Callable[[Any], Any]] = [by_hand, lambda logits: autograd.softmax(logits)[0]]
    for f in functions:
        program = compile(f, [0.1, 0.3, 0.2])
        assert program(rows) == pytest.approx([autograd.softmax(row)[0] for row in rows], rel=1e-15)
        values = [Value(x) for x in rows[0]]
        f(values).backward()
        assert program.input_gradients(rows[0]) == pytest.approx([v.grad for v in values], rel=1e-13)


def test_a_number_that_is_frozen_is_told_with_its_line() -> None:
    def f(x: Any) -> Any:
        print(f"{x.data:.0f}", end="")  # harmless
        y = x * x
        scale = y.data
        return y / scale

    with pytest.raises(ValueError, match=r"line \d+, `scale = y\.data`: the function froze a number"):
        compile(f, 3.0)


def test_a_way_that_is_chosen_by_a_number_is_told_with_its_line() -> None:
    def f(x: Any) -> Any:
        if x.data > 0:
            return x * 2
        return x.exp()

    with pytest.raises(ValueError, match=r"line \d+, `if x\.data > 0:`: the function performs different operations"):
        compile(f, 3.0)
