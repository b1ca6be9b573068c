"""64-bit hashes of numbers and of rows of numbers. Without NumPy they are the same, but slower."""

from __future__ import annotations

from typing import Any, TypeAlias

from autograd.arrays import HAVE_NUMPY, NDArray, np

Hashes: TypeAlias = "NDArray[np.uint64]"

_MASK = (1 << 64) - 1


def hashed(x: Any) -> Hashes:
    """Scatter integers over all 64 bits (the finaliser of splitmix64: Steele, Lea and Flood, 2014)."""
    if not HAVE_NUMPY:
        return np.array([_hashed(k) for k in x.tolist()])
    z = x.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scattered: Hashes = z ^ (z >> np.uint64(31))
    return scattered


def hashed_rows(x: Any, first: Any) -> Hashes:
    """Return a hash of each row of integers, in which their order counts.

    Args:
        first: where each row begins; and where the last one ends.
    """
    column = hashed(np.arange(len(x)) - np.repeat(first[:-1], np.diff(first)))
    if not HAVE_NUMPY:
        products = [a * (2 * b + 1) & _MASK for a, b in zip(hashed(x).tolist(), column.tolist())]
        ends = zip(first[:-1].tolist(), first[1:].tolist())
        return np.array([sum(products[start:end]) & _MASK for start, end in ends])
    sums = np.append(np.uint64(0), (hashed(x) * (2 * column + np.uint64(1))).cumsum())
    of_rows: Hashes = sums[first[1:]] - sums[first[:-1]]
    return of_rows


def of_floats(numbers: Any) -> Any:
    """Return an integer for each float, equal for bitwise equal floats."""
    if HAVE_NUMPY:
        return np.array(numbers, dtype=np.float64).view(np.int64)
    return np.array([hash((x, str(x))) for x in numbers], dtype=np.int64)


def _hashed(x: int) -> int:
    z = (x + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
