"""The compiler's passes in order, from a function's trace to an engine.

    scalars    fold constants, merge equal nodes, recognise idioms, collect sums, merge equal sums, add guards
    arrays     find loops, lift captured constants, split projections, recover arrays, divide axes, recognise softmax;
               or unroll; those from the simplified scalars again, aligned, if there are many operations for each level
    backward   differentiate

Each pass is a function from program to program, and its result is verified. The modules for arrays and for
straight-line code are imported on demand: a program needs only one of them, and importing both takes as long as
compiling a small network.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from autograd.compiler import cost, cost_of_layers, cost_of_loops
from autograd.compiler.arrays.loop import Loop, is_of_numbers, numbers_a_step
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.recovery import PASSES_OVER_ARRAYS, count_of_work, recovered
from autograd.compiler.scalars.depths import levels
from autograd.compiler.scalars.loops.repetition import may_recur
from autograd.compiler.scalars.passes import COLLECT, PREPARE_FOR_ARRAYS, PREPARE_LAYERS, SIMPLIFY
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.stages import PassRecord, PassRunner

if TYPE_CHECKING:
    from autograd.compiler.targets.straight_line.loops.engine import LoopPasses

WRT = "parameters", "arguments"
"""What programs are differentiated with respect to."""


class Lowered(NamedTuple):
    """A function as a program of arrays.

    Attributes:
        program: computes its values.
        is_unrolled: whether each operation computes one number per sample, since there is little parallel work.
        seeds: the number of differentiated results, which come first.
        unpadded: builds the same program without padding, if there is any, to run where padding gives inf or nan.
        single_numbers: the passes as instructions on single numbers, for loops with little work per step.
    """

    program: ArrayProgram
    is_unrolled: bool
    seeds: int
    unpadded: Callable[[], ArrayProgram] | None = None
    single_numbers: LoopPasses | None = None

    def at(self, places: Any) -> Lowered:
        """Return the same with the parameters at other places of their vector."""
        make = self.unpadded
        unpadded = None if make is None else lambda: make().with_parameters_at(places)
        return Lowered(self.program.with_parameters_at(places), self.is_unrolled, self.seeds, unpadded)

    def differentiated(self, wrt: str, runner: PassRunner) -> ArrayProgram:
        """Return the program that computes values and the gradients with respect to "parameters" or "arguments"."""
        differentiate = {"parameters": to_parameters, "arguments": to_arguments}[wrt]
        name = f"differentiate to {wrt}"
        program: ArrayProgram = runner.run(name, differentiate, self.program, self.seeds, self.is_unrolled)
        return program


def simplify(program: ScalarProgram, runner: PassRunner) -> ScalarProgram:
    """Return the fully simplified scalar program, as `stages["scalars"]` shows it."""
    return simplified(program, runner)[0]


class Origin(NamedTuple):
    """The programs that the fully simplified scalar program was made from.

    Attributes:
        trace: the operations that the function performed.
        elementary: the program before sums were collected.
    """

    trace: ScalarProgram
    elementary: ScalarProgram


def simplified(trace: ScalarProgram, runner: PassRunner) -> tuple[ScalarProgram, Origin]:
    """Return the fully simplified scalar program, and the programs that it was made from."""
    program = elementary = trace
    for name, run in SIMPLIFY:
        program = runner.run(name, run, program)
        elementary = elementary if program.lefts else program
    return program, Origin(trace, elementary)


def lower_trace(
    trace: ScalarProgram, arguments: Sequence[str], runner: PassRunner, indices: Collection[int] = ()
) -> tuple[ScalarProgram, Lowered]:
    """Return the simplified scalar program of a trace, with loops if it is long, and the program of array operations.

    The other arguments are those of `to_arrays`.
    """
    if not indices and cost_of_loops.worth_shortening(len(trace.interior)):
        from autograd.compiler.scalars.loops.shortened import find_long_loop

        attempt = PassRunner()
        looped = attempt.run("find a long loop", find_long_loop, trace)
        of_loop = _of_arrays(looped, arguments, indices, attempt) if looped and _worth_grouping(looped) else None
        if of_loop and (of_loop.single_numbers or not _have_little_work(_loops_of(of_loop.program))):
            runner.records += attempt.records
            return looped, of_loop
    scalars, origin = simplified(trace, runner)
    return scalars, to_arrays(scalars, arguments, runner, indices, origin)


def to_arrays(
    scalars: ScalarProgram,
    arguments: Sequence[str],
    runner: PassRunner,
    indices: Collection[int] = (),
    origin: Origin | None = None,
) -> Lowered:
    """Return the program of array operations, or the unrolled one if nearly every operation would be scalar.

    Args:
        arguments: the names of the function's arguments.
        indices: the numbers of those that are indices. A program with look-ups always becomes one of arrays.
        origin: of the scalars; it is searched for captured data and for grids.
    """
    attempt = PassRunner()
    looped = attempt.run("find loops", _with_loops, scalars, origin and origin.trace)
    of_grids = origin and _with_wavefronts(looped, scalars, origin.elementary, arguments, indices)
    if of_grids:
        lowered, records = of_grids
        runner.records += records
        return lowered
    depth = 0 if indices else levels(looped)
    if indices or _worth_grouping(looped, depth):
        of_loops = _of_arrays(looped, arguments, indices, attempt)
        if of_loops is not None and (indices or looped is scalars or _suits_loops(of_loops, scalars)):
            if depth and cost_of_layers.is_fragmented(count_of_work(of_loops.program), depth):
                of_loops, attempt = _with_layers(of_loops, attempt, scalars, arguments)
            runner.records += attempt.records
            return of_loops
    from autograd.compiler.recover.unrolled import lower_scalars

    unrolled = runner.run("unroll", lower_scalars, scalars, arguments)
    return Lowered(unrolled, True, scalars.differentiated)


def _of_arrays(
    looped: ScalarProgram,
    arguments: Sequence[str],
    indices: Collection[int],
    runner: PassRunner,
    aligned: bool = False,
) -> Lowered | None:
    """Return the program of array operations; None if it would have no wide arrays."""
    prepared = runner.run_all(PREPARE_LAYERS if aligned else PREPARE_FOR_ARRAYS, looped)
    program = runner.run("recover arrays", recovered, prepared, arguments, indices, True, aligned)
    if program is None:
        return None
    program = runner.run_all(PASSES_OVER_ARRAYS, program)
    unpadded = (
        partial(recovered, prepared, arguments, indices, padding=False, aligned=aligned) if program.padded else None
    )
    lowered = Lowered(program, False, looped.differentiated, unpadded)
    return lowered._replace(single_numbers=_on_single_numbers(lowered, runner))


def _with_layers(
    lowered: Lowered, runner: PassRunner, scalars: ScalarProgram, arguments: Sequence[str]
) -> tuple[Lowered, PassRunner]:
    """Return an aligned program and its passes if it has much fewer operations, else the given ones."""
    operations, depth = count_of_work(lowered.program), levels(scalars)
    if cost_of_layers.is_fragmented(operations, depth) and _worth_grouping(scalars, depth):
        attempt = PassRunner()
        aligned = _of_arrays(scalars, arguments, (), attempt, aligned=True)
        if aligned and cost_of_layers.worth_aligning(count_of_work(aligned.program), operations):
            return aligned, attempt
    return lowered, runner


def _with_loops(scalars: ScalarProgram, trace: ScalarProgram | None = None) -> ScalarProgram:
    """Return the program with repetitions turned into loops.

    Args:
        trace: the trace that the scalars were made from. If its steps read captured data, more of it may become loops.
    """
    if not may_recur(scalars):
        return scalars
    from autograd.compiler.scalars.loops.find import find_loops
    from autograd.compiler.scalars.loops.steps_alike import find_loops_of_trace

    if trace is None or not cost_of_loops.may_have_steps(trace.operation_count, levels(scalars)):
        return find_loops(scalars)
    return find_loops_of_trace(scalars, trace)


def _with_wavefronts(
    looped: ScalarProgram,
    scalars: ScalarProgram,
    elementary: ScalarProgram,
    arguments: Sequence[str],
    indices: Collection[int],
) -> tuple[Lowered, list[PassRecord]] | None:
    """Return a program whose grids are loops over their wavefronts, and its passes; None if there are no grids.

    The steps of these loops are padded and their derivatives are not guarded, so the program without them runs where
    they give inf or nan.
    """
    may_have_cells = cost_of_loops.may_have_steps(elementary.operation_count, levels(scalars))
    if not (may_have_cells and cost_of_loops.is_deep(levels(looped))):
        return None
    from autograd.compiler.scalars.grids.find import find_grids

    attempt = PassRunner()
    gridded = attempt.run("find grids", find_grids, elementary)
    if gridded is elementary:
        return None
    gridded = attempt.run("find loops", _with_loops, attempt.run_all(COLLECT, gridded))
    if not cost_of_loops.is_shallower(levels(gridded), levels(looped)):
        return None
    prepared = attempt.run_all(PREPARE_FOR_ARRAYS, gridded)
    program = attempt.run("recover arrays", recovered, prepared, arguments, indices)
    if program is None:
        return None
    program = attempt.run_all(PASSES_OVER_ARRAYS, program)

    def unpadded() -> ArrayProgram:
        from autograd.compiler.scalars.passes import run_passes

        prepared = run_passes(PREPARE_FOR_ARRAYS, looped)
        return cast("ArrayProgram", recovered(prepared, arguments, indices, padding=False, force=True))

    return Lowered(program, False, scalars.differentiated, unpadded), attempt.records


def _worth_grouping(scalars: ScalarProgram, depth: int | None = None) -> bool:
    """Return whether a program, of this many levels if they are known, may become array operations."""
    return cost.worth_grouping(
        levels(scalars) if depth is None else depth, len(scalars.operations) + len(scalars.lefts)
    )


def _suits_loops(lowered: Lowered, scalars: ScalarProgram) -> bool:
    """Return whether a program with loops is better than straight-line code.

    It is if the loops run on single numbers, if they have much work per step, or if the program would consist of array
    operations without loops, too.
    """
    from autograd.compiler.recover.groups import is_wide
    from autograd.compiler.recover.recover import recover
    from autograd.compiler.scalars.passes import run_passes

    if lowered.single_numbers is not None or not _have_little_work(_loops_of(lowered.program)):
        return True
    return _worth_grouping(scalars) and any(map(is_wide, recover(run_passes(PREPARE_FOR_ARRAYS, scalars)).groups))


def _loops_of(program: ArrayProgram) -> list[Loop]:
    return [operation.attribute for operation in program.operations if operation.kind == "loop"]


def _have_little_work(loops: Sequence[Loop]) -> bool:
    """Return whether loops may run on single numbers; loops that contain arrays always run on arrays."""
    return all(is_of_numbers(loop) and cost.worth_single_numbers(numbers_a_step(loop)) for loop in loops)


def _on_single_numbers(lowered: Lowered, runner: PassRunner) -> LoopPasses | None:
    """Return the passes of a program with loops as instructions on single numbers.

    None if it has no loops, or much work per step, or if it or a derivative has no such form.
    """
    loops = _loops_of(lowered.program)
    if not loops or not _have_little_work(loops):
        return None
    from autograd.compiler.targets.straight_line.block_builder import UnexpandableError
    from autograd.compiler.targets.straight_line.loops.engine import LoopPasses

    by_numbers, attempt = lowered._replace(is_unrolled=True), PassRunner()
    try:
        passes = LoopPasses(lowered.program, *[partial(by_numbers.differentiated, wrt, attempt) for wrt in WRT])
        for name in ("backward", "input_gradients"):
            passes.blocks(name)
    except UnexpandableError:
        return None
    runner.records += attempt.records
    return passes
