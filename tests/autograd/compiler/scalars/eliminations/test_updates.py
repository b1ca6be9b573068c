"""Chains of updates: numbers to which a product is added at each step, as soon as its factors are there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from autograd.compiler.scalars.eliminations.updates import Chain, Updates, largest_block, products
from autograd.compiler.scalars.nodes import NOTHING
from autograd.compiler.scalars.program import ScalarProgram

Parse = Callable[..., ScalarProgram]

# The lines, and the chains: the initial node or number, the coefficient, the factors of each step, and the nodes
CHAINS: dict[str, tuple[list[str], list[tuple[Any, float, list[str], dict[int, str]]]]] = {
    "a difference": (["a = sum(x0; -p0*x1)"], [("x0", -1.0, ["p0 x1"], {1: "a"})]),
    "a product first": (["a = sum(p0*x1; x0)"], [("x0", 1.0, ["p0 x1"], {1: "a"})]),
    "two updates": (
        ["a = sum(x0; -p0*x1)", "b = sum(a; -p1*a)"],
        [("x0", -1.0, ["p0 x1", "p1 a"], {1: "a", 2: "b"})],
    ),
    "the second product first": (
        ["a = sum(x0; -p0*x1)", "b = sum(-p1*a; a)"],
        [("x0", -1.0, ["p0 x1", "p1 a"], {1: "a", 2: "b"})],
    ),
    "two updates at once": (
        ["a = sum(x0; -p0*x1)", "b = sum(x2; -p2*x3; -p1*a)"],
        [("x0", -1.0, ["p0 x1"], {1: "a"}), ("x2", -1.0, ["p2 x3", "p1 a"], {2: "b"})],
    ),
    "two updates after one": (
        ["a = sum(x0; -p0*x1)", "b = sum(a; -p1*a)", "c = sum(x2; -p0*x3)", "d = sum(c; -p2*a; -p3*b)"],
        [
            ("x0", -1.0, ["p0 x1", "p1 a"], {1: "a", 2: "b"}),
            ("x2", -1.0, ["p0 x3", "p2 a", "p3 b"], {1: "c", 3: "d"}),
        ],
    ),
    "products that are nodes": (
        ["m = sum(p0*x1)", "a = sum(x0; -m)"],
        [(NOTHING, 1.0, ["p0 x1"], {1: "m"}), ("x0", -1.0, ["p0 x1"], {1: "a"})],
    ),
    "a sum of products": (["a = sum(p0*x1)"], [(NOTHING, 1.0, ["p0 x1"], {1: "a"})]),
    "a sum in any order": (
        ["a = sum(p0*x1)", "b = sum(p1*a, p2*x3)"],
        [(NOTHING, 1.0, ["p0 x1"], {1: "a"}), (NOTHING, 1.0, ["p2 x3", "p1 a"], {2: "b"})],
    ),
    "a number and a product": (["a = sum(0.5; p0*x1)"], [(0.5, 1.0, ["p0 x1"], {1: "a"})]),
    "a product and a number": (["a = sum(p0*x1; 0.5)"], [(0.5, 1.0, ["p0 x1"], {1: "a"})]),
    "a number and two products": (
        ["a = sum(p0*x1)", "b = sum(0.5; p2*x3; p1*a)"],
        [(NOTHING, 1.0, ["p0 x1"], {1: "a"}), (0.5, 1.0, ["p2 x3", "p1 a"], {2: "b"})],
    ),
    "a number and two products in another order": (
        ["a = sum(p0*x1)", "b = sum(0.5; p1*a; p2*x3)"],
        [(NOTHING, 1.0, ["p0 x1"], {1: "a"})],
    ),
    "a number last": (["a = sum(p0*x1)", "b = sum(p2*x3; p1*a; 0.5)"], [(NOTHING, 1.0, ["p0 x1"], {1: "a"})]),
    "two products at the first step": (["a = sum(x0; -p0*x1; -p1*x2)"], []),
    "no product at the first step": (
        ["a = sum(x0; -p0*x1)", "b = sum(x2; -p1*a)"],
        [("x0", -1.0, ["p0 x1"], {1: "a"})],
    ),
    "another coefficient": (
        ["a = sum(x0; -p0*x1)", "b = sum(a; p1*a)"],
        [("x0", -1.0, ["p0 x1"], {1: "a"})],
    ),
    "a continued sum of products": (
        ["a = sum(p0*x1)", "b = sum(p1*a, p2*x3)", "c = sum(b; p3*b)"],
        [(NOTHING, 1.0, ["p0 x1"], {1: "a"}), (NOTHING, 1.0, ["p2 x3", "p1 a"], {2: "b"})],
    ),
    "two that continue one": (
        ["a = sum(x0; -p0*x1)", "b = sum(a; -p1*a)", "c = sum(a; -p2*a)"],
        [("x0", -1.0, ["p0 x1", "p1 a"], {1: "a", 2: "b"})],
    ),
    "a multiple of the first": (["a = sum(2.0*x0; -p0*x1)"], []),
    "one slot": (["a = sum(x0, -p0*x1)"], []),
    "a node and a number": (["a = sum(x0; -p0*x1; 0.5)"], []),
    "a multiple": (["a = 2.0 * sum(x0; -p0*x1)"], []),
    "a quotient": (["a = sum(x0; -p0*x1) / 3.0"], []),
    "nodes alone": (["a = sum(x0; x1)"], []),
    "a later node": (["a = sum(p0*x1; p1*x2; x0)"], []),
    "coefficients that differ": (
        ["a = sum(x0; -p0*x1)", "b = sum(x2; -p2*x3; p1*a)"],
        [("x0", -1.0, ["p0 x1"], {1: "a"})],
    ),
    "multiples of products": (["m = sum(2.0*p0*x1)", "a = sum(x0; m)"], [(NOTHING, 2.0, ["p0 x1"], {1: "m"})]),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_are_found(name: str, parse: Parse) -> None:
    lines, expected = CHAINS[name]
    names = [line.split(" = ")[0] for line in lines]
    listing = [re.sub(r"x(\d)", r"x[\1]", line) for line in lines]
    program = parse("\n".join([*listing, f"return {', '.join(names)}"]))
    node = {f"x{k}": k for k in range(8)} | {f"p{k}": 8 + k for k in range(8)} | dict(zip(names, program.operations))
    updates = Updates(program)
    chains = []
    for initial, coefficient, factors, nodes in expected:
        pairs = [(node[pair.split()[0]], node[pair.split()[1]]) for pair in factors]
        is_node = isinstance(initial, str)
        number = NOTHING if is_node else initial
        by_steps = {steps: node[of] for steps, of in nodes.items()}
        chains.append(Chain(node[initial] if is_node else -1, number, coefficient, pairs, by_steps))
    assert updates.chains == chains
    at = {i: (n, steps) for n, chain in enumerate(chains) for steps, i in chain.nodes.items()}
    assert updates.at == at
    for i, (_, steps) in at.items():
        assert updates.ready[i] == steps
    assert not any(updates.ready[:16])


def test_a_node_is_ready_when_its_operands_are(parse: Parse) -> None:
    lines = ["a = sum(x[0]; -p0*x[1])", "b = sum(a; -p1*a)"]
    lines += ["c = mul(b, x[0])", "d = mul(a, x[0])", "e = mul(x[1], x[0])"]
    program = parse("\n".join([*lines, "return c, d, e"]))
    assert [Updates(program).ready[i] for i in program.operations] == [1, 2, 2, 1, 0]


@pytest.mark.parametrize(
    ("total", "in_any_order", "in_order"),
    [
        ("p0*x[1]", True, True),
        ("p0*x[1], p1*x[2]", True, False),
        ("p0*x[1]; p1*x[2]", True, True),
        ("p0*x[1]; p1*x[2]; p2*x[3]", False, True),
        ("p0*x[1], p1*x[2]; p2*x[3]", False, False),
        ("p0*x[1], -p1*x[2]", False, False),
        ("p0*x[1], x[2]", False, False),
    ],
)
def test_sums_of_products_alone(total: str, in_any_order: bool, in_order: bool, parse: Parse) -> None:
    """Two products may be added in either order."""
    program = parse(f"a = sum({total})\nreturn a")
    found = program.sum_of(program.operations[0])
    assert (products(program, found) is not None) == in_any_order
    assert (products(program, found, ordered=True) is not None) == in_order


def test_the_largest_block_has_the_most_updates() -> None:
    def chain(steps: int, coefficient: float, initial: int = 3) -> Chain:
        return Chain(initial, NOTHING, coefficient, [(0, 1)] * steps, {})

    assert largest_block([]) == []
    assert largest_block([chain(2, -1.0), chain(3, 1.0), chain(2, -1.0)]) == [0, 2]
    assert largest_block([chain(2, -1.0), chain(5, 1.0), chain(2, -1.0)]) == [1]
    assert largest_block([chain(2, -1.0), chain(3, -1.0, initial=-1), chain(2, -1.0, initial=-1)]) == [1, 2]
    assert largest_block([chain(2, -1.0), Chain(-1, 0.5, -1.0, [(0, 1)], {}), chain(2, -1.0, initial=-1)]) == [0, 1]
