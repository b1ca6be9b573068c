"""The cost model of machine code: every threshold, with the measurement that set it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograd.compiler.targets.native.work import Work

SAMPLES = 32
"""Samples of a block, as far as what is best for it depends on how many there are."""

MOST_UNROLLED = 4
"""Vectors that stand one after the other; more are a loop."""

LARGEST_EXPRESSION = 40
"""Operations of an expression: what is larger is divided, with arrays between its parts."""

LARGEST_PACKED = 16_384
"""Elements of a matrix that is copied before it is multiplied, so that it is read along its rows."""

BLOCK, MOST_FOR_BLAS = 32_768, 131_072
"""Numbers of working memory for a block of samples: a quarter of a processor's second cache. Up to all of it, a block
has as many samples as make products of matrices worth while."""

SAMPLES_FOR_BLAS = 128


def block_size(numbers: int, samples: int) -> int:
    """Return how many samples a block should have, with so many numbers for each: all blocks have about as many."""
    numbers = max(numbers, 1)
    most = max(1, BLOCK // numbers, min(SAMPLES_FOR_BLAS, MOST_FOR_BLAS // numbers))
    blocks = -(-samples // most)
    return -(-samples // blocks)


CALL = 1.0e-6
"""Seconds that an operation takes NumPy at least."""

ELEMENT, NATIVE_ELEMENT = 1.0e-9, 0.5e-9
"""Seconds for a number of an elementwise operation or reduction, by NumPy and in a nest of loops."""

PRODUCT, NATIVE_PRODUCT = 0.06e-9, 0.13e-9
"""Seconds for a multiplication of a product of matrices, by BLAS and in a nest of loops."""

MAKING = 4e-3
"""Seconds that it takes to make machine code of one operation."""

PATIENCE = 0.5
"""Machine code is made when it would have saved this share of the time that making it takes."""


def saved_seconds(work: Work, samples: int) -> float:
    """Return how much less time machine code takes for so many samples than NumPy does."""
    saved = work.calls * CALL + samples * work.elements * (ELEMENT - NATIVE_ELEMENT)
    return saved + (samples * work.products + work.fixed) * (PRODUCT - NATIVE_PRODUCT)


def seconds_before_making(work: Work) -> float:
    """Return how much time machine code must have been able to save before it is made."""
    return PATIENCE * MAKING * work.operations


PRODUCTS_FOR_BLAS = 65_536
"""Multiplications of a product of matrices from which on BLAS computes it."""
