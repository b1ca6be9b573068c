"""Transformer modules: embedding table, RMS norm, causal self-attention.

A sequence is a list with a list of numbers for each position. Apply an `nn.Layer` to each position in turn:
`[layer(x) for x in sequence]`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast, overload

from autograd import Constant, Value, dot, softmax, take
from autograd.arrays import NDArray, np
from nn.arguments import Inputs, as_values, checked_count, random_source, refuse_unless_sequence
from nn.initializers import Initializer, RandomSource, normal
from nn.layers import Layer
from nn.module import Module

Sequences = Sequence[Inputs] | NDArray[Any]
"""A list of numbers for each position."""


class Embedding(Module):
    """A table with a row of `width` trainable numbers for each of `count` tokens.

    Args:
        count: the number of tokens, which are 0 to count − 1.
        width: the length of a row.
        initializer: draws the initial numbers; by default normal with a standard deviation of 1, as in PyTorch.
        seed: the seed of the numbers; None draws from Python's global `random`.
        name: prefix of its Values' labels.

    Attributes: `table`, a list of rows of Values.

    >>> embedding = Embedding(27, 16, seed=0)
    >>> len(embedding(3)), [len(row) for row in embedding([3, 0])]
    (16, [16, 16])
    >>> embedding(3)[0] is embedding.table[3][0]
    True
    """

    def __init__(
        self,
        count: int,
        width: int,
        *,
        initializer: Initializer | None = None,
        seed: int | RandomSource | None = None,
        name: str = "",
    ) -> None:
        draw, source = initializer or normal(), random_source(seed)
        prefix = f"{name}." if name else ""
        rows, columns = checked_count(count, "tokens"), checked_count(width, "numbers a token")
        self.table: list[list[Value]] = [
            [Value(draw(source, rows, columns), f"{prefix}table.{i}.{k}") for k in range(columns)] for i in range(rows)
        ]

    @overload
    def __call__(self, tokens: int) -> list[Value]: ...
    @overload
    def __call__(self, tokens: Sequence[int]) -> list[list[Value]]: ...
    def __call__(self, tokens: int | Sequence[int]) -> list[Value] | list[list[Value]]:
        """Look up the row of one token, or of each of several: the table's own Values, as in `autograd.take`.

        Raises:
            TypeError, ValueError: for a token that is not an integer from 0 to count − 1.
        """
        if isinstance(tokens, (list, tuple, range, np.ndarray)):
            return [list(take(self.table, token)) for token in tokens]
        return list(take(self.table, cast(int, tokens)))

    def __repr__(self) -> str:
        return f"Embedding({len(self.table)} tokens -> {len(self.table[0])})"


class RMSNorm(Module):
    """Divide numbers by the root of their mean square, and multiply each by a trainable gain.

    yᵢ = gᵢ xᵢ / √(ε + Σⱼ xⱼ² / d), which keeps the direction of x but not its length.

    Args:
        width: d, the number of inputs.
        epsilon: ε, which prevents division by 0 if all inputs are 0.
        name: prefix of its Values' labels.

    Attributes: `gains`, a list of Values, 1 at first; `epsilon`.

    Source: Zhang and Sennrich 2019, eq. 4.

    >>> [f"{y.data:.4f}" for y in RMSNorm(2)([3.0, -4.0])]  # their mean square is 12.5
    ['0.8485', '-1.1314']
    """

    def __init__(self, width: int, *, epsilon: float = 1e-5, name: str = "") -> None:
        if not epsilon > 0:
            raise ValueError(f"epsilon must be above 0, got {epsilon!r}")
        prefix = f"{name}." if name else ""
        self.gains: list[Value] = [Value(1.0, f"{prefix}gains.{k}") for k in range(checked_count(width, "inputs"))]
        self.epsilon = epsilon

    def __call__(self, inputs: Inputs) -> list[Value]:
        """Normalise the inputs. Raise ValueError unless there is one input per gain."""
        xs = as_values(inputs, len(self.gains), "RMSNorm")
        scale = (dot(xs, xs) / len(xs) + self.epsilon) ** -0.5
        return [gain * (x * scale) for gain, x in zip(self.gains, xs)]

    def __repr__(self) -> str:
        return f"RMSNorm({len(self.gains)})"


class CausalSelfAttention(Module):
    """Multi-head attention in which each position looks at itself and at earlier positions.

    For each position, three layers compute a query q, a key k and a value v. Position t looks at the positions s ≤ t
    with the shares softmax(q_t · k_s / √c), and takes the average of their values with these as weights; each head does
    so with c = width / heads of the numbers. A fourth layer mixes the results of the heads. The layers have no bias.

    Args:
        width: the number of inputs at each position.
        heads: the number of heads, which divide the width evenly.
        initializer: draws the weights of all four layers; by default Glorot's.
        seed: the seed of the weights; None draws from Python's global `random`.
        name: prefix of its Values' labels.

    Attributes: `query`, `key`, `value` and `output`, each a Layer; `heads`.

    Source: Vaswani et al. 2017, sections 3.2.1 and 3.2.2.

    >>> attention = CausalSelfAttention(4, heads=2, seed=0)
    >>> [len(y) for y in attention([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8], [0.9, 1.0, 1.1, 1.2]])]
    [4, 4, 4]
    """

    heads: int
    query: Layer
    key: Layer
    value: Layer
    output: Layer

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        initializer: Initializer | None = None,
        seed: int | RandomSource | None = None,
        name: str = "",
    ) -> None:
        size, self.heads = checked_count(width, "inputs"), checked_count(heads, "heads")
        if size % self.heads:
            raise ValueError(f"{size} numbers cannot be divided evenly among {self.heads} heads")
        source = random_source(seed)
        self._prefix = f"{name}." if name else ""

        def layer(role: str) -> Layer:
            return Layer(
                size, size, "identity", initializer=initializer, seed=source, bias=False, name=f"{self._prefix}{role}"
            )

        self.query, self.key, self.value, self.output = map(layer, ("query", "key", "value", "output"))

    def __call__(self, inputs: Sequences) -> list[list[Value]]:
        """Apply attention to a sequence; the result has the same shape.

        Raises:
            ValueError: for an empty sequence, and for a position without exactly `width` numbers.
            TypeError: for anything but a sequence of sequences of numbers.
        """
        sequence = self._checked(inputs)
        values = self._projected(self.value, "v", sequence)
        mixed: list[list[Value]] = [[] for _ in sequence]
        for h, (part, rows) in enumerate(zip(self._parts(), self._shares(sequence))):
            for t, row in enumerate(rows):
                columns = zip(*(value[part] for value in values[: t + 1]))
                mixed[t] += self._labelled(f"heads.{h}.mixed.{t}", [dot(row, column) for column in columns])
        return self._projected(self.output, "y", mixed)

    def shares(self, inputs: Sequences) -> list[list[list[Value]]]:
        """Compute how much position t looks at position s ≤ t: `shares[head][t][s]`. Each row sums to 1.

        Raises the same errors as a call of the module.

        >>> [[share.data for share in row] for row in CausalSelfAttention(2, 1).shares([[0.0, 0.0]] * 3)[0]][:2]
        [[1.0], [0.5, 0.5]]
        """
        return self._shares(self._checked(inputs))

    def _shares(self, sequence: list[list[Value]]) -> list[list[list[Value]]]:
        queries, keys = self._projected(self.query, "q", sequence), self._projected(self.key, "k", sequence)
        scale = Constant(math.sqrt(len(self.query.neurons) / self.heads), f"{self._prefix}scale")
        heads = []
        for h, part in enumerate(self._parts()):
            rows = []
            for t, query in enumerate(queries):
                products = self._labelled(f"heads.{h}.products.{t}", [dot(query[part], k[part]) for k in keys[: t + 1]])
                scores = self._labelled(f"heads.{h}.scores.{t}", [product / scale for product in products])
                rows.append(self._labelled(f"heads.{h}.shares.{t}", softmax(scores)))
            heads.append(rows)
        return heads

    def _projected(self, layer: Layer, letter: str, sequence: list[list[Value]]) -> list[list[Value]]:
        """Apply a layer to each position, and label the results by letter and position."""
        return [self._labelled(f"{letter}.{t}", layer.forward(xs)) for t, xs in enumerate(sequence)]

    def _labelled(self, name: str, row: list[Value]) -> list[Value]:
        for k, x in enumerate(row):
            x.label = f"{self._prefix}{name}.{k}"
        return row

    def _parts(self) -> list[slice]:
        """Return the slice of each head's numbers."""
        width = len(self.query.neurons)
        size = width // self.heads
        return [slice(start, start + size) for start in range(0, width, size)]

    def _checked(self, inputs: Sequences) -> list[list[Value]]:
        width = len(self.query.neurons)
        refuse_unless_sequence(inputs, "CausalSelfAttention", f"positions with {width} numbers each")
        if not len(inputs):
            raise ValueError("CausalSelfAttention expects at least one position, got none")
        return [as_values(xs, width, "CausalSelfAttention") for xs in inputs]

    def __repr__(self) -> str:
        return f"CausalSelfAttention({len(self.query.neurons)} wide, {self.heads} heads)"
