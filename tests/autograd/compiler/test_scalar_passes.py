"""Passes over scalar programs: each by itself on small programs, and all of them on random ones.

The eager engine computes the truth of random functions, on other numbers than those of the trace.
"""

from __future__ import annotations

import itertools
import math
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value, dot, exp, logsumexp, maximum, primitives, relu, sqrt, tanh, where
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.captured_constants import lift_constants
from autograd.compiler.scalars.fold import fold_constants
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.guards import add_guards
from autograd.compiler.scalars.idioms import SIGMOID, TANH, recognise_idioms
from autograd.compiler.scalars.merge import merge_equal_nodes
from autograd.compiler.scalars.nodes import ABSENT, NOTHING, Sum
from autograd.compiler.scalars.passes import PREPARE_FOR_ARRAYS, SIMPLIFY, run_passes
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.signs import signs
from autograd.compiler.scalars.sums.collect import collect_sums
from autograd.compiler.scalars.sums.projections import split_projections
from autograd.compiler.trace.retrace import settled_trace

Function = Callable[..., Any]


def traced(function: Function, *examples: Any, differentiated: int | None = None) -> ScalarProgram:
    trace, leaves = settled_trace(function, examples)
    return from_trace(trace, leaves, differentiated).verify()


def simplified(function: Function, *examples: Any, until: str = "add guards") -> ScalarProgram:
    """Return the program of a function after all passes up to this one."""
    program = traced(function, *examples)
    for name, run in (*SIMPLIFY, *PREPARE_FOR_ARRAYS):
        program = run(program).verify()
        if name == until:
            return program
    raise AssertionError(until)


def written(*lines: str) -> str:
    return "\n".join(lines)


# Fold constants


def test_folding_leaves_out_what_is_known() -> None:
    builder = Builder([2], 1)
    mul, where_, power, identity, max_ = map(
        builder.opcode,
        (primitives.mul, primitives.where, primitives.constant_power, primitives.identity, primitives.max_),
    )
    two, zero, one = (builder.constant(x) for x in (2.0, 0.0, 1.0))
    six = builder.application(mul, [builder.application(mul, [two, two]), builder.constant(1.5)])
    taken = builder.application(where_, [zero, 0, 1])
    first = builder.application(power, [taken, one])
    unit = builder.application(power, [0, zero])
    same = builder.application(max_, [builder.application(identity, [first])])
    product = builder.application(mul, [same, six])
    program = fold_constants(builder.program([product, unit, taken]).verify()).verify()
    assert str(program) == written("v5 = mul(x[1], 6.0)", "return v5, 1.0, x[1]")
    assert program.evaluate([[5.0, 7.0]], [0.0]) == [42.0, 1.0, 7.0]


def test_folding_follows_a_weighted_sum_of_zeros_into_what_reads_it() -> None:
    """The first state of a recurrent network is such a sum, which is a number for any weights."""
    builder = Builder([1], 2)
    zero, bias = builder.constant(0.0), builder.constant(0.5)
    h = builder.application(builder.opcode(primitives.tanh), [
        builder.application(builder.opcode(primitives.dot), [1, zero, zero, 2, bias])
    ])  # fmt: skip
    mul = builder.opcode(primitives.mul)
    program = fold_constants(builder.program([builder.application(mul, [h, 0])]).verify()).verify()
    assert str(program) == written(f"v4 = mul({math.tanh(0.5)!r}, x)", "return v4")


@pytest.mark.parametrize(("condition", "taken"), [(0.0, 1), (1.0, 0), (-2.0, 0), (math.nan, 0)])
def test_folding_a_choice_that_is_made(condition: float, taken: int) -> None:
    """As a condition, nan is not zero, so it counts as true."""
    builder = Builder([2], 0)
    choice = builder.application(builder.opcode(primitives.where), [builder.constant(condition), 0, 1])
    assert fold_constants(builder.program([choice])).verify().outputs == (taken,)


def test_folding_a_function_of_the_only_constant() -> None:
    builder = Builder([1], 0)
    known = builder.application(builder.opcode(primitives.tanh), [builder.constant(0.5)])
    folded = fold_constants(builder.program([builder.application(builder.opcode(primitives.mul), [0, known])]))
    assert str(folded.verify()) == written(f"v2 = mul(x, {math.tanh(0.5)!r})", "return v2")


@pytest.mark.parametrize(
    "factors", [("x", 0.0), (0.0, "x"), ("w", 2.0), (2.0, "w"), ("w", "w"), (0.0, 0.0, "x", "w"), ("w", 0.0, "x", "w")]
)
def test_a_weighted_sum_of_other_things_than_zeros_times_parameters_is_no_number(factors: tuple[Any, ...]) -> None:
    """A sample may be infinite, so 0 x is not always zero."""
    builder = Builder([1], 1)
    nodes = {"x": 0, "w": 1}
    operands = [nodes[f] if f in nodes else builder.constant(f) for f in factors]
    total = builder.application(builder.opcode(primitives.dot), [*operands, builder.constant(0.5)])
    program = builder.program([total]).verify()
    assert fold_constants(program) is program


def test_a_weighted_sum_of_zeros_with_another_bias_than_a_number_is_no_number() -> None:
    builder = Builder([1], 1)
    zero = builder.constant(0.0)
    program = builder.program([builder.application(builder.opcode(primitives.dot), [1, zero, 0])]).verify()
    assert fold_constants(program) is program


def test_folding_an_argument_times_zero_is_no_folding() -> None:
    program = traced(lambda x: 0.0 * x, 1.0)
    assert fold_constants(program) is program
    assert math.isnan(program.evaluate([[math.inf]], [])[0])


# Merge equal nodes


def test_merging_keeps_the_first_of_equal_nodes() -> None:
    program = traced(lambda x, y: [tanh(x * y), tanh(x * y), tanh(y * x)], 1.0, 2.0)
    assert str(merge_equal_nodes(program).verify()) == written(
        "v2 = mul(x1, x2)", "v3 = tanh(v2)", "v4 = mul(x2, x1)", "v5 = tanh(v4)", "return v3, v3, v5"
    )


