"""Guard derivatives: an operand that a choice does not select contributes nothing to any derivative.

The cotangent of an operand that `where`, relu or maximum did not select is 0. Multiplied by an infinite local
derivative, it would become nan, as in `where(x > 0, sqrt(x), 0.0)` at 0. So a backward pass guards the cotangents that
it propagates: they are 0 where a node was not selected, for any local derivative. The condition is 1.0 or 0.0, computed
from the choices above the node by separate nodes, for backward passes only.

Guards are added only where they can make a difference, so that ordinary networks have none:

- below a choice, for a node whose local derivative can be infinite or nan, if only because its value is, as for exp;
- at a choice, if its cotangent can be infinite or nan although the result is finite;
- where one array operation computes both nodes with a derivative and nodes without, which are detached, conditions, or
  auxiliary outputs.

Weighted sums, such as a neuron, are exempt: their factors are assumed to be finite. A single weight counts as a
weighted sum unless a `where` is above it, which may handle non-finite numbers: `where(x == x, w * x, 0.0)`.
"""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType

from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import NO_GUARDS, Guards
from autograd.compiler.scalars.conditions import ALWAYS, Conditions, Gate, GuardNodes
from autograd.compiler.scalars.nodes import APPLY
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.signs import signs
from autograd.compiler.scalars.slopes import chooses_share, dependent_on_arguments, edges, weighted_terms
from autograd.table import Slope


def add_guards(program: ScalarProgram) -> ScalarProgram:
    """Return the program with the guards that the backward passes of its differentiated outputs need.

    Raises:
        ValueError: if it already has guards.
    """
    if program.guards != NO_GUARDS:
        raise ValueError("the program has guards already")
    used = {program.primitives[opcode - APPLY] for opcode in set(program.opcodes) if opcode >= APPLY}
    if program.differentiated == len(program.outputs) and not any(primitive.chooses for primitive in used):
        return program
    sweep = _Sweep(program)
    unreached = sweep.run()
    builder = Builder.of(program)
    nodes = GuardNodes(program, sweep.conditions, builder)
    of = {i: nodes.of(gate) for i, gate in sweep.reached.items()}
    count = len(builder) - len(program)
    guards = Guards(count, MappingProxyType(of), frozenset(sweep.choices), frozenset(unreached))
    return builder.successor(program, range(len(program)), range(len(program)), guards=guards)


class _Sweep:
    """A reverse sweep that determines when each node is reached, and whether its cotangent can be infinite or nan.

    Attributes:
        conditions: the conditions so far.
        reached: the conditions of nodes that need a guard.
        choices: the choices whose cotangent can be infinite or nan.
    """

    def __init__(self, program: ScalarProgram) -> None:
        self._program = program
        self._dependent, self._signs = dependent_on_arguments(program), signs(program)
        self.conditions = Conditions(program)
        seeded = program.outputs[: program.differentiated]
        self._arrived = defaultdict[int, set[Gate]](set, {i: {ALWAYS} for i in seeded})
        self._finite = set(seeded)  # an infinite result is an error
        self._shown = set(seeded)  # nodes whose nan propagates to the result
        self._infinite: set[int] = set()  # nodes whose cotangent can be infinite or nan
        self.reached: dict[int, Gate] = {}
        self.choices: set[int] = set()

    def run(self) -> set[int]:
        """Visit all nodes; return those that no cotangent reaches, and whose slopes can be infinite or nan."""
        unreached = set()
        for i in reversed(self._program.operations):
            if i in self._arrived:
                self._visit(i)
            elif any(
                _needs_guard(e.slope, False, False) for e in edges(self._program, i, self._dependent, self._signs)
            ):
                unreached.add(i)
        return unreached

    def _visit(self, i: int) -> None:
        gate = self.conditions.any(self._arrived.pop(i))
        infinite, finite = i in self._infinite, i in self._finite
        shown = i in self._shown
        if self._program.is_sum(i) and ((finite and not infinite) or self._has_only_weighted_terms(i)):
            self._visit_sum_of_finite(i, gate, shown)
            return
        choice = self._chooses(i)
        for place, k, slope, keeps, shows in edges(self._program, i, self._dependent, self._signs, self._finite, shown):
            if slope == Slope.NONE or k in self._program.constants:
                continue
            if choice and (infinite or slope == Slope.SINGULAR):
                self.choices.add(i)
            through = self.conditions.taken(gate, i, place) if choice else gate
            self._arrived[k].add(through)
            if gate != ALWAYS and _needs_guard(slope, finite, shown):
                self.reached[i] = gate
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

    def _has_only_weighted_terms(self, i: int) -> bool:
        """Return whether all slopes of a sum are weights, as in a neuron, so that its terms need no look one by one."""
        total = self._program.sum_of(i)
        return len(weighted_terms(total, self._dependent)) == len(total.lefts)

    def _visit_sum_of_finite(self, i: int, gate: Gate, shown: bool) -> None:
        """Visit a sum of terms that are finite if the result is: no slope needs a guard or produces inf or nan."""
        operands = set(self._program.operands_of(i)).difference(self._program.constants)
        for k in operands:
            self._arrived[k].add(gate)
        self._finite |= operands
        if shown:
            self._shown |= operands

    def _chooses(self, i: int) -> bool:
        primitive = self._program.primitive_of(i)
        return primitive is not None and primitive.chooses and not chooses_share(self._program, i)


def _needs_guard(slope: Slope, finite: bool, shown: bool) -> bool:
    """Return whether a slope can be infinite or nan at an unselected node although the result is finite."""
    if slope == Slope.BOUNDED:
        return not (finite or shown)
    return slope == Slope.SINGULAR or (slope == Slope.LIKE_VALUE and not finite)
