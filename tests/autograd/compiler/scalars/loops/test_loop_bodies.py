"""The body of a loop, and what the loop reads of the program around it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import pytest

from autograd.arrays import np
from autograd.compiler.scalars.columns import Guards
from autograd.compiler.scalars.loops.body import Body, Part
from autograd.compiler.scalars.loops.operations import operations_of
from autograd.compiler.scalars.loops.recurrences import recurrence
from autograd.compiler.scalars.nodes import Sum
from autograd.compiler.scalars.program import ScalarProgram

Unroll = Callable[..., ScalarProgram]
STEPS = 4


def body_of(program: ScalarProgram, start: int, members: int, split: bool = True, period: int = 0) -> Body:
    """Return the body of a loop whose steps begin at a place."""
    operations = operations_of(program)
    places = start + np.arange(members) + (period or members) * np.arange(STEPS)[:, None]
    found = recurrence(operations, list(range(members)), places)
    assert found is not None
    return Body(program, operations, found, split)


def names(program: ScalarProgram, *nodes: int) -> list[str]:
    """Return the arguments' numbers and parameters among nodes by their names."""
    sizes = program.argument_sizes[0]
    return [f"x{i}" if i < sizes else f"p{i - sizes}" if i < sizes + program.parameter_count else "node" for i in nodes]


def test_a_body_has_states_numbers_read_by_step_and_invariant_numbers(unrolled: Unroll) -> None:
    program = unrolled(
        ["b@ = mul(a@-1, p3)", "c@ = hypot(b@, x@)", "a@ = mul(c@, h)"],
        STEPS,
        ["h = 0.5", "a_-1 = sin(x[7])"],
        ["return a@-1"],
    )
    body = body_of(program, 1, 3)
    begin = program.operations[0]
    assert body.states == [(2, (begin,))]
    assert names(program, *body.same) == ["p3"]
    assert [names(program, *row) for row in body.read.tolist()] == [["x0"], ["x1"], ["x2"], ["x3"]]
    assert str(body.program([])) == "v3 = mul(x1, x3)\nv4 = hypot(v3, x2)\nv6 = mul(v4, 0.5)\nreturn v6"
    assert str(body.program([0, 2])).splitlines()[-1] == "return v6, v3, v6"
    assert body.parts == []


def test_outer_nodes_are_those_of_all_steps_and_the_initial_values(unrolled: Unroll) -> None:
    program = unrolled(["a@ = sum(a@-2*p0; x@, p1)"], STEPS, ["a_-1 = sin(x[7])", "a_-2 = cos(x[7])"], ["return a@-1"])
    body = body_of(program, 2, 1, split=False)
    sine, cosine = program.operations[:2]
    p0, p1 = 8, 9
    expected = [sine, cosine, *[p0, p1] * STEPS, *range(STEPS)]
    assert sorted(body.reads_outside().tolist()) == sorted(expected)


def test_a_state_of_two_steps_before_is_two_states(unrolled: Unroll) -> None:
    """With two initial values, the state is the result two steps before; the other one is that of the last step."""
    program = unrolled(["a@ = hypot(a@-2, p0)"], STEPS, ["a_-1 = sin(x[7])", "a_-2 = cos(x[7])"], ["return a@-1"])
    body = body_of(program, 2, 1)
    sine, cosine = program.operations[:2]
    assert body.states == [(0, (sine,)), (0, (cosine, sine))]
    assert str(body.program([])) == "v3 = hypot(x1[1], x3)\nreturn v3, x1[0]"


def test_the_lags_of_one_state_share_its_states(unrolled: Unroll) -> None:
    before = ["a_-1 = sin(x[7])", "a_-2 = cos(x[7])"]
    program = unrolled(["a@ = hypot(a@-1, a@-2)"], STEPS, before, ["return a@-1"])
    body = body_of(program, 2, 1)
    assert len(body.states) == 2
    assert str(body.program([0])) == "v2 = hypot(x1[0], x1[1])\nreturn v2, x1[0], v2"


def test_equal_columns_are_read_once(unrolled: Unroll) -> None:
    lines = ["b@ = hypot(a@-1, x@)", "c@ = hypot(b@, x@)", "a@ = hypot(c@, p0)", "d@ = hypot(a@, p0)"]
    body = body_of(unrolled(lines, STEPS, ["a_-1 = sin(x[7])"], ["return d@-1"]), 1, 4)
    assert body.read.shape == (STEPS, 1)
    assert len(body.same) == 1
    assert str(body.program([])).splitlines()[:2] == ["v3 = hypot(x1, x2)", "v4 = hypot(v3, x2)"]


def test_different_columns_are_read_in_their_order(unrolled: Unroll) -> None:
    rows = [[f"a_{t} = hypot(a_{t - 1}, x[{t}])", f"b_{t} = hypot(p{t + 2}, a_{t})"] for t in range(STEPS)]
    program = unrolled([], 0, ["a_-1 = sin(x[7])", *itertools.chain.from_iterable(rows)], ["return b_3"])
    body = body_of(program, 1, 2)
    assert [names(program, *row) for row in body.read.tolist()] == [[f"x{t}", f"p{t + 2}"] for t in range(STEPS)]
    assert str(body.program([1])) == "v3 = hypot(x1, x2[0])\nv4 = hypot(x2[1], v3)\nreturn v3, v4"


