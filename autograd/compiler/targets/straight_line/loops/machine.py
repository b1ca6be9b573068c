"""Loops on single numbers in LLVM IR: loop-carried numbers stay in registers.

The functions access arrays of doubles: `x` holds a sample's arguments, `p` the parameters, `y` the outputs, `seeds`
their cotangents, `w` the buffers that loops fill, `gx` and `gp` the gradients.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
    Copy,
    ForLoop,
    Put,
    Run,
    numbers_of,
    place_of,
)
from autograd.compiler.targets.straight_line.function import Function, define, define_loop, pointers
from autograd.compiler.targets.straight_line.instructions import (
    DECLARATIONS,
    UnwritableError,
    literal,
    require_writable,
)
from autograd.compiler.targets.straight_line.machine import Module
from autograd.primitives import constant_power

_ARRAYS = {ARGUMENTS: "%x", PARAMETERS: "%p", SEEDS: "%seeds", CONSTANTS: "@constants"}


def forward_module(blocks: Blocks) -> Module:
    """Return the module that computes values: a function of samples, x, p, y and w."""
    writer = _Writer(blocks)
    writer.compute(blocks.forward)
    outputs = numbers_of(blocks.results[0])
    writer.store("%y", outputs)
    return _module(writer, "forward", ("x", "p", "y", "w"), {"x": blocks.arguments, "y": len(outputs)})


def backward_module(blocks: Blocks, name: str) -> Module:
    """Return the module that computes values and gradients: a function of samples, x, p, y, seeds, w and g.

    Args:
        name: "backward", which accumulates the gradients of all samples in g, or "input_gradients", which computes
            them for each sample.
    """
    writer = _Writer(blocks)
    writer.compute(blocks.forward)
    writer.store("%y", numbers_of(blocks.results[0]))
    writer.compute(blocks.backward)
    gradients = [code for result in blocks.results[1:] for code in numbers_of(result)]
    is_summed = name == "backward"
    writer.store("%g", gradients, is_summed)
    strides = {"x": blocks.arguments, "y": len(numbers_of(blocks.results[0])), "seeds": blocks.seeds}
    if not is_summed:
        strides["g"] = len(gradients)
    return _module(writer, name, ("x", "p", "y", "seeds", "w", "g"), strides)


def require_blocks_writable(blocks: Blocks) -> None:
    """Check that all primitives of a program, and their derivatives, can be written as machine code.

    Raises:
        UnwritableError: if one of them cannot.
    """
    kinds = set()
    for apply in blocks.applications():
        if not apply.is_slopes:
            known = [
                repr(blocks.constants[code % SPACE]) if code // SPACE == CONSTANTS else None for code in apply.operands
            ]
            kinds.add((apply.primitive, tuple(known)))
    for primitive, numbers in kinds:
        require_writable(primitive, numbers)
        if primitive is constant_power and numbers[1] is None:
            raise UnwritableError("the derivative of a power is written for one exponent, not for one of each step")


def _module(writer: _Writer, name: str, arrays: Sequence[str], strides: dict[str, int]) -> Module:
    sample = define(f"internal void @sample({pointers(arrays)})", writer.lines)
    call = f"call void @sample({pointers(arrays)})"
    loop = define_loop(name, arrays, strides, [call])
    text = "\n".join([DECLARATIONS, *writer.constants(), sample, loop])
    return Module(text, name, len(arrays), writer.size)


class _Writer:
    """Writes instructions.

    Attributes:
        size: the total size of the buffers.
    """

    def __init__(self, blocks: Blocks) -> None:
        self._blocks, self._function = blocks, Function()
        self._registers: dict[int, str] = {}  # registers of numbers that are already loaded, by code
        self._label, self._labels = "entry", 0
        self._offsets: list[int] = []
        self.size = 0
        for length in blocks.buffers:
            self._offsets.append(self.size)
            self.size += length
        self._reads_constants = False

    @property
    def lines(self) -> list[str]:
        return self._function.lines

    def constants(self) -> list[str]:
        """Return the definition of the constants that are read by step."""
        numbers = ", ".join([f"double {literal(x)}" for x in self._blocks.constants])
        definition = f"@constants = internal constant [{len(self._blocks.constants)} x double] [{numbers}]"
        return [definition] if self._reads_constants else []

    def compute(self, block: Block) -> None:
        """Write a block, after loading the inputs that it reads, outside of loops."""
        for code in dict.fromkeys(_given(block)):
            if code not in self._registers:
                self._registers[code] = self._value(code)
        self._block(block)

    def store(self, array: str, codes: Sequence[int], is_summed: bool = False) -> None:
        """Store numbers contiguously."""
        for k, code in enumerate(codes):
            value = self._value(code)
            address = self._function.instruction(f"getelementptr double, ptr {array}, i64 {k}")
            if is_summed:
                before = self._function.instruction(f"load double, ptr {address}")
                value = self._function.instruction(f"fadd double {before}, {value}")
            self.lines.append(f"store double {value}, ptr {address}")

    def _block(self, block: Block) -> None:
        for instruction in block.instructions:
            match instruction:
                case Apply():
                    self._apply(instruction)
                case ForLoop():
                    self._loop(instruction)
                case Put():
                    self._put(instruction, "0")
                case Copy():
                    self._copy(instruction, "0")

    def _apply(self, apply: Apply) -> None:
        operands = [self._value(code) for code in apply.operands]
        if apply.is_slopes:
            self._registers.update(zip(apply.results, self._function.slopes(apply.primitive, operands)))
        else:
            self._registers[apply.results[0]] = self._function.apply(apply.primitive, operands)

    def _value(self, code: int) -> str:
        """Return the register or literal of a number."""
        if code in self._registers:
            return self._registers[code]
        space, place = place_of(code)
        assert space != REGISTERS, code
        if space == CONSTANTS:
            return literal(self._blocks.constants[place])
        return self._load(Run(space, place, 0, 1), "0")

    def _load(self, run: Run, step: str) -> str:
        return self._function.instruction(f"load double, ptr {self._address(run.space, run.first, run.stride, step)}")

    def _address(self, space: int, first: int, stride: int, step: str) -> str:
        """Return the address of a number that is read or written by step."""
        self._reads_constants = self._reads_constants or space == CONSTANTS
        array = _ARRAYS.get(space, "%w")
        first += self._offsets[space - BUFFERS] if space >= BUFFERS else 0
        index = str(first)
        if stride and step != "0":
            moved = step if stride == 1 else self._function.instruction(f"mul i64 {step}, {stride}")
            index = moved if first == 0 else self._function.instruction(f"add i64 {moved}, {first}")
        return self._function.instruction(f"getelementptr double, ptr {array}, i64 {index}")

    def _put(self, put: Put, step: str) -> None:
        value = self._value(put.value)
        self.lines.append(f"store double {value}, ptr {self._address(put.buffer, put.first, put.stride, step)}")

    def _copy(self, copy: Copy, step: str) -> None:
        """Copy numbers in a loop."""
        target = self._address(copy.buffer, copy.first, copy.stride, step)
        source = self._address(copy.run.space, copy.run.first, copy.by_step, step)
        inner, end = self._begin_loop()
        moved = self._function.instruction(f"mul i64 {inner}, {copy.run.stride}")
        address = self._function.instruction(f"getelementptr double, ptr {source}, i64 {moved}")
        value = self._function.instruction(f"load double, ptr {address}")
        address = self._function.instruction(f"getelementptr double, ptr {target}, i64 {inner}")
        self.lines.append(f"store double {value}, ptr {address}")
        self._end_loop(inner, copy.run.length, end)

    def _begin_loop(self) -> tuple[str, tuple[str, int, str]]:
        """Begin a loop; return the register of the step, and the argument of `_end_loop`."""
        self._labels += 1
        label, before = f"loop{self._labels}", self._label
        self.lines.extend([f"br label %{label}", f"{label}:"])
        step = self._function.instruction("")
        place = len(self.lines) - 1
        self._label = label
        return step, (label, place, before)

    def _end_loop(self, step: str, steps: int, begun: tuple[str, int, str]) -> None:
        label, place, before = begun
        following = self._function.instruction(f"add i64 {step}, 1")
        self.lines[place] = f"{step} = phi i64 [ 0, %{before} ], [ {following}, %{self._label} ]"
        more = self._function.instruction(f"icmp slt i64 {following}, {steps}")
        self.lines.extend([f"br i1 {more}, label %{label}, label %{label}.end", f"{label}.end:"])
        self._label = f"{label}.end"

    def _loop(self, loop: ForLoop) -> None:
        first = [self._value(x.first) for x in loop.carried]
        step, begun = self._begin_loop()
        places = []
        for x in loop.carried:
            self._registers[x.register] = self._function.instruction("")
            places.append(len(self.lines) - 1)
        for copy in loop.rows:
            self._copy(copy, step)
        for read in loop.read:
            self._registers[read.register] = self._load(read.run, step)
        self._block(loop.body)
        for put in loop.puts:
            if isinstance(put, Put):
                self._put(put, step)
            else:
                self._copy(put, step)
        following = [self._value(x.following) for x in loop.carried]
        for k, (x, place) in enumerate(zip(loop.carried, places)):
            ways = f"[ {first[k]}, %{begun[2]} ], [ {following[k]}, %{self._label} ]"
            self.lines[place] = f"{self._registers[x.register]} = phi double {ways}"
        self._end_loop(step, loop.steps, begun)
        self._registers.update(zip(loop.last, following))


def _given(block: Block) -> Iterable[int]:
    """Yield the codes of inputs that a block reads, except those read by step."""
    for instruction in block.instructions:
        codes: list[int] = []
        match instruction:
            case Apply():
                codes += instruction.operands
            case Put():
                codes.append(instruction.value)
            case ForLoop():
                codes += [x.first for x in instruction.carried] + [x.following for x in instruction.carried]
                codes += [put.value for put in instruction.puts if isinstance(put, Put)]
                codes += _given(instruction.body)
        yield from (code for code in codes if place_of(code)[0] in (ARGUMENTS, PARAMETERS, SEEDS))
