"""Joining and ordering: each step by itself, on small inputs written by hand; and the resulting index maps."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import primitives
from autograd.compiler.recover.groups import CONSTANT, Application, Group, Grouping, Places, SumOfProducts
from autograd.compiler.recover.index import Index, Kind, as_slice, effort, kind_of
from autograd.compiler.recover.join import History, Joins, concatenation, joins_for, parts_to_join
from autograd.compiler.recover.order import effort_of, ordered
from autograd.compiler.recover.reading_order import Reading, as_before
from autograd.compiler.recover.sums.blocks import Matrix, View

# Index maps


@given(st.integers(0, 9), st.lists(st.tuples(st.integers(1, 4), st.integers(-3, 9)), max_size=3))
def test_affine_positions_are_found_again(start: int, axes: list[tuple[int, int]]) -> None:
    index = Index(start, tuple(n for n, _ in axes), tuple(stride for _, stride in axes))
    positions = index.positions
    assert len(positions) == np.prod([n for n, _ in axes], dtype=int)
    again = Index.of(positions)
    assert np.array_equal(again.positions, positions)
    assert len(again.shape) <= len(axes) or not again.is_affine


@given(st.lists(st.integers(-1, 6), min_size=1, max_size=12))
def test_any_positions_are_read_by_their_index(numbers: list[int]) -> None:
    index = Index.of(np.array(numbers))
    assert index.positions.tolist() == numbers
    assert index.start == numbers[0]
    assert index.is_affine <= (min(numbers) >= 0)


@pytest.mark.parametrize(
    ("positions", "kind"),
    [
        ([3], "slice"),
        ([3, 4, 5], "slice"),
        ([0, 2, 4], "slice"),
        ([0, 0, 1, 1], "axes"),
        ([0, 2, 1, 3], "axes"),
        ([0, 1, 2, 6, 7, 8], "pieces"),
        ([0, 3, 6, 1, 4, 7], "band"),
        ([0, 5, 3], "gather"),
        ([-1, 0, 1], "gather"),
    ],
)
def test_the_kinds_of_index_maps(positions: list[int], kind: Kind) -> None:
    assert kind_of(np.array(positions), 9) == kind


def test_slices_are_those_of_python() -> None:
    for numbers in itertools.chain.from_iterable(itertools.product(range(-1, 5), repeat=n) for n in (1, 2, 3, 4)):
        step = numbers[1] - numbers[0] if len(numbers) > 1 else 1
        part = (numbers[0], numbers[-1] + 1, step)
        is_slice = numbers[0] >= 0 and step > 0 and tuple(range(*part)) == numbers
        assert as_slice(np.array(numbers)) == (part if is_slice else None)
        assert Index.of(np.array(numbers)).slice == (part if is_slice else None)


def test_a_slice_is_read_for_nothing_and_a_gather_is_dear() -> None:
    efforts = [effort(np.array(p)) for p in ([1, 2, 3], [0, 2, 4], [0, 2, 1, 3], [0, 1, 4, 5], [0, 1, 3], [1, 0, 3])]
    assert efforts == sorted(set(efforts))
    assert efforts[0] == 0.0
    assert efforts[2] < effort(np.array([0, 3, 6, 1, 4, 7])) < efforts[4], "a band, of which the last column is beyond"
    assert effort(np.array([7, 7, 7])) == 0.0


# Join


def places_of(*arrays: Sequence[int], nodes: int = 40) -> Places:
    """Make the places of the nodes of arrays 0 (parameters), 1 (an argument), 2, ...; all but the first are batched."""
    source, position = np.full(nodes, CONSTANT), np.zeros(nodes, dtype=np.int64)
    for k, members in enumerate(arrays):
        source[list(members)], position[list(members)] = k, np.arange(len(members))
    batched = [k > 0 for k in range(len(arrays))]
    return Places(source, position, np.zeros(nodes), list(map(len, arrays)), batched, nodes)


U, Y = range(10), range(10, 18)
"""The cells of a grid with fixed ends, and the eight inner ones a step later."""


def read_neighbours(places: Places, history: History) -> Joins:
    cells = [0, *Y, 9]
    nodes = np.array([cells[i : i + 3] for i in range(8)])
    ((rows, family),) = parts_to_join(nodes, places)
    assert rows.tolist() == list(range(8))
    return joins_for("stencil", nodes, family, places, history)


def test_cells_and_fixed_ends_are_joined() -> None:
    places = places_of([], U, Y)
    joins = read_neighbours(places, History({}, {}, {}))
    (joined,) = joins.joined
    assert (joined.source, joined.first) == (3, 40)
    assert joined.origin.tolist() == [[1, 0], *([2, k] for k in range(8)), [1, 9]]
    assert joins.reads.tolist() == [[40 + i, 41 + i, 42 + i] for i in range(8)]
    group = concatenation(joined, [False, True, True])
    assert [(view.source, view.positions.tolist()) for view in group.pieces] == [
        (1, [0]),
        (2, list(range(8))),
        (1, [9]),
    ]
    assert group.members == tuple(range(40, 50))
    assert group.batched


def test_an_array_that_was_joined_is_read_again() -> None:
    history = History({}, {}, {})
    places = places_of([], U, Y)
    first = read_neighbours(places, history)
    history.record(first)
    again = read_neighbours(places, history)
    assert again.joined == []
    assert again.reads.tolist() == first.reads.tolist()


def test_joining_changes_neither_what_is_known_nor_what_is_read() -> None:
    history = History({}, {}, {})
    read_neighbours(places_of([], U, Y), history)
    assert history == History({}, {}, {})


def test_what_reads_one_array_is_not_joined() -> None:
    nodes = np.array([[0, 1], [1, 2], [2, 3]])
    places = places_of([], U)
    ((rows, family),) = parts_to_join(nodes, places)
    joins = joins_for("sum", nodes, family, places, History({}, {}, {}))
    assert (rows.tolist(), joins.joined, joins.reads.tolist()) == ([0, 1, 2], [], nodes.tolist())
    assert len(joins.readings) == 1


def test_as_many_operations_as_nodes_are_left_alone() -> None:
    assert parts_to_join(np.array([[0, 10], [1, 20], [10, 20]]), places_of([], [0, 1], [10], [20])) == []


def test_a_later_step_reads_in_the_order_of_the_earlier_one() -> None:
    before = Reading(1, np.array([[0, 1], [1, 2]]), np.array([[5, 6], [6, 7]]))
    assert as_before(np.array([[10, 11], [11, 2]]), before) == {10: 5, 11: 6, 2: 7}


# Order


def grouping_of(groups: Sequence[Group], widths: Sequence[int]) -> Grouping:
    """Make a grouping of parameters, an argument, and these groups."""
    source, position = np.full(40, CONSTANT), np.zeros(40, dtype=np.int64)
    for group in groups:
        source[list(group.members)], position[list(group.members)] = group.source, np.arange(len(group.members))
    everything = [*widths, *(len(group.members) for group in groups)]
    batched = [False, *[True] * (len(everything) - 1)]
    scalars = None  # not read by the order
    return Grouping(
        scalars,  # type: ignore[arg-type]
        tuple(groups),
        source,
        position,
        np.zeros(40),
        tuple(everything),
        tuple(batched),
        {},
    )


def apply(source: int, members: tuple[int, ...], read: int, index: list[int]) -> Application:
    return Application(source, members, True, primitives.tanh, (View(read, np.array(index)),))


def layer(members: tuple[int, ...]) -> SumOfProducts:
    """Make array 2, weighted sums of the argument."""
    weights = np.arange(3 * len(members)).reshape(-1, 3)
    block = Matrix(1.0, View(0, weights), View(1, np.arange(3)[None]), None)
    return SumOfProducts(2, members, True, (block,), (0,))


def test_members_take_the_order_of_the_argument_that_they_read() -> None:
    grouping = grouping_of([apply(2, (10, 11, 12), 1, [2, 0, 1])], [0, 3])
    after = ordered(grouping, [])
    assert after.groups[0].members == (11, 12, 10)
    assert effort_of(after.groups[0], 1, 2) == 0.0
    assert after.position[[10, 11, 12]].tolist() == [2, 0, 1]


def test_members_take_the_order_of_the_outputs() -> None:
    wide = layer((10, 11, 12))
    after = ordered(grouping_of([wide], [0, 3]), [12, 10, 11])
    assert after.groups[0].members == (12, 10, 11)


def test_members_take_the_order_of_their_readers_who_then_read_a_slice() -> None:
    wide = layer((10, 11, 12, 13))
    after = ordered(grouping_of([wide, apply(3, (20, 21), 2, [3, 0])], [0, 3]), [20, 21])
    assert after.groups[0].members == (13, 10, 11, 12)
    reader = after.groups[1]
    assert isinstance(reader, Application)
    (view,) = reader.operands
    assert isinstance(view, View)
    assert view.positions.tolist() == [0, 1]


def test_ordering_leaves_the_grouping_as_it_was() -> None:
    grouping = grouping_of([apply(2, (10, 11, 12), 1, [2, 0, 1])], [0, 3])
    before = grouping.position.tolist()
    ordered(grouping, [12, 10, 11])
    assert grouping.groups[0].members == (10, 11, 12)
    assert grouping.position.tolist() == before


RECOVER = """
import autograd
from autograd import Value, dot, tanh
w = [[Value(0.1 * j + k) for k in range(4)] for j in range(3)]
k = Value(0.3)
def f(x):
    h = [tanh(dot(row, x[2:6])) for row in w]
    u = x
    for _ in range(4):
        u = [u[0], *(u[i] + k * (u[i - 1] - 2 * u[i] + u[i + 1]) for i in range(1, 11)), u[-1]]
    return sum(v * v for v in u) + sum(h)
print(autograd.compile(f, [0.1 * i * i for i in range(12)]).source)
"""


def test_hashes_do_not_decide_about_groups(run_python: Callable[..., str]) -> None:
    sources = {run_python(RECOVER, PYTHONHASHSEED=seed) for seed in ("0", "1", "77")}
    assert len(sources) == 1
    assert "joined" in sources.pop()
