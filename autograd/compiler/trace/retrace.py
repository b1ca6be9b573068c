"""Verify that a trace does not depend on the examples' numbers, by tracing again on others.

Only the numbers of nodes that depend on arguments or parameters may differ between the graphs. Any other difference
was frozen: a number that `v.data` took out of the graph, or a branch on one. To expose branches, the other numbers lie
on both sides of zero and in another order. Since a branch may go the same way several times, a small function, whose
runs are cheap, runs more often. Random draws are detected by the states of the generators (`randomness.py`).
"""

from __future__ import annotations

import bisect
import itertools
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from functools import partial
from typing import Any, NamedTuple, Never

from autograd.compiler import cost
from autograd.compiler.trace.likeness import Likeness
from autograd.compiler.trace.lookups import Place, TracedLookUp, Use, other_indices
from autograd.compiler.trace.randomness import draws
from autograd.compiler.trace.tables import Rows, in_common, leaves_of
from autograd.compiler.trace.tracing import MEMO, FreezingError, Trace, trace
from autograd.compiler.trace.watching import Watch, reads_of_numbers
from autograd.overriding import Overriding
from autograd.primitives import Primitive
from autograd.reading import numbers_of
from autograd.recording import TooManyNodesError
from autograd.value import Value

Change = Callable[[float], float]

_OTHERWISE = (
    "the function performs different operations for different numbers, so one trace cannot represent it. "
    "Choose with autograd.where(condition, a, b), and keep v.data and random draws out of it"
)


def settled_trace(
    function: Callable[..., Any], examples: Sequence[Any], parameters: Iterable[Value] = ()
) -> tuple[Trace, list[Value]]:
    """Return a function's trace, and the leaves that it captured, in the order of first use.

    Args:
        function, examples: as in `trace`.
        parameters: further leaves that it may depend on, besides those in the graph.

    Raises:
        TypeError: if the function returns anything but numbers, or asks for the number of a Value.
        ValueError: if it froze a number or a branch.
    """
    return copy_context().run(_settled_trace, function, examples, parameters)


def _settled_trace(
    function: Callable[..., Any], examples: Sequence[Any], parameters: Iterable[Value]
) -> tuple[Trace, list[Value]]:
    runs: list[Trace] = []

    def run() -> list[Primitive | None]:
        runs.append(trace(function, examples))
        return runs[-1].primitives

    if draws(function, run):
        raise ValueError(
            "the function draws random numbers, and a compiled program would forever repeat the ones drawn now; "
            "draw them outside, and pass them as an argument"
        )
    first = runs[0].read()
    runs.clear()  # free the graph
    arguments = {i for indices in first.arguments for i in indices}
    captured = [
        leaf for i, leaf in first.leaves.items() if i not in arguments and not leaf.is_constant
    ]  # includes leaves created by the function itself
    leaves = list(dict.fromkeys([*captured, *parameters]))  # without the leaves of tables, most of which are not read
    numbers = numbers_of(leaves)
    overriding = Overriding(leaves)
    retrace = _Retrace(function, examples, overriding, numbers, 2 * first.recorded + 1000, first.uses, Likeness(first))
    tables = first.tables
    try:
        overriding.begin()
        for n in range(cost.traces(len(first.primitives)) - 1):
            common = retrace.in_common(first, arguments, n)
            captured, tables = common or (captured, tables)
    except _FrozenNumberError as error:
        reads = reads_of_numbers(lambda watch: trace(function, examples, watch=watch))
        raise ValueError(error.explained(reads)) from None
    finally:
        overriding.end()
    read = sorted({p.table for p in set(first.primitives) if isinstance(p, TracedLookUp)})
    return first, list(dict.fromkeys([*_by_first_use(captured, first), *leaves_of([tables[k] for k in read])]))


