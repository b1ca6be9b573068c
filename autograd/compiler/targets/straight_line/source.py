"""Straight-line code as Python source. The same lines compute on floats, for one sample, or on arrays of a number each.

Functions hand numbers to each other in lists: `m` holds the arguments' numbers, the parameters and what the forward
pass computes, `g` the cotangents of the results and what a backward pass computes.
"""

from __future__ import annotations

from autograd.compiler import cost
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.straight_line.layout import Layout, lay_out
from autograd.compiler.targets.straight_line.writer import Pass, Writer


def forward_pass(program: ArrayProgram) -> Pass:
    """Return the functions that compute the values of a program: `forward_0`, `forward_1`, ..."""
    layout = lay_out(program)
    writer = Writer(program, layout, _slots(layout), "m")
    return writer.written("forward", layout.order, _functions(layout))


def backward_pass(program: ArrayProgram, joint: ArrayProgram, name: str) -> Pass:
    """Return the functions that compute gradients from what the forward pass has computed.

    Args:
        program: of the values.
        joint: of values and gradients.
        name: that of the functions begins with.
    """
    forward, layout = lay_out(program), lay_out(joint)
    slots = _slots(forward)
    operations, first = layout.operations, layout.first_backward
    masks = [at for at in layout.order if at < first and operations[at].name and operations[at].name not in slots]
    writer = Writer(joint, layout, slots, "g")
    return writer.written(name, [*masks, *(at for at in layout.order if at >= first)], _functions(forward))


def text_of(*passes: Pass) -> str:
    """Return passes as one source."""
    definitions = dict.fromkeys(definition for one in passes for definition in one.definitions)
    return "\n\n".join([*definitions, *(text for one in passes for _, text in one.functions)]) + "\n"


def _functions(layout: Layout) -> int:
    """Return how many functions a forward pass has, and each backward pass of the same program."""
    return max(1, -(-len(layout.order) // cost.TERMS_A_FUNCTION))


def _slots(layout: Layout) -> dict[str, int]:
    """Return the places in `m` of the numbers that the forward pass gives names to."""
    first = layout.arguments + sum(element.array == "p" for element in layout.elements)
    names = [layout.operations[at].name for at in layout.order]
    return {name: first + k for k, name in enumerate(filter(None, names))}
