"""Retiming: choose where steps begin, by scheduling the operations of a recurrence as early as possible.

A trace does not show where the user's steps begin, and operations of one step may be traced between those of the next.
So a step of the loop consists of the operations within as many levels as a step takes (as Leiserson and Saxe, 1991,
move delays), or of those that the trace has between the same two operations, if that carries fewer numbers: a level
may contain both the last operation of a step and the first one of the next. It begins where the fewest are carried.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from autograd.arrays import np
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.loops.operations import Integers, Operations
from autograd.compiler.scalars.loops.periods import MOST_STEPS_BACK
from autograd.compiler.scalars.loops.stretches import Stretch

Reads = Mapping[int, Mapping[int, tuple[int, int]]]
"""The operations that each operation of a step reads, with the smallest and the largest lag in steps."""


def retimed(operations: Operations, stretch: Stretch, members: Sequence[int], stop: int) -> tuple[list[int], Integers]:
    """Return operations of a step in execution order, and their places, step by step.

    There are no steps if these would not depend on one another.

    Args:
        members: the operations, which depend on one another.
        stop: the place after the last operation that repeats.
    """
    reads = _reads(stretch, members)
    own = {j: int(not operations.is_result[stretch.start + j]) for j in members}
    depths = _depths(reads, own)
    if depths is None:
        return [], np.zeros((0, 0), dtype=np.int64)
    depth, levels = depths
    count = [-(-(stop - stretch.start - j) // stretch.period) for j in members]

    def key(shift: Mapping[int, int]) -> tuple[int, int, int]:
        """Order by the loop-carried numbers, then by most steps, then by least movement."""
        steps = min(n + shift[j] for n, j in zip(count, members)) - max(shift.values())
        return _carried(reads, shift), -steps, sum(map(abs, shift.values()))

    begins = members[: cost_of_loops.MOST_CUTS]
    shift = min([{j: -int(j < begin) for j in members} for begin in begins], key=key)
    if levels:
        cuts = range(1, 1 + min(levels, cost_of_loops.MOST_CUTS))
        by_level = min([{j: (depth[j] - begin) // levels for j in members} for begin in cuts], key=key)
        if key(by_level)[0] <= key(shift)[0]:
            shift = by_level
    first, steps = max(shift.values()), max(-key(shift)[1], 0)
    order = sorted(members, key=lambda j: (depth[j] - levels * shift[j], j - stretch.period * shift[j]))
    start = [stretch.start + j + stretch.period * (first - shift[j]) for j in order]
    return order, np.array(start) + stretch.period * np.arange(steps)[:, None]


def _reads(stretch: Stretch, members: Sequence[int]) -> Reads:
    within = set(members)
    reads: dict[int, dict[int, tuple[int, int]]] = {}
    for j in members:
        row: dict[int, tuple[int, int]] = {}
        for c in stretch.columns(j):
            q, lag = int(stretch.producer[c]), int(stretch.lag[c])
            if q in within:
                least, most = row.get(q, (lag, lag))
                row[q] = min(least, lag), max(most, lag)
        reads[j] = row
    return reads


def _carried(reads: Reads, shift: Mapping[int, int]) -> int:
    """Count the loop-carried numbers if operations are shifted by these steps."""
    carried: dict[int, int] = {}
    for j, row in reads.items():
        for q, (_, lag) in row.items():
            carried[q] = max(carried.get(q, 0), lag + shift[j] - shift[q])
    return sum(carried.values())


def _depths(reads: Reads, own: Mapping[int, int]) -> tuple[dict[int, int], int] | None:
    """Return the earliest level of each operation of a step, from 1 on, and the number of levels of a step.

    All are 0 if this number alternates, as for Euler's method of an oscillator: its position takes a level, but its
    velocity two, and each reads the other. None if steps of some operations share a level, for instance if each step
    depends on the third one before.

    Args:
        own: whether each operation takes a level; a result does not, since it belongs to its loop.
    """
    earlier: list[dict[int, int]] = []
    steps = {0}
    for _ in range(cost_of_loops.MOST_STEPS_TRIED):
        now: dict[int, int] = {}
        for j in own:
            before = [
                now[q] if not lag else (earlier[-lag][q] if lag <= len(earlier) else 0)
                for q, (lag, _) in reads[j].items()
            ]
            now[j] = own[j] + max(before, default=0)
        recent = [*earlier[-MOST_STEPS_BACK - 1 :], now]
        if len(recent) > MOST_STEPS_BACK + 1:
            steps = {after[j] - before[j] for before, after in itertools.pairwise(recent) for j in own}
            if len(steps) == 1 and 0 not in steps:
                least = min(now.values())
                return {j: n - least + 1 for j, n in now.items()}, steps.pop()
        earlier.append(now)
    return None if 0 in steps else (dict.fromkeys(own, 0), 0)
