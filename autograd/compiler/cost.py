"""The cost model: every threshold of the compiler, with the reason that set it.

A threshold that answers a question is asked by a function of that question. Passes hold no numbers of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

# Tracing again, to see whether other numbers record the same graph.

LEAST_TRACES, MOST_TRACES = 3, 8
NODES_TO_TRACE = 100_000
"""Nodes to trace in all, within these bounds: a large function is traced a few times, a small one often."""


def traces(nodes: int) -> int:
    """Return the number of times to trace a function of this many nodes."""
    return min(MOST_TRACES, max(LEAST_TRACES, NODES_TO_TRACE // nodes))


MOST_ITEMS_SEARCHED = 1_000
"""Items of a container that are searched for sources of randomness."""

# Sums of products.

MOST_MOVED = 1024.0
"""The largest power of 2 that may be applied to a factor in place of a product: that is exact unless numbers vanish."""

MANY_SUMS_ALIKE = 4
"""From so many on, sums alike that another sum adds up, as of the squares of each row, are computed by one operation.
Fewer are slots of that sum, as the two matrix products of a recurrent layer are."""

DATA_PER_TERM = 8
"""Numbers and weights of a layer for each term of its sums. Where more of them are zeros, a matrix does more work than
the sums that it stands for."""


def worth_data(rows: int, columns: int, channels: int, terms: int) -> bool:
    """Return whether literals that multiply weights should become an array of data."""
    return (rows + channels) * columns <= DATA_PER_TERM * terms * channels


LEAST_PARTS = 4
"""Parts of a running sum from which on they are one operation."""


def worth_accumulating(parts: int) -> bool:
    """Return whether the parts of a running sum should be one operation."""
    return parts >= LEAST_PARTS


FEW_EXPONENTS = 2
"""Constant exponents at one level for which each is an operation of its own, as in x ** 2 + x ** 3."""


def worth_exponents(exponents: int) -> bool:
    """Return whether this many constant exponents should be an array of data."""
    return exponents > FEW_EXPONENTS


# Which sums become a product of matrices, a product over patches, slices, or rows.

TERMS_PER_PRODUCT = 8
"""Terms of a matrix product made for rows over the same columns: with fewer, the call costs more than the work."""

LEAST_FILLED = 0.3
"""The share of patches that must be there, padding lanes aside: the product over patches computes all of them."""

MOST_DISCARDED = 2
"""Results of a product over patches for each one that is read; the others are computed and discarded."""

MOST_STENCIL_TERMS = 9
"""Terms of a sum that is written as a sum of slices: as many as there are cells in and around one of a grid."""


def worth_products(terms: int, products: int) -> bool:
    """Return whether this many terms should be split into this many matrix products."""
    return products >= 2 and terms >= TERMS_PER_PRODUCT * products


def worth_patches(rows: int, results: int) -> bool:
    """Return whether a product over patches that computes this many results pays for this many rows."""
    return results <= MOST_DISCARDED * rows


def enough_filled(present: int, size: int) -> bool:
    """Return whether enough of the columns of patches are present."""
    return present >= LEAST_FILLED * size


MOST_PADDED = 2
"""Factor by which padding may multiply the work of a matrix product, or of a table of rows: causal rows about double
it."""


LEAST_SHARED = 16 / 9
"""Terms that read each factor of a product of matrices, at least; windows of two are cut off at an end."""


def factors_are_shared(terms: int, distinct: int) -> bool:
    """Return whether a side of this many terms reads so few distinct factors that a product of matrices may pay."""
    return LEAST_SHARED * distinct <= terms


def worth_product(shape: Sequence[int], rows: int, terms: int) -> bool:
    """Return whether products of matrices, (batches, rows, rows, columns), pay for this many sums and terms."""
    batches, left, right, columns = shape
    results = batches * left * right
    return max(left, right) > 1 and results <= MOST_PADDED * rows and results * columns <= MOST_PADDED * terms


MOST_LENGTHS = 2
"""Lengths of rows that are operations of their own rather than gathered with padding."""


def worth_padding(elements: int, size: int) -> bool:
    """Return whether rows of this many elements in all may be padded to a table of this size."""
    return size <= MOST_PADDED * elements


def worth_gathering(lengths: int) -> bool:
    """Return whether rows of so many lengths should be gathered with padding if no slices read them."""
    return lengths > MOST_LENGTHS


def worth_slices(terms: int, varying: int) -> bool:
    """Return whether sums with this many terms and varying factors may be written as sums of slices."""
    return 1 < terms <= MOST_STENCIL_TERMS and 0 < varying <= terms


# How views are read.

READING = {"slice": 0.0, "strided": 0.1, "axes": 0.3, "pieces": 0.5, "band": 0.5, "ascending": 0.9, "gather": 1.0}
"""The cost of reading a view, from a slice, which is free, to a gather, whose positions may be ascending."""

MOST_PIECES = 4
"""Slices that are concatenated to read a view; more are gathered."""

LEAST_GAIN = 1e-9
"""By how much an order of an array must be cheaper than the present one to replace it: more than rounding errors."""


MOST_POSITIONS_KNOWN = 4096
"""Positions of a view whose effort is remembered while orders are compared: 32 kB, which are hashed in 5 µs."""


def worth_pieces(pieces: int, length: int) -> bool:
    """Return whether a view of this length should be read as this many slices."""
    return pieces <= MOST_PIECES and length >= 2 * pieces


# What is concatenated so that one operation reads it.

MOST_READ = 32
"""Operands of a node for which joining is considered: what reads more is a neuron, or one of few."""

MOST_REMEMBERED = 4
"""Earlier ways of reading that are remembered for each kind of node."""


def worth_uniting(operations: int, nodes: int) -> bool:
    """Return whether it pays to merge nodes that are this many operations into one."""
    return 2 * operations <= nodes


def mostly_alike(operations: int, largest: int, nodes: int) -> bool:
    """Return whether nearly all nodes are one operation, and each other one costs an operation of its own."""
    return operations > 2 and 2 * largest > nodes


def worth_joining(pieces: int, width: int) -> bool:
    """Return whether an array of this width should be concatenated from this many pieces."""
    return pieces <= 4 + width // 4


def reads_little(read: int, width: int) -> bool:
    """Return whether a joined array should hold only what is read of an array of this width."""
    return 4 * read < 3 * width


# How programs run.

LEVELS_OF_ARRAYS = 300
WORK_PER_LEVEL = 20
"""A program of many levels with little work at each runs as straight lines: a call of an array operation takes about
as long as computing twenty numbers in a line."""

MOST_NUMBERS_ALONE = 4
"""Elements that an operation may read and still count as one of single numbers."""

MACHINE_CODE_FROM = 350
"""Operations of the forward pass from which on machine code is made: of fewer, one sample hardly takes longer in
Python, and importing llvmlite takes as long as seven hundred."""

TERMS_A_FUNCTION = 500
"""Operations of a straight-line function: compilers take longer than proportionally for a very long one."""


MOST_NUMBERS_A_STEP = 64
"""Numbers that a step of a loop computes, up to which it is run on single numbers: as machine code it takes about 100
ns for them, as calls of array operations at least 10 µs."""

MOST_ELEMENTS = 16
"""Numbers side by side that straight-line code reads or writes one by one: more are copied in a loop."""

MOST_EXPANDED = 2_000
"""Operations on single numbers that a program with loops may become as straight-line code."""


def worth_grouping(levels: int, work: int) -> bool:
    """Return whether a program may become array operations: it is no long chain with little work at each level."""
    return levels < LEVELS_OF_ARRAYS or work > WORK_PER_LEVEL * levels


def worth_machine_code(operations: int) -> bool:
    """Return whether straight-line code of this many operations should become machine code."""
    return operations >= MACHINE_CODE_FROM


def worth_single_numbers(numbers: int) -> bool:
    """Return whether a loop that computes this many numbers at each step is run on single numbers."""
    return numbers <= MOST_NUMBERS_A_STEP


MOST_UNROLLED_IN_JAX = 2_000
"""Operations of a straight-line program that JAX is given: it compiles values and gradient of so many in 2.5 s, of four
times as many in 17 s."""


def worth_tracing_unrolled(operations: int) -> bool:
    """Return whether JAX may be given a straight-line program of this many operations."""
    return operations <= MOST_UNROLLED_IN_JAX


# How source is written.

TERMS_A_STATEMENT = 50
"""Terms of one expression: Python's compiler takes no more than some thousand."""

TERMS_A_LINE = 40
"""Operations of one line of straight-line source."""

LONGEST_INLINE = 90
"""Characters of a cotangent that is written in place, without a name, where names are as short as can be."""

LONGEST_REPEATED = 12
"""Characters of a cotangent that is written again for each part of it, such as a sum of two: naming it is a statement
more, and saves little."""
