"""Walking a graph: the topological order, and what a person asks of a graph. Nothing here is recursive."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from autograd.reading import number_of

if TYPE_CHECKING:
    from autograd.value import Value


def topological_order(*roots: Value, stop: Collection[Value] = ()) -> list[Value]:
    """Every node that the roots were computed from, and the roots: each once, parents before children.

    Leaves come first, then the operations, those of an earlier operand before those of a later one. The order depends
    on the graph alone, never on addresses in memory. Nodes in `stop` are left out,
    and what only they were computed from.

    >>> from autograd import Value
    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> [node.label or node.op for node in topological_order(a * b + b)]
    ['a', 'b', '*', '+']
    """
    leaves: list[Value] = []
    interior: list[Value] = []
    visited = set(stop)
    # A node is followed on the stack by None once its parents lie above it: when None comes up, they are all listed.
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
            if len(parents) > 2 and visited.issuperset(parents):  # a layer's neurons after its first: nothing new
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
    return leaves + interior


def leaves(*roots: Value) -> list[Value]:
    """The leaves that the roots depend on, wrapped constants among them, in topological order."""
    return [node for node in topological_order(*roots) if not node.parents]


def is_stale(*roots: Value) -> bool:
    """Tell whether some number has changed since others were computed from it, so that these no longer hold.

    An optimizer's step does this to every graph made before it. The remedy is to compute the graph again.

    >>> from autograd import Value
    >>> a = Value(2.0)
    >>> b = a * a + 1
    >>> a.data = 5.0
    >>> is_stale(b)
    True
    """
    return any(map(disagrees_with_parents, topological_order(*roots)))


def stale_nodes(*roots: Value) -> list[Value]:
    """The nodes whose value or local derivatives no longer agree with their parents' numbers, in topological order."""
    return list(filter(disagrees_with_parents, topological_order(*roots)))


def disagrees_with_parents(node: Value) -> bool:
    """Tell whether the node's value or local derivatives are not what its parents' numbers give now."""
    if node.primitive is None:
        return False
    inputs = tuple(map(number_of, node.parents))
    try:
        data = node.primitive.forward(*inputs)
    except (ArithmeticError, ValueError):
        data = node.primitive.ieee_value(inputs)  # as in the graph of a derivative, which may hold inf and nan
    now = (data, *node.primitive.local_derivatives(inputs, data))
    return any(a != b and not (a != a and b != b) for a, b in zip(now, (number_of(node), *node.local_derivatives)))


def first_nonfinite(*roots: Value, largest: float = sys.float_info.max) -> Value | None:
    """The first node, in topological order, whose value or a local derivative is inf or nan; None if there is none.

    Derivatives along edges to constants do not count, since nothing flows there that anyone asks for.

    Args:
        roots: the graph's ends.
        largest: the largest number that counts as finite, 3.4e38 in float32 for one.
    """
    for node in topological_order(*roots):
        if not abs(number_of(node)) <= largest:
            return node
        for parent, derivative in zip(node.parents, node.local_derivatives):
            if not abs(derivative) <= largest and not parent.is_constant:
                return node
    return None


class Summary(NamedTuple):
    """The result of `summary`. `str()` of it is one line a fact.

    Attributes:
        nodes, edges: how many; a parent used twice by one node counts as two edges.
        leaves: how many nodes have no parents, wrapped constants among them.
        depth: the number of edges on the longest path from a leaf to a root.
        stale: how many nodes no longer agree with their parents' numbers (`stale_nodes` lists them).
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
