"""Complete empty rows: the sum over no neighbours is 0, so it has no node, and sums that would read it lack terms.

In a graph network, a node without neighbours would then differ in structure from all others. So its sum reads zeros in
place of the terms of the others.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from autograd import primitives
from autograd.compiler import cost
from autograd.compiler.scalars.builder import Builder, new_numbers
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.depths import depths
from autograd.compiler.scalars.nodes import ABSENT, Sum, is_nothing
from autograd.compiler.scalars.program import ScalarProgram


class _Completed(NamedTuple):
    """A sum with the terms that others like it have.

    Attributes:
        total: the sum; its new terms read what a complete sum reads.
        replaced: the nodes in whose place it reads zeros.
    """

    total: Sum
    replaced: frozenset[int]


def zeros_in_place(program: Columns) -> dict[int, int]:
    """Return the nodes that are zeros in place of others, and these others: `where(0.0, x, 0.0)` for x."""
    zeros: dict[int, int] = {}
    if primitives.where not in program.primitives:
        return zeros
    for i in program.operations:
        if program.primitive_of(i) is primitives.where:
            condition, x, otherwise = program.operands_of(i)
            is_zero = program.constants.get(condition) == 0.0 and program.constants.get(otherwise) == 0.0
            if is_zero and x in program.interior and x not in program.constants:
                zeros[i] = x
    return zeros


def complete_empty_rows(program: ScalarProgram) -> ScalarProgram:
    """Let sums that lack the terms of a reduction read zeros in place of these."""
    candidates = [*_layers(program), *_additions(program)]
    completed: dict[int, _Completed] = {}
    order: Sequence[int] = program.interior
    while candidates:  # levels of the next layer are only right once this layer's sums are complete
        more = dict(_completions(program, candidates, _depths(program, completed, order)))
        following = _in_order(program, {**more, **completed}) if more.keys() - completed else None
        if following is None:
            break
        completed, order = {**more, **completed}, following
    return _rewritten(program, completed, order) if completed else program


def _completions(
    program: Columns, candidates: Sequence[tuple[list[int], list[int]]], depth: Mapping[int, int]
) -> Iterator[tuple[int, _Completed]]:
    """Yield sums that lack terms, and their completions.

    Args:
        candidates: complete sums, and sums that may lack terms of these.
        depth: the depth of each node.
    """
    for complete, lacking in candidates:
        like = complete[0]
        for i in lacking:
            at = bisect.bisect(complete, i)
            nearest = min(complete[max(0, at - 1) : at + 1], key=lambda k: abs(k - i))
            like = like if depth[like] == depth[nearest] else nearest
            total = _completed(program, i, like, depth)
            if total is not None:
                yield i, total


def _depths(program: Columns, completed: Mapping[int, _Completed], order: Sequence[int]) -> dict[int, int]:
    """Return the depth of each node that is no leaf."""

    def operands(i: int) -> Sequence[int]:
        return completed[i].total.factors if i in completed else program.operands_of(i)

    return depths([i for i in order if i not in program.constants], operands)


def _layers(program: Columns) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the sums with most terms among those that begin or end with the same weight, and those that lack some."""
    layers: dict[Hashable, dict[tuple[int, bool], list[int]]] = {}
    for i in program.operations:
        if program.is_sum(i) and program.counts[i] > 1:
            weights = _weights(program, i)
            kind = len(weights) - weights.count(ABSENT), ABSENT in weights
            own = [w for w in (weights[0], weights[kind[0] - 1]) if w != ABSENT]
            for end, weight in enumerate(own):
                layers.setdefault((end, weight), {}).setdefault(kind, []).append(i)
    for kinds in layers.values():
        most = max(kinds)
        lacking = [i for kind, sums in kinds.items() if kind != most for i in sums]
        if lacking and len(kinds[most]) > 1:
            terms = [program.counts[i] for i in (*kinds[most], *lacking)]
            if cost.worth_table(sum(terms), len(terms) * max(terms)):
                yield kinds[most], lacking


def _additions(program: Columns) -> Iterator[tuple[list[int], list[int]]]:
    """Yield sums of several nodes, and nodes to which 0 is added, that the same weight multiplies."""
    constants = {i: scaling.constant for i, scaling in program.scalings.items()}
    zero_added = [i for i, constant in constants.items() if constant == 0.0 and not is_nothing(constant)]
    if not zero_added:
        return
    first = _first_multiplied(program)
    complete: dict[int, list[int]] = {}
    for i in program.operations:
        if program.is_sum(i) and program.counts[i] > 1 and i in first:
            complete.setdefault(first[i], []).append(i)
    lacking: dict[int, list[int]] = {}
    for i in zero_added:
        if first.get(i) in complete:
            lacking.setdefault(first[i], []).append(i)
    yield from [(complete[weight], nodes) for weight, nodes in lacking.items()]