def test_merging_tells_zeros_apart_by_their_sign() -> None:
    builder = Builder([], 0)
    program = builder.program([builder.constant(x) for x in (0.0, -0.0, 0.0)])
    merged = merge_equal_nodes(program).verify()
    assert merged.outputs == (0, 1, 0)
    assert str(merged) == "return 0.0, -0.0, 0.0"


def test_merging_sums_that_differ_in_the_order_of_two_terms_or_factors() -> None:
    builder = Builder([3], 0)

    def total(terms: Sequence[tuple[float, int, int]], slots: Sequence[int], *scaling: Any) -> int:
        return builder.sum(Sum(*map(list, zip(*terms)), list(slots), *scaling))  # type: ignore[arg-type, call-arg]

    x, y, z = ((1.0, k, ABSENT) for k in range(3))
    sums = [
        total([x, y], [0, 1]),
        total([y, x], [0, 1]),
        total([x, y], [0, 0]),  # as an explicit sum of two
        total([(1.0, 0, 1)], [0]),
        total([(1.0, 1, 0)], [0]),
        total([x, y, z], [0, 1, 2]),
        total([x, z, y], [0, 1, 2]),  # which rounds differently
        total([x, y], [0, 1], 1.0, True),
        total([y, x], [0, 1], 1.0, True),  # likewise
        total([(2.0, 0, 1)], [0]),
        total([(2.0, 1, 0)], [0]),  # (2 y) x
        total([x], [0]),
    ]
    merged = merge_equal_nodes(builder.program(sums).verify()).verify()
    assert [merged.outputs.index(i) for i in merged.outputs] == [0, 0, 0, 3, 3, 5, 6, 7, 8, 9, 10, 11]
    assert merged.outputs[-1] == 0


def test_merging_sums_that_differ_in_the_order_of_the_first_two_of_several_terms() -> None:
    builder = Builder([4], 0)

    def total(nodes: str, slots: Sequence[int], *scaling: Any) -> int:
        lefts = ["xyzt".index(name) for name in nodes]
        return builder.sum(Sum([1.0] * len(lefts), lefts, [ABSENT] * len(lefts), list(slots), *scaling))

    sums = [
        total("xyz", [0, 1, 2]),
        total("yxz", [0, 1, 2]),  # (y + x) + z
        total("xyzt", [0, 1, 2, 3]),
        total("yxzt", [0, 1, 2, 3]),
        total("xyz", [0, 1, 1]),  # x + (y + z)
        total("yxz", [0, 1, 1]),  # y + (x + z), which rounds differently
        total("xyz", [0, 0, 1]),  # the first again, as an explicit sum of two
        total("xy", [0, 1], 1.0, False),  # x + y + 1
        total("xy", [0, 1], 1.0, True),  # 1 + x + y
    ]
    merged = merge_equal_nodes(builder.program(sums).verify()).verify()
    first = [merged.outputs.index(i) for i in merged.outputs]
    assert first[:6] == [0, 0, 2, 2, 4, 5]
    assert first[7:] == [7, 8]
    numbers = [1e16, 1.0, -1.0, 3.0]
    assert merged.evaluate([numbers], []) == builder.program(sums).evaluate([numbers], [])


def test_merging_goes_on_after_the_constants_of_an_array() -> None:
    builder = Builder([1], 0)
    constants = [builder.constant(1.0), builder.constant(1.0)]
    tanh_ = builder.opcode(primitives.tanh)
    nodes = [builder.application(tanh_, [0]), builder.application(tanh_, [0])]
    program = replace(builder.program([*constants, *nodes]), constant_arrays=(tuple(constants),))
    merged = merge_equal_nodes(program).verify()
    assert merged.outputs[0] != merged.outputs[1]
    assert merged.outputs[2] == merged.outputs[3]


@pytest.mark.parametrize(
    "total",
    [
        Sum([1.0], [0], [1], [0]),  # x y
        Sum([2.0], [0], [ABSENT], [0]),
        Sum([-1.0], [0], [ABSENT], [0]),
        Sum([1.0], [0], [ABSENT], [0], 0.5),
        Sum([1.0], [0], [ABSENT], [0], 0.0),  # which turns -0.0 into 0.0
        Sum([1.0], [0], [ABSENT], [0], NOTHING, False, 2.0),
        Sum([1.0], [0], [ABSENT], [0], NOTHING, False, 1.0, 2.0),
        Sum([1.0, 1.0], [0, 1], [ABSENT, ABSENT], [0, 0]),
    ],
    ids=str,
)
def test_a_sum_that_is_more_than_another_node_stays(total: Sum) -> None:
    builder = Builder([2], 0)
    program = builder.program([builder.sum(total)]).verify()
    assert merge_equal_nodes(program) is program


def test_what_is_merged_is_marked_where_each_of_the_nodes_had_one_reader() -> None:
    def function(x: Any) -> list[Any]:
        shared = x * 3
        return [tanh(x * 2), exp(x * 2), tanh(shared) * exp(shared), exp(x * 3)]

    program = merge_equal_nodes(traced(function, 1.0)).verify()
    (repeated,) = program.repeated
    assert str(program).splitlines()[0] == f"v{repeated} = mul(x, 2.0)"
    assert merge_equal_nodes(program) is program


# Recognise idioms


@pytest.mark.parametrize(
    ("formula", "line"),
    [
        (lambda z: 1 / (1 + exp(-z)), "sigmoid(x)"),
        (lambda z: 1 / (exp(-1.0 * z) + 1.0), "sigmoid(x)"),
        (lambda z: (1 + exp(-z)) ** -1, "sigmoid(x)"),
        (lambda z: (exp(2 * z) - 1) / (exp(2 * z) + 1), "tanh(x)"),
        (lambda z: (exp(z * 2) + -1) / (1 + exp(z * 2)), "tanh(x)"),
    ],
)
def test_formulas_are_the_functions_that_they_spell_out(formula: Function, line: str) -> None:
    program = recognise_idioms(merge_equal_nodes(traced(formula, 0.3))).verify()
    root = program.outputs[0]
    assert str(program) == written(f"v{root} = {line}", f"return v{root}")
    assert program.primitive_of(root) in (SIGMOID, TANH)
    assert program.evaluate([[0.7]], [])[0] == pytest.approx(float(formula(Value(0.7)).data), rel=1e-15)


