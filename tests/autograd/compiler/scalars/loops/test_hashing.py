"""Hashes of numbers and of rows, with and without NumPy."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from autograd.arrays import np, stand_in
from autograd.compiler.scalars.loops import hashing
from autograd.compiler.scalars.loops.hashing import RowHashes, hashed, hashed_rows, of_floats

STEP = 0x9E3779B97F4A7C15
SPLITMIX = 0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC
"""The first numbers of the generator splitmix64 with seed 0 (Vigna's reference implementation)."""

MASK = (1 << 64) - 1


@pytest.fixture(params=[True, False], ids=["NumPy", "no NumPy"])
def arrays(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return NumPy, or its stand-in as if NumPy were missing."""
    module = np if request.param else stand_in
    monkeypatch.setattr(hashing, "HAVE_NUMPY", request.param)
    monkeypatch.setattr(hashing, "np", module)
    return module


def test_numbers_are_scattered_as_by_splitmix64(arrays: Any) -> None:
    for n, expected in enumerate(SPLITMIX):
        assert hashed(arrays.array([n * STEP & MASK])).tolist() == [expected]


def test_negative_numbers_are_those_modulo_2_to_the_64(arrays: Any) -> None:
    negative, positive = arrays.array([-1, -(1 << 40)]), arrays.array([MASK, MASK + 1 - (1 << 40)])
    assert hashed(negative).tolist() == hashed(positive).tolist()


def scattered(k: int) -> int:
    z = k + STEP & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def by_hand(rows: list[list[int]]) -> list[int]:
    """Return Σ h(x_n) (2 h(n) + 1) modulo 2^64 for each row."""
    h = [scattered(k) for k in range(20)]
    return [sum(h[x] * (2 * h[n] + 1) for n, x in enumerate(row)) & MASK for row in rows]


@pytest.mark.parametrize("seed", range(3))
def test_hashes_of_rows_are_sums_of_products(seed: int, arrays: Any) -> None:
    chance = random.Random(seed)
    rows = [[chance.randrange(20) for _ in range(chance.randrange(5))] for _ in range(12)]
    flat, first = [x for row in rows for x in row], [0]
    for row in rows:
        first.append(first[-1] + len(row))
    assert hashed_rows(arrays.array(flat), arrays.array(first)).tolist() == by_hand(rows)
    own = [chance.random() < 0.5 for _ in flat]
    replaced = [x if is_own else 7 for x, is_own in zip(flat, own)]
    expected = by_hand([replaced[a:b] for a, b in itertools.pairwise(first)])
    several = RowHashes(arrays.array(flat), arrays.array(first), 7)
    assert several.where(arrays.array(own)).tolist() == expected
    assert several.whole().tolist() == by_hand(rows)


def test_other_numbers_are_replaced_by_zero_by_default(arrays: Any) -> None:
    several = RowHashes(arrays.array([3, 5, 8]), arrays.array([0, 3]))
    assert several.where(arrays.array([True, False, True])).tolist() == by_hand([[3, 0, 8]])


def test_floats_are_equal_by_their_bits(arrays: Any) -> None:
    a, b, c, d, e = of_floats([0.0, -0.0, 1.5, 1.5, -1.5]).tolist()
    assert c == d
    assert len({a, b, c, e}) == 4
