"""A node plus products becomes a node plus a sum of products, which elimination can accumulate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from autograd.compiler.scalars.eliminations.accumulators import with_accumulators
from autograd.compiler.scalars.program import ScalarProgram

SEPARATED = "a = sum(p0*x[1], p1*x[2])\nv = sum(a; x[0])"
SUBTRACTED = "a = sum(-p0*x[1], -p1*x[2])\nv = sum(a; x[0])"

# Sums with the last of them named v, and what they become
SUMS = {
    "v = sum(x[0]; p0*x[1], p1*x[2])": SEPARATED,
    "v = sum(p0*x[1], p1*x[2]; x[0])": SEPARATED,
    "v = sum(x[0]; -p0*x[1], -p1*x[2])": SUBTRACTED,
    "v = sum(p0*x[1], x[0], p1*x[2])": SEPARATED,
    "v = sum(x[0]; p0*x[1])": "a = sum(p0*x[1])\nv = sum(a; x[0])",
    "v = sum(2.0*p0*x[1]; x[0])": "a = sum(2.0*p0*x[1])\nv = sum(a; x[0])",
    "s = sum(p0*x[1], p1*x[2])\nv = sum(x[0]; s)": SEPARATED,
    "s = sum(p0*x[1], p1*x[2])\nv = sum(s; x[0])": SEPARATED,
    "s = sum(p0*x[1], p1*x[2])\nv = sum(x[0]; -s)": SUBTRACTED,
    "s = sum(-p0*x[1], -p1*x[2])\nv = sum(x[0]; -s)": SEPARATED,
    "s = sum(p0*x[1], p1*x[2])\nv = sum(-s; x[0])": SUBTRACTED,
}

UNCHANGED = [
    "v = sum(x[0]; p0*x[1], -p1*x[2])",
    "v = sum(-x[0]; p0*x[1], p1*x[2])",
    "v = sum(2.0*x[0]; p0*x[1], p1*x[2])",
    "v = sum(x[0], p0*x[1]; p1*x[2])",
    "v = sum(x[0]; p0*x[1]; p1*x[2])",
    "v = sum(x[0]; p0*x[1], p1*x[2]; 0.5)",
    "v = 2.0 * sum(x[0]; p0*x[1], p1*x[2])",
    "v = sum(x[0]; p0*x[1], x[2])",
    "v = sum(x[0], x[1])",
    "v = sum(p0*x[1], p1*x[2])",
    "v = sum(x[0], x[3], p0*x[1])",
    "s = sum(p0*x[1], p1*x[2])\nv = sum(x[0]; 2.0*s)",
    "s = sum(p0*x[1], p1*x[2])\nv = sum(-x[0]; s)",
    "s = sum(p0*x[1], p1*x[2])\nw = sin(s)\nv = sum(s; w)",
    "s = sum(p0*x[1], p1*x[2]; 0.5)\nv = sum(x[0]; s)",
    "s = sin(x[1])\nv = sum(x[0]; s)",
]


@pytest.mark.parametrize("before", SUMS)
def test_products_are_separated_from_the_node(
    before: str, parse: Callable[..., ScalarProgram], assert_becomes: Any
) -> None:
    program = parse(f"{before}\nreturn v")
    after = SUMS[before]
    if "s = " in before:  # nothing reads it any longer
        result = with_accumulators(program).verify()
        assert [line.split(" = ")[1] for line in str(result).splitlines()[-3:-1]] == [
            line.split(" = ")[1].replace("a", line_name(result)) for line in after.splitlines()
        ]
        assert result.evaluate([NUMBERS], NUMBERS) == pytest.approx(program.evaluate([NUMBERS], NUMBERS), rel=1e-14)
    else:
        assert_becomes(with_accumulators, program, f"{after}\nreturn v")


NUMBERS = [0.1, -0.7, 1.3, 2.9, -0.3, 0.9, 1e-3, -5.7]


def line_name(program: ScalarProgram) -> str:
    """Return the name of the last sum but one."""
    return str(program).splitlines()[-3].split(" = ")[0].strip()


@pytest.mark.parametrize("listing", UNCHANGED)
def test_other_sums_stay(listing: str, parse: Callable[..., ScalarProgram]) -> None:
    program = parse(f"{listing}\nreturn v")
    assert with_accumulators(program) is program


REORDERED = {
    "v = sum(x[0]; p0*x[1]; p1*x[2])": SEPARATED,
    "v = sum(p0*x[1]; x[0]; p1*x[2])": SEPARATED,
    "v = sum(x[0]; -p0*x[1]; -p1*x[2])": SUBTRACTED,
    "v = sum(x[0]; p0*x[1])": "a = sum(p0*x[1])\nv = sum(a; x[0])",
    "v = sum(x[0]; p0*x[1], p1*x[2])": SEPARATED,
}


@pytest.mark.parametrize("before", REORDERED)
def test_a_chain_of_differences_is_reordered_on_request(before: str, parse: Callable[..., ScalarProgram]) -> None:
    program = parse(f"{before}\nreturn v")
    result = with_accumulators(program, reorder=True).verify()
    expected = parse(f"{REORDERED[before]}\nreturn v")
    assert str(result) == str(expected)


@pytest.mark.parametrize(
    "listing",
    [
        "v = sum(p0*x[1]; p1*x[2]; x[0])",
        "v = sum(x[0]; p0*x[1]; x[2])",
        "v = sum(x[0], p3*x[3]; p0*x[1]; p1*x[2])",
        "v = sum(x[0]; p0*x[1]; -p1*x[2])",
    ],
)
def test_other_chains_stay(listing: str, parse: Callable[..., ScalarProgram]) -> None:
    """The node must be one of the first two terms, as in b - l * x - m * y."""
    program = parse(f"{listing}\nreturn v")
    assert partial(with_accumulators, reorder=True)(program) is program
