"""The base of all optimizers: parameters, a learning rate, state, and the step from Values to Values."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

from autograd import Value
from autograd.arrays import NDArray, np
from autograd.arrays.errors import handling_errors, ignoring_errors
from autograd.reading import gradients_of, numbers_of
from autograd.support.foreign_names import explain_arguments, explain_attributes
from autograd.updates import Change, commit, setting, setting_attributes
from nn.foreign_names import OF_OPTIMIZER_ARGUMENTS, OF_OPTIMIZERS, OF_ZERO_GRAD
from nn.schedules import LearningRate, checked

Vector = NDArray[np.float64]

UPDATING = frozenset(("_rule", "_update", "_vector", "after_update", "copied", "arranged"))
"""Methods that decide what becomes of which weight: a subclass that has one of its own may mind their order."""

MOST_STEPS = 2**53  # updates, beyond which a count is damaged

_noticing_errors = handling_errors(over="raise", invalid="raise", divide="raise")


class Optimizer(ABC):
    """The base class: parameters, a learning rate, state vectors, and the step from Values to Values.

    Args:
        parameters: the Values to change.
        learning_rate: a positive number; or a schedule, which is called with the number of steps taken so far,
            0 at first, and gives the rate of the next (`nn.step_decay`, `nn.cosine_decay`).
        max_gradient_norm: where the gradient is longer than this, it is scaled down to it before each update.

    A subclass has a `_rule`. One that updates each weight by itself, wherever it stands in the vectors, says so:
    `class Mine(Optimizer, elementwise=True)`. `nn.fit` may then put the parameters into the order that suits it best.

    Attributes:
        elementwise: whether the rule updates each weight by itself; inherited where a subclass leaves the rule alone.
        steps: how many updates were made.
        state: the vectors that a rule carries from step to step, by name.

    Raises:
        ValueError: for no parameters, a parameter given twice, or settings out of range.
        TypeError: for parameters that are no Values.
    """

    elementwise: ClassVar[bool] = False

    def __init_subclass__(cls, elementwise: bool | None = None, **others: Any) -> None:
        super().__init_subclass__(**others)
        if elementwise is not None or not UPDATING.isdisjoint(vars(cls)):
            cls.elementwise = bool(elementwise)

    @explain_arguments(OF_OPTIMIZER_ARGUMENTS)
    def __init__(
        self,
        parameters: Iterable[Value],
        learning_rate: LearningRate,
        max_gradient_norm: float | None = None,
    ) -> None:
        if callable(getattr(parameters, "parameters", None)):
            raise TypeError(f"an optimizer expects Values, got {parameters!r}: give its parameters()")
        self.parameters: list[Value] = list(parameters)
        if not self.parameters:
            raise ValueError("an optimizer expects parameters, got none")
        for parameter in self.parameters:
            if not isinstance(parameter, Value):
                raise TypeError(f"an optimizer expects Values as parameters, got {parameter!r}")
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError("an optimizer expects each parameter once; model.parameters() gives them so")
        if not callable(learning_rate):
            checked("learning_rate", learning_rate, lambda rate: 0 < rate < math.inf, "a positive number")
        if max_gradient_norm is not None:
            checked("max_gradient_norm", max_gradient_norm, lambda norm: norm > 0, "a positive number, or None")
        self.learning_rate = learning_rate
        self.max_gradient_norm = max_gradient_norm
        self.steps: int = 0
        self.state: dict[str, Vector] = {}

    def __repr__(self) -> str:
        """The rule, how many parameters it changes, and its settings."""
        settings = {name: x for name, x in vars(self).items() if not name.startswith("_")}
        for name in ("parameters", "steps", "state"):
            settings.pop(name, None)
        told = ", ".join(f"{name}={x!r}" for name, x in settings.items() if x is not None)
        return f"{type(self).__name__}({len(self.parameters):,} parameters, {told})"

    @explain_arguments(OF_ZERO_GRAD)
    def zero_grad(self) -> None:
        """Set every parameter's gradient to zero."""
        commit(setting("grad", self.parameters, [0.0] * len(self.parameters)))

    def gradients(self) -> Vector:
        """The parameters' gradients as one vector."""
        return np.array(gradients_of(self.parameters), dtype=float)

    def step(self) -> None:
        """Change every parameter by one update from its gradient. An interrupt leaves the whole update done, or none.

        Raises:
            FloatingPointError: if the update would make a parameter inf or nan; then nothing has changed.
        """
        weights = np.array(numbers_of(self.parameters), dtype=float)
        gradients = self.gradients()
        self._refuse(weights, gradients, weights, gradients)
        after, new = self.after_update(weights, gradients)
        commit(setting("data", self.parameters, new.tolist()), self.becoming(after))

    def after_update(self, weights: Vector, gradients: Vector, into: Vector | None = None) -> tuple[Self, Vector]:
        """Compute one update: what the optimizer is after it, and the new weights. Nothing is changed but `into`.

        Weights and gradients must be finite, which is not checked here: `step` does so.

        Args:
            weights, gradients: a number for each parameter.
            into: a vector for the new weights.

        Raises:
            FloatingPointError: if something would be inf or nan.
        """
        return self.after_update_at(self.rate(self.steps), weights, gradients, into)

    def after_update_at(
        self, rate: float, weights: Vector, gradients: Vector, into: Vector | None = None
    ) -> tuple[Self, Vector]:
        """Compute one update at a learning rate, as `after_update` does at that of the step."""
        new = np.empty_like(weights) if into is None else into
        try:
            after = self.copied()
            _noticing_errors(after._update, weights, gradients, rate, new)
            return after, new  # the processor has noticed nothing, which spares a look at each number
        except FloatingPointError:
            after = self.copied()
        ignoring_errors(after._update, weights, gradients, rate, new)
        self._refuse(weights, gradients, new, *after.state.values())
        return after, new

    def copied(self) -> Self:
        """An optimizer of the same parameters in the same state, which goes on by itself."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))  # a tenth of the time that copy.copy takes, and an update has microseconds
        other.state = dict(self.state)  # the vectors are shared: no update changes them
        return other

    def becoming(self, other: Self) -> Change:
        """The change, for `commit`, that puts this optimizer into the state of a copy."""
        attributes = {name: value for name, value in vars(other).items() if name != "parameters"}
        return setting_attributes(self, attributes)

    def arranged(self, parameters: list[Value], order: NDArray[np.int64]) -> Self:
        """Return a copy whose vectors have another order: at k what was at order[k].

        Args:
            parameters: the same parameters in that order.
        """
        other = self.copied()
        other.parameters = parameters
        other.state = {name: vector[order] for name, vector in self.state.items()}
        return other

    def _refuse(self, weights: Vector, gradients: Vector, *results: Vector) -> None:
        """Raise FloatingPointError where results are not finite, naming the first parameter that they are about."""
        finite = np.isfinite(results).all(axis=0)
        if finite.all():
            return
        i = int(finite.argmin())
        raise FloatingPointError(
            f"the update of {self.parameters[i].label or 'a parameter'} = {weights[i]:g} overflows, its gradient being "
            f"{gradients[i]:g}. A smaller learning rate, or max_gradient_norm, may help"
        )

    def _update(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        if self.max_gradient_norm is not None:
            largest = float(np.abs(gradients).max()) or 1.0  # kept out of the squares, which could overflow
            norm = float(np.linalg.norm(gradients / largest))
            if norm > self.max_gradient_norm / largest:
                gradients = gradients / largest * (self.max_gradient_norm / norm)
        self.steps += 1
        self._rule(weights, gradients, rate, new)

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0. Raises ValueError where a schedule gives a useless one."""
        if not callable(self.learning_rate):
            return self.learning_rate
        rate = self.learning_rate(step)
        return checked(f"the schedule's learning rate at step {step}", rate, lambda r: 0 <= r < math.inf, "0 or more")

    @abstractmethod
    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        """The update rule proper: write the new weights, and put new vectors into `state`, leaving the old ones alone.

        `steps` counts the step being made, from 1.
        """

    def _vector(self, name: str) -> Vector:
        """A state vector, zero at first."""
        return self.state[name] if name in self.state else np.zeros(len(self.parameters))

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps: the rule's name, the number of steps, the state vectors."""
        return {"rule": type(self).__name__, "steps": self.steps, "state": {k: v.copy() for k, v in self.state.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up where the optimizer that made this state left off. Raises ValueError where it does not fit."""
        if not {"rule", "steps", "state"} <= state.keys():
            raise ValueError(f"an optimizer's state has rule, steps and state, this one has {list(state)}")
        if state["rule"] != type(self).__name__:
            raise ValueError(f"the state is of {state['rule']}, this optimizer is {type(self).__name__}")
        for name, vector in state["state"].items():
            if np.shape(vector) != (len(self.parameters),):
                raise ValueError(f"{name} has shape {np.shape(vector)}, for {len(self.parameters)} parameters")
        steps = state["steps"]
        if isinstance(steps, bool) or not isinstance(steps, int) or not 0 <= steps < MOST_STEPS:
            raise ValueError(f"steps must be a number of updates, got {steps!r:.80}")
        vectors = {name: np.array(vector, dtype=float) for name, vector in state["state"].items()}
        commit(setting_attributes(self, {"steps": steps, "state": vectors, **self._derived(state)}))

    def _derived(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that come of a state besides steps and vectors, for a rule that has such."""
        return {}


explain_attributes(Optimizer, OF_OPTIMIZERS)
