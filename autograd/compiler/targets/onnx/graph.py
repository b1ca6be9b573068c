"""An ONNX graph under construction, and its tensors, whose arithmetic adds nodes."""

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
"""Versions that runtimes since 2023 support."""


class Graph:
    """A graph under construction.

    Args:
        onnx: the module.
        dtype: the dtype of all computations.
        outer: the graph whose body this is, which shares its names.

    Attributes:
        nodes: the nodes so far.
        constants: the constants so far.
    """

    onnx: Any
    dtype: np.dtype[Any]

    def __init__(self, onnx: Any, dtype: np.dtype[Any], outer: Graph | None = None) -> None:
        self.onnx, self.dtype = onnx, dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = outer.constants if outer else []
        self._counts: Counter[str] = outer._counts if outer else Counter()
        self._known: dict[object, str] = outer._known if outer else {}

    def body(self) -> Graph:
        """Return an empty graph inside this one, which may read this one's results."""
        return Graph(self.onnx, self.dtype, self)

    def name(self, base: str) -> str:
        """Return an unused name: the base, followed by a number if necessary."""
        self._counts[base] += 1
        return base if self._counts[base] == 1 else self.name(f"{base}_{self._counts[base]}")

    def node(self, operator: str, *inputs: str, name: str = "", domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; return the output."""
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
        """Return an array as a constant; floats are converted to the graph's dtype."""
        array = np.ascontiguousarray(array, dtype=self.dtype if array.dtype.kind == "f" else array.dtype)
        key = name or (array.tobytes(), array.shape, str(array.dtype))
        if key not in self._known:
            self._known[key] = self.name(name or "constant")
            self.constants.append(self.onnx.numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def texts(self, texts: Sequence[str]) -> str:
        """Return a constant vector of strings."""
        name = self.name("texts")
        self.constants.append(self.onnx.helper.make_tensor(name, self.onnx.TensorProto.STRING, [len(texts)], texts))
        return name

    def number(self, x: float) -> str:
        """Return a constant number."""
        return self.constant(np.asarray(float(x)))

    def integers(self, *numbers: int) -> str:
        """Return a constant vector of integers."""
        return self.constant(np.array(numbers, dtype=np.int64))

    def is_finite(self, x: str) -> str:
        """Return whether all elements of x are finite, as one truth value."""
        flags = self.node("Equal", self.node("Sub", x, x), self.number(0.0))
        return self.node("Equal", self.node("ReduceMin", self.cast(flags), keepdims=0), self.number(1.0))

    def choice(self, condition: str, one: Graph, other: Graph) -> str:
        """Return the last node's result of one body if a truth value holds, else of the other body."""
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
        """Convert truth values, or other numbers, to the dtype."""
        return self.node("Cast", x, to=self.element_type)


class Tensor(Written):
    """A tensor of a graph.

    Attributes:
        graph: the graph that contains it.
        name: its name in the graph.
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
        """Return a constant number in the same graph."""
        return Tensor(self.graph, self.graph.number(x))

    def node(self, operator: str, *others: Tensor, **attributes: Any) -> Tensor:
        """Apply an ONNX operator to this tensor and others."""
        return Tensor(self.graph, self.graph.node(operator, self.name, *[x.name for x in others], **attributes))

    def in_float32(self, operator: str) -> Tensor:
        """Apply an operator that runtimes implement only for float32."""
        single = self.node("Cast", to=self.graph.onnx.TensorProto.FLOAT).node(operator)
        return single.node("Cast", to=self.graph.element_type)
