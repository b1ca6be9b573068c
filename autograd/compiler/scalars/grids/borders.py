"""Borders of a grid: outer nodes that are read in place of operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autograd.compiler.scalars.grids.ragged import Lanes, Place
from autograd.compiler.scalars.program import ScalarProgram

Border = Mapping[Place, int]


def borders(program: ScalarProgram, lanes: Lanes) -> Border | None:
    """Return the outer nodes that are read in place of operations; None if two of them would share a place."""
    border: dict[Place, int] = {}
    for i in lanes.places:
        if not _enter(program, lanes, i, border):
            return None
    return border


def _enter(program: ScalarProgram, lanes: Lanes, i: int, border: dict[Place, int]) -> bool:
    """Record the outer nodes that an operation reads in place of others; return whether the operation is consistent.

    It is if the places are free, and its operands within the grid are those that its kind reads.
    """
    kind, t, lane = lanes.places[i]
    for p, k in enumerate(program.operands_of(i)):
        read = lanes.reads.get((kind, p))
        if read is None:
            if k in lanes.places:
                return False
            continue
        place = read.kind, t - read.steps, lane - read.lanes
        other = lanes.node.get(place, border.get(place, k))
        if lanes.places.get(k, place) != place or (k != other and not _are_equal(program, k, other)):
            return False
        if k not in lanes.places:
            border[place] = k
    return True


def _are_equal(program: ScalarProgram, a: int, b: int) -> bool:
    return a in program.constants and b in program.constants and program.constants[a] == program.constants[b]


def with_borders(program: ScalarProgram, lanes: Lanes, border: Border) -> tuple[Lanes, Border]:
    """Add border nodes to a grid if they do the same work as their kind; return the grid and the remaining border."""
    readers: dict[int, list[int]] = {}
    for i in program.operations:
        for k in program.operands_of(i):
            readers.setdefault(k, []).append(i)
    for kind in reversed(lanes.order):
        example = next(i for i, place in lanes.places.items() if place[0] == kind)
        own = {i: place for place, i in border.items() if place[0] == kind and 0 <= place[1] < lanes.steps}
        count = sum(place[0] == kind for place in border)
        alike = all(
            program.opcodes[i] == program.opcodes[example]
            and len(program.operands_of(i)) == len(program.operands_of(example))
            and i not in program.outputs
            and all(reader in lanes.places for reader in readers[i])
            for i in own
        )
        if len(own) == count > 0 and alike:
            longer = replace(lanes, places={**lanes.places, **own})
            behind = borders(program, longer)
            if behind is not None:
                lanes, border = longer, behind
    return lanes, border
