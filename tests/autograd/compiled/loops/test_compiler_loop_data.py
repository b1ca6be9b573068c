"""Data that a function captures as plain numbers: a loop reads one per step, in as many lines for every length."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, dot

a, b, c = Value(0.3), Value(0.2), Value(0.5)
RECURRENT, INPUT, BIASES = (
    [[Value(0.3), Value(-0.2)], [Value(0.4), Value(0.1)]],
    [Value(0.5), Value(-0.7)],
    [a, b],
)
LENGTHS = 20, 27, 41
SPECIAL = 0.0, 1.0, -1.0
"""Numbers that change an operation: a term times 0 is none, a product with 1 is its other factor."""


def series(length: int, least: float = -1.0, special: Sequence[float] = ()) -> list[float]:
    """Return random data; with special values, these include the first, two in the middle and the last."""
    chance = random.Random(length)
    data = [round(chance.uniform(least, 1.0), 2) or 0.5 for _ in range(length)]
    for t in {0, 7, 8, length - 1, *chance.sample(range(length), length // 4)} if special else ():
        data[t] = chance.choice(special)
    return data


def populations(length: int, special: Sequence[float] = ()) -> Callable[..., Any]:
    data = series(length, special=special)

    def error(x: Any, y: Any) -> Any:
        total = 0.0
        for t in range(length):
            x, y = x + 0.1 * (a * x - b * x * y), y + 0.1 * (b * x * y - c * y)
            total = total + (x - data[t]) ** 2
        return total / length

    return error


def two_series(length: int, special: Sequence[float] = ()) -> Callable[..., Any]:
    data = list(zip(series(length, special=special), series(length + 1, special=special)))

    def error(x: Any, y: Any) -> Any:
        errors = []
        for u, v in data:
            x, y = (a * x + b * y + 0.1).tanh(), (c * y - a * x).sin()
            errors.append((x - u) ** 2 + (v - y) ** 2)
        return autograd.sum(errors)

    return error


def network(length: int, special: Sequence[float] = ()) -> Callable[..., Any]:
    data = list(zip(series(length, special=special), series(length + 1, special=special)))

    def error(x: Any, y: Any) -> Any:
        h, errors = [x, y], []
        for u, wanted in data:
            h = [(dot(row, h) + w * u + bias).tanh() for row, w, bias in zip(RECURRENT, INPUT, BIASES)]
            errors.append((dot(BIASES, h) - wanted) ** 2)
        return autograd.sum(errors)

    return error


def final(step: Callable[[Any, float], Any], least: float = -1.0) -> Callable[..., Callable[..., Any]]:
    """A function of the state after all steps."""

    def of_length(length: int, special: Sequence[float] = ()) -> Callable[..., Any]:
        data = series(length, least, [x for x in special if x >= least])

        def value(x: Any, y: Any) -> Any:
            for u in data:
                x = step(x, u)
            return x * x + y

        return value

    return of_length


PROGRAMS: dict[str, Callable[..., Callable[..., Any]]] = {
    "populations": populations,
    "two series": two_series,
    "network": network,
    "driven": final(lambda x, u: (a * x + b * u).sin()),
    "added": final(lambda x, u: (a * x + u).tanh()),
    "steps of several lengths": final(lambda x, dt: x + dt * (a * x - b * x * x), 0.01),
    "coefficient of a product": final(lambda x, u: (u * x * a + b).tanh()),
    "factor of a sum": final(lambda x, u: (a * x + b * x * x) * u + c),
    "divisor": final(lambda x, u: (a * x + b * x * x) / u + c, 0.5),
    "exponent": final(lambda x, u: a * x.sigmoid() ** u + b, 0.1),
    "threshold": final(lambda x, u: autograd.where(x > u, 0.9 * x, 0.5 * x) + a),
    "largest": final(lambda x, u: autograd.maximum(a * x, u) - b),
}


def lines(program: Any) -> int:
    return sum(bool(line.strip()) for line in program.source.splitlines())


def assert_computes(function: Callable[..., Any]) -> None:
    """Compare the value and all derivatives with the graph's."""
    examples = 0.8, 0.5
    program = autograd.compile(function, *examples)
    x, y = map(Value, examples)
    value = function(x, y)
    for parameter in program.parameters:
        parameter.grad = 0.0
    value.backward()
    expected = [parameter.grad for parameter in program.parameters]
    for parameter in program.parameters:
        parameter.grad = 0.0
    program.backward(*[np.array([example]) for example in examples])
    np.testing.assert_allclose([float(program(*examples))], [value.data], rtol=1e-12)
    np.testing.assert_allclose([parameter.grad for parameter in program.parameters], expected, rtol=1e-12)
    derivatives = program.input_gradients(*[np.array([example]) for example in examples])
    np.testing.assert_allclose(np.ravel(derivatives), [x.grad, y.grad], rtol=1e-12)


@pytest.mark.parametrize("name", PROGRAMS)
def test_captured_numbers_are_read_by_step(name: str) -> None:
    programs = [autograd.compile(PROGRAMS[name](length), 0.8, 0.5) for length in LENGTHS]
    assert len(set(map(lines, programs))) == 1
    assert lines(programs[0]) <= 110
    for length, program in zip(LENGTHS, programs):
        assert any(f"in range({length - ends}):" in program.source for ends in range(3))


@pytest.mark.parametrize("name", PROGRAMS)
def test_captured_numbers_are_those_of_the_graph(name: str) -> None:
    assert_computes(PROGRAMS[name](LENGTHS[0]))


