"""Thin programs as machine code: they compute what their Python source does, and what the graph does."""

from __future__ import annotations

import inspect
import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, compile, primitive
from autograd.compiler.program import Program
from autograd.table import OURS, TABLE

Thin = Callable[[str], AbstractContextManager[None]]

WAYS = ["machine code", "Python"]


def compiled(thin: Thin, way: str, function: Callable[..., Any], *examples: Any, **settings: Any) -> Program:
    with thin(way):
        program = compile(function, *examples, **settings)
    assert f"run as {way};" in str(program)
    return program


# Every primitive

PYTHONS = {"gamma", "lgamma", "fsum", *(f"{name}_derivative" for name in ("power", "atan2", "lgamma"))}
"""Primitives that Python's functions of floats compute; test_table.py says why."""
MADE = tuple(name for name in TABLE if name in OURS - PYTHONS)  # the package's own; tests add others
POINTS: dict[str, list[tuple[float, ...]]] = {
    "acos": [(0.25,), (-0.75,)],
    "acosh": [(1.5,), (30.0,)],
    "acosh_slope": [(1.5,), (30.0,)],
    "asin": [(0.25,), (-0.75,)],
    "atan2": [(1.0, 2.0), (-1.0, -2.0), (0.0, -1.0), (2.0, 0.0)],
    "asin_slope": [(0.25,), (-0.75,)],
    "atanh": [(0.25,), (-0.75,)],
    "atanh_slope": [(0.25,), (-0.75,)],
    "cbrt_slope": [(2.0,), (-0.3,)],
    "cbrt": [(2.0,), (-0.3,)],
    "constant_power": [(1.7, n) for n in (-2.5, -2.0, -1.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0)],
    "div": [(1.0, 3.0), (-2.0, 0.7)],
    "dot": [(1.5, 2.5, -3.5, 4.25, 0.3)],
    "entry_at": [(0.5, -1.0, 0.0), (0.5, -1.0, 1.0)],
    "exp": [(0.3,), (-800.0,)],
    "fmod": [(7.5, 2.0), (-7.5, 2.0), (0.3, -0.1), (1.0, 3.0)],
    "hypot_slope": [(3.0, 4.0), (-2.0, 0.5)],
    "ratio": [(0.0, 2.0), (1.5, 0.25)],
    "sqrt_slope": [(2.0,), (0.3,)],
    "hypot": [(3.0, 4.0), (-1e200, 1e199), (0.0, 2.0)],
    "log": [(0.3,), (7.0,), (1.0,)],
    "log10": [(0.3,), (1000.0,)],
    "log1p": [(0.3,), (-0.9,), (1e-18,)],
    "log2": [(0.3,), (8.0,)],
    "max": [(0.5, -1.0, 3.0), (2.0, 2.0, -2.0), (-4.0, -4.0, -4.0)],
    "min": [(0.5, -1.0, 3.0), (2.0, -2.0, -2.0), (-4.0, -4.0, -4.0)],
    "logsumexp": [(0.5, -1.0, 3.0), (2.0, 2.0, 2.0), (1e4, 1e4 - 1, -1e4), (0.0, -40.0, -50.0)],
    "norm": [(2.0, -3.0, 6.0), (0.0, 0.0, 0.5), (1e200, 0.0, -1e200)],
    "power": [(2.0, 3.5), (0.3, -1.25), (0.0, 2.0)],
    "remainder": [(7.5, 2.0), (-7.5, 2.0), (0.3, -0.1), (1.0, 3.0)],
    "sigmoid": [(0.3,), (-0.3,), (0.0,), (1000.0,), (-1000.0,), (-710.0,)],
    "softplus": [(0.3,), (-0.3,), (0.0,), (1000.0,), (-1000.0,)],
    "sqrt": [(2.0,), (1e-300,)],
    "sum": [(0.5, -1.0, 3.0)],
    "mean": [(0.5, -1.0, 3.0)],
    "prod": [(0.5, -1.0, 3.0), (0.5, 0.0, 3.0), (0.0, 0.0, 3.0)],
    "where": [(1.0, 2.0, 3.0), (-1.0, 2.0, 3.0), (0.0, 2.0, 3.0)],
    "xlogy": [(0.0, 2.0), (1.5, 0.25)],
}


