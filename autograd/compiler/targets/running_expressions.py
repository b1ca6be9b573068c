"""Write operations of a program as the fastest calls of NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from autograd import primitives
from autograd.compiler.arrays.operations import Batch, listed
from autograd.compiler.targets.contractions import as_matrix_product, as_outer_product
from autograd.compiler.targets.expressions import Expressions, is_matrix_product
from autograd.compiler.targets.memory.rooms import Room, Spot
from autograd.compiler.targets.notation import Term, lengths
from autograd.compiler.targets.step_layout import arrays_by_step, comes_by_sample
from autograd.compiler.targets.text import ATOM, Text, infix
from autograd.support.forking import computed_once

_LAST = {"sum": "sum_last", "max": "max_last"}


class RunningExpressions(Expressions):
    """Writes operations as the fastest calls of NumPy."""

    spots: Mapping[int, Spot] = MappingProxyType({})

    def array_to_fill(self, result: int, axis: int, read: Mapping[int, str]) -> str:
        """Return an array for the steps of a loop to fill, in memory ordered by step."""
        shape, spot = self._terms[result].shape, self.spots.get(result)
        if spot is None:
            return f"empty{'_by_step' * (axis == 1)}({listed(shape)})"
        steps_first = (shape[axis], *shape[:axis], *shape[axis + 1 :])
        room = self.room(spot.room)
        if spot.opens:
            array = f"{read[spot.room.first]}{'.swapaxes(0, 1)' * spot.room.axis}"
            room = f"({room} := room_of({array}))"
        text = f"part_of({room}, {f'{spot.start} * n' if spot.start else 0}, {listed(steps_first)})"
        return f"{text}{'.swapaxes(0, 1)' * axis}"

    def room(self, room: Room) -> str:
        """Return the name of memory that several arrays share."""
        return self.references.local(room, "room")

    def _defined(self, at: int) -> Text:
        text = super()._defined(at)
        return Text(f"by_step({text.text})") if at in self._by_step and comes_by_sample(self._terms[at]) else text

    @computed_once
    def _by_step(self) -> set[int]:
        """The arrays ordered by step in memory: those that loops read and write along their second axis, and arrays
        that are computed from or together with them."""
        return arrays_by_step(self._terms)

    def number(self, x: float) -> Text:
        """Return the name of a 0-dimensional array."""
        return Text(self.references.number(x))

    constant = number

    def product(self, left: Text, right: Text, is_plain: bool) -> Text:
        """Return a plain matrix product as the method `dot`, which does not apply to more than two axes."""
        return Text(f"{left.within(ATOM)}.dot({right.text})") if is_plain else infix("@", left, right)

    def looked_up(self, table: int, index: int, shared: int) -> Text:
        """Return entries of a table by `look_up`, which takes half the time of NumPy's function."""
        quick = Text(f"look_up({self.read(table).text}, {self.read(index).text}, {shared})")
        return quick if shared else super().looked_up(table, index, shared)

    def written_into(self, name: str, at: int) -> str:
        """Return a statement that writes a result into a named array."""
        term = self._terms[at]
        match term.kind:
            case "contract":
                if (rows_of_both := self._rows_of_both(term)) is not None:
                    return f"dot_of_rows({rows_of_both}, {name})"
                matrices = self.matrices(term)
                if matrices is not None and is_matrix_product(term) and self.is_plain(term):
                    left, right = matrices
                    return f"matmul({left.text}, {right.text}, {name})"
            case "scatter" if not term.attribute.shared:
                return f"scatter_add({self.scattered(term)}, into={name})"
            case "reduce":
                axes = tuple(range(len(self._terms[term.operands[0]].shape) - len(term.shape)))
                if term.attribute[:3] == ("sum", axes, False):
                    return f"sum_samples({self.read(term.operands[0]).text}, {name})"
        return f"{name}[...] = {self.definition(at).text}"

    def _written(self, term: Term) -> Text:
        """Return an operation; a concatenation reads arrays ordered by step without copying them to rows first."""
        if term.kind == "concatenate" and term.attribute == 1 and len(term.shape) == 2:
            inner = [self._by_step_as_rows(k) for k in term.operands]
            if any(k is not None for k in inner):
                parts = [self.read(k if source is None else source).text for k, source in zip(term.operands, inner)]
                return Text(f"beside({', '.join(parts)})")
        return super()._written(term)

    def _by_step_as_rows(self, at: int) -> int | None:
        """Return the array ordered by step that an operation reshapes to one row per sample; None for others."""
        term = self._terms[at]
        if term.kind != "reshape" or term.name or term.operands[0] not in self._by_step:
            return None
        return term.operands[0]

    def _contraction(self, term: Term) -> Text:
        """Return a contraction; many rows times one matrix become a single product."""
        product = as_matrix_product(term.attribute)
        if product is None or as_outer_product(term.attribute) is not None:
            return super()._contraction(term)
        rows_of_both = self._rows_of_both(term)
        if rows_of_both is not None:
            return Text(f"dot_of_rows({rows_of_both})")
        first, second = term.operands[::-1] if product.swapped else term.operands
        rows, matrix = self._terms[first].shape, self._terms[second].shape
        width = rows[-1 if product.left is None else product.left[-1]]
        if len(rows) <= 2 or len(matrix) > 2 or isinstance(width, Batch):
            return super()._contraction(term)
        left, right = self._transposed(first, product.left), self._transposed(second, product.right)
        if first in self._by_step and product.left is None:
            return Text(f"rows_dot({left.text}, {right.text})")
        flat = f"{left.within(ATOM)}.reshape(-1, {width}).dot({right.text})"
        return Text(f"{flat}.reshape({', '.join(lengths(term.shape))})")

    def _rows_of_both(self, term: Term) -> str | None:
        """Return the factors of a product over all rows of two arrays, at least one of which is ordered by step."""
        product = as_matrix_product(term.attribute)
        if product is None or (product.left, product.right) != ((1, 0), None):
            return None
        operands = term.operands[::-1] if product.swapped else term.operands
        inner = [self._terms[k] for k in operands]
        if not all(x.kind == "reshape" and not x.name and len(x.shape) == 2 for x in inner):
            return None
        sources = [x.operands[0] for x in inner]
        shapes = [self._terms[k].shape for k in sources]
        are_rows = all(len(own) == 3 and own[2] == x.shape[1] for own, x in zip(shapes, inner))
        if not are_rows or shapes[0][:2] != shapes[1][:2] or self._by_step.isdisjoint(sources):
            return None
        return ", ".join([self.read(k).text for k in sources])

    def _sum(self, term: Term) -> Text:
        """Return a sum; a sum of products along an axis becomes one call."""
        if term.attribute[:3] == ("sum", (1,), True) and len(term.shape) == 2:
            return self._sum_of_products(term) or super()._sum(term)
        (x,) = term.operands
        if term.attribute[:3] == ("sum", (0, 1), False) and len(self._terms[x].shape) == 3:
            return Text(f"sum_rows({self.read(x).text})")
        return super()._sum(term)

    def _reduction(self, term: Term) -> Text:
        """Return a reduction; a sum or a maximum along the last of several axes, usually short, calls a helper."""
        (x,), reduction = term.operands, term.attribute
        last = len(self._terms[x].shape) - 1
        if last > 1 and reduction.axes == (last,) and reduction.function in _LAST:
            text = f"{_LAST[reduction.function]}({self.read(x).text})"
            return Text(f"{text}[..., None]" if reduction.keepdims else text)
        return super()._reduction(term)

    def _reshape(self, x: int, term: Term) -> Text:
        """Return a reshape; a sum of products over all axes but the samples' becomes one call."""
        inner, axes = self._terms[x], len(self._terms[x].shape)
        if inner.kind == "reduce" and not inner.name and (axes, term.shape) == (1, (*inner.shape, 1)):
            (operand,) = inner.operands
            if inner.attribute[:3] == ("sum", tuple(range(1, len(self._terms[operand].shape))), False):
                return self._sum_of_products(inner) or super()._reshape(x, term)
        return super()._reshape(x, term)

    def _sum_of_products(self, term: Term) -> Text | None:
        inner = self._terms[term.operands[0]]
        if inner.kind != "apply" or inner.attribute.primitive is not primitives.mul or inner.name:
            return None
        left, right = self.factors(*inner.operands)
        return Text(f"sum_products({left.text}, {right.text})")
