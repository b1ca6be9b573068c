"""`program.to_jax()`: a program's values and derivatives as functions of JAX, under all of its transformations."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value, primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import Application, N
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.libraries.elementwise import Elementwise
from autograd.compiler.targets.libraries.interpreter import Interpreter
from autograd.compiler.targets.libraries.jax_library import JaxLibrary
from autograd.primitives import TABLE
from autograd.table import OURS

jax: Any = pytest.importorskip("jax", reason="JAX is not installed: pip install '.[jax]'")

Array = NDArray[Any]
SAMPLES = 5


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    """Enable 64 bits in JAX, for these tests only."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(SAMPLES, *shape))


def assert_near(result: Any, expected: Any, tolerance: float = 1e-12) -> None:
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.shape == expected.shape
    assert np.linalg.norm(result - expected) <= tolerance * np.linalg.norm(expected)


def gradient_in_values(program: Any, compiled: Any, gradient: Any) -> list[float]:
    """Return a dict of gradients in the order of the program's parameters, by way of the Values, which are restored."""
    before = [parameter.data for parameter in program.parameters]
    compiled.assign(gradient)
    numbers = [parameter.data for parameter in program.parameters]
    for parameter, number in zip(program.parameters, before):
        parameter.data = number
    return numbers


def tied() -> tuple[Any, Array]:
    """An autoencoder with tied weights, a penalty on weights and a bias, and roots that are not taken."""
    w = [[Value(x) for x in row] for row in np.random.default_rng(2).normal(size=(3, 4)).tolist()]
    b = [Value(0.1 * k) for k in range(4)]

    def loss(x: Any) -> Any:
        code = [autograd.tanh(autograd.dot(row, x)) for row in w]
        decoded = [autograd.dot(column, code) + c for column, c in zip(zip(*w), b)]
        roots = [autograd.where(v > 0, autograd.sqrt(v * c), 0.0) for v, c in zip(x, w[1])]
        largest = autograd.max([autograd.maximum(d, 0.1) for d in decoded]) + autograd.prod(code)
        penalty = autograd.sum([v * v * v for v in [*w[1], b[2]]]) + largest + autograd.logsumexp(decoded)
        return nn.half_squared_error(decoded, list(x)) + penalty + autograd.sum(roots)

    for v in w[1]:
        v.data = abs(v.data)
    x = normal(4)
    x[0, 1] = 0.0
    return autograd.compile(loss, [0.1] * 4), x


def test_values_and_gradients_are_the_programs_with_the_emitted_backward_pass_and_without() -> None:
    program, x = tied()
    compiled = program.to_jax()
    assert sum(array.size for array in compiled.parameters.values()) == len(program.parameters) == 16
    cost = program.backward(x)
    expected = [parameter.grad for parameter in program.parameters]
    slopes = program.input_gradients(x)

    @jax.jit  # type: ignore[untyped-decorator]
    def everything(parameters: Any, x: Any) -> Any:
        by_rules = [jax.value_and_grad(which.cost, (0, 1))(parameters, x) for which in (compiled, compiled.plain)]
        return compiled(parameters, x), compiled.value_and_grad(parameters, x), by_rules

    values, (direct, gradient), by_rules = everything(compiled.parameters, x)
    assert_near(values, program(x))
    assert_near(direct, cost)
    assert_near(gradient_in_values(program, compiled, gradient), expected)
    for value, (of_parameters, of_x) in by_rules:
        assert_near(value, cost)
        assert_near(gradient_in_values(program, compiled, of_parameters), expected)
        assert_near(of_x * SAMPLES, slopes)


