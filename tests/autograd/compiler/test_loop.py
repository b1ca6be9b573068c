"""Loops of array programs: their values and gradients are those of PyTorch, and their derivatives are loops."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import Batch, N, Shape
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.targets.numpy_run import NumpyEngine
from autograd.compiler.targets.straight_line.block_builder import UnexpandableError
from autograd.compiler.targets.straight_line.loops.engine import LoopEngine, LoopPasses

torch = pytest.importorskip("torch", reason="PyTorch, the oracle, is not installed")

Array = NDArray[Any]
UNITS, WIDTH, SAMPLES = 4, 3, 5
LENGTHS = [1, 2, 50]
ByTorch = Callable[..., Any]


def rnn_body(is_named: bool = True) -> ArrayProgram:
    """A step of an Elman network: a = tanh(x_t Wᵀ + h Uᵀ + b)."""
    body = Builder()
    h, x = body.argument("h", UNITS), body.argument("x_t", WIDTH)
    w, u, b = (body.argument(name, shape) for name, shape in (("w", (4, 3)), ("u", (4, 4)), ("b", (4,))))
    z = body.contract(x, w, "nk", "ck", "nc") + body.contract(h, u, "nk", "ck", "nc") + b
    a = body.apply(primitives.tanh, z.named("z") if is_named else z, name="a" if is_named else "")
    return body.program([a, a])


def rnn(steps: int, is_backward: bool = False, is_named: bool = True) -> ArrayProgram:
    """Return the sum of the squares of the last state and of all states, for each sample."""
    builder = Builder()
    x = builder.reshape(builder.argument("x", steps * WIDTH), (N, steps, WIDTH))
    w = builder.parameter(np.arange(12).reshape(4, 3), "w")
    u = builder.parameter(12 + np.arange(16).reshape(4, 4), "u")
    b = builder.parameter(28 + np.arange(4), "b")
    start = builder.broadcast(builder.constant(0.0), (N, UNITS))
    stepping = Stepping(1, is_backward)
    loop = Loop(rnn_body(is_named), steps, carried=1, read=(stepping,), written=(stepping,))
    last, states = builder.loop(loop, [start, x, w, u, b])
    return loss_of(builder, [last.named("last"), states.named("states")])


def loss_of(builder: Builder, results: Sequence[Handle]) -> ArrayProgram:
    """Return the program of the sum of all squares, and of all numbers, of each sample."""
    columns = []
    for x in results:
        if not isinstance(x.shape[0] if x.shape else 1, Batch):
            x = builder.broadcast(builder.reshape(x, (1, *x.shape)), (N, *x.shape))
        axes = range(1, len(x.shape))
        columns += [builder.reshape(builder.reduce(y, "sum", axes), (N, 1)) for y in (x * x, x)]
    loss = builder.reduce(builder.concatenate(columns, 1), "sum", [1], keepdims=True)
    return builder.program([loss.named("loss")]).verify()


def leapfrog(steps: int) -> ArrayProgram:
    """A pendulum: kicks and drifts of length dt, a parameter; it returns the angles of all steps."""
    body = Builder()
    angle, speed, dt, length = (body.argument(name, shape) for name, shape in STATES_OF_PENDULUM)
    new_speed = (speed - dt * body.apply(primitives.sin, angle) / length).named("new_speed")
    new_angle = angle + dt * new_speed
    loop = Loop(body.program([new_angle, new_speed, new_angle]), steps, carried=2, written=(Stepping(0),))
    builder = Builder()
    start, length = builder.argument("start", 2), builder.argument("length_of_rod", 1)
    angle, speed = builder.slice(start, 1, 0, 1), builder.slice(start, 1, 1, 2)
    dt = builder.parameter([0], "dt")
    last, speed, angles = builder.loop(loop, [angle, speed, dt, length])
    angles = builder.transpose(angles.named("angles"), (1, 0, 2))
    return loss_of(builder, [last.named("last"), speed.named("last_speed"), angles])


STATES_OF_PENDULUM: list[tuple[str, Shape]] = [("angle", (N, 1)), ("speed", (N, 1)), ("dt", (1,)), ("length", (N, 1))]


def exponential_average(steps: int) -> ArrayProgram:
    """Averages of rows of numbers, from last to first, each with a separate decay."""
    body = Builder()
    mean, x, decay = body.argument("mean", 2), body.argument("x_t", 2), body.argument("decay", (2,))
    new = (mean * decay + (1.0 - decay) * x).named("new")
    backward = Stepping(2, backward=True)
    loop = Loop(body.program([new, new]), steps, carried=1, read=(backward,), written=(Stepping(1),))
    builder = Builder()
    x = builder.reshape(builder.argument("x", 2 * steps), (N, 2, steps))
    decay = builder.apply(primitives.sigmoid, builder.parameter([0, 1], "logit"), name="decay")
    mean, means = builder.loop(loop, [builder.broadcast(builder.constant(1.0), (N, 2)), x, decay])
    return loss_of(builder, [mean.named("mean_of_all"), means.named("means")])


def nested(steps: int) -> ArrayProgram:
    """Three recurrent layers that read their weights by step: a loop over time inside one over layers."""
    cell = Builder()
    h, x, w = cell.argument("h", 2), cell.argument("x_t", 2), cell.argument("w", (2, 2))
    a = cell.apply(primitives.tanh, x + cell.contract(h, w, "nk", "ck", "nc"), name="a")
    over_time = Loop(cell.program([a, a]), steps, carried=1, read=(Stepping(0),), written=(Stepping(0),))
    layer = Builder()
    sequence, w, start = layer.argument("sequence", (steps, N, 2)), layer.argument("w", (2, 2)), layer.argument("s", 2)
    last, states = layer.loop(over_time, [start, sequence, w])
    body = layer.program([states.named("states") + sequence, last.named("last")])
    over_layers = Loop(body, 3, carried=1, read=(Stepping(0, True),), written=(Stepping(1),))
    builder = Builder()
    x = builder.reshape(builder.argument("x", 2 * steps), (N, steps, 2))
    weights = builder.parameter(np.arange(12).reshape(3, 2, 2), "weights")
    start = builder.broadcast(builder.parameter([12, 13], "start"), (N, 2))
    outputs = builder.loop(over_layers, [builder.transpose(x, (1, 0, 2)), weights, start])
    return loss_of(builder, [builder.transpose(outputs[0].named("top"), (1, 0, 2)), outputs[1].named("lasts")])


def exchanged(steps: int) -> ArrayProgram:
    """A loop with states that are swapped, one that does not change, and one that is never read."""
    body = Builder()
    a, b, same, other = (body.argument(name, 2) for name in ("a", "b", "same", "other"))
    loop = Loop(body.program([b, a * same, same, other * 0.5 + a]), steps, carried=4, written=())
    builder = Builder()
    x, y = builder.argument("x", 2), builder.argument("y", 2)
    p = builder.broadcast(builder.parameter([1, 0], "p"), (N, 2))
    results = builder.loop(loop, [x, y, p, x])
    return loss_of(builder, [x.named(f"last{k}") for k, x in enumerate(results[:3])])


def of_a_slice(steps: int) -> ArrayProgram:
    """A loop over all results of another one but the first."""
    builder = Builder()
    x = builder.reshape(builder.argument("x", 2 * (steps + 1)), (N, steps + 1, 2))
    series = builder.apply(primitives.sin, x, name="series")
    for first, count in ((0, steps + 1), (1, steps)):
        body = Builder()
        state, x = body.argument("state", 2), body.argument("x_t", 2)
        new = body.apply(primitives.tanh, state * x + 0.5, name="new")
        loop = Loop(body.program([new, new]), count, carried=1, read=(Stepping(1),), written=(Stepping(1),))
        start = builder.broadcast(builder.parameter([0, 1], f"start{first}"), (N, 2))
        series = builder.slice(series, 1, first, first + count)
        series = builder.loop(loop, [start, series])[1].named(f"states{first}")
    return loss_of(builder, [series])


PROGRAMS: dict[str, Callable[[int], ArrayProgram]] = {
    "recurrent network": rnn,
    "backward": lambda steps: rnn(steps, is_backward=True),
    "nothing named": lambda steps: rnn(steps, is_named=False),
    "leapfrog": leapfrog,
    "exponential average": exponential_average,
    "nested": nested,
    "exchanged states": exchanged,
    "of a slice": of_a_slice,
    "long short-term memory": lambda steps: lstm(steps),
}


@pytest.mark.parametrize("steps", LENGTHS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_are_those_of_pytorch(name: str, steps: int, by_torch: ByTorch) -> None:
    check(PROGRAMS[name](steps), by_torch)


def check(program: ArrayProgram, by_torch: ByTorch) -> None:
    """Compare values and gradients, evaluated and run, with PyTorch's of the unrolled loop."""
    chance = np.random.default_rng(1)
    widths = {o.name: int(str(o.shape[1])) for o in program.operations if o.kind == "argument"}
    rows = {name: chance.normal(size=(SAMPLES, width)) for name, width in widths.items()}
    indices = [o.attribute.array for o in program.operations if o.kind == "parameter"]
    size = 1 + max((int(index.max()) for index in indices), default=0)
    vector, seeds = chance.normal(size=size) / 2, chance.normal(size=(SAMPLES, 1))
    tensors = {name: torch.tensor(x, requires_grad=True) for name, x in rows.items()}
    parameters = torch.tensor(vector, requires_grad=True)
    (expected,) = by_torch(program, tensors, parameters)
    (0.0 * parameters.sum() + (expected * torch.tensor(seeds)).sum()).backward()
    values = expected.detach().numpy()

    backward, to_inputs = to_parameters(program, 1).verify(), to_arguments(program, 1).verify()
    result, *gradients = backward.evaluate({**rows, "gradient": seeds}, vector)
    assert_near(result, values)
    total = np.zeros(size)
    for index, gradient in zip(indices, gradients, strict=True):
        np.add.at(total, index, gradient)
    assert_near(total, parameters.grad)
    result, *gradients = to_inputs.evaluate({**rows, "gradient": seeds}, vector)
    assert_near(result, values)
    for tensor, gradient in zip(tensors.values(), gradients, strict=True):
        assert_near(np.broadcast_to(gradient, tensor.shape), tensor.grad)

    for engine in engines_of(program, size):
        assert_near(engine.outputs(vector, list(rows.values())), values)
        into = np.full(size, 7.0)
        assert_near(engine.gradient(vector, list(rows.values()), seeds, into), values)
        assert_near(into, parameters.grad)
        result, gradients = engine.input_gradients(vector, list(rows.values()), seeds)
        assert_near(result, values)
        for tensor, gradient in zip(tensors.values(), gradients, strict=True):
            assert_near(gradient, tensor.grad)


