"""Convert lists, arrays and data frames to arrays of floats, with errors that name invalid entries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from autograd import Value
from autograd.arrays import HAVE_NUMPY, ArrayLike, NDArray, np
from autograd.arrays.errors import ignoring_errors

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

EXACT = 2**53  # floats represent all integers up to this one
FIXES = {  # by the kind of an array's dtype
    "U": "for numbers that were read as text, {name}.astype(float)",
    "M": "for dates, ({name} - {name}.min()) / np.timedelta64(1, 'D') gives days",
    "m": "for times, {name} / np.timedelta64(1, 's') gives seconds",
    "c": "take real and imaginary parts as two numbers",
}


def as_floats(
    numbers: ArrayLike, name: str, used: Mask | None = None, *, integers: bool = False, copy: bool = True
) -> Array:
    """Convert numbers to an array of finite floats, samples first.

    Columns of a data frame may be boolean, nullable or of different types; object arrays may hold Python numbers of any
    type.

    Args:
        numbers: anything `numpy.asarray` takes, or a data frame.
        name: the argument's name in error messages.
        used: a mask of the samples to return; the others are not checked.
        integers: keep integers, which may be indices, unless floats cannot represent them exactly.
        copy: always return a new array; otherwise the result may share memory with the input and must only be read.

    Raises:
        ValueError: for ragged rows, and for a missing value, NaN or infinity, with its position.
        TypeError: for anything but real numbers.
    """
    if hasattr(numbers, "iloc"):
        array = _of_frame(numbers, name, used)
    else:
        array = _of_array(numbers, name, used, integers, copy)
    if not (math.isfinite(ignoring_errors(array.sum)) or np.isfinite(array).all()):  # the sum needs no copy
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite numbers, got {array[at]} in {_place(at, used)}")
    return array


def _of_array(numbers: Any, name: str, used: Mask | None, integers: bool, copy: bool) -> Array:
    try:
        array = np.asarray(numbers)
    except ValueError:
        raise ValueError(
            f"{name} must be rows of the same length that hold real numbers only{_ragged(numbers)}"
        ) from None
    if used is not None and array.ndim and len(array) == len(used):
        array = array[used]
    if integers and array.dtype.kind in "iu" and array.size and -EXACT <= array.min() <= array.max() <= EXACT:
        return array.astype(np.int64)
    if array.dtype.kind in "biuf":
        return array.astype(float) if copy or not HAVE_NUMPY else np.require(array, float, ["C", "ALIGNED"])
    if array.dtype.kind == "O" and array.ndim:
        return _of_objects(array, name, used)
    if array.dtype.kind == "O":
        fix = f": write list({name})" if hasattr(numbers, "__iter__") else ""
        raise TypeError(f"{name} must be an array or lists of real numbers, got {numbers!r:.60}{fix}")
    fix = f": {FIXES[array.dtype.kind].format(name=name)}" if array.dtype.kind in FIXES else ""
    raise TypeError(f"{name} must be real numbers, got an array of {array.dtype}{fix}")


def _ragged(rows: Any) -> str:
    """Describe two samples of different lengths."""
    lengths = [len(row) if hasattr(row, "__len__") else None for row in rows] if isinstance(rows, (list, tuple)) else []
    other = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
    if other is None:
        return ""
    first, second = (f"sample {i} has {'no length' if lengths[i] is None else lengths[i]}" for i in (0, other))
    return f": {first}, {second}"


def _of_objects(array: NDArray[Any], name: str, used: Mask | None) -> Array:
    floats = np.empty(array.shape)
    for at in np.ndindex(*array.shape):
        x = array[at]
        if isinstance(x, (Real, np.bool_)):
            try:
                floats[at] = x
            except OverflowError:
                raise ValueError(f"{name} must be real numbers that a float can hold, got {x!r:.60}") from None
        elif is_missing(x):
            raise ValueError(f"{name} must be real numbers, got a missing value, {x}, in {_place(at, used)}")
        elif isinstance(x, Value):
            raise TypeError(f"{name} must be real numbers, got Values, such as {x!r:.60}: give their numbers, v.data")
        elif isinstance(x, (list, tuple, np.ndarray)):
            raise ValueError(f"{name} must be rows of the same length that hold real numbers only")
        else:
            raise TypeError(f"{name} must be real numbers, got {x!r:.60} in {_place(at, used)}")
    return floats


def _of_frame(frame: Any, name: str, used: Mask | None) -> Array:
    """Convert a data frame, or one column of it, column by column: mixed types would together become objects."""
    if used is not None and len(frame) == len(used):
        frame = frame[used]
    if frame.ndim == 1:
        return _of_column(frame, name, used)
    if not len(frame.columns):
        raise ValueError(f"{name} must have at least one column, got a data frame without any")
    columns = [_of_column(frame.iloc[:, i], f"{name}: column {x!r}", used) for i, x in enumerate(frame.columns)]
    return np.stack(columns, axis=1)


def _of_column(column: Any, name: str, used: Mask | None) -> Array:
    """Convert one pandas column. Raise ValueError for a missing value, naming the sample."""
    gaps = np.asarray(column.isna())
    if gaps.any():
        raise ValueError(f"{name} must be real numbers, got a missing value in {_place((gaps.argmax(),), used)}")
    kind = getattr(column.dtype, "kind", "O")
    if kind in "biuf":
        return np.asarray(column.to_numpy(dtype=float))
    array = np.asarray(column)
    if kind == "O" and all(isinstance(x, (Real, np.bool_)) for x in array):
        return array.astype(float)
    raise TypeError(
        f"{name} must be real numbers, got {column.dtype}, such as {array[0]!r:.60}; encode it as numbers first, as "
        "pandas.get_dummies does categories, or let `lucidgrad train` read the table"
    )


def is_missing(x: Any) -> bool:
    """Tell whether an object stands for a missing value: None, NaN, or pandas's NA and NaT."""
    return x is None or type(x).__name__ in ("NAType", "NaTType") or (isinstance(x, float) and x != x)


