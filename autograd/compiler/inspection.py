"""The readable parts of a compiled program: its source, stages, passes and counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from autograd.arrays import NDArray
from autograd.compiler.engines import Engine
from autograd.compiler.pipeline import Lowered, simplify
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.stages import AnyProgram, PassRunner, PassTable, Stages
from autograd.compiler.trace.results import Results
from autograd.compiler.trace.signature import Argument
from autograd.compiler.trace.tracing import trace
from autograd.value import Value


class Inspectable:
    """The read-only part of a `Program`."""

    if TYPE_CHECKING:
        parameters: list[Value]
        nodes: int
        seconds: float
        _function: Callable[..., Any]
        _arguments: Sequence[Argument]
        _name: str
        _runner: PassRunner
        _results: Results
        _lowered: Lowered
        _engine: Engine
        _places: NDArray[Any]
        _alive: WeakValueDictionary[str, AnyProgram]

    @property
    def passes(self) -> PassTable:
        """The passes so far, as a table of operations before and after, and seconds.

        Passes for derivatives that have not been requested yet are missing.
        """
        return PassTable(self._runner.records)

    @property
    def stages(self) -> Stages:
        """The program after each stage: "scalars", "arrays" and "backward".

        Each prints, verifies and evaluates itself, with parameters in the order of `parameters`. It is built on demand,
        "scalars" from a new trace, and cached while it is referenced elsewhere.
        """
        wrt, places = "parameters" if self.parameters else "arguments", self._places
        return Stages(
            {
                "scalars": self._scalars_again,
                "arrays": lambda: self._lowered.at(places).program,
                "backward": lambda: self._lowered.at(places).differentiated(wrt, PassRunner()),
            },
            self._alive,
        )

    def _scalars_again(self) -> ScalarProgram:
        examples = [argument.example for argument in self._arguments]
        traced = copy_context().run(trace, self._function, examples).read()
        return simplify(from_trace(traced, self.parameters, self._results.differentiated), PassRunner())

    @property
    def source(self) -> str:
        """The program as Python source: the forward pass, and the backward pass to the parameters.

        If there are no parameters, the backward pass to the arguments, which `input_gradients` runs.
        """
        return self._engine.source

    @property
    def input_gradients_source(self) -> str:
        """The source that `input_gradients` runs."""
        return self._engine.input_gradients_source

    @property
    def operations(self) -> int:
        """The number of array operations emitted, forward and backward; for straight-line code, the number of lines."""
        return self._engine.operations

    @property
    def matrix_products(self) -> int:
        """The number of matrix products among them."""
        return self._engine.matrix_products

    def __str__(self) -> str:
        return (
            f"{self._name}: {self.nodes:,} nodes traced, {self._engine}; {len(self.parameters):,} parameters; "
            f"compiled in {self.seconds:.2g} s"
        )

    def __repr__(self) -> str:
        return f"<compiled {self}>"
