"""The arrays and the nests of loops of a program, in the order in which they are computed."""

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
        width: how many numbers a vector holds.
        registers: how many vectors its registers hold.
    """

    width: int
    registers: int


class Slot(NamedTuple):
    """A pointer of the table that a call is given.

    Attributes:
        kind: what it points to; of "moving" ones, machine code says where to.
        name: of an argument or of parameters; of a result, its number.
        shape: of the array.
    """

    kind: Literal["argument", "index", "parameter", "result", "moving"]
    name: str
    shape: Shape


class Move(NamedTuple):
    """The value of a pointer of the table at each step of a loop.

    Attributes:
        slot: its number.
        array: in which it moves.
        stride: from step to step, in elements.
        last: the number of the last step where the first step is at the end, else None.
    """

    slot: int
    array: Buffer
    stride: Extent
    last: int | None


@dataclass(frozen=True)
class Steps:
    """A loop over steps.

    Attributes:
        count: how many.
        moves: pointers that move.
        items: what is done at each step.
    """

    count: int
    moves: list[Move]
    items: list[Item]


Item: TypeAlias = "AnyNest | Steps"


@dataclass
class Plan:
    """The nests that machine code runs, and the memory that it needs.

    Attributes:
        slots: the pointers that it is given.
        items: by phase. Without blocks, all of them are in "block", and there is one.
        machine: what it is planned for.
        is_divided: whether the samples may be divided into blocks.
        shared, batch: how many elements of working memory are needed; and how many more for each sample of a block.
        kept: arrays that the code refers to.
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
        """Return an array of a program as one in memory, which is kept."""
        kept = np.ascontiguousarray(array, dtype)
        self.kept.append(kept)
        place = Place("address", kept.ctypes.data)
        return Buffer(place, row_major(extents(kept.shape)), kept.dtype.kind == "i")
