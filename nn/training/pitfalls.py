"""Reject combinations that would train badly, with advice on what to change."""

from __future__ import annotations

from autograd.arrays import np
from nn.data import Array
from nn.layers import inputs_of, output_activation
from nn.losses import (
    OF_LOGITS,
    Loss,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    hinge,
    mean_squared_error,
)
from nn.module import Module

PROBABLE = (binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy)
RANGES = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "softplus": (0.0, np.inf),
}


def refuse_samples_of_another_shape(model: Module, samples: Array) -> None:
    """Raise ValueError, with a remedy, if the samples do not have a network's number of inputs.

    Args:
        model: an MLP, a Layer or a Neuron has a known number of inputs; a user's own module may take any.
        samples: samples first.
    """
    expected = inputs_of(model)
    if expected is None or samples.shape[1:] == (expected,):
        return
    problem = f"{type(model).__name__} expects {expected} inputs, got {samples.shape[1]}"
    if samples.ndim > 2 and samples[0].size == expected:
        raise ValueError(f"{problem} in samples of shape {samples.shape[1:]}: write inputs.reshape(len(inputs), -1)")
    if samples.ndim == 2 and len(samples) == expected:
        raise ValueError(f"{problem}: samples come first, so write inputs.T if they are the columns")
    size = samples[0].size
    raise ValueError(f"{problem} in a sample of shape {samples.shape[1:]}: the network must have {size} inputs")


def refuse_what_trains_badly(model: Module, loss: Loss, targets: Array) -> None:
    """Raise ValueError if the loss, the output layer and the targets do not match.

    Args:
        model: an MLP, a Layer or a Neuron has a known activation; a user's own module does not.
        targets: of shape (samples, outputs).
    """
    activation = output_activation(model)
    name = getattr(loss, "__name__", "the loss")
    if loss in OF_LOGITS and activation not in (None, "identity"):
        raise ValueError(
            f"{name} expects logits, but a {activation} layer squashes them, so training would be slow and never "
            "confident: use output_activation='identity'"
        )
    if loss is binary_cross_entropy and activation not in (None, "sigmoid"):
        raise ValueError(
            f"{name} expects probabilities, but a {activation} layer can leave the range 0 to 1: use "
            "output_activation='sigmoid', or binary_cross_entropy_with_logits with 'identity'"
        )
    low, high = float(targets.min()), float(targets.max())
    if loss is hinge and not (abs(targets) == 1).all():
        raise ValueError(f"hinge expects targets of -1 and 1, got {low:g} to {high:g}: for 0 and 1, use 2 * t - 1")
    if loss in PROBABLE and (low < 0 or high > 1):
        raise ValueError(f"{name} expects probabilities as targets, got {low:g} to {high:g}")
    if loss is cross_entropy and not np.allclose(targets.sum(axis=1), 1):
        raise ValueError(
            "cross_entropy expects targets whose rows sum to 1; for several yes-or-no outputs use "
            "binary_cross_entropy_with_logits"
        )
    if loss in (half_squared_error, mean_squared_error) and activation in RANGES:
        lowest, highest = RANGES[activation]
        if low < lowest or high > highest:
            raise ValueError(
                f"targets go from {low:g} to {high:g}, but the outputs of a {activation} layer stay between "
                f"{lowest:g} and {highest:g}: scale the targets, or use output_activation='identity'"
            )
