"""The compiled program as an object: its arguments, its results, its printed form; and thin programs."""

from __future__ import annotations

import ast
import builtins
import copy
import itertools
import keyword
import pickle
import random
import re
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, compile, tanh

# Parameters and calls


def test_parameters_are_read_anew_at_each_call() -> None:
    w = Value(2.0)
    program = compile(lambda x: w * x, 1.0)
    assert program.parameters == [w]
    assert program(3.0) == 6.0
    w.data = 5.0
    assert program(3.0) == 15.0


def test_backward_adds_the_gradient_of_the_mean_or_the_sum() -> None:
    w = Value(2.0)
    mean = compile(lambda x: (w * x) ** 2, 1.0)
    total = compile(lambda x: (w * x) ** 2, 1.0, reduction="sum")
    assert mean.backward([1.0, 3.0]) == 20.0  # (4 + 36) / 2
    assert w.grad == 20.0  # 2 w x²
    assert mean.backward([1.0, 3.0]) == 20.0
    assert w.grad == 40.0
    w.grad = 0.0
    assert total.backward([1.0, 3.0]) == 40.0
    assert w.grad == 40.0
    w.grad = 0.0
    assert total.backward(3.0) == mean.backward(3.0) == 36.0
    assert w.grad == 72.0


def test_one_sample_gives_numbers_and_several_give_arrays() -> None:
    program = compile(lambda x, y: x[0] * x[1] + y, [1.0, 2.0], 3.0)
    assert program([1.0, 2.0], 3.0) == 5.0
    assert type(program([1.0, 2.0], 3.0)) is float
    assert program([[1.0, 2.0]], [3.0]).tolist() == [5.0]
    value, (dx, dy) = program.value_and_grad([1.0, 2.0], 3.0)
    assert (value, dx.tolist(), dy) == (5.0, [2.0, 1.0], 1.0)
    dx, dy = program.input_gradients([[1.0, 2.0]] * 4, [3.0] * 4)
    assert dx.tolist() == [[2.0, 1.0]] * 4
    assert dy.tolist() == [1.0] * 4


def test_arguments_of_any_shape() -> None:
    example = [[[1.0, 2.0], [3.0, 4.0]]] * 3
    program = compile(lambda x: sum(v * v for plane in x for row in plane for v in row), example)
    batch = np.random.default_rng(0).normal(size=(5, 3, 2, 2))
    assert program(batch) == pytest.approx((batch**2).sum(axis=(1, 2, 3)), rel=1e-13)
    assert program.input_gradients(batch) == pytest.approx(2 * batch)
    assert program.input_gradients(batch[0]).shape == (3, 2, 2)


def test_gradients_to_uneven_results_are_nested_as_the_results_are() -> None:
    w = Value(3.0)
    program = compile(lambda x: [[w * x, [w * w * x]], [w, x], 2 * w], 1.0)
    ones = [[1.0, [10.0]], [100.0, 7.0], 1000.0]
    assert program.backward(2.0, gradients=ones) == [[6.0, [18.0]], [3.0, 2.0], 6.0]
    assert w.grad == 2.0 + 120.0 + 100.0 + 2000.0
    w.grad = 0.0
    batch = [[np.array([1.0, 1.0]), [np.array([10.0, 0.0])]], [np.array([100.0, 0.0]), np.zeros(2)], np.zeros(2)]
    outputs = program.backward([2.0, 4.0], gradients=batch)
    assert [outputs[0][1][0].tolist(), outputs[2].tolist()] == [[18.0, 36.0], [6.0, 6.0]]
    assert w.grad == (2.0 + 120.0 + 100.0) + 4.0
    for wrong in ([[1.0, 10.0], [100.0, 7.0], 1000.0], [[1.0, [10.0]], [100.0, 7.0]], [[1.0, [10.0, 1.0]], 1.0, 1.0]):
        with pytest.raises(ValueError, match="gradients must be shaped"):
            program.backward(2.0, gradients=wrong)


