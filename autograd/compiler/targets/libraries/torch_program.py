"""A compiled program of PyTorch operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.compiler.targets.libraries.interpreter import Interpreter
from autograd.compiler.targets.libraries.parameters import assign
from autograd.compiler.targets.libraries.torch_library import TorchLibrary
from autograd.compiler.targets.portable import Portable, chosen_dtype
from autograd.support.extras import imported


class TorchProgram:
    """A compiled program as a function of tensors, as `program.to_torch()` returns it.

    Calling it returns the program's results as tensors, differentiable with respect to `parameters` and its arguments.

    Attributes:
        parameters: leaf tensors, copies of the parameters, by their names in the program's source, for an optimizer to
            update.
        dtype, device: the tensors' dtype and device.
    """

    dtype: Any
    device: Any

    def __init__(self, portable: Portable, dtype: str | None, device: Any) -> None:
        torch = imported("torch", "to_torch")
        self.dtype, self.device = getattr(torch, chosen_dtype(portable, dtype)), torch.device(device or "cpu")
        self._portable = portable
        self._library = TorchLibrary(torch, self.dtype, self.device)
        self._interpreter = Interpreter(self._library)
        self.parameters: dict[str, Any] = {
            parameter.name: torch.tensor(
                parameter.numbers(float), dtype=self.dtype, device=self.device
            ).requires_grad_()
            for parameter in portable.parameters
        }

    def __call__(self, *arguments: Any) -> Any:
        """Compute the function: for a batch, tensors with one row per sample; for one sample, without that axis.

        Unlike the program itself, it returns inf and nan instead of raising an error.

        Raises:
            TypeError: for too many or too few arguments.
            ValueError: if shapes differ from the examples', or batch sizes differ.
            NotImplementedError: for a user-defined primitive that is not an expression of arrays, naming it.
        """
        rows = self._portable.read(arguments, self._library.tensor, self._library.read_indices)
        return self._structured(self._columns(rows.arrays, rows.samples), rows.batched)

    def _columns(self, rows: Sequence[Any], samples: int) -> Any:
        def columns(portable: Portable) -> list[Any]:
            (outputs,) = self._interpreter.run(portable.program, portable.leaves(self.parameters, rows), samples)
            return [self._library.broadcast(outputs, (samples, portable.results.count))]

        padded = columns(self._portable)
        if self._portable.make_unpadded is None:
            return padded[0]
        (settled,) = self._library.finite_or(padded, lambda: columns(self._portable.unpadded))
        return settled

    def _structured(self, columns: Any, batched: bool) -> Any:
        results = self._portable.results
        structured = results.shaped(columns, batched, as_numbers=False)
        if not results.has_aux:
            return structured
        return structured[0], results.shaped(columns.detach(), batched, as_numbers=False)[1]

    def assign(self) -> None:
        """Write the numbers of `parameters` into the Values that the function was compiled with, atomically."""
        arrays = {name: tensor.detach().cpu().double().numpy() for name, tensor in self.parameters.items()}
        assign(self._portable.parameters, arrays)

    def __repr__(self) -> str:
        shapes = ", ".join([f"{name} {tuple(x.shape)}" for name, x in self.parameters.items()])
        return f"<{self._portable.name} for PyTorch, {self.dtype} on {self.device}; parameters: {shapes or 'none'}>"
