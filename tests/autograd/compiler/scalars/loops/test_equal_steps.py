"""Steps of a trace are made equal before it is simplified: data in arrays, complete last steps, separate nodes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import autograd
from autograd import Value, dot
from autograd.compiler.scalars.loops.complete import with_complete_steps, without_other_outputs
from autograd.compiler.scalars.loops.data import lift_data, may_read_data
from autograd.compiler.scalars.loops.find import recurrences_of
from autograd.compiler.scalars.loops.steps_alike import find_loops_of_trace, with_equal_steps
from autograd.compiler.scalars.passes import SIMPLIFY, run_passes
from autograd.compiler.scalars.program import ScalarProgram

Function = Callable[..., Any]
Programs = Callable[..., ScalarProgram]

A, B, C = Value(0.3), Value(-0.4), Value(0.6)
MATRIX = [[Value(0.3), Value(-0.2)], [Value(0.4), Value(0.1)]]
DATA = [0.5, 0.0, -1.0, 1.0, 0.25, 0.75, 1.0, 0.0]
OTHERS = [1.0, 0.0, 0.5, -0.5, 0.0, 0.3, 0.25, -1.0]


def driven(us: Any) -> Any:
    x = us[0]
    for u in DATA:
        x = (A * x + B * u).tanh()
    return x


def measured(us: Any) -> Any:
    x, errors = us[0], []
    for u in DATA:
        x = (A * x + 0.1 * B).tanh()
        errors.append((x - u) ** 2)
    return autograd.sum(errors)


def two_series(us: Any) -> Any:
    x, y = us
    for u, v in zip(DATA, OTHERS):
        x, y = (A * x + u).tanh(), (B * y + x * v).sin()
    return x * y


def read_twice(us: Any) -> Any:
    """Both states are driven by the same numbers, which form one array."""
    x, y = us
    for u in DATA:
        x, y = (A * x + B * u).tanh(), (B * y + A * u).sin()
    return x * y


def lagged(us: Any) -> Any:
    x = us[0]
    for u, v in itertools.pairwise(SERIES):
        x = (A * x + B * u).tanh() - v
    return x


SERIES = [0.5, 0.2, -1.0, 1.0, 0.25, 0.75, 1.0, 0.3, 0.9]


def begins_with_zero(us: Any) -> Any:
    x: Any = 0.0
    for u in us:
        x = (A * x + u).tanh()
    return x


def begins_with_zeros_and_ones(us: Any) -> Any:
    h: list[Any] = [0.0, 0.0]
    c: list[Any] = [1.0, 1.0]
    for u in us:
        z = [dot(row, h) + b * u for row, b in zip(MATRIX, (A, B))]
        c = [z_k.sigmoid() * c_k + z_k.tanh() for z_k, c_k in zip(z, c)]
        h = [z_k.sigmoid() * c_k.tanh() for z_k, c_k in zip(z, c)]
    return h[0] + h[1]


def begins_two_steps_before(us: Any) -> Any:
    before: Any = 0.25
    x: Any = 0.0
    read = []
    for u in us:
        before, x = x, (A * autograd.maximum(x, before) + u).tanh()
        read.append(x * x)
    return autograd.sum(read)


def total(us: Any) -> Any:
    """A sum over all steps begins with 0, which is no state."""
    x, s = us[0], 0.0
    for u in us[1:]:
        x = (A * x + u).tanh()
        s = s + x * x
    return s


def kalman(zs: Any) -> Any:
    x: list[Any] = [0.0, 0.0]
    p: list[list[Any]] = [[1.0, 0.0], [0.0, 1.0]]
    terms = []
    for z in zs:
        x = [dot(row, x) for row in MATRIX]
        ap = [[dot(row, [p[0][j], p[1][j]]) for j in range(2)] for row in MATRIX]
        q: list[list[Any]] = [[A * A, 0.0], [0.0, B * B]]
        p = [[dot(ap[i], MATRIX[j]) + q[i][j] for j in range(2)] for i in range(2)]
        s = p[0][0] + C * C
        gain, e = [p[0][0] / s, p[1][0] / s], z - x[0]
        terms.append(e * e / s + autograd.log(s))
        x = [a + k * e for a, k in zip(x, gain)]
        p = [[p[i][j] - gain[i] * p[0][j] for j in range(2)] for i in range(2)]
    return autograd.sum(terms)


def last_update_unread(us: Any) -> Any:
    """Nothing reads the second state of the last step, so it is not in the trace."""
    x, y, read = us[0], us[1], []
    for u in us[2:]:
        read.append((x - u) ** 2)
        x, y = A * x + B * y + u, C * y - x
    return autograd.sum(read)


def plain(us: Any) -> Any:
    x = us[0]
    for u in us[1:]:
        x = (A * x + u).tanh()
    return x


# The function, the count of its argument's numbers, for each loop the steps, states, numbers read by step,
# loop-invariant ones, numbers written and operations of the body, and the arrays of constants
CASES: dict[str, tuple[Function, int, list[tuple[int, ...]], list[list[float]]]] = {
    "driven": (driven, 1, [(8, 1, 1, 1, 0, 2)], [DATA]),
    "measured": (measured, 1, [(8, 1, 0, 2, 1, 2)], [DATA]),
    "two series": (two_series, 2, [(8, 1, 1, 1, 1, 2), (8, 1, 1, 1, 0, 2)], [DATA, OTHERS]),
    "read twice": (read_twice, 2, [(8, 1, 1, 1, 0, 2)] * 2, [DATA]),
    "lagged": (lagged, 1, [(8, 1, 2, 1, 0, 3)], [SERIES]),
    "begins with zero": (begins_with_zero, 8, [(8, 1, 1, 1, 0, 2)], [[0.0]]),
    "begins with zeros and ones": (begins_with_zeros_and_ones, 7, [(7, 4, 2, 4, 0, 12)], [[1.0, 1.0], [0.0, 0.0]]),
    "begins two steps before": (begins_two_steps_before, 8, [(8, 2, 1, 1, 1, 3)], [[0.0], [0.25]]),
    "total": (total, 9, [(8, 1, 1, 1, 1, 2)], []),
    "Kalman filter": (
        kalman,
        8,
        [(8, 4, 0, 9, 3, 15), (8, 2, 3, 4, 1, 5)],
        [[1.0, 0.0, 0.0, 1.0], [0.0, 0.0], [0.0], [0.0]],
    ),
    "last update unread": (last_update_unread, 10, [(7, 2, 1, 3, 1, 2)], []),
    "plain": (plain, 9, [(8, 1, 1, 1, 0, 2)], []),
}


def example(size: int) -> list[float]:
    return [0.1 + 0.05 * k for k in range(size)]


def arrays_of(program: ScalarProgram) -> list[list[float]]:
    return [[program.constants[i] for i in array] for array in program.constant_arrays]


@pytest.mark.parametrize("name", CASES)
def test_all_steps_are_steps_of_the_loop(name: str, traced: Programs, shapes: Any, assert_equal: Any) -> None:
    function, size, expected, arrays = CASES[name]
    trace = traced(function, example(size))
    looped = find_loops_of_trace(run_passes(SIMPLIFY, trace), trace)
    assert shapes(looped) == expected
    assert_equal(looped, trace)
    alike = with_equal_steps(trace).verify()
    assert arrays_of(alike) == arrays
    assert_equal(without_other_outputs(alike, 1), trace)
    assert (alike is trace) == (not arrays and name != "last update unread")


@pytest.mark.parametrize("name", ["driven", "read twice", "lagged"])
def test_the_steps_read_the_array_in_order(name: str, traced: Programs) -> None:
    """Each operation reads its own step's number, also where the same number is there several times."""
    function, size, _, (array,) = CASES[name]
    trace = traced(function, example(size))
    alike = with_equal_steps(trace)
    (nodes,) = alike.constant_arrays
    assert len(set(nodes)) == len(array)
    readers: dict[int, list[int]] = {i: [] for i in nodes}
    for i in alike.operations:
        for k in set(alike.operands_of(i)) & set(nodes):
            readers[k].append(i)
    if name == "driven":
        assert all(len(several) == 1 for several in readers.values())
    order = [several[0] for several in readers.values()]
    assert order == sorted(order)
    inner = list(readers.values())[1:-1]
    assert {len(several) for several in inner} == {1 if name == "driven" else 2}


