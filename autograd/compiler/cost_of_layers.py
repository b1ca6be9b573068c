"""The cost model of layers: when a program of layers is aligned (see `cost.py` and `recover/alignment.py`)."""

from __future__ import annotations

MOST_INTERCHANGED = 4
"""The most terms of a sum whose arrays are joined because other sums read others in their place."""

OPERATIONS_A_LEVEL = 3
"""The number of operations for each level of the scalars above which alignment is tried: trees of soft decisions and
sorting networks have from 4 on, and twice as many with each layer; aligned, they have from 1 to 3."""

FEW_OPERATIONS = 20
"""The most operations of a program that is not aligned in any case: a tree of three layers has from 24 on."""

MOST_ALIGNED = 0.8
"""The most operations of an aligned program, as a share of those without alignment."""


def may_interchange(terms: int) -> bool:
    """Return whether sums of this many terms may read arrays in place of one another."""
    return terms <= MOST_INTERCHANGED


def is_fragmented(operations: int, levels: int) -> bool:
    """Return whether nodes of this many levels have become so many operations that alignment is worth trying."""
    return operations > max(FEW_OPERATIONS, OPERATIONS_A_LEVEL * levels)


def worth_aligning(aligned: int, operations: int) -> bool:
    """Return whether alignment saves enough operations."""
    return aligned <= MOST_ALIGNED * operations
