"""Sums of products become blocks of the cheapest kind that computes the same, as NumPy evaluates their equations."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import PARAMETERS, Places
from autograd.compiler.recover.sums.blocks import Block, Matrix, Product, Rows, View
from autograd.compiler.recover.sums.contractions import Contraction, by_similar_lengths, contractions
from autograd.compiler.recover.sums.patches import over_patches
from autograd.compiler.recover.sums.products import as_product
from autograd.compiler.recover.sums.stencils import split_stencil
from autograd.compiler.recover.sums.terms import Scaling, Terms
from autograd.compiler.scalars.nodes import ABSENT

WIDTH = 60
ARRAYS = np.random.default_rng(0).integers(1, 10**6, size=(4, WIDTH)).astype(float)
"""The parameters, and three arrays with a row for each sample: whole numbers, so that sums of products are exact."""

Row = Sequence[tuple[float, int, int]]


def places(unpadded: frozenset[int] | None = frozenset()) -> Places:
    nothing = np.zeros(0, dtype=np.int64)
    batched = [False, True, True, True]
    return Places(nothing, nothing, np.zeros(0), [WIDTH] * len(batched), batched, 0, unpadded)


def terms_of(rows: Sequence[Row]) -> Terms:
    """Return the terms (coefficient, left, right) of each row, sorted by row and right side."""
    flat = [(r, *term) for r, row in enumerate(rows) for term in sorted(row, key=lambda term: (term[2], term[1]))]
    row, coefficients, left, right = (np.array(column) for column in zip(*flat))
    return Terms(row, left, right, coefficients.astype(float), np.zeros_like(row), np.arange(len(row)))


def plain(rows: int) -> Scaling:
    return Scaling(np.full(rows, -0.0), np.ones(rows), np.ones(rows), np.zeros(rows, dtype=bool))


def read(view: View) -> Any:
    return np.where(view.positions == PADDING, 0.0, ARRAYS[view.source][view.positions])


def meaning(block: Block) -> Any:
    """Return one number for each member of a group, by the equation of the block."""
    match block:
        case Rows():
            products = np.broadcast_to(block.coefficients, block.left.positions.shape) * read(block.left)
            return (products if block.right is None else products * read(block.right)).sum(axis=1)
        case Matrix():
            weights = np.asarray(block.coefficients)
            weights = weights if block.weights is None else weights * read(block.weights)
            results = read(block.columns) @ weights.T
        case Product():
            results = block.coefficients * read(block.left) @ read(block.right).transpose(0, 2, 1)
    assert results.size == block.results
    return results.reshape(-1) if block.place is None else results.reshape(-1)[block.place]


def sums(rows: Sequence[Row], left: int, right: int) -> list[float]:
    factor = [1.0] * WIDTH if right == ABSENT else ARRAYS[right]
    return [sum(c * ARRAYS[left][i] * factor[k] for c, i, k in row) for row in rows]


def contracted(rows: Sequence[Row], left: int, right: int, padded: bool = True) -> list[Contraction]:
    """Return the contractions of the sums over one pair of arrays, after checking that each member equals its sum."""
    parts = {(0, left, right): terms_of(rows)}
    many = contractions(list(range(len(rows))), parts, plain(len(rows)), places(frozenset() if padded else None))
    values: dict[int, float] = {}
    for members, blocks, scaling in many:
        numbers = sum(meaning(block) for _, block in blocks)
        assert len(numbers) == len(members)
        assert [slot for slot, _ in blocks] == [0] * len(blocks)
        assert len(scaling.factor) == len([i for i in members if i >= 0])
        assert not values.keys() & set(members)
        values |= {i: x for i, x in zip(members, numbers.tolist()) if i != PADDING}
    assert [values[r] for r in range(len(rows))] == sums(rows, left, right)
    return many


def only_block(many: Sequence[Contraction]) -> Block:
    ((_, blocks, _),) = many
    ((_, block),) = blocks
    return block


def kinds(many: Sequence[Contraction]) -> list[list[str]]:
    """Return the kinds of the blocks of each contraction."""
    return [[type(block).__name__ for _, block in one.blocks] for one in many]


def layer(rows: int, columns: int, c: Callable[[int, int], float] = lambda j, k: 1.0) -> list[Row]:
    return [[(c(j, k), columns * j + k, k) for k in range(columns)] for j in range(rows)]


# Matrix products


@pytest.mark.parametrize("shape", [(2, 2), (3, 5), (1, 2), (1, 4)])
def test_rows_over_the_same_columns_are_a_matrix_product(shape: tuple[int, int]) -> None:
    block = only_block(contracted(layer(*shape), PARAMETERS, 1))
    assert isinstance(block, Matrix) and block.weights is not None
    assert block.weights.positions.tolist() == np.arange(shape[0] * shape[1]).reshape(shape).tolist()
    assert block.columns.positions.tolist() == [list(range(shape[1]))]
    assert (block.coefficients, block.place) == (1.0, None)


def test_coefficients_of_weights_are_one_number_or_one_for_each() -> None:
    same = only_block(contracted(layer(2, 3, lambda j, k: -0.5), PARAMETERS, 1))
    assert isinstance(same, Matrix) and same.coefficients == -0.5
    each = only_block(contracted(layer(2, 3, lambda j, k: 1.0 + j + k), PARAMETERS, 1))
    assert isinstance(each, Matrix)
    assert np.array_equal(each.coefficients, [[1, 2, 3], [2, 3, 4]])


def test_parameters_times_parameters_are_a_matrix_product_only_with_several_rows() -> None:
    assert kinds(contracted(layer(2, 3), PARAMETERS, PARAMETERS)) == [["Matrix"]]
    assert kinds(contracted(layer(1, 3), PARAMETERS, PARAMETERS)) == [["Rows"]]


def test_a_single_term_is_computed_element_by_element() -> None:
    block = only_block(contracted([[(1.0, 0, 0)]], PARAMETERS, 1))
    assert isinstance(block, Rows)
    block = only_block(contracted([[(1.0, j, 2 * j)] for j in range(3)], PARAMETERS, 1))
    assert isinstance(block, Rows) and block.right is not None
    assert (block.left.positions.tolist(), block.right.positions.tolist()) == ([[0], [1], [2]], [[0], [2], [4]])


def test_a_column_that_a_row_reads_twice_is_no_column_of_a_matrix() -> None:
    twice = contracted([[(1.0, 2 * j, 5), (1.0, 2 * j + 1, 5)] for j in range(3)], PARAMETERS, 1)
    assert {kind for row in kinds(twice) for kind in row} == {"Rows"}


def test_other_weights_over_other_columns_are_no_matrix() -> None:
    assert kinds(contracted([[(1.0, 3 * j + k, 4 * j + k) for k in range(3)] for j in range(3)], 2, 1)) == [["Rows"]]


def test_a_triangle_of_weights_is_a_padded_matrix() -> None:
    triangle = [[(2.0, 10 * j + k, k) for k in range(j + 1)] for j in range(4)]
    block = only_block(contracted(triangle, PARAMETERS, 1))
    assert isinstance(block, Matrix) and block.weights is not None
    assert block.coefficients == 2.0
    assert block.weights.positions.tolist() == [[0, -1, -1, -1], [10, 11, -1, -1], [20, 21, 22, -1], [30, 31, 32, 33]]
    assert block.columns.positions.tolist() == [[0, 1, 2, 3]]
    assert not any("Matrix" in row for row in kinds(contracted(triangle, PARAMETERS, 1, padded=False)) if len(row) > 1)


@pytest.mark.parametrize(
    ("reason", "rows"),
    [
        ("weights are shared", [[(1.0, k, k) for k in range(j + 1)] for j in range(4)]),
        ("coefficients differ", [[(1.0 + k, 10 * j + k, k) for k in range(j + 1)] for j in range(4)]),
        ("two lengths", [[(1.0, 10 * j + k, k) for k in range(3 + j // 2)] for j in range(4)]),
        ("most would be zeros", [[(1.0, 10 * j + k, k) for k in range(n)] for j, n in enumerate((1, 1, 2, 9))]),
        ("a column twice", [[(1.0, 10 * j + k, k // 2) for k in range(j + 1)] for j in range(4)]),
    ],
)
def test_what_is_not_padded_to_a_matrix(reason: str, rows: list[Row]) -> None:
    assert all(
        not isinstance(block, Matrix) or block.weights is None or (block.weights.positions != PADDING).all()
        for _, blocks, _ in contracted(rows, PARAMETERS, 1)
        for _, block in blocks
    ), reason


def test_layers_over_other_columns_are_matrix_products_of_their_own() -> None:
    halves = [[(1.0, 4 * j + k, 4 * (j % 2) + k) for k in range(4)] for j in range(4)]
    assert [one.members for one in contracted(halves, PARAMETERS, 1)] == [[0, 2], [1, 3]]
    # products of seven terms do not pay off, nor do weights that the layers share
    small = [[(1.0, 4 * j + k, 4 * (j % 2) + k) for k in range(4 - j // 2)] for j in range(4)]
    assert all(len(one.members) == 2 for one in contracted(small, PARAMETERS, 1))
    shared = [[(1.0, 4 * (j // 2) + k, 4 * (j % 2) + k) for k in range(4)] for j in range(4)]
    block = only_block(contracted(shared, PARAMETERS, 1))
    assert isinstance(block, Matrix) and block.columns.positions.shape == (2, 4)
    single = [[(1.0, 40 + j, j % 2)] for j in range(20)]
    assert kinds(contracted(single, PARAMETERS, 1)) == [["Rows"]]


def test_rows_of_two_lengths_are_two_operations_unless_they_alternate() -> None:
    adjacent = [[3, 17], [9, 4], [1, 50], [5, 2, 40], [33, 8, 12]]
    rows = [[(1.0, (3 * i) % 47, i) for i in some] for some in adjacent]
    assert [one.members for one in contracted(rows, 1, 2)] == [[0, 1, 2], [3, 4]]
    alternating = [rows[k] for k in (0, 3, 1, 4, 2)]
    ((members, [(_, block)], _),) = contracted(alternating, 1, 2)
    assert members == [0, 1, 2, 3, 4]
    assert isinstance(block, Rows) and [view.positions.shape for view in block.factors] == [(5, 3), (5, 3)]
    assert meaning(block).tolist() == sums(alternating, 1, 2)


# Patches


def test_a_convolution_is_one_product_whose_members_are_in_order() -> None:
    """Two channels over three positions are listed by channel; the product's members are ordered by position."""
    rows = [[(1.0, 2 * c + k, p + k) for k in range(2)] for c in range(2) for p in range(3)]
    ((members, [(_, block)], _),) = contracted(rows, PARAMETERS, 1)
    assert isinstance(block, Matrix) and block.weights is not None
    assert members == [0, 3, 1, 4, 2, 5]
    assert block.place is None
    assert block.weights.positions.tolist() == [[0, 1], [2, 3]]
    assert block.columns.positions.tolist() == [[0, 1], [1, 2], [2, 3]]


