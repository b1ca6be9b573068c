"""The body of a loop as a separate program, and the nodes that the loop reads of the enclosing program."""

from __future__ import annotations

from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import Guards
from autograd.compiler.scalars.loops.operations import Integers, Operations
from autograd.compiler.scalars.loops.recurrences import Recurrence
from autograd.compiler.scalars.nodes import ABSENT, SUM, Sum
from autograd.compiler.scalars.program import ScalarProgram

StateKey = tuple[int, tuple[int, ...]]
"""A member, and the nodes that provide its results for this many steps before the first one.

With one node, the state is the result of the previous step; with two, that of the step before it.
"""


class Part(NamedTuple):
    """Terms of a sum that do not read the loop, so that they are computed outside, for all steps.

    Attributes:
        operation: the member.
        terms: the places of the terms in the sum; they share a slot.
    """

    operation: int
    terms: list[int]


class Body:
    """The body of a recurrence, operation by operation.

    Args:
        split: whether terms of sums that do not read the loop are computed outside.

    Attributes:
        parts: the parts that are split off.
    """

    _builder: Builder
    _new: list[int]
    _constants: dict[int, int]

    def __init__(self, program: ScalarProgram, operations: Operations, recurrence: Recurrence, split: bool) -> None:
        self._program, self._loop = program, recurrence
        self._nodes = operations.nodes[recurrence.places[0]]
        self._members = range(len(recurrence.members))
        self._is_inside = recurrence.producer >= 0
        self._first = recurrence.reads[0].tolist()
        self._is_same = ~self._is_inside & (recurrence.reads == recurrence.reads[0]).all(axis=0)
        self.parts = self._parts() if split else []
        self._states: dict[StateKey, int] = {}
        self._read: dict[bytes, int] = {}
        self._read_columns: list[int] = []
        self._same: dict[int, int] = {}
        self._literals = program.literals
        self._in_parts = {(part.operation, n) for part in self.parts for n in part.terms}
        for j in self._members:
            for c in self._own_columns(j):
                self._add(c)
        self._states = {key: k for k, key in enumerate(sorted(self._states))}

    # Reads

    @property
    def states(self) -> list[StateKey]:
        """The states, in order."""
        return list(self._states)

    @property
    def read(self) -> Integers:
        """The nodes that are read by step, of shape (steps, numbers); parts come after them."""
        numbers: Integers = self._loop.reads[:, self._read_columns]
        return numbers

    @property
    def same(self) -> list[int]:
        """The loop-invariant nodes."""
        return list(self._same)

    def reads_outside(self) -> Integers:
        """Return the outer nodes that are read at any step, directly or by parts."""
        own = [c for j in self._members for c in self._loop.columns(j)]
        columns = np.array(own, dtype=np.int64)
        inside = columns[self._is_inside[columns]]
        initial = self._loop.reads[:, inside][np.arange(self._loop.steps)[:, None] < self._loop.lag[inside]]
        reads = np.concatenate([self._loop.reads[:, columns[~self._is_inside[columns]]].reshape(-1), initial])
        present: Integers = reads[reads != ABSENT]
        return present

    def _is_sum(self, j: int) -> bool:
        return self._program.opcodes[int(self._nodes[j])] == SUM

    def _own_columns(self, j: int) -> list[int]:
        """Return the columns of an operation, without those of parts."""
        columns = self._loop.columns(j)
        if not self._is_sum(j):
            return list(columns)
        count = len(columns) // 2
        return [c for k, c in enumerate(columns) if (j, k % count) not in self._in_parts]

    def _add(self, c: int) -> None:
        """Assign a number to the nodes that a column reads."""
        column, node = self._loop.reads[:, c], self._first[c]
        if node == ABSENT:
            return
        lag = int(self._loop.lag[c])
        if self._is_inside[c]:
            initial = tuple(column[:lag].tolist())
            for k in range(1, lag + 1):
                self._states.setdefault((int(self._loop.producer[c]), initial[lag - k :]), len(self._states))
        elif not self._is_same[c]:
            if self._read.setdefault(column.tobytes(), len(self._read)) == len(self._read_columns):
                self._read_columns.append(c)
        elif node not in self._literals:
            self._same.setdefault(node, len(self._same))

    def _parts(self) -> list[Part]:
        """Return the parts of sums to split off: products, or several terms, at least one of which differs by step."""
        parts = []
        for j in filter(self._is_sum, self._members):
            columns = self._loop.columns(j)
            total = self._program.sum_of(int(self._nodes[j]))
            count = len(columns) // 2
            for slot in dict.fromkeys(total.slots):
                outside = [
                    n
                    for n in range(count)
                    if total.slots[n] == slot
                    and not self._is_inside[columns[n]]
                    and (total.rights[n] == ABSENT or not self._is_inside[columns[count + n]])
                ]
                several = len(outside) > 1 or any(total.rights[n] != ABSENT for n in outside)
                factors = [c for n in outside for c in (columns[n], columns[count + n])]
                if several and not self._is_same[factors].all():
                    parts.append(Part(j, outside))
        return parts

    def part(self, part: Part, step: int) -> Sum:
        """Return the sum of a part at a step."""
        columns = self._loop.columns(part.operation)
        total = self._program.sum_of(int(self._nodes[part.operation]))
        reads = self._loop.reads[step, columns.start : columns.stop].tolist()
        count = len(reads) // 2
        return Sum(
            [total.coefficients[n] for n in part.terms],
            [reads[n] for n in part.terms],
            [reads[count + n] for n in part.terms],
            [0] * len(part.terms),
        )

    # The program

    def program(self, written: list[int]) -> ScalarProgram:
        """Return the body, which writes the results of these members."""
        program, guards = self._program, self._program.guards
        builder = self._builder = Builder(self._sizes, 0, program.primitives)
        new = self._new = []
        self._constants = {}
        labels: dict[int, str] = {}
        for j in self._members:
            node = int(self._nodes[j])
            if self._is_sum(j):
                new.append(builder.sum(self._sum(j)))
            else:
                operands = [self._number(c) for c in self._loop.columns(j)]
                new.append(builder.application(program.opcodes[node], operands))
            if node in program.labels:
                labels[new[j]] = program.labels[node]
        after = [new[q] if len(initial) == 1 else self._states[q, initial[1:]] for q, initial in self._states]
        for node, k in self._same.items():
            if node in program.labels:
                labels[self._sizes[0] + self._sizes[1] + k] = program.labels[node]
        choices = frozenset([new[j] for j in self._members if int(self._nodes[j]) in guards.choices])
        outputs = [*after, *(new[j] for j in written)]
        return builder.program(outputs, labels=labels, guards=Guards(choices=choices)).verify()

    @property
    def _sizes(self) -> tuple[int, int, int]:
        """Return the counts of states, of numbers read by step, and of invariant numbers."""
        return len(self._states), len(self._read) + len(self.parts), len(self._same)

    def _number(self, c: int) -> int:
        """Return the body's node for the nodes that a column reads."""
        column = self._loop.reads[:, c]
        node, lag = self._first[c], int(self._loop.lag[c])
        if node == ABSENT:
            return ABSENT
        if self._is_inside[c]:
            producer = int(self._loop.producer[c])
            return self._states[producer, tuple(column[:lag].tolist())] if lag else self._new[producer]
        if not self._is_same[c]:
            return self._sizes[0] + self._read[column.tobytes()]
        if node not in self._literals:
            return self._sizes[0] + self._sizes[1] + self._same[node]
        if node not in self._constants:
            self._constants[node] = self._builder.constant(self._literals[node])
        return self._constants[node]

    def _sum(self, j: int) -> Sum:
        """Return a sum in which numbers read by step replace parts."""
        part_at = {(part.operation, part.terms[-1]): k for k, part in enumerate(self.parts)}
        total, columns = self._program.sum_of(int(self._nodes[j])), self._loop.columns(j)
        count = len(columns) // 2
        terms: list[tuple[float, int, int, int]] = []
        for n, (c, slot) in enumerate(zip(total.coefficients, total.slots)):
            if (j, n) not in self._in_parts:
                terms.append((c, self._number(columns[n]), self._number(columns[count + n]), slot))
            elif (j, n) in part_at:
                terms.append((1.0, self._sizes[0] + len(self._read) + part_at[j, n], ABSENT, slot))
        coefficients, lefts, rights, slots = zip(*terms)
        return total._replace(coefficients=coefficients, lefts=lefts, rights=rights, slots=slots)
