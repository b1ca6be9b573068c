"""Straight-line code in LLVM's language, of which machine code is made: an instruction a line, sample after sample.

Its functions go through arrays of doubles: `x` holds a sample's arguments, `p` the parameters, `m` what the forward
pass has computed, `y` the outputs; `seeds` the cotangents of these, `g` what the backward pass has computed, `gx` and
`gp` the gradients. A function computes some hundred numbers, since compilers take longer than proportionally for a very
long one; what another function reads goes through `m` or `g`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from autograd.compiler import cost
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.straight_line.function import Function, define, define_loop
from autograd.compiler.targets.straight_line.instructions import BINARY, DECLARATIONS, literal, require_writable
from autograd.compiler.targets.straight_line.layout import Layout, Reference, lay_out

_VALUES = "ptr %x, ptr %p, ptr %m"
_COTANGENTS = "ptr %seeds, ptr %g"
_GRADIENTS = "ptr %gx, ptr %gp"


class Module(NamedTuple):
    """A module of LLVM's language.

    Attributes:
        text: its source.
        name: of the function that is called from outside, with the number of samples and the addresses of arrays.
        arrays: how many of these it takes.
        size: how many numbers it puts into `m`, or into `g`.
    """

    text: str
    name: str
    arrays: int
    size: int


class MachineSource:
    """Writes the modules of a program: of its forward pass, and of backward passes that call it.

    Attributes:
        arguments: how many numbers all arguments have.
        outputs: how many columns the program has.
    """

    def __init__(self, program: ArrayProgram) -> None:
        self._layout = layout = lay_out(program)
        self.arguments, self.outputs = layout.arguments, len(layout.results[0])
        names = [layout.operations[at].name for at in layout.order]
        self._slots = {name: slot for slot, name in enumerate(filter(None, names))}

    def forward(self) -> Module:
        """Return the module that defines `values`, for one sample, and `forward`, for several.

        Raises:
            UnwritableError: where a primitive, or its derivative, cannot be written so.
        """
        self._require_writable()
        functions = _Functions(self._layout, self._slots, "m", len(self._slots), _VALUES)
        functions.compute("values", self._layout.order)
        functions.put("outputs", "ptr %y", [("y", k, x) for k, x in enumerate(self._layout.results[0])])
        values = define(f"void @values({_VALUES}, ptr %y)", functions.calls)
        strides = {"x": self.arguments, "y": self.outputs}
        loop = define_loop("forward", f"{_VALUES}, ptr %y,", strides, [f"call void @values({_VALUES}, ptr %y)"])
        return Module("\n".join([DECLARATIONS, *functions.texts(), values, loop]), "forward", 4, functions.slots_taken)

    def _require_writable(self) -> None:
        operations = self._layout.operations
        kinds = set()
        for at in self._layout.order:
            _, operands, application, _, _ = operations[at]
            numbers = [repr(operations[k][2]) if operations[k][0] == "constant" else None for k in operands]
            kinds.add((application.primitive, tuple(numbers)))
        for primitive, known in kinds:
            require_writable(primitive, known)

    def to_parameters(self, program: ArrayProgram, seeds: int) -> Module:
        """Return the module of the pass to the parameters, which adds their gradients to what `gp` holds.

        Args:
            program: of values and gradients.
            seeds: how many cotangents it takes.
        """
        layout = lay_out(program)
        stored = [("gp", k, x) for gradient in layout.results[1:] for k, x in enumerate(gradient)]
        return self._backward(layout, "backward", stored, seeds)

    def to_arguments(self, program: ArrayProgram, seeds: int) -> Module:
        """Return the module of the pass to the arguments, which puts what is not 0 of their gradients into `gx`."""
        layout = lay_out(program)
        stored, first = [], 0
        widths = [o.shape[1] for o in self._layout.operations if o.kind == "argument"]
        for width, gradient in zip(widths, layout.results[1:]):
            stored += [("gx", first + k, x) for k, x in enumerate(gradient)]
            first += width  # type: ignore[operator]
        return self._backward(layout, "input_gradients", stored, seeds)

    def _backward(self, layout: Layout, name: str, stored: list[tuple[str, int, Reference]], seeds: int) -> Module:
        operations, slots, first = layout.operations, self._slots, layout.first_backward
        masks = [at for at in layout.order if at < first and operations[at].name and operations[at].name not in slots]
        functions = _Functions(layout, slots, "g", 0, f"{_VALUES}, {_COTANGENTS}")
        functions.compute(name, [*masks, *(at for at in layout.order if at >= first)])
        functions.put("results", _GRADIENTS, [put for put in stored if not _is_zero(layout, put[2])])
        strides = {"x": self.arguments, "y": self.outputs, "seeds": seeds, "gx": self.arguments}
        body = [f"call void @values({_VALUES}, ptr %y)", *functions.calls]
        loop = define_loop(name, f"{_VALUES}, ptr %y, {_COTANGENTS}, {_GRADIENTS},", strides, body)
        declared = f"declare void @values({_VALUES}, ptr %y)"
        return Module("\n".join([DECLARATIONS, declared, *functions.texts(), loop]), name, 8, functions.slots_taken)


def _is_zero(layout: Layout, reference: Reference) -> bool:
    return layout.element(reference) is None and layout.operations[reference].attribute == 0.0


class _Functions:
    """The functions of a pass, and what goes from one to another through an array.

    Args:
        slots: the places in `m` of the numbers that have these names.
        array: what else goes from function to function goes through, from its place `slots_taken` on.
        parameters: of the functions.

    Attributes:
        calls: instructions that call them, in order.
    """

    def __init__(self, layout: Layout, slots: Mapping[str, int], array: str, slots_taken: int, parameters: str) -> None:
        self._layout, self._slots, self._array, self._parameters = layout, slots, array, parameters
        self.slots_taken = slots_taken
        self._functions: list[tuple[str, Function]] = []
        self._home: dict[Reference, Function] = {}  # which function computes it
        self._taken: dict[Reference, int] = {}  # where it is put for others
        self.calls: list[str] = []

    def texts(self) -> list[str]:
        """Return the functions as text."""
        return [define(head, function.lines) for head, function in self._functions]

    def _begin(self, name: str, more: str = "") -> Function:
        function, parameters = Function(), ", ".join(filter(None, [self._parameters, more]))
        self._functions.append((f"internal void @{name}_{len(self._functions)}({parameters})", function))
        self.calls.append(f"call void @{name}_{len(self._functions) - 1}({parameters})")
        return function

    def compute(self, name: str, order: Sequence[int]) -> None:
        """Add functions that compute operations."""
        size = cost.TERMS_A_FUNCTION
        for start in range(0, len(order), size):
            self._compute(self._begin(name), order[start : start + size])

    def _compute(self, function: Function, places: Iterable[int]) -> None:
        operations, references = self._layout.operations, self._layout.references
        registers, lines, slots, home = function.registers, function.lines, self._slots, self._home
        for at in places:
            kind, operands, attribute, _, name = operations[at]
            texts = []
            for k in operands:
                reference = references[k]
                text = registers.get(reference)
                if text is None:
                    text = registers[reference] = self._read(function, reference)
                texts.append(text)
            if kind == "slopes":
                for reference, text in zip(self._layout.slopes(at), function.slopes(attribute, texts)):
                    registers[reference] = text
                    home[reference] = function
                continue
            opcode = BINARY.get(attribute.primitive)
            if opcode is None:
                result = function.apply(attribute.primitive, texts)
            else:
                result = f"%{function.count}"
                function.count += 1
                lines.append(f"{result} = {opcode} double {texts[0]}, {texts[1]}")
            registers[at] = result
            if name in slots:
                function.store("m", slots[name], result)
            else:
                home[at] = function

    def put(self, name: str, parameters: str, stored: Sequence[tuple[str, int, Reference]]) -> None:
        """Add functions that put numbers into elements of arrays; in `gp`, they are added to what is there."""
        size = cost.TERMS_A_FUNCTION
        for start in range(0, len(stored), size):
            function = self._begin(name, parameters)
            for array, k, reference in stored[start : start + size]:
                value = self._value(function, reference)
                if array == "gp":
                    value = function.instruction(f"fadd double {function.load('gp', k)}, {value}")
                function.store(array, k, value)

    def _value(self, function: Function, reference: Reference) -> str:
        text = function.registers.get(reference)
        if text is None:
            text = function.registers[reference] = self._read(function, reference)
        return text

    def _read(self, function: Function, reference: Reference) -> str:
        """Return what stands for a number that a function has not computed itself."""
        element = self._layout.element(reference)
        if element is not None and element.array != "slopes":
            return function.load(element.array, element.at)
        if reference in self._home:
            return function.load(self._array, self._slot(reference))
        operation = self._layout.operations[reference]
        if operation.kind == "constant":
            return literal(operation.attribute)
        if operation.name in self._slots:
            return function.load("m", self._slots[operation.name])
        self._compute_again(function, reference)
        return function.registers[reference]

    def _slot(self, reference: Reference) -> int:
        """Return where the function that computes a number puts it for others."""
        if reference not in self._taken:
            home = self._home[reference]
            self._taken[reference] = self.slots_taken
            home.store(self._array, self.slots_taken, home.registers[reference])
            self.slots_taken += 1
        return self._taken[reference]

    def _compute_again(self, function: Function, reference: Reference) -> None:
        """Compute what the forward pass has computed, but not kept."""
        layout, needed = self._layout, set[Reference]()
        stack = [reference]
        while stack:
            at = stack.pop()
            is_kept = layout.element(at) is not None or layout.operations[at].kind == "constant"
            if is_kept or at in needed or at in self._home or layout.operations[at].name in self._slots:
                continue
            needed.add(at)
            stack += [layout.references[k] for k in layout.operations[at].operands]
        self._compute(function, sorted(needed))
