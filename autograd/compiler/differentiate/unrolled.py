"""Reverse mode for unrolled programs, which apply primitives to one number per sample.

They have as many operations as the graph has nodes, so the rules of `transposes.py` are recorded once for each kind of
operation and replayed. A cotangent is a number times a result; further cotangents are added immediately, so that few
numbers stay live for long.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from autograd import primitives
from autograd.compiler.arrays.algebra import is_ordinary
from autograd.compiler.arrays.dead_code import without_dead_operations
from autograd.compiler.arrays.operations import Application, N, Operation, Reduction, Shape, Slice
from autograd.compiler.arrays.program import LEAVES, ArrayProgram
from autograd.compiler.differentiate.replay import Rule, recorded
from autograd.compiler.differentiate.transposes import GRADIENT
from autograd.compiler.names import names_of

_COLUMN: Shape = (N, 1)
_new = tuple.__new__  # bypasses the named tuple's constructor, which takes twice as long: called once per node
_ADD, _SUB, _NEG = Application(primitives.add), Application(primitives.sub), Application(primitives.neg)
_MUL, _WHERE = Application(primitives.mul), Application(primitives.where)


def differentiate_unrolled(program: ArrayProgram, seeds: int, kind: Literal["parameter", "argument"]) -> ArrayProgram:
    """Implement `reverse.to_parameters` and `reverse.to_arguments` for a program of `recover.unrolled`."""
    return _Sweep(program, kind).differentiated(seeds)


class _Sweep:
    """A reverse sweep from the results to the leaves of a kind, "parameter" or "argument"."""

    def __init__(self, program: ArrayProgram, kind: str) -> None:
        self._program, self._kind = program, kind
        self._names = names_of(program)
        self._operations: list[Operation] = []
        self._values = self._copied()
        self._depends = self._dependent()
        self._known: list[str | bool] = [self._texts.get(at, depends) for at, depends in enumerate(self._depends)]
        self._numbers: dict[int, float] = {}
        self._arrived: dict[int, int] = {}  # the cotangent of each operation so far is a number times a result
        self._elements: dict[int, dict[int, int]] = {}  # the cotangents of each leaf's elements
        self._rules: dict[object, tuple[Rule, list[int]]] = {}

    def _copied(self) -> list[int]:
        """Copy the operations, replacing guards by their operands; return the new place of each."""
        old = self._program.operations
        if not self._program.masks:
            self._operations = list(old)
            places = list(range(len(old)))
        else:
            places = []
            for operation in old:
                if operation.kind == "guard":
                    (guarded,) = operation.operands
                    places.append(places[guarded])
                    continue
                places.append(len(self._operations))
                operands = tuple([places[k] for k in operation.operands])
                self._operations.append(operation._replace(operands=operands))
        self._texts = {at: repr(operation[2]) for at, operation in enumerate(old) if operation[0] == "constant"}
        self._constants = {text: places[at] for at, text in self._texts.items()}
        return places

    def _dependent(self) -> list[bool]:
        """Return, for each operation, whether it depends on the leaves."""
        depends: list[bool] = []
        for kind, operands, _, _, _ in self._program.operations:
            for k in operands:
                if depends[k]:
                    depends.append(True)
                    break
            else:
                depends.append(kind == self._kind)
        return depends

    def differentiated(self, seeds: int) -> ArrayProgram:
        """Return the program of values and gradients."""
        (output,) = self._program.outputs
        if self._depends[output]:
            self._seed(output, seeds)
        operations, arrived = self._program.operations, self._arrived
        for at in reversed(range(len(operations))):
            if at in arrived:
                kind = operations[at].kind
                if kind == "apply":
                    self._through_application(at)
                elif kind == "guard":
                    self._through_guard(at)
                else:
                    leaf, k = self._element(at)
                    self._elements.setdefault(leaf, {})[k] = self._total(at)
        gradients = [self._gradient(at) for at, operation in enumerate(operations) if operation.kind == self._kind]
        program = ArrayProgram(tuple(self._operations), (self._values[output], *gradients))
        return without_dead_operations(program) if self._program.masks else program

    def _append(self, kind: Any, operands: tuple[int, ...], attribute: Any, shape: Shape, name: str = "") -> int:
        self._operations.append(Operation(kind, operands, attribute, shape, name))
        return len(self._operations) - 1

    def _apply(self, application: Application, *operands: int) -> int:
        self._operations.append(_new(Operation, ("apply", operands, application, _COLUMN, "")))
        return len(self._operations) - 1

    def _constant(self, number: float) -> int:
        key = repr(number)
        if key not in self._constants:
            self._constants[key] = self._append("constant", (), number, ())
        return self._constants[key]

    def _seed(self, output: int, seeds: int) -> None:
        gradient = self._append("argument", (), (GRADIENT, (N, seeds)), (N, seeds), GRADIENT)
        operation = self._program.operations[output]
        columns = operation.operands if operation.kind == "concatenate" else (output,)
        for k, column in enumerate(columns[:seeds]):
            if self._depends[column]:
                seed = gradient if seeds == 1 else self._append("slice", (gradient,), Slice(1, k, k + 1), _COLUMN)
                self._arrive(column, 1.0, seed)

    # Cotangents: a number times a result

    def _arrive(self, at: int, number: float, place: int) -> None:
        """Add a cotangent of an operation."""
        if at in self._arrived:
            self._add(at, number, place)
        else:
            self._numbers[at], self._arrived[at] = number, place

    def _add(self, at: int, number: float, place: int) -> None:
        """Add to the existing cotangent of an operation."""
        first, before = self._arrived[at], self._numbers[at]
        if before != 1.0 and before != -1.0:
            first = self._apply(_MUL, self._constant(abs(before)), first)
        if number != 1.0 and number != -1.0:
            place = self._apply(_MUL, self._constant(abs(number)), place)
        sign = math.copysign(1.0, before)
        if sign == math.copysign(1.0, number):
            self._numbers[at], total = sign, self._apply(_ADD, first, place)
        elif sign == 1.0:
            self._numbers[at], total = 1.0, self._apply(_SUB, first, place)
        else:
            self._numbers[at], total = 1.0, self._apply(_SUB, place, first)
        self._arrived[at] = total

    def _total(self, at: int) -> int:
        """Return the cotangent of an operation as one result."""
        number, place = self._numbers[at], self._arrived[at]
        if number == 1.0:
            return place
        return self._apply(_NEG, place) if number == -1.0 else self._apply(_MUL, self._constant(number), place)

    def _through_application(self, at: int) -> None:
        """Propagate the cotangent of an application to its operands."""
        _, operands, application, _, name = self._program.operations[at]
        number, place = self._numbers[at], self._arrived[at]
        (steps, _, results), constants = self._rule(operands, application)
        if (number != 1.0 and number != -1.0) and (steps or len(results) > 1 or not is_ordinary(number)):
            place = self._apply(_MUL, self._constant(abs(number)), place)
            number = math.copysign(1.0, number)
        operations = self._operations
        if name:
            kind, read, attribute, shape, known = operations[place]
            if kind == "apply" and not known:
                operations[place] = _new(Operation, (kind, read, attribute, shape, self._names.plain(f"d_{name}")))
        values = [self._values[k] for k in operands]
        values += (self._values[at], place)
        for kind, references, attribute, shape, step_name in steps:
            places = tuple([values[k] if k >= 0 else constants[~k] for k in references])
            values.append(len(operations))
            step_name = self._names.numbered("slopes") if step_name else ""
            operations.append(_new(Operation, (kind, places, attribute, shape, step_name)))
        numbers, arrived = self._numbers, self._arrived
        for k, c, reference in results:
            operand = operands[k]
            if operand in arrived:
                self._add(operand, number * c, values[reference])
            else:
                numbers[operand], arrived[operand] = number * c, values[reference]

    def _rule(self, operands: tuple[int, ...], application: Application) -> tuple[Rule, list[int]]:
        """Return the recorded rule of an application, and the places of its constants."""
        is_square = len(operands) == 2 and operands[0] == operands[1]
        known = self._known
        key = (id(application), is_square, *[known[k] for k in operands])
        rule = self._rules.get(key)
        if rule is None:
            numbers = tuple([self._texts.get(k) for k in operands])
            wanted = tuple([self._depends[k] for k in operands])
            replayed = recorded(application, numbers, wanted, is_square)
            rule = self._rules[key] = replayed, [self._constant(number) for number in replayed.constants]
        return rule

    def _through_guard(self, at: int) -> None:
        """Propagate the cotangent, or exactly 0 where the mask is 0."""
        _, (guarded,), mask, _, _ = self._program.operations[at]
        condition, zero = self._values[self._program.masks[mask]], self._constant(0.0)
        masked = self._apply(_WHERE, condition, self._arrived[at], zero)
        self._arrive(guarded, self._numbers[at], masked)

    # Gradients

    def _element(self, at: int) -> tuple[int, int]:
        """Return the leaf and the number of the element that an operation reads, through broadcasts and slices."""
        k, operation = 0, self._program.operations[at]
        while operation.kind not in LEAVES:
            (at,) = operation.operands
            k = operation.attribute.start if operation.kind == "slice" else k
            operation = self._program.operations[at]
        return at, k

    def _gradient(self, leaf: int) -> int:
        """Return the gradient of an argument or of the parameters, concatenated from those of the elements."""
        shape = self._program.operations[leaf].shape
        name = f"nabla_{self._program.operations[leaf].name}" if self._kind == "parameter" else ""
        parts = self._elements.get(leaf)
        if parts is None:
            return self._constant(0.0)
        width, axis = shape[-1], len(shape) - 1
        assert isinstance(width, int)
        one: Shape = (*shape[:-1], 1)
        places = []
        for k in range(width):
            place = parts.get(k)
            if place is None:
                place = self._append("broadcast", (self._constant(0.0),), one, one)
            elif self._kind == "parameter":
                place = self._append("reduce", (place,), Reduction("sum", (0,)), one)
            places.append(place)
        if width > 1:
            return self._append("concatenate", tuple(places), axis, shape, self._names.plain(name) if name else "")
        (place,) = places
        if name:
            self._operations[place] = self._operations[place]._replace(name=self._names.plain(name))
        return place
