"""Lift the numbers of sums that differ from step to step: they become constants that each step reads.

A function that captures its data as plain numbers has them in its sums: as the constant of `x - data[t]`, as the
coefficient of `u[t] * w`, as the factor or divisor of `(x + y) / n[t]`. As elements of arrays they are data that a loop
reads by step. Numbers that are the same at every step stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from autograd import primitives
from autograd.arrays import np
from autograd.compiler.scalars.builder import DROPPED, Builder, renumbered
from autograd.compiler.scalars.loops.operations import Integers, Operations
from autograd.compiler.scalars.loops.recurrences import Levels
from autograd.compiler.scalars.nodes import ABSENT, NOTHING, Sum
from autograd.compiler.scalars.program import ScalarProgram

_CONSTANT, _FACTOR, _DIVISOR = -3, -2, -1
"""Places of these numbers of a sum, behind its coefficients."""

_Places = dict[int, int]
"""Of numbers of a sum, by their places, the constants that are read instead."""


class _Column(NamedTuple):
    """A number of a sum that differs from step to step.

    Attributes:
        array: numbers for which this is equal are elements of one array.
        place: the place among the numbers of the sum.
        nodes: the sums, step by step.
        numbers: of each.
    """

    array: tuple[int, ...]
    place: int
    nodes: list[int]
    numbers: tuple[float, ...]


def with_numbers_by_step(program: ScalarProgram, operations: Operations, chosen: Sequence[Levels]) -> ScalarProgram:
    """Return the program in which sums read the numbers that differ by step.

    Args:
        operations: of the program, compared whatever the numbers of sums.
        chosen: the loops that they would be.
    """
    columns = [
        column
        for levels in chosen
        for code, first, nodes in _alike(operations, levels)
        if program.is_sum(nodes[0])
        for column in _differing(program, (code, first, len(nodes)), nodes)
    ]
    if not columns:
        return program
    builder = Builder.like(program)
    read, arrays = _constants(builder, columns)
    new = [*range(program.interior.start), *[DROPPED] * len(program.interior)]
    for i in program.interior:
        if i in read:
            new[i] = _with_operands(builder, renumbered(program.sum_of(i), new), read[i])
        else:
            new[i] = builder.copy(program, i, new)
    before = [tuple([new[i] for i in nodes]) for nodes in program.constant_arrays]
    return builder.successor(program, new, range(len(program)), constant_arrays=(*before, *arrays))


def _alike(operations: Operations, levels: Levels) -> Iterator[tuple[int, int, list[int]]]:
    """Yield of each operation of a step its code, the first step that has it, and its nodes, step by step.

    Incomplete steps before and behind the others have it as well, if they have an operation of its code there.
    """
    start, period = levels.stretch.start, levels.stretch.period
    for at in range(start, start + period):
        places: Integers = np.arange(at % period if at < 2 * period else at - period, levels.stop + period, period)
        places = places[places < len(operations)]
        alike = operations.code[places] == operations.code[at]
        first = int((places[alike][0] - start) // period)
        yield int(operations.code[at]), first, operations.nodes[places[alike]].tolist()


def _differing(program: ScalarProgram, key: tuple[int, ...], nodes: list[int]) -> Iterator[_Column]:
    """Yield the numbers of sums that differ; those aside that only the first or the last step has otherwise.

    Such a step differs in kind, and stays outside of the loop.
    """
    sums = [program.sum_of(i) for i in nodes]
    rows = [(*total.coefficients, total.constant, total.factor, total.divisor) for total in sums]
    terms = len(sums[0].lefts)
    for n, numbers in enumerate(zip(*rows)):
        if len(set(map(float.hex, numbers[1:-1]))) > 1:
            place = n if n < terms else n - len(rows[0])
            yield _Column((*key, min(place, 0)), place, nodes, numbers)


def _constants(builder: Builder, columns: Sequence[_Column]) -> tuple[dict[int, _Places], list[tuple[int, ...]]]:
    """Add the constants that sums read; return these, and their arrays, step by step. Equal columns are one."""
    together: dict[tuple[int, ...], dict[tuple[float, ...], list[_Column]]] = {}
    for column in columns:
        together.setdefault(column.array, {}).setdefault(column.numbers, []).append(column)
    read: dict[int, _Places] = {}
    arrays: list[tuple[int, ...]] = []
    for distinct in together.values():
        array = [builder.constant(x) for step in zip(*distinct) for x in step]
        arrays.append(tuple(array))
        for n, equal in enumerate(distinct.values()):
            for column in equal:
                for i, constant in zip(column.nodes, array[n :: len(distinct)]):
                    read.setdefault(i, {})[column.place] = constant
    return read, arrays


def _with_operands(builder: Builder, total: Sum, read: Mapping[int, int]) -> int:
    """Add a sum that reads some of its numbers; it rounds as before."""
    coefficients, slots = list(total.coefficients), list(total.slots)
    lefts, rights = list(total.lefts), list(total.rights)
    for n in filter(range(len(lefts)).__contains__, read):
        coefficients[n] = 1.0
        if rights[n] == ABSENT:
            rights[n] = read[n]
        else:
            lefts[n] = builder.sum(Sum([1.0], [lefts[n]], [read[n]], [0]))
    if _CONSTANT in read:
        leads = total.leads
        at = 0 if leads else len(slots)
        slots = [0, *(slot + 1 for slot in slots)] if leads else [*slots, max(slots) + 1]
        coefficients.insert(at, 1.0)
        lefts.insert(at, read[_CONSTANT])
        rights.insert(at, ABSENT)
        total = total._replace(constant=NOTHING, leads=False)
    total = total._replace(coefficients=coefficients, lefts=lefts, rights=rights, slots=slots)
    if _FACTOR not in read and _DIVISOR not in read:
        return builder.sum(total)
    node = builder.sum(total._replace(factor=1.0 if _FACTOR in read else total.factor, divisor=1.0))
    if _FACTOR in read:
        node = builder.sum(Sum([1.0], [node], [read[_FACTOR]], [0]))
    if _DIVISOR in read:
        return builder.application(builder.opcode(primitives.div), [node, read[_DIVISOR]])
    return node if total.divisor == 1.0 else builder.sum(Sum([1.0], [node], [ABSENT], [0], divisor=total.divisor))
