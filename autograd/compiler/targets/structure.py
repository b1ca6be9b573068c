"""Write structural operations, which only move elements, such as slices and reshapes, as expressions."""

from __future__ import annotations

from autograd.compiler.arrays.operations import Shape, listed
from autograd.compiler.targets.notation import Notation, Term, lengths
from autograd.compiler.targets.references import References
from autograd.compiler.targets.text import ATOM, Text, literal


class Structure:
    """Writes structural operations as expressions.

    Args:
        notation: the operations.
        references: names for the objects that the expressions refer to.
    """

    terms: list[Term]

    def __init__(self, notation: Notation, references: References) -> None:
        self.references = references
        self.terms = self._terms = notation.terms
        self._texts: dict[int, Text] = {}
        self._applied = {term.attribute.primitive for term in self._terms if term.kind == "apply"}

    def read(self, at: int) -> Text:
        """Return a reference to an operation: its name, or its inline expression."""
        name = self._terms[at].name
        return Text(name) if name else self.definition(at)

    def definition(self, at: int) -> Text:
        """Return the expression of an operation, after those of its inline operands, without recursion."""
        stack = [at]
        while stack:
            k = stack[-1]
            missing = [x for x in self._terms[k].operands if not self._terms[x].name and x not in self._texts]
            if missing:
                stack += reversed(missing)
                continue
            stack.pop()
            if k not in self._texts:
                self._texts[k] = self._defined(k)
        return self._texts[at]

    def _defined(self, at: int) -> Text:
        return self._written(self._terms[at])

    def _written(self, term: Term) -> Text:
        x, attribute = term.operands[0], term.attribute
        shape = self._terms[x].shape
        match term.kind:
            case "reshape":
                return self._reshape(x, term)
            case "transpose":
                return self._transposed(x, attribute)
            case "broadcast":
                return self._broadcast(x, term)
            case "repeat":
                return self._method(x, "repeat", str(attribute), f"axis={len(shape) - 1}")
            case "tile":
                times = listed([*[1] * (len(shape) - 1), attribute]) if len(shape) > 1 else str(attribute)
                return Text(f"tile({self.read(x).text}, {times})")
            case "element":
                axis, place = attribute
                return self._indexed(x, axis, str(place))
            case "slice":
                step = f":{attribute.step}" if attribute.step != 1 else ""
                return self._indexed(x, attribute.axis, f"{attribute.start}:{attribute.stop}{step}")
            case "concatenate" | "stack":
                parts = ", ".join([self.read(k).text for k in term.operands])
                axis = -1 if attribute == len(term.shape) - 1 else attribute
                return Text(f"{term.kind}([{parts}], axis={axis})")
            case "pad":
                step = f", {attribute.step}" if attribute.step != 1 else ""
                bounds = f"{attribute.start}, {attribute.stop}, {attribute.length}{step}"
                return Text(f"place({self.read(x).text}, {bounds})")
            case "accumulate":
                axis = -1 if attribute.axis == len(term.shape) - 1 else attribute.axis
                name, backward = ("accumulate", ", backward=True") if attribute.backward else ("cumsum", "")
                return Text(f"{name}({self.read(x).text}, axis={axis}{backward})")
            case "take":
                return self._taken(x, term)
            case "look up":
                return self.looked_up(x, term.operands[1], attribute.shared)
            case "scatter":
                return Text(f"scatter_add({self.scattered(term)})")
        assert term.kind == "place", term
        return Text(f"{self.references.scatter(attribute)}({self.read(x).text})")

    def constant(self, x: float) -> Text:
        """Return a number that becomes an array."""
        return literal(x)

    def _indexed(self, x: int, axis: int, index: str) -> Text:
        return Text(f"{self.read(x).within(ATOM)}[{':, ' * axis}{index}]")

    def _reshape(self, x: int, term: Term) -> Text:
        if self._terms[x].kind == "number":
            return self._repeated_number(self._terms[x].attribute, term)
        index = _index_of_new_axes(self._terms[x].shape, term.shape)
        if index:
            return Text(f"{self.read(x).within(ATOM)}{index}")
        return self._method(x, "reshape", *(lengths(term.shape) or ["()"]))

    def _broadcast(self, x: int, term: Term) -> Text:
        if self._terms[x].kind == "number":
            return self._repeated_number(self._terms[x].attribute, term)
        return Text(f"broadcast_to({self.read(x).text}, {listed(term.shape)})")

    def _repeated_number(self, number: float, term: Term) -> Text:
        text = self.constant(number).text
        return Text(f"array([{text}])" if term.shape == (1,) else f"broadcast_to({text}, {listed(term.shape)})")

    def _taken(self, x: int, term: Term) -> Text:
        name = self.references.positions(term.attribute)
        if (term.attribute.array < 0).any():
            return Text(f"gather({self.read(x).text}, {name})")
        axes = len(self._terms[x].shape)
        if self._terms[x].name and axes <= 2:
            return self._indexed(x, axes - 1, name)
        return Text(f"{self.read(x).within(ATOM)}[..., {name}]")

    def looked_up(self, table: int, index: int, shared: int) -> Text:
        """Return entries of a table at an index; with shared axes, in NumPy's notation if possible."""
        positions = self.read(index)
        if not shared:
            return Text(f"{self.read(table).within(ATOM)}[{positions.text}]")
        own, others = len(self._terms[index].shape) - shared, len(self._terms[table].shape) - shared - 1
        if own > 1:
            return Text(f"look_up({self.read(table).text}, {positions.text}, {shared})")
        new = others + (not own)
        chosen = f"{positions.within(ATOM)}[{', '.join(['...', *['None'] * new])}]" if new else positions.text
        axis = shared if others else -1
        along = Text(f"take_along_axis({self.read(table).text}, {chosen}, axis={axis})")
        return along if own else Text(f"{along.text}[{':, ' * shared}0]" if others else f"{along.text}[..., 0]")

    def scattered(self, term: Term) -> str:
        """Return the arguments of `scatter_add`."""
        x, index = (self.read(k).text for k in term.operands)
        shared, length = term.attribute
        return f"{x}, {index}, {length}" + (f", {shared}" if shared else "")

    def _method(self, x: int, name: str, *arguments: str) -> Text:
        return Text(f"{self.read(x).within(ATOM)}.{name}({', '.join(arguments)})")

    def _transposed(self, at: int, axes: tuple[int, ...] | None) -> Text:
        if axes is None:
            return self.read(at)
        text = self.read(at).within(ATOM)
        if axes == (1, 0):
            return Text(f"{text}.T")
        last = len(axes) - 1
        if axes == (*range(last - 1), last, last - 1):
            return Text(f"{text}.mT")
        return Text(f"{text}.transpose({', '.join(map(str, axes))})")


def _index_of_new_axes(before: Shape, after: Shape) -> str:
    """Return the index that inserts axes of length 1; "" if the shapes differ otherwise.

    >>> _index_of_new_axes((5, 4), (5, 1, 4)), _index_of_new_axes((5, 4), (5, 4, 1)), _index_of_new_axes((5, 4), (4, 5))
    ('[:, None]', '[..., None]', '')
    """
    places, own = [], list(before)
    for length in after:
        is_own = bool(own) and own[0] == length
        if not is_own and length != 1:
            return ""
        places.append(":" if is_own else "None")
        del own[: int(is_own)]
    new = len(after) - len(before)
    if own or not new:
        return ""
    if places[-new:] == ["None"] * new:
        return f"[..., {', '.join(places[-new:])}]"
    while places[-1] == ":":
        places.pop()
    return f"[{', '.join(places)}]"
