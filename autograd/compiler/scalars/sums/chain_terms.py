"""Terms of sums, and slots, whose terms may be added in any order."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.scalars.nodes import NOTHING, Sum, is_nothing

Term = tuple[float, int, int]
"""(c, x, y) for (c x) y; (c, x, ABSENT) for c x; (c, ABSENT, ABSENT) for c."""

Slot = list[Term]
"""Terms that may be added in any order."""


def together(slots: Sequence[Slot]) -> list[Slot]:
    """Return all single terms in one slot, so that they may be added in any order, followed by the other slots."""
    return [[term for slot in slots if len(slot) == 1 for term in slot], *(slot for slot in slots if len(slot) > 1)]


def sum_of_slots(slots: list[Slot], constant: float = NOTHING, leads: bool = False) -> Sum:
    """Return the sum of the terms of slots; empty slots are skipped."""
    terms = [term for slot in slots for term in slot]
    coefficients, lefts, rights = map(list, zip(*terms)) if terms else ([], [], [])
    numbers = [n for n, slot in enumerate(filter(None, slots)) for _ in slot]
    leads = leads and not is_nothing(constant)
    return Sum(coefficients, lefts, rights, numbers, constant, leads)
