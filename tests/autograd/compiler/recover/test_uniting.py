"""Arrays that are united because other nodes read elements of several, in any combination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover import unite
from autograd.compiler.recover.groups import Application, Group, Places, Reduction, SumOfProducts
from autograd.compiler.recover.sums.blocks import Block, Matrix, Rows, View
from autograd.compiler.recover.sums.terms import Terms
from autograd.compiler.recover.unite import copied, elements_to_unite, results_to_unite, summands_to_unite
from autograd.compiler.scalars.nodes import ABSENT, NOTHING


def view(source: int, *positions: Any) -> View:
    return View(source, np.array(positions))


def places(first_weights: Mapping[int, int] | None = None) -> Places:
    """Make the places of parameters, 0 and 1, and of four arrays of ten nodes each: 10 to 19, 20 to 29, ...."""
    source = np.array([0] * 10 + [1 + k for k in range(4) for _ in range(10)])
    return Places(
        source, np.arange(50) % 10, np.zeros(50), [10] * 5, [True] * 5, 50, None, {}, lambda: first_weights or {}
    )


def sums_of(*blocks: Block, members: Sequence[int] = (60, 61), **others: Any) -> SumOfProducts:
    return SumOfProducts(7, tuple(members), True, blocks, (0,) * len(blocks), **others)


def largest(members: Sequence[int], source: int = 2, primitive: Any = primitives.max_) -> Reduction:
    return Reduction(7, tuple(members), True, primitive, View(source, np.zeros((len(members), 2), dtype=np.int64)))


def united(*groups: Group, first_weights: Mapping[int, int] | None = None) -> list[list[int]]:
    return [nodes.tolist() for nodes in results_to_unite(groups, places(first_weights))]


# Results


def test_results_of_rows_of_alternating_lengths_are_united() -> None:
    """There are more than four runs of nodes of one group."""
    short, long = [60, 62, 64], [61, 63, 65]
    assert united(largest(short), largest(long)) == [[*short, *long]]
    assert united(largest([60, 61, 62]), largest([63, 64, 65])) == []
    assert united(largest([60, 63]), largest([61, 62])) == [], "three runs"
    assert united(largest([60, 62]), largest([61, 63])) == [], "four runs"
    assert united(largest([60, 62, 64]), largest([61, 63])) == [[60, 62, 64, 61, 63]]
    assert united(largest([64, 60, 62]), largest([63, 61])) == [[64, 60, 62, 63, 61]]
    assert united(largest(short), largest(long, source=3)) == []
    assert united(largest(short), largest(long, primitive=primitives.min_)) == []
    assert united(largest([60, 61, 62, 63, 64, 65])) == []
    tanh = [Application(7, tuple(nodes), True, primitives.tanh, (view(2, 0, 1, 2),)) for nodes in (short, long)]
    assert united(*tanh) == []


def test_results_that_the_same_weights_multiply_are_united() -> None:
    groups = largest([60, 61]), largest([62, 63])
    assert united(*groups, first_weights={60: 3, 63: 3}) == [[60, 61, 62, 63]]
    assert united(*groups, first_weights={60: 3, 63: 4}) == []
    assert united(groups[0], first_weights={60: 3}) == []


def test_sums_of_the_same_arrays_and_first_weights_are_united() -> None:
    short, long = [60, 62, 64], [61, 63, 65]
    rows, wide = (Rows(1.0, View(2, np.zeros((3, n), dtype=np.int64)), None) for n in (2, 3))
    product = rows._replace(right=rows.left)

    def both(first: Any, second: Any, **others: Any) -> list[list[int]]:
        return united(sums_of(*first, members=short), sums_of(*second, members=long, **others))

    assert both([rows], [wide]) == [[*short, *long]]
    assert both([rows], [wide], leads=True) == []
    assert both([rows], [product]) == []
    assert both([rows], [wide._replace(left=View(3, wide.left.positions))]) == []
    assert both([rows, product], [product, wide]) == [[*short, *long]]
    padded = sums_of(rows, members=[61, PADDING, 63, 65])
    assert united(sums_of(rows, members=short), padded) == []
    matrix = Matrix(1.0, view(0, [0, 1], [2, 3]), view(2, [0, 1]), None)
    assert both([matrix], [matrix._replace(weights=view(0, [2, 5], [0, 7]))]) == [[*short, *long]]
    assert both([matrix], [matrix._replace(weights=view(0, [1, 0], [2, 3]))]) == []
    constant = Matrix(np.ones((2, 2)), None, view(2, [0, 1]), None)
    assert both([constant], [constant]) == [[*short, *long]]
    assert both([constant, matrix], [matrix, constant]) == [[*short, *long]]
    other = matrix._replace(weights=view(0, [4, 1], [5, 3]))
    assert both([matrix, matrix], [matrix, other]) == [[*short, *long]], "the first matrix decides"
    assert both([matrix, matrix], [other, matrix]) == []


def test_sums_of_a_single_node_are_copies_of_it() -> None:
    copy = Rows(1.0, view(2, [5], [3]), None)
    assert copied([sums_of(copy)]) == {60: (2, 5), 61: (2, 3)}
    assert copied([largest([62]), sums_of(copy), sums_of(copy, members=[63, 64])]) == {
        60: (2, 5),
        61: (2, 3),
        63: (2, 5),
        64: (2, 3),
    }
    others: list[dict[str, Any]] = [
        {"constant": 0.5},
        {"constant": 0.0},
        {"constant": np.array([NOTHING, 1.0])},
        {"factor": 2.0},
        {"divisor": 2.0},
        {"factor": np.ones(2)},
    ]
    for other in others:
        assert copied([sums_of(copy, **other)]) == {}
    for blocks in (
        [copy, copy],
        [copy._replace(coefficients=-1.0)],
        [copy._replace(coefficients=np.ones((2, 1)))],
        [copy._replace(right=copy.left)],
        [Rows(1.0, view(2, [5, 6], [3, 4]), None)],
        [Matrix(1.0, view(0, [0], [1]), view(2, [0]), None)],
    ):
        assert copied([sums_of(*blocks)]) == {}


# Elements


def test_arrays_are_united_if_there_are_more_kinds_of_rows_than_arrays() -> None:
    def of(*rows: Sequence[int]) -> list[list[int]]:
        number = np.repeat(np.arange(len(rows)) * 3, list(map(len, rows)))
        return elements_to_unite(number, np.array([source for row in rows for source in row], dtype=np.int64))

    assert of([3, 4], [3, 3], [4, 4], [3, 3], [4, 3], [4, 4]) == [[3, 4]]
    assert of([4, 3], [3, 3], [4, 4], [3, 3], [4, 3], [4, 4]) == [[3, 4]], "in any order within a row"
    assert of(*[[3, 4]] * 6) == []
    assert of([3, 4], [4, 4], [3, 4], [4, 4], [3, 4], [4, 4]) == [], "as many kinds as arrays"
    assert of([3, 4], [3, 3], [4, 4], [4, 4], [4, 4]) == [], "three runs"
    assert of([3, 4], [3, 3], [4, 4], [3, 4]) == [], "four runs"
    assert of([3, 4], [3, 3], [4, 4], [3, 4], [3, 3]) == [[3, 4]]
    assert of([3, 3], [4, 4], [3], [4], [3, 3, 3], [4]) == [], "no row contains elements of both"
    assert of([0, 4], [0, 0], [4, 4], [0, 4], [0, 0]) == [], "parameters are read where they are"
    assert of([1, 4], [1, 1], [4, 4], [1, 4], [1, 1]) == [[1, 4]]
    assert of() == []
    both = [[3, 4], [3, 3], [4, 4], [3, 4], [3, 3]]
    assert of(*both, *[[source + 4 for source in row] for row in both]) == [[3, 4], [7, 8]]
    assert of([9], *both, [9, 9]) == [[3, 4]]
    assert of(*both, [3]) == [[3, 4]]
    assert of(*both, [9], [9, 9], [9], [9, 9], [9]) == [[3, 4]], "9 is one array"


def test_rows_of_one_array_each_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unite, "components", None)
    assert elements_to_unite(np.arange(12) // 2, np.array([3, 3, 4, 4] * 3)) == []


def terms_of(*rows: Sequence[tuple[int, int]], slots: Sequence[int] | None = None) -> Terms:
    flat = [(r, *factors) for r, row in enumerate(rows) for factors in row]
    row, left, right = (np.array([one[k] for one in flat], dtype=np.int64) for k in range(3))
    slot = np.zeros(len(flat), dtype=np.int64) if slots is None else np.array(slots)
    return Terms(row, left, right, np.ones(len(flat)), slot, np.arange(len(flat)))


MIXED = [[20, 30], [20, 21], [30, 31], [22, 32], [23, 24]]
"""The nodes that sums read, from arrays 2 and 3: of three kinds, in five runs."""


def test_summands_of_several_arrays_are_united() -> None:
    assert summands_to_unite(terms_of(*[[(i, ABSENT) for i in row] for row in MIXED]), places()) == [[2, 3]]
    assert summands_to_unite(terms_of(), places()) == []


@pytest.mark.parametrize("is_left", [True, False])
def test_factors_of_several_arrays_are_united_unless_they_have_weights(is_left: bool) -> None:
    def products(other: int) -> Terms:
        return terms_of(*[[(i, other) if is_left else (other, i) for i in row] for row in MIXED])

    assert summands_to_unite(products(40), places()) == [[2, 3]]
    assert summands_to_unite(products(0), places()) == []
    both = terms_of(*[[(i, i) for i in row] for row in MIXED])
    assert summands_to_unite(both, places()) == [[2, 3], [2, 3]]


def test_each_slot_is_a_row() -> None:
    """Sums of an element of one array and one of the other, in two slots, read both arrays as they are."""
    rows = [[(i, ABSENT) for i in row] for row in MIXED]
    assert summands_to_unite(terms_of(*rows, slots=[0, 1] * 5), places()) == []
    twice = [[*row, *row] for row in rows]
    assert summands_to_unite(terms_of(*twice, slots=[0, 0, 1, 1] * 5), places()) == [[2, 3]]
