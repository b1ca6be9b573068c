"""NumPy; or where it cannot be imported, as in a browser, a stand-in in plain Python for the part that is used here.

    from autograd.arrays import np

The stand-in computes the same numbers, to the bit where NumPy computes element by element, only slowly. It is there so
that networks train node by node, and programs are compiled to source, where there is no NumPy; running a compiled
program wants the real one. Whatever it does not have raises an AttributeError that says so.
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
