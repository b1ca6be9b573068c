"""Evaluate a network on samples: accuracy and confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.arrays import ArrayLike, NDArray, np
from nn.conversion import Array, as_weights
from nn.data import are_classes, as_targets
from nn.layers import output_activation
from nn.training.positions import as_tokens, one_by_one
from nn.training.prediction import Model, predict


def accuracy(
    model: Model,
    inputs: ArrayLike,
    targets: ArrayLike,
    threshold: float | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    classes: Sequence[str] | None = None,
) -> float:
    """Compute the fraction of samples whose class is predicted correctly, from 0 to 1.

    Args:
        model, inputs: as in `predict`.
        targets: as in `fit`: integer labels, one-hot rows, or names; for one output 0 and 1, or -1 and 1; for sequences
            a token per position, where each position that is not padding counts as a sample.
        threshold: a single output above it means class 1. By default 1/2 for a sigmoid; for other activations 0 if the
            targets are -1 and 1.
        sample_weight: one number per sample, 0 or more; the fraction is then that of the total weight.
        classes: the names of the outputs' classes, if targets are names: the training's `history.classes`. Needed only
            if the targets do not include all classes.

    Raises:
        ValueError: if the targets are not classes, or the threshold is unknown: with targets of 0 and 1 and an output
            neuron other than a sigmoid, the outputs may or may not be logits.
    """
    return correct(*_judged(model, inputs, targets, threshold, classes, sample_weight))


def confusion_matrix(
    model: Model,
    inputs: ArrayLike,
    targets: ArrayLike,
    threshold: float | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    classes: Sequence[str] | None = None,
) -> NDArray[Any]:
    """Count the samples of class i (row) that were predicted as class j (column). Arguments as in `accuracy`.

    With weights, it sums the samples' weights, as floats, instead of counting.
    """
    outputs, wanted, threshold, weights = _judged(model, inputs, targets, threshold, classes, sample_weight)
    size = max(2, outputs.shape[1])
    counts: NDArray[Any] = np.zeros((size, size), dtype=np.int64 if weights is None else float)
    places = (target_classes(wanted), classes_of(outputs, threshold))
    np.add.at(counts, places, 1 if weights is None else weights)
    return counts


def classes_of(rows: Array, threshold: float) -> NDArray[np.int64]:
    """Return the class of each row: the column with the largest number; 1 if a single column exceeds `threshold`."""
    classes: NDArray[Any] = rows.argmax(axis=1) if rows.shape[1] > 1 else rows[:, 0] > threshold
    return classes.astype(np.int64)


def target_classes(targets: Array) -> NDArray[np.int64]:
    """Return the class of each row of targets."""
    return classes_of(targets, threshold=0.0 if (targets == -1).any() else 0.5)


def correct(outputs: Array, targets: Array, threshold: float, weights: Array | None = None) -> float:
    """Return the fraction of rows, or of their weight, whose outputs predict the target's class."""
    right = classes_of(outputs, threshold) == target_classes(targets)
    return float(right.mean() if weights is None else weights[right].sum() / weights.sum())


def _judged(
    model: Model,
    inputs: ArrayLike,
    targets: ArrayLike,
    threshold: float | None,
    classes: Sequence[str] | None,
    sample_weight: ArrayLike | None,
) -> tuple[Array, Array, float, Array | None]:
    """Return outputs, targets, threshold and weights by sample, or by position for sequences."""
    outputs = predict(model, inputs)
    weights = as_weights(sample_weight, len(outputs))
    if outputs.ndim == 3:
        tokens = as_tokens(targets, len(outputs), outputs.shape[1:])
        rows, wanted, of_positions = one_by_one(outputs, tokens, weights)
        return rows, wanted, 0.0, of_positions
    return outputs, *wanted_classes(model, outputs, targets, threshold, classes), weights


def wanted_classes(
    model: Model,
    outputs: Array,
    targets: ArrayLike,
    threshold: float | None,
    classes: Sequence[str] | None = None,
) -> tuple[Array, float]:
    """Return the targets as rows that encode classes, and the threshold above which a single output means class 1."""
    wanted = as_targets(targets, len(outputs), outputs.shape[1], classes=classes)
    if not are_classes(wanted):
        raise ValueError("accuracy and confusion need targets that are classes: integer labels, one-hot rows, 0 and 1")
    if threshold is None and (wanted == -1).any() and output_activation(model) != "sigmoid":
        threshold = 0.0
    if threshold is None and outputs.shape[1] == 1 and output_activation(model) != "sigmoid":
        raise ValueError("give the threshold above which the output means class 1: threshold=0.0 for logits, or 0.5")
    return wanted, 0.5 if threshold is None else threshold
