"""The primitive that a loop becomes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from autograd import primitives
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import Guards
from autograd.compiler.scalars.loops.repeat import RESULT, Arrays, Repeat
from autograd.compiler.scalars.nodes import ABSENT, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.table import Slope


def body(sizes: tuple[int, int, int] = (2, 1, 2), constant: float = 0.5, scale: float = 1.0) -> ScalarProgram:
    """Return the step a, b -> sin(b) u + w a, a + constant, which writes a b. One invariant number is not read."""
    builder = Builder(sizes, 0)
    a, b, u, w = range(4)
    sine = builder.application(builder.opcode(primitives.sin), [b])
    first = builder.sum(Sum([1.0, 1.0], [sine, w], [u, a], [0, 1], factor=scale))
    second = builder.application(builder.opcode(primitives.add), [a, builder.constant(constant)])
    product = builder.application(builder.opcode(primitives.mul), [a, b])
    return builder.program([first, second, product])


def test_a_loop_runs_its_body_step_by_step() -> None:
    loop = Repeat(body(), 4)
    assert (loop.states, loop.read, loop.written) == (2, 1, 1)
    a, b, w, us = 0.3, -0.7, 1.25, [0.1, 0.2, 0.3, 0.4]
    operands = a, b, *us, w, 0.75
    products = []
    for u in us:
        products.append(a * b)
        a, b = math.sin(b) * u + w * a, a + 0.5
    assert loop.forward(*operands) == (a, b, *products)
    assert [RESULT.forward(loop.forward(*operands), float(k)) for k in range(6)] == [a, b, *products]


def test_operands_are_states_numbers_by_step_and_invariant_numbers() -> None:
    assert Repeat(body(), 3).split(range(7)) == (range(2), range(2, 5), range(5, 7))


def test_a_loop_has_no_derivatives() -> None:
    loop = Repeat(body(), 3)
    for primitive in (loop, RESULT):
        with pytest.raises(TypeError, match="differentiate the program of arrays"):
            primitive.derivatives(1.0, 1.0)
    assert loop.slope is Slope.SINGULAR
    assert RESULT.slope is Slope.FINITE
    assert loop.hides_nan
    assert loop.arrays is None


def changed(change: Callable[[ScalarProgram], ScalarProgram]) -> Repeat:
    return Repeat(change(body()), 4)


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (Repeat(body(), 4), True),
        (Repeat(body(), 5), False),
        (Repeat(body((1, 2, 2)), 4), False),
        (Repeat(body(constant=0.25), 4), False),
        (Repeat(body(constant=math.nan), 4), False),
        (Repeat(body(scale=2.0), 4), False),
        (changed(lambda program: replace(program, labels={5: "a"})), True),
        (changed(lambda program: replace(program, guards=Guards(choices=frozenset({4})))), False),
        (changed(lambda program: replace(program, guards=Guards(unreached=frozenset({4})))), False),
        (changed(lambda program: replace(program, outputs=program.outputs[::-1])), False),
        (changed(lambda program: replace(program, coefficients=(1.0, -1.0))), False),
        (changed(lambda program: replace(program, lefts=program.lefts[::-1])), False),
        (changed(lambda program: replace(program, rights=(ABSENT, ABSENT))), False),
        (changed(lambda program: replace(program, slots=(0, 0))), False),
        (changed(lambda program: replace(program, operands=(*program.operands[1:], 1))), False),
        (changed(lambda program: replace(program, primitives=program.primitives[::-1])), False),
        (changed(lambda program: replace(program, opcodes=program.opcodes[::-1])), False),
        (primitives.sin, False),
    ],
)
def test_loops_are_equal_if_they_compute_the_same(other: primitives.Primitive, equal: bool) -> None:
    loop = Repeat(body(), 4)
    assert (loop == other) == equal
    assert (loop != other) == (not equal)
    assert not equal or hash(loop) == hash(other)


def test_the_sign_of_zero_and_nan_are_compared() -> None:
    assert Repeat(body(constant=math.nan), 4) == Repeat(body(constant=math.nan), 4)
    assert Repeat(body(constant=0.0), 4) != Repeat(body(constant=-0.0), 4)
    assert hash(Repeat(body(constant=0.0), 4)) != hash(Repeat(body(constant=1.0), 4))


@pytest.mark.parametrize(
    ("same", "written", "known"), [((1,), (2,), True), (None, (2,), False), ((1,), None, False), (None, None, False)]
)
def test_arrays_are_known_if_none_is_missing(
    same: tuple[int, ...] | None, written: tuple[int, ...] | None, known: bool
) -> None:
    assert Arrays((1,), (2,), same, written).are_all_known == known
    assert not Arrays((1,), ()).are_all_known
