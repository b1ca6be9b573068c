"""An immutable snapshot of a graph, of lucidgrad or of another scalar engine."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple

from autograd.drawing.names import Name, distinct, name_of, numeral
from autograd.graph import disagrees_with_parents, topological_order
from autograd.reading import number_of
from autograd.value import Value

Role = Literal["input", "parameter", "constant", "operation", "output"]

PARAMETER = re.compile(r"(?:.*\.)?(?:weights?|bias|biases|table|gains)(?:\.\d+)*", re.ASCII | re.DOTALL)


class Node(NamedTuple):
    """One node of a graph.

    Attributes:
        label: the user's label; "" for none.
        op: the symbol of the operation that made it; "" for a leaf.
        data, grad: its numbers at the time of the snapshot; `grad` is None if the node has none.
        role: its role in the picture.
        parents: the indices of its parents in the topological order, one for each edge.
        local_derivatives: one for each parent; None if the engine does not record them.
        stale: whether it no longer matches its parents' numbers, if that is known.
        value: the node itself.
    """

    label: str
    op: str
    data: Any
    grad: Any
    role: Role
    parents: tuple[int, ...]
    local_derivatives: tuple[float, ...] | None
    stale: bool
    value: Any

    def takes(self, operand: int) -> bool:
        """Tell whether a derivative flows to this operand: not if the node is a choice that did not select it."""
        chooses = getattr(getattr(self.value, "primitive", None), "chooses", False)
        return not chooses or self.local_derivatives is None or self.local_derivatives[operand] != 0.0


def snapshot(roots: Sequence[Any], parameters: Collection[Any] = ()) -> list[Node]:
    """Return the roots and the nodes that they were computed from, in topological order.

    Args:
        roots: Values, or nodes of another engine: objects with `data`, and with `parents` or micrograd's `_prev`.
        parameters: leaves to treat as parameters, besides those whose labels say weights, bias, table or gains.

    Raises:
        TypeError: if a root is not a node.
        ValueError: if there is no root, or the graph has a cycle.
    """
    if not roots:
        raise ValueError("there is nothing to draw: expected a Value, or several, got an empty sequence")
    for root in roots:
        if not isinstance(root, Value) and not _is_node(root):
            raise TypeError(
                "expected a Value, or a node of another scalar engine (an object with data, and with parents or "
                f"_prev); got {root!r} of type {type(root).__name__}"
            )
    if all(isinstance(root, Value) for root in roots):
        order: list[tuple[Any, Sequence[Any]]] = [(node, node.parents) for node in topological_order(*roots)]
    else:
        order = _order_of_any(roots)
    index = {id(node): i for i, (node, _) in enumerate(order)}
    ends, marked = {id(root) for root in roots}, {id(parameter) for parameter in parameters}
    nodes = []
    for i, (node, operands) in enumerate(order):
        parents = tuple([index[id(operand)] for operand in operands])
        if max(parents, default=-1) >= i:
            raise ValueError(f"the graph has a cycle: {node!r} was computed from itself")
        nodes.append(_read(node, parents, id(node) in ends, id(node) in marked))
    return nodes


def names_of(nodes: Sequence[Node]) -> list[Name]:
    """Name each node of a graph; no two variables have the same name."""
    given = []
    unnamed = 0
    taken = {node.label for node in nodes}
    for node in nodes:
        if node.label:
            given.append(name_of(node.label))
        elif node.role == "constant":
            given.append(numeral(node.data, 6))
        else:
            unnamed += 1
            while f"v{unnamed}" in taken:
                unnamed += 1
            given.append(name_of(f"v{unnamed}"))
    variables = iter(distinct(name for node, name in zip(nodes, given) if node.label or node.role != "constant"))
    return [next(variables) if node.label or node.role != "constant" else name for node, name in zip(nodes, given)]


def _read(node: Any, parents: tuple[int, ...], is_root: bool, is_parameter: bool) -> Node:
    label = str(getattr(node, "label", "") or "")
    role: Role
    if parents:
        role = "output" if is_root else "operation"
    elif is_parameter:
        role = "parameter"
    elif getattr(node, "is_constant", False) or not _is_node(node):
        role = "constant"
    else:
        role = "parameter" if PARAMETER.fullmatch(label) else "input"
    derivatives = getattr(node, "local_derivatives", None)
    if not isinstance(derivatives, Sequence) or len(derivatives) != len(parents):
        derivatives = None
    return Node(
        label,
        str(getattr(node, "op", None) or getattr(node, "_op", None) or ""),
        number_of(node) if isinstance(node, Value) else getattr(node, "data", node),
        getattr(node, "grad", None),
        role,
        parents,
        derivatives if derivatives is None else tuple(derivatives),
        isinstance(node, Value) and disagrees_with_parents(node),
        node,
    )


def _is_node(candidate: Any) -> bool:
    if isinstance(candidate, type):  # a class instead of one of its nodes
        return False
    return hasattr(candidate, "data") and (hasattr(candidate, "parents") or hasattr(candidate, "_prev"))


def _parents(node: Any) -> Sequence[Any]:
    """Return the parents in order. A set is unordered, so it is sorted by the members' visible attributes."""
    parents: Any = getattr(node, "parents", None)
    if parents is None:
        parents = getattr(node, "_prev", ())
    if isinstance(parents, (set, frozenset)):
        return sorted(parents, key=_visible_attributes)
    return tuple(parents)


def _visible_attributes(node: Any) -> tuple[str, ...]:
    return tuple(str(getattr(node, name, "")) for name in ("label", "data", "_op", "op", "grad"))


def _order_of_any(roots: Sequence[Any]) -> list[tuple[Any, Sequence[Any]]]:
    """Sort nodes that may be neither hashable nor comparable topologically; return each with its parents.

    Parents are read only once for each node, since an engine may return a new list, or new numbers, at each read.
    """
    leaves: list[tuple[Any, Sequence[Any]]] = []
    interior: list[tuple[Any, Sequence[Any]]] = []
    visited = set()
    stack: list[tuple[Any, Sequence[Any] | None]] = [(root, None) for root in reversed(roots)]
    while stack:
        node, parents = stack.pop()
        if parents is not None:
            interior.append((node, parents))
        elif id(node) not in visited:
            visited.add(id(node))
            parents = _parents(node)
            if not parents:
                leaves.append((node, ()))
                continue
            stack.append((node, parents))
            stack.extend((parent, None) for parent in reversed(parents))
    return leaves + interior
