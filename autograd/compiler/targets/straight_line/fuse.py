"""Fuse loops: a loop over the steps of another loop's results becomes part of that loop.

For example, the error at each step and its sum move into the loop that computes the states. Arrays that only passed
numbers between the loops are no longer filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autograd.compiler.targets.straight_line.blocks import (
    BUFFERS,
    REGISTERS,
    Apply,
    Block,
    Blocks,
    Copy,
    ForLoop,
    Put,
    numbers_of,
    place_of,
)
from autograd.compiler.targets.straight_line.reading import codes_read, filled

Instruction = Apply | ForLoop | Put | Copy

_Key = tuple[int, int]
"""A register, or a buffer that loops fill: its space, and the register's place."""


def fused(blocks: Blocks) -> Blocks:
    """Fuse loops of the same length in which each step depends only on the same step of the other."""
    forward, backward = (Block(_fused(block.instructions)) for block in (blocks.forward, blocks.backward))
    results = [code for result in blocks.results for code in numbers_of(result)]
    while True:
        codes = [*codes_read(forward), *codes_read(backward), *results]
        read = {place_of(code)[0] for code in codes}
        unread = {*filled(forward), *filled(backward)} - read
        if not unread:
            break
        forward, backward = (Block(list(_filling(block.instructions, unread))) for block in (forward, backward))
    used = {*filled(forward), *filled(backward)}
    sizes = [size if n in used else 0 for n, size in enumerate(blocks.buffers, BUFFERS)]
    return blocks._replace(forward=forward, backward=backward, buffers=sizes)


def _fused(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Fuse each loop into the last possible loop before it."""
    result: list[Instruction] = []
    for instruction in instructions:
        if not (isinstance(instruction, ForLoop) and _join(result, instruction)):
            result.append(instruction)
    return result


def _join(before: list[Instruction], loop: ForLoop) -> bool:
    """Fuse a loop into one of the instructions before it; return whether that succeeded."""
    needs, since = _read(loop), set[_Key]()
    for at in range(len(before) - 1, -1, -1):
        other = before[at]
        both = _both(other, loop) if isinstance(other, ForLoop) and other.steps == loop.steps else None
        if both is not None and not needs & since:
            before[at] = both
            return True
        if both is not None and not any(_written(other) & _read(between) for between in before[at + 1 :]):
            before[at:] = [*before[at + 1 :], both]
            return True
        since |= _written(other)
    return False


def _both(first: ForLoop, second: ForLoop) -> ForLoop | None:
    """Return two loops as one; None if a step of the second depends on other steps of the first."""
    shared = _written(first) & _read(second)
    put = {(x.buffer, x.first, x.stride): x.value for x in first.puts if isinstance(x, Put)}
    new: dict[int, int] = {}
    read = list(first.read)
    for x in second.read:
        known = [other.register for other in first.read if other.run == x.run]
        if (x.run.space, 0) in shared:
            value = put.get(x.run[:3])
            if value is None:
                return None
            new[x.register] = value
        elif known:
            new[x.register] = known[0]
        else:
            read.append(x)
    others = ForLoop(second.steps, second.carried, [], second.rows, second.body, second.puts, second.last)
    if shared & _read(others):
        return None
    moved = _renamed(others, new)
    return ForLoop(
        first.steps,
        [*first.carried, *moved.carried],
        read,
        [*first.rows, *moved.rows],
        Block([*first.body.instructions, *moved.body.instructions]),
        [*first.puts, *moved.puts],
        [*first.last, *moved.last],
    )


def _read(instruction: Instruction) -> set[_Key]:
    """Return the registers and buffers that an instruction reads."""
    return {_key(code) for code in codes_read(Block([instruction]))}


def _written(instruction: Instruction) -> set[_Key]:
    """Return the registers and buffers that an instruction defines for others."""
    registers: Sequence[int] = ()
    if isinstance(instruction, Apply):
        registers = instruction.results
    elif isinstance(instruction, ForLoop):
        registers = instruction.last
    return {*map(_key, registers), *((buffer, 0) for buffer in filled(Block([instruction])))}


def _key(code: int) -> _Key:
    space, place = place_of(code)
    return space, place if space == REGISTERS else 0


def _renamed(loop: ForLoop, new: Mapping[int, int]) -> ForLoop:
    """Return a loop with some registers replaced."""
    body: list[Instruction] = []
    for x in loop.body.instructions:
        if isinstance(x, Apply):
            body.append(x._replace(operands=tuple([new.get(code, code) for code in x.operands])))
        else:
            body.append(_renamed(x, new) if isinstance(x, ForLoop) else _put(x, new))
    carried = [
        x._replace(first=new.get(x.first, x.first), following=new.get(x.following, x.following)) for x in loop.carried
    ]
    puts = [_put(x, new) for x in loop.puts]
    return ForLoop(loop.steps, carried, loop.read, loop.rows, Block(body), puts, loop.last)


def _put(put: Put | Copy, new: Mapping[int, int]) -> Put | Copy:
    return put._replace(value=new.get(put.value, put.value)) if isinstance(put, Put) else put


def _filling(instructions: Sequence[Instruction], unread: set[int]) -> Iterator[Instruction]:
    """Yield instructions without stores into unread buffers."""
    for x in instructions:
        if isinstance(x, ForLoop):
            rows = [row for row in x.rows if row.buffer not in unread]
            puts = [put for put in x.puts if put.buffer not in unread]
            yield ForLoop(
                x.steps, x.carried, x.read, rows, Block(list(_filling(x.body.instructions, unread))), puts, x.last
            )
        elif isinstance(x, Apply) or x.buffer not in unread:
            yield x
