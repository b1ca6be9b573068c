"""Loops on single numbers as Python source. The same lines compute with floats, or with arrays of a number per sample.

Functions read inputs from a list `m`, of the arguments' numbers followed by the parameters; loops write by step into
separate lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd import primitives
from autograd.compiler import cost
from autograd.compiler.arrays.loop import names
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.references import References
from autograd.compiler.targets.straight_line.applications import application, definition, slopes
from autograd.compiler.targets.straight_line.blocks import (
    ARGUMENTS,
    BUFFERS,
    CONSTANTS,
    PARAMETERS,
    REGISTERS,
    SEEDS,
    SPACE,
    Apply,
    Block,
    Blocks,
    Codes,
    Copy,
    ForLoop,
    Put,
    Run,
    numbers_of,
    place_of,
    runs,
)
from autograd.compiler.targets.straight_line.lists import read_line
from autograd.compiler.targets.straight_line.reading import codes_read, filled, named, names_put
from autograd.compiler.targets.text import ATOM, Text, literal


class LoopPass(NamedTuple):
    """The functions of a pass.

    Attributes:
        definitions: functions that they call.
        functions: `forward(m)`, which returns outputs and saved numbers, and, for a derivative, a function of `m`, `g`
            and `saved`, which returns the gradients of each argument or array of parameters.
        references: the objects that they refer to.
    """

    definitions: list[str]
    functions: list[str]
    references: References

    @property
    def lines(self) -> int:
        """The number of lines of the functions, without `def` lines."""
        return sum([text.count("\n") for text in self.functions])


def text_of(source: LoopPass) -> str:
    """Return a pass as one source."""
    return "\n\n".join([*source.definitions, *source.functions]) + "\n"


def written(blocks: Blocks, program: ArrayProgram, name: str) -> LoopPass:
    """Return the functions of a pass.

    Args:
        program: the program that the instructions compute.
        name: "forward" or, for a derivative, the name of its function.
    """
    return _Writer(blocks, program).written(name)


class _Writer:
    def __init__(self, blocks: Blocks, program: ArrayProgram) -> None:
        self._blocks, self._references = blocks, References(program)
        for name in ("m", "g"):
            self._references.names.plain(name)
        self._names: dict[int, str] = {}  # variables, by codes
        self._texts: dict[int, Text] = {}  # inline numbers, by codes
        self._buffers: dict[int, str] = {}
        self._read: dict[int, str] = {}  # names of inputs read so far, by codes
        self._own = set(names(program.operations))  # names that one variable of a function may have
        self._taken = set[str]()
        self._named = named(blocks)
        self._given: dict[int, str] = {}  # names of inputs, by codes
        self._depth = 0

    def written(self, name: str) -> LoopPass:
        blocks = self._blocks
        lines = self._lines(blocks.forward)
        outputs = self._listed(blocks.results[0])
        saved = self._saved() if name != "forward" else []
        functions = [self._function("forward(m)", lines, f"{outputs}, ({''.join([f'{x}, ' for x in saved])})")]
        if name != "forward":
            lines = self._lines(blocks.backward)
            gradients = ", ".join([self._listed(result) for result in blocks.results[1:]])
            unpacked = [f"{', '.join(saved)}, = saved"] if saved else []
            functions.append(self._function(f"{name}(m, g, saved)", lines, f"[{gradients}]", unpacked))
        definitions = [definition(self._references, own) for own in self._references.definitions]
        return LoopPass(definitions, functions, self._references)

    def _function(self, head: str, lines: Sequence[str], result: str, unpacked: Sequence[str] = ()) -> str:
        places = {("g" if place_of(code)[0] == SEEDS else "m", self._place(code)): x for code, x in self._read.items()}
        read = [read_line(places, {})] if places else []
        self._read = {}
        return "\n    ".join([f"def {head}:", *unpacked, *read, *lines, f"return {result}"])

    def _saved(self) -> list[str]:
        """Return the names of the forward pass's results that the backward pass reads."""
        needed = [*codes_read(self._blocks.backward), *(x for r in self._blocks.results[1:] for x in numbers_of(r))]
        names = [self._names[code] for code in needed if code in self._names]
        names += [self._buffers[place_of(code)[0]] for code in needed if place_of(code)[0] in self._buffers]
        return list(dict.fromkeys(names))

    # Statements

    def _lines(self, block: Block) -> list[str]:
        """Return the statements of a function, starting with the lists that it fills."""
        buffers = dict.fromkeys(filled(block))
        for buffer in buffers:
            self._buffers[buffer] = self._new(f"{self._name_of(buffer)}_by_step")
        sizes = self._blocks.buffers
        lists = [f"{self._buffers[buffer]} = [0.0] * {sizes[buffer - BUFFERS]}" for buffer in buffers]
        return [*lists, *self._statements(block)]

    def _name_of(self, buffer: int) -> str:
        for block in (self._blocks.forward, self._blocks.backward):
            for name in names_put(block, buffer):
                return name
        return "values"

    def _statements(self, block: Block) -> list[str]:
        lines: list[str] = []
        for instruction in block.instructions:
            match instruction:
                case Apply():
                    lines += self._applied(instruction)
                case ForLoop():
                    lines += self._loop(instruction)
                case Put():
                    lines.append(self._put(instruction, ""))
                case Copy():
                    lines.append(self._copied(instruction, ""))
        return lines

    def _applied(self, apply: Apply) -> list[str]:
        operands = [self._text(code) for code in apply.operands]
        if apply.is_slopes:
            name = self._new(apply.name or "slopes")
            for k, code in enumerate(apply.results):
                self._texts[code] = Text(f"{name}[{k}]")
            return [f"{name} = {slopes(apply.primitive, operands).text}"]
        (code,) = apply.results
        is_power = apply.primitive is primitives.constant_power and place_of(apply.operands[1])[0] == CONSTANTS
        exponent = self._blocks.constants[apply.operands[1] % SPACE] if is_power else None
        text = Text(*application(apply.primitive, operands, exponent, self._references.function))
        if not apply.name and code not in self._named and len(text.text) < cost.LONGEST_INLINE:
            self._texts[code] = text
            return []
        self._names[code] = name = self._new(apply.name or "t")
        return [f"{name} = {text.text}"]

    def _loop(self, loop: ForLoop) -> list[str]:
        step = self._references.local(("step", self._depth), "t")
        self._depth += 1
        begin = [(x, self._new(x.name or "state")) for x in loop.carried]
        ahead = [f"{name} = {self._text(x.first).text}" for x, name in begin]
        for x, name in begin:
            self._names[x.register] = name
        body = [self._copied(copy, step) for copy in loop.rows]
        for read in loop.read:
            self._names[read.register] = name = self._new(read.name or "x")
            body.append(f"{name} = {self._element(read.run, step)}")
        body += self._statements(loop.body)
        body += [self._put(put, step) if isinstance(put, Put) else self._copied(put, step) for put in loop.puts]
        moved = [(name, self._text(x.following).text) for x, name in begin if self._text(x.following).text != name]
        if moved:
            body.append(f"{', '.join([name for name, _ in moved])} = {', '.join([text for _, text in moved])}")
        for code, (_, name) in zip(loop.last, begin):
            self._names[code] = name
        self._depth -= 1
        return [*ahead, f"for {step} in range({loop.steps}):", *[f"    {line}" for line in body or ["pass"]]]

    def _put(self, put: Put, step: str) -> str:
        return f"{self._buffers[put.buffer]}[{_index(put.first, put.stride, step)}] = {self._text(put.value).text}"

    def _copied(self, copy: Copy, step: str) -> str:
        size, run = copy.run.length, copy.run
        target = _part(copy.first, copy.stride, step, size, 1)
        source = _part(self._offset(run), copy.by_step, step, size, run.stride)
        return f"{self._buffers[copy.buffer]}[{target}] = {self._list(run.space)}[{source}]"

    # Numbers

    def _element(self, run: Run, step: str) -> str:
        return f"{self._list(run.space)}[{_index(self._offset(run), run.stride, step)}]"

    def _list(self, space: int) -> str:
        if space == CONSTANTS:
            name = self._references.local("constants", "constants")
            self._references.constants[name] = self._blocks.constants
            return name
        return {ARGUMENTS: "m", PARAMETERS: "m", SEEDS: "g"}.get(space) or self._buffers[space]

    def _offset(self, run: Run) -> int:
        return run.first + (self._blocks.arguments if run.space == PARAMETERS else 0)

    def _place(self, code: int) -> int:
        space, place = place_of(code)
        return self._offset(Run(space, place, 0, 1))

    def _text(self, code: int) -> Text:
        """Return the text that reads a number."""
        if code in self._texts:
            return self._texts[code]
        if code in self._names:
            return Text(self._names[code], ATOM)
        space, place = place_of(code)
        assert space != REGISTERS
        if space == CONSTANTS:
            return Text(*literal(self._blocks.constants[place]))
        if space >= BUFFERS:
            return Text(f"{self._buffers[space]}[{place}]")
        if code not in self._read:
            known = self._blocks.names.get(code) or ("gradient" if space == SEEDS else f"m_{self._place(code)}")
            self._read[code] = self._given.setdefault(code, "") or self._new(known)
            self._given[code] = self._read[code]
        return Text(self._read[code], ATOM)

    def _new(self, base: str) -> str:
        """Return an unused variable name."""
        if base in self._own and base not in self._taken:
            self._taken.add(base)
            return base
        return self._references.names.plain(base)

    def _listed(self, result: Codes | None) -> str:
        """Return numbers as a list."""
        parts = []
        for run in runs(result.reshape(-1)) if result is not None else []:
            if run.length > cost.MOST_ELEMENTS and run.space not in (REGISTERS, CONSTANTS):
                parts.append(f"*{self._list(run.space)}[{_part(self._offset(run), 0, '', run.length, run.stride)}]")
            else:
                first = run.space * SPACE + run.first
                parts += [self._text(first + k * run.stride).text for k in range(run.length)]
        return f"[{', '.join(parts)}]"


def _index(first: int, stride: int, step: str) -> str:
    """Return an index that advances by step.

    >>> _index(0, 1, "t"), _index(49, -1, "t"), _index(1, 3, "t"), _index(5, 0, "t")
    ('t', '49 - t', '1 + 3 * t', '5')
    """
    if not stride or not step:
        return str(first)
    moved = step if abs(stride) == 1 else f"{abs(stride)} * {step}"
    if stride < 0:
        return f"{first} - {moved}"
    return f"{first} + {moved}" if first else moved


def _part(first: int, by_step: int, step: str, size: int, stride: int) -> str:
    """Return a slice that advances by step.

    >>> _part(0, 3, "t", 3, 1), _part(9, 0, "", 10, -1)
    ('3 * t:3 + 3 * t', '9::-1')
    """
    end = first + size * stride
    stop = _index(end, by_step, step) if end >= 0 else ""
    return f"{_index(first, by_step, step)}:{stop}{f':{stride}' if stride != 1 else ''}"
