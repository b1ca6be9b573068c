"""Find the line at which a function computes with a forbidden Value."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, Never

from autograd import recording
from autograd.compiler.trace.lookups import read_as_numbers
from autograd.compiler.trace.source_lines import PACKAGES, users_line
from autograd.value import Traced, Value


class Watch(NamedTuple):
    """The Values that a function must not compute with.

    Attributes:
        ids: returns the ids of these Values, given the arguments' Values.
        refuse: raises an error, given the line in words.
        kind: the class of new nodes.
    """

    ids: Callable[[Sequence[Sequence[Value]]], Collection[int]]
    refuse: Callable[[str], Never]
    kind: type[Traced] = Traced


class Watching(recording.Counter):
    """Rejects nodes that are computed from watched ones."""

    def __init__(self, watch: Watch, inputs: Sequence[Sequence[Value]], *settings: Any) -> None:
        super().__init__(*settings)
        self._watched, self._refuse, self.kind = frozenset(watch.ids(inputs)), watch.refuse, watch.kind

    def count(self) -> None:
        frame: Any = sys._getframe(1)
        while "parents" not in frame.f_locals:  # the frame that creates the node
            frame = frame.f_back
        numbers = read_as_numbers(frame.f_locals["primitive"], frame.f_locals["parents"])
        if not self._watched.isdisjoint(map(id, numbers)):
            self._refuse(users_line())
        super().count()


_slot = vars(Traced)["data"]
_reads: ContextVar[list[tuple[float, str]] | None] = ContextVar("reads", default=None)


class Reporting(Traced):
    """A node that reports each read of its number from outside of this package."""

    __slots__ = ()

    @property
    def data(self) -> Any:
        number = _slot.__get__(self, type(self))
        reads = _reads.get()  # None if the node outlived the traced run
        if reads is not None and not sys._getframe(1).f_code.co_filename.startswith(PACKAGES):
            reads.append((number, users_line()))
        return number

    @data.setter
    def data(self, number: float) -> None:
        _slot.__set__(self, number)


def reads_of_numbers(run: Callable[[Watch], object]) -> list[tuple[float, str]]:
    """Return the numbers that a function reads as `v.data`, each with the line.

    Args:
        run: traces the function with the given watch.
    """
    reads: list[tuple[float, str]] = []
    token = _reads.set(reads)
    try:
        run(Watch(lambda inputs: (), _never, Reporting))
    finally:
        _reads.reset(token)
    return reads


def _never(line: str) -> Never:
    raise AssertionError(line)
