"""NumPy, or a pure-Python stand-in for the parts used here if NumPy cannot be imported, as in a browser.

    from autograd.arrays import np

The stand-in is slow but computes the same numbers; elementwise functions match NumPy to the last bit. Without NumPy, it
lets networks train node by node and programs be compiled to source; running a compiled program needs NumPy. A missing
function raises an error that says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    HAVE_NUMPY = True
    ieee_float: type[float]
else:
    try:
        import numpy as np
        from numpy import float64 as ieee_float
        from numpy.typing import ArrayLike, NDArray

        HAVE_NUMPY = True
    except ImportError:
        from autograd.arrays import stand_in as np
        from autograd.arrays.ieee import Float as ieee_float  # noqa: N813

        ArrayLike, NDArray, HAVE_NUMPY = Any, list, False

__all__ = ["HAVE_NUMPY", "ArrayLike", "NDArray", "ieee_float", "np"]
