"""Whether a function draws random numbers, told by the states of all random generators that there are.

A number that was drawn would stay in the program for ever. Where it goes into the graph as it is, runs of the function
differ in it; but a coin can fall on the same side each time. A generator's state changes all the same, whether it is
one that draws for everyone or one that only the function knows.
"""

from __future__ import annotations

import gc
import pickle
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_KINDS = (random.Random, np.random.RandomState, np.random.BitGenerator)  # NumPy's Generators draw from the last


def draws(run: Callable[[], object]) -> bool:
    """Whether what is run draws random numbers. If one was drawn meanwhile it runs again, as another thread may draw.

    What the operating system draws has no state that could be seen.
    """
    generators = _generators()
    before = list(map(_state, generators))
    for _ in range(2):
        run()
        after = list(map(_state, generators))
        generators = [x for x, old, new in zip(generators, before, after) if old != new]
        before = [new for old, new in zip(before, after) if old != new]
        if not generators:
            return False
    return True


def _generators() -> list[Any]:
    kinds = {kind for base in _KINDS for kind in _with_subclasses(base)}
    return [x for x in gc.get_objects() if type(x) in kinds]


def _with_subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _with_subclasses(subclass)


def _state(generator: Any) -> bytes:
    try:
        return pickle.dumps(generator.__getstate__())
    except Exception:  # one that has none, such as the operating system's, or a kind of somebody's own
        return b""
