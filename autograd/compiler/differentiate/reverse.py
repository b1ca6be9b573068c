"""Reverse mode: turn a function's program into the program of its values and the requested gradients."""

from __future__ import annotations

from typing import Literal

from autograd.compiler.arrays.dead_code import without_dead_operations
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.program import ArrayProgram


def to_parameters(program: ArrayProgram, seeds: int, unrolled: bool = False) -> ArrayProgram:
    """Return the program of a function's values and the gradient of each array of parameters.

    Args:
        program: a program with one output, with a column for each number that the function returns.
        seeds: the number of differentiated columns, which come first.
        unrolled: whether `recover.unrolled` built it, with one number per sample in each operation, or its loops run on
            single numbers.

    Returns:
        The operations of the program, followed by those of the backward pass. Its outputs are the values, followed by
        the gradients in the order of the parameters, with names such as nabla_w1, or the constant 0.0.

    >>> from autograd.compiler.arrays.builder import Builder
    >>> b = Builder()
    >>> x, w = b.argument("x", 3), b.parameter([[0, 1, 2]], "w")
    >>> print(to_parameters(b.program([b.contract(x, w, "nk", "ck", "nc").named("z")]), 1))
    x = argument                                                (n, 3)
    w = parameter                                               (1, 3)
    z = contract nk,ck->nc (x, w)                               (n, 1)
    gradient = argument                                         (n, 1)
    nabla_w = contract nc,nk->ck (gradient, x)                  (1, 3)
    return z, nabla_w
    """
    return _differentiated(program, seeds, "parameter", unrolled)


def to_arguments(program: ArrayProgram, seeds: int, unrolled: bool = False) -> ArrayProgram:
    """Return the program of a function's values and their gradients with respect to each argument, by sample."""
    return _differentiated(program, seeds, "argument", unrolled)


def _differentiated(
    program: ArrayProgram, seeds: int, kind: Literal["parameter", "argument"], unrolled: bool
) -> ArrayProgram:
    if unrolled and all(operation.kind != "loop" for operation in program.operations):
        from autograd.compiler.differentiate.unrolled import (
            differentiate_unrolled,
        )  # import only the sweep that is used

        return differentiate_unrolled(program, seeds, kind)
    from autograd.compiler.differentiate.sweep import Sweep

    wrt = [at for at, operation in enumerate(program.operations) if operation.kind == kind]
    sweep = Sweep(program, wrt, kind == "parameter", sums_after=not unrolled)
    sweep.seed(seeds)
    gradients = sweep.gradients()
    if kind == "parameter":
        gradients = [
            x.named(sweep.names.plain(f"nabla_{program.operations[at].name}")) if isinstance(x, Handle) else x
            for x, at in zip(gradients, wrt)
        ]
    builder = sweep.builder
    results = [
        *map(sweep.value, program.outputs),
        *(x if isinstance(x, Handle) else builder.constant(x) for x in gradients),
    ]
    layers = {sweep.value(at).at: layer for at, layer in program.layers.items()}
    sweep.name_results()
    return without_dead_operations(builder.program(results, layers))
