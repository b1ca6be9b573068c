"""The operations of a scalar program as arrays: what each does, and which nodes it reads."""

from __future__ import annotations

from typing import NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, SUM

Integers = NDArray[np.int64]

_FAR = -1
"""In place of the distance to what is read: it is a leaf, or too far away."""


class Operations(NamedTuple):
    """The sums and applications of a program, in order; those of guards aside.

    Attributes:
        nodes: which they are.
        place: of each node its place among them; -1 where it is a leaf.
        first: of each operation where its row of `reads` begins; and one more, where the last one ends.
        reads: the nodes that are read. Of a sum these are the left factors, then the right ones, some ABSENT.
        code: equal for operations that do equal work, whatever they read.
    """

    nodes: Integers
    place: Integers
    first: Integers
    reads: Integers
    code: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.nodes)

    def places_read(self, start: int, stop: int) -> Integers:
        """The places of what some operations read; -1 for leaves, and where nothing is read."""
        reads = self.reads[self.first[start] : self.first[stop]]
        places: Integers = np.where(reads < 0, -1, self.place[reads])
        return places

    def keys(self, window: int) -> NDArray[np.uint64]:
        """Equal for operations that do equal work on what is as many operations away, or farther than a window."""
        size = len(self)
        own = np.repeat(np.arange(size), np.diff(self.first))
        places = self.places_read(0, size)
        distance = own - places
        distance[(places < 0) | (distance > window)] = _FAR
        return self.code + _mixed(distance, self.first)


def operations_of(program: Columns) -> Operations:
    """Return the operations of a program as arrays."""
    opcodes, starts, counts = (np.array(x, dtype=np.int64) for x in (program.opcodes, program.starts, program.counts))
    nodes = np.array(program.operations, dtype=np.int64)
    place = np.full(len(program), -1)
    place[nodes] = np.arange(len(nodes))
    is_sum, count = opcodes[nodes] == SUM, counts[nodes]
    first = np.append(0, np.cumsum(np.where(is_sum, 2 * count, count)))
    reads = np.full(int(first[-1]), ABSENT)
    apply, add = np.flatnonzero(~is_sum), np.flatnonzero(is_sum)
    to, source = _rows(first[apply], count[apply]), _rows(starts[nodes[apply]], count[apply])
    reads[to] = np.array(program.operands, dtype=np.int64)[source]
    source = _rows(starts[nodes[add]], count[add])
    reads[_rows(first[add], count[add])] = np.array(program.lefts, dtype=np.int64)[source]
    rights = np.array(program.rights, dtype=np.int64)[source]
    reads[_rows(first[add] + count[add], count[add])] = rights
    code = _hashed(opcodes[nodes] * 1_000_003 + count)
    terms = np.array(program.coefficients)[source].view(np.int64) ^ np.array(program.slots, dtype=np.int64)[source]
    bounds = np.append(0, np.cumsum(count[add]))
    code[add] += _mixed(2 * terms + (rights == ABSENT), bounds)
    marks = {i: hash(repr(scaling)) for i, scaling in program.scalings.items()}
    for several, mark in ((program.guards.choices, 3), (program.guards.unreached, 5)):
        marks.update({i: marks.get(i, 0) ^ mark for i in several})
    at = place[list(marks)] if marks else place[:0]
    code[at[at >= 0]] += _hashed(np.array(list(marks.values()), dtype=np.int64))[at >= 0]
    return Operations(nodes, place, first, reads, code)


def _rows(starts: Integers, counts: Integers) -> Integers:
    """Return the places of all elements of rows."""
    before = np.cumsum(counts) - counts
    places: Integers = np.repeat(starts - before, counts) + np.arange(int(counts.sum()))
    return places


def _hashed(x: Integers) -> NDArray[np.uint64]:
    """Scatter numbers over all 64 bits (the finaliser of splitmix64: Steele, Lea and Flood, 2014)."""
    z = x.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _mixed(x: Integers, first: Integers) -> NDArray[np.uint64]:
    """Return a hash of each row of numbers, in which their order counts.

    Args:
        first: where each row begins; and where the last one ends.
    """
    column = np.arange(len(x)) - np.repeat(first[:-1], np.diff(first))
    sums = np.append(np.uint64(0), np.cumsum(_hashed(x) * (2 * _hashed(column) + np.uint64(1))))
    result: NDArray[np.uint64] = sums[first[1:]] - sums[first[:-1]]
    return result
