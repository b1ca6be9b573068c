"""Stage 3, group: in which order an array is put together, told from what nodes read together (`joining.py`)."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from autograd.compiler.products import Index


class Reading(NamedTuple):
    """What nodes of one kind have read of one source: nodes, and their places there, for each operand a column."""

    source: int
    nodes: Index
    places: Index


def as_before(read: Index, before: Reading) -> dict[int, int] | None:
    """The place of each node among those that were read before, found from those that were read then as well.

    Where a node stands in the place of another, what is read with it stands in the places of what was read with that.
    """
    rows = [{i: r for r, i in enumerate(column)} for column in read.T.tolist()]
    rows_before = [{place: r for r, place in enumerate(column)} for column in before.places.T.tolist()]
    places_of, read_with = before.places.tolist(), read.tolist()
    known = dict(zip(before.nodes.reshape(-1).tolist(), before.places.reshape(-1).tolist()))
    found = {i: known[i] for i in read.reshape(-1).tolist() if i in known}
    stack = list(found)
    while stack:
        i = stack.pop()
        for here, there in zip(rows, rows_before):
            r, q = here.get(i), there.get(found[i])
            if r is None or q is None:
                continue
            for other, place in zip(read_with[r], places_of[q]):
                if other not in found:
                    found[other] = place
                    stack.append(other)
    return found if len(set(found.values())) == len(found) else None


def chain(read: Index) -> list[int] | None:
    """All that is read, in the one order in which each slot reads as far behind another everywhere, if there is one."""
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
