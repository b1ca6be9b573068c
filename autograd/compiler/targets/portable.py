"""A compiled program without its engine, from which external targets are built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from autograd.arrays import np
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.targets.libraries.parameters import (
    Parameter,
    parameters_of,
    with_parameters_of,
    with_parameters_once,
)
from autograd.compiler.trace.results import Results
from autograd.compiler.trace.signature import Argument, read_together
from autograd.support.forking import computed_once


class Rows(NamedTuple):
    """The arguments of a program.

    Attributes:
        arrays: an array for each argument, with one row per sample.
        batched: whether they were batches.
        samples: the number of samples.
    """

    arrays: list[Any]
    batched: bool
    samples: int


@dataclass(frozen=True)
class Portable:
    """A compiled program.

    Attributes:
        name: the function's name.
        program: computes its values; each parameter is in exactly one place of one array.
        is_unrolled: whether each operation computes one number per sample.
        seeds: the number of differentiated results, which come first.
        arguments: their names and shapes.
        results: their structure.
        parameters: their names, shapes and Values.
        reduction: "mean" or "sum", which defines the cost of a batch.
        dtype: "float64" or "float32".
        make_unpadded: for a padded program, builds the one without padding, over the same parameters, which runs where
            this one gives inf or nan.
    """

    name: str
    program: ArrayProgram
    is_unrolled: bool
    seeds: int
    arguments: Sequence[Argument]
    results: Results
    parameters: Sequence[Parameter]
    reduction: str
    dtype: str
    make_unpadded: Callable[[], ArrayProgram] | None = None

    @classmethod
    def of(cls, program: ArrayProgram, values: Sequence[Any], **rest: Any) -> Portable:
        """Return the program over a vector of Values."""
        program = _without_unread_sums(with_parameters_once(program))
        return cls(program=program, parameters=parameters_of(program, values), **rest)

    @computed_once
    def unpadded(self) -> Portable:
        """The same program without padding."""
        assert self.make_unpadded is not None
        program = with_parameters_of(_without_unread_sums(self.make_unpadded()), self.program)
        return replace(self, program=program, make_unpadded=None)

    @computed_once
    def to_parameters(self) -> ArrayProgram:
        """The program of values and gradients with respect to parameters."""
        return to_parameters(self.program, self.seeds, self.is_unrolled)

    @computed_once
    def to_arguments(self) -> ArrayProgram:
        """The program of values and gradients with respect to arguments."""
        return to_arguments(self.program, self.seeds, self.is_unrolled)

    def read(
        self, given: Sequence[Any], convert: Callable[[Any], Any], read_indices: Callable[..., tuple[Any, bool]]
    ) -> Rows:
        """Return arguments as rows in a library's arrays.

        Args:
            convert: converts an argument to an array.
            read_indices: returns an argument of indices as rows, and whether it was a batch.

        Raises:
            TypeError: for too many or too few arguments.
            ValueError: if shapes differ from the examples', or batch sizes differ.
            IndexError: for an index that is out of range.
        """

        def read(argument: Argument, x: Any) -> tuple[Any, bool]:
            if argument.lengths is not None:
                return read_indices(argument, x)
            if argument.shape is not None:
                return argument.as_rows(convert(x))
            rows, batched = argument.read(x, np.dtype(float))
            return convert(rows), batched

        return Rows(*read_together(self.arguments, given, read))

    def leaves(self, parameters: Any, rows: Sequence[Any]) -> dict[str, Any]:
        """Return parameters and the rows of arguments as a program's leaves, by name."""
        names = [o.attribute[0] for o in self.program.operations if o.kind in ("argument", "index")]
        return {**parameters, **dict(zip(names, rows))}


def _without_unread_sums(program: ArrayProgram) -> ArrayProgram:
    """Replace the unused logsumexp operand of each softmax by its other operand, so that the logsumexp is dead code."""
    operations = [
        o._replace(operands=o.operands[:1] * 2)
        if o.kind == "slopes" and o.attribute.reduces == "softmax" and len(o.operands) == 2
        else o
        for o in program.operations
    ]
    return replace(program, operations=tuple(operations))


def chosen_dtype(portable: Portable, dtype: str | None) -> str:
    """Return the dtype to compute with: the requested one, by default the program's.

    Raises:
        ValueError: for anything but "float64" and "float32".
    """
    dtype = dtype or portable.dtype
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype must be 'float64' or 'float32', got {dtype!r}")
    return dtype
