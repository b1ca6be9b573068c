"""Stage 2, simplify: what a chain of additions, subtractions and scalings sums up, as one sum of products.

A sum computes what the graph computes, operation by operation: its terms are rounded as the graph's own nodes are, and
added from left to right. Only the terms of a reduction may be added in any order: of an explicit `sum` or `dot`, or of
a chain of `+` alone of at least three terms. A sum keeps them together in one slot, and so may become a matrix product.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from autograd import primitives
from autograd.compiler import cost
from autograd.primitives import Primitive

_ADD, _SUB, _MUL, _DIV, _NEG = primitives.add, primitives.sub, primitives.mul, primitives.div, primitives.neg
_SUM, _DOT = primitives.sum_, primitives.dot
SUMS = frozenset({_ADD, _SUB, _SUM, _DOT})
_LINEAR = SUMS | {_MUL, _NEG}

NOTHING = -0.0
"""The constant of a sum that has none. To add it changes no number, where to add 0.0 would change -0.0."""

Term = tuple[float, int, int]
"""(c, x, y) for (c x) y; (c, x, -1) for c x; (c, -1, -1) for c."""

Slot = list[Term]
"""Terms that may be added in any order."""

_ALONE = -1


class Sum(NamedTuple):
    """factor · (constant + Σ (coefficients[i] · lefts[i]) · rights[i]) / divisor; a right of -1 is no second factor.

    Attributes:
        coefficients, lefts, rights: of the terms.
        slots: of each term its slot, in ascending order. The terms of each slot are added up in any order, and these
            sums from left to right.
        constant: NOTHING where there is none.
        leads: whether the constant comes first, and not last.
        factor, divisor: applied to the sum in the end, in this order.
    """

    coefficients: list[float]
    lefts: list[int]
    rights: list[int]
    slots: list[int]
    constant: float = NOTHING
    leads: bool = False
    factor: float = 1.0
    divisor: float = 1.0


def is_nothing(constant: float) -> bool:
    """Whether a constant is that of a sum without one."""
    return constant == 0.0 and math.copysign(1.0, constant) < 0


class Collector:
    """Collects what a node sums up, through all that only it refers to.

    Args:
        apart: nodes that several others refer to only because equal nodes were merged: each may contain them.
    """

    def __init__(
        self,
        made_by: list[Primitive | None],
        operands: list[tuple[int, ...]],
        constants: dict[int, float],
        captured: set[int],
        uses: list[int],
        apart: set[int],
    ) -> None:
        self._made_by, self._operands, self._constants = made_by, operands, constants
        self._captured, self._uses, self._apart = captured, uses, apart
        self._lengths = self._chain_lengths()

    def is_linear(self, i: int) -> bool:
        """Whether a node is a sum, a product, or one of these divided by a number."""
        primitive = self._made_by[i]
        if primitive is _DIV:
            a, b = self._operands[i]
            return b in self._constants and self._is_own(a) and self._made_by[a] in _LINEAR
        return primitive in _LINEAR

    def __call__(self, root: int) -> Sum:
        i, factor, divisor = root, 1.0, 1.0
        if self._made_by[i] is _DIV:
            i, divisor = self._operands[i][0], self._constants[self._operands[i][1]]
        scaling = (-1.0, self._operands[i][0]) if self._made_by[i] is _NEG else self._scaling(i)
        if scaling is not None and self._is_own(scaling[1]) and self._made_by[scaling[1]] in SUMS | {self._made_by[i]}:
            factor, i = scaling
        if self._made_by[i] in SUMS:
            return self._chain(i)._replace(factor=factor, divisor=divisor)
        term = self._term(self._operands[i][0], -1.0) if self._made_by[i] is _NEG else self._product(i, 1.0)
        return _sum([[term]])._replace(factor=factor, divisor=divisor)

    def _chain_lengths(self) -> dict[int, int]:
        """Of each addition how many terms it adds, as the end of a chain.

        An explicit sum that a chain begins with is no term of it. A chain that begins with a difference adds none, so
        that it stays in order; nor does one of two numbers, which must not meet, or of one number and no products.
        """
        lengths: dict[int, int] = {}
        numbers, products = set[int](), set[int]()
        for i, primitive in enumerate(self._made_by):
            if primitive is not _ADD or not self._uses[i] or not self._operands[i]:
                continue
            left, right = self._operands[i]
            length = 2
            if self._is_own(left) and self._made_by[left] in SUMS:
                length = 1 if self._made_by[left] in (_SUM, _DOT) else lengths.get(left, 0)
                length += length > 0 and self._made_by[left] is _ADD
            if left in products or _MUL in (self._made_by[left], self._made_by[right]):
                products.add(i)
            has_number = bool(self._constants.get(left) or self._constants.get(right))
            if has_number or left in numbers:
                numbers.add(i)
            lengths[i] = length * (not has_number or left not in numbers)
        return {i: length for i, length in lengths.items() if i not in numbers or i in products}

    def _is_reduction(self, i: int) -> bool:
        return self._made_by[i] in (_SUM, _DOT) or self._lengths.get(i, 0) > 2

    def _chain(self, root: int) -> Sum:
        """A chain from its last term to its first; it may begin with a reduction."""
        tail: list[Slot] = []
        constant, leads = NOTHING, False
        i = root
        while not self._is_reduction(i):
            left, right = self._operands[i]
            goes_on = self._is_own(left) and self._made_by[left] in SUMS
            number = next((k for k in (left, right) if k in self._constants), None)
            if number is not None:
                if not is_nothing(constant) or (tail and goes_on):
                    return _sum([[(1.0, i, _ALONE)], *tail[::-1]], constant, leads)
                constant = self._constants[number]
                constant = -constant if self._made_by[i] is _SUB and number == right else constant
                leads = bool(tail) or number == left
            if right not in self._constants:
                tail.append(self._slot(right, -1.0 if self._made_by[i] is _SUB else 1.0))
            if not goes_on:
                slots = [*([] if left in self._constants else [self._slot(left, 1.0)]), *tail[::-1]]
                reduced = self._is_own(right) and self._is_reduction(right)
                return _sum(slots if leads else self._begun(slots, reduced), constant, leads)
            i = left
        slots, inner, inner_leads = self._reduction(i)
        if not (is_nothing(inner) or is_nothing(constant)):
            return _sum([[(1.0, i, _ALONE)], *tail[::-1]], constant, leads)
        if is_nothing(constant):
            constant, leads = inner, bool(tail) or inner_leads
        slots += tail[::-1]
        return _sum(slots if leads else self._begun(slots, True), constant, leads)

    def _begun(self, slots: list[Slot], reduced: bool) -> list[Slot]:
        """A chain that begins with what a matrix product may compute, where that is one of its first two slots.

        Args:
            reduced: whether that is a reduction, of which a bias can be a part.
        """
        if len(slots) < 2:
            return slots
        weighted = [any(map(self._is_weighted, slot)) for slot in slots[:2]]
        first, second, *others = slots if weighted != [False, True] else [slots[1], slots[0], *slots[2:]]
        if reduced and any(weighted) and len(second) == 1:
            c, x, y = second[0]
            if c == 1.0 and x in self._captured and y == _ALONE:
                return [[*first, *second], *others]
        return [first, second, *others]

    def _is_weighted(self, term: Term) -> bool:
        c, x, y = term
        return not self._captured.isdisjoint((x, y)) and (abs(c), y) != (1.0, _ALONE)

    def _slot(self, i: int, sign: float) -> Slot:
        """An operand of a chain: as one term, or as those of a reduction."""
        if self._is_own(i) and self._is_reduction(i):
            terms, constant, _ = self._terms(i)
            if is_nothing(constant):
                return [(sign * c, x, y) for c, x, y in terms]
        return [self._term(i, sign)]

    def _reduction(self, root: int) -> tuple[list[Slot], float, bool]:
        """The slots of a reduction: its terms, and then those that are weighted sums themselves."""
        terms, constant, leads = self._terms(root)
        slots: list[Slot] = [[]]
        for term in terms:
            slot = self._slot(term[1], term[0]) if term[2] == _ALONE and abs(term[0]) == 1.0 else [term]
            if len(slot) > 1:
                slots.append(slot)
            else:
                slots[0] += slot
        return slots, constant, leads

    def _terms(self, root: int) -> tuple[list[Term], float, bool]:
        """The terms of a reduction in the order in which the graph adds them, its constant, and whether that is first.

        A captured leaf that a constant 0 multiplies is left out, as in the weighted sums of a recurrent network's
        first state.
        """
        parts: list[Term | int] = []
        i = root
        while self._made_by[i] is _ADD and (i == root or self._is_own(i)):
            parts.append(self._operands[i][1])
            i = self._operands[i][0]
        if i != root:
            parts.append(i)
        elif self._made_by[i] is _DOT:
            *factors, bias = self._operands[i]
            n = len(factors) // 2
            parts += [self._factors(x, y, 1.0, True) for x, y in zip(factors[:n], factors[n:])][::-1]
            parts.append(bias)
        else:
            parts += self._operands[i][::-1]
        terms: list[Term] = []
        constant, leads = NOTHING, False
        for part in reversed(parts):
            c, x, y = self._term(part, 1.0, True) if isinstance(part, int) else part
            if x == _ALONE:
                constant += c
                leads = leads or not terms
            elif c != 0.0 or y != _ALONE or x not in self._captured:
                terms.append((c, x, y))
        return terms, constant if constant else NOTHING, leads

    # Terms

    def _term(self, i: int, sign: float, in_reduction: bool = False) -> Term:
        """A node as a term, with a sign."""
        if i in self._constants:
            return sign * self._constants[i], _ALONE, _ALONE
        i, sign = self._without_sign(i, sign)
        if self._is_own(i):
            if self._made_by[i] is _MUL:
                return self._product(i, sign, in_reduction)
            if in_reduction and self._made_by[i] is _DIV and self._operands[i][1] in self._constants:
                x, y = self._operands[i]
                moved = self._moved(1 / self._constants[y] if self._constants[y] else 0.0, x, sign)
                return moved or (sign, i, _ALONE)
        return sign, i, _ALONE

    def _product(self, i: int, sign: float, in_reduction: bool = False) -> Term:
        return self._factors(self._operands[i][0], self._operands[i][1], sign, in_reduction)

    def _factors(self, x: int, y: int, sign: float, in_reduction: bool) -> Term:
        """A product as a term. In a reduction, only captured leaves are scaled, so that they make a matrix."""
        if self._made_by[x] is self._made_by[y] is None and not (x in self._constants or y in self._constants):
            return sign, x, y
        x, sign = self._without_sign(x, sign)
        y, sign = self._without_sign(y, sign)
        if x in self._constants:
            if y in self._constants:
                return sign * (self._constants[x] * self._constants[y]), _ALONE, _ALONE
            moved = self._moved(self._constants[x], y, sign) if in_reduction else None
            return moved or (sign * self._constants[x], y, _ALONE)
        if y in self._constants:
            return self._factors(y, x, sign, in_reduction)
        for scaled, other in ((x, y), (y, x)):
            scaling = self._scaling(scaled) if self._is_own(scaled) else None
            if scaling is not None and (not in_reduction or scaling[1] in self._captured):
                return sign * scaling[0], scaling[1], other
        return sign, x, y

    def _moved(self, c: float, i: int, sign: float) -> Term | None:
        """A captured leaf times another node, times a power of 2 that multiplies the leaf instead."""
        if math.frexp(abs(c))[0] != 0.5 or not 1 / cost.MOST_MOVED <= abs(c) <= cost.MOST_MOVED:
            return None
        if not self._is_own(i) or self._made_by[i] is not _MUL or self._scaling(i) is not None:
            return None
        inner, x, y = self._product(i, sign, True)
        return None if self._captured.isdisjoint((x, y)) else (c * inner, x, y)

    def _without_sign(self, i: int, sign: float) -> tuple[int, float]:
        while self._is_own(i) and self._made_by[i] is _NEG:
            i, sign = self._operands[i][0], -sign
        return i, sign

    def _scaling(self, i: int) -> tuple[float, int] | None:
        """The number and the node that a product multiplies, where it does that."""
        if self._made_by[i] is _MUL:
            for number, other in (self._operands[i], self._operands[i][::-1]):
                if number in self._constants:
                    return self._constants[number], other
        return None

    def _is_own(self, i: int) -> bool:  # computed for one other node alone
        return i not in self._constants and (self._uses[i] == 1 or i in self._apart)


def _sum(slots: list[Slot], constant: float = NOTHING, leads: bool = False) -> Sum:
    terms = [term for slot in slots for term in slot]
    coefficients, lefts, rights = map(list, zip(*terms)) if terms else ([], [], [])
    numbers = [n for n, slot in enumerate(filter(None, slots)) for _ in slot]
    leads = leads and not is_nothing(constant)
    return Sum(coefficients, lefts, rights, numbers, constant, leads)
