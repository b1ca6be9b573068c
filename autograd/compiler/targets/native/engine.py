"""The passes of an engine as machine code, each compiled when it pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.operations import Operation
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.stages import PassRecord, PassRunner, operation_count
from autograd.compiler.targets.native import cost
from autograd.compiler.targets.native.addresses import address_of
from autograd.compiler.targets.native.blas import matrix_product
from autograd.compiler.targets.native.work import Work, work_of
from autograd.compiler.targets.parameter_buffer import ParameterBuffer
from autograd.support.collector import collector_paused
from autograd.support.forking import across_forks, computed_once

if TYPE_CHECKING:
    from autograd.compiler.targets.native.run import NativeFunction

Array = NDArray[Any]

_PICOSECONDS = 1e12


class _Pass:
    """One pass: its program, its work, and its machine code once compiled.

    Attributes:
        function: the machine code.
        is_writable: whether it can be compiled.
        saved: the picoseconds that machine code would have saved so far: an integer, so that the sum does not depend on
            the order of the calls.
        quick: numbers of samples for which machine code is faster.
    """

    def __init__(self, name: str, program: Callable[[], ArrayProgram]) -> None:
        self.name, self.program = name, program
        self.function: NativeFunction | None = None
        self.is_writable = True
        self.saved = 0
        self.quick: set[int] = set()

    @computed_once
    def work(self) -> Work:
        """The amount of work."""
        return work_of(self.program())


class NativePasses:
    """Runs passes as machine code if it pays; otherwise the methods return None.

    Args:
        program: computes values and gradients.
        to_inputs: returns the program of values and arguments' gradients.
        buffer: reads the parameters from a vector.
        runner: records compilations.
    """

    def __init__(
        self,
        program: ArrayProgram,
        to_inputs: Callable[[], ArrayProgram],
        buffer: ParameterBuffer,
        dtype: np.dtype[Any],
        runner: PassRunner,
    ) -> None:
        self._buffer, self._dtype, self._runner = buffer, dtype, runner
        kinds = [o.kind for o in program.operations if o.kind in ("argument", "index")]
        self._may_overflow = "index" in kinds
        self._values = _Pass("values", lambda: replace(program, outputs=program.outputs[:1]))
        self._gradient = _Pass("gradient", lambda: _with_full_gradients(program))
        self._input_gradients = _Pass("input gradients", to_inputs)
        self._seeds: tuple[Array, int, Array] = np.empty(0), 0, np.empty(0)
        self._known: dict[int, tuple[Array, list[int]]] = {}

    @property
    def warm_up(self) -> dict[str, int]:
        """The picoseconds that machine code would have saved, by pass. Beyond a threshold, a pass is compiled."""
        return {one.name: one.saved for one in self._passes if one.saved}

    @warm_up.setter
    def warm_up(self, saved: Mapping[str, int]) -> None:
        for one in self._passes:
            one.saved = saved.get(one.name, 0)

    @property
    def _passes(self) -> tuple[_Pass, ...]:
        return self._values, self._gradient, self._input_gradients

    @computed_once
    def _has_blas(self) -> bool:
        return matrix_product(self._dtype.itemsize) is not None

    def lay_out(self, buffer: ParameterBuffer) -> None:
        """Set the layout of the parameter vector."""
        self._buffer, self._known = buffer, {}

    def outputs(self, weights: Array, rows: Sequence[Array]) -> Array | None:
        """Return the values."""
        function = self._ready(self._values, rows)
        if function is None:
            return None
        return self._called(function, weights, [*rows, None], 1)[0]

    def gradient(self, weights: Array, rows: Sequence[Array], seeds: Array, into: Array) -> Array | None:
        """Return the values; write the gradient into a vector."""
        function = self._ready(self._gradient, rows)
        if function is None:
            return None
        buffer, samples = self._buffer, len(rows[0])
        arguments = [*rows, self._column(seeds, samples)]
        values: Array
        if buffer.in_place and buffer.starts is not None:
            values = np.empty(function.result_shapes(samples)[0], self._dtype)
            results = [address_of(values), *self._addresses(into, buffer.starts)]
            function(samples, arguments, self._addresses(weights, buffer.starts), results)
            return values
        values, *gradients = self._called(function, weights, arguments)
        places = buffer.places(into)
        for place, gradient in zip(places, gradients):
            place[...] = gradient
        if not buffer.in_place:
            buffer.collect(places, into)
        return values

    def input_gradients(self, weights: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]] | None:
        """Return the values and the arguments' gradients."""
        function = self._ready(self._input_gradients, rows)
        if function is None:
            return None
        values, *derivatives = self._called(function, weights, [*rows, self._column(seeds, len(rows[0]))])
        return values, derivatives

    def _column(self, seeds: Array, samples: int) -> Array:
        """Return the seeds as a column, one for each sample."""
        if seeds.ndim:
            return seeds
        known, of_samples, column = self._seeds
        if known is not seeds or of_samples != samples:
            column = np.full((samples, 1), seeds, self._dtype)
            self._seeds = seeds, samples, column
        return column

    def _addresses(self, vector: Array, starts: Sequence[int]) -> list[int]:
        """Return the addresses of arrays in a vector, cached."""
        known = self._known.get(id(vector))
        if known is None:
            base, size = address_of(vector), self._dtype.itemsize
            known = vector, [base + start * size for start in starts]
            self._known = {**dict([*self._known.items()][-3:]), id(vector): known}
        return known[1]

    def _called(
        self, function: NativeFunction, weights: Array, arguments: Sequence[Array | None], count: int | None = None
    ) -> list[Array]:
        """Return the first `count` results."""
        samples = len(arguments[0])  # type: ignore[arg-type]
        results = [np.empty(shape, self._dtype) for shape in function.result_shapes(samples)[:count]]
        if self._buffer.starts is not None:
            views, parameters = [], self._addresses(weights, self._buffer.starts)
        else:
            views = [np.ascontiguousarray(view) for view in self._buffer.views(weights)]
            parameters = list(map(address_of, views))
        function(samples, arguments, parameters, list(map(address_of, results)))
        return results

    def _ready(self, one: _Pass, rows: Sequence[Array]) -> NativeFunction | None:
        """Return a pass as machine code, if that is faster for these arguments and it has been called often enough."""
        if not one.is_writable or not rows:
            return None
        if self._may_overflow and any(row.dtype == np.uint64 for row in rows):
            return None
        samples = len(rows[0])
        if samples in one.quick:
            return one.function
        saved = cost.saved_seconds(one.work, samples, self._has_blas)
        if saved <= 0:
            return None
        if one.function is None:
            one.saved += round(saved * _PICOSECONDS)
            if one.saved >= cost.seconds_before_making(one.work) * _PICOSECONDS:
                self._make(one)
        if one.function is not None:
            one.quick.add(samples)
        return one.function

    def _make(self, one: _Pass) -> None:
        """Compile a pass to machine code."""
        with across_forks, collector_paused():
            if one.function is not None or not one.is_writable:
                return
            from autograd.compiler.targets.native.run import NativeFunction
            from autograd.compiler.targets.straight_line.instructions import UnwritableError
            from autograd.compiler.targets.straight_line.machine_code import llvm

            start, binding, program = perf_counter(), llvm(), one.program()
            try:
                if binding is None:
                    raise UnwritableError("llvmlite is not installed")
                function = NativeFunction(program, self._dtype, binding)
            except UnwritableError:
                one.is_writable = False
                return
            seconds = perf_counter() - start
            name, count = f"machine code of {one.name}", operation_count(program)
            self._runner.records.append(PassRecord(name, count, function.nests, seconds))
            one.function = function


def _with_full_gradients(program: ArrayProgram) -> ArrayProgram:
    """Broadcast each gradient of a program to the shape of its parameters."""
    operations = list(program.operations)
    shapes = [o.shape for o in operations if o.kind == "parameter"]
    values, *gradients = program.outputs
    for k, (at, shape) in enumerate(zip(gradients, shapes, strict=True)):
        if operations[at].shape != shape:
            operations.append(Operation("broadcast", (at,), shape, shape))
            gradients[k] = len(operations) - 1
    return replace(program, operations=tuple(operations), outputs=(values, *gradients))
