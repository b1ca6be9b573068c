"""Cells of a grid: operations that recur in two directions and read one another in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from autograd.compiler.scalars.grids.kinds import Kinds
from autograd.compiler.scalars.program import ScalarProgram


def cells_of(program: ScalarProgram, kinds: Kinds) -> set[int]:
    """Return the operations of the largest connected grid.

    Each operand of an operation is of the kind that the operation's kind reads there, or does not depend on the grid.
    Otherwise, the operand is left out with its dependencies, or the operation with its dependents, whichever are fewer.
    """
    inside = {i for i in program.operations if kinds.of[i] in kinds.recurrent}
    readers: dict[int, list[int]] = {}
    for i in program.operations:
        for k in kinds.rows[i]:
            readers.setdefault(k, []).append(i)
    depends: set[int] = set()
    for i in program.operations:
        row = kinds.rows[i]
        if i in inside:
            expected = kinds.reads[kinds.of[i]]
            wrong = [k for p, k in enumerate(row) if k in depends and (k not in inside or kinds.of[k] != expected[p])]
            if wrong:
                _leave_out(i, wrong, kinds.rows, readers, inside, depends)
        if i in inside or any(k in depends for k in row):
            depends.add(i)
    return _largest_part(inside, kinds.rows)


def _leave_out(
    i: int,
    wrong: Sequence[int],
    rows: Sequence[tuple[int, ...]],
    readers: Mapping[int, Sequence[int]],
    inside: set[int],
    depends: set[int],
) -> None:
    """Remove wrong operands of an operation, or the operation itself, from a grid."""
    before = _reached(wrong, lambda k: [n for n in rows[k] if n in depends], len(rows))
    after = _reached([i], lambda k: readers.get(k, ()), len(before))
    if len(after) < len(before):
        inside.difference_update(after)
    else:
        inside.difference_update(before)
        depends.difference_update(before)


def _reached(nodes: Sequence[int], neighbours: Callable[[int], Iterable[int]], most: int) -> set[int]:
    """Return the nodes reachable from nodes, including themselves; stop beyond about `most`."""
    reached, front = set(nodes), list(nodes)
    while front and len(reached) <= most:
        for k in neighbours(front.pop()):
            if k not in reached:
                reached.add(k)
                front.append(k)
    return reached


def _largest_part(inside: set[int], rows: Sequence[tuple[int, ...]]) -> set[int]:
    """Return the largest set of operations that are connected by reads."""
    root = {i: i for i in inside}

    def top(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i in inside:
        for k in rows[i]:
            if k in inside:
                root[top(i)] = top(k)
    parts: dict[int, set[int]] = {}
    for i in inside:
        parts.setdefault(top(i), set()).add(i)
    return max(parts.values(), key=len, default=set())


def edges_of(cells: Iterable[int], kinds: Kinds) -> list[tuple[int, int, int]]:
    """Return the reads between kinds within a grid: (reader, operand, kind)."""
    edges = {(kinds.of[i], p, kinds.of[k]) for i in cells for p, k in enumerate(kinds.rows[i])}
    within = {kinds.of[i] for i in cells}
    return sorted(edge for edge in edges if edge[2] in within and kinds.reads[edge[0]][edge[1]] == edge[2])
