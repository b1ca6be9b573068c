"""The cost model: every threshold of the compiler, with its reason.

Passes call the predicates below, and contain no thresholds of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

# Repeated traces, which verify that other numbers record the same graph.

LEAST_TRACES, MOST_TRACES = 3, 8
NODES_TO_TRACE = 100_000
"""Total number of nodes to trace, within these bounds: a large function is traced a few times, a small one often."""


def traces(nodes: int) -> int:
    """Return the number of times to trace a function of this many nodes."""
    return min(MOST_TRACES, max(LEAST_TRACES, NODES_TO_TRACE // nodes))


MOST_ITEMS_SEARCHED = 1_000
"""The number of items of a container that are searched for sources of randomness."""

# Sums of products.

MOST_MOVED = 1024.0
"""The largest power of 2 that may scale a factor in place of a product: exact unless numbers underflow."""

MANY_SUMS_ALIKE = 4
"""From this number on, equal sums that are terms of another sum, such as those of the squares of each row, become one
operation. Fewer stay slots of that sum, like the two matrix products of a recurrent layer."""

MOST_SEPARATED = 3
"""The most sums with one reader for each reader of equal-form sums with several, if these are two or more."""


def worth_separating(several: int, readers: int, single: int) -> bool:
    """Return whether this many sums with one reader should be nodes, as equal-form sums with several readers are."""
    return readers * (MOST_SEPARATED if several > 1 else 1) > single


DATA_PER_TERM = 8
"""The most literals and weights of a layer per term of its sums. With more, many are zeros, and the matrix product is
more work than the sums that it replaces."""


def worth_data(rows: int, columns: int, channels: int, terms: int) -> bool:
    """Return whether literals that multiply weights should become a constant array."""
    return (rows + channels) * columns <= DATA_PER_TERM * terms * channels


LEAST_PARTS = 4
"""The least number of partial sums that become one cumulative sum."""


def worth_accumulating(parts: int) -> bool:
    """Return whether the partial sums of a running sum should be one operation."""
    return parts >= LEAST_PARTS


FEW_EXPONENTS = 2
"""The largest number of constant exponents at one level that stay separate operations, as in x ** 2 + x ** 3."""


def worth_exponents(exponents: int) -> bool:
    """Return whether this many constant exponents should become a constant array."""
    return exponents > FEW_EXPONENTS


# Which sums become a product of matrices, a product over patches, slices, or rows.

TERMS_PER_PRODUCT = 8
"""The least number of terms of a matrix product for rows over the same columns: below, the call outweighs the work."""

LEAST_FILLED = 0.3
"""The least share of patches that is present, without padding lanes: the product over patches computes all of them."""

MOST_DISCARDED = 2
"""Results of a product over patches for each one that is read; the others are computed and discarded."""

MOST_STENCIL_TERMS = 9
"""The most terms of a sum that is written as a sum of slices: a cell of a grid and its eight neighbours."""


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
"""The factor by which padding may multiply the work of a matrix product: causal rows about double it."""


LEAST_SHARED = 16 / 9
"""The least average number of terms that read each factor of a matrix product; windows of two are cut off at an end."""


def factors_are_shared(terms: int, distinct: int) -> bool:
    """Return whether this many terms read few enough distinct factors on a side for a matrix product to pay."""
    return LEAST_SHARED * distinct <= terms


def worth_product(shape: Sequence[int], rows: int, terms: int) -> bool:
    """Return whether matrix products of shape (batches, rows, rows, columns) pay for this many sums and terms."""
    batches, left, right, columns = shape
    results = batches * left * right
    return max(left, right) > 1 and results <= MOST_PADDED * rows and results * columns <= MOST_PADDED * terms


MOST_LENGTHS = 2
"""The most distinct lengths of rows that become separate operations rather than one padded gather, if rows of equal
length are adjacent."""


MOST_IN_TABLE = 2.5
"""The same for a table of rows: two tables, of shorter and of longer rows, have to be concatenated and read in another
order, which is as much work as a quarter of such a table."""


def worth_padding(elements: int, size: int) -> bool:
    """Return whether a matrix with this number of weights may be padded to this size."""
    return size <= MOST_PADDED * elements


def worth_table(elements: int, size: int) -> bool:
    """Return whether rows with this total number of elements may be padded to a table of this size."""
    return size <= MOST_IN_TABLE * elements


def worth_gathering(lengths: int, runs: int = 1) -> bool:
    """Return whether rows of this many lengths should be gathered with padding if no slices read them.

    Args:
        runs: the number of runs of rows of equal length. If they alternate, whatever reads all rows could only gather
            the results of separate operations, and would itself become several.
    """
    return lengths > MOST_LENGTHS or (lengths > 1 and alternate(runs))


def alternate(runs: int) -> bool:
    """Return whether rows of several kinds alternate: their results are more than a few slices for each kind."""
    return runs > MOST_PIECES


def worth_slices(terms: int, varying: int) -> bool:
    """Return whether sums with this many terms, and varying factors in some, may be written as sums of slices."""
    return 1 < terms <= MOST_STENCIL_TERMS and 0 < varying <= terms


# Reading views.

READING = {"slice": 0.0, "strided": 0.1, "axes": 0.3, "pieces": 0.5, "band": 0.5, "ascending": 0.9, "gather": 1.0}
"""The relative cost of reading a view, from a slice, which is free, to a gather."""

MOST_PIECES = 4
"""The most slices that are concatenated to read a view; more are gathered."""

LEAST_GAIN = 1e-9
"""The least reduction of cost for which an order of an array is changed: more than rounding errors."""


MOST_POSITIONS_KNOWN = 4096
"""The most positions of a view whose cost is cached while orders are compared: 32 kB, which are hashed in 5 µs."""


def worth_pieces(pieces: int, length: int) -> bool:
    """Return whether a view of this length should be read as this many slices."""
    return pieces <= MOST_PIECES and length >= 2 * pieces


# Joining arrays so that one operation reads them.

MOST_READ = 32
"""The most operands of a node for which joining is considered: nodes with more are neurons, or few."""

MOST_REMEMBERED = 4
"""The number of earlier reading patterns that are remembered for each kind of node."""


def worth_uniting(operations: int, nodes: int) -> bool:
    """Return whether it pays to merge nodes that form this many operations into one."""
    return 2 * operations <= nodes


def mostly_alike(operations: int, largest: int, nodes: int) -> bool:
    """Return whether most nodes form one operation, while the others need separate operations."""
    return operations > 2 and 2 * largest > nodes


def worth_joining(pieces: int, width: int) -> bool:
    """Return whether an array of this width should be concatenated from this many pieces."""
    return pieces <= 4 + width // 4


def reads_little(read: int, width: int) -> bool:
    """Return whether a joined array should hold only the elements of an array of this width that are read."""
    return 4 * read < 3 * width


# Running programs.

LEVELS_OF_ARRAYS = 300
WORK_PER_LEVEL = 20
"""A program of many levels with little work at each runs as straight-line code, which computes about twenty numbers in
the time that a call of an array operation takes."""

MOST_NUMBERS_ALONE = 4
"""The most elements that an operation on single numbers may read."""

MACHINE_CODE_FROM = 350
"""The least operations of a forward pass that is compiled to machine code: with fewer, one sample is hardly slower in
Python, and importing llvmlite takes as long as seven hundred samples."""

TERMS_A_FUNCTION = 500
"""The most operations of a straight-line function: the time of compilers grows faster than its length."""


MOST_NUMBERS_A_STEP = 64
"""The most numbers that a step of a loop on single numbers computes: machine code takes about 100 ns for them, calls of
array operations take at least 10 µs."""

MOST_ELEMENTS = 16
"""The most adjacent numbers that straight-line code reads or writes one by one: more are copied in a loop."""

MOST_EXPANDED = 2_000
"""The most operations on single numbers in the straight-line code of a program with loops."""


def worth_grouping(levels: int, work: int) -> bool:
    """Return whether a program may become array operations: it is not a long chain with little work at each level."""
    return levels < LEVELS_OF_ARRAYS or work > WORK_PER_LEVEL * levels


def worth_machine_code(operations: int) -> bool:
    """Return whether straight-line code of this many operations should become machine code."""
    return operations >= MACHINE_CODE_FROM


def worth_single_numbers(numbers: int) -> bool:
    """Return whether a loop that computes this many numbers per step should run on single numbers."""
    return numbers <= MOST_NUMBERS_A_STEP


MOST_UNROLLED_IN_JAX = 2_000
"""The most operations of a straight-line program that JAX is given: it compiles values and gradient of this many in
2.5 s, of four times as many in 17 s."""


def worth_tracing_unrolled(operations: int) -> bool:
    """Return whether JAX may be given a straight-line program of this many operations."""
    return operations <= MOST_UNROLLED_IN_JAX


# Writing source.

TERMS_A_STATEMENT = 50
"""The most terms of one expression: Python's compiler fails at some thousand."""

TERMS_A_LINE = 40
"""The most operations in one line of straight-line source."""

LONGEST_INLINE = 90
"""The most characters, with the shortest possible names, of a cotangent that is written inline, without a name."""

LONGEST_REPEATED = 12
"""The most characters of a cotangent, such as a sum of two, that is written again for each of its parts: naming it adds
a statement and saves little."""
