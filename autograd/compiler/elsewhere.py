"""A compiled program in other libraries: PyTorch, JAX and ONNX, which are imported when they are asked for."""

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
    """Converts a compiled program for other libraries.

    There, too, results that padding makes inf or nan (see `compile`) are computed once more without it.
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
        """Return the program as a function of PyTorch's tensors, made of PyTorch's operations.

        `T = program.to_torch()`: `T(*rows)` returns what `program(*rows)` returns, as tensors. They are differentiable,
        also twice, to `T.parameters`, a dict of tensors that begin as copies of the Values' numbers, and to the
        arguments. Derivatives are those of the compiled program: nothing for what a choice does not take, and a
        primitive of your own has its own rule. `T.assign()` writes the parameters back into the Values.

        Args:
            dtype: of the tensors; by default that of the program.
            device: where the parameters are put, such as "cuda"; by default the CPU.

        Raises:
            ModuleNotFoundError: where PyTorch is missing.

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
        """Return the program as pure functions of JAX's arrays, made of JAX's operations.

        `J = program.to_jax()`: `J(parameters, *rows)` returns what `program(*rows)` returns,
        `J.cost(parameters, *rows)` the cost of the batch, and `J.value_and_grad(parameters, *rows)` that and its
        gradient, for parameters as `J.parameters` has them, a dict of arrays. `jax.grad` goes through the backward pass
        that the compiler emits; `J.plain` is the same without, for `jax.jvp` and `jax.hessian`. All work under `jit`
        and `vmap`, and with optax. `J.assign(parameters)` writes numbers back into the Values. Loops of the program are
        `lax.scan`.

        Args:
            dtype: of the arrays; by default that of the program. float64 needs
                `jax.config.update("jax_enable_x64", True)`, before anything else is done with JAX.

        Raises:
            ModuleNotFoundError: where JAX is missing.
            ValueError: where JAX is not set to float64, and for a long straight-line program without loops, which JAX
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
        """Write the forward pass as an ONNX model, with the parameters as they are now.

        Its inputs have the names and shapes of the function's arguments, with a batch axis "n" in front; indices, which
        `autograd.take` looks up, are int64. Its output is
        "output"; that of a function with auxiliary results "output" and "aux"; and if the results are nested unevenly,
        "output_0", "output_1" and so on, a number a sample each.

        Args:
            path: by custom it ends in `.onnx`.
            dtype: of inputs, outputs and all that is computed; by default that of the program.

        Raises:
            ModuleNotFoundError: where the package onnx is missing.
            NotImplementedError: for a primitive that ONNX's operators cannot compute, by name.
            OSError: if the file cannot be written.
        """
        from autograd.compiler.targets.onnx.model import write_model

        write_model(self.portable(), path, dtype)

    def portable(self) -> Portable:
        """Return the program apart from what runs it, which targets outside this package are made from."""
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