def test_a_sigmoid_of_the_negative_keeps_its_sign() -> None:
    program = recognise_idioms(traced(lambda z: 1 / (1 + exp(z)), 0.3)).verify()
    assert str(program) == written("v1 = neg(x)", "v2 = sigmoid(v1)", "return v2")


@pytest.mark.parametrize(
    "function",
    [
        lambda z: [1 / (1 + exp(-z)), exp(-z)],  # once merged
        lambda z: 1 / (1 + exp(-2 * z)),
        lambda z: 2 / (1 + exp(-z)),
        lambda z: (exp(2 * z) - 1) / (exp(2 * z) + 2),
        lambda z: (exp(3 * z) - 1) / (exp(3 * z) + 1),
        lambda z: 1 / (exp(-z) - 3),
        lambda z: 1 / (exp(-z) * -1.0),
        lambda z: (lambda e: (lambda a: [a / (e + 1), a])(e - 1))(exp(-2 * z)),  # its numerator is a result, too
    ],
)
def test_what_only_looks_like_a_formula_stays(function: Function) -> None:
    program = merge_equal_nodes(traced(function, 0.3))
    assert recognise_idioms(program) is program


# Collect sums

NEURONS: dict[str, Function] = {
    "dot": lambda w, x, b: dot(w, x, b),
    "sum": lambda w, x, b: sum([a * c for a, c in zip(w, x)]) + b,
    "explicit sum": lambda w, x, b: autograd.sum([a * c for a, c in zip(w, x)]) + b,
    "bias first": lambda w, x, b: b + autograd.sum([a * c for a, c in zip(w, x)]),
    "pairs": lambda w, x, b: w[0] * x[0] + w[1] * x[1] + b,
}


@pytest.mark.parametrize("neuron", NEURONS.values(), ids=list(NEURONS))
def test_a_neuron_is_one_sum_however_it_is_written(neuron: Function) -> None:
    w, b = [Value(0.3), Value(0.4)], Value(0.5)
    program = simplified(lambda x: neuron(w, x, b), [1.0, 2.0], until="collect sums")
    (total,) = (program.sum_of(i) for i in program.operations)
    assert total.slots[:2] == (0, 0), "the products may be added in any order"
    assert total[4:] == (NOTHING, False, 1.0, 1.0)
    factors = {frozenset(pair) for pair in zip(total.lefts, total.rights)}
    p = program.parameters
    bias = next(iter(frozenset(p) - {k for pair in factors if ABSENT not in pair for k in pair}))
    assert len(factors) == 3 and frozenset({bias, ABSENT}) in factors


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (lambda x: x[0] - x[1] - x[2], "sum(x[0]; -x[1]; -x[2])"),
        (lambda x: (x[0] - x[1]) + x[2], "sum(x[0]; -x[1]; x[2])"),
        (lambda x: x[0] + x[1] + x[2], "sum(x[0], x[1], x[2])"),
        (lambda x: 3 * (x[0] - x[1]), "3.0 * sum(x[0]; -x[1])"),
        (lambda x: (x[0] - x[1]) / 3, "sum(x[0]; -x[1]) / 3.0"),
        (lambda x: -(x[0] - x[1]), "-1.0 * sum(x[0]; -x[1])"),
        (lambda x: x[0] - x[1] + 0.5, "sum(x[0]; -x[1]; 0.5)"),
        (lambda x: 0.5 - x[0], "sum(0.5; -x[0])"),
        (lambda x: (0.1 * x[0]) * x[1], "sum(0.1*x[0]*x[1])"),
        (lambda x: x[0] - 0.3 * x[1] * x[2], "sum(x[0]; -0.3*x[1]*x[2])"),
        (lambda x: x[0] - x[1] - x[2] - x[0], "sum(x[0]; -x[1]; -x[2]; -x[0])"),
        (lambda x: 0.0 - x[0] - x[1] - x[2], "sum(0.0; -x[0], -x[1], -x[2])"),
        (lambda x: -x[0] - x[1] - x[2], "sum(-x[0], -x[1], -x[2])"),
        (lambda x: 3 * (x[0] - x[1]) / 3, "3.0 * sum(x[0]; -x[1]) / 3.0"),
        (lambda x: x[0] - (-(x[1] * x[2])), "sum(x[0]; x[1]*x[2])"),
        (lambda x: autograd.sum([x[0], x[1], x[2]]) - 0.5, "sum(x[0], x[1], x[2]; -0.5)"),
    ],
)
def test_a_chain_keeps_its_order_and_its_rounding(function: Function, line: str) -> None:
    program = simplified(function, [1.0, 2.0, 3.0], until="collect sums")
    root = program.outputs[0]
    assert str(program) == written(f"v{root} = {line}", f"return v{root}")
    for numbers in itertools.permutations((1e16, -3.7, 1.1)):
        assert same_bits(program.evaluate([numbers], []), [function([Value(x) for x in numbers]).data])


