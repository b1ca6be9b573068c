"""Run a program as straight-line code: as machine code if llvmlite is installed and it pays, else as Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.straight_line.machine_code import MachineCode, llvm
from autograd.compiler.targets.straight_line.source import text_of
from autograd.compiler.targets.straight_line.source_run import SourceRun, StraightSource

if TYPE_CHECKING:
    from autograd.compiler.targets.straight_line.machine_run import MachineRun

Array = NDArray[Any]
Derivative = Callable[[], ArrayProgram]


class StraightLineEngine:
    """Straight-line code. Derivatives are compiled at the first request.

    Args:
        program: computes the values.
        to_parameters, to_arguments: return the programs of values and gradients.
        seeds: the number of differentiated outputs, which come first.
        name: the function's name, for tracebacks.

    Attributes:
        natural_order: the parameters in the program's order.
        is_machine_code: whether it runs as machine code instead of Python.
    """

    matrix_products = 0
    takes_one_seed = False
    warm_up: Mapping[str, int] = MappingProxyType({})  # the choice of machine code does not depend on calls

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
        self.natural_order: list[int] = list(range(sum(sizes)))
        self._source = StraightSource(program, to_parameters, to_arguments)
        machine = _machine_run(program, to_parameters, to_arguments, seeds, dtype)
        self.is_machine_code: bool = machine is not None
        self._run = machine or SourceRun(self._source, name, dtype)

    def __str__(self) -> str:
        run_as = "machine code" if self.is_machine_code else "Python"
        return f"{self.operations:,} lines of straight-line source, run as {run_as}"

    @property
    def operations(self) -> int:
        """The number of lines of source, forward and backward with respect to the parameters."""
        return sum(self._source.written(name).lines for name in ("forward", "backward"))

    @property
    def source(self) -> str:
        """The forward pass, and the backward pass to the parameters or, if there are none, to the arguments."""
        names = ("forward", "backward" if self.natural_order else "input_gradients")
        return text_of(*map(self._source.written, names))

    @property
    def input_gradients_source(self) -> str:
        """The backward pass to the arguments."""
        return text_of(self._source.written("input_gradients"))

    def lay_out(self, place: NDArray[np.int64], size: int) -> None:
        """Set each parameter's place in the flat vector."""
        self._place = place

    def outputs(self, weights: Array, rows: Sequence[Array]) -> Array:
        """Return a row for each sample; a single row if there are no arguments."""
        return self._run.outputs(weights[self._place], rows)

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
