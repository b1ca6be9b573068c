"""Wavefronts: assign each operation of a grid a step and a lane."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from autograd.arrays import np
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.grids.cells import cells_of, edges_of
from autograd.compiler.scalars.grids.kinds import kinds_of
from autograd.compiler.scalars.grids.lattice import Edge, Vector, coordinates
from autograd.compiler.scalars.grids.offsets import offsets
from autograd.compiler.scalars.grids.ragged import Lanes, Read
from autograd.compiler.scalars.program import ScalarProgram

_FACTORS = range(-cost_of_loops.MOST_SKEWED, cost_of_loops.MOST_SKEWED + 1)


def wavefronts(program: ScalarProgram) -> Lanes | None:
    """Return the largest grid of a program, by step and lane; None if there is none.

    None as well if all lanes have all steps, since that is an ordinary loop.
    """
    best: Lanes | None = None
    for rounds in range(1, 1 + cost_of_loops.MOST_ROUNDS):
        lanes = _wavefronts(program, rounds)
        if lanes and (best is None or len(lanes.places) > len(best.places)):
            best = lanes
        if best and cost_of_loops.mostly_in_grid(len(best.places), len(program.operations)):
            break
    return best if best and best.is_ragged else None


def _wavefronts(program: ScalarProgram, rounds: int) -> Lanes | None:
    kinds = kinds_of(program, rounds)
    cells = cells_of(program, kinds) if kinds else set()
    if kinds is None or not cost_of_loops.worth_wavefronts(len(cells)):
        return None
    edges = edges_of(cells, kinds)
    plane = coordinates(cells, kinds, edges)
    if plane is None:
        return None
    at, spans = plane
    nodes = sorted(cells)
    of = [kinds.of[i] for i in nodes]
    x, y = (np.array([at[i][n] for i in nodes]) for n in range(2))
    read = {k for i in program.operations if i not in cells for k in kinds.rows[i]} | set(program.outputs)
    results = {kinds.of[i] for i in read & cells}
    for along in _directions(x, y, spans):
        scheduled = offsets({edge: _dot(along, span) for edge, span in spans.items()}, results)
        if scheduled is not None:
            break
    else:
        return None
    step_of, order = scheduled
    across = _across(along, x, y)
    step = (along[0] * x + along[1] * y + np.array([step_of[kind] for kind in of])).tolist()
    lane = (across[0] * x + across[1] * y).tolist()
    waits = {e: _dot(along, span) + step_of[e[0]] - step_of[e[2]] for e, span in spans.items()}
    sideways = {e: _dot(across, span) for e, span in spans.items()}
    shift = _shifts(of, lane, waits, sideways)
    first = min(step)
    places = {i: (kind, t - first, n + shift[kind]) for i, kind, t, n in zip(nodes, of, step, lane)}
    if len(set(places.values())) < len(places):
        return None
    reads = {(e[0], e[1]): Read(e[2], waits[e], sideways[e] + shift[e[0]] - shift[e[2]]) for e in edges}
    lanes = Lanes(places, [kind for kind in order if kind in set(of)], reads, max(step) - first + 1)
    return lanes if cost_of_loops.worth_wave(len(cells), lanes.steps * sum(map(len, lanes.lanes.values()))) else None


def _dot(a: Vector, b: Vector) -> int:
    return a[0] * b[0] + a[1] * b[1]


def _directions(x: np.ndarray, y: np.ndarray, spans: Mapping[Edge, Vector]) -> Sequence[Vector]:
    """Return the possible directions of time, in the order of the number of steps that a grid takes."""

    def effort(along: Vector) -> tuple[int, int, Vector]:
        step = along[0] * x + along[1] * y
        return int(step.max() - step.min()), sum(abs(_dot(along, span)) for span in spans.values()), along

    return sorted([(a, b) for a, b in itertools.product(_FACTORS, _FACTORS) if math.gcd(a, b) == 1], key=effort)


def _across(along: Vector, x: np.ndarray, y: np.ndarray) -> Vector:
    """Return the direction across time with the fewest lanes, such that places have distinct pairs of step and lane."""
    both = itertools.product(range(-8, 9), range(-8, 9))

    def count(across: Vector) -> tuple[int, int, Vector]:
        lane = across[0] * x + across[1] * y
        return int(lane.max() - lane.min()), abs(across[0]) + abs(across[1]), (-across[0], -across[1])

    return min([(a, b) for a, b in both if along[0] * b - along[1] * a in (1, -1)], key=count)


def _shifts(
    of: Sequence[int], lane: Sequence[int], waits: Mapping[Edge, int], sideways: Mapping[Edge, int]
) -> dict[int, int]:
    """Return shifts of the lanes of each kind, so that the kinds of a step read one another in the same lane."""
    shift: dict[int, int] = {}
    least: dict[int, int] = {}
    for kind, n in zip(of, lane):
        least[kind] = min(n, least.get(kind, n))
    for kind in least:
        if kind in shift:
            continue
        shift[kind] = 0
        part, changed = {kind}, True
        while changed:
            changed = False
            for e, dt in waits.items():
                if dt == 0 and (e[0] in part) != (e[2] in part):
                    if e[0] in part:
                        shift[e[2]] = shift[e[0]] + sideways[e]
                    else:
                        shift[e[0]] = shift[e[2]] - sideways[e]
                    part |= {e[0], e[2]}
                    changed = True
        down = min(least[k] + shift[k] for k in part if k in least)
        for k in part:
            shift[k] -= down
    return shift
