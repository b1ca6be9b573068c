"""Captured samples: numbers that multiply parameters become arrays of constants, a row for each sample."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autograd.compiler.scalars.captured_constants import lift_constants
from autograd.compiler.scalars.program import ScalarProgram

Parse = Callable[..., ScalarProgram]
Becomes = Callable[..., ScalarProgram]


def arrays_of(program: ScalarProgram) -> list[list[float]]:
    return [[program.constants[i] for i in nodes] for nodes in program.constant_arrays]


def terms_of(program: ScalarProgram, i: int) -> list[tuple[float, int, int | float, int]]:
    """The terms of a sum, with the numbers of constants in place of their nodes."""
    total = program.sum_of(i)
    rights = [program.constants.get(y, y) for y in total.rights]
    return list(zip(total.coefficients, total.lefts, rights, total.slots))


P0, P1, P2, P3, P4, P5 = range(8, 14)
X0, ABSENT = 0, -1


def test_samples_become_an_array_for_the_neurons_of_a_layer(parse: Parse) -> None:
    """Three samples of two numbers for two neurons. Where a number is 0, a term is missing; order does not matter."""
    program = parse("""
        a0 = sum(1.5*p0, 0.5*p1, p2)
        b0 = sum(0.5*p3, 1.5*p4, p5)
        a1 = sum(p2, -2.0*p1)
        b1 = sum(-2.0*p3, p5)
        a2 = 3.0 * sum(3.5*p1, 2.5*p0, p2, p0*p1; x[0], p0, x[1]*x[2]; 0.25) / 7.0
        b2 = sum(2.5*p4, 3.5*p3, p5)
        return a0, a1, a2, b0, b1, b2
    """)
    lifted = lift_constants(program).verify()
    assert arrays_of(lifted) == [[1.5, 0.5, 0.0, -2.0, 2.5, 3.5]]
    a0, a1, a2, b0, b1, b2 = lifted.outputs
    assert terms_of(lifted, a0) == [(1.0, P0, 1.5, 0), (1.0, P1, 0.5, 0), (1.0, P2, ABSENT, 0)]
    assert terms_of(lifted, a1) == [(1.0, P0, 0.0, 0), (1.0, P1, -2.0, 0), (1.0, P2, ABSENT, 0)]
    products = [(1.0, P0, 2.5, 0), (1.0, P1, 3.5, 0)]
    rest = [
        (1.0, P2, ABSENT, 0),
        (1.0, P0, P1, 0),
        (1.0, X0, ABSENT, 1),
        (1.0, P0, ABSENT, 1),
        (1.0, X0 + 1, X0 + 2, 1),
    ]
    assert terms_of(lifted, a2) == [*products, *rest]
    assert lifted.sum_of(a2)[4:] == (0.25, False, 3.0, 7.0)
    assert terms_of(lifted, b0) == [(1.0, P4, 1.5, 0), (1.0, P3, 0.5, 0), (1.0, P5, ABSENT, 0)]
    assert [lifted.sum_of(i).rights[:2] for i in (a0, a1, a2)] == [lifted.sum_of(i).rights[:2] for i in (b0, b1, b2)]
    samples = lifted.constant_arrays[0]
    assert [lifted.sum_of(i).rights[:2] for i in (a0, a1, a2)] == [samples[:2], samples[2:4], samples[4:]]
    numbers, weights = [0.5] * 8, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert lifted.evaluate([numbers], weights) == program.evaluate([numbers], weights)


def test_a_sample_of_zeros_leaves_a_bias_that_an_activation_reads(parse: Parse) -> None:
    program = parse("""
        a0 = sum(1.5*p0, 0.5*p1, p2)
        h0 = tanh(a0)
        h1 = tanh(p2)
        a2 = sum(2.5*p0, 3.5*p1, p2)
        h2 = tanh(a2)
        other = exp(p2)
        unread = tanh(p6)
        of_sum = sin(a0)
        return h0, h1, h2, other, unread, of_sum
    """)
    lifted = lift_constants(program).verify()
    (array,) = arrays_of(lifted)
    assert sorted(zip(array[::2], array[1::2])) == [(0.0, 0.0), (1.5, 0.5), (2.5, 3.5)]
    _, h1, _, other, unread, _ = lifted.outputs
    (a1,) = lifted.operands_of(h1)
    assert terms_of(lifted, a1) == [(1.0, P0, 0.0, 0), (1.0, P1, 0.0, 0), (1.0, P2, ABSENT, 0)]
    assert lifted.operands_of(other) == (P2,)
    assert lifted.operands_of(unread) == (14,)
    numbers, weights = [0.5] * 8, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert lifted.evaluate([numbers], weights) == program.evaluate([numbers], weights)


def test_the_place_of_a_bias_among_the_operands_counts(parse: Parse) -> None:
    """The hinge max(0, sum) of a bias alone is max(0, bias), not max(bias, 0) or a bias that something else reads."""
    program = parse("""
        zero = 0.0
        a0 = sum(1.5*p0, 0.5*p1, p2)
        h0 = maximum(zero, a0)
        h1 = maximum(zero, p2)
        h2 = maximum(p2, zero)
        a3 = sum(2.5*p0, 3.5*p1, p2)
        h3 = maximum(zero, a3)
        doubled = sum(2.0*p2)
        h4 = maximum(doubled, zero)
        return h0, h1, h2, h3, h4
    """)
    lifted = lift_constants(program).verify()
    _, h1, h2, _, _ = lifted.outputs
    assert lifted.is_sum(lifted.operands_of(h1)[1])
    assert lifted.operands_of(h2)[0] == P2


@pytest.mark.parametrize(
    "sums",
    [
        ["sum(1.5*p0, p1)", "sum(1.5*p0, p1)"],  # all sums have the same numbers
        ["sum(1.5*p0, p1)", "sum(2.5*p2, p3)"],  # they share no weights
        ["sum(1.5*p0, 0.5*p0, p1)", "sum(2.5*p0, p1)"],  # a weight has two numbers
        ["sum(1.5*p0, 0.5*p1, p2)", "sum(2.5*p0, 3.5*p1, p2)"],  # one channel without zeros
        ["sum(x[0]*p0; 1.5*p1, p2)", "sum(x[1]*p0; 2.5*p1, p2)"],  # the numbers are not in the first slot
        ["sum(x[0]*p0, p1)", "sum(x[1]*p0, p1)", "sum(x[2]*p0, p1)"],  # there is only a bias
        ["sum(1.5*x[0], x[1])", "sum(2.5*x[0], x[1])"],  # no parameter is multiplied
        ["sum(x[0]*p0)", "sum(2.0*x[0]*p0)"],
        ["max_(x[0], p0)", "tanh(x[1])"],
    ],
)
def test_what_is_no_data_stays(sums: list[str], parse: Parse) -> None:
    listing = [f"s{n} = {total}" for n, total in enumerate(sums)]
    outputs = ", ".join(f"s{n}" for n in range(len(sums)))
    program = parse("\n".join([*listing, f"return {outputs}"]))
    assert lift_constants(program) is program


def test_a_single_weight_is_data_for_one_neuron_too(parse: Parse) -> None:
    """Elementwise work, which reads numbers from an array."""
    program = parse("""
        a0 = sum(1.5*p0, p1)
        a1 = sum(2.5*p0, p1)
        a2 = sum(3.5*p0, p1)
        return a0, a1, a2
    """)
    assert arrays_of(lift_constants(program)) == [[1.5, 2.5, 3.5]]


def test_arrays_that_a_program_has_come_first(parse: Parse) -> None:
    listing = """
        c = 7.0
        d = 8.0
        b0 = sum(p4*c)
        b1 = sum(p4*d)
        a0 = sum(1.5*p0, p1)
        a1 = sum(2.5*p0, p1)
        return a0, a1, b0, b1
    """
    before = parse(listing)
    program = parse(listing, constant_arrays=(tuple(before.constants),))
    assert arrays_of(lift_constants(program)) == [[7.0, 8.0], [1.5, 2.5]]


def test_few_numbers_of_many_weights_are_no_data(parse: Parse) -> None:
    """A matrix of sums and weights whose numbers are nearly all zeros would be more work than the sums."""
    for sums, is_lifted in ((4, True), (20, False)):
        weights = 2 * sums
        rows = [
            f"s{n} = sum(1.5*p{2 * n}, 2.5*p{2 * n + 1}, {n + 0.5}*p{weights}, p{weights + 1})" for n in range(sums)
        ]
        rows[0] = rows[0].replace(", 2.5*p1", "")
        outputs = ", ".join(f"s{n}" for n in range(sums))
        program = parse("\n".join([*rows, f"return {outputs}"]), parameters=weights + 2)
        assert bool(lift_constants(program).constant_arrays) is is_lifted


def test_twice_as_many_numbers_are_data_for_two_neurons(parse: Parse) -> None:
    weights = 40
    rows = [f"s{n}{p} = sum(1.5*p{p + n}, 2.5*p{p + 20 + n}, p{p + weights})" for p in (0, 41) for n in range(20)]
    outputs = ", ".join(row.split(" = ")[0] for row in rows)
    program = parse("\n".join([*rows, f"return {outputs}"]), parameters=82)
    (array,) = arrays_of(lift_constants(program))
    assert len(array) == 20 * weights


def test_two_neurons_each_have_a_sample_of_zeros(parse: Parse) -> None:
    program = parse("""
        a0 = sum(1.5*p0, p1)
        a1 = sum(2.5*p0, p1)
        b0 = sum(1.5*p2, p3)
        b1 = sum(2.5*p2, p3)
        h = tanh(a0)
        h1 = tanh(a1)
        h2 = tanh(p1)
        g = tanh(b0)
        g1 = tanh(b1)
        g2 = tanh(p3)
        return h, h1, h2, g, g1, g2
    """)
    lifted = lift_constants(program).verify()
    assert arrays_of(lifted) == [[0.0, 1.5, 2.5]]
    for node, weight, bias in ((lifted.outputs[2], P0, P1), (lifted.outputs[5], P2, P3)):
        (total,) = lifted.operands_of(node)
        assert terms_of(lifted, total) == [(1.0, weight, 0.0, 0), (1.0, bias, ABSENT, 0)]


def test_of_two_weights_that_nothing_multiplies_one_is_a_bias(parse: Parse) -> None:
    program = parse("""
        a0 = sum(1.5*p0, p1, p2)
        a1 = sum(p1, p2)
        a2 = sum(2.5*p0, p1, p2)
        return a0, a1, a2
    """)
    (array,) = arrays_of(lift_constants(program))
    assert sorted(array) == [0.0, 1.0, 1.0, 1.0, 1.5, 2.5]


def test_a_bias_that_is_added_to_products_of_inputs_is_no_sample(parse: Parse) -> None:
    program = parse("""
        a0 = sum(1.5*p0, p1)
        a1 = sum(2.5*p0, p1)
        a2 = sum(x[0]*p2, p1)
        a3 = sum(x[0], p1)
        return a0, a1, a2, a3
    """)
    lifted = lift_constants(program)
    assert arrays_of(lifted) == [[1.5, 2.5, 0.0]]
    _, _, a2, a3 = lifted.outputs
    assert terms_of(lifted, a2) == [(1.0, X0, P2, 0), (1.0, P1, ABSENT, 0)]
    assert terms_of(lifted, a3)[0] == (1.0, P0, 0.0, 0)