@pytest.mark.parametrize(
    ("function", "lines"),
    [
        (lambda w, x: (w[0] * x[0]) * 0.5, ["sum(0.5*p0*x[0], p1*x[1], x[2]*p1)"]),
        (lambda w, x: (w[0] * x[0]) / 4, ["sum(0.25*p0*x[0], p1*x[1], x[2]*p1)"]),
        (lambda w, x: (w[0] * x[0]) * 1024.0, ["sum(1024.0*p0*x[0], p1*x[1], x[2]*p1)"]),
        (lambda w, x: (w[0] * x[0]) / 1024.0, ["sum(0.0009765625*p0*x[0], p1*x[1], x[2]*p1)"]),
        (lambda w, x: (2.0 * w[0]) * x[0], ["sum(2.0*p0*x[0], p1*x[1], x[2]*p1)"]),
        (lambda w, x: x[0] * (3.0 * w[0]), ["sum(3.0*p0*x[0], p1*x[1], x[2]*p1)"]),
        (lambda w, x: (w[0] * x[0]) * 0.3, ["sum(p0*x[0])", "sum(0.3*v5, p1*x[1], x[2]*p1)"]),
        (lambda w, x: (w[0] * x[0]) * 2048.0, ["sum(p0*x[0])", "sum(2048.0*v5, p1*x[1], x[2]*p1)"]),
        (lambda w, x: (w[0] * x[0]) / 2048.0, ["sum(p0*x[0]) / 2048.0", "sum(v5, p1*x[1], x[2]*p1)"]),
        (lambda w, x: w[0] * (3.0 * x[0]), ["sum(3.0*x[0])", "sum(p0*v5, p1*x[1], x[2]*p1)"]),
    ],
)
def test_a_weighted_sum_scales_weights_alone_and_moves_powers_of_two_alone(
    function: Function, lines: list[str]
) -> None:
    """A factor 0.3 would round differently, and a large power of 2 could overflow."""
    w = [Value(0.3), Value(0.4)]
    program = simplified(
        lambda x: sum([function(w, x), w[1] * x[1], x[2] * w[1]]), [1.0, 2.0, 3.0], until="collect sums"
    )
    assert [line.split(" = ", 1)[1] for line in str(program).splitlines()[:-1]] == lines


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[0] - 0.25 - x[1] - x[2] + 0.5,
        lambda x: x[0] + 0.25 - x[1] - x[2] - x[0] - 0.5,
        lambda x: autograd.sum([x[0], x[0]]) - x[1] - x[2],
        lambda x: autograd.sum([x[0], x[0]]) - x[1] - x[2] - x[0],
        lambda x: autograd.sum([x[0], x[0], 0.25]) - x[1] - x[2] + 0.5,
        lambda x: 0.5 - x[0] - x[1] - 0.25 - x[2],
    ],
)
def test_chains_with_several_numbers_or_a_reduction_round_as_the_graph_does(function: Function) -> None:
    program = simplified(function, [1.0, 2.0, 3.0], until="collect sums")
    for numbers in itertools.permutations((1e16, -3.7, 1.1)):
        assert same_bits(program.evaluate([numbers], []), [function([Value(x) for x in numbers]).data])


@pytest.mark.parametrize(
    ("function", "exact"),
    [
        (lambda w, x: dot([3.0, x[0]], [0.5, x[1]], x[2]), lambda w, x: 1.5 + x[0] * x[1] + x[2]),
        (
            lambda w, x: autograd.sum([((3.0 * w[0]) * x[0]) * 0.5, w[1] * x[1], x[2]]),
            lambda w, x: 1.5 * w[0] * x[0] + w[1] * x[1] + x[2],
        ),
        (lambda w, x: autograd.sum([-w[0], x[0], x[1]]), lambda w, x: -w[0] + x[0] + x[1]),
        (lambda w, x: dot([-w[0], w[1]], [x[0], -x[1]]), lambda w, x: -w[0] * x[0] - w[1] * x[1]),
        (lambda w, x: dot([2.0 * w[0], w[1]], [x[0], x[1] * 4.0]), lambda w, x: 2 * w[0] * x[0] + 4 * w[1] * x[1]),
        (lambda w, x: dot([w[0], w[1]], [0.0, x[0]], x[1]), lambda w, x: w[1] * x[0] + x[1]),
        (
            lambda w, x: autograd.sum([w[0] * x[0] / 4.0, x[1] / 2.0, x[2]]),
            lambda w, x: w[0] * x[0] / 4 + x[1] / 2 + x[2],
        ),
    ],
)
def test_terms_of_reductions_are_what_they_were(function: Function, exact: Function) -> None:
    """The numbers have few bits, so that the order of addition makes no difference."""
    w = {"w0": 3.0, "w1": -0.5}
    values = [Value(number, name) for name, number in w.items()]
    program = simplified(lambda x: function(values, x), [1.0, 2.0, 3.0], until="collect sums")
    numbers = [5.0, -7.0, 0.25]
    parameters = [w[program.labels[i]] for i in program.parameters]
    assert program.evaluate([numbers], parameters) == [exact([3.0, -0.5], numbers)]


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (lambda w, x: dot(w[:2], x[:2]) - w[2], "sum(p0*x[0], p1*x[1]; -p2)"),
        (lambda w, x: dot(w[:2], x[:2]) + w[2] * x[2], "sum(p0*x[0], p1*x[1]; p2*x[2])"),
        (lambda w, x: dot(w[:2], x[:2]) + x[2], "sum(p0*x[0], p1*x[1]; x[2])"),
    ],
)
def test_what_is_added_to_a_weighted_sum_is_added_last(function: Function, line: str) -> None:
    w = [Value(0.3), Value(0.4), Value(0.5)]
    program = simplified(lambda x: function(w, x), [1.0, 2.0, 3.0], until="collect sums")
    assert str(program).splitlines()[0].split(" = ", 1)[1] == line


def squares_of(x: Any, rows: int) -> list[Any]:
    return [sum([a * a for a in x[3 * k + 1 : 3 * k + 3]], x[3 * k] * x[3 * k]) for k in range(rows)]


@pytest.mark.parametrize(
    ("function", "sums"),
    [
        (lambda x: autograd.sum(squares_of(x, 3)), 1),
        (lambda x: autograd.sum(squares_of(x, 4)), 5),
        (lambda x: sum(squares_of(x, 5)), 6),
        (lambda x: autograd.sum([*squares_of(x, 2), *(0.5 * square for square in squares_of(x[6:], 2))]), 5),
        (lambda x: autograd.sum([*squares_of(x, 1), *(0.5 * square for square in squares_of(x[6:], 2))]), 3),
    ],
    ids=["three", "four", "a chain of five", "two and two multiples", "one and two multiples"],
)
def test_from_four_on_sums_alike_are_operations_of_their_own(function: Function, sums: int) -> None:
    """Fewer than four are merged into the sum that reads them; multiples of a sum never are."""
    program = simplified(function, [float(k) for k in range(15)], until="collect sums")
    assert len(program.operations) == sums
    numbers = [float(k % 7 - 3) for k in range(15)]
    assert program.evaluate([numbers], []) == [function(numbers)]


