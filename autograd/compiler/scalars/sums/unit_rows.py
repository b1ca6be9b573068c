"""Complete rows of one element: the sum, or maximum, of a single number is that number, so it has no node.

In causal attention, the first position attends only to itself. All other positions compute the maximum of their scores
and the sum of their exponentials; with nodes for these at the first position, too, all positions do the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import NamedTuple

from autograd import primitives
from autograd.compiler import cost
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, PARAMETER, PLAIN, SUM, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import rebuild
from autograd.compiler.scalars.sums.slots import split_slots


class _Reductions(NamedTuple):
    """The nodes of one kind of reduction.

    Attributes:
        opcode: SUM, or the opcode of the primitive.
        nodes: the reductions.
        elements: the nodes that they reduce.
    """

    opcode: int
    nodes: list[int]
    elements: set[int]


class _Unit(NamedTuple):
    """A reduction of one element, to be read at a place.

    Attributes:
        opcode: the kind of reduction.
        is_reached: whether a cotangent can reach it there, as it reaches the reductions that are read in the same way.
    """

    opcode: int
    is_reached: bool


Use = tuple[int, int, int, Hashable]
"""A reader, the place of its operand, the operand, and a key that is equal for places of equal use."""


def complete_unit_rows(program: ScalarProgram) -> ScalarProgram:
    """Turn reductions of one element into nodes where reductions of two and more elements are used in the same way."""
    program = _complete_unit_means(split_slots(program))
    reductions = [r for r in _reductions(program) if len(r.nodes) > 1]
    if not reductions:
        return program
    multiplied_by = _weights_of_pairs(program)
    replaced: dict[int, dict[int, _Unit]] = {}  # by reader and place
    for reduction in reductions:
        units = list(_units(program, reduction, multiplied_by))
        if units and (_vary_from_two(program, reduction) or _alternate(program, reduction, units, multiplied_by)):
            for reader, place, unit in units:
                replaced.setdefault(reader, {})[place] = unit
    return _completed(program, replaced) if replaced else program


def _complete_unit_means(program: ScalarProgram) -> ScalarProgram:
    """Turn an element divided by 1 into the mean of a row of one where means of several elements are taken.

    A node of a graph network with a single neighbour computes such a quotient; all others divide sums.
    """
    means = [i for i in program.operations if program.opcodes[i] == SUM and _is_mean(program, i)]
    if not means:
        return program
    kinds = {program.opcodes[x] for i in means for x in program.sum_of(i).lefts}
    divides = program.by_opcode(lambda primitive: primitive is primitives.div, False)
    units = set[int]()
    for i in program.operations:
        if divides[program.opcodes[i]]:
            x, divisor = program.operands_of(i)
            if program.constants.get(divisor) == 1.0 and program.opcodes[x] in kinds:
                units.add(i)

    def mean(builder: Builder, i: int, new: Sequence[int]) -> int:
        x, _ = program.operands_of(i)
        return builder.sum(Sum([1.0], [new[x]], [ABSENT], [0]))

    return rebuild(program, units, mean) if units else program


def _is_mean(program: Columns, i: int) -> bool:
    if i not in program.scalings:
        return False
    total = program.sum_of(i)
    only_adds = set(total.coefficients) == {1.0} and set(total.rights) == {ABSENT}
    return only_adds and total.divisor == len(total.lefts) and total[4:7] == PLAIN[:3]


def _units(
    program: Columns, reduction: _Reductions, multiplied_by: Mapping[int, Set[int]]
) -> Iterator[tuple[int, int, _Unit]]:
    """Find nodes used both as an element and as a result: yield the reader, the place, and the unit."""
    reached: dict[Hashable, bool] = {}  # for each use of a result, whether a cotangent reaches a result used so
    for _, _, x, key in _uses(program, set(reduction.nodes)):
        reached[key] = reached.get(key, False) or x not in program.guards.unreached
    reducing = set(reduction.nodes)
    of_elements = {key for reader, _, _, key in _uses(program, reduction.elements) if reader not in reducing}
    kinds = {program.opcodes[k] for k in reduction.elements} - {PARAMETER}
    others = {i for i in range(len(program)) if program.opcodes[i] in kinds} - reduction.elements
    weighted: dict[Hashable, bool] = {}
    for _, _, x, key in _weighted_uses(program, reducing, multiplied_by):
        weighted[key] = weighted.get(key, False) or x not in program.guards.unreached
    if weighted:  # these weights multiply results of reductions, including elements that represent a row of one
        for reader, place, x, key in _weighted_uses(program, (reduction.elements | others) - reducing, multiplied_by):
            if key in weighted and not _is_unit(program, x):
                yield reader, place, _Unit(reduction.opcode, weighted[key])
    known = reached.keys() | of_elements
    uses: dict[int, list[Use]] = {}
    for use in _uses(program, others):
        if use[3] in known:
            uses.setdefault(use[2], []).append(use)
        else:
            others.discard(use[2])  # no need to check its other uses
            uses.pop(use[2], None)
    for several in uses.values():
        keys = {key for _, _, _, key in several}
        if keys & of_elements or not of_elements:
            for reader, place, _, key in several:
                if key in reached and key not in of_elements:
                    yield reader, place, _Unit(reduction.opcode, reached[key])


def _weighted_uses(program: Columns, nodes: Set[int], multiplied_by: Mapping[int, Set[int]]) -> Iterator[Use]:
    """Yield the places where sums read these nodes, distinguished by weights: a weight multiplies the node.

    Or the node is the only one that a weighted sum adds to its products, such as a message or a mean of messages; or
    one of two nodes of a sum that weights multiply, such as a node of a graph network and the mean of its neighbours.

    Args:
        multiplied_by: the weights that multiply each sum of two nodes.
    """
    parameters = program.parameters
    starts, counts, lefts, rights = program.starts, program.counts, program.lefts, program.rights
    for i in program.operations:
        if program.opcodes[i] != SUM:
            continue
        start, count = starts[i], counts[i]
        end = start + count
        left, right = lefts[start:end], rights[start:end]
        if nodes.isdisjoint(left) and nodes.isdisjoint(right):
            continue
        weights = tuple([k for factors in zip(left, right) for k in factors if k in parameters])
        alone = sum([y == ABSENT and x not in parameters for x, y in zip(left, right)])
        role: Hashable = weights if alone == 1 else None
        if not weights and count == 2 and i in multiplied_by:
            role = frozenset(multiplied_by[i])
        for n, (x, y) in enumerate(zip(left, right)):
            c = program.coefficients[start + n]
            if x in nodes and y == ABSENT and role:
                yield i, n, x, (c, role, n)
            elif x in nodes and y in parameters:
                yield i, n, x, (c, y, "left")
            if y in nodes and x in parameters:
                yield i, count + n, y, (c, x, "right")


def _weights_of_pairs(program: Columns) -> dict[int, set[int]]:
    """The weights that multiply each sum of two nodes."""
    parameters, opcodes, counts, starts = program.parameters, program.opcodes, program.counts, program.starts
    lefts, rights = program.lefts, program.rights
    pairs = {
        i
        for i in program.operations
        if opcodes[i] == SUM and counts[i] == 2 and rights[starts[i]] == rights[starts[i] + 1] == ABSENT
    }
    weights: dict[int, set[int]] = {}
    if pairs:
        for x, y in itertools.chain(zip(lefts, rights), zip(rights, lefts)):
            if x in pairs and y in parameters:
                weights.setdefault(x, set()).add(y)
    return weights


def _reductions(program: Columns) -> list[_Reductions]:
    """Group reductions by kind. A sum is a reduction if it only adds several nodes."""
    is_reducing = program.by_opcode(lambda primitive: primitive.reduces, False)
    by_opcode: dict[tuple[int, bool], _Reductions] = {}
    for i in program.operations:
        opcode = program.opcodes[i]
        is_mean = _is_mean(program, i)
        if not (is_reducing[opcode] or is_mean or (opcode == SUM and _is_plain(program, i))):
            continue
        if len({program.opcodes[k] for k in program.operands_of(i)} - {PARAMETER}) == 1:
            reduction = by_opcode.setdefault((opcode, is_mean), _Reductions(opcode, [], set()))
            reduction.nodes.append(i)
            reduction.elements.update(program.operands_of(i))
    return list(by_opcode.values())


def _is_unit(program: Columns, i: int) -> bool:
    """Return whether a node is the sum of one other."""
    only_one = program.opcodes[i] == SUM and program.counts[i] == 1 and i not in program.scalings
    return only_one and program.coefficients[program.starts[i]] == 1.0 and program.rights[program.starts[i]] == ABSENT


def _is_plain(program: Columns, i: int) -> bool:
    start, count = program.starts[i], program.counts[i]
    if count < 2 or i in program.scalings:
        return False
    terms = range(start, start + count)
    only_adds = all(program.coefficients[n] == 1.0 and program.rights[n] == ABSENT for n in terms)
    in_one_slot = all(program.slots[n] == 0 for n in terms)
    return only_adds and (count == 2 or in_one_slot)  # two may be added in any order


def _vary_from_two(program: Columns, reduction: _Reductions) -> bool:
    """Return whether there are reductions of two elements and of more."""
    lengths = {program.counts[i] for i in reduction.nodes}
    return 2 in lengths and len(lengths) > 1


def _alternate(
    program: Columns,
    reduction: _Reductions,
    units: Sequence[tuple[int, int, _Unit]],
    multiplied_by: Mapping[int, Set[int]],
) -> bool:
    """Return whether readers of single elements alternate with those of reductions of more elements."""
    nodes = set(reduction.nodes)
    reads_unit = {reader: True for reader, _, _ in units}
    for reader, *_ in itertools.chain(_uses(program, nodes), _weighted_uses(program, nodes, multiplied_by)):
        reads_unit.setdefault(reader, False)
    kinds = [reads_unit[reader] for reader in sorted(reads_unit)]
    return cost.alternate(1 + sum([a is not b for a, b in itertools.pairwise(kinds)]))


def _uses(program: Columns, nodes: Set[int]) -> Iterator[Use]:
    """Yield the places where applications, and sums that do more than add, read these nodes.

    The weight in a sum distinguishes places: a node of a graph network reads itself and its neighbours.
    """
    parameters = program.parameters
    opcodes, starts, counts = program.opcodes, program.starts, program.counts
    operands, coefficients, lefts, rights = program.operands, program.coefficients, program.lefts, program.rights
    for i in program.operations:
        opcode, start, count = opcodes[i], starts[i], counts[i]
        end = start + count
        if opcode != SUM:
            for place, x in enumerate(operands[start:end]):
                if x in nodes:
                    yield i, place, x, (opcode, place)
            continue
        if nodes.isdisjoint(lefts[start:end]) and nodes.isdisjoint(rights[start:end]):
            continue
        for n in range(start, end):
            c, x, y = coefficients[n], lefts[n], rights[n]
            if x in nodes and (c != 1.0 or y != ABSENT):
                yield i, n - start, x, (opcode, c, y if y in parameters or y == ABSENT else None, "left")
            if y in nodes:
                yield i, count + n - start, y, (opcode, c, x if x in parameters else None, "right")


def _completed(program: ScalarProgram, replaced: dict[int, dict[int, _Unit]]) -> ScalarProgram:
    """Return the program in which these places read the reduction of one node instead of the node."""
    units: dict[tuple[int, int], int] = {}
    reached: set[int] = set()

    def unit(builder: Builder, x: int, wanted: _Unit, new: Sequence[int]) -> int:
        opcode = wanted.opcode
        if (x, opcode) not in units:
            one = Sum([1.0], [new[x]], [ABSENT], [0])
            units[x, opcode] = builder.sum(one) if opcode == SUM else builder.application(opcode, [new[x]])
        if wanted.is_reached:
            reached.add(units[x, opcode])
        return units[x, opcode]

    def reading_units(builder: Builder, i: int, new: Sequence[int]) -> int:
        places = replaced[i]

        def read(factors: Sequence[int], first: int = 0) -> list[int]:
            return [
                unit(builder, x, places[n], new) if n in places else x if x == ABSENT else new[x]
                for n, x in enumerate(factors, first)
            ]

        if program.opcodes[i] != SUM:
            return builder.application(program.opcodes[i], read(program.operands_of(i)))
        total = program.sum_of(i)
        return builder.sum(total._replace(lefts=read(total.lefts), rights=read(total.rights, len(total.lefts))))

    completed = rebuild(program, replaced, reading_units)
    guards = completed.guards._replace(unreached=completed.guards.unreached.union(set(units.values()) - reached))
    return replace(completed, guards=guards)
