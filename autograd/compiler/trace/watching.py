"""Find the line at which a function computes with a Value that it must not compute with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, Never

from autograd import recording
from autograd.compiler.trace.lookups import read_as_numbers
from autograd.compiler.trace.source_lines import users_line
from autograd.value import Value


class Watch(NamedTuple):
    """What a function must not compute with.

    Attributes:
        ids: gives the ids of Values, of which some may be among the arguments' numbers.
        refuse: raises an error, given the line in words.
    """

    ids: Callable[[Sequence[Sequence[Value]]], Collection[int]]
    refuse: Callable[[str], Never]


class Watching(recording.Counter):
    """Refuses nodes that are computed from some others."""

    def __init__(self, watched: Collection[int], refuse: Callable[[str], Never], *settings: Any) -> None:
        super().__init__(*settings)
        self._watched, self._refuse = frozenset(watched), refuse

    def count(self) -> bool:
        frame: Any = sys._getframe(1)
        while "parents" not in frame.f_locals:  # of the node that is being made
            frame = frame.f_back
        numbers = read_as_numbers(frame.f_locals["primitive"], frame.f_locals["parents"])
        if not self._watched.isdisjoint(map(id, numbers)):
            self._refuse(users_line())
        return super().count()
