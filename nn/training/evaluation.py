"""What a network makes of samples: its outputs, how many are right, and which it confuses."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Any

from autograd import Value, no_grad
from autograd.arrays import ArrayLike, NDArray, np
from autograd.reading import number_of, numbers_of
from nn.conversion import Array, as_weights
from nn.data import are_classes, as_samples, as_targets
from nn.layers import ACTIVATIONS, MLP, Layer, Neuron, output_activation
from nn.module import Module, computes
from nn.training.positions import as_tokens, one_by_one

Model = Module | Callable[[Any], Any]

ROWS_THAT_PAY = 4  # to read the parameters once, and compute with plain numbers
ROWS_A_BLOCK = 10_000  # at a time as lists, which take four times the memory of arrays


def predict(model: Model, inputs: ArrayLike) -> Array:
    """The outputs of a network, one row a sample, computed without recording a graph.

    Args:
        model: a Module, or any function from one sample to a Value, a list of Values, or a list of them for each
            position of a sequence.
        inputs: samples first. Integers reach the model as ints, so that they can be tokens.

    Returns:
        An array of shape (samples, outputs), or (samples, positions, outputs).

    Raises:
        ValueError, TypeError: where the inputs are not finite numbers, or not as many as the network wants.
    """
    if not computes(model):
        raise TypeError(f"predict wants a network that can be called with a sample, got {model!r}")
    samples = as_samples(inputs, integers=True)
    return copy_context().run(_outputs, model, samples)  # where an interrupt cannot leave no_grad behind


def _outputs(model: Any, samples: Array) -> Array:
    with no_grad():
        if len(samples) < ROWS_THAT_PAY:
            return np.array([output_numbers(model(sample)) for sample in samples.tolist()], dtype=float)
        model(samples[0].tolist())  # which refuses samples of another size
        outputs_of = _of_numbers(model) or (lambda sample: output_numbers(model(sample)))
        blocks = range(0, len(samples), ROWS_A_BLOCK)
        return np.concatenate(
            [np.array([outputs_of(row) for row in samples[i : i + ROWS_A_BLOCK].tolist()], dtype=float) for i in blocks]
        )


def _of_numbers(model: Model) -> Callable[[list[float]], list[float]] | None:
    """What an MLP computes, in plain numbers: the same operations in the same order, so the same bits.

    None for a model whose way of computing is not known.
    """
    if type(model) is not MLP or not all(map(_is_plain, model.layers)):
        return None
    layers = [
        (
            getattr(ACTIVATIONS[layer.activation], "forward", None),
            [(numbers_of(neuron.weights), number_of(neuron.bias)) for neuron in layer.neurons],
        )
        for layer in model.layers
    ]

    def outputs(a: list[float]) -> list[float]:
        for activation, neurons in layers:
            a = [sum(map(operator.mul, weights, a), bias) for weights, bias in neurons]
            if activation is not None:
                a = list(map(activation, a))
        return a

    return outputs


def _is_plain(layer: Any) -> bool:
    """Whether a layer computes as `Layer` says, with one activation for all its neurons."""
    return type(layer) is Layer and all(
        type(neuron) is Neuron and not neuron.elementary and neuron.activation == layer.activation
        for neuron in layer.neurons
    )


def output_numbers(outputs: Any) -> list[Any]:
    """The numbers of what a network returned for one sample: a list, or one for each position of a sequence."""
    values = [outputs] if isinstance(outputs, (Value, float, int)) else outputs
    if len(values) and isinstance(values[0], (list, tuple)):
        return [output_numbers(row) for row in values]
    return [number_of(x) if isinstance(x, Value) else float(x) for x in values]


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
    """How many samples of class i (row) were taken for class j (column). Arguments as in `accuracy`.

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
