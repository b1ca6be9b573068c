"""Loops as groups: one for the loop, and one for each array that it returns."""

from __future__ import annotations

from typing import Any, NamedTuple

from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.sums.blocks import Numbers, View

Operand = View | Numbers
"""An operand of a loop: elements of an array, or numbers."""


class Repetition(NamedTuple):
    """A loop. It is not an array itself; its results are.

    Attributes:
        source: its number, which its results refer to.
        members: none.
        batched: whether any of its results has a row for each sample.
        steps: the number of steps.
        states: the initial states.
        read: the operands read by step, with a row for each step.
        same: the loop-invariant operands.
        weights: the positions of the body's parameters.
        body: one step. Its arguments are the states, the operands read by step, and the loop-invariant operands.
        outputs: the body's nodes of each state, followed by those of each written array.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    steps: int
    states: tuple[Operand, ...]
    read: tuple[Operand, ...]
    same: tuple[Operand, ...]
    weights: Positions
    body: Any  # a Grouping: a tuple may not refer to itself
    outputs: tuple[tuple[int, ...], ...]

    @property
    def operands(self) -> tuple[Operand, ...]:
        """All operands except parameters."""
        return (*self.states, *self.read, *self.same)


class LoopResult(NamedTuple):
    """An array that a loop returns.

    Attributes:
        source, batched: as in `Application`.
        members: the nodes, in order, step by step if it is written by step; PADDING for an unread one.
        loop: the source of the loop.
        number: its number among the loop's results.
        by_step: whether each step writes a part of it.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    loop: int
    number: int
    by_step: bool
