"""Memory that arrays by step have one after the other.

At each step a loop reads a place of some arrays for the last time, and then fills a place of others. So what a step
writes may have the memory of what it has read: the activations of a recurrent network that of the weighted sums, and
the derivatives to these that of the activations, as whoever writes backpropagation through time by hand does it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from autograd.compiler.arrays.loop import Loop
from autograd.compiler.arrays.operations import Batch, Shape
from autograd.compiler.arrays.program import LEAVES
from autograd.compiler.targets.memory.order import StepOrder
from autograd.compiler.targets.memory.sharing import owners, states_in
from autograd.compiler.targets.notation import Notation
from autograd.compiler.targets.schedule import Schedule, written


@dataclass(eq=False)
class Room:
    """Memory of some numbers of a sample at each step.

    Attributes:
        first: the array that has it first, by its place.
        axis: of the steps in that array, 0 or 1.
        width: how many numbers a sample has there at a step.
        tenants: the arrays that have it now.
    """

    first: int
    axis: int
    width: int
    tenants: list[int] = field(default_factory=list)


class Spot(NamedTuple):
    """Where an array lies.

    Attributes:
        room: of which it has a part.
        start: how many numbers of a sample lie before it.
        opens: whether nothing but the room's first array had any of it before.
    """

    room: Room
    start: int
    opens: bool


def spots(plan: Schedule) -> dict[int, Spot]:
    """Return where arrays lie that loops write, by their places; of those that have no memory of their own."""
    statements, terms = [*plan.forward, *plan.backward], plan.notation.terms
    if not any(terms[at].kind == "loop" for at in statements):
        return {}
    return _Planner(plan, statements).spots


class _Candidate(NamedTuple):
    """A room that a loop may write into: which places of it are free from, and in which order steps go through it."""

    room: Room
    backward: bool | None  # None where the loop does not read it
    arguments: list[int]  # of the body, in the room's memory


class _Planner:
    """Finds spots, loop by loop, as they run one after the other."""

    def __init__(self, plan: Schedule, statements: Sequence[int]) -> None:
        self._plan, self._terms = plan, plan.notation.terms
        self._owners = owners(self._terms)
        self._last: dict[int, float] = {}  # when the memory of a term is read last
        self._as_a_whole: set[int] = set()  # memory that something else than a loop reads
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
                self._as_a_whole |= memory

    def _fill(self, at: int, time: int) -> None:
        """Give room to what a loop writes, the widest array first, as exactly as possible."""
        loop: Loop = self._terms[at].attribute
        notation = Notation(loop.body)
        order, places = StepOrder(loop, notation), self._results(at)
        widths = {n: _width(loop.body.operations[k].shape) for n, k in enumerate(loop.body.outputs[loop.carried :])}
        candidates = self._candidates(at, time, states_in(loop, notation.terms)) if places else []
        taken = {candidate.room: 0 for candidate in candidates}
        chosen: dict[int, tuple[Room, int]] = {}
        for n in sorted(places, key=lambda n: -widths[n]):
            stepping, width, is_whole = loop.written[n], widths[n], places[n] in self._as_a_whole
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
            room.tenants = [places[n] for n, (own, _) in chosen.items() if own is room]

    def _results(self, at: int) -> dict[int, int]:
        """Return the places of the arrays that a loop writes, by their number among these."""
        carried = self._terms[at].attribute.carried
        results = [(k, x) for k, x in enumerate(self._terms) if x.kind == "result" and x.operands == (at,)]
        return {x.attribute - carried: k for k, x in results if x.attribute >= carried and x.name}

    def _candidates(self, at: int, time: int, states: dict[int, set[int]]) -> list[_Candidate]:
        """Return rooms whose arrays nothing but one place of the loop at each step still reads."""
        operands, loop = self._terms[at].operands, self._terms[at].attribute
        kept = set[int]().union(*states.values())
        new = [self._room(k, stepping.axis) for k, stepping in zip(operands[loop.carried :], loop.read)]
        candidates = []
        for room in [*self._rooms, *(room for room in new if room is not None)]:
            memory = set(room.tenants) if room in self._rooms else self._owners[room.first]
            numbers = [k for k, x in enumerate(operands) if not memory.isdisjoint(self._owners[x])]
            steppings = [loop.steppings[k] for k in numbers]
            is_by_step = None not in steppings and kept.isdisjoint(numbers)
            directions = {stepping.backward for stepping in steppings if stepping is not None}
            is_one = room in self._rooms or len(numbers) == 1
            if is_by_step and is_one and len(directions) <= 1 and all(self._last.get(k, -1) <= time for k in memory):
                arguments = [loop.arguments[k] for k in numbers]
                candidates.append(_Candidate(room, next(iter(directions), None), arguments))
        return candidates

    def _room(self, at: int, axis: int) -> Room | None:
        """Return the memory of an array by step, where it belongs to the program, and to no room yet."""
        term, memory = self._terms[at], self._owners[at]
        shape = (*term.shape[:axis], *term.shape[axis + 1 :])
        tenants = set[int]().union(*[room.tenants for room in self._rooms])
        is_own = all(self._terms[k].kind not in (*LEAVES, "number") for k in memory)
        width = _width(shape)
        return Room(at, axis, width) if is_own and width and axis <= 1 and tenants.isdisjoint(memory) else None


def _width(shape: Shape) -> int:
    """Return how many numbers of a sample an array has; 0 where there is not one axis of samples."""
    batches = [length.times for length in shape if isinstance(length, Batch)]
    others = [length for length in shape if not isinstance(length, Batch)]
    return math.prod([*batches, *others]) if len(batches) == 1 else 0
