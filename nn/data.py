"""Convert samples and targets, arrays or data frames, to checked arrays, samples first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd import Value
from autograd.arrays import HAVE_NUMPY, ArrayLike, NDArray, np
from autograd.lookups import indicators
from nn.conversion import Array as Array
from nn.conversion import Mask, as_floats, as_labels


def one_hot(labels: ArrayLike, classes: int | None = None) -> Array:
    """Encode each integer label k as a row of zeros with a one at position k.

    In a compiled function, a label that is an argument is an index, as in `autograd.take`, and its row consists of
    Values that are 1 or 0.

    Args:
        labels: an integer, or an array of integers of any shape s.
        classes: the length of a row; by default the largest label + 1. Required in a compiled function.

    Returns:
        An array of shape s + (classes,).

    Raises:
        ValueError: for a label below 0 or above the last class.
        TypeError: for labels that are not integers.

    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    if _holds_values(labels):
        rows_of_values: Array = _traced_one_hot(labels, classes)
        return rows_of_values
    indices = np.asarray(labels)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"one_hot expects integer labels, got an array of {indices.dtype}")
    if classes is None:
        classes = int(indices.max()) + 1 if indices.size else 0
    if indices.size and not 0 <= indices.min() <= indices.max() < classes:
        low, high = int(indices.min()), int(indices.max())
        fix = f"{high + 1} classes need {high + 1} outputs" if low >= 0 else "labels count from 0"
        if (low, high) == (1, classes):
            fix = "labels count from 0, so subtract 1"
        raise ValueError(f"labels go from {low} to {high}, but there are classes 0 to {classes - 1}: {fix}")
    rows = np.zeros((indices.size, classes))
    rows[np.arange(indices.size), indices.ravel()] = 1.0
    return rows.reshape((*indices.shape, classes))


def _holds_values(labels: Any) -> bool:
    if isinstance(labels, (list, tuple)) or (isinstance(labels, np.ndarray) and labels.dtype == object and labels.ndim):
        return any(map(_holds_values, labels))
    return isinstance(labels, Value)


def _traced_one_hot(labels: Any, classes: int | None) -> Any:
    if classes is None:
        raise TypeError("in a compiled function, one_hot needs the number of classes: one_hot(labels, classes)")
    rows = indicators(labels, classes)
    return np.array(rows, dtype=object) if HAVE_NUMPY else rows


def as_samples(
    inputs: ArrayLike,
    name: str = "inputs",
    used: Mask | None = None,
    *,
    integers: bool = False,
    copy: bool = True,
) -> Array:
    """Convert inputs to an array of floats, samples first; a single number per sample becomes a row of one.

    Args:
        used: a mask of the samples to return; the others are not checked.
        integers: keep integers, since they may be tokens.
        copy: always return a new array; otherwise the result may share memory with the input and must only be read.

    Raises:
        ValueError: for no samples, ragged rows, NaN or infinity (with its position).
        TypeError: for anything but real numbers.
    """
    array = as_floats(inputs, name, used, integers=integers, copy=copy)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must hold at least one sample, got an array of shape {array.shape}")
    return array.reshape(-1, 1) if array.ndim == 1 else array


def as_targets(
    targets: ArrayLike,
    samples: int,
    outputs: int,
    used: Mask | None = None,
    classes: Sequence[str] | None = None,
) -> Array:
    """Convert targets to an array of shape (samples, outputs).

    Args:
        targets: one row of numbers per sample; or one number per sample for a single output; or one integer label per
            sample for several outputs, which becomes one-hot; or one class name per sample.
        used: as in `as_samples`; `samples` counts only the used ones.
        classes: the names of the outputs' classes, if targets are names; for a single output, those of 0 and 1. By
            default the names that occur, sorted.

    Raises:
        ValueError, TypeError: as in `as_samples`, and if the shape does not fit.
    """
    labels = as_labels(targets, used)
    array = as_floats(targets, "targets", used) if labels is None else labels
    if array.ndim == 0 or len(array) != samples:
        count = "a single number" if array.ndim == 0 else f"{len(array)} targets"
        raise ValueError(f"there must be a target for each of the {samples} samples, got {count}")
    if labels is not None:
        return _rows_of_classes(labels, tuple(classes or class_names(labels)), outputs)
    if array.ndim == 1 and outputs == 1:
        return array.reshape(-1, 1)
    if array.ndim == 1:
        numbers = np.asarray(targets)
        if numbers.dtype.kind not in "iub" and not all(isinstance(x, (int, np.integer)) for x in numbers.tolist()):
            raise ValueError(
                f"the network has {outputs} outputs: targets must be integer labels, or rows of {outputs} numbers; "
                f"got one {numbers.dtype} number per sample (for labels, try targets.astype(int))"
            )
        return one_hot(array.astype(int), outputs)
    if array.shape != (samples, outputs):
        fix = ""
        if array.shape == (samples, 1):
            fix = ": for labels of classes, write targets.ravel()"
        elif array.ndim == 2:
            fix = f": the last layer needs {array.shape[1]} neurons, or the targets {outputs} columns"
        raise ValueError(f"targets must have shape {(samples, outputs)}, got {array.shape}{fix}")
    return array


def class_names(labels: NDArray[Any]) -> tuple[str, ...]:
    """Return the distinct class names among labels, sorted."""
    return tuple(sorted(set(labels.tolist())))


def _rows_of_classes(labels: NDArray[Any], classes: tuple[str, ...], outputs: int) -> Array:
    """Encode each label as a row of 0 and 1: one-hot, or for a single output, 1 for the second class."""
    if len(classes) != max(2, outputs):
        raise ValueError(
            f"the network has {outputs} output{'s' * (outputs != 1)}, for {max(2, outputs)} classes; the targets name "
            f"{len(classes)}: {', '.join(map(repr, classes[:10]))}{', ...' * (len(classes) > 10)}"
        )
    place = {name: k for k, name in enumerate(classes)}
    unknown = sorted(set(labels.tolist()) - set(classes))
    if unknown:
        raise ValueError(f"targets name the class {unknown[0]!r}, which is none of {', '.join(map(repr, classes))}")
    rows = one_hot([place[label] for label in labels.tolist()], len(classes))
    return rows if outputs > 1 else rows[:, 1:]


def are_classes(targets: Array) -> bool:
    """Tell whether targets (samples, outputs) encode classes: 0 and 1, or -1 and 1; one-hot in several columns."""
    high = targets == 1
    if not (high | (targets == 0)).all() and not (high | (targets == -1)).all():
        return False
    return targets.shape[1] == 1 or bool((high.sum(axis=1) == 1).all())
