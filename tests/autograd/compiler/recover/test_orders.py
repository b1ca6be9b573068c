"""Orders of an array's members: which are permitted and chosen, and what they cost to read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import (
    CONSTANT,
    PARAMETERS,
    Application,
    Concatenation,
    Group,
    Grouping,
    Reduction,
    RunningSum,
    SumOfProducts,
)
from autograd.compiler.recover.index import effort
from autograd.compiler.recover.loops.repetitions import Repetition
from autograd.compiler.recover.order import _Efforts, effort_of, ordered, permitted
from autograd.compiler.recover.sums.blocks import Matrix, Product, Rows, View


def view(source: int, *positions: Any) -> View:
    return View(source, np.array(positions))


def grouping_of(groups: Sequence[Group], widths: Sequence[int], data: dict[int, Any] | None = None) -> Grouping:
    """Make a grouping of parameters, arguments, data and these groups, whose members are the nodes 10, 11, ...."""
    source, position = np.full(60, CONSTANT), np.zeros(60, dtype=np.int64)
    for group in groups:
        members = np.array(group.members, dtype=np.int64)
        source[members[members >= 0]], position[members[members >= 0]] = group.source, np.flatnonzero(members >= 0)
    everything = (*widths, *(len(group.members) for group in groups))
    batched = (False, *[True] * (len(everything) - 1))
    scalars: Any = None  # not read by the order
    return Grouping(scalars, tuple(groups), source, position, np.zeros(60), everything, batched, data or {})


def applied(source: int, members: Sequence[int], *reads: tuple[int, Sequence[int]]) -> Application:
    operands = tuple(view(read, *positions) for read, positions in reads)
    return Application(source, tuple(members), True, primitives.maximum, operands)


def weighted(source: int, members: Sequence[int]) -> SumOfProducts:
    """Make a group of weighted sums of the whole argument, which may be in any order."""
    weights = np.arange(3 * len(members)).reshape(-1, 3)
    block = Matrix(1.0, View(PARAMETERS, weights), view(1, [0, 1, 2]), None)
    return SumOfProducts(source, tuple(members), True, (block,), (0,))


def positions_of(group: Group, n: int = 0) -> list[int]:
    assert isinstance(group, Application)
    operand = group.operands[n]
    assert isinstance(operand, View)
    return operand.positions.tolist()  # type: ignore[no-any-return]


# Permitted orders


def test_members_of_a_matrix_product_take_any_order() -> None:
    wanted = np.array([2, 0, 1])
    for group in (weighted(2, [10, 11, 12]), applied(2, [10, 11, 12], (1, [0, 1, 2]))):
        assert [order.tolist() for order in permitted(group, wanted)] == [[2, 0, 1]]


def test_over_patches_the_channels_of_each_position_stay_together() -> None:
    """There are two positions of three channels; the last position and the last channel are wanted first."""
    block = Matrix(1.0, view(PARAMETERS, [0, 1], [2, 3], [4, 5]), view(1, [0, 1], [1, 2]), None)
    group = SumOfProducts(2, tuple(range(10, 16)), True, (block,), (0,))
    orders = [order.tolist() for order in permitted(group, np.array([5, 4, 3, 2, 1, 0]))]
    assert orders == [[0, 1, 2, 3, 4, 5], [2, 1, 0, 5, 4, 3], [3, 4, 5, 0, 1, 2], [5, 4, 3, 2, 1, 0]]
    with_bias = group._replace(
        blocks=(Rows(1.0, view(PARAMETERS, *([k] for k in range(6))), None), block), slots=(0, 0)
    )
    assert len(list(permitted(with_bias, np.arange(6)))) == 4
    placed = group._replace(blocks=(block._replace(place=np.arange(6)),))
    constant = group._replace(blocks=(block._replace(weights=None, coefficients=np.ones((3, 2))),))
    product = group._replace(blocks=(Product(1.0, view(1, [[0], [1]]), view(1, [[0], [1], [2]]), None),))
    for fixed in (placed, constant, product):
        assert list(permitted(fixed, np.arange(6))) == []


# What reading costs


def test_the_cost_of_reads_of_some_sources() -> None:
    """A gather costs 1, transposed axes cost 0.3, a slice costs nothing."""
    group = applied(5, [10, 11, 12, 13], (1, [3, 0, 2, 1]), (2, [0, 2, 1, 3]), (3, [0, 1, 2, 3]))
    assert effort_of(group, 1, 4) == 1.3
    assert (effort_of(group, 1, 2), effort_of(group, 2, 3), effort_of(group, 3, 4)) == (1.0, 0.3, 0.0)
    assert effort_of(group, 0, 1) == effort_of(group, 4, 9) == 0.0


def test_rows_that_read_the_same_are_one_row() -> None:
    same = Reduction(5, (10, 11), True, primitives.max_, view(1, [4, 0, 3], [4, 0, 3]))
    assert effort_of(same, 1, 2) == 1.0
    assert effort_of(same._replace(view=view(1, [0, 1, 2], [0, 1, 2])), 1, 2) == 0.0
    assert effort_of(same._replace(view=view(1, [0, 1, 2], [0, 1, 2], [0, 1, 2])), 1, 2) == 0.0
    assert effort_of(same._replace(view=view(1, [0, 1, 2], [3, 4, 5])), 1, 2) == 0.0
    assert effort_of(same._replace(view=view(1, [0, 2, 4], [1, 3, 5])), 1, 2) == 0.3


def test_padding_is_read_as_what_continues_the_pattern() -> None:
    padded = Reduction(5, (10, 11), True, primitives.max_, view(1, [0, 1, PADDING], [3, 4, 5]))
    assert effort_of(padded, 1, 2) == 0.0
    assert effort_of(padded._replace(view=view(1, [0, 7, PADDING], [3, 4, 5])), 1, 2) == 1.0
    past_the_end = view(1, [0, 1, 2], [3, 4, PADDING])  # there is no element 5
    assert effort_of(padded._replace(view=past_the_end), 1, 2) == 1.0


def test_what_4096_positions_cost_is_known_afterwards() -> None:
    known = _Efforts()
    for count, size in ((4096, 1), (4096, 1), (4097, 1), (4095, 2)):
        assert known(np.arange(count)) == 0.0
        assert len(known) == size


# Chosen orders


def test_rows_take_the_order_of_what_they_read() -> None:
    table = Reduction(2, (10, 11, 12), True, primitives.max_, view(1, [4, 5], [0, 1], [2, 3]))
    (group,) = ordered(grouping_of([table], [0, 6]), []).groups
    assert isinstance(group, Reduction)
    assert group.members == (11, 12, 10)
    assert group.view.positions.tolist() == [[0, 1], [2, 3], [4, 5]]
    padded = table._replace(view=view(1, [4, 5], [0, PADDING], [2, 3]))
    (group,) = ordered(grouping_of([padded], [0, 6]), []).groups
    assert group.members == (11, 12, 10)


def test_members_in_order_stay() -> None:
    for reads in ([0, 1, 2], [2, 4, 6]):
        group = applied(2, [10, 11, 12], (1, reads))
        assert ordered(grouping_of([group], [0, 7]), []).groups == (group,)


def test_the_order_of_parameters_or_of_what_is_read_twice_is_none() -> None:
    for source, reads in ((PARAMETERS, [2, 0, 1]), (1, [2, 0, 2])):
        group = applied(2, [10, 11, 12], (source, reads))
        assert ordered(grouping_of([group], [3, 3]), []).groups[0].members == (10, 11, 12)


def test_an_order_that_several_readers_like() -> None:
    """Two readers of parts both get slices; the second reads more members."""
    wide = weighted(2, [10, 11, 12, 13, 14])
    first, second = applied(3, [20, 21], (2, [4, 0])), applied(4, [22, 23, 24], (2, [3, 1, 2]))
    after = ordered(grouping_of([wide, first, second], [0, 3]), [*range(20, 25)])
    assert after.groups[0].members == (14, 10, 13, 11, 12)
    assert positions_of(after.groups[1]) == [0, 1]
    assert positions_of(after.groups[2]) == [2, 3, 4]
    assert after.position[[14, 10, 13, 11, 12]].tolist() == [0, 1, 2, 3, 4]


def test_readers_that_contradict_one_another_agree_on_the_cheapest() -> None:
    """Two groups read all members in different orders: one gets a slice, and the other adopts its order."""
    wide = weighted(2, [10, 11, 12])
    first, second = applied(3, [20, 21, 22], (2, [2, 0, 1])), applied(4, [23, 24, 25], (2, [1, 2, 0]))
    after = ordered(grouping_of([wide, first, second], [0, 3]), [])
    assert positions_of(after.groups[1]) == positions_of(after.groups[2]) == [0, 1, 2]


def test_a_reader_of_all_comes_before_a_reader_of_a_part() -> None:
    """If all members are read as a slice, the part is every other element, which is cheaper than a gather of all."""
    wide = weighted(2, [10, 11, 12, 13])
    part, everything = applied(3, [20, 21], (2, [1, 3])), applied(4, [22, 23, 24, 25], (2, [2, 1, 0, 3]))
    after = ordered(grouping_of([wide, part, everything], [0, 3]), [*range(20, 26)])
    assert after.groups[0].members == (12, 11, 10, 13)
    assert positions_of(after.groups[1]) == [1, 3]
    assert positions_of(after.groups[2]) == [0, 1, 2, 3]


def test_padding_stays_padding_for_readers_of_another_order() -> None:
    wide = weighted(2, [10, 11, 12, 13])
    table = Reduction(3, (20, 21), True, primitives.max_, view(2, [0, 3], [2, PADDING]))
    after = ordered(grouping_of([wide, table], [0, 3]), [13, 10, 11, 12, 20, 21])
    assert after.groups[0].members == (13, 10, 11, 12)
    assert [sorted(row) for row in after.groups[1].view.positions.tolist()] == [[0, 1], [PADDING, 3]]  # type: ignore[union-attr]


def test_two_members_have_an_order() -> None:
    assert ordered(grouping_of([applied(2, [10, 11], (1, [1, 0]))], [0, 2]), []).groups[0].members == (11, 10)


def test_parameters_may_be_read_in_any_order() -> None:
    """Parameters are laid out in the order in which they are read."""
    group = applied(2, [10, 11, 12], (PARAMETERS, [0, 1, 2]), (1, [2, 0, 1]))
    assert ordered(grouping_of([group], [3, 3]), []).groups[0].members == (11, 12, 10)


Reads = list[tuple[int, list[int]]]


@pytest.mark.parametrize(
    "reads",
    [
        [[(1, [2, 1])], [(2, [0, 1])]],
        [[(1, [2, 3]), (1, [2, 3])], [(1, [0, 3]), (2, [1, 0])]],
        [[(1, [0, 1])], [(2, [1, 0]), (2, [1, 0])]],
        [[(1, [2, 3]), (1, [2, 1])], [(2, [1, 0]), (1, [2, 3])], [(3, [1, 0])]],
        [[(1, [2, 1]), (1, [0, 1])], [(2, [0, 1]), (1, [2, 1])], [(2, [1, 0]), (3, [1, 0])]],
        [[], [(2, [0, 2]), (2, [2, 1])]],
        [[], [(1, [1, 0]), (2, [2, 3])], [(2, [3, 1])]],
    ],
)
def test_no_other_orders_are_cheaper(reads: list[Reads]) -> None:
    """All orders of all groups are tried; a group without reads here stands for a matrix product."""
    widths = [0, 4, *(len(group[0][1]) if group else 3 + (len(reads) > 2) for group in reads)]
    members = [[10 * k + n for n in range(width)] for k, width in enumerate(widths)]
    groups = [applied(k, members[k], *group) if group else weighted(k, members[k]) for k, group in enumerate(reads, 2)]
    after = ordered(grouping_of(groups, widths[:2]), []).groups
    needed = sum(effort_of(group, 1, len(widths)) for group in after)

    def effort_in(orders: Sequence[Sequence[int]]) -> float:
        """Return the total effort of all reads, for these orders of members; the argument keeps its own."""
        place = [np.argsort(order) for order in orders]
        read = [
            (np.array(index)[list(orders[k])], source) for k, group in enumerate(reads, 2) for source, index in group
        ]
        return sum(effort(place[source][index]) for index, source in read)

    everything = itertools.product([()], [range(4)], *map(itertools.permutations, map(range, widths[2:])))
    assert needed == min(map(effort_in, everything))


def test_outputs_next_to_each_other_are_a_slice() -> None:
    wide = weighted(2, [10, 11, 12, 13])
    other = applied(3, [20], (1, [0]))
    after = ordered(grouping_of([wide, other], [0, 3]), [13, 11, 20, 12, 10])
    assert after.groups[0].members == (13, 11, 12, 10)


def test_the_order_of_an_argument_comes_before_that_of_other_arrays() -> None:
    """The group reads both in different orders; the argument's order is fixed, the other array's is not."""
    wide = weighted(2, [10, 11, 12])
    both = applied(3, [20, 21, 22], (1, [1, 2, 0]), (2, [0, 1, 2]))
    after = ordered(grouping_of([wide, both], [0, 3]), [])
    assert positions_of(after.groups[1], 0) == positions_of(after.groups[1], 1) == [0, 1, 2]
    assert after.groups[1].members == (22, 20, 21)
    assert after.groups[0].members == (12, 10, 11)


def test_data_takes_any_order() -> None:
    """Reading constants in any order costs nothing, reading the argument out of order does."""
    group = applied(3, [10, 11, 12], (1, [1, 2, 0]), (2, [0, 1, 2]))
    after = ordered(grouping_of([group], [0, 3, 3], {2: np.array([1.0, 2.0, 3.0])}), [])
    assert after.groups[0].members == (12, 10, 11)


@pytest.mark.parametrize(
    "fixed",
    [
        Concatenation(3, (20, 21, 22), True, (view(2, 2, 0), view(2, 1))),
        RunningSum(3, (20, 21, 22), True, view(2, [2, 0, 1])),
    ],
)
def test_what_fixes_its_own_order_keeps_it(fixed: Group) -> None:
    wide = weighted(2, [10, 11, 12])
    reader = applied(4, [30, 31, 32], (3, [1, 2, 0]))
    after = ordered(grouping_of([wide, fixed, reader], [0, 3]), [30, 31, 32])
    assert after.groups[1].members == (20, 21, 22)


def test_a_loop_has_no_order_but_its_states_have() -> None:
    wide = weighted(2, [10, 11, 12])
    nothing = np.zeros(0, dtype=np.int64)
    loop = Repetition(3, (), True, 5, (view(2, 2, 0, 1), view(1, 2, 0, 1)), (), (), nothing, None, ())
    after = ordered(grouping_of([wide, loop], [0, 3]), [])
    assert after.groups[0].members == (12, 10, 11)
    assert after.groups[1].members == ()


def test_places_of_discarded_results_move_too() -> None:
    """One result of two positions with two channels is discarded; the positions are swapped."""
    block = Matrix(1.0, view(PARAMETERS, [0, 1], [2, 3]), view(1, [0, 1], [1, 2]), None)
    group = SumOfProducts(2, (10, PADDING, 11, 12), True, (block,), (0,))
    after = ordered(grouping_of([group], [4, 3]), [11, 12, 10])
    assert after.groups[0].members == (11, 12, 10, PADDING)
    assert after.position[[10, 11, 12]].tolist() == [2, 0, 1]
