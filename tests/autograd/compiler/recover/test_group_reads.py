"""Reads of groups, and which groups are padded or wide: each kind of group, written by hand."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import (
    CONSTANT,
    PARAMETERS,
    Application,
    Choice,
    Concatenation,
    Group,
    Grouping,
    LookUps,
    Places,
    Reduction,
    RunningSum,
    SumOfProducts,
    is_padded,
    is_wide,
    padded_product,
    single_views,
    tables,
    views,
)
from autograd.compiler.recover.loops.repetitions import LoopResult, Repetition
from autograd.compiler.recover.sums.blocks import Matrix, Product, Rows, View, has_padding
from autograd.compiler.scalars.lookups import Table
from autograd.compiler.scalars.nodes import ABSENT

NUMBERS = np.array([0.5, 0.25])


def view(source: int, *positions: Any) -> View:
    return View(source, np.array(positions))


TWO_ROWS = Table("t0", np.array([[3], [4]]), np.zeros((2, 1)), False, frozenset())
COLUMN = Rows(1.0, view(1, [0], [1]), view(2, [1], [0]))
TABLE = Rows(1.0, view(1, [0, 1], [1, 2]), None)
MATRIX = Matrix(1.0, view(PARAMETERS, [0, 1], [2, 3]), view(1, [0, 1]), None)
PRODUCT = Product(1.0, view(1, [[0, 1], [2, 3]]), view(2, [[4, 5], [6, 7]]), None)


def sums_of(*blocks: Any, members: tuple[int, ...] = (10, 11)) -> SumOfProducts:
    return SumOfProducts(5, members, True, blocks, (0,) * len(blocks))


def loop_of(*groups: Group) -> Repetition:
    nothing = np.zeros(0, dtype=np.int64)
    body = Grouping(None, groups, nothing, nothing, np.zeros(0), (), (), {})  # type: ignore[arg-type]
    return Repetition(6, (), True, 3, (view(1, 0),), (NUMBERS, view(2, 1)), (view(3, 2),), nothing, body, ())


READS: list[tuple[Group, list[int]]] = [
    (Application(5, (10, 11), True, primitives.maximum, (view(1, 0, 1), 0.5, NUMBERS, view(2, 1, 0))), [1, 2]),
    (Reduction(5, (10,), True, primitives.max_, view(3, [0, 1])), [3]),
    (RunningSum(5, (10, 11), True, view(4, [0, 1])), [4]),
    (sums_of(COLUMN, TABLE, MATRIX, PRODUCT), [1, 2, 1, 0, 1, 1, 2]),
    (Concatenation(5, (10, 11), True, (view(2, 0), view(1, 1))), [2, 1]),
    (LookUps(5, (10, 11), True, TWO_ROWS, np.array([0]), view(3, 0)), [3]),
    (Choice(5, (10,), True, view(2, [0, 1]), view(3, 0)), [2, 3]),
    (loop_of(), [1, 2, 3]),
    (LoopResult(5, (10,), True, 6, 0, False), []),
]


@pytest.mark.parametrize(("group", "sources"), READS, ids=[type(group).__name__ for group, _ in READS])
def test_the_views_of_a_group(group: Group, sources: list[int]) -> None:
    assert [one.source for one in views(group)] == sources
    for source in range(5):
        assert [one.source for one in views(group, source)] == [source] * sources.count(source)


def test_views_with_one_element_for_each_member() -> None:
    assert single_views(READS[0][0]) == views(READS[0][0])
    one, other = single_views(sums_of(TABLE, COLUMN, MATRIX))
    assert (one.source, one.positions.tolist(), other.source, other.positions.tolist()) == (1, [0, 1], 2, [1, 0])
    assert [single_views(group) for group, _ in READS[1:3]] == [[], []]


def test_views_that_are_reduced_row_by_row() -> None:
    table = Reduction(5, (10,), True, primitives.max_, view(3, [0, 1]))
    assert tables(table) == [table.view]
    assert tables(sums_of(COLUMN, TABLE, MATRIX)) == [TABLE.left]
    assert tables(READS[0][0]) == tables(READS[2][0]) == []


def test_products_with_discarded_results() -> None:
    discarded = sums_of(COLUMN, PRODUCT, members=(10, PADDING, 11, 12))
    assert padded_product(discarded) is PRODUCT
    assert padded_product(sums_of(PRODUCT, members=(10, 11, 12, 13))) is None
    assert padded_product(sums_of(MATRIX, members=(10, PADDING))) is None
    assert padded_product(RunningSum(5, (10, PADDING), True, view(4, [0, 1]))) is None


def test_what_multiplies_zeros_by_elements_that_it_does_not_read_is_padded() -> None:
    rows = view(1, [[0, 1], [2, PADDING]])
    constant = Matrix(np.array([[1.0, 0.0], [2.0, 3.0]]), None, view(1, [0, 1]), None)
    triangle = MATRIX._replace(weights=view(PARAMETERS, [0, PADDING], [2, 3]))
    patches = MATRIX._replace(columns=view(1, [0, PADDING]))
    four = (10, 11, 12, 13)
    for group, padded in (
        (sums_of(PRODUCT, members=four), False),
        (sums_of(PRODUCT, members=(10, 11, 12, PADDING)), True),
        (sums_of(PRODUCT._replace(left=rows), members=four), True),
        (sums_of(PRODUCT._replace(right=rows), members=four), True),
        (sums_of(TABLE, MATRIX), False),
        (sums_of(TABLE, MATRIX, members=(10, PADDING)), False),
        (sums_of(constant), True),
        (sums_of(constant._replace(coefficients=constant.coefficients + 1.0)), False),
        (sums_of(TABLE, triangle), True),
        (sums_of(patches), False),  # a padded patch reads a zero
        (sums_of(TABLE._replace(left=view(1, [0, 1], [1, PADDING]))), False),
        (READS[0][0], False),
        (loop_of(READS[0][0], sums_of(constant)), True),
        (loop_of(READS[0][0], sums_of(MATRIX)), False),
    ):
        assert is_padded(group) == padded


def test_an_operation_on_more_than_a_few_numbers_is_wide() -> None:
    """Up to four numbers are few; a concatenation is never wide."""
    one = (10,)
    few, more = view(1, list(range(4))), view(1, list(range(5)))
    for group, wide in (
        (loop_of(), True),
        (LoopResult(5, (10, 11), True, 6, 0, False), False),
        (Application(5, (10, 11), True, primitives.tanh, (view(1, 0, 1),)), True),
        (Application(5, one, True, primitives.tanh, (view(1, 0),)), False),
        (Reduction(5, one, True, primitives.max_, few), False),
        (Reduction(5, one, True, primitives.max_, more), True),
        (sums_of(Rows(1.0, few, None), members=one), False),
        (sums_of(Rows(1.0, more, None), members=one), True),
        (sums_of(Rows(1.0, few, None), MATRIX, members=one), True),
        (Concatenation(5, one, True, (more,)), False),
        (READS[5][0]._replace(members=one), True),
        (Choice(5, one, True, few, view(3, 0)), False),
        (Choice(5, one, True, more, view(3, 0)), True),
    ):
        assert is_wide(group) == wide


def test_views_are_values_that_may_read_padding() -> None:
    one, other = view(1, 0, 1), view(1, 0, PADDING)
    assert has_padding(one, other) and has_padding(other)
    assert not has_padding(one) and not has_padding(one, one)
    assert one[1:].positions.tolist() == [1]
    with pytest.raises(FrozenInstanceError):
        one.source = 2  # type: ignore[misc]


def test_literals_are_in_no_array() -> None:
    assert CONSTANT < PARAMETERS


def test_groups_are_numbered_after_parameters_arguments_and_data() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    widths, batched = (5, 2, 3, 2), (False, True, False, True)
    groups = (Application(3, (10, 11), True, primitives.tanh, (view(1, 0, 1),)),)
    grouping = Grouping(None, groups, nothing, nothing, np.zeros(0), widths, batched, {2: NUMBERS})  # type: ignore[arg-type]
    assert grouping.first == groups[0].source


def test_places_of_absent_factors() -> None:
    places = Places(np.array([0, 1, 1]), np.array([5, 6, 7]), np.zeros(3), [8, 8], [False, True], 3, frozenset({2}))
    nodes = np.array([1, ABSENT, 0, 2])
    assert places.source_of(nodes).tolist() == [1, ABSENT, 0, 1]
    assert places.place_of(nodes).tolist() == [6, 0, 5, 7]
    assert places.may_pad([0, 1]) and not places.may_pad([1, 2])
    assert not places._replace(unpadded=None).may_pad([0])