def engines_of(program: ArrayProgram, size: int) -> Iterator[NumpyEngine | LoopEngine]:
    """Yield the engines that can run a program: on arrays, and on single numbers as machine code and as Python."""
    yield engine_of(program, size)
    with pytest.MonkeyPatch.context() as patch:
        for modules in ({}, {"llvmlite": None}):
            for name, module in modules.items():
                patch.setitem(sys.modules, name, module)
            try:
                yield straight_engine_of(program, size)
            except UnexpandableError:
                return


def straight_engine_of(program: ArrayProgram, size: int) -> LoopEngine:
    backward = lambda: to_parameters(program, 1, unrolled=True).verify()  # noqa: E731
    to_inputs = lambda: to_arguments(program, 1, unrolled=True).verify()  # noqa: E731
    engine = LoopEngine(LoopPasses(program, backward, to_inputs), np.dtype(float), "loop", size)
    engine.lay_out(np.arange(size), size)
    return engine


def engine_of(program: ArrayProgram, size: int, dtype: str = "float64") -> NumpyEngine:
    engine = NumpyEngine(to_parameters(program, 1), lambda: to_arguments(program, 1), np.dtype(dtype), "loop", size)
    engine.lay_out(np.arange(size), size)
    return engine


def assert_near(result: Array, expected: Any) -> None:
    """Compare with a tensor or array; None is zero."""
    wanted = np.zeros(result.shape) if expected is None else np.asarray(expected)
    np.testing.assert_allclose(result, wanted, rtol=1e-10, atol=1e-12 * float(np.abs(wanted).max(initial=1.0)))


