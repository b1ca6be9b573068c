"""The arrays recovered so far: groups are added, and arrays that nodes of equal work read are concatenated."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from functools import cache

from autograd import primitives
from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.names import stems
from autograd.compiler.recover.groups import CONSTANT, Application, Group, Grouping, Places, single_views
from autograd.compiler.recover.index import Positions, distinct
from autograd.compiler.recover.join import History, Joined, concatenation, in_one_array, joins_for, parts_to_join
from autograd.compiler.recover.padding import Layout, layout_of, on_layout
from autograd.compiler.recover.sums.blocks import Numbers, View
from autograd.compiler.recover.sums.terms import Terms
from autograd.compiler.recover.unite import copied, elements_to_unite, results_to_unite, summands_to_unite
from autograd.compiler.scalars.columns import EMPTY
from autograd.compiler.scalars.first_weights import first_weights
from autograd.compiler.scalars.nodes import ABSENT
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.swallowed import swallowed


class Arrays:
    """The arrays recovered so far, while `recover` proceeds level by level.

    Attributes:
        groups: the groups so far.
        places: the places of nodes so far.
    """

    def __init__(self, scalars: ScalarProgram, padding: bool) -> None:
        size = len(scalars)
        number = np.zeros(size)
        for i, x in scalars.constants.items():
            number[i] = x
        self._scalars = scalars
        primitive_of = scalars.by_opcode(lambda primitive: primitive)
        self.made_by = [primitive_of[opcode] for opcode in scalars.opcodes]
        self._widths: list[int] = []
        self._batched: list[bool] = []
        source, position = np.full(size, CONSTANT), np.zeros(size, dtype=np.int64)
        unpadded = swallowed(scalars) if padding else None
        numbers: dict[str, int] = {"": 0}
        labelled = zip(scalars.labels, stems(scalars.labels.values()))
        family = {i: numbers.setdefault(name, len(numbers)) for i, name in labelled}
        weights = cache(lambda: first_weights(scalars))
        self.places = Places(source, position, number, self._widths, self._batched, size, unpadded, family, weights)
        self.groups: list[Group] = []
        self._layouts: dict[int, Layout] = {}
        self._history = History({}, {}, {})
        self._united: Positions | None = None  # None before arrays are united; see _stand_ins

    def new_source(self, nodes: Sequence[int], batched: bool) -> int:
        """Number a new array of these nodes; a negative node is a padding lane."""
        source = len(self._widths)
        indices = np.array(nodes, dtype=np.int64)
        used = indices >= 0
        self.places.source[indices[used]] = source
        self.places.position[indices[used]] = np.flatnonzero(used)
        self._widths.append(len(nodes))
        self._batched.append(batched)
        return source

    def grouping(self, data: Mapping[int, Numbers]) -> Grouping:
        """Return all groups."""
        source, position, number, widths, batched, _, unpadded, *_ = self.places
        arrays = source, position, number, tuple(widths), tuple(batched), data
        return Grouping(self._scalars, tuple(self.groups), *arrays, padding=unpadded is not None)

    def add_source(self, group: Group) -> None:
        self.new_source(group.members, group.batched)
        self.groups.append(group)

    def add(self, groups: Sequence[Group]) -> None:
        for group in groups:
            group = self._on_layout(group)
            self.new_source(group.members, group.batched)
            self.groups.append(group)
            layout = layout_of(group)
            if layout is not None:
                self._layouts[group.source] = layout

    def _on_layout(self, group: Group) -> Group:
        """Return a group on the padded layout of an array that it reads elementwise, if there is one."""
        for view in single_views(group):
            layout = self._layouts.get(view.source)
            if layout is not None:
                padded = on_layout(group, layout, view, self._widths)
                if padded is not None:
                    self._layouts[group.source] = layout._replace(members=np.array(padded.members))
                    return padded
        return group

    def one_array(self, nodes: Positions, once: bool = False) -> View | Numbers:
        """Read nodes as elements of one array, concatenated if necessary, or as numbers.

        Args:
            once: whether a concatenated array contains each node once.
        """
        nodes = self.read(nodes)
        source = self.places.source[nodes]
        if (source == CONSTANT).all():
            return self.places.number[nodes]
        if (source == CONSTANT).any():
            nodes = nodes.copy()
            nodes[source == CONSTANT] = self._as_array(nodes[source == CONSTANT])
            source = self.places.source[nodes]
        if (source != source[0]).any():
            each, place = nodes, np.arange(len(nodes))
            if once:
                each, place = np.unique(nodes, return_inverse=True)
                order = np.lexsort((self.places.position[each], self.places.source[each]))
                each, place = each[order], np.argsort(order)[place]
            self.concatenate(in_one_array(each, self.places))
            return View(len(self._widths) - 1, place)
        return View(int(source[0]), self.places.position[nodes])

    def _as_array(self, nodes: Positions) -> Positions:
        """Turn numbers into an array; return new nodes for its elements."""
        first, numbers = self.places.nodes, self.places.number[nodes]
        self._reserve(len(nodes))
        members = tuple(range(first, first + len(nodes)))
        self.add_source(Application(len(self._widths), members, False, primitives.identity, (numbers,)))
        return np.array(members)

    def joined_terms(self, terms: Terms, rows: int) -> Terms:
        """Let terms read joined arrays where that pays; short sums with equally many terms and products form a kind."""
        left, right = terms.left.copy(), terms.right.copy()
        ends = np.searchsorted(terms.row, np.arange(rows + 1)).tolist()
        kinds: dict[tuple[bool, ...], list[int]] = {}
        for start, end in itertools.pairwise(ends):
            if 1 < 2 * (end - start) <= cost.MOST_READ:
                kinds.setdefault(tuple((right[start:end] >= 0).tolist()), []).append(start)
        for kind, starts in kinds.items():
            places = np.array(starts)[:, None] + np.arange(len(kind))
            reads = self.joined(kind, np.concatenate([left[places], right[places]], axis=1))
            left[places], right[places] = reads[:, : len(kind)], reads[:, len(kind) :]
        return terms._replace(left=left, right=right)

    def joined(self, kind: Hashable, nodes: Positions) -> Positions:
        """Return the nodes that nodes of one kind read, with nodes of joined arrays where that pays."""
        reads = nodes.copy()
        for rows, family in parts_to_join(nodes, self.places):
            joins = joins_for(kind, nodes[rows], family, self.places, self._history)
            for joined in joins.joined:
                self.concatenate(joined)
            self._history.record(joins)
            reads[rows] = joins.reads
        return reads

    def read(self, nodes: Positions) -> Positions:
        """Return the nodes to read: those of united arrays stand for the nodes that these contain."""
        return nodes if self._united is None else self._stand_ins()[nodes]

    def _stand_ins(self) -> Positions:
        """Return the node that stands for each node, and in the last place, that of absent factors, ABSENT."""
        before, size = self._united, len(self.places.source)
        if before is None or len(before) <= size:
            self._united = np.append(np.arange(size), ABSENT)
            if before is not None:
                self._united[: len(before) - 1] = before[:-1]
        assert self._united is not None
        return self._united

    def read_terms(self, terms: Terms) -> Terms:
        return terms._replace(left=self.read(terms.left), right=self.read(terms.right))

    def united_terms(self, terms: Terms) -> Terms:
        """Unite arrays of which many sums contain elements of several, and return the terms to read."""
        for sources in summands_to_unite(terms, self.places):
            self.unite_sources(sources)
        return self.read_terms(terms)

    def read_operands(self, operands: dict[int, tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
        if self._united is None:
            return operands
        return {i: tuple(self.read(np.array(read, dtype=np.int64)).tolist()) for i, read in operands.items()}

    def united_operands(self, operands: dict[int, tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
        """Unite arrays of which many reductions contain several, and return the operands to read."""
        by_primitive: dict[Hashable, list[int]] = {}
        for i in operands:
            primitive = self.made_by[i]
            if primitive is not None and primitive.reduces:
                by_primitive.setdefault(primitive, []).append(i)
        for members in by_primitive.values():
            number = np.repeat(np.arange(len(members)), [len(operands[i]) for i in members])
            source = self.places.source[[k for i in members for k in operands[i]]]
            for sources in elements_to_unite(number, source):
                self.unite_sources(sources)
        return self.read_operands(operands)

    def unite_results(self, groups: Sequence[Group]) -> None:
        """Concatenate the results of groups whose rows differ in length alone, where that pays."""
        for nodes in results_to_unite(groups, self.places):
            self._unite(nodes, copied(groups))

    def unite_sources(self, sources: Sequence[int], needed: NDArray[np.bool_] | None = None) -> None:
        """Concatenate arrays whose elements are nodes of the program, or of united arrays.

        Args:
            needed: which nodes of the program the joined array contains; all by default.
        """
        nodes_of_program = np.arange(len(self._scalars)) if needed is None else np.flatnonzero(needed)
        everything = self.read(nodes_of_program)
        chosen = set(sources)
        nodes = distinct(everything[[s in chosen for s in self.places.source[everything].tolist()]])
        if len(distinct(self.places.source[nodes])) > 1:
            self._unite(nodes[np.lexsort((self.places.position[nodes], self.places.source[nodes]))])

    def _unite(self, nodes: Positions, copies: Mapping[int, tuple[int, int]] = EMPTY) -> None:
        """Concatenate nodes; from now on, whatever reads one of them reads the joined array.

        Args:
            copies: the source and the position of the element that a node is a copy of.
        """
        joined = in_one_array(nodes, self.places)
        origin = (
            [copies.get(i, of) for i, of in zip(nodes.tolist(), joined.origin.tolist())] if copies else joined.origin
        )
        self.concatenate(joined._replace(origin=np.array(origin)))
        united = self._stand_ins()
        number = np.arange(len(united) - 1)
        number[nodes] = joined.first + np.arange(len(nodes))
        united[:-1] = number[united[:-1]]

    def concatenate(self, joined: Joined) -> None:
        """Add a joined array."""
        self._reserve(len(joined.origin))
        self.add([concatenation(joined, self._batched)])

    def _reserve(self, nodes: int) -> None:
        """Make room for new nodes for the places of a joined array."""
        source, position, number, _, _, size, *_ = self.places
        if size + nodes > len(source):
            more = max(nodes, size)
            source = np.append(source, np.full(more, CONSTANT))
            position = np.append(position, np.zeros(more, dtype=np.int64))
            number = np.append(number, np.zeros(more))
        self.places = self.places._replace(source=source, position=position, number=number, nodes=size + nodes)
