"""Conditions under which a cotangent reaches a node: told by Python's own comparisons of the numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.conditions import ALWAYS, Conditions, GuardNodes
from autograd.compiler.scalars.program import ScalarProgram
from autograd.primitives import Primitive

NUMBERS = (-1.0, 0.0, 1.0, 2.0, math.inf)


class Guarded:
    """A program of choices among the numbers of an argument, and the nodes that compute conditions."""

    def __init__(self, *choices: tuple[Primitive, Sequence[int]], size: int = 3) -> None:
        self._builder = Builder([size], 0)
        self.choices = [self._builder.application(self._builder.opcode(made), nodes) for made, nodes in choices]
        program = self._builder.program(self.choices)
        self.conditions = Conditions(program)
        self.nodes = GuardNodes(program, self.conditions, self._builder)

    @property
    def size(self) -> int:
        return len(self._builder)

    def holds(self, gate: int, numbers: Sequence[float]) -> float:
        return self.program(self.nodes.of(gate)).evaluate([numbers], [])[0]

    def program(self, node: int) -> ScalarProgram:
        return self._builder.program([node]).verify()


def from_a_bound_on(x: float, low: float) -> float:
    return max(x, low)


clipped = Primitive(
    "clipped", from_a_bound_on, lambda x, low, out: (1.0 * (out != low), 1.0 * (out == low)), chooses=True
)


def smaller(x: float, y: float) -> float:
    return x if abs(x) < abs(y) else y


nearer = Primitive("nearer", smaller, lambda x, y, out: (1.0 * (abs(x / y) < 1), 1.0 * (abs(x / y) >= 1)), chooses=True)

TAKEN: list[tuple[Primitive, int, Callable[..., bool]]] = [
    (primitives.where, 1, lambda c, a, b: c != 0),
    (primitives.where, 2, lambda c, a, b: c == 0),
    (primitives.relu, 0, lambda x: x > 0),
    (primitives.maximum, 0, lambda a, b: a >= b),
    (primitives.maximum, 1, lambda a, b: b >= a),
    (primitives.minimum, 0, lambda a, b: a <= b),
    (primitives.minimum, 1, lambda a, b: b <= a),
    (primitives.max_, 1, lambda a, b, c: b == max(a, b, c)),
    (primitives.min_, 2, lambda a, b, c: c == min(a, b, c)),
    (primitives.entry_at, 0, lambda a, b, k: k == 0),
    (primitives.entry_at, 1, lambda a, b, k: k == 1),
    (clipped, 0, lambda x, low: x > low),
    (clipped, 1, lambda x, low: x <= low),
    (nearer, 0, lambda x, y: abs(x) < abs(y)),
    (nearer, 1, lambda x, y: abs(x) >= abs(y) and (x, y) not in ((0.0, 0.0), (math.inf, math.inf))),  # x / y is nan
]


@pytest.mark.parametrize(("primitive", "place", "takes"), TAKEN)
def test_what_a_choice_takes(primitive: Primitive, place: int, takes: Callable[..., bool]) -> None:
    arity = takes.__code__.co_argcount
    guarded = Guarded((primitive, range(arity)))
    gate = guarded.conditions.taken(ALWAYS, guarded.choices[0], place)
    for numbers in itertools.product(NUMBERS, repeat=3):
        if primitive is not primitives.where or numbers[0] in (0.0, 1.0):  # as conditions are
            assert guarded.holds(gate, numbers) == takes(*numbers[:arity]), numbers


@pytest.mark.parametrize("place", [0, 1])
def test_what_a_users_choice_takes_of_arrays(place: int) -> None:
    """Some operands may be single numbers."""
    guarded = Guarded((clipped, [0, 1]))
    node = guarded.nodes.of(guarded.conditions.taken(ALWAYS, guarded.choices[0], place))
    taken = guarded.program(node).primitive_of(node)
    assert taken is not None
    xs = np.array(NUMBERS)
    for x, low in ((xs, xs[::-1]), (xs, 0.5), (0.5, xs)):
        expected = np.where(x > low, 1.0, 0.0) if place == 0 else np.where(x > low, 0.0, 1.0)
        assert taken.forward(x, low, np.maximum(x, low)).tolist() == expected.tolist()


def test_a_choice_within_a_choice_is_reached_if_both_are_taken() -> None:
    guarded = Guarded((primitives.relu, [0]), (primitives.maximum, [1, 2]))
    outer = guarded.conditions.taken(ALWAYS, guarded.choices[0], 0)
    inner = guarded.conditions.taken(outer, guarded.choices[1], 1)
    for x, a, b in itertools.product(NUMBERS, repeat=3):
        assert guarded.holds(inner, (x, a, b)) == (x > 0 and b >= a)


def test_any_of_several_conditions_suffices() -> None:
    guarded = Guarded((primitives.relu, [0]), (primitives.relu, [1]), (primitives.relu, [2]))
    gates = [guarded.conditions.taken(ALWAYS, choice, 0) for choice in guarded.choices]
    within = guarded.conditions.taken(gates[0], guarded.choices[1], 0)
    one_or_both = guarded.conditions.any([gates[0], within])
    assert guarded.holds(one_or_both, (1.0, 0.0, 0.0)) == 1.0
    assert guarded.holds(one_or_both, (0.0, 1.0, 0.0)) == 0.0
    either, each = guarded.conditions.any(gates[:2]), guarded.conditions.any(gates)
    for numbers in itertools.product(NUMBERS, repeat=3):
        positive = [x > 0 for x in numbers]
        assert guarded.holds(either, numbers) == any(positive[:2])
        assert guarded.holds(each, numbers) == any(positive)


def test_a_chain_of_choices_may_be_deeper_than_the_stack() -> None:
    guarded = Guarded(*[(primitives.relu, [0])] * 3000)
    gate = ALWAYS
    for choice in guarded.choices:
        gate = guarded.conditions.taken(gate, choice, 0)
    assert [guarded.holds(gate, (x, 0.0, 0.0)) for x in (1.0, -1.0)] == [1.0, 0.0]


def test_what_is_reached_by_one_condition_or_always() -> None:
    guarded = Guarded((primitives.relu, [0]), (primitives.relu, [1]))
    one, other = (guarded.conditions.taken(ALWAYS, choice, 0) for choice in guarded.choices)
    entries = guarded.conditions.entries
    assert (entries[ALWAYS], entries[one]) == (frozenset(), (ALWAYS, guarded.choices[0], 0))
    assert one != other
    assert guarded.conditions.taken(ALWAYS, guarded.choices[0], 0) == one
    assert guarded.conditions.any([one]) == guarded.conditions.any([one, one]) == one
    assert guarded.conditions.any([one, ALWAYS]) == ALWAYS
    assert guarded.conditions.any([one, other]) == guarded.conditions.any([other, one])


def test_both_branches_of_a_where_are_taken_together_as_often_as_it_is_reached() -> None:
    guarded = Guarded((primitives.where, [0, 1, 2]), (primitives.where, [1, 0, 2]), (primitives.relu, [0]))
    conditions, (where, inner, relu) = guarded.conditions, guarded.choices
    yes, no = (conditions.taken(ALWAYS, where, place) for place in (1, 2))
    assert conditions.any([yes, no]) == ALWAYS
    within = [conditions.taken(yes, inner, place) for place in (1, 2)]
    assert conditions.any(within) == yes
    assert conditions.any([*within, no]) == ALWAYS
    positive = conditions.taken(ALWAYS, relu, 0)
    assert conditions.any([*within, positive]) == conditions.any([yes, positive])
    assert conditions.any([no, within[0]]) not in (ALWAYS, yes, no)
    of_other = conditions.taken(no, inner, 1)
    assert conditions.any([within[1], of_other]) not in (ALWAYS, yes, no)  # one of two conditions, not the same


def test_operands_of_maximum_are_not_both_branches_of_a_where() -> None:
    """A nan is no larger than another number, and neither is larger than it."""
    guarded = Guarded((primitives.max_, [0, 1, 2]))
    gates = [guarded.conditions.taken(ALWAYS, guarded.choices[0], place) for place in (1, 2)]
    assert guarded.holds(guarded.conditions.any(gates), (3.0, 1.0, 2.0)) == 0.0


def test_conditions_share_their_nodes() -> None:
    guarded = Guarded((primitives.where, [0, 1, 2]), (primitives.where, [0, 2, 1]), (primitives.entry_at, [0, 1, 2]))
    conditions, (first, second, entry) = guarded.conditions, guarded.choices
    before = guarded.size
    assert guarded.nodes.of(conditions.taken(ALWAYS, first, 1)) == 0, "the condition itself"
    assert guarded.size == before
    no = guarded.nodes.of(conditions.taken(ALWAYS, first, 2))
    assert guarded.size == before + 2, "a comparison with 0.0"
    assert guarded.nodes.of(conditions.taken(ALWAYS, second, 2)) == no
    assert guarded.nodes.of(conditions.taken(ALWAYS, first, 2)) == no
    guarded.nodes.of(conditions.taken(ALWAYS, entry, 0))
    assert guarded.size == before + 3, "a comparison of another number with the same 0.0"
    alternatives = [conditions.taken(ALWAYS, first, 2), conditions.taken(ALWAYS, entry, 0)]
    either = guarded.nodes.of(conditions.any(alternatives))
    assert guarded.size == before + 5, "a sum and a comparison"
    assert guarded.nodes.of(conditions.any(reversed(alternatives))) == either
    both = [conditions.taken(alternatives[0], entry, 0), conditions.taken(alternatives[1], second, 2)]
    assert guarded.nodes.of(both[0]) == guarded.nodes.of(both[1]), "a product of the same two"
    assert guarded.size == before + 6
