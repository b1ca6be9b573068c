"""Order the members of each array so that its readers read slices.

A trace does not define the order of an array's members: which of two outputs is 0 and which is 1, or that the gates of
all units of a recurrent network should be adjacent. The array's readers do. The groups are visited from the last to the
first; each takes the order that its readers prefer, or else that of the arguments that it reads.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import (
    PARAMETERS,
    Concatenation,
    Group,
    Grouping,
    LookUps,
    RunningSum,
    SumOfProducts,
    single_views,
    tables,
    views,
)
from autograd.compiler.recover.index import Positions, are_equal, distinct, effort
from autograd.compiler.recover.loops.repetitions import LoopResult, Repetition
from autograd.compiler.recover.padding import filled
from autograd.compiler.recover.reorder import renumbered, reordered
from autograd.compiler.recover.sums.blocks import Matrix, Product


def ordered(grouping: Grouping, outputs: Sequence[int]) -> Grouping:
    """Return the same groups, with members in orders that are cheaper to read.

    Args:
        outputs: the nodes that the program returns, in order.
    """
    orders = _Orders(grouping, outputs)
    everything, first = len(grouping.widths), grouping.first
    for k in range(len(grouping.groups)):
        orders.improve(k, everything, by_readers=False)
    for k in reversed(range(len(grouping.groups))):
        orders.improve(k, first)
    for k in range(len(grouping.groups)):
        orders.improve(k, everything)
    return grouping._replace(groups=tuple(orders.groups), position=orders.position)


class _Orders:
    """The groups and positions of a program while `ordered` improves them, group by group.

    Attributes:
        groups, position: the current ones, copied from the grouping.
    """

    def __init__(self, grouping: Grouping, outputs: Sequence[int]) -> None:
        self.groups, self.position = list(grouping.groups), grouping.position.copy()
        self._first, self._effort_of_views = grouping.first, _Efforts()
        self._data = self._first - len(grouping.data)  # data may be stored in any order
        self._runs: dict[int, list[list[int]]] = {}  # adjacent outputs, by source
        for source, run in itertools.groupby(outputs, key=lambda i: int(grouping.source[i])):
            self._runs.setdefault(source, []).append(list(run))
        self._readers: dict[int, list[int]] = {}
        for k, group in enumerate(self.groups):
            for source in {view.source for view in views(group)}:
                self._readers.setdefault(source, []).append(k)

    def improve(self, k: int, fixed: int, by_readers: bool = True) -> None:
        """Give a group the cheapest order for its readers, and for its own reads of sources below `fixed`."""
        group = self.groups[k]
        least = self._effort(k, fixed, by_readers)
        if not least or isinstance(group, (Concatenation, RunningSum, LookUps, Repetition, LoopResult)):
            return
        best: Positions | None = None
        tried = {np.arange(len(group.members)).tobytes()}
        for order in self._candidates(k, by_readers):
            if (key := order.tobytes()) in tried:
                continue
            tried.add(key)
            needed = self._effort(k, fixed, by_readers, order)
            if needed < least - cost.LEAST_GAIN:
                least, best = needed, order
        if best is not None:
            self._apply(k, best)

    def _apply(self, k: int, order: Positions) -> None:
        for r, reader in self._renumbered(k, order):
            self.groups[r] = reader
        self.groups[k] = group = reordered(self.groups[k], order)
        members = np.array(group.members)
        present = members != PADDING
        self.position[members[present]] = np.flatnonzero(present)

    def _candidates(self, k: int, by_readers: bool) -> Iterator[Positions]:
        """Yield orders that suit some reader, and the orders of the arrays that the group reads."""
        group = self.groups[k]
        source, width = group.source, len(group.members)
        if by_readers:
            wishes = [
                view.positions.reshape(-1) for r in self._read_by(source) for view in views(self.groups[r], source)
            ]
            wishes += self._runs_of_outputs(source)
            for several in (wishes, wishes[::-1], sorted(wishes, key=len)):
                together = np.concatenate([*several, np.arange(width)])
                wanted = np.array(list(dict.fromkeys(together[together >= 0].tolist())), dtype=np.int64)
                yield from permitted(group, wanted)
        for view in single_views(group):
            if view.source > PARAMETERS and len(distinct(view.positions)) == width:
                yield from permitted(group, np.argsort(view.positions))
        for view in tables(group):
            yield from permitted(group, np.argsort(_first_read(view.positions), kind="stable"))

    def _read_by(self, source: int) -> list[int]:
        return self._readers.get(source, [])

    def _runs_of_outputs(self, source: int) -> list[Positions]:
        """Return the places of the program's outputs in a source, run by run."""
        return [self.position[run] for run in self._runs.get(source, [])]

    def _renumbered(self, k: int, order: Positions) -> Iterator[tuple[int, Group]]:
        """Yield the readers of a group, adapted to another order of it."""
        source = self.groups[k].source
        number = np.append(np.argsort(order), -1)  # the last element is for padding
        for r in self._read_by(source):
            yield r, renumbered(self.groups[r], source, number)

    def _effort(self, k: int, fixed: int, by_readers: bool, order: Positions | None = None) -> float:
        """Return the cost of reading a group, and of its own reads, in its own order or another."""
        group = self.groups[k]
        source, known = group.source, self._effort_of_views
        itself = group if order is None else reordered(group, order)
        arguments, others = effort_of(itself, 1, self._data, known), effort_of(itself, self._first, fixed, known)
        if not by_readers:  # the order of arguments is fixed; other arrays may still be reordered
            return arguments + others / 2
        readers = [self.groups[r] for r in self._read_by(source)]
        runs = self._runs_of_outputs(source)
        if order is not None:
            readers = [reader for _, reader in self._renumbered(k, order)]
            runs = [np.argsort(order)[places] for places in runs]
        by_others = sum(effort_of(reader, source, source + 1, known) for reader in readers) + sum(map(known, runs))
        return arguments + others + by_others


