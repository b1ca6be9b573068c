"""Padding: rows as a table, the affine map that continues a pattern, and groups on the layout of a padded product."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import Application, Group, Grouping, Reduction, SumOfProducts
from autograd.compiler.recover.padding import (
    _as_full_rows,
    _fewest_tables,
    by_similar_length,
    columns_of_rows,
    filled,
    layout_of,
    on_layout,
    table,
)
from autograd.compiler.recover.padding_values import neutral, padding_values
from autograd.compiler.recover.sums.blocks import Matrix, Product, Rows, View


def view(source: int, *positions: Any) -> View:
    return View(source, np.array(positions))


# Affine maps


@pytest.mark.parametrize("seed", range(60))
def test_an_affine_map_is_found_again_from_some_of_its_elements(seed: int) -> None:
    chance = random.Random(seed)
    shape = tuple(chance.randint(1, 4) for _ in range(chance.randint(1, 3)))
    strides = [chance.randint(-3, 4) for _ in shape]
    everywhere = sum(s * k for s, k in zip(strides, np.indices(shape))) + 40
    known = np.array([chance.random() < 0.8 for _ in range(everywhere.size)]).reshape(shape)
    positions = np.where(known, everywhere, PADDING)
    result = filled(positions, 60)
    if not known.any():
        assert result is None
        return
    pairs = [
        (known & np.roll(known, -1, axis))[tuple(slice(None, -1 if k == axis else None) for k in range(len(shape)))]
        for axis in range(len(shape))
    ]
    if all(pair.any() or length == 1 for pair, length in zip(pairs, shape)):
        assert result is not None and result.tolist() == everywhere.tolist()
        assert (filled(positions, int(everywhere.max())) is None) == (not known.all()), "an element is past the end"
    if result is not None:
        assert (result[known] == positions[known]).all()


def test_maps_within_the_array_only() -> None:
    assert filled(np.array([PADDING, 0, 1]), 9) is None
    assert filled(np.array([PADDING, 1, 2]), 3) is not None
    assert filled(np.array([1, 2, PADDING]), 3) is None
    assert filled(np.array([1, 2, PADDING]), 4) is not None
    assert filled(np.array([0, 2, 3, PADDING]), 9) is None
    assert filled(np.array([PADDING, PADDING]), 9) is None
    assert filled(np.array([7, 7]), 3) is not None, "what has no padding is unchanged"
    assert filled(np.array([4, PADDING]), 9).tolist() == [4, 4]  # type: ignore[union-attr]
    assert filled(np.array([4, PADDING, 6]), 9) is None, "the distance of neighbours is unknown"


# Rows as a table


def rows_of(*lists: list[int]) -> tuple[Any, Any, int]:
    row = np.repeat(np.arange(len(lists)), list(map(len, lists)))
    return row, np.array([x for one in lists for x in one]), len(lists)


def columns(*lists: list[int], width: int = 50, **options: Any) -> list[int] | None:
    row, positions, rows = rows_of(*lists)
    column = columns_of_rows(row, [positions], rows, [width], **options)
    return None if column is None else column.tolist()


def test_rows_are_aligned_so_that_slices_read_them() -> None:
    assert columns([0], [3, 4], [6, 7, 8]) == [0, 0, 1, 0, 1, 2], "on the left"
    assert columns([2], [3, 4, 5], [7, 8]) == [2, 0, 1, 2, 1, 2], "on the right"
    assert columns([1, 2], [3, 4, 5], [6, 7, 8], [9, 11]) == [1, 2, 0, 1, 2, 0, 1, 2, 0, 2], "like the full rows"
    assert columns([6, 8], [10, 12, 14], [16, 18, 20], [24]) == [1, 2, 0, 1, 2, 0, 1, 2, 1]
    assert columns([0, 1], [3, 4, 5], [1, 9, 7]) is None
    assert columns([0, 1], [3, 4, 5], [1, 9, 7], gathers=True) == [0, 1, 0, 1, 2, 0, 1, 2]
    assert columns([0, 3], [7, 8, 9], [4], [1, 2, 5, 6]) == [0, 1, 0, 1, 2, 0, 0, 1, 2, 3], "many lengths are gathered"
    assert columns([3, 4, 5], [6, 7, 8], [9, 10], width=11) is None, "element 11 would be read"
    assert columns([0], [1, 4, 6, 8, 9, 2]) is None
    assert columns([], [3, 4]) is None
    assert columns([0], [7, 5, 3, 2, 30, 11, 6], gathers=True) == [0, *range(7)]
    assert columns([9], [7, 5, 3, 2, 30, 11, 6]) is None, "most of the table would be padding"


def lanes(*lists: list[int]) -> list[int] | None:
    row, positions, rows = rows_of(*lists)
    lane = _as_full_rows(row, positions, np.bincount(row), np.searchsorted(row, np.arange(rows)))
    return None if lane is None else lane.tolist()


def test_shorter_rows_are_parts_of_full_rows() -> None:
    assert lanes([0, 1, 2], [10, 11, 12], [21, 22]) == [0, 1, 2, 0, 1, 2, 1, 2]
    assert lanes([0, 1, 2], [10, 11, 12], [20, 21, 22], [30, 32]) == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 2]
    assert lanes([0, 1], [10, 11], [21]) == [0, 1, 0, 1, 1]
    assert lanes([1], [10, 12], [20], [30, 32]) is None, "not an element of the first row, which would be 0 and 2"
    assert lanes([2], [10, 12], [20], [30, 32]) == [1, 0, 1, 0, 0, 1]
    assert lanes([0, 1, 2], [10, 11, 12], [19, 20]) is None, "before the first element"
    assert lanes([0, 1, 2], [10, 11, 12], [22, 23]) is None, "after the last one"
    assert lanes([0, 1, 2], [10, 11, 12], [20, 20]) is None, "twice the same"
    assert lanes([0, 2, 4], [10, 12, 14], [21, 22]) is None, "between two"
    assert lanes([0, 1, 2], [5], [15, 16, 17]) is None, "7.5 elements from row to row"
    assert lanes([0, 1, 2], [4, 5]) is None, "one full row"
    assert lanes([3], [5]) is None, "rows of one element have no direction"


def test_all_arrays_have_to_be_read_as_slices() -> None:
    row, left, rows = rows_of([0], [3, 4, 5], [6, 7, 8])
    right = np.array([2, *left[1:]])

    def columns_for(*arrays: Any) -> list[int] | None:
        column = columns_of_rows(row, arrays, rows, [9] * len(arrays))
        return None if column is None else column.tolist()

    assert columns_for(left, left) == [0, 0, 1, 2, 0, 1, 2]
    assert columns_for(right, right) == [2, 0, 1, 2, 0, 1, 2]
    assert columns_for(left, right) is columns_for(right, left) is None


@pytest.mark.parametrize("seed", range(40))
def test_the_tables_are_as_small_as_they_can_be(seed: int) -> None:
    chance = random.Random(seed)
    counts = sorted(chance.choice([1, 2, 3, 5, 8, 13, 21]) for _ in range(chance.randint(1, 9)))
    lengths = sorted(set(counts))
    rows = [sum(c < length for c in counts) for length in lengths]
    ends = _fewest_tables(lengths, [*rows, len(counts)], sum(counts))

    def size(ends: Any) -> int:
        tables = itertools.pairwise([0, *ends])
        return sum(lengths[b - 1] * sum(c in lengths[a:b] for c in counts) for a, b in tables)

    def choices(n: int) -> list[Any]:
        return [(*c, len(lengths)) for c in itertools.combinations(range(1, len(lengths)), n - 1)]

    assert ends[-1] == len(lengths)
    assert size(ends) == min(map(size, choices(len(ends)))) <= 2.5 * sum(counts) or len(ends) == len(lengths)
    for fewer in range(1, len(ends)):
        assert min(map(size, choices(fewer))) > 2.5 * sum(counts)


def test_rows_of_similar_lengths_share_a_table() -> None:
    assert by_similar_length(np.array([1, 2, 1, 9, 2, 1, 8])).tolist() == [0, 0, 0, 1, 0, 0, 1]
    assert by_similar_length(np.array([1, 1, 2, 2, 9])).tolist() == [1, 1, 2, 2, 9], "equal lengths are adjacent"
    assert by_similar_length(np.array([1, 2, 1, 2])).tolist() == [1, 2, 1, 2], "four slices read them"
    assert by_similar_length(np.array([1, 2, 20]), gathers=True).tolist() == [0, 0, 1]
    assert by_similar_length(np.array([1, 2, 1, 2, 1])).tolist() == [0] * 5


def test_a_table_is_as_wide_as_its_longest_row() -> None:
    row, positions, rows = rows_of([5], [6, 7, 8])
    assert table(row, np.array([1, 0, 1, 2]), positions, rows, PADDING).tolist() == [[PADDING, 5, PADDING], [6, 7, 8]]


# Layouts: two batches of a product of three rows with two, of which the last result of each batch is discarded

MEMBERS = (10, 11, 12, 13, 14, PADDING, 16, 17, 18, 19, 20, PADDING)
OWN = [k for k, i in enumerate(MEMBERS) if i != PADDING]
SCORES = SumOfProducts(
    3,
    MEMBERS,
    True,
    (Product(1.0, View(1, np.arange(12).reshape(2, 3, 2)), View(2, np.arange(8).reshape(2, 2, 2)), None),),
    (0,),
)
WIDTHS = [5, 12, 12, 12]


def test_the_layout_of_a_product_with_discarded_results() -> None:
    layout = layout_of(SCORES)
    assert layout is not None and layout.grid == (2, 3, 2)
    assert layout.members.tolist() == list(MEMBERS)
    assert layout_of(SCORES._replace(members=tuple(range(12)))) is None


def applied(*operands: Any, members: Any = range(30, 40)) -> Application:
    return Application(4, tuple(members), True, primitives.maximum, operands)


def padded(group: Group, read: View) -> Group | None:
    layout = layout_of(SCORES)
    assert layout is not None
    return on_layout(group, layout, read, WIDTHS)


def test_what_reads_each_member_once_computes_the_padding_too() -> None:
    own = np.array(OWN)
    scores, numbers = View(3, own), np.linspace(0.1, 1.0, 10)
    group = padded(applied(scores, View(2, own), numbers, 0.5), scores)
    assert isinstance(group, Application)
    expected = np.full(12, PADDING)
    expected[own] = range(30, 40)
    assert group.members == tuple(expected.tolist())
    first, second, third, fourth = group.operands
    assert isinstance(first, View) and first.source == 3 and first.positions.tolist() == list(range(12))
    assert isinstance(second, View) and second.source == 2 and second.positions.tolist() == list(range(12))
    assert isinstance(third, np.ndarray) and third[own].tolist() == numbers.tolist() and fourth == 0.5
    mixed = own[::-1].copy()
    group = padded(applied(View(3, mixed)), View(3, mixed))
    assert group is not None and [group.members[k] for k in mixed] == list(range(30, 40))


def test_what_reads_otherwise_does_not() -> None:
    own = np.array(OWN)
    scores = View(3, own)
    for read in (own[:9], np.append(own[:9], own[0]), np.arange(10)):
        assert padded(applied(View(3, read), members=range(30, 30 + len(read))), View(3, read)) is None
    gathered = View(2, (own * 7) % 11)
    assert padded(applied(scores, gathered), scores) is None
    for rows in (
        Rows(1.0, View(2, gathered.positions[:, None]), None),
        Rows(1.0, View(3, own[:, None]), View(2, gathered.positions[:, None])),
        Rows(1.0, View(2, np.stack([own, own], axis=1)), None),
    ):
        group = SumOfProducts(4, tuple(range(30, 40)), True, (Rows(1.0, View(3, own[:, None]), None), rows), (0, 1))
        assert padded(group, scores) is None


def test_sums_compute_the_padding_with_ones_for_unknown_numbers() -> None:
    own, numbers = np.array(OWN), np.linspace(0.1, 1.0, 10)
    scores = View(3, own)
    block = Rows(numbers[:, None], View(3, own[:, None]), View(2, own[:, None]))
    plain = Rows(-1.0, View(1, own[:, None]), None)
    group = SumOfProducts(4, tuple(range(30, 40)), True, (block, plain), (0, 1), 0.5, False, numbers, 2.0)
    after = padded(group, scores)
    assert isinstance(after, SumOfProducts)
    first, second = after.blocks
    assert isinstance(first, Rows) and isinstance(second, Rows) and first.right is not None
    for read in (first.left, first.right, second.left):
        assert read.positions.tolist() == [[k] for k in range(12)]
    assert (first.left.source, first.right.source, second.left.source, second.right) == (3, 2, 1, None)
    ones = np.ones(12)
    ones[own] = numbers
    assert isinstance(first.coefficients, np.ndarray) and first.coefficients.tolist() == ones[:, None].tolist()
    assert isinstance(after.factor, np.ndarray) and after.factor.tolist() == ones.tolist()
    assert (second.coefficients, after.constant, after.divisor, after.slots) == (-1.0, 0.5, 2.0, (0, 1))


# The number in the padding


def reduction(source: int, read: int, primitive: Any) -> Reduction:
    positions = np.array(OWN).reshape(2, 5)
    return Reduction(
        source, (50, 51), True, primitive, View(read, np.append(positions, [[PADDING], [PADDING]], axis=1))
    )


EVERY = np.arange(12)


def on_padding(source: int, primitive: Any, *operands: Any) -> Application:
    """Make a group on the layout of the scores."""
    return Application(source, MEMBERS, True, primitive, operands)


def values(*groups: Group) -> dict[int, float]:
    everything = (SCORES, *groups)
    nothing = np.zeros(0, dtype=np.int64)
    scalars: Any = None
    return padding_values(Grouping(scalars, everything, nothing, nothing, np.zeros(0), (), (), {}))


def test_neutral_elements() -> None:
    expected = {primitives.max_: -math.inf, primitives.logsumexp: -math.inf, primitives.min_: math.inf}
    for primitive in (*expected, primitives.norm):
        assert neutral(reduction(4, 3, primitive)) == expected.get(primitive, 0.0)
    assert neutral(SCORES) == neutral(on_padding(4, primitives.exp, View(3, EVERY))) == 0.0


def twice(primitive: Any) -> list[Reduction]:
    """Return two reductions of the scores; filling the padding is worth a mask, so it pays for two."""
    return [reduction(source, 3, primitive) for source in (8, 9)]


def test_the_padding_suits_most_reductions() -> None:
    assert values(*twice(primitives.max_)) == {3: -math.inf}
    assert values(*twice(primitives.min_)) == {3: math.inf}
    assert values(*twice(primitives.norm)) == {3: 0.0}
    assert values(*twice(primitives.max_), *twice(primitives.norm), reduction(7, 3, primitives.norm)) == {3: 0.0}
    assert values(reduction(4, 3, primitives.max_)) == values() == {}
    assert values(reduction(4, 3, primitives.max_), reduction(5, 3, primitives.min_)) == {}
    without = [one._replace(view=view(3, [0, 1], [2, 3])) for one in twice(primitives.max_)]
    assert values(*without) == {}, "no padding is read"
    assert values(*(reduction(k, 2, primitives.max_) for k in (8, 9))) == {}


def test_exp_of_minus_infinity_is_added_without_a_mask() -> None:
    shares = on_padding(4, primitives.exp, View(3, EVERY))
    read = View(4, reduction(5, 4, primitives.max_).view.positions)
    total = SumOfProducts(5, (50, 51), True, (Rows(1.0, read, None),), (0,))
    assert values(shares, total) == {}
    assert values(reduction(6, 3, primitives.max_), shares, total) == {3: -math.inf, 4: 0.0}
    product = total._replace(source=6, blocks=(Rows(1.0, read, read),))
    assert values(shares, total, product) == {3: -math.inf, 4: 0.0}


def test_padding_is_computed_from_known_padding_and_any_other_numbers() -> None:
    """-inf plus any number is -inf; times any number, its sign depends on that number."""
    largest = twice(primitives.max_)
    other = View(2, EVERY)
    for primitive, operands, expected in (
        (primitives.add, (View(3, EVERY), other), -math.inf),
        (primitives.sub, (other, View(3, EVERY)), math.inf),
        (primitives.mul, (View(3, EVERY), other), None),
        (primitives.add, (View(3, EVERY), 0.5), -math.inf),
        (primitives.add, (View(3, EVERY), np.ones(12)), None),
        (primitives.add, (other, other), None),
        (primitives.add, (View(3, EVERY[::-1]), other), None),  # reads padding elsewhere
    ):
        known = values(on_padding(4, primitive, *operands), *largest)
        assert known == {3: -math.inf, **({} if expected is None else {4: expected})}


def test_padding_of_sums_is_computed_like_the_sums() -> None:
    largest = twice(primitives.max_)
    scores, other = View(3, EVERY[:, None]), View(2, EVERY[:, None])

    def summed(*blocks: Any, **others: Any) -> float | None:
        group = SumOfProducts(4, MEMBERS, True, blocks, (0,) * len(blocks), **others)
        return values(group, *largest).get(4)

    assert summed(Rows(1.0, scores, None)) == -math.inf
    assert summed(Rows(-2.0, scores, None), constant=0.5) == math.inf
    assert summed(Rows(1.0, scores, None), factor=-1.0) == math.inf
    assert summed(Rows(1.0, scores, None), divisor=-2.0) == math.inf
    assert summed(Rows(1.0, other, None), Rows(1.0, scores, None)) == -math.inf
    assert summed(Rows(1.0, scores, other)) is None
    assert summed(Rows(1.0, scores, scores)) == math.inf
    for numbers in ({"factor": np.ones(12)}, {"divisor": np.ones(12)}, {"constant": np.ones(12)}):
        assert summed(Rows(1.0, scores, None), **numbers) is None
    assert summed(Rows(np.ones((12, 1)), scores, None)) is None
    assert summed(Rows(1.0, View(3, np.stack([EVERY, EVERY], axis=1)), None)) is None
    assert summed(Matrix(1.0, view(0, [0]), scores, None)) is None
    assert summed(Rows(0.0, other, None)) == 0.0, "whatever the other number is"
    assert summed(Rows(0.0, other, None), constant=3.0, factor=2.0, divisor=4.0) == 1.5
