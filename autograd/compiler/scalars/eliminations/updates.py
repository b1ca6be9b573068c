"""Chains of updates: a number from which elimination subtracts a product at each step.

The product of step t can be computed once all chains have had t updates, and no earlier. So chains advance together
even if the trace computes them in turn, as Cholesky's algorithm does row by row.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from autograd.compiler.scalars.nodes import ABSENT, NOTHING, PLAIN, SUM, Sum, is_nothing
from autograd.compiler.scalars.program import ScalarProgram

Factors = tuple[int, int]


class Chain(NamedTuple):
    """A number and its updates.

    Attributes:
        initial: the initial node; ABSENT if it is a number.
        number: the initial number; NOTHING if the chain is the sum of the products alone.
        coefficient: the coefficient of the products.
        factors: the factors of the product of each step.
        nodes: the chain's nodes, by the number of updates, up to the last one in the program.
    """

    initial: int
    number: float
    coefficient: float
    factors: list[Factors]
    nodes: dict[int, int]

    @property
    def is_sum(self) -> bool:
        """Return whether the chain is the sum of the products alone."""
        return self.initial == ABSENT and is_nothing(self.number)


class Updates:
    """The chains of a program.

    Attributes:
        chains: all of them.
        at: for each node of a chain, the number of the chain and of updates.
        ready: the number of updates that each node depends on.
    """

    def __init__(self, program: ScalarProgram) -> None:
        self._program = program
        self.chains: list[Chain] = []
        self.at: dict[int, tuple[int, int]] = {}
        self.ready: list[int] = [0] * len(program)
        for i in program.operations:
            if self.chains:
                self.ready[i] = max([self.ready[k] for k in program.operands_of(i)], default=0)
            if program.opcodes[i] == SUM and program.scalings.get(i, PLAIN)[2:] == PLAIN[2:]:
                self._add(i, program.sum_of(i))

    def _add(self, i: int, total: Sum) -> None:
        """Record a sum if it is a chain."""
        has_number = not is_nothing(total.constant)
        is_ordered = has_number and len(total.lefts) > 1
        product_sum = products(self._program, total, is_ordered)
        if product_sum is not None and (total.leads or not is_ordered):
            coefficient, factors = product_sum
            factors = factors if is_ordered else sorted(factors, key=self._step)
            self._enter(i, Chain(ABSENT, total.constant, coefficient, factors, {}), 0)
            return
        if has_number:
            return
        if len(set(total.slots)) < len(total.slots):
            return
        first = next(
            (n for n in range(min(2, len(total.lefts))) if total.coefficients[n] == 1.0 and total.rights[n] == ABSENT),
            None,
        )
        product_sum = None if first is None else products(self._program, _without(total, first), ordered=True)
        if first is None or product_sum is None:
            return
        coefficient, factors = product_sum
        initial = total.lefts[first]
        number, done = self.at.get(initial, (-1, 0))
        if done and self._step(factors[0]) == done:
            chain = self.chains[number]
            if len(chain.factors) == done and chain.coefficient == coefficient and not chain.is_sum:
                self._enter(i, chain, done, factors)
        elif self.ready[initial] == 0:
            self._enter(i, Chain(initial, NOTHING, coefficient, factors, {}), 0)

    def _step(self, factors: Factors) -> int:
        return max(self.ready[k] for k in factors)

    def _enter(self, i: int, chain: Chain, done: int, more: list[Factors] | None = None) -> None:
        """Record a node as a chain after its updates, if each update happens at the first possible step."""
        new = chain.factors if more is None else more
        if [self._step(factors) for factors in new] != list(range(done, done + len(new))):
            return
        if more is None:
            self.chains.append(chain)
            number = len(self.chains) - 1
        else:
            number = self.at[chain.nodes[done]][0]
            chain.factors.extend(more)
        steps = done + len(new)
        chain.nodes[steps] = i
        self.at[i], self.ready[i] = (number, steps), steps


def _without(total: Sum, term: int) -> Sum:
    """Return the sum of the other terms. The first two may be added in either order."""
    return total.with_terms([n for n in range(len(total.lefts)) if n != term])


def products(program: ScalarProgram, total: Sum, ordered: bool = False) -> tuple[float, list[Factors]] | None:
    """Return the coefficient and factors of a sum of products alone; None for other sums.

    Args:
        ordered: whether the products must be added in the given order.
    """
    if not total.lefts or len(set(total.coefficients)) > 1:
        return None
    several = len(set(total.slots))
    if several < len(total.slots) if ordered else (several > 1 and len(total.slots) > 2):
        return None
    factors = []
    for x, y in zip(total.lefts, total.rights):
        both = (x, y) if y != ABSENT else _product(program, x)
        if both is None:
            return None
        factors.append(both)
    return total.coefficients[0], factors


def _product(program: ScalarProgram, i: int) -> Factors | None:
    """Return the factors of a node that is a product of two nodes."""
    if program.opcodes[i] != SUM:
        return None
    total = program.sum_of(i)
    is_product = len(total.lefts) == 1 and total.rights[0] != ABSENT and total.coefficients[0] == 1.0
    return (total.lefts[0], total.rights[0]) if is_product and total[4:] == PLAIN else None


def largest_block(chains: list[Chain]) -> list[int]:
    """Return the largest set of chains that may form a matrix: of one coefficient, all sums of products or none."""
    blocks: dict[tuple[bool, float], list[int]] = defaultdict(list)
    for number, chain in enumerate(chains):
        blocks[chain.is_sum, chain.coefficient].append(number)
    return max(blocks.values(), key=lambda block: sum(len(chains[n].factors) for n in block), default=[])
