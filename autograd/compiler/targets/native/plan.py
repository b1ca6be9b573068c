"""The arrays and the nests of loops of a program, in the order in which they are computed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.operations import Data, Operation, Shape
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.native.code import Extent, extents, product, row_major
from autograd.compiler.targets.native.fusion import is_alias, needed, with_arrays
from autograd.compiler.targets.native.nests import AnyNest, Nest, Target
from autograd.compiler.targets.native.nodes import Buffer, Leaf, Number, Place
from autograd.compiler.targets.native.phases import Phase, has_samples, phases
from autograd.compiler.targets.native.reading import Reader, every
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
    """What a pointer of the table is set to at each step of a loop.

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
    """What machine code does, and the memory that it needs.

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
            self.batch += size.count
        else:
            place = Place("shared", self.shared)
            self.shared += -(-size.count // 8) * 8
        return Buffer(place, row_major(lengths))

    def constant(self, array: NDArray[Any], dtype: Any) -> Buffer:
        """Return an array of a program as one in memory, which is kept."""
        kept = np.ascontiguousarray(array, dtype)
        self.kept.append(kept)
        place = Place("address", kept.ctypes.data)
        return Buffer(place, row_major(extents(kept.shape)), kept.dtype.kind == "i")


class Inside(NamedTuple):
    """Where the operations of a loop's body are added.

    Attributes:
        items: what is done at each step.
        put_before: adds what is done before the first step.
        fixed: places of arrays that are the same at every step, and for all samples.
    """

    items: list[Item]
    put_before: Callable[[Item], None]
    fixed: Collection[Place]


class Scope:
    """A program, or the body of a loop, whose operations are added to a plan.

    Args:
        plan: to add to.
        program: the program.
        results: the operations that must have an array of their own.
        buffers: arrays that there are already.
        chosen: the phase of each operation; None where all are of one.
        inside: of a loop's body, where it is added.

    Attributes:
        operations: of the program.
        buffers: the arrays of those that have one.
        loops: the results of those that are loops.
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
        self.plan, self.program, self.dtype = plan, program, dtype
        self.operations: Sequence[Operation] = program.operations
        self.buffers: dict[int, Buffer] = dict(buffers)
        self.loops: dict[int, list[Buffer]] = {}
        self._phases, self._inside = chosen, inside
        self._needed = needed(program)
        self._arrays = with_arrays(program, results, self._needed)

    def add_all(self) -> None:
        """Add all operations that are needed."""
        from autograd.compiler.targets.native.kinds import add_operation

        for at, operation in enumerate(self.operations):
            if at not in self._needed:
                continue
            if operation.kind == "constant" and isinstance(operation.attribute, Data):
                self.buffers[at] = self.plan.constant(operation.attribute.array, self.dtype)
            elif is_alias(self.program, at):
                self._add_alias(at)
            elif at in self._arrays:
                add_operation(self, at)

    def _add_alias(self, at: int) -> None:
        operand = self.buffers.get(self.inner(self.operations[at].operands[0]))
        if operand is None:
            raise UnwritableError("a new shape of what has no array")
        self.buffers[at] = operand._replace(strides=row_major(extents(self.operations[at].shape)))

    def inner(self, at: int) -> int:
        """Return the operation whose array, in the same order, an operation is: through guards and simple shapes."""
        while at not in self.buffers and self.operations[at].kind in ("guard", "reshape"):
            (at,) = self.operations[at].operands
        return at

    def phase(self, at: int) -> Phase:
        """Return when an operation is computed."""
        return "block" if self._phases is None else self._phases[at]

    def put(self, at: int, item: Item) -> None:
        """Add a nest or a loop that belongs to an operation."""
        if isinstance(item, Nest) and isinstance(item.node, Leaf) and item.node.is_integer:
            raise UnwritableError("an array of indices that are computed")
        if self._inside is not None:
            self._inside.items.append(item)
            return
        phase = self.phase(at)
        self.plan.items["block" if phase == "sum" else phase].append(item)

    def put_before(self, at: int, item: Item) -> None:
        """Add a nest that reads only what is fixed: it is done once."""
        if self._inside is not None:
            self._inside.put_before(item)
        elif self.plan.is_divided:
            self.plan.items["before"].append(item)
        else:
            self.put(at, item)

    def is_fixed(self, place: Place) -> bool:
        """Return whether an array is there before all operations, and the same for all samples."""
        if self._inside is not None:
            return place in self._inside.fixed
        return place.kind == "address" or (place.kind == "table" and self.plan.slots[place.at].kind == "parameter")

    def reader(self, axes: int) -> Reader:
        """Return what gives expressions in a nest of so many axes."""
        return Reader(self.operations, self.buffers, axes, self.plan.constant)

    def array(self, at: int) -> Buffer:
        """Return the array of an operation, which is made where there is none yet."""
        if at not in self.buffers:
            self.buffers[at] = self.plan.memory(self.operations[at].shape)
        return self.buffers[at]

    def target(self, at: int) -> Target:
        """Return an operation's array as where a nest puts it, and set it to zero first where blocks are added up."""
        buffer = self.array(at)
        if self.phase(at) != "sum":
            return Target(buffer.place, buffer.strides)
        self.plan.items["before"].append(self.zeros(at))
        return Target(buffer.place, buffer.strides, adds=True)

    def zeros(self, at: int) -> Nest:
        """Return the nest that sets an array to zero."""
        buffer = self.array(at)
        return Nest(extents(self.operations[at].shape), Number(0.0), Target(buffer.place, buffer.strides))

    def copy(self, at: int, to: Buffer, source: int) -> None:
        """Copy an operation's elements to an array."""
        lengths = extents(self.operations[source].shape)
        node = self.reader(len(lengths)).read(source, every(len(lengths)))
        self.put(at, Nest(lengths, node, Target(to.place, to.strides)))


