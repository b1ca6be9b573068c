"""The common part of engines that run a program on single numbers, as machine code or as Python."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from autograd.arrays import NDArray, np

Array = NDArray[Any]


class Run(Protocol):
    """The part of the interface that machine code and loaded source have in common."""

    def outputs(self, leaves: Array, rows: Sequence[Array]) -> Array: ...


AnyRun = TypeVar("AnyRun", bound=Run)


class Written(NamedTuple):
    """Source text, and the number of lines of its functions, without `def` lines."""

    text: str
    lines: int


class ScalarEngine(ABC, Generic[AnyRun]):
    """An engine that runs a program on single numbers.

    Args:
        run: the program as machine code, or as loaded source.
        is_machine_code: which of them.
        parameters: the number of parameters.

    Attributes:
        natural_order: the parameters in the program's order.
        is_machine_code: whether it runs as machine code instead of Python.
    """

    form: ClassVar[str]
    matrix_products = 0
    takes_one_seed = False
    warm_up: Mapping[str, int] = MappingProxyType({})  # the choice of machine code does not depend on calls

    def __init__(self, run: AnyRun, is_machine_code: bool, parameters: int) -> None:
        self._run = run
        self.is_machine_code: bool = is_machine_code
        self.natural_order: list[int] = list(range(parameters))

    def __str__(self) -> str:
        run_as = "machine code" if self.is_machine_code else "Python"
        return f"{self.operations:,} lines of {self.form}, run as {run_as}"

    @abstractmethod
    def _written(self, *passes: str) -> Written:
        """Return the source of passes: "forward", "backward" or "input_gradients"."""

    @property
    def operations(self) -> int:
        """The number of lines of source, forward and backward with respect to the parameters."""
        return self._written("forward", "backward").lines

    @property
    def source(self) -> str:
        """The forward pass, and the backward pass to the parameters or, if there are none, to the arguments."""
        return self._written("forward", "backward" if self.natural_order else "input_gradients").text

    @property
    def input_gradients_source(self) -> str:
        """The backward pass to the arguments."""
        return self._written("input_gradients").text

    def lay_out(self, place: NDArray[np.int64], size: int) -> None:
        """Set each parameter's place in the flat vector."""
        self._place = place

    def outputs(self, weights: Array, rows: Sequence[Array]) -> Array:
        """Return a row for each sample; a single row if there are no arguments."""
        return self._run.outputs(weights[self._place], rows)
