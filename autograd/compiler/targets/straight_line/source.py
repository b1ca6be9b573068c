"""Straight-line code as Python source. The same lines compute with floats, for one sample, or with a number per sample.

Numbers pass between functions in lists: `m` holds the arguments' numbers, the parameters and the results of the forward
pass; `g` holds the cotangents of the outputs and the results of a backward pass.
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
    """Return the functions that compute gradients from the results of the forward pass.

    Args:
        program: computes the values.
        joint: computes values and gradients.
        name: the prefix of the functions' names.
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
    """Return the number of functions of a forward pass, and of each backward pass of the same program."""
    return max(1, -(-len(layout.order) // cost.TERMS_A_FUNCTION))


def _slots(layout: Layout) -> dict[str, int]:
    """Return the places in `m` of the numbers that the forward pass names."""
    first = layout.arguments + sum(element.array == "p" for element in layout.elements)
    names = [layout.operations[at].name for at in layout.order]
    return {name: first + k for k, name in enumerate(filter(None, names))}
