"""Recover the array program that scalars spell out: nodes that do equal work become one operation on arrays.

            schedule    nodes level by level, as early as possible; all parts of a running sum at the level of the first
        join        arrays that equal nodes read
        classify    the nodes of a level into groups of equal work
        contract    sums of products as matrix products, batched or over patches, as sums of slices, or row by row
        pad         rows that differ only in length, so that they form one table
        order       the members of each array, so that readers read slices

Earlier passes have collected chains of additions into sums, so the level of a node does not depend on its number of
terms, and the edges of a padded convolution are at the same level as its middle.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence

from autograd import primitives
from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.names import stems
from autograd.compiler.recover.classify import applications, sums_of_products
from autograd.compiler.recover.groups import CONSTANT, Application, Group, Grouping, Places, single_views
from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.join import History, concatenation, in_one_array, joins_for, parts_to_join
from autograd.compiler.recover.lookups import choices, look_ups
from autograd.compiler.recover.loops.arrays import Arrangement, repetition, results
from autograd.compiler.recover.loops.repetitions import Repetition
from autograd.compiler.recover.order import ordered
from autograd.compiler.recover.padding import Layout, layout_of, on_layout
from autograd.compiler.recover.schedule import schedule
from autograd.compiler.recover.sums.blocks import Numbers, View
from autograd.compiler.recover.sums.running import Chain, chains_of, grouped, running_sum
from autograd.compiler.recover.sums.terms import Terms, columns_of
from autograd.compiler.scalars.loops.repeat import RESULT, Repeat
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.swallowed import swallowed


def recover(scalars: ScalarProgram, padding: bool = True, batched: Sequence[bool] | None = None) -> Grouping:
    """Group the nodes of a program into operations on arrays.

    Args:
        scalars: a program prepared for arrays (`scalars/passes.py`).
        padding: whether zeros may multiply numbers that the graph does not read, which gives nan if these are infinite;
            if not, rows of several lengths are padded only with masks.
        batched: which arguments of a loop's body have a row for each sample; all arguments of a function have.
    """
    arrays = _Arrays(scalars, padding)
    arrays.new_source(scalars.parameters, batched=False)
    for n, nodes in enumerate(scalars.arguments):
        arrays.new_source(nodes, batched=batched is None or batched[n])
    numbers = {
        arrays.new_source(nodes, batched=False): arrays.places.number[list(nodes)] for nodes in scalars.constant_arrays
    }
    arrays.group(scalars.operations)
    arrays.group(scalars.guard_operations)
    return ordered(arrays.grouping(numbers), scalars.outputs)


class _Arrays:
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
        self._made_by = [primitive_of[opcode] for opcode in scalars.opcodes]
        self._widths: list[int] = []
        self._batched: list[bool] = []
        source, position = np.full(size, CONSTANT), np.zeros(size, dtype=np.int64)
        unpadded = swallowed(scalars) if padding else None
        numbers: dict[str, int] = {"": 0}
        labelled = zip(scalars.labels, stems(scalars.labels.values()))
        family = {i: numbers.setdefault(name, len(numbers)) for i, name in labelled}
        self.places = Places(source, position, number, self._widths, self._batched, size, unpadded, family)
        self.groups: list[Group] = []
        self._chains = chains_of(scalars)
        self._layouts: dict[int, Layout] = {}
        self._history = History({}, {}, {})
        self._padding = padding
        self._loops: dict[int, tuple[Repetition, Arrangement]] = {}

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

    def group(self, order: Sequence[int]) -> None:
        """Group nodes level by level."""
        is_sum, operands_of = self._scalars.is_sum, self._scalars.operands_of
        chain_of = {i: chain for chain in self._chains for i in chain.parts}

        def operands(i: int) -> Sequence[int]:
            chain = chain_of.get(i)
            return operands_of(i if chain is None else chain.parts[0])

        for nodes in schedule(order, operands):
            self._group_running_sums([chain_of[i] for i in nodes if i in chain_of and i == chain_of[i].parts[0]])
            self._group_sums([i for i in nodes if is_sum(i) and i not in chain_of])
            others = self._without_loops([i for i in nodes if not is_sum(i)])
            self._group_applications(others)

    def grouping(self, data: Mapping[int, Numbers]) -> Grouping:
        """Return all groups."""
        source, position, number, widths, batched, _, unpadded, *_ = self.places
        arrays = source, position, number, tuple(widths), tuple(batched), data
        return Grouping(self._scalars, tuple(self.groups), *arrays, padding=unpadded is not None)

    def _without_loops(self, nodes: list[int]) -> list[int]:
        """Group the loops among nodes, and the loops' results; return the other nodes."""
        others: list[int] = []
        read: dict[int, dict[int, int]] = {}
        for i in nodes:
            primitive = self._made_by[i]
            if isinstance(primitive, Repeat):
                self._group_loop(i, primitive)
            elif primitive is RESULT:
                loop, number = self._scalars.operands_of(i)
                read.setdefault(loop, {})[int(self._scalars.constants[number])] = i
            else:
                others.append(i)
        for loop, numbers in read.items():
            repeat = self._made_by[loop]
            assert isinstance(repeat, Repeat)
            for group in results(*self._loops[loop], repeat, numbers, len(self._widths)):
                self._add_source(group)
        return others

    def _group_loop(self, i: int, repeat: Repeat) -> None:
        padding = self._padding and self.places.may_pad([i])
        group, arrangement = repetition(
            repeat,
            self._scalars.operands_of(i),
            lambda: self.places,
            self._one_array,
            lambda body, batched: recover(body, padding, batched),
            lambda: len(self._widths),
        )
        self._loops[i] = group, arrangement
        self._add_source(group)

    def _add_source(self, group: Group) -> None:
        self.new_source(group.members, group.batched)
        self.groups.append(group)

    def _one_array(self, nodes: Positions, once: bool = False) -> View | Numbers:
        """Read nodes as elements of one array, concatenated if necessary, or as numbers.

        Args:
            once: whether a concatenated array contains each node once.
        """
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
            joined = in_one_array(each, self.places)
            self._reserve(len(joined.origin))
            self._add([concatenation(joined, self._batched)])
            return View(len(self._widths) - 1, place)
        return View(int(source[0]), self.places.position[nodes])

    def _as_array(self, nodes: Positions) -> Positions:
        """Turn numbers into an array; return new nodes for its elements."""
        first, numbers = self.places.nodes, self.places.number[nodes]
        self._reserve(len(nodes))
        members = tuple(range(first, first + len(nodes)))
        self._add_source(Application(len(self._widths), members, False, primitives.identity, (numbers,)))
        return np.array(members)

    def _group_running_sums(self, chains: list[Chain]) -> None:
        for alike in grouped(chains, self.places):
            nodes = np.array([chain.added for chain in alike])
            sources = self.places.source[nodes]
            if (sources != sources[0, 0]).any():
                joined = in_one_array(nodes, self.places)
                self._reserve(len(joined.origin))
                self._add([concatenation(joined, self._batched)])
                view = View(len(self._widths) - 1, np.arange(nodes.size).reshape(nodes.shape))
            else:
                view = View(int(sources[0, 0]), self.places.position[nodes])
            self._add([running_sum(alike, view, len(self._widths), self._batched[view.source])])

    def _group_sums(self, nodes: list[int]) -> None:
        if not nodes:
            return
        terms, scaling = columns_of([self._scalars.sum_of(i) for i in nodes])
        self._add(sums_of_products(nodes, self._joined_terms(terms, len(nodes)), scaling, self.places))

    def _group_applications(self, nodes: list[int]) -> None:
        made_by = self._made_by
        operands = {i: self._scalars.operands_of(i) for i in nodes}
        first = len(self.groups)
        self._add(look_ups(nodes, made_by, operands, self.places))
        self._add(choices(nodes, made_by, operands, self.places))
        looked_up = {i for group in self.groups[first:] for i in group.members}
        nodes = [i for i in nodes if i not in looked_up]
        kinds: dict[Hashable, list[int]] = {}
        for i in nodes:
            primitive = made_by[i]
            as_rows = primitive is not None and (primitive.reduces or primitive is primitives.entry_at)
            if 1 < len(operands[i]) <= cost.MOST_READ and not as_rows:
                kinds.setdefault((made_by[i], len(operands[i])), []).append(i)
        for kind, members in kinds.items():
            reads = self._joined(kind, np.array([operands[i] for i in members]))
            operands.update(zip(members, map(tuple, reads.tolist())))
        self._add(applications(nodes, made_by, operands, self.places))

    def _add(self, groups: Sequence[Group]) -> None:
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

    # Joined arrays

    def _joined_terms(self, terms: Terms, rows: int) -> Terms:
        """Let terms read joined arrays where that pays; short sums with equally many terms and products form a kind."""
        left, right = terms.left.copy(), terms.right.copy()
        ends = np.searchsorted(terms.row, np.arange(rows + 1)).tolist()
        kinds: dict[tuple[bool, ...], list[int]] = {}
        for start, end in itertools.pairwise(ends):
            if 1 < 2 * (end - start) <= cost.MOST_READ:
                kinds.setdefault(tuple((right[start:end] >= 0).tolist()), []).append(start)
        for kind, starts in kinds.items():
            places = np.array(starts)[:, None] + np.arange(len(kind))
            reads = self._joined(kind, np.concatenate([left[places], right[places]], axis=1))
            left[places], right[places] = reads[:, : len(kind)], reads[:, len(kind) :]
        return terms._replace(left=left, right=right)

    def _joined(self, kind: Hashable, nodes: Positions) -> Positions:
        """Return the nodes that nodes of one kind read, with nodes of joined arrays where that pays."""
        reads = nodes.copy()
        for rows, family in parts_to_join(nodes, self.places):
            joins = joins_for(kind, nodes[rows], family, self.places, self._history)
            for joined in joins.joined:
                self._reserve(len(joined.origin))
                self._add([concatenation(joined, self._batched)])
            self._history.record(joins)
            reads[rows] = joins.reads
        return reads

    def _reserve(self, nodes: int) -> None:
        """Make room for new nodes for the places of a joined array."""
        source, position, number, _, _, size, *_ = self.places
        if size + nodes > len(source):
            more = max(nodes, size)
            source = np.append(source, np.full(more, CONSTANT))
            position = np.append(position, np.zeros(more, dtype=np.int64))
            number = np.append(number, np.zeros(more))
        self.places = self.places._replace(source=source, position=position, number=number, nodes=size + nodes)