def test_a_convolution_with_biases_or_scales_takes_the_order_of_the_product() -> None:
    rows = [[(1.0, 2 * c + k, p + k) for k in range(2)] for c in range(2) for p in range(3)]
    biases = [[(1.0, 10 + c, ABSENT)] for c in range(2) for _ in range(3)]
    parts = {(0, PARAMETERS, 1): terms_of(rows), (0, PARAMETERS, ABSENT): terms_of(biases)}
    scaling = plain(6)._replace(factor=np.arange(6.0))
    for scaled in (plain(6), scaling):
        ((members, blocks, after),) = contractions(list(range(6)), parts, scaled, places())
        assert members == [0, 3, 1, 4, 2, 5]
        numbers = sum(meaning(block) for _, block in blocks)
        assert dict(zip(members, numbers.tolist())) == {
            r: a + b for r, (a, b) in enumerate(zip(sums(rows, PARAMETERS, 1), sums(biases, PARAMETERS, ABSENT)))
        }
        assert after.factor.tolist() == scaled.factor[members].tolist()
    ((members, [(_, alone)], after),) = contractions(
        list(range(6)), {(0, PARAMETERS, 1): terms_of(rows)}, scaling, places()
    )
    assert dict(zip(members, meaning(alone).tolist())) == dict(enumerate(sums(rows, PARAMETERS, 1)))
    assert after.factor.tolist() == members


