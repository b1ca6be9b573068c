"""Sums that lack terms read zeros instead, in the places where similar sums read terms."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sums.empty_rows import complete_empty_rows, zeros_in_place

Parse = Callable[..., ScalarProgram]
Becomes = Callable[..., ScalarProgram]

MESSAGES = "\n".join(f"m{k} = tanh(x[{k}])" for k in range(4))


def test_a_node_without_neighbours_reads_zeros_in_place_of_messages(parse: Parse, assert_becomes: Becomes) -> None:
    """The zeros are as deep as the messages of the nearest sum before or after it."""
    program = f"""{MESSAGES}
        n2 = exp(m2)
        n3 = exp(m3)
        z0 = sum(x[1]*p0; p3)
        z1 = sum(p0*x[0], p1*m0, 2.0*p2*m1; p3)
        z2 = sum(x[2]*p0, p3)
        spacer = sin(x[0])
        z3 = sum(p0*x[4], n2*p1, p2*n3; p3)
        z4 = sum(p0*x[4], m2*p1, p2*m3; p3)
        spacer_ = sin(x[1])
        z5 = sum(x[3]*p0, p3)
        z6 = sum(p0*x[7], p1*n2, p2*n3; p3)
        z7 = sum(x[5]*p0; p3)
        return z0, z1, z2, z3, z4, z5, z6, z7, spacer, spacer_
    """
    expected = f"""{MESSAGES}
        n2 = exp(m2)
        n3 = exp(m3)
        zero0 = where(0.0, m0, 0.0)
        zero1 = where(0.0, m1, 0.0)
        z0 = sum(x[1]*p0, p1*zero0, 2.0*p2*zero1; p3)
        z1 = sum(p0*x[0], p1*m0, 2.0*p2*m1; p3)
        z2 = sum(x[2]*p0, p1*zero0, 2.0*p2*zero1; p3)
        spacer = sin(x[0])
        z3 = sum(p0*x[4], n2*p1, p2*n3; p3)
        z4 = sum(p0*x[4], m2*p1, p2*m3; p3)
        spacer_ = sin(x[1])
        zero2 = where(0.0, n2, 0.0)
        zero3 = where(0.0, n3, 0.0)
        z5 = sum(x[3]*p0, p1*zero2, p2*zero3; p3)
        z6 = sum(p0*x[7], p1*n2, p2*n3; p3)
        z7 = sum(x[5]*p0, p1*zero2, p2*zero3; p3)
        return z0, z1, z2, z3, z4, z5, z6, z7, spacer, spacer_
    """
    assert_becomes(complete_empty_rows, parse(program), expected)


def test_what_zeros_stand_for_is_computed_before(parse: Parse, assert_becomes: Becomes) -> None:
    program = """
        z0 = sum(p0*x[0], p2)
        m1 = tanh(x[1])
        n1 = sin(m1)
        z1 = sum(p0*x[1], p1*m1, p4*n1, p2)
        m2 = tanh(x[2])
        z2 = sum(p0*x[2], p1*m2, p4*m2, p2)
        h0 = exp(z0)
        return z0, h0, z1, z2
    """
    expected = """
        m1 = tanh(x[1])
        n1 = sin(m1)
        zero1 = where(0.0, m1, 0.0)
        zero2 = where(0.0, n1, 0.0)
        z0 = sum(p0*x[0], p1*zero1, p4*zero2, p2)
        z1 = sum(p0*x[1], p1*m1, p4*n1, p2)
        m2 = tanh(x[2])
        z2 = sum(p0*x[2], p1*m2, p4*m2, p2)
        h0 = exp(z0)
        return z0, h0, z1, z2
    """
    assert_becomes(complete_empty_rows, parse(program), expected)


@pytest.mark.parametrize(
    ("complete", "lacking", "completed"),
    [
        # the first weight is the same, or the last
        ("sum(p0*x[4], p1*{0}, p3*x[5], p2*{0})", "sum(p0*x[6], p3*x[7])", "sum(p0*x[6], p1*{0}, p3*x[7], p2*{0})"),
        ("sum(p1*{0}, p0*x[4], p4*{0}, p3*x[5]; {0})", "sum(p0*x[6], p3*x[7])",
         "sum(p1*{0}, p0*x[6], p4*{0}, p3*x[7]; {0})"),
        # three terms of one slot, or of several in the same order, or two in any order
        ("sum(p0*x[4], p1*{}, p2*x[5]; p3)", "sum(p0*x[6], p2*x[7]; p3)", "sum(p0*x[6], p1*{}, p2*x[7]; p3)"),
        ("sum(p0*x[4]; p1*{}; p2*x[5]; p3)", "sum(p0*x[6], p2*x[7], p3)", "sum(p0*x[6]; p1*{}; p2*x[7]; p3)"),
        ("sum(p0*x[4], p1*{}, p2)", "sum(p0*x[6]; p2)", "sum(p0*x[6], p1*{}, p2)"),
        ("2.0 * sum(p0*x[4], p1*{}; 0.5)", "2.0 * sum(p0*x[6], p0; 0.5)", None),
        ("2.0 * sum(p0*x[4], p1*{}, p2; 0.5)", "2.0 * sum(p0*x[6], p2; 0.5)", "2.0 * sum(p0*x[6], p1*{}, p2; 0.5)"),
    ],
)  # fmt: skip
def test_terms_that_are_lacking_take_their_places(
    complete: str, lacking: str, completed: str | None, parse: Parse, assert_becomes: Becomes
) -> None:
    program = f"""{MESSAGES}
        z1 = {complete.format("m0")}
        z2 = {complete.format("m1")}
        z0 = {lacking}
        return z1, z2, z0
    """
    with_zeros = f"zero = where(0.0, m0, 0.0)\nz0 = {completed.format('zero')}" if completed else f"z0 = {lacking}"
    assert_becomes(complete_empty_rows, parse(program), program.replace(f"z0 = {lacking}", with_zeros))


def test_a_zero_stands_for_all_messages_that_are_added_up(parse: Parse, assert_becomes: Becomes) -> None:
    program = f"""{MESSAGES}
        z1 = sum(p0*x[0], p1*x[1]; m0, m1)
        z2 = sum(p0*x[2], p1*x[3]; m2)
        z0 = sum(p0*x[4], p1*x[5])
        return z1, z2, z0
    """
    expected = f"""{MESSAGES}
        z1 = sum(p0*x[0], p1*x[1]; m0, m1)
        z2 = sum(p0*x[2], p1*x[3]; m2)
        zero = where(0.0, m0, 0.0)
        z0 = sum(p0*x[4], p1*x[5]; zero)
        return z1, z2, z0
    """
    assert_becomes(complete_empty_rows, parse(program), expected)


@pytest.mark.parametrize(
    ("sums", "alone", "completed"),
    [
        ("sum({0}, {1})", "sum(m2; 0.0)", "sum(m2, zero)"),
        ("sum({1}, {0})", "sum(0.0; m2)", "sum(zero, m2)"),
        ("sum({0}, {1}; 0.5)", "sum(m2; 0.5)", None),  # no sum of nothing is added
        ("2.0 * sum({0}, {1})", "2.0 * sum(m2)", None),
        ("sum({0}, {1})", "sum(m2, m3; 0.0)", None),
        ("sum({0}, {1})", "sum(m2; 0.5)", None),
    ],
)
def test_a_node_to_which_zero_is_added_is_added_to_no_message(
    sums: str, alone: str, completed: str | None, parse: Parse, assert_becomes: Becomes
) -> None:
    """The sum over no neighbours is the number 0."""
    program = f"""{MESSAGES}
        s2 = sin(m2)
        s3 = sin(m3)
        c1 = {sums.format("m0", "s2")}
        c2 = {sums.format("m1", "s3")}
        c0 = {alone}
        other = sum(m3; 0.0)
        z1 = sum(p0*c1, p1*x[0])
        z2 = sum(c2*p0, p1*x[1])
        z0 = sum(p0*c0, p1*x[2])
        y = sum(p2*other, p3*x[2])
        y1 = sum(x[5]*other)
        y2 = sum(x[5]*c1)
        return z1, z2, z0, y, y1, y2
    """
    with_zero = f"zero = where(0.0, s2, 0.0)\nc0 = {completed}" if completed else f"c0 = {alone}"
    assert_becomes(complete_empty_rows, parse(program), program.replace(f"c0 = {alone}", with_zero))


def test_layers_are_completed_one_after_the_other(parse: Parse, assert_becomes: Becomes) -> None:
    """The second layer's message of a node without neighbours is as deep as the others once the first is complete."""
    program = f"""{MESSAGES}
        z0 = sum(p0*x[4], p2)
        z1 = sum(p0*x[5], p1*m1, p2)
        z2 = sum(p0*x[6], p1*m2, p2)
        h0 = tanh(z0)
        h1 = tanh(z1)
        h2 = tanh(z2)
        n0 = exp(h0)
        y0 = sum(p3*h0, p5)
        y1 = sum(p3*h1, p4*n0, p5)
        y2 = sum(p3*h2, p4*n0, p5)
        return y0, y1, y2
    """
    expected = program.replace("z0 = sum(p0*x[4], p2)", "zero = where(0.0, m1, 0.0)\nz0 = sum(p0*x[4], p1*zero, p2)")
    expected = expected.replace("y0 = sum(p3*h0, p5)", "zero_ = where(0.0, n0, 0.0)\ny0 = sum(p3*h0, p4*zero_, p5)")
    assert_becomes(complete_empty_rows, parse(program), expected)


