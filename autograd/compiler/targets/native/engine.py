"""The passes of an engine as machine code, each made when it pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.stages import PassRecord, PassRunner, operation_count
from autograd.compiler.targets.native import cost
from autograd.compiler.targets.native.addresses import address_of
from autograd.compiler.targets.native.work import Work, work_of
from autograd.compiler.targets.parameter_buffer import ParameterBuffer
from autograd.compiler.targets.schedule import GRADIENT
from autograd.support.collector import collector_paused
from autograd.support.forking import across_forks

if TYPE_CHECKING:
    from autograd.compiler.targets.native.run import NativeFunction

Array = NDArray[Any]


class _Pass:
    """One pass: its program, how much it does, and its machine code once there is any."""

    def __init__(self, name: str, program: Callable[[], ArrayProgram]) -> None:
        self.name, self._make_program = name, program
        self.function: NativeFunction | None = None
        self.is_writable = True
        self.saved = 0.0  # seconds that machine code would have saved so far
        self._work: Work | None = None

    @property
    def program(self) -> ArrayProgram:
        """Its program."""
        return self._make_program()

    @property
    def work(self) -> Work:
        """How much it does."""
        if self._work is None:
            self._work = work_of(self.program)
        return self._work


class NativePasses:
    """Runs passes as machine code where it pays; else each method returns None.

    Args:
        program: of values and gradients.
        to_inputs: gives the program of values and of derivatives to the arguments.
        runner: records what is made.
    """

    def __init__(
        self, program: ArrayProgram, to_inputs: Callable[[], ArrayProgram], dtype: np.dtype[Any], runner: PassRunner
    ) -> None:
        self._dtype, self._runner = dtype, runner
        self._arguments = [o.attribute[0] for o in program.operations if o.kind in ("argument", "index")]
        self._arguments = [name for name in self._arguments if name != GRADIENT]
        self._passes = {
            "values": _Pass("values", lambda: replace(program, outputs=program.outputs[:1])),
            "gradient": _Pass("gradient", lambda: program),
            "input gradients": _Pass("input gradients", to_inputs),
        }
        self._seeds: tuple[Array, int, Array] = np.empty(0), 0, np.empty(0)

    def outputs(self, buffer: ParameterBuffer, weights: Array, rows: Sequence[Array]) -> Array | None:
        """Return the values."""
        function = self._ready("values", rows)
        if function is None:
            return None
        (values,) = self._called(function, buffer, weights, self._named(rows))
        return values

    def gradient(
        self, buffer: ParameterBuffer, weights: Array, rows: Sequence[Array], seeds: Array, into: Array
    ) -> Array | None:
        """Return the values, and write the gradient into a vector."""
        function = self._ready("gradient", rows)
        if function is None:
            return None
        arguments = self._named(rows) | {GRADIENT: self._column(seeds, len(rows[0]))}
        if buffer.in_place and buffer.starts is not None:
            base, size = address_of(into), self._dtype.itemsize
            places = [base + start * size for start in buffer.starts]
            (values,) = self._called(function, buffer, weights, arguments, places)
            return values
        values, *gradients = self._called(function, buffer, weights, arguments)
        places_ = buffer.places(into)
        for place, gradient in zip(places_, gradients):
            place[...] = gradient
        if not buffer.in_place:
            buffer.collect(places_, into)
        return values

    def input_gradients(
        self, buffer: ParameterBuffer, weights: Array, rows: Sequence[Array], seeds: Array
    ) -> tuple[Array, list[Array]] | None:
        """Return the values, and the derivatives to the arguments."""
        function = self._ready("input gradients", rows)
        if function is None:
            return None
        arguments = self._named(rows) | {GRADIENT: self._column(seeds, len(rows[0]))}
        values, *derivatives = self._called(function, buffer, weights, arguments)
        return values, derivatives

    def _named(self, rows: Sequence[Array]) -> dict[str, Array]:
        return dict(zip(self._arguments, rows))

    def _column(self, seeds: Array, samples: int) -> Array:
        """Return the derivatives to the values, one for each sample."""
        if seeds.ndim:
            return seeds
        known, of_samples, column = self._seeds
        if known is not seeds or of_samples != samples:
            column = np.full((samples, 1), seeds, self._dtype)
            self._seeds = seeds, samples, column
        return column

    def _called(
        self,
        function: NativeFunction,
        buffer: ParameterBuffer,
        weights: Array,
        arguments: Mapping[str, Array],
        places: Sequence[int] = (),
    ) -> list[Array]:
        """Return the results that have no place yet."""
        samples = len(arguments[self._arguments[0]])
        shapes = function.result_shapes(samples)
        results = [np.empty(shape, self._dtype) for shape in (shapes[:1] if places else shapes)]
        if buffer.starts is not None:
            base, size = address_of(weights), self._dtype.itemsize
            parameters, views = [base + start * size for start in buffer.starts], []
        else:
            views = [np.ascontiguousarray(view) for view in buffer.views(weights)]
            parameters = [address_of(view) for view in views]
        function(samples, arguments, parameters, [*map(address_of, results), *places])
        return results

    def _ready(self, name: str, rows: Sequence[Array]) -> NativeFunction | None:
        """Return a pass as machine code, if it is quicker for these arguments, and has been called often enough."""
        one = self._passes[name]
        if not rows or not one.is_writable or any(row.dtype == np.uint64 for row in rows):
            return None
        saved = cost.saved_seconds(one.work, len(rows[0]))
        if saved <= 0:
            return None
        if one.function is None:
            one.saved += saved
            if one.saved >= cost.seconds_before_making(one.work):
                self._make(one)
        return one.function

    def _make(self, one: _Pass) -> None:
        """Make the machine code of a pass."""
        with across_forks, collector_paused():
            if one.function is not None or not one.is_writable:
                return
            from autograd.compiler.targets.native.run import NativeFunction
            from autograd.compiler.targets.straight_line.instructions import UnwritableError
            from autograd.compiler.targets.straight_line.machine_code import llvm

            start, binding = perf_counter(), llvm()
            try:
                if binding is None:
                    raise UnwritableError("llvmlite is not installed")
                function = NativeFunction(one.program, self._dtype, binding)
            except UnwritableError:
                one.is_writable = False
                return
            count = operation_count(one.program)
            seconds = perf_counter() - start
            self._runner.records.append(PassRecord(f"machine code: {one.name}", count, function.nests, seconds))
            one.function = function