def test_a_product_that_others_read_is_not_scaled_by_its_weight() -> None:
    w = [Value(0.3), Value(0.4)]

    def function(x: Any) -> list[Any]:
        product = w[0] * x[0]
        return [sum([product * 0.5, w[1] * x[1], x[2] * w[1]]), tanh(product)]

    program = simplified(function, [1.0, 2.0, 3.0], until="collect sums")
    assert str(program).splitlines()[:2] == ["v5 = sum(p0*x[0])", "v6 = sum(0.5*v5, p1*x[1], x[2]*p1)"]


FEW_BITS = (1.0, -1.0, 2.0, 0.5, -0.25, 3.0, 0.0, -4.0)
STEPS: list[Function] = [
    lambda a, b, w, c: a + b,
    lambda a, b, w, c: a - b,
    lambda a, b, w, c: a + c,
    lambda a, b, w, c: c - a,
    lambda a, b, w, c: a * c,
    lambda a, b, w, c: -a,
    lambda a, b, w, c: a / 4,
    lambda a, b, w, c: autograd.sum([a, b, c, a - b]),
    lambda a, b, w, c: a * b,
    lambda a, b, w, c: dot([a, w], [b, a], c),
]


def random_chain(seed: int) -> Function:
    """Make a function of three numbers from additions, subtractions and scalings; some results are read twice."""
    chance = random.Random(seed)
    w = [Value(3.0, "w0"), Value(-0.5, "w1")]
    steps = [(chance.randrange(10), chance.random(), chance.random(), chance.choice(FEW_BITS)) for _ in range(9)]

    def function(x: Any) -> list[Any]:
        known = [*x, *w]
        products = 0
        for kind, first, second, number in steps:
            a, b = (known[-1 - int(part**2 * len(known))] for part in (first, second))
            if kind >= 8 and products > 2:
                kind = 0  # so that no number needs more bits than a float has
            products += kind >= 8
            known.append(STEPS[kind](a, b, w[0], number))
        return known[-2:]

    return function


@pytest.mark.parametrize("seed", range(150))
def test_sums_of_exact_numbers_are_exact_in_whatever_order(seed: int) -> None:
    """All numbers have so few bits that nothing is rounded, so the result must be exact."""
    function = random_chain(seed)
    program = simplified(function, [1.0, 2.0, 3.0], until="collect sums")
    weights = [{"w0": 3.0, "w1": -0.5}[program.labels[i]] for i in program.parameters]
    for numbers in ([1.0, 2.0, 3.0], [-5.0, 0.75, 2.0]):
        assert program.evaluate([numbers], weights) == [v.data for v in function([Value(x) for x in numbers])]


def test_a_sum_that_others_read_stays_a_node() -> None:
    def function(x: Any, y: Any) -> Any:
        difference = x - y
        return [tanh(difference), difference * 2]

    program = simplified(function, 1.0, 2.0)
    assert str(program) == written("v2 = sum(x1; -x2)", "v3 = tanh(v2)", "v4 = sum(2.0*v2)", "return v3, v4")


def test_sums_of_numbers_times_parameters_are_written_out_where_equal_ones_were_merged() -> None:
    """The first numbers of two samples are equal, so their sums have their first terms in common by chance."""
    w, b = [Value(0.3), Value(0.4)], Value(0.1)
    data = ((1.5, 2.0), (1.5, 3.0))
    program = simplified(lambda k: k * tanh(sum([tanh(w[0] * x + w[1] * y + b) for x, y in data])), 1.0)
    sums = [program.sum_of(i) for i in program.operations if program.is_sum(i)][:2]
    assert sorted(map(set, [total.coefficients for total in sums]), key=sorted) == [{1.0, 1.5, 2.0}, {1.0, 1.5, 3.0}]
    assert all(set(total.lefts) == set(program.parameters) for total in sums)


def test_a_message_with_one_reader_is_a_node_like_those_with_several() -> None:
    """Of two nodes of a graph, one sends its message to both, the other to one of them."""
    w = [Value(0.3), Value(0.4)]

    def function(x: Any) -> list[Any]:
        to_both, to_one = (dot(w, x[k : k + 2]) for k in (0, 2))
        return [tanh(autograd.sum([to_both, to_one])), tanh(autograd.sum([to_both, x[4]]))]

    program = simplified(function, [1.0, 2.0, 3.0, 4.0, 5.0], until="collect sums")
    lines = str(program).splitlines()
    assert lines[:3] == ["v7 = sum(p0*x[0], p1*x[1])", "v8 = sum(p0*x[2], p1*x[3])", "v9 = sum(v7, v8)"]


def test_multiples_of_equal_sums_are_not_equal() -> None:
    program = simplified(lambda x: [2.0 * (x[0] + x[1]), 3.0 * (x[1] + x[0]), 2.0 * (x[1] + x[0])], [1.0, 2.0])
    assert program.evaluate([[5.0, 2.0]], []) == [14.0, 21.0, 14.0]
    assert len(program.operations) == 2


def test_collecting_twice_is_refused() -> None:
    program = simplified(lambda x: x - 1, 1.0, until="collect sums")
    with pytest.raises(ValueError, match="already has sums"):
        collect_sums(program)


# Lift captured constants


def test_captured_samples_become_an_array() -> None:
    """Three samples of two numbers, one of them zeros, form a matrix that two neurons multiply."""
    w, b = [[Value(0.1), Value(0.2)], [Value(0.3), Value(0.4)]], [Value(0.5), Value(0.6)]
    data = ((1.5, -0.5), (0.0, 0.0), (2.5, 0.25))

    def function(k: Any) -> Any:
        return k * autograd.sum([tanh(w[j][0] * x + w[j][1] * y + b[j]) for x, y in data for j in (0, 1)])

    program = lift_constants(simplified(function, 1.0)).verify()
    (nodes,) = program.constant_arrays
    assert sorted(program.constants[i] for i in nodes) == sorted(x for sample in data for x in sample)
    products = [program.sum_of(i) for i in program.operations if program.is_sum(i)][:6]
    assert all(set(total.rights[:2]) <= set(nodes) and total.rights[2:] == (ABSENT,) for total in products)
    assert len({total.rights for total in products}) == 3, "a row of the array for each sample"
    assert len({total.lefts for total in products}) == 2, "and weights for each neuron"
    assert program.evaluate([[0.7]], [p.data for p in leaves_of(function, 1.0)]) == pytest.approx(
        [function(Value(0.7)).data], rel=1e-14
    )
    assert merge_equal_nodes(program).constant_arrays == program.constant_arrays