@pytest.mark.parametrize("steps", LENGTHS)
def test_a_recurrent_network_is_that_of_pytorch(steps: int) -> None:
    """PyTorch's own recurrent layer, with its backpropagation through time, gives the same values and gradients."""
    program = rnn(steps)
    network = torch.nn.RNN(WIDTH, UNITS, batch_first=True, dtype=torch.float64)
    network.bias_hh_l0.data.zero_()
    weights = [network.weight_ih_l0, network.weight_hh_l0, network.bias_ih_l0]
    vector = np.concatenate([w.detach().numpy().reshape(-1) for w in weights])
    x = np.random.default_rng(0).normal(size=(SAMPLES, steps * WIDTH))
    states, last = network(torch.tensor(x.reshape(SAMPLES, steps, WIDTH)))
    loss = (last[0] ** 2 + last[0]).sum(dim=1) + (states**2 + states).sum(dim=(1, 2))
    loss.sum().backward()
    values, *gradients = to_parameters(program, 1).evaluate({"x": x, "gradient": np.ones((SAMPLES, 1))}, vector)
    assert_near(values[:, 0], loss.detach())
    for gradient, weight in zip(gradients, weights, strict=True):
        assert_near(gradient, weight.grad)


def test_one_step_from_a_state_of_zero_passes_nothing_to_weights_that_are_a_transposition() -> None:
    """Since h is 0, z = x Wᵀ + h Uᵀ + b does not depend on U, which here is Vᵀ of a parameter V."""
    builder = Builder()
    x = builder.reshape(builder.argument("x", WIDTH), (N, 1, WIDTH))
    w, v = builder.parameter(np.arange(12).reshape(4, 3), "W"), builder.parameter(12 + np.arange(16).reshape(4, 4), "V")
    u, b = builder.transpose(v, (1, 0)).named("U"), builder.parameter(28 + np.arange(4), "B")
    start, along = builder.broadcast(builder.constant(0.0), (N, UNITS)), (Stepping(1),)
    last, states = builder.loop(Loop(rnn_body(), 1, carried=1, read=along, written=along), [start, x, w, u, b])
    program = loss_of(builder, [last.named("last"), states.named("states")])
    weights = [
        torch.tensor(np.random.default_rng(k).normal(size=shape)) for k, shape in enumerate([(4, 3), (4, 4), (4,)])
    ]
    given = torch.tensor(np.random.default_rng(3).normal(size=(SAMPLES, WIDTH)))
    for weight in weights:
        weight.requires_grad_()
    h = torch.tanh(given @ weights[0].T + weights[2])
    (2 * (h**2 + h).sum()).backward()
    vector = np.concatenate([weight.detach().numpy().reshape(-1) for weight in weights])
    arguments = {"x": given.numpy(), "gradient": np.ones((SAMPLES, 1))}
    _, of_w, of_v, of_b = to_parameters(program, 1).verify().evaluate(arguments, vector)
    assert_near(of_w, weights[0].grad)
    assert not np.any(of_v)
    assert_near(of_b, weights[2].grad)


