"""The compiled program that users hold."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, Never, overload
from weakref import WeakValueDictionary

from autograd.arrays import NDArray, np
from autograd.arrays.errors import ignoring_errors
from autograd.compiler.batch_cost import BatchCost
from autograd.compiler.elsewhere import Elsewhere
from autograd.compiler.engines import engine_for
from autograd.compiler.inspection import Inspectable
from autograd.compiler.names import sanitised
from autograd.compiler.pipeline import lower_trace
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.stages import AnyProgram, PassRunner
from autograd.compiler.trace.diagnose import not_finite
from autograd.compiler.trace.results import Results
from autograd.compiler.trace.retrace import settled_trace
from autograd.compiler.trace.signature import Argument, BatchReader, argument_names, refuse_unless_flat, shape_of
from autograd.nested import flatten
from autograd.reading import gradients_of, numbers_of
from autograd.updates import commit, setting
from autograd.value import Value

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # type checkers bundle this package

    One = TypeVar("One", default=Any)
    Batch = TypeVar("Batch", default=Any)
else:
    from typing import TypeVar

    One, Batch = TypeVar("One"), TypeVar("Batch")

Array = NDArray[Any]


class Program(Inspectable, Elsewhere, Generic[One, Batch]):
    """A compiled function, as `autograd.compile` returns it: a program of array operations or straight-line code.

    Attributes:
        parameters: the leaves that the function captured, in the order of the flat vector.
        nodes: the number of nodes traced.
        seconds: the time that compiling took. Derivatives may be compiled later, when they are first requested.

    To type checkers it is `Program[One, Batch]`, by its results for one sample and for a batch. They take arguments for
    one sample if the first or the second is a plain number, and arrays and nested lists for a batch.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        examples: Sequence[Any],
        dtype: str,
        reduction: str,
        parameters: Sequence[Value] | None,
        has_aux: bool,
    ) -> None:
        start = time.perf_counter()
        self._function = function
        self._dtype = np.dtype(dtype)
        names = argument_names(function, len(examples))
        self._arguments = [
            Argument(name, example, shape_of(example), len(flatten(example, name)[0]))
            for name, example in zip(names, examples)
        ]
        self._compile(names, examples, parameters, reduction, has_aux)
        self.seconds: float = time.perf_counter() - start

    def _compile(
        self,
        names: list[str],
        examples: Sequence[Any],
        parameters: Sequence[Value] | None,
        reduction: str,
        has_aux: bool,
    ) -> None:
        traced, captured = settled_trace(self._function, examples, parameters or ())
        self.nodes: int = len(traced.primitives)
        self._arguments = [
            argument.with_indices({k: use.length for (i, k), use in traced.uses.items() if i == number})
            for number, argument in enumerate(self._arguments)
        ]
        self._read = BatchReader(self._arguments, self._dtype)
        self._results = Results(traced.structure, has_aux)
        self._name = sanitised(getattr(self._function, "__name__", "")) or "function"
        self._runner = PassRunner()
        trace, indices = from_trace(traced, captured, self._results.differentiated), {i for i, _ in traced.uses}
        del traced  # its `structure`, the function's result, keeps the graph alive
        scalars, self._lowered = lower_trace(trace, names, self._runner, indices)
        self._hands_out_its_input = not set(scalars.operations).issuperset(scalars.outputs)
        self._engine = engine_for(self._lowered, len(captured), self._dtype, self._name, self._runner)
        self._cost = BatchCost(reduction, self._dtype, self._engine.takes_one_seed)
        self._captured = captured
        self.arrange(parameters or ())

    def arrange(self, parameters: Iterable[Value] = ()) -> None:
        """Put these first in the flat parameter vector, in this order; the others follow in the order of the matrices.

        A custom order costs time at each call if it makes a weight matrix non-contiguous.

        Args:
            parameters: Values, which the function need not have captured.
        """
        first, order = dict.fromkeys(parameters), self._engine.natural_order
        captured = [self._captured[k] for k in order]
        self.parameters: list[Value] = [*first, *(p for p in captured if p not in first)] if first else captured
        self._recent_vectors: dict[int, Array] = {}
        if first:
            place = {parameter: i for i, parameter in enumerate(self.parameters)}
            self._places = np.array([place[leaf] for leaf in self._captured], dtype=np.int64)
        else:
            self._places = np.argsort(np.array(order, dtype=np.int64))
        self._engine.lay_out(self._places, len(self.parameters))
        self._alive: WeakValueDictionary[str, AnyProgram] = WeakValueDictionary()

    @property
    def warm_up(self) -> dict[str, int]:
        """The picoseconds that machine code would have saved so far, by pass.

        Beyond a threshold, a pass is compiled to machine code, which rounds differently in the last digits. A program
        that takes over another's `warm_up`, for the same function, continues with the same bits.
        """
        return dict(self._engine.warm_up)

    @warm_up.setter
    def warm_up(self, saved: Mapping[str, int]) -> None:
        self._engine.warm_up = saved

    def __reduce__(self) -> Never:
        raise TypeError(
            "a program cannot be copied or pickled, since it refers to a function and to the leaves that this "
            "captured: compile the function again, or save a model with nn.save"
        )

    @overload
    def __call__(self, x: float, /, *others: Any) -> One: ...
    @overload
    def __call__(self, x: Any, y: float, /, *others: Any) -> One: ...
    @overload
    def __call__(self, x: list[float], /) -> Any: ...  # one sample of several numbers, or a batch of single numbers
    @overload
    def __call__(self, *arguments: Any) -> Batch: ...
    def __call__(self, *arguments: Any) -> Any:
        """Compute the function: for a batch, as arrays with one row per sample; for one sample, as numbers.

        Raises:
            ValueError, TypeError: if arguments do not have the shapes of the examples, or are not numbers.
            IndexError: for an index that is out of range, naming the sample.
            FloatingPointError: if a result is inf or nan, naming the first node that was.
        """
        rows, batched, samples = self._read(arguments)
        outputs = ignoring_errors(self._engine.outputs, self._live(), rows)
        outputs = self._of_samples(outputs, samples)
        self._check(rows, outputs)
        return self._results.shaped(outputs, batched)

    @overload
    def backward(self, *arguments: Any, gradients: None = None) -> float: ...
    @overload
    def backward(self, *arguments: Any, gradients: Any) -> Any: ...
    def backward(self, *arguments: Any, gradients: Any = None) -> Any:
        """Add the gradient of the cost to the `grad` of every parameter.

        The cost is the mean of the samples' results or, with `reduction="sum"`, their sum.

        Args:
            arguments: a batch, or one sample.
            gradients: if the function returns several numbers, the cotangents of the results, shaped like the results;
                nothing is averaged then.

        Returns:
            The cost; if `gradients` are given, the results of calling the program.

        Raises:
            As calling does; then no `grad` has changed.
        """
        rows, batched, samples = self._read(arguments)
        if gradients is None:
            self._results.refuse_several("pass gradients=, a cotangent for each of them")
            seeds = self._cost.seeds(samples)
        else:
            seeds = self._results.read_gradients(gradients, samples, batched, self._dtype)
        vector = self._live()
        gradient = np.empty_like(vector)
        outputs = ignoring_errors(self._engine.gradient, vector, rows, seeds, gradient)
        outputs = self._of_samples(outputs, samples)
        self._check(rows, outputs, gradient)
        result = self._cost(outputs) if gradients is None else self._results.shaped(outputs, batched)
        self._add(gradient.tolist())
        return result

    def outputs_and_gradient(
        self, weights: Array, *arguments: Any, into: Array | None = None, scale: float = 1.0
    ) -> tuple[Batch, Array]:
        """Compute outputs and gradient for parameters in a vector, without reading or writing Values, as `nn.fit` does.

        Args:
            weights: one number for each of `parameters`, a contiguous vector of the program's dtype.
            arguments: a batch.
            into: another such vector, to receive the gradient; by default a new one.
            scale: multiplies the gradient: with minus the learning rate it is a step of gradient descent.

        Returns:
            The results of calling the program, and the cost's gradient as a vector. Neither is checked for inf or nan.

        Raises:
            ValueError, TypeError: for other vectors, or arguments that do not have the shapes of the examples.
            TypeError: if the function returns several numbers.
        """
        self._results.refuse_several("call backward, and pass gradients=")
        gradient = np.empty_like(weights) if into is None else into
        recent = self._recent_vectors  # checked here, too, to save a call per update
        if recent.get(id(weights)) is not weights or recent.get(id(gradient)) is not gradient:
            self._refuse_unless_flat("weights", weights)
            self._refuse_unless_flat("into", gradient)
        if into is weights:
            raise ValueError("`into` must not alias `weights`: pass another vector, or leave it out")
        rows, batched, samples = self._read(arguments)
        outputs = ignoring_errors(self._engine.gradient, weights, rows, self._cost.seeds(samples, scale), gradient)
        return self._results.shaped(self._of_samples(outputs, samples), batched), gradient

    def outputs(self, weights: Array, *arguments: Any) -> Batch:
        """Return the results of calling the program, for parameters in a vector, without checks for inf and nan."""
        self._refuse_unless_flat("weights", weights)
        rows, batched, samples = self._read(arguments)
        outputs = ignoring_errors(self._engine.outputs, weights, rows)
        batch: Batch = self._results.shaped(self._of_samples(outputs, samples), batched)
        return batch

    def input_gradients(self, *arguments: Any) -> Any:
        """Compute the derivatives of each sample's result with respect to the arguments, in arrays shaped like them.

        Arguments of indices have none, and are left out.

        Returns:
            A tuple of arrays; for a single argument of numbers, its array.

        Raises:
            TypeError: if the function returns several numbers.
            Otherwise as calling does.
        """
        return self.value_and_grad(*arguments)[1]

    def value_and_grad(self, *arguments: Any) -> tuple[Any, Any]:
        """Return the results of calling and of `input_gradients`, as `scipy.optimize.minimize` expects them."""
        self._results.refuse_several("derivatives with respect to arguments need a single one")
        rows, batched, samples = self._read(arguments)
        seeds = np.ones((samples, 1), self._dtype)
        outputs, arrays = ignoring_errors(self._engine.input_gradients, self._live(), rows, seeds)
        outputs = self._of_samples(outputs, samples)
        self._check(rows, outputs, *arrays)
        numbers = [argument for argument in self._arguments if argument.lengths is None]
        result = [a.shaped(np.array(array), batched) for a, array in zip(numbers, arrays, strict=True)]
        value = self._results.shaped(outputs, batched)
        return value, tuple(result) if len(result) != 1 else result[0]

    def _live(self) -> Array:
        """Return the parameters' current numbers."""
        return np.array(numbers_of(self.parameters), dtype=self._dtype)

    def _refuse_unless_flat(self, name: str, vector: Array) -> None:
        """Check a vector; holding those checked recently keeps their ids unique."""
        if self._recent_vectors.get(id(vector)) is not vector:
            refuse_unless_flat(name, vector, len(self.parameters), self._dtype)
            self._recent_vectors = {**dict(list(self._recent_vectors.items())[-3:]), id(vector): vector}

    def _of_samples(self, outputs: Array, samples: int) -> Array:
        """Return one row per sample, in memory that nothing else aliases."""
        if outputs.ndim == 2 and not self._hands_out_its_input:
            return outputs
        return np.array(np.broadcast_to(outputs, (samples, self._results.count)))

    def _check(self, rows: list[Array], *results: Array) -> None:
        for result in results:  # the sum of squares is fast, and finite for all but huge numbers
            if not math.isfinite(np.vdot(result, result)) and not np.isfinite(result).all():
                explained = copy_context().run(not_finite, self._function, self._arguments, rows, results[0])
                raise FloatingPointError(explained)

    def _add(self, gradient: list[float]) -> None:
        """Add to every `grad` atomically: an interrupt leaves all or none changed."""
        after = [before + g for before, g in zip(gradients_of(self.parameters), gradient)]
        commit(setting("grad", self.parameters, after))
