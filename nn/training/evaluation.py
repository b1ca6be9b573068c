"""Evaluation of a network on samples: accuracy, and the confusion of classes."""

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
    """The fraction of samples whose class is predicted rightly, from 0 to 1.

    Args:
        model, inputs: as in `predict`.
        targets: as in `fit`: integer labels, one-hot rows, or names; for one output 0 and 1, or -1 and 1; of sequences
            a token for each position, of which each that counts is a sample of its own.
        threshold: for one output, what it must exceed for class 1. By default 1/2 for a sigmoid; for others 0 where
            targets are -1 and 1.
        sample_weight: a number of 0 or more a sample: the fraction is then of the sum of the weights.
        classes: what the outputs stand for, where targets are names: `history.classes` of the training. It is needed
            only where not all classes are among the targets.

    Raises:
        ValueError: where the targets name no classes, or where the threshold cannot be known: 0 and 1 as targets of a
            network whose output neuron is not a sigmoid give no hint whether its outputs are logits.
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
    """Count how many samples of class i (row) were taken for class j (column). Arguments as in `accuracy`.

    With weights it sums up those of the samples, as floats, instead of counting them.
    """
    outputs, wanted, threshold, weights = _judged(model, inputs, targets, threshold, classes, sample_weight)
    size = max(2, outputs.shape[1])
    counts: NDArray[Any] = np.zeros((size, size), dtype=np.int64 if weights is None else float)
    places = (target_classes(wanted), classes_of(outputs, threshold))
    np.add.at(counts, places, 1 if weights is None else weights)
    return counts


def classes_of(rows: Array, threshold: float) -> NDArray[np.int64]:
    """The class each row of outputs or targets stands for: the largest, or for one column whether it is above."""
    classes: NDArray[Any] = rows.argmax(axis=1) if rows.shape[1] > 1 else rows[:, 0] > threshold
    return classes.astype(np.int64)


def target_classes(targets: Array) -> NDArray[np.int64]:
    """The class that each row of targets names."""
    return classes_of(targets, threshold=0.0 if (targets == -1).any() else 0.5)


def correct(outputs: Array, targets: Array, threshold: float, weights: Array | None = None) -> float:
    """The fraction of rows of outputs that stand for the class which the targets name, by number or by weight."""
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
    """Outputs, targets, threshold and weights, of which each row counts; those of sequences position by position."""
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
    """The targets of outputs as rows that name classes, and what a single output must exceed for class 1."""
    wanted = as_targets(targets, len(outputs), outputs.shape[1], classes=classes)
    if not are_classes(wanted):
        raise ValueError("accuracy and confusion need targets that name classes: integer labels, one-hot rows, 0 and 1")
    if threshold is None and (wanted == -1).any() and output_activation(model) != "sigmoid":
        threshold = 0.0
    if threshold is None and outputs.shape[1] == 1 and output_activation(model) != "sigmoid":
        raise ValueError("say what the output must exceed for class 1: threshold=0.0 for logits, or 0.5")
    return wanted, 0.5 if threshold is None else threshold
