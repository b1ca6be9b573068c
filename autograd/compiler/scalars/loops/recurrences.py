"""Recurrences: operations of a step that depend on themselves through results of earlier steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler.scalars.loops.components import components
from autograd.compiler.scalars.loops.operations import Integers, Operations
from autograd.compiler.scalars.loops.retimed import retimed
from autograd.compiler.scalars.loops.stretches import Stretch


class Recurrence(NamedTuple):
    """Operations that become a loop: members, each with one operation per step.

    A column is the same operand of the same member at every step.

    Attributes:
        members: the place of each member in a step of the stretch.
        places: the places of the operations, of shape (steps, members).
        first: the start of each member's columns, and the end of the last.
        reads: the nodes that are read, of shape (steps, columns).
        producer: the member that each column reads; -1 for outer nodes.
        lag: the number of steps by which it is read back; the column reads initial values during that many steps.
    """

    members: list[int]
    places: Integers
    first: Integers
    reads: Integers
    producer: Integers
    lag: Integers

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.places)

    @property
    def carried(self) -> int:
        """The number of members whose results a later step reads."""
        return len(np.unique(self.producer[self.lag > 0]))

    def columns(self, member: int) -> range:
        """The columns of a member."""
        return range(int(self.first[member]), int(self.first[member + 1]))


class Levels(NamedTuple):
    """The operations of a stretch, by the loops that they depend on.

    Attributes:
        stretch: the steps.
        stop: the place after the last operation that repeats.
        level: the number of loops that each operation of a step depends on, including its own.
        loops: the loops by level, each of which depends on the one before.
    """

    stretch: Stretch
    stop: int
    level: list[int]
    loops: dict[int, Recurrence]


def levels_of(
    operations: Operations, stretch: Stretch, stop: int, is_loop: Callable[[Sequence[int]], bool], least: int
) -> Levels | None:
    """Divide the operations of a stretch's steps: those that depend on one another across steps become loops.

    Independent loops are merged. None if there are no loops.

    Args:
        stop: the place after the last operation that repeats.
        is_loop: returns whether operations that depend on one another may be a loop.
        least: the least number of steps.
    """
    reads = _reads(stretch)
    several_results = _with_their_loops(operations, stretch, reads)
    level: dict[int, int] = {}
    several: dict[int, list[Integers]] = {}
    members: dict[int, list[int]] = {}
    for component in components(several_results):
        within = set(component)
        before = max([level[k] for j in component for k in reads[j] if k not in within], default=0)
        if _recurs(operations, stretch, within):
            order, places = retimed(operations, stretch, sorted(component), stop)
            if len(places) >= least and is_loop(component):
                before += 1
                members.setdefault(before, []).extend(order)
                several.setdefault(before, []).append(places)
        for j in component:
            level[j] = before
    loops: dict[int, Recurrence] = {}
    for n, parts in several.items():
        steps = min(map(len, parts))
        together = np.concatenate([places[:steps] for places in parts], axis=1)
        loop = recurrence(operations, members[n], together[: _complete(operations, together)])
        if loop is None or loop.steps < least:
            return None
        loops[n] = loop
    return Levels(stretch, stop, [level[j] for j in range(stretch.period)], loops) if loops else None


def recurrence(operations: Operations, members: list[int], places: Integers) -> Recurrence | None:
    """Return operations as a recurrence; None if their steps do not read in the same way."""
    steps, flat = len(places), places.reshape(-1)
    begin = places[0]
    counts = np.diff(operations.first)[begin]
    first = np.append(0, counts.cumsum())
    owner = np.repeat(np.arange(len(counts)), counts)
    columns = operations.first[places][:, owner] + (np.arange(len(owner)) - first[owner])
    reads = operations.reads[columns]
    read_at = operations.places_of(reads)
    order = np.argsort(flat)
    number = order[np.searchsorted(flat[order], read_at)]  # no operation reads a place after the last one
    is_inside = flat[number] == read_at
    member = np.where(is_inside, number % places.shape[1], -1)
    lag = np.where(is_inside, np.arange(steps)[:, None] - number // places.shape[1], 0)
    producer, back = member[-1], lag[-1]
    is_initial = (np.arange(steps)[:, None] < back) & ~is_inside
    alike = np.where(is_inside[-1], ((member == producer) & (lag == back)) | is_initial, ~is_inside)
    of_loops = first[:-1][operations.is_result[begin]]
    if not alike.all() or back[of_loops].any():
        return None
    return Recurrence(members, places, first, reads, producer, back)


def _recurs(operations: Operations, stretch: Stretch, members: set[int]) -> bool:
    """Return whether operations of a step that depend on one another do so: one alone may not.

    If they do, some read results of earlier steps, since none depends on itself within a step.
    """
    return any(
        int(stretch.producer[c]) in members
        for j in members
        if not operations.is_result[stretch.start + j]
        for c in stretch.columns(j)
    )


def _with_their_loops(operations: Operations, stretch: Stretch, reads: Sequence[set[int]]) -> list[set[int]]:
    """Return operations' reads, as if loops read their results, so that a loop and its results stay together."""
    both = [set(row) for row in reads]
    for j in np.flatnonzero(operations.is_result[stretch.start : stretch.start + stretch.period]).tolist():
        loop = int(stretch.producer[stretch.first[j]])
        if loop >= 0:
            both[loop].add(j)
    return both


def _complete(operations: Operations, places: Integers) -> int:
    """Count the steps before the first step with a loop whose result is read outside of the places."""
    results = np.flatnonzero(operations.is_result)
    of_loops = operations.place[operations.reads[operations.first[results]]]
    step = {at: t for t, row in enumerate(places.tolist()) for at in row} if len(results) else {}
    elsewhere = [step[loop] for at, loop in zip(results.tolist(), of_loops.tolist()) if loop in step and at not in step]
    return min(elsewhere, default=len(places))


def _reads(stretch: Stretch) -> list[set[int]]:
    """Return the operations, of the same or of earlier steps, that each operation of a step reads."""
    producer = stretch.producer.tolist()
    return [{producer[c] for c in stretch.columns(j)} - {-1} for j in range(stretch.period)]
