"""Straight-line programs: unrolled array programs, their derivatives, and the code that runs them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from autograd import Value, primitives
from autograd.compiler import cost
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.dead_code import without_dead_operations
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import N
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.recover.unrolled import lower_scalars
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.passes import SIMPLIFY, run_passes
from autograd.compiler.targets.straight_line.engine import StraightLineEngine
from autograd.compiler.targets.straight_line.machine import MachineSource
from autograd.compiler.targets.straight_line.source import text_of
from autograd.compiler.targets.straight_line.source_run import StraightSource
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.compiler.trace.retrace import settled_trace
from autograd.primitives import Primitive

UNARY = (primitives.sin, primitives.tanh, primitives.sigmoid, primitives.relu, primitives.absolute, primitives.neg)
BINARY = (primitives.add, primitives.sub, primitives.mul, primitives.maximum, primitives.minimum, primitives.atan2)
MANY = (primitives.logsumexp, primitives.max_, primitives.min_)


def unrolled(seed: int, length: int = 40) -> ArrayProgram:
    """Make a random program with one number per sample in each operation, of arguments x and y and four parameters."""
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
    """Apply a random primitive to columns and numbers."""

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


SQUARES = (*BINARY, primitives.div, primitives.power, primitives.hypot, primitives.copysign, primitives.fmod)


@pytest.mark.parametrize("primitive", SQUARES, ids=[primitive.name for primitive in SQUARES])
@pytest.mark.parametrize("factor", [1.0, -3.0])
def test_derivatives_with_the_same_operand_twice(primitive: Primitive, factor: float) -> None:
    builder = Builder()
    x = builder.argument("x", 1)
    shifted = builder.apply(primitives.add, builder.apply(primitives.absolute, x), 1.5)
    square = builder.apply(primitive, shifted, shifted) * factor
    program = builder.program([square.named("y")]).verify()
    given = {"x": np.array([[0.5], [2.0]]), "gradient": np.array([[1.0], [-2.0]])}
    _, ours = to_arguments(program, 1, unrolled=True).verify().evaluate(given)
    _, expected = to_arguments(program, 1).verify().evaluate(given)
    np.testing.assert_allclose(np.broadcast_to(ours, (2, 1)), np.broadcast_to(expected, (2, 1)), rtol=1e-13, atol=1e-15)


Formula = Callable[[Sequence[Handle]], Handle]
BACKWARD: dict[str, tuple[Formula, int, list[str]]] = {  # formula, number of operands, primitives of the derivative
    "a product": (lambda x: x[0] * x[1], 2, ["mul", "mul"]),
    "a square": (lambda x: x[0] * x[0], 1, ["mul", "mul"]),
    "a sum": (lambda x: x[0] + x[1], 2, []),
    "a difference": (lambda x: x[0] - x[1], 2, ["neg"]),
    "a multiple": (lambda x: x[0] * 3.0, 1, ["mul"]),
    "a negative multiple": (lambda x: x[0] * -3.0, 1, ["mul"]),
    "read twice": (lambda x: x[0] + x[0] * 3.0, 1, ["mul", "add"]),
    "read twice with opposite signs": (lambda x: x[0] * 3.0 - x[0] * 5.0, 1, ["mul", "mul", "sub"]),
    "and the other way round": (lambda x: x[0] * -3.0 + x[0] * 5.0, 1, ["mul", "mul", "sub"]),
    "both negative": (lambda x: -x[0] - x[0] * 3.0, 1, ["mul", "add", "neg"]),
    "and the other way round, too": (lambda x: x[0] * -3.0 - x[0], 1, ["mul", "add", "neg"]),
    "a number after a multiple": (lambda x: (x[0] + 2.0) + x[0] * 3.0, 1, ["mul", "add"]),
    "a multiple of a sum": (lambda x: (x[0] + x[1]) * 3.0, 2, ["mul"]),
    "the negative of a sine": (lambda x: -x[0].builder.apply(primitives.sin, x[0]), 1, ["cos", "mul", "neg"]),
    "a multiple of a sine": (
        lambda x: x[0].builder.apply(primitives.sin, x[0]) * -3.0,
        1,
        ["mul", "cos", "mul", "neg"],
    ),
}


@pytest.mark.parametrize("leaf", ["parameters", "x"])
@pytest.mark.parametrize("name", BACKWARD)
def test_derivatives_of_unrolled_programs_take_as_few_operations_as_by_hand(name: str, leaf: str) -> None:
    """Nothing is multiplied by 1 or -1, and a negative term is subtracted if there is something to subtract it from."""
    formula, width, applied = BACKWARD[name]
    builder = Builder()
    x = builder.argument("x", width)
    array = builder.parameter(range(width), "parameters") if leaf == "parameters" else x
    columns = [builder.slice(array, len(array.shape) - 1, k, k + 1) for k in range(width)]
    read = [builder.broadcast(column, (N, 1)).named(f"x{k}") for k, column in enumerate(columns)]
    program = builder.program([formula(read)]).verify()
    of_parameters = leaf == "parameters"
    differentiate = to_parameters if of_parameters else to_arguments
    derivative = differentiate(program, 1, unrolled=True).verify()
    forward = len(program.operations)
    backward = derivative.operations[forward:]
    assert [o.attribute.primitive.name for o in backward if o.kind == "apply"] == applied
    assert "slice" not in [o.kind for o in backward], "one gradient is not read in parts"
    assert ("concatenate" in [o.kind for o in backward]) == (width > 1)
    named = [at for at, o in enumerate(derivative.operations) if o.name.startswith("nabla_")]
    assert named == ([derivative.outputs[1]] if of_parameters else [])


def test_what_no_derivative_of_a_guarded_program_needs_is_left_out() -> None:
    """The derivative w.r.t. arguments does not need the condition of a guard of a parameter."""
    builder = Builder()
    x = builder.argument("x", 1)
    w = builder.broadcast(builder.parameter([0], "parameters"), (N, 1))
    masks = [builder.apply(COMPARISONS[">"], x, number) for number in (0.5, 0.75)]
    product = builder.guard(x, 0) * builder.guard(w, 1)
    derivative = to_arguments(builder.program([product], masks=masks).verify(), 1, unrolled=True)
    assert without_dead_operations(derivative) is derivative
    given = {"x": [[0.0], [1.0]], "gradient": [[1.0], [1.0]]}
    assert derivative.evaluate(given, [2.0])[1].tolist() == [[0.0], [2.0]]


def engine(program: ArrayProgram, way: str, size: int, monkeypatch: pytest.MonkeyPatch) -> StraightLineEngine:
    """Make the engine of a program, in machine code or Python, in functions of `size` operations."""
    if way == "machine code":
        pytest.importorskip("llvmlite", reason="llvmlite, which makes machine code, is not installed")
    monkeypatch.setattr(cost, "TERMS_A_FUNCTION", size)
    monkeypatch.setattr(cost, "MACHINE_CODE_FROM", 0 if way == "machine code" else math.inf)
    made = StraightLineEngine(
        program,
        lambda: to_parameters(program, 4, unrolled=True),
        lambda: to_arguments(program, 4, unrolled=True),
        4,
        np.dtype(float),
        "random",
    )
    made.lay_out(np.arange(4)[::-1], 4)
    assert made.is_machine_code == (way == "machine code")
    return made


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("size", [1, 7, 500])
@pytest.mark.parametrize("way", ["machine code", "Python"])
@pytest.mark.parametrize("seed", range(10))
def test_code_computes_what_the_program_means(seed: int, way: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is run on one sample and on several, in functions that read each other's results."""
    program, chance = unrolled(seed), np.random.default_rng(seed)
    run = engine(program, way, size, monkeypatch)
    batch, vector = {"x": chance.normal(size=(5, 3)), "y": chance.normal(size=(5, 1))}, chance.normal(size=4)
    batch["gradient"] = chance.normal(size=(5, 4))
    to_inputs, to_vector = (kind(program, 4, unrolled=True) for kind in (to_arguments, to_parameters))
    for samples in (slice(None), slice(2, 3)):
        given = {name: array[samples] for name, array in batch.items()}
        rows, seeds = [given["x"], given["y"]], given["gradient"]
        values, *expected = to_inputs.evaluate(given, vector)
        np.testing.assert_allclose(run.outputs(vector[::-1], rows), values, rtol=1e-13)
        outputs, gradients = run.input_gradients(vector[::-1], rows, seeds)
        np.testing.assert_allclose(outputs, values, rtol=1e-13)
        for gradient, wanted in zip(gradients, expected, strict=True):
            np.testing.assert_allclose(gradient, np.broadcast_to(wanted, gradient.shape), rtol=1e-10, atol=1e-11)
        gradient = np.empty(4)
        run.gradient(vector[::-1], rows, seeds, gradient)
        wanted = np.broadcast_to(to_vector.evaluate(given, vector)[1], (4,))
        np.testing.assert_allclose(gradient[::-1], wanted, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("way", ["machine code", "Python"])
def test_arithmetic_is_exact(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each operation is rounded separately, so the results equal the interpreter's bit by bit."""
    for seed in range(20):
        chance, builder = random.Random(seed), Builder()
        x = builder.argument("x", 3)
        columns = [builder.slice(x, 1, k, k + 1) for k in range(3)]
        for n in range(60):
            primitive = chance.choice((primitives.add, primitives.sub, primitives.mul, primitives.div))
            others = (
                [builder.constant(1 / 3)] if primitive is primitives.div else [*columns[-8:], builder.constant(0.7)]
            )
            result = builder.apply(primitive, chance.choice(columns[-8:]), chance.choice(others))
            columns.append(result.named(f"v{n}") if chance.random() < 0.3 else result)
        program = builder.program([builder.concatenate(columns[-4:], 1)]).verify()
        run = engine(program, way, 11, monkeypatch)
        run.lay_out(np.arange(0), 0)
        rows = np.random.default_rng(seed).normal(size=(6, 3))
        (expected,) = program.evaluate({"x": rows})
        np.testing.assert_array_equal(run.outputs(np.empty(0), [rows]), expected)
        np.testing.assert_array_equal(run.outputs(np.empty(0), [rows[:1]]), expected[:1])


def test_the_source_of_a_few_steps() -> None:
    """Each name has a line; numbers read once are inline. Lists hold the numbers that other functions read."""
    builder = Builder()
    x, v = builder.argument("x", 1), builder.argument("v", 1)
    rate = builder.broadcast(builder.parameter([0], "parameters"), (N, 1)).named("rate")
    a = (rate * x).named("a")
    v = (v - 0.5 * a).named("v1")
    x = (x + 0.5 * v).named("x1")
    program = builder.program([x * x])
    source = StraightSource(program, lambda: to_parameters(program, 1, True), lambda: to_arguments(program, 1, True))
    assert text_of(*map(source.written, ("forward", "backward"))) == FEW_STEPS


FEW_STEPS = """\
def forward_0(m):
    x, v, rate = m[0:3]
    a = rate * x
    v1 = v - 0.5 * a
    x1 = x + 0.5 * v1
    m[6] = x1 * x1
    m[3:6] = a, v1, x1

def backward_0(m, g):
    gradient, x, x1 = g[0], m[0], m[5]
    d_x1 = 2.0 * gradient * x1
    d_a = 0.25 * d_x1
    g[1] = -d_a * x
"""


def test_a_scalar_program_is_unrolled_operation_by_operation() -> None:
    """Terms are multiplied from left to right, and added slot by slot."""
    w = Value(2.0, "w")
    traced, captured = settled_trace(lambda x: 3 * x[0] * x[1] - w * (x[0] - 1.5) + x[2].tanh(), [[1.0, 2.0, 3.0]])
    scalars = run_passes(SIMPLIFY, from_trace(traced, captured, 1))
    program = lower_scalars(scalars, ["x"]).verify()
    given = [0.3, -0.7, 1.1]
    (values,) = program.evaluate({"x": [given]}, [2.0])
    assert values.tolist() == [scalars.evaluate([given], [2.0])]
    names = {"x", "x_0", "x_1", "x_2", "parameters", "w", *(f"v{i}" for i in scalars.operations)}
    assert {operation.name for operation in program.operations if operation.name} == names


def test_machine_code_of_what_repeats_itself_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions of 10 operations meet steps of 3 at 3 places; the first and the last steps differ from the others."""
    monkeypatch.setattr(cost, "TERMS_A_FUNCTION", 10)
    builder = Builder()
    x = builder.argument("x", 1)
    for n in range(1000):
        x = (x + 0.01 * builder.apply(primitives.sin, x)).named(f"v{n}")
    program = builder.program([x])
    source = MachineSource(program)
    modules = source.forward(), source.to_arguments(to_arguments(program, 1, unrolled=True), 1)
    assert [module.text.count("call void @") > 300 for module in modules] == [True, True]
    assert [module.text.count("define internal") < 10 for module in modules] == [True, True]


@pytest.mark.parametrize("way", ["machine code", "Python"])
def test_an_argument_that_is_several_results_adds_up_their_cotangents(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this case the forward pass has no functions, and the backward pass has one."""
    builder = Builder()
    x = builder.argument("x", 1)
    run = engine(builder.program([builder.concatenate([x, x, x, x], 1)]), way, 7, monkeypatch)
    run.lay_out(np.arange(0), 0)
    outputs, (gradient,) = run.input_gradients(np.empty(0), [np.array([[5.0]])], np.array([[1.0, 2.0, 3.0, 4.0]]))
    assert (outputs.tolist(), gradient.tolist()) == ([[5.0] * 4], [[10.0]])
