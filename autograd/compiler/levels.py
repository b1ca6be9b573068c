"""Projections of the inputs are split off the sums of a recurrence, so that all steps compute them at one level."""

from __future__ import annotations

from autograd.compiler.recover.schedule import depths, reads_of
from autograd.compiler.simplify import Scalars
from autograd.compiler.sums import Sum


def split_projections(scalars: Scalars, captured: set[int]) -> None:
    """Compute the weighted sums of arguments or data apart that share their weights with others, as in a recurrence.

    So the products of all steps with the inputs are found at one depth, whatever depth the steps themselves are at.
    """
    arguments = {i for indices in scalars.trace.arguments for i in indices if i >= 0}
    arguments.update(scalars.constants)  # those that sums still refer to are data
    uses: dict[int, int] = {}
    projections: dict[int, list[int]] = {}
    mixed = False
    for i, found in scalars.sums.items():
        chosen: list[int] = []
        others = False
        for n, (x, y) in enumerate(zip(found.lefts, found.rights)):
            if (x in captured and y in arguments) or (y in captured and x in arguments):
                if not chosen or found.slots[n] == found.slots[chosen[0]]:
                    chosen.append(n)
                weight = x if x in captured else y
                uses[weight] = uses.get(weight, 0) + 1
            elif y >= 0 and not (x in captured and y in captured):
                others = True
        if chosen:
            projections[i] = chosen
            mixed = mixed or others
    if not mixed:
        return
    depth = depths(scalars.order, reads_of(scalars))
    shared_weights = {weight for weight, n in uses.items() if n > 1}
    new = scalars.size
    split: dict[int, int] = {}
    deep = {
        k
        for i, chosen in projections.items()
        if depth[i] > 0
        for n in chosen
        for k in (scalars.sums[i].lefts[n], scalars.sums[i].rights[n])
        if k in shared_weights
    }
    for i, chosen in projections.items():
        found = scalars.sums[i]
        weights = {k for n in chosen for k in (found.lefts[n], found.rights[n]) if k in captured}
        if not weights <= deep or len(chosen) == len(found.lefts):
            continue
        apart = set(chosen)
        rest = [n for n in range(len(found.lefts)) if n not in apart]
        scalars.sums[new] = Sum(
            [found.coefficients[n] for n in chosen],
            [found.lefts[n] for n in chosen],
            [found.rights[n] for n in chosen],
            [0] * len(chosen),
        )
        behind = next((k for k, n in enumerate(rest) if n > chosen[-1]), len(rest))
        before, rest = rest[:behind], rest[behind:]
        scalars.sums[i] = found._replace(
            coefficients=[*(found.coefficients[n] for n in before), 1.0, *(found.coefficients[n] for n in rest)],
            lefts=[*(found.lefts[n] for n in before), new, *(found.lefts[n] for n in rest)],
            rights=[*(found.rights[n] for n in before), -1, *(found.rights[n] for n in rest)],
            slots=[*(found.slots[n] for n in before), found.slots[chosen[0]], *(found.slots[n] for n in rest)],
        )
        split[i] = new
        new += 1
    scalars.order[:] = [k for i in scalars.order for k in ((split[i], i) if i in split else (i,))]
