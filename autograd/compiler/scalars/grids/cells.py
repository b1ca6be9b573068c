"""Cells of a grid: the operations that recur in two directions, of which all read alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from autograd.compiler.scalars.grids.kinds import Kinds
from autograd.compiler.scalars.program import ScalarProgram


def cells_of(program: ScalarProgram, kinds: Kinds) -> set[int]:
    """Return the operations of the largest connected grid.

    Each of them reads, operand by operand, what its kind reads, or what does not depend on the grid. Where one does
    otherwise, what it reads is left out, with all that this waits for; or itself with what waits for it, if that is
    less.
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
    """Take what an operation reads, but should not, out of a grid; or the operation itself."""
    before = _reached(wrong, lambda k: [n for n in rows[k] if n in depends], len(rows))
    after = _reached([i], lambda k: readers.get(k, ()), len(before))
    if len(after) < len(before):
        inside.difference_update(after)
    else:
        inside.difference_update(before)
        depends.difference_update(before)


def _reached(nodes: Sequence[int], neighbours: Callable[[int], Iterable[int]], most: int) -> set[int]:
    """Return what is reached from some nodes, themselves included; no more than about so many."""
    reached, front = set(nodes), list(nodes)
    while front and len(reached) <= most:
        for k in neighbours(front.pop()):
            if k not in reached:
                reached.add(k)
                front.append(k)
    return reached


def _largest_part(inside: set[int], rows: Sequence[tuple[int, ...]]) -> set[int]:
    """Return the largest set of operations that are connected by what they read."""
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
    """Return which kind reads which within a grid, and as which operand: (reader, operand, kind)."""
    edges = {(kinds.of[i], p, kinds.of[k]) for i in cells for p, k in enumerate(kinds.rows[i])}
    within = {kinds.of[i] for i in cells}
    return sorted(edge for edge in edges if edge[2] in within and kinds.reads[edge[0]][edge[1]] == edge[2])
