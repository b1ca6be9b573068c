"""Lower sums of products: matrix products, products over patches, and terms in the graph's order of addition.

Forward passes must round as the graph does, so terms and factors are combined exactly in the order of the groups.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from autograd import primitives
from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Batch
from autograd.compiler.arrays.shapes import is_batched
from autograd.compiler.recover.groups import PARAMETERS, SumOfProducts
from autograd.compiler.recover.guards import ROWS, SUMMED, Guards, Layout
from autograd.compiler.recover.index import are_equal
from autograd.compiler.recover.read import Reader
from autograd.compiler.recover.sums.blocks import Block, Matrix, Numbers, Product, Rows, View
from autograd.compiler.recover.sums.summands import is_column, is_subtracted, negative, slots, starts_with_a_sign
from autograd.compiler.scalars.nodes import is_nothing


class Sums:
    """Lowers the sums of a program.

    Args:
        layers: the numbers of the sums that are layers of a network, by source.

    Attributes:
        unguarded: whether some matrix products lack a guard that they need: their derivatives may be 0 times inf where
            the graph's are 0.
    """

    def __init__(self, reader: Reader, guards: Guards, layers: Mapping[int, int]) -> None:
        self._reader, self._builder, self._guards, self._layers = reader, reader.builder, guards, layers
        self.unguarded = False
        self._patches: dict[tuple[int, bytes], Handle] = {}

    def name_layers(self) -> None:
        """Read the matrices and biases of each layer first, so that other arrays become parts of these."""
        for group in self._reader.grouping.groups:
            layer = self._layers.get(group.source)
            if layer is None or not isinstance(group, SumOfProducts):
                continue
            for block in group.blocks:
                if isinstance(block, Matrix) and block.weights and block.weights.source == PARAMETERS:
                    self._reader.table(block.weights, "w", layer)
            for block in group.blocks:
                if isinstance(block, Rows) and is_column(block) and _is_bias(block):
                    self._reader.vector(_only_column(block.left), layer)

    def lowered(self, group: SumOfProducts, name: str) -> Handle:
        """Add the blocks of a group slot by slot, with each slot's products first; then scale the sum.

        Args:
            name: the group's name. A very long sum has named parts.
        """
        in_slots = slots(group)
        constant = None if in_slots and _is_nothing(group.constant) else self._reader.numbers(group.constant)
        signs = isinstance(constant, float) and constant > 0 and all(map(starts_with_a_sign, group.blocks))
        leads = group.leads if len(in_slots) > 1 else signs
        total: Any = constant if leads else None
        parts: list[list[Block]] = [*[[block] for block in in_slots[0]], *in_slots[1:]] if in_slots else []
        for n, part in enumerate(parts):
            if n and n % cost.TERMS_A_STATEMENT == 0:
                total = total.named(self._reader.names.numbered(f"part_of_{name}_"))
            if len(part) == 1:
                (alone,) = part
                total = self._with_block(total, group, alone)
            else:
                slot: Any = None
                for block in part:
                    slot = self._with_block(slot, group, block)
                total = slot if total is None else total + slot
        if not leads and constant is not None:
            total = constant if total is None else _plus_number(total, constant)
        if not isinstance(total, Handle):
            total = self._builder.constant(np.full(1, total))
        if not is_number(group.factor, 1.0):
            total = -total if is_number(group.factor, -1.0) else self._reader.numbers(group.factor) * total
        result: Handle = total if is_number(group.divisor, 1.0) else total / self._reader.numbers(group.divisor)
        return result

    def _with_block(self, total: Any, group: SumOfProducts, block: Block) -> Any:
        """Add a block to a partial sum, if there is one, or subtract it if it is negative."""
        if total is not None and is_subtracted(block):
            return total - self._block(group, negative(block))
        term = self._block(group, block)
        return term if total is None else total + term

    def _block(self, group: SumOfProducts, block: Block) -> Handle:
        match block:
            case Matrix():
                return self._matrix(group, block)
            case Product():
                reached = self._guards.always_reached(group)
                self.unguarded = self.unguarded or not reached
                return (
                    self._product(block) if reached or self._reader.grouping.padding else self._rows(group, block.rows)
                )
            case Rows():
                return self._rows(group, block)

    # Row by row

    def _rows(self, group: SumOfProducts, block: Rows) -> Handle:
        coefficients = block.coefficients
        if is_column(block):
            c = coefficients if isinstance(coefficients, float) else self._reader.numbers(coefficients[:, 0])
            return _product(c, self._factors(group, block, [_only_column(view) for view in block.factors]))
        negative = is_number(coefficients, -1.0)
        row = _sole_row(block)
        if row is not None:
            c = coefficients if isinstance(coefficients, float) else self._reader.numbers(coefficients[0])
            inner = _product(1.0 if negative else c, self._factors(group, block, row, SUMMED))
            if inner.shape[-1] == 1:  # a repeated number
                total = float(block.left.positions.shape[1]) * inner
            else:
                total = self._builder.reduce(inner, "sum", (len(inner.shape) - 1,), keepdims=True)
        else:
            tables = [self._guards.factor(group, block, self._reader.table(view), ROWS) for view in block.factors]
            inner = _product(1.0 if negative else self._reader.numbers(coefficients), tables)
            total = self._builder.reduce(inner, "sum", (len(inner.shape) - 1,))
        return self._builder.apply(primitives.neg, total) if negative else total

    def _factors(
        self, group: SumOfProducts, block: Rows, views: Iterable[View], layout: Layout = "columns"
    ) -> list[Handle]:
        layer = self._layers.get(group.source) if layout == "columns" else None
        return [self._guards.factor(group, block, self._reader.vector(view, layer), layout) for view in views]

    # Matrix products

    def _matrix(self, group: SumOfProducts, block: Matrix) -> Handle:
        positions, k = block.columns.positions.shape
        weights, builder = self._weights(group, block), self._builder
        columns = self._columns(block)
        rows = "n" * (positions > 1 or is_batched(columns.shape))
        if k == 1 and rows and not _is_layer(group):  # plain products keep the signs of zeros
            product = columns * builder.transpose(weights, (1, 0))
        else:
            product = builder.contract(columns, weights, f"{rows}k", "ck", f"{rows}c")
        if positions > 1:
            product = builder.reshape(product, self._reader.shape_of(is_batched(columns.shape), block.results))
            if block.place is not None:
                product = builder.take(product, block.place)
        return self._builder.apply(primitives.neg, product) if is_number(block.coefficients, -1.0) else product

    def _product(self, block: Product) -> Handle:
        """Multiply matrices batch by batch, dropping axes of length 1."""
        builder, reader = self._builder, self._reader
        batches, left, right = block.shape
        lengths = {"b": batches, "i": left, "j": right, "k": block.left.positions.shape[2]}
        factors, labels = [], []
        for view, axes in zip(block.factors, ("bik", "bjk")):
            own = "".join([axis for axis in axes if lengths[axis] > 1])
            factor = reader.reshape(reader.table(view), *[lengths[axis] for axis in own])
            factors.append(factor)
            labels.append("n" * is_batched(factor.shape) + own)
        if abs(block.coefficients) != 1.0:
            factors[0] = block.coefficients * factors[0]
        batched = any(is_batched(factor.shape) for factor in factors)
        result = "n" * batched + "".join([axis for axis in "bij" if lengths[axis] > 1])
        product = builder.contract(factors[0], factors[1], labels[0], labels[1], result)
        product = builder.reshape(product, reader.shape_of(batched, block.results))
        if block.place is not None:
            product = builder.take(product, block.place)
        return builder.apply(primitives.neg, product) if block.coefficients == -1.0 else product

    def _weights(self, group: SumOfProducts, block: Matrix) -> Handle:
        """Return the matrix of a product, of shape (C, K), times its coefficients except for a common sign."""
        coefficients = block.coefficients
        if block.weights is None:
            return self._builder.constant(coefficients)
        weights = self._reader.table(block.weights, "w", self._layers.get(group.source))
        if is_number(coefficients, -1.0):
            return weights
        return _product(self._reader.numbers(coefficients), [weights])

    def _columns(self, block: Matrix) -> Handle:
        """Return the array that a matrix multiplies, of shape (samples, K) or (samples, positions, K).

        Gathered columns are named, so that they are gathered once.
        """
        source, index = block.columns.source, block.columns.positions
        positions, k = index.shape
        if positions == 1:
            return self._reader.columns(source, index[0])
        if source in self._reader.grouping.data:
            return self._reader.data(source, index)
        key = source, index.tobytes()
        if key not in self._patches:
            flat = self._reader.columns(source, index.reshape(-1))
            rows = Batch(positions) if is_batched(flat.shape) else positions
            patches = self._builder.reshape(flat, (rows, k))
            self._patches[key] = named(patches, self._reader.names.numbered("patches"))
        return self._patches[key]


def named(x: Handle, name: str, start: int | None = None) -> Handle:
    """Name a result; an unnamed operation that others already read is copied, so that they keep it inline.

    Args:
        start: the place of the first operation added for this result.
    """
    operation = x.operation
    if start is None or x.at >= start or operation.name or not operation.operands:
        return x.named(name)
    again: Handle = x.like(x.builder.add(operation.kind, operation.operands, operation.attribute, name))
    return again


def is_number(numbers: float | Numbers, number: float) -> bool:
    """Return whether this is the given number, for all members."""
    return isinstance(numbers, float) and numbers == number


def _product(c: Any, factors: Iterable[Handle]) -> Handle:
    """Return the product of a number, or an array of numbers, and factors, from left to right."""
    first, *others = factors
    if is_number(c, -1.0):
        first = -first
    elif not is_number(c, 1.0):
        first = c * first
    for factor in others:
        first = first * factor
    return first


def _plus_number(total: Any, number: Any) -> Any:
    """Add a number, or an array of numbers, to a sum; a negative number is subtracted."""
    return total - -number if isinstance(number, float) and math.copysign(1.0, number) == -1.0 else total + number


def _only_column(view: View) -> View:
    return view[:, 0]


def _sole_row(block: Rows) -> list[View] | None:
    """Return the views of the terms if all members sum the same terms."""
    views = block.factors
    if not all(are_equal(view.positions) for view in views):
        return None
    if not isinstance(block.coefficients, float) and not are_equal(block.coefficients):
        return None
    return [view[0] for view in views]


def _is_nothing(constant: float | Numbers) -> bool:
    return isinstance(constant, float) and is_nothing(constant)


def _is_layer(group: SumOfProducts) -> bool:
    """Return whether a group is exactly a matrix product plus a bias."""
    others = [block for block in group.blocks if isinstance(block, Rows)]
    return list(map(_is_bias, others)) == [True]


def _is_bias(block: Rows) -> bool:
    return block.right is None and block.left.source == PARAMETERS
