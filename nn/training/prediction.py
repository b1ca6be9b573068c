"""Compute the outputs of a network for many samples, without recording a graph."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial
from time import monotonic
from typing import Any

from tqdm import tqdm

import autograd
from autograd import Value, no_grad
from autograd.arrays import HAVE_NUMPY, ArrayLike, np
from autograd.arrays.errors import ignoring_errors
from autograd.primitives import Primitive
from autograd.reading import number_of, numbers_of
from nn.conversion import Array
from nn.data import as_samples
from nn.layers import ACTIVATIONS, MLP, Layer, Neuron
from nn.module import Module, computes
from nn.training.tracing import flat, same_chances

Model = Module | Callable[[Any], Any]

ROWS_THAT_PAY = 4  # from here on, reading the parameters once and computing with plain numbers is faster
ROWS_TO_COMPILE = 300  # break-even of compiling against plain numbers, for networks of 2,000 weights
ROWS_A_BLOCK = 1024  # a constant, so that a row's bits do not depend on the number of other rows
ROWS_A_STEP = 100  # rows per update of the progress bar
SECONDS_BEFORE_BAR = 2.0


def predict(model: Model, inputs: ArrayLike) -> Array:
    """Compute the outputs of a network, one row per sample, without recording a graph.

    Many rows are computed as arrays, by `autograd.compile` of the model, with the same numbers up to rounding. A model
    that cannot be compiled is evaluated node by node; if that takes long, a progress bar is shown and the reason is
    printed to standard error.

    Args:
        model: a Module, or any function from one sample to a Value, a list of Values, or a list of them for each
            position of a sequence.
        inputs: samples first. Integers reach the model as ints, so that they can be tokens.

    Returns:
        An array of shape (samples, outputs), or (samples, positions, outputs).

    Raises:
        ValueError, TypeError: if the inputs are not finite numbers, or their number is not the network's.

    >>> from nn import MLP
    >>> predict(MLP(2, [3, 1], seed=0), [[0.0, 1.0]] * 1000).shape
    (1000, 1)
    """
    if not computes(model):
        raise TypeError(f"predict expects a network that can be called with a sample, got {model!r}")
    return np.concatenate(list(output_blocks(model, as_samples(inputs, integers=True, copy=False))))


def output_blocks(model: Model, samples: Array, fewest: int = ROWS_TO_COMPILE) -> Iterator[Array]:
    """Yield the outputs of samples in blocks of rows, otherwise as `predict`.

    Args:
        fewest: the number of rows from which to compile; with 1, a row's bits never depend on the other rows.
    """
    if len(samples) < fewest or not HAVE_NUMPY:
        yield predict_node_by_node(model, samples)
        return
    shape = predict_node_by_node(model, samples[:1]).shape[1:]  # raises for samples of the wrong size
    try:
        compute = _of_arrays(model) or _compiled(model, samples[0].tolist())
    except Exception as error:
        yield from _with_bar(model, samples, " ".join(str(error).split()) or type(error).__name__)
        return
    for i in range(0, len(samples), ROWS_A_BLOCK):
        rows = samples[i : i + ROWS_A_BLOCK]
        padding = np.repeat(rows[-1:], ROWS_A_BLOCK - len(rows), axis=0)
        outputs = compute(np.concatenate([rows, padding]))[: len(rows)].reshape(-1, *shape)
        yield outputs if np.isfinite(outputs).all() else predict_node_by_node(model, rows)


def _compiled(model: Model, sample: Any) -> Callable[[Array], Array]:
    """Return the compiled model with its current parameters. Raises the errors of `autograd.compile`."""
    with same_chances():
        program = copy_context().run(autograd.compile, lambda sample: flat(model(sample)), sample)
    return partial(program.outputs, np.array(numbers_of(program.parameters), dtype=float))


def _of_arrays(model: Any) -> Callable[[Array], Array] | None:
    """Return a function that computes an MLP layer by layer, as its compiled program would, but without compiling.

    None for any other model.
    """
    if not _is_plain_network(model):
        return None
    from autograd.compiler.targets.kernels import named_function

    layers: list[tuple[Array, Array, Callable[[Array], Array] | None]] = []
    for layer in model.layers:
        row = ACTIVATIONS[layer.activation]
        activation = named_function(row) if isinstance(row, Primitive) else None
        if isinstance(row, Primitive) and activation is None:
            return None
        weights = np.array([numbers_of(neuron.weights) for neuron in layer.neurons], dtype=float)
        layers.append((weights.T, np.array(numbers_of(n.bias for n in layer.neurons), dtype=float), activation))

    def outputs(a: Array) -> Array:
        for weights, biases, activation in layers:
            a = a @ weights + biases
            a = a if activation is None else activation(a)
        return a

    return partial(ignoring_errors, outputs)


def _with_bar(model: Model, samples: Array, reason: str) -> Iterator[Array]:
    """Yield outputs computed node by node; if that takes long, show a progress bar and the reason."""
    start, explained = monotonic(), False
    with tqdm(total=len(samples), unit=" rows", delay=SECONDS_BEFORE_BAR, leave=False, disable=None) as bar:
        for i in range(0, len(samples), ROWS_A_STEP):
            if not explained and monotonic() - start > SECONDS_BEFORE_BAR:
                explained = True
                bar.write(f"predicted node by node, since the model cannot be compiled: {reason}", file=sys.stderr)
            yield predict_node_by_node(model, samples[i : i + ROWS_A_STEP])
            bar.update(min(ROWS_A_STEP, len(samples) - i))


def predict_node_by_node(model: Model, samples: Array) -> Array:
    """Compute outputs by calling the model; for an MLP with plain numbers instead, with the same bits."""
    return copy_context().run(_outputs, model, samples)  # in a copy, so that an interrupt cannot leave no_grad on


def _outputs(model: Any, samples: Array) -> Array:
    with no_grad():
        if len(samples) < ROWS_THAT_PAY:
            return np.array([output_numbers(model(sample)) for sample in samples.tolist()], dtype=float)
        model(samples[0].tolist())  # raises for samples of the wrong size
        outputs_of = _of_numbers(model) or (lambda sample: output_numbers(model(sample)))
        return np.array([outputs_of(row) for row in samples.tolist()], dtype=float)


def _of_numbers(model: Any) -> Callable[[list[float]], list[float]] | None:
    """Return a function that computes an MLP with plain numbers, in the same order and so with the same bits.

    None for any other model.
    """
    if not _is_plain_network(model):
        return None
    layers = [
        (
            getattr(ACTIVATIONS[layer.activation], "forward", None),
            [(numbers_of(neuron.weights), number_of(neuron.bias)) for neuron in layer.neurons],
        )
        for layer in model.layers
    ]

    def outputs(a: list[float]) -> list[float]:
        for activation, neurons in layers:
            a = [sum(map(operator.mul, weights, a), bias) for weights, bias in neurons]
            if activation is not None:
                a = list(map(activation, a))
        return a

    return outputs


def _is_plain_network(model: Any) -> bool:
    """Tell whether a model computes exactly as the class `MLP` does."""
    return type(model) is MLP and all(map(_is_plain, model.layers))


def _is_plain(layer: Any) -> bool:
    """Tell whether a layer computes exactly as the class `Layer` does, with one activation for all neurons."""
    return type(layer) is Layer and all(
        type(neuron) is Neuron and not neuron.elementary and neuron.activation == layer.activation
        for neuron in layer.neurons
    )


def output_numbers(outputs: Any) -> list[Any]:
    """Return the numbers of a network's result for one sample: a list, or one for each position of a sequence."""
    values = [outputs] if isinstance(outputs, (Value, float, int)) else outputs
    if len(values) and isinstance(values[0], (list, tuple)):
        return [output_numbers(row) for row in values]
    return [number_of(x) if isinstance(x, Value) else float(x) for x in values]
