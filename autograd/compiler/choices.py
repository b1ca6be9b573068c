"""Stage 2, its last step: what a choice did not take contributes nothing to any derivative.

The derivative to what `where`, relu or maximum did not take is 0. Multiplied by a slope that is infinite there it would
become nan, as in `where(x > 0, sqrt(x), 0.0)` at 0. So a backward pass masks the derivatives that it hands on: where a
node was not taken they are 0, whatever its slope. Whether it was taken is 1.0 or 0.0, which nodes of its own compute
from the choices above it, for backward passes only.

There is a mask only where it can make a difference, so that networks do without:

- below a choice, of a node whose slope can be infinite or nan, be it that its own value is, as that of exp can be;
- at a choice, where the derivative that arrives can be infinite or nan, though the result is finite;
- where array operations compute together what has a derivative and what has none, as it is detached, a condition, or an
  auxiliary output.

Weighted sums, such as a neuron, are exempt: what they multiply is taken to be finite. One weight alone counts as such
unless a `where` is above it, which may be there for what is not finite: `where(x == x, w * x, 0.0)`.
"""

from __future__ import annotations

from autograd.compiler.conditions import ALWAYS, Conditions, Gate, Nodes
from autograd.compiler.edges import Slope, dependent_on_arguments, edges
from autograd.compiler.simplify import Masks, Scalars
from autograd.primitives import Primitive


def with_masks(scalars: Scalars, seeds: int) -> Scalars:
    """The program, with the masks that its backward passes need.

    Args:
        seeds: how many of the outputs, from the first on, have derivatives.
    """
    made_by = scalars.trace.primitives
    if seeds == len(scalars.outputs) and not any(_chooses(made_by[i]) for i in scalars.operands):
        return scalars
    return _Sweep(scalars, seeds).masked()


def _chooses(primitive: Primitive | None) -> bool:
    return primitive is not None and primitive.chooses


class _Sweep:
    """From the outputs to the leaves, as a backward pass goes: when each node is reached, and what can arrive there."""

    def __init__(self, scalars: Scalars, seeds: int) -> None:
        self._scalars = scalars
        self._made_by = scalars.trace.primitives
        self._varying = dependent_on_arguments(scalars)
        self._conditions = Conditions(self._made_by)
        seeded = scalars.outputs[:seeds]
        self._arrived: dict[int, set[Gate]] = {i: {ALWAYS} for i in seeded}
        self._finite = set(seeded)  # an infinite result is an error
        self._shown = set(seeded)  # nodes that make the result nan where they are
        self._infinite: set[int] = set()  # nodes to which a derivative can arrive that is infinite or nan
        self._reached: dict[int, Gate] = {}
        self._choices: set[int] = set()

    def masked(self) -> Scalars:
        unreached = set()
        for i in reversed(self._scalars.order):
            if i in self._arrived:
                self._visit(i)
            elif any(_needs_mask(edge.slope, False, False) for edge in edges(self._scalars, self._varying, i, False)):
                unreached.add(i)
        nodes = Nodes(self._scalars, self._conditions)
        reached = {i: nodes.of(gate) for i, gate in self._reached.items()}
        masks = Masks(nodes.order, reached, frozenset(self._choices), frozenset(unreached))
        return nodes.scalars()._replace(masks=masks)

    def _visit(self, i: int) -> None:
        gate = self._conditions.any(self._arrived.pop(i))
        infinite, finite = i in self._infinite, i in self._finite
        choice = i not in self._scalars.sums and _chooses(self._made_by[i])
        shown = i in self._shown
        for place, k, slope, keeps, shows in edges(self._scalars, self._varying, i, shown):
            if slope == Slope.NONE or k in self._scalars.constants:
                continue
            if choice and (infinite or slope == Slope.SINGULAR):
                self._choices.add(i)
            through = self._conditions.taken(gate, i, place) if choice else gate
            self._arrived.setdefault(k, set()).add(through)
            if gate != ALWAYS and _needs_mask(slope, finite, shown):
                self._reached[i] = gate
            if (
                slope == Slope.SINGULAR
                or (slope == Slope.LIKE_VALUE and not finite)
                or (infinite and slope != Slope.WEIGHT)
            ):
                self._infinite.add(k)
            if slope == Slope.WEIGHT or (finite and keeps):
                self._finite.add(k)
            if shown and shows:
                self._shown.add(k)


def _needs_mask(slope: Slope, finite: bool, shown: bool) -> bool:
    """Whether a slope can be infinite or nan where its node was not taken, though the result is finite."""
    if slope == Slope.BOUNDED:
        return not (finite or shown)
    return slope == Slope.SINGULAR or (slope == Slope.LIKE_VALUE and not finite)
