"""Learning rates: a number, or a schedule that returns the rate of each step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from autograd import Value

LearningRate = float | Callable[[int], float]
"""A schedule is called with the number of steps taken so far, starting at 0."""


@dataclass(frozen=True)
class StepDecay:
    """The schedule of `step_decay`: an object can be pickled and compared, unlike a nested function."""

    initial: float
    factor: float
    every: int

    def __call__(self, step: int) -> float:
        return self.initial * self.factor ** (step // self.every)


@dataclass(frozen=True)
class CosineDecay:
    """The schedule of `cosine_decay`."""

    initial: float
    steps: int
    final: float

    def __call__(self, step: int) -> float:
        part = min(step / self.steps, 1.0)
        return self.final + (self.initial - self.final) * (1 + math.cos(math.pi * part)) / 2


def step_decay(initial: float, factor: float, every: int) -> Callable[[int], float]:
    """Return a schedule that multiplies the learning rate by `factor` after every `every` steps.

    >>> rate = step_decay(0.1, factor=0.5, every=100)
    >>> rate(0), rate(99), rate(100), rate(250)
    (0.1, 0.1, 0.05, 0.025)
    """
    checked("every", every, lambda n: n >= 1, "a number of steps, 1 or more")
    return StepDecay(initial, factor, every)


def cosine_decay(initial: float, steps: int, final: float = 0.0) -> Callable[[int], float]:
    """Return a schedule that decays from `initial` to `final` over `steps` along half a cosine, and then stays there.

    Source: Loshchilov and Hutter 2017, eq. 5, without restarts.

    >>> rate = cosine_decay(0.1, steps=100)
    >>> rate(0), round(rate(50), 9), rate(100)
    (0.1, 0.05, 0.0)
    """
    checked("steps", steps, lambda n: n >= 1, "a number of steps, 1 or more")
    return CosineDecay(initial, steps, final)


def checked(name: str, number: float, holds: Callable[[float], bool], expected: str) -> float:
    """Return a setting as a float. Raise TypeError if it is not a number, ValueError if `holds` is false."""
    if isinstance(number, (bool, str)) or not hasattr(number, "__float__") or isinstance(number, Value):
        raise TypeError(f"{name} must be {expected}, got {number!r}")
    if not holds(number):
        raise ValueError(f"{name} must be {expected}, got {number!r}")
    return float(number)
