"""Guards of operands: each mask holds where the members' conditions do, in the layout of the operand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import PADDING, N
from autograd.compiler.names import Names
from autograd.compiler.recover.groups import PARAMETERS, Application, Grouping, SumOfProducts
from autograd.compiler.recover.guards import COLUMNS, ROWS, SUMMED, Guards, Layout
from autograd.compiler.recover.read import Reader
from autograd.compiler.recover.sums.blocks import Block, Matrix, Product, Rows, View
from autograd.compiler.scalars.builder import Builder as ScalarBuilder
from autograd.compiler.scalars.columns import Guards as Conditions

X = np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
"""The argument, nodes 0 to 3: conditions that depend on the sample."""

P = np.array([1.0, 0.0, 0.0, 1.0])
"""An array that does not, nodes 4 to 7."""

SAMPLES, NODES, NEVER = len(X), 30, -2


class Program:
    """A program that reads conditions, and its guards.

    Args:
        conditions: the condition of each of the nodes from 10 on: a node, NEVER, or None if it is always reached.
    """

    def __init__(self, conditions: Sequence[int | None]) -> None:
        of = {10 + k: i for k, i in enumerate(conditions) if i is not None and i != NEVER}
        unreached = frozenset([10 + k for k, i in enumerate(conditions) if i == NEVER])
        guards = Conditions(0, MappingProxyType(of), frozenset([10]), unreached)
        scalars = replace(ScalarBuilder([4], 4).program([0]), guards=guards)
        source, position = np.full(NODES, -1), np.zeros(NODES, dtype=np.int64)
        source[:8], position[:8] = [2] * 4 + [1] * 4, [*range(4), *range(4)]
        source[-1] = 2  # another node of the last array
        widths, batched = (4, 4, 4), (False, False, True)
        grouping = Grouping(scalars, (), source, position, np.zeros(NODES), widths, batched, {})
        self.builder = Builder()
        x = self.builder.argument("x", 4)
        self.reader = Reader(self.builder, grouping, Names([]), [self.builder.constant(P), x])
        self.guards = Guards(self.reader)

    def value(self, x: Handle) -> Any:
        return self.builder.program([x], masks=[x]).verify().evaluate({"x": X})[0]


def group(members: Sequence[int], batched: bool = True) -> Application:
    return Application(3, tuple(members), batched, primitives.sqrt, (View(1, np.zeros(len(members), dtype=np.int64)),))


def expected_mask(conditions: Sequence[int | None], batched: bool) -> Any:
    """Return a row for each sample, or one row if the operand has no samples: it is reached if it is for any."""
    columns: dict[int | None, Any] = {None: np.ones(SAMPLES), NEVER: np.zeros(SAMPLES)}
    columns.update(enumerate((*X.T, *np.broadcast_to(P, (SAMPLES, 4)).T)))
    mask = np.stack([columns[i] for i in conditions], axis=1)
    return mask if batched else mask.max(axis=0, keepdims=True)


@pytest.mark.parametrize("layout", [COLUMNS, ROWS, SUMMED])
@pytest.mark.parametrize("seed", range(60))
def test_masks_hold_where_the_conditions_do(seed: int, layout: Layout) -> None:
    chance = random.Random(seed)
    kinds: list[int | None] = chance.choice(
        [[chance.randrange(8)], [None], [None, NEVER], [0, 1, 2, 3], [4, 5, 6, 7], [None, NEVER, *range(8)]]
    )
    conditions = [chance.choice(kinds) for _ in range(chance.randint(1, 4))]
    batched = chance.random() < 0.6
    program = Program(conditions)
    own = group(range(10, 10 + len(conditions)), batched)
    width = len(conditions)
    lengths = {COLUMNS: (width,), ROWS: (width, 3), SUMMED: (3,)}[layout]
    x = program.builder.constant(np.ones(lengths))
    if batched:
        x = program.builder.broadcast(x, (N, *lengths))
    guarded = program.guards.reached(own, x, layout)
    narrow = program.guards.reached(own, program.builder.constant(np.ones([1] * len(lengths))), layout)
    is_always = set(conditions) == {None}
    assert program.guards.always_reached(own) == is_always
    if is_always:
        assert guarded is x and program.guards.masks() == []
        return
    (mask,) = program.guards.masks()
    expected = expected_mask(conditions, batched)
    if layout == ROWS:
        expected = expected[:, :, None]
    if layout == SUMMED:
        expected = expected.max(axis=1, keepdims=True)
    value = program.value(mask)
    shape = (SAMPLES if batched else 1, *lengths)
    np.testing.assert_array_equal(np.broadcast_to(value, shape), np.broadcast_to(expected, shape))
    needs_samples = batched and any(i in range(4) for i in conditions)
    assert (len(mask.shape) == len(lengths) + 1) == needs_samples, "a row for each sample only if it depends on it"
    assert guarded.shape == x.shape
    assert narrow.shape == mask.shape
    assert guarded.operation.kind == "guard" and guarded.operation.attribute == 0
    if len(set(conditions)) == 1:
        assert mask.shape[-2 if layout == ROWS else -1] == 1, "one column for all members"
        assert mask.operation.kind != "reduce" or not batched


def test_equal_masks_share_a_number() -> None:
    program = Program([0, 1, 0])
    x = program.builder.argument("y", 2)
    first, second = group([10, 11]), group([12, 11])
    numbers = [
        program.guards.reached(one, x, layout).operation.attribute
        for one in (first, second)
        for layout in (COLUMNS, SUMMED)
    ]
    assert numbers == [0, 1, 0, 1]
    assert len(program.guards.masks()) == 2


def test_an_operand_without_samples_is_broadcast_to_its_guard() -> None:
    program = Program([0, 1])
    guarded = program.guards.reached(group([10, 11]), program.builder.constant(np.array([3.0])))
    assert guarded.shape == (N, 2)


def test_padding_lanes_take_the_conditions_of_their_neighbours() -> None:
    """Then the mask has few pieces. A lane before the first member counts as reached."""
    program = Program([1, 1, 3])
    program.guards.reached(group([10, PADDING, 11, PADDING, 12, PADDING]), program.builder.constant(np.ones(6)))
    (mask,) = program.guards.masks()
    assert program.value(mask).tolist() == X[:, [1, 1, 1, 1, 3, 3]].tolist()
    program = Program([1])
    program.guards.reached(group([PADDING, 10, PADDING]), program.builder.constant(np.ones(3)))
    (mask,) = program.guards.masks()
    assert program.value(mask).tolist() == [[1.0, *row] for row in X[:, [1, 1]].tolist()]
    assert Program([None]).guards.always_reached(group([0, 10, PADDING]))


def test_choices_are_careful() -> None:
    guards = Program([None]).guards
    assert guards.is_careful(group([9, 10])) and not guards.is_careful(group([9, 11]))


def rows(left: int, right: int | None, terms: int = 1) -> Rows:
    positions = np.zeros((1, terms), dtype=np.int64)
    return Rows(1.0, View(left, positions), None if right is None else View(right, positions))


MATRIX = Matrix(
    1.0, View(PARAMETERS, np.zeros((3, 1), dtype=np.int64)), View(2, np.zeros((1, 1), dtype=np.int64)), None
)
WIDE = Matrix(1.0, View(PARAMETERS, np.zeros((1, 2), dtype=np.int64)), View(2, np.zeros((1, 2), dtype=np.int64)), None)
PRODUCT = Product(1.0, View(2, np.zeros((1, 1, 2), dtype=np.int64)), View(1, np.zeros((1, 2, 2), dtype=np.int64)), None)
WEIGHTED, SQUARE, PLAIN = rows(PARAMETERS, 2), rows(2, 2), rows(2, None)


@pytest.mark.parametrize(
    ("blocks", "is_guarded"),
    [
        ([PLAIN], False),
        ([SQUARE], True),
        ([rows(2, 2, 2)], True),
        ([WEIGHTED], True),
        ([rows(1, 2), PLAIN], True),
        ([rows(PARAMETERS, 2, 2)], False),
        ([WEIGHTED, WEIGHTED], False),
        ([WEIGHTED, MATRIX], False),
        ([WEIGHTED, SQUARE], True),
        ([WEIGHTED, PLAIN], True),
        ([WEIGHTED, PRODUCT], True),
        ([WEIGHTED, PRODUCT, WEIGHTED], False),
        ([SQUARE, WEIGHTED, WEIGHTED], True),
        ([SQUARE, WIDE], True),
        ([PLAIN, WIDE], False),
    ],
)
def test_products_are_guarded_unless_they_are_part_of_a_weighted_sum(blocks: Sequence[Block], is_guarded: bool) -> None:
    """A weighted sum of at least two terms is a projection, whose slopes are the weights."""
    program = Program([0])
    x = program.builder.argument("y", 1)
    sums = SumOfProducts(3, (10,), True, tuple(blocks), (0,) * len(blocks))
    first = blocks[0]
    assert isinstance(first, Rows)
    assert (program.guards.factor(sums, first, x) is not x) == is_guarded
    if is_guarded:
        assert program.guards.factor(sums, first, program.builder.argument("z", 3), SUMMED).shape == (N, 3)
