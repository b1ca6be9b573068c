"""Stretches of a program that are the steps of a loop, and the reads of each step."""

from __future__ import annotations

from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler.scalars.loops.operations import Integers, Operations
from autograd.compiler.scalars.loops.periods import MOST_STEPS_BACK, Run


class Stretch(NamedTuple):
    """Steps of equal work. A column is the same operand of the same operation at every step.

    Attributes:
        start: the place of the first operation.
        period: the number of operations of a step.
        steps: the number of steps.
        first: the start of the columns of each operation of a step, and the end of the last.
        reads: the nodes that are read, of shape (steps, columns).
        producer: the operation of a step that each column reads; -1 for outer nodes.
        lag: the number of steps by which it is read back; the column reads initial values during that many steps.
    """

    start: int
    period: int
    steps: int
    first: Integers
    reads: Integers
    producer: Integers
    lag: Integers

    @property
    def stop(self) -> int:
        """The place after the last operation."""
        return self.start + self.steps * self.period

    def columns(self, operation: int) -> range:
        """The columns of an operation of a step."""
        return range(int(self.first[operation]), int(self.first[operation + 1]))


def stretches_of(operations: Operations, run: Run) -> list[Stretch]:
    """Return the steps of a run, extended by earlier steps that differ only by reading initial values.

    There are none if a step reads a node that no step of a loop can read. If steps may begin at an earlier operation,
    these steps are an alternative.
    """
    stretch = _at(operations, run.start, run.period, (run.stop - run.start) // run.period)
    if stretch is None:
        return []
    stretch = _extended(operations, stretch)
    early = _begun_early(operations, stretch, run.stop)
    return [stretch] if early is None else [stretch, early]


def _extended(operations: Operations, stretch: Stretch) -> Stretch:
    """Extend a stretch by earlier steps that differ only by reading initial values."""
    while stretch.start >= stretch.period:
        longer = _at(operations, stretch.start - stretch.period, stretch.period, stretch.steps + 1)
        if longer is None:
            break
        stretch = longer
    return stretch


def _begun_early(operations: Operations, stretch: Stretch, stop: int) -> Stretch | None:
    """Return a stretch whose steps begin with the first repeated operation; None if they already do.

    Args:
        stop: the place after the last operation that repeats.
    """
    first, period, code = stretch.start, stretch.period, operations.code
    while first > max(0, stretch.start - period) and code[first - 1] == code[first - 1 + period]:
        first -= 1
    for start in range(first, stretch.start):
        if _at(operations, start, period, min(stretch.steps, MOST_STEPS_BACK + 1)) is not None:
            return _at(operations, start, period, (stop - start) // period)
    return None


def _at(operations: Operations, start: int, period: int, steps: int) -> Stretch | None:
    stop = start + steps * period
    code = operations.code[start:stop].reshape(steps, period)
    first = operations.first[start : start + period + 1] - operations.first[start]
    if (code != code[0]).any():
        return None
    reads = operations.reads[operations.first[start] : operations.first[stop]].reshape(steps, -1)
    places = operations.places_read(start, stop).reshape(steps, -1)
    distance = places - (start + period * np.arange(steps))[:, None]
    last = distance[-1]
    near = (places[-1] >= 0) & (last >= -MOST_STEPS_BACK * period)
    lag = np.where(near, -(last // period), 0)
    is_outside = places < start
    is_initial = (np.arange(steps)[:, None] < lag) & is_outside
    if not np.where(near, (distance == last) | is_initial, is_outside).all():
        return None
    producer = np.where(near, last + lag * period, -1)
    return Stretch(start, period, steps, first, reads, producer, lag)
