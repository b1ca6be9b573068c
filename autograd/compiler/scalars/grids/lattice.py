"""Derive the coordinates of a grid's cells from the reads between them.

In every cell, a given operand of a kind lies in the same direction. Different paths between two cells relate these
directions: up plus left equals the diagonal. If the cells form a planar grid, two independent directions remain.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.scalars.grids.kinds import Kinds

Vector = tuple[int, ...]
Edge = tuple[int, int, int]
"""A kind, the number of an operand, and the operand's kind."""


def coordinates(
    cells: set[int], kinds: Kinds, edges: Sequence[Edge]
) -> tuple[dict[int, Vector], dict[Edge, Vector]] | None:
    """Return the two coordinates of each operation, and the offset of each edge; None if there are not exactly two.

    An edge leads from an operand to its reader, whose coordinates are larger by the offset. Coordinates are relative to
    an arbitrary origin for each kind.
    """
    tree = _tree(edges)
    free = [edge for edge in edges if edge not in tree]
    unit = {edge: tuple([int(n == m) for m in range(len(free))]) for n, edge in enumerate(free)}
    zero = (0,) * len(free)
    step = {edge: unit.get(edge, zero) for edge in edges}
    neighbours: dict[int, list[tuple[int, Edge, int]]] = {i: [] for i in cells}
    for i in cells:
        for p, k in enumerate(kinds.rows[i]):
            if k in cells:
                edge = kinds.of[i], p, kinds.of[k]
                neighbours[i].append((k, edge, -1))
                neighbours[k].append((i, edge, 1))
    start = min(cells)
    at, front, relations = {start: zero}, [start], set()
    while front:
        i = front.pop()
        for k, edge, sign in neighbours[i]:
            there = tuple([a + sign * b for a, b in zip(at[i], step[edge])])
            if k not in at:
                at[k] = there
                front.append(k)
            elif at[k] != there:
                relations.add(tuple([a - b for a, b in zip(at[k], there)]))
    basis = _orthogonal(sorted(relations), len(free))
    if len(basis) != 2:
        return None
    return {i: _in(basis, x) for i, x in at.items()}, {edge: _in(basis, x) for edge, x in step.items()}


def _tree(edges: Sequence[Edge]) -> set[Edge]:
    """Return edges that form a spanning tree of the kinds."""
    part = {kind: kind for edge in edges for kind in (edge[0], edge[2])}
    tree = set()
    for edge in edges:
        a, b = part[edge[0]], part[edge[2]]
        if a != b:
            tree.add(edge)
            part = {kind: a if of == b else of for kind, of in part.items()}
    return tree


def _in(basis: Sequence[Vector], x: Vector) -> Vector:
    return tuple([sum(a * b for a, b in zip(row, x)) for row in basis])


def _orthogonal(rows: Sequence[Vector], size: int) -> list[Vector]:
    """Return a basis of the integer vectors that are orthogonal to these rows, by elimination of columns."""
    columns = [[*[row[n] for row in rows], *[int(n == m) for m in range(size)]] for n in range(size)]
    done = 0
    for r in range(len(rows)):
        while True:
            open_ = [n for n in range(done, size) if columns[n][r]]
            if not open_:
                break
            least = min(open_, key=lambda n: abs(columns[n][r]))
            columns[done], columns[least] = columns[least], columns[done]
            if len(open_) == 1:
                done += 1
                break
            for n in range(done + 1, size):
                q = columns[n][r] // columns[done][r]
                if q:
                    columns[n] = [a - q * b for a, b in zip(columns[n], columns[done])]
    return [tuple(column[len(rows) :]) for column in columns[done:]]
