"""Models as `autograd.compile` takes them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograd.arrays import np


def flat(outputs: Any) -> list[Any]:
    """Return a network's outputs one after the other."""
    if not isinstance(outputs, (list, tuple)):
        return [outputs]
    return [x for row in outputs for x in flat(row)]


@contextmanager
def same_chances() -> Iterator[None]:
    """Random draws go on after this context as if it had not been: a model that draws is run in it, to no avail."""
    ours, numpys = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpys)
