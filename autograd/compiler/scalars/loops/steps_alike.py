"""Make the steps of a trace equal before it is simplified, and find its loops.

In a trace, all steps perform the same operations. Simplification may change some of them: the first, if a state begins
with zeros; one that reads a 1 among the data; the last, if only the loss reads its result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from autograd import primitives
from autograd.arrays import np
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.loops.complete import with_complete_steps, without_other_outputs
from autograd.compiler.scalars.loops.data import lift_data, may_read_data, steps_of
from autograd.compiler.scalars.loops.find import find_loops, looped_operations, loops_in, recurrences_of
from autograd.compiler.scalars.loops.operations import Operations
from autograd.compiler.scalars.loops.recurrences import Levels
from autograd.compiler.scalars.loops.repeat import RESULT
from autograd.compiler.scalars.loops.siblings import separate_siblings, siblings_of
from autograd.compiler.scalars.merge import uses
from autograd.compiler.scalars.passes import SIMPLIFY, run_passes
from autograd.compiler.scalars.program import ScalarProgram

_LINEAR = frozenset(
    {primitives.add, primitives.sub, primitives.neg, primitives.mul, primitives.div, primitives.dot, primitives.sum_}
)


def find_loops_of_trace(simplified: ScalarProgram, trace: ScalarProgram) -> ScalarProgram:
    """Return a program with loops: the simplified one, or the trace with equal steps if more of it becomes loops."""
    looped = None
    if not may_read_data(trace):
        looped = find_loops(simplified)
        if not _may_have_peeled(looped):
            return looped
    alike = with_equal_steps(trace)
    if alike is trace:
        return looped or find_loops(simplified)
    others = run_passes(SIMPLIFY, alike)
    looped_others = without_other_outputs(find_loops(others), len(trace.outputs))
    covered = looped_operations(looped_others)
    if looped is None and cost_of_loops.enough_looped(covered, len(others.operations)):
        return looped_others
    looped = looped or find_loops(simplified)
    return looped_others if covered > looped_operations(looped) else looped


def _may_have_peeled(program: ScalarProgram) -> bool:
    """Return whether at least as many operations as in a step are outside of loops."""
    loops = loops_in(program)
    outside = sum(program.primitive_of(i) is not RESULT for i in program.operations) - len(loops)
    return any(len(loop.body.operations) <= outside for loop in loops)


def with_equal_steps(trace: ScalarProgram) -> ScalarProgram:
    """Return the trace with its data in arrays, the same separate nodes in each step, and complete last steps.

    The trace itself, if it has none of these. The results of operations that last steps lack are further outputs.
    """
    operations, chosen = recurrences_of(trace)
    complete = with_complete_steps(trace, operations, chosen)
    if complete is not trace:
        trace = complete
        operations, chosen = recurrences_of(trace)
    siblings = siblings_of(trace, operations, chosen)
    separate = frozenset(_separate(trace, operations, chosen)) | separate_siblings(trace, siblings)
    marked = replace(trace, separate=separate) if separate else trace
    return lift_data(marked, operations, chosen, siblings)


def _separate(trace: ScalarProgram, operations: Operations, chosen: Sequence[Levels]) -> Iterator[int]:
    """Yield nodes that would become part of their only reader's sum, while those of most steps have several readers.

    For example, the state of the last step has no reader in a next step.
    """
    is_linear = np.array(trace.by_opcode(lambda primitive: primitive in _LINEAR, False))
    opcodes, readers = np.array(trace.opcodes), np.array(uses(trace))
    for _, places in steps_of(operations, chosen):
        nodes = operations.nodes[places]
        if is_linear[opcodes[nodes[0]]]:
            several = readers[nodes] > 1
            if 2 * several.sum() > len(nodes):
                yield from nodes[~several].tolist()