def test_a_row_that_is_there_twice_is_a_position_of_its_own() -> None:
    rows = [[(1.0, k, p + k) for k in range(2)] for p in (0, 0, 1, 1, 1)]
    block = only_block(contracted(rows, PARAMETERS, 1))
    assert isinstance(block, Matrix)
    assert block.columns.positions.tolist() == [[0, 1], [0, 1], [1, 2], [1, 2], [1, 2]]


def test_a_single_weight_needs_no_matrix() -> None:
    assert kinds(contracted([[(1.0, 7, k)] for k in (0, 2, 3)], PARAMETERS, 1)) == [["Rows"]]
    assert kinds(contracted([[(1.0, k, p + k) for k in range(2)] for p in range(3)], PARAMETERS, 1)) == [["Matrix"]]


def test_patches_of_parameters_are_not_padded() -> None:
    whole = [[(1.0, k, 20 + p + k) for k in range(3)] for p in range(4)]
    assert kinds(contracted(whole, PARAMETERS, PARAMETERS)) == [["Matrix"]]
    cut_off = [[term for term in row if term[2] < 25] for row in whole]
    for _, blocks, _ in contracted(cut_off, PARAMETERS, PARAMETERS):
        for _, block in blocks:
            assert not any((view.positions == PADDING).any() for view in block.factors)


