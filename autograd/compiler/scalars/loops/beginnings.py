"""Constants that loops read before their states have values."""

from __future__ import annotations

from typing import NamedTuple

from autograd import primitives
from autograd.arrays import np
from autograd.compiler.scalars.loops.operations import Integers, Operations
from autograd.compiler.scalars.loops.recurrences import Levels, Recurrence
from autograd.compiler.scalars.loops.stretches import Stretch
from autograd.compiler.scalars.program import ScalarProgram

_ACCUMULATE = frozenset({primitives.add, primitives.sub, primitives.mul})


class Initial(NamedTuple):
    """A constant that an operation reads in place of a state.

    Attributes:
        reader: the node of the operation.
        place: the place of the operand.
        state: the operation of a step that computes the state.
        code: its code.
        steps_back: the number of steps before the first one.
        number: the constant's node.
    """

    reader: int
    place: int
    state: int
    code: int
    steps_back: int
    number: int


def initial_reads(trace: ScalarProgram, operations: Operations, levels: Levels) -> list[Initial]:
    """Return the constants that loops, and then the other operations of their steps, read in place of states.

    Loops may begin before the other operations.
    """
    stretch = levels.stretch
    places = stretch.start + np.arange(stretch.period) + stretch.period * np.arange(stretch.steps)[:, None]
    members: list[tuple[Recurrence | Stretch, Integers, list[int]]] = [
        (loop, loop.places, loop.members) for loop in levels.loops.values()
    ]
    every = [*members, (stretch, places, list(range(stretch.period)))]
    initial: list[Initial] = []
    for part, places, numbers in every:
        carried = np.flatnonzero(part.lag > 0).tolist()
        reader = np.repeat(np.arange(len(numbers)), np.diff(part.first))
        computes = operations.nodes[places[-1]].tolist()
        states = {
            int(part.producer[c])
            for c in carried
            if part.producer[c] != reader[c] or trace.primitive_of(computes[reader[c]]) not in _ACCUMULATE
        }
        for c in sorted(carried, key=lambda c: int(part.producer[c])):
            j, of = int(reader[c]), int(part.producer[c])
            for step in range(int(part.lag[c]) if of in states else 0):
                k = int(part.reads[step, c])
                if k in trace.constants:
                    i, place = int(operations.nodes[places[step, j]]), c - int(part.first[j])
                    code = int(operations.code[places[-1, of]])
                    initial.append(Initial(i, place, numbers[of], code, int(part.lag[c]) - step, k))
    return initial
