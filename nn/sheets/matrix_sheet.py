"""Draw sequence modules as matrices, with a tile for each number."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

from autograd import no_grad
from autograd.drawing.text import abbreviate, escape, number, visible
from autograd.reading import numbers_of
from nn.layers import Layer
from nn.module import Module
from nn.named_arrays import NamedArray, named_arrays
from nn.sequences import CausalSelfAttention, Embedding, RMSNorm, Sequences
from nn.sheets.svg import BOLD, HALO, START, document, legend, sign, text, tile

TILE, LEFT, TOP, GAP, SHELF = 16.0, 70.0, 78.0, 46.0, 24.0
NARROWEST = 480.0

WIDEST = 1400.0
"""The width at which the matrices of a user's own module wrap to another row."""

Tabular = Embedding | RMSNorm | CausalSelfAttention


class Matrix(NamedTuple):
    """One of the matrices in a picture.

    Attributes:
        heading: the text above it.
        symbol: the name of its numbers in tooltips.
        rows: its numbers; rows may differ in length.
        labels: the labels of its parameters; empty if its numbers are not parameters.
    """

    heading: str
    symbol: str
    rows: list[list[float]]
    labels: list[list[str]]


def matrices_of(model: Module, inputs: Any = None) -> list[Matrix]:
    """Return the matrices to draw: a module's parameters, or for attention with inputs the shares of each head."""
    if isinstance(model, Embedding):
        return [_parameters("table: a row a token", "table", model.table)]
    if isinstance(model, RMSNorm):
        return [_parameters("gains", "gain", [model.gains])]
    if not isinstance(model, CausalSelfAttention):
        return [_of_array(name, array) for name, array in named_arrays(model.named_parameters()).items()]
    if inputs is None:
        roles = ("query", "key", "value", "output")
        return [_weights(role, getattr(model, role)) for role in roles]
    with no_grad():
        heads = model.shares(inputs)
    return [
        Matrix(f"head {h}", f"share of head {h}", [numbers_of(row) for row in rows], []) for h, rows in enumerate(heads)
    ]


def _parameters(heading: str, symbol: str, rows: list[list[Any]]) -> Matrix:
    return Matrix(heading, symbol, [numbers_of(row) for row in rows], [[x.label for x in row] for row in rows])


def _of_array(name: str, array: NamedArray) -> Matrix:
    """Convert an array with any number of axes to a matrix, with rows along the last axis."""
    width = array.shape[-1] if array.shape else 1
    rows = [array.parameters[start : start + width] for start in range(0, len(array.parameters), width)]
    return _parameters(name, name, rows)


def _weights(role: str, layer: Layer) -> Matrix:
    return _parameters(role, f"w of {role}", [neuron.weights for neuron in layer.neurons])


class _Axis:
    """The layout of a matrix's rows or columns: `shown` maps each drawn index to its position."""

    def __init__(self, size: int, most: int) -> None:
        first = size if size <= most else most // 2
        self.places = min(size, most)
        self.left_out = size - self.places + (size > most)
        self.gap = first  # the position of the "more" mark
        self.shown = {i: i for i in range(first)}
        if self.left_out:
            self.shown |= {size - self.places + k: k for k in range(first + 1, self.places)}


