"""Run programs on NumPy, in the form that is fastest there.

The source shows `nabla_w1 = delta1.T @ x`, as a textbook would. The running form is `matmul(delta1.T, x, nabla_w1)`,
where `nabla_w1`, an argument of `backward`, is a view of the vector of all gradients, which saves a copy. Other
products run as `x.dot(w1.T)`, and numbers as 0-dimensional arrays; both take NumPy half the time for small arrays. Each
statement is on the same line as in the source, so that tracebacks quote the source.
"""

from __future__ import annotations

import ast
import hashlib
import linecache
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autograd import primitives
from autograd.arrays import NDArray, np
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.arrays.shapes import is_batched
from autograd.compiler.stages import PassRunner
from autograd.compiler.targets.kernels import HELPERS
from autograd.compiler.targets.parameter_buffer import ParameterBuffer, in_reading_order
from autograd.compiler.targets.python_source import Function, Source, Writer, passes, to_inputs
from autograd.compiler.targets.references import References
from autograd.compiler.targets.running_writer import RunningWriter
from autograd.compiler.targets.schedule import GRADIENT, schedule
from autograd.compiler.targets.step_kernels import makers_of_arrays
from autograd.support.forking import computed_once

if TYPE_CHECKING:
    from autograd.compiler.targets.native.engine import NativePasses

Array = NDArray[Any]
Positions = NDArray[np.int64]

_UNPADDED = "unpadded "


def takes_one_seed(program: ArrayProgram, writer: Writer) -> bool:
    """Return whether the seeds only ever multiply arrays with one row per sample.

    Then one number for all samples suffices, which takes NumPy half the work of a column.
    """
    operations, users = program.operations, program.users()

    def multiplies_rows(at: int, k: int) -> bool:
        """Return whether an operation multiplies operation k by rows, or by a number whose product multiplies rows."""
        operation = operations[at]
        if operation.kind != "apply" or operation.attribute.primitive is not primitives.mul:
            return False
        (other,) = [x for x in operation.operands if x != k] or [k]
        if is_batched(operations[other].shape):
            return other != k
        is_number = operations[other].kind == "constant" and isinstance(operations[other].attribute, float)
        return is_number and not operation.name and all(multiplies_rows(user, at) for user in users[at])

    seeds = [k for k, o in enumerate(operations) if o.kind == "argument" and o.attribute[0] == GRADIENT]
    if writer.counts_seeds or not set(seeds).isdisjoint(program.outputs):
        return False
    return all(multiplies_rows(at, k) for k in seeds for at in users[k])


def aligned(shown: Source, running: Source) -> str:
    """Return the running form with each statement on the same line as in the source."""
    padded = [
        [_padded(a, b) for a, b in zip(ours, theirs, strict=True)]
        for ours, theirs in ((shown.definitions, running.definitions), (shown.functions, running.functions))
    ]
    return str(Source(shown.notes, *padded))


def _padded(shown: Function, running: Function) -> Function:
    statements = zip(shown.statements, running.statements, strict=True)
    return Function(running.head, [text + "\n" * source.count("\n") for source, text in statements])


def loaded(name: str, shown: str, running: str, constants: Mapping[str, Any]) -> dict[str, Any]:
    """Execute source under a unique file name, for which tracebacks quote the shown source instead.

    Args:
        name: the name of the compiled function.
        shown: the source that tracebacks quote.
        running: the source to execute, with the same lines.
        constants: the objects that it refers to, by name.
    """
    file = f"<compiled {name} {hashlib.sha256(shown.encode()).hexdigest()[:12]}>"
    linecache.cache[file] = (len(shown), None, shown.splitlines(keepends=True), file)
    tree = ast.parse(running)
    for node in ast.walk(tree):  # columns refer to the running form, which tracebacks do not show
        if isinstance(node, (ast.stmt, ast.expr, ast.arg, ast.keyword)):
            node.col_offset = node.end_col_offset = -1
            node.end_lineno = node.lineno
    namespace: dict[str, Any] = {**HELPERS, **constants, "__name__": file}
    exec(compile(tree, file, "exec"), namespace)
    return namespace


