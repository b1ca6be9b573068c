"""Token sequences in `fit`: logits and a target token for each position, and padding that does not count."""

from __future__ import annotations

from typing import Any

import autograd
from autograd.arrays import ArrayLike, NDArray, np
from nn.conversion import Array, Mask
from nn.data import one_hot
from nn.losses import LOSSES, Loss, cross_entropy

Tokens = NDArray[np.int64]


class OverPositions:
    """The mean of a loss over the positions of a sequence, without padding.

    Args:
        loss: the loss of one position, a function of `(logits, token)` that returns a Value.
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def __call__(self, outputs: Any, tokens: list[int]) -> Any:
        """Compute the loss of a sequence; positions with a token of −1 are skipped."""
        return autograd.mean([self.loss(logits, token) for logits, token in zip(outputs, tokens) if token >= 0])

    def traced(self, outputs: Any, tokens: Any, shares: Any) -> Any:
        """Compute the same in a program, with tokens of at least 0 and the share of each position in the mean.

        The loss of padding may be infinite, so it is replaced by 0 rather than multiplied by 0.
        """
        losses = [autograd.where(s > 0, self.loss(o, t), 0.0) for o, t, s in zip(outputs, tokens, shares)]
        return autograd.dot(shares, losses)


def as_tokens(targets: ArrayLike, samples: int, shape: tuple[int, int], used: Mask | None = None) -> Tokens:
    """Convert the targets of sequences to an array of shape (samples, positions).

    Args:
        targets: a token for each position, the index of a class; −1 for padding.
        samples: the number of samples.
        shape: the shape of a sample's outputs, (positions, classes).
        used: a mask of the samples to return.

    Raises:
        ValueError: for another shape, for tokens that do not exist, and for a sample that is all padding.
        TypeError: for tokens that are not integers.
    """
    positions, classes = shape
    try:
        array = np.asarray(targets)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind == "O":
        raise ValueError(
            f"targets must be rows of {positions} tokens: where a sequence is shorter, pad its row with -1, which does "
            "not count"
        )
    if array.dtype.kind not in "iu":
        raise TypeError(f"targets of sequences must be tokens, which are integers; got an array of {array.dtype}")
    if used is not None and array.ndim and len(array) == len(used):
        array = array[used]
    if array.shape != (samples, positions):
        raise ValueError(
            f"the network's outputs for a sample have shape {shape}: targets must be a token for each position, of "
            f"shape {(samples, positions)}; got {array.shape}"
        )
    tokens: Tokens = array.astype(np.int64)
    wrong = np.argwhere((tokens < -1) | (tokens >= classes))
    if len(wrong):
        i, t = (int(k) for k in wrong[0])
        raise ValueError(
            f"targets hold {tokens[i, t]} in sample {i}, position {t}: tokens are 0 to {classes - 1}, and -1 for "
            "a position that does not count"
        )
    empty = np.flatnonzero((tokens < 0).all(axis=1))
    if len(empty):
        raise ValueError(f"no position of sample {int(empty[0])} counts: leave it out")
    return tokens


def are_tokens(targets: NDArray[Any]) -> bool:
    """Tell whether prepared targets are tokens of positions, the only targets kept as integers."""
    return bool(targets.dtype.kind == "i")


def refuse_unsuitable_loss(loss: Any) -> None:
    """Raise ValueError for a loss of this package that needs a number for each output."""
    if loss in LOSSES.values() and loss is not cross_entropy:
        raise ValueError(
            f"{loss.__name__} expects a number for each output, but targets are tokens: train a network that returns "
            "logits for each position with loss=nn.cross_entropy, or with a function of (logits, token)"
        )


def labels_and_shares(tokens: Tokens) -> tuple[Tokens, Array]:
    """Return the tokens with −1 replaced by 0, and the share of each position in the mean of its sample."""
    counted = tokens >= 0
    return np.where(counted, tokens, 0), counted / counted.sum(axis=1, keepdims=True)


def one_by_one(rows: Array, tokens: NDArray[Any], weights: Array | None = None) -> tuple[Array, Array, Array | None]:
    """Return outputs, one-hot targets and sample weights of each position that is not padding.

    Args:
        rows: outputs, samples first.
        tokens: of shape (samples, positions).
    """
    counted = tokens >= 0
    outputs = rows.reshape(*tokens.shape, -1)[counted]
    of_positions = None if weights is None else np.broadcast_to(weights[:, None], tokens.shape)[counted]
    return outputs, one_hot(tokens[counted], outputs.shape[1]), of_positions