def points(name: str) -> list[tuple[float, ...]]:
    """Return points at which to test a primitive: if it is defined everywhere, ties, kinks and both zeros, too."""
    if name in POINTS:
        return POINTS[name]
    count = len(inspect.signature(TABLE[name].derivatives).parameters) - 1
    chance = random.Random(0)
    same = [(x,) * count for x in (0.0, -0.0, 1.0, -1.0)]
    return [*same, *(tuple(chance.uniform(-2, 2) for _ in range(count)) for _ in range(3))]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MADE)
def test_every_primitive_computes_what_the_table_says(name: str, way: str, thin: Thin) -> None:
    """Values and slopes agree to the last digits, at ties, too."""
    for inputs in points(name):
        values = [Value(x) for x in inputs]
        apply: Callable[..., Any] = TABLE[name]
        if name == "constant_power":
            values, exponent = values[:1], inputs[1]
            apply = lambda x, n=exponent: x**n  # noqa: E731
        elif name == "where":
            apply = lambda c, a, b: autograd.where(c > 0, a, b)  # noqa: E731
        numbers = [v.data for v in values]
        expected = apply(*values)
        expected.backward()
        program = compiled(thin, way, apply, *(1.5 if name.startswith("acosh") else 0.5 for _ in values))
        value, slopes = program.value_and_grad(*numbers)
        assert value == pytest.approx(expected.data, rel=1e-15, abs=0.0)
        slopes = list(slopes) if len(values) > 1 else [slopes]
        assert slopes == pytest.approx([v.grad for v in values], rel=2e-15, abs=0.0)


@pytest.mark.parametrize("way", WAYS)
def test_comparisons_of_equal_numbers(way: str, thin: Thin) -> None:
    def f(a: Any, b: Any) -> Any:
        conditions = [a == b, a != b, a < b, a <= b, a > b, a >= b, (a < b) | (a > b), (a <= b) & (a >= b)]
        return [autograd.where(c, a, 2 * b) for c in conditions]

    program = compiled(thin, way, f, 0.25, 0.5)
    for a, b in ((1.0, 1.0), (1.0, 2.0), (2.0, 1.0), (0.0, -0.0)):
        truth = [a == b, a != b, a < b, a <= b, a > b, a >= b, a != b, a == b]
        assert program(a, b).tolist() == [a if c else 2 * b for c in truth]


@pytest.mark.parametrize("way", WAYS)
def test_zeros_of_both_signs_are_two_constants(way: str, thin: Thin) -> None:
    program = compiled(thin, way, lambda x: [autograd.atan2(x, 0.0), autograd.atan2(x, -0.0)], 0.5)
    assert program(0.0).tolist() == [0.0, math.pi]


# Whole programs


def lorenz(steps: int, rate: Any, x: Any, y: Any, z: Any) -> Any:
    """Euler steps of the Lorenz equations, explicit or not by the Thue-Morse sequence, so that there is no loop."""
    for k in range(steps):
        dx, dy, dz = rate * (y - x), x * (28.0 - z) - y, x * y - z * (8 / 3)
        x, y = x + 0.002 * dx, y + 0.002 * dy
        z = z + 0.002 * (dz if k.bit_count() % 2 == 0 else x * y - z * (8 / 3))
    return x * x + y + z


@pytest.mark.parametrize("way", WAYS)
def test_growth_in_small_steps_is_the_power_that_it_is(way: str, thin: Thin) -> None:
    """The result is x (1 + r h)^n, with its derivatives, also w.r.t. the captured rate; it takes several functions."""
    rate, h, n = Value(0.5), 0.001, 4000

    def f(x: Any) -> Any:
        for _ in range(n):
            x = x + h * (rate * x)
        return x

    program = compiled(thin, way, f, 1.0)
    assert program.source.count("def backward_") > 3
    assert program.value_and_grad(3.0) == pytest.approx((3 * (1 + 0.5 * h) ** n, (1 + 0.5 * h) ** n), rel=1e-11)
    program.backward(3.0)
    assert rate.grad == pytest.approx(3 * n * h * (1 + 0.5 * h) ** (n - 1), rel=1e-11)