@pytest.mark.parametrize(
    ("terms", "parts", "body"),
    [
        ("a@-1*p0, x@*p1", [[1]], "sum(x1*x3, x2)"),
        ("x@*p1, a@-1*p0", [[0]], "sum(x2, x1*x3)"),
        ("a@-1*p0; x@*p1", [[1]], "sum(x1*x3; x2)"),
        ("a@-1*p0, x@", [], "sum(x1*x3, x2)"),
        ("a@-1*p0, x@, x[5]", [[1, 2]], "sum(x1*x3, x2)"),
        ("x@, a@-1*p0, x[5]", [[0, 2]], "sum(x1*x3, x2)"),
        ("a@-1*p0, x[6], x[5]", [], "sum(x1*x3[2], x3[0], x3[1])"),
        ("a@-1*p0, p1*p2", [], "sum(x1*x3[1], x3[0]*x3[2])"),
        ("a@-1*p0, -x@*p1, 2.0*x[5]", [[1, 2]], "sum(x1*x3, x2)"),
        ("a@-1*p0, x@*p1; x@*p2", [[1], [2]], "sum(x1*x3, x2[0]; x2[1])"),
        ("a@-1*x@, x@*p1", [[1]], "sum(x1*x2[0], x2[1])"),
        ("x@*a@-1, a@-1", [], "sum(x2*x1, x1)"),
    ],
)
def test_terms_that_do_not_read_the_loop_are_split_off(
    terms: str, parts: list[list[int]], body: str, unrolled: Unroll
) -> None:
    """Products, or several terms; those that are the same at all steps stay."""
    program = unrolled([f"a@ = sum({terms})"], STEPS, ["a_-1 = sin(x[7])"], ["return a@-1"])
    found = body_of(program, 1, 1)
    assert found.parts == [Part(0, places) for places in parts]
    result = str(found.program([])).splitlines()[0]
    assert result.split(" = ")[1] == body
    for step, i in enumerate(program.operations[1:]):
        total = program.sum_of(i)
        for part, places in zip(found.parts, parts):
            lefts, rights = [total.lefts[n] for n in places], [total.rights[n] for n in places]
            expected = Sum([total.coefficients[n] for n in places], lefts, rights, [0] * len(places))
            assert found.part(part, step) == expected
    assert body_of(program, 1, 1, split=False).parts == []


def test_parts_of_several_sums_come_after_what_is_read(unrolled: Unroll) -> None:
    lines = ["b@ = sum(x@*p0, a@-1*p1)", "c@ = hypot(b@, x@)", "a@ = sum(c@, x@*p2)"]
    body = body_of(unrolled(lines, STEPS, ["a_-1 = sin(x[7])"], ["return a@-1"]), 1, 3)
    assert body.parts == [Part(0, [0]), Part(2, [1])]
    assert str(body.program([])) == ("v5 = sum(x2[1], x1*x3)\nv6 = hypot(v5, x2[0])\nv7 = sum(v6, x2[2])\nreturn v7")


def test_sums_keep_their_scaling_and_literals(unrolled: Unroll) -> None:
    program = unrolled(
        ["a@ = 2.0 * sum(a@-1, h*x@; 0.25) / 3.0"], STEPS, ["h = 0.5", "a_-1 = sin(x[7])"], ["return a@-1"]
    )
    body = body_of(program, 1, 1, split=False)
    assert str(body.program([])) == "v3 = 2.0 * sum(x1, 0.5*x2; 0.25) / 3.0\nreturn v3"
    assert body.same == []


def test_elements_of_constant_arrays_are_no_literals(unrolled: Unroll) -> None:
    program = unrolled(["a@ = hypot(a@-1, c)"], STEPS, ["c = 0.5", "a_-1 = sin(x[7])"], ["return a@-1"])
    (constant,) = program.constants
    assert str(body_of(program, 1, 1).program([])) == "v2 = hypot(x1, 0.5)\nreturn v2"
    data = replace(program, constant_arrays=((constant,),))
    body = body_of(data, 1, 1)
    assert body.same == [constant]
    assert str(body.program([])) == "v2 = hypot(x1, x3)\nreturn v2"


def test_labels_and_choices_are_those_of_the_first_step(unrolled: Unroll) -> None:
    lines = ["b@ = hypot(a@-1, p3)", "c@ = where(x@, b@, n@)", "a@ = hypot(c@, p4)"]
    before = ["a_-1 = sin(x[7])", *(f"n_{t} = exp(x[{t}])" for t in range(STEPS))]
    program = unrolled(lines, STEPS, before, ["return a@-1"])
    b, c, a = program.operations[1 + STEPS : 4 + STEPS]
    labels: dict[int, str] = {b: "b", 8 + 4: "w", 8 + 3: "u", a: "a"}
    choices = frozenset(program.operations[2 + STEPS :: 3])
    assert c in choices
    marked = replace(program, labels=MappingProxyType(labels), guards=Guards(choices=choices))
    body = body_of(marked, 1 + STEPS, 3).program([])
    # The nodes: the state, two numbers read by step, two invariant numbers, and three operations.
    assert dict(body.labels) == {5: "b", 7: "a", 3: "u", 4: "w"}
    assert body.guards.choices == {6}


def test_a_body_can_be_written_several_times(unrolled: Unroll) -> None:
    body = body_of(unrolled(["a@ = hypot(a@-1, h)"], STEPS, ["h = 0.5", "a_-1 = sin(x[7])"], ["return a@-1"]), 1, 1)
    assert body.program([0]) == body.program([0])