class MatrixSheet:
    """The picture of a module's matrices.

    Args:
        model: a module.
        inputs: a sequence as input to attention.
        most: the maximum number of tiles in a row or column of a matrix.
    """

    def __init__(self, model: Module, inputs: Sequences | None, most: int) -> None:
        self.title = repr(model)
        if not isinstance(model, Tabular):
            self.title = f"{type(model).__name__}, {len(model.parameters()):,} parameters"
        self.looks: bool = inputs is not None
        self.matrices: list[Matrix] = matrices_of(model, inputs)
        self.widest = math.inf if isinstance(model, Tabular) else WIDEST
        self.axes: list[tuple[_Axis, _Axis]] = [
            (_Axis(len(m.rows), most), _Axis(max(map(len, m.rows)), most)) for m in self.matrices
        ]
        numbers = [abs(x) for matrix in self.matrices for row in matrix.rows for x in row if math.isfinite(x)]
        self.heaviest: float = max(numbers, default=0.0)

    def svg(self) -> str:
        x, top, bottom, width = LEFT, TOP, TOP, NARROWEST
        pieces: list[str] = []
        for matrix, axes in zip(self.matrices, self.axes):
            step = TILE * max(axes[1].places, len(matrix.heading) / 2) + GAP
            if x > LEFT and x + step > self.widest:
                x, top = LEFT, bottom + GAP + SHELF
            pieces += [*self.tiles(matrix, axes, x, top), *self.around(matrix, axes, x, top)]
            x += step
            width, bottom = max(width, x), max(bottom, top + TILE * axes[0].places)
        signs = legend(list(self.signs()), bottom + 26)
        caption = textwrap.wrap(self.caption(), int((width - 295) / 6.5))
        pieces += [*signs, *(text(275, bottom + 30 + 18 * i, words, "grey", START) for i, words in enumerate(caption))]
        pieces.append(text(LEFT, 24, self.title, "ink", f"{START} {BOLD}"))
        return document(self.title, width, bottom + 30 + 18 * max(len(signs), len(caption)), pieces)

    def tiles(self, matrix: Matrix, axes: tuple[_Axis, _Axis], left: float, top: float) -> Iterator[str]:
        rows, columns = axes
        yield '<g class="matrix">'
        for i, y in rows.shown.items():
            for k, x in columns.shown.items():
                if k < len(matrix.rows[i]):
                    w = matrix.rows[i][k]
                    strength = min(1.0, abs(w) / (self.heaviest or 1.0))
                    yield tile(left + TILE * x, top + TILE * y, TILE, sign(w), strength, self.tooltip(matrix, i, k))
        yield "</g>"

    def tooltip(self, matrix: Matrix, i: int, k: int) -> str:
        lines = [f"{matrix.symbol}[{i}, {k}] = {matrix.rows[i][k]!r}"]
        if matrix.labels:
            lines.append(escape(abbreviate(visible(matrix.labels[i][k]), 80)))
        return f"<title>{chr(10).join(filter(None, lines))}</title>"

    def around(self, matrix: Matrix, axes: tuple[_Axis, _Axis], left: float, top: float) -> Iterator[str]:
        """Yield the heading, the indices of rows and columns, and the counts of those left out."""
        rows, columns = axes
        yield text(left, top - 26, matrix.heading, "ink", f'{START} font-weight="600"')
        for i, y in rows.shown.items():
            yield text(left - 5, top + TILE * y + 12, str(i), "grey", 'text-anchor="end" font-size="9"')
        for k, x in columns.shown.items():
            yield text(left + TILE * (x + 0.5), top - 5, str(k), "grey", 'font-size="9"')
        if rows.left_out:
            middle = left + TILE * columns.places / 2
            yield text(middle, top + TILE * rows.gap + 12, f"⋮ {rows.left_out:,} more", "ink", HALO)
        if columns.left_out:
            middle = left + TILE * (columns.gap + 0.5)
            yield text(middle, top + TILE * rows.places + 14, f"… {columns.left_out:,} more", "ink", HALO)

    def signs(self) -> Iterator[tuple[str, str]]:
        """Yield the legend's signs with their meanings."""
        x = "share" if self.looks else "w"
        yield tile(28, -8, TILE, "positive", 0.6), f"{x} > 0"
        if any(w < 0 for matrix in self.matrices for row in matrix.rows for w in row):
            yield tile(28, -8, TILE, "negative", 0.6), f"{x} < 0"
        yield tile(28, -8, TILE, "grey", 1.0), f"largest: |{x}| = {number(self.heaviest, 3)}"

    def caption(self) -> str:
        """Describe the picture and the number of tiles left out."""
        left_out = sum(
            len(row) - (sum(k < len(row) for k in columns.shown) if i in rows.shown else 0)
            for matrix, (rows, columns) in zip(self.matrices, self.axes)
            for i, row in enumerate(matrix.rows)
        )
        count = sum(len(row) for matrix in self.matrices for row in matrix.rows)
        not_shown = f"Not shown: {left_out:,} of {count:,} numbers. " if left_out else ""
        rows = "Each row is a position, and tells how much it looks at each; a row sums to 1. " if self.looks else ""
        return f"{rows}{not_shown}Tooltips give all numbers in full."
