"""How `fit` computes: node by node, or with the compiled program of the loss. Either changes the same parameters."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import autograd
from autograd import Constant, Value
from autograd.arrays import NDArray, np
from autograd.arrays.errors import ignoring_errors
from autograd.reading import numbers_of
from autograd.support.collector import collector_paused
from autograd.updates import commit, setting, setting_attributes
from nn.conversion import Array
from nn.descent import Optimizer
from nn.losses import Loss
from nn.module import Module
from nn.optimizers import SGD
from nn.training.evaluation import output_numbers, predict
from nn.training.positions import OverPositions
from nn.training.samples import Samples, as_given

Reduction = Literal["mean", "sum"]

SAMPLES_A_GRAPH = 32  # more at a time would only take memory: gradients add up in the leaves


class Eager:
    """Records the graph of each sample, and walks it back."""

    loss: Loss
    optimizer: Optimizer
    outputs: int

    name = "eager"

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer, reduction: Reduction, outputs: int) -> None:
        self.model: Any = model
        self.loss, self.optimizer, self.reduction, self.outputs = loss, optimizer, reduction, outputs

    def begin(self, after_callbacks: bool) -> None:
        """Before an epoch: take up what a callback may have changed, if there was one."""

    def settle(self) -> None:
        """After an epoch: bring the Values up to date."""

    def update(self, epoch: int, batch: Samples) -> tuple[list[float], Array, float]:
        """One update from a batch: each sample's loss, its outputs, and the largest |∂C/∂w|."""
        with collector_paused():
            losses, rows = self.add_gradients(epoch, batch)
            gradients = self.optimizer.gradients()
            self.optimizer.step()
        return losses, np.array(rows), float(np.abs(gradients).max())

    def add_gradients(self, epoch: int, batch: Samples) -> tuple[list[float], list[list[float]]]:
        """Leave the gradient of a batch's cost in the parameters; gives each sample's loss, and its outputs."""
        losses: list[float] = []
        rows: list[list[float]] = []
        self.optimizer.zero_grad()
        shares = batch.shares(self.reduction)
        scale = 1 / len(batch.inputs) if self.reduction == "mean" and shares is None else 1.0
        for i in range(0, len(batch.inputs), SAMPLES_A_GRAPH):
            part = slice(i, i + SAMPLES_A_GRAPH)
            graph = []
            for sample, target in zip(batch.inputs[part].tolist(), as_given(batch.targets[part]).tolist()):
                outputs = self.model(sample)
                rows.append(output_numbers(outputs))
                graph.append(_checked(self.loss(outputs, target)))
            terms = graph if shares is None else [w * loss for w, loss in zip(shares[part].tolist(), graph)]
            cost = autograd.sum([Constant(0.0), *terms])  # a Value even where no sample has anything to pay
            cost.backward(scale)
            if not (math.isfinite(cost.data) and np.isfinite(self.optimizer.gradients()).all()):
                raise FloatingPointError(f"epoch {epoch}: {_what_is_not_finite(cost, self.optimizer)}")
            losses += output_numbers(graph)
        return losses, rows

    def measure(self, batch: Samples) -> tuple[list[float], Array]:
        """Losses and outputs of samples that are not learned from; a loss without a finite value is inf."""
        rows = predict(self.model, batch.inputs)
        losses = []
        for outputs, target in zip(as_given(rows).tolist(), as_given(batch.targets).tolist()):
            try:
                losses += output_numbers(self.loss(outputs, target))
            except (ArithmeticError, ValueError):  # the loss of a prediction that could not be more wrong
                losses.append(math.inf)
        return losses, rows


