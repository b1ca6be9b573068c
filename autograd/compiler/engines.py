"""Choose the engine that runs a program, imported on demand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from autograd.arrays import np
from autograd.compiler.pipeline import WRT, Lowered
from autograd.compiler.stages import PassRunner

if TYPE_CHECKING:
    from autograd.compiler.targets.numpy_run import NumpyEngine
    from autograd.compiler.targets.straight_line.engine import StraightLineEngine
    from autograd.compiler.targets.straight_line.loops.engine import LoopEngine

Engine: TypeAlias = "NumpyEngine | StraightLineEngine | LoopEngine"


def engine_for(lowered: Lowered, parameters: int, dtype: np.dtype[Any], name: str, runner: PassRunner) -> Engine:
    """Return the engine that runs a program.

    Args:
        parameters: the number of parameters.
        dtype: the dtype of all computations.
        name: the function's name, for tracebacks.
        runner: runs the remaining passes, which the engine requests on demand.
    """
    backward, input_gradients = (partial(lowered.differentiated, wrt, runner) for wrt in WRT)
    if lowered.is_unrolled:
        from autograd.compiler.targets.straight_line.engine import StraightLineEngine

        return StraightLineEngine(lowered.program, backward, input_gradients, lowered.seeds, dtype, name)
    if lowered.single_numbers is not None and lowered.unpadded is None:
        from autograd.compiler.targets.straight_line.loops.engine import LoopEngine

        return LoopEngine(lowered.single_numbers, dtype, name, parameters)
    from autograd.compiler.targets.numpy_run import NumpyEngine

    def unpadded() -> NumpyEngine:
        assert lowered.unpadded is not None
        other = lowered._replace(program=lowered.unpadded(), unpadded=None)
        to_parameters, to_arguments = (partial(other.differentiated, wrt, PassRunner()) for wrt in WRT)
        return NumpyEngine(to_parameters(), to_arguments, dtype, name, parameters)

    again = unpadded if lowered.unpadded else None
    return NumpyEngine(backward(), input_gradients, dtype, name, parameters, again, runner)
