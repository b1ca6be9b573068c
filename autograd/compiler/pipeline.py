"""The compiler's passes, in their order: from the trace of a function to what a target runs.

    scalars    fold constants, merge equal nodes, recognise idioms, collect sums, merge equal sums, add guards
    arrays     find loops, lift captured constants, split projections, recover arrays, divide axes, recognise softmax;
               or unroll
    backward   differentiate

Each pass is a function from program to program, and what it returns is verified. What makes arrays and what makes
straight lines are imported when they are needed: a program needs one of them, and importing both takes as long as
compiling a small network.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.loop import Loop, is_of_numbers, numbers_a_step
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.scalars.depths import levels
from autograd.compiler.scalars.passes import PREPARE_FOR_ARRAYS, SIMPLIFY
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.stages import PassRunner

if TYPE_CHECKING:
    from autograd.compiler.targets.numpy_run import NumpyEngine
    from autograd.compiler.targets.straight_line.engine import StraightLineEngine
    from autograd.compiler.targets.straight_line.loop_engine import LoopEngine

Engine: TypeAlias = "NumpyEngine | StraightLineEngine | LoopEngine"

_WRT = "parameters", "arguments"


class Lowered(NamedTuple):
    """A function as a program of arrays.

    Attributes:
        program: of its values.
        is_unrolled: whether each operation computes one number a sample, since there is little to do side by side.
        seeds: how many of its results, from the first on, have derivatives.
        unpadded: makes the same without padding, if there is any; where a padded program gives inf or nan, the other
            one says what the graph gives.
    """

    program: ArrayProgram
    is_unrolled: bool
    seeds: int
    unpadded: Callable[[], ArrayProgram] | None = None

    def at(self, places: Any) -> Lowered:
        """Return the same with each parameter at another place of their vector."""
        make = self.unpadded
        unpadded = None if make is None else lambda: make().with_parameters_at(places)
        return self._replace(program=self.program.with_parameters_at(places), unpadded=unpadded)

    def differentiated(self, wrt: str, runner: PassRunner) -> ArrayProgram:
        """Return the program of values and gradients, with respect to "parameters" or "arguments"."""
        differentiate = {"parameters": to_parameters, "arguments": to_arguments}[wrt]
        name = f"differentiate to {wrt}"
        program: ArrayProgram = runner.run(name, differentiate, self.program, self.seeds, self.is_unrolled)
        return program


def simplify(program: ScalarProgram, runner: PassRunner) -> ScalarProgram:
    """Return the simplest program of scalars: what `stages["scalars"]` shows."""
    simplified: ScalarProgram = runner.run_all(SIMPLIFY, program)
    return simplified


def to_arrays(
    scalars: ScalarProgram, arguments: Sequence[str], runner: PassRunner, indices: Collection[int] = ()
) -> Lowered:
    """Return the program of array operations; the unrolled one, if nearly every operation would be of one number.

    Args:
        arguments: the names of the function's arguments.
        indices: the numbers of those that are indices. A program that looks up is one of arrays.
    """
    attempt = PassRunner()
    looped = attempt.run("find loops", _with_loops, scalars)
    if indices or _worth_grouping(looped):
        prepared = attempt.run_all(PREPARE_FOR_ARRAYS, looped)
        program = attempt.run("recover arrays", _recovered, prepared, arguments, indices)
        if program is not None and (indices or looped is scalars or _suits_loops(program, scalars)):
            runner.records += attempt.records
            for name, of_arrays in _PASSES_OVER_ARRAYS:
                program = runner.run(name, of_arrays, program)
            unpadded = partial(_recovered, prepared, arguments, indices, padding=False) if program.padded else None
            return Lowered(program, False, scalars.differentiated, unpadded)
    from autograd.compiler.recover.unrolled import lower_scalars

    unrolled = runner.run("unroll", lower_scalars, scalars, arguments)
    return Lowered(unrolled, True, scalars.differentiated)


def _with_loops(scalars: ScalarProgram) -> ScalarProgram:
    """Return the program in which what repeats is a loop."""
    from autograd.compiler.scalars.loops.find import find_loops

    return find_loops(scalars)


def _worth_grouping(scalars: ScalarProgram) -> bool:
    """Return whether a program may become array operations."""
    return cost.worth_grouping(levels(scalars), len(scalars.operations) + len(scalars.lefts))


def _suits_loops(program: ArrayProgram, scalars: ScalarProgram) -> bool:
    """Return whether a program with loops is better than straight lines.

    It is where it would be one of arrays without its loops, and where its loops run on single numbers.
    """
    from autograd.compiler.recover.groups import is_wide
    from autograd.compiler.recover.recover import recover
    from autograd.compiler.scalars.passes import run_passes

    if not all(map(_has_little_work, _loops_of(program))) or _runs_on_single_numbers(program, scalars.differentiated):
        return True
    return _worth_grouping(scalars) and any(map(is_wide, recover(run_passes(PREPARE_FOR_ARRAYS, scalars)).groups))


def _loops_of(program: ArrayProgram) -> list[Loop]:
    return [operation.attribute for operation in program.operations if operation.kind == "loop"]


def _has_little_work(loop: Loop) -> bool:
    """Return whether a loop runs on single numbers: what has arrays in it is written with arrays, at every length."""
    return is_of_numbers(loop) and cost.worth_single_numbers(numbers_a_step(loop))


def _runs_on_single_numbers(program: ArrayProgram, seeds: int) -> bool:
    """Return whether a program of loops, and its derivatives, can be written as instructions on single numbers."""
    from autograd.compiler.targets.straight_line.block_builder import UnexpandableError
    from autograd.compiler.targets.straight_line.loop_engine import LoopPasses

    derivatives = [partial(differentiate, program, seeds, True) for differentiate in (to_parameters, to_arguments)]
    try:
        passes = LoopPasses(program, *derivatives)
        for name in ("forward", "backward", "input_gradients"):
            passes.blocks(name)
    except UnexpandableError:
        return False
    return True


def engine_for(lowered: Lowered, parameters: int, dtype: np.dtype[Any], name: str, runner: PassRunner) -> Engine:
    """Return what runs a program.

    Args:
        parameters: how many there are.
        dtype: of the numbers computed with.
        name: of the function, for tracebacks.
        runner: of the passes that the engine still needs; what it does not need at once is made when it is asked for.
    """
    backward, input_gradients = (partial(lowered.differentiated, wrt, runner) for wrt in _WRT)
    if lowered.is_unrolled:
        from autograd.compiler.targets.straight_line.engine import StraightLineEngine

        return StraightLineEngine(lowered.program, backward, input_gradients, lowered.seeds, dtype, name)
    if lowered.unpadded is None and (engine := _on_single_numbers(lowered, parameters, dtype, name, runner)):
        return engine
    from autograd.compiler.targets.numpy_run import NumpyEngine

    def unpadded() -> NumpyEngine:
        assert lowered.unpadded is not None
        other = lowered._replace(program=lowered.unpadded(), unpadded=None)
        to_parameters, to_arguments = (partial(other.differentiated, wrt, PassRunner()) for wrt in _WRT)
        return NumpyEngine(to_parameters(), to_arguments, dtype, name, parameters)

    again = unpadded if lowered.unpadded else None
    return NumpyEngine(backward(), input_gradients, dtype, name, parameters, again, runner)


def _on_single_numbers(
    lowered: Lowered, parameters: int, dtype: np.dtype[Any], name: str, runner: PassRunner
) -> LoopEngine | None:
    """Return what runs a program with loops number by number; None where it has none, or much work at each step."""
    loops = _loops_of(lowered.program)
    if not loops or not all(map(_has_little_work, loops)):
        return None
    if not _runs_on_single_numbers(lowered.program, lowered.seeds):
        return None
    from autograd.compiler.targets.straight_line.loop_engine import LoopEngine

    by_numbers = lowered._replace(is_unrolled=True)
    backward, input_gradients = (partial(by_numbers.differentiated, wrt, runner) for wrt in _WRT)
    return LoopEngine(lowered.program, backward, input_gradients, dtype, name, parameters)


def _recovered(scalars: ScalarProgram, arguments: Sequence[str], indices: Collection[int], padding: bool = True) -> Any:
    """Return the array program that the scalars spell out; None where it has no arrays worth the name."""
    from autograd.compiler.recover.groups import is_wide
    from autograd.compiler.recover.lower import lower
    from autograd.compiler.recover.recover import recover

    grouping = recover(scalars, padding)
    worthwhile = indices or not grouping.groups or any(map(is_wide, grouping.groups))
    return lower(grouping, arguments, indices) if worthwhile else None


def _divided(program: ArrayProgram) -> ArrayProgram:
    """Return the array program with the axes that its operations read."""
    from autograd.compiler.axes.rewrite import with_axes

    return with_axes(program)


def _with_softmax(program: ArrayProgram) -> ArrayProgram:
    """Return the array program with softmax as an operation."""
    from autograd.compiler.arrays.softmax import with_softmax

    return with_softmax(program)


_PASSES_OVER_ARRAYS = (("divide axes", _divided), ("recognise softmax", _with_softmax))
