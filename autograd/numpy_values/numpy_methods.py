"""NumPy's interface to a Value: methods named like NumPy's functions, and arithmetic with arrays.

NumPy computes a function of an object array by calling the method of that name on each object. This module does not
import NumPy; only calls of its functions do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograd import primitives
from autograd.table import Primitive

if TYPE_CHECKING:
    from autograd.numpy_values.value_arrays import ValueArray

DEGREE = 180.0 / 3.141592653589793


class NumPyMethods:
    """Methods of Value that have NumPy's names."""

    __slots__ = ()

    arcsin: Primitive = primitives.asin
    arccos: Primitive = primitives.acos
    arctan: Primitive = primitives.atan
    arcsinh: Primitive = primitives.asinh
    arccosh: Primitive = primitives.acosh
    arctanh: Primitive = primitives.atanh
    arctan2: Primitive = primitives.atan2
    hypot: Primitive = primitives.hypot
    fabs: Primitive = primitives.absolute
    fmod: Primitive = primitives.fmod

    def conjugate(self: Any) -> Any:
        """Return the Value itself, which is real. `np.std`, `np.var` and `np.vdot` call this."""
        return self

    def degrees(self: Any) -> Any:
        """Convert an angle from radians to degrees."""
        return self * DEGREE

    def radians(self: Any) -> Any:
        """Convert an angle from degrees to radians."""
        return self * (1 / DEGREE)

    rad2deg: Callable[[Any], Any] = degrees
    deg2rad: Callable[[Any], Any] = radians

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        from autograd.numpy_values.value_arrays import apply_ufunc

        return apply_ufunc(ufunc, method, inputs, options)


def array(values: Any) -> ValueArray:
    """Make an array of Values and numbers that supports all of NumPy's elementwise functions.

    For a plain object array, NumPy computes only functions for which the objects have a method. It cannot compute
    `logaddexp`, `isfinite`, `isnan`, `copysign` or `np.linalg`, nor mix Values with plain numbers: it raises "ufunc
    'isfinite' not supported for the input types", or "Cannot cast ufunc 'det' input from dtype('O')". The array
    returned here supports all of these. It also supports `np.where`, `np.clip` and `np.maximum`, which can then be
    compiled, and `solve`, `det`, `slogdet` and `inv` of `np.linalg`. The results of NumPy's functions are such arrays
    again. Functions that are differentiated or compiled receive such arrays instead of arrays of numbers.

    Args:
        values: nested sequences, or an array, of Values and numbers; rows of the same length.

    Raises:
        ValueError: if the rows are ragged.
        TypeError: if an item is not a Value or a real number.
        ModuleNotFoundError: if NumPy is not installed.

    >>> import numpy as np
    >>> from autograd import Value, array
    >>> a = array([[Value(2.0), 1.0], [0.0, Value(4.0)]])
    >>> np.linalg.det(a).data, np.logaddexp(a, 0.0).shape
    (8.0, (2, 2))
    """
    from autograd.numpy_values.value_arrays import value_array

    return value_array(values)
