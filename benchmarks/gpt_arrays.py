"""A small GPT in NumPy, by hand, forward and backward: the peer of the compiled program of `benchmarks.gpt_scalars`.

One layer: the embeddings of a token and of its position are added up and normalised; four heads of causal attention
and an MLP of relu neurons each read a normalised copy of the stream of activations, and add what they compute to it;
the logits of the next token are read from the stream. There are no biases, and RMS norms have no gain, as in
Karpathy's microgpt.py. The cost is the mean cross-entropy over all positions of all documents.
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

EPSILON = 1e-5  # added to the mean square in an RMS norm


class Sizes(NamedTuple):
    """Sizes of a GPT of one layer; positions are those of the longest document."""

    positions: int
    vocabulary: int = 27
    width: int = 16
    heads: int = 4

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """The shape of each matrix of weights, (outputs, inputs), in the order in which they lie in one vector."""
        d = self.width
        return {
            "tokens": (self.vocabulary, d),
            "positions": (self.positions, d),
            "query": (d, d),
            "key": (d, d),
            "value": (d, d),
            "mix": (d, d),
            "up": (4 * d, d),
            "down": (d, 4 * d),
            "output": (self.vocabulary, d),
        }


def arrays(vector: Array, sizes: Sizes) -> dict[str, Array]:
    """The matrices as views of the vector."""
    ends = list(accumulate(math.prod(shape) for shape in sizes.shapes.values()))
    starts = [0, *ends]
    return {
        name: vector[start:end].reshape(shape) for (name, shape), start, end in zip(sizes.shapes.items(), starts, ends)
    }


def initial_weights(sizes: Sizes) -> Array:
    """All matrices in one vector, the same in every process."""
    count = sum(math.prod(shape) for shape in sizes.shapes.values())
    return np.random.default_rng(1).normal(0.0, 0.2, count)


def documents(count: int, sizes: Sizes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tokens and the tokens that come next, an array (documents, positions) each, the same in every process."""
    shape = count, sizes.positions + 1
    text = np.random.default_rng(0).integers(sizes.vocabulary, size=shape)
    return np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(text[:, 1:])


class Forward(NamedTuple):
    """Arrays of the forward pass that the backward pass needs; rows are positions, those of all documents in a row."""

    embedded: Array  # normalised embeddings, the beginning of the stream
    embedded_scale: Array
    seen: Array  # what attention reads
    seen_scale: Array
    queries: Array  # (documents, heads, positions, width of a head), and so the next two
    keys: Array
    values: Array
    shares: Array  # (documents, heads, positions, positions)
    attended: Array
    read: Array  # what the MLP reads
    read_scale: Array
    hidden: Array
    stream: Array  # its end


