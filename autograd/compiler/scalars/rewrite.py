"""Replace nodes of a program, and eliminate dead code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress
from operator import ne, not_
from typing import Any

from autograd.compiler.scalars.builder import Builder, new_numbers
from autograd.compiler.scalars.columns import EMPTY, Columns
from autograd.compiler.scalars.program import ScalarProgram

Replacement = float | tuple[int, tuple[int, ...]]
"""A replacement of a node: a constant, or an application by opcode and operands."""

Rebuild = Callable[[Builder, int, Sequence[int]], int]
"""Adds a new form of a node to a builder, given the new numbers of earlier nodes; returns the number of that form."""


def rebuild(
    program: ScalarProgram, chosen: Collection[int], form: Rebuild, builder: Builder | None = None
) -> ScalarProgram:
    """Return the program with new forms of the chosen nodes, and copies of all others.

    Args:
        builder: a builder with the opcodes of the program, and possibly with further nodes.

    >>> from autograd import primitives
    >>> builder = Builder([2], 0)
    >>> exp, sqrt = map(builder.opcode, (primitives.exp, primitives.sqrt))
    >>> program = builder.program([builder.application(exp, [0]), builder.application(exp, [1])])
    >>> def root(builder, i, new):
    ...     return builder.application(sqrt, [new[k] for k in program.operands_of(i)])
    >>> print(rebuild(program, {3}, root))
    v2 = exp(x[0])
    v3 = sqrt(x[1])
    return v2, v3
    """
    builder = Builder.like(program) if builder is None else builder
    new = new_numbers(program)
    for run in _runs(program.interior, sorted(chosen)):
        if run.start in chosen:
            new[run.start] = form(builder, run.start, new)
        else:
            builder.copy_run(program, run, new)
    return builder.successor(program, new, range(len(program)))


def rewrite(
    program: Columns,
    representative: Sequence[int] | range,
    replaced: Mapping[int, Replacement] = EMPTY,
    builder: Builder | None = None,
    **tables: Any,
) -> ScalarProgram:
    """Return the program with nodes merged into representatives or replaced, without dead code.

    Args:
        representative: the representative of each node, itself or an earlier one.
        replaced: the replacements of nodes, which read earlier nodes.
        builder: an empty builder with the opcodes of the program and of `replaced`.
        tables: the tables that differ from the old program's.
    """
    builder = Builder.like(program) if builder is None else builder
    needed = _needed(program, representative, replaced)
    new = new_numbers(program)
    here = list(new)  # the new number of each node's representative
    dead = compress(program.interior, map(not_, needed[program.interior.start :]))
    for run in _runs(program.interior, sorted({*dead, *replaced})):
        i = run.start
        if not needed[i]:
            here[i] = here[representative[i]]
        elif i not in replaced:
            builder.copy_run(program, run, here)
            new[i : run.stop] = here[i : run.stop]
        elif isinstance(replacement := replaced[i], float):
            new[i] = here[i] = builder.constant(replacement)
        else:
            opcode, operands = replacement
            new[i] = here[i] = builder.application(opcode, [here[k] for k in operands])
    return builder.successor(program, new, representative, **tables)


def _runs(nodes: range, apart: Iterable[int]) -> Iterator[range]:
    """Yield nodes in order: the ones in `apart`, which ascend, one by one, and those between them in ranges."""
    first = nodes.start
    for i in apart:
        if first < i:
            yield range(first, i)
        yield range(i, i + 1)
        first = i + 1
    if first < nodes.stop:
        yield range(first, nodes.stop)


def _needed(program: Columns, representative: Sequence[int] | range, replaced: Mapping[int, Replacement]) -> bytearray:
    """Return 1 for each live node, on which outputs or guards depend.

    A node is dead if it has no readers, or only dead ones. Since few nodes are, readers are counted in bulk first.
    """
    nodes = range(len(program))
    count = Counter(chain(program.operands, program.lefts, program.rights, program.roots))
    for i, replacement in replaced.items():
        count.subtract(program.operands_of(i))
        count.update(_operands_of(replacement))
    for i in compress(nodes, map(ne, representative, nodes)):
        count[representative[i]] += count.pop(i, 0)
    readers = list(map(count.__getitem__, nodes))
    dead = list(compress(nodes, map(not_, readers)))
    while dead:
        i = dead.pop()
        for k in _operands_of(replaced[i]) if i in replaced else program.operands_of(i):
            operand = representative[k]
            readers[operand] -= 1
            if not readers[operand]:
                dead.append(operand)
    return bytearray(map(bool, readers))


def _operands_of(replacement: Replacement) -> tuple[int, ...]:
    return () if isinstance(replacement, float) else replacement[1]