def leaves_of(function: Function, *examples: Any) -> list[Value]:
    return settled_trace(function, examples)[1]


def test_coefficients_that_are_no_data_stay() -> None:
    w = [Value(0.3), Value(0.4)]
    for function in (lambda x: x * (w[0] - 0.5 * w[1]), lambda x: x * w[0] + 2 * w[1]):
        program = simplified(function, 1.0)
        assert lift_constants(program) is program


# Split projections


def recurrence(steps: int) -> tuple[Function, list[list[float]]]:
    u, w, b = [Value(0.3), Value(-0.2)], Value(0.7), Value(0.1)

    def final(xs: Any) -> Any:
        h: Any = 0.0
        for x in xs:
            h = tanh(dot([*u, w], [*x, h], b))
        return h

    return final, [[0.1 * k, 0.2] for k in range(steps)]


def test_the_inputs_of_a_recurrence_are_projected_apart() -> None:
    function, xs = recurrence(3)
    program = split_projections(lift_constants(simplified(function, xs))).verify()
    projected = [i for i in program.operations if program.is_sum(i) and max(program.operands_of(i)) < 10]
    assert len(projected) == 3, "one for each step, of arguments and parameters alone"
    assert program.evaluate([[0.1, -0.4, 0.3, 0.2, 0.7, 0.9]], [p.data for p in leaves_of(function, xs)]) == (
        pytest.approx([function([[0.1, -0.4], [0.3, 0.2], [0.7, 0.9]]).data], rel=1e-14)
    )


def test_nothing_is_split_off_the_layers_of_a_network() -> None:
    model = nn.MLP(3, [4, 2], seed=0)
    program = simplified(lambda x: model(x), [0.1, 0.2, 0.3])
    assert split_projections(program) is program


# Guards


def test_what_a_choice_does_not_take_is_guarded_where_its_slope_is_infinite() -> None:
    program = simplified(lambda x: where(x > 0, sqrt(x), 2 * x), 1.0)
    (root, condition) = next(iter(program.guards.of.items()))
    assert program.primitive_of(root) is primitives.sqrt
    for x, taken in ((4.0, 1.0), (0.0, 0.0), (-1.0, 0.0)):
        assert program.numbers([[x]], [])[condition] == taken


def test_guards_of_choices_within_choices() -> None:
    """The root is reached if the relu is and the maximum takes it, as running the choices shows."""

    def function(x: Any, y: Any) -> Any:
        return relu(maximum(sqrt(abs(x)), y) - 1)

    program = simplified(function, 2.0, 1.0)
    root = next(i for i in program.operations if program.primitive_of(i) is primitives.sqrt)
    guard = program.guards.of[root]
    assert str(program).split("guards:\n")[1].startswith(f"v{program.guard_operations[0]} = taken(")
    assert guard in program.guard_operations
    for x, y in itertools.product((0.0, 0.25, 4.0, 9.0), (-1.0, 0.5, 2.0, 2.5)):
        reached = max(math.sqrt(x), y) > 1 and math.sqrt(x) >= y
        assert bool(program.numbers([[x], [y]], [])[guard]) == reached


def test_networks_need_no_guards() -> None:
    model = nn.MLP(3, [4, 2], "relu", "identity", seed=0)
    program = simplified(lambda x, y: nn.mean_squared_error(model(x), y), [0.1, 0.2, 0.3], [0.0, 1.0])
    assert (program.guards.size, dict(program.guards.of)) == (0, {})


W = [Value(0.3), Value(0.4), Value(0.2)]
GUARDED: dict[str, tuple[Function, list[str]]] = {
    "a single weight below relu is one of a layer": (lambda x, y: relu(W[0] * x), []),
    "with a bias": (lambda x, y: relu(W[0] * x + W[2]), []),
    "below where it may be meant to handle nan": (lambda x, y: where(x == x, W[0] * x, 0.0), ["sum"]),
    "with a bias, too": (lambda x, y: where(x > 0, W[0] * x + W[2], 0.0), ["sum"]),
    "two weights are a layer even there": (lambda x, y: where(x > 0, W[0] * x + W[1] * y, 0.0), []),
    "a product's slope is the other factor": (lambda x, y: where(x > 0, x * y, 0.0), ["sum"]),
    "below relu as well": (lambda x, y: relu(x * y), ["sum"]),
    "a sum's slope is 1": (lambda x, y: where(y > 0, x + y, 0.0), []),
    "a multiple's slope is a number": (lambda x, y: where(y > 0, 3 * x, 0.0), []),
    "an exponential's slope is its value": (lambda x, y: where(x > 0, exp(x), 0.0), ["exp"]),
    "which relu may not take": (lambda x, y: relu(exp(x) - 1), ["exp"]),
    "a sine has no slope at infinity": (lambda x, y: where(x > 0, autograd.sin(x), 0.0), ["sin"]),
    "where relu would be nan": (lambda x, y: relu(autograd.sin(x)), []),
    "a root's slope is infinite at 0": (lambda x, y: relu(sqrt(x) - 1), ["sqrt"]),
    "an exponential of the choice is finite": (lambda x, y: exp(where(x > 0, sqrt(x), 0.0)), ["sqrt"]),
    "a logarithm": (lambda x, y: where(y > 0, autograd.log(x + y), 0.0), ["log"]),
    "a square's slope grows with it": (lambda x, y: where(y > 0, x**2, 0.0), ["constant_power"]),
    "what is read elsewhere is reached always": (lambda x, y: where(x > 0, sqrt(x), 0.0) + sqrt(x), []),
    "a sine is finite if it is weighted": (
        lambda x, y: where(x > 0, W[0] * autograd.sin(x) + W[1] * autograd.sin(y) + W[2], 0.0),
        [],
    ),
    "tanh hides that a weighted number is infinite": (
        lambda x, y: where(x > 0, W[0] * tanh(W[1] * x) + W[2] * tanh(W[1] * y), 0.0),
        ["sum", "sum"],
    ),
    "nor does a sum above it show that": (
        lambda x, y: where(x > 0, W[0] * (x + tanh(W[1] * x)) + W[2] * y, 0.0),
        ["sum"],
    ),
    "a choice within a choice": (lambda x, y: tanh(where(x > 0, relu(y), 0.0)), []),
    "the second of two branches": (lambda x, y: where(x > 0, 0.0, sqrt(x * x)), ["sqrt", "sum"]),
    "but not that it is nan, which relu does not": (lambda x, y: relu(W[0] * tanh(W[1] * x) + W[2] * tanh(y)), []),
    "a root that is away from 0 may still be infinite": (
        lambda x, y: where(y > 0, sqrt(y * y + 1.0), 0.0),
        ["sqrt", "sum"],
    ),
}