def of_data(data: Sequence[float], divide: bool = False) -> Function:
    def function(us: Any) -> Any:
        x = us[0]
        for u in data:
            x = (A * x).tanh() / u if divide else (A * x).tanh() + u
        return x

    return function


@pytest.mark.parametrize(
    ("data", "lifted"),
    [
        ([0.5] * 8, False),  # a literal
        ([0.25, *[0.5] * 7], False),  # the first step differs and stays outside
        ([*[0.5] * 7, 0.25], False),
        ([0.5, 0.25, *[0.5] * 6], True),
        ([*[0.5] * 6, 0.25, 0.5], True),
        ([0.5, -0.5] * 4, True),
        ([0.25, *[0.5] * 5, 0.25, 0.75], True),
    ],
)
def test_numbers_that_differ_between_inner_steps_are_data(data: list[float], lifted: bool, traced: Programs) -> None:
    alike = with_equal_steps(traced(of_data(data), [0.1]))
    assert arrays_of(alike) == ([data] if lifted else [])


# May read data


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (of_data(DATA), True),
        (of_data([0.5] * 8), False),
        (of_data([0.5, 0.25, 0.5, 0.5]), False),  # four steps
        (of_data([0.5, 0.25, 0.5, 0.5, 0.5]), True),
        (lambda us: begins_with_zero(us[:8]), True),  # one of the products reads a number
        (lambda us: begins_with_zero(us[:4]), False),
        (lambda us: begins_with_zero(us[:5]), True),
        (plain, False),
        (lambda us: plain(us) + 2.0 * us[0] + 3.0 * us[1], True),
        (lambda us: [u * 0.5 for u in us[:4]] + [plain(us).sin()], False),
    ],
)
def test_traces_that_may_read_data(function: Function, expected: bool, traced: Programs) -> None:
    assert may_read_data(traced(function, example(9))) == expected