class Compiled(Eager):
    """Runs the compiled loss on whole batches.

    From `begin` to `settle` the parameters live in one vector, and a copy of the optimizer has them in the vector's
    order. The Values and the user's optimizer change in `settle` alone, all at once.

    Raises:
        TypeError, ValueError: where model and loss cannot be compiled (`autograd.compile`), or whatever they raise.
    """

    name = "compiled"

    def __init__(self, eager: Eager, samples: Samples) -> None:
        super().__init__(eager.model, eager.loss, eager.optimizer, eager.reduction, samples.targets.shape[1])
        self._sample = Samples(samples.inputs[:1], samples.targets[:1])
        self._weighted = samples.weights is not None
        self._count = len(self.optimizer.parameters)
        self._scale, self._stepped = 1.0, False
        self._working: Optimizer | None = None
        self._compile()

    def _compile(self) -> None:
        loss_of = self.loss.traced if isinstance(self.loss, OverPositions) else self.loss

        def loss_and_outputs(sample: Any, target: Any, *shares: Any) -> Any:
            outputs = self.model(sample)
            return _checked(loss_of(outputs, target, *shares)), outputs

        def share_and_outputs(share: Any, sample: Any, target: Any, *shares: Any) -> Any:
            loss, outputs = loss_and_outputs(sample, target, *shares)
            return share * loss, [loss, *_flat(outputs)]

        example = [array[0].tolist() for array in self._sample.as_given()]
        with _same_chances():
            self.program = autograd.compile(
                share_and_outputs if self._weighted else loss_and_outputs,
                *(1.0, *example) if self._weighted else example,
                reduction="sum" if self._weighted else self.reduction,
                parameters=self.optimizer.parameters,
                has_aux=True,
            )
        self._order = self._arrange()
        size = len(self.program.parameters)
        rows = np.zeros((4, size + -size % 8))[:, :size]  # which begin alike within a line of the cache
        self._weights, self._next, self._gradient, self._next_gradient = rows
        self._read()

    def _arrange(self) -> NDArray[np.int64]:
        """Put the optimizer's parameters first in the program's vector; gives which of them comes at which place.

        The rules of this package do not mind their order: so each matrix lies there as the program has it.
        """
        ours = {parameter: i for i, parameter in enumerate(self.optimizer.parameters)}
        first = list(ours)
        if type(self.optimizer).__module__ == SGD.__module__:
            self.program.arrange()
            matrices = [parameter for parameter in self.program.parameters if parameter in ours]
            first = list(dict.fromkeys([*matrices, *ours]))
        self.program.arrange(first)
        return np.array([ours[parameter] for parameter in first])

    def _read(self) -> None:
        self._weights[:] = numbers_of(self.program.parameters)
        self._finite = bool(np.isfinite(self._weights).all())

    def begin(self, after_callbacks: bool) -> None:
        """A callback may have changed parameters, and what else model and loss compute with: then compile anew."""
        if self._working is not None:
            return
        self._read()
        if after_callbacks and not self._is_as_compiled():
            self._compile()
        working = self.optimizer.copied()
        working.reorder(self._order)
        self._working = working

    def _is_as_compiled(self) -> bool:
        found, _ = self.measure(self._sample)
        expected, _ = ignoring_errors(super().measure, self._sample)
        return np.allclose(found, expected, rtol=1e-9, atol=1e-12, equal_nan=True)

    def settle(self) -> None:
        working = self._working
        if working is None:
            return
        if not self._stepped:
            self._working = None
            return
        numbers = self._weights[: self._count].tolist()
        gradients = (self._gradient[: self._count] / self._scale).tolist()
        parameters = working.parameters
        after = working.copied()
        after.reorder(np.argsort(self._order))
        commit(
            setting("data", parameters, numbers),
            setting("grad", parameters, gradients),
            self.optimizer.becoming(after),
            setting_attributes(self, {"_working": None, "_stepped": False}),
        )

    def update(self, epoch: int, batch: Samples) -> tuple[list[float], Array, float]:
        working = self._working
        assert working is not None
        scale = working.scale()
        results, _ = self.program.outputs_and_gradient(
            self._weights, *self._arguments(batch), into=self._next_gradient, scale=scale
        )
        losses, rows = self._losses_and_rows(results)
        gradient, numbers = self._next_gradient[: self._count], losses.tolist()
        largest = float(max(np.maximum.reduce(gradient), -np.minimum.reduce(gradient))) / abs(scale)
        if not (self._finite and math.isfinite(largest) and math.isfinite(sum(numbers))):
            return self._update_node_by_node(epoch, batch)
        self._step(working, gradient, scale)
        return numbers, rows, largest

    def _arguments(self, batch: Samples) -> list[Array]:
        """The arguments of the program: where samples are weighted, first what share of the cost each has."""
        arguments = batch.as_given()
        if self._weighted:
            shares = batch.shares(self.reduction)
            arguments.insert(0, np.ones(len(batch.inputs)) if shares is None else shares)
        return arguments

    def _losses_and_rows(self, results: tuple[Array, Array]) -> tuple[Array, Array]:
        """Each sample's loss, and its outputs as a row, of what the program gives."""
        losses, rows = results
        rows = rows.reshape(len(losses), -1)
        return (rows[:, 0], rows[:, 1:]) if self._weighted else (losses, rows)

    def _step(self, working: Optimizer, gradient: Array, scale: float) -> None:
        """One update, in copies that take their places when they are whole: an interrupt leaves it done, or not."""
        weights, new = self._weights, self._next
        new[self._count :] = weights[self._count :]
        after, _ = working.after_update(weights[: self._count], gradient, new[: self._count], scale)
        vars(self).update(
            _weights=new,
            _next=weights,
            _gradient=self._next_gradient,
            _next_gradient=self._gradient,
            _working=after,
            _scale=scale,
            _stepped=True,
        )

    def _update_node_by_node(self, epoch: int, batch: Samples) -> tuple[list[float], Array, float]:
        """Where something is not finite, node by node, which says what it is; or goes on, if it is not found there."""
        self.settle()
        losses, rows = self.add_gradients(epoch, batch)
        self.optimizer.step()
        self.begin(after_callbacks=False)
        return losses, np.array(rows), float(np.abs(self.optimizer.gradients()).max())

    def measure(self, batch: Samples) -> tuple[list[float], Array]:
        losses, rows = self._losses_and_rows(self.program.outputs(self._weights, *self._arguments(batch)))
        if not (np.isfinite(losses).all() and np.isfinite(rows).all()):
            self.settle()
            return super().measure(batch)
        return losses.tolist(), rows


