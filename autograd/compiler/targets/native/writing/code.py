"""A function in LLVM IR: instructions, and loops with loop-carried values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd.compiler.arrays.operations import Batch, Shape

Carried = Sequence[tuple[str, str]]
"""Loop-carried values: the type of each, and its initial value."""


class Extent(NamedTuple):
    """A length or a stride: a number times a power of n, the number of samples."""

    factor: int
    power: int = 0

    def __mul__(self, other: Extent | int) -> Extent:  # type: ignore[override]
        if isinstance(other, int):
            return Extent(self.factor * other, self.power if self.factor * other else 0)
        return Extent(self.factor * other.factor, self.power + other.power if self.factor * other.factor else 0)


ZERO, ONE = Extent(0), Extent(1)


def extents(shape: Shape) -> tuple[Extent, ...]:
    """Return the lengths of a shape."""
    return tuple([Extent(length.times, 1) if isinstance(length, Batch) else Extent(length) for length in shape])


def row_major(lengths: Sequence[Extent]) -> tuple[Extent, ...]:
    """Return the strides of a contiguous array in row-major order.

    >>> row_major([Extent(1, 1), Extent(3), Extent(2)])
    (Extent(factor=6, power=0), Extent(factor=2, power=0), Extent(factor=1, power=0))
    """
    strides, stride = [], ONE
    for length in reversed(lengths):
        strides.append(stride)
        stride = stride * length
    return tuple(reversed(strides))


def product(lengths: Sequence[Extent]) -> Extent:
    """Return the product of lengths."""
    total = ONE
    for length in lengths:
        total = total * length
    return total


class Code:
    """A function under construction.

    Attributes:
        lines: the instructions.
        block: the label of the current basic block.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.block: str = "entry"
        self._count = 0

    def fresh(self, base: str) -> str:
        """Return an unused name."""
        self._count += 1
        return f"{base}{self._count}"

    def value(self, text: str) -> str:
        """Add an instruction; return the register of its result."""
        register = f"%{self.fresh('r')}"
        self.lines.append(f"{register} = {text}")
        return register

    def do(self, text: str) -> None:
        """Add an instruction without a result."""
        self.lines.append(text)

    def begin(self, label: str) -> None:
        """Begin a basic block."""
        self.lines.append(f"{label}:")
        self.block = label

    def size(self, extent: Extent) -> str:
        """Return an extent as an integer or a register."""
        if not extent.power:
            return str(extent.factor)
        register = "%n"
        for _ in range(extent.power - 1):
            register = self.value(f"mul nuw nsw i64 {register}, %n")
        return register if extent.factor == 1 else self.value(f"mul nuw nsw i64 {register}, {extent.factor}")

    def loop(
        self, count: str, body: Callable[[str, list[str]], Sequence[str]], carried: Carried = (), step: int = 1
    ) -> list[str]:
        """Add a loop with an index from 0 up to a count.

        Args:
            count: an integer or a register.
            body: adds a step, given the index and the carried values; returns the new carried values.
            step: the increment of the index.

        Returns:
            The carried values after the last step.
        """
        first = [value for _, value in carried]
        is_known = not count.startswith("%")
        if is_known and int(count) <= step:
            return list(body("0", first)) if int(count) > 0 else first
        head, done = self.fresh("head"), self.fresh("done")
        before = self.block
        if is_known:
            self.do(f"br label %{head}")
        else:
            self.do(f"br i1 {self.value(f'icmp slt i64 0, {count}')}, label %{head}, label %{done}")
        self.begin(head)
        index = f"%{self.fresh('i')}"
        registers = [f"%{self.fresh('c')}" for _ in carried]
        at = len(self.lines)
        results = list(body(index, registers))
        following = self.value(f"add nuw nsw i64 {index}, {step}")
        more = self.value(f"icmp slt i64 {following}, {count}")
        last = self.block
        self.do(f"br i1 {more}, label %{head}, label %{done}")
        phis = [f"{index} = phi i64 [ 0, %{before} ], [ {following}, %{last} ]"]
        for (kind, value), register, result in zip(carried, registers, results):
            phis.append(f"{register} = phi {kind} [ {value}, %{before} ], [ {result}, %{last} ]")
        self.lines[at:at] = phis
        self.begin(done)
        if is_known:
            return results
        return [
            self.value(f"phi {kind} [ {value}, %{before} ], [ {result}, %{last} ]")
            for (kind, value), result in zip(carried, results)
        ]
