"""The operations of a scalar program as arrays of codes and operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd.arrays import NDArray, np
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.loops.hashing import Hashes, RowHashes, hashed, hashed_rows, of_floats
from autograd.compiler.scalars.loops.repeat import RESULT
from autograd.compiler.scalars.nodes import ABSENT, SUM
from autograd.support.forking import computed_once

Integers = NDArray[np.int64]

_FAR, _LEAF = -1, 1 << 62
"""The distances of operands beyond a window, and of leaves, which are beyond any window."""


@dataclass(frozen=True, eq=False)
class Operations:
    """The sums and applications of a program, in order, except those of guards.

    Attributes:
        nodes: their nodes.
        place: the place of each node among them; -1 for a leaf.
        first: the start of each operation's row of `reads`, and the end of the last.
        reads: the nodes that are read; for a sum the left factors, then the right ones, some ABSENT.
        code: a number that is equal for operations of equal work, for any operands.
        is_result: whether an operation reads a result of a loop, which is its first operand.
    """

    nodes: Integers
    place: Integers
    first: Integers
    reads: Integers
    code: Hashes
    is_result: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.nodes)

    def places_read(self, start: int, stop: int) -> Integers:
        """Return the places of the operands of a range; -1 for leaves and absent factors."""
        return self.places_of(self.reads[self.first[start] : self.first[stop]])

    def places_of(self, reads: Integers) -> Integers:
        """Return the places of nodes that are read; -1 for leaves and absent factors."""
        places: Integers = np.where(reads < 0, -1, self.place[reads])
        return places

    @computed_once
    def _distance(self) -> Integers:
        """Return the distance between each operand and its reader, in operations, row after row."""
        places = self.places_read(0, len(self))
        distance = np.repeat(np.arange(len(self)), np.diff(self.first)) - places
        distance[places < 0] = _LEAF
        return distance

    @computed_once
    def _hashes(self) -> RowHashes:
        return RowHashes(self._distance, self.first, _FAR)

    def keys(self, window: int) -> Hashes:
        """Return a key of each operation, equal for equal work on operands at equal distances, or beyond a window."""
        return self.code + self._hashes.where(self._distance <= window)


def in_levels(operations: Operations, level: Sequence[int]) -> Operations:
    """Return the operations in the order of their nodes' levels.

    Args:
        level: the level of each node.
    """
    order = np.argsort(np.array(level)[operations.nodes], kind="stable")
    nodes, counts = operations.nodes[order], np.diff(operations.first)[order]
    place = operations.place.copy()
    place[nodes] = np.arange(len(nodes))
    return Operations(
        nodes,
        place,
        np.append(0, counts.cumsum()),
        operations.reads[_rows(operations.first[order], counts)],
        operations.code[order],
        operations.is_result[order],
    )


def operations_of(program: Columns) -> Operations:
    """Return the operations of a program as arrays."""
    opcodes, starts, counts = (np.array(x, dtype=np.int64) for x in (program.opcodes, program.starts, program.counts))
    nodes = np.array(program.operations, dtype=np.int64)
    place = np.full(len(program), -1)
    place[nodes] = np.arange(len(nodes))
    is_sum, count = opcodes[nodes] == SUM, counts[nodes]
    first = np.append(0, np.where(is_sum, 2 * count, count).cumsum())
    reads = np.full(int(first[-1]), ABSENT)
    apply, add = np.flatnonzero(~is_sum), np.flatnonzero(is_sum)
    to, source = _rows(first[apply], count[apply]), _rows(starts[nodes[apply]], count[apply])
    reads[to] = np.array(program.operands, dtype=np.int64)[source]
    source = _rows(starts[nodes[add]], count[add])
    reads[_rows(first[add], count[add])] = np.array(program.lefts, dtype=np.int64)[source]
    rights = np.array(program.rights, dtype=np.int64)[source]
    reads[_rows(first[add] + count[add], count[add])] = rights
    code = hashed(opcodes[nodes] * 1_000_003 + count)
    # Coefficients are hashed before they are added up, which would lose the sign, the first bit.
    terms = hashed(2 * np.array(program.slots, dtype=np.int64)[source] + (rights == ABSENT))
    terms += hashed(of_floats(program.coefficients)[source])
    bounds = np.append(0, count[add].cumsum())
    code[add] += hashed_rows(terms, bounds)
    scalings, choices, unreached = program.scalings, program.guards.choices, program.guards.unreached
    marked = {*scalings, *choices, *unreached}
    marks = {i: hash((repr(scalings.get(i)), i in choices, i in unreached)) for i in marked}
    at = place[np.array(list(marks), dtype=np.int64)]
    is_operation = at >= 0
    code[at[is_operation]] += hashed(np.array(list(marks.values()), dtype=np.int64))[is_operation]
    results = program.by_opcode(lambda primitive: primitive is RESULT, False)
    return Operations(nodes, place, first, reads, code, np.array(results)[opcodes[nodes]])


def _rows(starts: Integers, counts: Integers) -> Integers:
    """Return the places of all elements of rows."""
    before = counts.cumsum() - counts
    places: Integers = np.repeat(starts - before, counts) + np.arange(int(counts.sum()))
    return places
