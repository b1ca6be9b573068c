"""Draw networks as textbooks do, with a line for every weight, and sequence modules as matrices."""

from __future__ import annotations

from typing import Any, Literal

from autograd import Value, no_grad, topological_order
from autograd.arrays import ArrayLike, np
from autograd.drawing.picture import Picture
from autograd.drawing.text import abbreviate, visible
from autograd.recording import resumed
from nn.arguments import Inputs
from nn.data import as_targets
from nn.layers import MLP, Layer, Neuron
from nn.losses import Loss, half_squared_error
from nn.module import Module
from nn.sequences import CausalSelfAttention
from nn.sheets.matrix_sheet import MatrixSheet
from nn.sheets.network_sheet import Network, Sample, Sheet, layers_of
from nn.training.prediction import output_numbers

MOST_NEURONS = 11  # in a column
MOST_TILES = 64  # in a row or a column


def draw(
    model: Module,
    inputs: Any = None,
    targets: ArrayLike | None = None,
    loss: Loss | None = None,
    *,
    lines: Literal["weights", "gradients"] = "weights",
    most: int | None = None,
) -> Picture:
    """Draw a network as columns of neurons, with a line for each weight between them.

    Lines are blue for positive weights, orange and dashed for negative ones; the larger the weight, the thicker its
    line, and the largest lie on top. Each neuron's bias b is shown below it. Given a sample, neurons are filled with
    their activations a; given its targets too, the error δ = ∂C/∂z, which is ∂C/∂b, replaces the bias. Tooltips show
    all numbers in full. The model is not changed, nor are its gradients.

    `Embedding`, `RMSNorm` and `CausalSelfAttention` are drawn as matrices, with a tile for each parameter; given a
    sequence, attention also shows how much each head lets each position look at each other. Modules of your own are
    drawn with a matrix for each array that `nn.save` writes.

    Args:
        inputs, targets: one sample and, as in `fit`, a row of numbers, one number, or a label for several outputs.
        loss: a function of `(outputs, targets)`; by default `half_squared_error`.
        lines: show the "weights" w, or their "gradients" ∂C/∂w.
        most: the maximum number of items in a column, at least 3; by default 11, and 64 in a row or column of a matrix.
            A column with more neurons shows its first and last ones, and between them the number left out; the caption
            says what is not shown.

    Raises:
        TypeError: if the model is not a module, or has no parameters. Invalid inputs raise the model's own error.
        ValueError: for invalid targets, targets without inputs, and a loss or gradients without targets.

    >>> from nn import MLP
    >>> "⋮ 54 more" in draw(MLP(64, [30, 10], seed=0), [0.5] * 64, 3).svg
    True
    """
    if most is not None and (isinstance(most, bool) or not hasattr(most, "__index__") or most < 3):
        raise ValueError(f"most must be an integer of at least 3, got {most!r}")
    if not isinstance(model, (MLP, Layer, Neuron)):
        if not isinstance(model, Module) or not model.parameters():
            layers_of(model)  # raises an error that lists what can be drawn
        _refuse_unless_drawn(model, inputs, targets, loss, lines)
        matrices = MatrixSheet(model, inputs, MOST_TILES if most is None else most)
        return Picture(matrices.svg(), matrices.title)
    if lines not in ("weights", "gradients"):
        raise ValueError(f"lines must be 'weights' or 'gradients', got {lines!r}")
    if targets is None and (loss is not None or lines == "gradients"):
        raise ValueError("a loss and its gradients need targets to compare the outputs with: give inputs and targets")
    if inputs is None and targets is not None:
        raise ValueError("targets belong to a sample: give its inputs too")
    sample = _evaluate(model, inputs, targets, loss or half_squared_error)
    sheet = Sheet(model, sample, lines, MOST_NEURONS if most is None else most)
    return Picture(sheet.svg(), sheet.title)


def _refuse_unless_drawn(model: Module, inputs: Any, targets: Any, loss: Any, lines: str) -> None:
    """Raise ValueError for arguments that a picture of matrices does not support."""
    name = type(model).__name__
    if targets is not None or loss is not None or lines != "weights":
        raise ValueError(f"targets, a loss and gradients are drawn for an MLP, a Layer or a Neuron, not for {name}")
    if inputs is not None and not isinstance(model, CausalSelfAttention):
        raise ValueError(f"inputs are drawn for networks and CausalSelfAttention; for {name} only the parameters are")


def _evaluate(model: Network, inputs: Inputs | None, targets: ArrayLike | None, loss: Loss) -> Sample:
    if inputs is None:
        return Sample([], [], "", {})
    with resumed():  # the caller may be in a no_grad block
        outputs = model(inputs)  # raises for invalid inputs
        activations = [output_numbers(inputs)]
        with no_grad():
            for neurons in layers_of(model):
                activations.append([neuron(activations[-1]).data for neuron in neurons])
        if targets is None:
            return Sample(activations, [], "", {})
        wanted: list[float] = as_targets(np.asarray(targets)[None], 1, len(activations[-1]))[0].tolist()
        cost = loss(outputs, wanted if len(wanted) > 1 else wanted[0])
    if not isinstance(cost, Value):
        raise TypeError(f"the loss must be a Value computed from the outputs, got {cost!r}")
    name = abbreviate(visible(getattr(loss, "__name__", "loss")), 40)
    return Sample(activations, wanted, f"C = {name} = {cost.data!r}. ", _gradients(cost))


def _gradients(cost: Value) -> dict[Value, float]:
    """Return ∂C/∂v for each node that the cost depends on, without changing any `grad`."""
    order = topological_order(cost)
    before = [node.grad for node in order]
    try:
        for node in order:
            node.grad = 0.0
        cost.backward()
        return {node: node.grad for node in order}
    finally:
        for node, grad in zip(order, before):
            node.grad = grad
