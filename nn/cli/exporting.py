"""Export a trained model as ONNX, including the encoding of a table's rows and the decoding of predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autograd
from autograd.compiler.targets.onnx.graph import Graph
from autograd.compiler.targets.onnx.model import BATCH, Port, forward, save
from autograd.support.extras import imported
from nn.layers import MLP
from nn.tables import Policy, Preprocessing
from nn.tables.column import Column
from nn.tables.opening import same_file
from nn.training.models import load, read_metadata

MEANINGS = {
    "number": "numbers; nan is a missing value",
    "truth": "1 for true, 0 for false; nan is a missing value",
    "date": "days since 1970-01-01; nan is a missing value",
    "text": "texts; an empty one is a missing value",
}
PERCENT = "percentages, 12 for 12 %; nan is a missing value"


class Feature(NamedTuple):
    """A table column in the ONNX graph.

    Attributes:
        port: the graph's input.
        inputs: name of the encoded column, with one row per sample.
    """

    port: Port
    inputs: str


def export_file(model_path: Path, output: Path, dtype: str, say: Callable[[str], None]) -> None:
    """Export a model trained by `lucidgrad train` to an ONNX model that takes raw table rows.

    The ONNX model has one input per column, a vector with one cell per row: strings for categories, otherwise float64,
    regardless of the network's dtype. Its outputs are "prediction", a class name or a number in the target's own units,
    and for classification "outputs", the network's outputs in the order of "classes". Missing values are handled as in
    training; if such rows were refused or left out, the prediction is empty or nan.

    Args:
        dtype: the network's precision, "float64" or "float32".
        say: called with a line for each input and output.

    Raises:
        ValueError: if the file is not a model, or the model was not trained on a table.
        ModuleNotFoundError: if the package onnx is missing.
        OSError: if a file cannot be read or written.
    """
    if same_file(output, model_path):
        raise ValueError(f"{output} is the model, so it cannot be the output: name another file")
    model = load(model_path)
    preprocessing = Preprocessing.from_json(read_metadata(model_path).get("preprocessing"))
    if len(preprocessing.input_names) != model.nin:
        raise ValueError(f"{model_path} is damaged: {model.nin} inputs for {len(preprocessing.input_names)} columns")
    graph = Graph(imported("onnx", "lucidgrad export"), np.dtype(dtype))
    for column in preprocessing.columns:
        graph.name(column.name)
    features = [_feature(graph, column, preprocessing.missing) for column in preprocessing.columns]
    inputs = graph.cast(graph.node("Concat", *[feature.inputs for feature in features], axis=1))
    samples = graph.node("Shape", inputs, start=0, end=1)
    columns = forward(autograd.compile(model, [0.0] * model.nin).portable(), graph, samples, [inputs])
    outputs = _outputs(graph, preprocessing, model, columns)
    save(graph, "lucidgrad", [feature.port for feature in features], outputs, output)
    for column in preprocessing.columns:
        meaning = PERCENT if column.reading.percent else MEANINGS[column.reading.kind]
        say(f"input {column.name!r}: {meaning}")
    say(f"output 'prediction': {preprocessing.target}")
    if preprocessing.classes is not None:
        say(f"output 'outputs': a number for each of {', '.join(preprocessing.classes)}")


def _feature(graph: Graph, column: Column, policy: Policy) -> Feature:
    """Add the nodes that encode a column."""
    types = graph.onnx.TensorProto
    if column.categories is not None:
        return Feature(Port(column.name, types.STRING, [BATCH]), _one_hot(graph, column, policy))
    fill = {"mean": column.mean, "median": column.median, "mode": float(column.mode)}.get(policy, np.nan)
    is_missing = graph.node("IsNaN", column.name)
    filled = graph.node("Where", is_missing, _doubles(graph, fill), column.name)
    scaled = graph.node("Div", graph.node("Sub", filled, _doubles(graph, column.mean)), _doubles(graph, column.scale))
    return Feature(Port(column.name, types.DOUBLE, [BATCH]), graph.node("Unsqueeze", scaled, graph.integers(1)))


def _one_hot(graph: Graph, column: Column, policy: Policy) -> str:
    """Add the one-hot encoding of a column's categories, as `Column.inputs` computes it."""
    categories = column.categories or ()
    unseen, refused = len(categories), len(categories) + 1
    gap = categories.index(column.mode) if column.mode in categories else unseen
    if policy in ("refuse", "drop"):
        gap = refused
    places = dict.fromkeys(("", *column.marks), gap) | {text: k for k, text in enumerate(categories)}
    place = graph.node(
        "LabelEncoder",
        column.name,
        domain="ai.onnx.ml",
        keys_strings=list(places),
        values_int64s=list(places.values()),
        default_int64=unseen,
    )
    table = np.vstack([np.eye(len(categories), len(column.names)), np.zeros((2, len(column.names)))])
    if column.other:
        table[unseen, -1] = 1.0
    table[refused] = np.nan
    return graph.node("Gather", _doubles(graph, table), place, axis=0)


def _doubles(graph: Graph, numbers: Any) -> str:
    """Add a float64 constant, regardless of the network's dtype, and return its name."""
    name = graph.name("table")
    graph.constants.append(graph.onnx.numpy_helper.from_array(np.asarray(numbers, dtype=np.float64), name))
    return name


def _outputs(graph: Graph, preprocessing: Preprocessing, model: MLP, columns: str) -> list[Port]:
    """Add the nodes that decode the network's outputs."""
    types = graph.onnx.TensorProto
    if preprocessing.classes is None:
        single = graph.node("Cast", graph.node("Squeeze", columns, graph.integers(1)), to=types.DOUBLE)
        scaled = graph.node("Mul", single, _doubles(graph, preprocessing.scale))
        name = graph.node("Add", scaled, _doubles(graph, preprocessing.mean), name="prediction")
        return [Port(name, types.DOUBLE, [BATCH])]
    is_number = graph.node("Not", graph.node("IsNaN", graph.node("ReduceSum", columns, graph.integers(1), keepdims=0)))
    best = graph.node("ArgMax", columns, axis=1, keepdims=0)
    place = graph.node("Where", is_number, best, graph.constant(np.asarray(len(preprocessing.classes))))
    names = graph.texts([*preprocessing.classes, ""])
    prediction = graph.node("Gather", names, place, axis=0, name="prediction")
    outputs = graph.node("Identity", columns, name="outputs")
    return [
        Port(prediction, types.STRING, [BATCH]),
        Port(outputs, graph.element_type, [BATCH, len(preprocessing.classes)]),
    ]