class Transformer:
    """The cost of a batch of documents, and its gradient to all weights.

    Queries, keys and values come out of one product, since their weights lie next to each other.

    Args:
        weights: all matrices in one vector, as `Sizes.shapes` has them; later changes of its numbers are seen.
        sizes: of the network.

    Attributes: `gradient`, a vector in the order of the weights, which each `step` fills anew.
    """

    def __init__(self, weights: Array, sizes: Sizes) -> None:
        self._sizes = sizes
        self._head = sizes.width // sizes.heads
        self._weights = arrays(weights, sizes)
        self._qkv = _side_by_side(weights, sizes)
        self.gradient = np.empty_like(weights)
        self._gradients = arrays(self.gradient, sizes)
        self._qkv_gradient = _side_by_side(self.gradient, sizes)
        self._future = np.triu(np.full((sizes.positions, sizes.positions), -np.inf), k=1)
        self._one_hot = np.eye(sizes.vocabulary)

    def step(self, tokens: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
        """Forward and backward: gives the cost."""
        forward = self._forward(tokens)
        cost, d_stream = self._cost(forward, targets.ravel())
        self._backward(forward, tokens.ravel(), d_stream)
        return cost

    def _forward(self, tokens: NDArray[np.int64]) -> Forward:
        w, d = self._weights, self._sizes.width
        x = (w["tokens"][tokens] + w["positions"]).reshape(-1, d)
        embedded, embedded_scale = _normalise(x)
        seen, seen_scale = _normalise(embedded)
        queries, keys, values = self._in_heads(seen @ self._qkv.T, 3)
        shares = queries @ keys.swapaxes(-1, -2)
        shares *= self._head**-0.5
        shares += self._future
        shares -= shares.max(axis=-1, keepdims=True)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=-1, keepdims=True)
        attended = self._in_rows((shares @ values)[None])
        stream = attended @ w["mix"].T
        stream += embedded
        read, read_scale = _normalise(stream)
        hidden = read @ w["up"].T
        np.maximum(hidden, 0.0, out=hidden)
        stream = stream + hidden @ w["down"].T
        return Forward(
            embedded, embedded_scale, seen, seen_scale, queries, keys, values, shares, attended,
            read, read_scale, hidden, stream,
        )  # fmt: skip

    def _cost(self, forward: Forward, targets: NDArray[np.int64]) -> tuple[float, Array]:
        """The mean cross-entropy, and its derivative to the end of the stream."""
        output, rows = self._weights["output"], np.arange(len(targets))
        logits = forward.stream @ output.T
        logits -= logits.max(axis=1, keepdims=True)
        right = logits[rows, targets]
        np.exp(logits, out=logits)
        totals = logits.sum(axis=1, keepdims=True)
        cost = float(np.log(totals).sum() - right.sum()) / len(rows)
        logits /= totals * len(rows)  # becomes the derivative to the logits
        logits[rows, targets] -= 1 / len(rows)
        np.matmul(logits.T, forward.stream, out=self._gradients["output"])
        return cost, logits @ output

    def _backward(self, forward: Forward, tokens: NDArray[np.int64], d_stream: Array) -> None:
        w, g = self._weights, self._gradients
        d_hidden = d_stream @ w["down"]
        d_hidden *= forward.hidden > 0
        np.matmul(d_stream.T, forward.hidden, out=g["down"])
        np.matmul(d_hidden.T, forward.read, out=g["up"])
        d_stream += _to_unnormalised(d_hidden @ w["up"], forward.read, forward.read_scale)

        np.matmul(d_stream.T, forward.attended, out=g["mix"])
        d_qkv = self._attention_backward(forward, d_stream @ w["mix"])
        np.matmul(d_qkv.T, forward.seen, out=self._qkv_gradient)
        d_stream += _to_unnormalised(d_qkv @ self._qkv, forward.seen, forward.seen_scale)

        d_x = _to_unnormalised(d_stream, forward.embedded, forward.embedded_scale)
        np.matmul(self._one_hot[tokens].T, d_x, out=g["tokens"])
        d_x.reshape(-1, *g["positions"].shape).sum(axis=0, out=g["positions"])

    def _attention_backward(self, forward: Forward, d_attended: Array) -> Array:
        """From the derivative to what the heads give to that to queries, keys and values, in rows."""
        (d_mixed,) = self._in_heads(d_attended, 1)
        d_values = forward.shares.swapaxes(-1, -2) @ d_mixed
        d_scores = d_mixed @ forward.values.swapaxes(-1, -2)
        d_scores -= _products(d_scores, forward.shares)
        d_scores *= forward.shares
        d_scores *= self._head**-0.5
        d_queries = d_scores @ forward.keys
        d_keys = d_scores.swapaxes(-1, -2) @ forward.queries
        return self._in_rows(np.stack([d_queries, d_keys, d_values]))

    def _in_heads(self, rows: Array, parts: int) -> Array:
        """From (documents · positions, parts · width) to (parts, documents, heads, positions, width of a head)."""
        split = rows.reshape(-1, self._sizes.positions, parts, self._sizes.heads, self._head)
        return np.ascontiguousarray(split.transpose(2, 0, 3, 1, 4))

    def _in_rows(self, heads: Array) -> Array:
        """The way back."""
        parts = len(heads)
        return heads.transpose(1, 3, 0, 2, 4).reshape(-1, parts * self._sizes.width)


def _side_by_side(vector: Array, sizes: Sizes) -> Array:
    """The matrices of queries, keys and values as one view of (3 · width, width)."""
    start = (sizes.vocabulary + sizes.positions) * sizes.width
    return vector[start : start + 3 * sizes.width**2].reshape(3 * sizes.width, sizes.width)


def _normalise(x: Array) -> tuple[Array, Array]:
    """Rows divided by the root of their mean square, and what they were multiplied by."""
    scale = _products(x, x)
    scale /= x.shape[1]
    scale += EPSILON
    np.sqrt(scale, out=scale)
    np.reciprocal(scale, out=scale)
    return x * scale, scale


def _to_unnormalised(d_y: Array, y: Array, scale: Array) -> Array:
    """From the derivative to y = scale x to that to x, of which scale is a function."""
    along = _products(d_y, y)
    along /= y.shape[1]
    d_x: Array = y * along
    np.subtract(d_y, d_x, out=d_x)
    d_x *= scale
    return d_x


def _products(a: Array, b: Array) -> Array:
    """The dot product of each row of a with that of b, as a column; einsum makes no array of all products."""
    products: Array = np.einsum("...i,...i->...", a, b)
    return products[..., None]
