"""Compute an optimizer's updates as machine code, in one pass over the vectors of weights, gradient and state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import FunctionType
from typing import NamedTuple

from autograd.arrays import NDArray, np
from autograd.arrays.errors import ignoring_errors
from autograd.compiler.vector_rules import Later, NotRecordedError, Recorded, Recording, Step, VectorPass, vector_pass
from nn.descent import Optimizer
from nn.optimizers import SGD
from nn.training.memory import aligned_vectors

Vector = NDArray[np.float64]

CALLS, ELEMENT = 2e-6, 0.3e-9
"""Seconds that machine code saves in an update of gradient descent: per update, and per parameter."""

BEFORE_COMPILING = 5e-3
"""Seconds that machine code would have saved so far when a rule is compiled, which takes 25 ms."""

LEAST_RECORDED = 8_000
"""The number of parameters from which it pays to record a rule in each step, as is necessary if the numbers in it
change. Recording Adam takes 20 µs."""

MOST_VARIANTS = 4
"""A rule with more variants than these is left to NumPy."""

GRADIENT = 1
"""The place of the gradient among the vectors; its largest |x| is computed."""


class _Variant(NamedTuple):
    """A path through a rule's branches, with its machine code.

    Attributes:
        steps: the recorded operations.
        places: the places of the results among the vectors.
        run: the machine code.
    """

    steps: list[Step]
    places: list[int]
    run: VectorPass


class _RecordedRule(NamedTuple):
    """A recorded rule.

    Attributes:
        recording: of vectors: weights, gradient, state.
        results: the new weights, and the new state.
        is_stable: whether later steps perform the same operations.
        fixes_rate: whether the recording holds for this learning rate only.
    """

    recording: Recording
    results: list[Recorded]
    is_stable: bool
    fixes_rate: bool


class FusedUpdates:
    """Computes updates during a training as machine code, with the same bits as `Optimizer.after_update`.

    Any optimizer's rule can be recorded. The update is left to NumPy until machine code pays; if there is no machine
    code; if the rule is more than elementwise arithmetic; and if a result is not finite.
    """

    def __init__(self) -> None:
        self._saved = 0.0
        self._is_possible = True
        self._variants: list[_Variant] = []
        self._variant: _Variant | None = None  # the latest
        self._latest: Optimizer | None = None  # takes that variant again while the rate is `_rate`
        self._rate: float | None = math.nan  # None for any rate
        self._numbers: list[float | Later] = []  # the numbers of the variant
        self._reads_step = False  # whether some of them depend on the step
        self._given: tuple[float, int] | None = None  # the rate and the step for which the machine code has its numbers
        self._updates = self._recordings = 0
        self._scaled: Vector | None = None  # holds a gradient that is scaled down
        self._pairs: dict[str, list[Vector]] = {}  # two for each vector of the state: one is read, the other written

    def update(
        self, optimizer: Optimizer, weights: Vector, gradient: Vector, rate: float, into: Vector
    ) -> tuple[Optimizer, float] | None:
        """Compute one update; return the optimizer after it, and the largest |∂C/∂w|. Only `into` is changed.

        Args:
            weights, gradient: of the optimizer's parameters.
            rate: the learning rate of this step.
            into: a vector for the new weights; must not alias `weights`.

        Returns:
            None if the update is left to NumPy.
        """
        is_known = optimizer is self._latest and (self._rate is None or rate == self._rate)
        if not is_known and not (optimizer.steps and self._pays(len(weights))):
            return None  # in its first step a rule has no state yet
        self._updates += 1
        after, before = optimizer.copied(), optimizer.state
        after.steps = step = optimizer.steps + 1
        limited = gradient if optimizer.max_gradient_norm is None else self._limited(optimizer, gradient)
        variant = self._variant
        if not is_known:
            self._given = None
            variant = self._recorded(optimizer, after, (weights, gradient, limited), rate)
        if variant is None:
            return None
        now = (rate, step) if self._reads_step else (rate, 0)
        if now != self._given:
            variant.run.give(_at_step(self._numbers, rate, step))
            self._given = now
        after.state = state = {name: self._unread(name, vector) for name, vector in before.items()} if before else {}
        largest, of_results = variant.run((weights, limited, *before.values(), into, *state.values()))
        if limited is not gradient:
            largest = float(np.abs(gradient).max())
        if not (largest < math.inf and of_results < math.inf):
            return None
        if self._latest is not None:
            self._latest = after
        return after, largest

    def covers(self, optimizer: Optimizer) -> bool:
        """Return whether an optimizer's updates may be computed as machine code."""
        if optimizer is self._latest:
            return True
        kind = type(optimizer)
        is_plain = kind.after_update is Optimizer.after_update and kind._update is Optimizer._update
        return self._is_possible and is_plain

    def _pays(self, size: int) -> bool:
        """Return whether the rule has been compiled, or is worth compiling by now."""
        if self._variants:
            return True
        self._saved += CALLS + ELEMENT * size
        return self._saved >= BEFORE_COMPILING

    def _unread(self, name: str, vector: Vector) -> Vector:
        """Return the vector to write the state to while this one is read."""
        if name not in self._pairs:
            self._pairs[name] = aligned_vectors(2, len(vector))
        one, other = self._pairs[name]
        return other if vector is one else one

    def _limited(self, optimizer: Optimizer, gradient: Vector) -> Vector:
        """Return the gradient, or a vector with the numbers that it is scaled down to."""
        limited: Vector = ignoring_errors(optimizer._limited, gradient)
        if limited is gradient:
            return gradient
        if self._scaled is None:
            (self._scaled,) = aligned_vectors(1, len(gradient))
        self._scaled[:] = limited
        return self._scaled

    def _recorded(
        self, optimizer: Optimizer, after: Optimizer, vectors: tuple[Vector, Vector, Vector], rate: float
    ) -> _Variant | None:
        """Record the rule's variant of this step, and its numbers, by running the rule in `after`; return the variant.

        Args:
            vectors: the weights, the gradient, and the gradient that the rule is given.

        Returns:
            None if the update is left to NumPy.
        """
        self._recordings += 1
        if len(vectors[0]) < LEAST_RECORDED and self._recordings > 8 + self._updates // 8:
            self._is_possible = False
            return None
        try:
            rule = _recorded_rule(optimizer, after, rate)
            recording, results = rule.recording, rule.results
            places = [recording.place(x) for x in results]
            variant = next((x for x in self._variants if x.steps == recording.steps and x.places == places), None)
            if variant is None:
                run = self._compiled(recording, results, optimizer, vectors, rate)
                variant = _Variant(recording.steps, places, run)
                self._variants.append(variant)
        except FloatingPointError:  # NumPy's update raises it again
            return None
        except Exception:  # likewise, if the rule itself raises it
            self._is_possible = False
            return None
        self._variant, self._numbers = variant, recording.numbers
        self._reads_step = _read_step(recording.numbers, rate)
        self._latest, self._rate = optimizer if rule.is_stable else None, rate if rule.fixes_rate else None
        return variant

    def _compiled(
        self,
        recording: Recording,
        results: Sequence[Recorded],
        optimizer: Optimizer,
        vectors: tuple[Vector, Vector, Vector],
        rate: float,
    ) -> VectorPass:
        """Compile a recorded rule to machine code, and verify that it computes the same numbers as NumPy.

        Raises:
            NotRecordedError: if the numbers differ, or there is no machine code.
            FloatingPointError: if the update would not be finite.
        """
        run = vector_pass(recording, results, GRADIENT) if len(self._variants) < MOST_VARIANTS else None
        if run is None:
            raise NotRecordedError("there is no machine code, or the rule has too many variants")
        weights, gradient, limited = vectors
        expected, new = optimizer.after_update_at(rate, weights, gradient)
        computed = aligned_vectors(len(results), len(weights))
        run.give(_at_step(recording.numbers, rate, expected.steps))
        run((weights, limited, *optimizer.state.values(), *computed))
        if not all(map(np.array_equal, computed, (new, *expected.state.values()))):
            raise NotRecordedError("the rule computes something other than was recorded")
        return run


