"""The passes over scalar programs, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograd.compiler.scalars.captured_constants import lift_constants
from autograd.compiler.scalars.fold import fold_constants
from autograd.compiler.scalars.guards import add_guards
from autograd.compiler.scalars.idioms import recognise_idioms
from autograd.compiler.scalars.merge import merge_equal_nodes
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sums.collect import collect_sums
from autograd.compiler.scalars.sums.empty_rows import complete_empty_rows
from autograd.compiler.scalars.sums.increments import split_increments
from autograd.compiler.scalars.sums.long_rows import split_long_rows
from autograd.compiler.scalars.sums.projections import split_projections
from autograd.compiler.scalars.sums.unit_rows import complete_unit_rows

Pass = tuple[str, Callable[[ScalarProgram], ScalarProgram]]

COLLECT: tuple[Pass, ...] = (("collect sums", collect_sums), ("merge equal sums", merge_equal_nodes))
"""From single operations to sums of products."""

SIMPLIFY: tuple[Pass, ...] = (
    ("fold constants", fold_constants),
    ("merge equal nodes", merge_equal_nodes),
    ("recognise idioms", recognise_idioms),
    *COLLECT,
    ("add guards", add_guards),
)
"""From the trace to the fully simplified scalar program."""

PREPARE_FOR_ARRAYS: tuple[Pass, ...] = (
    ("lift captured constants", lift_constants),
    ("complete unit rows", complete_unit_rows),
    ("complete empty rows", complete_empty_rows),
    ("split long rows", split_long_rows),
    ("split projections", split_projections),
    ("split increments", split_increments),
)
"""Passes that help to recover arrays, and would only add work to a program that runs as straight-line code."""

PREPARE_LAYERS = tuple([one for one in PREPARE_FOR_ARRAYS if one[1] is not complete_unit_rows])
"""The same for an aligned program, in which rows of one element need not have operations of their own."""


def run_passes(passes: Sequence[Pass], program: ScalarProgram) -> ScalarProgram:
    """Return the program after these passes."""
    for _, run in passes:
        program = run(program)
    return program
