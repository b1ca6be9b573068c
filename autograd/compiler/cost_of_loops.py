"""The cost model of loops: when what repeats is worth one, and what is tried to find it (see `cost.py`)."""

from __future__ import annotations

# Loops.

LEAST_STEPS = 5
"""Steps of a loop: fewer are written one after the other."""

LEAST_DEPTHS = 3
"""Depths at which equal operations of a loop of LEAST_STEPS steps lie, at least: in most loops as many as it has steps,
in those whose states change places from step to step half as many."""

SHORTEST_WINDOW, WINDOW_GROWTH, MOST_PERIODS = 8, 8, 6
"""Distance up to which operations that are compared look for what they read, at first; the factor by which it grows;
and the number of periods that are tried each time."""

MOST_CUTS = 32
"""Places that are compared where the steps of a loop may begin."""

MOST_STEPS_TRIED = 12
"""Steps that are scheduled to see how many levels a step takes."""

MOST_ARRANGEMENTS = 4
"""Attempts at recovering the body of a loop, until its arrays are in the order in which it reads and computes them."""

FEW_LOOPS, FEW_CARRIED, MOST_WAITING = 2, 2, 2.5
"""Bounds that keep a grid, whose diagonals are computed at once, from becoming loops along its rows: where more than
FEW_LOOPS loops carry at most FEW_CARRIED numbers, the longest path may grow by this factor."""


def is_narrow(carried: int) -> bool:
    """Return whether a loop carries only a few numbers."""
    return carried <= FEW_CARRIED


def worth_looping(before: int, after: int) -> bool:
    """Return whether so many operations may wait for one another where it was so many before."""
    return after <= MOST_WAITING * before


def mostly_looped(covered: int, operations: int) -> bool:
    """Return whether so many operations are parts of loops that another order need not be tried."""
    return 10 * covered >= 9 * operations


# Grids.

LEAST_LEVELS, LEAST_CELLS, MOST_GRIDS = 10, 20, 8
"""Levels of a program in which grids are looked for, operations of a grid, and grids of a program."""

MOST_ROUNDS = 3
"""Attempts to tell the operations of a cell apart, each by what is one operation further away."""

MOST_REFINEMENTS = 30
"""Rounds in which equal operations of a cell are told apart by where they are read."""

MOST_PINNED = 40
"""Kinds of operations in a cell from which the steps are counted in turn, to see where they begin best."""

MOST_SKEWED = 3
"""Factors of the coordinates in the direction of time."""

MOST_PADDING = 4
"""Places of a loop over wavefronts for each operation: those of a square are twice as many."""


def is_border(operations: int, others: int) -> bool:
    """Return whether so few operations may be like others, of which there are so many, but for leaves that they read.

    Those of a cell that read a literal are as many as those of other kinds.
    """
    return 2 * operations <= others


def is_exception(operations: int, most: int) -> bool:
    """Return whether so few operations are read in a place that they are of one kind with most others."""
    return 4 * operations < most


def mostly_in_grid(cells: int, operations: int) -> bool:
    """Return whether a grid has so many of a program's operations that others need not be looked for."""
    return 2 * cells >= operations


def is_staggered(steps: int, lanes: int) -> bool:
    """Return whether so many lanes that begin at so many different steps need padding.

    The cells of a simulation begin at one step, or some; those of a dynamic program one after the other.
    """
    return 4 * steps >= 3 * lanes and steps > 2


def is_deep(levels: int) -> bool:
    """Return whether grids are looked for in a program of this many levels."""
    return levels >= LEAST_LEVELS


def worth_wavefronts(operations: int) -> bool:
    """Return whether a grid of this many operations may become a loop."""
    return operations >= LEAST_CELLS


def worth_wave(operations: int, places: int) -> bool:
    """Return whether this many operations may become a loop with so many places."""
    return places <= MOST_PADDING * operations


def is_shallower(levels: int, before: int) -> bool:
    """Return whether a program with loops over wavefronts has so much fewer levels that these are worth it."""
    return 2 * levels <= before
