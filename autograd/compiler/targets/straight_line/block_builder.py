"""Build instructions on single numbers: applications, loops, and the buffers that loops fill."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd import primitives
from autograd.arrays import np
from autograd.compiler import cost, cost_of_loops
from autograd.compiler.targets.straight_line.arranged import moved
from autograd.compiler.targets.straight_line.blocks import (
    BUFFERS,
    CONSTANTS,
    REGISTERS,
    SPACE,
    Apply,
    Block,
    Carried,
    Codes,
    Copy,
    ForLoop,
    Put,
    Read,
    Run,
    flat,
    row,
    runs,
)
from autograd.primitives import Primitive


class UnexpandableError(Exception):
    """A program has operations that cannot be expanded to single numbers, or too many of them."""


class Scope:
    """A block under construction, and the results available in it and in enclosing blocks.

    Attributes:
        is_in_loop: whether the block is the body of a loop.
    """

    def __init__(self, outer: Scope | None = None, *, is_in_loop: bool = False) -> None:
        self.block, self.outer, self.is_in_loop = Block(), outer, is_in_loop
        self._known: dict[object, tuple[int, ...]] = {}

    def known(self, key: object) -> tuple[int, ...] | None:
        return self._known.get(key) or (self.outer.known(key) if self.outer else None)

    def add(self, key: object, instruction: Apply) -> None:
        self._known[key] = instruction.results
        self.block.instructions.append(instruction)


class BlockBuilder:
    """Builds instructions.

    Attributes:
        scope: the scope to which instructions are added.
        constants: the constants that the instructions read.
        buffers: the size of each buffer.
    """

    def __init__(self) -> None:
        self.scope = Scope()
        self.constants: list[float] = []
        self.buffers: list[int] = []
        self._known: dict[str, int] = {}
        self._registers = self._applications = 0

    def constant(self, number: float) -> int:
        key = repr(number)
        if key not in self._known:
            self._known[key] = CONSTANTS * SPACE + len(self.constants)
            self.constants.append(number)
        return self._known[key]

    def applied(self, primitive: Primitive, operands: tuple[int, ...], name: str = "", slopes: int = 0) -> Any:
        """Return the register of a primitive applied to numbers, or those of its slopes; reuse an equal application."""
        zero = self._known.get("0.0")
        if primitive is primitives.add and zero is not None and zero in operands:
            return operands[1] if operands[0] == zero else operands[0]
        key = (primitive, operands, slopes)
        results = self.scope.known(key)
        if results is None:
            self._applications += 1
            if self._applications > cost.MOST_EXPANDED:
                raise UnexpandableError("too many")
            results = tuple(range(self._registers, self._registers + (slopes or 1)))
            self._registers += len(results)
            self.scope.add(key, Apply(results, primitive, operands, slopes > 0, name))
        return results if slopes else results[0]

    def new(self, shape: tuple[int, ...]) -> Codes:
        size = math.prod(shape)
        self._registers += size
        return np.arange(self._registers - size, self._registers).reshape(shape)

    def buffer(self, size: int) -> int:
        self.buffers.append(size)
        return BUFFERS + len(self.buffers) - 1

    def by_step(self, along: Codes, name: str, read: list[Read], rows: list[Copy], scope: Scope) -> Codes:
        """Return the numbers that a step reads, given those of all steps."""
        row = self._row(along, rows) if along[:1].size > cost.MOST_ELEMENTS else None
        return self._read(along, name, read, scope) if row is None else row

    def _row(self, along: Codes, rows: list[Copy]) -> Codes | None:
        """Return a buffer to which a step's numbers are copied; None unless all advance by the same stride."""
        by_step = int((along[1:] - along[:-1]).max(initial=0)) if len(along) > 1 else 0
        if len(along) > 1 and (along[1:] - along[:-1] != by_step).any():
            return None
        several = runs(along[0].reshape(-1))
        if any(run.space in (REGISTERS, CONSTANTS) for run in several):
            return None
        buffer, at = self.buffer(along[0].size), 0
        for run in several:
            rows.append(Copy(buffer, at, 0, run, by_step))
            at += run.length
        return row(buffer, along[0].size).reshape(along.shape[1:])

    def _read(self, along: Codes, name: str, read: list[Read], scope: Scope) -> Codes:
        """Return a step's numbers, given those of all steps: registers, or loop-invariant numbers."""
        columns = along.reshape(len(along), -1)
        codes = []
        for k in range(columns.shape[1]):
            several = runs(columns[:, k])
            if len(several) > 1:
                buffer = self.buffer(len(along))
                scope.block.instructions += _copies(several, buffer)
                several = runs(row(buffer, len(along)))
            (run,) = several
            if run.stride == 0:
                codes.append(run.space * SPACE + run.first)
                continue
            known = [x.register for x in read if x.run == run]
            codes += known or [self._registers]
            if not known:
                read.append(Read(self._registers, run, f"{name}_{k}" if columns.shape[1] > 1 else name))
                self._registers += 1
        return np.array(codes, dtype=np.int64).reshape(along.shape[1:])

    def put(self, codes: Codes, steps: int, puts: list[Put | Copy]) -> Codes:
        """Store a step's numbers into a buffer; return the codes of those of all steps."""
        size, k = codes.size, 0
        buffer = self.buffer(steps * size)
        for run in runs(codes.reshape(-1)):
            if run.length > cost.MOST_ELEMENTS and run.space not in (REGISTERS, CONSTANTS):
                puts.append(Copy(buffer, k, size, run, 0))
            else:
                puts += [Put(buffer, k + j, size, code) for j, code in enumerate(_codes(run))]
            k += run.length
        return row(buffer, steps * size).reshape(steps, *codes.shape)

    def are_by_step(self, arrays: Sequence[tuple[Codes, int]]) -> bool:
        """Return whether an outermost loop of sufficient length can read arrays along these axes."""
        if self.scope.is_in_loop:
            return False
        strides = set()
        for x, axis in arrays:
            if not x.ndim or x.shape[axis] < cost_of_loops.LEAST_STEPS:
                return False
            for column in moved(x, axis, 0).reshape(x.shape[axis], -1).T:
                several = runs(column)
                if len(several) > 1:
                    return False
                strides.add(several[0].stride)
        return strides != {0}

    def stepped(
        self, arrays: Sequence[tuple[Codes, int | None]], compute: Callable[..., Codes], initial: Codes | None = None
    ) -> Codes:
        """Add a loop along axes of arrays; return the results of all steps, or the final carried numbers.

        Args:
            arrays: arrays, each with its axis, or None for a loop-invariant one.
            compute: takes the carried numbers, if any, and the numbers of a step.
            initial: the initial carried numbers.
        """
        scope, self.scope = self.scope, Scope(self.scope, is_in_loop=True)
        read, rows, given = list[Read](), list[Copy](), list[Codes]()
        steps = next(x.shape[axis] for x, axis in arrays if axis is not None)
        for x, axis in arrays:
            given.append(x if axis is None else self.by_step(moved(x, axis, 0), "element", read, rows, scope))
        state = None if initial is None else self.new(initial.shape)
        values = compute(*given) if state is None else compute(state, *given)
        carried, puts = list[Carried](), list[Put | Copy]()
        last = self.new(values.shape if state is not None else (0,))
        if state is None or initial is None:
            results = self.put(values, steps, puts)
        else:
            codes = zip(flat(state), flat(initial), flat(values))
            carried = [Carried(*numbers, "total") for numbers in codes]
            results = last
        scope.block.instructions.append(ForLoop(steps, carried, read, rows, self.scope.block, puts, list(flat(last))))
        self.scope = scope
        return results


def _copies(several: Sequence[Run], buffer: int) -> list[ForLoop | Put | Copy]:
    """Return the instructions that store numbers contiguously into a buffer."""
    instructions: list[ForLoop | Put | Copy] = []
    at = 0
    for run in several:
        if run.space not in (REGISTERS, CONSTANTS) and run.stride and run.length >= cost_of_loops.LEAST_COPIED:
            instructions.append(Copy(buffer, at, 0, run, 0))
        elif not run.stride and run.length > cost.MOST_ELEMENTS:
            put = Put(buffer, at, 1, run.space * SPACE + run.first)
            instructions.append(ForLoop(run.length, [], [], [], Block(), [put], []))
        else:
            instructions += [Put(buffer, at + k, 0, code) for k, code in enumerate(_codes(run))]
        at += run.length
    return instructions


def _codes(run: Run) -> list[int]:
    first = run.space * SPACE + run.first
    return [first + k * run.stride for k in range(run.length)]
