"""The operations of each step of a loop, with those of incomplete steps before and after it, and the data they read."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from autograd.compiler.scalars.loops.data import lift_data, steps_of
from autograd.compiler.scalars.loops.operations import Operations, operations_of
from autograd.compiler.scalars.loops.periods import runs_of
from autograd.compiler.scalars.loops.recurrences import Levels, levels_of
from autograd.compiler.scalars.loops.stretches import stretches_of
from autograd.compiler.scalars.program import ScalarProgram

STEPS = 7


def at(line: str, t: int) -> str:
    return line.replace("@-1", f"_{t - 1}").replace("x@", f"x[{t % 8}]").replace("@", f"_{t}")


LINES = ["a@ = mul(a@-1, p0)", "b@ = hypot(a@, x@)", "c@ = sin(b@)"]


def program_of(parse: Any, first: list[str], last: list[str], more: list[str]) -> tuple[ScalarProgram, list[str]]:
    """Return a program with whole steps between these lines of the steps before and after, and its lines' names."""
    lines = [
        "z = exp(x[0])",
        "a_-2 = tanh(z)",
        *(at(line, -1) for line in first),
        *(at(line, t) for t in range(STEPS) for line in LINES),
        *(at(line, STEPS) for line in last),
        *more,
    ]
    names = [line.split(" = ")[0] for line in lines]
    return parse("\n".join([*lines, f"return {', '.join(names)}"])), names


def loops(operations: Operations, period: int = 3) -> list[Levels]:
    several = []
    for run in runs_of(operations, period):
        stretch = min(stretches_of(operations, run), key=lambda stretch: stretch.start)
        levels = levels_of(operations, stretch, run.stop, lambda members: True, 5)
        assert levels is not None
        several.append(levels)
    return several


@pytest.mark.parametrize(
    ("first", "last"), itertools.product([[], LINES[2:], LINES[1:]], [[], LINES[:1], LINES[:2]]), ids=str
)
def test_incomplete_steps_have_what_is_there(first: list[str], last: list[str], parse: Any) -> None:
    first = [line.replace("a@-1", "a_-2").replace("a@", "a_-2") for line in first]
    first = first if len(first) != 1 else ["c@ = sin(z)"]
    before = [] if len(first) == 2 else ["a_-1 = cos(z)"]
    program, names = program_of(parse, [], last, [])
    del program, names
    lines = [
        "z = exp(x[0])",
        "a_-2 = tanh(z)",
        *before,
        *(at(line, -1).replace("x[7]", "x[3]") for line in first),
        *(at(line, t).replace("a_-1", "a_-1" if before else "a_-2") for t in range(STEPS) for line in LINES),
        *(at(line, STEPS) for line in last),
    ]
    names = [line.split(" = ")[0] for line in lines]
    operations = operations_of(parse("\n".join([*lines, f"return {', '.join(names)}"])))
    chosen = loops(operations)
    assert len(chosen) == 1
    found: dict[str, tuple[int, list[str]]] = {}
    offsets = []
    for step, places in steps_of(operations, chosen):
        several = [names[place] for place in places.tolist()]
        found[several[0][0]] = (step, several)
        offsets += [place - 3 * (step + k) for k, place in enumerate(places.tolist())]
    assert max(offsets) - min(offsets) < 3  # operations of a step are at most a period apart
    expected = {name: [f"{name}_{t}" for t in range(STEPS)] for name in "abc"}
    for line in first:
        expected[line[0]].insert(0, f"{line[0]}_-1")
    for line in last:
        expected[line[0]].append(f"{line[0]}_{STEPS}")
    assert {name: several for name, (_, several) in found.items()} == expected


def test_a_step_of_another_loop_is_no_step_of_this_one(parse: Callable[..., ScalarProgram]) -> None:
    """Two layers: the first step of the second follows the last one of the first, with the same operations."""
    lines = ["a_-1 = tanh(x[0])", *(at(line, t) for t in range(STEPS) for line in LINES)]
    lines += ["e = exp(x[0])", "a_9 = tanh(e)", *(at(line, t) for t in range(10, 10 + STEPS) for line in LINES)]
    names = [line.split(" = ")[0] for line in lines]
    operations = operations_of(parse("\n".join([*lines, f"return {', '.join(names)}"])))
    chosen = loops(operations)
    assert len(chosen) == 2
    several = [[names[place] for place in places.tolist()] for _, places in steps_of(operations, chosen)]
    expected = [[f"{name}_{t}" for t in range(first, first + STEPS)] for first in (0, 10) for name in "abc"]
    assert sorted(several) == sorted(expected)


NUMBERS = [0.5, 0.25, -1.0, 0.75, 1.5, 0.125, 2.0, 3.0]


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("extra", [0, 1])
def test_equal_series_share_an_array(shift: int, extra: int, parse: Callable[..., ScalarProgram]) -> None:
    """Two operations of a step read the same numbers, one of them perhaps a step later."""
    constants = [f"n_{t} = {x}" for t, x in enumerate(NUMBERS)]
    lines = []
    for t in range(STEPS):
        lines += [f"a_{t} = mul(c_{t - 1}, n_{t})", f"b_{t} = hypot(a_{t}, n_{t + shift})", f"c_{t} = sin(b_{t})"]
    lines += [f"a_{STEPS} = mul(c_{STEPS - 1}, n_{STEPS})"] * extra
    names = [line.split(" = ")[0] for line in lines]
    begin = "c_-1 = tanh(x[0])"
    program = parse("\n".join([*constants, begin, *lines, f"return {', '.join(names)}"]))
    operations = operations_of(program)
    lifted = lift_data(program, operations, loops(operations)).verify()
    arrays = [[lifted.constants[i] for i in array] for array in lifted.constant_arrays]
    assert arrays == [NUMBERS[: STEPS + max(shift, extra)]]
    assert lifted.evaluate([[0.5] * 8], [0.3] * 8) == program.evaluate([[0.5] * 8], [0.3] * 8)