@pytest.mark.parametrize("way", WAYS)
def test_pytorch_computes_the_same(way: str, thin: Thin) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rate = Value(10.0)
    program = compiled(thin, way, lambda x, y, z: lorenz(300, rate, x, y, z), 1.0, 1.5, 2.0)
    leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (10.0, 1.1, -0.4, 2.5)]
    end = lorenz(300, *leaves)
    end.backward()
    value, slopes = program.value_and_grad(1.1, -0.4, 2.5)
    assert value == pytest.approx(end.item(), rel=1e-12)
    assert slopes == pytest.approx([leaf.grad.item() for leaf in leaves[1:]], rel=1e-11)
    program.backward(1.1, -0.4, 2.5)
    assert rate.grad == pytest.approx(leaves[0].grad.item(), rel=1e-11)


@pytest.mark.parametrize("samples", [1, 7, 300])
@pytest.mark.parametrize("way", WAYS)
def test_batches(way: str, samples: int, thin: Thin) -> None:
    """Each sample is computed by itself; the parameters' derivatives are summed over all samples."""
    rate = Value(10.0)
    batch = np.random.default_rng(0).normal(size=(3, samples))
    program = compiled(thin, way, lambda x, y, z: lorenz(40, rate, x, y, z), 1.0, 1.5, 2.0, reduction="sum")
    values, slopes, expected = [], [], 0.0
    for sample in batch.T.tolist():
        inputs = [Value(x) for x in sample]
        end = lorenz(40, rate, *inputs)
        rate.grad = 0.0
        end.backward()
        expected += rate.grad
        values.append(end.data)
        slopes.append([x.grad for x in inputs])
    rate.grad = 0.0
    assert program(*batch) == pytest.approx(values, rel=1e-13)
    derivatives = np.array(program.input_gradients(*batch)).T
    assert derivatives == pytest.approx(np.array(slopes), rel=1e-12, abs=1e-12)
    assert program.backward(*batch) == pytest.approx(sum(values), rel=1e-13)
    assert rate.grad == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_arguments_parameters_and_constants_as_results(way: str, thin: Thin) -> None:
    """Any number can be an output, several times, and arguments may remain unused."""
    w, unused = Value(3.0), Value(5.0)

    def f(x: Sequence[Any], y: Any) -> Any:
        z = x[1] * w
        return [z, x[2], w, z, 4.0, z * x[1]]

    program = compiled(thin, way, f, [0.5] * 4, 1.0, parameters=[unused, w])
    assert program([1.0, 2.0, 7.0, 9.0], 8.0).tolist() == [6.0, 7.0, 3.0, 6.0, 4.0, 12.0]
    assert program([[1.0, 2.0, 7.0, 9.0]] * 2, [8.0, 8.0])[:, 5].tolist() == [12.0, 12.0]
    program.backward([1.0, 2.0, 7.0, 9.0], 8.0, gradients=[1.0, 1.0, 10.0, 100.0, 1000.0, 10000.0])
    assert (w.grad, unused.grad) == (2.0 * 101 + 10 + 4 * 10000, 0.0)
    w.grad = 0.0
    ones = np.ones((2, 6))
    program.backward([[1.0, 2.0, 7.0, 9.0], [0.0, 1.0, 0.0, 0.0]], [8.0, 8.0], gradients=ones)
    assert w.grad == (2.0 * 2 + 1 + 4) + (2.0 + 1 + 1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_function_that_computes_nothing(way: str, number: int, thin: Thin) -> None:
    """A function may return an argument, a parameter or a constant."""
    w = Value(3.0)
    results = ((7.0, [1.0, 0.0], 0.0), (3.0, [0.0, 0.0], 1.0), (2.0, [0.0, 0.0], 0.0))
    value, slopes, slope = results[number]
    program = compiled(thin, way, lambda x: (x[0], w, Value(2.0))[number], [0.5, 0.5])
    output, gradient = program.value_and_grad([7.0, 8.0])
    assert (output, gradient.tolist()) == (value, slopes)
    assert program.backward([7.0, 8.0]) == value
    assert w.grad == slope


@pytest.mark.parametrize("way", WAYS)
def test_a_program_without_arguments(way: str, thin: Thin) -> None:
    w = Value(0.5)
    program = compiled(thin, way, lambda: autograd.sin(w) * w)
    assert program() == pytest.approx(math.sin(0.5) * 0.5, rel=1e-15)
    program.backward()
    assert w.grad == pytest.approx(math.sin(0.5) + 0.5 * math.cos(0.5), rel=1e-15)


@pytest.mark.parametrize("way", WAYS)
def test_a_sum_of_thousands(way: str, thin: Thin) -> None:
    w = [Value(math.sin(k)) for k in range(5000)]
    program = compiled(thin, way, lambda x: autograd.dot(w, [x] * 5000) - 3 * autograd.sum(w) + x * x, 0.5)
    total = math.fsum(v.data for v in w)
    value, slope = program.value_and_grad(2.0)
    assert (value, slope) == pytest.approx((4 - total, total + 4), abs=1e-11)
    program.backward(2.0)
    assert {v.grad for v in w} == {-1.0}


@pytest.mark.parametrize("way", WAYS)
def test_float32(way: str, thin: Thin) -> None:
    w = Value(0.3)
    program = compiled(thin, way, lambda x: [autograd.tanh(w * x[0]), x[1] - w], [0.5, 0.5], dtype="float32")
    batch = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    values = program(batch)
    assert values.dtype == np.float32
    assert values[:, 0] == pytest.approx(np.tanh(0.3 * batch[:, 0]), rel=1e-6)
    assert values[:, 1] == pytest.approx(batch[:, 1] - 0.3, rel=1e-6)
    program.backward(batch, gradients=np.ones((2, 2)))
    assert w.grad == pytest.approx(sum(x / math.cosh(0.3 * x) ** 2 for x in (1.0, 3.0)) - 2, rel=1e-6)
    single = compiled(thin, way, lambda x: autograd.tanh(w * x[0]), [0.5, 0.5], dtype="float32")
    slopes = single.input_gradients(batch)
    assert slopes.dtype == np.float32
    assert slopes[:, 0] == pytest.approx(0.3 / np.cosh(0.3 * batch[:, 0]) ** 2, rel=1e-6)
    assert slopes[:, 1].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("way", WAYS)
def test_threads_do_not_disturb_each_other(way: str, thin: Thin) -> None:
    """Threads may also be the first to request derivatives, which are compiled at that moment."""
    program = compiled(thin, way, lambda x, y, z: lorenz(500, 10.0, x, y, z), 1.0, 1.5, 2.0)
    samples = np.random.default_rng(0).normal(size=(64, 3)).tolist()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda sample: program.value_and_grad(*sample), samples))
    assert results == [program.value_and_grad(*sample) for sample in samples]


