"""Run a program as straight-line code: as machine code if llvmlite is installed and it pays, else as Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.straight_line.machine_code import MachineCode, llvm
from autograd.compiler.targets.straight_line.scalar_engine import ScalarEngine, Written
from autograd.compiler.targets.straight_line.source import text_of
from autograd.compiler.targets.straight_line.source_run import SourceRun, StraightSource

if TYPE_CHECKING:
    from autograd.compiler.targets.straight_line.machine_run import MachineRun

Array = NDArray[Any]
Derivative = Callable[[], ArrayProgram]


class StraightLineEngine(ScalarEngine["MachineRun | SourceRun"]):
    """Straight-line code. Derivatives are compiled at the first request.

    Args:
        program: computes the values.
        to_parameters, to_arguments: return the programs of values and gradients.
        seeds: the number of differentiated outputs, which come first.
        name: the function's name, for tracebacks.
    """

    form = "straight-line source"

    def __init__(
        self,
        program: ArrayProgram,
        to_parameters: Derivative,
        to_arguments: Derivative,
        seeds: int,
        dtype: np.dtype[Any],
        name: str,
    ) -> None:
        sizes = [operation.attribute.array.size for operation in program.operations if operation.kind == "parameter"]
        self._source = StraightSource(program, to_parameters, to_arguments)
        machine = _machine_run(program, to_parameters, to_arguments, seeds, dtype)
        super().__init__(machine or SourceRun(self._source, name, dtype), machine is not None, sum(sizes))

    def _written(self, *passes: str) -> Written:
        sources = [self._source.written(name) for name in passes]
        return Written(text_of(*sources), sum([source.lines for source in sources]))

    def gradient(self, weights: Array, rows: Sequence[Array], seeds: Array, into: Array) -> Array:
        """Return the outputs; write the parameters' gradient into a vector."""
        outputs, gradient = self._run.gradient(weights[self._place], rows, seeds)
        into[:] = 0.0
        into[self._place] = gradient
        return outputs

    def input_gradients(self, weights: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        """Return the outputs and the gradient of each argument."""
        return self._run.input_gradients(weights[self._place], rows, seeds)


def _machine_run(
    program: ArrayProgram, to_parameters: Derivative, to_arguments: Derivative, seeds: int, dtype: np.dtype[Any]
) -> MachineRun | None:
    if not cost.worth_machine_code(sum([operation[0] == "apply" for operation in program.operations])):
        return None
    binding = llvm()
    if binding is None:
        return None
    from autograd.compiler.targets.straight_line.instructions import UnwritableError
    from autograd.compiler.targets.straight_line.machine_run import MachineRun

    try:
        return MachineRun(program, to_parameters, to_arguments, seeds, dtype, MachineCode(binding))
    except UnwritableError:
        return None
