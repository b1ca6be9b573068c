"""The order of a step of a loop: it reads, computes, writes, and updates the states; some results are written last."""

from __future__ import annotations

from collections.abc import Collection

from autograd.compiler.arrays.loop import Loop
from autograd.compiler.targets.memory.sharing import owners
from autograd.compiler.targets.notation import Notation
from autograd.compiler.targets.schedule import written


class StepOrder:
    """The order of a step.

    Args:
        loop: the loop.
        notation: the notation of the loop's body.

    Attributes:
        reads: for each state that a step changes, by number, the operations that its new value reads.
        late: the numbers of results that are written after the states are updated, because the updates read arrays by
            step whose places may be overwritten afterwards.
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
        """Return the operations that reading an operation reads."""
        if not self._notation.is_inline(at):
            return {at}
        return {k for x in written(self._notation, [at]) for k in self._notation.terms[x].operands}

    def updates_read(self, arguments: Collection[int]) -> bool:
        """Return whether the updates of states read the memory of arguments."""
        read = {owner for places in self.reads.values() for k in places for owner in self._owners[k]}
        return not read.isdisjoint(arguments)
