"""Rules of primitives that read state: a compiled program follows later changes of it, as the graph does."""

from __future__ import annotations

import functools
import itertools
import math
import os
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

import pytest

import autograd
from autograd import Value, compile, primitive
from autograd.compiler.trace.rule_state import reads_state
from autograd.table import OURS, TABLE

Thin = Callable[[str], AbstractContextManager[None]]

LEVEL: ContextVar[float] = ContextVar("LEVEL", default=1.0)
WAYS = ["arrays", "machine code", "Python"]
NAMES = itertools.count()
CONSTANT, ASSIGNED = 0.5, 0.5


def assign(number: float) -> None:
    global ASSIGNED  # the subject of this test
    ASSIGNED = number


def _level() -> float:
    return LEVEL.get()


def _by_default(x: Any, read: Callable[[], float] = _level) -> Any:
    return x * read()


def _by_import(x: Any) -> Any:
    import os

    return x * float(os.environ.get("LUCIDGRAD_TEST_LEVEL", "1"))


class Holder:
    def __init__(self) -> None:
        self.level, self.number = LEVEL, 1.0

    def rule(self, x: Any) -> Any:
        return x * self.number


@pytest.fixture
def level() -> Iterator[Callable[[float], None]]:
    """Yield a function that sets all state that the rules below read."""

    def change(number: float) -> None:
        LEVEL.set(number)
        assign(number)
        os.environ["LUCIDGRAD_TEST_LEVEL"] = repr(number)
        HOLDER.number = SETTINGS["level"] = MODULE.numbers[0] = LEAF.data = number

    token = LEVEL.set(1.0)
    change(1.0)
    yield change
    del os.environ["LUCIDGRAD_TEST_LEVEL"]
    LEVEL.reset(token)


HOLDER, SETTINGS, LEAF = Holder(), {"level": 1.0}, Value(1.0)
MODULE: Any = types.ModuleType("settings")
MODULE.level, MODULE.numbers, MODULE.inner = LEVEL, [1.0], types.ModuleType("inner")
MODULE.inner.level = LEVEL

THROUGH = primitive("through", lambda x: x * LEVEL.get(), lambda x, out: (LEVEL.get(),))

RULES: dict[str, Callable[[Any], Any]] = {
    "a context variable": lambda x: x * LEVEL.get(),
    "through a helper": lambda x: x * _level(),
    "through a default": _by_default,
    "through an enclosing function": (lambda level: lambda x: x * level.get())(LEVEL),
    "through an attribute": lambda x: x * HOLDER.level.get(),
    "through a module": lambda x: x * MODULE.level.get(),
    "through a module in a module": lambda x: x * MODULE.inner.level.get(),
    "through partial": functools.partial(lambda level, x: x * level.get(), LEVEL),
    "through a function within": lambda x: sum((lambda: x * LEVEL.get())() for _ in range(1)),
    "through a bound method": HOLDER.rule,
    "through another primitive": lambda x: THROUGH(x) * 1.0,
    "an attribute": lambda x: x * HOLDER.number,
    "a dictionary": lambda x: x * SETTINGS["level"],
    "a list in a module": lambda x: x * MODULE.numbers[0],
    "a global that a function assigns": lambda x: x * ASSIGNED,
    "the environment": lambda x: x * float(os.environ.get("LUCIDGRAD_TEST_LEVEL", "1")),
    "the environment, imported within": _by_import,
    "a global looked up by its name": lambda x: x * globals()["ASSIGNED"],
    "a leaf's number": lambda x: x * LEAF.data,
}


def _primitive(rule: Callable[[Any], Any], derivatives: Callable[..., Any] | None = None) -> Any:
    return primitive(f"state_{next(NAMES)}", rule, derivatives or (lambda x, out: (rule(x) / x,)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", RULES)
def test_a_program_follows_what_rules_read(name: str, way: str, thin: Thin, level: Callable[[float], None]) -> None:
    scaled, w = _primitive(RULES[name]), Value(0.75)

    def f(x: Any) -> Any:
        return scaled(w * x) + 0.41

    with thin(way):
        program = compile(f, 2.0)
        for now in (1.0, 10.0, -3.0):
            level(now)
            assert program(2.0) == 1.5 * now + 0.41
            assert program([2.0, -0.5]).tolist() == [1.5 * now + 0.41, -0.375 * now + 0.41]
            assert program.input_gradients(2.0) == pytest.approx(0.75 * now, rel=1e-15)
            w.grad = 0.0
            assert program.backward(2.0) == 1.5 * now + 0.41
            assert w.grad == pytest.approx(2 * now, rel=1e-15)


@pytest.mark.parametrize("way", WAYS)
def test_so_do_derivatives_that_read_what_values_do_not(way: str, thin: Thin, level: Callable[[float], None]) -> None:
    """Derivatives of derivatives, which the function itself computes, follow the state, too."""
    cubed = _primitive(lambda x: x * x * x, lambda x, out: (3 * LEVEL.get() * x * x,))

    def second(x: Any) -> Any:
        return autograd.grad(autograd.grad(cubed))(x)

    with thin(way):
        first = compile(lambda x: autograd.grad(cubed)(x) + 0.5, 2.0)
        program = compile(lambda x: second(x) + 0.5, 2.0)
        for now in (1.0, 10.0, -3.0):
            level(now)
            assert first([2.0, 3.0]).tolist() == [12 * now + 0.5, 27 * now + 0.5]
            assert first.input_gradients([2.0, 3.0]).tolist() == [12 * now, 18 * now]
            assert program(2.0) == second(2.0) + 0.5 == 12 * now + 0.5


@pytest.mark.parametrize("way", WAYS)
def test_an_array_rule_that_reads_a_state(way: str, thin: Thin, level: Callable[[float], None]) -> None:
    def forward(x: float) -> float:
        return math.exp(x) * LEVEL.get()

    scaled = primitive(
        "array_state", forward, lambda x, out: (out,), array=lambda x: autograd.exp(x) * LEVEL.get()
    )  # fmt: skip
    with thin(way):
        program = compile(lambda x: scaled(x) * 0.5, 1.0)
        level(10.0)
        assert program([1.0, 2.0]) == pytest.approx([5 * math.e, 5 * math.e**2], rel=1e-15)


STATELESS: list[Callable[[Any], Any]] = [
    lambda x: x * CONSTANT,
    lambda x: x * MODULE.number,
    (lambda a: lambda x: x * a)(2.0),
    functools.partial(lambda a, x: x * a, 2.0),
    lambda x: x * autograd.sigmoid(math.pi * x),
    lambda x: sum(c * abs(x) ** k for k, c in enumerate((0.5, 1.5))),
]
MODULE.number = 2.0


@pytest.mark.parametrize("rule", STATELESS)
def test_rules_of_numbers_and_functions_read_no_state(rule: Callable[[Any], Any]) -> None:
    assert not reads_state(_primitive(rule))


def test_rows_of_the_table_read_no_state() -> None:
    assert not [name for name in OURS if reads_state(TABLE[name])]
