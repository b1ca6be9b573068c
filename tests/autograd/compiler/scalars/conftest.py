"""Scalar programs from their listings, for tests of single passes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from autograd import primitives
from autograd.compiler.scalars.builder import Builder, new_numbers
from autograd.compiler.scalars.nodes import ABSENT, NOTHING, Sum
from autograd.compiler.scalars.program import ScalarProgram

NUMBERS = [0.1, -0.7, 1.3, 2.9, -0.3, 0.9, 1e-3, -5.7]
WEIGHTS = [0.3, -1.1, 0.7, 5.1, -2.3, 0.11, 1.9, -0.4]

Parse = Callable[..., ScalarProgram]


@pytest.fixture(scope="session")
def parse() -> Parse:
    """Return a function that reads a program from a listing, in which nodes may have any names.

    `x[0]`, ... are the numbers of the only argument, and `p0`, ... the parameters.
    """
    return _parse


@pytest.fixture(scope="session")
def assert_becomes() -> Callable[[Callable[[ScalarProgram], ScalarProgram], ScalarProgram, str], ScalarProgram]:
    """Return a function of a pass, a program, and the listing of the program that the pass should return.

    Nodes may have other names. Both programs must compute the same, bit by bit. The result of the pass is returned.
    """
    return _assert_becomes


@pytest.fixture(scope="session")
def shuffled() -> Callable[[ScalarProgram, int], ScalarProgram]:
    """Return a function of a program and a seed, which returns the program in a random order of its operations."""
    return _shuffled


def _shuffled(program: ScalarProgram, seed: int) -> ScalarProgram:
    chance, builder, new = random.Random(seed), Builder.like(program), new_numbers(program)
    guards = range(len(program) - program.guards.size, len(program))
    waiting = list(range(program.interior.start, guards.start))
    while waiting:
        ready = [i for i in waiting[:12] if all(new[k] >= 0 for k in program.operands_of(i))]
        i = chance.choice(ready)
        new[i] = builder.copy(program, i, new)
        waiting.remove(i)
    for i in guards:
        new[i] = builder.copy(program, i, new)
    return builder.successor(program, new, range(len(program))).verify()


def _parse(listing: str, arguments: int = 8, parameters: int = 8, **tables: Any) -> ScalarProgram:
    builder = Builder([arguments], parameters)
    nodes = {f"x[{k}]": k for k in range(arguments)} | {f"p{k}": arguments + k for k in range(parameters)}

    def node(name: str) -> int:
        return nodes[name] if name in nodes else builder.constant(float(name))

    *definitions, returned = [line.strip() for line in listing.strip().splitlines()]
    for line in definitions:
        name, computed = line.split(" = ")
        if re.fullmatch(r"-?\d+\.\d+", computed):
            nodes[name] = builder.constant(float(computed))
        elif total := re.fullmatch(r"(?:(\S+) \* )?sum\((.*)\)(?: / (\S+))?", computed):
            nodes[name] = builder.sum(_sum(total[2], node, float(total[1] or 1), float(total[3] or 1)))
        else:
            function, operands = computed.rstrip(")").split("(")
            opcode = builder.opcode(getattr(primitives, function))
            nodes[name] = builder.application(opcode, [node(operand) for operand in operands.split(", ")])
    outputs = [node(name) for name in returned.removeprefix("return ").split(", ")]
    return builder.program(outputs, **tables).verify()


def _assert_becomes(
    run: Callable[[ScalarProgram], ScalarProgram], program: ScalarProgram, listing: str
) -> ScalarProgram:
    result = run(program).verify()
    expected = _parse(listing)
    assert _lines(str(result)) == _lines(str(expected))
    assert result.slots == expected.slots
    assert result.evaluate([NUMBERS], WEIGHTS) == program.evaluate([NUMBERS], WEIGHTS)
    return result


def _sum(text: str, node: Callable[[str], int], factor: float, divisor: float) -> Sum:
    slots = text.split("; ")
    constants = [n for n, slot in enumerate(slots) if re.fullmatch(r"-?\d+\.\d+", slot)]
    constant = float(slots.pop(constants[0])) if constants else NOTHING
    terms = [(*_term(term, node), n) for n, slot in enumerate(slots) for term in slot.split(", ")]
    coefficients, lefts, rights, places = zip(*terms)
    return Sum(coefficients, lefts, rights, places, constant, constants == [0], factor, divisor)


def _term(text: str, node: Callable[[str], int]) -> tuple[float, int, int]:
    factors = text.removeprefix("-").split("*")
    number = float(factors.pop(0)) if re.fullmatch(r"\d+\.\d+", factors[0]) else 1.0
    left, right = [*map(node, factors), ABSENT][:2]
    return -number if text.startswith("-") else number, left, right


def _lines(listing: str) -> list[str]:
    """Return the lines of a listing, with nodes numbered from v0 in their order."""
    lines = [line.strip() for line in listing.strip().splitlines()]
    names = {line.split(" = ")[0]: f"v{n}" for n, line in enumerate(line for line in lines if " = " in line)}
    return [re.sub(r"\b[a-z]\w*\b(?![\[(])", lambda word: names.get(word[0], word[0]), line) for line in lines]
