"""Check how many operands a primitive takes."""

from __future__ import annotations

import functools
import inspect

from autograd.primitives import Primitive


@functools.lru_cache(maxsize=4096)
def takes(primitive: Primitive, count: int) -> bool:
    """Return whether the signature of a primitive's rule allows this many operands.

    >>> from autograd import primitives
    >>> takes(primitives.sigmoid, 1), takes(primitives.sigmoid, 2), takes(primitives.max_, 5)
    (True, False, True)
    """
    if not count:
        return False
    try:
        signature = inspect.signature(primitive.forward)
    except (TypeError, ValueError):  # a C function without a signature
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True