def _first_read(table: Positions) -> Positions:
    """Return the least position that each row of a table reads."""
    least: Positions = np.where(table == PADDING, int(table.max()), table).min(axis=1)
    return least


def effort_of_view(positions: Positions) -> float:
    """Return the cost of reading positions, some of which may be padding; equal rows are read once."""
    everywhere = filled(positions, 1 + int(positions.max()))
    positions = positions if everywhere is None else everywhere
    same = positions.ndim == 2 and are_equal(positions)
    return effort((positions[:1] if same else positions).reshape(-1))


class _Efforts(dict[tuple[tuple[int, ...], bytes], float]):
    """A cache of the effort of views, unless they are large: most are requested repeatedly."""

    def __call__(self, positions: Positions) -> float:
        if positions.size > cost.MOST_POSITIONS_KNOWN:
            return effort_of_view(positions)
        key = positions.shape, positions.tobytes()
        if key not in self:
            self[key] = effort_of_view(positions)
        return self[key]


def effort_of(group: Group, start: int, stop: int, of_view: Callable[[Positions], float] = effort_of_view) -> float:
    """Return the cost of a group's reads of the sources from `start` to `stop`."""
    return sum([of_view(view.positions) for view in views(group) if start <= view.source < stop], 0.0)


def permitted(group: Group, wanted: Positions) -> Iterator[Positions]:
    """Yield permitted orders close to the preferred one: over patches, the channels of each position stay adjacent."""
    blocks = group.blocks if isinstance(group, SumOfProducts) else ()
    if any(isinstance(b, Product) for b in blocks):
        return
    block = next((b for b in blocks if isinstance(b, Matrix) and len(b.columns.positions) > 1), None)
    if block is None:
        yield wanted
        return
    if block.place is not None or block.weights is None:
        return
    channels = len(block.weights.positions)
    positions, order = (np.array(list(dict.fromkeys(x.tolist()))) for x in (wanted // channels, wanted % channels))
    for first in (np.arange(len(positions)), positions):
        for second in (np.arange(channels), order):
            yield (first[:, None] * channels + second).reshape(-1)
