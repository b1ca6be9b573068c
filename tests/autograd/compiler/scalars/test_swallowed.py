"""Nodes whose nan may not reach the result, since a reader of them can still be a number."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from autograd import primitives
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.nodes import ABSENT, Sum
from autograd.compiler.scalars.swallowed import swallowed
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.primitives import Primitive

READERS: list[tuple[Primitive, Sequence[int], set[int]]] = [  # of nodes 3 to 5, and those whose nan they hide
    (COMPARISONS[">"], (3, 4), {3, 4}),
    (primitives.where, (3, 4, 5), {3}),
    (primitives.entry_at, (3, 4, 5), {5}),
    (primitives.maximum, (3, 4), set()),
    (primitives.mul, (3, 4), set()),
]


@pytest.mark.parametrize(("reader", "operands", "hidden"), READERS)
def test_what_a_condition_depends_on(reader: Primitive, operands: Sequence[int], hidden: set[int]) -> None:
    """With all nodes that these depend on: node 3 + k is the exponential of number k."""
    builder = Builder([3], 0)
    for k in range(3):
        builder.application(builder.opcode(primitives.exp), [k])
    read = builder.application(builder.opcode(reader), operands)
    root = builder.sum(Sum([1.0, 2.0], [read, 4], [ABSENT, 5], [0, 1]))
    assert swallowed(builder.program([root])) == hidden | {k - 3 for k in hidden}
