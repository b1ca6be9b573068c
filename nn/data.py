"""Samples and targets as arrays: what `numpy.asarray` takes and data frames, checked, samples first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd import Value
from autograd.arrays import HAVE_NUMPY, ArrayLike, NDArray, np
from autograd.lookups import indicators
from nn.conversion import Array as Array
from nn.conversion import Mask, as_floats, as_labels


def one_hot(labels: ArrayLike, classes: int | None = None) -> Array:
    """Each integer label k as a row of zeros with a one at position k.

    In a function that is compiled, a label that is an argument is an index, as in `autograd.take`, and its row is of
    Values that are 1 or 0.

    Args:
        labels: an integer, or an array of integers of any shape s.
        classes: the length of a row; if not given, the largest label + 1. A function that is compiled must say it.

    Returns:
        An array of shape s + (classes,).

    Raises:
        ValueError: for a label below 0 or beyond the classes.
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
        raise TypeError("in a function that is compiled, one_hot needs to be told how many classes there are")
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
    """The inputs as an array of floats, samples first; one number a sample becomes a row of one.

    Args:
        used: which of them to return; the others are not looked at.
        integers: keep integers as they are, since they may be tokens.
        copy: whether the array must be another one than the given one; else it is only to be read.

    Raises:
        ValueError: for no samples, ragged rows, NaN or infinity (saying where).
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
    """The targets as an array of shape (samples, outputs).

    Args:
        targets: a row of numbers a sample; where there is one output, a number a sample; where there are several,
            an integer label a sample, which becomes one-hot; or the name of a class a sample.
        used: as in `as_samples`, where `samples` counts those that are used.
        classes: what the outputs stand for, where targets are names; of one output, classes 0 and 1. By default the
            names that occur, sorted.

    Raises:
        ValueError, TypeError: as in `as_samples`, and where the shape does not fit.
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
        given = np.asarray(targets)
        if given.dtype.kind not in "iub" and not all(isinstance(x, (int, np.integer)) for x in given.tolist()):
            raise ValueError(
                f"the network has {outputs} outputs: targets must be integer labels, or rows of {outputs} numbers; "
                f"got one {given.dtype} number a sample (for labels, try targets.astype(int))"
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
    """The names of classes among labels, sorted."""
    return tuple(sorted(set(labels.tolist())))


def _rows_of_classes(labels: NDArray[Any], classes: tuple[str, ...], outputs: int) -> Array:
    """A row of 0 and 1 for each label: one-hot, or for one output whether it is the second class."""
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
    """Tell whether targets (samples, outputs) name classes: 0 and 1, or -1 and 1, one-hot in several columns."""
    high = targets == 1
    if not (high | (targets == 0)).all() and not (high | (targets == -1)).all():
        return False
    return targets.shape[1] == 1 or bool((high.sum(axis=1) == 1).all())
