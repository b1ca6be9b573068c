"""Masks in graphs of derivatives that `compile` traces, where what choices do not take is not yet known.

While a graph of a derivative is recorded for one point, what was not taken is left out. A traced graph is for all
points, so it has masks in its place: 0 where a node is not taken, whatever its slope.
"""

from __future__ import annotations

from typing import Any

from autograd import primitives
from autograd.primitives import where
from autograd.value import Value

_FINITE = frozenset(
    {
        *(primitives.add, primitives.sub, primitives.neg, primitives.sum_, primitives.dot),
        *(primitives.identity, primitives.absolute, primitives.sin, primitives.cos, primitives.tanh),
        *(primitives.sigmoid, primitives.softplus, primitives.erf, primitives.atan, primitives.asinh),
    }
)
"""Their slopes are finite where their operands are."""


class TracedMasks:
    """Masks the terms of a reverse sweep, node by node."""

    def __init__(self) -> None:
        self._conditions: dict[Value, Any] = {}  # under which a node is reached; None for always
        self._infinite: set[Value] = set()  # where derivatives can arrive that are infinite

    def __call__(self, node: Value, parent: Value, derivative: Any, term: Any) -> Any:
        """What a node hands to a parent: the term, or 0 where this is not taken."""
        condition, infinite = self._conditions.get(node), node in self._infinite
        if isinstance(derivative, Value) and node.primitive is not None:
            if node.primitive.chooses:
                taken: Any = derivative != 0.0
                term = where(taken, term, 0.0) if infinite else term
                condition = taken if condition is None else condition & taken
            elif node.primitive not in _FINITE and derivative.parents:  # a leaf, such as a weight, is finite
                term = term if condition is None else where(condition, term, 0.0)
                infinite = True
        if self._conditions.setdefault(parent, condition) is not condition:
            self._conditions[parent] = None  # it is reached in several ways
        if infinite:
            self._infinite.add(parent)
        return term