def _place(at: Sequence[Any], used: Mask | None) -> str:
    """Describe a position, with the sample's index in the user's data."""
    sample = int(at[0]) if used is None else int(np.flatnonzero(used)[at[0]])
    return f"sample {sample}" + (f", column {', '.join(map(str, at[1:]))}" if at[1:] else "")


def as_weights(sample_weight: ArrayLike | None, samples: int, name: str = "sample_weight") -> Array | None:
    """Convert sample weights to an array of floats; None stays None.

    Raises:
        ValueError: unless there is one weight per sample, all are finite and at least 0, and one is above 0.
        TypeError: for anything but real numbers.
    """
    if sample_weight is None:
        return None
    weights = as_floats(sample_weight, name)
    if weights.shape != (samples,):
        raise ValueError(f"{name} must hold one number for each of the {samples} samples, got shape {weights.shape}")
    if (weights < 0).any():
        k = int(weights.argmin())
        raise ValueError(f"{name} must be 0 or more, got {weights[k]:g} for sample {k}; 0 leaves a sample out")
    if not (weights > 0).any():
        raise ValueError(f"{name} must not be zero for all {samples} samples: there is nothing to learn from")
    return weights


def as_labels(targets: Any, used: Mask | None = None) -> NDArray[Any] | None:
    """Return targets that are class names, one per sample, as an array of texts; None for other targets.

    Raises:
        ValueError: if a name is missing.
    """
    if isinstance(targets, (list, tuple)):
        if not any(isinstance(x, str) for x in targets):
            return None
        targets = np.array(targets, dtype=object)  # keeps numbers among the names as numbers
    array = np.asarray(targets)
    if array.ndim != 1 or array.dtype.kind not in "OU" or not len(array):
        return None
    if used is not None and len(array) == len(used):
        array = array[used]
    texts = [isinstance(x, str) for x in array.tolist()]
    if not any(texts):
        return None
    for k, x in enumerate(array.tolist()):
        if not texts[k]:
            why = "is missing" if is_missing(x) else f"is {x!r}, which is not a text"
            raise ValueError(f"targets must all be names of classes; that of {_place((k,), used)} {why}")
    return array.astype(str)
