"""Initial weights. An initializer maps `(random, fan_in, fan_out)` to one weight.

`random` is a `random.Random` or the module of that name; fan_in and fan_out are the layer's numbers of inputs and
neurons. Biases start at zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class RandomSource(Protocol):
    """The source of random numbers for an initializer: `random.Random` is one, and so is the module `random`."""

    def uniform(self, a: float, b: float, /) -> float: ...
    def gauss(self, mu: float, sigma: float, /) -> float: ...


Initializer = Callable[[RandomSource, int, int], float]


@dataclass(frozen=True)
class Uniform:
    """The initializer of `uniform`: an object can be pickled and compared, unlike a nested function."""

    low: float
    high: float

    def __call__(self, random: RandomSource, fan_in: int, fan_out: int) -> float:
        return random.uniform(self.low, self.high)


@dataclass(frozen=True)
class Normal:
    """The initializer of `normal`."""

    mean: float
    standard_deviation: float

    def __call__(self, random: RandomSource, fan_in: int, fan_out: int) -> float:
        return random.gauss(self.mean, self.standard_deviation)


@dataclass(frozen=True)
class Glorot:
    """The initializer of `glorot`."""

    gain: float

    def __call__(self, random: RandomSource, fan_in: int, fan_out: int) -> float:
        bound = self.gain * math.sqrt(6 / (fan_in + fan_out))
        return random.uniform(-bound, bound)


@dataclass(frozen=True)
class He:
    """The initializer of `he`."""

    def __call__(self, random: RandomSource, fan_in: int, fan_out: int) -> float:
        return random.gauss(0.0, math.sqrt(2 / fan_in))


@dataclass(frozen=True)
class Fixed:
    """The initializer of `constant`."""

    number: float

    def __call__(self, random: RandomSource, fan_in: int, fan_out: int) -> float:
        return self.number


def uniform(low: float = -1.0, high: float = 1.0) -> Initializer:
    """Draw uniformly between two bounds; the 1986 paper uses ±0.3."""
    return Uniform(low, high)


def normal(mean: float = 0.0, standard_deviation: float = 1.0) -> Initializer:
    """Draw from a normal distribution, as in Nielsen's first network."""
    return Normal(mean, standard_deviation)


def glorot(gain: float = 1.0) -> Initializer:
    """Draw uniformly within ± gain √(6 / (fan_in + fan_out)): tanh layers keep the size of activations and errors.

    Source: Glorot and Bengio 2010, eq. 16.
    """
    return Glorot(gain)


def he() -> Initializer:
    """Draw from a normal distribution with variance 2 / fan_in: the same for relu, which zeroes half of its inputs.

    Source: He, Zhang, Ren and Sun 2015, eq. 10.
    """
    return He()


def constant(number: float) -> Initializer:
    """Use the same weight everywhere. Neurons that start equal stay equal, so do not train from it."""
    return Fixed(number)


def default_initializer(activation: str) -> Initializer:
    """Return He for relu and softplus, Glorot for tanh and identity, and Glorot with gain 4 for sigmoid.

    The gain 4 compensates for the sigmoid's slope of at most 1/4, as Glorot and Bengio recommend.
    """
    if activation in ("relu", "softplus"):
        return he()
    return glorot(gain=4.0 if activation == "sigmoid" else 1.0)
