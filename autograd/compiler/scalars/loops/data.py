"""Lift the numbers that a trace reads step by step: captured data become elements of constant arrays.

A function that captures its data as plain numbers has them as operands: as the subtrahend of `x - data[t]`, as a factor
of `u[t] * w`, as a divisor or an exponent. Folding or collecting sums would simplify operations on some of them, such
as a product with 0 or 1, and these steps would then differ from the others. So data are distinguished from the
function's own literals in the trace, where all steps are equal: a number that is the same at every step stays a
literal; one that differs becomes an element of an array, which no pass simplifies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.builder import Builder, new_numbers
from autograd.compiler.scalars.loops.beginnings import initial_reads
from autograd.compiler.scalars.loops.operations import Integers, Operations
from autograd.compiler.scalars.loops.recurrences import Levels
from autograd.compiler.scalars.loops.siblings import Number, Siblings, numbers_among_nodes
from autograd.compiler.scalars.nodes import APPLY
from autograd.compiler.scalars.program import ScalarProgram


class _Column(NamedTuple):
    """An operand that is a constant at every step, but not always the same one.

    Attributes:
        code: the code of the operation.
        place: the place of the operand.
        first: the first step.
        readers: the operations, step by step.
        numbers: the constants that they read.
    """

    code: int
    place: int
    first: int
    readers: list[int]
    numbers: tuple[int, ...]


class _Series(NamedTuple):
    """Adjacent columns, which become one array.

    Attributes:
        code: the code of the operations that read them.
        first: the first step.
        steps: the constants of each step.
    """

    code: int
    first: int
    steps: list[tuple[int, ...]]


def lift_data(
    trace: ScalarProgram, operations: Operations, chosen: Sequence[Levels], several: Sequence[Siblings] = ()
) -> ScalarProgram:
    """Return the trace in which numbers that differ by step, and initial values of states, are elements of arrays.

    Args:
        trace: a program without sums.
        operations: its operations.
        chosen: the loops of these.
        several: operations of one step that form arrays.
    """
    builder = Builder.like(trace)
    columns = list(_columns(trace, operations, chosen))
    read, arrays = _constants(trace, builder, columns)
    for levels in chosen:
        arrays += _beginnings(trace, builder, operations, levels, read)
    for siblings in several:
        arrays += _among_nodes(trace, builder, numbers_among_nodes(trace, siblings), read)
    if not arrays:
        return trace
    new = new_numbers(trace)
    for i in trace.interior:
        if trace.opcodes[i] < APPLY:
            new[i] = builder.copy(trace, i, new)
        else:
            places = read.get(i, {})
            operands = [places.get(place, new[k]) for place, k in enumerate(trace.operands_of(i))]
            new[i] = builder.application(trace.opcodes[i], operands)
    return builder.successor(trace, new, range(len(trace)), constant_arrays=tuple(arrays))


def _among_nodes(
    trace: ScalarProgram, builder: Builder, several: Iterable[Sequence[Number]], read: dict[int, dict[int, int]]
) -> list[tuple[int, ...]]:
    """Add numbers that siblings read where others read nodes, and record where they are read; return the arrays."""
    arrays = []
    for numbers in several:
        array = []
        for number in numbers:
            readers = [i for i in number.readers if number.place not in read.get(i, ())]
            if readers:
                array.append(builder.constant(trace.constants[number.node]))
                for i in readers:
                    read.setdefault(i, {})[number.place] = array[-1]
        arrays.append(tuple(array))
    return [array for array in arrays if array]


def may_read_data(trace: ScalarProgram) -> bool:
    """Return whether some operations, possibly those of steps, read several numbers in one place, or one only rarely.

    A number that many of them read is a literal; one that few read may be what a state begins with.
    """
    count: dict[tuple[int, int], int] = {}
    often: dict[tuple[int, int, int], int] = {}
    number: dict[tuple[int, int, int], int] = {}
    several: set[tuple[int, int, int]] = set()
    constants = trace.constants
    opcodes, starts, counts, operands = trace.opcodes, trace.starts, trace.counts, trace.operands
    for i in trace.operations:
        kind = opcodes[i], counts[i]
        count[kind] = count.get(kind, 0) + 1
        for place, k in enumerate(operands[starts[i] : starts[i] + counts[i]]):
            if k in constants:
                key = *kind, place
                often[key] = often.get(key, 0) + 1
                if number.setdefault(key, k) != k:
                    several.add(key)
    least = cost_of_loops.LEAST_STEPS
    return any(count[key[:2]] >= least and (key in several or least * n <= count[key[:2]]) for key, n in often.items())


def _beginnings(
    trace: ScalarProgram, builder: Builder, operations: Operations, levels: Levels, read: dict[int, dict[int, int]]
) -> list[tuple[int, ...]]:
    """Add the constants that states begin with, and record where they are read; return their arrays.

    A sum or product over all steps, which begins with 0 or 1, is not a state.
    """
    numbers: dict[tuple[int, int], dict[tuple[int, int], int]] = {}
    for initial in initial_reads(trace, operations, levels):
        places = read.setdefault(initial.reader, {})
        if initial.place not in places:
            array = numbers.setdefault((initial.code, initial.steps_back), {})
            key = initial.state, initial.number
            if key not in array:
                array[key] = builder.constant(trace.constants[initial.number])
            places[initial.place] = array[key]
    return [tuple(array.values()) for array in numbers.values()]


def steps_of(operations: Operations, chosen: Sequence[Levels]) -> Iterator[tuple[int, Integers]]:
    """Yield, for each operation of a step of each loop, the first step that has it, and its places step by step.

    An incomplete step before or after the others has it if an operation with the same code lies there, outside of the
    other loops: the last step of one layer is not the first one of the next. There is none if the loop has a complete
    step elsewhere.
    """
    code = operations.code
    owner = np.full(len(operations), -1)
    for n, levels in enumerate(chosen):
        owner[levels.stretch.start : levels.stop] = n
    for n, levels in enumerate(chosen):
        period, start, stop = levels.stretch.period, levels.stretch.start, levels.stop
        loops = levels.loops.values()
        begins, ends = (
            not any((loop.places[k + 1] - loop.places[k] != period).any() for loop in loops) for k in (0, -2)
        )
        while begins and start > 0 and owner[start - 1] < 0 and code[start - 1] == code[start - 1 + period]:
            start -= 1
        while ends and stop < len(code) and owner[stop] < 0 and code[stop] == code[stop - period]:
            stop += 1
        of_loops = {j: places for loop in loops for j, places in zip(loop.members, loop.places.T)}
        for at in range(start, start + period):
            first = at - period if begins and at >= period else at
            places: Integers = np.arange(first, stop + period if ends else stop, period)
            places = places[places < len(operations)]
            places = places[(code[places] == code[at]) & ((owner[places] < 0) | (owner[places] == n))]
            of_loop = of_loops.get((at - levels.stretch.start) % period, places)
            places = np.unique(np.concatenate([places, of_loop]))
            before = int((places < first).sum())
            yield (int(places[before]) - start) // period - before, places


def _columns(trace: ScalarProgram, operations: Operations, chosen: Sequence[Levels]) -> Iterator[_Column]:
    """Yield the numbers that differ from step to step.

    A number that differs only in the first or the last step is not one of them: that step stays outside of the loop.
    """
    for first_step, places in steps_of(operations, chosen):
        readers = operations.nodes[places].tolist()
        for place, numbers in enumerate(zip(*map(trace.operands_of, readers))):
            inner = set(numbers[1:-1])
            if len(inner) > 1 and inner <= trace.constants.keys():
                begin, end = int(numbers[0] not in trace.constants), len(numbers) - (numbers[-1] not in trace.constants)
                code = int(operations.code[places[0]])
                yield _Column(code, place, first_step + begin, readers[begin:end], numbers[begin:end])


def _constants(
    trace: ScalarProgram, builder: Builder, columns: Sequence[_Column]
) -> tuple[dict[int, dict[int, int]], list[tuple[int, ...]]]:
    """Add the constants of columns; return which constant each operation reads at which place, and the arrays.

    Equal columns share their constants.
    """
    together: dict[tuple[int, ...], dict[tuple[int, ...], list[_Column]]] = {}
    for column in columns:
        key = column.code, column.first, len(column.numbers)
        together.setdefault(key, {}).setdefault(column.numbers, []).append(column)
    several: list[_Series] = []
    read_by: list[tuple[int, int, list[list[_Column]]]] = []  # the number of a series, its first step, its columns
    for (code, first, _), distinct in together.items():
        series = _Series(code, first, list(zip(*distinct)))
        for n, other in enumerate(several):
            begin = _begin(series, other)
            if begin is not None:
                several[n] = _joined(series, begin, other)
                break
        else:
            n, begin = len(several), first
            several.append(series)
        read_by.append((n, begin, list(distinct.values())))
    new = [[[builder.constant(trace.constants[k]) for k in step] for step in series.steps] for series in several]
    read: dict[int, dict[int, int]] = {}
    for n, begin, readers in read_by:
        for k, equal in enumerate(readers):
            for column in equal:
                for i, step in zip(column.readers, new[n][begin - several[n].first :]):
                    read.setdefault(i, {})[column.place] = step[k]
    return read, [tuple([i for step in steps for i in step]) for steps in new]


def _begin(series: _Series, other: _Series) -> int | None:
    """Return the step at which a series begins, if it equals another one up to its ends; None otherwise.

    Operations of another kind may read the same number one step earlier or later.
    """
    for shift in (0, 1, -1) if series.code != other.code else (0,):
        begin = series.first + shift
        first, stop = max(begin, other.first), min(begin + len(series.steps), other.first + len(other.steps))
        if stop - first < max(len(series.steps), len(other.steps)) - 2:
            continue
        if series.steps[first - begin : stop - begin] == other.steps[first - other.first : stop - other.first]:
            return begin
    return None


def _joined(series: _Series, begin: int, other: _Series) -> _Series:
    """Return another series, extended by the steps that one has before and after it."""
    before = series.steps[: max(0, other.first - begin)]
    behind = series.steps[max(0, other.first + len(other.steps) - begin) :]
    return other._replace(first=min(begin, other.first), steps=[*before, *other.steps, *behind])
