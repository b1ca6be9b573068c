"""The samples that `fit` trains on or evaluates: arrays of inputs, targets and weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from autograd.arrays import HAVE_NUMPY, ArrayLike, NDArray, np
from nn.conversion import Array, as_labels, as_weights
from nn.data import as_samples, as_targets, class_names
from nn.losses import Loss, hinge
from nn.module import Module
from nn.training.pitfalls import refuse_samples_of_another_shape, refuse_what_trains_badly
from nn.training.positions import are_tokens, as_tokens, labels_and_shares, refuse_unsuitable_loss
from nn.training.prediction import predict
from nn.training.settings import check_validation

GATHERED = 65_536
"""Bytes of inputs that are gathered together: a batch of ten images, or many of a few numbers."""


class Samples(NamedTuple):
    """Samples of a training.

    Attributes:
        inputs: samples first.
        targets: of shape (samples, outputs); for sequences the tokens, of shape (samples, positions).
        weights: the weight of each sample, above 0; None if all are equal.
        classes: the names of the outputs' classes, if the targets were names.
        order: the order in which `batches` takes the inputs, which are never copied as a whole; targets and weights are
            already in this order. None if the inputs are, too.
    """

    inputs: Array
    targets: NDArray[Any]
    weights: Array | None = None
    classes: tuple[str, ...] | None = None
    order: NDArray[np.int64] | None = None

    def in_order(self, order: NDArray[np.int64] | None) -> Samples:
        """Return the samples in another order; None keeps the current one."""
        if order is None:
            return self
        weights = None if self.weights is None else self.weights.take(order, axis=0)
        return Samples(self.inputs, self.targets.take(order, axis=0), weights, self.classes, order)

    def batches(self, size: int) -> Iterator[Samples]:
        """Yield this many samples at a time. The inputs of a batch may be overwritten by those of the next."""
        _, targets, weights, _, _ = self
        for start, inputs in self._gathered(size):
            for i in range(0, len(inputs), size):
                part = slice(start + i, start + i + size)
                yield Samples(inputs[i : i + size], targets[part], None if weights is None else weights[part])

    def _gathered(self, size: int) -> Iterator[tuple[int, Array]]:
        """Yield the inputs of several batches in order, with the place of the first; all inputs if there is no order.

        They are gathered into one block of memory, so that it stays in the processor's cache.
        """
        if self.order is None:
            yield 0, self.inputs
            return
        if not HAVE_NUMPY:
            yield 0, self.inputs.take(self.order, axis=0)
            return
        count = min(len(self.order), size * max(1, GATHERED // max(1, size * self.inputs[:1].nbytes)))
        memory = np.empty((count, *self.inputs.shape[1:]), self.inputs.dtype)
        for start in range(0, len(self.order), count):
            places = self.order[start : start + count]
            # "clip" changes none of these places, and lets NumPy write to the memory directly
            yield start, self.inputs.take(places, axis=0, out=memory[: len(places)], mode="clip")

    def as_given(self) -> list[NDArray[Any]]:
        """Return the arguments of a compiled loss: inputs, targets and, for sequences, the shares of positions."""
        if are_tokens(self.targets):
            return [self.inputs, *labels_and_shares(self.targets)]
        return [self.inputs, as_given(self.targets)]

    def shares(self, reduction: str) -> Array | None:
        """Return the derivatives of the cost w.r.t. each sample's loss: wᵢ, over Σ w for a mean, None if equal."""
        if self.weights is None or reduction == "sum":
            return self.weights
        shares: Array = self.weights / self.weights.sum()
        return shares


def as_given(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows in the form that losses take: a number per sample if there is a single output."""
    return rows if rows.shape[1] > 1 or rows.ndim > 2 or are_tokens(rows) else rows[:, 0]


def prepared(
    model: Module,
    loss: Loss,
    data: tuple[Any, ArrayLike, ArrayLike | None],
    reduction: str,
    name: str = "",
    classes: tuple[str, ...] | None = None,
) -> Samples:
    """Check inputs, targets and weights against the network and the loss. Samples of weight 0 are left out.

    Args:
        data: inputs, targets and weights, as given by the user.
        reduction: of the losses; for "mean", equal weights are dropped.
        name: a prefix of "inputs" and "sample_weight" in errors, such as "validation ".
        classes: the names of the outputs' classes, if targets are names.

    Raises:
        ValueError, TypeError: for data that do not fit, or that would train badly.
    """
    given, targets, sample_weight = data
    weights, used = None, None
    if sample_weight is not None:
        count = len(given) if hasattr(given, "__len__") else 1
        weights = as_weights(sample_weight, count, f"{name}sample_weight")
        assert weights is not None
        used = weights > 0
        weights = weights[used]
        if (weights == (weights[0] if reduction == "mean" else 1.0)).all():
            weights = None
    inputs = as_samples(given, f"{name}inputs", used, integers=True, copy=False)
    refuse_samples_of_another_shape(model, inputs)
    outputs = predict(model, inputs[:1]).shape[1:]  # raises for samples of the wrong size
    if len(outputs) == 2:
        refuse_unsuitable_loss(loss)
        return Samples(inputs, as_tokens(targets, len(inputs), outputs, used), weights)
    labels = as_labels(targets, used)
    if labels is not None and classes is None:
        classes = class_names(labels)
    rows = as_targets(targets, len(inputs), outputs[0], used, classes)
    if labels is not None and loss is hinge:
        rows = 2 * rows - 1
    refuse_what_trains_badly(model, loss, rows)
    return Samples(inputs, rows, weights, classes if labels is not None else None)


def validation_samples(
    model: Module, loss: Loss, validation: Any, reduction: str, classes: tuple[str, ...] | None
) -> Samples:
    """Return the validation samples, checked like the training samples."""
    check_validation(validation)
    data = (validation[0], validation[1], validation[2] if len(validation) == 3 else None)
    return prepared(model, loss, data, reduction, "validation ", classes)
