"""A thin program as Python source. The same lines compute on floats, for one sample, or on arrays of a number a sample.

The numbers of all nodes go through a list `m` from function to function, their derivatives through a list `g`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autograd import primitives
from autograd.compiler import cost
from autograd.compiler.calls import Calls
from autograd.compiler.names import sanitised
from autograd.compiler.symbols import ATOM, number, written
from autograd.compiler.targets.kernels import REDUCTIONS
from autograd.compiler.thin import Term, ThinPlan, backward_functions, forward_functions
from autograd.forking import across_forks
from autograd.primitives import Primitive


class Template(NamedTuple):
    """Source with {0}, {1}, ... for a primitive's operands and, after them, its output; and which of them are in it."""

    text: str
    used: list[int]


class ThinSource(Calls):
    """Writes the lines in Python: the passes "forward", "backward" and "input_gradients".

    The latter two begin with "masks".
    """

    def __init__(self, plan: ThinPlan, arguments: Sequence[str], seeds: int) -> None:
        super().__init__()
        for name in ("m", "g"):
            self.names.plain(name)
        self.plan, self._seeds = plan, seeds
        self._templates: dict[object, tuple[Template, list[Template | float]]] = {}
        self.name: dict[int, str] = {}
        for indices, argument in zip(plan.scalars.arguments, arguments):
            for k, i in enumerate(indices):
                self.name[i] = self.names.plain(argument if len(indices) == 1 else f"{argument}_{k}")
        for i, slot in plan.slots.items():
            if i not in self.name:
                is_leaf = slot < plan.leaves
                self.name[i] = self.names.plain(self._labelled(i, is_leaf) or f"{'p' if is_leaf else 'v'}{slot}")
        self._slopes_name: dict[int, str] = {}
        self._written: dict[str, list[str]] = {}

    def _labelled(self, i: int, is_leaf: bool) -> str:
        """The name that a user gave to a leaf; to another node only where there are few, not one for each of many."""
        if not is_leaf and len(self.plan.order) >= 200:
            return ""
        return sanitised(self.plan.scalars.labels.get(i, ""))

    def text(self, *passes: str) -> str:
        """The source of some passes."""
        functions = [function for name in passes for function in self.functions(name)]
        return "\n\n".join([*self.prelude, *functions]) + "\n"

    def functions(self, name: str) -> list[str]:
        """The functions of a pass, in their order forward."""
        with across_forks:
            if name not in self._written:
                if name in ("forward", "masks"):
                    self._written[name] = list(forward_functions(self.plan, self, name))
                else:
                    self._written[name] = list(backward_functions(self.plan, self, name, self._seeds))[::-1]
            return self._written[name]

    # What a notation is asked for

    def begin(self) -> None:
        self._lines: list[str] = []
        self._read: dict[int, None] = {}

    def value(self, i: int) -> str:
        self._read[i] = None
        return self.name[i]

    def arrived(self, i: int) -> str:
        return f"g[{self.plan.slots[i]}]"

    def apply(self, i: int) -> None:
        self._lines.append(f"{self.name[i]} = {self._filled(self._rules(i)[0], i)}")

    def slopes(self, i: int, positions: Sequence[int]) -> Iterable[str | float]:
        primitive, inputs = self.plan.application(i)
        if primitive in REDUCTIONS:
            yield from self._slopes_by_name(primitive, inputs, i, positions)
            return
        slopes = self._rules(i)[1]
        for position in positions:
            slope = slopes[position]
            yield slope if isinstance(slope, float) else self._filled(slope, i)

    def _slopes_by_name(
        self, primitive: Primitive, inputs: Sequence[float | None], i: int, positions: Sequence[int]
    ) -> Iterable[str]:
        """Those of a primitive of many operands, computed together."""
        operands = [
            self.symbol(self.value(k), 1) if x is None else x for k, x in zip(self.plan.scalars.operands_of(i), inputs)
        ]
        if i not in self._slopes_name:
            self._slopes_name[i] = self.names.plain(f"slopes_of_{self.name[i]}")
        name = self._slopes_name[i]
        self._lines.append(f"{name} = {self.slopes_text(primitive, operands, self.symbol(self.value(i), 1))}")
        return [f"{name}[{position}]" for position in positions]

    def masked(self, mask: str, factors: list[str]) -> str:
        return f"{self.call(primitives.where)}({mask}, {' * '.join(factors)}, 0.0)"

    def part(self, i: int, terms: list[Term]) -> str:
        name = self.names.plain(f"part_of_{self.name[i]}")
        self._lines += _summed(name, terms)
        return name

    def sum(self, i: int, terms: list[Term], factor: float, divisor: float) -> None:
        self._lines += _summed(self.name[i], terms, factor, divisor)

    def adjoint(self, i: int, terms: list[Term]) -> str:
        name = f"g_{self.name[i]}"
        self._lines += _summed(name, terms)
        return name

    def put(self, i: int, terms: list[Term]) -> None:
        self._lines += _summed(self.arrived(i), terms)

    def end(self, name: str, piece: list[int], backward: bool) -> str:
        own, slots = set(piece), self.plan.slots
        lines = [f"{self.name[k]} = m[{slots[k]}]" for k in self._read if k not in own]
        names = f"{', '.join(self.name[i] for i in piece)},"
        place = f"m[{slots[piece[0]]}:{slots[piece[0]] + len(piece)}]"
        if not backward:
            return _function(f"{name}(m)", [*lines, *self._lines, f"{place} = {names}"])
        if not own.isdisjoint(self._read):
            lines.append(f"{names} = {place}")
        return _function(f"{name}(m, g)", [*lines, *self._lines] or ["pass"])

    # Primitives

    def _filled(self, template: Template, i: int) -> str:
        numbers = (*self.plan.scalars.operands_of(i), i)
        texts = [""] * len(numbers)
        for position in template.used:
            texts[position] = self.value(numbers[position])
        return template.text.format(*texts)

    def _rules(self, i: int) -> tuple[Template, list[Template | float]]:
        """How a primitive is written, and its derivatives."""
        primitive, inputs = self.plan.application(i)
        key = (primitive, repr(inputs))  # which tells 0.0 from -0.0
        if key not in self._templates:
            self._templates[key] = self._record(primitive, inputs)
        return self._templates[key]

    def _record(self, primitive: Primitive, numbers: Sequence[float | None]) -> tuple[Template, list[Template | float]]:
        inputs = [self.symbol(f"{{{k}}}", 1) if x is None else x for k, x in enumerate(numbers)]
        first = next(x for x in inputs if not isinstance(x, float))
        forward = first.apply(primitive, tuple(inputs))
        slopes = self.derivatives(primitive, inputs, self.symbol(f"{{{len(inputs)}}}", 1))
        return _template(forward.text), [
            float(x) if isinstance(x, (int, float)) else _template(f"({x.text})") for x in slopes
        ]


