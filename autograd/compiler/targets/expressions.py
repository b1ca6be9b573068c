"""Write operations of a program as Python expressions over arrays."""

from __future__ import annotations

from collections.abc import Mapping

from autograd import primitives
from autograd.compiler.arrays.operations import Labels, Reduction, listed
from autograd.compiler.scalars import idioms
from autograd.compiler.targets.contractions import OuterProduct, as_matrix_product, as_outer_product
from autograd.compiler.targets.notation import INFIX, SLOPES, Term, comparison
from autograd.compiler.targets.structure import Structure
from autograd.compiler.targets.text import ATOM, POWER, Text, factor, infix, literal, negated
from autograd.primitives import Primitive

_NOTED = {primitives.sigmoid: idioms.SIGMOID, primitives.cosh: idioms.TANH}
"""Primitives in whose terms the derivatives of recognised formulas are written."""


def is_matrix_product(term: Term) -> bool:
    """Return whether a term is a contraction that sums over some axis."""
    return term.kind == "contract" and as_outer_product(term.attribute) is None


class Expressions(Structure):
    """Writes operations as expressions for the readable source."""

    def array_to_fill(self, result: int, axis: int, read: Mapping[int, str]) -> str:
        """Return an array for the steps of a loop to fill, one place along an axis each.

        Args:
            result: the place of the loop's result.
            axis: the axis of steps.
            read: the names of the arrays that the loop reads by step, by their places.
        """
        return f"empty({listed(self._terms[result].shape)})"

    def number(self, x: float) -> Text:
        """Return a number as an operand of an operator."""
        return factor(x)

    def product(self, left: Text, right: Text, is_plain: bool) -> Text:
        """Return a matrix product; operands of a plain one have at most two axes."""
        return infix("@", left, right)

    def _sum(self, term: Term) -> Text:
        (x,), reduction = term.operands, term.attribute
        axes = reduction.axes[0] if len(reduction.axes) == 1 else reduction.axes
        if reduction.keepdims and len(term.shape) == 1:
            return self._method(x, "sum", "keepdims=True")
        return self._method(x, "sum", f"axis={axes}", *["keepdims=True"] * reduction.keepdims)

    def _written(self, term: Term) -> Text:
        match term.kind:
            case "number":
                return literal(term.attribute)
            case "argument" | "index" | "parameter":
                return Text(term.name)
            case "constant":
                return Text(self.references.numbers(term.attribute))
            case "apply":
                return self._application(term)
            case "contract":
                return self._contraction(term)
            case "reduce":
                return self._reduction(term)
            case kind if kind in SLOPES:
                return Text(f"{kind}({', '.join([self.read(k).text for k in term.operands])})")
        return super()._written(term)

    def _application(self, term: Term) -> Text:
        primitive, operands = term.attribute.primitive, term.operands
        if primitive is primitives.mul:
            return infix("*", *self.factors(*operands))
        if primitive in INFIX:
            return self._infix(INFIX[primitive], *operands)
        if comparison(primitive):
            return infix("*", self.number(1.0), self._condition(term))
        if primitive is primitives.neg:
            return negated(self.read(operands[0]))
        if primitive is primitives.identity:
            return self.read(operands[0])
        if primitive is primitives.constant_power:
            return self._power(*operands)
        first = operands[0]
        if primitive is primitives.where and self._is_condition(first):
            return self._call(primitive, self._condition(self._terms[first]), *map(self.read, operands[1:]))
        if primitive in _NOTED and _NOTED[primitive] in self._applied:
            self.references.note(idioms.NOTES[_NOTED[primitive]])
        return self._call(primitive, *map(self.read, operands))

    def _infix(self, operator: str, a: int, b: int) -> Text:
        left = self._factor(a) if operator == "/" else self._beside(a)
        return infix(operator, left, self._beside(b))

    def factors(self, a: int, b: int) -> tuple[Text, Text]:
        """Return the factors of a product. A condition may be a factor itself; of two, one is converted to a number."""
        if self._is_condition(a):
            return self._condition(self._terms[a]), self._factor(b)
        return self._factor(a), self._condition(self._terms[b]) if self._is_condition(b) else self._factor(b)

    def _beside(self, at: int) -> Text:
        """Return an operand of an operator."""
        term = self._terms[at]
        return self.number(term.attribute) if term.kind == "number" else self.read(at)

    def _factor(self, at: int) -> Text:
        """Return an operand of a product or a quotient; a matrix product is put in parentheses."""
        x, term = self._beside(at), self._terms[at]
        while not term.name and term.kind == "apply" and term.attribute.primitive is primitives.neg:
            term = self._terms[term.operands[0]]
        return Text(x.within(ATOM)) if not term.name and is_matrix_product(term) else x

    def _power(self, x: int, exponent: int) -> Text:
        number = self._terms[exponent].attribute
        if not isinstance(number, float) or not number.is_integer() or abs(number) >= 1000:
            return self._call(primitives.power, self.read(x), self.read(exponent))
        if number == 1.0:
            return self.read(x)
        return Text(f"{self._beside(x).within(ATOM)} ** {int(number)}", POWER)

    def _is_condition(self, at: int) -> bool:
        """Return whether an operation is an inline comparison or `any`."""
        term = self._terms[at]
        if term.name:
            return False
        if term.kind == "apply":
            return bool(comparison(term.attribute.primitive))
        return term.kind == "reduce" and term.attribute.function == "any"

    def _condition(self, term: Term) -> Text:
        """Return a comparison, or `any`, as an array of bools."""
        if term.kind == "apply":
            a, b = term.operands
            return infix(comparison(term.attribute.primitive), *[self._compared(x) for x in (a, b)])
        (x,), reduction = term.operands, term.attribute
        text = self._condition(self._terms[x]) if self._is_condition(x) else self.read(x)
        return Text(f"{text.within(ATOM)}.any({self._along(reduction, len(self._terms[x].shape))})")

    def _compared(self, at: int) -> Text:
        term = self._terms[at]
        return factor(term.attribute) if term.kind == "number" else self.read(at)

    def _along(self, reduction: Reduction, axes: int) -> str:
        """Return the arguments of a reduction, which usually is along the last axis."""
        places = [-1 if k == axes - 1 else k for k in reduction.axes]
        axis = places[0] if len(places) == 1 else reduction.axes
        return f"axis={axis}{', keepdims=True' if reduction.keepdims else ''}"

    def _call(self, primitive: Primitive, *arguments: Text) -> Text:
        return Text(f"{self.references.function(primitive)}({', '.join([x.text for x in arguments])})")

    # Sums

    def _contraction(self, term: Term) -> Text:
        outer = as_outer_product(term.attribute)
        if outer is not None:
            return self._outer_product(outer, *term.operands)
        matrices = self.matrices(term)
        if matrices is not None:
            return self.product(*matrices, self.is_plain(term))
        labels: Labels = term.attribute
        left, right = (self.read(k).text for k in term.operands)
        return Text(f'einsum("{labels.left},{labels.right}->{labels.result}", {left}, {right})')

    def matrices(self, term: Term) -> tuple[Text, Text] | None:
        """Return the operands of a contraction that is written with `@`; None for others."""
        product = as_matrix_product(term.attribute)
        if product is None:
            return None
        first, second = term.operands[::-1] if product.swapped else term.operands
        return self._transposed(first, product.left), self._transposed(second, product.right)

    def is_plain(self, term: Term) -> bool:
        """Return whether a contraction's operands are matrices or vectors."""
        return all(len(self._terms[k].shape) <= 2 for k in term.operands)

    def _outer_product(self, outer: OuterProduct, left: int, right: int) -> Text:
        first, second = self._transposed(left, outer.left), self._transposed(right, outer.right)
        if outer.left_index:
            first = Text(first.within(ATOM) + outer.left_index)
        if outer.right_index:
            second = Text(second.within(ATOM) + outer.right_index)
        return infix("*", first, second)

    def _reduction(self, term: Term) -> Text:
        (x,), reduction = term.operands, term.attribute
        match reduction.function:
            case "sum":
                return self._sum(term)
            case "any":
                return infix("*", self.number(1.0), self._condition(term))
            case "logsumexp":
                return self._call(primitives.logsumexp, self.read(x))
        return self._method(x, reduction.function, self._along(reduction, len(self._terms[x].shape)))
