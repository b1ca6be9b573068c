"""Passes that split parts off sums, as separate nodes: the program computes the same, bit by bit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autograd.compiler.scalars.first_weights import first_weights, share_weights
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sums.increments import split_increments
from autograd.compiler.scalars.sums.long_rows import split_long_rows
from autograd.compiler.scalars.sums.projections import split_projections

Parse = Callable[..., ScalarProgram]
Becomes = Callable[..., ScalarProgram]


def test_products_that_a_running_sum_adds_are_nodes(parse: Parse, assert_becomes: Becomes) -> None:
    program = parse("""
        a = sum(0.0; p0*x[0], x[1])
        b = sum(a; 2.0*x[2])
        c = sum(b; p1*x[3])
        d = sum(c, x[4])
        e = sum(p2*x[5], 3.0*x[6])
        return a, b, c, d, e
    """)
    expected = """
        product = sum(p0*x[0])
        a = sum(0.0; product, x[1])
        double = sum(2.0*x[2])
        b = sum(a; double)
        other = sum(p1*x[3])
        c = sum(b; other)
        d = sum(c, x[4])
        e = sum(p2*x[5], 3.0*x[6])
        return a, b, c, d, e
    """
    assert_becomes(split_increments, program, expected)


def test_three_partial_sums_are_no_running_sum(parse: Parse) -> None:
    program = parse("""
        a = sum(p0*x[0])
        b = sum(a; p1*x[1])
        c = sum(b; p2*x[2])
        return a, b, c
    """)
    assert split_increments(program) is program


NODES = [f"t{n} = tanh(x[{n}])" for n in range(8)]


def test_the_rows_of_sums_are_nodes_if_few_are_much_longer_than_most(parse: Parse, assert_becomes: Becomes) -> None:
    """Nine rows of one node and one of six: padded, they would be sixty elements instead of fifteen."""
    others = ["like = sum(p2*x[0]; t1)", "like_too = sum(p2*x[1]; t2, t3)", "tanh_of = tanh(long)"]
    program = [
        *NODES,
        *(f"s{n} = sum(p0*x[0], p1*x[1]; t{n})" for n in range(8)),
        "last = sum(x[0]*p0; t6)",
        "long = 2.0 * sum(0.5*p0*x[0], x[1]*p1; t2, t3, -3.0*t4, t5, t6, t7) / 3.0",
        *others,
        "return long, last, s0, s1, s2, s3, s4, s5, s6, s7, like, like_too, tanh_of",
    ]
    rows = [(f"row{n} = sum(t{n})", f"s{n} = sum(p0*x[0], p1*x[1]; row{n})") for n in range(8)]
    expected = [
        *NODES,
        *(line for pair in rows for line in pair),
        "row8 = sum(t6)",
        "last = sum(x[0]*p0; row8)",
        "row9 = sum(t2, t3, -3.0*t4, t5, t6, t7)",
        "long = 2.0 * sum(0.5*p0*x[0], x[1]*p1; row9) / 3.0",
        *others,
        program[-1],
    ]
    assert_becomes(split_long_rows, parse("\n".join(program)), "\n".join(expected))


def test_rows_stay_if_most_are_as_long(parse: Parse) -> None:
    """Padded to the longest, two rows of one node and two of four are sixteen elements: less than two and a half times
    ten. One row of one node and one of four, and three of one, would be twenty, exactly two and a half times eight."""
    for lengths in ([1, 1, 4, 4], [1, 4, 1, 1, 1]):
        sums = [f"s{n} = sum(p0*x[0]; {', '.join(f't{k}' for k in range(m))})" for n, m in enumerate(lengths)]
        outputs = ", ".join(f"s{n}" for n in range(len(lengths)))
        program = parse("\n".join([*NODES, *sums, f"return {outputs}"]))
        assert split_long_rows(program) is program


@pytest.mark.parametrize(
    "long",
    [
        "sum(t0, p0*x[1]; t1, t2, t3, t4, t5, t6)",  # the first term is not a product
        "sum(p0, x[1]*x[1]; t1, t2, t3, t4, t5, t6)",
        "sum(2.0*x[0]; t1, t2, t3, t4, t5, t6)",
        "sum(x[1]*x[0]; t1, t2, t3, t4, t5, t6)",  # the first term has no weight
        "sum(t1*t0; t1, t2, t3, t4, t5, t6)",
        "sum(p0*x[0]; t1, t2, t3, t4, t5, p7)",  # a leaf is in the row
        "sum(p0*x[0]; t1, t2, t3, t4, t5, x[0])",
        "sum(p0*x[0]; t1, t2, t3, t4, t5, t1*t6)",  # a product is in the row
        "sum(p0*x[0], t1, t2, t3, t4, t5, t6)",  # there is no second slot
        "sum(p1*x[0]; t1, t2, t3, t4, t5, t6)",  # the weights differ
        "tanh(x[0])",
    ],
)
def test_only_rows_of_nodes_after_products_are_nodes(long: str, parse: Parse) -> None:
    short = [f"s{n} = sum(p0*x[0]; t{n})" for n in range(8)]
    program = parse("\n".join([*NODES, *short, f"long = {long}", "return long, s0, s1, s2, s3, s4, s5, s6, s7"]))
    assert split_long_rows(program) is program


def test_a_function_has_no_row(parse: Parse) -> None:
    """Its operands are in a separate column, where they may have the same indices as a long row among the terms."""
    short = [f"s{n} = sum(p0*x[0]; t{n})" for n in range(8)]
    program = parse("\n".join([
        *NODES,
        "before = sum(x[0], x[1], x[2], x[3], x[4], x[5], x[6])",
        "not_a_row = sum(x[0]; p0*x[1]; t1, t2, t3, t4, t5, t6)",
        "largest = max_(t0, t1, t2, t3, t4, t5, t6)",
        *short,
        "return before, not_a_row, largest, s0, s1, s2, s3, s4, s5, s6, s7",
    ]))  # fmt: skip
    assert program.starts[program.outputs[2]] == program.starts[program.outputs[1]] + 1
    assert split_long_rows(program) is program


# Projections


def test_the_projections_of_inputs_are_nodes_if_deeper_sums_read_them(parse: Parse, assert_becomes: Becomes) -> None:
    """In two steps of a recurrence, the first state is 0, so the first sum has no other products."""
    program = parse("""
        data = 0.7
        z1 = sum(p2, p0*x[0], x[1]*p1)
        h1 = tanh(z1)
        z2 = 0.5 * sum(3.0; h1*p3; p0*data, x[4], -2.0*p1*x[3], p3*p4; p2, p7*x[7]) / 3.0
        h2 = tanh(z2)
        other = sum(p5*x[0], p6*h2)
        alike = sum(p0*x[4], p1*x[5])
        return h2, z1, other, alike
    """)
    expected = """
        data = 0.7
        projection1 = sum(p0*x[0], x[1]*p1)
        z1 = sum(p2, projection1)
        h1 = tanh(z1)
        projection2 = sum(p0*data, -2.0*p1*x[3])
        z2 = 0.5 * sum(3.0; h1*p3; x[4], projection2, p3*p4; p2, p7*x[7]) / 3.0
        h2 = tanh(z2)
        other = sum(p5*x[0], p6*h2)
        alike = sum(p0*x[4], p1*x[5])
        return h2, z1, other, alike
    """
    assert_becomes(split_projections, program, expected)


def test_a_projection_may_be_one_product(parse: Parse, assert_becomes: Becomes) -> None:
    program = parse("""
        h = tanh(x[0])
        z = sum(p1*h, p0*x[1])
        first = sum(x[2]*p0, p2)
        return z, first
    """)
    expected = """
        h = tanh(x[0])
        projection = sum(p0*x[1])
        z = sum(p1*h, projection)
        other = sum(x[2]*p0)
        first = sum(other, p2)
        return z, first
    """
    assert_becomes(split_projections, program, expected)


@pytest.mark.parametrize(
    "sums",
    [
        ["sum(p0*x[0], p1*t0)", "sum(p2*x[1], p1*t1)"],  # each weight multiplies one input only
        ["sum(p0*x[0], p2)", "sum(p0*x[1], p2)", "sum(p3*x[2], p1*t1)"],  # inputs are at the same depth already
        ["sum(p0*x[0], t0)", "sum(p0*x[1], t1)", "sum(p1*p1, p0*x[3])"],  # nothing but inputs is multiplied
        ["sum(x[0]*x[1], p0, t0)", "sum(2.0*t0, p0, t1)"],  # no weight multiplies an input
    ],
)
def test_sums_of_inputs_that_are_no_part_of_a_recurrence_stay(sums: list[str], parse: Parse) -> None:
    listing = [f"s{n} = {total}" for n, total in enumerate(sums)]
    outputs = ", ".join(f"s{n}" for n in range(len(sums)))
    program = parse("\n".join([*NODES, *listing, f"return {outputs}"]))
    assert split_projections(program) is program


# First weights


def test_the_first_weight_of_a_node_is_that_of_products_with_it_or_of_what_they_are_made_of(parse: Parse) -> None:
    """The first of several weights is the smallest. A node that is added to products shares their weights."""
    program = parse("""
        a = tanh(x[0])
        b = sum(2.0*a, x[1])
        c = exp(b)
        d = sum(p3*c, p1, x[2]*x[3])
        e = mul(d, x[4])
        f = sum(x[5]*p2, e, p6*d, p7*x[6])
        g = sum(p5*x[5], x[6]*p4)
        return f, g, p0
    """)
    a, b, c, d, e, *_ = program.interior
    weights = {a: 3, b: 3, c: 3, d: 6, e: 2, 0: 3, 1: 3, 2: 1, 3: 1, 5: 2, 6: 4}  # nothing multiplies x[4]
    assert first_weights(program) == {i: program.parameters[n] for i, n in weights.items()}


def test_sets_share_weights_if_one_weight_multiplies_nodes_of_each() -> None:
    first = {1: 7, 2: 8, 3: 7, 4: 8, 5: 9}
    assert share_weights(first, [[1, 2], [3], [5, 3, 6]])
    assert not share_weights(first, [[1, 2], [3], [4]])
    assert not share_weights(first, [[1], [6]])
