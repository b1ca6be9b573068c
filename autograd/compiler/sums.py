"""Stage 2, simplify: what a chain of additions, subtractions and scalings sums up, as one sum of products."""

from __future__ import annotations

import math
from typing import NamedTuple

from autograd import primitives
from autograd.primitives import Primitive

_ADD, _SUB, _MUL, _DIV, _NEG = primitives.add, primitives.sub, primitives.mul, primitives.div, primitives.neg
_SUM, _DOT = primitives.sum_, primitives.dot
_LINEAR = frozenset({_ADD, _SUB, _MUL, _NEG, _SUM, _DOT})

_PLUS, _MINUS, _PRODUCT = 1, 2, 4  # which signs the terms of a sum have, and whether products are among them


class Sum(NamedTuple):
    """constant + Σ coefficients[i] · lefts[i] · rights[i], where a right of -1 stands for no second factor."""

    coefficients: list[float]
    lefts: list[int]
    rights: list[int]
    constant: float


class Collector:
    """Collects what a node sums up, through all that only it refers to."""

    def __init__(
        self,
        made_by: list[Primitive | None],
        operands: list[tuple[int, ...]],
        constants: dict[int, float],
        uses: list[int],
        shared: set[int],
    ) -> None:
        self.made_by, self.operands, self.constants, self.uses = made_by, operands, constants, uses
        self.shared = shared
        self._known_signs: dict[int, int] = {}

    def is_scaling(self, i: int) -> bool:
        """Whether a node is another divided by a constant."""
        return self.made_by[i] is _DIV and self.constants.get(self.operands[i][1], 0.0) != 0.0

    def __call__(self, root: int) -> Sum:
        made_by, operands, constants, uses = self.made_by, self.operands, self.constants, self.uses
        coefficients: list[float] = []
        lefts: list[int] = []
        rights: list[int] = []
        constant = 0.0
        stack = [(root, 1.0)]
        while stack:
            i, c = stack.pop()
            if i in constants:
                constant += c * constants[i]
                continue
            primitive = made_by[i]
            exact = math.frexp(abs(c))[0] == 0.5  # a power of 2, which rounds nothing
            own = i == root or uses[i] == 1 or i in self.shared
            if own and self.is_linear(i) and (exact or not self._is_difference(i)):
                parents = operands[i]
                if primitive is _ADD:
                    stack += ((parents[1], c), (parents[0], c))
                    continue
                if primitive is _SUB:
                    stack += ((parents[1], -c), (parents[0], c))
                    continue
                if primitive is _NEG:
                    stack.append((parents[0], -c))
                    continue
                if primitive is _DIV:
                    stack.append((parents[0], c / constants[parents[1]]))
                    continue
                if primitive is _SUM:
                    stack += [(k, c) for k in reversed(parents)]
                    continue
                n = 1 if primitive is _MUL else len(parents) // 2
                if primitive is _DOT:
                    stack.append((parents[-1], c))
                for x, y in zip(parents[:n], parents[n:]):
                    if x in constants:
                        stack.append((y, c * constants[x]))
                    elif y in constants:
                        stack.append((x, c * constants[y]))
                    else:
                        x, factor = self._without_scaling(x, c)
                        y, factor = self._without_scaling(y, factor)
                        coefficients.append(factor)
                        lefts.append(x)
                        rights.append(y)
                continue
            coefficients.append(c)
            lefts.append(i)
            rights.append(-1)
        return without_repeats(Sum(coefficients, lefts, rights, constant))

    def is_linear(self, i: int) -> bool:
        return self.made_by[i] in _LINEAR or self.is_scaling(i)

    def _is_difference(self, i: int) -> bool:
        """Whether a node adds and subtracts other nodes, and no products.

        Of nearly equal numbers, as in a difference quotient, that is exact; multiplied one by one they are rounded.
        """
        return self._signs(i) == _PLUS | _MINUS

    def _signs(self, i: int) -> int:
        """Which signs the terms of a linear node have, and whether products are among them."""
        stack = [i]
        while stack:
            node = stack[-1]
            if node in self._known_signs:
                stack.pop()
                continue
            primitive, parents = self.made_by[node], self.operands[node]
            variables = [k for k in parents if k not in self.constants]
            if primitive is _DOT or (primitive is _MUL and len(variables) == 2):
                self._known_signs[node] = _PRODUCT
                continue
            inner = [k for k in variables if self.uses[k] == 1 and self.is_linear(k) and k not in self._known_signs]
            if inner:
                stack += inner
                continue
            found = 0
            for k in variables:
                linear = self.uses[k] == 1 and self.is_linear(k)
                signs = self._known_signs[k] if linear else _PLUS
                found |= _turned(signs) if self._is_negated(node, k) else signs
            self._known_signs[node] = found
        return self._known_signs[i]

    def _is_negated(self, i: int, k: int) -> bool:
        """Whether a linear node takes one of its operands with the other sign."""
        primitive, parents = self.made_by[i], self.operands[i]
        if primitive in (_MUL, _DIV):
            return any(self.constants.get(other, 1.0) < 0 for other in parents)
        return primitive is _NEG or (primitive is _SUB and k == parents[1])

    def _without_scaling(self, i: int, c: float) -> tuple[int, float]:
        """A factor of a product without the signs and constants that only this product refers to."""
        while self.uses[i] == 1:
            primitive, parents = self.made_by[i], self.operands[i]
            if primitive is _NEG:
                i, c = parents[0], -c
            elif primitive is _MUL and parents[0] in self.constants:
                i, c = parents[1], c * self.constants[parents[0]]
            elif primitive is _MUL and parents[1] in self.constants:
                i, c = parents[0], c * self.constants[parents[1]]
            elif self.is_scaling(i):
                i, c = parents[0], c / self.constants[parents[1]]
            else:
                break
        return i, c


def _turned(signs: int) -> int:
    return signs & _PRODUCT | (_MINUS if signs & _PLUS else 0) | (_PLUS if signs & _MINUS else 0)


def without_repeats(found: Sum) -> Sum:
    """The same with each product once, and without those that a constant 0 multiplies.

    What cancels stays, as it does in x - x: where x is infinite, this is not 0.
    """
    keys = [(y, x) if x < y else (x, y) for x, y in zip(found.lefts, found.rights)]  # whichever factor comes first
    if len(set(keys)) == len(keys) and 0.0 not in found.coefficients:
        return found
    total: dict[tuple[int, int], float] = {}
    for key, c in zip(keys, found.coefficients):
        total[key] = total.get(key, 0.0) + c
    left: list[tuple[float, int, int]] = []
    for key, c in zip(keys, found.coefficients):
        if total.get(key) == 0.0 and c != 0.0:
            left.append((c, *key))
        elif key in total and total[key] != 0.0:
            left.append((total.pop(key), *key))
    coefficients, lefts, rights = map(list, zip(*left)) if left else ([], [], [])
    return Sum(coefficients, lefts, rights, found.constant)
