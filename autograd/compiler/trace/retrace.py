"""Verify that a trace does not depend on the examples' numbers, by tracing again on others.

Whatever differs between the graphs, apart from the numbers of nodes that depend on arguments or parameters, was frozen:
a number that `v.data` took out of the graph, or a branch that was chosen by one. To expose branches, the other numbers
lie on both sides of zero and in another order. A branch on something else may well go the same way several times, so a
small function, where it costs almost nothing, runs more often. Random draws are detected by the states of the
generators (`randomness.py`).
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
    "the function computes other operations when its numbers change, so that one graph cannot stand for it. "
    "Choose with autograd.where(condition, a, b), and keep v.data and random draws out of it"
)


def settled_trace(
    function: Callable[..., Any], examples: Sequence[Any], parameters: Iterable[Value] = ()
) -> tuple[Trace, list[Value]]:
    """The graph of a function, and the leaves that it captured, in the order of their first use.

    Args:
        function, examples: as in `trace`.
        parameters: leaves that it may depend on, besides those that the graph shows.

    Raises:
        TypeError: where the function returns something else than numbers, or asks for the number of a Value.
        ValueError: where it froze a number, or a way.
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
            "the function draws random numbers, of which a compiled program would keep the ones drawn now for ever; "
            "draw them outside, and pass them as an argument"
        )
    first = runs[0].read()
    runs.clear()  # which lets go of the graph
    arguments = {i for indices in first.arguments for i in indices}
    captured = [
        leaf for i, leaf in first.leaves.items() if i not in arguments and not leaf.is_constant
    ]  # or made by the function itself
    leaves = list(dict.fromkeys([*captured, *parameters]))  # without those of tables, which are seldom read
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
    """Return leaves in the order in which the operations read them, then those that are results themselves."""
    number = {leaf: i for i, leaf in trace.leaves.items()}
    place = {i: k for k, i in enumerate(dict.fromkeys(trace.operands))}
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
    """The leaves that two runs of the same operations have in common.

    Raises:
        ValueError: where the runs differ in more than the numbers of nodes that depend on arguments or these leaves.
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
"""Signs of arguments and of leaves, and powers of 4, of the runs after the first that are far off. Others are near."""


class _Retrace(NamedTuple):
    """A function, to be traced again on other numbers.

    Attributes:
        overriding: lets it see other numbers of the leaves that it captured, too.
        numbers: of these leaves.
        most_nodes: how many it may record: where others choose its way, it might go on for ever.
        uses: of the arguments' numbers that are indices.
        likeness: to the first trace.
    """

    function: Callable[..., Any]
    examples: Sequence[Any]
    overriding: Overriding
    numbers: Sequence[float]
    most_nodes: int
    uses: Mapping[Place, Use]
    likeness: Likeness[Trace]

    def in_common(self, first: Trace, arguments: set[int], n: int) -> tuple[list[Value], Sequence[Rows]] | None:
        """Run as the n-th time after the first, from 0; None if it did not go.

        Returns:
            The leaves that both captured, and the tables that both looked up in.

        Raises:
            ValueError: where the runs differ in more than numbers that they may differ in.
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
                f"a table that autograd.take looks up in holds other numbers when it runs again: {_OTHERWISE}"
            )
        return _compared(first, other, arguments), tables

    def _why_other_operations(self, first: Trace, other: Trace, arguments: set[int]) -> str:
        """Explain in words; where it computes with a node of its first run, another run tells the line."""
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
        """On numbers near by; None where it is defined at none that were tried."""
        for size, move_leaves in ((2.0**-7, True), (-(2.0**-7), True), (2.0**-7, False), (2.0**-20, False)):
            chance = random.Random(n)

            def shift(x: float, size: float = size, chance: random.Random = chance) -> float:
                by = size * (0.5 + chance.random() / 2)
                return x * (1 - by) if x else abs(by) / 8  # towards 0, where most domains are

            try:
                return self._run(n, shift, shift if move_leaves else float)
            except (ArithmeticError, ValueError):
                continue
        return None

    def far_off(self, n: int) -> Trace | None:
        """On numbers of other signs and sizes; None where that does not go well.

        Where the function is not made for other signs, all keep them.

        Raises:
            FreezingError: where the function asks for the number of a Value on a way that it did not go at first.
        """
        chance = random.Random(n)
        of_arguments, of_leaves, sizes = _FAR[n]
        for signs in ((of_arguments, of_leaves), (_SAME, _SAME)):
            change, change_leaf = (partial(_scaled, chance, sign, sizes) for sign in signs)
            try:
                return self._run(n, change, change_leaf)
            except (FreezingError, MemoryError):
                raise
            except Exception:  # whatever the function does with numbers that it is not made for
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
    """A constant of a trace, node i, was another number in another trace."""

    def __init__(self, first: Trace, other: float, i: int) -> None:
        super().__init__(first, other, i)
        self._first, self._other, self._i = first, other, i

    def explained(self, reads: Sequence[tuple[float, str]]) -> str:
        """Explain in words.

        Args:
            reads: the numbers of Values that the function reads, with the lines.
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
