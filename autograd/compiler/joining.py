"""Stage 3, group: what nodes that do the same read from several arrays is put side by side, as one array to read.

In a simulation on a grid with fixed ends, the cells beside the ends read these, all others read each other. Were they
arrays of their own for that, their neighbours would be the next to read from two arrays, a step later, then theirs, and
so on inwards, a cell a step. With all that is read in one array, the cells stay together:

    joined = concatenate([u[:, 0:1], y, u[:, 9:10]], axis=-1)
    s = joined[:, 0:8] - 2 * joined[:, 1:9] + joined[:, 2:10]

That pays where it makes one operation of several, and where what is read of the joined array are slices of it; or where
it makes one of many, of which all but one are for few exceptions.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from autograd.arrays import np
from autograd.compiler.neighbours import Reading, as_before, chain
from autograd.compiler.products import NONE, Index, View
from autograd.compiler.slices import is_part
from autograd.compiler.targets.kernels import REDUCTIONS

if TYPE_CHECKING:
    from autograd.compiler.grouping import Grouping
    from autograd.compiler.sums import Sum

MOST_READ = 32  # operands of a node that is looked at: what reads more is a neuron, or one of few
MOST_REMEMBERED = 4  # ways of reading that are remembered of each kind of nodes


class Joined(NamedTuple):
    """An array put together from parts of others.

    Attributes:
        origin: for each place in it the source and the position there that it comes from, of shape (width, 2).
        place: of each node that is read here.
        first: the node that stands for the first place; the next ones stand for the others. None before it is made.
    """

    origin: Index
    place: dict[int, int]
    first: int | None = None

    def places(self, nodes: Index) -> Index:
        """Where nodes are found here."""
        return np.array([self.place[i] for i in nodes.reshape(-1).tolist()]).reshape(nodes.shape)


class Joining:
    """Finds what to join, depth by depth, for nodes of one kind: rows of a matrix, with a column for each operand."""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping
        self._made: dict[int, list[Joined]] = {}  # by the newest node that each holds
        self._origin: dict[int, Index] = {}  # of joined arrays, by their source
        self._seen: dict[Hashable, list[Reading]] = {}

    def sums(self, sums: list[Sum]) -> list[Sum]:
        """Sums of products of one depth, reading joined arrays where that pays."""
        kinds: dict[tuple[bool, ...], list[int]] = {}
        for n, found in enumerate(sums):
            if 1 < 2 * len(found.lefts) <= MOST_READ:
                kinds.setdefault(tuple([k >= 0 for k in found.rights]), []).append(n)
        new = list(sums)
        for kind, chosen in kinds.items():
            before = np.array([[*sums[n].lefts, *sums[n].rights] for n in chosen])
            after = self._read(kind, before)
            for n in np.flatnonzero((after != before).any(axis=1)).tolist():
                row = after[n].tolist()
                new[chosen[n]] = sums[chosen[n]]._replace(lefts=row[: len(kind)], rights=row[len(kind) :])
        return new

    def operands(self, nodes: list[int], operands: dict[int, tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
        """The operands of applications of primitives at one depth, from joined arrays where that pays."""
        made_by = self._grouping.scalars.trace.primitives
        kinds: dict[Hashable, list[int]] = {}
        for i in nodes:
            if 1 < len(operands[i]) <= MOST_READ and made_by[i] not in REDUCTIONS:
                kinds.setdefault((made_by[i], len(operands[i])), []).append(i)
        new = {i: operands[i] for i in nodes}
        for kind, chosen in kinds.items():
            before = np.array([operands[i] for i in chosen])
            after = self._read(kind, before)
            for n in np.flatnonzero((after != before).any(axis=1)).tolist():
                new[chosen[n]] = tuple(after[n].tolist())
        return new

    def _read(self, kind: Hashable, nodes: Index) -> Index:
        """What nodes of one kind read, or what stands for it in joined arrays."""
        source = self._sources(nodes)
        if (source == source[0]).all():
            self._together(kind, nodes, source[0])
            return nodes
        if 2 * len(_numbered(np.sort(source, axis=1))[1]) > len(nodes):
            return nodes
        _, first = _numbered(source)
        family = _families(source[first].tolist())
        family_of = np.array([family.get(s, s) for s in range(NONE, len(self._grouping.widths))])[source - NONE]
        number, first = _numbered(family_of)
        after = nodes.copy()
        for k, row in enumerate(first.tolist()):
            rows = np.flatnonzero(number == k)
            after[rows] = self._together(kind, nodes[rows], family_of[row])
        return after

    def _sources(self, nodes: Index) -> Index:
        return np.where(nodes < 0, NONE, self._grouping.source[nodes])

    def _together(self, kind: Hashable, nodes: Index, family: Index) -> Index:
        """Join, for nodes that read from the same families of sources, what each family has, if that makes them one."""
        source = self._sources(nodes)
        varying = (source != source[0]).any(axis=0)
        anyhow = False
        if varying.any():
            alike = np.bincount(_numbered(np.sort(source, axis=1))[0])  # how many nodes each operation would compute
            if len(alike) < 2 or 2 * len(alike) > len(nodes):
                return nodes
            anyhow = len(alike) > 2 and 2 * int(alike.max()) > len(nodes)
        plans: list[tuple[Index, Joined | None]] = []
        for slots in [family == one for one in sorted(set(family.tolist()) - {NONE})]:
            joined = None
            if varying[slots].any():
                joined = self._plan((kind, slots.tobytes()), nodes[:, slots], anyhow)
                if joined is None:
                    return nodes
            plans.append((slots, joined))
        after = nodes.copy()
        for slots, joined in plans:
            if joined is not None:
                after[:, slots] = self._make(joined) + joined.places(nodes[:, slots])
            self._remember((kind, slots.tobytes()), nodes[:, slots], after[:, slots])
        return after

    def _remember(self, key: Hashable, nodes: Index, read: Index) -> None:
        """How nodes were read, by themselves or by others that stand for them."""
        if nodes.shape[1] > 1:
            seen = self._seen.setdefault(key, [])
            seen.append(Reading(int(self._grouping.source[read[0, 0]]), nodes, self._grouping.position[read]))
            del seen[:-MOST_REMEMBERED]

    def _plan(self, key: Hashable, read: Index, anyhow: bool) -> Joined | None:
        """An array of all that is read through some slots, so that each of them reads a slice; or, at need, anyhow."""
        for joined in self._candidates(key, read):
            width = len(joined.origin)
            places = joined.places(read)
            in_order = places[np.argsort(places[:, 0])]  # the order of the nodes is still free
            few = len(_pieces(joined.origin)) <= 4 + width // 4
            if few and all(is_part(column, width) for column in in_order.T):
                return joined
        if not anyhow:
            return None
        nodes = np.unique(read)
        origin = self._found(nodes)
        order = np.lexsort(origin.T[::-1])
        return Joined(origin[order], {i: n for n, i in enumerate(nodes[order].tolist())})

    def _candidates(self, key: Hashable, read: Index) -> Iterator[Joined]:
        """One that there is; then as the same kind of nodes read before; then one where slots read what is adjacent."""
        everything = set(read.reshape(-1).tolist())
        for joined in self._made.get(max(everything), []):
            if everything <= joined.place.keys():
                yield joined
        for before in reversed(self._seen.get(key, [])):
            places = as_before(read, before)
            if places is not None and places.keys() == everything:
                yield self._in_place_of(before, places)
        order = chain(read)
        if order is not None:
            origin = self._found(np.array(order))
            if (np.diff(origin, axis=0)[:, 1][np.diff(origin[:, 0]) == 0]).sum() < 0:
                order, origin = order[::-1], origin[::-1]
            yield Joined(origin, {i: n for n, i in enumerate(order)})

    def _in_place_of(self, before: Reading, places: dict[int, int]) -> Joined:
        """An array as the one that was read before, with other nodes in their places."""
        start, end = 0, self._grouping.widths[before.source]
        if 4 * len(places) < 3 * end:
            start, end = min(places.values()), max(places.values()) + 1
        origin = np.stack([np.full(end - start, before.source), np.arange(start, end)], axis=1)
        if before.source in self._origin:
            origin = self._origin[before.source][start:end].copy()
        nodes = np.array(list(places))
        origin[np.array(list(places.values())) - start] = self._found(nodes)
        return Joined(origin, {i: place - start for i, place in places.items()})

    def _found(self, nodes: Index) -> Index:
        """The source and position of each node."""
        return np.stack([self._grouping.source[nodes], self._grouping.position[nodes]], axis=1)

    def _make(self, joined: Joined) -> int:
        """Add the operation that puts an array together; gives the node that stands for its first place."""
        if joined.first is not None:
            return joined.first
        views = [View(int(part[0, 0]), part[:, 1]) for part in _pieces(joined.origin)]
        first = self._grouping.join(views, len(joined.origin))
        self._origin[int(self._grouping.source[first])] = joined.origin
        self._made.setdefault(max(joined.place), []).append(joined._replace(first=first))
        return first


def _numbered(rows: Index) -> tuple[Index, Index]:
    """A number for each row of a matrix, equal for equal rows; and for each number the first row that has it."""
    number = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        number = np.unique(number * (int(rows.max()) + 2) + column + 1, return_inverse=True)[1].reshape(-1)
    return number, np.unique(number, return_index=True)[1]


def _families(rows: list[list[int]]) -> dict[int, int]:
    """Sources that belong together, by the least of each family, as the nodes read them whose sources the rows are.

    These are sources of which a node reads several, where another reads one in the place of the other; and then all
    that such nodes read in the same places.
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
        for a, b in itertools.combinations(sorted(set(row) - {NONE}), 2):
            if places[a] & places[b]:
                unite(a, b)
    several = {least(source) for source in family if least(source) != source}
    like: dict[tuple[int, int], list[int]] = {}
    for row, families in zip(rows, [[least(source) for source in row] for row in rows]):
        for place, one in enumerate(families):
            if one in several:
                for a, b in zip(row, like.setdefault((place, one), row)):
                    if NONE not in (a, b):
                        unite(a, b)
    return {source: least(source) for source in family}


def _pieces(origin: Index) -> list[Index]:
    """The parts of a joined array that come from one source each."""
    return np.split(origin, np.flatnonzero(np.diff(origin[:, 0])) + 1)
