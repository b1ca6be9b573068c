"""Joined arrays: which arrays are joined, in which order, and that each node reads what it read before."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from autograd.compiler.recover.groups import CONSTANT, Places
from autograd.compiler.recover.join import (
    History,
    Joined,
    Joins,
    concatenation,
    in_one_array,
    joins_for,
    parts_to_join,
    pieces_of,
)
from autograd.compiler.scalars.nodes import ABSENT

NODES = 100


def places_of(*arrays: Sequence[int]) -> Places:
    """Make the places of the nodes of arrays 0 (parameters), 1 (an argument), 2, ...."""
    source, position = np.full(NODES, CONSTANT), np.zeros(NODES, dtype=np.int64)
    for k, members in enumerate(arrays):
        source[list(members)], position[list(members)] = k, np.arange(len(members))
    return Places(source, position, np.zeros(NODES), list(map(len, arrays)), [k > 0 for k in range(len(arrays))], NODES)


def joins_of(
    rows: Sequence[Sequence[int]], places: Places, history: History | None = None, kind: Hashable = "kind"
) -> list[Joins]:
    """Join for nodes with these operands, and check that each of them reads what it read before."""
    nodes = np.array(rows)
    result = []
    for chosen, family in parts_to_join(nodes, places):
        joins = joins_for(kind, nodes[chosen], family, places, History({}, {}, {}) if history is None else history)
        origin = {i: (int(places.source[i]), int(places.position[i])) for i in range(NODES)}
        for joined in [] if history is None else [one for several in history.joined.values() for one in several]:
            origin |= {joined.first + k: (s, p) for k, (s, p) in enumerate(joined.origin.tolist())}
        for number, joined in enumerate(joins.joined):
            assert joined.source == len(places.widths) + number
            origin |= {joined.first + k: (s, p) for k, (s, p) in enumerate(joined.origin.tolist())}
        for before, after in zip(nodes[chosen].reshape(-1).tolist(), joins.reads.reshape(-1).tolist()):
            assert before == after == ABSENT or origin[after] == origin[before]
        result.append(joins)
    return result


def origins(joins: Joins) -> list[list[list[int]]]:
    return [joined.origin.tolist() for joined in joins.joined]


# Which rows may read joined arrays together


def parts(rows: Sequence[Sequence[int]], places: Places) -> list[tuple[list[int], list[int]]]:
    return [(chosen.tolist(), family.tolist()) for chosen, family in parts_to_join(np.array(rows), places)]


X, Y, Z = range(10), range(10, 20), range(20, 30)
THREE = places_of([], X, Y, Z)


def test_rows_of_one_structure_are_one_part() -> None:
    assert parts([[0, 10], [1, 11], [2, 12]], THREE) == [([0, 1, 2], [1, 2])]
    assert parts([[0, ABSENT], [1, ABSENT]], THREE) == [([0, 1], [1, ABSENT])]


def test_rows_that_read_families_in_the_same_way_are_a_part() -> None:
    """Arrays 1 and 2 are read in place of one another; array 3 is not."""
    mixed = [[0, 10, 20], [10, 1, 21], [2, 3, 22], [4, 11, 23], [12, 5, 24], [6, 7, 25]]
    assert parts(mixed, THREE) == [([0, 1, 2, 3, 4, 5], [1, 1, 3])]


def test_as_many_structures_as_half_of_the_rows_are_worth_uniting() -> None:
    assert parts([[0, 10], [1, 2], [11, 12]], THREE) == []
    assert parts([[0, 10], [1, 2], [3, 11], [4, 5]], THREE) == [([0, 1, 2, 3], [1, 1])]
    assert parts([[0, 10], [11, 1], [2, 12]], THREE) == [([0, 1, 2], [1, 1])], "in any order they are one structure"


# Joining


def test_cells_with_fixed_ends_are_joined_in_their_order() -> None:
    cells = [0, *range(10, 18), 9]
    for order in (1, -1):
        rows = [cells[k : k + 3] for k in range(8)][::order]
        (joins,) = joins_of(rows, THREE)
        assert origins(joins) == [[[1, 0], *([2, k] for k in range(8)), [1, 9]]]
        ((key, reading),) = joins.readings
        assert key == ("kind", np.ones(3, dtype=bool).tobytes())
        assert reading.source == 4 and reading.nodes.tolist() == [*rows]
        assert sorted(reading.places[:, 0].tolist()) == list(range(8))


def test_a_chain_ascends_where_its_arrays_do() -> None:
    cells = [0, *range(17, 9, -1), 9]
    (joins,) = joins_of([cells[k : k + 2] for k in range(9)], THREE)
    assert origins(joins) == [[[1, 9], *([2, k] for k in range(8)), [1, 0]]]


def test_several_families_are_joined_separately() -> None:
    left, right = [0, *range(10, 18), 9], [20, *range(30, 38), 29]
    places = places_of([], X, Y, Z, range(30, 40))
    rows = [[*left[k : k + 3], *right[k : k + 3]] for k in range(8)]
    (joins,) = joins_of(rows, places)
    assert origins(joins) == [
        [[1, 0], *([2, k] for k in range(8)), [1, 9]],
        [[3, 0], *([4, k] for k in range(8)), [3, 9]],
    ]
    assert [joined.first for joined in joins.joined] == [NODES, NODES + 10]
    assert [reading.source for _, reading in joins.readings] == [5, 6]


def test_what_varies_alone_is_joined() -> None:
    """All rows read array 3 in the last place, and no first operand is absent."""
    cells = [0, *range(10, 18), 9]
    (joins,) = joins_of([[cells[k], cells[k + 1], 20 + k, ABSENT] for k in range(8)], THREE)
    assert len(joins.joined) == 1
    assert joins.reads[:, 2:].tolist() == [[20 + k, ABSENT] for k in range(8)]
    assert [reading.source for _, reading in joins.readings] == [4], "a single operand is not remembered"


def test_what_is_read_in_no_order_is_joined_if_most_rows_are_alike() -> None:
    """Then the elements are in the order of their arrays."""
    alike = [[10, 12], [13, 17], [11, 16], [14, 15], [18, 19]]
    exceptions = [[0, 10], [1, 5], [3, 14]]
    (joins,) = joins_of([*alike, *exceptions], THREE)
    assert origins(joins) == [[*([1, k] for k in (0, 1, 3, 5)), *([2, k] for k in range(10))]]
    (joins,) = joins_of([*alike[:4], [0, 10], [1, 5], [3, 14], [2, 4]], THREE)
    assert joins.joined == [], "only half of the rows"
    (joins,) = joins_of([*alike, [0, 10], [1, 11], [3, 14]], THREE)
    assert joins.joined == [], "two operations"


def test_an_array_of_many_pieces_is_not_joined() -> None:
    """Elements of two arrays in turn are as many pieces as elements."""
    cells = [k // 2 + 10 * (k % 2) for k in range(20)]
    for joins in joins_of([cells[k : k + 2] for k in range(19)], THREE):
        assert joins.joined == []


# Later steps


def test_a_joined_array_is_read_again_if_it_contains_everything() -> None:
    history = History({}, {}, {})
    cells = [0, *range(10, 18), 9]
    rows = [cells[k : k + 3] for k in range(8)]
    (first,) = joins_of(rows, THREE, history)
    history.record(first)
    assert list(history.joined) == [17] and list(history.origin) == [4]
    (again,) = joins_of(rows, THREE, history, kind="another kind")
    assert again.joined == [] and again.reads.tolist() == first.reads.tolist()
    (wider,) = joins_of([[18, cells[0], cells[1]], *rows], THREE, history)
    assert len(wider.joined) == 1, "element 18 is not in it"


def test_the_last_four_readings_of_a_kind_are_remembered() -> None:
    history = History({}, {}, {})
    for k in range(6):
        (joins,) = joins_of([[k, k + 1], [k + 2, k + 3]], THREE, history)
        history.record(joins)
    (readings,) = history.readings.values()
    assert [int(reading.nodes[0, 0]) for reading in readings] == [2, 3, 4, 5]
    assert history.joined == {}


def test_a_later_step_reads_an_array_like_the_earlier_one() -> None:
    """A stencil on ten cells reads an array of twelve, and a step later the inner cells and the fixed ends in it."""
    for width, start in ((12, 0), (12, 1), (20, 3)):
        old, new = range(width), range(40, 48)
        places = places_of([], old, new, range(48, 56))
        history = History({}, {}, {})
        cells = [*old[start : start + 10]]
        (first,) = joins_of([cells[k : k + 3] for k in range(8)], places, history)
        history.record(first)
        assert first.joined == []
        cells[1:9] = new
        (second,) = joins_of([cells[k : k + 3] for k in range(8)], places, history)
        kept = range(width) if width == 12 else range(start, start + 10)
        of_new = dict(zip(range(start + 1, start + 9), range(8)))
        like_before = [[2, of_new[k]] if k in of_new else [1, k] for k in kept]
        assert origins(second) == [like_before]
        history.record(second)
        wider = places_of([], old, new, range(48, 56), range(60, 60 + len(like_before)))
        cells[1:9] = range(48, 56)
        (third,) = joins_of([cells[k : k + 3] for k in range(8)], wider, history)
        assert origins(third) == [[[3, p] if s == 2 else [s, p] for s, p in like_before]]


# Arrays


def test_pieces_are_of_one_source_each() -> None:
    origin = np.array([[1, 0], [1, 3], [2, 5], [1, 1]])
    assert [piece.tolist() for piece in pieces_of(origin)] == [[[1, 0], [1, 3]], [[2, 5]], [[1, 1]]]
    group = concatenation(Joined(origin, {}, 7, 50), [False, False, True])
    assert (group.source, group.members, group.batched) == (7, (50, 51, 52, 53), True)
    assert [(view.source, view.positions.tolist()) for view in group.pieces] == [(1, [0, 3]), (2, [5]), (1, [1])]
    assert not concatenation(Joined(origin[:2], {}, 7, 50), [False, False, True]).batched


def test_nodes_of_any_arrays_in_their_order() -> None:
    nodes = np.array([[10, 0], [25, 10]])
    joined = in_one_array(nodes[:, ::-1], THREE)
    assert joined.origin.tolist() == [[1, 0], [2, 0], [2, 0], [3, 5]]
    assert (joined.source, joined.first) == (4, NODES)
    assert joined.places(np.array([[25], [0]])).tolist() == [[3], [0]]
