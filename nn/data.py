"""Samples and targets as arrays: what `numpy.asarray` takes, checked, samples first."""

from __future__ import annotations

from autograd.arrays import ArrayLike, NDArray, np

Array = NDArray[np.float64]


def one_hot(labels: ArrayLike, classes: int | None = None) -> Array:
    """Each integer label k as a row of zeros with a one at position k.

    Args:
        labels: an integer, or an array of integers of any shape s.
        classes: the length of a row; if not given, the largest label + 1.

    Returns:
        An array of shape s + (classes,).

    Raises:
        ValueError: for a label below 0 or beyond the classes.
        TypeError: for labels that are not integers.

    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    indices = np.asarray(labels)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"one_hot expects integer labels, got an array of {indices.dtype}")
    if classes is None:
        classes = int(indices.max()) + 1 if indices.size else 0
    if indices.size and not 0 <= indices.min() <= indices.max() < classes:
        raise ValueError(f"labels go from {indices.min()} to {indices.max()}, but there are classes 0 to {classes - 1}")
    rows = np.zeros((indices.size, classes))
    rows[np.arange(indices.size), indices.ravel()] = 1.0
    return rows.reshape((*indices.shape, classes))


def as_samples(inputs: ArrayLike, name: str = "inputs") -> Array:
    """The inputs as an array of floats, samples first; one number a sample becomes a row of one.

    Raises:
        ValueError: for no samples, ragged rows, NaN or infinity (saying where).
        TypeError: for anything but real numbers.
    """
    array = _as_array(inputs, name)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must hold at least one sample, got an array of shape {array.shape}")
    return array.reshape(-1, 1) if array.ndim == 1 else array


def as_targets(targets: ArrayLike, samples: int, outputs: int) -> Array:
    """The targets as an array of shape (samples, outputs).

    Args:
        targets: a row of numbers a sample; where there is one output, a number a sample; where there are several,
            an integer label a sample, which becomes one-hot.

    Raises:
        ValueError, TypeError: as in `as_samples`, and where the shape does not fit.
    """
    array = _as_array(targets, "targets")
    if array.ndim == 0 or len(array) != samples:
        found = "a single number" if array.ndim == 0 else f"{len(array)} targets"
        raise ValueError(f"there must be a target for each of the {samples} samples, got {found}")
    if array.ndim == 1 and outputs == 1:
        return array.reshape(-1, 1)
    if array.ndim == 1:
        labels = np.asarray(targets)
        if labels.dtype.kind not in "iub":
            raise ValueError(
                f"the network has {outputs} outputs: targets must be integer labels, or rows of {outputs} numbers; "
                f"got one {labels.dtype} number a sample (for labels, try targets.astype(int))"
            )
        return one_hot(labels.astype(int), outputs)
    if array.shape != (samples, outputs):
        raise ValueError(f"targets must have shape {(samples, outputs)}, got {array.shape}")
    return array


def are_classes(targets: Array) -> bool:
    """Whether targets of shape (samples, outputs) name classes: 0 and 1, or -1 and 1, one-hot in several columns."""
    high = targets == 1
    if not (high | (targets == 0)).all() and not (high | (targets == -1)).all():
        return False
    return targets.shape[1] == 1 or bool((high.sum(axis=1) == 1).all())


def _as_array(numbers: ArrayLike, name: str) -> Array:
    try:
        array = np.asarray(numbers)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        if array.dtype.kind == "O":
            raise ValueError(f"{name} must be rows of the same length that hold real numbers only")
        raise TypeError(f"{name} must be real numbers, got an array of {array.dtype}")
    array = array.astype(float)
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        position = f"sample {where[0]}" + (f", column {', '.join(map(str, where[1:]))}" if where[1:] else "")
        raise ValueError(f"{name} must be finite numbers, got {array[where]} in {position}")
    return array
