"""Straight-line code in LLVM IR, to be compiled to machine code, which processes the samples in turn.

The functions access arrays of doubles: `x` holds a sample's arguments, `p` the parameters, `m` the named numbers of
the forward pass, `t` its others, `y` the outputs; `seeds` their cotangents, `g` the numbers of the backward pass,
`gx` and `gp` the gradients. A function computes some hundred numbers, since the time of compilers grows faster than its
length; numbers pass between functions through `m`, `t` or `g`. Functions that differ only in the places that they
access there are compiled once: a periodic program is compiled in the time of its period.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from autograd.compiler import cost
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.straight_line.function import Function, define, define_loop, pointers
from autograd.compiler.targets.straight_line.instructions import BINARY, DECLARATIONS, literal, require_writable
from autograd.compiler.targets.straight_line.layout import Layout, Reference, lay_out

_FORWARD = ("x", "p", "m")
_BACKWARD = (*_FORWARD, "seeds", "g")
_GRADIENTS = ("gx", "gp")
_CALL = f"call void @values({pointers((*_FORWARD, 'y'))})"

Stored = tuple[str, int, Reference]
"""An array, a place in it, and the number to store there."""


class Module(NamedTuple):
    """An LLVM module.

    Attributes:
        text: its source.
        name: the name of its entry point, which takes the number of samples and the addresses of arrays.
        arrays: the number of these arrays.
        size: the count of numbers that it stores into `m` or `g`.
    """

    text: str
    name: str
    arrays: int
    size: int


class MachineSource:
    """Writes the modules of a program: its forward pass, and backward passes that call it.

    Attributes:
        arguments: the total count of the arguments' numbers.
        outputs: the number of the program's columns.
    """

    arguments: int
    outputs: int

    def __init__(self, program: ArrayProgram) -> None:
        self._layout = layout = lay_out(program)
        self.arguments, self.outputs = layout.arguments, len(layout.results[0])
        names = [layout.operations[at].name for at in layout.order]
        self._slots = {name: slot for slot, name in enumerate(filter(None, names))}

    def forward(self) -> Module:
        """Return the module that defines `values`, for one sample, and `forward`, for several.

        Raises:
            UnwritableError: if a primitive, or its derivative, cannot be written as machine code.
        """
        self._require_writable()
        functions = _Functions(self._layout, self._slots, "t", (*_FORWARD, "t"))
        outputs = self._layout.results[0]
        functions.compute("values", self._layout.order, outputs)
        functions.put("outputs", ["y"], [("y", k, x) for k, x in enumerate(outputs)])
        named = len(self._slots)
        body = [f"%t = getelementptr double, ptr %m, i64 {named}", *functions.calls]
        values = define(f"void @values({pointers((*_FORWARD, 'y'))})", body)
        loop = define_loop("forward", (*_FORWARD, "y"), {"x": self.arguments, "y": self.outputs}, [_CALL])
        text = "\n".join([DECLARATIONS, *functions.texts, values, loop])
        return Module(text, "forward", 4, named + functions.slots_taken)

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
        """Return the module of the backward pass to the parameters, which adds their gradients to `gp`.

        Args:
            program: computes values and gradients.
            seeds: the number of cotangents that it takes.
        """
        layout = lay_out(program)
        stored = [("gp", k, x) for gradient in layout.results[1:] for k, x in enumerate(gradient)]
        return self._backward(layout, "backward", stored, seeds)

    def to_arguments(self, program: ArrayProgram, seeds: int) -> Module:
        """Return the module of the backward pass to the arguments, which stores nonzero gradients into `gx`."""
        layout = lay_out(program)
        stored, first = [], 0
        widths = [o.shape[1] for o in self._layout.operations if o.kind == "argument"]
        for width, gradient in zip(widths, layout.results[1:]):
            stored += [("gx", first + k, x) for k, x in enumerate(gradient)]
            first += width  # type: ignore[operator]
        return self._backward(layout, "input_gradients", stored, seeds)

    def _backward(self, layout: Layout, name: str, stored: list[Stored], seeds: int) -> Module:
        operations, slots, first = layout.operations, self._slots, layout.first_backward
        masks = [at for at in layout.order if at < first and operations[at].name and operations[at].name not in slots]
        functions = _Functions(layout, slots, "g", _BACKWARD)
        order = [*masks, *(at for at in layout.order if at >= first)]
        functions.compute(name, order, [reference for _, _, reference in stored])
        functions.put("results", _GRADIENTS, [put for put in stored if not _is_zero(layout, put[2])])
        strides = {"x": self.arguments, "y": self.outputs, "seeds": seeds, "gx": self.arguments}
        arrays = (*_FORWARD, "y", *_BACKWARD[3:], *_GRADIENTS)
        loop = define_loop(name, arrays, strides, [_CALL, *functions.calls])
        declared = f"declare {_CALL.removeprefix('call ')}"
        text = "\n".join([DECLARATIONS, declared, *functions.texts, loop])
        return Module(text, name, len(arrays), functions.slots_taken)


def _is_zero(layout: Layout, reference: Reference) -> bool:
    return layout.element(reference) is None and layout.operations[reference].attribute == 0.0


class _Functions:
    """The functions of a pass, and the numbers that pass between them through an array.

    Args:
        slots: the places in `m` of named numbers.
        array: the array for other numbers that pass between functions.
        arrays: the functions' parameters.

    Attributes:
        calls: instructions that call them, in order.
        slots_taken: the count of numbers stored into the array.
    """

    def __init__(self, layout: Layout, slots: Mapping[str, int], array: str, arrays: Sequence[str]) -> None:
        self._layout, self._slots, self._array, self._arrays = layout, slots, array, arrays
        self.slots_taken = 0
        self._taken: dict[Reference, int] = {}  # the places of numbers that other functions have stored
        self.calls: list[str] = []
        self._names: dict[tuple[str, str], str] = {}  # names of functions, by parameters and instructions

    @property
    def texts(self) -> list[str]:
        """The texts of the functions."""
        return [define(f"internal void @{name}({head})", [body]) for (head, body), name in self._names.items()]

    def _add(self, name: str, more: Sequence[str], function: Function) -> None:
        """Add a function, unless one with the same instructions exists, and a call of it."""
        addresses = {array: array for array in (*self._arrays, *more)}
        key = pointers(addresses), "\n".join(function.lines)
        called = self._names.setdefault(key, f"{name}_{len(self._names)}")
        for array, base in function.bases.items():
            addresses[array] = f"{array}.{len(self.calls)}"
            self.calls.append(f"%{addresses[array]} = getelementptr double, ptr %{array}, i64 {base}")
        self.calls.append(f"call void @{called}({pointers(addresses.values())})")

    def compute(self, name: str, order: Sequence[int], wanted: Iterable[Reference]) -> None:
        """Add functions that compute operations, and store the numbers that later functions or results read."""
        operations, references, size = self._layout.operations, self._layout.references, cost.TERMS_A_FUNCTION
        last_read = [-1] * (len(operations) + len(self._layout.elements))
        for at in order:
            for k in operations[at][1]:
                last_read[references[k]] = at
        for reference in wanted:
            last_read[reference] = len(operations)
        for start in range(0, len(order), size):
            piece, function = order[start : start + size], Function()
            self._compute(function, piece)
            for at in piece:
                computed = self._layout.slopes(at) if operations[at].kind == "slopes" else [at]
                for reference in computed:
                    if last_read[reference] > piece[-1] and operations[at].name not in self._slots:
                        self._taken[reference] = self.slots_taken
                        function.store(self._array, self.slots_taken, function.registers[reference])
                        self.slots_taken += 1
            self._add(name, (), function)

    def _compute(self, function: Function, places: Iterable[int]) -> None:
        operations, references = self._layout.operations, self._layout.references
        registers, lines, slots, read = function.registers, function.lines, self._slots, self._read
        for at in places:
            kind, operands, attribute, _, name = operations[at]
            texts = []
            for k in operands:
                text = registers.get(references[k])
                texts.append(read(function, references[k]) if text is None else text)
            if kind == "slopes":
                registers.update(zip(self._layout.slopes(at), function.slopes(attribute, texts)))
                continue
            opcode = BINARY.get(attribute[0])
            if opcode is None:
                result = function.apply(attribute[0], texts)
            else:
                result = f"%{function.count}"
                function.count += 1
                lines.append(f"{result} = {opcode} double {texts[0]}, {texts[1]}")
            registers[at] = result
            if name in slots:
                function.store("m", slots[name], result)

    def put(self, name: str, arrays: Sequence[str], stored: Sequence[Stored]) -> None:
        """Add functions that store numbers into arrays; those for `gp` are added to its elements."""
        for start in range(0, len(stored), cost.TERMS_A_FUNCTION):
            function = Function()
            for array, k, reference in stored[start : start + cost.TERMS_A_FUNCTION]:
                value = function.registers.get(reference) or self._read(function, reference)
                if array == "gp":
                    value = function.instruction(f"fadd double {function.load('gp', k)}, {value}")
                function.store(array, k, value)
            self._add(name, arrays, function)

    def _read(self, function: Function, reference: Reference) -> str:
        """Load a number that another function has computed."""
        if reference in self._taken:
            text = function.load(self._array, self._taken[reference])
        elif (element := self._layout.element(reference)) is not None:
            text = function.load(element.array, element.at)
        else:
            kind, _, attribute, _, name = self._layout.operations[reference]
            if kind == "constant":
                text = literal(attribute)
            elif name in self._slots:
                text = function.load("m", self._slots[name])
            else:
                self._compute(function, self._not_kept(function, reference))
                return function.registers[reference]
        function.registers[reference] = text
        return text

    def _not_kept(self, function: Function, reference: Reference) -> list[Reference]:
        """Return the operations that must be recomputed for a number, since the forward pass has not stored them."""
        layout, needed = self._layout, set[Reference]()
        stack = [reference]
        while stack:
            at = stack.pop()
            is_kept = layout.element(at) is not None or layout.operations[at].kind == "constant"
            if is_kept or at in needed or at in function.registers or layout.operations[at].name in self._slots:
                continue
            needed.add(at)
            stack += [layout.references[k] for k in layout.operations[at].operands]
        return sorted(needed)
