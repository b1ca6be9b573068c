"""Find the loop of a long trace in two short ones.

All steps of an integrator perform the same operations. If the steps in the middle read only the previous step and
nodes that all steps share, and nothing else reads them, they can be left out: the rest is the same computation with
fewer steps. So the passes run on a trace with few steps, and on a trace with one more step. If their programs differ
only in the number of the loop's steps, the loop of the whole trace has as many more steps as were left out.
"""

from __future__ import annotations

from dataclasses import replace

from autograd.arrays import np
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.builder import DROPPED, Builder, new_numbers
from autograd.compiler.scalars.depths import levels
from autograd.compiler.scalars.loops.complete import without_other_outputs
from autograd.compiler.scalars.loops.find import find_loops, looped_operations
from autograd.compiler.scalars.loops.operations import Integers, Operations, operations_of
from autograd.compiler.scalars.loops.periods import MOST_STEPS_BACK, runs_of
from autograd.compiler.scalars.loops.repeat import Repeat
from autograd.compiler.scalars.loops.steps_alike import find_loops_of_trace, with_equal_steps
from autograd.compiler.scalars.loops.stretches import Stretch, stretches_of
from autograd.compiler.scalars.nodes import APPLY
from autograd.compiler.scalars.passes import SIMPLIFY, run_passes
from autograd.compiler.scalars.program import ScalarProgram


def find_long_loop(trace: ScalarProgram) -> ScalarProgram | None:
    """Return the simplified program of a trace with its loops; None if the trace is short, or loops are not most of it.

    Args:
        trace: a program without sums and guards.
    """
    period = _period(trace)
    if not period:
        return None
    operations = operations_of(trace)
    longest = max(runs_of(operations, period), key=lambda run: run.stop - run.start, default=None)
    if longest is None or not cost_of_loops.worth_extrapolating(longest.stop - longest.start, period, len(operations)):
        return None
    stretch = next(iter(stretches_of(operations, longest)), None)
    looped = stretch and _found_in_short(trace, operations, stretch)
    return looped or _found_in_equal_steps(trace)


def _period(trace: ScalarProgram) -> int:
    """Estimate the period with which most operations of a trace repeat; return 0 if there is none."""
    keys = _keys(trace)
    size = len(keys)
    if not cost_of_loops.worth_shortening(size):
        return 0
    middle, tried = size // 2, 0
    for again in (middle + np.flatnonzero(keys[middle:] == keys[middle])).tolist()[1 : cost_of_loops.MOST_GLANCES]:
        period = again - middle
        end = min(max(2 * period, cost_of_loops.LEAST_ALIKE), size - again)
        if (keys[middle : middle + end] == keys[again : again + end]).all():
            changes = np.flatnonzero(keys[:-period] != keys[period:])
            spans = np.diff(np.concatenate([[-1], changes, [size - period]]))
            if cost_of_loops.worth_extrapolating(int(spans.max()), period, size):
                return period
            tried += 1
            if tried == cost_of_loops.MOST_PERIODS:
                break
    return 0


def _keys(trace: ScalarProgram) -> Integers:
    """Return a key of each operation, equal for equal primitives with the same total distance to their operands."""
    opcodes, counts = np.array(trace.opcodes, dtype=np.int64), np.array(trace.counts, dtype=np.int64)
    is_operation = opcodes >= APPLY
    place, operands = is_operation.cumsum() - 1, np.array(trace.operands, dtype=np.int64)
    ends = counts[is_operation].cumsum()
    reader = np.repeat(np.arange(len(ends)), counts[is_operation])
    distance = np.append(0, np.where(is_operation[operands], reader - place[operands], 0).cumsum())
    keys: Integers = opcodes[is_operation] + len(opcodes) * np.diff(np.append(0, distance[ends]))
    return keys


def _found_in_equal_steps(trace: ScalarProgram) -> ScalarProgram | None:
    """Return the program with loops whose steps read data; None if these are not most of it, or it may be a grid."""
    alike = with_equal_steps(trace)
    if alike is trace:
        return None
    simplified = run_passes(SIMPLIFY, alike)
    looped = without_other_outputs(find_loops(simplified), len(trace.outputs))
    enough = cost_of_loops.enough_looped(looped_operations(looped), len(simplified.operations))
    return looped if enough and not cost_of_loops.is_deep(levels(looped)) else None


def _found_in_short(trace: ScalarProgram, operations: Operations, stretch: Stretch) -> ScalarProgram | None:
    """Return the program with a loop whose steps read no data; None if there is no such loop."""
    if not _reads_only_states(stretch):
        return None
    programs = []
    for steps in (cost_of_loops.STEPS_OF_SHORTENED, cost_of_loops.STEPS_OF_SHORTENED + 1):
        shortened = _shortened(trace, operations, stretch, steps)
        if shortened is None:
            return None
        programs.append(find_loops_of_trace(run_passes(SIMPLIFY, shortened), shortened))
    short, longer = programs
    return _extrapolated(short, longer, stretch.steps - cost_of_loops.STEPS_OF_SHORTENED)


def _reads_only_states(stretch: Stretch) -> bool:
    """Return whether all steps read the same nodes, apart from results of earlier steps."""
    others = stretch.reads[:, stretch.producer < 0]
    return bool((others == others[0]).all())


def _shortened(trace: ScalarProgram, operations: Operations, stretch: Stretch, steps: int) -> ScalarProgram | None:
    """Return the trace with this many steps of a stretch; None if the other steps are read from outside of it."""
    more = (stretch.steps - steps) * stretch.period
    first = stretch.start + steps // 2 * stretch.period
    stop, near = first + more, MOST_STEPS_BACK * stretch.period
    later = operations.places_read(stop, len(operations))
    if ((later >= first) & (later < stop - near)).any():
        return None
    nodes = operations.nodes.tolist()
    builder = Builder.like(trace)
    new = new_numbers(trace)
    for i in trace.constants:
        new[i] = builder.constant(trace.constants[i])
    for i in nodes[:first]:
        new[i] = builder.copy(trace, i, new)
    for before, i in zip(nodes[first - near : first], nodes[stop - near : stop]):
        new[i] = new[before]
    for i in nodes[stop:]:
        new[i] = builder.copy(trace, i, new)
    if any(new[i] == DROPPED for i in trace.outputs):
        return None
    return builder.successor(trace, new, range(len(trace)))


def _extrapolated(short: ScalarProgram, longer: ScalarProgram, more: int) -> ScalarProgram | None:
    """Return a program with more steps in its loops; None if it has no loops, or they read or write numbers by step.

    Args:
        longer: the program with one more step, which must be equal otherwise.
        more: the number of steps to add.
    """
    loops = [p for p in short.primitives if isinstance(p, Repeat)]
    if not loops or any(loop.read or loop.written for loop in loops) or _with_steps(short, 1) != longer:
        return None
    return _with_steps(short, more)


def _with_steps(program: ScalarProgram, more: int) -> ScalarProgram:
    """Return a program whose loops have more steps."""
    primitives = tuple(
        [Repeat(p.body, p.steps + more, p.arrays) if isinstance(p, Repeat) else p for p in program.primitives]
    )
    return replace(program, primitives=primitives)
