"""Extend loops by steps before them that lie elsewhere in the order, found through the states that the loops read.

A trace may interleave the operations of its first step with others than those of later steps, so that the first step
does not lie a period before the second.
"""

from __future__ import annotations

from autograd.arrays import NDArray, np
from autograd.compiler.scalars.loops.operations import Operations
from autograd.compiler.scalars.loops.recurrences import Levels, Recurrence, recurrence


def with_earlier_steps(operations: Operations, chosen: list[Levels], excluded: NDArray[np.bool_]) -> list[Levels]:
    """Return loops with all steps before them that do the same; the list itself, if there are none.

    Args:
        excluded: for each node, whether it must stay outside of loops.
    """
    taken = excluded[operations.nodes]
    for levels in chosen:
        for loop in levels.loops.values():
            taken[loop.places] = True
    extended = [
        levels._replace(loops={n: _extended(operations, loop, taken) for n, loop in levels.loops.items()})
        for levels in chosen
    ]
    steps = [[loop.steps for loop in levels.loops.values()] for levels in chosen]
    return chosen if steps == [[loop.steps for loop in levels.loops.values()] for levels in extended] else extended


def _extended(operations: Operations, loop: Recurrence, taken: NDArray[np.bool_]) -> Recurrence:
    """Return a loop with earlier steps; marks their operations as taken."""
    if operations.is_result[loop.places[0]].any():
        return loop
    while True:
        row = _step_before(operations, loop)
        if row is None or taken[row].any():
            return loop
        longer = recurrence(operations, loop.members, np.concatenate([np.array([row]), loop.places]))
        if longer is None or _invariant(longer) < _invariant(loop):
            return loop
        taken[row] = True
        loop = longer


def _step_before(operations: Operations, loop: Recurrence) -> list[int] | None:
    """Return the places of the operations of the step before a loop; None if these are not all there.

    They are those whose results its first steps read as states, and those that these read in turn.
    """
    row = [-1] * len(loop.members)
    first, place, code = operations.first, operations.place, operations.code
    states = np.flatnonzero(loop.lag > 0).tolist()
    members = [(int(loop.producer[c]), int(loop.reads[int(loop.lag[c]) - 1, c])) for c in states]
    while members:
        j, node = members.pop()
        at = int(place[node])
        if row[j] not in (-1, at) or code[at] != code[loop.places[0, j]]:
            return None
        if row[j] == at:
            continue
        row[j] = at
        reads = operations.reads[first[at] : first[at + 1]].tolist()
        columns = loop.columns(j)
        members += [
            (int(loop.producer[c]), k) for c, k in zip(columns, reads) if loop.producer[c] >= 0 and not loop.lag[c]
        ]
    return row if min(row) >= 0 and len(set(row)) == len(row) else None


def _invariant(loop: Recurrence) -> int:
    """Count the columns that read the same node at all steps."""
    return int((loop.reads == loop.reads[0]).all(axis=0).sum())
