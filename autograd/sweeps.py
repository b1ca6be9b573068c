"""One run of a function on fresh nodes, and the sweeps over its graph that implement the transforms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from autograd import primitives
from autograd.graph import topological_order
from autograd.nested import Rebuild, flatten
from autograd.reading import number_of
from autograd.recording import derivatives_never_raise, tracer
from autograd.untaken import forward_masks, reverse_masks
from autograd.value import Constant, Value

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]
Number = Value | float


class Run:
    """One run of a function on fresh nodes, and the sweeps over the graph that it recorded.

    Attributes:
        variables: the fresh nodes, one for each number of the differentiated arguments.
        like_arguments: gives a flat list of numbers the shape of those arguments.
        outputs: the numbers that the function returned, as Values.
        rebuild_output: gives a flat list of numbers the shape of the function's result.
        values_given: True if an argument holds a Value; the results are then Values too.
    """

    rebuild_output: Rebuild

    def __init__(
        self, f: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any], argnums: Argnums, recorded: bool
    ) -> None:
        chosen = argnums if isinstance(argnums, tuple) else (argnums,)
        for i in chosen:
            if not -len(args) <= i < len(args):
                raise ValueError(f"argnums names argument {i}, but the function was called with {len(args)} of them")
        parts = [flatten(args[i], f"argument {i % len(args)}") for i in chosen]
        numbers = [number for part, _ in parts for number in part]
        self.variables: list[Value] = [primitives.identity(x) if isinstance(x, Value) else Value(x) for x in numbers]
        self._rebuilds = [rebuild for _, rebuild in parts]
        self._returns_tuple = isinstance(argnums, tuple)
        self._recorded = recorded
        self.values_given: bool = recorded and any(isinstance(x, Value) for x in numbers)

        fresh, variables = list(args), iter(self.variables)
        for i, rebuild in zip(chosen, self._rebuilds):
            fresh[i] = rebuild(variables)
        outputs, self.rebuild_output = flatten(f(*fresh, **kwargs), "the function's result")
        self.outputs: list[Value | Constant] = [x if isinstance(x, Value) else Constant(x) for x in outputs]
        self._order = topological_order(*self.outputs, stop=self.variables)
        self._sort()

    def _sort(self) -> None:
        """Find the nodes that depend on the variables, and those that depend on the variables or a captured Value."""
        self._dependent = set(self.variables)
        self._varying = set(self.variables)
        captured = False
        for node in self._order:
            if not node.parents and not node.is_constant:
                self._varying.add(node)
                captured = True
            if not self._dependent.isdisjoint(node.parents):
                self._dependent.add(node)
            if not self._varying.isdisjoint(node.parents):
                self._varying.add(node)
        self._symbolic = self.values_given or (captured and self._recorded)

    def single_output(self, f: Function) -> Value:
        """Return the single number that the function returned. Raises TypeError if there are several."""
        returned = self.rebuild_output(iter(self.outputs))
        if not isinstance(returned, Value):
            raise TypeError(
                f"the gradient of {getattr(f, '__name__', f)!r} needs a function that returns one number; it returned "
                f"a {type(returned).__name__} of {len(self.outputs)}: use jacobian, or return a sum"
            )
        return returned

    def pull_back(self, gradients: dict[Value, Number]) -> list[Number]:
        """Run the reverse sweep: propagate gradients of the outputs to a gradient for each variable."""
        masked = reverse_masks(self._order)
        with derivatives_never_raise():
            for node in reversed(self._order):
                if node not in gradients or node not in self._dependent:
                    continue
                for parent, derivative in self._taken(node):
                    term = masked(node, parent, derivative, self._times(derivative, gradients[node]))
                    gradients[parent] = gradients[parent] + term if parent in gradients else term
        return [gradients.get(variable, 0.0) for variable in self.variables]

    def push_forward(self, directions: Sequence[Number]) -> list[Number]:
        """Run the forward sweep: propagate a direction, one number per variable, to a slope for each output."""
        if self._recorded and any(isinstance(direction, Value) for direction in directions):
            self._symbolic = self.values_given = True
        slopes = {x: d for x, d in zip(self.variables, directions) if not _is_zero(d)}
        masked = forward_masks()
        with derivatives_never_raise():
            for node in self._order:
                if slopes.keys().isdisjoint(node.parents):
                    continue
                terms = [masked(node, x, d, self._times(d, slopes[x])) for x, d in self._taken(node) if x in slopes]
                if terms:
                    slopes[node] = sum(terms[1:], start=terms[0])
        return [slopes.get(output, 0.0) for output in self.outputs]

    def _taken(self, node: Value) -> Iterator[tuple[Value, Number]]:
        """Yield the parents that depend on the variables, with the local derivatives to them.

        If the node chooses among its parents, those it did not select are left out: no gradient flows to them, even if
        a derivative further along is infinite.
        """
        chooses = node.primitive is not None and node.primitive.chooses
        for parent, derivative in zip(node.parents, self._local_derivatives(node)):
            if parent in self._dependent and not (chooses and _is_zero(derivative)):
                yield parent, derivative

    def _local_derivatives(self, node: Value) -> Sequence[Number]:
        """Return the recorded local derivatives; or evaluate their rule on Values, which makes a graph of them."""
        if not self._symbolic or node.primitive is None:
            return node.local_derivatives
        inputs = [parent if parent in self._varying else parent.data for parent in node.parents]
        active = tracer.get()
        rule = active.derivatives_of(node.primitive) if active else node.primitive.derivatives
        derivatives: Sequence[Number]
        try:
            derivatives = rule(*inputs, node)
        except (ArithmeticError, ValueError):  # plain numbers raise, as in 1 / 0.0; inside this context Values do not
            try:
                derivatives = rule(*(x if isinstance(x, Value) else Constant(x) for x in inputs), node)
            except (ArithmeticError, ValueError):  # raised by functions that accept only floats
                derivatives = (math.nan,) * len(inputs)
        return derivatives

    def _times(self, derivative: Number, gradient: Number) -> Number:
        """Multiply a derivative and a gradient, without a node for a factor of 1."""
        if self._symbolic and type(derivative) is float and derivative == 1.0:
            return gradient
        if self._symbolic and type(gradient) is float and gradient == 1.0:
            return derivative
        return derivative * gradient

    def finish(self, results: Sequence[Number]) -> list[Number]:
        """Return the results as plain numbers, or all as Values if an argument was one or a result depends on one.

        Also turn the run's own leaves into constants: nobody can differentiate with respect to them afterwards.
        """
        for variable in self.variables:
            if not variable.parents:
                variable.__class__ = Constant
        if self._symbolic:
            order = topological_order(*(x for x in results if isinstance(x, Value)))
            if self.values_given or any(not node.parents and not node.is_constant for node in order):
                return [x if isinstance(x, Value) else Constant(x) for x in results]
        return [number_of(x) if isinstance(x, Value) else float(x) for x in results]

    def like_arguments(self, numbers: Iterable[Any]) -> Any:
        """Give numbers, one for each variable, the shape of the arguments."""
        flat = iter(numbers)
        shaped = tuple(rebuild(flat) for rebuild in self._rebuilds)
        return shaped if self._returns_tuple else shaped[0]


def _is_zero(x: Number) -> bool:
    """Tell whether x is a plain 0: a structural zero. A Value is never one, since its 0 may be accidental."""
    return not isinstance(x, Value) and x == 0.0
