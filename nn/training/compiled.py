"""Train with the compiled program of the loss, on whole batches."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd.arrays import NDArray, np
from autograd.arrays.errors import ignoring_errors
from autograd.reading import numbers_of
from autograd.updates import commit, setting, setting_attributes
from nn.conversion import Array
from nn.descent import Optimizer
from nn.losses import Loss
from nn.training.eager import Eager
from nn.training.engine import Reduction, checked_loss
from nn.training.memory import aligned_vectors
from nn.training.positions import OverPositions
from nn.training.samples import Samples
from nn.training.tracing import flat, same_chances


class Compiled:
    """The engine that runs the compiled loss on whole batches.

    From `begin` to `settle` the parameters live in one vector, and a copy of the optimizer has them in the vector's
    order. The Values and the user's optimizer only change in `settle`, all at once.

    Raises:
        TypeError, ValueError: if model and loss cannot be compiled (`autograd.compile`), or their own errors.
        TypeError: for an optimizer that overrides `step`.
    """

    name = "compiled"

    def __init__(self, eager: Eager, samples: Samples) -> None:
        if type(eager.optimizer).step is not Optimizer.step:
            raise TypeError(f"{type(eager.optimizer).__name__} has a step() of its own, which updates node by node")
        self._eager, self.model, self.optimizer = eager, eager.model, eager.optimizer
        self.loss: Loss = eager.loss
        self.reduction: Reduction = eager.reduction
        self._sample = Samples(samples.inputs[:1], samples.targets[:1])
        self._weighted = samples.weights is not None
        given = self._sample.as_given()
        self._is_plain = not self._weighted and len(given) == 2 and given[1] is self._sample.targets
        self._count = len(self.optimizer.parameters)
        self._stepped = False
        self._largest = math.nan
        self._working: Optimizer | None = None
        self._compile()
        self.warm_up = eager.warm_up

    def _compile(self) -> None:
        loss_of = self.loss.traced if isinstance(self.loss, OverPositions) else self.loss

        def loss_and_outputs(sample: Any, target: Any, *shares: Any) -> Any:
            outputs = self.model(sample)
            return checked_loss(loss_of(outputs, target, *shares)), outputs

        def share_and_outputs(share: Any, sample: Any, target: Any, *shares: Any) -> Any:
            loss, outputs = loss_and_outputs(sample, target, *shares)
            return share * loss, [loss, *flat(outputs)]

        example = [array[0].tolist() for array in self._sample.as_given()]
        with same_chances():
            self.program = autograd.compile(
                share_and_outputs if self._weighted else loss_and_outputs,
                *(1.0, *example) if self._weighted else example,
                reduction="sum" if self._weighted else self.reduction,
                parameters=self.optimizer.parameters,
                has_aux=True,
            )
        self._order = self._arrange()
        self._back = np.argsort(self._order)
        self._arranged = [self.optimizer.parameters[i] for i in self._order.tolist()]
        self._weights, self._gradient, self._spare = aligned_vectors(3, len(self.program.parameters))
        from nn.training.fused import FusedUpdates  # imports the compiler

        self._fused = FusedUpdates()
        self._read()

    def _arrange(self) -> NDArray[np.int64]:
        """Put the optimizer's parameters first in the program's vector, and return their order.

        If the rule is elementwise, each matrix is contiguous there, as the program reads it.
        """
        ours = {parameter: i for i, parameter in enumerate(self.optimizer.parameters)}
        first = list(ours)
        if self.optimizer.elementwise:
            self.program.arrange()
            matrices = [parameter for parameter in self.program.parameters if parameter in ours]
            first = list(dict.fromkeys([*matrices, *ours]))
        self.program.arrange(first)
        return np.array([ours[parameter] for parameter in first])

    def _read(self) -> None:
        self._weights[:] = numbers_of(self.program.parameters)
        self._finite = bool(np.isfinite(self._weights).all())

    @property
    def warm_up(self) -> dict[str, int]:
        """The program's distance from machine code, kept so that a resumed training changes to it at the same step."""
        return self.program.warm_up

    @warm_up.setter
    def warm_up(self, saved: dict[str, int]) -> None:
        self.program.warm_up = saved

    def _own(self, vector: Array) -> Array:
        """Return the part of a vector that belongs to the optimizer's parameters."""
        return vector if len(vector) == self._count else vector[: self._count]

    def begin(self, after_callbacks: bool) -> None:
        """Read the parameters. If a callback has changed anything else that model or loss use, compile again."""
        if self._working is not None:
            return
        self._read()
        if after_callbacks and not self._is_as_compiled():
            self._compile()
        self._working = self.optimizer.arranged(self._arranged, self._order)

    def _is_as_compiled(self) -> bool:
        losses, _ = self.measure(self._sample)
        expected, _ = ignoring_errors(self._eager.measure, self._sample)
        return np.allclose(losses, expected, rtol=1e-9, atol=1e-12, equal_nan=True)

    def settle(self) -> None:
        """Copy the results since `begin` to the Values and the user's optimizer, all at once."""
        working = self._working
        if working is None:
            return
        if not self._stepped:
            self._working = None
            return
        numbers = self._own(self._weights).tolist()
        gradients = self._own(self._gradient).tolist()
        parameters = working.parameters
        after = working.arranged(self.optimizer.parameters, self._back)
        commit(
            setting("data", parameters, numbers),
            setting("grad", parameters, gradients),
            self.optimizer.becoming(after),
            setting_attributes(self, {"_working": None, "_stepped": False}),
        )

    def update(self, epoch: int, batch: Samples) -> tuple[list[float], Array, float]:
        """Make one update from a batch, as specified by `Engine`."""
        arguments = self._arguments(batch)
        results, gradient = self.program.outputs_and_gradient(self._weights, *arguments, into=self._spare)
        losses, rows = self._losses_and_rows(results)
        numbers = losses.tolist()
        if self._finite and math.isfinite(sum(numbers)):
            self._step(gradient)
            if self._largest < math.inf:
                return numbers, rows, self._largest
        return self._update_node_by_node(epoch, batch)

    def _arguments(self, batch: Samples) -> list[Array]:
        """Return the program's arguments, with the samples' shares of the cost first if they are weighted."""
        if self._is_plain:
            return [batch.inputs, batch.targets]
        arguments = batch.as_given()
        if self._weighted:
            shares = batch.shares(self.reduction)
            arguments.insert(0, np.ones(len(batch.inputs)) if shares is None else shares)
        return arguments

    def _losses_and_rows(self, results: tuple[Array, Array]) -> tuple[Array, Array]:
        """Split the program's results into each sample's loss, and its outputs as a row."""
        losses, rows = results
        rows = rows if rows.ndim == 2 else rows.reshape(len(losses), -1)
        return (rows[:, 0], rows[:, 1:]) if self._weighted else (losses, rows)

    def _step(self, gradient: Array) -> None:
        """Make one update in copies, which are swapped in when complete: an interrupt leaves it done or not done.

        The new weights overwrite the previous gradient, since more of three vectors stays in the processor's cache.
        If the largest |∂C/∂w| is inf or nan, it is recorded, and there is no update.
        """
        working, weights, new = self._working, self._weights, self._gradient
        assert working is not None
        vars(self).update(_gradient=gradient, _spare=new, _largest=math.nan)
        if len(new) == self._count:
            after, largest = self._after_update(working, weights, gradient, new)
        else:
            own = slice(self._count)
            new[self._count :] = weights[self._count :]  # parameters that the optimizer does not update
            after, largest = self._after_update(working, weights[own], gradient[own], new[own])
        if after is not None:
            vars(self).update(_weights=new, _spare=weights, _working=after, _stepped=True, _largest=largest)

    def _after_update(
        self, working: Optimizer, weights: Array, gradient: Array, new: Array
    ) -> tuple[Optimizer | None, float]:
        """Compute the optimizer after an update, or None if the largest |∂C/∂w| is inf or nan; return that, too."""
        is_covered, rate = self._fused.covers(working), 0.0
        if is_covered:
            rate = working.rate(working.steps)
            fused = self._fused.update(working, weights, gradient, rate, new)
            if fused is not None:
                return fused
        largest: float = max(np.maximum.reduce(gradient), -np.minimum.reduce(gradient))
        if not math.isfinite(largest):
            return None, largest
        if is_covered:
            return working.after_update_at(rate, weights, gradient, new)[0], largest
        return working.after_update(weights, gradient, new)[0], largest

    def _update_node_by_node(self, epoch: int, batch: Samples) -> tuple[list[float], Array, float]:
        """Update node by node if a number is not finite: this names it, or continues if all are finite there."""
        self.settle()
        results = self._eager.update(epoch, batch)
        self.begin(after_callbacks=False)
        return results

    def measure(self, batch: Samples) -> tuple[list[float], Array]:
        """Return losses and outputs without training on the samples; a loss without a finite value is inf."""
        losses, rows = self._losses_and_rows(self.program.outputs(self._weights, *self._arguments(batch)))
        if not (np.isfinite(losses).all() and np.isfinite(rows).all()):
            self.settle()
            return self._eager.measure(batch)
        return losses.tolist(), rows
