"""The loops of small programs: which operations they cover, what they carry, read and write, and what they compute."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

import autograd
from autograd import Value, dot
from autograd.compiler.scalars.loops.find import find_loops, looped_operations, loops_in
from autograd.compiler.scalars.loops.repeat import RESULT
from autograd.compiler.scalars.program import ScalarProgram

Function = Callable[..., Any]
Simplify = Callable[..., ScalarProgram]

A, B, C = Value(0.3), Value(-0.4), Value(0.6)
MATRIX = [[Value(0.3), Value(-0.2)], [Value(0.4), Value(0.1)]]


def driven(us: Any) -> Any:
    x = us[0]
    for u in us[1:]:
        x = (A * x + u).tanh()
    return x


def driven_and_read(us: Any) -> Any:
    x, read = us[0], []
    for u in us[1:]:
        x = (A * x + u).tanh()
        read.append(x)
    return autograd.sum([x.sin() for x in read])


def undriven(us: Any) -> Any:
    x, y = us[0], us[1]
    for _ in range(9):
        x, y = (A * x + y).tanh(), (B * y + x).sin()
    return x * y


def of_lag(lag: int, steps: int) -> Function:
    def function(us: Any) -> Any:
        xs = list(us[:lag])
        for _ in range(steps):
            xs.append((A * xs[-1] + B * xs[-lag]).tanh())
        return xs[-1]

    return function


def lag_alone(lag: int, steps: int) -> Function:
    def function(us: Any) -> Any:
        xs = list(us[:lag])
        for u in us[lag : lag + steps]:
            xs.append((A * xs[-lag] + u).tanh())
        return autograd.sum(xs[-lag:])

    return function


def independent(us: Any) -> Any:
    x, y, read = us[0], us[1], []
    for u in us[2:]:
        x, y = (A * x + u).tanh(), (B * y).sin() + u
        read.append(x.exp() * y)
    return read


def one_after_the_other(us: Any) -> Any:
    x = us[0]
    for u in us[2:]:
        x = (A * x + u).tanh()
    y = us[1]
    for u in us[2:]:
        y = (B * y).sin() * u
    return [x, y]


def in_turn(us: Any) -> Any:
    """The second state reads the first, but not the other way round."""
    x, y = us[0], us[1]
    for u in us[2:]:
        x = (A * x + u).tanh()
        y = (B * y + x).sin()
    return y


def nested(us: Any) -> Any:
    x = us[0]
    for u in us[1:]:
        for _ in range(6):
            x = (A * x + u).tanh()
        x = x.sin()
    return x


def nested_and_read(us: Any) -> Any:
    """All states of the inner loop are read outside of the outer one."""
    x, read = us[0], []
    for u in us[1:]:
        for _ in range(6):
            x = (A * x + u).tanh()
            read.append(x)
        x = x.exp().cos()
    return [x.sin() for x in read]


def nested_and_begun_anew(us: Any) -> Any:
    """The inner loop begins with a number of the outer step; the outer state reads its last two results."""
    y = us[0]
    for u in us[1:]:
        x, before = u, u
        for _ in range(6):
            x, before = (A * x + y).tanh(), x
        y = (x * before).sin()
    return y


def projected(us: Any) -> Any:
    h = [us[0], us[1]]
    for u, v in zip(us[2::2], us[3::2]):
        h = [dot([*row, A, B], [*h, u, v]).tanh() for row in MATRIX]
    return h[0] - h[1]


def before_and_after(us: Any) -> Any:
    """What no state is needed for stays before the loop, what no state needs after it."""
    x, read = us[0], []
    for u in us[1:]:
        x = (A * x + u.exp()).tanh()
        read.append((x - u) ** 2)
    return autograd.max(read)


def own_weight_at_each_step(us: Any) -> Any:
    x = us[0]
    for w in WEIGHTS:
        x = (w * x).tanh()
    return x


WEIGHTS = [Value(0.1 * k + 0.2) for k in range(8)]


def own_weights_of_layers(us: Any) -> Any:
    x = us
    for k in range(0, 72, 9):
        x = [dot(MORE_WEIGHTS[k + 3 * j : k + 3 * j + 3], x).tanh() for j in range(3)]
    return autograd.sum(x)


MORE_WEIGHTS = [Value(0.02 * k - 0.7) for k in range(72)]


def guarded(us: Any) -> Any:
    x = us[0]
    for u in us[1:]:
        x = autograd.where(x > u, (x - u + 1).sqrt(), A * x)
    return x


def reads_more_of_the_last_step(us: Any) -> Any:
    x, z = us[0], None
    for u in us[1:]:
        z = A * x + u
        x = z.tanh()
    return [x, z]


def running_total(us: Any) -> Any:
    total, read = us[0], []
    for u in us[1:]:
        total = total + u
        read.append(total.sin())
    return autograd.sum(read)


def leapfrog(us: Any) -> Any:
    x, v = us[0], us[1]
    for _ in range(9):
        v = v - 0.05 * (A * x.sin() + B * v)
        x = x + 0.1 * v
    return x * x + v * v


def literals(us: Any) -> Any:
    """The same number at all steps is a literal of the body; a leaf that all steps read is loop-invariant."""
    x = us[0]
    for _ in range(8):
        x = (0.7 * x + autograd.maximum(x, 0.25) * us[1]).tanh()
    return x


def reads_own_old_state(us: Any) -> Any:
    a, b = us[0], us[1]
    for u in us[2:]:
        now = (a * b).tanh()
        a, b = now, abs(0.6 * now + 0.2 * a + u)
    return a + b


def two_stages_apart(us: Any) -> Any:
    """Equal loops with other operations in between."""
    x = us[0]
    for u in us[1:9]:
        x = (A * x + u).tanh()
    x = x.sin() * x.cos()
    for u in us[9:]:
        x = (B * x + u).tanh()
    return x


def passes(count: int) -> Function:
    def function(us: Any) -> Any:
        x = us[0]
        for _ in range(count):
            for u in us[1:]:
                x = (A * x + u).tanh()
            x = x.sin()
        return x

    return function


def first_step_in_another_order(us: Any) -> Any:
    x, y = us[0], us[1]
    for _ in range(12):
        x, y = x + 0.1 * (A * x - B * x * y), y + 0.1 * (B * x * y - C * y)
    return x * x + x


def longest_path(us: Any) -> Any:
    """Cells of a grid of 6 x 6, each of which reads the two before it: a loop per row would lengthen the path."""
    row = [u.sin() for u in us[:6]]
    for u in us[6:12]:
        cells = [u.cos()]
        for above in row:
            cells.append((A * cells[-1] + B * above).tanh())
        row = cells[1:]
    return row[-1]


def chains(count: int) -> Function:
    """Return a function with so many recurrences that do not depend on one another."""

    def function(us: Any) -> Any:
        read = []
        for k in range(count):
            x = us[k]
            for u in us[count:]:
                x = (A * x + u).tanh() if k % 2 else (A * x + u).sin()
            read.append(x)
        return read

    return function


def in_turn_with_more(us: Any) -> Any:
    """Operations before, between and after two loops, and one that reads both."""
    x, y, read = us[0], us[1], []
    for u in us[2:]:
        x = (A * x + u.exp()).tanh()
        y = (B * y + x.cos()).atan()
        read.append(y.sin() * u.sigmoid())
    return autograd.sum(read)


def last_steps_elsewhere(us: Any) -> Any:
    """The last two steps are written in another order, between other operations."""
    x, y, read = us[0], us[1], []
    for u in us[2:-2]:
        x = (A * x + u).tanh()
        y = (B * y + x).sin()
        read.append(x * y)
    for u in us[-2:]:
        read.append(u.exp())
        x = (A * x + u).tanh()
        read.append(x.exp())
        y = (B * y + x).sin()
        read.append(x * y)
    return autograd.sum(read)


# The function, the count of its argument's numbers, for each loop the steps, states, numbers read by step,
# loop-invariant ones, numbers written and operations of the body, and the other operations before, between and after
CASES: dict[str, tuple[Function, int, list[Any], str]] = {
    "driven": (driven, 9, [(8, 1, 1, 1, 0, 2)], "loop"),
    "five steps": (driven, 6, [(5, 1, 1, 1, 0, 2)], "loop"),
    "four steps": (driven, 5, [], "sum tanh sum tanh sum tanh sum tanh"),
    "driven and read": (driven_and_read, 9, [(8, 1, 1, 1, 1, 2)], "loop sin*8 sum"),
    "undriven": (undriven, 2, [(9, 2, 0, 2, 0, 4)], "loop sum"),
    "lag of two": (of_lag(2, 9), 2, [(9, 2, 0, 2, 0, 2)], "loop"),
    "lag of three": (of_lag(3, 9), 3, [(9, 3, 0, 2, 0, 2)], "loop"),
    "independent": (independent, 10, [(8, 2, 1, 2, 2, 5)], " ".join(["loop", *["exp sum"] * 8])),
    "one after the other": (one_after_the_other, 10, [(8, 1, 1, 1, 0, 2), (8, 1, 1, 1, 0, 3)], "loop*2"),
    "in turn": (in_turn, 10, [(8, 1, 1, 1, 1, 2), (8, 1, 1, 1, 0, 2)], "loop*2"),
    "in turn, with more": (
        in_turn_with_more,
        10,
        [(8, 1, 1, 1, 1, 2), (8, 1, 1, 1, 1, 2)],
        " ".join([*["exp sigmoid"] * 8, "loop cos*8 loop sin*8 sum"]),
    ),
    "nested": (nested, 9, [[(8, 1, 1, 1, 0, 2), (6, 1, 0, 2, 0, 2)]], "loop"),
    "five passes": (passes(5), 6, [[(5, 1, 0, 6, 0, 2), (5, 1, 1, 1, 0, 2)]], "loop"),
    "four passes": (passes(4), 6, [(5, 1, 1, 1, 0, 2)] * 4, "loop sin loop sin loop sin loop sin"),
    "nested and read": (
        nested_and_read,
        9,
        [(6, 1, 0, 2, 1, 2), [(7, 1, 1, 1, 6, 3), (6, 1, 0, 2, 1, 2)]],
        "loop*2 sin*48",
    ),
    "nested and begun anew": (nested_and_begun_anew, 9, [[(8, 1, 1, 1, 0, 3), (6, 1, 0, 2, 1, 2)]], "loop"),
    "projected": (projected, 18, [(8, 2, 2, 4, 0, 4)], "sum*16 loop sum"),
    "before and after": (
        before_and_after,
        9,
        [(8, 1, 1, 1, 1, 2)],
        " ".join(["exp*8 loop", *["sum constant_power"] * 8, "max"]),
    ),
    "own weight at each step": (own_weight_at_each_step, 1, [(8, 1, 1, 0, 0, 2)], "loop"),
    "own weights of layers": (own_weights_of_layers, 3, [], " ".join([*["sum tanh"] * 24, "sum"])),
    "guarded": (guarded, 9, [], " ".join(["greater sum sqrt sum where"] * 8)),
    "reads more of the last step": (reads_more_of_the_last_step, 9, [(8, 1, 1, 1, 1, 2)], "loop"),
    "running total": (running_total, 9, [], " ".join([*["sum sin"] * 8, "sum"])),
    "leapfrog": (leapfrog, 2, [(9, 2, 0, 2, 0, 4)], "loop sum"),
    "literals": (literals, 2, [(8, 1, 0, 1, 0, 3)], "loop"),
    "reads its own old state": (reads_own_old_state, 10, [(8, 2, 1, 0, 0, 4)], "loop sum"),
    "two stages": (two_stages_apart, 17, [(8, 1, 1, 1, 0, 2)] * 2, "loop sin cos sum loop"),
    "first step in another order": (first_step_in_another_order, 2, [(11, 2, 0, 3, 0, 6)], "loop sum*4"),
    "last steps elsewhere": (last_steps_elsewhere, 14, [(12, 1, 1, 1, 1, 2)] * 2, "loop*2 exp*4 sum"),
    "two chains": (chains(2), 10, [(8, 1, 1, 1, 0, 2)] * 2, "loop*2"),
    "four chains": (chains(4), 12, [(8, 1, 1, 1, 0, 2)] * 4, "loop*4"),
    "longest path": (longest_path, 12, [], " ".join(["cos*6", *[" ".join(["sin", *["sum tanh"] * 6])] * 6])),
}


@pytest.mark.parametrize("name", CASES)
def test_loops_cover_the_operations_that_recur(name: str, simplified: Simplify, shapes: Any, assert_equal: Any) -> None:
    function, size, expected, others = CASES[name]
    program = simplified(function, [0.1 + 0.05 * k for k in range(size)])
    looped = find_loops(program)
    assert shapes(looped) == expected
    assert outline(looped) == others
    assert_equal(looped, program)


def outline(program: ScalarProgram) -> str:
    """Return the names of the operations in order, except results of loops: `exp*8 loop sum`."""
    primitives = map(program.primitive_of, program.operations)
    names = [primitive.name if primitive else "sum" for primitive in primitives if primitive is not RESULT]
    groups = [(name, len(list(group))) for name, group in itertools.groupby(names)]
    return " ".join(f"{name}*{count}" if count > 1 else name for name, count in groups)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", CASES)
def test_loops_compute_the_same_in_any_order(
    name: str, seed: int, simplified: Simplify, shuffled: Any, assert_equal: Any
) -> None:
    function, size, *_ = CASES[name]
    program = shuffled(simplified(function, [0.1 + 0.05 * k for k in range(size)]), seed)
    assert_equal(find_loops(program), program)


@pytest.mark.parametrize("name", ["driven", "five steps", "driven and read", "in turn", "lag of two"])
def test_a_loop_is_found_in_any_order(name: str, simplified: Simplify, shuffled: Any, shapes: Any) -> None:
    """The operations are searched by levels, too."""
    function, size, expected, _ = CASES[name]
    program = simplified(function, [0.1 + 0.05 * k for k in range(size)])
    for seed in range(3):
        assert len(shapes(find_loops(shuffled(program, seed)))) == len(expected)


def test_operations_of_loops_are_counted_in_all_their_steps(simplified: Simplify) -> None:
    """Of the nested loop, the outer one has 8 steps of three operations, the inner one 6 of two."""
    looped = find_loops(simplified(nested, [0.1 * k for k in range(9)]))
    assert looped_operations(looped) == 8 * (3 + 6 * 2)
    assert len(loops_in(looped)) == 1
    assert looped_operations(simplified(nested, [0.1 * k for k in range(9)])) == 0
