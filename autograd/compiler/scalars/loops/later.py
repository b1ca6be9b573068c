"""Extend loops by steps after them, found through the states that they read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from autograd.arrays import NDArray, np
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.loops.operations import Operations
from autograd.compiler.scalars.loops.recurrences import Levels, Recurrence, recurrence
from autograd.compiler.scalars.nodes import ABSENT
from autograd.compiler.scalars.program import ScalarProgram


class NextStep:
    """The operations of the step after loops, which read the last steps as these read those before.

    Args:
        program: its operations, and its leaves.
        loops: loops, each of which depends only on those before it.

    Attributes:
        next: for each node of a step, its counterpart in the next step.
        unknown: pairs of nodes of consecutive steps that none follows.
    """

    def __init__(self, program: ScalarProgram, operations: Operations, loops: Sequence[Recurrence]) -> None:
        self._program, self._operations = program, operations
        self.next: dict[int, int] = {}
        self.unknown: set[tuple[int, int]] = set()
        for loop in loops:
            nodes = operations.nodes[loop.places]
            self.next.update(zip(nodes[:-1].reshape(-1).tolist(), nodes[1:].reshape(-1).tolist()))
        order = np.argsort(operations.reads, kind="stable")
        self._read, self._reader = operations.reads[order], _owners(operations)[order]

    def row(self, i: int) -> list[int]:
        """Return what an operation reads."""
        first, place = self._operations.first, int(self._operations.place[i])
        row: list[int] = self._operations.reads[first[place] : first[place + 1]].tolist()
        return row

    def after(self, before: int, last: int, depth: int = 0) -> int | None:
        """Return the node that follows two nodes of consecutive steps; None if there is none."""
        if before == last or last in self.next:
            return self.next.get(last, last)
        if ABSENT in (before, last) or depth > cost_of_loops.MOST_NESTED:
            return None
        if self._operations.place[last] < 0 or self._operations.place[before] < 0:
            return self._following_number(before, last)
        if (before, last) in self.unknown or not cost_of_loops.worth_following(len(self.unknown)):
            return None
        operation = self.operation_after(before, last, depth)
        if operation is None:
            self.unknown.add((before, last))
        else:
            self.next[last] = operation
        return operation

    def operation_after(self, before: int, last: int, depth: int = 0) -> int | None:
        """Return the operation that follows two operations; None if there is none, or more than one."""
        row = self.row_after(before, last, depth)
        return None if row is None else self.like(last, row)

    def row_after(self, before: int, last: int, depth: int = 0) -> list[int | None] | None:
        """Return what the operation after two operations reads, with None for what is unknown."""
        rows = self.row(before), self.row(last)
        code, place = self._operations.code, self._operations.place
        if code[place[before]] != code[place[last]] or len(rows[0]) != len(rows[1]):
            return None
        return [self.after(a, b, depth + 1) for a, b in zip(*rows)]

    def like(self, i: int, row: Sequence[int | None]) -> int | None:
        """Return an operation like another that reads these nodes.

        If some nodes are None and may be any, it must be the only one. Otherwise, equal ones later than the other are
        preferred, the first of them.
        """
        operations = self._operations
        spans = [self._span(k) for k in row if k is not None and k != ABSENT]
        few = min(spans, key=len, default=range(0))
        readers = np.unique(self._reader[few.start : few.stop])
        sizes = operations.first[readers + 1] - operations.first[readers]
        readers = readers[(operations.code[readers] == operations.code[operations.place[i]]) & (sizes == len(row))]
        if not len(readers):
            return None
        known = [n for n, k in enumerate(row) if k is not None]
        own = operations.reads[operations.first[readers][:, None] + np.array(known)]
        alike = operations.nodes[readers[(own == np.array([row[n] for n in known])).all(axis=1)]].tolist()
        if None in row:
            return alike[0] if len(alike) == 1 else None
        return min([k for k in alike if k > i], default=max(alike, default=None))

    def _span(self, i: int) -> range:
        """Return where the operations that read a node are listed."""
        return range(int(np.searchsorted(self._read, i)), int(np.searchsorted(self._read, i + 1)))

    def _following_number(self, before: int, last: int) -> int | None:
        """Return the argument's number as far after the last one as this is after the one before."""
        following = 2 * last - before
        inside = [nodes for nodes in self._program.arguments if before in nodes and last in nodes]
        return following if inside and following in inside[0] else None


def _owners(operations: Operations) -> NDArray[np.int64]:
    """Return the place of the operation that each read belongs to."""
    return np.repeat(np.arange(len(operations)), np.diff(operations.first))


def with_later_steps(
    program: ScalarProgram, operations: Operations, chosen: list[Levels], excluded: NDArray[np.bool_]
) -> list[Levels]:
    """Return loops with all steps after them that do the same; the list itself, if there are none.

    Args:
        excluded: for each node, whether it must stay outside of loops.
    """
    loops = [loop for levels in chosen for loop in levels.loops.values()]
    if not loops:
        return chosen
    steps = NextStep(program, operations, loops)
    taken = excluded[operations.nodes]
    for loop in loops:
        taken[loop.places] = True
    extended = [
        levels._replace(loops={n: _extended(operations, steps, loop, taken) for n, loop in levels.loops.items()})
        for levels in chosen
    ]
    longer = [loop.steps for levels in extended for loop in levels.loops.values()]
    return chosen if longer == [loop.steps for loop in loops] else extended


def _extended(operations: Operations, steps: NextStep, loop: Recurrence, taken: NDArray[np.bool_]) -> Recurrence:
    """Return a loop with later steps; marks their operations as taken."""
    if operations.is_result[loop.places[0]].any():
        return loop
    while True:
        steps.unknown.clear()
        before, last = operations.nodes[loop.places[-2:]].tolist()
        following = (steps.after(a, b) for a, b in zip(before, last))
        nodes = list(itertools.takewhile(lambda i: i is not None, following))
        if len(nodes) < len(last):
            return loop
        row = operations.place[np.array(nodes)]
        if len(set(nodes)) < len(nodes) or taken[row].any():
            return loop
        longer = recurrence(operations, loop.members, np.concatenate([loop.places, row[None]]))
        if longer is None or not (longer.lag == loop.lag).all() or not (longer.producer == loop.producer).all():
            return loop
        taken[row] = True
        loop = longer
