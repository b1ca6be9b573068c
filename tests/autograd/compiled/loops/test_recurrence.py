"""Backpropagation through time: a recurrent sigmoid neuron with shared weights, a thousand steps deep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import autograd
from autograd import Value

STEPS = 1000
W, U, B, START = 4.5, 1.5, -2.0, 0.3  # weights at which the gradient of one step reaches back over many


def sequence() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Inputs x and targets y, one for each step."""
    numbers = np.random.default_rng(7)
    return numbers.normal(size=STEPS), numbers.uniform(size=STEPS)


def explicit_sums(weight_on_last_step_only: bool) -> tuple[float, list[float]]:
    """Return the cost ½ Σ (h_t - y_t)² and its gradients w.r.t. w, u, b and h_0, as the explicit sum over time.

    With h_t = σ(z_t), z_t = w h_(t-1) + u x_t + b, every use of w at step k reaches the error of every step t >= k
    through the steps between:

        ∂E/∂w = Σ_t Σ_(k <= t) (h_t - y_t) [Π_(k < j <= t) σ'(z_j) w] σ'(z_k) h_(k-1)
    """
    x, y = sequence()
    h = np.empty(STEPS + 1)
    h[0] = START
    for t in range(STEPS):
        h[t + 1] = 1 / (1 + np.exp(-(W * h[t] + U * x[t] + B)))
    slope = h[1:] * (1 - h[1:])

    between = np.zeros((STEPS, STEPS))  # the products over j, a row for each t and a column for each k
    for t in range(STEPS):
        between[t, t] = 1
        between[t, :t] = between[t - 1, :t] * slope[t] * W
    error = h[1:] - y
    if weight_on_last_step_only:
        error[:-1] = 0
    reach = (error @ between) * slope
    gradients = [reach @ h[:-1], reach @ x, reach.sum(), reach[0] * W]
    return 0.5 * float(error @ error), [float(gradient) for gradient in gradients]


def step_with_wide_nodes(w: Value, u: Value, b: Value, h: Any, x: float) -> Any:
    return autograd.dot([w, u], [h, x], bias=b).sigmoid()


def step_with_elementary_nodes(w: Value, u: Value, b: Value, h: Any, x: float) -> Any:
    return 1 / (1 + (-(w * h + u * x + b)).exp())


@pytest.mark.parametrize("step", [step_with_wide_nodes, step_with_elementary_nodes])
@pytest.mark.parametrize("last_step_only", [False, True])
def test_gradients_through_time_are_the_explicit_sum(step: Callable[..., Value], last_step_only: bool) -> None:
    w, u, b, start = Value(W, "w"), Value(U, "u"), Value(B, "b"), Value(START, "h0")
    h, terms = start, []
    for x, y in zip(*sequence()):
        h = step(w, u, b, h, float(x))
        terms.append((h - y) ** 2)
    cost = 0.5 * (terms[-1] if last_step_only else autograd.sum(terms))
    cost.backward()

    expected_cost, expected = explicit_sums(last_step_only)
    assert cost.data == pytest.approx(expected_cost, rel=1e-12)
    # h₀ is a thousand steps away from the last output, so almost no gradient reaches it
    assert [w.grad, u.grad, b.grad, start.grad] == pytest.approx(expected, rel=1e-10, abs=1e-300)


def test_the_gradient_to_the_first_state_is_the_product_of_the_slopes() -> None:
    """The gradient is ∂h_T/∂h_0 = Π w h_t (1 - h_t), which vanishes as T grows."""
    w = Value(2.0)
    h = start = Value(0.9)
    product = 1.0
    for _ in range(STEPS):
        h = (w * h).sigmoid()
        product *= 2.0 * h.data * (1 - h.data)
    h.backward()
    assert start.grad == pytest.approx(product, rel=1e-11, abs=0)


def test_the_explicit_sum_is_the_derivative_by_differences() -> None:
    """This guards against a mistake in `explicit_sums`: finite differences give the same derivative w.r.t. the bias."""
    _, gradients = explicit_sums(False)
    x, y = sequence()

    def cost(bias: float) -> float:
        h, total = START, 0.0
        for t in range(STEPS):
            h = 1 / (1 + np.exp(-(W * h + U * x[t] + bias)))
            total += 0.5 * (h - y[t]) ** 2
        return float(total)

    difference = (cost(B + 1e-5) - cost(B - 1e-5)) / 2e-5
    assert gradients[2] == pytest.approx(difference, rel=1e-6)
