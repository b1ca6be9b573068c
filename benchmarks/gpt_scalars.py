"""The GPT of `benchmarks.gpt_arrays` in scalars, with lists and plain loops, one position after the other.

It runs on any scalar engine: on a minimal one, as such programs contain, and on this package, with the same two-parent
nodes or with `dot`, `softmax` and `take`; and `autograd.compile` compiles it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from benchmarks.gpt_arrays import EPSILON, Array, Sizes, arrays

Matrix = list[list[Any]]


class MinimalValue:
    """A number that remembers what it was computed from: an engine in 40 lines."""

    __slots__ = ("data", "grad", "parents", "slopes")

    def __init__(self, data: float, parents: tuple[Any, ...] = (), slopes: tuple[float, ...] = ()) -> None:
        self.data, self.grad, self.parents, self.slopes = data, 0.0, parents, slopes

    def __add__(self, other: Any) -> MinimalValue:
        other = other if isinstance(other, MinimalValue) else MinimalValue(other)
        return MinimalValue(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Any) -> MinimalValue:
        other = other if isinstance(other, MinimalValue) else MinimalValue(other)
        return MinimalValue(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, k: float) -> MinimalValue:
        return MinimalValue(float(self.data**k), (self,), (k * self.data ** (k - 1),))

    def __truediv__(self, other: Any) -> MinimalValue:
        return self.__mul__(other**-1)

    def __sub__(self, other: Any) -> MinimalValue:
        return self.__add__(-other)

    def __neg__(self) -> MinimalValue:
        return self * -1.0

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> MinimalValue:
        e = math.exp(self.data)
        return MinimalValue(e, (self,), (e,))

    def log(self) -> MinimalValue:
        return MinimalValue(math.log(self.data), (self,), (1 / self.data,))

    def relu(self) -> MinimalValue:
        return MinimalValue(max(0.0, self.data), (self,), (float(self.data > 0),))

    def backward(self) -> None:
        order: list[MinimalValue] = []
        seen: set[MinimalValue] = set()

        def visit(node: MinimalValue) -> None:
            if node not in seen:
                seen.add(node)
                for parent in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad


def elementary_dot(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
    """Return the sum of the products, with an addition and a multiplication for each."""
    return sum(x * y for x, y in zip(xs, ys))


def elementary_softmax(zs: Sequence[Any]) -> list[Any]:
    """Return shares that sum to 1; the largest logit is subtracted first, as a plain number."""
    largest = max(z.data for z in zs)
    powers = [(z - largest).exp() for z in zs]
    total = sum(powers)
    return [power / total for power in powers]


class Words(NamedTuple):
    """The functions that the program calls: each makes a few elementary nodes, or a single wide one."""

    dot: Callable[[Sequence[Any], Sequence[Any]], Any] = elementary_dot
    softmax: Callable[[Sequence[Any]], list[Any]] = elementary_softmax
    take: Callable[[Sequence[Any], Any], Any] = operator.getitem


class GPT:
    """The network, one position after the other.

    Args:
        weights: a matrix for each of `Sizes.shapes`, as a list of rows.
        heads: the number of heads.
        words: the functions to call.
    """

    def __init__(self, weights: dict[str, Matrix], heads: int, words: Words) -> None:
        self._weights, self._heads, self._words = weights, heads, words

    def loss(self, tokens: Sequence[Any], targets: Sequence[Any]) -> Any:
        """Return the mean cross-entropy of one document: each target is the next token."""
        keys: Matrix = []
        values: Matrix = []
        losses = []
        for position, (token, target) in enumerate(zip(tokens, targets)):
            shares = self._words.softmax(self._logits(token, position, keys, values))
            losses.append(-self._words.take(shares, target).log())
        return sum(losses) / len(losses)

    def _logits(self, token: Any, position: int, keys: Matrix, values: Matrix) -> list[Any]:
        """Return the logits of the next token; append to the keys and values of the earlier positions."""
        w, words = self._weights, self._words
        stream = [a + b for a, b in zip(words.take(w["tokens"], token), w["positions"][position])]
        stream = self._rms_norm(stream)

        seen = self._rms_norm(stream)
        query = self._linear(w["query"], seen)
        keys.append(self._linear(w["key"], seen))
        values.append(self._linear(w["value"], seen))
        size = len(query) // self._heads
        attended = []
        for start in range(0, len(query), size):
            part = slice(start, start + size)
            scores = [words.dot(query[part], key[part]) / size**0.5 for key in keys]
            shares = words.softmax(scores)
            attended += [words.dot(shares, column) for column in zip(*(value[part] for value in values))]
        stream = [a + b for a, b in zip(stream, self._linear(w["mix"], attended))]

        hidden = [z.relu() for z in self._linear(w["up"], self._rms_norm(stream))]
        stream = [a + b for a, b in zip(stream, self._linear(w["down"], hidden))]
        return self._linear(w["output"], stream)

    def _linear(self, matrix: Matrix, xs: list[Any]) -> list[Any]:
        return [self._words.dot(row, xs) for row in matrix]

    def _rms_norm(self, xs: list[Any]) -> list[Any]:
        scale = (self._words.dot(xs, xs) / len(xs) + EPSILON) ** -0.5
        return [x * scale for x in xs]


def as_scalars(weights: Array, sizes: Sizes, number: Callable[[float], Any]) -> dict[str, Matrix]:
    """Return the matrices as lists of rows of Values."""
    return {
        name: [[number(x) for x in row] for row in matrix.tolist()] for name, matrix in arrays(weights, sizes).items()
    }