def _first_multiplied(program: Columns) -> dict[int, int]:
    """Return the first weight that multiplies each node as a factor of a term."""
    first: dict[int, int] = {}
    parameters = program.parameters
    for x, y in itertools.chain(zip(program.lefts, program.rights), zip(program.rights, program.lefts)):
        if x in parameters and y != ABSENT:
            first[y] = min(x, first.get(y, x))
    return first


def _weights(program: Columns, i: int) -> list[int]:
    """Return the parameter in each term of a sum, as a factor or alone; ABSENT for other terms."""
    parameters, start = program.parameters, program.starts[i]
    end = start + program.counts[i]
    factors = zip(program.lefts[start:end], program.rights[start:end])
    return [x if x in parameters else y if y in parameters else ABSENT for x, y in factors]


def _completed(program: Columns, i: int, like: int, depth: Mapping[int, int]) -> _Completed | None:
    """Return a sum with the terms of a complete one that it lacks; None if it differs in more than these.

    They must be deeper in the graph than the terms that both have: at the edges of a convolution, they are not.
    """
    own, other = program.sum_of(i), program.sum_of(like)
    term_of = dict(zip(_weights(program, i), range(len(own.lefts))))
    if _scaling(own) != _scaling(other) or len(term_of) < len(own.lefts) or (ABSENT in term_of and len(term_of) > 1):
        return None
    weights = _weights(program, like)
    levels = [max(depth.get(k, -1) for k in factors) for factors in zip(other.lefts, other.rights)]
    shared = [n for n, weight in enumerate(weights) if weight in term_of and weight != ABSENT]
    deepest = max([levels[n] for n in shared]) if shared else min(levels)
    terms: list[tuple[float, int, int, int]] = []
    replaced, filled, slots_of = set[int](), set[int](), set[tuple[int, int]]()
    for n, (weight, slot) in enumerate(zip(weights, other.slots)):
        factors = {other.lefts[n], other.rights[n]} - {weight, ABSENT}
        is_deeper = len(factors) == 1 and levels[n] > deepest
        if weight in term_of and not (weight == ABSENT and is_deeper):
            at = term_of.pop(weight)
            slots_of.add((slot, own.slots[at]))
            terms.append((own.coefficients[at], own.lefts[at], own.rights[at], slot))
        elif not is_deeper:
            return None
        elif weight != ABSENT or slot not in filled:
            terms.append((other.coefficients[n], other.lefts[n], other.rights[n], slot))
            replaced |= factors
            filled |= {slot} if weight == ABSENT else set()
    by_slot = sorted(slots_of)  # terms of one slot may be added in any order, those of several may not be mixed
    keeps_order = len(own.lefts) < 3 or (
        len({slot for slot, _ in by_slot}) == len(by_slot)
        and all(a <= b for (_, a), (_, b) in itertools.pairwise(by_slot))
    )
    if term_of or not (keeps_order and replaced.isdisjoint(own.factors)):
        return None
    coefficients, lefts, rights, slots = zip(*terms)
    return _Completed(Sum(coefficients, lefts, rights, slots, *other[4:]), frozenset(replaced))


def _scaling(total: Sum) -> tuple[float, bool, float, float]:
    """Return the scaling of a sum; adding the constant 0 counts as adding none, wherever it stands."""
    return total.constant, total.constant != 0.0 and total.leads, total.factor, total.divisor


def _in_order(program: Columns, completed: Mapping[int, _Completed]) -> list[int] | None:
    """Return the nodes in an order in which operands precede their readers; None if there is none."""
    order: list[int] = []
    leaves = program.interior.start
    opened, listed = bytearray(len(program)), bytearray([True]) * leaves + bytearray(len(program) - leaves)
    for root in program.interior:
        stack = [root]
        while stack:
            i = stack[-1]
            if listed[i]:
                stack.pop()
                continue
            operands = completed[i].total.factors if i in completed else program.operands_of(i)
            waiting = [k for k in operands if not listed[k]]
            if not waiting:
                listed[i] = True
                order.append(stack.pop())
            elif opened[i]:
                return None
            else:
                opened[i] = True
                stack += waiting
    return order


def _rewritten(program: ScalarProgram, completed: Mapping[int, _Completed], order: Sequence[int]) -> ScalarProgram:
    """Return the program with completed sums."""
    builder = Builder.like(program)
    new = new_numbers(program)
    where, zero = builder.opcode(primitives.where), builder.constant(0.0)
    zeros: dict[int, int] = {}

    def zero_for(k: int) -> int:
        if k not in zeros:
            zeros[k] = builder.application(where, [zero, new[k], zero])
        return zeros[k]

    for i in order:
        if i not in completed:
            new[i] = builder.copy(program, i, new)
            continue
        total, replaced = completed[i]
        lefts, rights = (
            [ABSENT if k == ABSENT else zero_for(k) if k in replaced else new[k] for k in factors]
            for factors in (total.lefts, total.rights)
        )
        new[i] = builder.sum(total._replace(lefts=lefts, rights=rights))
    return builder.successor(program, new, range(len(program)))
