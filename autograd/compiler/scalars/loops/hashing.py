"""Hash numbers, and rows of numbers, to 64 bits. Without NumPy, the hashes are the same, but take longer."""

from __future__ import annotations

import itertools
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


class RowHashes:
    """Hashes of rows of integers, in which a fixed integer can replace others. They depend on the order in a row.

    Args:
        x: the integers, row after row.
        first: the start of each row, and the end of the last.
        other: the integer that can replace others.
    """

    def __init__(self, x: Any, first: Any, other: int = 0) -> None:
        factors = hashed(np.arange(len(x)) - np.repeat(first[:-1], np.diff(first)))
        self._first = first
        self._own, self._other = _products(hashed(x), factors), _products(hashed(np.array([other])), factors)

    def where(self, is_own: Any) -> Hashes:
        """Return a hash of each row, with the integers replaced where `is_own` is false."""
        return _sums_of_rows(np.where(is_own, self._own, self._other), self._first)

    def whole(self) -> Hashes:
        """Return a hash of each row, without replacements."""
        return _sums_of_rows(self._own, self._first)


def hashed_rows(x: Any, first: Any) -> Hashes:
    """Return a hash of each row of integers. The arguments are those of `RowHashes`."""
    return RowHashes(x, first).whole()


def _products(hashes: Any, factors: Any) -> Any:
    """Return the products of hashes, or of a single hash, with the odd numbers 2 · factor + 1."""
    if not HAVE_NUMPY:
        pairs = zip(itertools.cycle(hashes.tolist()), factors.tolist())
        return np.array([a * (2 * b + 1) & _MASK for a, b in pairs])
    return hashes * (2 * factors + np.uint64(1))


def _sums_of_rows(x: Any, first: Any) -> Hashes:
    if not HAVE_NUMPY:
        numbers = x.tolist()
        return np.array([sum(numbers[a:b]) & _MASK for a, b in zip(first[:-1].tolist(), first[1:].tolist())])
    sums = np.append(np.uint64(0), x.cumsum())
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
