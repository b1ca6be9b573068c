"""Scalar programs: their printed form, their values, and the errors of malformed ones."""

from __future__ import annotations

import gc
import math
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from autograd import Value, primitives
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import Guards
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.nodes import ABSENT, ARGUMENT, NOTHING, SUM, Scaling, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.trace.retrace import settled_trace
from autograd.support.collector import collector_paused


def neuron() -> ScalarProgram:
    """Make sigmoid(p0 x[0] + p1 x[1] + p2), and the square of twice its difference from a target, in thirds."""
    builder = Builder([2, 1], 3)
    z = builder.sum(Sum([1.0, 1.0, 1.0], [3, 4, 5], [0, 1, ABSENT], [0, 0, 0]))
    a = builder.application(builder.opcode(primitives.sigmoid), [z])
    e = builder.sum(Sum([1.0, -0.5], [a, 2], [ABSENT, ABSENT], [0, 1], 0.25, True, 2.0, 3.0))
    power = builder.application(builder.opcode(primitives.constant_power), [e, builder.constant(2.0)])
    return builder.program([a, power], labels={z: "z"})


def test_it_prints_a_line_for_each_operation() -> None:
    assert str(neuron()) == (
        "v6 = sum(p0*x1[0], p1*x1[1], p2)  # z\n"
        "v7 = sigmoid(v6)\n"
        "v8 = 2.0 * sum(0.25; v7; -0.5*x2) / 3.0\n"
        "v10 = constant_power(v8, 2.0)\n"
        "return v7, v10"
    )
    assert repr(neuron()) == "<ScalarProgram of 4 operations, 11 nodes>"


def test_it_evaluates_node_by_node() -> None:
    weights, x, target = [0.3, -0.2, 0.1], [0.7, 0.4], 0.9
    a = 1 / (1 + math.exp(-(0.3 * 0.7 + -0.2 * 0.4 + 0.1)))
    outputs = neuron().evaluate([x, [target]], weights)
    assert outputs == pytest.approx([a, (2 * (0.25 + a - 0.5 * target) / 3) ** 2], rel=1e-15)


def test_the_accessors_agree_with_the_columns() -> None:
    program = neuron()
    assert program.arguments == (range(2), range(2, 3))
    assert (program.parameters, program.interior) == (range(3, 6), range(6, 11))
    assert (program.operations, program.guard_operations) == ([6, 7, 8, 10], [])
    assert [program.is_sum(i) for i in program.operations] == [True, False, True, False]
    assert [program.primitive_of(i) for i in (0, 6, 7)] == [None, None, primitives.sigmoid]
    assert program.operands_of(6) == (3, 4, 5, 0, 1)
    assert program.operands_of(10) == (8, 9)
    assert program.sum_of(6) == Sum((1.0, 1.0, 1.0), (3, 4, 5), (0, 1, ABSENT), (0, 0, 0))
    assert program.sum_of(8)[4:] == (0.25, True, 2.0, 3.0)
    assert program.scalings == {8: Scaling(0.25, True, 2.0, 3.0)}


@pytest.mark.parametrize(
    ("numbers", "slots", "constant", "leads", "expected"),
    [
        ([2.0**60, -(2.0**60), 1.0], [0, 0, 1], NOTHING, False, 1.0),
        ([2.0**60, -(2.0**60), 1.0], [0, 1, 1], NOTHING, False, 0.0),  # 1 is lost beside -2⁶⁰
        ([2.0**60, -(2.0**60)], [0, 1], 1.0, False, 1.0),
        ([2.0**60, -(2.0**60)], [0, 1], 1.0, True, 0.0),  # and here beside 2⁶⁰
        ([2.0**60, -(2.0**60)], [0, 0], 1.0, True, 1.0),
    ],
)
def test_slots_are_added_from_left_to_right_and_the_constant_where_it_stands(
    numbers: list[float], slots: list[int], constant: float, leads: bool, expected: float
) -> None:
    builder, n = Builder([len(numbers)], 0), len(numbers)
    total = builder.sum(Sum([1.0] * n, list(range(n)), [ABSENT] * n, slots, constant, leads))
    assert builder.program([total]).evaluate([numbers], []) == [expected]


