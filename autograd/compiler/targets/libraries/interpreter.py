"""Interpret array programs with a library's arrays: each operation is one of the library's, or a few.

The differences between libraries are behind the interface `Library`, some twenty functions. The interpreter never
inspects a number, so the library may trace, as JAX does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograd.arrays import np
from autograd.compiler.arrays.loop import Loop
from autograd.compiler.arrays.operations import PADDING, Batch, Operation, Shape, Slice
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.libraries.elementwise import Elementwise
from autograd.compiler.targets.libraries.library import Library


class Interpreter:
    """Runs programs with a library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._elementwise = Elementwise(library)

    def run(self, program: ArrayProgram, leaves: Mapping[str, Any], samples: int) -> list[Any]:
        """Return the results of a program.

        Args:
            leaves: the arguments, one row per sample, and the parameters, by the names of their operations.
            samples: the number of rows of arguments.

        Raises:
            NotImplementedError: for an operation that the library lacks, naming it.
        """
        masks: list[Any] = []
        if program.masks:  # a mask may come after the guarded operation, so masks are computed beforehand, unguarded
            values = self._values(program, leaves, samples, None, program.needed(program.masks))
            masks = [self._library.constant_of(values[at]) for at in program.masks]
        values = self._values(program, leaves, samples, masks, program.needed(program.outputs))
        return [values[at] for at in program.outputs]

    def _values(
        self,
        program: ArrayProgram,
        leaves: Mapping[str, Any],
        samples: int,
        masks: Sequence[Any] | None,
        needed: set[int],
    ) -> dict[int, Any]:
        """Return the results of the needed operations, by place."""
        operations = program.operations
        values: dict[int, Any] = {}
        for at in sorted(needed):
            operation = operations[at]
            operands = [values[k] for k in operation.operands]
            match operation.kind:
                case "argument" | "index":
                    values[at] = leaves[operation.attribute[0]].reshape(sized(operation.shape, samples))
                case "parameter":
                    values[at] = leaves[operation.name]
                case "apply":
                    numbers = [_number(operations[k]) for k in operation.operands]
                    values[at] = self._elementwise.apply(operation.attribute, operands, numbers)
                case "guard":
                    (x,) = operands
                    values[at] = x if masks is None else self._guarded(x, masks[operation.attribute])
                case "loop":
                    values[at] = self._loop(operation.attribute, operands, samples)
                case _:
                    values[at] = self._compute(operation, operands, sized(operation.shape, samples))
        return values

    def _guarded(self, x: Any, mask: Any) -> Any:
        """Return x, with a derivative that is exactly 0 where the mask is 0."""
        library = self._library
        return library.where(library.is_nonzero(mask), x, library.constant_of(x))

    def _compute(self, operation: Operation, operands: list[Any], shape: tuple[int, ...]) -> Any:
        library, attribute = self._library, operation.attribute
        x: Any = operands[0] if operands else None
        match operation.kind:
            case "constant":
                return library.constant(attribute)
            case "contract":
                return library.einsum(f"{attribute.left},{attribute.right}->{attribute.result}", *operands)
            case "reduce":
                return self._elementwise.reduce(attribute, x)
            case "slopes":
                return self._elementwise.slopes(attribute, operands)
            case "reshape":
                return library.reshape(x, shape)
            case "transpose":
                return library.transpose(x, attribute)
            case "broadcast":
                return library.broadcast(x, shape)
            case "slice":
                return x[_along(attribute)]
            case "concatenate":
                return library.concatenate(operands, attribute)
            case "pad":
                return library.pad(x, attribute, shape)
            case "take" if len(operands) == 1:
                return self._take(x, attribute.array)
            case "place" if len(operands) == 1:
                return self._place(x, attribute.positions.array, shape)
            case "look up":
                return library.look_up(x, operands[1], attribute.shared)
            case "scatter":
                return library.scatter(x, operands[1], attribute.shared, shape)
            case "accumulate":
                return library.running_sums(x, *attribute)
            case "result":
                return x[attribute]
        raise NotImplementedError(
            f"operation {operation.kind!r} of {len(operands)} operands is not implemented for {library.name}"
        )

    def _take(self, x: Any, positions: Any) -> Any:
        is_padding = positions == PADDING
        taken = self._library.take(x, np.where(is_padding, 0, positions))
        if not is_padding.any():
            return taken
        return self._library.where(self._library.flags(~is_padding), taken, self._library.constant(0.0))

    def _place(self, x: Any, positions: Any, shape: tuple[int, ...]) -> Any:
        flat = positions.reshape(-1)
        columns = self._library.reshape(x, (*shape[:-1], flat.size))
        exist = np.flatnonzero(flat != PADDING)
        if len(exist) < flat.size:
            columns = self._library.take(columns, exist)
        return self._library.add_at(columns, flat[exist], shape)

    def _loop(self, loop: Loop, operands: list[Any], samples: int) -> list[Any]:
        """Run the body step by step; return the final states, then the written arrays, stacked."""
        names = [loop.body.operations[at].attribute[0] for at in loop.arguments]
        states, arrays, constants = loop.split(operands)

        def step(states: Sequence[Any], read: Sequence[Any]) -> tuple[list[Any], list[Any]]:
            results = self.run(loop.body, dict(zip(names, [*states, *read, *constants])), samples)
            return results[: loop.carried], results[loop.carried :]

        return self._library.loop(step, states, list(zip(arrays, loop.read)), loop.written, loop.steps)


def sized(shape: Shape, samples: int) -> tuple[int, ...]:
    """Return a shape for a number of samples.

    >>> sized((Batch(2), 3), 5)
    (10, 3)
    """
    return tuple([samples * length.times if isinstance(length, Batch) else length for length in shape])


def _number(operation: Operation) -> float | None:
    """Return an operation's number if it is a constant number."""
    is_number = operation.kind == "constant" and isinstance(operation.attribute, float)
    return operation.attribute if is_number else None


def _along(part: Slice) -> tuple[slice, ...]:
    return (slice(None),) * part.axis + (slice(part.start, part.stop, part.step),)
