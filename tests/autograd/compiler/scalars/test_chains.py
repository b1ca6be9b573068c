"""Chains of additions, subtractions and scalings as sums: their terms, slots and constants, and how they round.

Slots follow from the rule in `sums/collect.py`: only the terms of an explicit sum, of a dot product, or of at least
three terms that are added may be added in any order. The eager engine shows how a chain must round.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import autograd
from autograd import Value, dot, primitives
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.fold import fold_constants
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.merge import merge_equal_nodes
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sums.collect import collect_sums
from autograd.compiler.trace.retrace import settled_trace

Function = Callable[[Any, Any], Any]


def collected(function: Function, size: int = 4) -> ScalarProgram:
    """Collect the sums of a function of eight parameters and an argument of so many numbers."""
    w = [Value(0.3 + 0.1 * k) for k in range(8)]
    trace, leaves = settled_trace(lambda x: function(w, x), ([float(k + 1) for k in range(size)],))
    return collect_sums(merge_equal_nodes(fold_constants(from_trace(trace, leaves, None)))).verify()


def sums(function: Function, size: int = 4) -> list[str]:
    return [line.split(" = ", 1)[1] for line in str(collected(function, size)).splitlines()[:-1]]


def sum_(*terms: Any) -> Any:
    return autograd.sum(terms)


SUMS: list[tuple[Function, list[str]]] = [
    (lambda w, x: x[0] + x[1], ["sum(x[0]; x[1])"]),
    (lambda w, x: (2 * w[0]) * -x[0], ["sum(-2.0*p0*x[0])"]),
    (lambda w, x: x[0] + x[1] + x[2], ["sum(x[0], x[1], x[2])"]),
    (lambda w, x: x[0] - (x[1] + x[2]), ["sum(x[1]; x[2])", "sum(x[0]; -v4)"]),
    (lambda w, x: x[0] - (x[1] + x[2] + x[3]), ["sum(x[0]; -x[1], -x[2], -x[3])"]),
    (lambda w, x: sum_(x[2], sum_(x[0], x[1])), ["sum(x[2]; x[0], x[1])"]),
    # chains that subtract all their terms from 0
    (lambda w, x: -x[0] - x[1], ["sum(-x[0]; -x[1])"]),
    (lambda w, x: -x[0] - x[1] - x[2], ["sum(-x[0], -x[1], -x[2])"]),
    (lambda w, x: 0.0 - x[0] - x[1] - x[2], ["sum(0.0; -x[0], -x[1], -x[2])"]),
    (lambda w, x: 0.0 - x[0] + x[1] - x[2], ["sum(0.0; -x[0]; x[1]; -x[2])"]),
    (lambda w, x: -x[0] + x[1] - x[2] - x[0], ["sum(-x[0]; x[1]; -x[2]; -x[0])"]),
    # a bias and a weighted sum
    (lambda w, x: dot(w[:2], x[:2]) + w[2], ["sum(p0*x[0], p1*x[1], p2)"]),
    (lambda w, x: w[2] + dot(w[:2], x[:2]), ["sum(p0*x[0], p1*x[1], p2)"]),
    (lambda w, x: dot(w[:2], x[:2]) + w[2] + 0.5, ["sum(p0*x[0], p1*x[1], p2; 0.5)"]),
    (lambda w, x: dot(w[:2], x[:2]) + w[2] - x[0], ["sum(p0*x[0], p1*x[1], p2; -x[0])"]),
    (lambda w, x: dot(w[:2], x[:2], 0.5) + w[2], ["sum(0.5; p0*x[0], p1*x[1]; p2)"]),
    (lambda w, x: dot(w[:2], x[:2]) - w[2], ["sum(p0*x[0], p1*x[1]; -p2)"]),
    (lambda w, x: dot(w[:2], x[:2]) + x[2], ["sum(p0*x[0], p1*x[1]; x[2])"]),
    (lambda w, x: dot(w[:2], x[:2]) + w[2] * x[2], ["sum(p0*x[0], p1*x[1]; p2*x[2])"]),
    (lambda w, x: dot(w[:2], x[:2]) + 2 * w[2], ["sum(p0*x[0], p1*x[1]; 2.0*p2)"]),
    (lambda w, x: dot(x[:2], x[2:]) + w[0], ["sum(x[0]*x[2], x[1]*x[3]; p0)"]),
    (lambda w, x: dot(w[:2], x[:2]) + sum_(w[2], w[3]), ["sum(p0*x[0], p1*x[1]; p2, p3)"]),
    (lambda w, x: w[0] * x[0] + w[1], ["sum(p0*x[0]; p1)"]),
    (lambda w, x: dot(x[:2], x[2:]) + w[0] * x[0], ["sum(p0*x[0]; x[0]*x[2], x[1]*x[3])"]),
    (lambda w, x: x[0] * x[1] + w[0] * x[2] - x[3], ["sum(p0*x[2]; x[0]*x[1]; -x[3])"]),
    # numbers
    (lambda w, x: sum_(0.5, x[0], x[1]), ["sum(0.5; x[0], x[1])"]),
    (lambda w, x: sum_(x[0], 0.5, x[1]), ["sum(x[0], x[1]; 0.5)"]),
    (lambda w, x: sum_(x[0], x[1], 0.5), ["sum(x[0], x[1]; 0.5)"]),
    (lambda w, x: x[0] - x[1] + 0.0 - x[2], ["sum(x[0]; -x[1]; -x[2]; 0.0)"]),
    # scalings
    (lambda w, x: (x[0] - x[1]) * 3, ["3.0 * sum(x[0]; -x[1])"]),
    (lambda w, x: x[0] - w[0] * x[1] / 4, ["sum(p0*x[1]) / 4.0", "sum(x[0]; -v5)"]),
    (lambda w, x: dot([2.0 * w[0], w[1]], x[:2]), ["sum(2.0*p0*x[0], p1*x[1])"]),
    (lambda w, x: dot([-w[0], w[1]], x[:2]), ["sum(-p0*x[0], p1*x[1])"]),
    (lambda w, x: dot(w[:2], [3.0 * x[0], x[1]]), ["sum(3.0*x[0])", "sum(p0*v6, p1*x[1])"]),
    (lambda w, x: sum_(3 * x[0] * w[0] * 0.5, x[1], x[2]), ["sum(3.0*x[0])", "sum(0.5*v5*p0, x[1], x[2])"]),
    # a parameter times 0 is left out, but nothing that may be infinite is
    (lambda w, x: dot(w[:2], [0.0, x[0]], x[1]), ["sum(x[1], p1*x[0])"]),
    (lambda w, x: dot([0.0, x[1]], [x[0], x[2]]), ["sum(0.0*x[0], x[1]*x[2])"]),
    (lambda w, x: sum_(0.0 * w[0] * x[0], x[1], x[2]), ["sum(0.0*p0*x[0], x[1], x[2])"]),
]


@pytest.mark.parametrize(("function", "expected"), SUMS)
def test_terms_and_slots(function: Function, expected: list[str]) -> None:
    assert sums(function) == expected


def squares(*factors: Any) -> Any:
    return sum_(*(x * x for x in factors))


def in_pairs(x: Any, count: int) -> list[Any]:
    return [squares(x[2 * k], x[2 * k + 1]) for k in range(count)]


ALIKE: list[tuple[Function, int]] = [  # a sum of sums, and the number of operations that compute it
    (lambda w, x: sum_(*in_pairs(x, 4)), 5),
    (lambda w, x: sum_(*in_pairs(x, 3), squares(*x[6:9])), 1),
    (lambda w, x: sum_(*in_pairs(w, 4), x[0]), 5),
    (lambda w, x: sum_(*(dot(w[:2], x[2 * k : 2 * k + 2]) for k in range(4))), 1),
    (lambda w, x: sum_(*(dot(x[2 * k : 2 * k + 2], w[:2]) for k in range(4))), 1),
    (lambda w, x: sum_(dot(w[:2], x[:2]), *in_pairs(x, 4)), 1),
    (lambda w, x: sum_(*in_pairs(x, 4), dot(w[:2], x[:2])), 1),
]


@pytest.mark.parametrize(("function", "operations"), ALIKE)
def test_many_equal_sums_without_weights_are_operations_of_their_own(function: Function, operations: int) -> None:
    """Sums of other lengths are not equal. Weighted sums become matrix products, but sums of squared weights do not."""
    assert len(collected(function, 9).operations) == operations


def test_numbers_before_as_many_equal_sums_stay_terms_of_an_explicit_sum() -> None:
    """Only a chain can begin with one more sum like the others, written out as its terms."""
    total = sums(lambda w, x: sum_(*x[:2], *in_pairs(x, 4)), 9)[-1]
    assert total == "sum(x[0], x[1], v9, v10, v11, v12)"


ROUNDED: list[Callable[[Any], Any]] = [
    lambda x: x[0] - x[1] + 0.25 - x[2],
    lambda x: x[0] - x[1] + 1.0 - x[2],
    lambda x: x[0] - x[1] - 1.0 - x[2],
    lambda x: x[0] - x[1] + 0.0 - x[2],
    lambda x: x[0] + 0.25 - x[1],
    lambda x: x[0] + 0.0 - x[1],
    lambda x: 0.25 - x[0] - x[1],
    lambda x: autograd.sum([x[0], x[0], 0.25]) - x[1] - x[2],
    lambda x: autograd.sum([x[0], x[0]]) - x[1] + 0.25,
    lambda x: 0.0 - x[0] + x[1] - x[2],
]


def same_bits(a: Sequence[float], b: Sequence[float]) -> bool:
    return [struct.pack("d", x) for x in a] == [struct.pack("d", x) for x in b]


@pytest.mark.parametrize("function", ROUNDED)
def test_chains_round_as_the_graph_does(function: Callable[[Any], Any]) -> None:
    program = collected(lambda w, x: function(x), 3)
    for numbers in (*itertools.permutations((1e16, -3.7, 1.1)), *itertools.product((0.0, -0.0), repeat=3)):
        assert same_bits(program.evaluate([numbers], []), [function([Value(x) for x in numbers]).data])


def test_a_weighted_number_divided_by_zero_stays_infinite() -> None:
    """A trace never divides by 0, but a program may."""
    builder = Builder([2], 1)
    product = builder.application(builder.opcode(primitives.mul), [2, 0])
    quotient = builder.application(builder.opcode(primitives.div), [product, builder.constant(0.0)])
    total = builder.application(builder.opcode(primitives.sum_), [quotient, 0, 1])
    assert collect_sums(builder.program([total])).evaluate([[1.0, 2.0]], [3.0]) == [math.inf]
