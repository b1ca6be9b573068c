"""Stage 4, differentiate: a reverse sweep over the groups, with the derivative table's own rules.

For a matrix product it is the equations of the texts: with δ the derivative to z = x Wᵀ + b, the one to x is δ W, the
one to W is δᵀ x, summed over the samples, and the one to b is δ itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import primitives
from autograd.compiler.forward import (
    columns_symbol,
    is_reduction,
    operand_symbols,
    scale,
    scaled_weights,
    sole_row,
    weights_view,
)
from autograd.compiler.grouping import NONE, PARAMETERS, Group
from autograd.compiler.products import Index, Matrix, Rows, View
from autograd.compiler.symbols import ATOM, Symbol, written
from autograd.compiler.writer import Statement, Writer, as_slice


class Backward:
    """The statements of a backward pass, and what comes of it.

    Attributes:
        statements: in order.
        results: for each array of captured leaves, or each argument, the source of its derivative; None where the
            outputs do not depend on it.
    """

    def __init__(self, writer: Writer, seeds: int, to_arguments: bool) -> None:
        self.writer, self.grouping = writer, writer.grouping
        self.statements: list[Statement] = []
        self._found: dict[int, list[tuple[Index, Symbol]]] = {}
        self._of_parameters: dict[str, list[Symbol]] = {}
        self._to_arguments = to_arguments
        self._needed = self._sources_needed()
        self._seed(seeds)
        for group in reversed(self.grouping.groups):
            if self._needed[group.source] and group.source in self._found:
                if group.primitive is None:
                    self._pull_through_sum(group)
                else:
                    self._pull_through_primitive(group)
        self.results = self._results()

    def _sources_needed(self) -> list[bool]:
        """Which arrays depend on what derivatives are wanted to."""
        grouping = self.grouping
        first = len(grouping.widths) - len(grouping.groups)
        needed = [(i > PARAMETERS) == self._to_arguments for i in range(first)]
        for group in grouping.groups:
            views = [view for view in group.operands if isinstance(view, View)]
            for block in group.blocks:
                parts = (block.left, block.right) if isinstance(block, Rows) else (block.weights, block.columns)
                views += [view for view in parts if view is not None]
            needed.append(any(needed[view.source] for view in views))
        return needed

    def _seed(self, seeds: int) -> None:
        """The outputs' own derivatives, which the backward pass is called with."""
        grouping, writer = self.grouping, self.writer
        outputs = writer.scalars.outputs[:seeds]
        at = 0
        while at < len(outputs):
            source = int(grouping.source[outputs[at]])
            end = at + 1
            while end < len(outputs) and int(grouping.source[outputs[end]]) == source != NONE:
                end += 1
            if source != NONE and self._needed[source]:
                text = "gradient" if (at, end) == (0, seeds) else f"gradient[:, {at}:{end}]"
                nodes = outputs[at:end]
                self._contribute(View(source, grouping.position[nodes]), writer.symbol(text, end - at), True)
            at = end

    # What a group hands to its operands

    def _pull_through_primitive(self, group: Group) -> None:
        primitive = group.primitive
        assert primitive is not None
        views = [(k, view) for k, view in enumerate(group.operands) if isinstance(view, View)]
        wanted = [(k, view) for k, view in views if self._needed[view.source]]
        writer, m = self.writer, len(group.members)
        if primitive is primitives.logsumexp and is_reduction(group):
            self._pull_through_logsumexp(group)
            return
        out = writer.symbol(writer.name[group.source], m)
        derivatives = primitive.derivatives(*operand_symbols(writer, group), out)
        adjoint = self._adjoint(group, inline=len(wanted) < 2)
        for k, view in wanted:
            self._contribute(view, adjoint * derivatives[k], group.batched)

    def _pull_through_logsumexp(self, group: Group) -> None:
        """The rule of the table for many operands at once: exp(x - out), whichever x it is."""
        (view,) = group.operands
        assert isinstance(view, View) and group.primitive is not None
        writer, m = self.writer, len(group.members)
        (x,) = operand_symbols(writer, group)
        out = writer.name[group.source]
        adjoint = self._adjoint(group, inline=False)
        if m == 1:
            (derivative,) = group.primitive.derivatives(x, writer.symbol(out, 1))
            self._contribute(View(view.source, view.index[0]), adjoint * derivative, group.batched)
            return
        (derivative,) = group.primitive.derivatives(x, writer.symbol(f"{out}[..., None]", 1))
        adjoint = writer.symbol(f"{written(self._full(adjoint, m, group.batched), ATOM)}[..., None]", 1)
        self._contribute_table(view, adjoint * derivative, group.batched)

    def _pull_through_sum(self, group: Group) -> None:
        wanted = 0
        for block in group.blocks:
            parts = (block.left, block.right) if isinstance(block, Rows) else (block.weights, block.columns)
            wanted += sum(view is not None and self._needed[view.source] for view in parts)
        matrices = any(isinstance(block, Matrix) for block in group.blocks)
        adjoint = self._adjoint(group, inline=wanted < 2 and not matrices)
        for block in group.blocks:
            if isinstance(block, Matrix):
                self._pull_through_matrix(group, block, self._full(adjoint, len(group.members), group.batched))
            else:
                self._pull_through_rows(group, block, adjoint)

    def _pull_through_matrix(self, group: Group, block: Matrix, delta: Symbol) -> None:
        writer, c = self.writer, scale(block)
        positions, k = block.columns.index.shape
        channels = len(group.members)
        if positions > 1:
            channels = len(weights_view(block))
            if block.place is not None:
                text = f"{writer.scatter(block.place, positions * channels)}({delta.text})"
                delta = writer.symbol(text, positions * channels)
            delta = writer.symbol(f"{written(delta, ATOM)}.reshape(-1, {channels})", channels)
        batched = writer.is_batched(block.columns)
        if block.weights is not None and self._needed[block.weights.source]:
            columns = columns_symbol(writer, block)
            if batched or positions > 1:
                gradient = writer.symbol(f"{written(delta, ATOM)}.T", channels) @ columns
            else:
                gradient = writer.symbol(f"{written(delta, ATOM)}[:, None]", 1) * columns
            if not batched and group.batched and positions == 1:
                gradient = writer.symbol(f"{written(delta, ATOM)}.sum(axis=0)[:, None]", 1) * columns
            gradient.width = k
            if not isinstance(block.coefficients, float):
                gradient = writer.numbers(block.coefficients) * gradient
            self._contribute_weights(block.weights, c * gradient)
        if self._needed[block.columns.source]:
            gradient = c * (delta @ scaled_weights(writer, group, block))
            gradient.width = k
            if positions > 1:
                before = "-1, " if batched else ""
                text = f"{written(gradient, ATOM)}.reshape({before}{positions * k})"
                gradient = writer.symbol(text, positions * k)
            self._contribute(View(block.columns.source, block.columns.index.reshape(-1)), gradient, group.batched)

    def _contribute_weights(self, view: View, gradient: Symbol) -> None:
        """To a matrix of weights, which has no samples' axis: the product has summed over the samples."""
        if view.source == PARAMETERS:
            self._contribute_parameter(self.writer.table(view).text, gradient)
            return
        text = f"{written(gradient, ATOM)}.reshape({view.index.size})"
        self._contribute(View(view.source, view.index.reshape(-1)), self.writer.symbol(text, view.index.size), False)

    def _pull_through_rows(self, group: Group, block: Rows, adjoint: Symbol) -> None:
        """adjoint · coefficients · the other factor."""
        views = [view for view in (block.left, block.right) if view is not None]
        if block.right is not None and _same(block.left, block.right):
            views = views[:1]
        for view in views:
            if not self._needed[view.source]:
                continue
            other = block.right if view is block.left else block.left
            doubled = 2.0 if other is not None and len(views) == 1 and block.right is not None else 1.0
            self._pull_through_factor(group, block, adjoint, view, other, doubled)

    def _pull_through_factor(
        self, group: Group, block: Rows, adjoint: Symbol, view: View, other: View | None, doubled: float
    ) -> None:
        writer, coefficients = self.writer, block.coefficients
        layer = writer.layer.get(group.source)
        if view.index.shape[1] == 1:
            factor: Any = 1.0 if other is None else writer.vector(View(other.source, other.index[:, 0]), layer)
            c = coefficients if isinstance(coefficients, float) else writer.numbers(coefficients[:, 0])
            contribution = adjoint * (doubled * c * factor)
            self._contribute(View(view.source, view.index[:, 0]), contribution, group.batched)
            return
        if sole_row(block, group) is not None:
            if len(group.members) > 1 and adjoint.width > 1:
                axis = "axis=1, " if group.batched else ""
                adjoint = writer.symbol(f"{written(adjoint, ATOM)}.sum({axis}keepdims=True)", 1)
            elif len(group.members) > 1:
                adjoint = float(len(group.members)) * adjoint
            factor = 1.0 if other is None else writer.vector(View(other.source, other.index[0]))
            c = coefficients if isinstance(coefficients, float) else writer.numbers(coefficients[0])
            contribution = adjoint * (doubled * c * factor)
            self._contribute(View(view.source, view.index[0]), contribution, group.batched)
            return
        factor = 1.0 if other is None else writer.table(other)
        c = doubled * writer.numbers(coefficients)
        wide = writer.symbol(f"{written(self._full(adjoint, len(group.members), group.batched), ATOM)}[..., None]", 1)
        self._contribute_table(view, wide * (c * factor), group.batched)

    def _contribute_table(self, view: View, gradient: Symbol, batched: bool) -> None:
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
        self._contribute(View(view.source, view.index.reshape(-1)), writer.symbol(text, rows * terms), batched)

    # What arrives at an operand

    def _contribute(self, view: View, gradient: Any, batched: bool) -> None:
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
        else:
            self._found.setdefault(view.source, []).append((index, gradient))

    def _contribute_vector(self, index: Index, gradient: Symbol) -> None:
        symbol = self.writer.vector(View(PARAMETERS, index))
        if not symbol.text.startswith("tile("):
            self._contribute_parameter(symbol.text, gradient)
            return
        name, times = symbol.text[len("tile(") : -1].split(", ")
        full = self._full(gradient, len(index), False)
        text = f"{written(full, ATOM)}.reshape({times}, {len(index) // int(times)}).sum(axis=0)"
        self._contribute_parameter(name, self.writer.symbol(text, len(index) // int(times)))

    def _contribute_parameter(self, name: str, gradient: Symbol) -> None:
        if name.endswith(".T"):
            turned = gradient.text[1:-1] if gradient.text.startswith("(") else gradient.text
            gradient = self.writer.symbol(f"({turned}).T", gradient.width)
            name = name[:-2]
        self._of_parameters.setdefault(name, []).append(gradient)

    def _adjoint(self, group: Group, inline: bool) -> Symbol:
        """The derivative to a group: all parts that have arrived, under a name of its own or in place."""
        total = self._total(group.source)
        writer = self.writer
        name = writer.name[group.source]
        if (inline and group.source not in writer.layer) or total.text.isidentifier():
            return total
        layer = writer.layer.get(group.source)
        is_z = layer is not None and group.primitive is None
        if self._to_arguments:
            name = writer.names.plain(f"d_{name}")
        else:
            name = writer.names.numbered("delta", layer) if is_z else writer.names.plain(f"d_{name}")
        shape = writer.shape(group.source)
        self.statements.append(Statement(name, total.text, shape))
        return writer.symbol(name, total.width)

    def _total(self, source: int) -> Symbol:
        """The sum of all parts of the derivative to a source."""
        writer, width = self.writer, self.grouping.widths[source]
        batched = self.grouping.batched[source]
        parts = self._found[source]
        slices = [as_slice(index) for index, _ in parts]
        joined = self._joined(parts, slices, width, batched)
        if joined is not None:
            return joined
        total: Any = 0.0
        for (index, gradient), found in zip(parts, slices):
            if found == (0, width, 1):
                total = total + gradient
                continue
            gradient = self._full(gradient, len(index), batched)
            if found is not None:
                start, stop, step = found
                by = f", {step}" if step != 1 else ""
                text = f"place({gradient.text}, {start}, {stop}, {width}{by})"
            else:
                text = f"{writer.scatter(index, width)}({gradient.text})"
            total = total + writer.symbol(text, width)
        found_total: Symbol = total
        return found_total

    def _joined(
        self, parts: list[tuple[Index, Symbol]], slices: list[tuple[int, int, int] | None], width: int, batched: bool
    ) -> Symbol | None:
        """Parts that lie side by side and leave nothing out, side by side."""
        found = [s for s in slices if s is not None and s[2] == 1]
        if len(found) < max(2, len(parts)):
            return None
        order = sorted(range(len(parts)), key=lambda k: found[k])
        ends = [0, *(found[k][1] for k in order)]
        if ends[-1] != width or any(found[k][0] != end for k, end in zip(order, ends)):
            return None
        texts = [self._full(parts[k][1], len(parts[k][0]), batched).text for k in order]
        return self.writer.symbol(f"concatenate([{', '.join(texts)}], axis=-1)", width)

    def _full(self, gradient: Symbol, width: int, batched: bool) -> Symbol:
        """With all its columns, where they are the same and only one was written."""
        if gradient.width == width:
            return gradient
        shape = f"(n, {width})" if batched else f"({width},)"
        return self.writer.symbol(f"broadcast_to({gradient.text}, {shape})", width)

    def _results(self) -> list[str | None]:
        if self._to_arguments:
            arguments = len(self.writer.scalars.trace.arguments)
            return [
                self._full(self._total(i), self.grouping.widths[i], True).text if i in self._found else None
                for i in range(1, arguments + 1)
            ]
        results: list[str | None] = []
        for array in self.writer.parameters:
            parts = self._of_parameters.get(array.name)
            total: Any = 0.0
            for part in parts or ():
                total = total + part
            results.append(total.text if parts else None)
        return results


def _same(a: View, b: View) -> bool:
    return a.source == b.source and np.array_equal(a.index, b.index)
