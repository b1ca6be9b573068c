"""Programs with little to do side by side, such as an integrator's many steps: straight-line code, a line a node.

Here stands which lines there are, forward and backward. How a line is written is up to a notation: Python's
(thin_source.py) or that of machine code (machine.py). The lines are cut into functions, since compilers take longer
than proportionally for a very long one; what one function leaves for others goes through an array of all numbers,
their derivatives through another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from autograd.compiler import cost
from autograd.compiler.scalars.nodes import ABSENT, Sum, is_nothing
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.slopes import dependent_on_arguments, weighted_terms
from autograd.forking import computed_once
from autograd.primitives import Primitive

Term = tuple[float, list[str]]
"""A part of a sum: a number, and the texts of what it is multiplied with."""


class ThinPlan:
    """What a thin program computes, in which order and in which functions.

    Attributes:
        slots: the place of each node in the array of all numbers: arguments, captured leaves, then the rest in order,
            the masks of backward passes last.
        arguments, leaves: how many of them are arguments' numbers; how many are those and captured leaves.
        pieces: the nodes that each function computes.
        masks: the same for those that backward passes compute before all else.
        terms: how many applications of primitives and terms of sums there are.
    """

    def __init__(self, scalars: ScalarProgram) -> None:
        self.scalars, self.captured = scalars, scalars.parameters
        self.order = scalars.operations
        guards = scalars.guard_operations
        self.sums = {i: scalars.sum_of(i) for i in [*self.order, *guards] if scalars.is_sum(i)}
        self.arguments, self.leaves = scalars.parameters.start, scalars.parameters.stop
        self.slots = {i: at for at, i in enumerate([*range(self.leaves), *self.order, *guards])}
        self.terms = 0
        self.pieces, self.masks = self._cut(self.order), self._cut(guards)

    def _cut(self, order: Sequence[int]) -> list[list[int]]:
        pieces: list[list[int]] = [[]]
        size = 0
        for i in order:
            found = self.sums.get(i)
            terms = 1 if found is None else 1 + len(found.lefts)
            size += terms
            self.terms += terms
            pieces[-1].append(i)
            if size > cost.TERMS_A_FUNCTION:
                pieces.append([])
                size = 0
        return [piece for piece in pieces if piece]

    def application(self, i: int) -> tuple[Primitive, list[float | None]]:
        """What a node that is no sum applies, and to what: numbers where they are constants, else None."""
        primitive = self.scalars.primitive_of(i)
        assert primitive is not None
        return primitive, [self.scalars.constants.get(k) for k in self.scalars.operands_of(i)]

    def weighted(self, i: int) -> set[int]:
        """The terms of a sum that are never masked, by their places in it."""
        return weighted_terms(self.sums[i], self._varying)

    @computed_once
    def _varying(self) -> set[int]:
        return dependent_on_arguments(self.scalars)

    def needed(self, name: str) -> set[int]:
        """The nodes whose derivatives a backward pass asks for: "backward", or "input_gradients" to the arguments."""
        leaves = list(self.slots)[: self.leaves]
        needed = set(leaves[self.arguments :] if name == "backward" else leaves[: self.arguments])
        for i in self.order:
            if not needed.isdisjoint(self.scalars.operands_of(i)):
                needed.add(i)
        return needed


class Notation(Protocol):
    """How lines are written. Numbers are handed about as texts: what stands for them in a line."""

    def begin(self) -> None:
        """Begin a function."""

    def value(self, i: int) -> str:
        """A node's number."""

    def arrived(self, i: int) -> str:
        """What functions that ran before, or the caller, have put down as the derivative to a node."""

    def slopes(self, i: int, positions: Sequence[int]) -> Iterable[str | float]:
        """The local derivatives of a node to some of its operands; those that are known by now as numbers."""

    def masked(self, mask: str, factors: list[str]) -> str:
        """What stands for a product where a mask is not 0, and for 0 elsewhere."""

    def apply(self, i: int) -> None:
        """Compute a node by its primitive."""

    def part(self, i: int, terms: list[Term]) -> str:
        """Compute a part of the sum that a node is; gives what stands for it."""

    def sum(self, i: int, terms: list[Term], factor: float, divisor: float) -> None:
        """Compute a node as a sum, multiplied by a factor and then divided."""

    def adjoint(self, i: int, terms: list[Term]) -> str:
        """Compute the derivative to a node; gives what stands for it."""

    def put(self, i: int, terms: list[Term]) -> None:
        """Compute the derivative to a node, and put it down for other functions."""

    def end(self, name: str, piece: list[int], backward: bool) -> str:
        """The function as source."""


