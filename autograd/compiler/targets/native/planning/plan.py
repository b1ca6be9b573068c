"""The arrays and loop nests of a program, in execution order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.operations import Shape
from autograd.compiler.targets.native.nests import AnyNest
from autograd.compiler.targets.native.nodes import Buffer, Place
from autograd.compiler.targets.native.planning.phases import Phase
from autograd.compiler.targets.native.writing.code import Extent, extents, product, row_major
from autograd.compiler.targets.straight_line.instructions import UnwritableError


class Machine(NamedTuple):
    """A processor.

    Attributes:
        width: the number of lanes of a vector.
        registers: the number of vector registers.
    """

    width: int
    registers: int


class Slot(NamedTuple):
    """A pointer in the table that a call passes.

    Attributes:
        kind: the kind of array that it points to; machine code sets "moving" ones.
        name: the name of an argument or of parameters; the number of a result.
        shape: the array's shape.
    """

    kind: Literal["argument", "index", "parameter", "result", "moving"]
    name: str
    shape: Shape


class Move(NamedTuple):
    """The induction of a pointer in the table over the steps of a loop.

    Attributes:
        slot: the pointer's number.
        array: the array that it moves along.
        stride: the distance per step, in elements.
        last: the number of the last step if the loop runs from the end, else None.
    """

    slot: int
    array: Buffer
    stride: Extent
    last: int | None


@dataclass(frozen=True)
class Steps:
    """A loop over steps.

    Attributes:
        count: the number of steps.
        moves: the pointers that move.
        items: the body.
    """

    count: int
    moves: list[Move]
    items: list[Item]


Item: TypeAlias = "AnyNest | Steps"


@dataclass
class Plan:
    """The nests that machine code runs, and the memory that it needs.

    Attributes:
        slots: the pointers that a call passes.
        items: nests and loops by phase. Without blocks, all are in "block", which runs once.
        machine: the target processor.
        is_divided: whether the samples may be divided into blocks.
        shared, batch: the elements of working memory needed in all, and additionally per sample of a block.
        kept: arrays that the code refers to, kept alive.
    """

    machine: Machine
    is_divided: bool
    slots: list[Slot] = field(default_factory=list)
    items: dict[Phase, list[Item]] = field(default_factory=lambda: {"before": [], "block": [], "after": []})
    shared: int = 0
    batch: int = 0
    kept: list[NDArray[Any]] = field(default_factory=list)

    def slot(self, kind: Any, name: str, shape: Shape) -> Place:
        """Add a pointer to the table."""
        self.slots.append(Slot(kind, name, shape))
        return Place("table", len(self.slots) - 1)

    def memory(self, shape: Shape) -> Buffer:
        """Return working memory for an array."""
        lengths = extents(shape)
        size = product(lengths)
        if size.power > 1:
            raise UnwritableError("an array with two axes of samples")
        if size.power:
            place = Place("batch", self.batch)
            self.batch += size.factor
        else:
            place = Place("shared", self.shared)
            self.shared += -(-size.factor // 8) * 8
        return Buffer(place, row_major(lengths))

    def constant(self, array: NDArray[Any], dtype: Any) -> Buffer:
        """Put an array of a program into memory, where it is kept alive."""
        kept = np.ascontiguousarray(array, dtype)
        self.kept.append(kept)
        place = Place("address", kept.ctypes.data)
        return Buffer(place, row_major(extents(kept.shape)), kept.dtype.kind == "i")
