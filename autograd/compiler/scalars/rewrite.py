"""Replace nodes of a program, and leave out what nothing needs any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autograd.compiler.scalars.builder import DROPPED, Builder
from autograd.compiler.scalars.columns import EMPTY, Columns
from autograd.compiler.scalars.nodes import APPLY, CONSTANT, SUM
from autograd.compiler.scalars.program import ScalarProgram

Replacement = float | tuple[int, tuple[int, ...]]
"""A node in the place of another: the constant of this number, or an application: its opcode and operands."""


def rewrite(
    program: Columns,
    stands: Sequence[int] | range,
    replaced: Mapping[int, Replacement] = EMPTY,
    builder: Builder | None = None,
    **tables: Any,
) -> ScalarProgram:
    """The program in which other nodes stand for some, and some become something else; what nothing needs is left out.

    Args:
        stands: of each node the one that stands for it, itself or an earlier one.
        replaced: nodes that compute something else, of earlier nodes.
        builder: one that knows the opcodes of the program and of `replaced`; has no nodes yet.
        tables: of the new program, those that differ from the old one's.
    """
    builder = Builder.like(program) if builder is None else builder
    needed = _needed(program, stands, replaced)
    new = [*range(program.interior.start), *[DROPPED] * len(program.interior)]
    here = list(new)  # of each node the number of what stands for it
    for run in _runs(program, needed, replaced):
        i = run.start
        if len(run) > 1:
            builder.copy_applications(program, run, here)
            new[i : run.stop] = here[i : run.stop]
            continue
        if not needed[i]:
            here[i] = here[stands[i]]
            continue
        replacement = replaced.get(i)
        if replacement is None:
            new[i] = here[i] = builder.copy(program, i, here)
        elif isinstance(replacement, float):
            new[i] = here[i] = builder.constant(replacement)
        else:
            opcode, operands = replacement
            new[i] = here[i] = builder.application(opcode, [here[k] for k in operands])
    return builder.successor(program, new, stands, **tables)


def _runs(program: Columns, needed: bytearray, replaced: Mapping[int, Replacement]) -> Iterator[range]:
    """The nodes in order: those together that are applications that stay as they are, one behind the other."""
    opcodes, starts, counts = program.opcodes, program.starts, program.counts
    first, stop = program.interior.start, -1  # where the row of the next application begins
    for i in program.interior:
        goes_on = needed[i] and opcodes[i] >= APPLY and i not in replaced
        if not goes_on or starts[i] != stop:
            if first < i:
                yield range(first, i)
            first = i
        stop = starts[i] + counts[i] if goes_on else -1
    if first < len(program):
        yield range(first, len(program))


def _needed(program: Columns, stands: Sequence[int] | range, replaced: Mapping[int, Replacement]) -> bytearray:
    """1 for each node that outputs and guards need."""
    needed = bytearray(len(program))
    guards = range(len(program) - program.guards.size, len(program))
    arrays = (i for nodes in program.constant_arrays for i in nodes)
    for i in (*program.outputs, *program.guards.of.values(), *guards, *arrays):
        needed[stands[i]] = 1
    opcodes, starts, counts = program.opcodes, program.starts, program.counts
    for i in reversed(program.interior):
        if not needed[i] or opcodes[i] == CONSTANT:
            continue
        replacement = replaced.get(i)
        if replacement is not None:
            operands = () if isinstance(replacement, float) else replacement[1]
        elif opcodes[i] == SUM:
            operands = program.operands_of(i)
        else:
            operands = program.operands[starts[i] : starts[i] + counts[i]]
        for k in operands:
            needed[stands[k]] = 1
    return needed