@pytest.mark.parametrize("name", PROGRAMS)
def test_zeros_and_ones_among_data_change_no_line(name: str) -> None:
    plain, special = (PROGRAMS[name](LENGTHS[0], numbers) for numbers in ((), SPECIAL))
    assert lines(autograd.compile(special, 0.8, 0.5)) == lines(autograd.compile(plain, 0.8, 0.5))
    assert_computes(special)


def memory_cell(start: float) -> Callable[..., Any]:
    """An LSTM of two units, whose states begin with numbers."""

    def value(xs: Any) -> Any:
        h: list[Any] = [start, start]
        c = h
        for x in xs:
            z = [dot(row, h) + w * x + bias for row, w, bias in zip(RECURRENT, INPUT, BIASES)]
            c = [z_k.sigmoid() * c_k + z_k.tanh() for z_k, c_k in zip(z, c)]
            h = [z_k.sigmoid() * c_k.tanh() for z_k, c_k in zip(z, c)]
        return autograd.sum(h)

    return value


@pytest.mark.parametrize("start", SPECIAL)
def test_states_may_begin_with_any_number(start: float) -> None:
    """The first step and the last one are steps of the loop, whatever number the states begin with."""
    sources = []
    for length in (6, 12, 30):
        program = autograd.compile(memory_cell(start), series(length))
        forward, backward = program.source.split("def backward")
        assert forward.count(f"for t in range({length}):") == 1
        assert backward.count(f"for t in reversed(range({length})):") == 1
        assert forward.count("tanh(") == 2
        sources.append(program)
    assert len(set(map(lines, sources))) == 1
    assert lines(sources[0]) <= lines(autograd.compile(memory_cell(0.37), series(6)))
    x = np.random.default_rng(0).normal(size=12)
    sample = list(map(Value, x.tolist()))
    memory_cell(start)(sample).backward()
    np.testing.assert_allclose(sources[1].input_gradients(x[None])[0], [v.grad for v in sample], rtol=1e-12)


def test_a_first_step_in_another_order_is_a_step_of_the_loop() -> None:
    """In the trace, the operations of the first two steps are interleaved differently from those of later steps."""

    def last(length: int) -> Callable[..., Any]:
        def state(x: Any, y: Any) -> Any:
            for _ in range(length):
                x, y = x + 0.1 * (a * x - b * x * y), y + 0.1 * (b * x * y - c * y)
            return x * x + x

        return state

    programs = [autograd.compile(last(length), 0.8, 0.5) for length in (9, 20, 41)]
    assert len(set(map(lines, programs))) == 1
    assert "in range(19):" in programs[1].source
    assert_computes(last(20))


def moving_average(length: int) -> Callable[..., Any]:
    data = series(length)

    def error(x: Any, y: Any) -> Any:
        mean, errors = x, []
        for u in data:
            errors.append((mean - u) ** 2)
            mean = a * mean + (1 - a) * u
        return autograd.sum(errors) * y

    return error


def volatility(length: int) -> Callable[..., Any]:
    data = series(length)

    def likelihood(x: Any, y: Any) -> Any:
        variance, total = a + x * x, 0.0
        for u in data:
            total = total + autograd.log(variance) + u * u / variance
            variance = a + b * u**2 + c * variance
        return total * y

    return likelihood


@pytest.mark.parametrize("function", [moving_average, volatility, PROGRAMS["driven"]])
def test_short_series_have_as_many_lines_as_long_ones(function: Callable[[int], Callable[..., Any]]) -> None:
    programs = [autograd.compile(function(length), 0.8, 0.5) for length in (10, 11, 14, 50)]
    assert len(set(map(lines, programs))) == 1
    assert lines(programs[0]) <= 60


def test_errors_are_summed_in_the_loop_that_computes_the_states() -> None:
    """One loop computes the variances, each term of the likelihood, and their sum; there is no second loop."""
    forward, _ = autograd.compile(volatility(30), 0.8, 0.5).source.split("def backward")
    assert forward.count("for t in range(") == 1
    assert "log(" in forward.split("for t in range(")[1]


@pytest.mark.parametrize("function", [moving_average, volatility])
def test_loops_in_one_compute_what_the_graph_does(function: Callable[[int], Callable[..., Any]]) -> None:
    for length in (6, 9, 60):
        assert_computes(function(length))


def test_exponents_by_step_have_derivatives_however_many() -> None:
    """So many operations would become machine code, which supports the derivative of a power for one exponent only."""
    assert_computes(PROGRAMS["exponent"](150))


def test_a_number_that_is_the_same_at_every_step_stays_where_it_is() -> None:
    source = autograd.compile(populations(20), 0.8, 0.5).source
    assert "0.1 * " in source.split("for t in range")[1]


def test_data_of_few_values_are_read_by_step_as_well() -> None:
    """Zeros and ones in the data, as of an impulse or a switch, do not change the operations of a step."""
    switched = [float(t % 3 == 0) for t in range(24)]

    def value(x: Any) -> Any:
        for u in switched:
            x = (a * x + b * u + c).tanh()
        return x

    assert "for t in range" in autograd.compile(value, 0.5).source


def test_steps_that_differ_in_a_sign_are_told_apart() -> None:
    """A number that has the same size at all steps, but not the same sign, is read by step, too."""
    signs = [1.0 if t % 3 else -1.0 for t in range(20)]

    def value(x: Any, y: Any) -> Any:
        for sign in signs:
            x = (a * x + c * y - b * sign).tanh()
        return x

    assert_computes(value)
