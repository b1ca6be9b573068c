"""Show a compilation: its passes as a table, and the program after each stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from autograd.compiler.arrays.program import LEAVES, ArrayProgram
from autograd.compiler.scalars.program import ScalarProgram

AnyProgram = ScalarProgram | ArrayProgram


class PassRecord(NamedTuple):
    """One pass of one compilation.

    Attributes:
        name: the pass's name.
        before, after: the number of operations of the program before and after the pass.
        seconds: the time that it took, without verification.
    """

    name: str
    before: int
    after: int
    seconds: float


class PassTable(tuple[PassRecord, ...]):
    """The passes that a program went through, in order; prints as a table.

    >>> print(PassTable([PassRecord("fold constants", 12, 10, 0.0001)]))
    pass                                 operations     seconds
    fold constants                         12 -> 10      0.0001
    """

    __slots__ = ()

    def __str__(self) -> str:
        lines = [f"{'pass':<28}{'operations':>19}{'seconds':>12}"]
        for name, before, after, seconds in self:
            lines.append(f"{name:<28}{f'{before:,} -> {after:,}':>19}{seconds:>12.4f}")
        return "\n".join(lines)

    __repr__ = __str__


class PassRunner:
    """Runs passes, verifies their results, and records them.

    Attributes:
        records: one for each pass so far.
    """

    def __init__(self) -> None:
        self.records: list[PassRecord] = []

    def run(self, name: str, run: Callable[..., Any], program: Any, *settings: Any) -> Any:
        """Return the result of a pass: a program, or None if the pass declines.

        Raises:
            ValueError: if the result is not well formed.
        """
        start = perf_counter()
        result = run(program, *settings)
        seconds = perf_counter() - start
        if result is None:
            return None
        if result is not program:
            result.verify()
        self.records.append(PassRecord(name, operation_count(program), operation_count(result), seconds))
        return result

    def run_all(self, passes: Sequence[tuple[str, Callable[[Any], Any]]], program: Any) -> Any:
        """Return a program after several passes."""
        for name, run in passes:
            program = self.run(name, run, program)
        return program


def operation_count(program: AnyProgram) -> int:
    """Return the number of operations of a program, without leaves."""
    if isinstance(program, ArrayProgram):
        kinds: list[str] = [operation[0] for operation in program.operations]
        return len(kinds) - sum(kinds.count(leaf) for leaf in LEAVES)
    return program.operation_count


class Stages(Mapping[str, Any]):
    """Programs by the name of their stage, built on demand and cached while referenced elsewhere.

    Args:
        builders: a function that builds each.
        alive: the cache.
    """

    def __init__(
        self, builders: Mapping[str, Callable[[], AnyProgram]], alive: WeakValueDictionary[str, AnyProgram]
    ) -> None:
        self._builders, self._alive = builders, alive

    def __getitem__(self, name: str) -> AnyProgram:
        if name not in self._builders:
            raise KeyError(f"a program has the stages {', '.join(map(repr, self._builders))}, got {name!r}")
        program = self._alive.get(name)
        if program is None:
            program = self._alive[name] = self._builders[name]()
        return program

    def __iter__(self) -> Iterator[str]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)

    def __repr__(self) -> str:
        return f"<stages {', '.join(map(repr, self._builders))}>"
