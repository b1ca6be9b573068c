"""Scalar programs of small functions, and the loops that are found in them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.loops.find import loops_in
from autograd.compiler.scalars.loops.repeat import RESULT, Repeat
from autograd.compiler.scalars.passes import SIMPLIFY, run_passes
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.trace.retrace import settled_trace


class Shape(NamedTuple):
    """The numbers of a loop.

    Attributes:
        read: numbers read by step.
        same: loop-invariant numbers.
        operations: those of the body, without results of inner loops.
    """

    steps: int
    states: int
    read: int
    same: int
    written: int
    operations: int


@pytest.fixture(scope="session")
def traced() -> Callable[..., ScalarProgram]:
    """Return a function of a function and examples, which returns the program of its trace."""
    return lambda function, *examples: from_trace(*settled_trace(function, examples)).verify()


@pytest.fixture(scope="session")
def simplified(traced: Callable[..., ScalarProgram]) -> Callable[..., ScalarProgram]:
    """Return a function of a function and examples, which returns its simplified program."""
    return lambda function, *examples: run_passes(SIMPLIFY, traced(function, *examples)).verify()


@pytest.fixture(scope="session")
def shapes() -> Callable[[ScalarProgram], list[Any]]:
    """Return a function that returns the shapes of a program's loops; a loop of loops is a list: its own and theirs."""
    return _shapes


def _shapes(program: ScalarProgram) -> list[Any]:
    several: list[Any] = []
    for loop in loops_in(program):
        inner = _shapes(loop.body)
        several.append([_shape(loop), *inner] if inner else _shape(loop))
    return several


def _shape(loop: Repeat) -> Shape:
    operations = sum(loop.body.primitive_of(i) is not RESULT for i in loop.body.operations)
    same = loop.body.argument_sizes[2]
    return Shape(loop.steps, loop.states, loop.read, same, loop.written, operations)


@pytest.fixture(scope="session")
def assert_equal() -> Callable[[ScalarProgram, ScalarProgram], None]:
    """Return a function that asserts that two programs compute the same, apart from roundings."""
    return _assert_equal


def _assert_equal(program: ScalarProgram, expected: ScalarProgram) -> None:
    chance = random.Random(0)
    program.verify()
    assert program.argument_sizes == expected.argument_sizes
    assert program.differentiated == expected.differentiated
    for _ in range(2):
        arguments = [[chance.uniform(-0.9, 0.9) for _ in range(size)] for size in expected.argument_sizes]
        leaves = [chance.uniform(-0.9, 0.9) for _ in range(expected.parameter_count)]
        wanted = expected.evaluate(arguments, leaves)
        assert program.evaluate(arguments, leaves) == pytest.approx(wanted, rel=1e-11, abs=1e-13)


@pytest.fixture(scope="session")
def unrolled(parse: Callable[..., ScalarProgram]) -> Callable[..., ScalarProgram]:
    """Return a function of the lines of a step, the number of steps, and lines before and after them.

    `a@` is the result of this step, `a@-2` that of two steps before, which is `a_-1` before the first step.
    """

    def program(lines: list[str], steps: int, before: list[str], after: list[str], **settings: Any) -> ScalarProgram:
        listing = [*before]
        for t in range(steps):
            listing += [_at_step(line, t) for line in lines]
        return parse("\n".join([*listing, *(_at_step(line, steps) for line in after)]), **settings)

    return program


def _at_step(line: str, step: int) -> str:
    def name(match: re.Match[str]) -> str:
        at = step + int(match[2] or 0)
        return f"x[{at}]" if match[1] == "x" else f"{match[1]}_{at}"

    return re.sub(r"\b(\w+)@(-\d)?", name, line)
