"""An optimizer's updates as machine code, which goes once over the vectors of weights, gradient and state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler.vector_rules import NotRecordedError, Recorded, Recording, Step, VectorPass, vector_pass
from nn.descent import Optimizer
from nn.optimizers import SGD
from nn.training.memory import aligned_vectors

Vector = NDArray[np.float64]

CALLS, ELEMENT = 2e-6, 0.3e-9
"""Seconds that an update of gradient descent takes NumPy longer: beyond the numbers, and for each of them."""

BEFORE_MAKING = 5e-3
"""Seconds that machine code must have been able to save before it is made, which takes 25 ms."""

LEAST_RECORDED = 8_000
"""Parameters from which on it pays to record a rule in each step, which is done where the numbers in it change: Adam's
takes 20 µs."""

MOST_WAYS = 4
"""A rule that goes more ways than these is left to NumPy."""

GRADIENT = 1
"""The place, behind the weights, of the vector of which the largest |x| is asked for."""


class _Way(NamedTuple):
    """A way that a rule goes, and its machine code: what is computed, and which of it are the results."""

    steps: list[Step]
    places: list[int]
    run: VectorPass


class FusedUpdates:
    """Makes the updates of a training as machine code, to the bits of `Optimizer.after_update`.

    The optimizer's own rule is recorded, whatever it is. There is no update, so that NumPy makes it, before machine
    code pays; where there can be none; for a rule that is more than arithmetic at each place; and where a result is not
    finite.
    """

    def __init__(self) -> None:
        self._saved = 0.0
        self._is_possible = True
        self._ways: list[_Way] = []
        self._way: _Way | None = None  # that the rule went last
        self._latest: Optimizer | None = None  # which goes that way again as long as the rate is this
        self._rate = math.nan
        self._updates = self._recordings = 0
        self._pairs: dict[str, list[Vector]] = {}  # for a vector of the state: one is read, the other written

    def update(
        self, optimizer: Optimizer, weights: Vector, gradient: Vector, rate: float, into: Vector
    ) -> tuple[Optimizer, float] | None:
        """Compute one update: what the optimizer is after it, and the largest |∂C/∂w|. Nothing is changed but `into`.

        Args:
            weights, gradient: of its parameters.
            rate: of this step.
            into: another vector, for the new weights.
        """
        is_known = optimizer is self._latest and rate == self._rate
        if not is_known and not (optimizer.steps and self._pays(len(weights))):
            return None  # in its first step a rule has no state yet
        self._updates += 1
        after, before = optimizer.copied(), optimizer.state
        after.steps += 1
        way = self._way if is_known else self._recorded(optimizer, after, weights, gradient, rate)
        if way is None:
            return None
        after.state = state = {name: self._other(name, vector) for name, vector in before.items()} if before else {}
        largest, of_results = way.run((weights, gradient, *before.values(), into, *state.values()))
        if not (largest < math.inf and of_results < math.inf):
            return None
        if self._latest is not None:
            self._latest = after
        return after, largest

    def covers(self, optimizer: Optimizer) -> bool:
        """Return whether there may be machine code for the updates of an optimizer."""
        if optimizer is self._latest:
            return True
        kind = type(optimizer)
        is_plain = kind.after_update is Optimizer.after_update and kind._update is Optimizer._update
        return self._is_possible and is_plain and optimizer.max_gradient_norm is None

    def _pays(self, size: int) -> bool:
        """Return whether machine code has been made, or is worth making by now."""
        if self._ways:
            return True
        self._saved += CALLS + ELEMENT * size
        return self._saved >= BEFORE_MAKING

    def _other(self, name: str, vector: Vector) -> Vector:
        """Return a vector to write the state to, which is another one than that which is read."""
        if name not in self._pairs:
            self._pairs[name] = aligned_vectors(2, len(vector))
        one, other = self._pairs[name]
        return other if vector is one else one

    def _recorded(
        self, optimizer: Optimizer, after: Optimizer, weights: Vector, gradient: Vector, rate: float
    ) -> _Way | None:
        """Return the way that the rule goes in this step, with its numbers. It is run in `after`."""
        self._recordings += 1
        if len(weights) < LEAST_RECORDED and self._recordings > 8 + self._updates // 8:
            self._is_possible = False
            return None
        try:
            recording, results = _recorded_rule(optimizer, after, rate)
            places = [recording.place(x) for x in results]
            way = next((way for way in self._ways if way.steps == recording.steps and way.places == places), None)
            if way is None:
                run = self._made(recording, results, optimizer, weights, gradient, rate)
                way = _Way(recording.steps, places, run)
                self._ways.append(way)
        except FloatingPointError:  # which NumPy's update raises again
            return None
        except Exception:  # likewise, if it is the rule's own
            self._is_possible = False
            return None
        way.run.give(recording.numbers)
        self._way, self._latest, self._rate = way, optimizer if _always_does_so(after) else None, rate
        return way

    def _made(
        self,
        recording: Recording,
        results: Sequence[Recorded],
        optimizer: Optimizer,
        weights: Vector,
        gradient: Vector,
        rate: float,
    ) -> VectorPass:
        """Make machine code, which must compute what NumPy does.

        Raises:
            NotRecordedError: where it does not, and where there is none.
            FloatingPointError: where the update would not be finite.
        """
        run = vector_pass(recording, results, GRADIENT) if len(self._ways) < MOST_WAYS else None
        if run is None:
            raise NotRecordedError("there is no machine code, or a rule goes too many ways")
        expected, new = optimizer.after_update_at(rate, weights, gradient)
        computed = aligned_vectors(len(results), len(weights))
        run((weights, gradient, *optimizer.state.values(), *computed))
        if not all(map(np.array_equal, computed, (new, *expected.state.values()))):
            raise NotRecordedError("a rule does something else than what was recorded")
        return run


def _recorded_rule(optimizer: Optimizer, after: Optimizer, rate: float) -> tuple[Recording, list[Recorded]]:
    """Run an optimizer's rule in a copy of it; return what it did, and its results.

    Raises:
        Exception: whatever the rule raises where it is more than arithmetic at each place.
    """
    recording = Recording()
    weights, gradient = recording.vector(), recording.vector()
    state = {name: recording.vector() for name in optimizer.state}
    after.state, new = dict(state), recording.blank()  # type: ignore[arg-type]
    after._rule(weights, gradient, rate, new)  # type: ignore[arg-type]
    if list(after.state) != list(state):
        raise NotRecordedError("a rule has a state of other vectors than before")
    if any(isinstance(x, Recorded) for x in vars(after).values()):
        raise NotRecordedError("a rule keeps a vector beside its state")
    return recording, [new, *after.state.values()]  # type: ignore[list-item]


def _always_does_so(optimizer: Optimizer) -> bool:
    """Return whether the rule is gradient descent as it stands here, which minds neither the step nor anything else."""
    kinds, methods = type(optimizer).__mro__, {"_rule", "_vector", "__getattribute__", "__getattr__"}
    if type(optimizer)._rule is not SGD._rule or not methods.isdisjoint(vars(optimizer)):
        return False
    read = methods | set(SGD._rule.__code__.co_names)
    return all(read.isdisjoint(vars(kind)) for kind in kinds[: kinds.index(SGD)])
