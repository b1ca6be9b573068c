"""Node-by-node training: record the graph of each sample, then run it backward."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd import Constant, Value
from autograd.arrays import np
from autograd.support.collector import collector_paused
from nn.conversion import Array
from nn.descent import Optimizer
from nn.losses import Loss
from nn.module import Module
from nn.training.engine import Reduction, checked_loss
from nn.training.prediction import output_numbers, predict_node_by_node
from nn.training.samples import Samples, as_given

SAMPLES_A_GRAPH = 32  # more would only cost memory: gradients accumulate in the leaves


class Eager:
    """The engine that records the graph of each sample and runs it backward."""

    name = "eager"

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer, reduction: Reduction) -> None:
        self.model: Any = model
        self.loss: Loss = loss
        self.optimizer: Optimizer = optimizer
        self.reduction: Reduction = reduction
        self.warm_up: dict[str, int] = {}  # the compiled program's state, if resuming a training that used one

    def begin(self, after_callbacks: bool) -> None:
        """Do nothing: each update reads the Values."""

    def settle(self) -> None:
        """Do nothing: the Values are up to date."""

    def update(self, epoch: int, batch: Samples) -> tuple[list[float], Array, float]:
        """Make one update from a batch, as specified by `Engine`."""
        with collector_paused():
            losses, rows = self.add_gradients(epoch, batch)
            gradients = self.optimizer.gradients()
            self.optimizer.step()
        return losses, np.array(rows), float(np.abs(gradients).max())

    def add_gradients(self, epoch: int, batch: Samples) -> tuple[list[float], list[list[float]]]:
        """Add the gradient of a batch's cost to the parameters' `grad`; return each sample's loss and outputs."""
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
                graph.append(checked_loss(self.loss(outputs, target)))
            terms = graph if shares is None else [w * loss for w, loss in zip(shares[part].tolist(), graph)]
            cost = autograd.sum([Constant(0.0), *terms])  # a Value even if all losses are constants
            cost.backward(scale)
            if not (math.isfinite(cost.data) and np.isfinite(self.optimizer.gradients()).all()):
                raise FloatingPointError(f"epoch {epoch}: {_first_nonfinite(cost, self.optimizer)}")
            losses += output_numbers(graph)
        return losses, rows

    def measure(self, batch: Samples) -> tuple[list[float], Array]:
        """Return losses and outputs without training on the samples; a loss without a finite value is inf."""
        rows = predict_node_by_node(self.model, batch.inputs)
        losses = []
        for outputs, target in zip(as_given(rows).tolist(), as_given(batch.targets).tolist()):
            try:
                losses += output_numbers(self.loss(outputs, target))
            except (ArithmeticError, ValueError):  # the loss of the worst possible prediction
                losses.append(math.inf)
        return losses, rows


def _first_nonfinite(cost: Value, optimizer: Optimizer) -> str:
    """Describe the first node of the graph with an infinite or nan number."""
    advice = "; the parameters keep their values from before this update. A smaller learning rate may help"
    node = autograd.first_nonfinite(cost)
    if node is None:  # every factor is finite, but their product is not
        node = next(p for p in optimizer.parameters if not math.isfinite(p.grad))
        return f"the gradient to {node.label or repr(node)} is {node.grad}{advice}"
    name = f"{node.label or 'a node without a label'} ({node.op or 'a leaf'})"
    if not math.isfinite(node.data):
        operands = ", ".join(f"{parent.data:g}" for parent in node.parents[:3])
        return f"{name} is {node.data}" + (f", computed from {operands}" if operands else "") + advice
    return f"{name} = {node.data:g} has a derivative that is not finite{advice}"
