"""Conversion of a compiled program to PyTorch, JAX and ONNX, which are imported on demand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from autograd.arrays import NDArray, np
from autograd.compiler.batch_cost import BatchCost
from autograd.compiler.pipeline import Lowered
from autograd.compiler.trace.results import Results
from autograd.compiler.trace.signature import Argument
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.compiler.targets.libraries.jax_program import JaxProgram
    from autograd.compiler.targets.libraries.torch_program import TorchProgram
    from autograd.compiler.targets.portable import Portable

Dtype = Literal["float64", "float32"]


class Elsewhere:
    """The part of a `Program` that converts it for other libraries.

    There, too, results that padding makes inf or nan (see `compile`) are computed again without it.
    """

    parameters: list[Value]
    _name: str
    _lowered: Lowered
    _places: NDArray[Any]
    _arguments: Sequence[Argument]
    _results: Results
    _cost: BatchCost
    _dtype: np.dtype[Any]

    def to_torch(self, *, dtype: Dtype | None = None, device: Any = None) -> TorchProgram:
        """Return the program as a function of PyTorch tensors, built from PyTorch operations.

        With `T = program.to_torch()`, `T(*rows)` returns the results of `program(*rows)` as tensors. They are
        differentiable, also twice, with respect to the arguments and to `T.parameters`, a dict of tensors that start as
        copies of the Values' numbers. Derivatives are the compiled program's: operands that a choice does not select
        contribute nothing, and user-defined primitives use their own rules. `T.assign()` writes the parameters back
        into the Values.

        Args:
            dtype: the tensors' dtype; by default the program's.
            device: the device of the parameters, such as "cuda"; by default the CPU.

        Raises:
            ModuleNotFoundError: if PyTorch is missing.

        ```python
        T = program.to_torch()
        optimizer = torch.optim.Adam(T.parameters.values())
        T(images, targets).mean().backward()
        optimizer.step()
        T.assign()
        ```
        """
        from autograd.compiler.targets.libraries.torch_program import TorchProgram

        return TorchProgram(self.portable(), dtype, device)

    def to_jax(self, *, dtype: Dtype | None = None) -> JaxProgram:
        """Return the program as pure functions of JAX arrays, built from JAX operations.

        With `J = program.to_jax()`, `J(parameters, *rows)` returns the results of `program(*rows)`,
        `J.cost(parameters, *rows)` the cost of the batch, and `J.value_and_grad(parameters, *rows)` the cost and its
        gradient, for a dict of arrays like `J.parameters`. `jax.grad` uses the backward pass that the compiler emits;
        `J.plain` is the same function without it, for `jax.jvp` and `jax.hessian`. All work under `jit` and `vmap`, and
        with optax. `J.assign(parameters)` writes numbers back into the Values. Loops of the program become `lax.scan`.

        Args:
            dtype: the arrays' dtype; by default the program's. float64 requires
                `jax.config.update("jax_enable_x64", True)` before any other use of JAX.

        Raises:
            ModuleNotFoundError: if JAX is missing.
            ValueError: if float64 is not enabled in JAX; and for a long straight-line program without loops, which JAX
                would compile for minutes.

        ```python
        J = program.to_jax()
        step = jax.jit(J.value_and_grad)
        cost, gradient = step(J.parameters, images, targets)
        ```
        """
        from autograd.compiler.targets.libraries.jax_program import JaxProgram

        return JaxProgram(self.portable(), dtype)

    def to_onnx(self, path: str | Path, *, dtype: Dtype | None = None) -> None:
        """Write the forward pass as an ONNX model, with the current parameters.

        Its inputs have the names and shapes of the function's arguments, after a batch axis "n"; indices, as used by
        `autograd.take`, are int64. Its output is "output"; with auxiliary results, "output" and "aux"; and for ragged
        results, "output_0", "output_1" and so on, with one number per sample each.

        Args:
            path: ends in `.onnx` by convention.
            dtype: the dtype of inputs, outputs and all computations; by default the program's.

        Raises:
            ModuleNotFoundError: if the package onnx is missing.
            NotImplementedError: for a primitive that ONNX's operators cannot compute, naming it.
            OSError: if the file cannot be written.
        """
        from autograd.compiler.targets.onnx.model import write_model

        write_model(self.portable(), path, dtype)

    def portable(self) -> Portable:
        """Return the program without its engine, from which external targets are built."""
        from autograd.compiler.targets.portable import Portable

        lowered = self._lowered.at(self._places)
        return Portable.of(
            lowered.program,
            self.parameters,
            name=self._name,
            is_unrolled=lowered.is_unrolled,
            seeds=lowered.seeds,
            arguments=self._arguments,
            results=self._results,
            reduction=self._cost.reduction,
            dtype=str(self._dtype),
            make_unpadded=lowered.unpadded,
        )
