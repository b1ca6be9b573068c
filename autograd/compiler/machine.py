"""A thin program in LLVM's language, of which machine code is made: an instruction a line, sample after sample.

Its functions go through these arrays of doubles: `x` holds a sample's arguments, `p` the captured leaves' numbers, `m`
those of all other nodes, `y` the outputs; `gx`, `gp` and `gm` the derivatives to them, `seeds` those to the outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.compiler.registers import DECLARATIONS, SLOPES, Recording, Template, UnwritableError, literal
from autograd.compiler.thin import Term, ThinPlan, backward_functions, forward_functions

_NODES = "ptr %x, ptr %p, ptr %m"
_DERIVATIVES = "ptr %gx, ptr %gp, ptr %gm"


class MachineSource:
    """Writes the lines as instructions. Registers are numbers, in the order of the lines that give them a value."""

    def __init__(self, plan: ThinPlan) -> None:
        self.plan = plan
        self._recordings: dict[object, tuple[Recording, list[Any]]] = {}
        self._templates: dict[object, Template] = {}

    # Modules

    def forward(self) -> str:
        """A module that defines `values`, for one sample, and `forward`, for several.

        Raises:
            UnwritableError: where a primitive, or its derivative, cannot be written so.
        """
        scalars = self.plan.scalars
        functions = list(forward_functions(self.plan, self, "values"))
        self.begin()
        for n in range(len(functions)):
            self._lines.append(f"call void @values_{n}({_NODES})")
        for k, i in enumerate(scalars.outputs):
            self._store("y", k, self.value(i) if i in self.plan.slots else literal(scalars.constants[i]))
        functions.append(_function(f"void @values({_NODES}, ptr %y)", self._lines))
        loop = self._loop("forward", f"{_NODES}, ptr %y", {}, [f"call void @values({_NODES}, ptr %y)"])
        return "\n".join([DECLARATIONS, *functions, loop])

    def backward(self, name: str, seeds: int) -> str:
        """A module with a function for outputs and derivatives; those to captured leaves are added to what gp holds."""
        masks = list(forward_functions(self.plan, self, "masks"))
        functions = list(backward_functions(self.plan, self, name, seeds))
        self.begin()
        self._lines.append(f"call void @values({_NODES}, ptr %y)")
        self._lines += [f"call void @masks_{n}({_NODES})" for n in range(len(masks))]
        needed = self.plan.needed(name)
        begun: dict[int, list[Term]] = {}
        for k, i in enumerate(self.plan.scalars.outputs[:seeds]):
            if i in needed:
                terms = begun.setdefault(i, [(1.0, [self.arrived(i)])] if i in self.plan.captured else [])
                terms.append((1.0, [self._load("seeds", k)]))
        for i, terms in begun.items():
            self.put(i, terms)
        for n in reversed(range(len(functions))):
            self._lines.append(f"call void @{name}_{n}({_NODES}, {_DERIVATIVES})")
        arrays = f"{_NODES}, ptr %y, ptr %seeds, {_DERIVATIVES}"
        loop = self._loop(name, arrays, {"seeds": seeds, "gx": self.plan.arguments}, self._lines)
        return "\n".join([DECLARATIONS, f"declare void @values({_NODES}, ptr %y)", *masks, *functions, loop])

    def _loop(self, name: str, arrays: str, strides: dict[str, int], body: list[str]) -> str:
        """A function that does something for each of several samples, which lie in some arrays one after the other."""
        strides = {"x": self.plan.arguments, "y": len(self.plan.scalars.outputs), **strides}
        for array in strides:
            arrays = arrays.replace(f"%{array}", f"%all_{array}")
        head = [
            "br label %sample",
            "sample:",
            "%n = phi i64 [ 0, %entry ], [ %next, %sample ]",
            *(f"%{x} = getelementptr [{size} x double], ptr %all_{x}, i64 %n" for x, size in strides.items()),
        ]
        tail = [
            "%next = add i64 %n, 1",
            "%more = icmp slt i64 %next, %samples",
            "br i1 %more, label %sample, label %done",
            "done:",
        ]
        return _function(f"void @{name}(i64 %samples, {arrays})", [*head, *body, *tail])

    # What a notation is asked for

    def begin(self) -> None:
        self._lines: list[str] = []
        self._registers = 0
        self._values: dict[int, str] = {}
        self._masks: dict[str, str] = {}  # as conditions

    def value(self, i: int) -> str:
        if i not in self._values:
            self._values[i] = self._load(*self._place(i))
        return self._values[i]

    def arrived(self, i: int) -> str:
        array, at = self._place(i)
        return self._load(f"g{array}", at)

    def apply(self, i: int) -> None:
        self._define(i, self._filled(i, None)[0])

    def slopes(self, i: int, positions: Sequence[int]) -> list[str | float]:
        return self._filled(i, positions)

    def masked(self, mask: str, factors: list[str]) -> str:
        if mask not in self._masks:
            self._masks[mask] = self._instruction(f"fcmp une double {mask}, {literal(0.0)}")
        product = self._total([(1.0, factors)])
        return self._instruction(f"select i1 {self._masks[mask]}, double {product}, double {literal(0.0)}")

    def part(self, i: int, terms: list[Term]) -> str:
        return self._total(terms)

    def sum(self, i: int, terms: list[Term], factor: float, divisor: float) -> None:
        total = self._total(terms)
        if factor != 1.0:
            total = self._instruction(f"fmul double {literal(factor)}, {total}")
        if divisor != 1.0:
            total = self._instruction(f"fdiv double {total}, {literal(divisor)}")
        self._define(i, total)

    def adjoint(self, i: int, terms: list[Term]) -> str:
        return self._total(terms)

    def put(self, i: int, terms: list[Term]) -> None:
        array, at = self._place(i)
        self._store(f"g{array}", at, self._total(terms))

    def end(self, name: str, piece: list[int], backward: bool) -> str:
        arrays = f"{_NODES}, {_DERIVATIVES}" if backward else _NODES
        return _function(f"internal void @{name}({arrays})", self._lines)

    # Instructions

    def _instruction(self, text: str) -> str:
        register = f"%{self._registers}"
        self._registers += 1
        self._lines.append(f"{register} = {text}")
        return register

    def _place(self, i: int) -> tuple[str, int]:
        slot, plan = self.plan.slots[i], self.plan
        if slot < plan.arguments:
            return "x", slot
        return ("p", slot - plan.arguments) if slot < plan.leaves else ("m", slot - plan.leaves)

    def _load(self, array: str, at: int) -> str:
        return self._instruction(f"load double, ptr {self._address(array, at)}")

    def _store(self, array: str, at: int, value: str) -> None:
        self._lines.append(f"store double {value}, ptr {self._address(array, at)}")

    def _address(self, array: str, at: int) -> str:
        return self._instruction(f"getelementptr double, ptr %{array}, i64 {at}")

    def _define(self, i: int, value: str | float) -> None:
        text = self._values[i] = value if isinstance(value, str) else literal(value)
        self._store(*self._place(i), text)

    def _total(self, terms: list[Term]) -> str:
        total = ""
        for c, factors in terms:
            product, *rest = factors if abs(c) == 1.0 and factors else [literal(abs(c)), *factors]
            for factor in rest:
                product = self._instruction(f"fmul double {product}, {factor}")
            if total:
                total = self._instruction(f"{'fsub' if c < 0 else 'fadd'} double {total}, {product}")
            else:
                total = self._instruction(f"fneg double {product}") if c < 0 else product
        return total

    # Primitives

    def _filled(self, i: int, positions: Sequence[int] | None) -> list[str | float]:
        """The instructions for a node's local derivatives at some positions, or without any for the node itself."""
        template = self._template(i, positions)
        numbers = (*self.plan.scalars.operands_of(i), i)
        fields: list[object] = [""] * len(numbers)
        for k in template.used:
            fields[k] = self.value(numbers[k])
        fields += range(self._registers, self._registers + template.size)
        self._registers += template.size
        if template.size:
            self._lines.append(template.text.format(*fields))
        return [x.format(*fields) if isinstance(x, str) else x for x in template.results]

    def _template(self, i: int, positions: Sequence[int] | None) -> Template:
        primitive, inputs = self.plan.application(i)
        key = (primitive, repr(inputs))  # which tells 0.0 from -0.0
        if key not in self._recordings:
            recording = Recording(len(inputs) + 1)
            *given, out = (register if x is None else x for register, x in zip(recording.given, [*inputs, None]))
            first = next(x for x in given if not isinstance(x, float))
            try:
                forward = first.apply(primitive, tuple(given))
                slopes = SLOPES.get(primitive, primitive.compiled_derivatives)(*given, out)
            except (TypeError, ValueError, AttributeError) as error:
                raise UnwritableError(str(error)) from error
            self._recordings[key] = recording, [forward, *slopes]
        asked = (key, positions)
        if asked not in self._templates:
            recording, results = self._recordings[key]
            chosen = results[:1] if positions is None else [results[1 + position] for position in positions]
            self._templates[asked] = recording.template(chosen)
        return self._templates[asked]


def _function(head: str, lines: list[str]) -> str:
    return "\n".join([f"define {head} {{", "entry:", *lines, "ret void", "}"])
