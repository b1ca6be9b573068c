"""Groups with their members in another order, or adapted to reordered operands: each member computes what it did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import (
    Application,
    Choice,
    Concatenation,
    Group,
    LookUps,
    Reduction,
    RunningSum,
    SumOfProducts,
)
from autograd.compiler.recover.loops.repetitions import LoopResult, Repetition
from autograd.compiler.recover.reorder import renumbered, reordered, reordered_block
from autograd.compiler.recover.sums.blocks import Block, Matrix, Product, Rows, View
from autograd.compiler.scalars.lookups import Table

NUMBERS = np.array([0.5, 0.25, 0.125, 2.0])
WEIGHTS, X = np.array([7.0, -3.0, 11.0, 5.0, 1.5, 0.1]), np.array([2.0, 13.0, -17.0, 19.0, 0.3, 23.0])


def view(source: int, *positions: Any) -> View:
    return View(source, np.array(positions))


def value(x: View | None) -> Any:
    """Return the numbers that a view reads, 0 at PADDING."""
    if x is None:
        return 1.0
    return np.where(x.positions == PADDING, 0.0, (WEIGHTS, X)[x.source][x.positions])


def computed(block: Block) -> list[float]:
    """Return the results of a block, in the order of its rows."""
    if isinstance(block, Rows):
        return (block.coefficients * value(block.left) * value(block.right)).sum(axis=1).tolist()  # type: ignore[no-any-return]
    if isinstance(block, Matrix):
        matrix = block.coefficients * (value(block.weights) if block.weights else 1.0)
        results = (value(block.columns) @ np.transpose(matrix)).reshape(-1)
    else:
        results = (block.coefficients * value(block.left) @ value(block.right).transpose(0, 2, 1)).reshape(-1)
    return (results if block.place is None else results[block.place]).tolist()  # type: ignore[no-any-return]


ROWS = Rows(
    np.arange(1.0, 9.0).reshape(4, 2), view(0, [0, 1], [2, 3], [1, 4], [5, 2]), view(1, *([k, 5] for k in range(4)))
)
ONE = Rows(-2.0, view(1, [3], [0], [2], [1]), None)
LAYER = Matrix(1.0, view(0, [0, 1], [2, 3], [4, 5], [1, 3]), view(1, [2, 4]), None)
SCALED = LAYER._replace(coefficients=np.arange(1.0, 9.0).reshape(4, 2))
CONSTANT = Matrix(np.arange(1.0, 9.0).reshape(4, 2), None, view(1, [2, 4]), None)
PATCHES = Matrix(1.0, view(0, [0, 1], [2, 3]), view(1, [0, 1], [1, 2]), None)
CONSTANT_PATCHES = Matrix(np.array([[1.0, 2.0], [3.0, 5.0]]), None, view(1, [0, 1]), np.array([1, 0, 0, 1]))
PLACED = PATCHES._replace(place=np.array([3, 0, 1, 2]))
PRODUCT = Product(-1.0, view(1, [[0, 1], [2, 3]]), view(1, [[4, 5], [1, 3]]), np.array([2, 3, 1, 0]))


@pytest.mark.parametrize("block", [ROWS, ONE, LAYER, SCALED, CONSTANT, PLACED, CONSTANT_PATCHES, PRODUCT])
@pytest.mark.parametrize("order", [[2, 0, 1, 3], [3, 2, 1, 0], [1, 2, 3, 0]])
def test_the_rows_of_a_block_move(block: Block, order: list[int]) -> None:
    before, after = computed(block), computed(reordered_block(block, np.array(order)))
    assert after == [before[r] for r in order]


def test_a_product_in_order_needs_no_places() -> None:
    after = reordered_block(PLACED, np.array([1, 2, 3, 0]))
    assert isinstance(after, Matrix) and after.place is None
    placed = reordered_block(PLACED, np.array([1, 2, 0, 3]))
    assert isinstance(placed, Matrix) and placed.place is not None
    some = reordered_block(PLACED, np.array([1, 2, 3]))
    assert isinstance(some, Matrix) and some.place is not None, "there are four results"
    with pytest.raises(ValueError, match="product cannot be reordered"):
        reordered_block(PRODUCT._replace(place=None), np.arange(4))


@pytest.mark.parametrize("order", [[1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0], [0, 1, 2, 3]])
def test_over_patches_channels_and_positions_move(order: list[int]) -> None:
    after = reordered_block(PATCHES, np.array(order))
    assert isinstance(after, Matrix) and after.place is None
    assert computed(after) == [computed(PATCHES)[r] for r in order]
    three = PATCHES._replace(weights=view(0, [0, 1], [2, 3], [4, 5]))
    assert computed(reordered_block(three, np.array([5, 4, 3, 2, 1, 0]))) == computed(three)[::-1]


def test_all_numbers_of_a_group_move() -> None:
    order = np.array([2, 0, 3, 1])
    group = SumOfProducts(5, (10, 11, 12, 13), True, (ROWS, ONE), (0, 1), NUMBERS, True, NUMBERS + 1.0, NUMBERS + 2.0)
    after = reordered(group, order)
    assert isinstance(after, SumOfProducts)
    assert after.members == (12, 10, 13, 11)
    for n, numbers in enumerate((after.constant, after.factor, after.divisor)):
        assert np.array_equal(numbers, (NUMBERS + n)[order])
    assert [computed(b) for b in after.blocks] == [[computed(b)[r] for r in order] for b in (ROWS, ONE)]
    plain = reordered(group._replace(constant=0.5, factor=2.0, divisor=3.0), order)
    assert isinstance(plain, SumOfProducts) and (plain.constant, plain.factor, plain.divisor) == (0.5, 2.0, 3.0)


def test_members_keep_what_they_read() -> None:
    order, members = np.array([1, 2, 0]), (10, 11, 12)
    table, indices = view(1, [0, 1], [2, 3], [4, 5]), view(2, 5, 6, 7)
    applied = reordered(Application(5, members, True, primitives.maximum, (indices, NUMBERS[:3], 0.5)), order)
    assert isinstance(applied, Application) and applied.members == (11, 12, 10)
    first, second, third = applied.operands
    assert isinstance(first, View) and first.positions.tolist() == [6, 7, 5]
    assert isinstance(second, np.ndarray) and second.tolist() == [0.25, 0.125, 0.5] and third == 0.5
    reduction = reordered(Reduction(5, members, True, primitives.max_, table), order)
    assert isinstance(reduction, Reduction)
    choice = reordered(Choice(5, members, True, table, indices), order)
    assert isinstance(choice, Choice)
    for group in (reduction, choice):
        assert (group.members, group.view.positions.tolist()) == ((11, 12, 10), [[2, 3], [4, 5], [0, 1]])
    assert choice.indices.positions.tolist() == [6, 7, 5]


TABLE = Table("t0", np.array([[3], [4]]), np.zeros((2, 1)), False, frozenset())
NOTHING = np.zeros(0, dtype=np.int64)


@pytest.mark.parametrize(
    "group",
    [
        Concatenation(5, (10, 11), True, (view(1, 0), view(1, 1))),
        RunningSum(5, (10, 11), True, view(1, [0, 1])),
        LookUps(5, (10, 11), True, TABLE, np.array([0]), view(1, 0, 1)),
        Repetition(5, (), True, 3, (), (), (), NOTHING, None, ()),
        LoopResult(5, (10, 11), True, 6, 0, False),
    ],
)
def test_other_groups_have_a_fixed_order(group: Group) -> None:
    with pytest.raises(TypeError, match="cannot be reordered"):
        reordered(group, np.array([1, 0][: len(group.members)], dtype=np.int64))


NUMBER = np.array([3, 5, 0, 2, 1, 4, PADDING])  # the last: padding stays padding
"""The current position of each element of source 1."""


@pytest.mark.parametrize("block", [ROWS, ONE, LAYER, CONSTANT, PATCHES, PLACED, PRODUCT])
def test_blocks_read_elements_where_they_are_now(block: Block) -> None:
    """Whether the argument or the weights moved."""
    global X, WEIGHTS
    before = computed(block)
    for source in (0, 1):
        group = renumbered(SumOfProducts(5, (), True, (block,), (0,)), source, NUMBER)
        assert isinstance(group, SumOfProducts)
        x, weights = X, WEIGHTS
        moved = np.zeros(6)
        moved[NUMBER[:6]] = (WEIGHTS, X)[source]
        X, WEIGHTS = (moved, WEIGHTS) if source else (X, moved)
        after = computed(group.blocks[0])
        X, WEIGHTS = x, weights
        np.testing.assert_allclose(after, before, rtol=1e-14)


def block_after(block: Block) -> Block:
    group = renumbered(SumOfProducts(5, (), True, (block,), (0,)), 1, NUMBER)
    assert isinstance(group, SumOfProducts)
    return group.blocks[0]


def test_terms_are_read_in_the_order_of_the_array() -> None:
    """The order of the right factors decides in rows; in products, that of the fullest row."""
    after = block_after(ROWS)
    assert isinstance(after, Rows) and after.right is not None
    assert after.right.positions.tolist() == [sorted(row) for row in after.right.positions.tolist()]
    single = block_after(Rows(1.0, view(1, [0, 1, 2], [3, 4, 5]), None))
    assert isinstance(single, Rows) and single.left.positions.tolist() == [[0, 3, 5], [1, 2, 4]]
    ties = block_after(Rows(1.0, view(0, [3, 2, 5]), view(1, [0, 0, 1])))
    assert isinstance(ties, Rows) and ties.left.positions.tolist() == [[2, 3, 5]]
    rows = [PADDING, 0, 1], [PADDING, 1, 2], [0, 1, 2], [1, 2, PADDING]
    patches = block_after(Matrix(1.0, view(0, [0, 1, 2]), view(1, *rows), None))
    assert isinstance(patches, Matrix) and patches.weights is not None
    assert patches.weights.positions.tolist() == [[2, 0, 1]]
    assert patches.columns.positions.tolist() == [[5, PADDING, 3], [0, PADDING, 5], [0, 3, 5], [PADDING, 5, 0]]
    product = block_after(Product(1.0, view(0, [[0, 1, 2]]), view(1, [*rows]), None))
    assert isinstance(product, Product)
    assert product.left.positions.tolist() == [[[2, 0, 1]]]
    assert product.right.positions.tolist() == [patches.columns.positions.tolist()]


def test_readers_of_every_kind_read_the_renumbered_source() -> None:
    def read(group: Any, source: int = 1) -> Any:
        return renumbered(group, source, NUMBER)

    table = view(1, [0, 1, PADDING], [2, 3, 4])
    assert read(Reduction(5, (10, 11), True, primitives.max_, table)).view.positions.tolist() == [
        [PADDING, 3, 5],
        [0, 1, 2],
    ]
    other = Reduction(5, (10, 11), True, primitives.max_, view(2, [1, 0]))
    assert read(other) is other
    running = read(RunningSum(5, (10, 11), True, view(1, [0, 1])))
    assert running.view.positions.tolist() == [[3, 5]], "in its order"
    assert read(LookUps(5, (10,), True, TABLE, np.array([0]), view(1, 0))).indices.positions.tolist() == [3]
    choice = read(Choice(5, (10,), True, view(1, [0, 1]), view(1, 2)))
    assert (choice.view.positions.tolist(), choice.indices.positions.tolist()) == ([[3, 5]], [0])
    loop = Repetition(5, (), True, 3, (view(1, 0), NUMBERS), (view(2, 1), view(1, 1)), (view(1, 2),), NOTHING, None, ())
    after = read(loop)
    assert after.states[0].positions.tolist() == [3] and after.states[1] is NUMBERS
    assert [x.positions.tolist() for x in (*after.read, *after.same)] == [[1], [5], [0]]
    result = LoopResult(5, (10, 11), True, 6, 0, False)
    assert read(result) is result
    joined = read(Concatenation(5, (10, 11), True, (view(1, 0), view(2, 1))))
    assert [x.positions.tolist() for x in joined.pieces] == [[3], [1]]
    applied = read(Application(5, (10, 11), True, primitives.maximum, (view(1, 0, 1), 0.5)))
    assert (applied.operands[0].positions.tolist(), applied.operands[1]) == ([3, 5], 0.5)
