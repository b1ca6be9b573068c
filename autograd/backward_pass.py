"""The backward pass: the chain rule along every edge, from the root of a graph to its leaves."""

from __future__ import annotations

from collections import deque
from itertools import repeat
from math import isfinite
from typing import TYPE_CHECKING

from autograd.graph import leaves_and_operations

if TYPE_CHECKING:
    from autograd.value import Value


def run_backward(root: Value, gradient: float) -> None:
    """Store in the `grad` of every node the derivative of the root with respect to it; see `Value.backward`."""
    leaves, operations = leaves_and_operations(root)
    order = leaves + operations
    before = [node.grad for node in order]
    try:
        for node in order:
            node.grad = 0.0
        root.grad = gradient
        for node in reversed(operations):
            gradient = node.grad
            derivatives = node.local_derivatives
            if gradient == 0.0 and isfinite(sum(derivatives)):
                continue  # skip adding zeros, as behind an inactive relu; infinite derivatives need 0 × inf = nan
            i = 0  # counted by hand: most nodes have two edges, and a zip would cost as much as the sums
            for parent in node.parents:
                parent.grad += derivatives[i] * gradient  # the chain rule
                i += 1  # noqa: SIM113
        if any(leaf.grad != leaf.grad for leaf in leaves):
            _skip_unselected_edges(order)
        for leaf, accumulated in zip(leaves, before):
            if accumulated is not None:
                leaf.grad += accumulated
    except BaseException:
        deque(map(setattr, order, repeat("grad"), before), maxlen=0)  # one C call, which Ctrl-C cannot interrupt
        raise


def _skip_unselected_edges(order: list[Value]) -> None:
    """Run the backward pass again, but only along edges to selected operands.

    Needed when a gradient is nan: an operand that was not selected has derivative 0, and 0 × inf is nan.
    """
    for node in order[:-1]:
        node.grad = 0.0
    reached = {order[-1]}
    for node in reversed(order):
        if node not in reached:
            continue
        chooses = node.primitive is not None and node.primitive.chooses
        for parent, derivative in zip(node.parents, node.local_derivatives):
            if not (chooses and derivative == 0.0):
                parent.grad += derivative * node.grad
                reached.add(parent)
