"""The cost model of machine code: every threshold, with the measurement that set it."""

from __future__ import annotations

SAMPLES = 32
"""Samples of a block, as far as what is best for it depends on how many there are."""

MOST_UNROLLED = 4
"""Vectors that stand one after the other; more are a loop."""

LARGEST_EXPRESSION = 40
"""Operations of an expression: what is larger is divided, with arrays between its parts."""

LARGEST_PACKED = 16_384
"""Elements of a matrix that is copied before it is multiplied, so that it is read along its rows."""
