"""An optimizer's updates as machine code, which goes once over the vectors of weights, gradient and state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import FunctionType
from typing import NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler.vector_rules import Later, NotRecordedError, Recorded, Recording, Step, VectorPass, vector_pass
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


class _Recorded(NamedTuple):
    """A rule that has been recorded.

    Attributes:
        recording: of vectors: weights, gradient, state.
        results: the new weights, and the new state.
        goes_on: whether it does the same in the next step.
        has_rate: whether that is at this learning rate alone.
    """

    recording: Recording
    results: list[Recorded]
    goes_on: bool
    has_rate: bool


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
        self._rate: float | None = math.nan  # None where it is any
        self._numbers: list[float | Later] = []  # of the way
        self._may_change = False
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
        is_known = optimizer is self._latest and (self._rate is None or rate == self._rate)
        if not is_known and not (optimizer.steps and self._pays(len(weights))):
            return None  # in its first step a rule has no state yet
        self._updates += 1
        after, before = optimizer.copied(), optimizer.state
        after.steps += 1
        way = self._way if is_known else self._recorded(optimizer, after, weights, gradient, rate)
        if way is None:
            return None
        if not is_known or self._may_change:
            way.run.give(_known(self._numbers, rate, after.steps))
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
            rule = _recorded_rule(optimizer, after, rate)
            recording, results = rule.recording, rule.results
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
        self._way, self._numbers = way, recording.numbers
        self._may_change = any(type(x) is Later for x in recording.numbers)
        self._latest, self._rate = optimizer if rule.goes_on else None, rate if rule.has_rate else None
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
        run.give(_known(recording.numbers, rate, expected.steps))
        run((weights, gradient, *optimizer.state.values(), *computed))
        if not all(map(np.array_equal, computed, (new, *expected.state.values()))):
            raise NotRecordedError("a rule does something else than what was recorded")
        return run


def _known(numbers: Sequence[float | Later], rate: float, step: int) -> list[float]:
    """Return numbers as they are in a step, counted from 1."""
    return [x.value(rate, step) if isinstance(x, Later) else x for x in numbers]


def _recorded_rule(optimizer: Optimizer, after: Optimizer, rate: float) -> _Recorded:
    """Run an optimizer's rule in a copy of it.

    A rule of this package depends on the learning rate, the number of the step and the optimizer's settings, and on
    nothing else. So where it does not branch on them, it need not run again to know what it would do.

    Raises:
        Exception: whatever the rule raises where it is more than arithmetic at each place.
    """
    step = after.steps
    if _is_ours(after):
        any_rate, any_step = (Later(lambda *known, k=k: known[k]) for k in range(2))
        for given in (any_rate, rate):
            vars(after).update(vars(optimizer), steps=any_step)
            try:
                recording, results = _run(optimizer, after, given)  # type: ignore[arg-type]
            except Exception:  # whatever it is that comes of unknown numbers
                continue
            finally:
                after.steps = step
            if _settings(after) == _settings(optimizer):
                return _Recorded(recording, results, True, given is rate)
        vars(after).update(vars(optimizer), steps=step)
    return _Recorded(*_run(optimizer, after, rate), False, True)


def _run(optimizer: Optimizer, after: Optimizer, rate: float) -> tuple[Recording, list[Recorded]]:
    recording = Recording()
    weights, gradient = recording.vector(), recording.vector()
    state = {name: recording.vector() for name in optimizer.state}
    after.state, new = dict(state), recording.blank()  # type: ignore[arg-type]
    after._rule(weights, gradient, rate, new)  # type: ignore[arg-type]
    if list(after.state) != list(state):
        raise NotRecordedError("a rule has a state of other vectors than before")
    if any(isinstance(x, (Recorded, Later)) for name, x in vars(after).items() if name != "steps"):
        raise NotRecordedError("a rule keeps a vector beside its state")
    return recording, [new, *after.state.values()]  # type: ignore[list-item]


def _settings(optimizer: Optimizer) -> dict[str, object]:
    """Return an optimizer's attributes but the state."""
    return {name: x for name, x in vars(optimizer).items() if name not in ("state", "steps")}


def _is_ours(optimizer: Optimizer) -> bool:
    """Return whether a rule is one of this package's as it stands there, in what it calls and reads as well."""
    kinds = type(optimizer).__mro__
    first = next(k for k, kind in enumerate(kinds) if kind.__module__ in (SGD.__module__, Optimizer.__module__))
    functions = [f for kind in kinds[first:] for f in vars(kind).values() if isinstance(f, FunctionType)]
    read = {"_rule", "__getattribute__", "__getattr__"}.union(*(f.__code__.co_names for f in functions))
    methods = {f.__name__ for f in functions}
    return methods.isdisjoint(vars(optimizer)) and all(read.isdisjoint(vars(kind)) for kind in kinds[:first])
