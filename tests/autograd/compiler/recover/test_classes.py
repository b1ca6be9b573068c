"""Which nodes of a level form a group: exponents, tables of rows of any lengths, sums of two, and weights' labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.classify import applications, oriented, sums_of_products
from autograd.compiler.recover.groups import CONSTANT, Application, Places, Reduction, SumOfProducts
from autograd.compiler.recover.sums.blocks import Matrix, Rows, View
from autograd.compiler.recover.sums.terms import Scaling, Terms
from autograd.compiler.scalars.nodes import ABSENT, NOTHING

NODES = 200
Term = tuple[float, int, int, int]
"""A coefficient, two factors and a slot."""


def places_of(*arrays: Sequence[int], numbers: Mapping[int, float] | None = None) -> Places:
    """Return the places of the nodes of arrays 0 (parameters), 1, 2, ...; other nodes are these constants."""
    source, position, number = np.full(NODES, CONSTANT), np.zeros(NODES, dtype=np.int64), np.zeros(NODES)
    for k, nodes in enumerate(arrays):
        source[list(nodes)], position[list(nodes)] = k, np.arange(len(nodes))
    for i, x in (numbers or {}).items():
        number[i] = x
    return Places(source, position, number, list(map(len, arrays)), [k > 0 for k in range(len(arrays))], NODES)


def sums(rows: Sequence[Sequence[Term]], places: Places, constant: float = NOTHING) -> list[SumOfProducts]:
    """Return the groups of sums that are nodes 100, 101, ...."""
    flat = [(r, *term) for r, row in enumerate(rows) for term in row]
    row, coefficients, left, right, slot = (np.array(column) for column in zip(*flat))
    terms = Terms(row, left, right, coefficients.astype(float), slot, np.arange(len(flat)))
    count = len(rows)
    scaling = Scaling(np.full(count, constant), np.ones(count), np.ones(count), np.zeros(count, dtype=bool))
    groups = sums_of_products(range(100, 100 + count), terms, scaling, places)
    assert [group.source for group in groups] == [len(places.widths) + n for n in range(len(groups))]
    return groups


def members(groups: Sequence[SumOfProducts]) -> list[tuple[int, ...]]:
    return sorted(group.members for group in groups)


def reads(view: object) -> list[object]:
    assert isinstance(view, View)
    return view.positions.tolist()  # type: ignore[no-any-return]


# Applications


def powers(*exponents: float) -> list[tuple[int, ...]]:
    numbers = dict(enumerate(exponents, 50))
    places = places_of([], range(len(exponents)), numbers=numbers)
    operands = {100 + k: (k, 50 + k) for k in range(len(exponents))}
    return [g.members for g in applications(list(operands), [primitives.constant_power] * NODES, operands, places)]


def test_many_exponents_are_data() -> None:
    """Unless n - 1 is rounded, or n is 0: the slope is then another formula."""
    assert powers(2.0, 3.0, 4.0, 0.5) == [(100, 101, 102, 103)]
    assert powers(2.0, 3.0, 2.0) == [(100, 102), (101,)]
    for other in (0.0, 0.1):
        assert powers(2.0, 3.0, 4.0, other) == [(100,), (101,), (102,), (103,)]


def test_zeros_of_both_signs_are_two_numbers() -> None:
    for numbers in ((0.0, -0.0), (-0.0, 0.0)):
        places = places_of([], [0, 1], numbers={50: numbers[0], 51: numbers[1]})
        operands = {100: (0, 50), 101: (1, 51)}
        (group,) = applications([100, 101], [primitives.copysign] * NODES, operands, places)
        assert isinstance(group, Application) and isinstance(group.operands[1], np.ndarray)
        assert np.signbit(group.operands[1]).tolist() == np.signbit(numbers).tolist()


POSITIONS = [np.random.default_rng(n).permutation(50).tolist() for n in range(7)]


def largest(lengths: Sequence[int], first_weights: Mapping[int, int] | None = None) -> list[tuple[list[int], int]]:
    """Return the rows of each table of reductions of these lengths, by number, and the table's width."""
    places = places_of([], range(50))._replace(first_weights=lambda: first_weights or {})
    operands = {100 + n: tuple(POSITIONS[n][:length]) for n, length in enumerate(lengths)}
    result = []
    for number, group in enumerate(applications(list(operands), [primitives.max_] * NODES, operands, places)):
        assert isinstance(group, Reduction) and group.source == 2 + number
        for i, row in zip(group.members, group.view.positions.tolist()):
            assert sorted(k for k in row if k != PADDING) == sorted(operands[i])
        result.append(([i - 100 for i in group.members], group.view.positions.shape[1]))
    return result


