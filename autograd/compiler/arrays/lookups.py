"""Build look-ups: entries of a table at an index of integers, and their transpose, which adds up in a table."""

from __future__ import annotations

from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import LookUp, N, Scattering


def add_index(builder: Builder, name: str, width: int) -> Handle:
    """Add an argument of integers, a row of a width for each sample. Look-ups and comparisons read it, nothing else."""
    return Handle(builder, builder.add("index", (), (name, (N, width)), name))


def look_up(table: Handle, index: Handle, shared: int = 0) -> Handle:
    """Look up entries of a table.

    Args:
        shared: how many leading axes the index has in common with the table.

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
    """Add an array up in a table of this length: the transpose of a look-up."""
    result: Handle = x.like(x.builder.add("scatter", (x.at, index.at), Scattering(shared, length)))
    return result