def _template(text: str) -> Template:
    return Template(text, [int(position) for position in dict.fromkeys(re.findall(r"{(\d+)}", text))])


def _term(c: float, factors: list[str]) -> str:
    """A term of a sum, beginning with its sign."""
    sign = "-" if math.copysign(1.0, c) < 0 else "+"
    factors = factors if abs(c) == 1.0 and factors else [number(abs(c)), *factors]
    return f"{sign} {' * '.join(factors)}"


def _summed(name: str, terms: list[Term], factor: float = 1.0, divisor: float = 1.0) -> list[str]:
    """The lines that give a name to a sum; a very long one in several steps, which Python's compiler can take."""
    lines = []
    for at in range(0, len(terms), cost.TERMS_A_LINE):
        text = " ".join([_term(c, factors) for c, factors in terms[at : at + cost.TERMS_A_LINE]])
        if at:
            text = f"{name} {text}"
        elif text.startswith("+ "):
            text = text[2:]
        elif text.startswith("- "):
            text = f"-{text[2:]}"
        lines.append(f"{name} = {text}")
    if factor == divisor == 1.0:
        return lines
    head, text = lines[-1].split(" = ")
    if factor != 1.0:
        text = f"{number(factor)} * ({text})"
    elif len(terms) > 1:
        text = f"({text})"
    if divisor != 1.0:
        text += f" / {written(divisor, ATOM)}"
    return [*lines[:-1], f"{head} = {text}"]


def _function(head: str, lines: list[str]) -> str:
    return "\n    ".join([f"def {head}:", *lines])
