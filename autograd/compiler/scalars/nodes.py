"""Kinds of the nodes of a scalar program: arguments, parameters, constants, sums of products, applications."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

ARGUMENT, PARAMETER, CONSTANT, SUM, APPLY = range(5)
"""Opcodes. From APPLY on, they are applications of the program's `primitives[opcode - APPLY]`."""

ABSENT = -1
"""The second factor of a term with only one."""

NOTHING = -0.0
"""The constant of a sum without one. Adding it changes no number, while adding 0.0 would change -0.0."""


class Sum(NamedTuple):
    """factor · (constant + Σ (coefficients[n] · lefts[n]) · rights[n]) / divisor, the terms added slot by slot.

    Attributes:
        coefficients, lefts, rights: the terms; a right is ABSENT if a term has no second factor.
        slots: the slot of each term, ascending. The terms of a slot may be added in any order; the slots' sums are
            added from left to right.
        constant: NOTHING if there is none.
        leads: whether the constant comes first instead of last.
        factor, divisor: applied last to the sum, in this order.
    """

    coefficients: Sequence[float]
    lefts: Sequence[int]
    rights: Sequence[int]
    slots: Sequence[int]
    constant: float = NOTHING
    leads: bool = False
    factor: float = 1.0
    divisor: float = 1.0

    @property
    def factors(self) -> list[int]:
        """The nodes that the terms read, with repetitions."""
        return [*self.lefts, *(k for k in self.rights if k != ABSENT)]

    def with_terms(self, places: Sequence[int]) -> Sum:
        """Return the sum with only the terms at these places; its constant, factor and divisor are unchanged."""
        return self._replace(
            coefficients=[self.coefficients[n] for n in places],
            lefts=[self.lefts[n] for n in places],
            rights=[self.rights[n] for n in places],
            slots=[self.slots[n] for n in places],
        )


class Scaling(NamedTuple):
    """The last four fields of a `Sum`, stored only where they have an effect."""

    constant: float = NOTHING
    leads: bool = False
    factor: float = 1.0
    divisor: float = 1.0


PLAIN = Scaling()


def is_nothing(constant: float) -> bool:
    """Return whether a constant is NOTHING.

    >>> is_nothing(NOTHING), is_nothing(0.0)
    (True, False)
    """
    return constant == 0.0 and math.copysign(1.0, constant) < 0
