"""Loops as primitives of scalar programs: a loop is one node, and further nodes read its results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd.primitives import Primitive
from autograd.table import Slope

if TYPE_CHECKING:
    from autograd.compiler.scalars.program import ScalarProgram


class Arrays(NamedTuple):
    """The lengths of the arrays that a loop's numbers form, in order.

    Attributes:
        states: the arrays of states.
        read: those of numbers read by step.
        same: those of loop-invariant numbers; None if these form arrays by the groups that they are elements of.
        written: those of numbers written by step; None if these form arrays by the operations that compute them.
    """

    states: tuple[int, ...]
    read: tuple[int, ...]
    same: tuple[int, ...] | None = None
    written: tuple[int, ...] | None = None

    @property
    def are_all_known(self) -> bool:
        return self.same is not None and self.written is not None


class Repeat(Primitive):
    """A body that runs step by step.

    The operands are the initial states, the numbers that each step reads, step by step, and the loop-invariant numbers.
    The body has an argument for each of the three. Its outputs are the states after the step, and the numbers written.

    The value is a tuple: the states after the last step, followed by the numbers written, step by step. `RESULT` reads
    it. Loops are equal if they compute the same; labels do not count.

    Attributes:
        body: the program of one step, without parameters.
        steps: the number of steps.
        arrays: the arrays that the numbers form; None if they are still unknown.
    """

    body: ScalarProgram
    steps: int
    arrays: Arrays | None

    def __init__(self, body: ScalarProgram, steps: int, arrays: Arrays | None = None) -> None:
        super().__init__("loop", self._run, self._no_slopes, slope=Slope.SINGULAR, hides_nan=True)
        self.body, self.steps, self.arrays = body, steps, arrays
        columns = body.opcodes, body.operands, body.coefficients, body.lefts, body.rights, body.slots, body.outputs
        numbers = tuple(sorted((i, repr(x)) for i, x in body.constants.items()))
        scalings = tuple(sorted((i, repr(x)) for i, x in body.scalings.items()))
        guards = body.guards.choices, body.guards.unreached
        self._key = body.argument_sizes, steps, body.primitives, columns, numbers, scalings, guards

    @property
    def states(self) -> int:
        """The number of states."""
        return self.body.argument_sizes[0]

    @property
    def read(self) -> int:
        """The number of operands that each step reads."""
        return self.body.argument_sizes[1]

    @property
    def written(self) -> int:
        """The number of results that each step writes."""
        return len(self.body.outputs) - self.states

    def split(self, operands: Sequence[int]) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """Split operands into initial states, numbers read by step, and loop-invariant numbers."""
        first = self.states + self.steps * self.read
        return operands[: self.states], operands[self.states : first], operands[first:]

    def _run(self, *operands: float) -> Any:
        states, read, same = self.split(operands)  # type: ignore[arg-type]
        written: list[float] = []
        for t in range(self.steps):
            results = self.body.evaluate([states, read[t * self.read : (t + 1) * self.read], same], [])
            states = results[: self.states]  # type: ignore[assignment]
            written += results[self.states :]
        return (*states, *written)

    @staticmethod
    def _no_slopes(*_: Any) -> Any:
        raise TypeError("a scalar loop has no derivatives: differentiate the program of arrays")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Repeat) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def _entry(results: Any, number: float) -> float:
    entry: float = results[int(number)]
    return entry


RESULT = Primitive("result", _entry, Repeat._no_slopes, slope=Slope.FINITE)
"""A result of a loop: the operands are the loop and the result's number, a constant."""
