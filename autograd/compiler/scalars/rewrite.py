"""Replace nodes of a program, and leave out what nothing needs any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograd.compiler.scalars.builder import DROPPED, Builder
from autograd.compiler.scalars.columns import EMPTY, Columns
from autograd.compiler.scalars.nodes import CONSTANT
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
    for i in program.interior:
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


def _needed(program: Columns, stands: Sequence[int] | range, replaced: Mapping[int, Replacement]) -> bytearray:
    """1 for each node that outputs and guards need."""
    needed = bytearray(len(program))
    guards = range(len(program) - program.guards.size, len(program))
    arrays = (i for nodes in program.constant_arrays for i in nodes)
    for i in (*program.outputs, *program.guards.of.values(), *guards, *arrays):
        needed[stands[i]] = 1
    for i in reversed(program.interior):
        if not needed[i] or program.opcodes[i] == CONSTANT:
            continue
        replacement = replaced.get(i)
        if replacement is None:
            operands = program.operands_of(i)
        else:
            operands = () if isinstance(replacement, float) else replacement[1]
        for k in operands:
            needed[stands[k]] = 1
    return needed