# What is not finite


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_finite_is_told_in_the_same_words(way: str, thin: Thin) -> None:
    w = Value(2.0)
    w.grad = 0.25

    def f(x: Any) -> Any:
        y = autograd.log(x)
        y.label = "logarithm"
        root = autograd.sqrt(x)
        root.label = "root"
        return y * w + root

    logarithm = compiled(thin, way, f, 1.0)
    for method in (logarithm, logarithm.backward, logarithm.input_gradients):
        with pytest.raises(FloatingPointError, match=r"^log\(x = -1\.0\) has no finite real value"):
            method(-1.0)
        with pytest.raises(FloatingPointError, match=r"^sample 1: log\(x = -1\.0\) has no finite real value"):
            method([1.0, -1.0])
    assert w.grad == 0.25
    root = compiled(thin, way, lambda x: autograd.sqrt(x) * w, 1.0)
    assert root(0.0) == 0.0
    with pytest.raises(FloatingPointError, match=r"^a node without a label \(sqrt\) = 0, .* not finite"):
        root.input_gradients(0.0)
    with pytest.raises(FloatingPointError, match=r"\(\*\) is inf, computed from 1e\+200, 1e\+200"):
        compiled(thin, way, lambda x: x * x * w, 1.0)(1e200)


@pytest.mark.parametrize("way", WAYS)
def test_infinity_on_the_way_to_a_number_does_no_harm(way: str, thin: Thin) -> None:
    program = compiled(thin, way, lambda x: 1 / (1 + autograd.exp(x)), 0.5)
    assert program(1000.0) == 0.0