def test_ragged_arguments_keep_their_nesting() -> None:
    program = compile(lambda x: x[0] * x[1][0] + x[1][1], (1.0, [2.0, 3.0]))
    assert program((2.0, [3.0, 4.0])) == 10.0
    assert program.input_gradients((2.0, [3.0, 4.0])) == (3.0, [2.0, 1.0])
    assert program([(2.0, [3.0, 4.0]), (1.0, [1.0, 1.0])]).tolist() == [10.0, 2.0]
    first, (second, third) = program.input_gradients([(2.0, [3.0, 4.0]), (1.0, [1.0, 1.0])])
    assert (first.tolist(), second.tolist(), third.tolist()) == ([3.0, 1.0], [2.0, 1.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="nested like its example"):
        program((2.0, [3.0]))


def test_no_arguments_at_all() -> None:
    w = [Value(float(k)) for k in range(6)]
    program = compile(lambda: sum(x * x for x in w))
    assert program() == 55.0
    assert program.backward() == 55.0
    assert [x.grad for x in w] == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


def test_parameters_in_the_order_asked_for_and_others_behind_them() -> None:
    model = nn.MLP(4, [3, 2], seed=0)
    order = [*model.layers[1].parameters(), Value(7.0)]
    program = compile(lambda x: nn.half_squared_error(model(x), [0.0, 1.0]), [0.1] * 4, parameters=order)
    assert program.parameters[: len(order)] == order
    assert set(program.parameters) == {*model.parameters(), order[-1]}
    weights = np.array([p.data for p in program.parameters])
    batch = np.random.default_rng(0).normal(size=(5, 4))
    losses, gradient = program.outputs_and_gradient(weights, batch)
    assert losses == pytest.approx(program(batch), rel=1e-14)
    program.backward(batch)
    assert gradient == pytest.approx([p.grad for p in program.parameters], rel=1e-14)
    assert gradient[len(order) - 1] == 0.0


def test_the_vector_can_be_arranged_anew() -> None:
    model = nn.MLP(4, [3, 2], seed=0)
    program = compile(lambda x: nn.half_squared_error(model(x), [0.0, 1.0]), [0.1] * 4)
    by_matrices, batch = program.parameters, np.random.default_rng(0).normal(size=(5, 4))
    assert [p.label for p in by_matrices[:5]] == [
        f"layers.0.neurons.{j}.weights.{k}" for j, k in ((0, 0), (0, 1), (0, 2), (0, 3), (1, 0))
    ]
    program.backward(batch)
    for order in ([model.layers[1].neurons[1].bias], list(reversed(by_matrices)), [Value(3.0)], ()):
        program.arrange(order)
        assert program.parameters[: len(order)] == list(order)
        assert {*program.parameters} == {*by_matrices, *order}
        weights = np.array([p.data for p in program.parameters])
        _, gradient = program.outputs_and_gradient(weights, batch)
        assert gradient == pytest.approx([p.grad for p in program.parameters], rel=1e-13)
    assert program.parameters == by_matrices


def test_the_gradient_times_minus_the_learning_rate_is_a_step_of_gradient_descent() -> None:
    model = nn.MLP(4, [3, 2], seed=0)
    program = compile(lambda x: nn.half_squared_error(model(x), [0.0, 1.0]), [0.1] * 4)
    weights = np.array([p.data for p in program.parameters])
    batch = np.random.default_rng(0).normal(size=(5, 4))
    _, gradient = program.outputs_and_gradient(weights, batch)
    for scale in (-0.3, 0.0, 1.0):  # in sequence, since cached numbers must be updated
        losses, step = program.outputs_and_gradient(weights, batch, scale=scale)
        assert step == pytest.approx(scale * gradient, rel=1e-14)
        assert losses == pytest.approx(program(batch), rel=1e-14)


@pytest.mark.parametrize("interleaved", [False, True])
def test_the_flat_path_follows_the_vector_it_is_given(interleaved: bool) -> None:
    """The flat path does not read the Values; weights are views of the vector, even if rows and biases alternate."""
    model = nn.MLP(4, [3, 2], seed=0)
    order = model.parameters() if interleaved else None
    program = compile(lambda x: nn.half_squared_error(model(x), [0.0, 1.0]), [0.1] * 4, parameters=order)
    chance = np.random.default_rng(0)
    batch, weights = chance.normal(size=(5, 4)), chance.normal(size=len(program.parameters))
    into = np.full(len(weights), np.nan)
    losses, gradient = program.outputs_and_gradient(weights, batch, into=into)
    assert gradient is into
    for parameter, number in zip(program.parameters, weights.tolist()):
        parameter.data = number
    assert losses == pytest.approx(program(batch), rel=1e-14)
    program.backward(batch)
    assert gradient == pytest.approx([p.grad for p in program.parameters], rel=1e-14)
    weights *= 0.5  # in place, as an optimizer may
    changed = program.outputs(weights, batch)
    assert not np.allclose(changed, losses)


def test_auxiliary_outputs_are_handed_out_and_not_differentiated() -> None:
    w = Value(3.0)
    program = compile(lambda x: (w * x, [w * w, x]), 2.0, has_aux=True)
    losses, auxiliary = program([1.0, 2.0])
    assert losses.tolist() == [3.0, 6.0]
    assert auxiliary.tolist() == [[9.0, 1.0], [9.0, 2.0]]
    assert program.backward([1.0, 2.0]) == 4.5
    assert w.grad == 1.5


def test_ctrl_c_while_gradients_are_written_leaves_all_of_them() -> None:
    class Interrupting(Value):
        __slots__ = ("writes",)

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "grad" and value and not hasattr(self, "writes"):
                super().__setattr__("writes", 1)
                raise KeyboardInterrupt

    w = [Value(1.0), Interrupting(2.0), Value(3.0)]
    program = compile(lambda x: autograd.dot(w, x), [1.0, 2.0, 3.0])
    with pytest.raises(KeyboardInterrupt):
        program.backward([4.0, 5.0, 6.0])
    assert [x.grad for x in w] == [4.0, 5.0, 6.0]


@pytest.mark.parametrize("make", ["network", "thin"])
def test_float32_to_1e_5(make: str) -> None:
    chance = np.random.default_rng(0)
    model = nn.MLP(6, [5, 4], "tanh", seed=0)
    w = [Value(0.5), Value(-0.25)]

    def thin(x: Any) -> Any:
        return autograd.relu(tanh(x[0] * w[0]) * x[1] - autograd.softplus(w[1] * x[2]) + abs(x[3]))

    def network(x: Any) -> Any:
        return nn.cross_entropy(model(x), [0.0, 1.0, 0.0, 0.0]) + autograd.maximum(x[0], x[1])

    f = thin if make == "thin" else network
    batch = chance.normal(size=(9, 6))
    results = []
    for dtype in ("float64", "float32"):
        program = compile(f, [0.1] * 6, dtype=dtype)
        losses = program(batch)
        assert losses.dtype == dtype
        program.backward(batch)
        gradient = np.array([p.grad for p in program.parameters])
        for p in program.parameters:
            p.grad = 0.0
        results.append((losses, gradient, program.input_gradients(batch)))
    for exact, single in zip(*results):
        assert np.linalg.norm(exact - single) <= 1e-5 * np.linalg.norm(exact)


def test_scipys_minimizer_takes_value_and_grad() -> None:
    optimize = pytest.importorskip("scipy.optimize")

    def rosenbrock(x: Any) -> Any:
        return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x))

    for n in (2, 10):
        program = compile(rosenbrock, [0.0] * n)
        minimum = optimize.minimize(program.value_and_grad, np.full(n, -0.5), jac=True, method="L-BFGS-B", tol=1e-14)
        assert minimum.x == pytest.approx(np.ones(n), abs=1e-5)