def test_channels_may_list_their_positions_in_other_orders() -> None:
    rows = [[(1.0, 2 * c + k, p + k) for k in range(2)] for c, p in ((0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0))]
    ((members, [(_, block)], _),) = contracted(rows, PARAMETERS, 1)
    assert isinstance(block, Matrix) and block.columns.positions.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert members == [0, 5, 1, 4, 2, 3]


def test_a_flipped_kernel_reads_the_columns_in_their_order() -> None:
    """This is the convolution of textbooks, Σ w[k] x[p - k], cut off at an edge."""
    rows = [[(1.0, k, p + 2 - k) for k in range(3) if p + 2 - k < 5] for p in range(4)]
    block = only_block(contracted(rows, PARAMETERS, 1))
    assert isinstance(block, Matrix) and block.weights is not None
    assert block.weights.positions.tolist() == [[2, 1, 0]]
    assert block.columns.positions.tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, PADDING]]


WHOLE: list[Row] = [[(1.0, 2 * c + k, 2 * p + k) for k in range(2)] for p in range(3) for c in range(3)]
"""Three channels at three positions of two columns."""


@pytest.mark.parametrize(
    ("reason", "more"),
    [
        ("a weight of its own", [[(1.0, 0, 6), (1.0, 50, 7)]]),
        (
            "the channels differ in which weight belongs to which column",
            [[(1.0, 0, 6), (1.0, 1, 7)], [(1.0, 2, 7), (1.0, 3, 6)]],
        ),
        ("the same term twice", [[(1.0, 0, 6), (1.0, 0, 6)]]),
    ],
)
def test_positions_that_lack_channels_read_the_weights_of_the_others(reason: str, more: list[Row]) -> None:
    rows = [*WHOLE, [(1.0, k, 10 + k) for k in range(2)]]
    assert over_patches(terms_of(rows), len(rows), PARAMETERS, 1) is not None
    rows = [*WHOLE, *more]
    assert over_patches(terms_of(rows), len(rows), PARAMETERS, 1) is None, reason
    contracted(rows, PARAMETERS, 1)