def _flat(outputs: Any) -> list[Any]:
    """A network's outputs one after the other."""
    if not isinstance(outputs, (list, tuple)):
        return [outputs]
    return [x for row in outputs for x in _flat(row)]


def _checked(loss: Any) -> Any:
    if not isinstance(loss, Value) and loss != 0:
        raise TypeError(f"the loss must be a Value computed from the outputs, or 0; it gave {loss!r}")
    return loss


@contextmanager
def _same_chances() -> Iterator[None]:
    """Random draws go on after this context as if it had not been: a model that draws is run in it, to no avail."""
    ours, numpys = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpys)


def _what_is_not_finite(cost: Value, optimizer: Optimizer) -> str:
    """The first node of the graph at which a number is inf or nan, in words."""
    advice = "; the parameters are as they were before this update. A smaller learning rate may help"
    node = autograd.first_nonfinite(cost)
    if node is None:  # every step is finite, only their product is not
        node = next(p for p in optimizer.parameters if not math.isfinite(p.grad))
        return f"the gradient to {node.label or repr(node)} is {node.grad}{advice}"
    name = f"{node.label or 'a node without a label'} ({node.op or 'a leaf'})"
    if not math.isfinite(node.data):
        operands = ", ".join(f"{parent.data:g}" for parent in node.parents[:3])
        return f"{name} is {node.data}" + (f", computed from {operands}" if operands else "") + advice
    return f"{name} = {node.data:g} has a derivative that is not finite{advice}"
