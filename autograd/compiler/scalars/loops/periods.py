"""Periods with which the operations of a program may repeat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.loops.components import components
from autograd.compiler.scalars.loops.hashing import Hashes
from autograd.compiler.scalars.loops.operations import Operations

MOST_STEPS_BACK = 3
"""The largest number of steps by which a step may read back."""


class Run(NamedTuple):
    """Operations whose keys equal those one period later.

    Attributes:
        start, stop: their places, including the last period, which no equal one follows.
        period: the number of operations of a step.
    """

    start: int
    stop: int
    period: int


def runs(operations: Operations, taken: NDArray[np.bool_], least: int = cost_of_loops.LEAST_STEPS) -> Iterator[Run]:
    """Yield the runs of all likely periods, the shortest periods first.

    Args:
        taken: marks operations that are already in a loop; the caller updates it between runs.
        least: the least number of steps.
    """
    seen: set[int] = set()
    window, size = cost_of_loops.SHORTEST_WINDOW, len(operations)
    while True:
        free = _longest_free(taken[:size])
        if free < least:
            return
        for period in sorted(_likely(operations.keys(window)) - seen):
            if period * least <= free:
                seen.add(period)
                yield from runs_of(operations, period, least)
        if window >= free:
            return
        window *= cost_of_loops.WINDOW_GROWTH


def runs_of(operations: Operations, period: int, least: int = cost_of_loops.LEAST_STEPS) -> list[Run]:
    """Return the runs of a period that are long enough for a loop, and in which a step depends on earlier ones.

    Operands further away than MOST_STEPS_BACK steps may be outer nodes, whose distance differs by step. The first steps
    are close to these, so that short loops may have too few other steps. Then the operands may be at any distance.
    """
    return _runs_within(operations, period, MOST_STEPS_BACK, least) or _runs_within(operations, period, 0, least)


def _runs_within(operations: Operations, period: int, steps_back: int, least: int) -> list[Run]:
    """Return the runs of operations whose operands within so many steps are at equal distances."""
    keys = operations.keys(steps_back * period)
    alike = np.concatenate([[False], keys[:-period] == keys[period:], [False]])
    changes = np.flatnonzero(alike[1:] != alike[:-1])
    starts, stops = changes[::2], changes[1::2]
    long = stops - starts >= (least - 1) * period
    starts, stops = starts[long], stops[long] + period
    last = starts + ((stops - starts) // period - 1) * period
    known: dict[tuple[int, ...], bool] = {}
    several = []
    for start, stop, at in zip(starts.tolist(), stops.tolist(), last.tolist()):
        step = tuple(keys[at : at + period].tolist())
        if step not in known:
            known[step] = _recurs(operations, at, period)
        if known[step]:
            several.append(Run(start, stop, period))
    return several


def _recurs(operations: Operations, start: int, period: int) -> bool:
    """Return whether operations of a step depend on the corresponding operations of earlier steps.

    Args:
        start: the place of the first operation, with several steps before it.
    """
    reads: list[set[int]] = []
    for at in range(start, start + period):
        places = operations.places_read(at, at + 1)
        near = (places >= 0) & (places >= start - MOST_STEPS_BACK * period)
        reads.append({(place - start) % period for place in places[near].tolist()})
    return any(j in row for j, row in enumerate(reads)) or any(len(several) > 1 for several in components(reads))


def _longest_free(taken: NDArray[np.bool_]) -> int:
    """Return the length of the longest stretch of operations outside of loops."""
    bounds = np.flatnonzero(np.concatenate([[True], taken, [True]]))
    return int(np.diff(bounds).max()) - 1


def _likely(keys: Hashes) -> set[int]:
    """Return the most frequent distances between consecutive operations with the same key."""
    order = np.argsort(keys, kind="stable")
    again = keys[order][1:] == keys[order][:-1]
    distances, votes = np.unique(np.diff(order)[again], return_counts=True)
    frequent = np.argsort(
        -votes * np.where(distances < cost_of_loops.SHORTEST_WINDOW, distances, cost_of_loops.SHORTEST_WINDOW),
        kind="stable",
    )[: cost_of_loops.MOST_PERIODS]
    return set(distances[frequent].tolist())
