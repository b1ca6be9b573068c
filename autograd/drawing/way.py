"""The part of a graph between a leaf and a root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.drawing.snapshot import Node


class Edge(NamedTuple):
    """One use of a node: the child that uses it, and the position among the child's operands."""

    child: int
    operand: int


class Way(NamedTuple):
    """The nodes between a leaf and a root, and the results of a sweep over them.

    Attributes:
        root, leaf: their indices in the topological order.
        uses: for each node between them, the edges to the nodes that use it on paths to the root.
        delta: ∂root/∂node of these nodes, the root first and the leaf last; empty if no path leads to the root.
        taken: the nodes reached by a path on which every choice selected its operand.
        paths, longest: the number of paths, and the number of edges of the longest.
    """

    root: int
    leaf: int
    uses: dict[int, list[Edge]]
    delta: dict[int, float]
    taken: set[int]
    paths: int
    longest: int

    @property
    def value(self) -> float:
        """∂root/∂leaf."""
        return self.delta.get(self.leaf, 0.0)

    def carries(self, nodes: Sequence[Node], edge: Edge) -> bool:
        """Tell whether a gradient flows along an edge: not if a choice did not select its operand."""
        return edge.child in self.taken and nodes[edge.child].takes(edge.operand)


def find_way(nodes: Sequence[Node], root: int, leaf: int) -> Way:
    """Run the sweep of `Value.backward` over the nodes that depend on the leaf."""
    dependent = {leaf}
    for i, node in enumerate(nodes):
        if not dependent.isdisjoint(node.parents):
            dependent.add(i)
    way = Way(root, leaf, {}, {}, {root}, 0, 0)
    count = length = 0
    # A node's entry is removed once it is used: in a deep graph a path count has thousands of digits.
    reached = {root: (1.0, 1, 0)} if root in dependent else {}
    for child in range(root, leaf - 1, -1):
        if child not in reached:
            continue
        way.delta[child], count, length = reached.pop(child)
        for operand, parent in enumerate(nodes[child].parents):
            if parent in dependent:
                edge = Edge(child, operand)
                way.uses.setdefault(parent, []).append(edge)
                gradient, paths, longest = reached.get(parent, (0.0, 0, 0))
                if way.carries(nodes, edge):
                    gradient += derivative(nodes, edge) * way.delta[child]
                    way.taken.add(parent)
                reached[parent] = gradient, paths + count, max(longest, length + 1)
    return way._replace(paths=count, longest=length)


def derivative(nodes: Sequence[Node], edge: Edge) -> float:
    """Return the recorded local derivative along an edge."""
    return (nodes[edge.child].local_derivatives or ())[edge.operand]


def all_paths(nodes: Sequence[Node], way: Way) -> list[list[Edge]]:
    """List every path as its edges from the root to the leaf, in the order of the operands."""
    paths = []
    unfinished: list[tuple[int, list[Edge]]] = [(way.root, [])] if way.delta else []
    while unfinished:
        end, path = unfinished.pop()
        if end == way.leaf:
            paths.append(path)
            continue
        steps = [(parent, [*path, Edge(end, k)]) for k, parent in enumerate(nodes[end].parents) if parent in way.delta]
        unfinished.extend(reversed(steps))
    return paths
