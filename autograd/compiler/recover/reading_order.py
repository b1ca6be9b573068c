"""Order the elements of a joined array so that each operand that reads it reads a slice."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from autograd.compiler.recover.index import Positions


class Reading(NamedTuple):
    """The positions of a source that nodes of one kind have read, with a column for each operand.

    Attributes:
        nodes: the nodes that were read.
        places: their positions in the source.
    """

    source: int
    nodes: Positions
    places: Positions


def as_before(read: Positions, before: Reading) -> dict[int, int] | None:
    """Return the place of each node in an earlier reading, derived from the nodes that both read.

    If a node takes the place of another, its fellow operands take the places of the other's fellow operands.
    """
    rows = [{i: r for r, i in enumerate(column)} for column in read.T.tolist()]
    rows_before = [{place: r for r, place in enumerate(column)} for column in before.places.T.tolist()]
    places_of, read_with = before.places.tolist(), read.tolist()
    known = dict(zip(before.nodes.reshape(-1).tolist(), before.places.reshape(-1).tolist()))
    counterparts = {i: known[i] for i in read.reshape(-1).tolist() if i in known}
    stack = list(counterparts)
    while stack:
        i = stack.pop()
        for here, there in zip(rows, rows_before):
            r, q = here.get(i), there.get(counterparts[i])
            if r is None or q is None:
                continue
            for other, place in zip(read_with[r], places_of[q]):
                if other not in counterparts:
                    counterparts[other] = place
                    stack.append(other)
    return counterparts if len(set(counterparts.values())) == len(counterparts) else None


def chain(read: Positions) -> list[int] | None:
    """Return all nodes read, in the order in which operands have the same distance for all readers, if there is one."""
    columns = read.T.tolist()
    for one, other in itertools.permutations(columns, 2):
        order = _path(dict(zip(one, other)))
        if order is not None:
            break
    else:
        return None
    place = {i: n for n, i in enumerate(order)}
    for column in columns:
        distance = next((place[i] - place[k] for i, k in zip(column, one) if i in place), None)
        if distance is None:
            return None
        for i, k in zip(column, one):
            if place.setdefault(i, place[k] + distance) != place[k] + distance:
                return None
    order = sorted(place, key=place.__getitem__)
    first = place[order[0]]
    return order if [place[i] - first for i in order] == list(range(len(order))) else None


def _path(following: dict[int, int]) -> list[int] | None:
    """Return the single path along successors, if there is one."""
    starts = following.keys() - set(following.values())
    if len(starts) != 1 or len(set(following.values())) < len(following):
        return None
    order = [*starts]
    while order[-1] in following:
        order.append(following[order[-1]])
    return order if len(order) == len(following) + 1 else None
