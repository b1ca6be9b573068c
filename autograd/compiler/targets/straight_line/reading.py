"""Use-def information of instructions: the numbers that need names in source, and those that pass between passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from autograd.compiler.targets.straight_line.blocks import (
    SPACE,
    Apply,
    Block,
    Blocks,
    Copy,
    ForLoop,
    Put,
    numbers_of,
)


def codes_read(block: Block) -> Iterator[int]:
    """Yield the codes of all numbers that a block reads; for numbers read by step, the first."""
    for instruction in block.instructions:
        match instruction:
            case Apply():
                yield from instruction.operands
            case Put():
                yield instruction.value
            case Copy():
                yield instruction.run.space * SPACE + instruction.run.first
            case ForLoop():
                yield from (x.first for x in instruction.carried)
                yield from (x.following for x in instruction.carried)
                yield from (read.run.space * SPACE + read.run.first for read in instruction.read)
                yield from codes_read(Block([*instruction.rows]))
                yield from codes_read(instruction.body)
                yield from codes_read(Block([*instruction.puts]))


def named(blocks: Blocks) -> set[int]:
    """Return the registers that need names, since they are read twice, in a loop, or in another function."""
    backward = [*codes_read(blocks.backward), *(x for result in blocks.results[1:] for x in numbers_of(result))]
    everywhere = [*codes_read(blocks.forward), *backward, *numbers_of(blocks.results[0])]
    named = {code for code, times in Counter(everywhere).items() if times > 1}
    named.update(set(_computed(blocks.forward)).intersection(backward))
    for block in (blocks.forward, blocks.backward):
        named.update(_read_in_loops(block))
    return named


def _computed(block: Block) -> Iterator[int]:
    for instruction in block.instructions:
        if isinstance(instruction, Apply):
            yield from instruction.results


def _read_in_loops(block: Block) -> Iterator[int]:
    """Yield the codes that loops read and that their bodies do not compute."""
    for instruction in block.instructions:
        if isinstance(instruction, ForLoop):
            own = set(_computed(instruction.body))
            yield from (code for code in codes_read(Block([instruction])) if code not in own)
            yield from _read_in_loops(instruction.body)


def filled(block: Block) -> Iterator[int]:
    """Yield the buffers that a block fills."""
    for instruction in block.instructions:
        if isinstance(instruction, (Put, Copy)):
            yield instruction.buffer
        elif isinstance(instruction, ForLoop):
            yield from filled(Block([*instruction.rows, *instruction.body.instructions, *instruction.puts]))


def names_put(block: Block, buffer: int) -> Iterator[str]:
    """Yield the names of numbers that are stored into a buffer."""
    for instruction in block.instructions:
        if isinstance(instruction, ForLoop):
            values = {put.value for put in instruction.puts if isinstance(put, Put) and put.buffer == buffer}
            names = {x.results[0]: x.name for x in instruction.body.instructions if isinstance(x, Apply)}
            names |= {x.register: x.name for x in instruction.carried} | {x.register: x.name for x in instruction.read}
            yield from (names[value] for value in values if names.get(value))
            yield from names_put(instruction.body, buffer)