# Custom primitives


@pytest.fixture
def own_name(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield a name that would end a function if it were copied into one."""
    name = f'"}}\nret void\n%0 = {request.node.nodeid}'
    yield name
    TABLE.pop(name, None)


def test_a_rule_that_is_an_expression_becomes_machine_code(own_name: str, thin: Thin) -> None:
    swish = primitive(
        own_name, lambda x: x * autograd.sigmoid(x), lambda x, out: (autograd.sigmoid(x) * (1 + x - out),)
    )
    program = compiled(thin, "machine code", lambda x: swish(x) * x, 0.5)
    x = Value(0.7, own_name)
    y = swish(x) * x
    y.backward()
    assert program.value_and_grad(0.7) == pytest.approx((y.data, x.grad), rel=1e-15)


@pytest.mark.parametrize(
    "rule",
    [lambda x: math.sin(x), lambda x: x if x > 0 else 2 * x, lambda x: max(x, 0.5), lambda x: float(np.sin(x))],
    ids=["math", "branch", "max", "NumPy"],
)
def test_a_rule_for_floats_alone_keeps_the_program_python(own_name: str, rule: Any, thin: Thin) -> None:
    own = primitive(own_name, rule, lambda x, out: (autograd.cos(x),))
    with thin("machine code"):
        program = compile(lambda x: own(x) + autograd.exp(x), 0.75)
    assert "run as Python;" in str(program)
    assert program.value_and_grad(0.7) == pytest.approx((rule(0.7) + math.exp(0.7), math.cos(0.7) + math.exp(0.7)))


# How a program runs


def test_long_programs_run_as_machine_code_and_short_ones_as_python() -> None:
    pytest.importorskip("llvmlite", reason="llvmlite, which makes machine code, is not installed")
    for steps, way in ((200, "machine code"), (10, "Python")):
        program = compile(lambda x, y, z, n=steps: lorenz(n, 10.0, x, y, z), 1.0, 1.5, 2.0)
        assert f" lines of straight-line source, run as {way}; 0 parameters; compiled in" in str(program)


def test_without_llvmlite_the_same_source_runs_as_python(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        return lorenz(200, 10.0, x, y, z)

    program = compile(f, 1.0, 1.5, 2.0)
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    other = compile(f, 1.0, 1.5, 2.0)
    assert "run as Python;" in str(other)
    assert other.source == program.source
    assert other.input_gradients_source == program.input_gradients_source
    value, slopes = program.value_and_grad(1.1, -0.4, 2.5)
    output, others = other.value_and_grad(1.1, -0.4, 2.5)
    assert (value, *slopes) == pytest.approx((output, *others), rel=1e-14)


def test_a_program_that_lives_to_the_end_of_the_process(run_python: Callable[..., str]) -> None:
    pytest.importorskip("llvmlite", reason="llvmlite, which makes machine code, is not installed")
    script = """
import autograd
def f(x):
    for _ in range(600): x = autograd.sin(x)
    return x
program = autograd.compile(f, 0.5)
print(program(0.5) == f(0.5), "machine code" in str(program))
"""
    assert run_python(script) == "True True\n"
