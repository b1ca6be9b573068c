"""Periods, steps, and the operations of steps that recur, in programs written by hand.

Places are those of operations in the order of the listing: the first one has place 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from autograd import Value
from autograd.arrays import np
from autograd.compiler.scalars.columns import Guards
from autograd.compiler.scalars.loops.eligible import Eligible
from autograd.compiler.scalars.loops.find import find_loops
from autograd.compiler.scalars.loops.operations import Operations, in_levels, operations_of
from autograd.compiler.scalars.loops.periods import Run, runs, runs_of
from autograd.compiler.scalars.loops.recurrences import Recurrence, levels_of, recurrence
from autograd.compiler.scalars.loops.stretches import Stretch, stretches_of
from autograd.compiler.scalars.program import ScalarProgram

Unroll = Callable[..., ScalarProgram]
BEGIN = ["a_-1 = sin(x[0])"]


def of_steps(operations: Operations, members: list[int], start: int, period: int, steps: int) -> Recurrence | None:
    """Return the recurrence of members of steps that lie a period apart."""
    places = start + np.array(members) + period * np.arange(steps)[:, None]
    return recurrence(operations, members, places)


# Recurrence


def test_a_recurrence_knows_what_each_column_reads(unrolled: Unroll) -> None:
    """The columns are b, p0; a, and of the sum b, the number read by step, then the absent factors."""
    program = unrolled(
        ["b@ = mul(a@-1, p0)", "a@ = sum(b@; x@)"], 3, ["a_-1 = sin(x[7])"], ["return a@-1"], arguments=8
    )
    operations = operations_of(program)
    found = of_steps(operations, [0, 1], 1, 2, 3)
    assert found is not None
    assert found.steps == 3
    assert found.carried == 1
    assert found.first.tolist() == [0, 2, 6]
    assert [list(found.columns(j)) for j in range(2)] == [[0, 1], [2, 3, 4, 5]]
    assert found.producer.tolist() == [1, -1, 0, -1, -1, -1]
    assert found.lag.tolist() == [1, 0, 0, 0, 0, 0]
    begin, b0, a0, b1, a1, b2, _ = operations.nodes.tolist()
    p0 = 8
    assert found.reads.tolist() == [[begin, p0, b0, 0, -1, -1], [a0, p0, b1, 1, -1, -1], [a1, p0, b2, 2, -1, -1]]


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_a_state_may_be_read_several_steps_later(lag: int, unrolled: Unroll) -> None:
    """With one step more than the lag, only the last step reads a result of the loop."""
    before = [f"a_-{k} = sin(x[{k}])" for k in range(1, lag + 1)]
    program = unrolled([f"a@ = mul(a@-{lag}, p0)"], lag + 1, before, ["return a@-1"])
    found = of_steps(operations_of(program), [0], lag, 1, lag + 1)
    assert found is not None
    assert found.producer.tolist() == [0, -1]
    assert found.lag.tolist() == [lag, 0]
    assert found.carried == 1


def test_states_may_be_read_by_other_members(unrolled: Unroll) -> None:
    lines = ["a@ = mul(b@-2, p0)", "b@ = mul(a@, a@-1)"]
    program = unrolled(lines, 3, ["a_-1 = sin(x[0])", "b_-1 = sin(x[1])", "b_-2 = sin(x[2])"], ["return b@-1"])
    found = of_steps(operations_of(program), [0, 1], 3, 2, 3)
    assert found is not None
    assert found.producer.tolist() == [1, -1, 0, 0]
    assert found.lag.tolist() == [2, 0, 0, 1]
    assert found.carried == 2


NOT_ALIKE = {
    "a step reads another member": "b_2 = mul(a_1, b_1)",
    "a step reads a node outside": "b_2 = mul(a_2, p1)",
    "a step reads further back": "b_2 = mul(a_2, b_0)",
}


@pytest.mark.parametrize("reason", NOT_ALIKE)
@pytest.mark.parametrize("step", range(4))
def test_all_steps_of_a_recurrence_read_alike(reason: str, step: int, unrolled: Unroll, parse: Any) -> None:
    lines = ["a@ = mul(b@-1, p0)", "b@ = mul(a@, b@-1)"]
    begin = "b_-1 = sin(x[0])\na_-1 = sin(x[1])\nb_-2 = cos(x[0])"
    steps = "\n".join(line.replace("@-1", f"_{t - 1}").replace("@", f"_{t}") for t in range(4) for line in lines)
    operations = operations_of(parse(f"{begin}\n{steps}\nreturn b_3"))
    assert of_steps(operations, [0, 1], 3, 2, 4) is not None
    other = NOT_ALIKE[reason]
    for k in (1, 0, 2):
        other = other.replace(f"_{k}", f"_<{step + k - 2}>")
    changed = steps.replace(f"b_{step} = mul(a_{step}, b_{step - 1})", other.replace("<", "").replace(">", ""))
    assert changed != steps
    operations = operations_of(parse(f"{begin}\n{changed}\nreturn b_3"))
    is_initial = step == 0 and "member" not in reason  # b_-2 or p1 instead of b_-1: another initial value
    assert (of_steps(operations, [0, 1], 3, 2, 4) is not None) == is_initial


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_recurrence_does_not_read_later_steps(order: tuple[int, int], unrolled: Unroll) -> None:
    """A step of b and of the next a is one. If it has the a before, b would read the a of the next step."""
    program = unrolled(["a@ = mul(b@-1, p0)", "b@ = tanh(a@)"], 6, ["b_-1 = sin(x[0])"], ["return b@-1"])
    operations = operations_of(program)
    a, b = 1 + 2 * np.arange(6), 2 + 2 * np.arange(6)
    for places, is_loop in (([b[:-1], a[1:]], True), ([b[1:], a[:-1]], False), ([b, a], True)):
        rows = np.array([places[k] for k in order]).T
        assert (recurrence(operations, list(order), rows) is not None) == is_loop


# Runs and steps


@pytest.mark.parametrize("steps", [5, 6, 9])
def test_a_run_begins_with_the_first_operation_that_repeats(steps: int, unrolled: Unroll) -> None:
    """The first step reads a leaf in place of the state: only its second operation equals that of the next step.

    If there are too few other steps, all operands may be leaves.
    """
    lines = ["b@ = mul(a@-1, p0)", "a@ = tanh(b@)"]
    before, after = ["c = exp(x[1])", "d = sin(c)", "a_-1 = 0.5"], ["e = exp(a@-1)", "f = sin(e)", "return f, d"]
    operations = operations_of(unrolled(lines, steps, before, after))
    assert runs_of(operations, 2) == [Run(3 if steps > 5 else 2, 2 + 2 * steps, 2)]
    assert runs_of(operations, 2, 3) == [Run(3, 2 + 2 * steps, 2)]


@pytest.mark.parametrize(("least", "start"), [(5, 1), (6, 0), (7, None)])
def test_a_run_has_the_least_number_of_steps(least: int, start: int | None, unrolled: Unroll) -> None:
    """Six steps, the first operation of which reads a leaf: without it, five steps are whole."""
    lines = ["b@ = mul(a@-1, p0)", "a@ = tanh(b@)"]
    operations = operations_of(unrolled(lines, 6, ["a_-1 = 0.5"], ["return a@-1"]))
    assert [run.start for run in runs_of(operations, 2, least)] == ([] if start is None else [start])


def test_repetitions_that_do_not_depend_on_one_another_are_no_runs(unrolled: Unroll) -> None:
    operations = operations_of(unrolled(["b@ = mul(x@, p0)", "a@ = tanh(b@)"], 8, [], ["return a@-1"]))
    assert runs_of(operations, 2) == []
    assert list(runs(operations, np.zeros(len(operations) + 1, dtype=bool))) == []


def test_operations_that_depend_on_one_another_in_turn_are_a_run(unrolled: Unroll) -> None:
    lines = ["b@ = mul(a@-1, p0)", "a@ = mul(b@-1, p1)"]
    operations = operations_of(unrolled(lines, 8, ["a_-1 = 0.5", "b_-1 = 0.5"], ["return a@-1"]))
    assert runs_of(operations, 2) == [Run(2, 16, 2)]


@pytest.mark.parametrize("before", range(4))
def test_one_operation_of_a_step_may_depend_on_itself(before: int, unrolled: Unroll) -> None:
    """Two of three operations do not recur; the run may begin anywhere."""
    others = [f"n_{k} = {'exp' if k % 2 else 'cos'}(x[{k}])" for k in range(before)]
    lines = ["a@ = mul(a@-1, p0)", "b@ = exp(x@)", "c@ = hypot(a@, b@)"]
    after = [f"return c@-1, {', '.join([f'n_{k}' for k in range(before)] or ['x[0]'])}"]
    operations = operations_of(unrolled(lines, 7, [*others, "a_-1 = 0.5"], after, arguments=8))
    assert [(run.stop, run.period) for run in runs_of(operations, 3)] == [(before + 21, 3)]


def test_of_two_runs_of_a_period_one_may_recur(unrolled: Unroll) -> None:
    one = [f"b_{t} = mul(x[{t}], p0)\na_{t} = tanh(b_{t})" for t in range(7)]
    two = [f"c_{t} = mul(d_{t - 1}, p0)\nd_{t} = sin(c_{t})" for t in range(7)]
    end = "return a_6, d_6"
    for lines, start in (([*one, "d_-1 = exp(x[0])", *two], 15), (["d_-1 = exp(x[0])", *two, *one], 1)):
        operations = operations_of(unrolled([], 0, "\n".join(lines).split("\n"), [end]))
        assert [(run.start // 2, run.period) for run in runs_of(operations, 2)] == [(start // 2, 2)]


def test_three_steps_may_be_a_run(unrolled: Unroll) -> None:
    """The last step alone reads an earlier one, the first of all; without it, there is no recurrence."""
    before = ["a_-1 = 0.5", "a_-2 = 0.25"]
    operations = operations_of(unrolled(["a@ = sin(a@-2)"], 3, before, ["return a@-1, a@-2"]))
    assert runs_of(operations, 1, 3) == [Run(0, 3, 1)]
    assert runs_of(operations_of(unrolled(["a@ = sin(x@)"], 3, [], ["return a@-1, a@-2, a@-3"])), 1, 3) == []


@pytest.mark.parametrize("least", [3, 5, 6])
def test_a_program_of_nothing_else_is_a_run(least: int, unrolled: Unroll) -> None:
    for lines in (["a@ = sin(a@-1)"], ["b@ = sin(a@-1)", "a@ = exp(b@)"]):
        operations = operations_of(unrolled(lines, least, ["a_-1 = 0.5"], ["return a@-1"]))
        assert runs_of(operations, len(lines), least) == [Run(0, least * len(lines), len(lines))]
        for size, count in ((0, 1), (1, 0)):
            taken = np.zeros(len(operations) + 1, dtype=bool)
            taken[:size] = True
            assert len(list(runs(operations, taken, least))) == count


def test_a_state_may_be_read_three_steps_back(unrolled: Unroll) -> None:
    before = ["a_-1 = 0.5", "a_-2 = 0.25", "a_-3 = 0.75"]
    operations = operations_of(unrolled(["a@ = sin(a@-3)"], 12, before, ["return a@-1, a@-2, a@-3"]))
    assert runs_of(operations, 1) == [Run(3, 12, 1)]


def test_the_most_frequent_distances_are_tried(unrolled: Unroll) -> None:
    """Pairs of equal operations at ten distances, and a loop with a step of eleven operations."""
    names = ["cos", "atan", "exp", "tanh", "sinh", "cosh", "asinh", "sigmoid", "softplus", "sin", "expm1"]
    pairs = []
    for n in range(2, 10):
        pairs += [
            f"n_{n} = cos(x[0])",
            *(f"n_{n}_{k} = {names[k]}(p{n - 2})" for k in range(1, n)),
            f"m_{n} = cos(x[1])",
        ]
    steps = []
    for t in range(8):
        steps += [f"a_{t}_{k} = {names[k]}(a_{t}_{k - 1})" for k in range(11)] + [f"a_{t + 1}_-1 = 0.0"][:0]
        steps = [line.replace(f"a_{t}_-1", f"a_{t - 1}_10") for line in steps]
    program = unrolled([], 0, [*pairs, "a_-1_10 = sin(x[0])", *steps], ["return a_7_10"])
    operations = operations_of(program)
    assert any(run.period == 11 for run in runs(operations, np.zeros(len(operations) + 1, dtype=bool)))


def test_runs_of_all_periods_are_tried_from_the_shortest(unrolled: Unroll) -> None:
    """Loops of two, then of three operations; a loop that is taken is not searched again."""
    first = ["b@ = mul(a@-1, p0)", "a@ = tanh(b@)"]
    second = ["c@ = mul(d@-1, p0)", "e@ = exp(c@)", "d@ = sin(e@)"]
    one = unrolled(first, 7, ["a_-1 = 0.5"], ["return a@-1"])
    listing = str(one)
    assert listing
    lines = [line.replace("@-1", f"_{t - 1}").replace("@", f"_{t}") for t in range(7) for line in first]
    lines += [line.replace("@-1", f"_{t - 1}").replace("@", f"_{t}") for t in range(7) for line in second]
    program = unrolled([], 0, ["a_-1 = 0.5", "d_-1 = 0.25", *lines], ["return a_6, d_6"])
    operations = operations_of(program)
    taken = np.zeros(len(operations) + 1, dtype=bool)
    every = list(runs(operations, taken))
    assert Run(1, 14, 2) in every
    assert Run(15, 35, 3) in every
    assert [run.period for run in every] == sorted(run.period for run in every)
    taken[14:] = True
    assert {run.stop for run in runs(operations, taken)} == {14}
    taken[:] = True
    assert list(runs(operations, taken)) == []


def stretches(operations: Operations, period: int, least: int = 5) -> list[tuple[int, int, int]]:
    """Return the start, the period and the number of steps of the stretches of the only run."""
    (run,) = runs_of(operations, period, least)
    return [(stretch.start, stretch.period, stretch.steps) for stretch in stretches_of(operations, run)]


def test_steps_may_begin_with_the_first_operation_or_where_the_run_does(unrolled: Unroll) -> None:
    lines = ["b@ = mul(a@-1, p0)", "a@ = tanh(b@)"]
    operations = operations_of(unrolled(lines, 7, ["c = exp(x[1])", "d = sin(c)", "a_-1 = 0.5"], ["return a@-1, d"]))
    assert stretches(operations, 2) == [(3, 2, 6), (2, 2, 7)]


def test_all_steps_that_read_initial_values_are_steps(unrolled: Unroll) -> None:
    """With a lag of three steps, three steps read initial values; the run begins after them."""
    lines = ["b@ = mul(a@-3, p0)", "a@ = tanh(b@)"]
    before = ["c = exp(x[1])", "a_-3 = 0.5", "a_-2 = 0.25", "a_-1 = 0.75"]
    operations = operations_of(unrolled(lines, 10, before, ["return a@-1, a@-2, a@-3"]))
    (run,) = runs_of(operations, 2)
    first, early = stretches_of(operations, run)
    assert (first.start, first.period, first.steps) == (2, 2, 9)
    assert (early.start, early.period, early.steps, early.stop) == (1, 2, 10, 21)
    assert early.first.tolist() == [0, 2, 3]
    assert early.producer.tolist() == [1, -1, 0]
    assert early.lag.tolist() == [3, 0, 0]
    assert early.reads[3:, 0].tolist() == operations.nodes[2:16:2].tolist()


def test_steps_that_lie_four_back_are_read_in_no_loop(unrolled: Unroll) -> None:
    lines = ["b@ = mul(a@-4, p0)", "a@ = tanh(b@)"]
    before = [f"a_-{k} = 0.5" for k in range(1, 5)]
    operations = operations_of(unrolled(lines, 12, before, ["return a@-1"]))
    assert [stretches_of(operations, run) for run in runs_of(operations, 2)] in ([], [[]])


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_steps_of_one_operation_are_steps_from_the_first(lag: int, unrolled: Unroll) -> None:
    before = [f"a_-{k} = 0.{k}" for k in range(1, lag + 1)]
    operations = operations_of(unrolled([f"a@ = sin(a@-{lag})"], 12, before, ["return a@-1, a@-2, a@-3"]))
    (run,) = runs_of(operations, 1)
    (stretch,) = stretches_of(operations, run)
    assert (stretch.start, stretch.steps) == (0, 12)
    assert (stretch.producer.tolist(), stretch.lag.tolist()) == ([0], [lag])


def test_three_steps_may_be_a_stretch(unrolled: Unroll) -> None:
    """The last step alone reads a result, that of the first operation; another operand is a leaf at all steps."""
    before = ["a_-1 = 0.5", "a_-2 = 0.25"]
    operations = operations_of(unrolled(["a@ = hypot(a@-2, x@)"], 3, before, ["return a@-1, a@-2"]))
    (stretch,) = stretches_of(operations, Run(0, 3, 1))
    assert (stretch.producer.tolist(), stretch.lag.tolist()) == ([0, -1], [2, 0])


def test_no_step_reads_an_operation_of_the_first_step_as_an_outer_node(unrolled: Unroll) -> None:
    """All steps read the first operation of the first one, so a loop can only begin after it."""
    lines = ["a@ = mul(b@-1, p0)", "b@ = hypot(a@, a_0)"]
    operations = operations_of(unrolled(lines, 9, ["b_-1 = 0.5"], ["return b@-1"]))
    (run,) = runs_of(operations, 2)
    assert min(stretch.start for stretch in stretches_of(operations, run)) == 1
    assert stretches_of(operations, Run(0, 18, 2)) == []


def test_a_step_that_begins_anew_is_the_first(unrolled: Unroll) -> None:
    """The second step reads an initial value, too: what follows the first step does not depend on it."""
    lines = [f"a_{t} = hypot({'p0' if t < 2 else f'a_{t - 1}'}, x[0])" for t in range(9)]
    operations = operations_of(unrolled([], 0, lines, ["return a_8, a_0"]))
    (run,) = runs_of(operations, 1)
    assert [(stretch.start, stretch.steps) for stretch in stretches_of(operations, run)] == [(1, 8)]
    assert stretches_of(operations, Run(0, 9, 1)) == []


# Levels


def levels(operations: Operations, period: int, least: int = 5, eligible: Callable[..., bool] | None = None) -> Any:
    """Return the loops of the stretch that begins first."""
    (run,) = runs_of(operations, period, least)
    stretch = min(stretches_of(operations, run), key=lambda stretch: stretch.start)
    return levels_of(operations, stretch, run.stop, eligible or (lambda members: True), least)


def test_operations_are_divided_by_the_loops_that_they_depend_on(unrolled: Unroll) -> None:
    """Between two loops, the second of which reads the first, lies an operation that belongs to neither."""
    lines = [
        "u@ = exp(x@)",
        "b@ = mul(a@-1, u@)",
        "a@ = tanh(b@)",
        "c@ = sin(a@)",
        "d@ = mul(d@-1, c@)",
        "e@ = cos(d@)",
    ]
    before = ["a_-1 = sin(x[0])", "d_-1 = sin(x[1])"]
    found = levels(operations_of(unrolled(lines, 7, before, ["return e@-1, e@-2"], arguments=8)), 6)
    assert found.level == [0, 1, 1, 1, 2, 2]
    assert {n: loop.members for n, loop in found.loops.items()} == {1: [1, 2], 2: [4]}
    assert [loop.steps for loop in found.loops.values()] == [7, 7]
    assert found.loops[1].places.tolist() == [[3 + 6 * t, 4 + 6 * t] for t in range(7)]
    assert found.loops[2].places.tolist() == [[6 + 6 * t] for t in range(7)]


def test_independent_operations_that_recur_are_one_loop(unrolled: Unroll) -> None:
    lines = ["a@ = mul(a@-1, p0)", "b@ = tanh(b@-1)", "c@ = mul(a@, b@)"]
    found = levels(operations_of(unrolled(lines, 6, ["a_-1 = sin(x[0])", "b_-1 = sin(x[0])"], ["return c@-1"])), 3)
    assert found.level == [1, 1, 1]
    assert sorted(found.loops[1].members) == [0, 1]
    assert list(found.loops) == [1]


def test_operations_that_are_not_eligible_are_no_loop(unrolled: Unroll) -> None:
    lines = ["a@ = mul(a@-1, p0)", "b@ = mul(b@-1, a@)"]
    operations = operations_of(unrolled(lines, 6, ["a_-1 = sin(x[0])", "b_-1 = sin(x[0])"], ["return b@-1"]))
    found = levels(operations, 2, eligible=lambda members: members != [0])
    assert found.level == [0, 1]
    assert found.loops[1].members == [1]
    assert levels(operations, 2, eligible=lambda members: False) is None


def test_a_loop_has_at_least_so_many_steps(unrolled: Unroll) -> None:
    lines = ["b@ = mul(a@-1, p0)", "a@ = tanh(b@)"]
    operations = operations_of(unrolled(lines, 6, BEGIN, ["return a@-1"]))
    (run,) = runs_of(operations, 2)
    early = stretches_of(operations, run)[-1]
    for least, steps in ((5, 6), (6, 6)):
        found = levels_of(operations, early, run.stop, lambda members: True, least)
        assert found is not None
        assert found.loops[1].steps == steps
    assert levels_of(operations, early, run.stop, lambda members: True, 7) is None


# Eligible operations


def first_stretch(operations: Operations, period: int) -> Stretch:
    (run,) = runs_of(operations, period)
    return min(stretches_of(operations, run), key=lambda stretch: stretch.start)


def layers(inputs: int, same: bool = False) -> tuple[list[str], list[str]]:
    """Return the lines of 6 layers of two units, each with this many weights of its own at each unit."""
    lines = []
    for t in range(6):
        for unit in "ab":
            weights = [(0 if same else 2 * inputs * t) + inputs * "ab".index(unit) + k for k in range(inputs)]
            terms = ", ".join(f"p{w}*{'ab'[k % 2]}_{t - 1}" for k, w in enumerate(weights))
            lines.append(f"z{unit}_{t} = sum({terms})")
        lines += [f"{unit}_{t} = tanh(z{unit}_{t})" for unit in "ab"]
    return ["a_-1 = sin(x[0])", "b_-1 = sin(x[1])"], lines


@pytest.mark.parametrize(
    ("inputs", "same", "eligible"), [(2, False, True), (3, False, False), (3, True, True), (1, False, True)]
)
def test_layers_with_more_weights_of_their_own_than_operations_are_no_loop(
    inputs: int, same: bool, eligible: bool, unrolled: Unroll
) -> None:
    before, lines = layers(inputs, same)
    program = unrolled([], 0, [*before, *lines], ["return a_5, b_5"], parameters=36)
    operations = operations_of(program)
    stretch = first_stretch(operations, 4)
    assert Eligible(program, operations, np.zeros(len(program), dtype=bool))(stretch, [0, 1, 2, 3]) == eligible


def test_some_layers_may_read_inputs_in_place_of_weights(unrolled: Unroll) -> None:
    """The last of them has weights of its own, as others do; the first two and the last but one read inputs."""
    before, lines = layers(3)
    lines = [re.sub(r"p(\d+)\*", r"x[\1]*", line) if k // 4 in (0, 1, 4) else line for k, line in enumerate(lines)]
    program = unrolled([], 0, [*before, *lines], ["return a_5, b_5"], parameters=36, arguments=36)
    operations = operations_of(program)
    stretch = first_stretch(operations, 4)
    assert not Eligible(program, operations, np.zeros(len(program), dtype=bool))(stretch, [0, 1, 2, 3])


def test_a_loop_may_be_repeated_with_its_results(simplified: Unroll) -> None:
    """A step has three operations: a loop, its result, and a sine."""
    w = Value(0.5)

    def function(xs: Any) -> Any:
        y = xs[0].exp()
        for _ in range(4):
            for x in xs:
                y = (w * y + x).tanh()
            y = y.sin()
        return y

    program = find_loops(simplified(function, [0.1, 0.2, 0.3, 0.4, 0.5]))
    operations = operations_of(program)
    (run,) = runs_of(operations, 3, 3)
    (stretch,) = [x for x in stretches_of(operations, run) if x.start == 1]
    loop, result, sine = range(3)
    eligible = partial(Eligible(program, operations, np.zeros(len(program), dtype=bool)), stretch)
    assert eligible([loop, result, sine])
    assert not eligible([result, sine])
    assert eligible([sine])
    found = levels_of(operations, stretch, run.stop, eligible, 3)
    assert found is not None
    assert found.level == [1, 1, 1]
    assert found.loops[1].members == [loop, result, sine]
    assert found.loops[1].places.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]


def test_a_single_state_may_have_weights_of_its_own_at_each_step(unrolled: Unroll) -> None:
    lines = [f"a_{t} = sum(p{3 * t}*a_{t - 1}, p{3 * t + 1}*x[0], p{3 * t + 2}*x[1])" for t in range(6)]
    program = unrolled([], 0, [*BEGIN, *lines], ["return a_5"], parameters=18)
    operations = operations_of(program)
    assert Eligible(program, operations, np.zeros(len(program), dtype=bool))(first_stretch(operations, 1), [0])


@pytest.mark.parametrize("excluded", range(13))
def test_excluded_operations_are_not_eligible_at_any_step(excluded: int, unrolled: Unroll) -> None:
    program = unrolled(["b@ = mul(a@-1, p0)", "a@ = tanh(b@)"], 6, BEGIN, ["return a@-1"])
    operations = operations_of(program)
    marks = np.zeros(len(program), dtype=bool)
    marks[operations.nodes[excluded]] = True
    assert Eligible(program, operations, marks)(first_stretch(operations, 2), [0, 1]) == (excluded == 0)


# Operations


KINDS = [
    *("sin(x[{0}])", "exp(x[{0}])", "mul(x[{0}], p{1})", "atan2(x[{0}], p{1})", "where(x[{0}], p{1}, p{2})"),
    *("sum(x[{0}])", "sum(x[{0}], p{1})", "sum(x[{0}]; p{1})", "sum(x[{0}]; p{1}*p{2})", "sum(x[{0}]*p{1}; p{2})"),
    *("sum(x[{0}]*p{1}, p{2})", "sum(x[{0}], p{1}*p{2})", "sum(x[{0}]*p{1}, p{2}*p{3})", "sum(x[{0}], p{1}; p{2})"),
    *("sum(x[{0}]; p{1}, p{2})", "sum(x[{0}]; p{1}; p{2})", "sum(x[{0}], p{1}, p{2})", "sum(-x[{0}], p{1})"),
    *("sum(x[{0}], -p{1})", "sum(2.0*x[{0}], p{1})", "sum(x[{0}], 2.0*p{1})", "sum(x[{0}], p{1}; 0.5)"),
    *("sum(0.5; x[{0}], p{1})", "sum(x[{0}], p{1}; 0.25)", "3.0 * sum(x[{0}], p{1})", "sum(x[{0}], p{1}) / 3.0"),
    *("sum(x[{0}], p{1}; 0.0)", "sum(2.0*x[{0}]; p{1})", "sum(-x[{0}], -p{1})"),
]


def test_the_code_of_an_operation_says_what_it_computes(parse: Any) -> None:
    """It is the same for other operands, and differs from those of all others."""
    lines = [f"v{k}_{n} = {kind.format(n, n + 1, n + 2, n + 3)}" for k, kind in enumerate(KINDS) for n in range(2)]
    names = ", ".join(line.split(" = ")[0] for line in lines)
    program = parse("\n".join([*lines, f"return {names}"]))
    code = operations_of(program).code.tolist()
    assert code[::2] == code[1::2]
    assert len(set(code)) == len(KINDS)


def test_guards_distinguish_operations(parse: Any) -> None:
    lines = [f"v{k} = where(x[0], x[1], p{k})" for k in range(6)] + [f"s{k} = sum(x[0], p{k}; 0.5)" for k in range(4)]
    program = parse("\n".join([*lines, "return v0"]))
    nodes = program.operations
    choices, unreached = frozenset(nodes[i] for i in (0, 1, 3, 7)), frozenset(nodes[i] for i in (2, 3, 8))
    plain = operations_of(program).code.tolist()
    guarded = operations_of(replace(program, guards=Guards(choices=choices, unreached=unreached))).code.tolist()
    assert plain[:6] == plain[:1] * 6
    assert plain[6:] == plain[6:7] * 4
    assert guarded[0] == guarded[1]
    assert len({guarded[k] for k in range(1, 5)}) == 4
    assert len({guarded[k] for k in range(6, 9)}) == 3
    assert [guarded[k] for k in (4, 5, 6, 9)] == [plain[k] for k in (4, 5, 6, 9)]
    assert (
        operations_of(replace(program, guards=Guards(choices=frozenset(nodes[1:3])))).code.tolist()[1:3]
        == [guarded[1]] * 2
    )


def test_marks_of_other_nodes_are_not_read(parse: Any) -> None:
    program = parse("v0 = sin(x[0])\nv1 = sin(v0)\nreturn v1")
    marked = replace(program, guards=Guards(choices=frozenset({0, 1})))
    assert operations_of(marked).code.tolist() == operations_of(program).code.tolist()


def by_hand(program: ScalarProgram) -> list[list[int]]:
    rows = []
    for i in program.operations:
        total = program.sum_of(i) if program.is_sum(i) else None
        rows.append([*total.lefts, *total.rights] if total else list(program.operands_of(i)))
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_operations_are_in_order_whatever_the_order(seed: int, unrolled: Unroll, shuffled: Any) -> None:
    lines = ["b@ = sum(a@-1*p0, x@; p1)", "a@ = tanh(b@)", "c@ = hypot(a@, b@)"]
    program = shuffled(unrolled(lines, 5, ["a_-1 = 0.5"], ["return a@-1, c@-1, c@-2, c@-3"]), seed)
    operations = operations_of(program)
    assert operations.nodes.tolist() == program.operations
    assert [int(operations.place[i]) for i in program.operations] == list(range(len(operations)))
    assert (np.delete(operations.place, program.operations) == -1).all()
    for each, order in ((operations, program.operations), (by_depth := _levels(program, operations))):
        rows = [each.reads[a:b].tolist() for a, b in zip(each.first, each.first[1:])]
        assert rows == [by_hand(program)[program.operations.index(i)] for i in order]
        assert each.nodes.tolist() == order
        assert [int(each.place[i]) for i in order] == list(range(len(order)))
    places = operations.places_read(0, len(operations)).tolist()
    assert places == [
        program.operations.index(i) if i in program.operations else -1 for row in by_hand(program) for i in row
    ]
    assert by_depth[0].code.tolist() == [operations.code[program.operations.index(i)] for i in by_depth[1]]


def _levels(program: ScalarProgram, operations: Operations) -> tuple[Operations, list[int]]:
    level = [0] * len(program)
    for i in program.operations:
        level[i] = 1 + max(level[k] for k in program.operands_of(i))
    return in_levels(operations, level), sorted(program.operations, key=level.__getitem__)
