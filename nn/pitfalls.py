"""What would train badly without a word, refused with a word on what to change."""

from __future__ import annotations

from autograd.arrays import np
from nn.data import Array
from nn.layers import output_activation
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


def refuse_what_trains_badly(model: Module, loss: Loss, targets: Array) -> None:
    """Raise ValueError where the loss, the output layer and the targets do not go together.

    Args:
        model: an MLP, a Layer or a Neuron tells its activation; of a module of the user's own nothing is known.
        targets: of shape (samples, outputs).
    """
    activation = output_activation(model)
    name = getattr(loss, "__name__", "the loss")
    if loss in OF_LOGITS and activation not in (None, "identity"):
        raise ValueError(
            f"{name} wants logits, which a {activation} layer squashes first, so that it would learn slowly and never "
            "be sure: use output_activation='identity'"
        )
    if loss is binary_cross_entropy and activation not in (None, "sigmoid"):
        raise ValueError(
            f"{name} wants probabilities, and a {activation} layer can leave 0 to 1: use output_activation='sigmoid', "
            "or binary_cross_entropy_with_logits with 'identity'"
        )
    low, high = float(targets.min()), float(targets.max())
    if loss is hinge and not (abs(targets) == 1).all():
        raise ValueError(f"hinge wants targets of -1 and 1, these go from {low:g} to {high:g}: for 0 and 1, 2 * t - 1")
    if loss in PROBABLE and (low < 0 or high > 1):
        raise ValueError(f"{name} wants probabilities as targets, these go from {low:g} to {high:g}")
    if loss is cross_entropy and not np.allclose(targets.sum(axis=1), 1):
        raise ValueError(
            "cross_entropy wants targets whose rows sum to 1; for several yes-or-no outputs use "
            "binary_cross_entropy_with_logits"
        )
    if loss in (half_squared_error, mean_squared_error) and activation in RANGES:
        lowest, highest = RANGES[activation]
        if low < lowest or high > highest:
            raise ValueError(
                f"targets go from {low:g} to {high:g}, but the outputs of a {activation} layer stay between "
                f"{lowest:g} and {highest:g}: scale the targets, or use output_activation='identity'"
            )
