"""Periods with which the operations of a program may repeat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.scalars.loops.hashing import Hashes
from autograd.compiler.scalars.loops.operations import Operations

MOST_STEPS_BACK = 3
"""Steps back that a step may read, at most."""


class Run(NamedTuple):
    """Operations that are like those a period later, as far as one sees.

    Attributes:
        start, stop: their places; the last period, which has nothing behind it, included.
        period: how many operations a step has.
    """

    start: int
    stop: int
    period: int


def runs(operations: Operations) -> Iterator[Run]:
    """The runs of all periods that are likely, the shortest periods first."""
    seen: set[int] = set()
    window, size = cost.SHORTEST_WINDOW, len(operations)
    while size >= 2:
        for period in sorted(_likely(operations.keys(window)) - seen):
            if period * cost.LEAST_STEPS <= size:
                seen.add(period)
                yield from runs_of(operations, period)
        if window >= size:
            return
        window *= cost.WINDOW_GROWTH


def runs_of(operations: Operations, period: int) -> list[Run]:
    """The runs of one period that are long enough for a loop."""
    keys = operations.keys(MOST_STEPS_BACK * period)
    alike = np.concatenate([[False], keys[:-period] == keys[period:], [False]])
    changes = np.flatnonzero(alike[1:] != alike[:-1])
    starts, stops = changes[::2], changes[1::2]
    long = stops - starts >= (cost.LEAST_STEPS - 1) * period
    return [Run(start, stop + period, period) for start, stop in zip(starts[long].tolist(), stops[long].tolist())]


def _likely(keys: Hashes) -> set[int]:
    """Return the distances that are frequent from an operation to the next one with the same key."""
    order = np.argsort(keys, kind="stable")
    again = keys[order][1:] == keys[order][:-1]
    distances, votes = np.unique(np.diff(order)[again], return_counts=True)
    frequent = np.argsort(
        -votes * np.where(distances < cost.SHORTEST_WINDOW, distances, cost.SHORTEST_WINDOW), kind="stable"
    )[: cost.MOST_PERIODS]
    return set(distances[frequent].tolist())
