"""What runs a program: array operations on whole batches, or straight-line source on the numbers of each node.

Both have the same methods, over rows (an array for each argument, a row a sample) and the flat vector of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.emit import Emitter, execute, prepared
from autograd.compiler.layout import Layout, in_reading_order
from autograd.compiler.recover.groups import Group, Rows, View
from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.recover import recover
from autograd.compiler.recover.schedule import depths
from autograd.compiler.running import running_form, takes_one_seed
from autograd.compiler.scalars.passes import PREPARE_FOR_ARRAYS, run_passes
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.thin import ThinPlan
from autograd.compiler.thin_engine import ThinEngine
from autograd.compiler.writer import Writer
from autograd.forking import computed_once

Array = NDArray[Any]


def engine_for(
    scalars: ScalarProgram, arguments: list[str], dtype: np.dtype[Any], name: str
) -> ArrayEngine | ThinEngine:
    """Array operations, unless nearly every one of them would be of a single number."""
    levels = 1 + max(depths(scalars.operations, scalars.operands_of).values(), default=0)
    work = len(scalars.operations) + len(scalars.lefts)
    if cost.worth_grouping(levels, work):
        grouping = recover(run_passes(PREPARE_FOR_ARRAYS, scalars))
        if any(map(_is_wide, grouping.groups)) or not grouping.groups:
            return ArrayEngine(Writer(grouping, arguments), scalars.differentiated, dtype, name)
    return ThinEngine(ThinPlan(scalars), arguments, scalars.differentiated, dtype, name)


def _is_wide(group: Group) -> bool:
    most = cost.MOST_NUMBERS_ALONE
    if len(group.members) > 1 or any(isinstance(x, View) and x.index.size > most for x in group.operands):
        return True
    return any(not isinstance(block, Rows) or block.left.index.size > most for block in group.blocks)


class ArrayEngine:
    """Array operations.

    Attributes:
        natural_order: the captured leaves in the order in which the program's matrices hold them.
        operations, matrix_products: how many are emitted, forward and backward.
        takes_one_seed: whether `gradient` takes one number as the derivative to all samples' outputs.
    """

    def __init__(self, writer: Writer, seeds: int, dtype: np.dtype[Any], name: str) -> None:
        self._emitter, self._dtype, self._name = Emitter(writer, seeds), dtype, name
        self._indices = [array.index for array in writer.parameters]
        self.natural_order = in_reading_order(self._indices, writer.grouping.widths[0])
        self.operations = self._emitter.operations
        text = self._emitter.forward + self._emitter.backward
        self.matrix_products = text.count(" @ ")
        self._passes = self._text(self._emitter.forward, self._emitter.backward)
        self.takes_one_seed = takes_one_seed(self._emitter.backward, writer.batched_names())
        loaded = self._loaded(self._passes)
        self._forward, self._backward = loaded["forward"], loaded["backward"]
        self._input_gradients: Callable[..., Any] | None = None

    def lay_out(self, place: Positions, size: int) -> None:
        """Say which element of the flat vector each captured leaf is, and how long that vector is."""
        self._layout = Layout([place[index] for index in self._indices], size)

    @property
    def source(self) -> str:
        return self._passes if self._indices else self._text(self._emitter.forward, self._to_arguments)

    @computed_once
    def _to_arguments(self) -> str:
        return self._emitter.input_gradients()

    @computed_once
    def input_gradients_source(self) -> str:
        return self._text(self._to_arguments)

    def _text(self, *functions: str) -> str:
        return "\n\n".join([*self._emitter.prelude(), *functions]) + "\n"

    def outputs(self, weights: Array, rows: Sequence[Array]) -> Array:
        """A column for each output; of one row only where they do not depend on the arguments."""
        found: Array = self._forward(*rows, *self._layout.views(weights))[0]
        return found

    def gradient(self, weights: Array, rows: Sequence[Array], seeds: Array, into: Array) -> Array:
        """The outputs; the gradient of the parameters goes into a vector."""
        layout = self._layout
        arrays = layout.views(weights)
        found: Array
        found, saved = self._forward(*rows, *arrays)
        gradients = layout.places(into)
        self._backward(seeds, saved, *rows, *arrays, *gradients)
        if not layout.in_place:
            layout.collect(gradients, into)
        return found

    def input_gradients(self, weights: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        """The outputs, and the derivatives to each argument's numbers."""
        if self._input_gradients is None:
            self._input_gradients = self._loaded(self.input_gradients_source)["input_gradients"]
        outputs, found = self._input_gradients(seeds, *rows, *self._layout.views(weights))
        return outputs, [np.broadcast_to(np.asarray(x, self._dtype), row.shape) for x, row in zip(found, rows)]

    def _loaded(self, source: str) -> dict[str, Any]:
        """What a source defines, in the form in which it runs."""
        tree, numbers = running_form(source, self._dtype)
        constants = {
            name: x.astype(self._dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
            for name, x in self._emitter.writer.constants.items()
        }
        return execute(*prepared(self._name, source, tree), {**constants, **numbers})
