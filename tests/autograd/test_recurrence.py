"""Backpropagation through time: a recurrent sigmoid neuron with shared weights, unrolled."""

from __future__ import annotations

import math
import random

import numpy as np

import autograd
from autograd import Value

STEPS = 1000


def test_gradients_through_1000_steps_are_the_sum_over_time() -> None:
    """h_t = σ(w h_{t−1} + u x_t + b), E = ½ Σ (h_t − e_t)²; with δ_t = ∂E/∂z_t,

    δ_t = (h_t − e_t + w δ_{t+1}) h_t (1 − h_t), ∂E/∂w = Σ δ_t h_{t−1}, ∂E/∂u = Σ δ_t x_t, ∂E/∂b = Σ δ_t.
    """
    chance = random.Random(0)
    xs = [chance.uniform(-1, 1) for _ in range(STEPS)]
    targets = [chance.random() for _ in range(STEPS)]
    w, u, b = Value(3.5), Value(-1.2), Value(-1.5)
    h = start = Value(0.3)
    errors = []
    for x, target in zip(xs, targets):
        h = autograd.sigmoid(autograd.dot([w, u], [h, x], b))
        errors.append(h - target)
    (0.5 * autograd.dot(errors, errors)).backward()

    hs = np.empty(STEPS + 1)
    hs[0] = 0.3
    for t in range(STEPS):
        hs[t + 1] = 1 / (1 + math.exp(-(3.5 * hs[t] - 1.2 * xs[t] - 1.5)))
    deltas = np.empty(STEPS)
    later = 0.0
    for t in reversed(range(STEPS)):
        later = deltas[t] = (hs[t + 1] - targets[t] + 3.5 * later) * hs[t + 1] * (1 - hs[t + 1])
    by_hand = np.array([deltas @ hs[:-1], deltas @ np.array(xs), deltas.sum(), 3.5 * deltas[0]])
    ours = np.array([w.grad, u.grad, b.grad, start.grad])
    assert np.linalg.norm(ours - by_hand) <= 1e-12 * np.linalg.norm(by_hand)


def test_the_gradient_to_the_first_state_is_the_product_of_the_slopes() -> None:
    """∂h_T/∂h_0 = Π w h_t (1 − h_t), which vanishes as T grows."""
    w = Value(2.0)
    h = start = Value(0.9)
    product = 1.0
    for _ in range(STEPS):
        h = autograd.sigmoid(w * h)
        product *= 2.0 * h.data * (1 - h.data)
    h.backward()
    assert math.isclose(start.grad, product, rel_tol=1e-11)
