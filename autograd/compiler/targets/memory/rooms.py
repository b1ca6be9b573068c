"""Let several arrays by step use the same memory in turn.

At each step, a loop reads a place of some arrays for the last time, and then fills a place of others. So the written
places can reuse the memory of the read ones. In a recurrent network, the activations overwrite the weighted sums, and
the derivatives with respect to the sums overwrite the activations, as in hand-written backpropagation through time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from autograd.compiler.arrays.loop import Loop
from autograd.compiler.arrays.operations import Batch, Length, Shape
from autograd.compiler.arrays.program import LEAVES
from autograd.compiler.targets.memory.order import StepOrder
from autograd.compiler.targets.memory.sharing import owners, states_in
from autograd.compiler.targets.notation import Notation
from autograd.compiler.targets.schedule import Schedule, written


@dataclass(eq=False)
class Room:
    """Memory for a fixed count of numbers per sample at each step.

    Attributes:
        first: the place of the array that uses it first.
        axis: the axis of steps in that array, 0 or 1.
        steps: the number of steps.
        width: the count of numbers per sample and step.
        tenants: the arrays that use it now.
    """

    first: int
    axis: int
    steps: Length
    width: int
    tenants: list[int] = field(default_factory=list)


class Spot(NamedTuple):
    """The position of an array in memory.

    Attributes:
        room: the room that contains it.
        start: the count of a sample's numbers before it.
        opens: whether only the room's first array used the room before.
    """

    room: Room
    start: int
    opens: bool


def spots(plan: Schedule) -> dict[int, Spot]:
    """Return the spots of arrays that loops write, by place, for those that do not get separate memory."""
    statements, terms = [*plan.forward, *plan.backward], plan.notation.terms
    if not any(terms[at].kind == "loop" for at in statements):
        return {}
    return _Planner(plan, statements).spots


class _Candidate(NamedTuple):
    """A room that a loop may write into, with the free places and the direction of its steps."""

    room: Room
    backward: bool | None  # None if the loop does not read it
    arguments: list[int]  # the body's arguments in the room's memory


class _Planner:
    """Finds spots, loop by loop in execution order."""

    def __init__(self, plan: Schedule, statements: Sequence[int]) -> None:
        self._plan, self._terms = plan, plan.notation.terms
        self._owners = owners(self._terms)
        self._last: dict[int, float] = {}  # the time of the last read of a term's memory
        self._read_outside: set[int] = set()  # memory that is read outside of loops
        self._read_memory(statements)
        self._rooms: list[Room] = []
        self.spots: dict[int, Spot] = {}
        for time, at in enumerate(statements):
            if self._terms[at].kind == "loop":
                self._fill(at, time)

    def _read_memory(self, statements: Sequence[int]) -> None:
        results = [(math.inf, at) for at in (self._plan.values, *self._plan.gradients)]
        for time, at in [*enumerate(statements), *results]:
            inline = written(self._plan.notation, [at])
            read = {at}.union(*[self._terms[k].operands for k in inline])
            memory = set[int]().union(*[self._owners[k] for k in read])
            self._last.update(dict.fromkeys(memory, time))
            if self._terms[at].kind != "loop":
                self._read_outside |= memory

    def _fill(self, at: int, time: int) -> None:
        """Assign rooms to the arrays that a loop writes, the widest first, with the best fit."""
        loop: Loop = self._terms[at].attribute
        notation = Notation(loop.body)
        order, places = StepOrder(loop, notation), self._results(at)
        widths = {n: _width(loop.body.operations[k].shape) for n, k in enumerate(loop.body.outputs[loop.carried :])}
        candidates = self._candidates(at, time, states_in(loop, notation.terms)) if places else []
        taken = {candidate.room: 0 for candidate in candidates}
        chosen: dict[int, tuple[Room, int]] = {}
        for n in sorted(places, key=lambda n: -widths[n]):
            stepping, width, is_whole = loop.written[n], widths[n], places[n] in self._read_outside
            fitting: list[tuple[int, int, Room]] = []
            for room, backward, arguments in candidates:
                rest = room.width - taken[room] - width
                fits = width == room.width and not taken[room] if is_whole else rest >= 0
                is_read_after = order.updates_read(arguments) and n not in order.late
                if fits and not is_read_after and backward in (None, stepping.backward):
                    fitting.append((rest, len(fitting), room))
            if width and stepping.axis <= 1 and fitting:
                _, _, room = min(fitting)
                chosen[n] = room, taken[room]
                taken[room] += width
        for n, (room, start) in sorted(chosen.items()):
            self.spots[places[n]] = Spot(room, start, room not in self._rooms)
            self._rooms += [room] * (room not in self._rooms)
        for room in {room for room, _ in chosen.values()}:
            room.tenants = [places[n] for n, (other, _) in chosen.items() if other is room]

    def _results(self, at: int) -> dict[int, int]:
        """Return the places of the arrays that a loop writes, by number."""
        carried = self._terms[at].attribute.carried
        results = [(k, x) for k, x in enumerate(self._terms) if x.kind == "result" and x.operands == (at,)]
        return {x.attribute - carried: k for k, x in results if x.attribute >= carried and x.name}

    def _candidates(self, at: int, time: int, states: dict[int, set[int]]) -> list[_Candidate]:
        """Return the rooms whose arrays only this loop still reads, at one place per step.

        A loop with other steps may read a slice of them.
        """
        operands, loop = self._terms[at].operands, self._terms[at].attribute
        kept = set[int]().union(*states.values())
        new = [self._room(k, stepping.axis) for k, stepping in zip(operands[loop.carried :], loop.read)]
        candidates = []
        for room in [room for room in (*self._rooms, *new) if room is not None and room.steps == loop.steps]:
            memory = set(room.tenants) if room in self._rooms else self._owners[room.first]
            numbers = [k for k, x in enumerate(operands) if not memory.isdisjoint(self._owners[x])]
            steppings = [loop.steppings[k] for k in numbers]
            is_by_step = None not in steppings and kept.isdisjoint(numbers)
            directions = {stepping.backward for stepping in steppings if stepping is not None}
            is_unique = room in self._rooms or len(numbers) == 1
            if is_by_step and is_unique and len(directions) <= 1 and all(self._last.get(k, -1) <= time for k in memory):
                arguments = [loop.arguments[k] for k in numbers]
                candidates.append(_Candidate(room, next(iter(directions), None), arguments))
        return candidates

    def _room(self, at: int, axis: int) -> Room | None:
        """Return a new room in the memory of an array by step, if the program owns it and no room contains it."""
        term, memory = self._terms[at], self._owners[at]
        steps = term.shape[axis]
        shape = (*term.shape[:axis], *term.shape[axis + 1 :])
        tenants = set[int]().union(*[room.tenants for room in self._rooms])
        is_owned = all(self._terms[k].kind not in (*LEAVES, "number") for k in memory)
        width = _width(shape)
        return Room(at, axis, steps, width) if is_owned and width and axis <= 1 and tenants.isdisjoint(memory) else None


def _width(shape: Shape) -> int:
    """Return the count of an array's numbers per sample; 0 unless it has exactly one axis of samples."""
    batches = [length.times for length in shape if isinstance(length, Batch)]
    others = [length for length in shape if not isinstance(length, Batch)]
    return math.prod([*batches, *others]) if len(batches) == 1 else 0
