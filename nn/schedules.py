"""Learning rates: a number, or a schedule, which gives the rate of each step."""

from __future__ import annotations

import math
from collections.abc import Callable

from autograd import Value

LearningRate = float | Callable[[int], float]
"""A schedule is called with the number of steps taken so far, 0 at first."""


def step_decay(initial: float, factor: float, every: int) -> Callable[[int], float]:
    """A schedule that multiplies the learning rate by `factor` after each `every` steps.

    >>> rate = step_decay(0.1, factor=0.5, every=100)
    >>> rate(0), rate(99), rate(100), rate(250)
    (0.1, 0.1, 0.05, 0.025)
    """
    checked("every", every, lambda n: n >= 1, "a number of steps, 1 or more")
    return lambda step: initial * factor ** (step // every)


def cosine_decay(initial: float, steps: int, final: float = 0.0) -> Callable[[int], float]:
    """A schedule that falls from one rate to another over so many steps along half a cosine, and stays there.

    Source: Loshchilov and Hutter 2017, eq. 5, without restarts.

    >>> rate = cosine_decay(0.1, steps=100)
    >>> rate(0), round(rate(50), 9), rate(100)
    (0.1, 0.05, 0.0)
    """
    checked("steps", steps, lambda n: n >= 1, "a number of steps, 1 or more")
    return lambda step: final + (initial - final) * (1 + math.cos(math.pi * min(step / steps, 1.0))) / 2


def checked(name: str, number: float, holds: Callable[[float], bool], expected: str) -> float:
    """A setting as a float. Raises TypeError for what is no number, ValueError for one that is not as expected."""
    if isinstance(number, (bool, str)) or not hasattr(number, "__float__") or isinstance(number, Value):
        raise TypeError(f"{name} must be {expected}, got {number!r}")
    if not holds(number):
        raise ValueError(f"{name} must be {expected}, got {number!r}")
    return float(number)