def _at_step(numbers: Sequence[float | Later], rate: float, step: int) -> list[float]:
    """Return the values of numbers in a step, counted from 1."""
    return [x.value(rate, step) if isinstance(x, Later) else x for x in numbers]


def _read_step(numbers: Sequence[float | Later], rate: float) -> bool:
    """Return whether numbers depend on the step. Arithmetic with None raises an error."""
    try:
        return None in [x.value(rate, None) for x in numbers if isinstance(x, Later)]
    except TypeError:
        return True


def _recorded_rule(optimizer: Optimizer, after: Optimizer, rate: float) -> _RecordedRule:
    """Record an optimizer's rule by running it in a copy of the optimizer.

    A rule of this package depends only on the learning rate, the number of the step and the optimizer's settings. So if
    it does not branch on them, one recording holds for all steps.

    Raises:
        Exception: any exception that the rule raises because it is more than elementwise arithmetic.
    """
    step = after.steps
    if _is_ours(after):
        any_rate, any_step = (Later(lambda *known, k=k: known[k]) for k in range(2))
        for given in (any_rate, rate):
            vars(after).update(vars(optimizer), steps=any_step)
            try:
                recording, results = _run(optimizer, after, given)  # type: ignore[arg-type]
            except Exception:  # unknown numbers can cause any
                continue
            finally:
                after.steps = step
            if _settings(after) == _settings(optimizer):
                return _RecordedRule(recording, results, True, given is rate)
        vars(after).update(vars(optimizer), steps=step)
    return _RecordedRule(*_run(optimizer, after, rate), False, True)


def _run(optimizer: Optimizer, after: Optimizer, rate: float) -> tuple[Recording, list[Recorded]]:
    recording = Recording()
    weights, gradient = recording.vector(), recording.vector()
    state = {name: recording.vector() for name in optimizer.state}
    after.state, new = dict(state), recording.blank()  # type: ignore[arg-type]
    after._rule(weights, gradient, rate, new)  # type: ignore[arg-type]
    if list(after.state) != list(state):
        raise NotRecordedError("the rule changes which vectors its state has")
    if any(isinstance(x, (Recorded, Later)) for name, x in vars(after).items() if name != "steps"):
        raise NotRecordedError("the rule stores a vector outside of its state")
    return recording, [new, *after.state.values()]  # type: ignore[list-item]


def _settings(optimizer: Optimizer) -> dict[str, object]:
    """Return an optimizer's attributes except for its state and steps."""
    return {name: x for name, x in vars(optimizer).items() if name not in ("state", "steps")}


def _is_ours(optimizer: Optimizer) -> bool:
    """Return whether a rule is one of this package's, and nothing that it calls or reads is overridden."""
    kinds = type(optimizer).__mro__
    first = next(k for k, kind in enumerate(kinds) if kind.__module__ in (SGD.__module__, Optimizer.__module__))
    functions = [f for kind in kinds[first:] for f in vars(kind).values() if isinstance(f, FunctionType)]
    read = {"_rule", "__getattribute__", "__getattr__"}.union(*(f.__code__.co_names for f in functions))
    methods = {f.__name__ for f in functions}
    return methods.isdisjoint(vars(optimizer)) and all(read.isdisjoint(vars(kind)) for kind in kinds[:first])
