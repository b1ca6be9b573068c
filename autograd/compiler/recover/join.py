"""Concatenate several arrays that nodes of equal work read, so that one operation reads the joined array.

In a simulation on a grid with fixed ends, the cells next to the ends read these, and all others read each other. If
those cells became separate arrays, their neighbours would read two arrays one step later, and so on, one cell further
inwards at each step. A joined array keeps the cells together:

    joined = concatenate([u[:, 0:1], y, u[:, 9:10]], axis=-1)
    s = joined[:, 0:8] - 2 * joined[:, 1:9] + joined[:, 2:10]

Joining pays if it merges several operations into one that reads slices of the joined array, or if most nodes form one
operation and the others are few exceptions.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.recover.families import families, numbered
from autograd.compiler.recover.groups import Concatenation, Places
from autograd.compiler.recover.index import Positions, distinct, is_part
from autograd.compiler.recover.reading_order import Reading, as_before, chain
from autograd.compiler.recover.sums.blocks import View
from autograd.compiler.scalars.nodes import ABSENT


class Joined(NamedTuple):
    """An array concatenated from parts of others.

    Attributes:
        origin: the source and the position of each element, of shape (width, 2).
        place: the place of each node that is read.
        source: the array's number; None before it has one.
        first: the new node for the first place; the nodes after it are for the other places.
    """

    origin: Positions
    place: dict[int, int]
    source: int | None = None
    first: int = 0

    def places(self, nodes: Positions) -> Positions:
        """Return the positions of nodes in this array."""
        return np.array([self.place[i] for i in nodes.reshape(-1).tolist()]).reshape(nodes.shape)


class History(NamedTuple):
    """The joined arrays and the reads of earlier levels.

    Attributes:
        joined: the joined arrays, by the newest node that each contains.
        origin: the joined arrays' origins, by source.
        readings: by the kind of the reading nodes and the operands.
    """

    joined: dict[int, list[Joined]]
    origin: dict[int, Positions]
    readings: dict[Hashable, list[Reading]]

    def record(self, joins: Joins) -> None:
        """Remember joined arrays and reads."""
        for joined in joins.joined:
            assert joined.source is not None
            self.joined.setdefault(max(joined.place), []).append(joined)
            self.origin[joined.source] = joined.origin
        for key, reading in joins.readings:
            readings = self.readings.setdefault(key, [])
            readings.append(reading)
            del readings[: -cost.MOST_REMEMBERED]


class Joins(NamedTuple):
    """The arrays to join for a set of nodes, and the nodes' reads of them.

    Attributes:
        reads: the nodes that each node reads, one row per node; nodes of joined arrays replace those that were joined.
        joined: the arrays to join.
        readings: the reads to remember.
    """

    reads: Positions
    joined: list[Joined]
    readings: list[tuple[Hashable, Reading]]


def parts_to_join(nodes: Positions, places: Places) -> list[tuple[Positions, Positions]]:
    """Return sets of rows that may read joined arrays together, each with the family of every operand's sources.

    Args:
        nodes: the operands of nodes of one kind, one row per node.
    """
    source = places.source_of(nodes)
    if (source == source[0]).all():
        return [(np.arange(len(nodes)), source[0])]
    structures = numbered(np.sort(source, axis=1))[1]
    if not cost.worth_uniting(len(structures), len(nodes)):
        return []
    _, first = numbered(source)
    family = families(source[first].tolist())
    family_of = np.array([family.get(s, s) for s in range(ABSENT, len(places.widths))])[source - ABSENT]
    number, first = numbered(family_of)
    return [(np.flatnonzero(number == k), family_of[row]) for k, row in enumerate(first.tolist())]


def joins_for(kind: Hashable, nodes: Positions, family: Positions, places: Places, history: History) -> Joins:
    """Plan the joins that merge nodes reading the same families of sources into one operation.

    Args:
        kind: the kind of the reading nodes, equal for nodes of equal work.
        nodes: their operands, one row per node.
        family: the family of each operand.
    """
    unchanged = Joins(nodes, [], [])
    source = places.source_of(nodes)
    varying = (source != source[0]).any(axis=0)
    force = False
    if varying.any():
        nodes_of_operation = np.bincount(
            numbered(np.sort(source, axis=1))[0]
        )  # the number of nodes that each operation would compute
        if len(nodes_of_operation) < 2 or not cost.worth_uniting(len(nodes_of_operation), len(nodes)):
            return unchanged
        force = cost.mostly_alike(len(nodes_of_operation), int(nodes_of_operation.max()), len(nodes))
    plans: list[tuple[Positions, Joined | None]] = []
    for operands in [family == one for one in sorted(set(family.tolist()) - {ABSENT})]:
        joined = None
        if varying[operands].any():
            joined = _planned((kind, operands.tobytes()), nodes[:, operands], force, places, history)
            if joined is None:
                return unchanged
        plans.append((operands, joined))
    return _carried_out(kind, nodes, plans, places)


def _carried_out(
    kind: Hashable, nodes: Positions, plans: list[tuple[Positions, Joined | None]], places: Places
) -> Joins:
    """Number the joined arrays, and return the reads of them."""
    joins = Joins(nodes.copy(), [], [])
    node = places.nodes
    for operands, joined in plans:
        read = nodes[:, operands]
        if joined is None:
            source, positions = int(places.source[read[0, 0]]), places.position[read]
        else:
            if joined.source is None:
                joined = joined._replace(source=len(places.widths) + len(joins.joined), first=node)
                node += len(joined.origin)
                joins.joined.append(joined)
            assert joined.source is not None
            source, positions = joined.source, joined.places(read)
            joins.reads[:, operands] = joined.first + positions
        if read.shape[1] > 1:
            joins.readings.append(((kind, operands.tobytes()), Reading(source, read, positions)))
    return joins


def concatenation(joined: Joined, batched: list[bool]) -> Concatenation:
    """Return the group that concatenates a joined array."""
    assert joined.source is not None
    pieces = [View(int(part[0, 0]), part[:, 1]) for part in pieces_of(joined.origin)]
    members = tuple(range(joined.first, joined.first + len(joined.origin)))
    return Concatenation(joined.source, members, any(batched[view.source] for view in pieces), tuple(pieces))


def in_one_array(nodes: Positions, places: Places) -> Joined:
    """Return an array of nodes from any arrays, in their order."""
    flat = nodes.reshape(-1)
    place = {i: n for n, i in enumerate(flat.tolist())}
    return Joined(_origin_of(flat, places), place, len(places.widths), places.nodes)


def _planned(key: Hashable, read: Positions, force: bool, places: Places, history: History) -> Joined | None:
    """Return an array of all elements that operands read, each as a slice; with `force`, in any order."""
    for joined in _candidates(key, read, places, history):
        width = len(joined.origin)
        positions = joined.places(read)
        in_order = positions[np.argsort(positions[:, 0])]  # the nodes may still be reordered
        few = cost.worth_joining(len(pieces_of(joined.origin)), width)
        if few and all(is_part(column, width) for column in in_order.T):
            return joined
    if not force:
        return None
    nodes = distinct(read)
    origin = _origin_of(nodes, places)
    order = np.lexsort(origin.T[::-1])
    return Joined(origin[order], {i: n for n, i in enumerate(nodes[order].tolist())})


def _candidates(key: Hashable, read: Positions, places: Places, history: History) -> Iterator[Joined]:
    """Yield existing arrays; then one like an earlier read of this kind; then one in which operands are adjacent."""
    everything = set(read.reshape(-1).tolist())
    for joined in history.joined.get(max(everything), []):
        if everything <= joined.place.keys():
            yield joined
    for before in reversed(history.readings.get(key, [])):
        place = as_before(read, before)
        if place is not None and place.keys() == everything:
            yield _in_place_of(before, place, places, history)
    order = chain(read)
    if order is not None:
        origin = _origin_of(np.array(order), places)
        if (np.diff(origin, axis=0)[:, 1][np.diff(origin[:, 0]) == 0]).sum() < 0:
            order, origin = order[::-1], origin[::-1]
        yield Joined(origin, {i: n for n, i in enumerate(order)})


def _in_place_of(before: Reading, place: dict[int, int], places: Places, history: History) -> Joined:
    """Return an array like one that was read before, with other nodes in their places."""
    start, end = 0, places.widths[before.source]
    if cost.reads_little(len(place), end):
        start, end = min(place.values()), max(place.values()) + 1
    origin = np.stack([np.full(end - start, before.source), np.arange(start, end)], axis=1)
    if before.source in history.origin:
        origin = history.origin[before.source][start:end].copy()
    nodes = np.array(list(place))
    origin[np.array(list(place.values())) - start] = _origin_of(nodes, places)
    return Joined(origin, {i: at - start for i, at in place.items()})


def _origin_of(nodes: Positions, places: Places) -> Positions:
    """Return the source and position of each node."""
    return np.stack([places.source[nodes], places.position[nodes]], axis=1)


def pieces_of(origin: Positions) -> list[Positions]:
    """Split a joined array into parts of one source each."""
    return np.split(origin, np.flatnonzero(np.diff(origin[:, 0])) + 1)
