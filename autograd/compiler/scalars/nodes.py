"""Kinds of the nodes of a scalar program: arguments, parameters, constants, sums of products, applications."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

ARGUMENT, PARAMETER, CONSTANT, SUM, APPLY = range(5)
"""Opcodes. From APPLY on they are applications of a primitive: `primitives[opcode - APPLY]` of the program."""

ABSENT = -1
"""The second factor of a term that has only one."""

NOTHING = -0.0
"""The constant of a sum that has none. To add it changes no number, where to add 0.0 would change -0.0."""


class Sum(NamedTuple):
    """factor · (constant + Σ (coefficients[n] · lefts[n]) · rights[n]) / divisor, the terms added slot by slot.

    Attributes:
        coefficients, lefts, rights: of the terms; a right is ABSENT where a term has no second factor.
        slots: of each term its slot, in ascending order. The terms of each slot may be added in any order, and the
            slots' sums are added from left to right.
        constant: NOTHING where there is none.
        leads: whether the constant comes first, and not last.
        factor, divisor: applied to the sum in the end, in this order.
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


class Scaling(NamedTuple):
    """The last four numbers of a `Sum`, stored only for the sums where they do something."""

    constant: float = NOTHING
    leads: bool = False
    factor: float = 1.0
    divisor: float = 1.0


PLAIN = Scaling()


def is_nothing(constant: float) -> bool:
    """Tell whether a constant is that of a sum without one.

    >>> is_nothing(NOTHING), is_nothing(0.0)
    (True, False)
    """
    return constant == 0.0 and math.copysign(1.0, constant) < 0
