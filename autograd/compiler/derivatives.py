"""Stage 4, differentiate: a reverse sweep over the groups, with the derivative table's own rules.

For a matrix product it is the equations of the texts: with δ the derivative to z = x Wᵀ + b, the one to x is δ W, the
one to W is δᵀ x, summed over the samples, and the one to b is δ itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.adjoints import Adjoints
from autograd.compiler.exact import infix
from autograd.compiler.forward import (
    columns_symbol,
    is_number,
    is_reduction,
    operand_symbols,
    scaled_weights,
    sign,
    sole_row,
)
from autograd.compiler.masking import ROWS, SUMMED, Masking
from autograd.compiler.recover.groups import CONSTANT, PARAMETERS, Group, Matrix, Rows, View, views, weights_index
from autograd.compiler.scalars import idioms
from autograd.compiler.symbols import ATOM, Symbol, written
from autograd.compiler.targets.kernels import REDUCTIONS
from autograd.compiler.writer import Statement, Writer, shape_text
from autograd.primitives import Primitive


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
        self._adjoints = Adjoints(writer, self.statements)
        self._masking = Masking(writer)
        self._to_arguments = to_arguments
        self._needed = self._sources_needed()
        self._seed(seeds)
        for group in reversed(self.grouping.groups):
            if self._needed[group.source] and group.source in self._adjoints.found:
                if group.pieces:
                    self._pull_through_pieces(group)
                elif group.primitive is None:
                    self._pull_through_sum(group)
                else:
                    self._pull_through_primitive(group)
        self.results = self._results()

    def _sources_needed(self) -> list[bool]:
        """Which arrays depend on what derivatives are wanted to."""
        grouping = self.grouping
        first = len(grouping.widths) - len(grouping.groups)
        needed = [(i > PARAMETERS) == self._to_arguments and i not in grouping.data for i in range(first)]
        for group in grouping.groups:
            needed.append(any(needed[view.source] for view in views(group)))
        return needed

    def _seed(self, seeds: int) -> None:
        """The outputs' own derivatives, which the backward pass is called with."""
        grouping, writer = self.grouping, self.writer
        outputs = list(writer.scalars.outputs[:seeds])
        at = 0
        while at < len(outputs):
            source = int(grouping.source[outputs[at]])
            end = at + 1
            while end < len(outputs) and int(grouping.source[outputs[end]]) == source != CONSTANT:
                end += 1
            if source != CONSTANT and self._needed[source]:
                text = "gradient" if (at, end) == (0, seeds) else f"gradient[:, {at}:{end}]"
                nodes = outputs[at:end]
                self._adjoints.contribute(View(source, grouping.position[nodes]), writer.symbol(text, end - at), True)
            at = end

    # What a group hands to its operands

    def _pull_through_pieces(self, group: Group) -> None:
        """To each piece the columns that it is in, those of one source together."""
        adjoint = self._adjoints.full(self._adjoint(group, inline=False), len(group.members), group.batched)
        parts: dict[int, list[tuple[View, str]]] = {}
        at = 0
        for n, view in enumerate(group.pieces):
            key = -n if view.source == PARAMETERS else view.source  # each array of captured leaves by itself
            text = f"{adjoint.text}[{':, ' if group.batched else ''}{at}:{at + len(view.index)}]"
            parts.setdefault(key, []).append((view, text))
            at += len(view.index)
        for of_one in parts.values():
            source, index = of_one[0][0].source, np.concatenate([view.index for view, _ in of_one])
            if self._needed[source]:
                text = ", ".join(text for _, text in of_one)
                text = text if len(of_one) == 1 else f"concatenate([{text}], axis=-1)"
                self._adjoints.contribute(View(source, index), self.writer.symbol(text, len(index)), group.batched)

    def _pull_through_primitive(self, group: Group) -> None:
        primitive = group.primitive
        assert primitive is not None
        operands = [(k, view) for k, view in enumerate(group.operands) if isinstance(view, View)]
        wanted = [(k, view) for k, view in operands if self._needed[view.source]]
        writer, m = self.writer, len(group.members)
        if primitive in REDUCTIONS and is_reduction(group):
            self._pull_through_reduction(group)
            return
        out = writer.symbol(writer.name[group.source], m)
        derivatives = self._slopes(primitive, operand_symbols(writer, group), out, writer.shape(group.source))
        if primitive in idioms.NOTES:
            writer.note(idioms.NOTES[primitive])
        adjoint = self._adjoint(group, inline=len(wanted) < 2)
        for k, view in wanted:
            contribution = self._masking.chosen(group, adjoint, derivatives[k])
            self._adjoints.contribute(view, self._masking.reached(group, contribution), group.batched)

    def _slopes(self, primitive: Primitive, inputs: list[Any], out: Symbol, shape: str) -> Sequence[Any]:
        """The local derivatives; those of a primitive of many operands together, under one name."""
        writer = self.writer
        if primitive not in REDUCTIONS:
            return writer.derivatives(primitive, inputs, out)
        name = writer.names.numbered("slopes")
        text = writer.slopes_text(primitive, inputs, out)
        self.statements.append(Statement(name, text, f"{len(inputs)} of {shape}"))
        return [writer.symbol(f"{name}[{k}]", out.width) for k in range(len(inputs))]

    def _pull_through_reduction(self, group: Group) -> None:
        """The slopes of a primitive of many operands, which lie side by side as these do."""
        (view,) = group.operands
        assert isinstance(view, View)
        writer, m = self.writer, len(group.members)
        (x,) = operand_symbols(writer, group)
        out = writer.symbol(writer.name[group.source] + ("" if m == 1 else "[..., None]"), 1)
        adjoint = self._adjoint(group, inline=False)
        slope = writer.symbol(writer.slopes_text(group.primitive, [x], out), x.width)
        if group.primitive.chooses:
            name = writer.names.numbered("shares")
            shape = (*(["n"] if group.batched else []), *([m] if m > 1 else []), x.width)
            self.statements.append(Statement(name, slope.text, shape_text(shape)))
            slope = writer.symbol(name, x.width)
        if m == 1:
            contribution = self._masking.reached(group, self._masking.chosen(group, adjoint, slope))
            self._adjoints.contribute(View(view.source, view.index[0]), contribution, group.batched)
            return
        adjoint = writer.symbol(f"{written(self._adjoints.full(adjoint, m, group.batched), ATOM)}[..., None]", 1)
        contribution = self._masking.reached(group, self._masking.chosen(group, adjoint, slope), ROWS)
        self._adjoints.contribute_table(view, contribution, group.batched)

    def _pull_through_sum(self, group: Group) -> None:
        wanted = 0
        for block in group.blocks:
            parts = _factors(block) if isinstance(block, Rows) else [block.weights, block.columns]
            wanted += sum(view is not None and self._needed[view.source] for view in parts)
        matrices = any(isinstance(block, Matrix) for block in group.blocks)
        adjoint = self._adjoint(group, inline=wanted < 2 and not matrices)
        for block in group.blocks:
            if isinstance(block, Matrix):
                self._pull_through_matrix(group, block, self._adjoints.full(adjoint, len(group.members), group.batched))
            else:
                self._pull_through_rows(group, block, adjoint)

    def _pull_through_matrix(self, group: Group, block: Matrix, delta: Symbol) -> None:
        writer = self.writer
        positions, k = block.columns.index.shape
        channels = len(group.members)
        batched = writer.is_batched(block.columns)
        if group.batched and not batched:
            delta = writer.symbol(f"{written(delta, ATOM)}.sum(axis=0)", delta.width)
        if positions > 1:
            channels = len(weights_index(block))
            if block.place is not None:
                text = f"{writer.scatter(block.place, positions * channels)}({delta.text})"
                delta = writer.symbol(text, positions * channels)
            delta = writer.symbol(f"{written(delta, ATOM)}.reshape(-1, {channels})", channels)
        if block.weights is not None and self._needed[block.weights.source]:
            columns = columns_symbol(writer, block)
            if batched or positions > 1:
                gradient = writer.symbol(f"{written(delta, ATOM)}.T", channels) @ columns
            else:
                gradient = writer.symbol(f"{written(delta, ATOM)}[:, None]", 1) * columns
            gradient.width = k
            self._adjoints.contribute_weights(block.weights, writer.numbers(block.coefficients) * gradient)
        if self._needed[block.columns.source]:
            gradient = sign(block) * (delta @ scaled_weights(writer, group, block))
            gradient.width = k
            if positions > 1:
                before = "-1, " if batched else ""
                text = f"{written(gradient, ATOM)}.reshape({before}{positions * k})"
                gradient = writer.symbol(text, positions * k)
            self._adjoints.contribute(View(block.columns.source, block.columns.index.reshape(-1)), gradient, batched)

    def _pull_through_rows(self, group: Group, block: Rows, adjoint: Symbol) -> None:
        """adjoint · coefficients · the other factor."""
        factors = _factors(block)
        for view in factors:
            if not self._needed[view.source]:
                continue
            other = block.right if view is block.left else block.left
            doubled = 2.0 if other is not None and len(factors) == 1 and block.right is not None else 1.0
            self._pull_through_factor(group, block, adjoint, view, other, doubled)

    def _pull_through_factor(
        self, group: Group, block: Rows, adjoint: Symbol, view: View, other: View | None, doubled: float
    ) -> None:
        writer, coefficients = self.writer, block.coefficients
        layer = writer.layer.get(group.source)
        if view.index.shape[1] == 1:
            factor: Any = 1.0 if other is None else writer.vector(View(other.source, other.index[:, 0]), layer)
            c = coefficients if isinstance(coefficients, float) else writer.numbers(coefficients[:, 0])
            contribution = self._masking.through_product(group, block, _times(doubled * c, factor, adjoint))
            self._adjoints.contribute(View(view.source, view.index[:, 0]), contribution, group.batched)
            return
        if sole_row(block, group) is not None:
            if len(group.members) > 1 and adjoint.width > 1:
                axis = "axis=1, " if group.batched else ""
                adjoint = writer.symbol(f"{written(adjoint, ATOM)}.sum({axis}keepdims=True)", 1)
            elif len(group.members) > 1:
                adjoint = float(len(group.members)) * adjoint
            factor = 1.0 if other is None else writer.vector(View(other.source, other.index[0]))
            c = coefficients if isinstance(coefficients, float) else writer.numbers(coefficients[0])
            contribution = self._masking.through_product(group, block, _times(doubled * c, factor, adjoint), SUMMED)
            self._adjoints.contribute(View(view.source, view.index[0]), contribution, group.batched)
            return
        factor = 1.0 if other is None else writer.table(other)
        c = doubled * writer.numbers(coefficients)
        wide = writer.symbol(
            f"{written(self._adjoints.full(adjoint, len(group.members), group.batched), ATOM)}[..., None]", 1
        )
        contribution = self._masking.through_product(group, block, wide * (c * factor), ROWS)
        self._adjoints.contribute_table(view, contribution, group.batched)

    def _adjoint(self, group: Group, inline: bool) -> Symbol:
        """The derivative to a group: all parts that have arrived, under a name of its own or in place."""
        writer = self.writer
        arrived = self._adjoints.total(group.source)
        factor = writer.numbers(group.factor)
        arrived = infix("*", factor, arrived) if is_number(factor, 0.0) else factor * arrived
        total: Symbol = arrived * writer.numbers(1 / group.divisor)
        name = writer.name[group.source]
        short = len(total.text) <= cost.LONGEST_INLINE
        if (inline and short and group.source not in writer.layer) or total.text.isidentifier():
            return total
        layer = writer.layer.get(group.source)
        is_z = layer is not None and group.primitive is None
        if self._to_arguments:
            name = writer.names.plain(f"d_{name}")
        else:
            name = writer.names.numbered("delta", layer) if is_z else writer.names.plain(f"d_{name}")
        shape = shape_text(("n", total.width) if group.batched else (total.width,))
        self.statements.append(Statement(name, total.text, shape))
        return writer.symbol(name, total.width)

    def _results(self) -> list[str | None]:
        if self._to_arguments:
            arguments = len(self.writer.scalars.arguments)
            return [
                self._adjoints.full(self._adjoints.total(i), self.grouping.widths[i], True).text
                if i in self._adjoints.found
                else None
                for i in range(1, arguments + 1)
            ]
        results: list[str | None] = []
        for array in self.writer.parameters:
            parts = self._adjoints.of_parameters.get(array.name)
            base = f"part_of_{array.name}_"
            results.append(self._adjoints.summed(parts, base, shape_text(array.index.shape)).text if parts else None)
        return results


def _times(c: Any, factor: Any, adjoint: Symbol) -> Any:
    """A derivative times a number of the program and another factor. 0 times an infinite derivative is nan."""
    return infix("*", 0.0, adjoint * factor) if is_number(c, 0.0) else adjoint * (c * factor)


def _factors(block: Rows) -> list[View]:
    """What the terms of a block are products of; of squares, once."""
    left, right = block.left, block.right
    if right is None or (left.source == right.source and np.array_equal(left.index, right.index)):
        return [left]
    return [left, right]
