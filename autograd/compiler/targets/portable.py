"""A compiled program apart from what runs it: what targets outside this package are made from."""

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
        arrays: of each argument, a row a sample.
        batched: whether these were batches.
        samples: how many there are.
    """

    arrays: list[Any]
    batched: bool
    samples: int


@dataclass(frozen=True)
class Portable:
    """A compiled program.

    Attributes:
        name: of the function.
        program: of its values; each parameter stands once in one array.
        is_unrolled: whether each operation computes one number a sample.
        seeds: how many results, from the first on, have derivatives.
        arguments: their names and shapes.
        results: their structure.
        parameters: their names, shapes and Values.
        reduction: "mean" or "sum", of which the cost of a batch is made.
        dtype: "float64" or "float32".
        make_unpadded: of a padded program, makes the one that says what the graph gives where this one gives inf or
            nan, over the same parameters.
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
        """The same without padding, of a padded program."""
        assert self.make_unpadded is not None
        program = with_parameters_of(_without_unread_sums(self.make_unpadded()), self.program)
        return replace(self, program=program, make_unpadded=None)

    @computed_once
    def to_parameters(self) -> ArrayProgram:
        """The program of values and gradients to parameters."""
        return to_parameters(self.program, self.seeds, self.is_unrolled)

    @computed_once
    def to_arguments(self) -> ArrayProgram:
        """The program of values and gradients to arguments."""
        return to_arguments(self.program, self.seeds, self.is_unrolled)

    def read(
        self, given: Sequence[Any], convert: Callable[[Any], Any], read_indices: Callable[..., tuple[Any, bool]]
    ) -> Rows:
        """Return arguments as rows of a library's arrays.

        Args:
            convert: makes an array of what is given.
            read_indices: reads an argument of indices as rows, and says whether it was a batch of samples.

        Raises:
            TypeError: for too many or too few arguments.
            ValueError: for other shapes than the examples', and for batches of different sizes.
            IndexError: for an index that is in no table.
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
        """Return parameters, by name, and the rows of arguments as a program's leaves."""
        names = [o.attribute[0] for o in self.program.operations if o.kind in ("argument", "index")]
        return {**parameters, **dict(zip(names, rows))}


def _without_unread_sums(program: ArrayProgram) -> ArrayProgram:
    """Let a softmax name its operand in place of its logsumexp, which it does not read: so none is computed."""
    operations = [
        o._replace(operands=o.operands[:1] * 2)
        if o.kind == "slopes" and o.attribute.reduces == "softmax" and len(o.operands) == 2
        else o
        for o in program.operations
    ]
    return replace(program, operations=tuple(operations))


def chosen_dtype(portable: Portable, dtype: str | None) -> str:
    """Return the dtype to compute with: the one asked for, else the program's.

    Raises:
        ValueError: for another than "float64" and "float32".
    """
    dtype = dtype or portable.dtype
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype must be 'float64' or 'float32', got {dtype!r}")
    return dtype