@pytest.mark.parametrize(
    ("complete", "lacking"),
    [
        ("sum(p0*x[4], p1*{}, p2)", "sum(p3*x[5], p4)"),  # of another layer
        ("sum(p0*x[4], p1*{}, p2)", "sum(p0*x[5], p4)"),  # with another bias
        ("sum(p0*x[4], p1*{}, p2)", "2.0 * sum(p0*x[5], p2)"),  # scaled
        ("sum(p0*x[4], p1*{}, p2)", "sum(p0*x[5], p0*x[6], p2)"),  # a weight multiplies two numbers
        ("sum(p0*x[4], p1*{}, p2)", "sum(p0*x[5])"),
        ("sum(p0*x[4], p1*{})", "sum(p0*x[5])"),  # a product alone
        ("sum(p0*x[4], p1*{})", "sum(p0*x[5], p4)"),
        ("sum(p0*x[4], p1*{0}, p3*{0}, p2)", "sum(p0*x[5], p0*x[6], p2)"),
        ("sum(0.5; p0*x[4], p1*{}, p2)", "sum(p0*x[5], p2; 0.5)"),
        ("sum(p0*x[4], p1*{}, p2)", "sum(0.5; p0*x[5], p2)"),
        ("sum(p0*x[4], p1*{}; x[5])", "sum(p0*x[5]; x[6])"),  # another node is added
        ("sum(p0*x[4], p1*{}, p2*x[5], p3)", "sum(p0*x[6]; p2*x[7]; p3)"),  # in another order
        ("sum(p0*x[4]; p1*{}; p2*x[5]; p3)", "sum(p0*x[6]; p3; p2*x[7])"),
        ("sum(p0*x[4], p1*{}, p2)", "sum(p0*m0, p2)"),  # the message is a number of its own
        ("sum(p0*x[4], p1*{}, p2)", "sum(p0*x[5]; p2) / 3.0"),
        ("sum(p0*x[4], p1*x[5], p2)", "sum(p0*x[5], p2)"),  # what it lacks is no deeper than what it has
        ("sum(p0*x[4], p1*{}, p2; x[6])", "sum(p0*x[5], p2)"),
        ("sum(p0*{0}, p1*{0}, p2)", "sum(p0*x[5], p2)"),
        ("sum(p0*x[4], p1*{}, p2, x[6])", "sum(p0*x[5], p2, x[7], x[6])"),
        ("sum(p0*x[4], p1*p3, p2)", "sum(p0*x[5], p2)"),
    ],
)
def test_sums_that_differ_in_more_than_messages_stay(complete: str, lacking: str, parse: Parse) -> None:
    program = parse(f"""{MESSAGES}
        z1 = {complete.format("m0")}
        z2 = {complete.format("m1")}
        z0 = {lacking}
        return z1, z2, z0
    """)
    assert complete_empty_rows(program) is program


