"""Decide which operations may be a loop."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.arrays import NDArray, np
from autograd.compiler.scalars.loops.operations import Operations
from autograd.compiler.scalars.loops.stretches import Stretch
from autograd.compiler.scalars.nodes import PARAMETER
from autograd.compiler.scalars.program import ScalarProgram


class Eligible:
    """A predicate on operations: whether they may be a loop."""

    def __init__(self, program: ScalarProgram, operations: Operations, excluded: NDArray[np.bool_]) -> None:
        self._operations, self._excluded = operations, excluded
        self._is_parameter = np.array(program.opcodes) == PARAMETER

    def __call__(self, stretch: Stretch, members: Sequence[int]) -> bool:
        """Return whether these operations of a step may be a loop.

        They may not if they are excluded, if they read results of a loop without containing it, or if they are layers
        of several units of a network, which have separate parameters.
        """
        if not self._has_loops(stretch, members):
            return False
        every = stretch.start + np.array(members)[:, None] + stretch.period * np.arange(stretch.steps)
        if self._excluded[self._operations.nodes[every]].any():
            return False
        own = np.array([c for j in members for c in stretch.columns(j)])
        if len(np.unique(stretch.producer[own[stretch.lag[own] > 0]])) == 1:
            return True
        reads = stretch.reads[:, own]
        last = reads[-1]  # where it is ABSENT, it refers to the last node of the program, which is no parameter
        varying = self._is_parameter[last] & (reads != last).any(axis=0)
        return len(np.unique(last[varying])) <= len(members)

    def _has_loops(self, stretch: Stretch, members: Sequence[int]) -> bool:
        """Return whether operations of a step contain the loops whose results they contain."""
        within = set(members)
        results = [j for j in members if self._operations.is_result[stretch.start + j]]
        of_loops = [int(stretch.first[j]) for j in results]
        return all(int(stretch.producer[c]) in within for c in of_loops)
