"""The order in which the blocks of a sum are added, and which of them are subtracted."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from autograd.compiler.recover.groups import SumOfProducts
from autograd.compiler.recover.sums.blocks import Block, Rows


def negative(block: Block) -> Block:
    """Return a block with the opposite sign."""
    return block._replace(coefficients=-block.coefficients)  # type: ignore[arg-type]  # each of its own type


def is_subtracted(block: Block) -> bool:
    """Return whether a block has one negative coefficient, so that subtracting its negative rounds the same."""
    c = block.coefficients
    return isinstance(c, float) and c < 0 and (c == -1.0 or (isinstance(block, Rows) and is_column(block)))


def slots(group: SumOfProducts) -> list[list[Block]]:
    """Return the blocks of each slot in the order of addition."""
    by_slot = itertools.groupby(zip(group.slots, group.blocks), key=lambda pair: pair[0])
    return [_in_order([block for _, block in pairs]) for _, pairs in by_slot]


def _in_order(blocks: Iterable[Block]) -> list[Block]:
    """Put products first and subtracted blocks last; the cells of a stencil keep their spatial order.

    Neighbours are nearly equal, so that u₀ - 2u₁ + u₂ is exact where u₀ + u₂ would be rounded.
    """
    runs = [list(run) for _, run in itertools.groupby(blocks, key=_sources)]
    together = [run for blocks in runs for run in ([blocks] if len(blocks) > 2 else [[block] for block in blocks])]
    together.sort(key=lambda run: (isinstance(run[0], Rows), starts_with_a_sign(run[0])))
    return [block for run in together for block in run]


def _sources(block: Block) -> tuple[int, ...]:
    """Return the sources of a block's factors; nothing for a matrix product, which is not part of a stencil."""
    return tuple([view.source for view in block.factors]) if isinstance(block, Rows) else ()


def is_column(block: Rows) -> bool:
    """Return whether a block has a single term for each member."""
    terms: int = block.left.positions.shape[1]
    return terms == 1


def starts_with_a_sign(block: Block) -> bool:
    """Return whether a block has one negative coefficient."""
    return isinstance(block.coefficients, float) and block.coefficients < 0
