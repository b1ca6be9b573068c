"""Write a compiled program's forward pass to a file as an ONNX model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from autograd.arrays import np
from autograd.compiler.arrays.operations import N, Shape, Slice
from autograd.compiler.targets.onnx.graph import IR_VERSION, ML_OPSET, OPSET, Graph
from autograd.compiler.targets.onnx.operations import Writer
from autograd.compiler.targets.portable import Portable, chosen_dtype
from autograd.compiler.trace.signature import Argument
from autograd.support.extras import imported
from autograd.support.files import write_atomically

__all__ = ["BATCH", "Port", "forward", "save"]

BATCH = "n"
"""The name of the batch axis."""


class Port(NamedTuple):
    """An input or output of a model.

    Attributes:
        element_type: ONNX's code of its dtype.
        shape: numbers, or names of variable lengths.
    """

    name: str
    element_type: int
    shape: list[int | str]


def write_model(portable: Portable, path: str | Path, dtype: str | None) -> None:
    """Write a compiled program as an ONNX model. See `Program.to_onnx`."""
    graph = Graph(imported("onnx", "to_onnx"), np.dtype(chosen_dtype(portable, dtype)))
    for argument in portable.arguments:
        graph.name(argument.name)
    inputs = [
        Port(a.name, _element_type(graph, a), [BATCH, *(a.shape if a.shape is not None else (a.size,))])
        for a in portable.arguments
    ]
    samples = graph.node("Shape", inputs[0].name, start=0, end=1) if inputs else graph.integers(1)
    outputs = _outputs(portable, graph, samples, forward(portable, graph, samples, [port.name for port in inputs]))
    save(graph, portable.name, inputs, outputs, path)


def _element_type(graph: Graph, argument: Argument) -> int:
    """Return ONNX's code of an argument's dtype: int64 for indices."""
    return graph.element_type if argument.lengths is None else int(graph.onnx.TensorProto.INT64)


def forward(portable: Portable, graph: Graph, samples: str, arguments: Sequence[str]) -> str:
    """Add the nodes of a program's forward pass; return its results, with a column for each number.

    Args:
        samples: the tensor of the number of samples.
        arguments: the tensors of the arguments' batches.
    """
    writer = Writer(graph, samples)
    rows = [
        writer.reshaped(name, (N, argument.size)) if argument.shape != (argument.size,) else name
        for name, argument in zip(arguments, portable.arguments)
    ]
    numbers = {p.name: graph.constant(p.numbers(graph.dtype), p.name) for p in portable.parameters}
    columns = _columns(portable, writer, portable.leaves(numbers, rows))
    if portable.make_unpadded is None:
        return columns
    taken, unpadded = graph.body(), graph.body()
    taken.node("Identity", columns)
    others = _columns(portable.unpadded, Writer(unpadded, samples), portable.leaves(numbers, rows))
    unpadded.node("Identity", others)
    return graph.choice(graph.is_finite(columns), taken, unpadded)


def _columns(portable: Portable, writer: Writer, leaves: dict[str, Any]) -> str:
    """Add the nodes of a program; return its results, one row per sample."""
    (columns,) = writer.run(portable.program, leaves)
    is_batched = portable.program.operations[portable.program.outputs[0]].shape[:1] == (N,)
    return columns if is_batched else writer.broadcast(columns, (N, portable.results.count))


def _outputs(portable: Portable, graph: Graph, samples: str, columns: str) -> list[Port]:
    """Add the nodes that give the results their structure; return the outputs."""
    writer, results = Writer(graph, samples), portable.results

    def part(name: str, start: int, stop: int, shape: tuple[int, ...]) -> Port:
        axis = Slice(1, start, stop)
        cut = columns if (start, stop) == (0, results.count) else writer.sliced(columns, axis)
        batched: Shape = (N, *shape)
        output = graph.node("Identity", writer.reshaped(cut, batched), name=name)
        return Port(output, graph.element_type, [BATCH, *shape])

    first = [part("output", 0, 1, ())] if results.has_aux else []
    start, name = len(first), "aux" if first else "output"
    if results.shape is None:
        return [*first, *[part(f"{name}_{k - start}", k, k + 1, ()) for k in range(start, results.count)]]
    return [*first, part(name, start, results.count, results.shape)]


def save(graph: Graph, name: str, inputs: Sequence[Port], outputs: Sequence[Port], path: str | Path) -> None:
    """Check a graph, and write it to a file atomically.

    Raises:
        OSError: if the file cannot be written.
    """
    helper = graph.onnx.helper

    def value_infos(ports: Sequence[Port]) -> list[Any]:
        return [helper.make_tensor_value_info(*port) for port in ports]

    content = helper.make_graph(graph.nodes, name, value_infos(inputs), value_infos(outputs), graph.constants)
    versions = [helper.make_opsetid("", OPSET)]
    if any(node.domain for node in graph.nodes):
        versions.append(helper.make_opsetid("ai.onnx.ml", ML_OPSET))
    model = helper.make_model(content, producer_name="lucidgrad", opset_imports=versions, ir_version=IR_VERSION)
    graph.onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    write_atomically(path, lambda temporary: temporary.write_bytes(data))