# Source


SCRIPT = """
import autograd, nn, hashlib, random
model = nn.MLP(5, [4, 3], seed=0)
w = [autograd.Value(float(k)) for k in range(20)]
random.Random(1).shuffle(w)
def network(x, t): return nn.half_squared_error(model(x), t)
def output(x, p, c): return autograd.tanh(sum(w[c + 2 * k] * x[p + k] for k in range(3)))
def convolution(x): return sum(output(x, p, c) for p in range(6) for c in range(2))
def thin(x):
    for v in w: x = autograd.sin(x * v) + v
    return x
def captured(): return sum((model(x)[0] - x[0]) ** 2 for x in ([.1, 0., .3, .2, k] for k in (.5, .7, 0.)))
def heat(u):
    for _ in range(3): u = [u[0], *(u[i] + w[0] * (u[i - 1] - 2 * u[i] + u[i + 1]) for i in range(1, 11)), u[11]]
    return sum(v * v for v in u)
for f, examples in (
    (network, ([.1] * 5, [.2] * 3)), (convolution, ([.1] * 8,)), (thin, (.5,)), (captured, ()), (heat, ([.1] * 12,))
):
    program = autograd.compile(f, *examples)
    print(program.source, program.input_gradients_source)
"""


def test_the_source_is_the_same_in_every_process(run_python: Callable[..., str]) -> None:
    sources = {run_python(SCRIPT, PYTHONHASHSEED=seed) for seed in ("0", "1", "4242")}
    assert len(sources) == 1
    assert " @ " in sources.pop()