def plan_of(program: ArrayProgram, dtype: np.dtype[Any], machine: Machine) -> Plan:
    """Return the plan of a program.

    Raises:
        UnwritableError: where it has what machine code does not have.
    """
    used = needed(program)
    given = [at for at, o in enumerate(program.operations) if o.kind in ("argument", "index")]
    given += [at for at, o in enumerate(program.operations) if o.kind == "parameter"]
    shapes = [program.operations[at].shape for at in (*given, *program.outputs)]
    chosen = phases(program, used) if not any(has_samples(shape[1:]) for shape in shapes) else None
    plan = Plan(machine, chosen is not None)
    buffers: dict[int, Buffer] = {}
    for at in given:
        kind, _, attribute, shape, name = program.operations[at]
        place = plan.slot(kind, name if kind == "parameter" else attribute[0], shape)
        buffers[at] = Buffer(place, row_major(extents(shape)), kind == "index")
    places = [plan.slot("result", str(k), program.operations[at].shape) for k, at in enumerate(program.outputs)]
    copied = []
    own: dict[int, int] = {}
    for k, at in enumerate(program.outputs):
        is_own = program.operations[at].kind not in ("argument", "index", "parameter", "constant", "reshape", "guard")
        if is_own and program.operations[at].kind != "result" and at not in own:
            own[at] = k
            buffers[at] = Buffer(places[k], row_major(extents(program.operations[at].shape)))
        else:
            copied.append(k)
    scope = Scope(plan, program, list(own), buffers, chosen, dtype)
    scope.add_all()
    for k in copied:
        at = program.outputs[k]
        lengths = row_major(extents(program.operations[at].shape))
        late = "after" if scope.phase(at) == "sum" else scope.phase(at)
        _copy_late(scope, at, Buffer(places[k], lengths), late)
    return plan


def _copy_late(scope: Scope, at: int, to: Buffer, phase: Phase) -> None:
    lengths = extents(scope.operations[at].shape)
    node = scope.reader(len(lengths)).read(at, every(len(lengths)))
    scope.plan.items[phase].append(Nest(lengths, node, Target(to.place, to.strides)))