@pytest.mark.parametrize("seed", range(150))
def test_random_loops(seed: int, random_operation: Callable[..., Handle], by_torch: ByTorch) -> None:
    check(random_loop(seed, random_operation), by_torch)


def random_loop(seed: int, operation: Callable[..., Handle]) -> ArrayProgram:
    """Return a program of one loop with states, arrays read and written by step, and loop-invariant arrays."""
    chance = random.Random(seed)
    steps = chance.choice([1, 2, 3, 5])
    shapes: dict[str, list[Shape]] = {
        role: [chance.choice([(N, 2), (N, 3), (3,), (2, 3), ()]) for _ in range(chance.randint(least, 3))]
        for role, least in (("s", 1), ("r", 0), ("c", 1))
    }
    body, masks = Builder(), list[Handle]()
    given = [body.argument(f"{role}{k}", shape) for role in shapes for k, shape in enumerate(shapes[role])]
    values = [x for x in given if x.shape]
    values.append(body.constant(np.linspace(-1, 1, 3)))
    for k in range(chance.randint(1, 6)):
        value = operation(body, chance, values, masks)
        values.append(value.named(f"v_{k}_") if chance.random() < 0.5 else value)
    for k in range(chance.choice([0, 0, 1, 2])):
        values += inner_loop(body, chance, [chance.choice(values[:-1]) for _ in range(2)], operation, f"inner{k}")
    outputs = [state_after(body, x, chance.choice(values)) for x in given[: len(shapes["s"])]]
    written = [chance.choice([*outputs, *values[:-1]]) for _ in range(chance.randint(0, 2))]
    read, wrote = (
        [Stepping(chance.randint(0, len(shape)), chance.random() < 0.5) for shape in several]
        for several in (shapes["r"], [x.shape for x in written])
    )
    program = body.program([*outputs, *written], masks=masks)
    loop = Loop(program, steps, len(outputs), tuple(read), tuple(wrote))
    wide = [x.outer(shape, steps) for x, shape in zip(read, shapes["r"])]
    builder = Builder()
    builder.argument("rows", 1)
    operands = [operand(builder, chance, k, s) for k, s in enumerate([*shapes["s"], *wide, *shapes["c"]])]
    results = [x.named(f"result_{k}") for k, x in enumerate(builder.loop(loop, operands))]
    return loss_of(builder, [samples_first(builder, x) for x in results if chance.random() < 0.7] or operands[:1])


