"""Loops: repeated parts of a graph become a loop, with as many lines for every length, that computes the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, dot
from autograd.compiler.pipeline import simplify
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.loops.find import find_loops
from autograd.compiler.scalars.loops.repeat import Repeat
from autograd.compiler.scalars.loops.shortened import find_long_loop
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.stages import PassRunner
from autograd.compiler.trace.retrace import settled_trace

Function = Callable[..., Any]
Case = tuple[Function, tuple[Any, ...]]
"""A function, and examples for it."""

UNITS, INPUTS = 3, 2
LENGTHS = 11, 14, 19
chance = random.Random(3)


def numbers(*shape: int) -> Any:
    return [numbers(*shape[1:]) for _ in range(shape[0])] if shape else chance.uniform(-0.8, 0.8)


def parameters(*shape: int) -> Any:
    return [parameters(*shape[1:]) for _ in range(shape[0])] if shape else Value(chance.uniform(-0.8, 0.8))


def layer(inputs: int, gates: int) -> Any:
    return [(parameters(UNITS, inputs), parameters(UNITS, UNITS), parameters(UNITS)) for _ in range(gates)]


FIRST, SECOND = layer(INPUTS, 4), layer(UNITS, 4)
READ_OUT, CHANGES, START = parameters(2, UNITS), parameters(3, 3), parameters(3)
RATE, NOISE, VARIANCE, TRANSITION = Value(0.3), Value(0.5), Value(0.7), parameters(2, 2)


def pre_activations(gate: Any, x: Any, h: Any) -> list[Any]:
    return [dot(w, x) + dot(u, h) + b for w, u, b in zip(*gate)]


def rnn_step(gates: Any, x: Any, state: Any) -> Any:
    return ([z.tanh() for z in pre_activations(gates[0], x, state[0])],)


def lstm_step(gates: Any, x: Any, state: Any) -> Any:
    h, c = state
    i, f, o = ([z.sigmoid() for z in pre_activations(gate, x, h)] for gate in gates[:3])
    g = [z.tanh() for z in pre_activations(gates[3], x, h)]
    c = [f[k] * c[k] + i[k] * g[k] for k in range(UNITS)]
    return [o[k] * c[k].tanh() for k in range(UNITS)], c


def gru_step(gates: Any, x: Any, state: Any) -> Any:
    (h,) = state
    z, r = ([z.sigmoid() for z in pre_activations(gate, x, h)] for gate in gates[:2])
    n = [a.tanh() for a in pre_activations(gates[2], x, [a * b for a, b in zip(r, h)])]
    return ([(1 - z[k]) * n[k] + z[k] * h[k] for k in range(UNITS)],)


def states(step: Any, gates: Any, xs: Any, arrays: int = 1) -> list[Any]:
    """The outputs of a recurrent layer at all steps."""
    state, outputs = ([0.0] * UNITS,) * arrays, []
    for x in xs:
        state = step(gates, x, state)
        outputs.append(state[0])
    return outputs


def error(outputs: Any, ys: Any) -> Any:
    return autograd.sum([(dot(w, h) - y) ** 2 for h, several in zip(outputs, ys) for w, y in zip(READ_OUT, several)])


def last(step: Any, arrays: int = 1) -> Function:
    return lambda xs: autograd.sum([h * h for h in states(step, FIRST, xs, arrays)[-1]])


def at_each_step(step: Any, arrays: int = 1) -> Function:
    return lambda xs, ys: error(states(step, FIRST, xs, arrays), ys) / len(ys)


def two_layers(xs: Any, ys: Any) -> Any:
    return error(states(rnn_step, SECOND, states(rnn_step, FIRST, xs)), ys)


def two_lstms(xs: Any) -> Any:
    """Return the last state of the second of two layers; the last step of each layer computes less than the others."""
    return autograd.sum([h * h for h in states(lstm_step, SECOND, states(lstm_step, FIRST, xs, 2), 2)[-1]])


def both_directions(xs: Any, ys: Any) -> Any:
    ahead, back = states(rnn_step, FIRST, xs), states(rnn_step, FIRST[1:], xs[::-1])[::-1]
    return error([[a + b for a, b in zip(*several)] for several in zip(ahead, back)], ys)


def shared_layers(x: Any, layers: int) -> Any:
    for _ in range(layers):
        x = [(dot(w, x) + b).tanh() for w, b in zip(SECOND[0][0], START)]
    return autograd.sum(x)


def power_iteration(v: Any, steps: int) -> Any:
    for _ in range(steps):
        v = [dot(row, v) for row in CHANGES]
        length = autograd.sum([a * a for a in v]).sqrt()
        v = [a / length for a in v]
    return dot([1.0, 2.0, 3.0], v)


def forward_algorithm(of_all: Function) -> Function:
    def likelihood(es: Any) -> Any:
        alpha = [a + e for a, e in zip(START, es[0])]
        for e in es[1:]:
            alpha = [of_all([alpha[i] + CHANGES[i][j] for i in range(3)]) + e[j] for j in range(3)]
        return of_all(alpha)

    return likelihood


def average(xs: Any) -> Any:
    mean, errors = xs[0], []
    for x in xs[1:]:
        mean = RATE * mean + (1 - RATE) * x
        errors.append((mean - x) ** 2)
    return autograd.sum(errors)


def kalman(zs: Any) -> Any:
    x, variance, errors = 0.0 * zs[0], RATE, []
    for z in zs:
        variance = variance + RATE
        gain = variance / (variance + NOISE)
        e = z - x
        x, variance = x + gain * e, (1 - gain) * variance
        errors.append(e * e)
    return autograd.sum(errors)


def kalman_of_two(zs: Any) -> Any:
    """A filter of two states, the first of which is observed; the first step begins with literals."""
    x: list[Any] = [0.0, 0.0]
    p: list[list[Any]] = [[1.0, 0.0], [0.0, 1.0]]
    terms = []
    for z in zs:
        x = [dot(row, x) for row in TRANSITION]
        ap = [[dot(row, [p[0][j], p[1][j]]) for j in range(2)] for row in TRANSITION]
        q = [[RATE * RATE, 0.0], [0.0, NOISE * NOISE]]
        p = [[dot(ap[i], TRANSITION[j]) + q[i][j] for j in range(2)] for i in range(2)]
        s = p[0][0] + VARIANCE * VARIANCE
        gain, e = [p[0][0] / s, p[1][0] / s], z - x[0]
        terms.append(e * e / s + autograd.log(s))
        x = [a + k * e for a, k in zip(x, gain)]
        p = [[p[i][j] - gain[i] * p[0][j] for j in range(2)] for i in range(2)]
    return autograd.sum(terms)


def two_step_average(xs: Any) -> Any:
    """Recurrence in which, in each step, the second number reads the new value of the first one and the old one."""
    a, b = xs[0], 0.5 * xs[0]
    for x in xs:
        now = (a * b).tanh()
        a, b = now, abs(0.6 * now + 0.2 * a + 0.1 * x)
    return a + b


def runge_kutta(x: Any, v: Any, steps: int) -> Any:
    """Simulate a damped pendulum by the classical method of order 4; the last operation of a step skips its first."""

    def slope(x: Any, v: Any) -> Any:
        return v, -(RATE * x.sin()) - NOISE * v

    for _ in range(steps):
        x1, v1 = slope(x, v)
        x2, v2 = slope(x + 0.05 * x1, v + 0.05 * v1)
        x3, v3 = slope(x + 0.05 * x2, v + 0.05 * v2)
        x4, v4 = slope(x + 0.1 * x3, v + 0.1 * v3)
        x, v = x + 0.1 / 6 * (x1 + 2 * x2 + 2 * x3 + x4), v + 0.1 / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
    return x * x + v * v


# For each program: a function of the length, and the most lines it may have
PROGRAMS: dict[str, tuple[int, Callable[[int], Case]]] = {
    "RNN": (60, lambda t: (last(rnn_step), (numbers(t, INPUTS),))),
    "RNN, an output at each step": (80, lambda t: (at_each_step(rnn_step), (numbers(t, INPUTS), numbers(t, 2)))),
    "LSTM": (80, lambda t: (last(lstm_step, 2), (numbers(t, INPUTS),))),
    "LSTM, an output at each step": (95, lambda t: (at_each_step(lstm_step, 2), (numbers(t, INPUTS), numbers(t, 2)))),
    "GRU": (110, lambda t: (at_each_step(gru_step), (numbers(t, INPUTS), numbers(t, 2)))),
    "two layers": (110, lambda t: (two_layers, (numbers(t, INPUTS), numbers(t, 2)))),
    "two LSTM layers, the last state": (110, lambda t: (two_lstms, (numbers(t, INPUTS),))),
    "layers that share weights": (50, lambda t: (lambda x: shared_layers(x, t), (numbers(UNITS),))),
    "power iteration": (60, lambda t: (lambda v: power_iteration(v, t), ([0.6, 0.5, 0.4],))),
    "Runge-Kutta": (90, lambda t: (lambda x, v: runge_kutta(x, v, t), (1.0, 0.2))),
    "hidden Markov model": (70, lambda t: (forward_algorithm(autograd.logsumexp), (numbers(t, 3),))),
    "Viterbi": (70, lambda t: (forward_algorithm(autograd.max), (numbers(t, 3),))),
    "Kalman filter of two states": (105, lambda t: (kalman_of_two, (numbers(t),))),
}
OTHERS: dict[str, Callable[[int], Case]] = {
    "both directions": lambda t: (both_directions, (numbers(t, INPUTS), numbers(t, 2))),
    "exponential average": lambda t: (average, (numbers(t),)),
    "Kalman filter": lambda t: (kalman, (numbers(t),)),
    "this step and the last": lambda t: (two_step_average, (numbers(t),)),
}


def lines(program: Any) -> int:
    return sum(bool(line.strip()) for line in program.source.splitlines())


def as_values(x: Any) -> Any:
    return Value(float(x)) if np.ndim(x) == 0 else [as_values(row) for row in x]


def grads(x: Any) -> Any:
    return x.grad if isinstance(x, Value) else [grads(row) for row in x]


def assert_computes(program: Any, function: Function, examples: Sequence[Any]) -> None:
    """Compare values and all derivatives with the graph's, of one sample and of a batch."""
    rng = np.random.default_rng(0)
    for samples in (1, 4):
        batch = [rng.uniform(-0.8, 0.8, (samples, *np.shape(example))) for example in examples]
        values, of_arguments = [], [[] for _ in examples]  # type: ignore[var-annotated]
        for parameter in program.parameters:
            parameter.grad = 0.0
        for k in range(samples):
            arguments = [as_values(x[k]) for x in batch]
            value = function(*arguments)
            value.backward()
            values.append(value.data)
            for several, argument in zip(of_arguments, arguments):
                several.append(grads(argument))
        expected = [p.grad / samples for p in program.parameters]
        for parameter in program.parameters:
            parameter.grad = 0.0
        program.backward(*batch)
        assert_close(program(*batch), values)
        assert_close([p.grad for p in program.parameters], expected)
        derivatives = program.input_gradients(*batch)
        for result, wanted in zip(derivatives if isinstance(derivatives, tuple) else [derivatives], of_arguments):
            assert_close(result, wanted)


