"""The order in which a joined array holds what nodes read together, so that each of them reads a slice."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from autograd.compiler.recover.index import Positions


class Reading(NamedTuple):
    """The positions that nodes of one kind have read of one source, a column for each operand.

    Attributes:
        nodes: what was read.
        places: the positions in the source that were read in their place.
    """

    source: int
    nodes: Positions
    places: Positions


def as_before(read: Positions, before: Reading) -> dict[int, int] | None:
    """The place of each node among those that were read before, found from those that were read then as well.

    Where a node stands in the place of another, what is read with it stands in the places of what was read with that.
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
    """All that is read, in the one order in which the distance of two operands is the same for all nodes, if any."""
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
    """The one path that leads from each to the following, if there is one."""
    beginning = following.keys() - set(following.values())
    if len(beginning) != 1 or len(set(following.values())) < len(following):
        return None
    order = [*beginning]
    while order[-1] in following:
        order.append(following[order[-1]])
    return order if len(order) == len(following) + 1 else None