def inner_loop(
    body: Builder, chance: random.Random, operands: Sequence[Handle], operation: Callable[..., Handle], name: str
) -> list[Handle]:
    """Add a loop of one state to the body of another; return its last state, and the sum of all states."""
    inner, masks = Builder(), list[Handle]()
    given = [inner.argument(f"{name}_{k}", x.shape) for k, x in enumerate(operands)]
    values = [*given, operation(inner, chance, given, masks)]
    values.append(operation(inner, chance, values, masks).named("of_both"))
    after = state_after(inner, given[0], chance.choice(values[1:]))
    program = inner.program([after, chance.choice([after, *values])], masks=masks)
    last, several = body.loop(Loop(program, 3, carried=1, written=(Stepping(0, chance.random() < 0.5),)), operands)
    return [last.named(f"last_of_{name}"), body.reduce(several.named(f"all_of_{name}"), "sum", [0])]


def state_after(body: Builder, state: Handle, x: Handle) -> Handle:
    """Return a state that depends on the previous one and on another array, of any shape."""
    is_batched = any(isinstance(length, Batch) for length in x.shape)
    keeps = is_batched and state.shape[:1] == (N,)
    new: Handle = state * 0.5
    if is_batched and x.shape[0] != N:
        return new
    axes = range(1 if keeps else 0, len(x.shape))
    total = body.apply(primitives.tanh, body.reduce(x, "sum", axes))
    return new + (body.reshape(total, (N, 1)) if keeps else total)  # type: ignore[no-any-return]


def operand(builder: Builder, chance: random.Random, k: int, shape: Shape) -> Handle:
    """Return an argument or an array of parameters of a shape, with the samples anywhere."""
    lengths = [length for length in shape if isinstance(length, int)]
    size = int(np.prod(lengths, dtype=int))
    if N not in shape:
        return builder.parameter(chance.randrange(3) + np.arange(size).reshape(lengths), f"p{k}")
    x = builder.reshape(builder.argument(f"x{k}", size), (N, *lengths))
    at = shape.index(N)
    return builder.transpose(x, (*range(1, at + 1), 0, *range(at + 1, len(shape))))


def samples_first(builder: Builder, x: Handle) -> Handle:
    at = next((k for k, length in enumerate(x.shape) if isinstance(length, Batch)), 0)
    x = builder.transpose(x, (at, *(k for k in range(len(x.shape)) if k != at))) if at else x
    if x.shape and isinstance(x.shape[0], Batch) and x.shape[0].times > 1:
        x = builder.reshape(x, (N, x.shape[0].times, *x.shape[1:]))
    return x


def test_the_source_does_not_depend_on_the_number_of_steps() -> None:
    for name, program in PROGRAMS.items():
        short, long = (engine_of(program(steps), 112) for steps in (7, 9000))
        assert short.operations == long.operations, name
        for a, b in ((short.source, long.source), (short.input_gradients_source, long.input_gradients_source)):
            assert len(a.splitlines()) == len(b.splitlines()), name


def test_a_loop_runs_in_single_precision() -> None:
    """Arrays that are written step by step, which the source allocates, have that precision, too."""
    program = rnn(9)
    chance = np.random.default_rng(0)
    x, vector = (chance.normal(size=size).astype("float32") for size in ((SAMPLES, 27), 32))
    into, seeds = np.empty(32, "float32"), np.ones((SAMPLES, 1), "float32")
    engine = engine_of(program, 32, "float32")
    values = engine.gradient(vector, [x], seeds, into)
    _, (gradient,) = engine.input_gradients(vector, [x], seeds)
    expected, *gradients = to_parameters(program, 1).evaluate({"x": x, "gradient": seeds}, vector)
    assert values.dtype == gradient.dtype == np.float32
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    np.testing.assert_allclose(into, np.concatenate([g.reshape(-1) for g in gradients]), rtol=1e-4, atol=1e-5)


