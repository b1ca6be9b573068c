"""Loops as groups: one for the loop, and one for each array that it gives out."""

from __future__ import annotations

from typing import Any, NamedTuple

from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.sums.blocks import Numbers, View

Operand = View | Numbers
"""An operand of a loop: elements of an array, or numbers."""


class Repetition(NamedTuple):
    """A loop, which computes no array itself: its results do.

    Attributes:
        source: its number, under which results refer to it.
        members: none.
        batched: whether any of its results has a row for each sample.
        steps: how many there are.
        states: the initial states.
        read: what is read by step, a row for each.
        same: what is the same at every step.
        weights: the positions of the parameters that are those of the body.
        body: of one step. Its arguments are the states, what is read by step, and what is the same at every step.
        outputs: of each state, and then of each array that is written, the nodes of the body.
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
        """All that is read, parameters aside."""
        return (*self.states, *self.read, *self.same)


class LoopResult(NamedTuple):
    """An array that a loop gives out.

    Attributes:
        source, batched: as of an application.
        members: the nodes, in order, step by step where it is written by step; PADDING where nothing reads one.
        loop: the source of the loop.
        number: which of its results it is.
        by_step: whether each step writes a part of it.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    loop: int
    number: int
    by_step: bool
