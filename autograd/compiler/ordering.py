"""Stage 3, group, its last step: in which order each array holds its members, so that slices read them.

The trace tells in no order what a program's arrays are: which of two outputs is 0 and which 1, or that the gates of
all units of a recurrent network should lie side by side. What reads an array tells it, so the groups are gone through
from the last to the first, each taking the order that its readers want, or else the one of the arguments that it reads.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from autograd.arrays import np
from autograd.compiler.products import Group, Index, Matrix, Numbers, Rows, View, weights_index
from autograd.compiler.slices import effort

if TYPE_CHECKING:
    from autograd.compiler.grouping import Grouping


class Ordering:
    """Reorders the members of a program's groups, in place."""

    def __init__(self, grouping: Grouping, outputs: list[int]) -> None:
        self._grouping, self._groups = grouping, grouping.groups
        self._first = len(grouping.widths) - len(grouping.groups)
        self._arguments = self._first - len(grouping.data)  # data are written down in whatever order
        self._runs: dict[int, list[list[int]]] = {}  # of outputs side by side, by their source
        for source, run in itertools.groupby(outputs, key=lambda i: int(grouping.source[i])):
            self._runs.setdefault(source, []).append(list(run))
        self._readers: dict[int, list[int]] = {}
        for k, group in enumerate(self._groups):
            for source in {view.source for view in views(group)}:
                self._readers.setdefault(source, []).append(k)
        everything = len(grouping.widths)
        for k in range(len(self._groups)):
            self._improve(k, everything, by_readers=False)
        for k in reversed(range(len(self._groups))):
            self._improve(k, self._first)
        for k in range(len(self._groups)):
            self._improve(k, everything)

    def _improve(self, k: int, fixed: int, by_readers: bool = True) -> None:
        """Give a group the best order, as its readers see it and what it reads of sources below `fixed`."""
        group = self._groups[k]
        least = self._effort(k, fixed, by_readers)
        if least == 0.0 or len(group.members) < 2 or group.pieces:
            return
        best: Index | None = None
        for order in self._candidates(k, by_readers):
            found = self._effort(k, fixed, by_readers, order)
            if found < least - 1e-9:
                least, best = found, order
        if best is not None:
            self._apply(k, best)

    def _apply(self, k: int, order: Index) -> None:
        for r, reader in self._renumbered(k, order):
            self._groups[r] = reader
        self._groups[k] = group = reordered(self._groups[k], order)
        members = np.array(group.members)
        self._grouping.position[members[members >= 0]] = np.flatnonzero(members >= 0)

    def _candidates(self, k: int, by_readers: bool) -> Iterator[Index]:
        """Orders that suit one reader or the other, and those of what the group reads itself."""
        group = self._groups[k]
        source, width = group.source, len(group.members)
        if by_readers:
            wishes = [view.index.reshape(-1) for r in self._read_by(source) for view in views(self._groups[r], source)]
            wishes += self._runs_of_outputs(source)
            for several in (wishes, wishes[::-1], sorted(wishes, key=len)):
                together = np.concatenate([*several, np.arange(width)])
                wanted = np.array(list(dict.fromkeys(together[together >= 0].tolist())), dtype=np.int64)
                yield from permitted(group, wanted)
        for view in single_views(group):
            if view.source > 0 and len(np.unique(view.index)) == width:
                yield from permitted(group, np.argsort(view.index))

    def _read_by(self, source: int) -> list[int]:
        return self._readers.get(source, [])

    def _runs_of_outputs(self, source: int) -> list[Index]:
        """The places of the program's outputs in a source, run by run."""
        return [self._grouping.position[run] for run in self._runs.get(source, [])]

    def _renumbered(self, k: int, order: Index) -> Iterable[tuple[int, Group]]:
        """The readers of a group as they are when it is in another order."""
        source = self._groups[k].source
        number = np.append(np.argsort(order), -1)  # the last one for holes
        for r in self._read_by(source):
            yield r, renumbered(self._groups[r], source, number)

    def _effort(self, k: int, fixed: int, by_readers: bool, order: Index | None = None) -> float:
        """What it takes to read a group, in another order where one is given, and what it reads itself."""
        group = self._groups[k]
        source = group.source
        itself = group if order is None else reordered(group, order)
        arguments, others = effort_of(itself, 1, self._arguments), effort_of(itself, self._first, fixed)
        if not by_readers:  # arguments are as they are; what else it reads can still change
            return arguments + others / 2
        readers = [self._groups[r] for r in self._read_by(source)]
        runs = self._runs_of_outputs(source)
        if order is not None:
            readers = [reader for _, reader in self._renumbered(k, order)]
            runs = [np.argsort(order)[places] for places in runs]
        by_others = sum(effort_of(reader, source, source + 1) for reader in readers) + sum(map(effort, runs))
        return arguments + others + by_others


def views(group: Group, source: int | None = None) -> list[View]:
    """All that a group reads, or what it reads of one source."""
    found = [*group.pieces, *(operand for operand in group.operands if isinstance(operand, View))]
    for block in group.blocks:
        parts = (block.left, block.right) if isinstance(block, Rows) else (block.weights, block.columns)
        found += [part for part in parts if part is not None]
    return [view for view in found if source is None or view.source == source]