def assert_close(result: Any, expected: Any) -> None:
    difference = np.linalg.norm(np.array(result) - np.array(expected))
    assert difference <= 1e-12 * np.linalg.norm(np.array(expected))


@pytest.mark.parametrize("name", [*PROGRAMS, *OTHERS])
def test_loops_compute_what_the_graph_does(name: str) -> None:
    case = PROGRAMS[name][1] if name in PROGRAMS else OTHERS[name]
    for length in LENGTHS:
        function, examples = case(length)
        assert_computes(autograd.compile(function, *examples), function, examples)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_loop_has_as_many_lines_for_every_length(name: str) -> None:
    most, case = PROGRAMS[name]
    programs = [autograd.compile(function, *examples) for function, examples in map(case, LENGTHS)]
    assert len(set(map(lines, programs))) == 1
    assert lines(programs[0]) <= most
    for length, program in zip(LENGTHS, programs):
        assert f"in range({length - 1}):" in program.source or f"in range({length}):" in program.source


@pytest.mark.parametrize(
    ("name", "most"), [("both directions", 65), ("Kalman filter", 55), ("exponential average", 40)]
)
def test_so_do_loops_whose_first_or_last_step_differs(name: str, most: int) -> None:
    """The last step of a filter updates nothing that is read."""
    programs = [autograd.compile(function, *examples) for function, examples in map(OTHERS[name], LENGTHS)]
    assert len(set(map(lines, programs))) == 1
    assert lines(programs[0]) <= most


