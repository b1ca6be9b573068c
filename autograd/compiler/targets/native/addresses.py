"""Addresses of arrays in memory."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from autograd.arrays import NDArray, np

Array = NDArray[Any]

_word = ctypes.c_size_t.from_address


def _data_offset() -> int | None:
    """Return the offset of a NumPy array's data pointer, right after the object header; None if it is not there."""
    if sys.implementation.name != "cpython":  # elsewhere an id is not an address
        return None
    offset = object.__basicsize__
    arrays = [np.zeros(3), np.zeros((4, 2))[1:], np.arange(6)[::2]]
    return offset if all(_word(id(array) + offset).value == array.ctypes.data for array in arrays) else None


_OFFSET = _data_offset()


def address_of(array: Array) -> int:
    """Return the address of an array's first element, ten times as fast as `array.ctypes`."""
    if _OFFSET is None:
        return int(array.ctypes.data)
    return int(_word(id(array) + _OFFSET).value)