def test_rows_of_alternating_lengths_are_the_fewest_tables_that_pay() -> None:
    assert largest([1, 2, 1, 9, 2, 1, 8]) == [([0, 1, 2, 4, 5], 2), ([3, 6], 9)]
    assert largest([1, 1, 12, 2, 2, 12, 1]) == [([0, 1, 3, 4, 6], 2), ([2, 5], 12)]


def test_rows_that_the_same_weights_multiply_form_one_table() -> None:
    """Other rows of a few lengths do not if rows of equal length are adjacent."""
    assert largest([1, 2, 20]) == [([0], 1), ([1], 2), ([2], 20)]
    assert largest([1, 2, 20], {100: 5, 101: 5, 102: 5}) == [([0, 1], 2), ([2], 20)]
    assert largest([1, 2, 20], {100: 5, 101: 5, 102: 6}) == [([0], 1), ([1], 2), ([2], 20)]


def test_reductions_and_other_functions_of_one_array() -> None:
    places = places_of([], range(50))
    primitive_of = [*[primitives.max_] * 102, primitives.maximum]
    table, pair = applications([100, 101, 102], primitive_of, {100: (0, 1, 2), 101: (3, 4, 5), 102: (7, 6)}, places)
    assert isinstance(table, Reduction) and table.members == (100, 101)
    assert isinstance(pair, Application) and list(map(reads, pair.operands)) == [[7], [6]]


# Sums of two among longer ones

X, Y = range(20), range(20, 30)
TWO, THREE = (0, 1), (0, 0, 0)


def added(nodes: Sequence[int], slots: Sequence[int], coefficient: float = 1.0) -> list[Term]:
    return [(coefficient, i, ABSENT, slot) for i, slot in zip(nodes, slots)]


def test_among_longer_rows_a_sum_of_two_is_a_reduction() -> None:
    rows = [added(X[3 * n : 3 * n + len(slots)], slots) for n, slots in enumerate((TWO, THREE, TWO, THREE, TWO))]
    (group,) = sums(rows, places_of([], X, Y))
    (block,) = group.blocks
    assert isinstance(block, Rows)
    assert sorted(k for row in reads(block.left) for k in row) == [  # type: ignore[attr-defined]
        *(PADDING,) * 3,
        *(0, 1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13),
    ]
    assert group.slots == (0,)
    assert members(sums(rows[:1] + rows[2:3], places_of([], X, Y))) == [(100, 101)]
    (only_two,) = sums(rows[:1] + rows[2:3], places_of([], X, Y))
    assert only_two.slots == (0, 1)
    for constant in (0.0, 1.0, -1.0):
        assert members(sums(rows, places_of([], X, Y), constant)) == [(100, 102, 104), (101, 103)]


def test_a_sum_of_two_arrays_stays_a_sum_of_two() -> None:
    """Whether sums of two that read one array follow, or longer sums of the same arrays."""
    rows = [
        added([5, 20], TWO),
        *(added(X[3 * n : 3 * n + len(slots)], slots) for n, slots in enumerate((TWO, THREE, TWO, THREE, TWO))),
    ]
    assert members(sums(rows, places_of([], X, Y))) == [(100,), (101, 102, 103, 104, 105)]
    of_both = [added([k, *[k + 9] * (k % 2), 20 + k], THREE if k % 2 else TWO) for k in range(5)]
    assert members(sums(of_both, places_of([], X, Y))) == [(100, 102, 104), (101, 103)]


def test_sums_of_two_stay_apart_from_longer_ones_that_form_no_table_with_them() -> None:
    rows = [added([3, 0], TWO), added([1, 7], TWO), added([5, 2, 4], THREE), added([11, 6, 8], THREE)]
    of_two, of_three = sums(rows, places_of([], X))
    assert (of_two.members, of_two.slots) == ((100, 101), (0, 1))
    assert (of_three.members, {*of_three.slots}) == ((102, 103), {0})
    (pairs,) = sums([added(pair, TWO) for pair in ([0, 1], [1, 2], [0, 2])], places_of([], X))
    assert pairs.slots == (0, 1)


