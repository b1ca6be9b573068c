"""Conditions under which a derivative reaches a node, and the nodes that compute them."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autograd import primitives
from autograd.compiler.simplify import Scalars
from autograd.compiler.sums import Sum
from autograd.primitives import Primitive

_WHERE, _RELU, _MAXIMUM, _MINIMUM = primitives.where, primitives.relu, primitives.maximum, primitives.minimum

Gate = int
"""A condition under which a node is reached by a derivative: the number of an entry in `Conditions`."""

ALWAYS: Gate = 0


class Conditions:
    """Under which conditions nodes are reached, each once: any of several, or that a choice is and takes an operand.

    Attributes:
        entries: for each gate the gates of which any suffices, or the gate, the choice and the place of its operand.
    """

    def __init__(self, made_by: Sequence[Primitive | None]) -> None:
        self._made_by = made_by
        self.entries: list[tuple[Gate, int, int] | frozenset[Gate]] = [frozenset()]
        self._known: dict[tuple[Gate, int, int] | frozenset[Gate], Gate] = {}

    def taken(self, gate: Gate, choice: int, place: int) -> Gate:
        return self._gate((gate, choice, place))

    def any(self, gates: Iterable[Gate]) -> Gate:
        found = set(gates)
        for gate in sorted(found):
            entry = self.entries[gate]
            if isinstance(entry, tuple) and entry[2] == 2 and self._made_by[entry[1]] is _WHERE:
                other = self._known.get((*entry[:2], 1))
                if other in found:  # both branches of `where`
                    found -= {gate, other}
                    found.add(entry[0])
        if ALWAYS in found:
            return ALWAYS
        return found.pop() if len(found) == 1 else self._gate(frozenset(found))

    def _gate(self, entry: tuple[Gate, int, int] | frozenset[Gate]) -> Gate:
        if entry not in self._known:
            self._known[entry] = len(self.entries)
            self.entries.append(entry)
        return self._known[entry]


def _condition(symbol: str, compare: Callable[[Any, Any], Any]) -> Primitive:
    return Primitive("taken", lambda a, b: 1.0 * compare(a, b), lambda a, b, out: (0.0, 0.0), symbol, None)


_EQUAL, _ABOVE = _condition("==", operator.eq), _condition(">", operator.gt)
_AT_LEAST, _AT_MOST = _condition(">=", operator.ge), _condition("<=", operator.le)
"""Comparisons as those of users, but apart from them, so that forward passes do not compute them."""


def _takes(primitive: Primitive, place: int) -> Primitive:
    """Whether a user's choice takes an operand, as a function of its operands and itself."""

    def taken(*numbers: Any) -> Any:
        if isinstance(numbers[-1], float):
            return 1.0 * (primitive.local_derivatives(numbers[:-1], numbers[-1])[place] != 0)
        return 1.0 * (primitive.compiled_derivatives(*numbers)[place] != 0)

    taken.__signature__ = inspect.signature(primitive.compiled_derivatives)  # type: ignore[attr-defined]
    return Primitive("taken", taken, lambda *numbers: (0.0,) * len(numbers[1:]), "taken", None)


class Nodes:
    """Computes conditions as nodes of the program, 1.0 or 0.0.

    Attributes:
        order: the new nodes, parents before children.
    """

    def __init__(self, scalars: Scalars, conditions: Conditions) -> None:
        self._conditions = conditions
        self._made_by = list(scalars.trace.primitives)
        self._operands, self._sums, self._constants = (
            dict(scalars.operands),
            dict(scalars.sums),
            dict(scalars.constants),
        )
        self._made_by += [None] * (scalars.size - len(self._made_by))
        self._program = scalars
        self._made: dict[object, int] = {}
        self._users: dict[tuple[Primitive, int], Primitive] = {}
        self.order: list[int] = []

    def scalars(self) -> Scalars:
        """The program with the new nodes, which are not in its order."""
        trace = self._program.trace.of_others(self._made_by)
        return self._program._replace(trace=trace, operands=self._operands, sums=self._sums, constants=self._constants)

    def of(self, gate: Gate) -> int:
        """The node of a condition; that of a deep one after those that it is made of."""
        stack = [gate]
        while stack:
            if ("gate", stack[-1]) in self._made:
                stack.pop()
                continue
            entry = self._conditions.entries[stack[-1]]
            parts = entry if isinstance(entry, frozenset) else {entry[0]} - {ALWAYS}
            lacking = [part for part in sorted(parts) if ("gate", part) not in self._made]
            if lacking:
                stack += lacking
                continue
            done = stack.pop()
            self._made["gate", done] = self._computed(entry)
        return self._made["gate", gate]

    def _computed(self, entry: tuple[Gate, int, int] | frozenset[Gate]) -> int:
        if isinstance(entry, frozenset):
            parts = sorted({self._made["gate", part] for part in entry})
            total = self._sum(Sum([1.0] * len(parts), parts, [-1] * len(parts), [0] * len(parts)))
            return self._application(_ABOVE, total, self._constant(0.0))
        gate, choice, place = entry
        taken = self._taken(choice, place)
        if gate == ALWAYS:
            return taken
        return self._sum(Sum([1.0], [self._made["gate", gate]], [taken], [0]))

    def _taken(self, choice: int, place: int) -> int:
        """Whether a choice takes an operand, if it is reached."""
        primitive, operands = self._made_by[choice], self._operands[choice]
        if primitive is _WHERE:
            return operands[0] if place == 1 else self._application(_EQUAL, operands[0], self._constant(0.0))
        if primitive is _RELU:
            return self._application(_ABOVE, operands[0], self._constant(0.0))
        if primitive in (_MAXIMUM, _MINIMUM):
            compare = _AT_LEAST if primitive is _MAXIMUM else _AT_MOST
            return self._application(compare, operands[place], operands[1 - place])
        if primitive in (primitives.max_, primitives.min_):
            return self._application(_EQUAL, operands[place], choice)
        assert primitive is not None
        if (primitive, place) not in self._users:
            self._users[primitive, place] = _takes(primitive, place)
        return self._application(self._users[primitive, place], *operands, choice)

    def _application(self, primitive: Primitive, *operands: int) -> int:
        if (primitive, operands) not in self._made:
            new = self._made[primitive, operands] = self._new(primitive)
            self._operands[new] = operands
            self.order.append(new)
        return self._made[primitive, operands]

    def _sum(self, found: Sum) -> int:
        key = ("sum", *sorted(found.lefts + found.rights))
        if key not in self._made:
            new = self._made[key] = self._new(None)
            self._sums[new] = found
            self.order.append(new)
        return self._made[key]

    def _constant(self, number: float) -> int:
        if number not in self._made:
            self._made[number] = self._new(None)
            self._constants[self._made[number]] = number
        return self._made[number]

    def _new(self, primitive: Primitive | None) -> int:
        self._made_by.append(primitive)
        return len(self._made_by) - 1