@pytest.mark.parametrize("reason", GUARDED)
def test_guards_are_added_where_they_can_make_a_difference(reason: str) -> None:
    function, guarded = GUARDED[reason]
    program = simplified(function, 1.0, 2.0)
    made_by = [program.primitive_of(i) for i in program.guards.of]
    assert sorted("sum" if primitive is None else primitive.name for primitive in made_by) == guarded
    assert not program.guards.choices and not program.guards.unreached


@pytest.mark.parametrize(
    ("function", "guarded"),
    [
        (lambda x, y: sqrt(where(x > 0, W[0] * x + W[1] * y, 0.0)), 0),
        (lambda x, y: sqrt(where(x > 0, x * y, 0.0)), 1),
        (lambda x, y: sqrt(exp(where(x > 0, x, 0.0)) - 1), 0),
        (lambda x, y: sqrt(2 * where(x > 0, x, y) - y), 0),
    ],
)
def test_choices_below_a_root_are_careful(function: Function, guarded: int) -> None:
    """The root's infinite slope reaches them through operations with finite slopes."""
    program = simplified(function, 1.0, 2.0)
    assert [program.primitive_of(i) for i in program.guards.choices] == [primitives.where]
    assert len(program.guards.of) == guarded


def test_what_no_derivative_reaches_is_said() -> None:
    program = add_guards(traced(lambda x: [x * 2, sqrt(x)], 1.0, differentiated=1)).verify()
    assert [program.primitive_of(i) for i in program.guards.unreached] == [primitives.sqrt]
    assert "sqrt(x)  # no derivative" in str(program)
    functions: list[Function] = [exp, autograd.sin, tanh, lambda x: x * x, lambda x: 3 * x, lambda x: x + 1]
    functions += [lambda x: W[0] * x, lambda x: dot(W, [x, x, x])]
    for function, unreached in zip(functions, (1, 1, 1, 1, 0, 0, 1, 0), strict=True):
        program = with_auxiliary(function)
        assert len(program.guards.unreached) == unreached


def test_no_derivative_reaches_what_is_compared() -> None:
    program = simplified(lambda x, y: (sqrt(x) > 1) * y, 4.0, 2.0)
    assert [program.primitive_of(i) for i in program.guards.unreached] == [primitives.sqrt]


def with_auxiliary(function: Function) -> ScalarProgram:
    """Return the program of 2 x and of a function of x that is not differentiated, with guards."""
    return add_guards(collect_sums(traced(lambda x: [x * 2, function(x)], 1.0, differentiated=1))).verify()


def test_a_choice_at_which_an_infinite_derivative_arrives_is_careful() -> None:
    program = simplified(lambda x: sqrt(relu(x)), 1.0)
    assert [program.primitive_of(i) for i in program.guards.choices] == [primitives.relu]


def test_0_times_a_positive_number_is_not_away_from_zero() -> None:
    """Its root has an infinite slope, which must not reach relu, since relu does not take it."""

    def function(y: Any) -> Any:
        return relu(sqrt(0.0 * sqrt(y * y + 1.0)) - 1.0) + y

    assert autograd.compile(function, 0.5).input_gradients(-0.5) == autograd.grad(function)(-0.5) == 1.0


SIGNS: list[tuple[Function, str]] = [
    (lambda x: x * x, "NONNEGATIVE"),
    (lambda x: x * tanh(x), "ANY"),
    (lambda x: x * x + 1e-5, "POSITIVE"),
    (lambda x: 1e-5 + x * x, "POSITIVE"),
    (lambda x: x * x - 1e-5, "ANY"),
    (lambda x: x * x - exp(x), "ANY"),
    (lambda x: x * x + x, "ANY"),
    (lambda x: 2 * (x * x + 1.0) / 3, "POSITIVE"),
    (lambda x: -2 * (x * x + 1.0), "ANY"),
    (lambda x: (x * x + 1.0) / -3, "ANY"),
    (lambda x: 0.0 * (x * x + 1.0), "ANY"),
    (lambda x: 0.0 * sqrt(x * x + 1.0), "NONNEGATIVE"),
    (lambda x: 0.0 * sqrt(x * x + 1.0) + 0.5, "POSITIVE"),
    (lambda x: exp(x) * exp(tanh(x)), "NONNEGATIVE"),
    (lambda x: sqrt(x * x), "NONNEGATIVE"),
    (lambda x: sqrt(x * x + 1.0), "POSITIVE"),
    (lambda x: exp(x), "NONNEGATIVE"),
    (lambda x: abs(x), "NONNEGATIVE"),
    (lambda x: tanh(x), "ANY"),
    (lambda x: maximum(tanh(x), exp(x)), "NONNEGATIVE"),
    (lambda x: maximum(tanh(x), 0.5), "POSITIVE"),
    (lambda x: maximum(tanh(x), x), "ANY"),
    (lambda x: tanh(x) ** 4, "NONNEGATIVE"),
    (lambda x: tanh(x) ** 3, "ANY"),
    (lambda x: exp(x) ** 3, "NONNEGATIVE"),
]


@pytest.mark.parametrize(("function", "sign"), SIGNS)
def test_signs_are_those_of_the_numbers(function: Function, sign: str) -> None:
    """The inferred sign is the strongest that floating-point arithmetic allows; an exponential may underflow to 0."""
    program = simplified(function, 1.0, until="collect sums")
    assert signs(program)[program.outputs[0]].name == sign
    numbers = [program.evaluate([[x]], [])[0] for x in (-800.0, -1.0, -1e-170, 0.0, 1e-170, 0.3, 700.0)]
    assert sign == "ANY" or min(numbers) >= 0.0
    assert sign != "POSITIVE" or min(numbers) >= 1e-5


