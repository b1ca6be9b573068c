"""The parts of a compiled program that people read: its source, its stages, the passes that made it, and counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from autograd.arrays import NDArray
from autograd.compiler.pipeline import Engine, Lowered, simplify
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.stages import AnyProgram, PassRunner, PassTable, Stages
from autograd.compiler.trace.results import Results
from autograd.compiler.trace.signature import Argument
from autograd.compiler.trace.tracing import trace
from autograd.value import Value


class Inspectable:
    """The part of a `Program` that only reads it."""

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
        """The passes so far: a table of operations before and after, and of seconds.

        Passes to derivatives that nothing has asked for yet are not in it.
        """
        return PassTable(self._runner.records)

    @property
    def stages(self) -> Stages:
        """The program as it was at each stage: "scalars", "arrays" and "backward".

        Each prints, verifies and evaluates itself, with parameters in the order of `parameters`. It is built when it is
        asked for, of the scalars from a new trace, and lives as long as someone holds it.
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
        """The program as Python source: the forward pass, and the backward pass to the captured leaves.

        Where the function captured none, the backward pass to its arguments, which `input_gradients` runs.
        """
        return self._engine.source

    @property
    def input_gradients_source(self) -> str:
        """The source that `input_gradients` runs."""
        return self._engine.input_gradients_source

    @property
    def operations(self) -> int:
        """The number of array operations emitted, forward and backward; of straight-line code, the number of lines."""
        return self._engine.operations

    @property
    def matrix_products(self) -> int:
        """The number of matrix products in them."""
        return self._engine.matrix_products

    def __str__(self) -> str:
        return (
            f"{self._name}: {self.nodes:,} nodes traced, {self._engine}; {len(self.parameters):,} parameters; "
            f"compiled in {self.seconds:.2g} s"
        )

    def __repr__(self) -> str:
        return f"<compiled {self}>"