def _by_first_use(captured: Sequence[Value], trace: Trace) -> list[Value]:
    """Return leaves in the order in which operations first read them, followed by those that are results."""
    number = {leaf: i for i, leaf in trace.leaves.items()}
    missing = {number[leaf] for leaf in captured if leaf in number}
    place: dict[int, int] = {}
    for i in trace.operands:
        if i in missing:
            place[i] = len(place)
            missing.discard(i)
            if not missing:  # mostly after few of them
                break
    return sorted(captured, key=lambda leaf: place.get(number.get(leaf, -1), len(place)))


def _same_operations(first: Trace, second: Trace) -> bool:
    return (
        first.primitives == second.primitives
        and first.counts == second.counts
        and first.operands == second.operands
        and first.arguments == second.arguments
        and first.outputs == second.outputs
        and first.uses.keys() == second.uses.keys()
    )


def _compared(first: Trace, second: Trace, arguments: set[int]) -> list[Value]:
    """Return the leaves that two runs of the same operations share.

    Raises:
        ValueError: if the runs differ in anything but the numbers of nodes that depend on arguments or these leaves.
    """
    for (leaf, line), (other_leaf, _) in zip(first.asked, second.asked):
        if leaf is other_leaf:
            raise ValueError(f"{line}: {_OTHERWISE}")
    captured = []
    for i, leaf in first.leaves.items():
        other = second.leaves[i]
        if i in arguments:
            continue
        if leaf is other and not leaf.is_constant:
            captured.append(leaf)
        elif first.numbers[i] != other.data and not (math.isnan(first.numbers[i]) and math.isnan(other.data)):
            raise _FrozenNumberError(first, other.data, i)
    return captured


_SAME, _OTHER, _ANY = (1.0,), (-1.0,), (1.0, -1.0)  # signs
_FAR = {
    1: (_OTHER, _SAME, (0, 1)),
    2: (_SAME, _OTHER, (-1, 0)),
    3: (_ANY, _ANY, (-1, 1)),
    5: (_SAME, _SAME, (0, 2)),
    6: (_SAME, _SAME, (-2, 0)),
}
"""Signs of arguments, signs of leaves, and exponents of 4, for the runs on distant numbers; other runs are near."""