@pytest.mark.parametrize("divisor", [-0.0, -0.5])
def test_a_positive_number_divided_by_a_negative_one_is_negative(divisor: float) -> None:
    """The divisor may also be -0.0: a trace never divides by it, but a program may."""
    builder = Builder([1], 0)
    total = builder.sum(Sum([1.0], [0], [0], [0], 1e-5, False, 1.0, divisor))
    program = builder.program([total])
    assert program.evaluate([[2.0]], [])[0] < 0
    assert signs(program)[total].name == "ANY"


def test_guards_are_added_once() -> None:
    program = simplified(lambda x: where(x > 0, sqrt(x), 2 * x), 1.0)
    with pytest.raises(ValueError, match="guards already"):
        add_guards(program)


# All of them

ROUNDING: dict[str, tuple[int, Function]] = {
    "subtract": (2, lambda a, b: a - b),
    "multiply": (2, lambda a, b: a * tanh(b)),
    "divide": (1, lambda a: a / 3),
    "scale": (1, lambda a: 0.1 * a),
    "negate": (1, lambda a: -a),
    "add": (2, lambda a, b: tanh(a) + tanh(b)),
    "affine": (1, lambda a: (0.3 * a - 0.7) / 7),
    "scaled difference": (2, lambda a, b: 1.7 * (a - b)),
    "square": (1, lambda a: tanh(a) ** 2),
    "exponential": (1, lambda a: exp(tanh(a))),
    "root": (1, lambda a: sqrt(a * a + 0.5)),
    "choice": (2, lambda a, b: where(a > b, a, 0.5 * b)),
    "root of a choice": (2, lambda a, b: sqrt(maximum(a - b, 0.0))),
    "constant": (1, lambda a: a * (Value(2.0) * 0.75 - Value(1.0))),
}
"""Operations whose numbers no pass may change in the last bit: there are no reductions among them."""

REDUCTIONS: dict[str, tuple[int, Function]] = {
    "sum": (4, lambda *xs: autograd.sum([tanh(x) for x in xs])),
    "chain": (4, lambda a, b, c, d: 0.1 * a + b + tanh(c) * d + 0.25),
    "dot": (5, lambda a, b, c, d, e: dot([tanh(a), b], [c, tanh(d)], e) / 4),
    "logsumexp": (3, lambda *xs: logsumexp(xs)),
    "sigmoid": (1, lambda a: 1 / (1 + exp(-tanh(a)))),
    "sum of one": (1, lambda a: autograd.sum([a]) + dot([a], [0.5], 0.0)),
}

EXACT = {"fold constants", "merge equal nodes", "add guards"}
"""Passes that change no bit of any program."""


def same_bits(a: Sequence[float], b: Sequence[float]) -> bool:
    return [struct.pack("d", x) for x in a] == [struct.pack("d", x) for x in b]


def random_function(layers: Sequence[tuple[str, list[int]]], table: dict[str, tuple[int, Function]]) -> Function:
    """Make a function of three numbers and two parameters that applies these operations in turn."""
    w = [Value(0.3, "w0"), Value(-1.2, "w1")]

    def function(x: Any) -> list[Any]:
        known = [*x, *w]
        for name, places in layers:
            count, operation = table[name]
            known.append(operation(*(known[-1 - p % len(known)] for p in places[:count])))
        return known[-3:]

    return function


def layers_of(table: dict[str, tuple[int, Function]]) -> st.SearchStrategy[list[tuple[str, list[int]]]]:
    places = st.lists(st.integers(0, 6), min_size=5, max_size=5)
    return st.lists(st.tuples(st.sampled_from(sorted(table)), places), min_size=3, max_size=14)


NUMBERS = st.lists(st.floats(-3, 3), min_size=3, max_size=3)


def stages(function: Function) -> list[tuple[str, ScalarProgram]]:
    """Return the program of a function after each pass."""
    program = traced(function, [0.5, -0.25, 1.5])
    after = [("trace", program)]
    for name, run in (*SIMPLIFY, *PREPARE_FOR_ARRAYS):
        program = run(program).verify()
        after.append((name, program))
        assert len(str(program).splitlines()) >= len(program.operations)
    return after


def leaves_in_order(program: ScalarProgram) -> list[float]:
    """Return the numbers of the captured parameters, by their labels."""
    return [{"w0": 0.3, "w1": -1.2}[program.labels[i]] for i in program.parameters]


def test_passes_run_one_after_the_other() -> None:
    function = random_function(
        [("affine", [0] * 5), ("square", [0] * 5), ("root of a choice", [0, 1, 0, 0, 0])], ROUNDING
    )
    (_, program), *after = stages(function)
    assert str(run_passes((*SIMPLIFY, *PREPARE_FOR_ARRAYS), program)) == str(after[-1][1]) != str(program)


@given(layers_of(ROUNDING), NUMBERS)
def test_no_pass_changes_a_bit_where_there_are_no_reductions(
    layers: list[tuple[str, list[int]]], x: list[float]
) -> None:
    function = random_function(layers, ROUNDING)
    for numbers in ([0.5, -0.25, 1.5], x):
        expected = [v.data if isinstance(v, Value) else v for v in function([Value(a) for a in numbers])]
        for name, program in stages(function):
            assert same_bits(program.evaluate([numbers], leaves_in_order(program)), expected), name


@given(layers_of(ROUNDING | REDUCTIONS), NUMBERS)
def test_random_programs_compute_after_each_pass_what_the_graph_does(
    layers: list[tuple[str, list[int]]], x: list[float]
) -> None:
    function = random_function(layers, ROUNDING | REDUCTIONS)
    for numbers in ([0.5, -0.25, 1.5], x):
        expected = [v.data if isinstance(v, Value) else v for v in function([Value(a) for a in numbers])]
        before = expected
        for name, program in stages(function):
            outputs = program.evaluate([numbers], leaves_in_order(program))
            if name == "trace" or name in EXACT:
                assert same_bits(outputs, before), name
            assert outputs == pytest.approx(expected, rel=1e-9, abs=1e-9), name
            before = outputs
