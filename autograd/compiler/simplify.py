"""Stage 2, simplify: constants folded, equal nodes merged, chains of additions and multiplications made into sums.

What spells out the sigmoid or tanh is read as that before (`idioms.py`).

What is left are two sorts of nodes: applications of a primitive, and sums of products

    constant + Σ cᵢ xᵢ yᵢ + Σ cⱼ xⱼ        (cᵢ, cⱼ numbers; xᵢ, yᵢ, xⱼ other nodes)

into which every `+`, `-`, `*`, `sum` and `dot`, every sign and every scaling has gone that nothing else refers to. So a
neuron is one sum, however it was written.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from autograd import primitives
from autograd.compiler.forms import written_out
from autograd.compiler.idioms import Formulas
from autograd.compiler.tracing import Trace
from autograd.primitives import Primitive

_ADD, _SUB, _MUL, _DIV, _NEG = primitives.add, primitives.sub, primitives.mul, primitives.div, primitives.neg
_SUM, _DOT, _WHERE, _IDENTITY = primitives.sum_, primitives.dot, primitives.where, primitives.identity
_POWER = primitives.constant_power
_LINEAR = frozenset({_ADD, _SUB, _MUL, _NEG, _SUM, _DOT})


class Sum(NamedTuple):
    """constant + Σ coefficients[i] · lefts[i] · rights[i], where a right of -1 stands for no second factor."""

    coefficients: list[float]
    lefts: list[int]
    rights: list[int]
    constant: float


class Scalars(NamedTuple):
    """The simplified program, in the numbering of the trace.

    Attributes:
        trace: where it came from.
        order: the nodes to compute, parents before children.
        sums: those of them that are sums of products.
        operands: of the others, the nodes that their primitive is applied to.
        constants: the numbers of the nodes that are constants.
        outputs: the nodes that stand for the function's results.
    """

    trace: Trace
    order: list[int]
    sums: dict[int, Sum]
    operands: dict[int, tuple[int, ...]]
    constants: dict[int, float]
    outputs: list[int]

    @property
    def size(self) -> int:
        """The first number that no node has."""
        return 1 + max(len(self.trace.primitives) - 1, max(self.sums, default=0), max(self.constants, default=0))


def simplify(trace: Trace, captured: set[int]) -> Scalars:
    """Bring a trace into its simplest form.

    Args:
        captured: the leaves that stay variable; the others that are no arguments are constants.
    """
    operands, constants, outputs = _merge(trace, captured)
    formulas = Formulas(trace.primitives, operands, constants, _uses(operands, outputs))
    formulas.recognise()
    trace, operands = trace.of_others(formulas.made_by), formulas.operands
    uses = _uses(operands, outputs)
    order: list[int] = []
    sums: dict[int, Sum] = {}
    kept: dict[int, tuple[int, ...]] = {}
    shared = written_out(trace.primitives, operands, constants, captured, uses)
    collect = _Collector(trace.primitives, operands, constants, uses, shared)
    needed = bytearray(len(operands))
    for i in outputs:
        needed[i] = 1
    for i in range(len(operands) - 1, -1, -1):
        if not needed[i] or not operands[i]:
            continue
        order.append(i)
        if trace.primitives[i] in _LINEAR or collect.is_scaling(i):
            found = sums[i] = collect(i)
            for k in found.lefts:
                needed[k] = 1
            for k in found.rights:
                if k >= 0:
                    needed[k] = 1
        else:
            kept[i] = operands[i]
            for k in operands[i]:
                needed[k] = 1
    order.reverse()
    return _merge_again(Scalars(trace, order, sums, kept, constants, outputs))


def _merge_again(scalars: Scalars) -> Scalars:
    """Let those be one that turned out equal: x + y and y + x, or 2 x and x + x, or 1 x and x."""
    new: dict[int, int] = {}
    seen: dict[object, int] = {}
    for i in scalars.order:
        found = scalars.sums.get(i)
        key: object
        if found is None:
            operands = scalars.operands[i] = tuple([new.get(k, k) for k in scalars.operands[i]])
            key = (scalars.trace.primitives[i], operands)
        else:
            if new:
                lefts, rights = [new.get(k, k) for k in found.lefts], [new.get(k, k) for k in found.rights]
                found = scalars.sums[i] = _merged(found._replace(lefts=lefts, rights=rights))
            pairs = [(y, x) if x < y else (x, y) for x, y in zip(found.lefts, found.rights)]
            key = (found.constant, tuple(sorted(zip(pairs, found.coefficients))))
        stands = seen.setdefault(key, i) if found is None or not _is_another(found) else found.lefts[0]
        if stands != i:
            new[i] = stands
    if not new:
        return scalars
    order = [i for i in scalars.order if i not in new]
    for i in new:
        scalars.sums.pop(i, None)
        scalars.operands.pop(i, None)
    return scalars._replace(order=order, outputs=[new.get(i, i) for i in scalars.outputs])


def _is_another(found: Sum) -> bool:
    """Whether a sum is one other node, and nothing else."""
    return found.coefficients == [1.0] and found.rights == [-1] and found.constant == 0.0


def _merge(trace: Trace, captured: set[int]) -> tuple[list[tuple[int, ...]], dict[int, float], list[int]]:
    """Fold constants, and let equal nodes be one; gives operands, constants and outputs in terms of what is left."""
    arguments = {i for indices in trace.arguments for i in indices}
    new: list[int] = []  # for each node the one that stands for it
    seen: dict[object, int] = {}
    constants: dict[int, float] = {}
    operands: list[tuple[int, ...]] = []
    for i, primitive in enumerate(trace.primitives):
        merged: tuple[int, ...] = tuple([new[k] for k in trace.operands[i]])
        operands.append(merged)
        number = trace.numbers[i]
        if primitive is None:
            variable = i in arguments or i in captured
        else:
            variable = not constants.keys() >= set(merged)
            if variable and _is_cancelled(primitive, merged, constants):
                variable, number = False, constants[merged[-1]] if primitive is _DOT else 0.0
            if variable and primitive is _POWER and constants[merged[1]] in (0.0, 1.0):
                variable = constants[merged[1]] == 1.0
                primitive = _IDENTITY
        if not variable:
            stands = seen.setdefault((number, math.copysign(1.0, number)), i)
            constants[stands] = number
            operands[i] = ()
        elif primitive is None:
            stands = i
        elif primitive is _IDENTITY:
            stands = merged[0]
        elif primitive is _WHERE and merged[0] in constants:
            stands = merged[1] if constants[merged[0]] else merged[2]
        else:
            stands = seen.setdefault((primitive, merged), i)
        new.append(stands)
    return operands, constants, [new[i] for i in trace.outputs]


def _is_cancelled(primitive: Primitive, operands: tuple[int, ...], constants: dict[int, float]) -> bool:
    """Whether constants 0 multiply all that varies, as in the weighted sums of a recurrent network's first state."""
    if primitive is _MUL:
        return any(constants.get(k) == 0.0 for k in operands)
    if primitive is not _DOT or operands[-1] not in constants:
        return False
    n = len(operands) // 2
    return all(0.0 in (constants.get(x), constants.get(y)) for x, y in zip(operands[:n], operands[n:]))


def _uses(operands: list[tuple[int, ...]], outputs: list[int]) -> list[int]:
    """How many nodes refer to each, of those that the outputs need; an output counts as two more."""
    uses = [0] * len(operands)
    for i in outputs:
        uses[i] += 2
    for i in range(len(operands) - 1, -1, -1):
        if uses[i]:
            for k in operands[i]:
                uses[k] += 1
    return uses


class _Collector:
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
            if own and self._is_linear(i) and (exact or not self._is_difference(i)):
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
        return _merged(Sum(coefficients, lefts, rights, constant))

    def _is_linear(self, i: int) -> bool:
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
            inner = [k for k in variables if self.uses[k] == 1 and self._is_linear(k) and k not in self._known_signs]
            if inner:
                stack += inner
                continue
            found = 0
            for k in variables:
                linear = self.uses[k] == 1 and self._is_linear(k)
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


_PLUS, _MINUS, _PRODUCT = 1, 2, 4


def _turned(signs: int) -> int:
    return signs & _PRODUCT | (_MINUS if signs & _PLUS else 0) | (_PLUS if signs & _MINUS else 0)


def _merged(found: Sum) -> Sum:
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
