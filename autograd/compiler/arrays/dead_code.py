"""Eliminate dead code."""

from __future__ import annotations

from autograd.compiler.arrays.operations import Operation
from autograd.compiler.arrays.program import ArrayProgram


def without_dead_operations(program: ArrayProgram) -> ArrayProgram:
    """Return the program without operations that no result or mask depends on; arguments and parameters stay."""
    needed = program.needed([*program.outputs, *program.masks])
    operations = program.operations
    live_places = [
        at for at, o in enumerate(operations) if at in needed or o.kind in ("argument", "index", "parameter")
    ]
    if len(live_places) == len(operations):
        return program
    place = dict(zip(live_places, range(len(live_places))))
    live = [
        Operation(kind, tuple([place[k] for k in operands]), attribute, shape, name)
        for kind, operands, attribute, shape, name in [operations[at] for at in live_places]
    ]
    layers = {place[at]: layer for at, layer in program.layers.items() if at in place}
    outputs, masks = (tuple([place[at] for at in places]) for places in (program.outputs, program.masks))
    return ArrayProgram(tuple(live), outputs, layers, masks)