def test_how_much_of_patches_may_be_missing() -> None:
    """At most half of the results may be discarded, and at least three tenths of the columns must exist."""
    for others, is_product in ((3, True), (4, False)):  # 12 results for 6 rows, or 15 for 7
        rows = [*WHOLE[:3], *([(1.0, k, 2 * p + k) for k in range(2)] for p in range(1, 1 + others))]
        assert (over_patches(terms_of(rows), len(rows), PARAMETERS, 1) is not None) == is_product
    for others, is_product in ((3, True), (4, False)):  # 13 of 40 columns, or 14 of 50
        rows = [[(1.0, k, k) for k in range(10)], *([(1.0, 0, 20 + p)] for p in range(others))]
        assert (over_patches(terms_of(rows), len(rows), PARAMETERS, 1) is not None) == is_product


# Products of rows with rows


def scores(queries: int, keys: int, columns: int, c: float = 1.0, heads: int = 1) -> list[Row]:
    """Return the terms of each query times each key, for each head."""
    return [
        [(c, (h * queries + i) * columns + k, (h * keys + j) * columns + k) for k in range(columns)]
        for h in range(heads)
        for i in range(queries)
        for j in range(keys)
    ]


@pytest.mark.parametrize("c", [1.0, -1.0, 0.125])
@pytest.mark.parametrize(
    ("queries", "keys", "columns", "heads"), [(3, 3, 2, 1), (3, 2, 4, 1), (2, 3, 3, 2), (3, 2, 2, 2)]
)
def test_all_pairs_of_rows_are_a_batched_product(queries: int, keys: int, columns: int, heads: int, c: float) -> None:
    block = only_block(contracted(scores(queries, keys, columns, c, heads), 1, 2))
    assert isinstance(block, Product)
    assert block.coefficients == c
    assert block.shape == (heads, queries, keys)
    assert block.left.positions.tolist() == np.arange(heads * queries * columns).reshape(heads, queries, -1).tolist()
    assert block.right.positions.tolist() == np.arange(heads * keys * columns).reshape(heads, keys, -1).tolist()
    assert block.place is None


def test_all_pairs_need_no_padding() -> None:
    assert kinds(contracted(scores(3, 2, 2), 1, 2, padded=False)) == [["Product"]]


def test_columns_are_those_that_are_multiplied() -> None:
    """The last number of each key is multiplied by the first one of the query."""
    rows = [[(1.0, 2 * i + k, 2 * j + 1 - k) for k in range(2)] for i in range(3) for j in range(3)]
    block = only_block(contracted(rows, 1, 2))
    assert isinstance(block, Product) and block.shape == (1, 3, 3)


def test_pairs_in_the_order_of_the_right_factors_are_the_transposed_product() -> None:
    by_query = scores(3, 2, 2)
    by_key = [by_query[2 * i + j] for j in range(2) for i in range(3)]
    block = only_block(contracted(by_key, 1, 2))
    assert isinstance(block, Product)
    assert (block.left.source, block.right.source, block.shape) == (2, 1, (1, 2, 3))
    scaled = only_block(contracted([[(0.5, i, k) for _, i, k in row] for row in by_key], 1, 2))
    assert isinstance(scaled, Product)
    assert (scaled.left.source, scaled.right.source, scaled.shape) == (1, 2, (1, 3, 2))


def test_rows_are_ranked_by_their_positions() -> None:
    """The query at the lower positions is row 0, even if it is used last."""
    rows = scores(2, 2, 2)[::-1]
    block = only_block(contracted(rows, 1, 2))
    assert isinstance(block, Product)
    assert block.left.positions.tolist() == [[[0, 1], [2, 3]]]
    assert block.right.positions.tolist() == [[[0, 1], [2, 3]]]