def test_a_recurrent_network_prints_backpropagation_through_time() -> None:
    """Werbos (1990): deltas go back step by step; the gradients of weights are products over all steps and samples.

    The states are saved once; u multiplies the state before each step, and the first one is zero.
    """
    forward, backward = engine_of(rnn(50), 32).source.split("def backward")
    for line in (
        "for t in range(50):",
        "    x_t = x_t_by_step[:, t]",
        "    z = x_t @ w.T + h @ u.T + b # (n, 4)",
        "    a = tanh(z) # (n, 4)",
        "    states[:, t] = a",
        "    h = a # (n, 4)",
    ):
        assert line.split() in [text.split() for text in forward.splitlines()], line
    for line in (
        "for t in reversed(range(50)):",
        "    a = states[:, t]",
        "    d_z = (d_h + d_a_t) * (1 - a * a) # (n, 4)",
        "    d_h = d_z @ u # (n, 4)",
        "    d_z_by_step[:, t] = d_z",
        "nabla_w = d_z_by_step.reshape(-1, 4).T @ x.reshape(-1, 3) # (4, 3)",
        "nabla_u = d_z_by_step[:, 1:50].reshape(-1, 4).T @ states[:, 0:49].reshape(-1, 4) # (4, 4)",
        "nabla_b = d_z_by_step.sum(axis=(0, 1)) # (4,)",
    ):
        assert line.split() in [text.split() for text in backward.splitlines()], line
    assert forward.count("empty") == backward.count("empty") == 1


def lstm(steps: int) -> ArrayProgram:
    """A long short-term memory (Hochreiter and Schmidhuber, 1997), which returns the last output."""
    body = Builder()
    h, c, x = body.argument("h", UNITS), body.argument("c", UNITS), body.argument("x_t", 4 * UNITS)
    u = body.argument("u", (4 * UNITS, UNITS))
    z = x + body.contract(h, u, "nk", "ck", "nc")
    gates = [body.slice(z, 1, k * UNITS, (k + 1) * UNITS) for k in range(4)]
    i, f, o = (body.apply(primitives.sigmoid, gate) for gate in gates[:3])
    cell = f * c + i * body.apply(primitives.tanh, gates[3])
    program = body.program([o * body.apply(primitives.tanh, cell), cell])
    loop = Loop(program, steps, carried=2, read=(Stepping(1),))
    builder = Builder()
    x = builder.reshape(builder.argument("x", steps * WIDTH), (N, steps, WIDTH))
    w, u = (
        builder.parameter(np.arange(48).reshape(16, 3), "w"),
        builder.parameter(np.arange(48, 112).reshape(16, 4), "u"),
    )
    zero = builder.broadcast(builder.constant(0.0), (N, UNITS))
    projected = builder.contract(x, w, "ntk", "ck", "ntc").named("projected")
    return loss_of(
        builder, [x.named(f"last_{k}") for k, x in enumerate(builder.loop(loop, [zero, zero, projected, u]))]
    )


def test_an_lstm_saves_what_one_written_by_hand_does() -> None:
    """It saves the gates, tanh(c), c and h: seven arrays of (n, 4) per step, for any names in the body."""
    (loop,) = [o for o in to_parameters(lstm(6), 1).operations[:12] if o.kind == "loop"]
    assert sorted(map(str, loop.shape[2:])) == ["(6, Batch(times=1), 4)"] * 7


def test_only_what_the_backward_loop_reads_is_saved() -> None:
    """A linear recurrence needs no saved state for the derivative w.r.t. its inputs."""
    body = Builder()
    s, x, w = body.argument("s", 2), body.argument("x_t", 2), body.argument("w", (2,))
    loop = Loop(body.program([(s * w + x).named("new")]), 5, carried=1, read=(Stepping(1),))
    builder = Builder()
    x = builder.reshape(builder.argument("x", 10), (N, 5, 2))
    (last,) = builder.loop(loop, [builder.broadcast(builder.constant(0.0), (N, 2)), x, builder.parameter([0, 1], "w")])
    program = loss_of(builder, [last.named("last")])
    assert "s_by_step" in str(to_parameters(program, 1))
    assert "_by_step" not in str(to_arguments(program, 1))


