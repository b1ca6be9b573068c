"""Convert and check arguments shared by the modules: inputs as Values, counts, seeds."""

from __future__ import annotations

import operator
import random
from collections.abc import Mapping, Sequence, Set
from typing import Any, cast

from autograd import Constant, Value
from autograd.arrays import NDArray
from nn.initializers import RandomSource

Inputs = Sequence[Value | float] | NDArray[Any]


def as_values(inputs: Inputs, expected: int, module: str) -> list[Value]:
    """Return the inputs as Values, with numbers wrapped as constants.

    Raises:
        ValueError: for any other number of inputs than expected.
        TypeError: for anything but a sequence of real numbers.
    """
    refuse_unless_sequence(inputs, module, f"{expected} numbers")
    if len(inputs) != expected:
        raise ValueError(f"{module} expects {expected} inputs, got {len(inputs)}")
    return [x if isinstance(x, Value) else Constant(x) for x in inputs]


def refuse_unless_sequence(argument: Any, module: str, expected: str) -> None:
    """Raise TypeError unless the argument has an order and a length; texts do not count."""
    if isinstance(argument, (str, bytes, Set, Mapping)) or not hasattr(argument, "__len__"):
        raise TypeError(f"{module} expects a sequence of {expected}, got {argument!r}")


def checked_count(number: int, name: str) -> int:
    """Return a count as an int. Raise TypeError if it is not an integer, ValueError if it is below 1."""
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise TypeError(f"the number of {name} must be an integer, got {number!r}")
    if number < 1:
        raise ValueError(f"the number of {name} must be at least 1, got {number}")
    return operator.index(number)


def random_source(seed: int | RandomSource | None) -> RandomSource:
    """Return a random number generator: a new one from a seed, the given one, or Python's global `random` for None."""
    if seed is None:
        return random
    if hasattr(seed, "__index__"):
        return random.Random(operator.index(cast(int, seed)))
    if not hasattr(seed, "uniform"):
        raise TypeError(f"seed must be an integer, a random.Random, or None; got {seed!r}")
    return seed
