"""Complete rows of one element: a sum, or a largest one, of a single number is that number, so it has no node.

In causal attention the first position attends to itself alone. All other positions compute the largest of their scores
and the sum of their exponentials; with nodes for these at the first position as well, all positions do the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Set
from dataclasses import replace
from typing import NamedTuple

from autograd import primitives
from autograd.compiler.scalars.builder import DROPPED, Builder, renumbered
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, PARAMETER, PLAIN, SUM, Sum
from autograd.compiler.scalars.program import ScalarProgram


class _Reductions(NamedTuple):
    """The nodes that reduce in one way.

    Attributes:
        opcode: SUM, or that of the primitive.
        nodes: all of them.
        elements: the nodes that they reduce.
    """

    opcode: int
    nodes: list[int]
    elements: set[int]


class _Unit(NamedTuple):
    """A reduction of one element that is to be read at a place.

    Attributes:
        opcode: how it reduces.
        is_reached: whether a derivative can arrive at it there, as at the reductions that are read likewise.
    """

    opcode: int
    is_reached: bool


Use = tuple[int, int, int, Hashable]
"""A node that reads another one, at which place, which one, and a key that is equal for places of equal use."""


def complete_unit_rows(program: ScalarProgram) -> ScalarProgram:
    """Let the reductions of one element be nodes, where reductions of two and of more elements are used likewise."""
    program = _complete_unit_means(program)
    reductions = [r for r in _reductions(program) if _vary_from_two(program, r)]
    if not reductions:
        return program
    replaced: dict[int, dict[int, _Unit]] = {}  # of a node that reads, by place
    for reduction in reductions:
        for reader, place, unit in _units(program, reduction):
            replaced.setdefault(reader, {})[place] = unit
    return _completed(program, replaced) if replaced else program


def _complete_unit_means(program: ScalarProgram) -> ScalarProgram:
    """Let an element that is divided by 1 be the mean of a row of one, where means of more elements are taken.

    So divides the node of a graph network that has a single neighbour; all others divide sums.
    """
    means = [i for i in program.operations if program.opcodes[i] == SUM and _is_mean(program, i)]
    if len({program.counts[i] for i in means}) < 2:
        return program
    kinds = {program.opcodes[x] for i in means for x in program.sum_of(i).lefts}
    divides = program.by_opcode(lambda primitive: primitive is primitives.div, False)
    builder = Builder.like(program)
    new = [*range(program.interior.start), *[DROPPED] * len(program.interior)]
    for i in program.interior:
        x, *divisor = program.operands_of(i) if divides[program.opcodes[i]] else (i,)
        if divisor and program.constants.get(divisor[0]) == 1.0 and program.opcodes[x] in kinds:
            new[i] = builder.sum(Sum([1.0], [new[x]], [ABSENT], [0]))
        else:
            new[i] = builder.copy(program, i, new)
    return builder.successor(program, new, range(len(program)))


def _is_mean(program: Columns, i: int) -> bool:
    total = program.sum_of(i)
    only_adds = set(total.coefficients) == {1.0} and set(total.rights) == {ABSENT}
    return only_adds and total.divisor == len(total.lefts) > 1 and total[4:7] == PLAIN[:3]


def _units(program: Columns, reduction: _Reductions) -> Iterator[tuple[int, int, _Unit]]:
    """Find nodes used both as an element and as a result: yield who reads them, at which place, and the unit."""
    reached: dict[Hashable, bool] = {}  # of each use of a result, whether a derivative reaches one that is used so
    for _, _, x, key in _uses(program, set(reduction.nodes)):
        reached[key] = reached.get(key, False) or x not in program.guards.unreached
    reducing = set(reduction.nodes)
    of_elements = {key for reader, _, _, key in _uses(program, reduction.elements) if reader not in reducing}
    kinds = {program.opcodes[k] for k in reduction.elements} - {PARAMETER}
    others = {i for i in range(len(program)) if program.opcodes[i] in kinds} - reduction.elements
    weighted = {key for key in reached if _has_weight(key)}
    if weighted:  # these weights multiply results of reductions, and so do those that stand for a row of one
        for reader, place, _, key in _uses(program, (reduction.elements | others) - reducing):
            if key in weighted:
                yield reader, place, _Unit(reduction.opcode, reached[key])
    known = reached.keys() | of_elements
    uses: dict[int, list[Use]] = {}
    for use in _uses(program, others):
        if use[3] in known:
            uses.setdefault(use[2], []).append(use)
        else:
            others.discard(use[2])  # so that its other uses are not looked at
            uses.pop(use[2], None)
    for several in uses.values():
        keys = {key for _, _, _, key in several}
        if keys & of_elements or not of_elements:
            for reader, place, _, key in several:
                if key in reached and key not in of_elements:
                    yield reader, place, _Unit(reduction.opcode, reached[key])


def _has_weight(key: Hashable) -> bool:
    """Return whether places are of equal use because the same parameter multiplies what is read there."""
    return isinstance(key, tuple) and key[-1] in ("left", "right") and type(key[2]) is int


def _reductions(program: Columns) -> list[_Reductions]:
    """The nodes that reduce, by how they do that. A sum reduces that adds up several nodes and does nothing else."""
    is_reducing = program.by_opcode(lambda primitive: primitive.reduces, False)
    by_opcode: dict[int, _Reductions] = {}
    for i in program.operations:
        opcode = program.opcodes[i]
        if not (is_reducing[opcode] or (opcode == SUM and _is_plain(program, i))):
            continue
        if len({program.opcodes[k] for k in program.operands_of(i)} - {PARAMETER}) == 1:
            reduction = by_opcode.setdefault(opcode, _Reductions(opcode, [], set()))
            reduction.nodes.append(i)
            reduction.elements.update(program.operands_of(i))
    return list(by_opcode.values())


def _is_plain(program: Columns, i: int) -> bool:
    start, count = program.starts[i], program.counts[i]
    if count < 2 or i in program.scalings:
        return False
    terms = range(start, start + count)
    only_adds = all(program.coefficients[n] == 1.0 and program.rights[n] == ABSENT for n in terms)
    in_one_slot = all(program.slots[n] == 0 for n in terms)
    return only_adds and (count == 2 or in_one_slot)  # two may be added in whatever order


def _vary_from_two(program: Columns, reduction: _Reductions) -> bool:
    """Return whether there are reductions of two elements, and of more."""
    lengths = {program.counts[i] for i in reduction.nodes}
    return 2 in lengths and len(lengths) > 1


def _uses(program: Columns, nodes: Set[int]) -> Iterator[Use]:
    """Yield the places where applications, and sums that do more than add them up, read some nodes.

    By which weight a sum multiplies them tells places apart: a node of a graph network reads itself and its neighbours.
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
                yield i, n - start, x, (opcode, c, y if y in parameters else y == ABSENT, "left")
            if y in nodes:
                yield i, count + n - start, y, (opcode, c, x if x in parameters else False, "right")


