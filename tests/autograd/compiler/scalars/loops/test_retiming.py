"""Where the steps of a loop begin: at the cut that carries the fewest numbers, in an order that can be computed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from autograd.arrays import np
from autograd.compiler.scalars.loops.retimed import retimed
from autograd.compiler.scalars.loops.stretches import Stretch

Reads = Sequence[Sequence[tuple[int, int]]]
"""For each operation of a step, the operations that it reads and the lags in steps."""

START = 100


def retime(
    reads: Reads, members: Sequence[int], stop: int, results: Sequence[int] = ()
) -> tuple[list[int], dict[int, int], int]:
    """Return the order of the members, the step of the trace in which each begins, and the number of steps."""
    period = len(reads)
    columns = [pair for row in reads for pair in row]
    first = np.append(0, np.cumsum([len(row) for row in reads]))
    producer, lag = np.array([q for q, _ in columns]), np.array([lag for _, lag in columns])
    stretch = Stretch(START, period, 9, first, np.zeros((9, len(columns)), dtype=np.int64), producer, lag)
    is_result = np.zeros(START + 9 * period, dtype=bool)
    is_result[[START + j for j in results]] = True
    operations: Any = SimpleNamespace(is_result=is_result)
    order, places = retimed(operations, stretch, members, stop)
    if not order:
        return [], {}, len(places)
    assert (np.diff(places, axis=0) == period).all()
    assert places.shape[1] == len(order)
    begin = {j: divmod(int(at) - START, period) for j, at in zip(order, places[0])} if len(places) else {}
    assert all(place == j for j, (_, place) in begin.items())
    return order, {j: step for j, (step, _) in begin.items()}, len(places)


def carried(reads: Reads, steps: dict[int, int]) -> int:
    """Count the numbers that steps carry if each member is computed in its step; -1 if that is impossible."""
    most: dict[int, int] = {}
    for j in steps:
        for q, lag in reads[j]:
            if q in steps:
                delay = lag + steps[q] - steps[j]
                most[q] = max(most.get(q, 0), delay)
                if delay < 0:
                    return -1
    return sum(most.values())


def draw(seed: int) -> tuple[Reads, list[int], int]:
    """Draw operations that depend on one another in a circle, some of them on further ones, and some others."""
    chance = random.Random(seed)
    period = chance.randint(1, 5)
    members = sorted(chance.sample(range(period), chance.randint(1, period)))
    reads: list[list[tuple[int, int]]] = [[(-1, 0)] for _ in range(period)]
    for before, j in zip([members[-1], *members], members):
        reads[j].append((before, int(before >= j)))
    for j in range(period):
        for _ in range(chance.randrange(2)):
            q = chance.randrange(period)
            reads[j].append((q, chance.randint(int(q >= j), 2)))
    reads, members = _interleaved(reads, members, chance)
    return reads, members, START + 9 * period - chance.randrange(period)


def _interleaved(reads: Any, members: list[int], chance: random.Random) -> tuple[Any, list[int]]:
    """Move operations to other steps of the trace and to other places in them, as far as that is possible."""
    period = len(reads)
    for _ in range(30):
        step = [chance.randrange(3) for _ in range(period)]
        place = chance.sample(range(period), period)
        moved: list[list[tuple[int, int]]] = [[] for _ in range(period)]
        for j, row in enumerate(reads):
            moved[place[j]] = [(place[q] if q >= 0 else q, lag + step[j] - step[q] if q >= 0 else 0) for q, lag in row]
        if all(q < 0 or int(q >= j) <= lag <= 3 for j, row in enumerate(moved) for q, lag in row):
            return moved, sorted(place[j] for j in members)
    return reads, members


@pytest.mark.parametrize("seed", range(120))
def test_steps_can_be_computed_and_carry_the_least(seed: int) -> None:
    reads, members, stop = draw(seed)
    order, steps, count = retime(reads, members, stop)
    assert sorted(order) == members
    for j in members:
        for q, lag in reads[j]:
            if q in steps:
                delay = lag + steps[q] - steps[j]
                assert delay > 0 or (delay == 0 and order.index(q) < order.index(j))
    period = len(reads)
    every = [dict(zip(members, shift)) for shift in itertools.product(range(4), repeat=len(members)) if min(shift) == 0]
    assert carried(reads, steps) == min(n for n in (carried(reads, shift) for shift in every) if n >= 0)
    # All places are before the stop, and one step more would reach it.
    last = max(START + j + period * (steps[j] + count - 1) for j in members)
    assert last < stop <= last + period
    assert min(steps.values()) == 0


@pytest.mark.parametrize("lag", [2, 3])
def test_steps_that_do_not_depend_on_the_last_one_are_no_loop(lag: int) -> None:
    assert retime([[(0, lag)]], [0], START + 9) == ([], {}, 0)
    assert retime([[(0, lag), (0, 1)]], [0], START + 9) == ([0], {0: 0}, 9)


def test_there_may_be_no_whole_step() -> None:
    """The first operation that repeats is the second of a step, and the last one is the first."""
    reads = [[(1, 1)], [(0, 0)]]
    assert retime(reads, [0, 1], START + 1)[2] == 0
    assert retime(reads, [0, 1], START + 2)[2] == 1


def test_a_result_takes_no_level() -> None:
    """A loop, its result, and an operation take two levels; one number is carried, after the operation."""
    reads = [[(2, 1)], [(0, 0)], [(1, 0)]]
    order, steps, count = retime(reads, [0, 1, 2], START + 27, results=[1])
    assert order == [0, 1, 2]
    assert steps == {0: 0, 1: 0, 2: 0}
    assert count == 9
