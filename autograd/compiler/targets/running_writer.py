"""Write the functions of a program in the form that is fastest with NumPy (see `numpy_run`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograd.compiler.targets.loops import LoopStatements
from autograd.compiler.targets.memory.freeing import variables_to_delete
from autograd.compiler.targets.memory.rooms import Room, spots
from autograd.compiler.targets.python_source import Function, Writer
from autograd.compiler.targets.references import References
from autograd.compiler.targets.running_expressions import RunningExpressions
from autograd.compiler.targets.schedule import GRADIENT, Schedule
from autograd.support.forking import computed_once


class RunningWriter(Writer):
    """Writes the functions of a program in their running form. `backward` takes an array for each gradient."""

    _write: RunningExpressions
    expressions = RunningExpressions

    def __init__(self, plan: Schedule, references: References) -> None:
        super().__init__(plan, references)
        self._write.spots = self._spots = spots(plan)
        terms = plan.notation.terms
        self._has_loops = any(terms[at].kind == "loop" for at in (*plan.forward, *plan.backward))

    def _statements(self, places: Sequence[int], write: Callable[[int], str], results: Sequence[int]) -> list[str]:
        """Write statements; between loops, delete each variable after the last statement that reads it.

        Arrays of a loop are as large as all its steps together. Nothing can follow a loop on its last line, where a
        deletion is thus left to the next statement: each statement is on the line that it has in the source.
        """
        loops = self._loops(places)
        if not loops:
            return super()._statements(places, write, results)
        lines, unread = [], list[str]()
        deleted = variables_to_delete(self.schedule, places, results, loops, self._last_loops())
        for at in places:
            before, block, after, _ = loops.get(at) or LoopStatements([write(at)], [], [], set())
            if before and unread:
                before[0] = f"    del {', '.join(unread)}; {before[0].lstrip()}"
                unread = []
            unread += deleted[at]
            if unread and (last := after if block else before):
                last[-1] += f"; del {', '.join(unread)}"
                unread = []
            lines += [*before, *block, *after]
        return lines

    def _last_loops(self) -> dict[str, int]:
        """Return the last loop that writes into each memory that several arrays share, by the memory's name."""
        order = {at: time for time, at in enumerate([*self.schedule.forward, *self.schedule.backward])}
        loops = [(self._notation.terms[at].operands[0], spot.room) for at, spot in self._spots.items()]
        return {self._write.room(room): at for at, room in sorted(loops, key=lambda loop: order[loop[0]])}

    def backward(self) -> Function:
        """Return the function that writes the gradients into arrays."""
        shown, plan, terms = super().backward(), self.schedule, self._notation.terms
        computed = set(plan.backward)
        places, last = [], []
        for at in plan.gradients:
            if at in computed:
                places.append(terms[at].name)
                continue
            places.append(self.references.names.numbered("result"))
            last.append(f"{places[-1]}[...] = {self._result(at)}")
        arguments = ", ".join([GRADIENT, "saved", *plan.arguments, *places])
        return Function(f"def backward({arguments}):", [*shown.statements[:-1], f"    {'; '.join(last) or 'return'}"])

    def _assigned(self, name: str, text: str, comment: str) -> str:
        return f"    {name} = {text}"

    def _saved(self) -> list[str]:
        """Return the names of saved arrays, and of their memory if the backward pass reuses it for others."""
        terms, computed = self._notation.terms, set(self.schedule.forward)
        by_pass: dict[bool, list[Room]] = {True: [], False: []}
        for at, spot in self._spots.items():
            by_pass[terms[at].operands[0] in computed].append(spot.room)
        rooms = [room for room in dict.fromkeys(by_pass[True]) if room in by_pass[False]]
        return [*super()._saved(), *map(self._write.room, rooms)]

    def _packed(self) -> str:
        return f"[{', '.join(self._saved())}]" if self._has_loops else super()._packed()

    def _unpacked(self) -> str:
        """Return the statement that unpacks the saved results; with loops, it also releases the caller's references."""
        return f"{super()._unpacked()}{'; saved.clear()' * self._has_loops}"

    def _statement_of_backward(self, at: int) -> str:
        if at in self._gradients:
            return f"    {self._write.written_into(self._notation.terms[at].name, at)}"
        return self._statement(at)

    @computed_once
    def _gradients(self) -> set[int]:
        return set(self.schedule.gradients)
