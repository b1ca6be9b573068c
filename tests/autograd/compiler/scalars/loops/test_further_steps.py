"""Loops of some steps are extended by all steps before and after them that do the same, wherever these lie."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from autograd.arrays import np
from autograd.compiler.cost_of_loops import MOST_UNKNOWN
from autograd.compiler.scalars.loops.earlier import with_earlier_steps
from autograd.compiler.scalars.loops.later import NextStep, with_later_steps
from autograd.compiler.scalars.loops.operations import Operations, operations_of
from autograd.compiler.scalars.loops.periods import Run
from autograd.compiler.scalars.loops.recurrences import Levels, recurrence
from autograd.compiler.scalars.loops.stretches import stretches_of
from autograd.compiler.scalars.program import ScalarProgram

Unroll = Callable[..., ScalarProgram]
Names = dict[str, int]
STEPS = 8


def written(parse: Any, lines: Sequence[str], end: str, **settings: Any) -> tuple[ScalarProgram, Names]:
    """Return a program, and its nodes by the names in the listing."""
    program = parse("\n".join([*lines, end]), **settings)
    return program, dict(zip([line.split(" = ")[0] for line in lines if "(" in line], program.operations))


def at(line: str, t: int) -> str:
    return line.replace("@-1", f"_{t - 1}").replace("@-2", f"_{t - 2}").replace("x@", f"x[{t}]").replace("@", f"_{t}")


def loops_of(operations: Operations, nodes: Names, several: Sequence[Sequence[str]], steps: range) -> list[Levels]:
    """Return a loop of these operations for each of several groups."""
    levels = []
    for members in several:
        rows = [[int(operations.place[nodes[f"{name}_{t}"]]) for name in members] for t in steps]
        loop = recurrence(operations, list(range(len(members))), np.array(rows))
        assert loop is not None
        levels.append(Levels(None, 0, [], {1: loop}))  # type: ignore[arg-type]  # the stretch is not read
    return levels


def steps_of(operations: Operations, nodes: Names, levels: Levels, member: str) -> list[int]:
    """Return the steps that a loop covers, by its first operation."""
    name_of = {i: name for name, i in nodes.items()}
    names = [name_of[i] for i in operations.nodes[levels.loops[1].places[:, 0]].tolist()]
    assert all(name.startswith(f"{member}_") for name in names)
    return [int(name.split("_")[1]) for name in names]


def extended(
    program: ScalarProgram, nodes: Names, several: Sequence[Sequence[str]], excluded: Sequence[str] = ()
) -> list[tuple[list[int], list[int]]]:
    """Extend loops of three steps in the middle; return the steps with earlier ones, and with later ones."""
    operations = operations_of(program)
    marks = np.zeros(len(program), dtype=bool)
    marks[[nodes[name] for name in excluded]] = True
    chosen = loops_of(operations, nodes, several, range(3, 6))
    earlier = with_earlier_steps(operations, chosen, marks)
    later = with_later_steps(program, operations, chosen, marks)
    for result in (earlier, later):
        steps = [levels.loops[1].steps for levels in result]
        assert (result is chosen) == (steps == [3] * len(several))
    return [
        (steps_of(operations, nodes, a, members[0]), steps_of(operations, nodes, b, members[0]))
        for a, b, members in zip(earlier, later, several)
    ]


def all_steps(lines: Sequence[str]) -> list[str]:
    return [at(line, t) for t in range(STEPS) for line in lines]


PLAIN = ["b@ = hypot(a@-1, x@)", "a@ = mul(b@, p0)"]
BEGIN, END = ["a_-2 = cos(x[7])", "a_-1 = sin(x[0])"], "return a_7"


def test_all_steps_that_do_the_same_are_found(parse: Any) -> None:
    program, nodes = written(parse, [*BEGIN, *all_steps(PLAIN)], END)
    assert extended(program, nodes, [["b", "a"]]) == [(list(range(6)), list(range(3, 8)))]
    assert extended(program, nodes, [["a", "b"]][:0]) == []


@pytest.mark.parametrize("seed", range(4))
def test_steps_are_found_wherever_they_lie(seed: int, parse: Any) -> None:
    """Other operations lie between those of the steps, and those of a step are in any order that is possible."""
    chance = random.Random(seed)
    every = [*BEGIN]
    for t in range(STEPS):
        others = [f"n_{t}_{k} = {chance.choice(['hypot', 'mul'])}(x[{t}], x[0])" for k in range(chance.randrange(3))]
        step = [["b@ = hypot(a@-1, x@)"], ["c@ = mul(a@-1, p1)", *others, "d@ = atan2(c@, p2)"]]
        chance.shuffle(step)
        every += [at(line, t) for line in (*step[0], *step[1], "a@ = hypot(b@, d@)")]
    program, nodes = written(parse, every, END)
    assert extended(program, nodes, [["b", "c", "d", "a"]]) == [(list(range(6)), list(range(3, 8)))]


CHANGES: dict[str, tuple[str, list[str]]] = {
    "another operation": ("a", ["a@ = atan2(b@, p0)"]),
    "another invariant number": ("a", ["a@ = mul(b@, p1)"]),
    "operands in another order": ("a", ["a@ = mul(p0, b@)"]),
    "an operation between": ("a", ["m@ = exp(b@)", "a@ = mul(m@, p0)"]),
    "the step before that": ("b", ["b@ = hypot(a@-2, x@)"]),
    "another state": ("b", ["n@ = sin(a@-1)", "b@ = hypot(n@, x@)"]),
}


@pytest.mark.parametrize("step", [0, 1, 2, 6, 7])
@pytest.mark.parametrize("reason", CHANGES)
def test_steps_that_differ_are_not_of_the_loop(reason: str, step: int, parse: Any) -> None:
    name, instead = CHANGES[reason]
    every = []
    for t in range(STEPS):
        for line in PLAIN:
            every += [at(new, t) for new in (instead if t == step and line.startswith(name) else [line])]
    program, nodes = written(parse, [*BEGIN, *every], END)
    earlier, later = extended(program, nodes, [["b", "a"]])[0]
    # A step that reads another node in place of the state may be the first, unless that is the state of another step.
    is_first = name == "b"
    skipped = [0] if reason == "the step before that" and step == 2 else []
    assert earlier == (skipped + list(range(step + (not is_first), 6)) if step < 3 else list(range(6)))
    assert later == (list(range(3, step)) if step > 5 else list(range(3, 8)))


@pytest.mark.parametrize("name", [f"{name}_{t}" for t in (0, 1, 2, 6, 7) for name in "ba"])
def test_excluded_operations_stay_outside(name: str, parse: Any) -> None:
    program, nodes = written(parse, [*BEGIN, *all_steps(PLAIN)], END)
    step = int(name.split("_")[1])
    earlier, later = extended(program, nodes, [["b", "a"]], [name])[0]
    assert earlier == list(range(step + 1 if step < 3 else 0, 6))
    assert later == list(range(3, step if step > 5 else 8))


def test_loops_that_read_another_are_extended_with_it(parse: Any) -> None:
    lines = ["a@ = hypot(a@-1, x@)", "c@ = hypot(c@-1, a@)"]
    program, nodes = written(parse, [*BEGIN, "c_-1 = tanh(x[0])", *all_steps(lines)], "return c_7")
    assert extended(program, nodes, [["a"], ["c"]]) == [(list(range(6)), list(range(3, 8)))] * 2
    assert extended(program, nodes, [["a"], ["c"]], ["a_1", "a_6"]) == [
        (list(range(2, 6)), list(range(3, 6))),
        (list(range(6)), list(range(3, 8))),
    ]


def test_no_operation_is_of_two_loops(parse: Any) -> None:
    """Both loops begin with the same steps."""
    first = [at(line, t) for t in range(3) for line in ["a@ = hypot(a@-1, x@)"]]
    rest = [at(line, t) for t in range(3, STEPS) for line in ["a@ = hypot(a@-1, x@)", "c@ = hypot(c@-1, x@)"]]
    rest[1] = rest[1].replace("c_2", "a_2")
    program, nodes = written(parse, [*BEGIN, *first, *rest], "return a_7, c_7")
    (a, _), (c, _) = extended(program, nodes, [["a"], ["c"]])
    assert (a, c) == (list(range(6)), [3, 4, 5])


def test_states_of_two_steps_before(parse: Any) -> None:
    lines = ["a@ = hypot(a@-1, a@-2)"]
    program, nodes = written(parse, [*BEGIN, *all_steps(lines)], "return a_7, a_6")
    assert extended(program, nodes, [["a"]]) == [(list(range(6)), list(range(3, 8)))]


def test_a_loop_ends_where_another_begins(parse: Any) -> None:
    """Two loops of three steps each of the same recurrence: the steps between may belong to either."""
    lines = [at("a@ = hypot(a@-1, x@)", t) for t in range(12)]
    program, nodes = written(parse, [*BEGIN, *lines], "return a_11", arguments=12)
    operations, marks = operations_of(program), np.zeros(len(program), dtype=bool)
    chosen = [loops_of(operations, nodes, [["a"]], steps)[0] for steps in (range(2, 5), range(8, 11))]
    first, second = with_earlier_steps(operations, chosen, marks)
    assert steps_of(operations, nodes, first, "a") == list(range(5))
    assert steps_of(operations, nodes, second, "a") == list(range(5, 11))
    first, second = with_later_steps(program, operations, chosen, marks)
    assert steps_of(operations, nodes, first, "a") == list(range(2, 8))
    assert steps_of(operations, nodes, second, "a") == list(range(8, 12))


def test_the_first_operation_of_a_program_may_be_of_the_loop(parse: Any) -> None:
    lines = [at(line, t).replace("a_-1", "p7") for t in range(STEPS) for line in PLAIN]
    program, nodes = written(parse, lines, END)
    assert extended(program, nodes, [["b", "a"]]) == [(list(range(6)), list(range(3, 8)))]


def test_several_states_are_followed(parse: Any) -> None:
    """Two operations read a, and another state is read with it."""
    lines = ["b@ = hypot(z@-1, a@-1)", "c@ = mul(a@-1, p1)", "a@ = hypot(b@, c@)", "z@ = mul(a@, p2)"]
    program, nodes = written(parse, [*BEGIN, "z_-1 = tanh(x[0])", *all_steps(lines)], "return a_7, z_7")
    assert extended(program, nodes, [["b", "c", "a", "z"]]) == [(list(range(6)), list(range(3, 8)))]


def test_numbers_of_an_argument_follow_one_another(parse: Any) -> None:
    """A step reads the number as far after the last one as this is after the one before."""
    several: list[tuple[Sequence[int], int]] = [(range(8), 8), (range(0, 16, 2), 8), ([*range(7), 8], 7)]
    for numbers, steps in several:
        lines = [f"a_{t} = hypot(a_{t - 1}, x[{k}])" for t, k in enumerate(numbers)]
        program, nodes = written(parse, [*BEGIN, *lines], END, arguments=16)
        assert extended(program, nodes, [["a"]])[0][1] == list(range(3, steps))


def test_other_numbers_by_step_may_be_computed(parse: Any) -> None:
    """An operation outside of the loop computes what a step reads, from numbers that follow one another."""
    lines = ["n@ = exp(x@)", "m@ = hypot(n@, p1)", "a@ = hypot(a@-1, m@)"]
    program, nodes = written(parse, [*BEGIN, *all_steps(lines)], END)
    assert extended(program, nodes, [["a"]])[0] == (list(range(6)), list(range(3, 8)))


def next_step(program: ScalarProgram, nodes: Names, members: Sequence[str], steps: range) -> NextStep:
    operations = operations_of(program)
    loops = [levels.loops[1] for levels in loops_of(operations, nodes, [members], steps)]
    return NextStep(program, operations, loops)


def test_each_node_of_a_step_has_a_counterpart_in_the_next(parse: Any) -> None:
    program, nodes = written(parse, [*BEGIN, *all_steps(PLAIN), "e = exp(a_5)", "f = exp(a_6)"], "return a_7, e, f")
    step = next_step(program, nodes, ["b", "a"], range(3, 6))
    assert step.after(nodes["a_3"], nodes["a_4"]) == nodes["a_5"]
    assert step.after(nodes["a_4"], nodes["a_5"]) == nodes["a_6"]
    assert step.after(nodes["a_6"], nodes["a_7"]) is None
    p0 = 8
    assert step.after(p0, p0) == p0
    assert step.after(p0, p0 + 1) is None  # parameters do not follow one another
    assert step.after(3, 4) == 5
    assert step.after(6, 7) is None  # the last number of the argument
    assert step.after(7, 8) is None  # a number and a parameter
    assert step.after(-1, -1) == -1
    assert step.after(-1, 4) is None
    assert step.after(nodes["a_4"], 4) is None
    assert next_step(program, nodes, ["b", "a"], range(3, 6)).after(4, nodes["a_6"]) is None


def test_the_search_for_counterparts_ends_after_many_that_are_missing(parse: Any) -> None:
    """In a network of comparators, pairs of operations are as many as the square of the operations."""
    lines = [*BEGIN, *all_steps(PLAIN), "e = exp(a_5)", "f = exp(a_6)", "g = exp(a_7)"]
    program, nodes = written(parse, lines, "return e, f, g")
    for missing, expected in ((MOST_UNKNOWN - 1, nodes["g"]), (MOST_UNKNOWN, None)):
        step = next_step(program, nodes, ["b", "a"], range(3, 8))
        step.unknown.update((k, k) for k in range(missing))
        assert step.after(nodes["e"], nodes["f"]) == expected
        assert step.after(nodes["a_5"], nodes["a_6"]) == nodes["a_7"]


def test_an_operation_is_like_another_if_it_reads_the_given_nodes(parse: Any) -> None:
    lines = [
        "a_-1 = sin(x[0])",
        "a_0 = mul(a_-1, p0)",
        "a_1 = mul(a_0, p0)",
        "a_2 = mul(a_1, p0)",
        "u = hypot(a_2, p1)",
        "v = hypot(a_2, p2)",
        "v2 = hypot(a_2, p2)",
        "w = hypot(p1, a_2)",
        "y = atan2(a_2, p1)",
        "z = hypot(a_2, p1)",
    ]
    program, nodes = written(parse, lines, "return u, v, v2, w, y, z")
    step = next_step(program, nodes, ["a"], range(3))
    a, p1, p2 = nodes["a_2"], 9, 10
    assert step.row(nodes["u"]) == [a, p1]
    assert step.like(nodes["w"], [a, p1]) == nodes["z"]  # the first one later than w
    assert step.like(nodes["a_0"], [a, p1]) is None
    assert step.like(nodes["v"], [a, p1]) == nodes["z"]
    assert step.like(nodes["z"], [a, p2]) == nodes["v2"]  # the last one, if none is later
    assert step.like(nodes["u"], [p1, None]) == nodes["w"]
    assert step.like(nodes["u"], [None, p1]) is None  # two of them
    assert step.like(nodes["u"], [a, p1, p1]) is None
    assert step.like(nodes["u"], [None, None]) is None


def test_a_run_of_steps_may_begin_before_the_loop(parse: Any) -> None:
    """The loop that is found in a stretch has all steps; there is nothing to extend."""
    program, _ = written(parse, [*BEGIN, *all_steps(PLAIN)], END)
    operations = operations_of(program)
    (stretch, *_) = stretches_of(operations, Run(2, 18, 2))
    loop = recurrence(operations, [0, 1], 2 + np.arange(2) + 2 * np.arange(8)[:, None])
    assert loop is not None
    chosen = [Levels(stretch, 18, [1, 1], {1: loop})]
    marks = np.zeros(len(program), dtype=bool)
    assert with_earlier_steps(operations, chosen, marks) is chosen
    assert with_later_steps(program, operations, chosen, marks) is chosen