def test_each_primitive_and_its_derivatives(points_of: Callable[..., list[Array]]) -> None:
    """Values agree with the table's rules for floats, which are tested against mpmath; so do derivatives."""
    refused = {
        "sum",
        "mean",
        "dot",
        "detach",
        "atan2_derivative",
        "power_derivative",
        "lgamma_derivative",
        "hypot_slope",
    }
    elementwise, names = Elementwise(JaxLibrary(jax, np.dtype("float64"))), sorted(OURS - refused)
    arrays = {name: points_of(name, count=30) for name in names}
    known = {name: [None, 3.0] if name == "constant_power" else [None] * len(arrays[name]) for name in names}

    @jax.jit  # type: ignore[untyped-decorator]
    def everything(arrays: dict[str, Any]) -> Any:
        def value(name: str, xs: Any) -> Any:
            return elementwise.apply(Application(TABLE[name]), xs, known[name])

        slopes = {name: jax.grad(lambda xs, name=name: value(name, xs).sum())(xs) for name, xs in arrays.items()}
        return {name: value(name, xs) for name, xs in arrays.items()}, slopes

    values, slopes = everything(arrays)
    for name in names:
        columns = list(zip(*map(np.ndarray.tolist, arrays[name])))
        expected = [TABLE[name].forward(*xs) for xs in columns]
        assert_near(values[name], expected)
        derivatives = zip(*[TABLE[name].local_derivatives(xs, out) for xs, out in zip(columns, expected)])
        for slope, column, number in zip(slopes[name], derivatives, known[name]):
            if number is None:
                assert_near(slope, column)


def test_what_jax_is_given_are_its_own_operations() -> None:
    program, x = tied()
    compiled = program.to_jax()
    texts = [
        str(jax.make_jaxpr(function)(compiled.parameters, x))
        for function in (compiled.cost, jax.grad(compiled.cost), compiled.value_and_grad, compiled.plain.cost)
    ]
    assert not any("callback" in text for text in texts)
    assert "dot_general" in texts[0]
    assert ["custom_vjp_call" in text for text in texts] == [True, False, False, False]


def test_transformations_of_the_plain_program() -> None:
    """Second derivatives and Hessian-vector products agree with those of the engine itself, node by node."""
    w, b = [Value(0.3), Value(-0.7)], Value(0.2)

    def loss(x: Any, w: Any = w, b: Any = b) -> Any:
        return (autograd.tanh(autograd.dot(w, x)) + b).softplus() * autograd.maximum(w[0], b) + x[0] ** 3

    program = autograd.compile(loss, [0.1, 0.2])
    compiled, x = program.to_jax(), [0.5, 1.5]

    def of_vector(p: Any) -> Any:
        return loss(x, [p[0], p[1]], p[2])

    point, direction = [0.3, -0.7, 0.2], [1.0, 2.0, -1.0]
    order = {v: k for k, v in enumerate([*w, b])}
    places = {p.name: np.reshape([order[v] for v in p.values], p.shape) for p in program.portable().parameters}

    def cost(vector: Any) -> Any:
        return compiled.plain({name: vector[index] for name, index in places.items()}, np.array(x))

    vector = np.array(point)
    hessian, (value, slope) = jax.jit(lambda v, d: (jax.hessian(cost)(v), jax.jvp(cost, (v,), (d,))))(
        vector, np.array(direction)
    )
    assert_near(hessian, autograd.hessian(of_vector)(point))
    expected_value, expected_slope = autograd.jvp(of_vector, [point], [direction])
    assert_near(value, expected_value)
    assert_near(slope, expected_slope)


def test_samples_one_by_one_and_training_with_optax() -> None:
    optax = pytest.importorskip("optax", reason="optax is not installed: pip install '.[jax]'")
    model = nn.MLP(3, [4, 2], seed=0)

    def loss(x: Any, t: Any) -> Any:
        outputs = model(x)
        return nn.half_squared_error(outputs, t), outputs

    program = autograd.compile(loss, [0.1] * 3, [0.0] * 2, has_aux=True)
    compiled, (x, t) = program.to_jax(), (normal(3), normal(2, seed=1))
    values, outputs = jax.jit(jax.vmap(compiled, in_axes=(None, 0, 0)))(compiled.parameters, x, t)
    assert_near(values, program(x, t)[0])
    assert_near(outputs, program(x, t)[1])

    optimizer = optax.sgd(0.5, momentum=0.9)

    @jax.jit  # type: ignore[untyped-decorator]
    def step(parameters: Any, state: Any) -> Any:
        updates, state = optimizer.update(jax.grad(compiled.cost)(parameters, x, t), state)
        return optax.apply_updates(parameters, updates), state

    parameters, state = compiled.parameters, optimizer.init(compiled.parameters)
    ours = nn.SGD(model.parameters(), 0.5, momentum=0.9)
    for _ in range(3):
        parameters, state = step(parameters, state)
        ours.zero_grad()
        program.backward(x, t)
        ours.step()
    expected = [parameter.data for parameter in program.parameters]
    assert_near(gradient_in_values(program, compiled, parameters), expected)


