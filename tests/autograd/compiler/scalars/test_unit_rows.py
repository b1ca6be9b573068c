"""Rows of one element become sums or maxima of one node if longer rows are used in the same way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autograd.compiler.scalars.columns import Guards
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sums.unit_rows import complete_unit_rows

Parse = Callable[..., ScalarProgram]
Becomes = Callable[..., ScalarProgram]

EXPONENTIALS = "\n".join(f"e{k} = exp(x[{k}])" for k in range(8))


def test_a_share_of_one_is_divided_by_a_sum_of_one(parse: Parse, assert_becomes: Becomes) -> None:
    """There are shares of one, two and three: an exponential divided by itself is divided by a sum, like the others.

    A divisor stays if it is read in other ways, too, or if only a share or only a sum is divided by it.
    """
    program = f"""{EXPONENTIALS}
        e8 = exp(p0)
        e9 = exp(p1)
        share0 = div(e0, e0)
        total1 = sum(e1, e2)
        share1 = div(e1, total1)
        share2 = div(e2, total1)
        total2 = sum(e3, e4, e5)
        share3 = div(e3, total2)
        no_share = div(e6, x[0])
        share7 = div(x[0], e7)
        part = div(total1, x[0])
        rest6 = tanh(e8)
        share6 = div(e8, e8)
        share8 = div(e9, e9)
        rest8 = tanh(e9)
        return share0, share1, share2, share3, no_share, share7, part, rest6, share6, share8, rest8
    """
    expected = program.replace("share0 = div(e0, e0)", "total0 = sum(e0)\nshare0 = div(e0, total0)")
    assert_becomes(complete_unit_rows, parse(program), expected)


def test_what_is_subtracted_from_itself_is_a_maximum_of_one(parse: Parse, assert_becomes: Becomes) -> None:
    program = f"""{EXPONENTIALS}
        rest0 = sum(e0; -e0)
        most1 = max_(e1, e2)
        rest1 = sum(e1; -most1)
        rest2 = sum(e2; -most1)
        most2 = max_(e3, e4, e5)
        rest3 = sum(e3; -most2)
        rest5 = sum(e5; 2.0*e6)
        return rest0, rest1, rest2, rest3, rest5
    """
    expected = program.replace("rest0 = sum(e0; -e0)", "most0 = max_(e0)\nrest0 = sum(e0; -most0)")
    assert_becomes(complete_unit_rows, parse(program), expected)


def test_what_only_functions_read_is_a_sum_of_one(parse: Parse, assert_becomes: Becomes) -> None:
    """If nothing else reads elements, everything that reads results reads sums."""
    program = f"""{EXPONENTIALS}
        total1 = sum(e1, e2)
        total2 = sum(e3, e4, e5, e7)
        a0 = tanh(e0)
        a1 = tanh(total1)
        a2 = tanh(total2)
        b0 = sum(e0*x[0])
        b1 = sum(total1*x[1])
        b2 = sum(total2*x[2])
        c0 = sum(x[2]*e0, x[1]*p3)
        c1 = sum(x[3]*total1)
        other = sin(e6)
        return a0, a1, a2, b0, b1, b2, c0, c1, other
    """
    expected = f"""{EXPONENTIALS}
        total1 = sum(e1, e2)
        total2 = sum(e3, e4, e5, e7)
        total0 = sum(e0)
        a0 = tanh(total0)
        a1 = tanh(total1)
        a2 = tanh(total2)
        b0 = sum(total0*x[0])
        b1 = sum(total1*x[1])
        b2 = sum(total2*x[2])
        c0 = sum(x[2]*total0, x[1]*p3)
        c1 = sum(x[3]*total1)
        other = sin(e6)
        return a0, a1, a2, b0, b1, b2, c0, c1, other
    """
    assert_becomes(complete_unit_rows, parse(program), expected)


@pytest.mark.parametrize(
    ("several", "one"),
    [
        ("sum(p0*x[0]; {})", "sum(p0*x[1]; {})"),  # beside equal weights
        ("sum(x[0]*p0, p1; {})", "sum(x[1]*p0, p1; {})"),
        ("sum(x[0]*p0, p1; 2.0*{})", "sum(x[1]*p0, p1; 2.0*{})"),
        ("sum(p0*{}, p1*x[0])", "sum(x[1]*p2, p0*{})"),  # multiplied by a weight
        ("sum({}*p0)", "sum({}*p0, x[3]*p1)"),
    ],
)
def test_what_a_weighted_sum_reads_is_a_sum_of_one(
    several: str, one: str, parse: Parse, assert_becomes: Becomes
) -> None:
    program = f"""{EXPONENTIALS}
        total1 = sum(e1, e2)
        total2 = sum(e3, e4, e5)
        z1 = {several.format("total1")}
        z2 = {several.format("total2")}
        spacer = sum(x[0], 7.0*x[1])
        z0 = {one.format("e0")}
        return z1, z2, z0, spacer
    """
    expected = program.replace(f"z0 = {one.format('e0')}", f"total0 = sum(e0)\nz0 = {one.format('total0')}")
    assert_becomes(complete_unit_rows, parse(program), expected)


def test_what_is_added_to_a_node_before_weights_multiply_both_is_a_sum_of_one(
    parse: Parse, assert_becomes: Becomes
) -> None:
    program = f"""{EXPONENTIALS}
        total1 = sum(e1, e2)
        total2 = sum(e3, e4, e5)
        t0 = tanh(x[0])
        t1 = tanh(x[1])
        t2 = tanh(x[2])
        pair1 = sum(t1, total1)
        pair2 = sum(t2, total2)
        pair0 = sum(t0, e0)
        z1 = sum(p0*pair1, p1*x[0])
        z2 = sum(pair2*p0)
        z0 = sum(p0*pair0)
        unweighted = sum(t0, e6)
        other = sum(pair1, x[0])
        no_pair = sum(t0*x[0], e6)
        z3 = sum(p0*no_pair)
        turned1 = sum(total1, t1)
        turned0 = sum(e7, t0)
        other_pair = sum(e6, t0*x[0])
        z4 = sum(p4*turned1)
        z5 = sum(p4*turned0)
        z6 = sum(p4*other_pair)
        return z1, z2, z0, unweighted, other, z3, z4, z5, z6
    """
    expected = program.replace("pair0 = sum(t0, e0)", "total0 = sum(e0)\npair0 = sum(t0, total0)")
    expected = expected.replace("turned0 = sum(e7, t0)", "total7 = sum(e7)\nturned0 = sum(total7, t0)")
    assert_becomes(complete_unit_rows, parse(program), expected)


def test_what_is_divided_by_one_is_a_mean_of_one(parse: Parse, assert_becomes: Becomes) -> None:
    program = f"""{EXPONENTIALS}
        one = 1.0
        two = 2.0
        mean2 = sum(e1, e2) / 2.0
        mean3 = sum(e3, e4, e5) / 3.0
        mean1 = div(e0, one)
        half = div(e6, two)
        other = div(x[0], one)
        by_node = div(e6, e7)
        product = mul(e7, one)
        return mean1, mean2, mean3, half, other, by_node, product
    """
    expected = program.replace("mean1 = div(e0, one)", "mean1 = sum(e0)")
    assert_becomes(complete_unit_rows, parse(program), expected)


def test_functions_of_means_read_means_of_one(parse: Parse, assert_becomes: Becomes) -> None:
    program = f"""{EXPONENTIALS}
        mean2 = sum(e1, e2) / 2.0
        mean3 = sum(e3, e4, e5) / 3.0
        a1 = tanh(e0)
        a2 = tanh(mean2)
        a3 = tanh(mean3)
        return a1, a2, a3
    """
    expected = program.replace("a1 = tanh(e0)", "mean1 = sum(e0)\na1 = tanh(mean1)")
    assert_becomes(complete_unit_rows, parse(program), expected)


@pytest.mark.parametrize(
    ("message", "is_sum_of_one"),
    [("sum(e0)", True), ("sum(2.0*e0)", False), ("sum(e0*x[7])", False), ("2.0 * sum(e0)", False)],
)
def test_a_sum_of_one_is_not_summed_again(
    message: str, is_sum_of_one: bool, parse: Parse, assert_becomes: Becomes
) -> None:
    program = f"""
        e0 = tanh(x[0])
        m1 = sum(p7*x[1], p6)
        m2 = sum(p7*x[2], p6)
        m3 = sum(p7*x[3], p6)
        m4 = sum(p7*x[4], p6)
        m5 = sum(p7*x[5], p6)
        total2 = sum(m1, m2)
        total3 = sum(m3, m4, m5)
        total1 = {message}
        z1 = sum(p0*x[0]; total1)
        z2 = sum(p0*x[1]; total2)
        z3 = sum(p0*x[2]; total3)
        return z1, z2, z3
    """
    summed = program.replace("z1 = sum(p0*x[0]; total1)", "unit = sum(total1)\nz1 = sum(p0*x[0]; unit)")
    assert_becomes(complete_unit_rows, parse(program), program if is_sum_of_one else summed)


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        ("sum(e1, e2)", "sum(e3, e4)"),  # all rows are as long
        ("sum(e1, e2, e3)", "sum(e4, e5, e6, e7)"),  # or none is of two
        ("sum(2.0*e1, e2)", "sum(2.0*e3, e4, e5)"),  # more than adding is done
        ("sum(e1, e2*e2)", "sum(e3, e4, e5*e5)"),
        ("2.0 * sum(e1, e2)", "2.0 * sum(e3, e4, e5)"),
        ("sum(0.5; e1, e2)", "sum(0.5; e3, e4, e5)"),
        ("sum(e1, e2) / 3.0", "sum(e3, e4, e5) / 4.0"),
        ("sum(e1, e2)", "sum(e3, e4, e5) / 3.0"),  # one is a mean
        ("sum(e1, e2)", "max_(e3, e4, e5)"),  # one is a maximum
        ("sum(e1)", "sum(e2, e3)"),
        ("sum(e1, e2)", "sum(e3; e4; e5)"),  # one is added in order
        ("sum(e1, x[1])", "sum(e3, e4, x[2])"),  # elements are of several kinds
        ("sum(e1, e2)", "sum(x[3], x[4], x[5])"),
        ("mul(e1, e2)", "sin(e3)"),
    ],
)
def test_functions_of_single_elements_stay_beside_others(
    shorter: str, longer: str, parse: Parse, assert_becomes: Becomes
) -> None:
    program = f"""{EXPONENTIALS}
        total1 = {shorter}
        total2 = {longer}
        a0 = tanh(e0)
        a1 = tanh(total1)
        a2 = tanh(total2)
        return a0, a1, a2
    """
    assert_becomes(complete_unit_rows, parse(program), program)


@pytest.mark.parametrize(
    ("several", "one"),
    [
        ("sum({}*p0)", "sum({}*p1)"),
        ("sum(p0*{})", "sum(p1*{})"),
        ("sum({}*x[0])", "sum(2.0*{})"),
        ("sum(2.0*{})", "sum(-{})"),
        ("sum(p0*x[0]; {})", "sum(p1*x[0]; {})"),
        ("tanh({})", "exp({})"),
        ("max_({}, x[0])", "max_(x[0], {})"),
    ],
)
def test_single_elements_that_are_read_in_another_way_stay(
    several: str, one: str, parse: Parse, assert_becomes: Becomes
) -> None:
    program = f"""{EXPONENTIALS}
        total1 = sum(e1, e2)
        total2 = sum(e3, e4, e5)
        a1 = {several.format("total1")}
        a2 = {several.format("total2")}
        a0 = {one.format("e0")}
        return a0, a1, a2
    """
    assert_becomes(complete_unit_rows, parse(program), program)


def test_two_are_added_in_any_order(parse: Parse, assert_becomes: Becomes) -> None:
    program = f"""{EXPONENTIALS}
        total1 = sum(e1; e2)
        total2 = sum(e3, e4, e5)
        a0 = tanh(e0)
        a1 = tanh(total1)
        a2 = tanh(total2)
        return a0, a1, a2
    """
    expected = program.replace("a0 = tanh(e0)", "total0 = sum(e0)\na0 = tanh(total0)")
    assert_becomes(complete_unit_rows, parse(program), expected)


def test_one_sum_that_several_read_has_no_rows_beside_it(parse: Parse) -> None:
    readers = [f"a{k} = tanh(total)\nb{k} = tanh(e{k})" for k in range(4)]
    program = parse("\n".join([EXPONENTIALS, "total = sum(e5, e6)", *readers, "return a0, b0, a1, b1, a2, b2, a3, b3"]))
    assert complete_unit_rows(program) is program


@pytest.mark.parametrize(
    "total", ["sum(e1, e2) / 3.0", "sum(2.0*e1, e2) / 2.0", "sum(e1*e2, e3) / 2.0", "sum(e1) / 1.0"]
)
def test_nothing_is_a_mean_of_one_beside_other_quotients(total: str, parse: Parse) -> None:
    program = parse(f"{EXPONENTIALS}\none = 1.0\nother = {total}\nquotient = div(e0, one)\nreturn quotient, other")
    assert complete_unit_rows(program) is program


@pytest.mark.parametrize("order", ["1313", "13131", "31313", "113331"])
def test_rows_of_one_and_three_are_completed_if_they_alternate(
    order: str, parse: Parse, assert_becomes: Becomes
) -> None:
    """Four runs of rows of equal length can be concatenated; more than four are read as one array."""
    program, expected = [EXPONENTIALS], [EXPONENTIALS]
    for k, length in enumerate(order):
        total, unit = f"total{k} = sum(e5, e6, e7)", f"total{k} = sum(e{k})"
        program += [total, f"a{k} = tanh(total{k})"] if length == "3" else [f"a{k} = tanh(e{k})"]
        expected += [total if length == "3" else unit, f"a{k} = tanh(total{k})"]
    returned = "return " + ", ".join(f"a{k}" for k in range(len(order)))
    completed = expected if len(order) == 5 else program
    assert_becomes(complete_unit_rows, parse("\n".join([*program, returned])), "\n".join([*completed, returned]))


@pytest.mark.parametrize("reader", ["tanh({})", "sum(p0*x[0]; {})"])
@pytest.mark.parametrize("reached", [True, False])
def test_a_sum_of_one_is_reached_by_cotangents_where_others_are(reader: str, reached: bool, parse: Parse) -> None:
    listing = f"""{EXPONENTIALS}
        total1 = sum(e1, e2)
        total2 = sum(e3, e4, e5)
        a1 = {reader.format("total1")}
        a0 = {reader.format("e0")}
        a2 = {reader.format("total2")}
        return total1, total2, a0, a1, a2
    """
    totals = parse(listing).outputs[:2]
    completed = complete_unit_rows(parse(listing, guards=Guards(unreached=frozenset(totals[reached:]))))
    (unit,) = [i for i in completed.operations if completed.is_sum(i) and completed.counts[i] == 1]
    units = [] if reached else [unit]
    assert completed.guards.unreached == {*completed.outputs[reached:2], *units}
