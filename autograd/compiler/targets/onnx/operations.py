"""Write operations of array programs as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from autograd.arrays import np
from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import (
    PADDING,
    Batch,
    Data,
    Labels,
    Operation,
    Padding,
    Placement,
    Reduction,
    Shape,
    Slice,
)
from autograd.compiler.arrays.program import STRUCTURE, ArrayProgram
from autograd.compiler.targets.contractions import as_matrix_product
from autograd.compiler.targets.onnx.graph import Graph, Tensor
from autograd.compiler.targets.onnx.primitives import applied


class Writer:
    """Writes programs into a graph.

    Args:
        graph: the graph to extend.
        samples: the tensor of the number of samples, a vector of one integer.
    """

    graph: Graph

    def __init__(self, graph: Graph, samples: str) -> None:
        self.graph, self._samples = graph, samples

    def run(self, program: ArrayProgram, leaves: Mapping[str, str]) -> list[str]:
        """Add the nodes of a program; return the names of its results.

        Args:
            leaves: the tensors of arguments and parameters, by name.

        Raises:
            NotImplementedError: for an operation that ONNX's operators cannot compute, naming it.
        """
        names: dict[int, Any] = {}
        integers = set[int]()  # arrays of indices
        for at in sorted(program.needed(program.outputs)):
            operation = program.operations[at]
            operands = [names[k] for k in operation.operands]
            shapes = [program.operations[k].shape for k in operation.operands]
            if operation.kind in ("argument", "index", "parameter"):
                names[at] = leaves[operation.name if operation.kind == "parameter" else operation.attribute[0]]
            elif operation.kind == "loop":
                names[at] = self._loop(operation.attribute, operands)
            elif operation.kind == "result":
                names[at] = operands[0][operation.attribute]
            else:
                if operation.kind == "apply":  # a comparison, which needs operands of one type
                    operands = [
                        self.graph.cast(x) if k in integers else x for k, x in zip(operation.operands, operands)
                    ]
                names[at] = self._write(operation, operands, shapes)
            if operation.kind == "index" or (operation.kind in STRUCTURE and operation.operands[0] in integers):
                integers.add(at)
        return [names[at] for at in program.outputs]

    def _write(self, operation: Operation, names: list[str], shapes: list[Shape]) -> str:
        graph, attribute = self.graph, operation.attribute
        match operation.kind:
            case "constant":
                return graph.constant(attribute.array) if isinstance(attribute, Data) else graph.number(attribute)
            case "apply":
                return applied(attribute.primitive, [Tensor(graph, name) for name in names]).name
            case "guard":
                return names[0]
            case "contract":
                return self._contract(attribute, *names)
            case "reduce":
                return self._reduce(attribute, names[0], shapes[0])
            case "slopes" if len(names) == 2:
                return self._slopes(attribute.reduces, *[Tensor(graph, name) for name in names])
            case "reshape":
                return self.reshaped(names[0], operation.shape)
            case "transpose":
                return graph.node("Transpose", names[0], perm=list(attribute))
            case "broadcast":
                return self.broadcast(names[0], operation.shape)
            case "slice":
                return self.sliced(names[0], attribute)
            case "concatenate":
                return graph.node("Concat", *names, axis=attribute)
            case "pad":
                return self._pad(attribute, names[0], shapes[0])
            case "take" if len(names) == 1:
                return self._take(names[0], attribute.array)
            case "place" if len(names) == 1:
                return self._place(names[0], attribute, operation.shape)
            case "look up":
                return self._look_up(names[0], names[1], attribute.shared)
            case "accumulate":
                axis = graph.constant(np.asarray(attribute.axis))
                return graph.node("CumSum", names[0], axis, reverse=int(attribute.backward))
        raise NotImplementedError(f"no operation {operation.kind!r} of {len(names)} operands is exported to ONNX")

    # Shapes

    def reshaped(self, x: str, shape: Shape) -> str:
        """Return x in another shape."""
        if sum([isinstance(length, Batch) for length in shape]) > 1 or 0 in shape:
            return self.graph.node("Reshape", x, self._shape(shape))
        return self.graph.node("Reshape", x, self.graph.integers(*[_fixed(length) for length in shape]))

    def broadcast(self, x: str, shape: Shape) -> str:
        """Return x repeated to a shape."""
        return self.graph.node("Expand", x, self._shape(shape))

    def _shape(self, shape: Shape) -> str:
        """Return a shape as a vector of integers."""
        graph = self.graph
        if not any(isinstance(length, Batch) for length in shape):
            return graph.integers(*[_fixed(length) for length in shape])
        parts = [self._length(length) if isinstance(length, Batch) else graph.integers(length) for length in shape]
        return parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=0)

    def _length(self, length: Batch) -> str:
        if length.times == 1:
            return self._samples
        return self.graph.node("Mul", self._samples, self.graph.integers(length.times))

    # Sums

    def _contract(self, labels: Labels, left: str, right: str) -> str:
        """Return sums of products, as MatMul if possible, else as Einsum."""
        product = as_matrix_product(labels)
        if product is None:
            return self.graph.node("Einsum", left, right, equation=f"{labels.left},{labels.right}->{labels.result}")
        if product.swapped:
            left, right = right, left
        return self.graph.node("MatMul", self._ordered(left, product.left), self._ordered(right, product.right))

    def _ordered(self, x: str, axes: tuple[int, ...] | None) -> str:
        return x if axes is None else self.graph.node("Transpose", x, perm=list(axes))

    def _reduce(self, reduction: Reduction, x: str, shape: Shape) -> str:
        function, axes, keepdims, _ = reduction
        if not axes:
            return x
        if function == "sum":
            return self._along("ReduceSum", x, axes, keepdims)
        tensor = Tensor(self.graph, x)
        if function == "any":
            return self._along("ReduceMax", (tensor != 0.0).name, axes, keepdims)
        if function in ("max", "min"):
            return self._extreme(function, tensor, axes, keepdims)
        if function == "prod":
            return self._along("ReduceProd", x, axes, keepdims)
        if function != "logsumexp":
            raise NotImplementedError(f"no reduction {function!r} is exported to ONNX")
        return self._logsumexp(tensor, axes, keepdims)

    def _along(self, operator: str, x: str, axes: Sequence[int], keepdims: bool) -> str:
        return self.graph.node(operator, x, self.graph.integers(*axes), keepdims=int(keepdims))

    def _extreme(self, function: str, x: Tensor, axes: Sequence[int], keepdims: bool) -> str:
        """Return the maximum or minimum; nan propagates, which not every runtime's operator ensures."""
        plain = self._along({"max": "ReduceMax", "min": "ReduceMin"}[function], x.name, axes, keepdims)
        has_nan = Tensor(self.graph, self._along("ReduceMax", (x != x).name, axes, keepdims))
        return self._where(has_nan, has_nan.number(math.nan), Tensor(self.graph, plain)).name

    def _where(self, condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return condition.node("Cast", to=self.graph.onnx.TensorProto.BOOL).node("Where", a, b)

    def _logsumexp(self, x: Tensor, axes: Sequence[int], keepdims: bool) -> str:
        """Return log Σ exp(x), shifted by the maximum, or the maximum itself where it is infinite or nan."""
        graph = self.graph
        largest = Tensor(graph, self._extreme("max", x, axes, True))
        shift = self._where(abs(largest) < math.inf, largest, largest.number(0.0))
        total = Tensor(graph, self._along("ReduceSum", (x - shift).node("Exp").name, axes, True))
        result = (shift + total.node("Log")).name
        return result if keepdims else graph.node("Squeeze", result, graph.integers(*axes))

    def _slopes(self, rule: str, x: Tensor, out: Tensor) -> str:
        """Return the derivatives of a reduction along the last axis: equal shares or the softmax."""
        if rule == "shares":
            taken = x == out
            return (taken / self._total(taken)).name  # type: ignore[no-any-return]
        if rule != "softmax":
            raise NotImplementedError(f"no derivatives {rule!r} are exported to ONNX")
        largest = Tensor(self.graph, self._extreme("max", x, [-1], True))
        shift = self._where(abs(largest) < math.inf, largest, largest.number(0.0))
        is_infinite = largest == math.inf
        parts = self._where(is_infinite, x == math.inf, (x - shift).node("Exp"))
        total = self._total(parts)
        of_infinite = self._where(total == 1.0, total, total.number(math.nan))  # nan if several are infinite
        divisor = self._where(is_infinite, of_infinite, self._where(total == 0.0, total.number(1.0), total))
        return (parts / divisor).name  # type: ignore[no-any-return]

    def _total(self, x: Tensor) -> Tensor:
        return Tensor(self.graph, self._along("ReduceSum", x.name, [-1], True))

    # Structure

    def sliced(self, x: str, part: Slice) -> str:
        """Return a range along an axis."""
        axis, start, stop, step = part
        integers = self.graph.integers
        return self.graph.node("Slice", x, integers(start), integers(stop), integers(axis), integers(step))

    def _pad(self, padding: Padding, x: str, shape: Shape) -> str:
        """Pad x with zeros, by a gather from x followed by a zero."""
        axis, start, stop, step, length = padding
        size = len(range(start, stop, step))
        graph, axes = self.graph, len(shape)
        widths = [0] * (2 * axes)
        widths[axes + axis] = 1
        longer = graph.node("Pad", x, graph.integers(*widths), graph.number(0.0))
        index = np.full(length, size, dtype=np.int64)
        index[start:stop:step] = np.array(range(size), dtype=np.int64)
        return graph.node("Gather", longer, graph.constant(index), axis=axis)

    def _take(self, x: str, positions: Any) -> str:
        graph, exist = self.graph, positions != PADDING
        taken = graph.node("Gather", x, graph.constant(np.where(exist, positions, 0)), axis=-1)
        if exist.all():
            return taken
        return graph.node("Where", graph.constant(exist), taken, graph.number(0.0))

    def _look_up(self, table: str, index: str, shared: int) -> str:
        if not shared:
            return self.graph.node("Gather", table, index, axis=0)
        entries = self.graph.node("Unsqueeze", index, self.graph.integers(-1))
        return self.graph.node("GatherND", table, entries, batch_dims=shared)

    def _place(self, x: str, placement: Placement, shape: Shape) -> str:
        """Scatter-add columns to zeros; dropped ones are added to an extra column, which is cut off."""
        graph, index = self.graph, placement.positions.array.reshape(-1)
        columns = self.reshaped(x, (*shape[:-1], index.size))
        wider = (*shape[:-1], placement.length + 1)
        zeros = self.broadcast(graph.number(0.0), wider)
        row = graph.constant(np.where(index == PADDING, placement.length, index))
        positions = self.broadcast(row, (*shape[:-1], index.size))
        total = graph.node("ScatterElements", zeros, positions, columns, axis=-1, reduction="add")
        return self.sliced(total, Slice(len(shape) - 1, 0, placement.length))

    def _loop(self, loop: Loop, operands: list[str]) -> Sequence[str]:
        """Return the results of a loop as a Scan; one without arrays read by step scans zeros to count its steps."""
        graph, body = self.graph, self.graph.body()
        arguments = [loop.body.operations[at] for at in loop.arguments]
        states, arrays, constants = loop.split(operands)
        stepped = arguments[: len(states) + len(arrays)]
        inputs = [graph.name(operation.name) for operation in stepped]
        named = dict(zip([operation.attribute[0] for operation in arguments], [*inputs, *constants]))
        results = Writer(body, self._samples).run(loop.body, named)
        outputs = [body.node("Identity", name, name=f"{name}_out") for name in results]
        before = [_info(graph, name, operation.shape) for name, operation in zip(inputs, stepped)]
        after = [_info(graph, name, loop.body.operations[at].shape) for name, at in zip(outputs, loop.body.outputs)]
        read = loop.read
        if not read:
            arrays, read = [graph.constant(np.zeros(loop.steps))], (Stepping(0),)
            before.append(_info(graph, graph.name("step"), ()))
        settings: dict[str, Any] = {"num_scan_inputs": len(read)}
        for several, kind in ((read, "input"), (loop.written, "output")):
            if several:
                settings[f"scan_{kind}_axes"] = [stepping.axis for stepping in several]
                settings[f"scan_{kind}_directions"] = [int(stepping.backward) for stepping in several]
        settings["body"] = graph.onnx.helper.make_graph(body.nodes, graph.name("body"), before, after)
        results = [graph.name("result") for _ in outputs]
        return graph.nodes_of_several("Scan", [*states, *arrays], results, **settings)


def _fixed(length: Any) -> int:
    return -1 if isinstance(length, Batch) else length


def _info(graph: Graph, name: str, shape: Shape) -> Any:
    """Return a tensor's value info."""
    lengths = [str(length) if isinstance(length, Batch) else length for length in shape]
    return graph.onnx.helper.make_tensor_value_info(name, graph.element_type, lengths)