def test_a_primitive_of_ones_own_has_its_own_rule_or_is_refused_by_name() -> None:
    import math

    step = autograd.primitive("test_jax_step", lambda x: autograd.where(x > 0, 1.0, 0.0), lambda x, out: (3 * x * x,))
    program = autograd.compile(lambda x: autograd.sum([step(v) for v in x]), [0.5] * 8)
    compiled, x = program.to_jax(), normal(8)
    for which in (compiled, compiled.plain):
        slopes = jax.jit(jax.grad(lambda x, which=which: which({}, x).sum()))(x)
        assert_near(slopes, 3 * x**2)
    gamma = autograd.primitive("test_jax_gamma", math.gamma, lambda x, out: (out,))
    refused = autograd.compile(lambda x: autograd.sum([gamma(v) for v in x]), [0.5] * 8).to_jax()
    with pytest.raises(NotImplementedError, match="'test_jax_gamma' is called number by number"):
        refused({}, x)


def test_settings_and_arguments_that_do_not_fit_are_refused() -> None:
    program, x = tied()
    compiled = program.to_jax()
    with pytest.raises(ValueError, match="must be arrays of shapes"):
        compiled.cost({}, x)
    with pytest.raises(ValueError, match=r"x must be of shape \(4,\)"):
        compiled.cost(compiled.parameters, x[:, :2])
    jax.config.update("jax_enable_x64", False)
    with pytest.raises(ValueError, match="jax_enable_x64"):
        program.to_jax()
    single = program.to_jax(dtype="float32")
    assert {str(array.dtype) for array in single.parameters.values()} == {"float32"}
    assert_near(jax.jit(single.cost)(single.parameters, x), np.mean(program(x)), 1e-5)

    def long(x: Any) -> Any:
        for k in range(700):  # in the order of Thue and Morse, which has no loop
            x = x + 0.01 * (autograd.sin if k.bit_count() % 2 else autograd.cos)(x)
        return x

    with pytest.raises(ValueError, match=r"straight-line program of 2,100 operations.*lax\.scan"):
        autograd.compile(long, 0.5).to_jax(dtype="float32")


def weighted_average(steps: int) -> ArrayProgram:
    """Averages of rows of numbers, from last to first, with a matrix that is the same at every step."""
    body = Builder()
    mean, x, w = body.argument("mean", 2), body.argument("x_t", 2), body.argument("w", (2, 2))
    new = body.apply(primitives.tanh, body.contract(mean, w, "nk", "ck", "nc") + x, name="new")
    loop = Loop(body.program([new, new]), steps, 1, (Stepping(2, backward=True),), (Stepping(1),))
    builder = Builder()
    x = builder.reshape(builder.argument("x", 2 * steps), (N, 2, steps))
    w = builder.parameter([[0, 1], [2, 3]], "w")
    last, several = builder.loop(loop, [builder.broadcast(builder.constant(1.0), (N, 2)), x, w])
    total = builder.reduce(several.named("several") * 2.0, "sum", [1]) + last.named("last")
    return builder.program([builder.reduce(total, "sum", [1], keepdims=True)]).verify()


def test_a_loop_is_a_scan_and_its_derivative_another() -> None:
    from autograd.compiler.differentiate.reverse import to_parameters

    program, (x, vector) = weighted_average(6), (normal(12), np.array([0.5, -0.3, 0.8, 0.1]))
    run = Interpreter(JaxLibrary(jax, np.dtype("float64"))).run

    def values(w: Any, x: Any) -> Any:
        return run(program, {"w": w, "x": x}, SAMPLES)[0]

    emitted = to_parameters(program, 1)
    seeds, w = np.ones((SAMPLES, 1)), vector.reshape(2, 2)
    expected, gradient = emitted.evaluate({"x": x, "gradient": seeds}, vector)

    @jax.jit  # type: ignore[untyped-decorator]
    def both(w: Any, x: Any) -> Any:
        by_jax = jax.grad(lambda w: values(w, x).sum())(w)
        return values(w, x), by_jax, run(emitted, {"w": w, "x": x, "gradient": seeds}, SAMPLES)[1]

    assert str(jax.make_jaxpr(values)(w, x)).count("scan[") == 1
    for result, wanted in zip(both(w, x), (expected, gradient, gradient), strict=True):
        assert_near(result, wanted)


