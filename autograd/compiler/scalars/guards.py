"""Guard derivatives: what a choice did not take contributes nothing to any derivative.

The derivative to what `where`, relu or maximum did not take is 0. Multiplied by a local derivative that is infinite
there it would become nan, as in `where(x > 0, sqrt(x), 0.0)` at 0. So a backward pass guards the cotangents that it
passes on: where a node was not taken they are 0, whatever its local derivative. Whether it was taken is 1.0 or 0.0,
computed from the choices above it by nodes of their own, for backward passes only.

There is a guard only where it can make a difference, so that networks do without:

- below a choice, for a node whose local derivative can be infinite or nan, if only because its value is, as for exp;
- at a choice, where the cotangent that arrives can be infinite or nan though the result is finite;
- where array operations compute together what has a derivative and what has none, as it is detached, a condition, or an
  auxiliary output.

Weighted sums, such as a neuron, are exempt: what they multiply is taken to be finite. One weight alone counts as such
unless a `where` is above it, which may be there for what is not finite: `where(x == x, w * x, 0.0)`.
"""

from __future__ import annotations

from types import MappingProxyType

from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import NO_GUARDS, Guards
from autograd.compiler.scalars.conditions import ALWAYS, Conditions, Gate, GuardNodes
from autograd.compiler.scalars.nodes import ABSENT, APPLY
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.signs import signs
from autograd.compiler.scalars.slopes import chooses_share, dependent_on_arguments, edges
from autograd.table import Slope


def add_guards(program: ScalarProgram) -> ScalarProgram:
    """The program with the guards that its backward passes need, of those of its outputs that have derivatives.

    Raises:
        ValueError: where it has guards already.
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
    """From the outputs to the leaves, as a backward pass goes: when each node is reached, and what can arrive there.

    Attributes:
        conditions: those that were met.
        reached: of nodes that need a guard, the condition.
        choices: the choices at which a cotangent can arrive that is infinite or nan.
    """

    def __init__(self, program: ScalarProgram) -> None:
        self._program = program
        self._dependent, self._signs = dependent_on_arguments(program), signs(program)
        self.conditions = Conditions(program)
        seeded = program.outputs[: program.differentiated]
        self._arrived: dict[int, set[Gate]] = {i: {ALWAYS} for i in seeded}
        self._finite = set(seeded)  # an infinite result is an error
        self._shown = set(seeded)  # nodes that make the result nan where they are
        self._infinite: set[int] = set()  # nodes to which a cotangent can arrive that is infinite or nan
        self.reached: dict[int, Gate] = {}
        self.choices: set[int] = set()

    def run(self) -> set[int]:
        """Visit all nodes; gives those that no derivative reaches, and whose slopes can be infinite or nan."""
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
        if self._program.is_sum(i) and ((finite and not infinite) or self._is_weighted(i, shown)):
            self._visit_sum_of_finite(i, gate, shown)
            return
        choice = self._chooses(i)
        for place, k, slope, keeps, shows in edges(self._program, i, self._dependent, self._signs, self._finite, shown):
            if slope == Slope.NONE or k in self._program.constants:
                continue
            if choice and (infinite or slope == Slope.SINGULAR):
                self.choices.add(i)
            through = self.conditions.taken(gate, i, place) if choice else gate
            self._arrived.setdefault(k, set()).add(through)
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

    def _is_weighted(self, i: int, shown: bool) -> bool:
        """Tell whether a sum is seen at once to have weighted terms alone, as a neuron's."""
        start, count = self._program.starts[i], self._program.counts[i]
        rights = self._program.rights[start : start + count]
        if count < 2 - shown or ABSENT in rights:
            return False
        lefts = self._program.lefts[start : start + count]
        return self._dependent.isdisjoint(lefts) or self._dependent.isdisjoint(rights)

    def _visit_sum_of_finite(self, i: int, gate: Gate, shown: bool) -> None:
        """Visit a sum of what is finite wherever the result is: no slope needs a guard, and none makes inf or nan."""
        operands = set(self._program.operands_of(i)).difference(self._program.constants)
        for k in operands:
            self._arrived.setdefault(k, set()).add(gate)
        self._finite |= operands
        if shown:
            self._shown |= operands

    def _chooses(self, i: int) -> bool:
        primitive = self._program.primitive_of(i)
        return primitive is not None and primitive.chooses and not chooses_share(self._program, i)


def _needs_guard(slope: Slope, finite: bool, shown: bool) -> bool:
    """Tell whether a slope can be infinite or nan where its node was not taken, though the result is finite."""
    if slope == Slope.BOUNDED:
        return not (finite or shown)
    return slope == Slope.SINGULAR or (slope == Slope.LIKE_VALUE and not finite)
