"""Ragged loops: their body has all lanes, and lanes that are missing at a step are padding.

A lane is a place in the body. At steps where a lane's operation is missing, its result is replaced: by the border value
that is read there, such as the first column of a grid, and otherwise by an arbitrary number, which nothing reads.
Padding reads the outer operands of the lane's nearest step, so it is finite where that is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from autograd import primitives
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.loops.repeat import Arrays, Repeat
from autograd.compiler.scalars.program import ScalarProgram

Place = tuple[int, int, int]
"""A kind of operation, a step, and a lane."""

Slot = tuple[int, int]
"""A kind of operation, and a lane."""


class Read(NamedTuple):
    """An operand: its kind, and the distance in steps and in lanes at which it is read back."""

    kind: int
    steps: int
    lanes: int


@dataclass(frozen=True)
class Lanes:
    """Operations by step and lane.

    Attributes:
        places: the place of each operation.
        order: the kinds, in their order within a step.
        reads: the inner operands, by kind and operand number.
        steps: the number of steps.
    """

    places: Mapping[int, Place]
    order: Sequence[int]
    reads: Mapping[tuple[int, int], Read]
    steps: int

    @cached_property
    def node(self) -> dict[Place, int]:
        """The operation at each place."""
        return {place: i for i, place in self.places.items()}

    @cached_property
    def lanes(self) -> dict[int, list[int]]:
        """The lanes that each kind has at any step."""
        lanes: dict[int, set[int]] = {kind: set() for kind in self.order}
        for kind, _, lane in self.places.values():
            lanes[kind].add(lane)
        return {kind: sorted(own) for kind, own in lanes.items()}

    @property
    def is_ragged(self) -> bool:
        """True if the lanes begin, or end, at different steps, so that the loop needs padding."""
        steps: dict[Slot, list[int]] = {}
        for kind, t, lane in self.places.values():
            steps.setdefault((kind, lane), []).append(t)
        begins = Counter(kind for kind, _ in {(kind, min(own)) for (kind, _), own in steps.items()})
        ends = Counter(kind for kind, _ in {(kind, max(own)) for (kind, _), own in steps.items()})
        return any(
            cost_of_loops.is_staggered(max(begins[kind], ends[kind]), len(lanes)) for kind, lanes in self.lanes.items()
        )

    @cached_property
    def lags(self) -> dict[int, int]:
        """The largest number of steps by which each kind is read back."""
        lags = dict.fromkeys(self.order, 0)
        for read in self.reads.values():
            lags[read.kind] = max(lags[read.kind], read.steps)
        return lags


def nearest(nodes: Mapping[int, int], steps: range) -> list[int]:
    """Return the node of each step, or else that of the nearest step that has one."""
    known = sorted(nodes)
    row, n = [], 0
    for t in steps:
        while n + 1 < len(known) and abs(known[n + 1] - t) <= abs(known[n] - t):
            n += 1
        row.append(nodes[known[n]])
    return row


class _Key(NamedTuple):
    """A number that the body reads: "constant", "state", "read" by step, "same" (invariant), or "new" in this step.

    Attributes:
        sort: one of these.
        of: the number, the kind and lag, the array, or the kind.
        lane: the number of the element in an array.
    """

    sort: str
    of: tuple[float, ...]
    lane: int = 0


class PaddedLoop:
    """A loop with all lanes at every step, and its operands.

    Args:
        program: the program whose operations become the loop, without sums of products.
        lanes: the places of these operations.
        border: the nodes that are read in place of operations.
        read: the operations that are read outside.

    Attributes:
        repeat: the loop.
        operands: the loop's operands: nodes, or -1 - n for the n-th number.
        numbers: these numbers.
        results: the number of the loop's result for each operation that is read outside.
    """

    def __init__(self, program: ScalarProgram, lanes: Lanes, border: Mapping[Place, int], read: Sequence[int]) -> None:
        self._program, self._lanes = program, lanes
        self._rows = _by_lane({place: i for i, place in lanes.places.items()})
        self._border = _by_lane(border)
        self._visible = {kind: self._visible_lanes(kind) for kind in lanes.order}
        self.numbers: list[float] = []
        self._arrays: dict[str, dict[tuple[tuple[int, ...], ...], int]] = {"read": {}, "same": {}}
        self._operands = {kind: self._operands_of(kind) for kind in lanes.order}
        self._masks = {kind: self._mask(kind) for kind in lanes.order}
        last = lanes.steps - 1
        by_step_read = {kind for kind, t, _ in map(lanes.places.__getitem__, read) if t < last}
        final_read = {kind for kind, t, _ in map(lanes.places.__getitem__, read) if t == last} - by_step_read
        lags = {kind: max(lag, int(kind in final_read)) for kind, lag in lanes.lags.items()}
        states = [
            (kind, lag, lane)
            for kind in lanes.order
            for lag in range(1, lags[kind] + 1)
            for lane in self._visible[kind]
        ]
        initial = [self._replaced(kind, lane, range(-lag, 1 - lag))[0] for kind, lag, lane in states]
        written = [(kind, lane) for kind in lanes.order if kind in by_step_read for lane in lanes.lanes[kind]]
        self.results: dict[int, int] = {}
        for i in read:
            kind, t, lane = lanes.places[i]
            final = kind not in by_step_read
            place = states.index((kind, 1, lane)) if final else t * len(written) + written.index((kind, lane))
            self.results[i] = place if final else len(states) + place
        by_step = [column for rows in self._arrays["read"] for column in rows]
        same = [column[0] for rows in self._arrays["same"] for column in rows]
        self.operands = [*initial, *(column[t] for t in range(lanes.steps) for column in by_step), *same]
        arrays = Arrays(
            tuple([len(self._visible[kind]) for kind in lanes.order for _ in range(lags[kind])]),
            tuple(map(len, self._arrays["read"])),
            tuple(map(len, self._arrays["same"])),
            tuple([len(lanes.lanes[kind]) for kind in lanes.order if kind in by_step_read]),
        )
        self.repeat = Repeat(self._body(states, written), lanes.steps, arrays)

    # Reads

    def _number(self, x: float) -> int:
        if x not in self.numbers:
            self.numbers.append(x)
        return -1 - self.numbers.index(x)

    def _constant(self, i: int) -> float | None:
        return self.numbers[-1 - i] if i < 0 else self._program.constants.get(i)

    def _columns(self, rows: Mapping[int, list[int]]) -> dict[int, _Key]:
        """Return keys that read these nodes by step, lane by lane: a constant, or an array of all lanes."""
        distinct = {i for row in rows.values() for i in row}
        if len(distinct) == 1 and len(rows) > 1:
            number = self._constant(next(iter(distinct)))
            if number is not None:
                return dict.fromkeys(rows, _Key("constant", (number,)))
        sort = "same" if all(len(set(row)) == 1 for row in rows.values()) else "read"
        arrays = self._arrays[sort]
        array = arrays.setdefault(tuple(map(tuple, rows.values())), len(arrays))
        return {lane: _Key(sort, (array,), n) for n, lane in enumerate(rows)}

    def _operands_of(self, kind: int) -> dict[int, list[_Key]]:
        """Return the operands of a kind, lane by lane."""
        rows, steps = self._rows[kind], range(self._lanes.steps)
        operands: dict[int, list[_Key]] = {lane: [] for lane in self._lanes.lanes[kind]}
        example = next(iter(next(iter(rows.values())).values()))
        for p in range(len(self._program.operands_of(example))):
            read = self._lanes.reads.get((kind, p))
            if read is None:
                columns = self._columns(
                    {
                        lane: nearest({t: self._program.operands_of(i)[p] for t, i in rows[lane].items()}, steps)
                        for lane in operands
                    }
                )
            else:
                columns = {lane: self._within(read, lane - read.lanes) for lane in operands}
            for lane, row in operands.items():
                row.append(columns[lane])
        return operands

    def _visible_lanes(self, kind: int) -> list[int]:
        """Return the lanes of a kind, including those with border values alone."""
        return sorted({*self._lanes.lanes[kind], *self._border.get(kind, ())})

    def _within(self, read: Read, lane: int) -> _Key:
        """Return the key of a lane's result, this many steps earlier, or of the nearest lane if there is none."""
        lane = min(self._visible[read.kind], key=lambda other: abs(other - lane))
        return _Key("state", (read.kind, read.steps), lane) if read.steps else _Key("new", (read.kind,), lane)

    def _mask(self, kind: int) -> dict[int, tuple[_Key, _Key]]:
        """Return the padding mask and the replacement values of each lane of a kind; nothing if no padding is read."""
        steps, lanes = range(self._lanes.steps), self._visible[kind]
        border = self._border.get(kind, {})
        if lanes == self._lanes.lanes[kind] and not any(t in steps for row in border.values() for t in row):
            return {}
        rows = self._rows[kind]
        masks = {lane: [self._number(float(t not in rows.get(lane, ()))) for t in steps] for lane in lanes}
        values = {lane: self._replaced(kind, lane, steps) for lane in lanes}
        of_masks, of_values = self._columns(masks), self._columns(values)
        return {lane: (of_masks[lane], of_values[lane]) for lane in lanes}

    def _replaced(self, kind: int, lane: int, steps: range) -> list[int]:
        """Return a border value for each step; for unread ones the nearest, unless that is an infinite constant."""
        border = self._border.get(kind, {})
        if not border:
            return [self._number(0.0)] * len(steps)
        read = border.get(lane, {})
        others = read or border[min(border, key=lambda other: abs(other - lane))]
        row = nearest(others, steps)
        for n, t in enumerate(steps):
            number = self._constant(row[n])
            if t not in read and number is not None and not math.isfinite(number):
                row[n] = self._number(0.0)
        return row

    # Computation

    def _body(self, states: Sequence[tuple[int, int, int]], written: Sequence[Slot]) -> ScalarProgram:
        keys = [_Key("state", (kind, lag), lane) for kind, lag, lane in states]
        sizes = [len(keys)]
        for sort, arrays in self._arrays.items():
            keys += [_Key(sort, (array,), n) for rows, array in arrays.items() for n in range(len(rows))]
            sizes.append(len(keys) - sum(sizes))
        nodes = {key: n for n, key in enumerate(keys)}
        builder = Builder(sizes, 0, self._program.primitives)

        def node(key: _Key) -> int:
            if key not in nodes:
                nodes[key] = builder.constant(key.of[0])
            return nodes[key]

        result: dict[Slot, int] = {}
        for kind in self._lanes.order:
            for lane, row in self._operands[kind].items():
                opcode = self._program.opcodes[next(iter(self._rows[kind][lane].values()))]
                result[kind, lane] = builder.application(opcode, [node(key) for key in row])
                nodes[_Key("new", (kind,), lane)] = result[kind, lane]
            for lane, (mask, value) in self._masks[kind].items():
                own = min(self._lanes.lanes[kind], key=lambda other: abs(other - lane))
                choice = [node(mask), node(value), result[kind, own]]
                nodes[_Key("new", (kind,), lane)] = builder.application(builder.opcode(primitives.where), choice)
        after = [
            nodes[_Key("new", (kind,), lane) if lag == 1 else _Key("state", (kind, lag - 1), lane)]
            for kind, lag, lane in states
        ]
        return builder.program([*after, *(result[slot] for slot in written)])


def _by_lane(nodes: Mapping[Place, int]) -> dict[int, dict[int, dict[int, int]]]:
    """Return nodes by kind, lane and step."""
    rows: dict[int, dict[int, dict[int, int]]] = {}
    for (kind, t, lane), i in nodes.items():
        rows.setdefault(kind, {}).setdefault(lane, {})[t] = i
    return rows