class _Retrace(NamedTuple):
    """A function to trace again on other numbers.

    Attributes:
        overriding: makes the function see other numbers in its parameters, too.
        numbers: the parameters' numbers.
        most_nodes: a limit on the nodes recorded, since a loop whose end depends on numbers might not end.
        uses: the uses of the arguments' numbers as indices.
        likeness: compares with the first trace.
    """

    function: Callable[..., Any]
    examples: Sequence[Any]
    overriding: Overriding
    numbers: Sequence[float]
    most_nodes: int
    uses: Mapping[Place, Use]
    likeness: Likeness[Trace]

    def in_common(self, first: Trace, arguments: set[int], n: int) -> tuple[list[Value], Sequence[Rows]] | None:
        """Run for the n-th time after the first, from 0; return None if the run failed.

        Returns:
            The leaves that both runs captured, and the tables that both looked up in.

        Raises:
            ValueError: if the runs differ in anything but numbers that may differ.
        """
        try:
            other = self.far_off(n) if n in _FAR else self.near_by(n)
        except TooManyNodesError:
            raise ValueError(_OTHERWISE) from None
        if other is None:
            return None
        if not _same_operations(first, other):
            raise ValueError(self._why_other_operations(first, other, arguments))
        tables = [rows for pair in zip(first.tables, other.tables) if (rows := in_common(*pair)) is not None]
        if not len(first.tables) == len(other.tables) == len(tables):
            raise ValueError(
                f"a table passed to autograd.take holds other numbers when the function runs again: {_OTHERWISE}"
            )
        return _compared(first, other, arguments), tables

    def _why_other_operations(self, first: Trace, other: Trace, arguments: set[int]) -> str:
        """Explain the difference; if the function uses a node of its first run, find the line by another run."""
        earlier = {id(leaf) for i, leaf in first.leaves.items() if i in arguments}
        if earlier.isdisjoint(map(id, other.leaves.values())):
            lines = dict.fromkeys(line for _, line in reads_of_numbers(self._watched))
            return f"{next(iter(lines))}: {_OTHERWISE}" if len(lines) == 1 else _OTHERWISE
        earlier.update(map(id, other.nodes))
        watch = Watch(lambda inputs: earlier, _refuse_memo)
        settings: tuple[Any, ...] = (self.function, self.examples, float, self.most_nodes, {}, watch)
        try:
            self.overriding.run(self.numbers, float, trace, *settings)
        except ValueError as error:
            if MEMO in str(error):
                return str(error)
        return MEMO

    def _watched(self, watch: Watch) -> Trace:
        return trace(self.function, self.examples, watch=watch)

    def near_by(self, n: int) -> Trace | None:
        """Trace on nearby numbers; return None if the function is undefined at all that are tried."""
        for size, move_leaves in ((2.0**-7, True), (-(2.0**-7), True), (2.0**-7, False), (2.0**-20, False)):
            chance = random.Random(n)

            def shift(x: float, size: float = size, chance: random.Random = chance) -> float:
                by = size * (0.5 + chance.random() / 2)
                return x * (1 - by) if x else abs(by) / 8  # towards 0, which most domains contain

            try:
                return self._run(n, shift, shift if move_leaves else float)
            except (ArithmeticError, ValueError):
                continue
        return None

    def far_off(self, n: int) -> Trace | None:
        """Trace on numbers of other signs and magnitudes; return None if the function fails there.

        If the function fails for other signs, the signs are kept.

        Raises:
            FreezingError: if the function asks for the number of a Value in a branch that the first run did not take.
        """
        chance = random.Random(n)
        of_arguments, of_leaves, sizes = _FAR[n]
        for signs in ((of_arguments, of_leaves), (_SAME, _SAME)):
            change, change_leaf = (partial(_scaled, chance, sign, sizes) for sign in signs)
            try:
                return self._run(n, change, change_leaf)
            except (FreezingError, MemoryError):
                raise
            except Exception:  # the function may fail in any way outside of its domain
                continue
        return None

    def _run(self, n: int, change: Change, change_leaf: Change) -> Trace:
        numbers = list(map(change_leaf, self.numbers))
        indices = other_indices(self.uses, n)
        settings = self.function, self.examples, change, self.most_nodes, indices, None, self.likeness
        return self.overriding.run(numbers, change_leaf, trace, *settings)  # type: ignore[no-any-return]


def _scaled(chance: random.Random, signs: Sequence[float], sizes: tuple[float, float], x: float) -> float:
    sign = signs[0] if len(signs) == 1 else chance.choice(signs)
    return sign * 4 ** chance.uniform(*sizes) * (x or 1.0)


def _refuse_memo(line: str) -> Never:
    raise ValueError(f"{line}: {MEMO}")


class _FrozenNumberError(Exception):
    """The constant at node i of a trace differs in another trace."""

    def __init__(self, first: Trace, other: float, i: int) -> None:
        super().__init__(first, other, i)
        self._first, self._other, self._i = first, other, i

    def explained(self, reads: Sequence[tuple[float, str]]) -> str:
        """Explain the difference.

        Args:
            reads: the numbers that the function reads as `v.data`, with the lines.
        """
        first, i, made_by = self._first, self._i, ""
        if i in first.operands:
            user = bisect.bisect_right(list(itertools.accumulate(first.counts)), first.operands.index(i))
            made_by = f", an operand of {first.primitives[user]!r}"
        label = f" ({first.labels[i]!r})" if i in first.labels else ""
        line = next((line for number, line in reads if number == first.numbers[i]), "")
        known = f"{line}: " if line else ""
        way = "v.data" if line else "v.data, no_grad or a random draw"
        remedy = "compute with the Value itself, or pass the number as an argument"
        if "max(" in line or "min(" in line:
            remedy = "compute with autograd.softmax(logits), or subtract autograd.max(logits).detach()"
        return (
            f"{known}the function froze a number: a constant{label} was {first.numbers[i]!r} in one trace and "
            f"{self._other!r} in another with different examples{made_by}. It came out of the graph by {way}; {remedy}"
        )
