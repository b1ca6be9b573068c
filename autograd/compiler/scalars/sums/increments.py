"""Split products off running sums: as separate nodes, all products are computed at once."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.scalars.builder import Builder, renumbered
from autograd.compiler.scalars.nodes import ABSENT, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import rebuild
from autograd.compiler.scalars.sums.continued import running_sums


def split_increments(program: ScalarProgram) -> ScalarProgram:
    """Turn the products and scaled nodes that a running sum adds into separate nodes, with the same rounding."""
    parts = {i for chain in running_sums(program) for i in chain}
    if not parts:
        return program

    def split(builder: Builder, i: int, new: Sequence[int]) -> int:
        total = renumbered(program.sum_of(i), new)
        lefts, coefficients, rights = list(total.lefts), list(total.coefficients), list(total.rights)
        for n, (c, x, y) in enumerate(zip(coefficients, lefts, rights)):
            if c != 1.0 or y != ABSENT:
                lefts[n] = builder.sum(Sum([c], [x], [y], [0]))
                coefficients[n], rights[n] = 1.0, ABSENT
        return builder.sum(total._replace(coefficients=coefficients, lefts=lefts, rights=rights))

    return rebuild(program, parts, split)
