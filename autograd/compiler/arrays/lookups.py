"""Build look-ups of a table's entries by integer index, and their transpose, which scatter-adds into a table."""

from __future__ import annotations

from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import LookUp, N, Scattering


def add_index(builder: Builder, name: str, width: int) -> Handle:
    """Add an integer argument, a row of this width for each sample. Only look-ups and comparisons may read it."""
    return Handle(builder, builder.add("index", (), (name, (N, width)), name))


def look_up(table: Handle, index: Handle, shared: int = 0) -> Handle:
    """Look up entries of a table.

    Args:
        shared: the number of leading axes that the index shares with the table.

    >>> b = Builder()
    >>> w, tokens = b.parameter([[0, 1], [2, 3], [4, 5]], "w"), add_index(b, "tokens", 8)
    >>> print(b.program([look_up(w, tokens).named("rows")]).verify())
    w = parameter                                               (3, 2)
    tokens = index                                              (n, 8)
    rows = look up (w, tokens)                                  (n, 8, 2)
    return rows
    """
    result: Handle = table.like(table.builder.add("look up", (table.at, index.at), LookUp(shared)))
    return result


def scatter(x: Handle, index: Handle, length: int, shared: int = 0) -> Handle:
    """Scatter-add an array into a table of this length: the transpose of a look-up."""
    result: Handle = x.like(x.builder.add("scatter", (x.at, index.at), Scattering(shared, length)))
    return result