def test_projections_of_all_inputs_are_one_product_before_the_loop() -> None:
    source = autograd.compile(last(lstm_step, 2), numbers(12, INPUTS)).source
    before, loop = source.split("def backward")[0].split("    for t in")
    assert before.count("@") == 1
    assert loop.count("@") == 1


@pytest.mark.parametrize("units", [2, 3, 5, 8])
def test_weights_are_read_in_one_order_at_all_steps(units: int) -> None:
    """The first step, before the loop, reads the same arrays: there is no second read-out with permuted columns."""
    w, u, b, v, c = parameters(units, units), parameters(units), parameters(units), parameters(units), Value(0.1)

    def cost(xs: Any, ys: Any) -> Any:
        h, outputs = [0.0] * units, []
        for x in xs:
            h = [dot([*row, u_j], [*h, x], b_j).tanh() for row, u_j, b_j in zip(w, u, b)]
            outputs.append(dot(v, h, c))
        return autograd.sum([(o - y) ** 2 for o, y in zip(outputs, ys)])

    signature = autograd.compile(cost, numbers(12), numbers(12)).source.splitlines()[0]
    assert signature.startswith("def forward(")
    assert signature.count(",") + 1 == 2 + 5


def test_layers_of_their_own_weights_are_no_loop() -> None:
    weights = parameters(8, UNITS, UNITS)

    def network(x: Any) -> Any:
        for matrix in weights:
            x = [dot(row, x).tanh() for row in matrix]
        return autograd.sum(x)

    assert "for t in" not in autograd.compile(network, numbers(UNITS)).source


