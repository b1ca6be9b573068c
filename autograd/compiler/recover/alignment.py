"""Align programs of layers: nodes of one kind are computed together, and read one array.

In a tree of soft decisions, the probability of a node is that of its parent times the parent's gate g, or 1 - g. In a
sorting network, a comparator reads minima and maxima of earlier comparators. Grouped by the arrays that they read, the
nodes of a layer become several operations with a result each, and those of the next layer become more.

So nodes wait for others of their kind, and arrays that nodes of one kind read in place of one another are concatenated:

    joined = concatenate([minimum, maximum], axis=-1)
    minimum, maximum = min(joined[:, i1], joined[:, i2]), max(joined[:, i1], joined[:, i2])

Other programs would lose by that, since slices cost nothing, and copies of arrays do.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler import cost_of_layers
from autograd.compiler.recover.groups import PARAMETERS, Places
from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.sums.terms import Terms
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.depths import Operands
from autograd.compiler.scalars.loops.repeat import RESULT, Repeat
from autograd.compiler.scalars.nodes import ABSENT, SUM, Sum, is_nothing

Kinds = Mapping[int, int]
"""The kind of each node that is not a leaf."""


class Layers(NamedTuple):
    """The levels of an aligned program.

    Attributes:
        levels: the nodes, level by level.
        kinds: their kinds, numbered in the order of these levels.
        last: the last level at which each node is read; -1 for one that is not.
    """

    levels: list[list[int]]
    kinds: Kinds
    last: Positions

    @staticmethod
    def of(program: Columns, levels: Sequence[Sequence[int]], operands: Operands, fixed: Collection[int]) -> Layers:
        """Return the levels of a program as late as it helps to align them.

        Args:
            levels: the nodes as early as possible.
            operands: the nodes that a node waits for.
            fixed: nodes that stay at their level.
        """
        numbers: dict[Hashable, int] = {}
        kinds = {i: numbers.setdefault(_kind(program, i), len(numbers)) for nodes in levels for i in nodes}
        late = delayed(levels, operands, kinds, fixed)
        first = {number: n for n, number in enumerate(dict.fromkeys([kinds[i] for nodes in late for i in nodes]))}
        last = np.full(len(program), -1)
        for t, nodes in enumerate(late):
            for i in nodes:
                last[list(program.operands_of(i))] = t
        of_guards = [k for i in program.guard_operations for k in program.operands_of(i)]
        last[[*program.outputs, *of_guards]] = len(late)
        return Layers(late, {i: first[number] for i, number in kinds.items()}, last)

    def reads(self, program: Columns, t: int) -> list[list[list[int]]]:
        """Return what the nodes of a level read, kind by kind, node by node, in comparable order."""
        by_kind: dict[tuple[int, int], list[list[int]]] = {}
        for i in self.levels[t]:
            primitive = program.primitive_of(i)
            if primitive is RESULT or isinstance(primitive, Repeat):
                continue
            if program.is_sum(i):
                if not cost_of_layers.may_interchange(program.counts[i]):
                    continue
                row = _factors(program.sum_of(i), self.kinds)
            else:
                row = list(program.operands_of(i))
            by_kind.setdefault((self.kinds[i], len(row)), []).append(row)
        return list(by_kind.values())


def _kind(program: Columns, i: int) -> Hashable:
    """Return the kind of a node: its primitive, or the form of its terms without their coefficients."""
    if program.opcodes[i] != SUM:
        return program.opcodes[i]
    total, parameters = program.sum_of(i), program.parameters
    terms = [
        (slot, (x in parameters) + (y in parameters), y == ABSENT)
        for slot, x, y in zip(total.slots, total.lefts, total.rights)
    ]
    form = tuple(terms) if cost_of_layers.may_interchange(len(terms)) else tuple(sorted(set(terms)))
    return form, is_nothing(total.constant), total.leads


def _factors(total: Sum, kinds: Kinds) -> list[int]:
    """Return the factors of a sum, sorted by kind in each term. Two products are sorted, too, as `exchanged` does."""
    terms = [
        sorted([(kinds.get(k, -1), k) for k in term if k != ABSENT], key=lambda factor: factor[0])
        for term in zip(total.lefts, total.rights)
    ]
    if len(terms) == 2 and not total.leads and ABSENT not in total.rights:
        terms.sort(key=lambda term: [kind for kind, _ in term])
    return [k for term in terms for _, k in term]


def delayed(
    levels: Sequence[Sequence[int]], operands: Operands, kinds: Kinds, fixed: Collection[int] = ()
) -> list[list[int]]:
    """Return the nodes level by level, some of them later, so that those of one kind are at one level.

    If nodes of one kind and level read nodes of another kind, these wait for the latest of them, unless they are read
    before.

    Args:
        levels: the nodes as early as possible.
        kinds: the kind of each node.
        fixed: nodes that stay at their level.

    >>> reads = {2: [0], 3: [1], 4: [3], 5: [2], 6: [4], 7: [5, 6]}
    >>> delayed([[2, 3], [4, 5], [6], [7]], reads.__getitem__, {2: 0, 3: 1, 4: 0, 5: 2, 6: 2, 7: 3})
    [[3], [2, 4], [5, 6], [7]]
    """
    depth = {i: t for t, nodes in enumerate(levels) for i in nodes}
    read = {i: {k for k in operands(i) if k in depth} for i in depth}
    readers = dict.fromkeys(depth, 0)  # the number of readers that are not scheduled yet
    for k in itertools.chain.from_iterable(read.values()):
        readers[k] += 1
    waiting: list[list[int]] = [[] for _ in levels]
    late: list[list[int]] = [[] for _ in levels]
    for t in reversed(range(len(levels))):
        moved = [i for i in dict.fromkeys(waiting[t]) if depth[i] < t and not readers[i]]
        depth.update(dict.fromkeys(moved, t))
        late[t] = sorted([*[i for i in levels[t] if depth[i] == t], *moved])
        pairs = [((kinds[i], kinds[k]), k) for i in late[t] for k in read[i]]
        latest: dict[tuple[int, int], int] = {}
        for kind, k in pairs:
            readers[k] -= 1
            latest[kind] = max(latest.get(kind, 0), depth[k])
        for kind, k in pairs:
            if depth[k] < latest[kind] and k not in fixed:
                waiting[latest[kind]].append(k)
    return late


def interchanged(reads: Iterable[Positions], places: Places) -> list[list[int]]:
    """Return sets of arrays, each of which nodes of one kind read in place of one another.

    Args:
        reads: for each kind, the nodes that its nodes read, a row for each.
    """
    like: dict[int, int] = {}

    def least(source: int) -> int:
        while like.setdefault(source, source) != source:
            source = like[source]
        return source

    for rows in reads:
        sources = places.source[rows]
        if (sources == sources[0]).all():
            continue
        for column in sources.T:
            arrays = sorted(set(column[column > PARAMETERS].tolist()))
            for a, b in itertools.pairwise(arrays):
                a, b = least(a), least(b)
                like[max(a, b)] = min(a, b)
    sets: dict[int, list[int]] = {}
    for source in sorted(like):
        sets.setdefault(least(source), []).append(source)
    return [together for together in sets.values() if len(together) > 1]


def exchanged(terms: Terms, leads: NDArray[np.bool_], places: Places) -> Terms:
    """Exchange the terms of sums of two products whose arrays are not in ascending order; their sum is the same.

    Args:
        leads: whether each sum starts with its constant, to which the first term is added.
    """
    of_two = np.flatnonzero((np.bincount(terms.row, minlength=len(leads)) == 2) & ~leads)
    first = np.searchsorted(terms.row, of_two)
    one, other = places.source[terms.left], places.source_of(terms.right)
    more, less = np.where(one > other, (one, other), (other, one))
    arrays = more * (len(places.widths) + 1) + less
    both = (other[first] != ABSENT) & (other[first + 1] != ABSENT)
    first = first[both & (arrays[first] > arrays[first + 1])]
    order = np.arange(len(terms.row))
    order[first], order[first + 1] = first + 1, first
    return terms._replace(left=terms.left[order], right=terms.right[order], coefficients=terms.coefficients[order])
