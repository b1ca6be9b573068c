"""The operations of each step of a loop, with those of incomplete steps before and after it, and the data they read."""

from __future__ import annotations

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


def loops(operations: Operations, period: int = 3) -> list[Levels]:
    several = []
    for run in runs_of(operations, period):
        stretch = min(stretches_of(operations, run), key=lambda stretch: stretch.start)
        levels = levels_of(operations, stretch, run.stop, lambda members: True, 5)
        assert levels is not None
        several.append(levels)
    return several


FIRST = [[], ["c_-1 = sin(z)"], ["b_-1 = hypot(a_-1, x[3])", "c_-1 = sin(b_-1)"]]
"""What is there of the step before the first whole one."""


@pytest.mark.parametrize("last", [0, 1, 2])
@pytest.mark.parametrize("first", FIRST, ids=len)
def test_incomplete_steps_have_what_is_there(first: list[str], last: int, parse: Any) -> None:
    lines = ["z = exp(x[0])", "a_-1 = cos(z)", *first]
    lines += [at(line, t) for t in range(STEPS) for line in LINES] + [at(line, STEPS) for line in LINES[:last]]
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
    for line in LINES[:last]:
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
