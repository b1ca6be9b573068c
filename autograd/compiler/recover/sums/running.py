"""Group running sums: chains of additions whose partial sums are read.

    c = 0.0
    for x in xs:
        c = c + x
        parts.append(c)

In the graph, each partial sum depends on the one before. As one operation that accumulates along an axis, from left to
right as the graph does, all are computed at the level of the first.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import Places, RunningSum
from autograd.compiler.recover.sums.blocks import View
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT
from autograd.compiler.scalars.sums.continued import added_term, running_sums


class Chain(NamedTuple):
    """A running sum.

    Attributes:
        added: the nodes that are added.
        parts: the partial sums; as many, or one fewer if the first partial sum is the first node itself.
    """

    added: list[int]
    parts: list[int]


def chains_of(program: Columns) -> list[Chain]:
    """Return the running sums over nodes that are neither scaled nor multiplied."""
    return [
        Chain([*program.operands_of(parts[0]), *_added(program, parts)], parts)
        for parts in running_sums(program)
        if all(_is_node(program, n) for i in parts for n in _terms(program, i))
    ]


def _added(program: Columns, parts: Sequence[int]) -> list[int]:
    """Return the nodes that are added to the first partial sum."""
    return [program.lefts[added_term(program, i, previous)] for previous, i in itertools.pairwise(parts)]


def _terms(program: Columns, i: int) -> range:
    return range(program.starts[i], program.starts[i] + program.counts[i])


def _is_node(program: Columns, n: int) -> bool:
    """Return whether a term is a node that is neither scaled nor multiplied."""
    return program.rights[n] == ABSENT and program.coefficients[n] == 1.0


def grouped(chains: Sequence[Chain], places: Places) -> list[list[Chain]]:
    """Group chains of the same length that add elements of the same arrays, place by place."""
    classes: dict[tuple[int, tuple[int, ...]], list[Chain]] = {}
    for chain in chains:
        sources = tuple(places.source[np.array(chain.added)].tolist())
        classes.setdefault((len(chain.parts), sources), []).append(chain)
    return list(classes.values())


def running_sum(chains: Sequence[Chain], view: View, source: int, batched: bool) -> RunningSum:
    """Return the group that accumulates the chains of one class, a row each."""
    rows = [[*[PADDING] * (len(chain.added) - len(chain.parts)), *chain.parts] for chain in chains]
    return RunningSum(source, tuple(itertools.chain.from_iterable(rows)), batched, view)
