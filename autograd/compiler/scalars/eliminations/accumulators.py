"""Separate sums of products from the node that they are added to, as in b - Σ l · x, to form chains of updates."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.scalars.builder import Builder, renumbered
from autograd.compiler.scalars.eliminations.updates import Factors, products
from autograd.compiler.scalars.merge import uses
from autograd.compiler.scalars.nodes import ABSENT, SUM, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import rebuild


def with_accumulators(program: ScalarProgram, reorder: bool = False) -> ScalarProgram:
    """Turn each node plus products into a node plus a sum of products.

    Args:
        reorder: whether chains of differences, as in b - l · x - m · y, are such sums, too. Their products are then
            added in another order than in the graph; otherwise, the rounding is the same.
    """
    count = uses(program)
    parts = {}
    for i in program.interior:
        if program.opcodes[i] == SUM and i not in program.scalings:
            total = program.sum_of(i)
            several = _node_and_products(program, _with_one_slot(total) if reorder else total, count)
            if several is not None:
                parts[i] = several
    if not parts:
        return program

    def separated(builder: Builder, i: int, new: Sequence[int]) -> int:
        node, coefficient, factors = parts[i]
        lefts, rights = zip(*factors)
        total = Sum([coefficient] * len(factors), lefts, rights, [0] * len(factors))
        accumulator = builder.sum(renumbered(total, new))
        return builder.sum(Sum([1.0, 1.0], [accumulator, new[node]], [ABSENT, ABSENT], [0, 1]))

    return rebuild(program, parts, separated)


def _with_one_slot(total: Sum) -> Sum:
    """Return a node plus several products, each in a slot of its own, with the products in one slot."""
    single = [n for n, right in enumerate(total.rights) if right == ABSENT]
    if len(set(total.slots)) < len(total.slots) or len(total.slots) < 3 or single not in ([0], [1]):
        return total
    return total._replace(slots=[int(right != ABSENT) for right in total.rights])


def _node_and_products(program: ScalarProgram, total: Sum, count: list[int]) -> tuple[int, float, list[Factors]] | None:
    """Return the node, and the coefficient and factors of the products, if a sum has this form."""
    slots = set(total.slots)
    single = [n for n, slot in enumerate(total.slots) if total.rights[n] == ABSENT]
    if len(slots) == 2:
        single = [n for n in single if total.slots.count(total.slots[n]) == 1]
    if len(slots) > 2 or not single or (len(single) > 1 and len(total.slots) > 2):
        return None
    node, rest = total.lefts[single[0]], [n for n in range(len(total.slots)) if n != single[0]]
    if len(single) == 2:
        single = [n for n in single if total.coefficients[n] == 1.0]
        if not single:
            return None
        node, rest = total.lefts[single[0]], [n for n in range(2) if n != single[0]]
        inner = total.lefts[rest[0]]
        if program.opcodes[inner] != SUM or inner in program.scalings or count[inner] > 1:
            return None
        product_sum = products(program, program.sum_of(inner))
        outer = total.coefficients[rest[0]]
    else:
        outer, product_sum = 1.0, products(program, total.with_terms(rest))
    if product_sum is None or abs(outer) != 1.0 or total.coefficients[single[0]] != 1.0:
        return None
    return node, outer * product_sum[0], product_sum[1]
