"""Sequences of tokens in `fit`: logits for each position, a token that is right, and positions that do not count."""

from __future__ import annotations

from typing import Any

import autograd
from autograd.arrays import ArrayLike, NDArray, np
from nn.conversion import Array, Mask
from nn.data import one_hot
from nn.losses import LOSSES, Loss, cross_entropy

Tokens = NDArray[np.int64]


class OverPositions:
    """The mean of a loss over the positions of a sequence that count.

    Args:
        loss: of one position, `(logits, token)` to a Value.
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def __call__(self, outputs: Any, tokens: list[int]) -> Any:
        """The loss of a sequence, where positions with a token of −1 do not count, and are not looked at."""
        return autograd.mean([self.loss(logits, token) for logits, token in zip(outputs, tokens) if token >= 0])

    def traced(self, outputs: Any, tokens: Any, shares: Any) -> Any:
        """The same for a program: tokens from 0 on, and of each position the share that it has in the mean.

        A loss of a position that does not count may be infinite: it is not taken, and so not multiplied by 0.
        """
        losses = [autograd.where(s > 0, self.loss(o, t), 0.0) for o, t, s in zip(outputs, tokens, shares)]
        return autograd.dot(shares, losses)


def as_tokens(targets: ArrayLike, samples: int, shape: tuple[int, int], used: Mask | None = None) -> Tokens:
    """The targets of sequences as an array of shape (samples, positions).

    Args:
        targets: a token for each position, which is the index of a class; −1 where the position does not count.
        samples: how many there are.
        shape: that of a sample's outputs, (positions, classes).
        used: which samples to return.

    Raises:
        ValueError: for another shape, for tokens that do not exist, and where no position of a sample counts.
        TypeError: for what is no integer.
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
        raise TypeError(f"targets of sequences are tokens, so integers; got an array of {array.dtype}")
    if used is not None and array.ndim and len(array) == len(used):
        array = array[used]
    if array.shape != (samples, positions):
        raise ValueError(
            f"the network gives outputs of shape {shape} for a sample: targets must be a token for each position, of "
            f"shape {(samples, positions)}; got {array.shape}"
        )
    tokens: Tokens = array.astype(np.int64)
    wrong = np.argwhere((tokens < -1) | (tokens >= classes))
    if len(wrong):
        i, t = (int(k) for k in wrong[0])
        raise ValueError(
            f"targets hold {tokens[i, t]} in sample {i}, position {t}: there are tokens 0 to {classes - 1}, and -1 for "
            "a position that does not count"
        )
    empty = np.flatnonzero((tokens < 0).all(axis=1))
    if len(empty):
        raise ValueError(f"no position of sample {int(empty[0])} counts: leave it out")
    return tokens


def are_tokens(targets: NDArray[Any]) -> bool:
    """Tell whether prepared targets are tokens of positions: they alone are kept as integers."""
    return bool(targets.dtype.kind == "i")


def refuse_unsuitable_loss(loss: Any) -> None:
    """Raise ValueError for a loss of this package that wants a number for each output."""
    if loss in LOSSES.values() and loss is not cross_entropy:
        raise ValueError(
            f"{loss.__name__} wants a number for each output, and targets are tokens: train a network that gives "
            "logits for each position with loss=nn.cross_entropy, or with a function of (logits, token)"
        )


def labels_and_shares(tokens: Tokens) -> tuple[Tokens, Array]:
    """The tokens with 0 in the place of −1, and of each position the share that it has in the mean of its sample."""
    counted = tokens >= 0
    return np.where(counted, tokens, 0), counted / counted.sum(axis=1, keepdims=True)


def one_by_one(rows: Array, tokens: NDArray[Any], weights: Array | None = None) -> tuple[Array, Array, Array | None]:
    """Positions that count as samples of their own: their outputs, one-hot targets, and the weight of their sample.

    Args:
        rows: outputs, samples first.
        tokens: of shape (samples, positions).
    """
    counted = tokens >= 0
    outputs = rows.reshape(*tokens.shape, -1)[counted]
    of_positions = None if weights is None else np.broadcast_to(weights[:, None], tokens.shape)[counted]
    return outputs, one_hot(tokens[counted], outputs.shape[1]), of_positions
