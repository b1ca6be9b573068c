"""Compare a graph with one recorded before, without sorting it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter, is_
from typing import Generic, Protocol, TypeVar

from autograd.arrays import np
from autograd.primitives import Primitive
from autograd.value import Value


class Recorded(Protocol):
    """A graph as a trace records it; `Trace` documents the attributes."""

    @property
    def primitives(self) -> Sequence[Primitive | None]: ...
    @property
    def counts(self) -> Sequence[int]: ...
    @property
    def operands(self) -> Sequence[int]: ...
    @property
    def arguments(self) -> Sequence[Sequence[int]]: ...
    @property
    def outputs(self) -> Sequence[int]: ...


T = TypeVar("T", bound=Recorded)


class Likeness(Generic[T]):
    """Match graphs against a recorded one, ignoring numbers.

    Each node is located through one of its readers in the recorded graph; then all primitives and parents are compared.

    Attributes:
        first: the recorded graph.
    """

    def __init__(self, first: T) -> None:
        self.first = first
        counts, operands = np.array(first.counts, dtype=np.int64), np.array(first.operands, dtype=np.int64)
        edges, nodes = np.arange(len(operands)), np.arange(len(counts))
        readers = np.repeat(nodes, counts)
        places = edges - np.repeat(counts.cumsum() - counts, counts)
        edge = np.full(len(counts), len(operands))  # an edge along which each node is read; out of range if unread
        edge[operands] = edges
        from_last = edge[nodes[::-1]]
        self._readers: list[int] = np.append(len(counts) - 1 - readers, -1)[from_last].tolist()
        self._places: list[int] = np.append(places, -1)[from_last].tolist()

    def nodes(self, inputs: Sequence[Sequence[Value]], outputs: Sequence[Value]) -> list[Value] | None:
        """Return the nodes of another graph in the order of the recorded one; None if the graphs differ.

        Args:
            inputs: the Values of the arguments' numbers.
            outputs: the nodes that the function returned.
        """
        if len(outputs) != len(self.first.outputs):
            return None
        by_index = dict(zip(self.first.outputs, outputs))
        nodes = list[Value]()  # from the last to the first
        try:
            for reader, place in zip(self._readers, self._places):
                if place >= 0:
                    nodes.append(nodes[reader].parents[place])
                else:
                    nodes.append(by_index[len(self._readers) - 1 - len(nodes)])
        except IndexError:  # a node has fewer parents
            return None
        nodes.reverse()
        return nodes if self._is_same(nodes, inputs, outputs) else None

    def _is_same(self, nodes: list[Value], inputs: Sequence[Sequence[Value]], outputs: Sequence[Value]) -> bool:
        first, different = self.first, set(nodes)
        rows = list(map(attrgetter("parents"), nodes))
        return (
            len(different) == len(nodes)
            and list(map(len, rows)) == first.counts
            and [node.primitive for node in nodes] == first.primitives
            and all(map(is_, chain.from_iterable(rows), map(nodes.__getitem__, first.operands)))
            and all(nodes[i] is output for i, output in zip(first.outputs, outputs))
            and all(
                nodes[i] is x if i >= 0 else x not in different
                for xs, places in zip(inputs, first.arguments)
                for x, i in zip(xs, places)
            )
        )
