"""Lift the numbers that a trace reads step by step: a series that the function captures becomes constants in an array.

A function that captures its data as plain numbers has them as operands: as the subtrahend of `x - data[t]`, as a factor
of `u[t] * w`, as a divisor or an exponent. Among them can be any number, so also those that change nothing: a term times
0 that folding and the collecting of sums would leave out, a product with 1. Such a step would then be unlike the others.
So the data are told from the function's own literals in the trace, where all steps are alike: a number that is the same
at every step stays where it is, one that differs is an element of an array, which no pass simplifies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autograd import primitives
from autograd.arrays import np
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.builder import DROPPED, Builder
from autograd.compiler.scalars.loops.find import recurrences_of
from autograd.compiler.scalars.loops.operations import Integers, Operations
from autograd.compiler.scalars.loops.recurrences import Levels
from autograd.compiler.scalars.loops.stretches import Stretch
from autograd.compiler.scalars.nodes import APPLY
from autograd.compiler.scalars.program import ScalarProgram


_ACCUMULATE = frozenset({primitives.add, primitives.sub, primitives.mul})


class _Column(NamedTuple):
    """A number that an operation of a step reads, and that differs from step to step.

    Attributes:
        code: of the operation.
        place: which operand it is.
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
    """Columns side by side, which are elements of one array.

    Attributes:
        code: of the operations that read them.
        first: the first step.
        steps: the constants of each.
    """

    code: int
    first: int
    steps: list[tuple[int, ...]]


def lift_data(trace: ScalarProgram) -> ScalarProgram:
    """Let the numbers that differ from step to step, and those that states begin with, become elements of arrays.

    Args:
        trace: a program without sums.
    """
    if not _may_read_data(trace):
        return trace
    operations, chosen = recurrences_of(trace)
    builder = Builder.like(trace)
    columns = [column for levels in chosen for column in _columns(trace, operations, levels)]
    read, arrays = _constants(trace, builder, columns)
    for levels in chosen:
        arrays += _beginnings(trace, builder, operations, levels.stretch, read)
    if not arrays:
        return trace
    new = [*range(trace.interior.start), *[DROPPED] * len(trace.interior)]
    for i in trace.interior:
        if trace.opcodes[i] < APPLY:
            new[i] = builder.copy(trace, i, new)
        else:
            places = read.get(i, {})
            operands = [places.get(place, new[k]) for place, k in enumerate(trace.operands_of(i))]
            new[i] = builder.application(trace.opcodes[i], operands)
    return builder.successor(trace, new, range(len(trace)), constant_arrays=tuple(arrays))


def _may_read_data(trace: ScalarProgram) -> bool:
    """Return whether operations that may be those of steps read several numbers, or one sometimes, in the same place."""
    read: dict[tuple[int, int, int], set[int]] = {}
    count: dict[tuple[int, int], int] = {}
    often: dict[tuple[int, int, int], int] = {}
    constants = trace.constants
    for i in trace.operations:
        operands = trace.operands_of(i)
        kind = trace.opcodes[i], len(operands)
        count[kind] = count.get(kind, 0) + 1
        for place, k in enumerate(operands):
            if k in constants:
                key = *kind, place
                read.setdefault(key, set()).add(k)
                often[key] = often.get(key, 0) + 1
    return any(
        count[key[:2]] >= cost_of_loops.LEAST_STEPS and (len(numbers) > 1 or often[key] < count[key[:2]])
        for key, numbers in read.items()
    )


def _beginnings(
    trace: ScalarProgram, builder: Builder, operations: Operations, stretch: Stretch, read: dict[int, dict[int, int]]
) -> list[tuple[int, ...]]:
    """Add the constants that states begin with, and enter where they are read; return their arrays.

    A sum or a product of all steps, which begins with 0 or 1, is no state.
    """
    lag, producer = stretch.lag, stretch.producer
    reader = np.repeat(np.arange(stretch.period), np.diff(stretch.first))
    accumulated = operations.nodes[stretch.start : stretch.start + stretch.period]
    states = {
        int(producer[c])
        for c in np.flatnonzero(lag > 0).tolist()
        if producer[c] != reader[c] or trace.primitive_of(int(accumulated[reader[c]])) not in _ACCUMULATE
    }
    numbers: dict[tuple[int, int], dict[tuple[int, int], int]] = {}
    for c in sorted(np.flatnonzero(lag > 0).tolist(), key=lambda c: int(producer[c])):
        of = int(producer[c])
        for step in range(int(lag[c]) if of in states else 0):
            k = int(stretch.reads[step, c])
            if k in trace.constants:
                array = numbers.setdefault((int(operations.code[stretch.start + of]), int(lag[c]) - step), {})
                if (of, k) not in array:
                    array[of, k] = builder.constant(trace.constants[k])
                i = int(operations.nodes[stretch.start + step * stretch.period + reader[c]])
                read.setdefault(i, {})[c - int(stretch.first[reader[c]])] = array[of, k]
    return [tuple(array.values()) for array in numbers.values()]


def _columns(trace: ScalarProgram, operations: Operations, levels: Levels) -> Iterator[_Column]:
    """Yield the numbers that differ from step to step.

    An incomplete step before or behind the others has them as well, if it has an operation of the same code there. Those
    aside that only the first or the last step has otherwise: such a step differs in kind, and stays outside of the loop.
    """
    period, code = levels.stretch.period, operations.code
    start, stop = levels.stretch.start, levels.stop
    while start > 0 and code[start - 1] == code[start - 1 + period]:
        start -= 1
    while stop < len(code) and code[stop] == code[stop - period]:
        stop += 1
    for at in range(start, start + period):
        places: Integers = np.arange(at - period if at >= period else at, stop + period, period)
        places = places[places < len(operations)]
        places = places[code[places] == code[at]]
        readers = operations.nodes[places].tolist()
        for place, numbers in enumerate(zip(*map(trace.operands_of, readers))):
            inner = set(numbers[1:-1])
            if len(inner) > 1 and inner <= trace.constants.keys():
                begin, end = int(numbers[0] not in trace.constants), len(numbers) - (numbers[-1] not in trace.constants)
                first = (int(places[begin]) - start) // period
                yield _Column(int(code[at]), place, first, readers[begin:end], numbers[begin:end])


def _constants(
    trace: ScalarProgram, builder: Builder, columns: Sequence[_Column]
) -> tuple[dict[int, dict[int, int]], list[tuple[int, ...]]]:
    """Add the constants that operations read, by their places; return these, and their arrays, step by step.

    Equal columns are one.
    """
    together: dict[tuple[int, ...], dict[tuple[int, ...], list[_Column]]] = {}
    for column in columns:
        key = column.code, column.first, len(column.numbers)
        together.setdefault(key, {}).setdefault(column.numbers, []).append(column)
    several: list[_Series] = []
    read_by: list[tuple[int, int, list[list[_Column]]]] = []  # of each series by its number, from which step on
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
    """Return the step of another series at which one begins that is equal but for its ends; None where it is not.

    Operations of other kinds may read the same number a step earlier or later.
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
    """Return another series with the steps before and behind it that one has."""
    before = series.steps[: max(0, other.first - begin)]
    behind = series.steps[max(0, other.first + len(other.steps) - begin) :]
    return other._replace(first=min(begin, other.first), steps=[*before, *other.steps, *behind])
