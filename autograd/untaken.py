"""Masks in the derivative graphs that `compile` traces, where the selected operands are not yet known.

A derivative graph recorded at one point leaves out the operands that were not selected. A traced graph must hold for
all points, so it masks their terms instead: 0 if a node is not selected, even if its slope is infinite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.primitives import dot, where
from autograd.recording import tracer
from autograd.table import Slope
from autograd.value import Value

Masks = Callable[[Value, Value, Any, Any], Any]
"""Takes `(node, parent, derivative, term)`; returns the term, or 0 if the node does not select the parent."""


def reverse_masks(order: Sequence[Value]) -> Masks:
    """Return the masks of a reverse sweep over nodes, leaves first; without a trace they do nothing."""
    return TracedMasks(order) if tracer.get() else _unmasked


def forward_masks() -> Masks:
    """Return the masks of a forward sweep; without a trace they do nothing."""
    return TracedForwardMasks() if tracer.get() else _unmasked


def _unmasked(node: Value, parent: Value, derivative: Any, term: Any) -> Any:
    return term


class TracedMasks:
    """Masks the terms of a reverse sweep, node by node.

    Args:
        order: the nodes of the graph, leaves first.
    """

    def __init__(self, order: Sequence[Value]) -> None:
        self._conditions: dict[Value, Any] = {}  # the condition under which a node is reached; None for always
        self._infinite: set[Value] = set()  # nodes that can receive an infinite derivative
        self._singular: set[Value] = set()  # nodes with an infinite slope, or computed from one: conditions matter here
        for node in order:
            if _can_be_infinite(node) or not self._singular.isdisjoint(node.parents):
                self._singular.add(node)

    def __call__(self, node: Value, parent: Value, derivative: Any, term: Any) -> Any:
        """Return the term that a node passes to a parent, masked to 0 if the parent is not selected."""
        condition, infinite = self._conditions.get(node), node in self._infinite
        if isinstance(derivative, Value) and node.primitive is not None:
            if node.primitive.chooses:
                taken: Any = derivative != 0.0
                term = where(taken, term, 0.0) if infinite else term
                if parent in self._singular:
                    condition = taken if condition is None else condition & taken
            elif _can_be_infinite(node) and derivative.parents:  # leaves, such as weights, are finite
                term = term if condition is None else where(condition, term, 0.0)
                infinite = True
        if parent in self._singular:
            self._reach(parent, condition)
        if infinite:
            self._infinite.add(parent)
        return term

    def _reach(self, node: Value, condition: Any) -> None:
        """Add a condition under which a node is reached."""
        before = self._conditions.setdefault(node, condition)
        if before is not condition:
            self._conditions[node] = None if before is None or condition is None else before | condition


class TracedForwardMasks:
    """Masks the terms of a forward sweep, node by node."""

    def __init__(self) -> None:
        self._infinite: set[Value] = set()  # nodes whose slope can be infinite

    def __call__(self, node: Value, parent: Value, derivative: Any, term: Any) -> Any:
        """Return the term that a node receives from a parent, masked to 0 if the parent is not selected."""
        infinite = parent in self._infinite
        if isinstance(derivative, Value) and node.primitive is not None:
            if node.primitive.chooses:
                term = where(derivative != 0.0, term, 0.0) if infinite else term
            elif _can_be_infinite(node) and derivative.parents:
                infinite = True
        if infinite:
            self._infinite.add(node)
        return term


def _can_be_infinite(node: Value) -> bool:
    """Tell whether a node's slope can be infinite although its operands are finite. A dot product's cannot."""
    primitive = node.primitive
    if primitive is None or primitive.chooses or primitive is dot:
        return False
    return primitive.slope > Slope.BOUNDED
