"""The cost model of loops: when repetitions become a loop, and the effort spent to find them (see `cost.py`)."""

from __future__ import annotations

# Loops.

LEAST_STEPS = 5
"""The least number of steps of a loop; fewer are unrolled."""

LEAST_FOUND, MOST_SEARCHED_AGAIN = 3, 2_000
"""The least number of equal steps in a row by which a loop is found, if its other steps are found through its states,
and the most operations that are searched for such loops."""

LEAST_COPIED = 3
"""The least number of adjacent numbers that are copied as one slice: those of a loop of LEAST_STEPS steps, without its
ends."""

LEAST_DEPTHS = 3
"""The least number of depths at which equal operations of a loop of LEAST_STEPS steps lie: in most loops as many as it
has steps, in loops whose states change places from step to step half as many."""

SHORTEST_WINDOW, WINDOW_GROWTH, MOST_PERIODS = 8, 8, 6
"""The initial distance within which compared operations look for their operands, the factor by which it grows, and the
number of periods tried each time."""

MOST_CUTS = 32
"""The number of places compared as possible starts of a loop's steps."""

MOST_STEPS_TRIED = 12
"""The number of steps that are scheduled to count the levels of a step."""

MOST_ARRANGEMENTS = 4
"""Attempts at recovering the body of a loop until the order of its arrays agrees with that of its reads and results."""

FEW_LOOPS, FEW_CARRIED, MOST_WAITING = 2, 2, 2.5
"""Bounds that keep a grid, whose diagonals can be computed at once, from becoming loops along its rows: if more than
FEW_LOOPS loops carry at most FEW_CARRIED numbers, the longest path may grow by the factor MOST_WAITING."""


def least_steps(operations: int) -> tuple[int, ...]:
    """Return the numbers of equal steps in a row by which loops are searched for, one after the other."""
    return (LEAST_STEPS, LEAST_FOUND) if operations <= MOST_SEARCHED_AGAIN else (LEAST_STEPS,)


def is_narrow(carried: int) -> bool:
    """Return whether a loop carries only a few numbers."""
    return carried <= FEW_CARRIED


def worth_looping(before: int, after: int) -> bool:
    """Return whether the longest chain of dependent operations may grow from `before` to `after`."""
    return after <= MOST_WAITING * before


def mostly_looped(covered: int, spanned: int, operations: int, step: int) -> bool:
    """Return whether loops cover so many operations that another order, or other loops, need not be tried.

    Args:
        covered: the operations of loops.
        spanned: these, and operations of the steps on which no later step depends.
        operations: all operations.
        step: the operations of a step. As many outside of the loops may be a step that another order would include.
    """
    if operations - spanned >= step:
        return False
    return 10 * covered >= 9 * operations or (10 * spanned >= 9 * operations and 2 * covered >= spanned)


def enough_looped(covered: int, operations: int) -> bool:
    """Return whether loops cover so many operations that they need not be compared with alternatives."""
    return 2 * covered >= operations


def worth_separating(several: int, siblings: int) -> bool:
    """Return whether siblings stay separate nodes if so many of them have several readers.

    Of a matrix of 6 rows, the first row and column are 3 tenths.
    """
    return siblings <= 4 * several < 4 * siblings


def worth_completing(there: int, operations: int) -> bool:
    """Return whether a last step that has so many of a step's operations is completed."""
    return 0 < operations <= 6 * there


def may_have_steps(operations: int, levels: int) -> bool:
    """Return whether a thorough search for steps or cells may succeed: the more of them, the more levels.

    A large program with few levels, such as a GPT, is wide: its operations are elements of arrays.
    """
    return operations <= 5_000 or operations <= 4 * levels**2


def may_have_eliminations(terms: int, levels: int) -> bool:
    """Return whether to search a program for eliminations, whose work grows with the cube of the number of rows."""
    return terms <= 20_000 or 4 * terms <= levels**3


# Loops of long traces, which are found in short ones.

STEPS_OF_SHORTENED = 16
"""The number of steps that are left of a trace."""

MOST_NESTED = 50
"""The most operations outside of a loop, one reading the other, through which the next step is followed."""

MOST_GLANCES, LEAST_ALIKE = 100, 500
"""The number of periods tried at a glance, and of operations that must repeat with a period for a second look."""


MOST_UNKNOWN = 200
"""The most pairs of operations, not followed by one in the next step, that are looked at while a loop is extended by a
step. In a network of comparators, each of which reads two others, there are as many as the square of the operations."""


def worth_following(unknown: int) -> bool:
    """Return whether to look for further operations of a next step after so many pairs that none follows."""
    return unknown < MOST_UNKNOWN


def worth_shortening(operations: int) -> bool:
    """Return whether a trace is long enough to look for a loop that is most of it."""
    return operations >= 2_000


def worth_extrapolating(spanned: int, period: int, operations: int) -> bool:
    """Return whether steps that span this many of the operations are most of them, and many."""
    return 2 * spanned >= operations and spanned >= 4 * STEPS_OF_SHORTENED * period


# Grids.

LEAST_LEVELS, LEAST_CELLS, MOST_GRIDS = 10, 20, 8
"""The least levels of a program that is searched for grids, the least operations of a grid, and the most grids."""

MOST_ROUNDS = 3
"""Attempts to distinguish the operations of a cell, each by operations one step further away."""

MOST_REFINEMENTS = 30
"""Rounds in which equal operations of a cell are distinguished by their readers."""

MOST_PINNED = 40
"""The most kinds of operations in a cell that are tried as the start of its steps."""

MOST_SKEWED = 3
"""The number of factors tried for each coordinate in the direction of time."""

MOST_PADDING = 4
"""The most places of a loop over wavefronts per operation; a square has two."""


def is_border(operations: int, others: int) -> bool:
    """Return whether this few operations may count as equal to the others although they read leaves.

    Operations that read a literal in every cell are as numerous as other kinds.
    """
    return 2 * operations <= others


def is_exception(operations: int, most: int) -> bool:
    """Return whether this few operations at a place count as exceptions among the `most` others."""
    return 4 * operations < most


def mostly_in_grid(cells: int, operations: int) -> bool:
    """Return whether a grid covers so many of a program's operations that the search can stop."""
    return 2 * cells >= operations


def is_staggered(steps: int, lanes: int) -> bool:
    """Return whether lanes that begin at this many different steps need padding.

    The cells of a simulation begin at one or a few steps; those of a dynamic program begin one after the other.
    """
    return 4 * steps >= 3 * lanes and steps > 2


def is_deep(levels: int) -> bool:
    """Return whether a program of this many levels is searched for grids."""
    return levels >= LEAST_LEVELS


def worth_wavefronts(operations: int) -> bool:
    """Return whether a grid of this many operations may become a loop."""
    return operations >= LEAST_CELLS


def worth_wave(operations: int, places: int) -> bool:
    """Return whether this many operations may become a loop with this many places."""
    return places <= MOST_PADDING * operations


def is_shallower(levels: int, before: int) -> bool:
    """Return whether loops over wavefronts reduce the number of levels enough to pay.

    With two fifths fewer, an alignment of 6 x 6 with affine gaps takes a quarter of the time at a batch of 1, and a
    third at 256.
    """
    return 3 * levels <= 2 * before
