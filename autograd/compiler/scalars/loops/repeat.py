"""Loops as primitives of scalar programs: a loop is one node, and further nodes read its results one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd.primitives import Primitive
from autograd.table import Slope

if TYPE_CHECKING:
    from autograd.compiler.scalars.program import ScalarProgram


class Rows(NamedTuple):
    """The lengths of the arrays that the numbers of a loop form, in order.

    Attributes:
        states: the states.
        read: what is read by step.
        same: what is the same at every step.
        written: what is written by step.
    """

    states: tuple[int, ...]
    read: tuple[int, ...]
    same: tuple[int, ...]
    written: tuple[int, ...]


class Repeat(Primitive):
    """A body that is computed step by step.

    The operands are the initial states; then what each step reads, step by step; then what is the same at every step.
    The body has an argument for each of the three. Its outputs are the states after the step, and what it writes.

    The value is a tuple: the states after the last step, then what was written, step by step. `RESULT` reads it. Equal
    are loops that compute the same, whatever their labels.

    Attributes:
        body: the program of one step, without parameters of its own.
        steps: how many there are.
        rows: which numbers are arrays, where that is known from the start.
        arrays: how many of the states are one array, in their order, and of what is read by step; None where that is
            still to be found out.
    """

    body: ScalarProgram
    steps: int
    rows: Rows | None
    arrays: tuple[Sequence[int], Sequence[int]] | None

    def __init__(
        self,
        body: ScalarProgram,
        steps: int,
        rows: Rows | None = None,
        arrays: tuple[Sequence[int], Sequence[int]] | None = None,
    ) -> None:
        super().__init__("loop", self._run, self._no_slopes, slope=Slope.SINGULAR, hides_nan=True)
        self.body, self.steps, self.rows, self.arrays = body, steps, rows, arrays
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
        """Return the initial states, what is read, step by step, and what is the same at every step."""
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
        raise TypeError("a loop is differentiated as a program of arrays")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Repeat) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def _entry(results: Any, number: float) -> float:
    entry: float = results[int(number)]
    return entry


RESULT = Primitive("result", _entry, Repeat._no_slopes, slope=Slope.FINITE)
"""One of the results of a loop, the first operand, at a number, the second, which is a constant."""
