"""The context in which user code runs: a compiled program's primitives, an optimizer's rule, a schedule."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, compile, primitive

LEVEL: ContextVar[float] = ContextVar("LEVEL", default=1.0)


@pytest.fixture
def level() -> Iterator[ContextVar[float]]:
    token = LEVEL.set(1.0)
    yield LEVEL
    LEVEL.reset(token)


def _scaled() -> Callable[..., Any]:
    def forward(x: float) -> float:
        return LEVEL.get() * float(x)

    return primitive("scaled_by_level", forward, lambda x, out: (_slope(),))


def _slope() -> float:
    return LEVEL.get()


WAYS = ("arrays", "machine code", "Python")


@pytest.mark.parametrize("way", WAYS)
def test_a_primitive_reads_the_callers_context_variables(way: str, thin: Any, level: ContextVar[float]) -> None:
    scaled, w = _scaled(), [Value(1.0), Value(0.5)]

    def f(x: Any) -> Any:
        return autograd.sum([(scaled(v * x) + 0.01) ** 2 for v in w])

    if way == "arrays":
        program = compile(f, 2.0)
    else:
        with thin(way):
            program = compile(f, 2.0)
    for now in (1.0, 10.0, -3.0):
        level.set(now)
        for x in (2.0, -0.5):
            assert program(x) == pytest.approx(f(Value(x)).data, rel=1e-14)
        assert program([2.0, -0.5]) == pytest.approx([f(Value(2.0)).data, f(Value(-0.5)).data], rel=1e-14)


def test_derivatives_and_the_flat_path_do_so_too(level: ContextVar[float]) -> None:
    """The primitive's rules accept floats only, so they are called for each number."""
    w = Value(0.5)

    def forward(x: float) -> float:
        return LEVEL.get() * float(x) ** 2

    def derivatives(x: Any, out: Any) -> tuple[Any, ...]:
        return (2 * LEVEL.get() * float(x),)

    scaled = primitive("scaled_square_by_level", forward, derivatives)
    program = compile(lambda x: scaled(w * x) * 1.0, 2.0)
    level.set(10.0)
    eager = scaled(w * Value(2.0)) * 1.0
    eager.backward()
    expected, w.grad = w.grad, 0.0
    assert program.backward(2.0) == pytest.approx(eager.data)
    assert w.grad == pytest.approx(expected)
    assert program.input_gradients(2.0) == pytest.approx(2 * 10.0 * 1.0 * 0.5)
    outputs, gradient = program.outputs_and_gradient(np.array([0.5]), np.array([2.0]))
    assert outputs == pytest.approx([10.0]) and gradient == pytest.approx([expected])
    assert program.outputs(np.array([0.5]), np.array([2.0])) == pytest.approx([10.0])


def test_the_decimal_context_is_the_callers() -> None:
    """Python keeps the decimal context in a context variable."""

    def forward(x: float) -> float:
        return float(decimal.Decimal(1) / decimal.Decimal(3)) * float(x)

    third = primitive("third_in_decimals", forward, lambda x, out: (0.3,))
    program = compile(lambda x: third(x) + 0.0, 3.0)
    with decimal.localcontext() as context:
        context.prec = 2
        assert program(1.0) == third(1.0) == 0.33


@pytest.mark.parametrize("bad", [-1.0, 0.0])
def test_numpys_error_state_is_the_callers_again_afterwards(bad: float) -> None:
    program = compile(lambda x: autograd.log(x) + 0.0, 1.0)
    with np.errstate(all="raise", under="warn"):
        before = np.geterr()
        with pytest.raises((FloatingPointError, ValueError)):
            program(bad)
        assert np.geterr() == before
        with pytest.raises(FloatingPointError):
            np.divide(1.0, 0.0)


def test_a_rule_and_a_schedule_read_the_callers_context_variables(level: ContextVar[float]) -> None:
    class Scaled(nn.SGD):
        def _rule(self, weights: Any, gradients: Any, rate: float, new: Any) -> None:
            super()._rule(weights, gradients * LEVEL.get(), rate, new)

    level.set(10.0)
    w = Value(1.0)
    w.grad = 0.5
    Scaled([w], learning_rate=lambda step: 0.25 * LEVEL.get()).step()
    assert w.data == 1.0 - 0.5 * 10.0 * 2.5


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_training_computes_with_the_callers_context_variables(engine: Any, level: ContextVar[float]) -> None:
    scaled = _scaled()

    class Net(nn.Module):
        def __init__(self) -> None:
            self.w = Value(0.5)

        def __call__(self, xs: Any) -> Any:
            return scaled(self.w * xs[0])

    level.set(3.0)
    model = Net()
    x, y = np.array([[1.0], [2.0]]), np.array([1.0, 0.0])
    nn.fit(model, x, y, epochs=1, batch_size=None, progress=False, engine=engine, shuffle=False)
    # ∂C/∂w of the mean of (3 w x - y)² / 2, by hand
    slope = np.mean((3 * 0.5 * x[:, 0] - y) * 3 * x[:, 0])
    assert model.w.data == pytest.approx(0.5 - 0.1 * slope, rel=1e-13)