def accumulator(steps: int = 3, name: str = "s", after: Shape = (N, 1)) -> tuple[Builder, Loop]:
    body = Builder()
    s, x = body.argument(name, 1), body.argument("x_t", 1)
    return body, Loop(body.program([body.broadcast(s + x, after)]), steps, carried=1, read=(Stepping(1),))


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        (accumulator(steps=4)[1], r"4 steps along axis 1 do not fit an operand \(n, 3, 1\)"),
        (accumulator(after=(2, N, 1))[1], r"is \(n, 1\) before a step, and \(2, n, 1\) after it"),
        (Loop(accumulator()[1].body, 3, carried=1, read=()), r"x_t is \(n, 1\) in a loop's body, but \(n, 3, 1\)"),
        (Loop(accumulator()[1].body, 3, carried=1, written=(Stepping(0),)), "1 arrays written has a body of 2"),
        (Loop(accumulator()[1].body, 0, carried=1, read=(Stepping(1),)), "0 steps"),
    ],
)
def test_operands_must_fit(loop: Loop, message: str) -> None:
    builder = Builder()
    start, x = builder.argument("start", 1), builder.argument("x", (N, 3, 1))
    with pytest.raises(ValueError, match=message):
        builder.loop(loop, [start, x])


def test_results_are_read_of_loops_alone() -> None:
    builder = Builder()
    with pytest.raises(ValueError, match="result 0 does not fit"):
        builder.result(builder.argument("x", 1), 0)
    with pytest.raises(ValueError, match="result 1 does not fit"):
        operands = [builder.argument("start", 1), builder.argument("xs", (N, 3, 1))]
        (last,) = builder.loop(accumulator()[1], operands)
        builder.result(builder.operand(last), 1)


def test_written_axes_must_exist() -> None:
    body, loop = accumulator()
    written = Loop(body.program([Handle(body, loop.body.outputs[0])] * 2), 3, 1, (Stepping(1),), (Stepping(3),))
    builder = Builder()
    with pytest.raises(ValueError, match="along axes that these cannot have"):
        builder.loop(written, [builder.argument("start", 1), builder.argument("x", (N, 3, 1))])


def test_programs_with_loops_are_verified() -> None:
    def program(loop: Loop, name: str = "last") -> ArrayProgram:
        builder = Builder()
        (last,) = builder.loop(loop, [builder.argument("start", 1), builder.argument("x", (N, 3, 1))])
        return builder.program([builder.reshape(last.named(name) if name else last, (N,))])

    good = program(accumulator()[1]).verify()
    with pytest.raises(ValueError, match="its results must have one"):
        program(accumulator()[1], name="").verify()
    with pytest.raises(ValueError, match="reuses names of the enclosing program: start"):
        program(accumulator(name="start")[1]).verify()
    with pytest.raises(ValueError, match="reuses names of the enclosing program: x_t"):
        program(accumulator()[1], name="x_t").verify()
    loop_alone = ArrayProgram(good.operations, (2,))
    with pytest.raises(ValueError, match="only `result` operations may read it"):
        loop_alone.verify()
    body, loop = accumulator()
    body.parameter([0], "w")
    with pytest.raises(ValueError, match="has parameters, which must be operands"):
        program(Loop(body.program([Handle(body, loop.body.outputs[0])]), 3, 1, (Stepping(1),))).verify()
    broken = Loop(ArrayProgram(loop.body.operations[::-1], loop.body.outputs), 3, 1, (Stepping(1),))
    with pytest.raises(ValueError, match="which must all come before it"):
        program(broken).verify()


def test_inner_names_may_not_be_those_of_programs_around() -> None:
    _, loop = accumulator(name="outermost")
    body = Builder()
    s, x = body.argument("s", 1), body.argument("x_t_", (N, 3, 1))
    (last,) = body.loop(loop, [s, x])
    outer = Loop(body.program([last.named("inner_last")]), 2, carried=1)
    builder = Builder()
    (last,) = builder.loop(outer, [builder.argument("outermost", 1), builder.argument("x", (N, 3, 1))])
    with pytest.raises(ValueError, match="reuses names of the enclosing program: outermost"):
        builder.program([last.named("last")]).verify()