def test_nothing_is_added_to_a_negative_zero() -> None:
    builder = Builder([1], 0)
    program = builder.program([builder.sum(Sum([1.0], [0], [ABSENT], [0]))])
    assert math.copysign(1.0, program.evaluate([[-0.0]], [])[0]) == -1.0


def test_what_has_no_value_is_what_ieee_arithmetic_says() -> None:
    builder = Builder([1], 0)
    outputs = [builder.application(builder.opcode(p), [0]) for p in (primitives.sqrt, primitives.log)]
    root, logarithm = builder.program(outputs).evaluate([[0.0]], [])
    assert (root, logarithm) == (0.0, -math.inf)
    assert math.isnan(builder.program(outputs).evaluate([[-1.0]], [])[0])


def test_evaluating_wants_a_number_for_each_leaf() -> None:
    with pytest.raises(ValueError, match=r"arguments of \[2, 1\] numbers and 3 parameter"):
        neuron().evaluate([[0.1]], [0.2, 0.3, 0.4])


def test_nothing_can_be_assigned() -> None:
    program: Any = neuron()
    with pytest.raises(FrozenInstanceError):
        program.outputs = ()
    for table in (program.constants, program.scalings, program.labels):
        with pytest.raises(TypeError):
            table[0] = 1.0


def test_there_is_no_object_a_node() -> None:
    """A million nodes must fit in memory: the number of objects that the collector tracks does not grow with them."""

    def long_program(nodes: int) -> ScalarProgram:
        builder = Builder([1], 1)
        sine, last = builder.opcode(primitives.sin), 0
        for _ in range(nodes // 2):
            last = builder.application(sine, [builder.sum(Sum([0.5], [last], [1], [0]))])
        return builder.program([last])

    def tracked(nodes: int) -> int:
        with collector_paused():
            gc.collect()
            before = len(gc.get_objects())
            program = long_program(nodes)
            gc.collect()
            assert len(program) == nodes + 2
            return len(gc.get_objects()) - before

    tracked(10)
    assert tracked(20_000) < tracked(10) + 50


GOOD = neuron()

MALFORMED = {
    "an operand that comes later": ({"operands": (8, 8, 9)}, "node 7: reads node 8, which does not come before it"),
    "an operand that does not exist": ({"operands": (-1, 8, 9)}, "node 7: reads node -1"),
    "a factor that comes later": ({"lefts": (3, 4, 6, 7, 2)}, "node 6: reads node 6"),
    "a second factor that comes later": ({"rights": (0, 9, ABSENT, ABSENT, ABSENT)}, "node 6: reads node 9"),
    "a second factor that is no node": ({"rights": (0, -2, ABSENT, ABSENT, ABSENT)}, "node 6: a second factor"),
    "an opcode of no primitive": ({"opcodes": (*GOOD.opcodes[:7], 99, *GOOD.opcodes[8:])}, "node 7: opcode 99"),
    "an argument behind the leaves": ({"opcodes": (*GOOD.opcodes[:9], ARGUMENT, GOOD.opcodes[10])}, "node 9: opcode 0"),
    "too few leaves": ({"parameter_count": 4}, "the first nodes must be 3 numbers of arguments and 4 parameters"),
    "a wrong number of operands": ({"counts": (*GOOD.counts[:10], 1)}, r"node 10: constant_power does not take 1"),
    "a row behind the column's end": ({"counts": (*GOOD.counts[:10], 3)}, "node 10: its row of 3 lies beyond the end"),
    "a row of terms behind the end": ({"counts": (*GOOD.counts[:8], 3, 0, 2)}, "node 8: its row of 3 lies beyond"),
    "slots that descend": ({"slots": (0, 1, 0, 0, 1)}, r"node 6: slots must ascend .* got \[0, 1, 0\]"),
    "a coefficient that is no float": ({"coefficients": (1.0, 1, 1.0, 1.0, -0.5)}, "node 6: .* floats, got 1"),
    "columns of nodes of two lengths": ({"counts": GOOD.counts[:-1]}, r"different lengths: \[11, 11, 10\]"),
    "columns of terms of two lengths": ({"slots": (0, 0, 0, 0)}, r"different lengths: \[5, 5, 5, 4\]"),
    "a constant without a number": ({"constants": {}}, "node 9: a constant without a number"),
    "a number of no constant": ({"constants": {9: 2.0, 8: 1.0}}, "node 8: has a number, but is not a constant"),
    "a constant that is no float": ({"constants": {9: 2}}, "node 9: .* floats, got 2"),
    "a scaling of no sum": ({"scalings": {7: Scaling(factor=2.0)}}, "node 7: has a scaling, but is not a sum"),
    "an output that does not exist": ({"outputs": (7, 11)}, "node 11: an output that does not exist"),
    "more derivatives than outputs": ({"differentiated": 3}, "3 of 2 outputs cannot have derivatives"),
    "a label of no node": ({"labels": {11: "z"}}, "node 11: a label"),
    "an array of what is no constant": ({"constant_arrays": ((9, 8),)}, "node 8: belongs to an array of constants"),
    "an output that is a guard": ({"guards": Guards(size=1)}, "node 10: an output that does not exist, or is a guard"),
    "a guard that does not exist": ({"guards": Guards(of={7: 30})}, "node 7: its guard 30 does not exist"),
    "a guarded node that does not exist": ({"guards": Guards(choices=frozenset({30}))}, "node 30: a guarded node"),
}


@pytest.mark.parametrize(("changes", "message"), MALFORMED.values(), ids=list(MALFORMED))
def test_verify_says_what_is_wrong(changes: dict[str, Any], message: str) -> None:
    GOOD.verify()
    with pytest.raises(ValueError, match=message):
        replace(GOOD, **changes).verify()


def traced(function: Any, *examples: Any) -> ScalarProgram:
    trace, leaves = settled_trace(function, examples)
    return from_trace(trace, leaves)


def test_from_trace_gives_a_node_for_each_of_the_graph() -> None:
    w = Value(2.0, "w")

    def function(x: Any, y: Any) -> Any:
        h = w * x[0]
        h.label = "h"
        return (h - y).tanh() * 0.5

    program = traced(function, [1.0, 2.0], 3.0)
    program.verify()
    assert str(program) == (
        "v4 = mul(p0, x1[0])  # h\nv5 = sub(v4, x2)\nv6 = tanh(v5)\nv8 = mul(v6, 0.5)\nreturn v8"
    )  # x1[1] is a node even though nothing reads it
    assert program.single
    assert program.labels[3] == "w"


def test_from_trace_keeps_the_recorded_number_of_what_depends_on_constants_alone() -> None:
    calls = []

    def counted(x: float) -> float:
        calls.append(x)
        return 10.0 * x

    ten = primitives.Primitive("ten", counted, lambda x, out: (10.0,), "ten", None)
    program = traced(lambda x: [x * ten(Value(0.5)), Value(0.0), Value(-0.0), Value(0.0)], 1.0)
    in_the_trace = len(calls)
    assert str(program) == "v2 = mul(x, 5.0)\nreturn v2, 0.0, -0.0, 0.0"
    assert program.outputs[1] == program.outputs[3] != program.outputs[2]
    assert not program.single
    assert program.evaluate([[3.0]], []) == [15.0, 0.0, 0.0, 0.0]
    assert len(calls) == in_the_trace


def test_a_builder_begins_with_another_program_or_its_leaves() -> None:
    program = neuron()
    builder = Builder.of(program)
    assert builder.program(program.outputs, labels=program.labels) == program
    assert len(Builder.like(program)) == program.interior.start
    assert builder.opcode(primitives.sigmoid) == program.opcodes[7]
    assert program.opcodes[6] == SUM
