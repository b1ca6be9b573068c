"""Programs with little to do side by side, such as an integrator's many steps: straight-line source, a line a node.

The same lines compute on floats, for one sample, or on arrays of a number a sample. They are cut into functions, since
Python takes longer than proportionally to compile a very long one; what one function leaves for others goes through a
list `m` of all numbers, their derivatives through a list `g`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from autograd.compiler.calls import Calls
from autograd.compiler.names import sanitised
from autograd.compiler.simplify import Scalars, Sum
from autograd.compiler.symbols import number
from autograd.primitives import Primitive

_TERMS_A_FUNCTION = 1500
_TERMS_A_LINE = 40


class ThinWriter(Calls):
    """The lines of a thin program.

    Attributes:
        slots: the place of each node in the list `m`: arguments, captured leaves, then the rest in order.
        pieces: the nodes that each function computes.
    """

    def __init__(self, scalars: Scalars, captured: Sequence[int], arguments: Sequence[str]) -> None:
        super().__init__()
        for name in ("m", "g"):
            self.names.plain(name)
        self.scalars = scalars
        self._templates: dict[Any, tuple[str, list[str | float]]] = {}
        self.slots: dict[int, int] = {}
        self.name: dict[int, str] = {}
        trace = scalars.trace
        for indices, argument in zip(trace.arguments, arguments):
            for k, i in enumerate(indices):
                if i >= 0:
                    self._take(i, argument if len(indices) == 1 else f"{argument}_{k}")
        for i in captured:
            self._take(i, self._labelled(i, "p"))
        self.leaves = len(self.slots)
        for i in scalars.order:
            self._take(i, self._labelled(i, "v"))
        self.pieces = self._cut()

    def _take(self, i: int, name: str) -> None:
        self.slots[i] = len(self.slots)
        self.name[i] = self.names.plain(name)

    def _labelled(self, i: int, otherwise: str) -> str:
        label = sanitised(self.scalars.trace.labels.get(i, ""))
        return label if label and len(self.scalars.order) < 200 else f"{otherwise}{len(self.slots)}"

    def _cut(self) -> list[list[int]]:
        pieces: list[list[int]] = [[]]
        size = 0
        for i in self.scalars.order:
            found = self.scalars.sums.get(i)
            size += 1 if found is None else 1 + len(found.lefts)
            pieces[-1].append(i)
            if size > _TERMS_A_FUNCTION:
                pieces.append([])
                size = 0
        return [piece for piece in pieces if piece]

    # One node

    def operands(self, i: int) -> Iterable[int]:
        """The nodes that a node is computed from, constants left out."""
        found = self.scalars.sums.get(i)
        if found is None:
            return [k for k in self.scalars.operands[i] if k in self.slots]
        return [*found.lefts, *(k for k in found.rights if k >= 0)]

    def value(self, i: int) -> list[str]:
        """The lines that compute a node."""
        found = self.scalars.sums.get(i)
        name = self.name[i]
        if found is None:
            return [f"{name} = {self._template(i)[0].format(*self._given(i))}"]
        terms = [_term(c, self._names(x, y)) for c, x, y in zip(found.coefficients, found.lefts, found.rights)]
        if found.constant or not terms:
            terms.append(_term(found.constant, []))
        return _summed(name, terms)

    def pulled_back(self, i: int, adjoint: str) -> Iterable[tuple[int, str]]:
        """The operands of a node, each with what the node's derivative adds to theirs."""
        found = self.scalars.sums.get(i)
        if found is not None:
            yield from self._pulled_through_sum(found, adjoint)
            return
        given = self._given(i)
        for k, derivative in zip(self.scalars.operands[i], self._template(i)[1]):
            if k not in self.slots or derivative == 0.0:
                continue
            if isinstance(derivative, str):
                yield k, f"+ {derivative.format(*given, self.name[i])} * {adjoint}"
            else:
                yield k, _term(float(derivative), [adjoint])

    def _pulled_through_sum(self, found: Sum, adjoint: str) -> Iterable[tuple[int, str]]:
        for c, x, y in zip(found.coefficients, found.lefts, found.rights):
            if y < 0:
                yield x, _term(c, [adjoint])
            elif x == y:
                yield x, _term(2 * c, [self.name[x], adjoint])
            else:
                yield x, _term(c, [self.name[y], adjoint])
                yield y, _term(c, [self.name[x], adjoint])

    def _names(self, x: int, y: int) -> list[str]:
        return [self.name[x]] if y < 0 else [self.name[x], self.name[y]]

    def _given(self, i: int) -> list[str]:
        constants = self.scalars.constants
        return [self.name[k] if k in self.slots else number(constants[k]) for k in self.scalars.operands[i]]

    def _template(self, i: int) -> tuple[str, list[str | float]]:
        """How a primitive is written, and its derivatives, with {0}, {1}, ... for operands and output."""
        primitive = self.scalars.trace.primitives[i]
        assert primitive is not None
        constants = self.scalars.constants
        numbers = tuple([constants.get(k) for k in self.scalars.operands[i]])
        key = (primitive, numbers)
        if key not in self._templates:
            self._templates[key] = self._rules(primitive, numbers)
        return self._templates[key]

    def _rules(self, primitive: Primitive, numbers: tuple[float | None, ...]) -> tuple[str, list[str | float]]:
        inputs = [self.symbol(f"{{{k}}}", 1) if x is None else x for k, x in enumerate(numbers)]
        first = next(x for x in inputs if not isinstance(x, float))
        forward = first.apply(primitive, tuple(inputs))
        derivatives = primitive.derivatives(*inputs, self.symbol(f"{{{len(inputs)}}}", 1))
        return forward.text, [x if isinstance(x, (int, float)) else f"({x.text})" for x in derivatives]

    # Functions

    def forward(self) -> list[str]:
        """The source of the functions `forward_0`, `forward_1`, ... of the list m."""
        texts = []
        for n, piece in enumerate(self.pieces):
            own = set(piece)
            outside = dict.fromkeys(k for i in piece for k in self.operands(i) if k not in own)
            lines = [f"{self.name[k]} = m[{self.slots[k]}]" for k in outside]
            for i in piece:
                lines += self.value(i)
            lines.append(self._stored(piece))
            texts.append(_function(f"forward_{n}(m)", lines))
        return texts

    def _stored(self, piece: list[int]) -> str:
        start = self.slots[piece[0]]
        return f"m[{start}:{start + len(piece)}] = {', '.join(self.name[i] for i in piece)},"

    def backward(self, name: str, wanted: Iterable[int], outputs: Iterable[int]) -> list[str]:
        """The source of functions that pull derivatives back from the outputs to the leaves that are wanted."""
        needed = set(wanted)
        for i in self.scalars.order:
            if any(k in needed for k in self.operands(i)):
                needed.add(i)
        reached = {i for i in outputs if i in needed}  # those whose derivative is not zero
        texts = []
        for n in range(len(self.pieces) - 1, -1, -1):
            piece = self.pieces[n]
            texts.append(_function(f"{name}_{n}(m, g)", self._backward_lines(piece, needed, reached)))
        texts.reverse()
        return texts

    def _backward_lines(self, piece: list[int], needed: set[int], reached: set[int]) -> list[str]:
        own = set(piece)
        parts: dict[int, list[str]] = {}
        lines: list[str] = []
        entered = {i for i in piece if i in reached}  # what later pieces, or the caller, have put into g
        for i in reversed(piece):
            if i not in needed or (i not in entered and i not in parts):
                continue
            adjoint = f"g_{self.name[i]}"
            terms = parts.pop(i, [])
            if i in entered:
                terms.insert(0, f"+ g[{self.slots[i]}]")
            lines += _summed(adjoint, terms)
            for k, text in self.pulled_back(i, adjoint):
                if k in needed:
                    parts.setdefault(k, []).append(text)
        for k, terms in parts.items():
            reached.add(k)
            lines += _summed(f"g[{self.slots[k]}]", [f"+ g[{self.slots[k]}]", *terms])
        used = _identifiers(lines)
        before = [f"{self.name[k]} = m[{self.slots[k]}]" for k in self._outside(piece, own) if self.name[k] in used]
        if any(self.name[i] in used for i in piece):
            start = self.slots[piece[0]]
            before.append(f"{', '.join(self.name[i] for i in piece)}, = m[{start}:{start + len(piece)}]")
        return [*before, *lines] or ["pass"]

    def _outside(self, piece: list[int], own: set[int]) -> Iterable[int]:
        return dict.fromkeys(k for i in piece for k in self.operands(i) if k not in own)


def _identifiers(lines: Iterable[str]) -> set[str]:
    import re

    return set(re.findall(r"[A-Za-z_]\w*", "\n".join(lines)))


def _term(c: float, names: list[str]) -> str:
    """A term of a sum, beginning with its sign."""
    sign = "-" if c < 0 else "+"
    factors = names if abs(c) == 1.0 and names else [number(abs(c)), *names]
    return f"{sign} {' * '.join(factors)}"


def _summed(name: str, terms: list[str]) -> list[str]:
    """The lines that give a name to a sum; a very long one in several steps, which Python's compiler can take."""
    lines = []
    for at in range(0, len(terms), _TERMS_A_LINE):
        text = " ".join(terms[at : at + _TERMS_A_LINE])
        if at:
            text = f"{name} {text}"
        elif text.startswith("+ "):
            text = text[2:]
        elif text.startswith("- "):
            text = f"-{text[2:]}"
        lines.append(f"{name} = {text}")
    return lines


def _function(head: str, lines: list[str]) -> str:
    return "\n    ".join([f"def {head}:", *lines])