def test_an_lstm_has_the_gradients_of_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="compared with PyTorch's")
    xs = torch.tensor(numbers(12, INPUTS), dtype=torch.float64)
    cell = torch.nn.LSTM(INPUTS, UNITS, dtype=torch.float64)
    order = 0, 1, 3, 2  # PyTorch's gates: input, forget, cell, output
    with torch.no_grad():
        for tensor, k in ((cell.weight_ih_l0, 0), (cell.weight_hh_l0, 1), (cell.bias_ih_l0, 2)):
            rows = [FIRST[gate][k] for gate in order]
            tensor.copy_(
                torch.tensor(
                    [[w.data for w in r] if k < 2 else r.data for gate in rows for r in gate], dtype=torch.float64
                )
            )
        cell.bias_hh_l0.zero_()
    (cell(xs)[0][-1] ** 2).sum().backward()
    program = autograd.compile(last(lstm_step, 2), xs.tolist())
    for parameter in program.parameters:
        parameter.grad = 0.0
    program.backward([xs.tolist()])
    for tensor, k in ((cell.weight_ih_l0, 0), (cell.weight_hh_l0, 1), (cell.bias_ih_l0, 2)):
        assert_close([grads(r) for gate in order for r in FIRST[gate][k]], tensor.grad.tolist())


# Random loops

STEPS: list[Callable[[Any, Any, Any], Any]] = [
    lambda a, b, w: (a * w + b).tanh(),
    lambda a, b, w: 0.5 * a - (w * b).sin(),
    lambda a, b, w: a.sigmoid() * b - w,
    lambda a, b, w: (a + b + w) / 3,
    lambda a, b, w: autograd.maximum(0.9 * a, b) + 0.1 * w,
    lambda a, b, w: autograd.logsumexp([a, b * 0.5, w]) - 1.0,
]


def random_recurrence(seed: int) -> Case:
    """Draw a recurrence: arrays of several lengths are carried, inputs go in either direction, the ends may differ."""
    chance = random.Random(seed)
    length, widths = chance.randint(6, 12), [chance.randint(1, 4) for _ in range(chance.randint(1, 3))]
    steps = [chance.choice(STEPS) for _ in widths]
    offsets = [(chance.randrange(4), chance.randrange(4), chance.randrange(3)) for _ in widths]
    backward, inner = chance.random() < 0.4, chance.random() < 0.3
    read_out = chance.choice(["last", "all", "some"])
    first_differs, last_differs = chance.random() < 0.4, chance.random() < 0.4
    weights = [Value(chance.uniform(-0.9, 0.9)) for _ in range(3)]

    def one_pass(xs: Any, state: Any) -> tuple[list[Any], Any]:
        outputs = []
        for t, x in enumerate(reversed(xs) if backward else xs):
            if first_differs and t == 0:
                state = [[a + x[0] for a in part] for part in state]
                continue
            flat = [*x, *(a for part in state for a in part)]
            state = [
                [step(a, flat[(k + i) % len(flat)], weights[(m + k) % 3]) * 0.7 for k, a in enumerate(part)]
                for step, (i, _, m), part in zip(steps, offsets, state)
            ]
            if last_differs and t == len(xs) - 1:
                state = [[a * a for a in part] for part in state]
            outputs.append(state[0][0])
        return outputs, state

    def function(xs: Any) -> Any:
        state = [[xs[0][0] * 0.1 * (k + 1) for k in range(width)] for width in widths]
        outputs: list[Any] = []
        for _ in range(6 if inner else 1):
            more, state = one_pass(xs, state)
            outputs += more
        chosen = {"last": outputs[-1:], "all": outputs, "some": outputs[::2]}[read_out]
        return autograd.sum([*chosen, *(a for part in state for a in part)])

    return function, ([[chance.uniform(-1, 1) for _ in range(2)] for _ in range(length)],)


