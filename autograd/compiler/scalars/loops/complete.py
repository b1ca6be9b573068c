"""Complete the last step of a loop, if the trace lacks operations of it.

The loss reads only a part of what the last step computes: a Kalman filter's last update has no reader, so it is not in
the trace. With the missing operations, the last step is one of the loop's. Their results are outputs of the program
until its loops are known, and are never read.

Missing operations must not spoil a gradient with 0 · inf, so their derivatives are finite wherever they are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autograd import primitives
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.builder import Builder, new_numbers
from autograd.compiler.scalars.loops.later import NextStep
from autograd.compiler.scalars.loops.operations import Operations
from autograd.compiler.scalars.loops.recurrences import Levels, Recurrence
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import rewrite
from autograd.table import Slope

_LINEAR = frozenset({primitives.add, primitives.sub, primitives.neg, primitives.mul, primitives.dot, primitives.sum_})


class _LastStep(NextStep):
    """The step after loops, with the operations that it lacks.

    Attributes:
        missing: the opcodes and operands of these operations, which are numbered after the program's nodes.
    """

    def __init__(self, program: ScalarProgram, operations: Operations, loops: Sequence[Recurrence]) -> None:
        super().__init__(program, operations, loops)
        self.missing: list[tuple[int, list[int]]] = []
        divides = [i for i in program.operations if program.primitive_of(i) is primitives.div]
        self._divisors = {program.operands_of(i)[1] for i in divides}

    def operation_after(self, before: int, last: int, depth: int = 0) -> int | None:
        """Return the operation that follows two operations, a new one if the program has none."""
        row = self.row_after(before, last, depth)
        operation = None if row is None else self.like(last, row)
        if operation is not None or row is None:
            return operation
        operands = [k for k in row if k is not None]
        if len(operands) < len(row) or not self._is_finite(last, operands):
            return None
        self.missing.append((self._program.opcodes[last], operands))
        return len(self._program) + len(self.missing) - 1

    def _is_finite(self, last: int, operands: Sequence[int]) -> bool:
        """Return whether an operation like another has finite derivatives with respect to these operands."""
        primitive = self._program.primitive_of(last)
        if primitive is primitives.div:
            return operands[1] in self._divisors
        return primitive in _LINEAR or (primitive is not None and primitive.slope <= Slope.BOUNDED)

    def complete(self, members: Sequence[tuple[int, int]]) -> None:
        """Add the operations that follow those of the last two steps of a loop, if most of the step is there."""
        known, count = dict(self.next), len(self.missing)
        self.unknown.clear()
        nodes = [self.after(before, last) for before, last in members]
        there = sum(i is not None and i < len(self._program) for i in nodes)
        if None in nodes or not cost_of_loops.worth_completing(there, len(members)):
            self.next = known
            del self.missing[count:]


def with_complete_steps(trace: ScalarProgram, operations: Operations, chosen: Sequence[Levels]) -> ScalarProgram:
    """Return the trace with the operations that last steps of loops lack, whose results are outputs; or itself."""
    loops = [loop for levels in chosen for loop in levels.loops.values()]
    step = _LastStep(trace, operations, loops)
    for loop in loops:
        before, last = operations.nodes[loop.places[-2:]].tolist()
        step.complete(list(zip(before, last)))
    if not step.missing:
        return trace
    builder, new = Builder.like(trace), new_numbers(trace)
    for i in trace.interior:
        new[i] = builder.copy(trace, i, new)
    for opcode, operands in step.missing:
        new.append(builder.application(opcode, [new[k] for k in operands]))
    program = builder.successor(trace, new[: len(trace)], range(len(trace)))
    read = {k for _, operands in step.missing for k in operands}
    unread = [new[i] for i in range(len(trace), len(new)) if i not in read]
    # As if they had derivatives, so that they are guarded like the operations of the other steps.
    return replace(program, outputs=(*unread, *program.outputs), differentiated=len(unread) + program.differentiated)


def without_other_outputs(program: ScalarProgram, count: int) -> ScalarProgram:
    """Return a program with its last outputs alone."""
    others = len(program.outputs) - count
    if not others:
        return program
    few = replace(program, outputs=program.outputs[others:], differentiated=program.differentiated - others)
    return rewrite(few, range(len(program)))
