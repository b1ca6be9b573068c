"""The derivatives to arrays as they come in, part by part, and their sums."""

from __future__ import annotations

import itertools
import math
from typing import Any

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.recover.groups import PARAMETERS, View
from autograd.compiler.recover.index import Axes, Band, Positions, as_axes, as_band, as_pieces, as_slice
from autograd.compiler.symbols import ATOM, Symbol, reshaped, written
from autograd.compiler.writer import Statement, Writer, shape_text


class Adjoints:
    """What has arrived at each array: parts of it, each with the columns that it belongs to."""

    def __init__(self, writer: Writer, statements: list[Statement]) -> None:
        self.writer, self.grouping, self._statements = writer, writer.grouping, statements
        self.found: dict[int, list[tuple[Positions, Symbol]]] = {}
        self.of_parameters: dict[str, list[Symbol]] = {}

    def contribute(self, view: View, gradient: Any, batched: bool) -> None:
        """Note a part of the derivative to a view of one element a column."""
        if not isinstance(gradient, Symbol):
            return  # a slope of 0
        writer, index = self.writer, view.index
        m = len(index)
        to_samples = self.grouping.batched[view.source]
        if m > 1 and (index == index[0]).all():
            if gradient.width == 1:
                gradient = float(m) * gradient
            else:
                axis = "axis=1, " if batched else ""
                gradient = writer.symbol(f"{written(gradient, ATOM)}.sum({axis}keepdims=True)", 1)
            index, m = index[:1], 1
        if batched and not to_samples:
            gradient = writer.symbol(f"{written(gradient, ATOM)}.sum(axis=0)", gradient.width)
        if view.source == PARAMETERS:
            self._contribute_vector(index, gradient)
            return
        self._contribute_columns(View(view.source, index), gradient, to_samples)

    def _contribute_columns(self, view: View, gradient: Symbol, batched: bool) -> None:
        """To columns of an argument or of a group, in the way in which they were read."""
        index = view.index
        if as_slice(index) is None:
            axes, band = as_axes(index), as_band(index, self.grouping.widths[view.source])
            if axes is not None:
                index, gradient = np.arange(axes.start, axes.stop), self._along_axes(axes, gradient, batched)
            elif as_pieces(index) is not None:
                self._contribute_pieces(view, gradient, batched)
                return
            elif band is not None:
                index, gradient = np.arange(band.start, band.stop), self._of_band(band, gradient, batched)
        self.found.setdefault(view.source, []).append((index, gradient))

    def _of_band(self, band: Band, gradient: Symbol, batched: bool) -> Symbol:
        """The derivative to a slice of which some columns of each period were read: zero for the others."""
        samples = "-1, " if batched else ""
        rows, length = (band.stop - band.start) // band.period, band.last - band.first
        if band.axes is not None:
            gradient = self._along_axes(band.axes, gradient, batched)
        text = reshaped(self.full(gradient, rows * length, batched), f"{samples}{rows}, {length}")
        text = f"place({text}, {band.first}, {band.last}, {band.period}).reshape({samples}{band.stop - band.start})"
        return self.writer.symbol(text, band.stop - band.start)

    def _contribute_pieces(self, view: View, gradient: Symbol, batched: bool) -> None:
        """To slices that were read side by side, a part of the derivative each."""
        writer = self.writer
        gradient = self.full(gradient, len(view.index), batched)
        name = gradient.text
        if not name.isidentifier():
            name = writer.names.numbered("d_part")
            self._statements.append(Statement(name, gradient.text, shape_text(("n", len(view.index))[not batched :])))
        at = 0
        for start, stop in as_pieces(view.index) or []:
            width = stop - start
            part = writer.symbol(f"{name}[{':, ' if batched else ''}{at}:{at + width}]", width)
            self.contribute(View(view.source, np.arange(start, stop)), part, batched)
            at += width

    def _along_axes(self, axes: Axes, gradient: Symbol, batched: bool) -> Symbol:
        """The derivative to a slice of which axes were turned or repeated: turned back, and summed up."""
        samples, first = ("-1, ", 1) if batched else ("", 0)
        full = self.full(gradient, math.prod(axes.shape), batched)
        text = reshaped(full, f"{samples}{', '.join(map(str, axes.shape))}")
        repeated = [k + first for k, place in enumerate(axes.place) if place < 0]
        if repeated:
            text += f".sum(axis={repeated[0] if len(repeated) == 1 else tuple(repeated)})"
        own = [place for place in axes.place if place >= 0]
        if own != sorted(own):
            back = [own.index(k) + first for k in range(len(own))]
            text += f".transpose({'0, ' * first}{', '.join(map(str, back))})"
        width = axes.stop - axes.start
        return self.writer.symbol(f"{text}.reshape({samples}{width})" if len(own) > 1 else text, width)

    def _contribute_vector(self, index: Positions, gradient: Symbol) -> None:
        symbol = self.writer.vector(View(PARAMETERS, index))
        if not symbol.text.startswith("tile("):
            self._contribute_parameter(symbol.text, gradient)
            return
        name, times = symbol.text[len("tile(") : -1].split(", ")
        full = self.full(gradient, len(index), False)
        text = f"{written(full, ATOM)}.reshape({times}, {len(index) // int(times)}).sum(axis=0)"
        self._contribute_parameter(name, self.writer.symbol(text, len(index) // int(times)))

    def _contribute_parameter(self, name: str, gradient: Symbol) -> None:
        if name.endswith(".T"):
            gradient = self.writer.symbol(f"{written(gradient, ATOM)}.T", gradient.width)
            name = name[:-2]
        self.of_parameters.setdefault(name, []).append(gradient)

    def contribute_weights(self, view: View, gradient: Symbol) -> None:
        """To a matrix of weights, which has no samples' axis: the product has summed over the samples."""
        if view.source == PARAMETERS:
            self._contribute_parameter(self.writer.table(view).text, gradient)
            return
        text = f"{written(gradient, ATOM)}.reshape({view.index.size})"
        self.contribute(View(view.source, view.index.reshape(-1)), self.writer.symbol(text, view.index.size), False)

    def contribute_table(self, view: View, gradient: Symbol, batched: bool) -> None:
        """To a view of shape (rows, terms), flattened."""
        rows, terms = view.index.shape
        writer = self.writer
        if gradient.width < terms:
            shape = f"(n, {rows}, {terms})" if batched else f"({rows}, {terms})"
            gradient = writer.symbol(f"broadcast_to({gradient.text}, {shape})", terms)
        if view.source == PARAMETERS:
            text = f"{written(gradient, ATOM)}.sum(axis=0)" if batched else gradient.text
            self._contribute_parameter(writer.table(view).text, writer.symbol(text, terms, ATOM if batched else 0))
            return
        text = f"{written(gradient, ATOM)}.reshape({'-1, ' if batched else ''}{rows * terms})"
        self.contribute(View(view.source, view.index.reshape(-1)), writer.symbol(text, rows * terms), batched)

    def total(self, source: int) -> Symbol:
        """The sum of all parts of the derivative to a source."""
        writer, width = self.writer, self.grouping.widths[source]
        terms = []
        for index, gradient in self._joined(self._merged(source), self.grouping.batched[source]):
            found = as_slice(index)
            if found == (0, width, 1):
                terms.append(gradient)
                continue
            gradient = self.full(gradient, len(index), self.grouping.batched[source])
            if found is not None:
                start, stop, step = found
                by = f", {step}" if step != 1 else ""
                text = f"place({gradient.text}, {start}, {stop}, {width}{by})"
            else:
                text = f"{writer.scatter(index, width)}({gradient.text})"
            terms.append(writer.symbol(text, width))
        return self.summed(terms, "d_part", writer.shape(source))

    def _merged(self, source: int) -> list[tuple[Positions, Symbol]]:
        """The parts of a source, those to the same columns added up, in the order in which they arrived."""
        parts: dict[bytes, tuple[Positions, list[Symbol]]] = {}
        for index, gradient in self.found[source]:
            parts.setdefault(index.tobytes(), (index, []))[1].append(gradient)
        shape = self.writer.shape(source)
        return [(index, self.summed(terms, "d_part", shape)) for index, terms in parts.values()]

    def summed(self, terms: list[Symbol], base: str, shape: str) -> Symbol:
        """The sum of terms; of very many, in several statements."""
        total = terms[0]
        for n, term in enumerate(terms[1:], 1):
            if n % cost.TERMS_A_STATEMENT == 0:
                name = self.writer.names.numbered(base)
                self._statements.append(Statement(name, total.text, shape))
                total = self.writer.symbol(name, total.width)
            total = total + term
        return total

    def _joined(self, parts: list[tuple[Positions, Symbol]], batched: bool) -> list[tuple[Positions, Symbol]]:
        """Parts that lie side by side, side by side as one, where none overlap."""
        found = {k: as_slice(index) for k, (index, _) in enumerate(parts)}
        bounds = sorted((s[0], s[1], k) for k, s in found.items() if s is not None and s[2] == 1)
        if len(bounds) < len(parts) or any(a[1] > b[0] for a, b in itertools.pairwise(bounds)):
            return parts
        joined = []
        while bounds:
            end = next((n for n in range(1, len(bounds)) if bounds[n - 1][1] != bounds[n][0]), len(bounds))
            run, bounds = bounds[:end], bounds[end:]
            if len(run) == 1:
                joined.append(parts[run[0][2]])
                continue
            texts = [self.full(parts[k][1], len(parts[k][0]), batched).text for _, _, k in run]
            index = np.arange(run[0][0], run[-1][1])
            joined.append((index, self.writer.symbol(f"concatenate([{', '.join(texts)}], axis=-1)", len(index))))
        return joined

    def full(self, gradient: Symbol, width: int, batched: bool) -> Symbol:
        """With all its columns, where they are the same and only one was written."""
        if gradient.width == width:
            return gradient
        shape = f"(n, {width})" if batched else f"({width},)"
        return self.writer.symbol(f"broadcast_to({gradient.text}, {shape})", width)
