"""A compiled program of JAX operations, with the compiler's backward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.program import LEAVES
from autograd.compiler.differentiate.transposes import GRADIENT
from autograd.compiler.targets.libraries.interpreter import Interpreter
from autograd.compiler.targets.libraries.jax_library import JaxLibrary
from autograd.compiler.targets.libraries.parameters import assign
from autograd.compiler.targets.portable import Portable, Rows, chosen_dtype
from autograd.support.extras import imported
from autograd.support.forking import computed_once


class JaxProgram:
    """A compiled program as pure JAX functions, as `program.to_jax()` returns it.

    All take the parameters first, a dict of arrays like `parameters`, and then a batch or one sample; they work under
    `jax.jit`, `vmap` and `grad`. Wrap functions that are called more than once in `jax.jit`.

    Attributes:
        parameters: the numbers at the time of `to_jax()`, by their names in the program's source.
        dtype: the arrays' dtype.
    """

    def __init__(self, portable: Portable, dtype: str | None, is_plain: bool = False) -> None:
        jax = imported("jax", "to_jax")
        self.dtype: np.dtype[Any] = np.dtype(chosen_dtype(portable, dtype))
        _refuse_unless_fit(portable, jax, self.dtype)
        self._portable, self._jax = portable, jax
        self._library = JaxLibrary(jax, self.dtype)
        self._interpreter = Interpreter(self._library)
        self.parameters: dict[str, Any] = {
            parameter.name: self._library.array(parameter.numbers(self.dtype)) for parameter in portable.parameters
        }
        self._columns = self._forward if is_plain else self._with_emitted_backward_pass()

    @computed_once
    def plain(self) -> JaxProgram:
        """The same program without `custom_vjp`, differentiated by JAX itself, as `jax.jvp` and `jax.hessian` need it.

        Primitives keep the table's derivatives.
        """
        return JaxProgram(self._portable, str(self.dtype), is_plain=True)

    def __call__(self, parameters: Mapping[str, Any], *arguments: Any) -> Any:
        """Compute the function: for a batch, arrays with one row per sample; for one sample, arrays without that axis.

        Unlike the program itself, it returns inf and nan instead of raising an error.

        Raises:
            TypeError: for too many or too few arguments.
            ValueError: if shapes differ from the examples' or the parameters', or batch sizes differ.
        """
        rows, parameters = self._read(arguments), self._checked(parameters)
        columns, results = self._columns(parameters, rows.arrays), self._portable.results
        structured = results.shaped(columns, rows.batched, as_numbers=False)
        if not results.has_aux:
            return structured
        return structured[0], results.shaped(self._library.constant_of(columns), rows.batched, as_numbers=False)[1]

    def cost(self, parameters: Mapping[str, Any], *arguments: Any) -> Any:
        """Return the mean, or the sum, of the samples' results, as `program.backward` does.

        Raises:
            TypeError: if the function returns several numbers.
            Otherwise as calling does.
        """
        self._refuse_several()
        rows, parameters = self._read(arguments), self._checked(parameters)
        return self._reduced(self._columns(parameters, rows.arrays), rows.samples)

    def value_and_grad(self, parameters: Mapping[str, Any], *arguments: Any) -> tuple[Any, dict[str, Any]]:
        """Return the cost and its gradient with respect to each array of parameters, by the emitted backward pass.

        Raises as `cost` does.
        """
        self._refuse_several()
        rows, parameters = self._read(arguments), self._checked(parameters)
        share = 1 / rows.samples if self._portable.reduction == "mean" else 1.0
        seeds = self._library.broadcast(self._library.constant(share), (rows.samples, 1))
        columns, *gradients = self._differentiated("parameters", parameters, rows.arrays, seeds)
        return self._reduced(columns, rows.samples), dict(zip(self.parameters, gradients))

    def assign(self, parameters: Mapping[str, Any]) -> None:
        """Write numbers into the Values that the function was compiled with, atomically.

        Raises:
            ValueError: if names or shapes differ from those of `parameters`.
        """
        assign(self._portable.parameters, {name: np.asarray(array) for name, array in parameters.items()})

    def __repr__(self) -> str:
        shapes = ", ".join([f"{name} {x.shape}" for name, x in self.parameters.items()])
        return f"<{self._portable.name} for JAX, {self.dtype}; parameters: {shapes or 'none'}>"

    def _read(self, arguments: Sequence[Any]) -> Rows:
        return self._portable.read(arguments, self._library.array, self._library.read_indices)

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: tuple(np.shape(array)) for name, array in parameters.items()}
        expected = {name: tuple(array.shape) for name, array in self.parameters.items()}
        if given != expected:
            raise ValueError(f"the parameters must be arrays of shapes {expected}, got {given}")
        return {name: self._library.array(parameters[name]) for name in expected}

    def _refuse_several(self) -> None:
        self._portable.results.refuse_several("call it, and reduce the results yourself")

    def _reduced(self, columns: Any, samples: int) -> Any:
        total = self._library.sum(columns[:, 0], (0,), False)
        return total / samples if self._portable.reduction == "mean" else total

    def _forward(self, parameters: Mapping[str, Any], rows: Sequence[Any]) -> Any:
        samples = rows[0].shape[0] if rows else 1

        def columns(portable: Portable) -> list[Any]:
            (outputs,) = self._interpreter.run(portable.program, portable.leaves(parameters, rows), samples)
            return [self._library.broadcast(outputs, (samples, portable.results.count))]

        return self._settled(columns)[0]

    def _differentiated(self, wrt: str, parameters: Mapping[str, Any], rows: Sequence[Any], seeds: Any) -> list[Any]:
        """Return the values, and the gradients with respect to parameters or arguments."""
        arrays = [parameters[name] for name in self.parameters] if wrt == "parameters" else self._numbers(rows)
        shapes = [(seeds.shape[0], self._portable.results.count), *[x.shape for x in arrays]]

        def results(portable: Portable) -> list[Any]:
            leaves = {**portable.leaves(parameters, rows), GRADIENT: seeds}
            program = portable.to_parameters if wrt == "parameters" else portable.to_arguments
            computed = self._interpreter.run(program, leaves, seeds.shape[0])
            return [self._library.broadcast(x, shape) for x, shape in zip(computed, shapes)]  # a zero is one number

        return list(self._settled(results))

    def _settled(self, results: Callable[[Portable], list[Any]]) -> Sequence[Any]:
        """Return the program's results; if padding makes one inf or nan, those of the program without padding."""
        padded = results(self._portable)
        if self._portable.make_unpadded is None:
            return padded
        return self._library.finite_or(padded, lambda: results(self._portable.unpadded))

    def _numbers(self, rows: Sequence[Any]) -> list[Any]:
        """Return the rows of the arguments that are not indices."""
        return [row for row, argument in zip(rows, self._portable.arguments) if argument.lengths is None]

    def _with_indices(self, cotangents: Sequence[Any], rows: Sequence[Any]) -> list[Any]:
        """Return cotangents for all arguments, given those of numbers; JAX wants dtype float0 for those of indices."""
        of_numbers, nothing = iter(cotangents), self._jax.dtypes.float0
        return [
            next(of_numbers) if argument.lengths is None else np.zeros(row.shape, nothing)
            for row, argument in zip(rows, self._portable.arguments)
        ]

    def _with_emitted_backward_pass(self) -> Any:
        """Return the forward pass with the compiler's backward pass as its derivative.

        Both contain the forward operations; under `jit`, XLA merges common subexpressions and eliminates dead code.
        """
        columns = self._jax.custom_vjp(self._forward)

        def forward(parameters: Any, rows: Any) -> tuple[Any, Any]:
            return self._forward(parameters, rows), (parameters, rows)

        def backward(saved: Any, cotangents: Any) -> tuple[Any, Any]:
            parameters, rows = saved
            seeds = cotangents[:, : self._portable.seeds]
            of_parameters = self._differentiated("parameters", parameters, rows, seeds)[1:]
            of_rows = self._differentiated("arguments", parameters, rows, seeds)[1:]
            return dict(zip(self.parameters, of_parameters)), self._with_indices(of_rows, rows)

        columns.defvjp(forward, backward)
        return columns


def _refuse_unless_fit(portable: Portable, jax: Any, dtype: np.dtype[Any]) -> None:
    """Raise ValueError if JAX is set to 32 bits, or would compile for too long."""
    if dtype == np.dtype("float64") and not jax.config.jax_enable_x64:
        raise ValueError(
            "the program computes with float64, and JAX with 32 bits by default: call "
            "jax.config.update('jax_enable_x64', True) before any other use of JAX, or "
            "to_jax(dtype='float32')"
        )
    operations = sum([operation.kind not in LEAVES for operation in portable.program.operations])
    if portable.is_unrolled and not cost.worth_tracing_unrolled(operations):
        raise ValueError(
            f"{portable.name} is a straight-line program of {operations:,} operations on single numbers, without a "
            "loop: JAX would compile it for many seconds, or minutes. The program itself runs as straight-line code "
            "(pip install 'lucidgrad[native]' for machine code); for JAX, write the repeated step with jax.lax.scan"
        )
