"""Programs of arrays and loops as instructions on single numbers: what each sample goes through.

A number is meant by its code: the space that it lies in, and its place there. So what only arranges numbers arranges
codes, and leaves no instruction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from autograd.arrays import NDArray, np

Codes = NDArray[np.int64]

SPACE = 1 << 40
"""The distance of the codes of one space from those of the next."""

REGISTERS, CONSTANTS, ARGUMENTS, PARAMETERS, SEEDS, BUFFERS = range(6)
"""The spaces: of numbers that instructions compute, of constants, of what is given, and of arrays that loops fill; of
each of these a space of its own, from BUFFERS on."""


class Run(NamedTuple):
    """Numbers at equal distances in one space.

    Attributes:
        space: that they lie in.
        first: the place of the first.
        stride: from one to the next, be it 0 or negative.
        length: how many there are.
    """

    space: int
    first: int
    stride: int
    length: int


class Apply(NamedTuple):
    """A primitive applied to numbers. Derivatives of a primitive of many operands are several results.

    Attributes:
        results: registers.
        operands: codes.
        is_slopes: whether it computes the derivatives of the primitive, the last operand being its value.
        name: of the result, where it has one.
    """

    results: tuple[int, ...]
    primitive: Any  # a Primitive; said so, mypy would take it for the method that its __get__ makes
    operands: tuple[int, ...]
    is_slopes: bool
    name: str


class Carried(NamedTuple):
    """A number that goes from step to step.

    Attributes:
        register: of the number at a step; after the loop, of the last.
        first, following: codes of the number before the loop, and of that after a step.
    """

    register: int
    first: int
    following: int
    name: str


class Read(NamedTuple):
    """A number that is read by step."""

    register: int
    run: Run
    name: str


class Put(NamedTuple):
    """A number that is put into a buffer: in a loop by step, at a place that moves on."""

    buffer: int
    first: int
    stride: int
    value: int


class Copy(NamedTuple):
    """Numbers that are put into a buffer side by side.

    Attributes:
        first, stride: the place of the first one in the buffer, and how far that moves on at each step of the loop.
        run: what is copied.
        by_step: how far the first of that moves on at each step.
    """

    buffer: int
    first: int
    stride: int
    run: Run
    by_step: int


@dataclass
class Block:
    """Instructions, one after the other: applications, loops, and what is put into buffers."""

    instructions: list[Apply | ForLoop | Put | Copy] = field(default_factory=list)


@dataclass
class ForLoop:
    """A loop: reads, computes, puts, and carries on.

    Attributes:
        rows: what is copied before all else.
        last: for each carried number the register of its value after the loop.
    """

    steps: int
    carried: list[Carried]
    read: list[Read]
    rows: list[Copy]
    body: Block
    puts: list[Put | Copy]
    last: list[int]


class Blocks(NamedTuple):
    """A program as instructions.

    Attributes:
        forward, backward: what the passes compute; without a derivative, the latter is empty.
        results: for each output of the program the codes of its numbers; None for a gradient that is zero.
        constants: the numbers of their space.
        buffers: how many numbers each buffer has.
        arguments, seeds: how many numbers are given.
        names: of arguments and parameters, by their codes.
    """

    forward: Block
    backward: Block
    results: list[Codes | None]
    constants: list[float]
    buffers: list[int]
    arguments: int
    seeds: int
    names: dict[int, str]

    def work(self) -> int:
        """Return how many applications are computed, step by step, for the values of a sample."""
        return _work(self.forward)

    def applications(self) -> Iterator[Apply]:
        """Return all applications, those in loops too."""
        for block in (self.forward, self.backward):
            yield from _applications(block)


def _work(block: Block) -> int:
    work = 0
    for instruction in block.instructions:
        work += instruction.steps * _work(instruction.body) if isinstance(instruction, ForLoop) else 1
    return work


def _applications(block: Block) -> Iterator[Apply]:
    for instruction in block.instructions:
        if isinstance(instruction, Apply):
            yield instruction
        elif isinstance(instruction, ForLoop):
            yield from _applications(instruction.body)


def runs(codes: Codes) -> list[Run]:
    """Return numbers as few runs of equal distances, where these are in one space.

    >>> runs(np.array([7, 7, 7, SPACE + 3, SPACE + 5]))
    [Run(space=0, first=7, stride=0, length=3), Run(space=1, first=3, stride=2, length=2)]
    """
    flat = codes.tolist()
    result: list[Run] = []
    at = 0
    while at < len(flat):
        space, first = divmod(flat[at], SPACE)
        end, stride = at + 1, 0
        if end < len(flat) and flat[end] // SPACE == space and (space != REGISTERS or flat[end] == flat[at]):
            stride = flat[end] - flat[at]
            while end < len(flat) and flat[end] == flat[end - 1] + stride:
                end += 1
        result.append(Run(space, first, stride, end - at))
        at = end
    return result


def place_of(code: int) -> tuple[int, int]:
    """Return the space of a number, and its place there."""
    return divmod(code, SPACE)


def row(space: int, size: int) -> Codes:
    """Return the codes of the first numbers of a space."""
    return np.arange(space * SPACE, space * SPACE + size)


def numbers_of(result: Codes | None) -> Sequence[int]:
    """Return the codes of a program's result; none of a gradient that is zero."""
    return [] if result is None else flat(result)


def flat(codes: Any) -> Sequence[int]:
    """Return codes one after the other."""
    numbers: Sequence[int] = np.asarray(codes).reshape(-1).tolist()
    return numbers
