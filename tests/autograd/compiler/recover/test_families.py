"""Components and families of arrays, by a second way, and orders in which operands read slices."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from autograd.compiler.recover.components import components
from autograd.compiler.recover.families import families, numbered
from autograd.compiler.recover.reading_order import Reading, as_before, chain
from autograd.compiler.scalars.nodes import ABSENT


@pytest.mark.parametrize("seed", range(30))
def test_components_are_those_of_a_flood(seed: int) -> None:
    chance = random.Random(seed)
    rows = chance.randint(1, 9)
    pairs = [(chance.randrange(rows), 300 + chance.randrange(12)) for _ in range(chance.randint(0, 14))]
    expected, number = [-1] * rows, 0
    for row in range(rows):
        if expected[row] < 0:
            reached = {row}
            for _ in pairs:
                elements = {x for r, x in pairs if r in reached}
                reached |= {r for r, x in pairs if x in elements}
            for r in reached:
                expected[r] = number
            number += 1
    of_row, of_element = (np.array([pair[k] for pair in pairs], dtype=np.int64) for k in range(2))
    assert components(of_row, of_element, rows).tolist() == expected


def test_equal_rows_have_equal_numbers() -> None:
    rows = np.array([[3, -1], [2, 5], [3, -1], [2, -1], [0, 5], [-1, 1], [0, 0], [5, 2], [3, 0]])
    number, first = numbered(rows)
    for (n, one), (k, other) in itertools.product(enumerate(rows.tolist()), repeat=2):
        assert (number[n] == number[k]) == (one == other)
        assert (number[n] < number[k]) == (one < other)
    assert rows[first][number].tolist() == rows.tolist()
    assert sorted(first.tolist()) == [0, 1, 3, 4, 5, 6, 7, 8]
    every = np.array(list(itertools.product(range(-1, 3), repeat=3)))
    assert len(numbered(every)[1]) == 64


def test_sources_read_in_place_of_one_another_are_a_family() -> None:
    assert families([[1, 2, 1], [2, 2, 2], [7, 7, 9]]) == {1: 1, 2: 1, 7: 7, 9: 9}
    assert families([[3, 4], [4, 5]]) == {3: 3, 4: 3, 5: 3}
    assert families([[5, 4], [4, 3]]) == {3: 3, 4: 3, 5: 3}
    assert families([[3, 4], [5, 4]]) == {3: 3, 4: 4, 5: 5}, "no node reads both 3 and 5"
    assert families([[0, 1], [1, 0]]) == {0: 0, 1: 0}
    # 3 and 4 are a family; whatever is read in their places joins it
    assert families([[3, 4, 9], [4, 3, 9], [3, 6, 9]]) == {3: 3, 4: 3, 6: 3, 9: 9}
    assert families([[3, 4], [4, 3], [8, 3], [8, 8]]) == {3: 3, 4: 3, 8: 3}
    assert families([[9, 3, 4], [9, 4, 3], [9, 3, 6], [8, 4, 7]]) == {3: 3, 4: 3, 6: 3, 7: 3, 8: 8, 9: 8}


def test_absent_operands_are_in_no_family() -> None:
    assert families([[3, ABSENT], [ABSENT, 3]]) == {3: 3, ABSENT: ABSENT}
    assert families([[3, 4, ABSENT], [4, 3, 5]]) == {3: 3, 4: 3, 5: 5, ABSENT: ABSENT}
    assert families([[3, 4, 5], [4, 3, ABSENT]]) == {3: 3, 4: 3, 5: 5, ABSENT: ABSENT}


# Reading orders


def test_nodes_take_the_places_of_their_fellows() -> None:
    before = Reading(1, np.array([[0, 1], [1, 2]]), np.array([[5, 6], [6, 7]]))
    assert as_before(np.array([[10, 11], [11, 2]]), before) == {10: 5, 11: 6, 2: 7}
    assert as_before(np.array([[1, 11], [11, 12]]), before) == {1: 6, 11: 7}, "nothing has followed place 7"
    assert as_before(np.array([[10, 11], [11, 12]]), before) == {}, "no node has been read before"
    assert as_before(np.array([[0, 10], [10, 11], [1, 12]]), before) is None, "10 and 1 at the same place"
    assert as_before(np.array([[0, 11]]), before._replace(places=np.array([[0, 6], [6, 7]]))) == {0: 0, 11: 6}


def test_a_chain_has_the_same_distances_for_all_readers() -> None:
    cells = [7, 3, 9, 1, 8, 2]

    def stencil(*distances: int) -> list[list[int]]:
        first, last = -min(distances), len(cells) - max(distances)
        return [[cells[k + d] for d in distances] for k in range(first, last)]

    for distances in ((0, 1), (1, 0), (-1, 0, 1), (0, -1, 1), (1, -1, 0), (0, 2, 1), (0, 3, 1)):
        for rows in (stencil(*distances), stencil(*distances)[::-1]):
            assert chain(np.array(rows)) in (cells, cells[::-1])
    assert chain(np.array(stencil(0, 2))) is None, "two paths"
    assert chain(np.array([[0, 1], [1, 2], [2, 0]])) is None, "a cycle"
    assert chain(np.array([[0, 1], [2, 1]])) is None, "two nodes before one"
    assert chain(np.array([[0, 1, 2], [1, 2, 4], [2, 3, 0]])) is None
    assert chain(np.array([[0, 1, 7], [1, 2, 8]])) is None, "no distance of 7 is known"
    assert chain(np.array([[0, 1, 1], [1, 2, 0]])) is None, "two distances"