def test_sums_over_the_same_columns_are_a_matrix_of_ones() -> None:
    """With another coefficient, a product with a matrix would round otherwise than the graph."""
    rows = [added([0, 1], TWO), added([0, 1, 2], THREE), added([1, 2], TWO), added([2, 1, 0], THREE, -1.0)]
    (group,) = sums(rows, places_of([], X))
    (block,) = group.blocks
    assert isinstance(block, Matrix) and block.weights is None
    assert np.asarray(block.coefficients).tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1], [-1, -1, -1]]
    halves = [added([0, 1], TWO, 0.5), *rows[1:2], added([1, 2], TWO, 0.5), *rows[3:]]
    assert sorted(i for group in sums(halves, places_of([], X)) for i in group.members) == [100, 101, 102, 103]
    assert len(sums(halves, places_of([], X))) == 2


def test_the_ends_of_a_padded_convolution_are_sums_of_two_products() -> None:
    """The kernel 10, 11, 12 slides over the numbers 0, ..., 3, whose ends lack a neighbour."""
    inner = [[(1.0, 10 + k, p + k, 0) for k in range(3)] for p in range(2)]
    first, last = [(1.0, 11, 0, 0), (1.0, 12, 1, 1)], [(1.0, 10, 2, 0), (1.0, 11, 3, 1)]
    (group,) = sums([first, *inner, last], places_of(range(10, 13), range(4)))
    (block,) = group.blocks
    assert isinstance(block, Matrix) and group.members == (100, 101, 102, 103)
    assert (reads(block.weights), reads(block.columns)) == (
        [[0, 1, 2]],
        [[PADDING, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, PADDING]],
    )
    apart = [[(1.0, 10, 0, 0), (1.0, 11, 1, 1)], *([(1.0, i + k, k, 0) for k in range(3)] for i in (12, 15))]
    assert [group.slots for group in sums(apart, places_of(range(10, 18), range(3)))] == [(0, 1), (0,)]


# Which sums are alike


def test_products_with_other_arrays_are_groups_of_their_own() -> None:
    places = places_of([10, 11], [0, 1, 2])
    rows: list[list[Term]] = [[(1.0, 10, 0, 0)], [(1.0, 1, ABSENT, 0)], [(1.0, 10, 11, 0)], [(1.0, 11, 2, 0)]]
    assert members(sums(rows, places)) == [(100, 103), (101,), (102,)]
    two: list[list[Term]] = [[(1.0, 10, 0, 0), (1.0, 1, ABSENT, 0)], [(1.0, 11, 1, 0), (1.0, 10, 2, 0)]]
    assert members(sums(two, places)) == [(100,), (101,)]
    assert members(sums([[(1.0, 10, 11, 0), (1.0, 1, ABSENT, 0)], two[1]], places)) == [(100,), (101,)]


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ({10: 1, 11: 1, 12: 2}, [(100, 101), (102,)]),
        ({10: 1, 11: 1}, [(100, 101), (102,)]),
        ({10: 0, 11: 0}, [(100, 101, 102)]),
        ({}, [(100, 101, 102)]),
    ],
)
def test_weights_of_several_labels_stay_apart(family: Mapping[int, int], expected: list[tuple[int, ...]]) -> None:
    """Family 0 is that of weights without a label."""
    places = places_of([10, 11, 12], [0, 1, 2])._replace(family=family)
    assert members(sums([[(1.0, 10 + k, k, 0)] for k in range(3)], places)) == expected
    assert members(sums([[(1.0, 10 + k, ABSENT, 0)] for k in range(3)], places)) == [(100, 101, 102)]


def test_factors_are_in_the_order_of_their_arrays() -> None:
    """Of one array, they stay in their order."""
    places = places_of([], X, Y)
    terms = Terms(
        np.zeros(4, dtype=np.int64),
        np.array([20, 3, 2, 5]),
        np.array([3, 20, 5, 2]),
        np.ones(4),
        np.zeros(4, dtype=np.int64),
        np.arange(4),
    )
    after = oriented(terms, places)
    assert (after.left.tolist(), after.right.tolist()) == ([3, 3, 2, 5], [20, 20, 5, 2])