class NumpyEngine:
    """Runs a program on NumPy arrays.

    Args:
        program: computes values and the gradient of each array of parameters.
        input_gradients: builds the program of values and the gradient of each argument.
        dtype: the dtype of all computations.
        name: the name of the compiled function.
        leaves: the number of parameters; those that no array of the program contains come last.
        runner: records the compilation of machine code.
        unpadded: for a padded program, builds the engine without padding, which runs where this one gives inf or nan.

    Attributes:
        natural_order: the parameters in the order of the program's matrices.
        operations, matrix_products: the numbers of those emitted, forward and backward.
        takes_one_seed: whether `gradient` takes one number as the seed of all samples' outputs.
    """

    operations: int
    matrix_products: int

    def __init__(
        self,
        program: ArrayProgram,
        input_gradients: Callable[[], ArrayProgram],
        dtype: np.dtype[Any],
        name: str,
        leaves: int = 0,
        unpadded: Callable[[], NumpyEngine] | None = None,
        runner: PassRunner | None = None,
    ) -> None:
        self._make_unpadded = unpadded
        self._runner = runner or PassRunner()
        self._dtype, self._name, self._differentiate = dtype, name, input_gradients
        self._indices = [o.attribute.array for o in program.operations if o.kind == "parameter"]
        self.natural_order: list[int] = in_reading_order(self._indices, leaves)
        self._program, references = program, References(program)
        plan = schedule(program)
        writer = Writer(plan, references)
        shown = passes(writer)
        self._passes = str(shown)
        self.operations, self.matrix_products = writer.operations, writer.matrix_products
        self._products = writer.products
        self.takes_one_seed: bool = takes_one_seed(program, writer)
        functions = self._loaded(shown, passes(RunningWriter(plan, references)), references)
        self._forward, self._backward = functions["forward"], functions["backward"]

    def __str__(self) -> str:
        number = len(self._products)
        several = f" with {self.matrix_products:,}" if number < self.matrix_products else ""
        return f"{self.operations:,} array operations emitted, {number:,} of them{several} matrix products"

    def lay_out(self, place: Positions, size: int) -> None:
        """Set each parameter's place in the flat vector, and the vector's length."""
        self._layout = place, size
        self._buffer = ParameterBuffer([place[index] for index in self._indices], size)
        if "_native" in vars(self):
            self._native.lay_out(self._buffer)
        if self._make_unpadded:
            vars(self).pop("_unpadded", None)

    @computed_once
    def _unpadded(self) -> NumpyEngine:
        assert self._make_unpadded is not None
        engine = self._make_unpadded()
        engine.lay_out(*self._layout)
        return engine

    def _settles(self, *results: Array) -> bool:
        """Return whether results are valid: where a padded program gives inf or nan, the graph's may be finite."""
        return self._make_unpadded is None or all(np.isfinite(x).all() for x in results)

    @property
    def warm_up(self) -> dict[str, int]:
        """The picoseconds that machine code would have saved so far, for each pass with and without padding."""
        of_unpadded = self._unpadded.warm_up if "_unpadded" in vars(self) else {}
        return {**self._native.warm_up, **{f"{_UNPADDED}{name}": saved for name, saved in of_unpadded.items()}}

    @warm_up.setter
    def warm_up(self, saved: Mapping[str, int]) -> None:
        self._native.warm_up = saved
        of_unpadded = {k.removeprefix(_UNPADDED): x for k, x in saved.items() if k.startswith(_UNPADDED)}
        if of_unpadded and self._make_unpadded is not None:
            self._unpadded.warm_up = of_unpadded

    @property
    def source(self) -> str:
        """The forward and the backward pass; for a program without parameters, the backward pass to the arguments."""
        return self._passes if self._indices else self._source_without_parameters

    @computed_once
    def _source_without_parameters(self) -> str:
        references = References(self._to_inputs)
        forward = Writer(schedule(self._program), references).forward()
        writer = Writer(schedule(self._to_inputs), references)
        functions = [forward, writer.input_gradients()]
        return str(Source(references.notes, writer.definitions(), functions))

    @computed_once
    def input_gradients_source(self) -> str:
        """The source of the values and the derivatives with respect to the arguments."""
        return str(to_inputs(Writer(schedule(self._to_inputs), References(self._to_inputs))))

    @computed_once
    def _to_inputs(self) -> ArrayProgram:
        return self._differentiate()

    def outputs(self, weights: Array, rows: Sequence[Array]) -> Array:
        """Compute a column for each output, with a single row if they do not depend on the arguments."""
        values: Array | None = self._native.outputs(weights, rows)
        if values is None:
            values = self._forward(*rows, *self._buffer.views(weights))[0]
        return values if self._settles(values) else self._unpadded.outputs(weights, rows)

    def gradient(self, weights: Array, rows: Sequence[Array], seeds: Array, into: Array) -> Array:
        """Return the outputs; write the parameters' gradient into a vector."""
        values = self._native.gradient(weights, rows, seeds, into)
        if values is None:
            values = self._gradient(weights, rows, seeds, into)
        if self._settles(values, into):
            return values
        return self._unpadded.gradient(weights, rows, np.broadcast_to(seeds, values.shape), into)

    def _gradient(self, weights: Array, rows: Sequence[Array], seeds: Array, into: Array) -> Array:
        buffer = self._buffer
        arrays = buffer.views(weights)
        values: Array
        values, saved = self._forward(*rows, *arrays)
        gradients = buffer.places(into)
        self._backward(seeds, saved, *rows, *arrays, *gradients)
        if not buffer.in_place:
            buffer.collect(gradients, into)
        return values

    def input_gradients(self, weights: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        """Return the outputs and the gradient of each argument."""
        results = self._native.input_gradients(weights, rows, seeds)
        if results is None:
            results = self._input_gradients(seeds, *rows, *self._buffer.views(weights))
        values, derivatives = results
        if not self._settles(values, *derivatives):
            return self._unpadded.input_gradients(weights, rows, seeds)
        numbers = [row for row in rows if row.dtype.kind == "f"]  # other rows are indices
        return values, [np.broadcast_to(np.asarray(x, self._dtype), r.shape) for x, r in zip(derivatives, numbers)]

    @computed_once
    def _native(self) -> NativePasses:
        from autograd.compiler.targets.native.engine import NativePasses  # imported at the first call of the program

        return NativePasses(self._program, lambda: self._to_inputs, self._buffer, self._dtype, self._runner)

    @computed_once
    def _input_gradients(self) -> Callable[..., Any]:
        program = self._to_inputs
        plan, references = schedule(program), References(program)
        shown, running = (to_inputs(writer(plan, references)) for writer in (Writer, RunningWriter))
        function: Callable[..., Any] = self._loaded(shown, running, references)["input_gradients"]
        return function

    def _loaded(self, shown: Source, running: Source, references: References) -> dict[str, Any]:
        constants = {
            name: x.astype(self._dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
            for name, x in references.constants.items()
        }
        constants.update(makers_of_arrays(self._dtype))
        return loaded(self._name, str(shown), aligned(shown, running), constants)
