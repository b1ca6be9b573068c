"""Equal nodes are merged; nodes that differ anywhere are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autograd.compiler.scalars.merge import merge_equal_nodes
from autograd.compiler.scalars.program import ScalarProgram


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x[0]; x[1]; 2.0*x[2]", "x[0]; x[1]; 3.0*x[2]"),
        ("x[0]; x[1]; x[2]", "x[0]; x[2]; x[1]"),
        ("0.1; x[0]; x[1]", "x[0]; x[1]; 0.1"),
        ("0.1; x[0]; x[1]", "0.2; x[0]; x[1]"),
        ("p0*x[0], p1*x[1]", "p0*x[1], p1*x[0]"),
        ("2.0*x[0], x[1]", "x[0], 2.0*x[1]"),
    ],
)
def test_sums_of_the_same_nodes_that_round_differently_stay_apart(
    parse: Callable[..., ScalarProgram], one: str, other: str
) -> None:
    program = parse(f"""
        a = sum({one})
        b = sum({other})
        return a, b
    """)
    assert merge_equal_nodes(program) is program


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x[0]; x[1]; 2.0*x[2]", "x[1]; x[0]; 2.0*x[2]"),
        ("x[0]*x[1], x[2]*x[3]", "x[3]*x[2], x[1]*x[0]"),
        ("0.1; x[0]; x[1]", "0.1; x[0]; x[1]"),
    ],
)
def test_sums_that_compute_the_same_in_another_order_are_merged(
    parse: Callable[..., ScalarProgram], assert_becomes: Callable[..., ScalarProgram], one: str, other: str
) -> None:
    program = parse(f"""
        a = sum({one})
        b = sum({other})
        return a, b
    """)
    expected = f"""
        a = sum({one})
        return a, a
    """
    assert_becomes(merge_equal_nodes, program, expected)