def forward_functions(plan: ThinPlan, notation: Notation, name: str) -> Iterator[str]:
    """The functions `name_0`, `name_1`, ... that compute the nodes; "masks" those of the masks."""
    sums = plan.sums
    for n, piece in enumerate(plan.masks if name == "masks" else plan.pieces):
        notation.begin()
        for i in piece:
            found = sums.get(i)
            if found is None:
                notation.apply(i)
            else:
                notation.sum(i, _terms(found, i, notation), found.factor, found.divisor)
        yield notation.end(f"{name}_{n}", piece, backward=False)


def backward_functions(plan: ThinPlan, notation: Notation, name: str, seeds: int) -> Iterator[str]:
    """Functions that pull derivatives back from the first outputs, as many as there are seeds; the last one first."""
    needed = plan.needed(name)
    # What has been put down before: of the outputs by the caller, of captured leaves by the samples before.
    put_down = needed.intersection([*plan.scalars.outputs[:seeds], *plan.captured])
    for n in range(len(plan.pieces) - 1, -1, -1):
        piece = plan.pieces[n]
        notation.begin()
        parts: dict[int, list[Term]] = {}
        for i in reversed(piece):
            if i in put_down:
                terms = [(1.0, [notation.arrived(i)]), *parts.pop(i, [])]
            elif i in parts:
                terms = parts.pop(i)
            else:
                continue
            for k, term in _pulled_back(plan, notation, i, notation.adjoint(i, terms), needed):
                parts.setdefault(k, []).append(term)
        for k, terms in parts.items():
            notation.put(k, [(1.0, [notation.arrived(k)]), *terms] if k in put_down else terms)
        put_down.update(parts)
        yield notation.end(f"{name}_{n}", piece, backward=True)


def _terms(found: Sum, i: int, notation: Notation) -> list[Term]:
    """The terms of a sum; those of a slot behind the first are added up before."""
    slots: list[list[Term]] = [[] for _ in range(found.slots[-1] + 1)] if found.slots else [[]]
    for slot, c, x, y in zip(found.slots, found.coefficients, found.lefts, found.rights):
        slots[slot].append((c, [notation.value(x)] if y == ABSENT else [notation.value(x), notation.value(y)]))
    terms = slots[0]
    for part in slots[1:]:
        terms += part if len(part) < 2 else [(1.0, [notation.part(i, part)])]
    if terms and is_nothing(found.constant):
        return terms
    constant: Term = (found.constant, [])
    return [constant, *terms] if found.leads else [*terms, constant]


def _pulled_back(
    plan: ThinPlan, notation: Notation, i: int, adjoint: str, needed: set[int]
) -> Iterator[tuple[int, Term]]:
    """The chain rule: the operands of a node, each with what the node's derivative adds to theirs."""
    found = plan.sums.get(i)
    mask = plan.scalars.guards.of.get(i)
    if found is None:
        yield from _through_primitive(plan, notation, i, adjoint, needed, mask)
        return
    if found.factor != 1.0:
        adjoint = notation.adjoint(i, [(found.factor, [adjoint])])
    if found.divisor != 1.0:
        adjoint = notation.adjoint(i, [(1 / found.divisor, [adjoint])])
    exempt = () if mask is None else plan.weighted(i)
    for n, (c, x, y) in enumerate(zip(found.coefficients, found.lefts, found.rights)):
        masks = [] if mask is None or y == ABSENT or n in exempt else [notation.value(mask)]
        if x == y:
            if x in needed:
                yield x, _term(notation, 2 * c, [notation.value(x), adjoint], masks)
            continue
        if x in needed:
            yield x, _term(notation, c, [adjoint] if y == ABSENT else [notation.value(y), adjoint], masks)
        if y in needed:
            yield y, _term(notation, c, [notation.value(x), adjoint], masks)


def _through_primitive(
    plan: ThinPlan, notation: Notation, i: int, adjoint: str, needed: set[int], mask: int | None
) -> Iterator[tuple[int, Term]]:
    operands = plan.scalars.operands_of(i)
    positions = tuple([position for position, k in enumerate(operands) if k in needed])
    chooses = i in plan.scalars.guards.choices
    for position, slope in zip(positions, notation.slopes(i, positions)):
        if isinstance(slope, str):
            masks = [slope] if chooses else []
            masks += [] if mask is None else [notation.value(mask)]
            yield operands[position], _term(notation, 1.0, [slope, adjoint], masks)
        elif slope != 0.0:
            yield operands[position], (slope, [adjoint])


def _term(notation: Notation, c: float, factors: list[str], masks: list[str]) -> Term:
    """A number times a product of factors, which is 0 where one of the masks is."""
    for mask in masks:
        factors = [notation.masked(mask, factors)]
    return c, factors
