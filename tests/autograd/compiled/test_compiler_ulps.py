"""Functions in compiled programs over their whole domains, in units of the last place, against mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import autograd
from autograd import compile
from autograd.table import TABLE

pytestmark = pytest.mark.usefixtures("fifty_digits")

Thin = Callable[[str], AbstractContextManager[None]]

WAYS = ["arrays", "machine code", "Python"]

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "tanh": mp.tanh,
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "log2": lambda x: mp.log(x, 2),
    "sqrt": mp.sqrt,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "atan": mp.atan,
    "sinh": mp.sinh,
    "asinh": mp.asinh,
    "erf": mp.erf,
}


def _numbers(domain: str) -> list[float]:
    chance = np.random.default_rng(0)
    sizes = 10.0 ** chance.uniform(-320, 300, 100)
    slopes = [
        *chance.normal(size=50),
        *(sizes * chance.choice([-1, 1], 100)),
        *chance.uniform(-760, 760, 150),
        *(0.0, -0.0, 5e-324, -5e-324, 1e-310, -1e-310, 709.78, -709.78, -709.79, -720.0, -744.9, -745.2, 1e300, -1e300),
    ]
    below = {"log": 0.0, "log2": 0.0, "log1p": -1.0, "sqrt": -5e-324}.get(domain, -math.inf)
    above = 709.0 if domain in ("exp", "expm1", "sinh") else math.inf
    if domain == "sinh":
        below = -709.0
    return [float(x) for x in slopes if below < x < above]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_right_to_four_units_in_the_last_place(name: str, way: str, thin: Thin) -> None:
    numbers = _numbers(name)
    with thin(way):
        program = compile(lambda x: TABLE[name](x), 0.5)
        outputs = program(numbers).tolist()
        alone = [program(x) for x in numbers[::7]]
    truths = [FUNCTIONS[name](mp.mpf(x)) for x in numbers]
    for x, value, truth in [*zip(numbers, outputs, truths), *zip(numbers[::7], alone, truths[::7])]:
        assert abs(value - truth) <= 4 * math.ulp(float(truth)), (x, value, float(truth))


def test_the_tail_of_sigmoid_in_single_precision() -> None:
    numbers = [-88.0, -89.0, -95.0, -103.0, -110.0, 3.0, math.log(2.0) - 88.722839]
    outputs = compile(lambda x: autograd.sigmoid(x), 0.5, dtype="float32")(numbers)
    smallest = float(np.finfo(np.float32).smallest_subnormal)
    for x, value in zip(np.array(numbers, np.float32).tolist(), outputs.tolist()):
        truth = 1 / (1 + mp.exp(-x))
        assert abs(value - truth) <= 4 * max(2.0**-23 * float(truth), smallest), x
