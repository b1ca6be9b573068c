"""A scope: a program, or the body of a loop, whose operations are added to a plan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from autograd.arrays import np
from autograd.compiler.arrays.operations import Operation
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.native.nests import Nest, Target
from autograd.compiler.targets.native.nodes import Buffer, Leaf, Number, Place
from autograd.compiler.targets.native.planning.fusion import needed, with_arrays
from autograd.compiler.targets.native.planning.phases import Phase
from autograd.compiler.targets.native.planning.plan import Item, Plan
from autograd.compiler.targets.native.planning.reading import Reader, every
from autograd.compiler.targets.native.writing.code import extents
from autograd.compiler.targets.straight_line.instructions import UnwritableError


class Inside(NamedTuple):
    """The destination of the operations of a loop's body.

    Attributes:
        items: receives the items of each step.
        put_before: adds an item before the first step.
        fixed: places of arrays that are loop-invariant, and the same for all samples.
    """

    items: list[Item]
    put_before: Callable[[Item], None]
    fixed: Collection[Place]


class Scope:
    """A program, or the body of a loop, whose operations are added to a plan.

    Args:
        plan: the plan to extend.
        program: the program.
        results: the operations whose results must be stored.
        buffers: existing arrays.
        chosen: the phase of each operation; None for a single phase.
        inside: the destination of a loop's body.

    Attributes:
        operations: the program's operations.
        buffers: the arrays of stored operations.
        loops: the results of loops.
        needed: the live operations.
        arrays: the stored operations.
    """

    def __init__(
        self,
        plan: Plan,
        program: ArrayProgram,
        results: Sequence[int],
        buffers: Mapping[int, Buffer],
        chosen: Sequence[Phase] | None,
        dtype: np.dtype[Any],
        inside: Inside | None = None,
    ) -> None:
        self.plan: Plan = plan
        self.program: ArrayProgram = program
        self.dtype: np.dtype[Any] = dtype
        self.operations: Sequence[Operation] = program.operations
        self.buffers: dict[int, Buffer] = dict(buffers)
        self.loops: dict[int, list[Buffer]] = {}
        self._phases, self._inside = chosen, inside
        self.needed: set[int] = needed(program)
        self.arrays: set[int] = with_arrays(program, results, self.needed)

    def inner(self, at: int) -> int:
        """Return the operation whose array an operation aliases, through guards and simple reshapes."""
        while at not in self.buffers and self.operations[at].kind in ("guard", "reshape"):
            (at,) = self.operations[at].operands
        return at

    def phase(self, at: int) -> Phase:
        """Return the phase of an operation."""
        return "block" if self._phases is None else self._phases[at]

    def put(self, at: int, item: Item) -> None:
        """Add a nest or a loop that belongs to an operation."""
        if isinstance(item, Nest) and isinstance(item.node, Leaf) and item.node.is_integer:
            raise UnwritableError("an array of computed indices")
        if self._inside is not None:
            self._inside.items.append(item)
            return
        phase = self.phase(at)
        self.plan.items["block" if phase == "sum" else phase].append(item)

    def put_before(self, at: int, item: Item) -> None:
        """Add a nest that reads only fixed arrays, to run once."""
        if self._inside is not None:
            self._inside.put_before(item)
        elif self.plan.is_divided:
            self.plan.items["before"].append(item)
        else:
            self.put(at, item)

    def is_fixed(self, place: Place) -> bool:
        """Return whether an array exists before all operations, and is the same for all samples."""
        if self._inside is not None:
            return place in self._inside.fixed
        return place.kind == "address" or (place.kind == "table" and self.plan.slots[place.at].kind == "parameter")

    def reader(self, axes: int) -> Reader:
        """Return a reader for a nest with this many axes."""
        return Reader(self.operations, self.buffers, axes, self.plan.constant)

    def array(self, at: int) -> Buffer:
        """Return the array of an operation, allocated at the first request."""
        if at not in self.buffers:
            self.buffers[at] = self.plan.memory(self.operations[at].shape)
        return self.buffers[at]

    def target(self, at: int) -> Target:
        """Return an operation's array as a nest's target; sums over samples are accumulated over blocks."""
        buffer = self.array(at)
        return Target(buffer.place, buffer.strides, is_sum=self.phase(at) == "sum")

    def zeros(self, at: int) -> Nest:
        """Return the nest that sets an array to zero."""
        buffer = self.array(at)
        return Nest(extents(self.operations[at].shape), Number(0.0), Target(buffer.place, buffer.strides))

    def copy(self, at: int, to: Buffer, source: int) -> None:
        """Copy an operation's elements to an array."""
        lengths = extents(self.operations[source].shape)
        node = self.reader(len(lengths)).read(source, every(len(lengths)))
        self.put(at, Nest(lengths, node, Target(to.place, to.strides)))