HOSTILE = [
    "__import__('os').system('false')",
    "x\n    raise SystemExit",
    "lambda",
    "exec",
    "print",
    "w = 1; import os #",
    "ünïcödé",
    "a" * 300,
    "0",
    '\'"""',
    "forward",
    "gradient",
    "exp",
    "n",
]


def names_in(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("thin", [False, True], ids=["arrays", "thin"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_label_puts_nothing_into_the_source(hostile: str, thin: bool) -> None:
    """All names in the source are short and plain, and it calls only functions of the table or the compiler."""
    w = [Value(float(k), hostile) for k in range(1, 7)]

    def f(x: Any) -> Any:
        if thin:
            y = autograd.exp(w[0] * x[0]) + x[1]
            y.label = hostile
            return y * w[1]
        z = [autograd.exp(autograd.dot(w[:3], x)), autograd.exp(autograd.dot(w[3:], x))]
        for v in z:
            v.label = hostile
        return autograd.sum(z) * z[0]

    f.__name__ = hostile
    program = compile(f, [0.1, 0.2, 0.3])
    source = program.source + program.input_gradients_source
    tree = ast.parse(source)
    assert all(isinstance(node, (ast.FunctionDef, ast.Expr)) for node in tree.body)
    assert not any(isinstance(node, (ast.Import, ast.ImportFrom, ast.Raise, ast.Lambda)) for node in ast.walk(tree))
    assert all(re.fullmatch(r"[A-Za-z]\w{0,40}", name, flags=re.ASCII) for name in names_in(source))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert called <= {"exp", "concatenate", "place", "broadcast_to", "len"}
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    assert not stored & {*dir(builtins), *keyword.kwlist, "exp"}
    assert program([0.1, 0.2, 0.3]) == pytest.approx(f([0.1, 0.2, 0.3]).data, rel=1e-13)


def test_labels_name_what_they_label() -> None:
    w = [Value(0.5, f"slope[{k}]") for k in range(4)]

    def f(x: Any) -> Any:
        rates = [autograd.exp(a * v) for a, v in zip(w, x)]
        for k, rate in enumerate(rates):
            rate.label = f"rate{k}"
        return sum(rates)

    source = compile(f, [0.1] * 4).source
    assert "rate1 = exp(" in source
    assert "slope1 * x" in source


def test_a_program_shows_itself_as_print_does() -> None:
    program = compile(lambda x: x * x, 1.0)
    assert repr(program) == f"<compiled {program}>"
    assert isinstance(program, autograd.Program)


@pytest.mark.parametrize("steps", [1, 1000])
@pytest.mark.parametrize("through", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_program_is_neither_pickled_nor_copied(through: Callable[[Any], Any], steps: int) -> None:
    def f(x: Any) -> Any:
        for _ in range(steps):
            x = x.sin()
        return x

    with pytest.raises(TypeError, match=r"cannot be copied or pickled.*compile the function again"):
        through(compile(f, 1.0))


def test_a_program_does_not_keep_the_traced_graph_in_memory() -> None:
    class Marked(Value):
        """A Value that supports weak references; a plain Value has no slot for them."""

    traced: list[weakref.ref[Value]] = []

    def f(x: Any) -> Any:
        node = Marked(0.0)
        node.data, node.parents, node.local_derivatives = x.data, (x,), (1.0,)
        node.primitive = autograd.primitives.identity
        traced.append(weakref.ref(node))
        return [node * k for k in range(5)]

    program = compile(f, 1.0)
    assert program(2.0).tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert len(traced) > 1
    assert not any(node() for node in traced)


@pytest.mark.parametrize("loop", [True, False])
def test_leaves_keep_their_labels_in_a_long_program(loop: bool) -> None:
    alpha, beta = Value(0.5, "alpha"), Value(0.1, "beta")

    def f(x: Any) -> Any:
        for k in range(400):
            x = (alpha * x + beta).sin()
            x = x if loop or no_loop(k) else x + x
        return x

    source = compile(f, 1.0).source
    assert re.search(r"\w+ = (alpha \* \w+|\w+ \* alpha) \+ beta\n", source)
    assert ("for t in range(" in source) == loop


def test_what_print_tells() -> None:
    model = nn.MLP(64, [30, 10], seed=0)

    def loss(image: Any, target: Any) -> Any:
        return nn.half_squared_error(model(image), target)

    program = compile(loss, [0.5] * 64, [0.1] * 10)
    assert re.fullmatch(
        r"loss: 2,428 nodes traced, 12 array operations emitted, 5 of them matrix products; 2,260 parameters; "
        r"compiled in [\d.e-]+ s",
        str(program),
    )
    assert (program.nodes, program.operations, program.matrix_products) == (2428, 12, 5)


def test_importing_autograd_imports_no_numpy(run_python: Callable[..., str]) -> None:
    modules = run_python("import sys, autograd; autograd.compile; print(*sys.modules)").split()
    assert "numpy" not in modules
    assert "autograd.compiler.program" not in modules


# Thin programs


def no_loop(step: int) -> bool:
    """Return an element of the Thue-Morse sequence, in which nothing occurs three times in a row."""
    return step.bit_count() % 2 == 0


def lorenz(steps: int, rate: Any = 10.0) -> Callable[..., Any]:
    """Euler steps of the Lorenz equations, in an order that allows neither a loop nor parallel operations."""

    def final(x: Any, y: Any, z: Any) -> Any:
        for k in range(steps):
            dx, dy, dz = rate * (y - x), x * (28.0 - z) - y, x * y - z * (8 / 3)
            x, y = x + 0.002 * dx, y + 0.002 * dy
            z = z + 0.002 * (dz if no_loop(k) else x * y - z * (8 / 3))
        return x * x + tanh(y) + z

    return final


@pytest.mark.parametrize("steps", [1, 20, 400])
def test_a_thin_program_is_straight_line_source(steps: int) -> None:
    rate = Value(10.0, "rate")
    f = lorenz(steps, rate)
    program = compile(f, 1.0, 1.5, 2.0)
    assert " @ " not in program.source
    functions = program.source.count("def forward_")
    assert functions == program.source.count("def backward_") == 1 + (steps >= 400) * (functions - 1)
    inputs = [Value(x) for x in (1.1, -0.4, 2.5)]
    result = f(*inputs)
    result.backward()
    numbers = [x.data for x in inputs]
    value, slopes = program.value_and_grad(*numbers)
    assert value == pytest.approx(result.data, rel=1e-11)
    assert slopes == pytest.approx([x.grad for x in inputs], rel=1e-10)
    expected, rate.grad = rate.grad, 0.0
    program.backward(*numbers)
    assert rate.grad == pytest.approx(expected, rel=1e-10)


def test_a_thin_program_takes_batches() -> None:
    rate = Value(10.0)
    f = lorenz(400, rate)
    program = compile(f, 1.0, 1.5, 2.0)
    batch = np.random.default_rng(0).normal(size=(3, 5))
    values, slopes = program.value_and_grad(*batch)
    singles = [program.value_and_grad(*sample) for sample in batch.T]
    assert values == pytest.approx([value for value, _ in singles], rel=1e-10)
    assert np.array(slopes) == pytest.approx(np.array([s for _, s in singles]).T, rel=1e-9)
    program.backward(*batch)
    whole, rate.grad = rate.grad, 0.0
    for sample in batch.T:
        program.backward(*sample)
    assert whole == pytest.approx(rate.grad / 5, rel=1e-9)


def test_a_long_thin_program_is_cut_into_functions() -> None:
    f = lorenz(1000)
    program = compile(f, 1.0, 1.5, 2.0)
    functions = program.source.split("\n\n")
    assert len(functions) > 10
    assert max(text.count("\n") for text in functions) < 2500
    assert program(1.0, 1.5, 2.0) == pytest.approx(f(*map(Value, (1.0, 1.5, 2.0))).data)


def test_a_sum_of_thousands_in_a_thin_program() -> None:
    """Lines stay short enough for Python's compiler, which fails on an expression of several thousand additions."""

    def f(x: Any) -> Any:
        terms = []
        for k in range(3000):
            x = autograd.sin(x * (1 + k / 3000))
            terms.append(x)
        return autograd.sum(terms)

    program = compile(f, 0.5)
    x = Value(0.5)
    y = f(x)
    y.backward()
    value, slope = program.value_and_grad(0.5)
    assert (value, slope) == pytest.approx((y.data, x.grad), rel=1e-10)


def test_small_functions_of_numbers_run_on_floats() -> None:
    program = compile(lambda x, y: autograd.where(x > y, x * y, autograd.erf(x) + y**3), 0.5, 2.0)
    for x, y in ((0.5, 2.0), (2.0, 0.5), (-1.0, -1.0)):
        a, b = Value(x), Value(y)
        expected = autograd.where(a > b, a * b, autograd.erf(a) + b**3)
        expected.backward()
        value, slopes = program.value_and_grad(x, y)
        assert type(value) is float
        assert value == pytest.approx(expected.data, rel=1e-15)
        assert slopes == pytest.approx((a.grad, b.grad), rel=1e-15)


def test_many_layers_of_a_narrow_network_are_arrays_still() -> None:
    """Depth alone does not make a program thin: layers that share their weights become a loop over matrix products."""
    w = [Value(random.Random(k).uniform(-0.5, 0.5)) for k in range(64)]

    def f(x: Sequence[Any]) -> Any:
        for _ in range(200):
            x = [tanh(autograd.dot(w[8 * j : 8 * j + 8], x)) for j in range(8)]
        return autograd.sum(x)

    program = compile(f, [0.1] * 8)
    forward, backward = program.source.split("def backward")
    assert "for t in range(200)" in forward
    assert forward.count("@ w1.T") == 1
    assert backward.count(" @ w1") == 1
    sample = [Value(x) for x in (0.1, -0.4, 0.3, 0.9, 0.5, 0.2, -0.7, 0.1)]
    expected = f(sample)
    expected.backward()
    assert program([x.data for x in sample]) == pytest.approx(expected.data, rel=1e-12)


def test_long_chains_of_wide_operations() -> None:
    """No expression grows with the program: Python's compiler fails on expressions of several thousand terms."""
    scales = [Value(1 + k / 100) for k in range(30)]

    def f(x: Sequence[Any]) -> Any:
        for _ in range(1100):
            x = [autograd.sin(v) for v in x]
        x = [v * s for v, s in zip(x, scales)]
        history = [autograd.sum(x)]
        for _ in range(300):
            x = [autograd.cos(v * s) for v, s in zip(x, scales)]
            history.append(autograd.sum(x))
        return autograd.sum(history)

    program = compile(f, [0.5] * 30)
    sample = [Value(0.1 + k / 30) for k in range(30)]
    expected = f(sample)
    expected.backward()
    numbers = [x.data for x in sample]
    gradient = [s.grad for s in scales]
    for s in scales:
        s.grad = 0.0
    assert program(numbers) == pytest.approx(expected.data, rel=1e-12)
    program.backward(numbers)
    assert np.linalg.norm(np.subtract([s.grad for s in scales], gradient)) <= 1e-11 * np.linalg.norm(gradient)
    slopes = program.input_gradients(numbers)
    assert np.linalg.norm(slopes - [x.grad for x in sample]) <= 1e-11 * np.linalg.norm([x.grad for x in sample])


@pytest.mark.parametrize("thin", [False, True])
def test_without_captured_leaves_the_source_shows_the_pass_to_the_arguments(thin: bool) -> None:
    def squares(x: list[Any]) -> Any:
        return sum(v * v for v in x)

    program = compile(squares, [1.0] * 2) if thin else compile(lambda x: squares([v.exp() for v in x]), [1.0] * 20)
    assert "def backward" not in program.source
    assert "def forward" in program.source
    assert "def input_gradients" in program.source


def test_asking_for_one_source_does_not_change_another() -> None:
    model = nn.MLP(4, [3, 2], seed=0)
    program = compile(lambda x: nn.half_squared_error(model([x[2], x[0], x[1], x[3]]), [0.0, 1.0]), [0.1] * 4)
    source, to_arguments = program.source, program.input_gradients_source
    assert (program.source, program.input_gradients_source) == (source, to_arguments)


def test_parameters_without_influence_beside_others() -> None:
    """Their zero derivatives are among the results of the backward pass, and do not affect the other results."""
    a, b, c, d = ([Value(0.1 * k + j) for k in range(3)] for j in range(4))
    program = compile(
        lambda x: sum(autograd.where(r > p, 2 * p - v, q) + 2 * s * v for p, q, r, s, v in zip(a, b, c, d, x)),
        [0.5] * 3,
    )
    program.backward([[0.5, 0.6, 0.7], [0.5, 0.6, 0.7]])
    gradients = [[p.grad for p in leaves] for leaves in (a, b, c, d)]
    assert gradients == [[2.0] * 3, [0.0] * 3, [0.0] * 3, pytest.approx([1.0, 1.2, 1.4])]
