"""Masks in graphs of derivatives that `compile` traces, where what choices do not take is not yet known.

While a graph of a derivative is recorded for one point, what was not taken is left out. A traced graph is for all
points, so it has masks in its place: 0 where a node is not taken, whatever its slope.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.primitives import dot, where
from autograd.recording import tracer
from autograd.table import Slope
from autograd.value import Value

Masks = Callable[[Value, Value, Any, Any], Any]
"""`(node, parent, derivative, term)` to the term, or to 0 where the node does not take the parent."""


def reverse_masks(order: Sequence[Value]) -> Masks:
    """The masks of a reverse sweep over nodes, leaves first: of one that is traced, else none."""
    return TracedMasks(order) if tracer.get() else _unmasked


def forward_masks() -> Masks:
    """The masks of a forward sweep, likewise."""
    return TracedForwardMasks() if tracer.get() else _unmasked


def _unmasked(node: Value, parent: Value, derivative: Any, term: Any) -> Any:
    return term


class TracedMasks:
    """Masks the terms of a reverse sweep, node by node.

    Args:
        order: the nodes of the graph, leaves first.
    """

    def __init__(self, order: Sequence[Value]) -> None:
        self._conditions: dict[Value, Any] = {}  # under which a node is reached; None for always
        self._infinite: set[Value] = set()  # where derivatives can arrive that are infinite
        self._singular: set[Value] = set()  # nodes with an infinite slope, or above one: there conditions matter
        for node in order:
            if _can_be_infinite(node) or not self._singular.isdisjoint(node.parents):
                self._singular.add(node)

    def __call__(self, node: Value, parent: Value, derivative: Any, term: Any) -> Any:
        """Return what a node hands to a parent: the term, or 0 where this is not taken."""
        condition, infinite = self._conditions.get(node), node in self._infinite
        if isinstance(derivative, Value) and node.primitive is not None:
            if node.primitive.chooses:
                taken: Any = derivative != 0.0
                term = where(taken, term, 0.0) if infinite else term
                if parent in self._singular:
                    condition = taken if condition is None else condition & taken
            elif _can_be_infinite(node) and derivative.parents:  # a leaf, such as a weight, is finite
                term = term if condition is None else where(condition, term, 0.0)
                infinite = True
        if parent in self._singular:
            self._reach(parent, condition)
        if infinite:
            self._infinite.add(parent)
        return term

    def _reach(self, node: Value, condition: Any) -> None:
        """Add a way in which a node is reached."""
        before = self._conditions.setdefault(node, condition)
        if before is not condition:
            self._conditions[node] = None if before is None or condition is None else before | condition


class TracedForwardMasks:
    """Masks the terms of a forward sweep, node by node."""

    def __init__(self) -> None:
        self._infinite: set[Value] = set()  # whose slopes can be infinite

    def __call__(self, node: Value, parent: Value, derivative: Any, term: Any) -> Any:
        """Return what a node takes from a parent: the term, or 0 where it does not take this."""
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
    """Tell whether a slope of a node can be infinite though its operands are finite, as those of a dot product are."""
    primitive = node.primitive
    if primitive is None or primitive.chooses or primitive is dot:
        return False
    return primitive.slope > Slope.BOUNDED
