"""Prepare models for `autograd.compile`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograd.arrays import np


def flat(outputs: Any) -> list[Any]:
    """Flatten a network's outputs into one list."""
    if not isinstance(outputs, (list, tuple)):
        return [outputs]
    return [x for row in outputs for x in flat(row)]


@contextmanager
def same_chances() -> Iterator[None]:
    """Restore the states of the global random number generators on exit, since tracing a model may draw from them."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
