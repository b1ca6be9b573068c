"""Initial weights follow the distributions that the papers give.

A sample of n draws is compared with a distribution by its largest distance from the distribution function. By the
inequality of Dvoretzky, Kiefer and Wolfowitz (with Massart's constant), this exceeds √(ln(2/p) / 2n) with a probability
of at most p; here p is 10⁻⁹. The seeds are fixed, so that a test that passes once always passes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import nn
from nn.initializers import Initializer, default_initializer

DRAWS = 100_000
FALSE_ALARM = 1e-9
FANS = [(1, 1), (3, 5), (64, 30), (200, 10), (10, 200)]

Distribution = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def uniform_between(low: float, high: float) -> Distribution:
    return lambda x: np.clip((x - low) / (high - low), 0.0, 1.0)


def normal_with(mean: float, variance: float) -> Distribution:
    erf = np.vectorize(math.erf, otypes=[float])
    return lambda x: 0.5 * (1 + erf((x - mean) / math.sqrt(2 * variance)))


def draws(initializer: Initializer, fan_in: int = 1, fan_out: int = 1) -> NDArray[np.float64]:
    source = random.Random(1986)
    return np.array([initializer(source, fan_in, fan_out) for _ in range(DRAWS)])


def distance(sample: NDArray[np.float64], distribution: Distribution) -> float:
    """Return the largest distance between the sample's distribution function and the given one."""
    expected = distribution(np.sort(sample))
    steps = np.arange(len(sample) + 1) / len(sample)
    return float(max((expected - steps[:-1]).max(), (steps[1:] - expected).max()))


ALLOWED = math.sqrt(math.log(2 / FALSE_ALARM) / (2 * DRAWS))


def test_uniform_draws_between_its_bounds() -> None:
    for low, high in ((-1.0, 1.0), (-0.3, 0.3), (2.0, 5.0)):
        sample = draws(nn.uniform(low, high))
        assert low <= sample.min()
        assert sample.max() <= high
        assert distance(sample, uniform_between(low, high)) <= ALLOWED


def test_uniform_lies_between_minus_one_and_one_unless_told_otherwise() -> None:
    assert distance(draws(nn.uniform()), uniform_between(-1.0, 1.0)) <= ALLOWED


def test_normal_has_the_mean_and_deviation_asked_for() -> None:
    assert distance(draws(nn.normal()), normal_with(0.0, 1.0)) <= ALLOWED
    assert distance(draws(nn.normal(3.0, 0.1)), normal_with(3.0, 0.01)) <= ALLOWED


@pytest.mark.parametrize(("fan_in", "fan_out"), FANS)
def test_glorot_is_uniform_within_the_root_of_six_over_the_fans(fan_in: int, fan_out: int) -> None:
    """Glorot and Bengio 2010, eq. 16: W ~ U[−√6/√(n_j + n_{j+1}), √6/√(n_j + n_{j+1})]."""
    bound = math.sqrt(6) / math.sqrt(fan_in + fan_out)
    sample = draws(nn.glorot(), fan_in, fan_out)
    assert abs(sample).max() <= bound * (1 + 1e-15)
    assert distance(sample, uniform_between(-bound, bound)) <= ALLOWED
    assert distance(draws(nn.glorot(gain=2.5), fan_in, fan_out), uniform_between(-2.5 * bound, 2.5 * bound)) <= ALLOWED


@pytest.mark.parametrize(("fan_in", "fan_out"), FANS)
def test_he_is_normal_with_variance_two_over_fan_in(fan_in: int, fan_out: int) -> None:
    """He, Zhang, Ren and Sun 2015, eq. 10: the standard deviation is √(2/n_l)."""
    assert distance(draws(nn.he(), fan_in, fan_out), normal_with(0.0, 2 / fan_in)) <= ALLOWED


def test_constant_is_the_same_everywhere() -> None:
    assert set(draws(nn.constant(0.25))) == {0.25}


def test_the_default_suits_the_activation() -> None:
    """He's is for the two activations that silence half of their inputs, Glorot's for others, times 4 for sigmoid."""
    bound = math.sqrt(6 / (20 + 12))
    expected = {
        "relu": normal_with(0.0, 2 / 20),
        "softplus": normal_with(0.0, 2 / 20),
        "tanh": uniform_between(-bound, bound),
        "identity": uniform_between(-bound, bound),
        "sigmoid": uniform_between(-4 * bound, 4 * bound),
    }
    for activation, distribution in expected.items():
        assert distance(draws(default_initializer(activation), 20, 12), distribution) <= ALLOWED, activation


def test_the_distance_tells_these_distributions_apart() -> None:
    """Otherwise the tests above would prove nothing."""
    sample = draws(nn.he(), 10, 10)
    assert distance(sample, normal_with(0.0, 2 / 20)) > ALLOWED
    assert distance(sample, normal_with(0.0, 1.8 / 10)) > ALLOWED
    assert distance(draws(nn.glorot(), 10, 10), normal_with(0.0, 2 / 20)) > ALLOWED


def test_layers_hand_their_numbers_of_inputs_and_neurons_to_the_initializer() -> None:
    model = nn.MLP(7, [5, 3], initializer=lambda source, fan_in, fan_out: fan_in + 1000 * fan_out)
    weights = [{w.data for neuron in layer.neurons for w in neuron.weights} for layer in model.layers]
    assert weights == [{7 + 1000 * 5}, {5 + 1000 * 3}]


def test_weights_of_a_network_follow_the_default_of_each_layers_activation() -> None:
    """The network has a hidden layer of relu and an output layer of sigmoid neurons, with 20,000 weights each."""
    model = nn.MLP(200, [100, 200], activation="relu", seed=0)
    allowed = math.sqrt(math.log(2 / FALSE_ALARM) / (2 * 20_000))
    bound = 4 * math.sqrt(6 / (100 + 200))
    for layer, distribution in zip(model.layers, (normal_with(0.0, 2 / 200), uniform_between(-bound, bound))):
        sample = np.array([w.data for neuron in layer.neurons for w in neuron.weights])
        assert distance(sample, distribution) <= allowed


def test_biases_start_at_zero() -> None:
    model = nn.MLP(4, [5, 3], initializer=nn.constant(1.0))
    assert {neuron.bias.data for layer in model.layers for neuron in layer.neurons} == {0.0}
