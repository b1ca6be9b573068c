"""Strongly connected components, and the quick test for loops."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest

from autograd import Value
from autograd.compiler.scalars.loops.components import components
from autograd.compiler.scalars.loops.repetition import may_recur
from autograd.compiler.scalars.program import ScalarProgram


@pytest.mark.parametrize("seed", range(60))
def test_components_are_the_sets_of_nodes_that_reach_one_another(seed: int) -> None:
    chance = random.Random(seed)
    size = chance.randint(1, 9)
    reads = [{k for k in range(size) if chance.random() < 1.3 / size} for _ in range(size)]
    reaches = [{i} for i in range(size)]
    for _ in range(size):
        reaches = [own.union(*(reaches[k] for j in own for k in reads[j])) for own in reaches]
    several = components(reads)
    assert sorted(itertools.chain.from_iterable(several)) == list(range(size))
    number = {i: n for n, component in enumerate(several) for i in component}
    for i, j in itertools.product(range(size), repeat=2):
        assert (number[i] == number[j]) == (j in reaches[i] and i in reaches[j])
    assert all(number[k] <= number[i] for i in range(size) for k in reads[i])


W = Value(0.5)


@pytest.mark.parametrize(
    ("function", "recurs"),
    [
        (lambda x: x.sin().sin(), False),
        (lambda x: x.sin().sin().sin(), True),
        (lambda x: x.sin().cos().sin().cos() * W, False),
        (lambda x: x.sin().cos().sin().cos().sin(), True),
        (lambda x: [x.sin(), x.cos().sin(), x.exp().tanh().sin()], True),
        (lambda x: [x.sin(), (x * W).sin(), (W * x).sin(), x.cos().sin()], False),
    ],
)
def test_equal_operations_at_three_depths_may_recur(
    function: Callable[..., Any], recurs: bool, traced: Callable[..., ScalarProgram]
) -> None:
    assert may_recur(traced(function, 0.3)) == recurs


def test_sums_of_other_lengths_are_other_operations(parse: Callable[..., ScalarProgram]) -> None:
    lengths = [2, 3, 2, 4]
    terms = ", ".join
    lines = [
        f"v{n + 1} = sum({terms([f'v{n}', *(f'p{k}' for k in range(count - 1))])})" for n, count in enumerate(lengths)
    ]
    program = "v0 = sin(x[0])\n" + "\n".join(lines)
    assert not may_recur(parse(program + "\nreturn v4"))
    assert may_recur(parse(program + "\nv5 = sum(v4, p0)\nreturn v5"))
