"""Derivatives where floating point is hard: tails, kinks, edges of domains, common offsets, branches not taken.

Truth is mpmath at 50 digits, limits of calculus, or PyTorch where it agrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

import autograd
from autograd import Value, grad
from autograd.primitives import TABLE

pytestmark = pytest.mark.usefixtures("fifty_digits")


def nth_grad(f: Callable[[Any], Any], order: int) -> Callable[[Any], Any]:
    for _ in range(order):
        f = grad(f)
    return f


# The tails of sigmoid and tanh


@pytest.mark.parametrize("x", [-700.0, -40.0, -1e-8, 0.0, 1e-300, 0.3, 20.0, 40.0, 700.0])
def test_third_and_fourth_derivatives_of_sigmoid_and_tanh(x: float) -> None:
    """By the closed forms in t = tanh(x/2) and t = tanh(x); a zero of a derivative is relative to its terms."""
    t, s = mp.tanh(mpf(x) / 2), mp.sech(mpf(x) / 2) ** 2 / 4
    third, fourth = s * (t**2 - (1 - t**2) / 2), s * t * (2 - 3 * t**2)
    assert nth_grad(autograd.sigmoid, 3)(x) == pytest.approx(float(third), rel=1e-14, abs=1e-15 * float(s))
    assert nth_grad(autograd.sigmoid, 4)(x) == pytest.approx(float(fourth), rel=1e-14, abs=1e-15 * float(s))
    t, s = mp.tanh(mpf(x)), mp.sech(mpf(x)) ** 2
    assert nth_grad(autograd.tanh, 3)(x) == pytest.approx(float(s * (6 * t**2 - 2)), rel=1e-14, abs=1e-14 * float(s))


def test_a_detached_number_has_no_derivative() -> None:
    x = Value(3.0)
    node = TABLE["detach"](x) * x
    node.backward()
    assert (node.data, x.grad) == (9.0, 3.0)


# The largest and the smallest of a list


@given(st.lists(st.floats(allow_nan=False) | st.sampled_from((0.0, 1.0)), min_size=1, max_size=8))
def test_max_and_min_share_the_gradient_among_the_largest(xs: list[float]) -> None:
    for choose, python in ((autograd.max, max), (autograd.min, min)):
        values = [Value(x) for x in xs]
        node = choose(values)
        node.backward()
        assert node.data == python(xs) == choose(xs)
        assert type(choose(xs)) is float
        chosen = [x == python(xs) for x in xs]
        assert [v.grad for v in values] == [c / sum(chosen) for c in chosen]
        assert (len(node.parents), node.op) == (len(xs), python.__name__)


def test_max_and_min_of_nan_are_nan() -> None:
    for choose in (autograd.max, autograd.min):
        for numbers in ([math.nan, 1.0], [1.0, math.nan], [math.nan], [math.inf, math.nan, -math.inf]):
            node = choose(map(Value, numbers))
            assert math.isnan(node.data)
            assert all(map(math.isnan, node.local_derivatives))
            assert math.isnan(choose(numbers))


def test_max_and_min_of_nothing_and_of_one_number_are_told() -> None:
    for choose, other in ((autograd.max, "maximum"), (autograd.min, "minimum")):
        with pytest.raises(ValueError, match="at least one number, got none: add one"):
            choose([])
        with pytest.raises(TypeError, match=rf"expects one list of numbers, got Value.*write {other}\(a, b\)"):
            choose(Value(1.0))  # type: ignore[call-overload]
