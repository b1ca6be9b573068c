"""Families of arrays: arrays that nodes of equal work read in place of one another."""

from __future__ import annotations

import itertools

from autograd.arrays import np
from autograd.compiler.recover.index import Positions
from autograd.compiler.scalars.nodes import ABSENT


def numbered(rows: Positions) -> tuple[Positions, Positions]:
    """Number the distinct rows of a matrix in their order; return each row's number and each number's first row."""
    number = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        number = np.unique(number * (int(rows.max()) + 2) + column, return_inverse=True)[1].reshape(-1)
    return number, np.unique(number, return_index=True)[1]


def families(rows: list[list[int]]) -> dict[int, int]:
    """Return the family of each source, identified by its least member.

    Two sources form a family if one node reads both, and another node reads one in place of the other; then all sources
    that such nodes read in the same places join it.

    Args:
        rows: the sources of each node's operands; ABSENT for an absent operand.

    >>> families([[3, 4], [4, 5]])
    {3: 3, 4: 3, 5: 3}
    >>> families([[3, 4], [5, 4]])
    {3: 3, 4: 4, 5: 5}
    """
    family = {source: source for row in rows for source in row}

    def least(source: int) -> int:
        while family[source] != source:
            source = family[source]
        return source

    def unite(a: int, b: int) -> None:
        a, b = least(a), least(b)
        family[max(a, b)] = min(a, b)

    places: dict[int, set[int]] = {}
    for row in rows:
        for place, source in enumerate(row):
            places.setdefault(source, set()).add(place)
    for row in rows:
        for a, b in itertools.combinations(sorted(set(row) - {ABSENT}), 2):
            if places[a] & places[b]:
                unite(a, b)
    several = {least(source) for source in family if least(source) != source}
    like: dict[tuple[int, int], list[int]] = {}
    for row, families_of_row in zip(rows, [[least(source) for source in row] for row in rows]):
        for place, one in enumerate(families_of_row):
            if one in several:
                for a, b in zip(row, like.setdefault((place, one), row)):
                    if ABSENT not in (a, b):
                        unite(a, b)
    return {source: least(source) for source in family}
