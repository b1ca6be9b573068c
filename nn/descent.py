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
"""Methods that compute the update: a subclass that overrides one of them may depend on the order of the weights."""

MOST_STEPS = 2**53  # a larger count of updates is corrupt

_noticing_errors = handling_errors(over="raise", invalid="raise", divide="raise")


class Optimizer(ABC):
    """The base class: parameters, a learning rate, state vectors, and the step from Values to Values.

    Args:
        parameters: the Values to change.
        learning_rate: a positive number; or a schedule, which is called with the number of steps taken so far,
            0 at first, and gives the rate of the next (`nn.step_decay`, `nn.cosine_decay`).
        max_gradient_norm: a longer gradient is scaled down to this norm before each update.

    A subclass implements `_rule`. If the rule updates each weight independently of the others, declare it:
    `class Mine(Optimizer, elementwise=True)`. `nn.fit` may then reorder the parameters for speed.

    Attributes:
        elementwise: whether the rule updates each weight independently; inherited unless a subclass overrides the rule.
        steps: the number of updates so far.
        state: the vectors that a rule carries from step to step, by name.

    Raises:
        ValueError: for no parameters, a parameter given twice, or settings out of range.
        TypeError: for parameters that are not Values.
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
            raise ValueError("an optimizer expects each parameter once, as model.parameters() returns them")
        if not callable(learning_rate):
            checked("learning_rate", learning_rate, lambda rate: 0 < rate < math.inf, "a positive number")
        if max_gradient_norm is not None:
            checked("max_gradient_norm", max_gradient_norm, lambda norm: norm > 0, "a positive number, or None")
        self.learning_rate = learning_rate
        self.max_gradient_norm = max_gradient_norm
        self.steps: int = 0
        self.state: dict[str, Vector] = {}

    def __repr__(self) -> str:
        """Return the rule's name, the number of parameters, and the settings."""
        settings = {name: x for name, x in vars(self).items() if not name.startswith("_")}
        for name in ("parameters", "steps", "state"):
            settings.pop(name, None)
        listed = ", ".join(f"{name}={x!r}" for name, x in settings.items() if x is not None)
        return f"{type(self).__name__}({len(self.parameters):,} parameters, {listed})"

    @explain_arguments(OF_ZERO_GRAD)
    def zero_grad(self) -> None:
        """Set every parameter's gradient to zero."""
        commit(setting("grad", self.parameters, [0.0] * len(self.parameters)))

    def gradients(self) -> Vector:
        """Return the parameters' gradients as one vector."""
        return np.array(gradients_of(self.parameters), dtype=float)

    def step(self) -> None:
        """Update every parameter from its gradient. After an interrupt, either all parameters are updated or none.

        Raises:
            FloatingPointError: if the update would make a parameter inf or nan; nothing is changed then.
        """
        weights = np.array(numbers_of(self.parameters), dtype=float)
        gradients = self.gradients()
        self._refuse(weights, gradients, weights, gradients)
        after, new = self.after_update(weights, gradients)
        commit(setting("data", self.parameters, new.tolist()), self.becoming(after))

    def after_update(self, weights: Vector, gradients: Vector, into: Vector | None = None) -> tuple[Self, Vector]:
        """Compute one update; return the optimizer after it, and the new weights. Only `into` is changed.

        Weights and gradients must be finite; `step` checks this, not this method.

        Args:
            weights, gradients: a number for each parameter.
            into: a vector to write the new weights to; by default a new one.

        Raises:
            FloatingPointError: if a new weight or a number of the state would be inf or nan.
        """
        return self.after_update_at(self.rate(self.steps), weights, gradients, into)

    def after_update_at(
        self, rate: float, weights: Vector, gradients: Vector, into: Vector | None = None
    ) -> tuple[Self, Vector]:
        """Compute one update like `after_update`, with this learning rate instead of the step's."""
        new = np.empty_like(weights) if into is None else into
        try:
            after = self.copied()
            _noticing_errors(after._update, weights, gradients, rate, new)
            return after, new  # no floating-point exception was raised, so all numbers are finite
        except FloatingPointError:
            after = self.copied()
        ignoring_errors(after._update, weights, gradients, rate, new)
        self._refuse(weights, gradients, new, *after.state.values())
        return after, new

    def copied(self) -> Self:
        """Return an independent optimizer of the same parameters, in the same state."""
        other = object.__new__(type(self))
        other.__dict__ = attributes = vars(self).copy()  # 15 times as fast as copy.copy; an update takes microseconds
        attributes["state"] = self.state.copy()  # the vectors are shared: no update changes them in place
        return other

    def becoming(self, other: Self) -> Change:
        """Return the change, for `commit`, that gives this optimizer the state of a copy."""
        attributes = {name: value for name, value in vars(other).items() if name != "parameters"}
        return setting_attributes(self, attributes)

    def arranged(self, parameters: list[Value], order: NDArray[np.int64]) -> Self:
        """Return a copy with reordered vectors: element k is the former element order[k].

        Args:
            parameters: the same parameters in that order.
        """
        other = self.copied()
        other.parameters = parameters
        other.state = {name: vector[order] for name, vector in self.state.items()}
        return other

    def _refuse(self, weights: Vector, gradients: Vector, *results: Vector) -> None:
        """Raise FloatingPointError if results are not finite, naming the first parameter that is affected."""
        finite = np.isfinite(results).all(axis=0)
        if finite.all():
            return
        i = int(finite.argmin())
        raise FloatingPointError(
            f"the update of {self.parameters[i].label or 'a parameter'} = {weights[i]:g} "
            f"with gradient {gradients[i]:g} overflows. A smaller learning rate, or max_gradient_norm, may help"
        )

    def _update(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        self.steps += 1
        self._rule(weights, self._limited(gradients), rate, new)

    def _limited(self, gradients: Vector) -> Vector:
        """Return the gradient, scaled down to `max_gradient_norm` if its norm is larger."""
        if self.max_gradient_norm is None:
            return gradients
        largest = float(np.abs(gradients).max()) or 1.0  # divided out, since the squares could overflow
        norm = float(np.linalg.norm(gradients / largest))
        if norm <= self.max_gradient_norm / largest:
            return gradients
        scaled: Vector = gradients / largest * (self.max_gradient_norm / norm)
        return scaled

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0. Raises ValueError if the schedule returns a bad one."""
        if not callable(self.learning_rate):
            return self.learning_rate
        rate = self.learning_rate(step)
        return checked(f"the schedule's learning rate at step {step}", rate, lambda r: 0 <= r < math.inf, "0 or more")

    @abstractmethod
    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        """Apply the update rule: write the new weights into `new`, and put new vectors into `state`.

        The old vectors must stay as they are. `steps` counts this step, from 1.
        """

    def _vector(self, name: str) -> Vector:
        """Return a state vector, which is zero at first."""
        return self.state[name] if name in self.state else np.zeros(len(self.parameters))

    def state_dict(self) -> dict[str, Any]:
        """Return the state to save in a checkpoint: the rule's name, the number of steps, the state vectors."""
        return {"rule": type(self).__name__, "steps": self.steps, "state": {k: v.copy() for k, v in self.state.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where the optimizer with this state left off. Raises ValueError if the state does not fit."""
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
        """Return the attributes that follow from a state besides steps and vectors, if the rule has any."""
        return {}


explain_attributes(Optimizer, OF_OPTIMIZERS)
