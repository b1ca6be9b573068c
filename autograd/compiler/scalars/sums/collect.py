"""Collect sums: chains of additions, subtractions and scalings become sums of products.

    factor · (constant + Σ cᵢ xᵢ yᵢ + Σ cⱼ xⱼ) / divisor        (numbers c, other nodes x and y)

A sum absorbs every `+`, `-`, `*`, `sum` and `dot` that has no other reader, provided that the graph's order of
operations is preserved. So a neuron is one sum, however it was written.

A sum rounds as the graph does, operation by operation: its terms are rounded like the graph's nodes, and added from
left to right. Only the terms of a reduction may be added in any order: an explicit `sum` or `dot`, or a chain of at
least three terms connected by `+` only. A sum keeps them in one slot, which may become a matrix product.
"""

from __future__ import annotations

from autograd import primitives
from autograd.compiler.scalars.builder import Builder, new_numbers
from autograd.compiler.scalars.merge import uses
from autograd.compiler.scalars.nodes import ABSENT, CONSTANT, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sums.chains import SCALINGS, Chains
from autograd.compiler.scalars.sums.lengths import chain_lengths
from autograd.compiler.scalars.sums.written_out import written_out

_LINEAR = frozenset({primitives.add, primitives.sub, primitives.sum_, primitives.dot, primitives.mul, primitives.neg})


def collect_sums(program: ScalarProgram) -> ScalarProgram:
    """Turn additions and multiplications into sums of products; other nodes stay applications.

    Raises:
        ValueError: if the program already has sums.
    """
    if program.lefts:
        raise ValueError("the program already has sums: collect_sums expects one without")
    if _LINEAR.isdisjoint(program.primitives):
        return program
    table = program.by_opcode(lambda primitive: primitive)
    made_by = [table[opcode] for opcode in program.opcodes]
    rows, count = program.rows, uses(program)
    inline = [n == 1 for n in count]
    contained, apart = written_out(program, made_by, rows, count)
    for i in contained:
        inline[i] = True
    for i in apart:
        inline[i] = False
    constants = program.literals
    is_plain = [not (once and primitive in SCALINGS) for primitive, once in zip(made_by, inline)]
    for i in constants:
        is_plain[i] = False
    lengths = chain_lengths(made_by, rows, constants, inline)
    chains = Chains(made_by, rows, constants, program.parameters, inline, lengths, is_plain)
    return _collected(program, chains)


def _collected(program: ScalarProgram, chains: Chains) -> ScalarProgram:
    needed = set(program.roots)
    sums: dict[int, Sum] = {}
    for i in reversed(program.interior):
        if i not in needed or program.opcodes[i] == CONSTANT:
            continue
        if chains.is_linear(i):
            total = sums[i] = chains.sum_of(i)
            needed.update(total.lefts, total.rights)
        else:
            needed.update(chains.rows[i])
    builder = Builder.like(program)
    new = [*new_numbers(program), ABSENT]  # the last place is ABSENT's
    for i in program.interior:
        if i in sums:
            new[i] = builder.sum_of_others(sums[i], new)
        elif i in needed:
            new[i] = builder.copy(program, i, new)
    return builder.successor(program, new[:-1], range(len(program)), repeated=frozenset(), separate=frozenset())
