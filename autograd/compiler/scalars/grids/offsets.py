"""Choose the step of each kind of a grid, and the order of kinds within a step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.grids.lattice import Edge


class Offsets(NamedTuple):
    """The steps in which kinds are computed, and their order within one.

    Attributes:
        steps: the delay of each kind relative to its coordinates.
        order: the kinds, in their order within a step.
    """

    steps: dict[int, int]
    order: list[int]


def offsets(spans: Mapping[Edge, int], results: Collection[int]) -> Offsets | None:
    """Return the offsets that minimise loop-carried state; None if there are none.

    Args:
        spans: the number of steps that each edge spans, before the offsets of its two kinds.
        results: kinds that are read outside, which are best carried to the end.
    """
    kinds = sorted({kind for edge in spans for kind in (edge[0], edge[2])})
    best: tuple[tuple[int, int], Offsets] | None = None
    for pinned in kinds[: cost_of_loops.MOST_PINNED]:
        latest = _latest(spans, kinds, pinned)
        if latest is None:
            return None
        parts = len(kinds) + 1
        for shift in range(parts):
            moved = {kind: late + shift for kind, late in latest.items()}
            steps = {kind: late // parts for kind, late in moved.items()}
            carried = [n for n in (max(lag, kind in results) for kind, lag in _lags(spans, steps).items()) if n]
            key = sum(carried), len(carried)
            if best is None or key < best[0]:
                order = sorted(kinds, key=lambda kind: (moved[kind] % parts, kind))
                best = key, Offsets(steps, order)
    return best and best[1]


def _lags(spans: Mapping[Edge, int], steps: Mapping[int, int]) -> dict[int, int]:
    """Return the number of steps by which each kind is read back."""
    lags: dict[int, int] = {}
    for (reader, _, read), span in spans.items():
        lags[read] = max(lags.get(read, 0), span + steps[reader] - steps[read])
    return lags


def _latest(spans: Mapping[Edge, int], kinds: Sequence[int], pinned: int) -> dict[int, int] | None:
    """Return the latest times of kinds, in units of a step divided by the number of kinds plus one.

    One kind is pinned at 0, and each kind is at least one unit later than its operands (Bellman-Ford). None if an
    operation would depend on a later one.
    """
    parts = len(kinds) + 1
    far = parts * (1 + sum(map(abs, spans.values())))
    latest = {kind: 0 if kind == pinned else far for kind in kinds}
    for _ in range(parts):
        changed = False
        for (reader, _, read), span in spans.items():
            most = latest[reader] + parts * span - 1
            if most < latest[read]:
                latest[read], changed = most, True
        if not changed:
            return latest
    return None
