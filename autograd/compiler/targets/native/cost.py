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
"""Samples for which a product of 784 columns takes as long in a block as in one piece."""


def block_size(numbers: int, samples: int) -> int:
    """Return how many samples a block should have, with so many numbers for each: all blocks have about as many."""
    numbers = max(numbers, 1)
    most = max(1, BLOCK // numbers, min(SAMPLES_FOR_BLAS, MOST_FOR_BLAS // numbers))
    blocks = -(-samples // most)
    return -(-samples // blocks)


CALL = 1.0e-6
"""Seconds that an operation takes NumPy beyond its work: the 101 of a small GPT take 140 µs less for one sample."""

ELEMENT = 0.6e-9
"""Seconds by which a number of an elementwise operation or reduction is quicker in a nest of loops: the GPT's 10,700
take 7 µs less for each sample from 1 to 32, and more from 32 to 256, where NumPy's arrays leave the cache."""

PRODUCT = 0.004e-9
"""Seconds by which a product of matrices of many samples is slower in blocks, for each multiplication: 784-50-10 is as
quick by NumPy at 100 samples, and slower at 10."""

NESTED_PRODUCT = 0.07e-9
"""Likewise where a nest of loops computes it, and not BLAS."""

MAKING = 4e-3
"""Seconds that it takes to make machine code of one operation: 0.35 s for the GPT's 101."""

PATIENCE = 0.2
"""Machine code is made when it would have saved this share of the time that making it takes."""


def saved_seconds(work: Work, samples: int, has_blas: bool) -> float:
    """Return how much less time machine code takes for so many samples than NumPy does."""
    saved = work.calls * CALL + samples * work.elements * ELEMENT
    nested = samples * work.nested + (0 if has_blas else samples * work.products + work.fixed)
    return saved - (samples * work.products + work.fixed) * PRODUCT - nested * NESTED_PRODUCT


def seconds_before_making(work: Work) -> float:
    """Return how much time machine code must have been able to save before it is made."""
    return PATIENCE * MAKING * work.operations


LARGE_BATCHED = 16_384
"""Multiplications for each matrix of a product, matrix by matrix, from which on NumPy's is quicker than a nest."""

PRODUCTS_FOR_BLAS = 65_536
"""Multiplications of a product of matrices from which on BLAS computes it."""