def single_views(group: Group) -> list[View]:
    """What a group reads of one element a member."""
    found = [operand for operand in group.operands if isinstance(operand, View) and operand.index.ndim == 1]
    for block in group.blocks:
        if isinstance(block, Rows) and block.left.index.shape[1] == 1:
            found += [View(v.source, v.index[:, 0]) for v in (block.left, block.right) if v is not None]
    return found


def effort_of(group: Group, start: int, stop: int) -> float:
    """What it takes a group to read the sources from `start` to `stop`."""
    total = 0.0
    for view in views(group):
        if start <= view.source < stop:
            same = view.index.ndim == 2 and (view.index == view.index[0]).all()
            total += effort(view.index[0] if same else view.index.reshape(-1))
    return total


def permitted(group: Group, wanted: Index) -> Iterator[Index]:
    """Orders near to the one that is wanted: over patches, each position is followed by all its channels."""
    block = next((b for b in group.blocks if isinstance(b, Matrix) and len(b.columns.index) > 1), None)
    if block is None:
        yield wanted
        return
    if block.place is not None or block.weights is None:
        return
    channels = len(block.weights.index)
    positions, order = (np.array(list(dict.fromkeys(x.tolist()))) for x in (wanted // channels, wanted % channels))
    for first in (np.arange(len(positions)), positions):
        for second in (np.arange(channels), order):
            yield (first[:, None] * channels + second).reshape(-1)


def reordered(group: Group, order: Index) -> Group:
    """A group with its members in a new order."""
    operands = tuple(
        [
            View(x.source, x.index[order]) if isinstance(x, View) else x[order] if isinstance(x, np.ndarray) else x
            for x in group.operands
        ]
    )
    return group._replace(
        members=[group.members[r] for r in order.tolist()],
        operands=operands,
        blocks=tuple([reordered_block(block, order) for block in group.blocks]),
        constant=_taken(group.constant, order),
        factor=_taken(group.factor, order),
        divisor=_taken(group.divisor, order),
    )


def reordered_block(block: Rows | Matrix, order: Index) -> Rows | Matrix:
    """A block with its rows in a new order."""
    if isinstance(block, Rows):
        return Rows(
            _taken(block.coefficients, order),
            View(block.left.source, block.left.index[order]),
            None if block.right is None else View(block.right.source, block.right.index[order]),
        )
    weights, channels = block.weights, len(weights_index(block))
    if block.place is not None:
        place = block.place[order]
        whole = len(place) == len(block.columns.index) * channels
        return block._replace(place=None if whole and (place == np.arange(len(place))).all() else place)
    if len(block.columns.index) > 1 and weights is not None:
        columns = View(block.columns.source, block.columns.index[order[::channels] // channels])
        return block._replace(columns=columns, weights=View(weights.source, weights.index[order[:channels] % channels]))
    return block._replace(
        coefficients=_taken(block.coefficients, order),
        weights=None if weights is None else View(weights.source, weights.index[order]),
    )


def _taken(numbers: float | Numbers, order: Index) -> float | Numbers:
    return numbers[order] if isinstance(numbers, np.ndarray) else numbers


def renumbered(group: Group, source: int, number: Index) -> Group:
    """A group that reads a source whose elements have new numbers, its terms in the new order where that is free."""

    def read(view: View) -> View:
        return View(source, number[view.index]) if view.source == source else view

    operands = []
    for x in group.operands:
        if isinstance(x, View) and x.source == source:
            x = read(x)
            if x.index.ndim == 2:
                x = View(source, np.sort(x.index, axis=1))
        operands.append(x)
    blocks: list[Rows | Matrix] = []
    for block in group.blocks:
        if isinstance(block, Rows):
            right = None if block.right is None else read(block.right)
            blocks.append(_sorted_rows(block._replace(left=read(block.left), right=right)))
        else:
            weights = None if block.weights is None else read(block.weights)
            blocks.append(_sorted_columns(block._replace(weights=weights, columns=read(block.columns))))
    return group._replace(operands=tuple(operands), blocks=tuple(blocks), pieces=tuple(map(read, group.pieces)))


def _sorted_rows(block: Rows) -> Rows:
    """The terms of each row in the order of their right factors, or of their only ones."""
    if block.left.index.shape[1] == 1:
        return block
    left, right = block.left.index, block.left.index if block.right is None else block.right.index
    order = np.lexsort((left, right), axis=1)
    coefficients = block.coefficients
    if isinstance(coefficients, np.ndarray):
        coefficients = np.take_along_axis(coefficients, order, axis=1)
    return Rows(
        coefficients,
        View(block.left.source, np.take_along_axis(left, order, axis=1)),
        None if block.right is None else View(block.right.source, np.take_along_axis(right, order, axis=1)),
    )


def _sorted_columns(block: Matrix) -> Matrix:
    """The columns of a product as the array has them that is multiplied; over patches, as the fullest one has them."""
    fullest = (block.columns.index >= 0).sum(axis=1).argmax()
    order = np.argsort(block.columns.index[fullest], kind="stable")
    coefficients, weights = block.coefficients, block.weights
    return Matrix(
        coefficients[:, order] if isinstance(coefficients, np.ndarray) else coefficients,
        None if weights is None else View(weights.source, weights.index[:, order]),
        View(block.columns.source, block.columns.index[:, order]),
        block.place,
    )
