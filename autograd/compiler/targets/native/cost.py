"""The cost model of machine code: every threshold, with its measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograd.compiler.targets.native.work import Work

SAMPLES = 32
"""The number of samples per block that other choices assume."""

MOST_UNROLLED = 4
"""The most vectors that are unrolled; more become a loop."""

LARGEST_EXPRESSION = 40
"""The most operations of an expression; a larger one is divided, with arrays between its parts."""

LARGEST_PACKED = 16_384
"""The most elements of a matrix that is copied before it is multiplied, so that it is read along its rows."""

BLOCK, MOST_FOR_BLAS = 32_768, 131_072
"""Numbers of working memory for a block of samples: a quarter of a processor's second-level cache. Up to all of it, a
block is enlarged until matrix products pay."""

SAMPLES_FOR_BLAS = 128
"""The number of samples for which a product of 784 columns is as fast in a block as in one piece."""


def block_size(numbers: int, samples: int) -> int:
    """Return the number of samples per block, for this many numbers per sample, such that blocks are about equal."""
    numbers = max(numbers, 1)
    most = max(1, BLOCK // numbers, min(SAMPLES_FOR_BLAS, MOST_FOR_BLAS // numbers))
    blocks = -(-samples // most)
    return -(-samples // blocks)


CALL = 1.0e-6
"""NumPy's overhead for an operation, in seconds: the 101 of a small GPT take 140 µs less for one sample."""

ELEMENT = 0.6e-9
"""Seconds that a loop nest saves per number of an elementwise operation or reduction: the GPT's 10,700 take 7 µs less
per sample from 1 to 32 samples, and more from 32 to 256, where NumPy's arrays exceed the cache."""

PRODUCT = 0.004e-9
"""Seconds that a matrix product of many samples loses per multiplication in blocks: 784-50-10 is as fast with NumPy at
100 samples, and slower at 10."""

NESTED_PRODUCT = 0.07e-9
"""The same loss if a loop nest computes the product instead of BLAS."""

MAKING = 4e-3
"""Seconds of compiling an operation to machine code: 0.35 s for the GPT's 101."""

PATIENCE = 0.2
"""A pass is compiled once machine code would have saved this share of the time of compiling."""


def saved_seconds(work: Work, samples: int, has_blas: bool) -> float:
    """Return the time that machine code saves over NumPy for this many samples."""
    saved = work.calls * CALL + samples * work.elements * ELEMENT
    nested = samples * work.nested + (0 if has_blas else samples * work.products + work.fixed)
    return saved - (samples * work.products + work.fixed) * PRODUCT - nested * NESTED_PRODUCT


def seconds_before_making(work: Work) -> float:
    """Return the time that machine code must have been able to save before it is compiled."""
    return PATIENCE * MAKING * work.operations


LARGE_BATCHED = 16_384
"""The multiplications per matrix of a batched product from which on NumPy is faster than a loop nest."""

PRODUCTS_FOR_BLAS = 65_536
"""The multiplications of a matrix product from which on BLAS computes it."""
