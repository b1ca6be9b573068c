"""Programs of arrays and loops as instructions on the single numbers of one sample.

A number is identified by its code: its space, and its place there. So structural operations only rearrange codes, and
produce no instructions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from autograd.arrays import NDArray, np

Codes = NDArray[np.int64]

SPACE = 1 << 40
"""The number of codes of each space."""

REGISTERS, CONSTANTS, ARGUMENTS, PARAMETERS, SEEDS, BUFFERS = range(6)
"""The spaces: of computed numbers, constants, inputs, and, from BUFFERS on, one for each buffer that loops fill."""


class Run(NamedTuple):
    """Evenly spaced numbers of one space.

    Attributes:
        space: their space.
        first: the place of the first.
        stride: the distance between neighbours, possibly 0 or negative.
        length: their count.
    """

    space: int
    first: int
    stride: int
    length: int


class Apply(NamedTuple):
    """A primitive applied to numbers. The derivatives of a variadic primitive are several results.

    Attributes:
        results: registers.
        operands: codes.
        is_slopes: whether it computes the primitive's derivatives; the last operand is the primitive's value then.
        name: the result's name, if it has one.
    """

    results: tuple[int, ...]
    primitive: Any  # a Primitive; declared as one, mypy would take it for the method that its __get__ makes
    operands: tuple[int, ...]
    is_slopes: bool
    name: str


class Carried(NamedTuple):
    """A loop-carried number.

    Attributes:
        register: its register during a step.
        first, following: the codes of its initial number, and of its number after a step.
    """

    register: int
    first: int
    following: int
    name: str


class Read(NamedTuple):
    """A number read by step, by induction."""

    register: int
    run: Run
    name: str


class Put(NamedTuple):
    """A number stored into a buffer; in a loop, the place advances by step."""

    buffer: int
    first: int
    stride: int
    value: int


class Copy(NamedTuple):
    """Numbers copied contiguously into a buffer.

    Attributes:
        first, stride: the place of the first in the buffer, and its advance at each step of the loop.
        run: the source.
        by_step: the advance of the source at each step.
    """

    buffer: int
    first: int
    stride: int
    run: Run
    by_step: int


@dataclass
class Block:
    """A sequence of instructions: applications, loops, and stores into buffers."""

    instructions: list[Apply | ForLoop | Put | Copy] = field(default_factory=list)


@dataclass
class ForLoop:
    """A loop: each step reads, computes, stores, and updates the carried numbers.

    Attributes:
        rows: the copies at the start of each step.
        last: the register of each carried number after the loop.
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
        forward, backward: the passes; the latter is empty without derivatives.
        results: the codes of each output's numbers; None for a zero gradient.
        constants: the constants.
        buffers: the size of each buffer.
        arguments, seeds: the counts of these inputs.
        names: the names of arguments and parameters, by code.
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
        """Return the number of applications executed for a sample's values, counting each step."""
        return _work(self.forward)

    def applications(self) -> Iterator[Apply]:
        """Yield all applications, including those in loops."""
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
    """Split codes into a few runs of evenly spaced numbers of one space.

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
    """Return the space of a number and its place there."""
    return divmod(code, SPACE)


def row(space: int, size: int) -> Codes:
    """Return the codes of the first numbers of a space."""
    return np.arange(space * SPACE, space * SPACE + size)


def numbers_of(result: Codes | None) -> Sequence[int]:
    """Return the codes of a result; none for a zero gradient."""
    return [] if result is None else flat(result)


def flat(codes: Any) -> Sequence[int]:
    """Return codes as a flat list."""
    numbers: Sequence[int] = np.asarray(codes).reshape(-1).tolist()
    return numbers
