"""Run loops with little work per step on single numbers: as machine code if it pays, else as Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import Batch
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.straight_line.block_builder import UnexpandableError
from autograd.compiler.targets.straight_line.blocks import Blocks
from autograd.compiler.targets.straight_line.expand import expand
from autograd.compiler.targets.straight_line.loops.source import LoopPass, text_of, written
from autograd.compiler.targets.straight_line.loops.source_run import LoopSourceRun
from autograd.compiler.targets.straight_line.machine_code import MachineCode, llvm
from autograd.compiler.targets.straight_line.scalar_engine import ScalarEngine, Written
from autograd.support.collector import collector_paused
from autograd.support.forking import across_forks

if TYPE_CHECKING:
    from autograd.compiler.targets.straight_line.loops.machine_run import LoopMachineRun

Array = NDArray[Any]
Derivative = Callable[[], ArrayProgram]


EFFORT = 1
"""LLVM's optimization level for loops: they run in three quarters of the time at level 0, and are short."""


class LoopPasses:
    """The passes of a program as instructions on single numbers and as source, each built on demand.

    Args:
        to_parameters, to_arguments: return the programs of values and gradients.

    Raises:
        UnexpandableError: if the program has operations that cannot be expanded to single numbers, or too many.
    """

    def __init__(self, program: ArrayProgram, to_parameters: Derivative, to_arguments: Derivative) -> None:
        self._makers = {"forward": lambda: program, "backward": to_parameters, "input_gradients": to_arguments}
        self._programs: dict[str, ArrayProgram] = {}
        self._blocks: dict[str, Blocks] = {}
        self._sources: dict[str, LoopPass] = {}
        _require_samples_apart(program)
        self.blocks("forward")

    def program(self, name: str) -> ArrayProgram:
        """Return the program of "forward", "backward" or "input_gradients"."""
        with across_forks, collector_paused():
            if name not in self._programs:
                self._programs[name] = self._makers[name]()
            return self._programs[name]

    def blocks(self, name: str) -> Blocks:
        """Return the instructions of a pass."""
        with across_forks:
            if name not in self._blocks:
                self._blocks[name] = expand(self.program(name))
            return self._blocks[name]

    def source(self, name: str) -> LoopPass:
        """Return the source of a pass."""
        with across_forks:
            if name not in self._sources:
                self._sources[name] = written(self.blocks(name), self.program(name), name)
            return self._sources[name]


class LoopEngine(ScalarEngine["LoopMachineRun | LoopSourceRun"]):
    """Loops on single numbers. Derivatives are compiled at the first request.

    Args:
        passes: the program's passes.
        name: the function's name, for tracebacks.
        parameters: the number of parameters.
    """

    form = "straight-line source with loops"

    def __init__(self, passes: LoopPasses, dtype: np.dtype[Any], name: str, parameters: int) -> None:
        operations = passes.program("forward").operations
        self._positions = [o.attribute.array.reshape(-1) for o in operations if o.kind == "parameter"]
        self._passes, self._dtype = passes, dtype
        machine = _machine_run(passes, dtype)
        super().__init__(machine or LoopSourceRun(passes.source, name, dtype), machine is not None, parameters)

    def _written(self, *passes: str) -> Written:
        source = self._passes.source(passes[-1])  # a backward pass contains the forward pass that stores its values
        return Written(text_of(source), source.lines)

    def gradient(self, weights: Array, rows: Sequence[Array], seeds: Array, into: Array) -> Array:
        """Return the outputs; write the parameters' gradient into a vector."""
        outputs, gradients = self._run.gradient(weights[self._place], rows, seeds)
        into[:] = 0.0
        for positions, gradient in zip(self._positions, gradients, strict=True):
            if gradient is not None:
                np.add.at(into, self._place[positions], gradient)
        return outputs

    def input_gradients(self, weights: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        """Return the outputs and the gradient of each argument."""
        outputs, gradients = self._run.input_gradients(weights[self._place], rows, seeds)
        several = []
        for gradient, row in zip(gradients, rows, strict=True):
            if gradient is not None and gradient.shape == row.shape:
                several.append(gradient)
                continue
            array = np.zeros(row.shape, self._dtype)
            if gradient is not None:
                array[:] = gradient
            several.append(array)
        return outputs, several


def _machine_run(passes: LoopPasses, dtype: np.dtype[Any]) -> LoopMachineRun | None:
    binding = llvm() if cost.worth_machine_code(passes.blocks("forward").work()) else None
    if binding is None:
        return None
    from autograd.compiler.targets.straight_line.instructions import UnwritableError
    from autograd.compiler.targets.straight_line.loops.machine_run import LoopMachineRun

    try:
        return LoopMachineRun(passes.blocks, dtype, MachineCode(binding, effort=EFFORT))
    except UnwritableError:
        return None


def _require_samples_apart(program: ArrayProgram) -> None:
    """Check that the values of each sample depend only on that sample.

    Raises:
        UnexpandableError: if they do not.
    """
    shapes = [operation.shape for operation in program.operations]
    for kind, operands, attribute, _, _ in program.operations:
        summed: list[Any] = []
        if kind == "reduce":
            summed = [shapes[operands[0]][axis] for axis in attribute.axes]
        elif kind == "contract":
            labels = zip((*attribute.left, *attribute.right), (*shapes[operands[0]], *shapes[operands[1]]))
            summed = [length for label, length in labels if label not in attribute.result]
        elif kind == "loop":
            _require_samples_apart(attribute.body)
        if any(isinstance(length, Batch) for length in summed):
            raise UnexpandableError(f"{kind} over samples")