def test_sums_stay_beside_a_single_longer_one(parse: Parse) -> None:
    program = parse(f"{MESSAGES}\nz1 = sum(p0*x[4], p1*m1, p2)\nz0 = sum(p0*x[5], p2)\nreturn z1, z0")
    assert complete_empty_rows(program) is program


def test_many_short_sums_stay_beside_a_few_much_longer_ones(parse: Parse) -> None:
    """Two of nine terms and ten of two: all of nine would be 108 instead of 38."""
    long = [f"z{k} = sum(p0*x[4], {', '.join(f'p{n}*m{k}' for n in range(1, 8))}, p8)" for k in (0, 1)]
    short = [f"y{k} = sum(p0*x[{k}], p8)" for k in range(10)]
    outputs = "return z0, z1, " + ", ".join(f"y{k}" for k in range(10))
    messages = "m0 = tanh(x[0])\nm1 = tanh(x[1])"
    program = parse("\n".join([messages, *long, *short, outputs]), arguments=10, parameters=9)
    assert complete_empty_rows(program) is program


def test_a_function_is_no_sum_that_lacks_terms(parse: Parse) -> None:
    """Its operands are in a column of their own, in which they may have the places of terms."""
    program = parse(f"""{MESSAGES}
        z1 = sum(p0*x[4], p1*m0, p2)
        most = max_(x[0], x[1])
        p = sum(p0*x[5])
        q = sum(p2*x[6])
        z2 = sum(p0*x[4], p1*m1, p2)
        return z1, z2, p, q, most
    """)
    assert complete_empty_rows(program) is program


def test_no_sum_reads_what_depends_on_it(parse: Parse) -> None:
    program = parse("""
        z0 = sum(p0*x[0], p2)
        m1 = tanh(z0)
        z1 = sum(p0*x[1], p1*m1, p2)
        m2 = tanh(z1)
        z2 = sum(p0*x[2], p1*m2, p2)
        return z1, z2
    """)
    assert complete_empty_rows(program) is program


def test_zeros_in_place_are_choices_of_zero_by_zero(parse: Parse) -> None:
    program = parse("""
        zero = 0.0
        m = tanh(x[0])
        a = where(0.0, m, 0.0)
        b = where(1.0, m, 0.0)
        c = where(0.0, m, 1.0)
        d = where(0.0, x[1], 0.0)
        e = where(0.0, zero, 0.0)
        f = where(x[0], m, 0.0)
        g = where(0.0, m, x[0])
        h = max_(x[0], m, x[0])
        return a, b, c, d, e, f, g, h
    """)
    assert zeros_in_place(program) == {program.outputs[0]: program.operands_of(program.outputs[0])[1]}
    assert zeros_in_place(parse("m = tanh(x[0])\nreturn m")) == {}