# Long traces


def pendulum(steps: int, read: int | None = None) -> Function:
    """Simulate a pendulum by leapfrog; the position after one of the steps is a factor of the result."""

    def function(x: Any, v: Any) -> Any:
        factor = 1.0
        for t in range(steps):
            v = v - 0.05 * (RATE * x.sin() + NOISE * v)
            x = x + 0.1 * v
            factor = x if t == read else factor
        return (x * x + v * v) * factor

    return function


def alternating(steps: int) -> Function:
    """Recurrence with a state that is read two steps later."""

    def function(x: Any, v: Any) -> Any:
        for _ in range(steps):
            x, v = (RATE * x - 0.5 * v + 0.1 * x.tanh()).sin(), x
        return x - v

    return function


def trace_of(function: Function, *examples: Any) -> ScalarProgram:
    return from_trace(*settled_trace(function, examples))


@pytest.mark.parametrize("steps", [300, 301])
@pytest.mark.parametrize("function", [pendulum, lambda t: lambda x, v: shared_layers([x, v, x * v], t)])
def test_the_loop_of_a_long_trace_computes_what_the_trace_does(function: Any, steps: int) -> None:
    trace = trace_of(function(steps), 0.5, 0.4)
    looped = find_long_loop(trace)
    assert looped is not None
    assert sum(isinstance(p, Repeat) for p in looped.verify().primitives) == 1
    assert len(looped.operations) < 100
    leaves = np.random.default_rng(0).uniform(-0.5, 0.5, trace.parameter_count).tolist()
    assert_close(looped.evaluate([[0.3], [-0.2]], leaves), trace.evaluate([[0.3], [-0.2]], leaves))


@pytest.mark.parametrize("read", [0, 3, 125, 246, 249])
def test_any_step_of_a_long_trace_may_be_read(read: int) -> None:
    function = pendulum(250, read)
    assert_computes(autograd.compile(function, 0.5, 0.4), function, (0.5, 0.4))


def test_a_long_trace_has_as_many_lines_as_a_short_one() -> None:
    for function in (pendulum, alternating):
        short, *long = (autograd.compile(function(steps), 0.5, 0.4) for steps in (60, 301, 323))
        assert {lines(program) for program in long} == {lines(short)}
        assert "for t in range(32" in long[1].source


def test_steps_of_a_long_trace_may_read_data() -> None:
    data = numbers(300)

    def function(x: Any) -> Any:
        for u in data:
            x = (RATE * x - u * NOISE + 0.3 * x.sin()).tanh()
        return x

    looped = find_long_loop(trace_of(function, 0.5))
    assert looped is not None
    assert [p.steps for p in looped.primitives if isinstance(p, Repeat)] == [300]
    assert_computes(autograd.compile(function, 0.5), function, (0.5,))


def scalars_of(function: Function, *examples: Any) -> ScalarProgram:
    trace, leaves = settled_trace(function, examples)
    return simplify(from_trace(trace, leaves), PassRunner())


@pytest.mark.parametrize("seed", range(24))
def test_random_loops_compute_what_the_graph_does(seed: int) -> None:
    function, examples = random_recurrence(seed)
    scalars = scalars_of(function, *examples)
    looped = find_loops(scalars).verify()
    rng = np.random.default_rng(seed)
    arguments = [rng.uniform(-1, 1, size).tolist() for size in scalars.argument_sizes]
    leaves = rng.uniform(-1, 1, scalars.parameter_count).tolist()
    assert_close(looped.evaluate(arguments, leaves), scalars.evaluate(arguments, leaves))
    assert_computes(autograd.compile(function, *examples), function, examples)


def test_most_random_recurrences_are_loops() -> None:
    programs = [find_loops(scalars_of(function, *examples)) for function, examples in map(random_recurrence, range(12))]
    assert sum(any(isinstance(p, Repeat) for p in program.primitives) for program in programs) >= 8