def test_causal_pairs_are_a_product_some_of_whose_results_are_discarded() -> None:
    causal = [row for n, row in enumerate(scores(4, 4, 2)) if n % 4 <= n // 4]
    ((members, [(_, block)], _),) = contracted(causal, 1, 2)
    assert isinstance(block, Product) and block.shape == (1, 4, 4)
    pattern = [[PADDING if j > i else 0 for j in range(4)] for i in range(4)]
    assert [i == PADDING for i in members] == [x == PADDING for row in pattern for x in row]
    assert kinds(contracted(causal, 1, 2, padded=False)) == [["Rows"]]


def test_causal_sums_of_values_are_a_product_with_zeros() -> None:
    """Row i is Σ w[i, t] v[t, c] over t <= i."""
    rows = [[(1.0, 4 * i + t, 3 * t + c) for t in range(i + 1)] for i in range(4) for c in range(3)]
    block = only_block(contracted(rows, 1, 2))
    assert isinstance(block, Product) and block.shape == (1, 4, 3)
    assert block.left.positions.tolist() == [[[4 * i + t if t <= i else PADDING for t in range(4)] for i in range(4)]]
    assert block.right.positions.tolist() == [[[3 * t + c for t in range(4)] for c in range(3)]]
    assert not any("Product" in row for row in kinds(contracted(rows, 1, 2, padded=False)))


def test_windows_are_a_batch_for_each_row_on_the_left() -> None:
    """Each of eight queries is multiplied by itself and the two keys before it, where there are any."""
    rows = [[(1.0, 2 * i + k, 4 + 2 * j + k) for k in range(2)] for i in range(8) for j in range(max(0, i - 2), i + 1)]
    block = only_block(contracted(rows, 1, 2))
    assert isinstance(block, Product) and block.shape == (8, 1, 3)
    assert block.left.positions.tolist() == [[[2 * i, 2 * i + 1]] for i in range(8)]
    assert block.right.positions[2:].tolist() == [
        [[4 + 2 * (i - d) + k for k in range(2)] for d in (2, 1, 0)] for i in range(2, 8)
    ]


@pytest.mark.parametrize(
    "neighbours",
    [
        [[0, 1, 5], [1, 3, 6], [2, 3, 4], [0, 3, 7], [1, 4, 5], [0, 5, 6], [2, 6, 7], [1, 2, 7]],
        [[0, 1, 5], [1, 3], [2, 3], [0, 4], [4, 5], [0, 6], [2, 7], [1, 7]],
    ],
)
def test_windows_at_other_distances_are_no_product(neighbours: list[list[int]]) -> None:
    """Windows whose distances differ, or of which only one is complete, do not form a product."""
    rows = [[(1.0, 2 * i + k, 2 * j + k) for k in range(2)] for i, some in enumerate(neighbours) for j in some]
    assert kinds(contracted(rows, 1, 2)) == [["Rows"]]


TORN: list[Row] = [
    *([(1.0, 1, 1), (1.0, 3, 3)], [(1.0, 2, 2), (1.0, 3, 4)]),
    *([(1.0, a, y), (1.0, a + 1, y + 2)] for a in (5, 7, 9) for y in (1, 2)),
]
"""Four rows on the left times two on the right, but for the first number of the first row, which is 1 or 2."""


@pytest.mark.parametrize(
    ("reason", "rows"),
    [
        ("factors are not shared", [[(1.0, 3 * j + k, 3 * j + k) for k in range(3)] for j in range(4)]),
        ("coefficients differ", [[(1.0 + k, i, k) for _, i, k in row] for row in scores(3, 3, 2)]),
        ("single terms", [[(1.0, i, j)] for i in range(3) for j in range(3)]),
        ("the same pair twice", [*scores(3, 3, 2), *scores(3, 3, 2)]),
        ("a row on the left would have two numbers at one place", TORN),
        ("the same term twice", [[*row, row[0]] for row in scores(3, 3, 2)]),
    ],
)
def test_what_is_no_product_of_rows_with_rows(reason: str, rows: list[Row]) -> None:
    assert as_product(terms_of(rows), len(rows), 1, 2) is None, reason


def test_pairs_that_are_too_few_are_no_product() -> None:
    """At least eight of the 16 pairs of four rows must be read."""
    rows = scores(4, 4, 2)
    for count, is_product in ((8, True), (7, False)):
        some = [rows[n] for n in (0, 1, 6, 7, 8, 10, 13, 15)[:count]]
        assert (as_product(terms_of(some), count, 1, 2) is not None) == is_product


# Sums of single factors


def test_constants_over_the_same_columns_are_a_matrix() -> None:
    rows = [[(1.0 + j * k, k, ABSENT) for k in range(3)] for j in range(2)]
    block = only_block(contracted(rows, 1, ABSENT))
    assert isinstance(block, Matrix) and block.weights is None
    assert np.array_equal(block.coefficients, [[1, 1, 1], [1, 2, 3]])
    assert block.columns.positions.tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("reason", "rows"),
    [
        ("one coefficient", [[(1.0, k, ABSENT) for k in range(3)] for _ in range(2)]),
        ("one row", [[(1.0 + k, k, ABSENT) for k in range(3)]]),
        ("one term", [[(1.0 + j, 0, ABSENT)] for j in range(3)]),
        ("other columns", [[(1.0 + k, 10 * j + (j + 1) * k, ABSENT) for k in range(3)] for j in range(3)]),
    ],
)
def test_what_is_no_constant_matrix(reason: str, rows: list[Row]) -> None:
    many = contracted(rows, 1, ABSENT)
    assert {kind for row in kinds(many) for kind in row} == {"Rows"}, reason


