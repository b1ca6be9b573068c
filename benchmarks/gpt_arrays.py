"""Compute a small GPT in handwritten NumPy, forward and backward: the peer of the compiled `benchmarks.gpt_scalars`.

One layer: the embeddings of a token and of its position are added and normalised; four heads of causal attention
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
    """Sizes of a GPT with one layer; `positions` is the length of the longest document."""

    positions: int
    vocabulary: int = 27
    width: int = 16
    heads: int = 4

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return the shapes of the weight matrices, (outputs, inputs), in their order in the vector."""
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
    """Return the matrices as views of the vector."""
    ends = list(accumulate(math.prod(shape) for shape in sizes.shapes.values()))
    starts = [0, *ends]
    return {
        name: vector[start:end].reshape(shape) for (name, shape), start, end in zip(sizes.shapes.items(), starts, ends)
    }


def initial_weights(sizes: Sizes) -> Array:
    """Return all matrices in one vector, the same in every process."""
    count = sum(math.prod(shape) for shape in sizes.shapes.values())
    return np.random.default_rng(1).normal(0.0, 0.2, count)


def documents(count: int, sizes: Sizes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return tokens and the next tokens, each of shape (documents, positions), the same in every process."""
    shape = count, sizes.positions + 1
    text = np.random.default_rng(0).integers(sizes.vocabulary, size=shape)
    return np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(text[:, 1:])


class Forward(NamedTuple):
    """Arrays of the forward pass that the backward pass needs. Rows are positions, document by document."""

    embedded: Array  # normalised embeddings: the stream at its beginning
    embedded_scale: Array
    seen: Array  # the input of attention
    seen_scale: Array
    queries: Array  # (documents, heads, positions, width of a head), like the next two
    keys: Array
    values: Array
    shares: Array  # (documents, heads, positions, positions)
    attended: Array
    read: Array  # the input of the MLP
    read_scale: Array
    hidden: Array
    stream: Array  # the stream at its end


class Transformer:
    """The cost of a batch of documents, and its gradient with respect to all weights.

    Queries, keys and values are one product, since their weights are contiguous.

    Args:
        weights: all matrices in one vector, in the order of `Sizes.shapes`; later changes of its numbers are seen.
        sizes: the sizes of the network.

    Attributes: `gradient`, a vector in the order of the weights, which each `step` overwrites.
    """

    def __init__(self, weights: Array, sizes: Sizes) -> None:
        self._sizes = sizes
        self._head = sizes.width // sizes.heads
        self._weights = arrays(weights, sizes)
        self._qkv = _query_key_value(weights, sizes)
        self.gradient = np.empty_like(weights)
        self._gradients = arrays(self.gradient, sizes)
        self._qkv_gradient = _query_key_value(self.gradient, sizes)
        self._future = np.triu(np.full((sizes.positions, sizes.positions), -np.inf), k=1)
        self._one_hot = np.eye(sizes.vocabulary)

    def step(self, tokens: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
        """Run the forward and the backward pass; return the cost."""
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
        """Return the mean cross-entropy, and its derivative with respect to the end of the stream."""
        output, rows = self._weights["output"], np.arange(len(targets))
        logits = forward.stream @ output.T
        logits -= logits.max(axis=1, keepdims=True)
        right = logits[rows, targets]
        np.exp(logits, out=logits)
        totals = logits.sum(axis=1, keepdims=True)
        cost = float(np.log(totals).sum() - right.sum()) / len(rows)
        logits /= totals * len(rows)  # becomes the derivative with respect to the logits
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
        """Return the derivative w.r.t. queries, keys and values, as rows, from that w.r.t. the heads' results."""
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
        """Reshape (documents · positions, parts · width) to (parts, documents, heads, positions, width of a head)."""
        split = rows.reshape(-1, self._sizes.positions, parts, self._sizes.heads, self._head)
        return np.ascontiguousarray(split.transpose(2, 0, 3, 1, 4))

    def _in_rows(self, heads: Array) -> Array:
        """Reverse `_in_heads`."""
        parts = len(heads)
        return heads.transpose(1, 3, 0, 2, 4).reshape(-1, parts * self._sizes.width)


def _query_key_value(vector: Array, sizes: Sizes) -> Array:
    """Return the matrices of queries, keys and values as one view of shape (3 · width, width)."""
    start = (sizes.vocabulary + sizes.positions) * sizes.width
    return vector[start : start + 3 * sizes.width**2].reshape(3 * sizes.width, sizes.width)


def _normalise(x: Array) -> tuple[Array, Array]:
    """Divide rows by the root of their mean square; return the factors, too."""
    scale = _products(x, x)
    scale /= x.shape[1]
    scale += EPSILON
    np.sqrt(scale, out=scale)
    np.reciprocal(scale, out=scale)
    return x * scale, scale


def _to_unnormalised(d_y: Array, y: Array, scale: Array) -> Array:
    """Return the derivative w.r.t. x, given that w.r.t. y = scale x, where scale is a function of x."""
    along = _products(d_y, y)
    along /= y.shape[1]
    d_x: Array = y * along
    np.subtract(d_y, d_x, out=d_x)
    d_x *= scale
    return d_x


def _products(a: Array, b: Array) -> Array:
    """Return the dot products of the rows of a and b, as a column; einsum does not store all products."""
    products: Array = np.einsum("...i,...i->...", a, b)
    return products[..., None]
