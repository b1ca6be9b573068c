"""PyTorch as the interpreter's array library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.arrays import NDArray
from autograd.compiler.arrays.loop import Stepping
from autograd.compiler.arrays.operations import Data, Padding
from autograd.compiler.targets.libraries.library import Forward, SlopesOf, Step
from autograd.compiler.trace.signature import Argument

OTHER_NAMES = {"power": "pow"}  # names that differ from NumPy's


class TorchLibrary:
    """PyTorch's functions.

    Args:
        torch: the module.
        dtype: the dtype of all computations.
        device: the tensors' device.
    """

    name = "PyTorch"

    def __init__(self, torch: Any, dtype: Any, device: Any) -> None:
        self._torch, self._dtype, self._device = torch, dtype, device
        self._by_rule = _function_by_rule(torch)
        self._known: dict[
            int, tuple[Any, Any]
        ] = {}  # arrays, held so that their ids stay unique, and their tensors, by id

    def tensor(self, x: Any) -> Any:
        """Return numbers as a tensor of the dtype on the device; such a tensor is returned unchanged."""
        return self._torch.as_tensor(x, dtype=self._dtype, device=self._device)

    def constant(self, x: float | Data) -> Any:
        return self.tensor(x) if isinstance(x, float) else self._once(x.array, self._dtype)

    def flags(self, x: NDArray[Any]) -> Any:
        return self._torch.as_tensor(x, device=self._device)

    def _once(self, array: NDArray[Any], dtype: Any) -> Any:
        """Return an array of the program as a cached tensor."""
        known = self._known.get(id(array))
        if known is None:
            tensor = self._torch.tensor(array, dtype=dtype, device=self._device)
            known = self._known[id(array)] = array, tensor
        return known[1]

    def constant_of(self, x: Any) -> Any:
        return x.detach()

    def function(self, name: str) -> Callable[..., Any] | None:
        own = {"cbrt": self._cbrt, "gamma": self._gamma}
        if name in own:
            return own[name]
        function: Callable[..., Any] | None = getattr(self._torch, OTHER_NAMES.get(name, name or "-"), None)
        return function

    def _cbrt(self, x: Any) -> Any:
        """Return the cube root: a power, refined to full precision by a step of Newton's method."""
        torch = self._torch
        root = torch.sign(x) * torch.abs(x) ** (1 / 3)
        has_digits = torch.isfinite(root) & (root != 0)
        safe = torch.where(has_digits, root, torch.ones_like(root))
        return torch.where(has_digits, safe - (safe - x / safe / safe) / 3, root)

    def _gamma(self, x: Any) -> Any:
        """Return Γ(x), whose sign below 0 is that of sin(πx), and nan at its poles."""
        torch = self._torch
        size, whole = torch.exp(torch.lgamma(x)), torch.floor(x)
        signed = torch.where((x < 0) & (torch.remainder(whole, 2) == 1), -size, size)
        return torch.where((x <= 0) & (x == whole), torch.full_like(x, torch.nan), signed)

    def power(self, x: Any, exponent: float) -> Any:
        if abs(exponent) == 0.5:  # PyTorch takes a number 0.5 as a square root, which differs at -inf and -0.0
            return self._torch.pow(x, self.tensor(exponent))
        return self._torch.pow(x, exponent)

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        return getattr(self._torch, COMPARISONS[symbol])(a, b).to(self._dtype)

    def is_nonzero(self, x: Any) -> Any:
        return x != 0

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return self._torch.where(condition, a, b)

    def finite_or(self, arrays: Sequence[Any], otherwise: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        torch = self._torch
        is_finite = torch.stack([torch.isfinite(x).all() for x in arrays]).all()
        try:
            return arrays if is_finite else otherwise()
        except RuntimeError:  # under vmap, the answer differs between samples
            return [torch.where(is_finite, x, other) for x, other in zip(arrays, otherwise())]

    def einsum(self, equation: str, a: Any, b: Any) -> Any:
        return self._torch.einsum(equation, a, b)

    def sum(self, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
        return self._torch.sum(x, dim=axes, keepdim=keepdims)

    def running_sums(self, x: Any, axis: int, backward: bool) -> Any:
        torch = self._torch
        if not backward:
            return torch.cumsum(x, dim=axis)
        return torch.flip(torch.cumsum(torch.flip(x, (axis,)), dim=axis), (axis,))

    def largest(self, x: Any) -> Any:
        return self._torch.amax(x, dim=-1, keepdim=True)

    def product(self, x: Any) -> Any:
        return self._torch.prod(x, dim=-1, keepdim=True)

    def running_products(self, x: Any) -> Any:
        return self._torch.cumprod(x, dim=-1)

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        return self._torch.reshape(x, shape)

    def transpose(self, x: Any, axes: tuple[int, ...]) -> Any:
        return self._torch.permute(x, axes)

    def broadcast(self, x: Any, shape: tuple[int, ...]) -> Any:
        return self._torch.broadcast_to(x, shape)

    def concatenate(self, arrays: Sequence[Any], axis: int) -> Any:
        return self._torch.cat(list(arrays), dim=axis)

    def stack(self, arrays: Sequence[Any]) -> Any:
        return self._torch.stack(self._torch.broadcast_tensors(*arrays), dim=-1)

    def pad(self, x: Any, padding: Padding, shape: tuple[int, ...]) -> Any:
        axis, start, stop, step, _ = padding
        zeros = self._torch.zeros(shape, dtype=self._dtype, device=self._device)
        return self._torch.slice_scatter(zeros, x, axis, start, stop, step)

    def take(self, x: Any, positions: NDArray[Any]) -> Any:
        return x[..., self._torch.tensor(positions, device=self._device)]

    def add_at(self, x: Any, positions: NDArray[Any], shape: tuple[int, ...]) -> Any:
        zeros = self._torch.zeros(shape, dtype=self._dtype, device=self._device)
        return self._torch.index_add(zeros, -1, self._torch.tensor(positions, device=self._device), x)

    def read_indices(self, argument: Argument, x: Any) -> tuple[Any, bool]:
        """Return an argument's indices, one row per sample, and whether they were a batch.

        Raises:
            TypeError: for numbers that are not integers.
            IndexError: for an index that is out of range.
        """
        rows, batched = argument.as_rows(self._torch.as_tensor(x, device=self._device))
        argument.refuse_beyond_tables(rows.detach().cpu().numpy(), batched)
        return rows.long(), batched

    def look_up(self, table: Any, index: Any, shared: int) -> Any:
        return table[(*self._places(index, shared), index)]

    def scatter(self, x: Any, index: Any, shared: int, shape: tuple[int, ...]) -> Any:
        zeros = self._torch.zeros(shape, dtype=self._dtype, device=self._device)
        return zeros.index_put((*self._places(index, shared), index), x, accumulate=True)

    def _places(self, index: Any, shared: int) -> list[Any]:
        """Return the coordinates of an index's elements along its first axes."""
        return [
            self._torch.arange(index.shape[k], device=self._device).reshape([-1, *[1] * (index.ndim - k - 1)])
            for k in range(shared)
        ]

    def by_rule(self, forward: Forward, slopes: SlopesOf, careful: bool, reduces: bool = False) -> Forward:
        return lambda *operands: self._by_rule(forward, slopes, careful, *operands)

    def loop(
        self,
        step: Step,
        states: Sequence[Any],
        read: Sequence[tuple[Any, Stepping]],
        written: Sequence[Stepping],
        steps: int,
    ) -> list[Any]:
        columns: list[list[Any]] = [[] for _ in written]
        for k in range(steps):
            places = [x.select(stepping.axis, stepping.place(k, steps)) for x, stepping in read]
            states, results = step(states, places)
            for column, x in zip(columns, results):
                column.append(x)
        stacked = [
            self._torch.stack(column[::-1] if stepping.backward else column, dim=stepping.axis)
            for column, stepping in zip(columns, written)
        ]
        return [*states, *stacked]


COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def _function_by_rule(torch: Any) -> Callable[..., Any]:
    """Return a function that applies another with the derivatives of a rule, to any order.

    It takes the function, the rule, whether that is careful, and the operands. It saves operands and result, and
    computes slopes from them with tensor operations, so that higher derivatives are correct, too.
    """

    class ByRule(torch.autograd.Function):  # type: ignore[misc]
        generate_vmap_rule = True

        @staticmethod
        def forward(forward: Forward, slopes: SlopesOf, careful: bool, *operands: Any) -> Any:
            return forward(*operands)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            _, ctx.slopes, ctx.careful, *operands = inputs
            ctx.save_for_backward(*operands, output)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> tuple[Any, ...]:
            *operands, out = ctx.saved_tensors
            cotangents: list[Any] = []
            for x, slope, wanted in zip(operands, ctx.slopes(operands, out), ctx.needs_input_grad[3:]):
                if not wanted:
                    cotangents.append(None)
                    continue
                passed = gradient * slope
                if ctx.careful:
                    slope = torch.as_tensor(slope, dtype=gradient.dtype, device=gradient.device)
                    passed = torch.where(slope != 0, passed, torch.zeros_like(passed))
                cotangents.append(passed.sum_to_size(x.shape))
            return None, None, None, *cotangents

    apply: Callable[..., Any] = ByRule.apply
    return apply