def _completed(program: ScalarProgram, replaced: dict[int, dict[int, _Unit]]) -> ScalarProgram:
    """The program in which some places read the reduction of one node instead of that node."""
    builder = Builder.like(program)
    new = [*range(program.interior.start), *[DROPPED] * len(program.interior)]
    units: dict[tuple[int, int], int] = {}
    reached: set[int] = set()

    def unit(x: int, wanted: _Unit) -> int:
        opcode = wanted.opcode
        if (x, opcode) not in units:
            one = Sum([1.0], [new[x]], [ABSENT], [0])
            units[x, opcode] = builder.sum(one) if opcode == SUM else builder.application(opcode, [new[x]])
        if wanted.is_reached:
            reached.add(units[x, opcode])
        return units[x, opcode]

    for i in program.interior:
        places = replaced.get(i)
        if places is None:
            new[i] = builder.copy(program, i, new)
        elif program.opcodes[i] == SUM:
            total = program.sum_of(i)
            count = len(total.lefts)
            read = [unit(x, places[n]) if n in places else new[x] for n, x in enumerate(total.lefts)]
            rights = renumbered(total, new).rights
            rights = [
                unit(y, places[count + n]) if count + n in places else rights[n] for n, y in enumerate(total.rights)
            ]
            new[i] = builder.sum(total._replace(lefts=read, rights=rights))
        else:
            operands = program.operands_of(i)
            read = [unit(x, places[n]) if n in places else new[x] for n, x in enumerate(operands)]
            new[i] = builder.application(program.opcodes[i], read)
    completed = builder.successor(program, new, range(len(program)))
    guards = completed.guards._replace(unreached=completed.guards.unreached.union(set(units.values()) - reached))
    return replace(completed, guards=guards)
