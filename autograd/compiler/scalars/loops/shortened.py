"""Find the loop of a long trace in two short ones.

All steps of an integrator do the same. If those in the middle read only the step before them and nodes that are the
same for all steps, and nothing else reads them, they can be left out: what remains computes the same with fewer steps.
So the passes run on a trace with few steps, and on one with one step more. If their programs differ only in one step
more of the loop, then the loop of the whole trace has as many more steps as were left out.
"""

from __future__ import annotations

from dataclasses import replace

from autograd.arrays import np
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.builder import DROPPED, Builder
from autograd.compiler.scalars.loops.operations import Operations, operations_of
from autograd.compiler.scalars.loops.periods import MOST_STEPS_BACK, runs
from autograd.compiler.scalars.loops.repeat import Repeat
from autograd.compiler.scalars.loops.steps_alike import find_loops_of_trace
from autograd.compiler.scalars.loops.stretches import Stretch, stretches_of
from autograd.compiler.scalars.passes import SIMPLIFY, run_passes
from autograd.compiler.scalars.program import ScalarProgram


def find_long_loop(trace: ScalarProgram) -> ScalarProgram | None:
    """Return the simplified program of a trace with its loop; None if the trace is short, or mostly something else.

    Args:
        trace: a program without sums and guards.
    """
    if not cost_of_loops.worth_shortening(len(trace)):
        return None
    operations = operations_of(trace)
    stretch = _longest_stretch(operations)
    if stretch is None or not _reads_only_states(stretch):
        return None
    programs = []
    for steps in (cost_of_loops.STEPS_OF_SHORTENED, cost_of_loops.STEPS_OF_SHORTENED + 1):
        shortened = _shortened(trace, operations, stretch, steps)
        if shortened is None:
            return None
        programs.append(find_loops_of_trace(run_passes(SIMPLIFY, shortened), shortened))
    short, longer = programs
    return _extrapolated(short, longer, stretch.steps - cost_of_loops.STEPS_OF_SHORTENED)


def _longest_stretch(operations: Operations) -> Stretch | None:
    """Return the stretch that is most of the operations, if there is one that is long enough."""
    for run in runs(operations, np.zeros(len(operations) + 1, dtype=bool)):
        if cost_of_loops.worth_extrapolating(run.stop - run.start, run.period, len(operations)):
            return next(iter(stretches_of(operations, run)), None)
    return None


def _reads_only_states(stretch: Stretch) -> bool:
    """Return whether all steps read the same nodes, beside results of steps before."""
    others = stretch.reads[:, stretch.producer < 0]
    return bool((others == others[0]).all())


def _shortened(trace: ScalarProgram, operations: Operations, stretch: Stretch, steps: int) -> ScalarProgram | None:
    """Return the trace with this many steps of a stretch; None if others are read from outside of it."""
    more = (stretch.steps - steps) * stretch.period
    first = stretch.start + steps // 2 * stretch.period
    stop, near = first + more, MOST_STEPS_BACK * stretch.period
    later = operations.places_read(stop, len(operations))
    if ((later >= first) & (later < stop - near)).any():
        return None
    nodes = operations.nodes.tolist()
    builder = Builder.like(trace)
    new = [*range(trace.interior.start), *[DROPPED] * len(trace.interior)]
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
    """Return a program with more steps in its loops; None if it has none, or if they read or write numbers by step.

    Args:
        longer: what must be the same program with one step more.
        more: the number of steps to add.
    """
    loops = [p for p in short.primitives if isinstance(p, Repeat)]
    if not loops or any(loop.read or loop.written for loop in loops) or _with_steps(short, 1) != longer:
        return None
    return _with_steps(short, more)


def _with_steps(program: ScalarProgram, more: int) -> ScalarProgram:
    """Return a program whose loops have more steps."""
    primitives = tuple(
        [Repeat(p.body, p.steps + more, p.rows, p.arrays) if isinstance(p, Repeat) else p for p in program.primitives]
    )
    return replace(program, primitives=primitives)
