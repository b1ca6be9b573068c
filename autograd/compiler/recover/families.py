"""Families of arrays: those of which nodes that do equal work read one in the place of another."""

from __future__ import annotations

import itertools

from autograd.arrays import np
from autograd.compiler.recover.index import Positions
from autograd.compiler.scalars.nodes import ABSENT


def numbered(rows: Positions) -> tuple[Positions, Positions]:
    """A number for each row of a matrix, equal for equal rows; and for each number the first row that has it."""
    number = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        number = np.unique(number * (int(rows.max()) + 2) + column + 1, return_inverse=True)[1].reshape(-1)
    return number, np.unique(number, return_index=True)[1]


def families(rows: list[list[int]]) -> dict[int, int]:
    """The family of each source, named after its least one.

    A family are sources of which a node reads several, where another node reads one in the place of the other; and then
    all sources that such nodes read in the same places.

    Args:
        rows: the sources that each node reads, operand by operand; ABSENT where it has none.

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
