"""Write lines of Python source that read numbers from lists and store numbers into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MOST_SKIPPED = 3
"""The most unneeded numbers that are read so that their neighbours can be read by one slice."""

Place = tuple[str, int]
"""A list, and a place in it."""


def read_line(read: Mapping[Place, str], named: Mapping[Place, str]) -> str:
    """Return the line that assigns numbers from lists to names, adjacent ones by slices.

    Args:
        read: the names.
        named: the names of other numbers, which may be read, too.

    >>> read_line({("m", 0): "x", ("m", 3): "b", ("m", 5): "d", ("g", 0): "s"}, {("m", 4): "c"})
    's, x, (b, c, d) = g[0], m[0], m[3:6]'
    """
    names, values = [], []
    for array, first, run in _runs(read, named):
        if len(run) == 1:
            names.append(run[0])
            values.append(f"{array}[{first}]")
        else:
            names.append(f"({', '.join(run)})")
            values.append(f"{array}[{first}:{first + len(run)}]")
    return f"{names[0].strip('()') if len(names) == 1 else ', '.join(names)} = {', '.join(values)}"


def _runs(read: Mapping[Place, str], named: Mapping[Place, str]) -> list[tuple[str, int, list[str]]]:
    """Return the list, the first place and the names of each run of adjacent numbers."""
    runs: list[tuple[str, int, list[str]]] = []
    for array, at in sorted(read):
        if runs and runs[-1][0] == array:
            _, first, run = runs[-1]
            if at == first + len(run):
                run.append(read[array, at])
                continue
            gap = range(first + len(run), at)
            if len(gap) <= MOST_SKIPPED and all((array, k) in named for k in gap):
                run += [*(named[array, k] for k in gap), read[array, at]]
                continue
        runs.append((array, at, [read[array, at]]))
    return runs


def stored_line(array: str, first: int, names: Sequence[str]) -> str:
    """Return the line that stores numbers contiguously into a list.

    >>> stored_line("m", 3, ["a", "b"])
    'm[3:5] = a, b'
    """
    place = f"{first}" if len(names) == 1 else f"{first}:{first + len(names)}"
    return f"{array}[{place}] = {', '.join(names)}"
