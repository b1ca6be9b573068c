"""Sigmoid and tanh written out as formulas are recognized in compiled programs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import autograd
from autograd import Value, exp

Function = Callable[[Any], Any]


def micrograds(z: Any) -> Any:
    e2x = (2 * z).exp()
    return (e2x - 1) / (e2x + 1)


SIGMOIDS: dict[str, Function] = {
    "a quotient": lambda z: 1 / (1 + exp(-z)),
    "a quotient of methods": lambda z: 1.0 / ((-z).exp() + 1),
    "a power": lambda z: (1 + exp(-z)) ** -1,
    "a power of a float": lambda z: (exp(-1 * z) + 1.0) ** -1.0,
    "a wide sum": lambda z: 1 / autograd.sum([1, exp(z * -1)]),
}
TANHS: dict[str, Function] = {
    "as micrograd has it": micrograds,
    "with a number added": lambda z: (lambda e: (e + -1) / (1 + e))(exp(z * 2)),
    "of doubled terms": lambda z: (lambda e: (e - 1) / (e + 1))((2.0 * z).exp()),
}


def by_hand(activation: Function) -> tuple[Callable[..., Any], list[Value]]:
    """Return the loss of a network of 5, 4 and 3 neurons, and its parameters."""
    chance = random.Random(3)
    parameters = [[[Value(chance.uniform(-1, 1)) for _ in range(n + 1)] for _ in range(m)] for n, m in ((5, 4), (4, 3))]

    def loss(x: Any, t: Any) -> Any:
        for layer in parameters:
            x = [activation(sum(w * v for w, v in zip(row, x)) + row[-1]) for row in layer]
        return sum((a - b) ** 2 for a, b in zip(x, t)) / 2

    return loss, [p for layer in parameters for row in layer for p in row]


def gradient_of(parameters: list[Value]) -> Any:
    gradient = np.array([p.grad for p in parameters])
    for p in parameters:
        p.grad = 0.0
    return gradient


def assert_equals_eager(function: Callable[..., Any], parameters: list[Value], *batch: Any) -> str:
    """Compare cost and gradient with eager, to 1e-12 of the norm; return the source."""
    program = autograd.compile(function, *(rows[0] for rows in batch))
    expected = [function(*(row.tolist() for row in rows)) for rows in zip(*batch)]
    for result in expected:
        result.backward(1 / len(expected))
    eager = gradient_of(parameters)
    assert program(*batch) == pytest.approx([result.data for result in expected], rel=1e-13)
    program.backward(*batch)
    assert np.linalg.norm(gradient_of(parameters) - eager) <= 1e-12 * np.linalg.norm(eager)
    return program.source


@pytest.mark.parametrize(
    ("name", "activation"),
    [("sigmoid", f) for f in SIGMOIDS.values()] + [("tanh", f) for f in TANHS.values()],
    ids=[*SIGMOIDS, *TANHS],
)
def test_a_network_by_hand_reads_as_the_text_has_it(name: str, activation: Function) -> None:
    loss, parameters = by_hand(activation)
    chance = np.random.default_rng(0)
    source = assert_equals_eager(loss, parameters, chance.normal(size=(7, 5)), chance.uniform(size=(7, 3)))
    slope = {"sigmoid": "* a1 * sigmoid(-z1)", "tanh": "/ cosh(z1) ** 2"}[name]
    for equation in ("z1 = x @ w1.T + b1", f"a1 = {name}(z1)", f"delta1 = (delta2 @ w2) {slope}"):
        assert re.search(rf"^    {re.escape(equation)} +# \(", source, flags=re.MULTILINE), equation
    assert "exp" not in source
    assert source.count("# ") == 1 + len(re.findall(r"^    \w+ = .*# \(", source, flags=re.MULTILINE))  # one remark
    assert len(re.findall(r"^    \w+ = ", source, flags=re.MULTILINE)) <= 14


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_sigmoid_where_the_exponent_is_a_sum(sign: float) -> None:
    """The exponents are -(w x) - b, and w x + b; the latter gives the sigmoid of the negated sum."""
    w, b = [Value(0.5), Value(-0.3)], Value(0.1)

    def loss(x: Any) -> Any:
        return 1 / (1 + exp(-sign * (w[0] * x[0]) - sign * (w[1] * x[1]) - sign * b))

    source = assert_equals_eager(loss, [*w, b], np.random.default_rng(0).normal(size=(5, 2)))
    assert "= sigmoid(" in source
    assert "exp" not in source


W = Value(0.7)

RELATIVES: dict[str, Function] = {
    "the exponential is used elsewhere": lambda x: (lambda e: 1 / (1 + e) + e)(exp(-W * x)),
    "the denominator is used elsewhere": lambda x: (lambda d: 1 / d + autograd.log(d))(1 + exp(-W * x)),
    "the exponent is used elsewhere": lambda x: (lambda m: 1 / (1 + exp(m)) + m * m)(-W * x),
    "what goes in is used elsewhere": lambda x: (lambda z: 1 / (1 + exp(-z)) + z * z)(W * x),
    "the numerator is used elsewhere": lambda x: (lambda e: (lambda a: a / (e + 1) + a)(e - 1))(exp(2 * W * x)),
    "twice what goes in is used elsewhere": lambda x: (lambda m: micrograds(m / 2) + m)(2 * (W * x)),
    "another numerator": lambda x: 2 / (1 + exp(-W * x)),
    "another number added": lambda x: 1 / (2 + exp(-W * x)),
    "another power": lambda x: (1 + exp(-W * x)) ** -2,
    "a difference": lambda x: 1 / (1 - exp(-W * W * (x * x + 1))),
    "another factor in the exponent": lambda x: (lambda e: (e - 1) / (e + 1))(exp(3 * (W * x))),
    "two exponentials": lambda x: (exp(2 * W * x) - 1) / (exp(2 * x) + 1),
    "numerator and denominator changed": lambda x: (lambda e: (e + 1) / (e - 1))(exp(2 * W * (x * x + 1))),
    "tanh by the other exponential": lambda x: (lambda e: (e - 1) / (e + 1))(exp(-2 * (W * x))),
    "a softmax of two": lambda x: (lambda a, b: a / (a + b))(exp(W * x), exp(-x)),
}


@pytest.mark.parametrize("name", RELATIVES)
@pytest.mark.parametrize("wide", [False, True], ids=["numbers", "arrays"])
def test_what_only_looks_like_them_or_is_used_in_parts(name: str, wide: bool) -> None:
    f = RELATIVES[name]
    batch = np.random.default_rng(1).normal(size=(6, 4))
    if wide:
        assert_equals_eager(lambda x: sum(f(v) for v in x), [W], batch)
    else:
        assert_equals_eager(f, [W], batch[:, 0])


def test_where_the_exponential_of_the_formula_is_0_or_very_large() -> None:
    """Compiled and eager agree wherever eager does not raise an error, which it does from exp(710) on."""
    batch = np.array([-700.0, -40.0, 0.0, 40.0, 700.0, 1e5])
    program = autograd.compile(lambda x: 1 / (1 + exp(-x)), 0.0)
    expected = [(1 / (1 + exp(Value(-x)))).data for x in batch.tolist()]
    assert program(batch) == pytest.approx(expected, rel=1e-13, abs=0)


SATURATED = [sign * z for z in (1.0, 5.0, 10.0, 20.0, 36.0, 100.0, 300.0) for sign in (1, -1)]


@pytest.mark.parametrize("f", SIGMOIDS.values(), ids=SIGMOIDS)
@pytest.mark.parametrize("z", SATURATED)
def test_a_saturated_sigmoid_by_hand_keeps_the_digits_of_its_slope(f: Function, z: float) -> None:
    """The chain rule through the formula keeps them, while a (1 - a) loses all digits from z = 37 on."""
    x = Value(z)
    f(x).backward()
    with mpmath.workdps(50):
        truth = float(1 / (2 + mpmath.exp(mpmath.mpf(z)) + mpmath.exp(-mpmath.mpf(z))))
    assert x.grad == pytest.approx(truth, rel=1e-13, abs=0)
    assert autograd.compile(f, z).input_gradients(z) == pytest.approx(truth, rel=1e-13, abs=0)
    array = autograd.compile(lambda xs: sum(f(v) for v in xs), [z, z, z])
    assert array.input_gradients([[z, z, z]]) == pytest.approx(np.full((1, 3), truth), rel=1e-13, abs=0)


@pytest.mark.parametrize("f", TANHS.values(), ids=TANHS)
@pytest.mark.parametrize("z", SATURATED)
def test_a_saturated_tanh_by_hand_has_the_slope_that_its_formula_has_exactly(f: Function, z: float) -> None:
    """The truth is computed with 50 digits, since for large z the graph itself subtracts nearly equal numbers."""
    with mpmath.workdps(50):
        truth = float(1 / mpmath.cosh(mpmath.mpf(z)) ** 2)
    assert autograd.compile(f, z).input_gradients(z) == pytest.approx(truth, rel=1e-13, abs=0)
    array = autograd.compile(lambda xs: sum(f(v) for v in xs), [z, z, z])
    assert array.input_gradients([[z, z, z]]) == pytest.approx(np.full((1, 3), truth), rel=1e-13, abs=0)


@pytest.mark.parametrize(("name", "f"), [("sigmoid", SIGMOIDS["a quotient"]), ("tanh", micrograds)])
def test_in_a_recurrence_of_many_steps(name: str, f: Function) -> None:
    """The functions are recognized in source and in machine code, even if the states are nearly saturated."""
    w, b = Value(9.0), Value(-4.0)

    def state(x: Any) -> Any:
        for _ in range(400):
            x = f(w * x + b) - 0.01 * x
        return x

    batch = np.linspace(-1.0, 1.0, 5)
    expected = [state(x) for x in batch.tolist()]
    for result in expected:
        result.backward(1 / len(expected))
    eager = gradient_of([w, b])
    program = autograd.compile(state, 0.5)
    assert f"{name}(" in program.source
    assert program(batch) == pytest.approx([result.data for result in expected], rel=1e-12)
    program.backward(batch)
    assert np.linalg.norm(gradient_of([w, b]) - eager) <= 1e-12 * np.linalg.norm(eager)
