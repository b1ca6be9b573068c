"""Scheduling, classifying and contracting: each step by itself, on small inputs written by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd import primitives
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.classify import applications, oriented, sums_of_products
from autograd.compiler.recover.groups import CONSTANT, Application, Places, Reduction, SumOfProducts
from autograd.compiler.recover.schedule import schedule
from autograd.compiler.recover.sums.blocks import Matrix, Rows, View
from autograd.compiler.recover.sums.stencils import split_stencil
from autograd.compiler.recover.sums.terms import Scaling, Terms
from autograd.compiler.scalars.depths import depths
from autograd.compiler.scalars.nodes import ABSENT

NODES = 40


def places_of(*arrays: Sequence[int], numbers: dict[int, float] | None = None) -> Places:
    """Return the places of the nodes of arrays 0 (parameters) and 1 (an argument); other nodes are these constants."""
    source, position = np.full(NODES, CONSTANT), np.zeros(NODES, dtype=np.int64)
    for k, nodes in enumerate(arrays):
        source[list(nodes)], position[list(nodes)] = k, np.arange(len(nodes))
    number = np.zeros(NODES)
    for i, x in (numbers or {}).items():
        number[i] = x
    batched = [k == 1 for k in range(len(arrays))]
    return Places(source, position, number, list(map(len, arrays)), batched, NODES)


def terms_of(*rows: Sequence[tuple[float, int, int]], slots: Sequence[int] | None = None) -> Terms:
    """Return terms (coefficient, left, right) of rows, all in slot 0 unless other slots are given."""
    flat = [(r, *term) for r, row in enumerate(rows) for term in row]
    row, coefficients, left, right = (np.array(column) for column in zip(*flat))
    slot = np.zeros(len(flat), dtype=np.int64) if slots is None else np.array(slots)
    return Terms(row, left, right, coefficients.astype(float), slot, np.arange(len(flat)))


def plain(rows: int) -> Scaling:
    return Scaling(np.full(rows, -0.0), np.ones(rows), np.ones(rows), np.zeros(rows, dtype=bool))


def grouped(rows: Sequence[Sequence[tuple[float, int, int]]], places: Places) -> list[SumOfProducts]:
    """Return the groups of sums that are nodes 30, 31, ...."""
    return sums_of_products(list(range(30, 30 + len(rows))), terms_of(*rows), plain(len(rows)), places)


# Schedule


def test_nodes_are_scheduled_as_early_as_possible() -> None:
    reads = {4: [0, 1], 5: [4], 6: [2, 3], 7: [6, 5], 8: [3]}
    assert depths(sorted(reads), reads.__getitem__) == {4: 0, 5: 1, 6: 0, 7: 2, 8: 0}
    assert schedule(sorted(reads), reads.__getitem__) == [[4, 6, 8], [5], [7]]


def test_what_is_not_scheduled_counts_as_a_leaf() -> None:
    reads = {5: [4], 6: [5, 4]}
    assert schedule([5, 6], reads.__getitem__) == [[5], [6]]
    assert schedule([6], reads.__getitem__) == [[6]]
    assert schedule([], reads.__getitem__) == []


# Applications


def test_applications_are_grouped_by_primitive_and_sources() -> None:
    places = places_of([0, 1], [2, 3, 4])
    made_by = {10: primitives.tanh, 11: primitives.exp, 12: primitives.tanh, 13: primitives.tanh}
    operands = {10: (4,), 11: (2,), 12: (2,), 13: (0,)}
    groups = applications([10, 11, 12, 13], [made_by.get(i) for i in range(NODES)], operands, places)
    assert [(g.source, g.members, g.batched, g.primitive) for g in groups] == [
        (2, (10, 12), True, primitives.tanh),
        (3, (11,), True, primitives.exp),
        (4, (13,), False, primitives.tanh),
    ]
    assert isinstance(groups[0], Application)
    assert reads(groups[0].operands[0]) == (1, [2, 0])


def test_constant_operands_are_one_number_or_an_array() -> None:
    places = places_of([], [0, 1], numbers={5: 0.5, 6: 0.25})
    made_by = [primitives.maximum] * NODES
    (same,) = applications([10, 11], made_by, {10: (0, 5), 11: (1, 5)}, places)
    assert isinstance(same, Application)
    assert same.operands[1] == 0.5
    (different,) = applications([10, 11], made_by, {10: (0, 5), 11: (1, 6)}, places)
    assert isinstance(different, Application)
    assert np.array_equal(different.operands[1], [0.5, 0.25])  # type: ignore[arg-type]


def test_powers_are_grouped_by_their_exponents() -> None:
    places = places_of([], [0, 1, 2], numbers={5: 2.0, 6: 3.0})
    made_by = [primitives.constant_power] * NODES
    groups = applications([10, 11, 12], made_by, {10: (0, 5), 11: (1, 6), 12: (2, 5)}, places)
    assert [g.members for g in groups] == [(10, 12), (11,)]


def test_the_operands_of_a_reduction_are_one_table() -> None:
    places = places_of([], [0, 1, 2, 3])
    made_by = [primitives.max_] * NODES
    (group,) = applications([10, 11], made_by, {10: (1, 0), 11: (2, 3)}, places)
    assert isinstance(group, Reduction)
    assert reads(group.view) == (1, [[0, 1], [2, 3]])


# Sums of products


def test_weights_are_the_left_factors() -> None:
    places = places_of([0, 1], [2, 3])
    terms = oriented(terms_of([(1.0, 2, 0), (1.0, 1, 3), (-1.0, 3, 1), (2.0, 2, 0), (1.0, 2, ABSENT)]), places)
    assert terms.left.tolist() == [0, 1, 1, 2, 2]
    assert terms.right.tolist() == [2, 3, 3, 0, ABSENT]


def test_a_layer_is_a_matrix_product() -> None:
    places = places_of([0, 1, 2, 3, 4, 5], [6, 7, 8])
    (group,) = grouped([[(1.0, 0, 6), (1.0, 1, 7), (1.0, 2, 8)], [(1.0, 4, 7), (1.0, 3, 6), (1.0, 5, 8)]], places)
    (block,) = group.blocks
    assert isinstance(block, Matrix)
    assert block.coefficients == 1.0
    assert reads(block.weights) == (0, [[0, 1, 2], [3, 4, 5]])
    assert reads(block.columns) == (1, [[0, 1, 2]])
    assert group.batched


def test_a_bias_is_a_block_of_its_own() -> None:
    places = places_of([0, 1, 2, 3, 4, 5], [6, 7])
    (group,) = grouped(
        [[(1.0, 0, 6), (1.0, 1, 7), (1.0, 4, ABSENT)], [(1.0, 2, 6), (1.0, 3, 7), (1.0, 5, ABSENT)]], places
    )
    matrix, bias = group.blocks
    assert isinstance(matrix, Matrix)
    assert isinstance(bias, Rows)
    assert reads(bias.left) == (0, [[4], [5]])
    assert bias.right is None
    assert group.slots == (0, 0)


def test_a_padded_convolution_is_one_product_over_patches() -> None:
    """The kernel 0, 1, 2 slides over the numbers 6, 7, 8, 9, whose ends lack a neighbour."""
    places = places_of([0, 1, 2], [6, 7, 8, 9])
    rows = [[(1.0, k, 5 + p + k) for k in range(3) if 6 <= 5 + p + k <= 9] for p in range(4)]
    (group,) = grouped(rows, places)
    (block,) = group.blocks
    assert isinstance(block, Matrix)
    assert reads(block.weights) == (0, [[0, 1, 2]])
    assert reads(block.columns) == (1, [[PADDING, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, PADDING]])
    assert group.members == (30, 31, 32, 33)


def test_a_result_that_a_position_lacks_is_discarded() -> None:
    """There are two channels over three positions, but the last position has only one."""
    places = places_of([0, 1, 2, 3], [6, 7, 8, 9])
    rows = [[(1.0, 2 * c, 6 + p), (1.0, 2 * c + 1, 7 + p)] for p, c in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0))]
    (group,) = grouped(rows, places)
    assert group.members == (30, 31, 32, 33, 34, PADDING)


def test_layers_over_different_columns_are_products_of_their_own() -> None:
    """Each pair of neurons reads its own four columns, such as half of an image, with its own weights."""
    places = places_of(range(16), range(20, 28))
    rows = [[(1.0, 4 * j + k, 20 + 4 * (j // 2) + k) for k in range(4)] for j in range(4)]
    groups = grouped(rows, places)
    assert [g.members for g in groups] == [(30, 31), (32, 33)]
    assert [reads(block.columns)[1] for g in groups for block in g.blocks if isinstance(block, Matrix)] == [
        [[0, 1, 2, 3]],
        [[4, 5, 6, 7]],
    ]


def test_rows_of_other_lengths_are_groups_of_their_own() -> None:
    places = places_of([], [0, 1, 2, 3, 4, 5])
    rows = [[(1.0, 0, 1), (1.0, 2, 3)], [(1.0, 0, 2)], [(1.0, 1, 5), (1.0, 4, 3)]]
    assert [g.members for g in grouped(rows, places)] == [(30, 32), (31,)]


def test_sums_with_other_constants_share_a_group() -> None:
    places = places_of([], [0, 1])
    scaling = Scaling(np.array([1.0, 2.0]), np.ones(2), np.full(2, 4.0), np.ones(2, dtype=bool))
    (group,) = sums_of_products([30, 31], terms_of([(1.0, 0, ABSENT)], [(1.0, 1, ABSENT)]), scaling, places)
    assert np.array_equal(group.constant, [1.0, 2.0])
    assert (group.factor, group.divisor, group.leads) == (1.0, 4.0, True)


def test_constants_over_the_same_columns_are_a_matrix() -> None:
    places = places_of([], [0, 1, 2])
    rows = [[(0.5, 0, ABSENT), (0.25, 1, ABSENT)], [(2.0, 0, ABSENT), (3.0, 1, ABSENT)]]
    (group,) = grouped(rows, places)
    (block,) = group.blocks
    assert isinstance(block, Matrix)
    assert block.weights is None
    assert np.array_equal(block.coefficients, [[0.5, 0.25], [2.0, 3.0]])


# Stencils


def test_a_stencil_is_a_sum_of_slices() -> None:
    """The stencil is u[i] - 2 u[i + 1] + u[i + 2], for three cells."""
    coefficients = np.tile([1.0, -2.0, 1.0], (3, 1))
    block = Rows(coefficients, View(1, np.array([[0, 1, 2], [1, 2, 3], [2, 3, 4]])), None)
    parts = split_stencil(block, [0, 5])
    assert [part.coefficients for part in parts] == [1.0, -2.0, 1.0]
    assert [reads(part.left)[1] for part in parts if isinstance(part, Rows)] == [
        [[0], [1], [2]],
        [[1], [2], [3]],
        [[2], [3], [4]],
    ]


def test_a_sum_of_scattered_elements_stays_one() -> None:
    block = Rows(1.0, View(1, np.array([[0, 3, 2], [1, 0, 3], [3, 2, 0]])), None)
    assert split_stencil(block, [0, 5]) == [block]


def test_a_difference_is_two_blocks_the_positive_first() -> None:
    block = Rows(np.array([[-1.0, 1.0], [1.0, -1.0]]), View(1, np.array([[0, 2], [3, 1]])), None)
    positive, negative = split_stencil(block, [0, 4])
    assert (positive.coefficients, negative.coefficients) == (1.0, -1.0)
    assert isinstance(positive, Rows)
    assert reads(positive.left) == (1, [[2], [3]])


def reads(view: object) -> tuple[int, list[object]]:
    """Return the source and the positions of a view."""
    assert isinstance(view, View)
    return view.source, view.positions.tolist()
