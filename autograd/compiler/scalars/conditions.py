"""Conditions under which a cotangent reaches a node, and the nodes that compute them."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autograd import primitives
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, Sum
from autograd.primitives import Primitive

_WHERE, _RELU, _MAXIMUM, _MINIMUM = primitives.where, primitives.relu, primitives.maximum, primitives.minimum

Gate = int
"""A condition under which a cotangent reaches a node: the number of an entry in `Conditions`."""

ALWAYS: Gate = 0


class Conditions:
    """The distinct conditions under which nodes are reached: any of several others, or a choice selects an operand.

    Attributes:
        entries: for each gate, either the gates of which any suffices, or the gate under which a choice is reached, the
            choice, and the place of the operand that it selects.
    """

    def __init__(self, program: Columns) -> None:
        self._program = program
        self.entries: list[tuple[Gate, int, int] | frozenset[Gate]] = [frozenset()]
        self._gates: dict[tuple[Gate, int, int] | frozenset[Gate], Gate] = {}

    def taken(self, gate: Gate, choice: int, place: int) -> Gate:
        return self._gate((gate, choice, place))

    def any(self, gates: Iterable[Gate]) -> Gate:
        alternatives = set(gates)
        for gate in sorted(alternatives, reverse=True):  # choices within others come first
            entry = self.entries[gate]
            if isinstance(entry, tuple) and entry[2] == 2 and self._program.primitive_of(entry[1]) is _WHERE:
                other = self._gates.get((*entry[:2], 1))
                if other in alternatives:  # the other branch of the same `where`
                    alternatives -= {gate, other}
                    alternatives.add(entry[0])
        if ALWAYS in alternatives:
            return ALWAYS
        return alternatives.pop() if len(alternatives) == 1 else self._gate(frozenset(alternatives))

    def _gate(self, entry: tuple[Gate, int, int] | frozenset[Gate]) -> Gate:
        if entry not in self._gates:
            self._gates[entry] = len(self.entries)
            self.entries.append(entry)
        return self._gates[entry]


def _no_derivatives(*numbers: Any) -> tuple[float, ...]:
    """Return zeros. Conditions are not differentiated, but machine code takes only primitives that have a rule."""
    return (0.0,) * (len(numbers) - 1)


def _condition(symbol: str, compare: Callable[[Any, Any], Any]) -> Primitive:
    return Primitive("taken", lambda a, b: 1.0 * compare(a, b), _no_derivatives, symbol)


_EQUAL, _ABOVE = _condition("==", operator.eq), _condition(">", operator.gt)
_AT_LEAST, _AT_MOST = _condition(">=", operator.ge), _condition("<=", operator.le)
"""Comparisons like users', but distinct from them, so that forward passes do not compute them."""


def _takes(primitive: Primitive, place: int) -> Primitive:
    """Return the condition that a user's choice selects an operand, as a function of its operands and its result."""

    def taken(*numbers: Any) -> Any:
        return 1.0 * (primitive.compiled_derivatives(*numbers)[place] != 0)

    taken.__signature__ = inspect.signature(primitive.compiled_derivatives)  # type: ignore[attr-defined]
    return Primitive("taken", taken, _no_derivatives)


class GuardNodes:
    """Adds nodes that compute conditions, 1.0 or 0.0, to a program.

    Args:
        builder: starts with the program's nodes, and receives the new ones.
    """

    def __init__(self, program: Columns, conditions: Conditions, builder: Builder) -> None:
        self._program, self._conditions, self._builder = program, conditions, builder
        self._nodes: dict[object, int] = {}
        self._users: dict[tuple[Primitive, int], Primitive] = {}

    def of(self, gate: Gate) -> int:
        """Return the node of a condition, after adding those of its parts, without recursion."""
        stack = [gate]
        while stack:
            top = stack[-1]
            if ("gate", top) in self._nodes:
                stack.pop()
                continue
            entry = self._conditions.entries[top]
            parts = entry if isinstance(entry, frozenset) else {entry[0]} - {ALWAYS}
            lacking = [part for part in sorted(parts) if ("gate", part) not in self._nodes]
            if lacking:
                stack += lacking
                continue
            self._nodes["gate", top] = self._computed(entry)
        return self._nodes["gate", gate]

    def _computed(self, entry: tuple[Gate, int, int] | frozenset[Gate]) -> int:
        if isinstance(entry, frozenset):
            parts = sorted({self._nodes["gate", part] for part in entry})
            total = self._sum(parts, [ABSENT] * len(parts))
            return self._application(_ABOVE, total, self._constant(0.0))
        gate, choice, place = entry
        taken = self._taken(choice, place)
        if gate == ALWAYS:
            return taken
        return self._sum([self._nodes["gate", gate]], [taken])

    def _taken(self, choice: int, place: int) -> int:
        """Return the node that is 1.0 where a choice selects an operand, provided that the choice is reached."""
        primitive, operands = self._program.primitive_of(choice), self._program.operands_of(choice)
        if primitive is _WHERE:
            return operands[0] if place == 1 else self._application(_EQUAL, operands[0], self._constant(0.0))
        if primitive is _RELU:
            return self._application(_ABOVE, *operands, self._constant(0.0))
        if primitive in (_MAXIMUM, _MINIMUM):
            compare = _AT_LEAST if primitive is _MAXIMUM else _AT_MOST
            return self._application(compare, operands[place], operands[1 - place])
        if primitive in (primitives.max_, primitives.min_):
            return self._application(_EQUAL, operands[place], choice)
        if primitive is primitives.entry_at:
            return self._application(_EQUAL, operands[-1], self._constant(float(place)))
        assert primitive is not None
        if (primitive, place) not in self._users:
            self._users[primitive, place] = _takes(primitive, place)
        return self._application(self._users[primitive, place], *operands, choice)

    def _application(self, primitive: Primitive, *operands: int) -> int:
        if (primitive, operands) not in self._nodes:
            self._nodes[primitive, operands] = self._builder.application(self._builder.opcode(primitive), operands)
        return self._nodes[primitive, operands]

    def _sum(self, lefts: Sequence[int], rights: Sequence[int]) -> int:
        key = ("sum", *sorted([*lefts, *rights]))  # ABSENT distinguishes a product from a sum of two
        if key not in self._nodes:
            self._nodes[key] = self._builder.sum(Sum([1.0] * len(lefts), lefts, rights, [0] * len(lefts)))
        return self._nodes[key]

    def _constant(self, number: float) -> int:
        if number not in self._nodes:
            self._nodes[number] = self._builder.constant(number)
        return self._nodes[number]
