"""Unroll: each scalar operation becomes an array operation on one number per sample.

Programs with little parallel work, such as a thousand steps of an integrator, are lowered in this way. Every array has
shape (n, 1). Arguments are sliced into columns; the parameters are one vector, and each used parameter is sliced from
it, broadcast and named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from autograd import primitives
from autograd.arrays import np
from autograd.compiler.arrays.operations import Application, Data, N, Operation, Shape, Slice
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.names import Names, reserved_names, sanitised
from autograd.compiler.scalars.nodes import ABSENT, CONSTANT, NOTHING, SUM, is_nothing
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.slopes import dependent_on_arguments, weighted_terms
from autograd.support.forking import computed_once

MOST_LABELLED = 200
"""The most operations of a program that are named by labels: in a longer one, many similar nodes share a label."""

Term = tuple[bool, int]
"""A term of a sum: whether it is subtracted, and the place of its absolute value."""

_COLUMN: Shape = (N, 1)
_ADD, _SUB, _NEG = Application(primitives.add), Application(primitives.sub), Application(primitives.neg)
_MUL, _DIV = Application(primitives.mul), Application(primitives.div)
_IDENTITY = Application(primitives.identity)


def lower_scalars(program: ScalarProgram, arguments: Sequence[str]) -> ArrayProgram:
    """Return the array program that computes a scalar program, operation by operation.

    Args:
        arguments: the arguments' names.

    Returns:
        A program with one output of shape (n, k), with a column for each output of the scalar program.
    """
    return _Lowering(program, arguments).lowered()


def _is_negative(x: float) -> bool:
    """Return whether a number has a minus sign; -0.0 has one."""
    return math.copysign(1.0, x) == -1.0


class _Lowering:
    """Appends operations without looking for common subexpressions: scalar programs have none left."""

    _parameters: int  # the place of all parameters, if there are any

    def __init__(self, program: ScalarProgram, arguments: Sequence[str]) -> None:
        self._program = program
        self._names = Names([*reserved_names(), "m", "g"])
        self._operations: list[Operation] = []
        self._places: list[int | None] = [None] * len(program)  # the operation that computes each node
        self._constants: dict[str, int] = {}
        self._guarded: dict[tuple[int, int], int] = {}
        self._masks: dict[int, int] = {}  # the numbers of nodes that are masks
        self._applications: dict[object, Application] = {}
        self._arguments = [
            (
                self._append("argument", (), (name, (N, len(nodes))), (N, len(nodes)), self._names.plain(name)),
                nodes,
                name,
            )
            for name, nodes in zip(arguments, program.arguments)
        ]
        count = program.parameter_count
        if count:
            positions = Data(np.array(list(range(count)), dtype=np.int64))
            name = self._names.plain("parameters")
            self._parameters = self._append("parameter", (), positions, (count,), name)

    def lowered(self) -> ArrayProgram:
        program = self._program
        operations = program.operations
        labelled = len(operations) < MOST_LABELLED
        self._lower(operations, labelled)
        columns = [self._column(self._value(i)) for i in program.outputs]
        if len(columns) == 1:
            output = columns[0]
        else:
            output = self._append("concatenate", tuple(columns), 1, (N, len(columns)))
        self._lower(program.guard_operations, False)
        masks = tuple([self._value(i) for i in self._masks])
        return ArrayProgram(tuple(self._operations), (output,), {}, masks)

    def _append(self, kind: str, operands: tuple[int, ...], attribute: object, shape: Shape, name: str = "") -> int:
        self._operations.append(Operation(kind, operands, attribute, shape, name))  # type: ignore[arg-type]
        return len(self._operations) - 1

    def _apply(self, application: Application, *operands: int) -> int:
        self._operations.append(Operation("apply", operands, application, _COLUMN))
        return len(self._operations) - 1

    # Leaves

    def _value(self, i: int) -> int:
        """Return the operation that computes a node; a leaf's is created at the first read."""
        place = self._places[i]
        if place is None:
            place = self._places[i] = self._leaf(i)
        return place

    def _leaf(self, i: int) -> int:
        program = self._program
        if program.opcodes[i] == CONSTANT:
            return self._constant(program.constants[i])
        k = i - program.parameters.start
        if k >= 0:
            place = self._sliced(self._parameters, 0, k, program.parameter_count, (1,), "")
            label = sanitised(program.labels.get(i, ""))
            return self._append("broadcast", (place,), _COLUMN, _COLUMN, self._names.plain(label or f"p{k}"))
        place, nodes, name = next(argument for argument in self._arguments if i in argument[1])
        k = i - nodes.start
        return self._sliced(place, 1, k, len(nodes), _COLUMN, f"{name}_{k}")

    def _sliced(self, place: int, axis: int, k: int, length: int, shape: Shape, name: str) -> int:
        """Return one element along an axis of this length."""
        if length == 1:
            return place
        return self._append("slice", (place,), Slice(axis, k, k + 1), shape, self._names.plain(name) if name else "")

    def _constant(self, number: float) -> int:
        key = repr(number)
        if key not in self._constants:
            self._constants[key] = self._append("constant", (), float(number), ())
        return self._constants[key]

    def _column(self, place: int) -> int:
        """Broadcast a constant to one number per sample; return anything else unchanged."""
        if self._operations[place].shape == _COLUMN:
            return place
        return self._append("broadcast", (place,), _COLUMN, _COLUMN)

    # Nodes

    def _lower(self, nodes: Iterable[int], labelled: bool) -> None:
        """Add operations that compute nodes, named by their labels if requested."""
        program, operations, places = self._program, self._operations, self._places
        opcodes, labels, plain = program.opcodes, program.labels if labelled else {}, self._names.plain
        for i in nodes:
            first = len(operations)
            place = self._sum(i) if opcodes[i] == SUM else self._application(i)
            name = plain(sanitised(labels.get(i, "")) or f"v{i}") if labels else plain(f"v{i}")
            kind, operands, attribute, _, _ = operations[place]
            if place >= first and kind == "apply":
                operations[place] = Operation("apply", operands, attribute, _COLUMN, name)
            else:
                place = self._append("apply", (self._column(place),), _IDENTITY, _COLUMN, name)
            places[i] = place

    def _application(self, i: int) -> int:
        program = self._program
        primitive, careful = program.primitive_of(i), i in program.guards.choices
        application = self._applications.get((primitive, careful))
        if application is None:
            application = self._applications[primitive, careful] = Application(primitive, careful)
        operands = [self._value(k) for k in program.operands_of(i)]
        if i in program.guards.of:
            operands = [self._guard(place, i) for place in operands]
        return self._apply(application, *operands)

    def _guard(self, place: int, i: int) -> int:
        """Guard an operand so that its derivative through a node is exactly 0 where the node is not reached."""
        mask = self._program.guards.of[i]
        number = self._masks.setdefault(mask, len(self._masks))
        if self._operations[place].kind == "constant":
            return place
        if (place, number) not in self._guarded:
            self._guarded[place, number] = self._append("guard", (place,), number, _COLUMN)
        return self._guarded[place, number]

    def _sum(self, i: int) -> int:
        """Add the terms in order; the terms of each slot after the first are summed beforehand."""
        program = self._program
        start = program.starts[i]
        end = start + program.counts[i]
        slots = program.slots
        terms = self._guarded_terms(i) if i in program.guards.of else self._terms(start, end)
        if terms and slots[end - 1] not in (0, len(terms) - 1):  # neither one slot for all terms nor one for each
            terms = self._slots_added(terms, slots[start:end])
        scaling = program.scalings.get(i)
        if scaling is None:
            return self._total(terms) if terms else self._constant(NOTHING)
        constant, leads, factor, divisor = scaling
        if not terms or not is_nothing(constant):
            term = (_is_negative(constant), self._constant(abs(constant)))
            terms = [term, *terms] if leads else [*terms, term]
        total = self._total(terms)
        if factor != 1.0:
            total = self._apply(_MUL, self._constant(factor), total)
        return total if divisor == 1.0 else self._apply(_DIV, total, self._constant(divisor))

    def _terms(self, start: int, end: int) -> list[Term]:
        """Return the terms of a sum: |c| x y, multiplied from left to right, with the sign of c."""
        program, places, operations = self._program, self._places, self._operations
        terms = []
        for c, x, y in zip(program.coefficients[start:end], program.lefts[start:end], program.rights[start:end]):
            place = places[x]
            if place is None:
                place = self._value(x)
            is_subtracted = False
            if c != 1.0:
                is_subtracted = _is_negative(c)
                if c != -1.0:
                    factors = (self._constant(abs(c)), place)
                    place = len(operations)
                    operations.append(Operation("apply", factors, _MUL, _COLUMN))
            if y != ABSENT:
                other = places[y]
                factors = (place, self._value(y) if other is None else other)
                place = len(operations)
                operations.append(Operation("apply", factors, _MUL, _COLUMN))
            terms.append((is_subtracted, place))
        return terms

    def _guarded_terms(self, i: int) -> list[Term]:
        """Return the terms of a sum, with factors guarded in products."""
        total = self._program.sum_of(i)
        weighted = weighted_terms(total, self._dependent)
        terms = []
        for n, (c, x, y) in enumerate(zip(total.coefficients, total.lefts, total.rights)):
            factors = [self._value(k) for k in (x, y) if k != ABSENT]
            if len(factors) > 1 and n not in weighted:
                factors = [self._guard(factor, i) for factor in factors]
            product = factors[0] if abs(c) == 1.0 else self._apply(_MUL, self._constant(abs(c)), factors[0])
            for factor in factors[1:]:
                product = self._apply(_MUL, product, factor)
            terms.append((_is_negative(c), product))
        return terms

    @computed_once
    def _dependent(self) -> set[int]:
        return dependent_on_arguments(self._program)

    def _slots_added(self, terms: Sequence[Term], slots: Sequence[int]) -> list[Term]:
        """Replace the terms of each slot after the first by their sum."""
        by_slot: dict[int, list[Term]] = {}
        for slot, term in zip(slots, terms):
            by_slot.setdefault(slot, []).append(term)
        added = by_slot.pop(0, [])
        for several in by_slot.values():
            added += several if len(several) < 2 else [(False, self._total(several))]
        return added

    def _total(self, terms: Sequence[Term]) -> int:
        """Add terms from left to right."""
        operations = self._operations
        is_subtracted, total = terms[0]
        if is_subtracted:
            is_number = operations[total].kind == "constant"
            total = self._constant(-operations[total].attribute) if is_number else self._apply(_NEG, total)
        for is_subtracted, place in terms[1:]:
            operations.append(Operation("apply", (total, place), _SUB if is_subtracted else _ADD, _COLUMN))
            total = len(operations) - 1
        return total
