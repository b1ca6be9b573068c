"""Straight-line programs: unrolled array programs, their derivatives, and the code that runs them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder, Handle
from autograd.compiler.arrays.operations import N
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.trace.tracing import COMPARISONS

UNARY = (primitives.sin, primitives.tanh, primitives.sigmoid, primitives.relu, primitives.absolute, primitives.neg)
BINARY = (primitives.add, primitives.sub, primitives.mul, primitives.maximum, primitives.minimum, primitives.atan2)
MANY = (primitives.logsumexp, primitives.max_, primitives.min_)


def unrolled(seed: int, length: int = 40) -> ArrayProgram:
    """A random program of one number a sample in each operation: of arguments x and y, and four parameters."""
    chance, builder = random.Random(seed), Builder()
    x, y = builder.argument("x", 3), builder.argument("y", 1)
    parameters = builder.parameter(range(4), "parameters")
    elements = [builder.slice(parameters, 0, k, k + 1) for k in range(3)]
    columns = [y, *(builder.slice(x, 1, k, k + 1).named(f"x_{k}") for k in range(3))]
    columns += [builder.broadcast(element, (N, 1)).named(f"p{k}") for k, element in enumerate(elements)]
    masks: list[Handle] = []
    for n in range(length):
        result = _applied(builder, chance, columns, masks)
        columns.append(result.named(f"v{n}") if chance.random() < 0.7 else result)
    results = [*columns[-3:], chance.choice(columns), builder.broadcast(builder.constant(2.5), (N, 1))]
    return builder.program([builder.concatenate(results, 1)], masks=masks).verify()


def _applied(builder: Builder, chance: random.Random, columns: list[Handle], masks: list[Handle]) -> Handle:
    """The result of a random primitive, of columns and numbers."""

    def operand() -> Handle:
        column = chance.choice(columns if chance.random() < 0.2 else columns[-6:])
        if chance.random() < 0.1:
            masks.append(builder.apply(COMPARISONS[">"], chance.choice(columns), 0.3))
            return builder.guard(column, len(masks) - 1)
        return column

    way = chance.random()
    if way < 0.3:
        return builder.apply(chance.choice(UNARY), operand())
    if way < 0.5:
        numbers = [operand(), builder.constant(chance.choice([-1.5, -1.0, 0.01, 2.0]))]
        return builder.apply(chance.choice((primitives.mul, primitives.add, primitives.sub)), *numbers)
    if way < 0.55:
        return builder.apply(primitives.constant_power, operand(), chance.choice([0.0, 1.0, 2.0, 3.0]))
    if way < 0.62:
        return builder.apply(chance.choice(MANY), *(operand() for _ in range(3)), careful=chance.random() < 0.5)
    if way < 0.7:
        condition = builder.apply(COMPARISONS[chance.choice(["<", ">", "<=", ">="])], operand(), operand())
        return builder.apply(primitives.where, condition, operand(), operand(), careful=chance.random() < 0.5)
    return builder.apply(chance.choice(BINARY), operand(), operand())


@pytest.mark.parametrize("differentiate", [to_arguments, to_parameters])
@pytest.mark.parametrize("seed", range(50))
def test_unrolled_programs_are_differentiated_as_all_others(
    seed: int, differentiate: Callable[..., ArrayProgram]
) -> None:
    program = unrolled(seed)
    chance = np.random.default_rng(seed)
    given: dict[str, Any] = {"x": chance.normal(size=(5, 3)), "y": chance.normal(size=(5, 1))}
    given["gradient"] = chance.normal(size=(5, 4))
    vector = chance.normal(size=4)
    ours = differentiate(program, 4, unrolled=True).verify().evaluate(given, vector)
    others = differentiate(program, 4).verify().evaluate(given, vector)
    assert len(ours) == len(others)
    np.testing.assert_array_equal(ours[0], others[0])
    for gradient, expected in zip(ours[1:], others[1:]):
        size = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(np.broadcast_to(gradient, expected.shape), expected, rtol=1e-10, atol=1e-12 * size)
