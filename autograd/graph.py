"""Graph traversal: the topological order, and queries about a graph. Nothing here is recursive."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from autograd.reading import number_of

if TYPE_CHECKING:
    from autograd.value import Value


def topological_order(*roots: Value, stop: Collection[Value] = ()) -> list[Value]:
    """List the roots and every node that they were computed from, each once, parents before children.

    Leaves come first, then the operations, those of an earlier operand before those of a later one. The order depends
    only on the graph, never on memory addresses. Nodes in `stop` are left out, with the ancestors reached only
    through them.

    >>> from autograd import Value
    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> [node.label or node.op for node in topological_order(a * b + b)]
    ['a', 'b', '*', '+']
    """
    leaves, interior = leaves_and_operations(*roots, stop=stop)
    return leaves + interior


def leaves_and_operations(*roots: Value, stop: Collection[Value] = ()) -> tuple[list[Value], list[Value]]:
    """Return the two parts of the topological order: leaves, and operations."""
    leaves: list[Value] = []
    interior: list[Value] = []
    visited = set(stop)
    # A node whose parents have been pushed above it is marked by a None: when the None is popped, they are all listed.
    stack: list[Value | None] = [*reversed(roots)]
    while stack:
        node = stack.pop()
        if node is None:
            interior.append(stack.pop())  # type: ignore[arg-type]
        elif node not in visited:
            visited.add(node)
            parents = node.parents
            if not parents:
                leaves.append(node)
                continue
            # A shortcut to the same order, common in a layer: its neurons share their inputs.
            if len(parents) > 2 and visited.issuperset(parents):
                interior.append(node)
                continue
            stack.append(node)
            stack.append(None)
            for parent in reversed(parents):
                if parent not in visited:
                    if parent.parents:
                        stack.append(parent)
                    else:
                        visited.add(parent)
                        leaves.append(parent)
    leaves.reverse()
    return leaves, interior


def leaves(*roots: Value) -> list[Value]:
    """List the leaves that the roots depend on, including wrapped constants, in topological order."""
    return [node for node in topological_order(*roots) if not node.parents]


def is_stale(*roots: Value) -> bool:
    """Tell whether a number has changed since other numbers were computed from it, so that they are out of date.

    An optimizer's step makes every earlier graph stale. The remedy is to compute the graph again.

    >>> from autograd import Value
    >>> a = Value(2.0)
    >>> b = a * a + 1
    >>> a.data = 5.0
    >>> is_stale(b)
    True
    """
    return any(map(disagrees_with_parents, topological_order(*roots)))


def stale_nodes(*roots: Value) -> list[Value]:
    """List the nodes whose value or local derivatives no longer match their parents' numbers, in topological order."""
    return list(filter(disagrees_with_parents, topological_order(*roots)))


def disagrees_with_parents(node: Value) -> bool:
    """Tell whether the node's value or local derivatives differ from those its parents' numbers give now."""
    if node.primitive is None:
        return False
    inputs = tuple(map(number_of, node.parents))
    try:
        data = node.primitive.forward(*inputs)
    except (ArithmeticError, ValueError):
        data = node.primitive.ieee_value(inputs)  # the graph of a derivative may hold inf and nan
    now = (data, *node.primitive.local_derivatives(inputs, data))
    return any(a != b and not (a != a and b != b) for a, b in zip(now, (number_of(node), *node.local_derivatives)))


def first_nonfinite(*roots: Value, largest: float = sys.float_info.max) -> Value | None:
    """Return the first node, in topological order, with an infinite or nan value or local derivative; else None.

    Derivatives along edges to constants do not count, since constants have no gradient.

    Args:
        roots: the roots of the graph.
        largest: the largest number that counts as finite, such as 3.4e38 for float32.
    """
    for node in topological_order(*roots):
        if not abs(number_of(node)) <= largest:
            return node
        for parent, derivative in zip(node.parents, node.local_derivatives):
            if not abs(derivative) <= largest and not parent.is_constant:
                return node
    return None


class Summary(NamedTuple):
    """The result of `summary`. `str()` gives one line per fact.

    Attributes:
        nodes, edges: their numbers; a parent used twice by one node counts as two edges.
        leaves: the number of nodes without parents, including wrapped constants.
        depth: the number of edges on the longest path from a leaf to a root.
        stale: the number of nodes that no longer match their parents' numbers (`stale_nodes` lists them).
        first_nonfinite: the first node with a non-finite value or derivative, or None.
    """

    nodes: int
    edges: int
    leaves: int
    depth: int
    stale: int
    first_nonfinite: Value | None

    def __str__(self) -> str:
        lines = [f"{self.nodes:,} nodes ({self.leaves:,} leaves), {self.edges:,} edges, depth {self.depth:,}"]
        if self.stale:
            lines.append(f"stale: {self.stale:,} nodes, since a leaf changed after they were made; compute them again")
        if self.first_nonfinite is not None:
            lines.append(f"not finite, first at {self.first_nonfinite!r}")
        return "\n".join(lines)


def summary(*roots: Value) -> Summary:
    """Count and check the graph that computed the roots.

    >>> from autograd import Value
    >>> a, b = Value(2.0), Value(3.0)
    >>> print(summary(a * b + b))
    4 nodes (2 leaves), 4 edges, depth 2
    """
    order = topological_order(*roots)
    depth: dict[Value, int] = {}
    for node in order:
        depth[node] = 1 + max(depth[parent] for parent in node.parents) if node.parents else 0
    return Summary(
        nodes=len(order),
        edges=sum(len(node.parents) for node in order),
        leaves=sum(not node.parents for node in order),
        depth=max(depth.values()),
        stale=sum(map(disagrees_with_parents, order)),
        first_nonfinite=first_nonfinite(*roots),
    )