def test_a_number_that_one_in_five_operations_reads_may_be_an_initial_value(traced: Programs) -> None:
    def function(rare: int, count: int) -> Function:
        return lambda us: [autograd.maximum(us[k], 0.5 if k < rare else us[-1]) for k in range(count)]

    examples = example(12)
    for rare, count, expected in ((1, 5, True), (1, 4, False), (2, 9, False), (2, 10, True), (0, 6, False)):
        assert may_read_data(traced(function(rare, count), examples)) == expected


# Complete last steps


def test_the_last_step_is_completed(traced: Programs) -> None:
    """The second state's product and its difference have no reader; the difference is a further output."""
    trace = traced(last_update_unread, example(10))
    complete = with_complete_steps(trace, *recurrences_of(trace))
    assert len(complete.operations) > len(trace.operations)
    assert complete.differentiated == 2
    others = without_other_outputs(complete, 1)
    assert str(others) == str(trace)
    assert without_other_outputs(trace, 1) is trace
    us = example(10)
    x, y = us[:2]
    leaves = {"a": 0.3, "b": -0.4, "c": 0.6}
    for u in us[2:-1]:
        x, y = leaves["a"] * x + leaves["b"] * y + u, leaves["c"] * y - x
    numbers = complete.evaluate([us], [*leaves.values()])
    assert numbers[0] == pytest.approx(y, rel=1e-12)


@pytest.mark.parametrize(
    ("second", "completed"),
    [
        (lambda x, y: (C * y).tanh() - x, True),
        (lambda x, y: (C * y).sin() - x, True),
        (lambda x, y: (C * y.sin()).exp() - x, False),  # its derivative is not bounded
        (lambda x, y: (C * y) ** 3 - x, False),
        (lambda x, y: y / C - x, True),  # a divisor that others divide by
        (lambda x, y: x / (2.0 + y * y), False),
    ],
)
def test_steps_are_completed_by_operations_of_finite_derivatives(
    second: Callable[[Any, Any], Any], completed: bool, traced: Programs, assert_equal: Any
) -> None:
    """The unread operations could spoil the gradients with 0 * inf."""

    def function(us: Any) -> Any:
        x, y, read = us[0], us[1], []
        for u in us[2:]:
            read.append((x - u) * x)
            x, y = A * x + B * y + u, second(x, y)
        return autograd.sum(read)

    trace = traced(function, example(12))
    complete = with_complete_steps(trace, *recurrences_of(trace))
    assert (complete is not trace) == completed
    assert_equal(without_other_outputs(complete, 1), trace)


def test_a_step_of_which_most_is_missing_is_not_completed(traced: Programs) -> None:
    """Of the last step, one operation in nine is there."""

    def function(us: Any) -> Any:
        x, y = us[0], us[1]
        for u in us[2:]:
            x, y = A * x + u, ((((y * A).sin() * B).sin() * C).sin() * x).sin()
        return x + y * 0.0

    trace = traced(function, example(12))
    assert with_complete_steps(trace, *recurrences_of(trace)) is trace


def test_lifting_changes_no_trace_without_data(traced: Programs) -> None:
    trace = traced(plain, example(9))
    assert lift_data(trace, *recurrences_of(trace)) is trace
    assert with_equal_steps(trace) is trace
