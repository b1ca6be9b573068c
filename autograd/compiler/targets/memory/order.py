"""The order of a step of a loop: it reads, computes, writes, and updates the states; some of it is written last."""

from __future__ import annotations

from collections.abc import Collection

from autograd.compiler.arrays.loop import Loop
from autograd.compiler.targets.memory.sharing import owners
from autograd.compiler.targets.notation import Notation
from autograd.compiler.targets.schedule import written


class StepOrder:
    """The order of a step.

    Args:
        loop: of which the step is one.
        notation: of the loop's body.

    Attributes:
        reads: for each state that a step changes, by its number, the operations of which its new value is written.
        late: the numbers of what is written after the states are updated: where these read what is read by step, whose
            place may then be filled anew.
    """

    def __init__(self, loop: Loop, notation: Notation) -> None:
        self._notation, self._owners = notation, owners(notation.terms)
        outputs, arguments = loop.body.outputs, loop.arguments
        states = [k for k in range(loop.carried) if outputs[k] != arguments[k]]
        self.reads = {k: self._read_by(outputs[k]) for k in states}
        by_step = [at for at, stepping in zip(arguments, loop.steppings) if stepping is not None]
        changed = {arguments[k] for k in states}
        self.late: set[int] = set()
        if self.updates_read(by_step):
            several = enumerate(outputs[loop.carried :])
            self.late = {n for n, at in several if changed.isdisjoint(self._read_by(at))}

    def _read_by(self, at: int) -> set[int]:
        """Return what is read where an operation is read."""
        if not self._notation.is_inline(at):
            return {at}
        return {k for x in written(self._notation, [at]) for k in self._notation.terms[x].operands}

    def updates_read(self, arguments: Collection[int]) -> bool:
        """Return whether new states are computed from the memory of arguments, while they are updated."""
        read = {owner for places in self.reads.values() for k in places for owner in self._owners[k]}
        return not read.isdisjoint(arguments)
