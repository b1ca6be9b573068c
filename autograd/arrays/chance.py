"""The part of NumPy's default random generator that a permutation needs: the same seed gives the same order.

Sources: O'Neill 2014, PCG (XSL-RR, 128 bits of state, 64 of output); O'Neill 2015, "Developing a seed_seq alternative",
which NumPy's SeedSequence follows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import cycle, islice

from autograd.arrays.array import ndarray

WORD, LONG, STATE = (1 << 32) - 1, (1 << 64) - 1, (1 << 128) - 1
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645


class Generator:
    """Generates random permutations.

    >>> Generator(0).permutation(5).tolist()
    [2, 4, 3, 0, 1]
    """

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and seed < 0:
            raise ValueError(f"expected a non-negative integer as a seed, got {seed}")
        a, b, c, d = _longs(random.getrandbits(128) if seed is None else int(seed))
        self._increment = ((c << 64 | d) << 1 | 1) & STATE
        self._state = 0
        self._step()
        self._state = (self._state + (a << 64 | b)) & STATE
        self._step()
        self._words = self._stream()

    def _step(self) -> None:
        self._state = (self._state * MULTIPLIER + self._increment) & STATE

    def _stream(self) -> Iterator[int]:
        """Yield 32 bits at a time, the lower half of each output first."""
        while True:
            self._step()
            folded, rotation = (self._state >> 64 ^ self._state) & LONG, self._state >> 122
            output = (folded >> rotation | folded << (64 - rotation)) & LONG
            yield output & WORD
            yield output >> 32

    def _up_to(self, largest: int) -> int:
        """Draw a uniform integer from 0 to the largest, by rejection of bits that exceed it."""
        mask = (1 << largest.bit_length()) - 1
        while (number := next(self._words) & mask) > largest:
            pass
        return number

    def permutation(self, n: int) -> ndarray:
        """Return the numbers from 0 to n − 1 in random order."""
        order = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self._up_to(i)
            order[i], order[j] = order[j], order[i]
        return ndarray(order, (n,), int)


def _longs(seed: int) -> tuple[int, ...]:
    """Mix a seed of any size into four 64-bit numbers."""
    words = [seed & WORD]
    while seed := seed >> 32:
        words.append(seed & WORD)
    factor = 0x43B0D7E5

    def scrambled(x: int) -> int:
        nonlocal factor
        x ^= factor
        factor = factor * 0x931E8875 & WORD
        x = x * factor & WORD
        return x ^ x >> 16

    pool = [scrambled(x) for x in islice([*words, 0, 0, 0, 0], 4)]
    for source in range(4):
        for i in range(4):
            if i != source:
                pool[i] = _mixed(pool[i], scrambled(pool[source]))
    for word in words[4:]:
        for i in range(4):
            pool[i] = _mixed(pool[i], scrambled(word))
    halves, factor = [], 0x8B51F9DD
    for x in islice(cycle(pool), 8):
        x ^= factor
        factor = factor * 0x58F38DED & WORD
        x = x * factor & WORD
        halves.append(x ^ x >> 16)
    return tuple(high << 32 | low for low, high in zip(halves[::2], halves[1::2]))


def _mixed(x: int, y: int) -> int:
    mixed = (x * 0xCA01F9DD - y * 0x4973F715) & WORD
    return mixed ^ mixed >> 16