@pytest.mark.parametrize("padded", [True, False])
def test_prefixes_are_a_table_with_padding_or_a_triangle_of_ones(padded: bool) -> None:
    rows = [[(1.0, k, ABSENT) for k in range(j + 1)] for j in range(4)]
    block = only_block(contracted(rows, 1, ABSENT, padded))
    if padded:
        assert isinstance(block, Matrix) and block.weights is None
        assert np.array_equal(block.coefficients, np.tri(4))
    else:
        assert isinstance(block, Rows)
        assert (block.left.positions != PADDING).tolist() == np.tri(4, dtype=bool).tolist()


def test_rows_of_many_lengths_are_a_padded_table_but_for_parameters() -> None:
    lengths = [2, 3, 4, 3, 2]
    rows = [[(1.0 + j, (11 * j + 3 * k) % 50, (5 * j + 7 * k) % 50) for k in range(n)] for j, n in enumerate(lengths)]
    block = only_block(contracted(rows, 1, 2))
    assert isinstance(block, Rows) and block.left.positions.shape == (5, 4)
    assert isinstance(block.coefficients, np.ndarray)
    single = [[(1.0, i, ABSENT) for _, i, _ in row] for row in rows]
    (one,) = contracted(single, 1, ABSENT)
    assert kinds([one]) == [["Rows"]]
    assert len(contracted(single, PARAMETERS, ABSENT)) == 3


# Stencils


def split(c: Any, left: Any, right: Any = None) -> int:
    """Return the number of blocks into which a sum row by row is split, after checking that they mean the same."""
    block = Rows(c, View(1, np.array(left)), None if right is None else View(PARAMETERS, np.array(right)))
    blocks = split_stencil(block, [WIDTH, WIDTH])
    assert sum(meaning(one) for one in blocks).tolist() == meaning(block).tolist()
    assert len(blocks) == 1 or all(isinstance(one, Rows) and one.left.positions.shape[1] == 1 for one in blocks)
    return len(blocks)