@pytest.mark.parametrize("seed", range(4))
def test_random_array_programs(seed: int, random_program: Callable[..., ArrayProgram]) -> None:
    program = random_program(seed, 25)
    chance = np.random.default_rng(seed)
    rows = {
        o.attribute[0]: chance.normal(size=(4, int(str(o.shape[1]))))
        for o in program.operations
        if o.kind == "argument"
    }
    vector = chance.normal(size=40)
    leaves = rows | {o.name: vector[o.attribute.array] for o in program.operations if o.kind == "parameter"}
    run = Interpreter(JaxLibrary(jax, np.dtype("float64"))).run
    results = jax.jit(lambda leaves: run(program, leaves, 4))(leaves)
    for result, expected in zip(results, program.evaluate(rows, vector), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-12)


NAMES = """
import autograd, nn
model = nn.MLP(3, [4, 2], seed=0)
program = autograd.compile(lambda x, t: nn.half_squared_error(model(x), t), [0.1] * 3, [0.0] * 2)
print([(p.name, p.shape, p.values[0].label) for p in program.portable().parameters])
"""


def test_names_of_parameters_are_the_same_in_every_process() -> None:
    """Names do not depend on the seed of Python's hashes, so one process can read the checkpoint of another."""
    texts = {
        subprocess.run(
            [sys.executable, "-c", NAMES],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {
        "[('w1', (4, 3), 'layers.0.neurons.0.weights.0'), ('b1', (4,), 'layers.0.neurons.0.bias'), "
        "('w2', (2, 4), 'layers.1.neurons.0.weights.0'), ('b2', (2,), 'layers.1.neurons.0.bias')]\n"
    }


def looking_up() -> tuple[Any, list[list[Value]], list[Array]]:
    """Rows of a table, and the mean loss of the right classes over positions that are not padding."""
    wte = [[Value(0.3 * j - 0.5 * k) for k in range(3)] for j in range(5)]

    def loss(tokens: Any, targets: Any, x: Any) -> Any:
        rows = [autograd.softmax([a * x for a in autograd.take(wte, t)]) for t in tokens]
        terms = [-autograd.take(row, y).log() for row, y in zip(rows, targets)]
        return autograd.mean([autograd.where(t == 0, 0.0, term) for t, term in zip(tokens, terms)])

    chance = np.random.default_rng(0)
    batch = [chance.integers(0, 5, (SAMPLES, 4)), chance.integers(0, 3, (SAMPLES, 4)), normal()]
    return autograd.compile(loss, [1] * 4, [1] * 4, 0.5), wte, batch


def test_look_ups_take_integers_each_of_which_is_in_its_table() -> None:
    program, wte, (tokens, targets, x) = looking_up()
    compiled = program.to_jax()
    parameters = compiled.parameters
    assert_near(compiled(parameters, tokens, targets, x), program(tokens, targets, x))
    program.backward(tokens, targets, x)
    expected = [[v.grad for v in row] for row in wte]

    @jax.jit  # type: ignore[untyped-decorator]
    def everything(parameters: Any, x: Any) -> Any:
        gradients = [jax.grad(which.cost)(parameters, tokens, targets, x) for which in (compiled, compiled.plain)]
        (_, emitted), slopes = (
            compiled.value_and_grad(parameters, tokens, targets, x),
            jax.grad(compiled.cost, argnums=3)(parameters, tokens, targets, x),
        )
        return [*gradients, emitted], slopes

    gradients, slopes = everything(parameters, x)
    for gradient in gradients:
        (array,) = gradient.values()
        assert_near(array, expected)
    assert_near(slopes * SAMPLES, program.input_gradients(tokens, targets, x))
    with pytest.raises(TypeError, match="tokens is used as an index, so it must hold integers; got float64"):
        compiled(parameters, tokens * 1.0, targets, x)
    with pytest.raises(IndexError, match=r"sample \d: tokens\[\d\] is -1, which is not in a table of 5"):
        compiled(parameters, tokens - 1, targets, x)
    beyond = np.isnan(jax.jit(compiled)(parameters, tokens - 1, targets, x))  # traced indices cannot be checked
    assert beyond.tolist() == (tokens == 0).any(axis=1).tolist()
