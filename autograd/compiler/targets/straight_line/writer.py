"""Write the functions of a pass as Python source."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from autograd import primitives
from autograd.compiler import cost
from autograd.compiler.arrays.operations import N, Operation
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.notation import INFIX, comparison
from autograd.compiler.targets.references import References
from autograd.compiler.targets.straight_line.applications import application, condition, definition, slopes
from autograd.compiler.targets.straight_line.layout import Layout, Reference
from autograd.compiler.targets.straight_line.lists import Place, read_line, stored_line
from autograd.compiler.targets.text import ATOM, Text, joined, literal

Location = Place | float
"""The place of a number: its list and index; or the number itself."""

Written = tuple[str, int]
"""The fields of a Text, as a plain tuple: a long program has many."""


class Pass(NamedTuple):
    """The functions of a pass, to be called in order.

    Attributes:
        definitions: functions that they call.
        functions: their names and texts.
        results: the places of each output's numbers.
        sizes: the lengths of the lists m and g.
        references: the objects that the functions refer to.
    """

    definitions: list[str]
    functions: list[tuple[str, str]]
    results: list[list[Location]]
    sizes: tuple[int, int]
    references: References

    @property
    def lines(self) -> int:
        """The number of lines of the functions, without `def` lines."""
        return sum(text.count("\n") for _, text in self.functions)


class Usage(NamedTuple):
    """The uses of numbers, by reference.

    Attributes:
        times: the number of uses.
        first, last: the operations of the first and the last use; results count as after all operations.
    """

    times: list[int]
    first: list[int]
    last: list[int]


class Writer:
    """Writes the functions of a pass.

    Args:
        slots: the places in `m` of named numbers.
        own: the list for other numbers that pass between functions.
    """

    def __init__(self, program: ArrayProgram, layout: Layout, slots: Mapping[str, int], own: str) -> None:
        self._program, self._layout, self._slots, self._own = program, layout, slots, own
        self._named = {("m", slot): name for name, slot in slots.items()}
        self._parameters = layout.arguments
        seeds = sum(element.array == "seeds" for element in layout.elements)
        inputs = layout.arguments + sum(element.array == "p" for element in layout.elements)
        self._free = inputs + len(slots) if own == "m" else seeds
        self._references = References(program)
        for name in ("m", "g"):
            self._references.names.plain(name)
        self._texts: dict[Reference, Written] = {}  # texts of named and of inline numbers
        self._conditions: dict[Reference, Text] = {}  # inline comparisons as bools
        self._given = self._names_of_elements()
        self._stored: dict[Reference, int] = {}  # places in the own list
        self._read: dict[Place, str] = {}

    def written(self, name: str, order: Sequence[int], count: int) -> Pass:
        """Return this many functions that compute operations and results."""
        ends = [len(order) * (k + 1) // count for k in range(count)]
        pieces = [piece for start, end in itertools.pairwise([0, *ends]) if (piece := order[start:end])]
        results = self._layout.results if self._own == "m" else self._layout.results[1:]
        self._usage = self._used(order, results)
        functions = [(f"{name}_{n}", self._function(f"{name}_{n}", piece)) for n, piece in enumerate(pieces)]
        located = [[self._location(reference) for reference in result] for result in results]
        definitions = [definition(self._references, name) for name in self._references.definitions]
        sizes = (self._free, 0) if self._own == "m" else (0, self._free)
        return Pass(definitions, functions, located, sizes, self._references)

    def _used(self, order: Iterable[int], results: Iterable[Sequence[Reference]]) -> Usage:
        """Return the uses of numbers by operations and results."""
        operations, computed = self._layout.operations, self._layout.references
        if any(element.array == "slopes" for element in self._layout.elements):
            computed = [self._computed(reference) for reference in computed]
        size, end = len(operations) + len(self._layout.elements), len(operations)
        times, first, last = [0] * size, [end] * size, [-1] * size
        for at in order:
            for k in operations[at][1]:
                reference = computed[k]
                times[reference] += 1
                last[reference] = at
                if first[reference] == end:
                    first[reference] = at
        for result in results:
            for reference in map(self._computed, result):
                last[reference] = end
        return Usage(times, first, last)

    def _computed(self, reference: Reference) -> Reference:
        """Return the operation that computes a number, or the number itself if it is an input."""
        at = reference - len(self._layout.operations)
        if at < 0:
            return reference
        element = self._layout.elements[at]
        return element.place if element.array == "slopes" else reference

    def _names_of_elements(self) -> dict[Reference, str]:
        """Return the names of the arguments' numbers and of the parameters."""
        names: dict[Reference, str] = {}
        for reference, operation in zip(self._layout.references, self._layout.operations):
            if operation[0] == "apply" or not operation.name:
                continue
            if operation.shape == (N, 1) and self._layout.element(reference) is not None:
                names.setdefault(reference, operation.name)
        return names

    # Functions

    def _function(self, name: str, piece: Sequence[int]) -> str:
        """Return a function that computes operations."""
        texts = self._texts = dict[Reference, Written]()
        sizes = dict[Reference, int]()  # the number of operations in each inline expression
        conditions = self._conditions = {}
        self._read = {}
        operations, references, slots = self._layout.operations, self._layout.references, self._slots
        (times, first, last), end, lines = self._usage, piece[-1], list[str]()
        kept, named = dict[int, str](), list[str]()
        for at in piece:
            kind, operands, attribute, _, own_name = operations[at]
            operator = INFIX.get(attribute[0]) if kind == "apply" else None
            if operator and not conditions:
                left, right = operands
                left, right = references[left], references[right]
                text = joined(operator, texts.get(left) or self._text(left), texts.get(right) or self._text(right))
            else:
                text = self._application(at) if kind == "apply" else self._slopes(operations[at])
            if not own_name and times[at] <= 1 and last[at] <= end:
                size = 1
                for k in operands:
                    size += sizes.get(references[k], 0)
                if size <= cost.TERMS_A_LINE:
                    texts[at], sizes[at] = text, size
                    continue
            if conditions:
                conditions.pop(at, None)
            is_kept = last[at] > end and own_name not in slots
            if is_kept and not own_name and first[at] > end:
                self._stored[at] = self._free
                lines.append(f"{self._own}[{self._free}] = {text[0]}")
                self._free += 1
                continue
            line = own_name or self._references.names.numbered("t")
            texts[at] = line, ATOM
            lines.append(f"{line} = {text[0]}")
            if is_kept:
                kept[at] = line
            elif own_name in slots:
                named.append(line)
        if named:
            lines.append(stored_line("m", slots[named[0]], named))
        if kept:
            lines.append(stored_line(self._own, self._free, list(kept.values())))
            self._stored.update({at: self._free + k for k, at in enumerate(kept)})
            self._free += len(kept)
        loads = [read_line(self._read, self._named)] if self._read else []
        head = f"def {name}(m):" if self._own == "m" else f"def {name}(m, g):"
        return "\n    ".join([head, *loads, *lines])

    # Numbers

    def _location(self, reference: Reference) -> Location:
        """Return the place of a number after its function has run."""
        element = self._layout.element(reference)
        if element is None:
            operation = self._layout.operations[reference]
            if operation.kind == "constant":
                return float(operation.attribute)
            if operation.name in self._slots:
                return "m", self._slots[operation.name]
            return self._own, self._stored[reference]
        if element.array == "slopes":
            return self._own, self._stored[element.place]
        if element.array == "seeds":
            return "g", element.at
        return "m", element.at + (self._parameters if element.array == "p" else 0)

    def _text(self, reference: Reference) -> Written:
        """Return the text that reads a number."""
        text = self._texts.get(reference)
        if text is None:
            text = self._texts[reference] = self._text_of_other(reference)
        return text

    def _text_of_other(self, reference: Reference) -> Written:
        """Return the text that reads a number that this function does not compute."""
        element = self._layout.element(reference)
        if element is None:
            kind, _, attribute, _, name = self._layout.operations[reference]
            if name in self._slots:
                self._read["m", self._slots[name]] = name
                return name, ATOM
            if kind == "constant":
                return literal(attribute)
            if reference not in self._stored:
                return self._application(reference)  # recomputed, since the forward pass has not stored it
            location: Location = self._own, self._stored[reference]
        elif element.array == "slopes":
            return f"{self._text(element.place)[0]}[{element.at}]", ATOM
        else:
            name, location = "", self._location(reference)
        assert isinstance(location, tuple)
        name = name or self._given.get(reference, "")
        if not name:
            name = self._given[reference] = self._references.names.plain(f"{location[0]}_{location[1]}")
        self._read[location] = name
        return name, ATOM

    # Expressions

    def _application(self, at: int) -> Written:
        """Return an application as source."""
        _, places, (primitive, _), _, _ = self._layout.operations[at]
        operands = [self._layout.references[k] for k in places]
        texts = [Text(*self._text(reference)) for reference in operands]
        if self._conditions and (primitive is primitives.where or primitive is primitives.mul):  # these accept bools
            for k, reference in enumerate(operands[: 1 if primitive is primitives.where else 2]):
                if reference in self._conditions:
                    texts[k] = self._conditions[reference]
                    break
        if comparison(primitive):
            self._conditions[at] = condition(primitive, texts)
        is_power = primitive is primitives.constant_power
        exponent = self._layout.operations[operands[1]].attribute if is_power else None
        return application(primitive, texts, exponent, self._references.function)

    def _slopes(self, operation: Operation) -> Written:
        references = self._layout.references
        return slopes(operation.attribute, [Text(*self._text(references[k])) for k in operation.operands])
