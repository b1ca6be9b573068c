"""Read chains of additions, subtractions and scalings as sums, in the graph's order of addition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from autograd import primitives
from autograd.compiler import cost
from autograd.compiler.scalars.nodes import ABSENT, NOTHING, Sum, is_nothing
from autograd.compiler.scalars.sums.chain_terms import Slot, Term, sum_of_slots, together
from autograd.primitives import Primitive

_ADD, _SUB, _MUL, _DIV, _NEG = primitives.add, primitives.sub, primitives.mul, primitives.div, primitives.neg
_SUM, _DOT = primitives.sum_, primitives.dot
_TOTALS = frozenset({_ADD, _SUB, _SUM, _DOT})
SCALINGS = frozenset({_MUL, _NEG})
_LINEAR = _TOTALS | SCALINGS


class Chains(NamedTuple):
    """A program without sums, in the form that `collect_sums` expects.

    Attributes:
        made_by: the primitive of each node; None for a leaf.
        rows: the operands of each node.
        constants: the numbers of constant nodes.
        parameters: the nodes that are parameters.
        inline: whether a sum that reads a node may contain it: it has no other reader, or each reader recomputes it.
        lengths: the number of terms of each addition, as `chain_lengths` counts them.
        is_plain: whether a node, as a factor, is neither a number nor an inline product or negative.
    """

    made_by: Sequence[Primitive | None]
    rows: Sequence[tuple[int, ...]]
    constants: Mapping[int, float]
    parameters: range
    inline: Sequence[bool]
    lengths: Mapping[int, int]
    is_plain: Sequence[bool]

    def is_linear(self, i: int) -> bool:
        """Return whether a node is a sum, a product, or one of these divided by a number."""
        primitive = self.made_by[i]
        if primitive is _DIV:
            a, b = self.rows[i]
            return b in self.constants and self.inline[a] and self.made_by[a] in _LINEAR
        return primitive in _LINEAR

    def sum_of(self, root: int) -> Sum:
        """Return a linear node as a sum."""
        i, factor, divisor = root, 1.0, 1.0
        if self.made_by[i] is _DIV:
            i, divisor = self.rows[i][0], self.constants[self.rows[i][1]]
        if self.made_by[i] not in _TOTALS:
            scaling = self._scaling(i)
            if (
                scaling is not None
                and self.inline[scaling[1]]
                and self.made_by[scaling[1]] in _TOTALS | {self.made_by[i]}
            ):
                factor, i = scaling
        if self.made_by[i] in _TOTALS:
            total = self._chain(i)
        elif self.made_by[i] is _NEG:
            (negated,) = self.rows[i]
            total = sum_of_slots([[self._term(negated, -1.0)]])
        else:
            total = sum_of_slots([[self._product(i, 1.0)]])
        return total if i == root else total._replace(factor=factor, divisor=divisor)

    def _is_reduction(self, i: int) -> bool:
        return self.made_by[i] in (_SUM, _DOT) or (i in self.lengths and self.lengths[i] > 2)

    def _chain(self, root: int) -> Sum:
        """Read a chain from its last term to its first; it may begin with a reduction."""
        tail: list[Slot] = []
        constant, leads = NOTHING, False
        i = root
        while not self._is_reduction(i):
            left, right = self.rows[i]
            goes_on = self.inline[left] and self.made_by[left] in _TOTALS
            number = next((k for k in (left, right) if k in self.constants), None)
            if number is not None:
                is_zero = self.constants[number] == 0.0  # which may as well be added last
                if not is_nothing(constant) or (tail and goes_on and not is_zero):
                    return sum_of_slots([[(1.0, i, ABSENT)], *tail[::-1]], constant, leads)
                constant = self.constants[number]
                constant = -constant if self.made_by[i] is _SUB and number == right else constant
                leads = (bool(tail) and not is_zero) or number == left
            if right not in self.constants:
                tail.append(self._slot(right, -1.0 if self.made_by[i] is _SUB else 1.0))
            if not goes_on:
                slots = [*([] if left in self.constants else [self._slot(left, 1.0)]), *tail[::-1]]
                if self._only_subtracts(root, left):
                    slots = together(slots)
                slots = slots if leads else self._begun(slots, self._is_reduction(right))
                return sum_of_slots(slots, constant, leads)
            i = left
        slots, inner, inner_leads = self._reduction(i)
        if not (is_nothing(inner) or is_nothing(constant)):
            return sum_of_slots([[(1.0, i, ABSENT)], *tail[::-1]], constant, leads)
        if is_nothing(constant):
            constant, leads = inner, not is_nothing(inner) and (bool(tail) or inner_leads)
        slots += tail[::-1]
        return sum_of_slots(slots if leads else self._begun(slots, True), constant, leads)

    def _only_subtracts(self, root: int, first: int) -> bool:
        """Return whether a chain subtracts all its terms from 0, so that it is the negative of their sum.

        Args:
            first: the operand that the chain begins with.
        """
        is_negated = self.inline[first] and self.made_by[first] is _NEG
        if self.constants.get(first) != 0.0 and not is_negated:
            return False
        i, terms = root, int(is_negated)
        while i != first and self.made_by[i] is _SUB:
            i, terms = self.rows[i][0], terms + 1
        return i == first and terms > 2

    def _begun(self, slots: list[Slot], reduced: bool) -> list[Slot]:
        """Move a slot that a matrix product may compute to the front, if it is one of the first two.

        Args:
            reduced: whether the chain begins with a reduction, which can include a bias.
        """
        if len(slots) < 2:
            return slots
        weighted = [any(map(self._is_weighted, slot)) for slot in slots[:2]]
        first, second, *others = slots if weighted != [False, True] else [slots[1], slots[0], *slots[2:]]
        match second:
            case [(1.0, x, y)] if reduced and any(weighted) and x in self.parameters and y == ABSENT:
                return [[*first, *second], *others]
        return [first, second, *others]

    def _is_weighted(self, term: Term) -> bool:
        c, x, y = term
        return (x in self.parameters or y in self.parameters) and (abs(c), y) != (1.0, ABSENT)

    def _are_parameters(self, term: Term) -> bool:
        return term[1] in self.parameters and term[2] in self.parameters

    def _slot(self, i: int, sign: float) -> Slot:
        """Return an operand of a chain as one term, or as the terms of a reduction."""
        if self.inline[i] and self._is_reduction(i):
            terms, constant, _ = self._terms(i)
            if is_nothing(constant):
                return [(sign * c, x, y) for c, x, y in terms]
        return [self._term(i, sign)]

    def _reduction(self, root: int) -> tuple[list[Slot], float, bool]:
        """Return the slots of a reduction: its single terms, then those that are sums, unless many are equal.

        Many equal sums without weights, such as those of each row's squares, stay nodes: one operation computes them.
        """
        terms, constant, leads = self._terms(root)
        single: Slot = []
        inner: list[Slot] = []
        for term in terms:
            slot = self._slot(term[1], term[0]) if term[2] == ABSENT and abs(term[0]) == 1.0 else [term]
            if len(slot) > 1:
                inner.append(slot)
            else:
                single += slot
        multiples = sum(y == ABSENT and abs(c) != 1.0 and self.inline[x] and self._is_reduction(x) for c, x, y in terms)
        if self._are_many_alike(inner, multiples):
            return [self._first_alike(root, terms, inner)], constant, leads
        return [single, *inner], constant, leads

    def _are_many_alike(self, inner: Sequence[Slot], multiples: int) -> bool:
        """Return whether sums, together with these multiples, are many and equal in form, without weights."""
        return (
            len(inner) + multiples >= cost.MANY_SUMS_ALIKE
            and len({len(slot) for slot in inner}) == 1
            and not any(self._is_weighted(term) and not self._are_parameters(term) for slot in inner for term in slot)
        )

    def _first_alike(self, root: int, terms: list[Term], inner: Sequence[Slot]) -> list[Term]:
        """Return the terms of a reduction that ends with equal sums; another one at its start stays a node, too.

        A chain that begins with a chain is one chain: (a + b + c) + (d + e + f) is a + b + c + (d + e + f).
        """
        others = len(terms) - len(inner)
        if self.made_by[root] is not _ADD or others != len(inner[0]):
            return terms
        first = root
        for _ in inner:
            first = self.rows[first][0]
        if self.lengths.get(first) != others:
            return terms
        return [(1.0, first, ABSENT), *terms[others:]]

    def _terms(self, root: int) -> tuple[list[Term], float, bool]:
        """Return the terms of a reduction in the graph's order of addition, its constant, and whether that leads.

        A parameter times the constant 0 is left out, as in the weighted sums of a recurrent network's initial state.
        """
        parts: list[Term | int] = []
        i = root
        while self.made_by[i] is _ADD and (i == root or self.inline[i]):
            parts.append(self.rows[i][1])
            i = self.rows[i][0]
        if i != root:
            parts.append(i)
        elif self.made_by[i] is _DOT:
            *factors, bias = self.rows[i]
            n = len(factors) // 2
            if all(map(self.is_plain.__getitem__, factors)):  # as most are
                products: list[Term] = list(zip(itertools.repeat(1.0), factors[:n], factors[n:]))
            else:
                products = [self._factors(x, y, 1.0, True) for x, y in zip(factors[:n], factors[n:])]
            parts += products[::-1]
            parts.append(bias)
        else:
            parts += self.rows[i][::-1]
        terms: list[Term] = []
        constant, leads = NOTHING, False
        for part in reversed(parts):
            c, x, y = self._term(part, 1.0, True) if isinstance(part, int) else part
            if x == ABSENT:
                constant += c
                leads = leads or not terms
            elif c != 0.0 or y != ABSENT or x not in self.parameters:
                terms.append((c, x, y))
        return terms, constant if constant else NOTHING, leads

    # Terms

    def _term(self, i: int, sign: float, in_reduction: bool = False) -> Term:
        """Return a node times a sign as a term."""
        if self.made_by[i] is _MUL and self.inline[i]:  # the most frequent case
            x, y = self.rows[i]
            return (sign, x, y) if self.is_plain[x] and self.is_plain[y] else self._factors(x, y, sign, in_reduction)
        if i in self.constants:
            return sign * self.constants[i], ABSENT, ABSENT
        if self.made_by[i] is _NEG:
            i, sign = self._without_sign(i, sign)
        if self.inline[i]:
            if self.made_by[i] is _MUL:
                return self._product(i, sign, in_reduction)
            if in_reduction and self.made_by[i] is _DIV and self.rows[i][1] in self.constants:
                x, y = self.rows[i]
                moved = self._moved(1 / self.constants[y] if self.constants[y] else 0.0, x, sign)
                return moved or (sign, i, ABSENT)
        return sign, i, ABSENT

    def _product(self, i: int, sign: float, in_reduction: bool = False) -> Term:
        return self._factors(self.rows[i][0], self.rows[i][1], sign, in_reduction)

    def _factors(self, x: int, y: int, sign: float, in_reduction: bool) -> Term:
        """Return a product as a term. In a reduction, only parameters are scaled, so that they form a matrix."""
        if self.is_plain[x] and self.is_plain[y]:
            return sign, x, y
        x, sign = self._without_sign(x, sign)
        y, sign = self._without_sign(y, sign)
        if x in self.constants:
            if y in self.constants:
                return sign * (self.constants[x] * self.constants[y]), ABSENT, ABSENT
            moved = self._moved(self.constants[x], y, sign) if in_reduction else None
            return moved or (sign * self.constants[x], y, ABSENT)
        if y in self.constants:
            return self._factors(y, x, sign, in_reduction)
        for scaled, other in ((x, y), (y, x)):
            scaling = self._scaling(scaled) if self.inline[scaled] else None
            if scaling is not None and (not in_reduction or scaling[1] in self.parameters):
                return sign * scaling[0], scaling[1], other
        return sign, x, y

    def _moved(self, c: float, i: int, sign: float) -> Term | None:
        """Return a product of a parameter, another node and a power of 2, with the power applied to the parameter."""
        if math.frexp(abs(c))[0] != 0.5 or not 1 / cost.MOST_MOVED <= abs(c) <= cost.MOST_MOVED:
            return None
        if not self.inline[i] or self.made_by[i] is not _MUL or self._scaling(i) is not None:
            return None
        inner, x, y = self._product(i, sign, True)
        return (c * inner, x, y) if x in self.parameters or y in self.parameters else None

    def _without_sign(self, i: int, sign: float) -> tuple[int, float]:
        while self.inline[i] and self.made_by[i] is _NEG:
            (i,), sign = self.rows[i], -sign
        return i, sign

    def _scaling(self, i: int) -> tuple[float, int] | None:
        """Return the number and the node of a product of both, such as a negative; None for other nodes."""
        if self.made_by[i] is _NEG:
            (negated,) = self.rows[i]
            return -1.0, negated
        if self.made_by[i] is _MUL:
            for number, other in (self.rows[i], self.rows[i][::-1]):
                if number in self.constants:
                    return self.constants[number], other
        return None
