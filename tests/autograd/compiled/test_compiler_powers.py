"""Powers at zeros, infinities and nan, against `math.pow`: NumPy and PyTorch use a square root for exponent 0.5."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

from autograd import Value, compile
from autograd.compiler.arrays.program import ArrayProgram

Thin = Callable[[str], AbstractContextManager[None]]

inf, nan = math.inf, math.nan
BASES = [-inf, -2.5, -1.0, -0.0, 0.0, 0.25, 1.0, 2.0, inf, nan]
EXPONENTS = [0.5, -0.5, 1 / 3, 0.25, 1.5, 2.5, -1.5, 0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 5.0]
WAYS = ["arrays", "machine code", "Python"]


def power(x: float, n: float) -> float:
    """Return Python's power, or the result of IEEE 754 where Python raises an error."""
    try:
        return math.pow(x, n)
    except ValueError:
        if x < 0:
            return nan
        return math.copysign(inf, x) if n % 2 == 1 else inf


def assert_same(got: Any, n: float, dtype: Any = np.float64) -> None:
    expected = np.array([power(x, n) for x in BASES], dtype)
    np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(dtype).eps)
    numbers = ~np.isnan(expected)
    assert (np.signbit(got) == np.signbit(expected))[numbers].all(), (n, got)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", EXPONENTS)
def test_powers_are_those_of_python(n: float, way: str, dtype: Any, thin: Thin) -> None:
    with thin(way):
        program = compile(lambda x: [x**n, x.relu()], 1.5, dtype=dtype)
        layer = compile(lambda xs: [x**n for x in xs], [1.5] * len(BASES), dtype=dtype)
    weights, bases = np.empty(0, dtype), np.array(BASES, dtype)
    assert_same(program.outputs(weights, bases)[:, 0], n, dtype)
    assert_same(layer.outputs(weights, bases[None])[0], n, dtype)


@pytest.mark.parametrize("n", EXPONENTS)
def test_programs_that_are_evaluated_or_run_by_pytorch_compute_the_same(n: float) -> None:
    program = compile(lambda xs: [x**n for x in xs], [1.5] * len(BASES))
    arrays = program.stages["arrays"]
    assert isinstance(arrays, ArrayProgram)
    (evaluated,) = arrays.evaluate({"xs": np.array([BASES])})
    assert_same(np.broadcast_to(evaluated, (1, len(BASES)))[0], n)
    pytest.importorskip("torch", reason="PyTorch is not installed")
    assert_same(program.to_torch()([BASES])[0].numpy(), n)


def test_slopes_of_square_roots_at_minus_infinity_are_those_of_the_graph() -> None:
    """1 / sqrt is 0 there, as at infinity: the derivative of exp(-x ** 0.5) is 0, not nan."""
    for x in (-inf, inf):
        program = compile(lambda x: (-(x**0.5)).exp(), 1.0)
        value, gradient = program.value_and_grad(x)
        assert (value, gradient) == (0.0, 0.0)
        node = Value(x)
        (-(node**0.5)).exp().backward()
        assert node.grad == 0.0