def test_neighbours_are_slices_of_their_own() -> None:
    def cells(rows: int, terms: int) -> list[list[int]]:
        return [[p + k for k in range(terms)] for p in range(rows)]

    assert split(1.0, cells(12, 3)) == 3
    assert split(np.tile([1.0, -2.0, 0.5], (12, 1)), cells(12, 3)) == 3
    assert split(1.0, cells(4, 9)) == 9
    assert split(1.0, cells(4, 10)) == 1, "too many terms"
    assert split(1.0, cells(1, 3)) == 1, "one row"
    assert split(1.0, cells(8, 3)[::-1]) == 3, "rows may be in any order"
    assert split(1.0, cells(5, 3), [[7, 8, 9]] * 5) == 3, "each with a weight of its own"
    assert split(1.0, [[7, 8, 9]] * 5) == 1, "the same for all rows"
    assert split(1.0, [[0, 1], [2, 3], [4, 5]]) == 1, "a slice together"
    assert split(1.0, [[0, 3], [1, 4], [2, 5]]) == 1, "transposed axes together"
    assert split(1.0, [[0, 1], [1, 4], [2, 3]]) == 1, "no slices"


def test_differences_are_two_blocks_wherever_their_terms_lie() -> None:
    scattered = [[4, 9], [2, 0], [7, 3]]
    assert split(np.array([[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]]), scattered) == 2
    assert split(np.array([[1.0, -1.0], [-1.0, 1.0], [1.0, -2.0]]), scattered) == 1
    assert split(1.0, scattered) == 1
    assert split(np.array([[1.0, -1.0]]), scattered[:1]) == 1
    assert split(np.array([[1.0, -1.0, 2.0], [-1.0, 1.0, 2.0]]), [[4, 9, 1], [2, 0, 8]]) == 1
    assert split(np.array([[1.0, -1.0], [-1.0, 1.0]]), scattered[:2], [[1, 5], [6, 2]]) == 1


def of_lengths(lengths: Sequence[int]) -> list[Row]:
    """Rows of so many numbers that lie anywhere."""
    chance = random.Random(1)
    return [[(1.0, k, 0) for k in chance.sample(range(WIDTH), length)] for length in lengths]


def test_short_and_long_rows_in_turn_are_two_tables() -> None:
    """Each is padded to its longest row, even if rows of equal length are adjacent in it."""
    many = contracted(of_lengths([1, 9, 1, 1, 8, 1, 2, 1, 9, 2, 2]), 1, ABSENT)
    assert [one.members for one in many] == [[0, 2, 3, 5, 6, 7, 9, 10], [1, 4, 8]]
    assert kinds(many) == [["Rows"], ["Rows"]]


@pytest.mark.parametrize(
    ("left", "right", "buckets"),
    [
        (1, ABSENT, [[0, 2, 3, 5, 6, 7], [1, 4]]),
        (1, 2, [[0, 2, 3, 5, 6, 7], [1, 4]]),
        (PARAMETERS, ABSENT, [[0, 2, 3, 6, 7], [1], [4], [5]]),
        (1, PARAMETERS, [[0, 2, 3, 6, 7], [1], [4], [5]]),
    ],
)
def test_rows_of_similar_lengths_are_padded_unless_they_have_parameters(
    left: int, right: int, buckets: list[list[int]]
) -> None:
    rows = [[(c, i, max(right, 0)) for c, i, _ in row] for row in of_lengths([1, 9, 1, 1, 8, 2, 1, 1])]
    assert by_similar_lengths({(0, left, right): terms_of(rows)}, 8, gathers=True) == buckets


def test_slots_and_arrays_are_blocks_of_their_own() -> None:
    rows = layer(2, 3)
    parts = {(slot, PARAMETERS, right): terms_of(rows) for slot, right in itertools.product((0, 1), (1, 2))}
    ((_, blocks, _),) = contractions([0, 1], parts, plain(2), places())
    assert [slot for slot, _ in blocks] == [0, 0, 1, 1]
    assert [block.columns.source for _, block in blocks if isinstance(block, Matrix)] == [1, 2, 1, 2]
