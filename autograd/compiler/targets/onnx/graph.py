"""A graph of ONNX that grows node by node, and tensors in it, whose arithmetic adds nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.operators import Written
from autograd.compiler.targets.onnx import primitives as table
from autograd.primitives import Primitive

__all__ = ["Graph"]

OPSET, ML_OPSET, IR_VERSION = 18, 3, 8
"""Versions that runtimes of 2023 and later know."""


class Graph:
    """Nodes and constants.

    Args:
        onnx: the module.
        dtype: of the numbers computed with.
        around: the graph that this one is a body in, which shares its names.

    Attributes:
        nodes: so far.
        constants: so far.
    """

    onnx: Any
    dtype: np.dtype[Any]

    def __init__(self, onnx: Any, dtype: np.dtype[Any], around: Graph | None = None) -> None:
        self.onnx, self.dtype = onnx, dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = around.constants if around else []
        self._counts: Counter[str] = around._counts if around else Counter()
        self._known: dict[object, str] = around._known if around else {}

    def body(self) -> Graph:
        """Return an empty graph inside this one, which may read what this one has computed."""
        return Graph(self.onnx, self.dtype, self)

    def name(self, base: str) -> str:
        """Return a name that is not taken: the base, or with a number behind it."""
        self._counts[base] += 1
        return base if self._counts[base] == 1 else self.name(f"{base}_{self._counts[base]}")

    def node(self, operator: str, *inputs: str, name: str = "", domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; return that."""
        (output,) = self.nodes_of_several(operator, inputs, [self.name(name or operator.lower())], domain, **attributes)
        return output

    def nodes_of_several(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Any
    ) -> Sequence[str]:
        """Add a node with these outputs; return them."""
        node = self.onnx.helper.make_node(operator, inputs, outputs, domain=domain, **attributes)
        self.nodes.append(node)
        return outputs

    def constant(self, array: NDArray[Any], name: str = "") -> str:
        """Return an array that is part of the graph; floats in the graph's dtype."""
        array = np.ascontiguousarray(array, dtype=self.dtype if array.dtype.kind == "f" else array.dtype)
        key = name or (array.tobytes(), array.shape, str(array.dtype))
        if key not in self._known:
            self._known[key] = self.name(name or "constant")
            self.constants.append(self.onnx.numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def texts(self, texts: Sequence[str]) -> str:
        """Return a vector of texts."""
        name = self.name("texts")
        self.constants.append(self.onnx.helper.make_tensor(name, self.onnx.TensorProto.STRING, [len(texts)], texts))
        return name

    def number(self, x: float) -> str:
        """Return a number."""
        return self.constant(np.asarray(float(x)))

    def integers(self, *numbers: int) -> str:
        """Return a vector of integers."""
        return self.constant(np.array(numbers, dtype=np.int64))

    def is_finite(self, x: str) -> str:
        """Return whether all elements of x are finite, as one truth value."""
        flags = self.node("Equal", self.node("Sub", x, x), self.number(0.0))
        return self.node("Equal", self.node("ReduceMin", self.cast(flags), keepdims=0), self.number(1.0))

    def choice(self, condition: str, one: Graph, other: Graph) -> str:
        """Return what the last node of a body gives: of one where a truth value holds, else of the other."""
        empty = self.onnx.helper.make_empty_tensor_value_info
        branches = [
            self.onnx.helper.make_graph(body.nodes, self.name("branch"), [], [empty(body.nodes[-1].output[0])])
            for body in (one, other)
        ]
        return self.node("If", condition, then_branch=branches[0], else_branch=branches[1])

    @property
    def element_type(self) -> int:
        """ONNX's number for the dtype."""
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(self.dtype))

    def cast(self, x: str) -> str:
        """Return truth values, or other numbers, as numbers of the dtype."""
        return self.node("Cast", x, to=self.element_type)


class Tensor(Written):
    """A tensor of a graph.

    Attributes:
        graph: that it belongs to.
        name: in the graph.
    """

    graph: Graph
    name: str

    __slots__ = ("graph", "name")

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph, self.name = graph, name

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Any:
        """Apply a primitive to tensors and numbers."""
        return table.applied(primitive, [x if isinstance(x, Tensor) else self.number(x) for x in inputs])

    def number(self, x: float) -> Tensor:
        """Return a number of the same graph."""
        return Tensor(self.graph, self.graph.number(x))

    def node(self, operator: str, *others: Tensor, **attributes: Any) -> Tensor:
        """Return what an operator of ONNX makes of this tensor, and of others."""
        return Tensor(self.graph, self.graph.node(operator, self.name, *[x.name for x in others], **attributes))

    def in_float32(self, operator: str) -> Tensor:
        """Return what an operator that runtimes have for float32 alone makes of this tensor."""
        single = self.node("Cast", to=self.graph.onnx.TensorProto.FLOAT).node(operator)
        return single.node("Cast", to=self.graph.element_type)
