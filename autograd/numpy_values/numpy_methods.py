"""NumPy's interface to a Value: methods by the names of its functions, and computing with a Value among arrays.

NumPy computes a function of an array of objects by calling the method of that name of each. NumPy itself is imported
where one of its functions is called, so not here.
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
    """Methods by NumPy's names, for Value."""

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
        """The Value itself, which is real: as `np.std`, `np.var` and `np.vdot` ask."""
        return self

    def degrees(self: Any) -> Any:
        """An angle in radians, in degrees."""
        return self * DEGREE

    def radians(self: Any) -> Any:
        """An angle in degrees, in radians."""
        return self * (1 / DEGREE)

    rad2deg: Callable[[Any], Any] = degrees
    deg2rad: Callable[[Any], Any] = radians

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        from autograd.numpy_values.value_arrays import apply_ufunc

        return apply_ufunc(ufunc, method, inputs, options)


def array(values: Any) -> ValueArray:
    """Make an array of Values and numbers with which all of NumPy's elementwise functions compute.

    Of a plain array of objects, NumPy computes what it finds a method for. It has no way to ask for `logaddexp`,
    `isfinite`, `isnan`, `copysign` or `np.linalg`, nor to meet plain numbers in the same array: it raises "ufunc
    'isfinite' not supported for the input types", or "Cannot cast ufunc 'det' input from dtype('O')". An array from
    here has all of that: `np.where`, `np.clip` and `np.maximum` too, which can be compiled then, and `solve`, `det`,
    `slogdet` and `inv` of `np.linalg`. What NumPy makes of it is such an array again. Functions that are differentiated
    or compiled get such arrays in the place of arrays of numbers.

    Args:
        values: nested sequences, or an array, of Values and numbers; rows of the same length.

    Raises:
        ValueError: for ragged rows.
        TypeError: for anything but Values and real numbers.
        ModuleNotFoundError: where NumPy is not installed.

    >>> import numpy as np
    >>> from autograd import Value, array
    >>> a = array([[Value(2.0), 1.0], [0.0, Value(4.0)]])
    >>> np.linalg.det(a).data, np.logaddexp(a, 0.0).shape
    (8.0, (2, 2))
    """
    from autograd.numpy_values.value_arrays import value_array

    return value_array(values)
