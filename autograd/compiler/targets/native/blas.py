"""Matrix products of the BLAS library that NumPy is linked with, called by address.

They are looked up in NumPy's shared library, which extends the search to the libraries that it depends on.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any, NamedTuple

from autograd.arrays import np

ROWS, PLAIN, TRANSPOSED = 101, 111, 112
"""CBLAS's codes for row-major matrices, and for plain and transposed factors."""

_NAMES = {"scipy_cblas_{}gemm64_": 64, "cblas_{}gemm64_": 64, "scipy_cblas_{}gemm": 32, "cblas_{}gemm": 32}
"""The possible names of the functions, with the bits of their integers."""


class MatrixProduct(NamedTuple):
    """A function of CBLAS.

    Attributes:
        address: its address.
        bits: the bits of its integers.
    """

    address: int
    bits: int


@functools.lru_cache(maxsize=2)
def matrix_product(itemsize: int) -> MatrixProduct | None:
    """Return the matrix product for numbers of 8 or 4 bytes; None if it cannot be found."""
    try:
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for name, bits in _NAMES.items():
        function = getattr(library, name.format("d" if itemsize == 8 else "s"), None)
        if function is not None:
            return MatrixProduct(_address(function), bits) if _multiplies(function, bits, itemsize) else None
    return None


def _address(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return address


def _multiplies(function: Any, bits: int, itemsize: int) -> bool:
    """Return whether a function computes an example correctly."""
    integer, real = {64: ctypes.c_int64, 32: ctypes.c_int32}[bits], {8: ctypes.c_double, 4: ctypes.c_float}[itemsize]
    pointer, enumeration = ctypes.c_void_p, ctypes.c_int
    kinds: list[Any] = [
        *[enumeration] * 3,
        *[integer] * 3,
        real,
        pointer,
        integer,
        pointer,
        integer,
        real,
        pointer,
        integer,
    ]
    call = ctypes.CFUNCTYPE(None, *kinds)(_address(function))
    a = np.arange(6.0).reshape(2, 3).astype(f"f{itemsize}")
    b, c = (a + 1).T.copy(), np.ones((2, 2), a.dtype)
    call(ROWS, PLAIN, PLAIN, 2, 2, 3, 1.0, a.ctypes.data, 3, b.ctypes.data, 2, 1.0, c.ctypes.data, 2)
    return bool((c == [[9, 18], [27, 63]]).all())
