"""What runs a thin program: machine code where that can be made and pays, else Python source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.machine import MachineSource
from autograd.compiler.native import MachineCode, llvm
from autograd.compiler.recover.index import Positions
from autograd.compiler.registers import UnwritableError
from autograd.compiler.thin import ThinPlan
from autograd.compiler.thin_runs import MachineRun, SourceRun
from autograd.compiler.thin_source import ThinSource
from autograd.forking import computed_once

Array = NDArray[Any]


class ThinEngine:
    """Straight-line code. What computes derivatives is made when it is first asked for.

    Attributes:
        natural_order: the captured leaves in the order in which the program has them.
        is_machine_code: whether it runs so, and not as Python.
    """

    matrix_products = 0
    takes_one_seed = False

    def __init__(self, plan: ThinPlan, arguments: Sequence[str], seeds: int, dtype: np.dtype[Any], name: str) -> None:
        self._plan, self._arguments, self._seeds = plan, arguments, seeds
        self.natural_order = list(range(len(plan.captured)))
        machine = _machine_run(plan, seeds, dtype)
        self.is_machine_code = machine is not None
        self._run = machine or SourceRun(self._written, name, dtype)

    @computed_once
    def _written(self) -> ThinSource:
        return ThinSource(self._plan, self._arguments, self._seeds)

    @property
    def operations(self) -> int:
        """How many lines the source has, forward and backward to the captured leaves."""
        return sum(text.count("\n") for name in ("forward", "backward") for text in self._written.functions(name))

    @property
    def source(self) -> str:
        return self._written.text("forward", "masks", "backward" if self._plan.captured else "input_gradients")

    @property
    def input_gradients_source(self) -> str:
        return self._written.text("masks", "input_gradients")

    def lay_out(self, place: Positions, size: int) -> None:
        """Say which element of the flat vector of parameters each captured leaf is."""
        self._place = place

    def outputs(self, weights: Array, rows: Sequence[Array]) -> Array:
        """A row for each sample; one row only where there are no arguments."""
        return self._run.outputs(weights[self._place], rows)

    def gradient(self, weights: Array, rows: Sequence[Array], seeds: Array, into: Array) -> Array:
        """The outputs; the gradient of the parameters goes into a vector."""
        outputs, found = self._run.gradient(weights[self._place], rows, seeds)
        into[:] = 0.0
        into[self._place] = found
        return outputs

    def input_gradients(self, weights: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        """The outputs, and the derivatives to each argument's numbers."""
        return self._run.input_gradients(weights[self._place], rows, seeds)


def _machine_run(plan: ThinPlan, seeds: int, dtype: np.dtype[Any]) -> MachineRun | None:
    if not cost.worth_machine_code(plan.terms):
        return None
    binding = llvm()
    if binding is None:
        return None
    try:
        return MachineRun(MachineSource(plan), MachineCode(binding), seeds, dtype)
    except UnwritableError:
        return None
