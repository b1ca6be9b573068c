"""A derivation by the chain rule, in words, symbols and numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd.drawing.equations import (
    AND_SO_ON,
    COMMA,
    DOT,
    EQUAL,
    LESS,
    NEARLY,
    NOTHING,
    SPACE,
    SUBSCRIPTS,
    Block,
    Math,
    Row,
    abridged,
    bracketed,
    count,
    in_one_row,
    lines_of,
    prose,
    rows_of,
    sum_of,
)
from autograd.drawing.names import Name, latex_escape, numeral
from autograd.drawing.snapshot import Node, names_of
from autograd.drawing.text import MINUS, abbreviate, visible
from autograd.drawing.way import Edge, Way, derivative, find_way

MOST_LINES = 13  # per kind of line
MOST_TERMS = 7  # in a sum over the uses of a node
MOST_OPERANDS = 5  # in a formula
ONE_SYMBOL = re.compile(r"\w+(\[[\d, ]+\])?(#\d+)?")


class Term(NamedTuple):
    """A product in symbols and numbers; without numbers, the mark for omitted terms.

    Attributes:
        taken: True if every choice along the path selected its operand; if not, the product is 0, even if a factor is
            infinite.
    """

    symbols: list[Math]
    numbers: list[float]
    taken: bool = True

    @property
    def product(self) -> float:
        return math.prod(self.numbers) if self.taken else 0.0


class Derivation:
    """Writes the result of a sweep as equations, and records which nodes they mention."""

    nodes: Sequence[Node]
    way: Way
    precision: int

    def __init__(self, nodes: Sequence[Node], way: Way, precision: int) -> None:
        self.nodes, self.way, self.precision = nodes, way, precision
        self.names: list[Name] = names_of(nodes)
        self.mentioned: dict[int, None] = {}  # an ordered set
        self.has_several_uses: bool = False

    def number(self, x: float) -> Math:
        return Math(*numeral(x, self.precision))

    def is_exact(self, x: float) -> bool:
        """Tell whether the printed number is exact."""
        return not math.isfinite(x) or float(self.number(x).text.replace(MINUS, "-")) == x

    def product(self, numbers: Sequence[float]) -> list[Math]:
        if len(numbers) == 1:
            return [self.number(numbers[0])]
        return [self.factor(x) for x in numbers]

    def factor(self, x: float) -> Math:
        number = self.number(x)
        return bracketed(number) if number.text.startswith(MINUS) else number

    def symbol(self, i: int) -> Math:
        """Return the name of a node, in brackets if it could be read as several symbols."""
        node, name = self.nodes[i], Math(*self.names[i])
        if node.role == "constant" and not node.label:
            return self.factor(node.data)
        self.mentioned[i] = None
        return name if ONE_SYMBOL.fullmatch(name.text) else bracketed(name)

    def total(self) -> Math:
        """Write dg/da, the derivative over all paths; ∂g/∂a is the one along a single edge."""
        over, under = self.symbol(self.way.root), self.symbol(self.way.leaf)
        return Math(f"d{over.text}/d{under.text}", rf"\frac{{d {over.latex}}}{{d {under.latex}}}")

    def partial(self, edge: Edge) -> Math:
        """Write ∂child/∂operand; if the child uses it several times, with the number of this use: ∂c/∂a|₂."""
        operands = self.nodes[edge.child].parents
        over, under = self.symbol(edge.child), self.symbol(operands[edge.operand])
        fraction = Math(f"∂{over.text}/∂{under.text}", rf"\frac{{\partial {over.latex}}}{{\partial {under.latex}}}")
        if operands.count(operands[edge.operand]) == 1:
            return fraction
        self.has_several_uses = True
        use = operands[: edge.operand + 1].count(operands[edge.operand])
        return Math(f"{fraction.text}|{str(use).translate(SUBSCRIPTS)}", rf"\left.{fraction.latex}\right|_{{{use}}}")

    def delta(self, i: int) -> Math:
        symbol = self.symbol(i)
        return Math(f"δ_{symbol.text}", rf"\delta_{{{symbol.latex}}}")

    def equation(self, left: Math, terms: Sequence[Term], value: float) -> list[Row]:
        """Write left = the terms in symbols = in numbers = as a sum = the value, without repeating a side."""
        sides = [(True, sum_of(term.symbols for term in terms))]
        products = [[term.product] if term.numbers else [] for term in terms]
        for numbers in [term.numbers for term in terms], products:
            side = sum_of(self.product(factors) if factors else term.symbols for term, factors in zip(terms, numbers))
            sides.append((all(self.is_exact(x) for factors in numbers for x in factors), side))
        sides.append((self.is_exact(value), [[self.number(value)]]))
        rows: list[Row] = []
        was_exact, written = True, [[left]]
        for exact, side in sides:
            if side and side != written:
                rows += rows_of(NOTHING if rows else left, EQUAL if exact and was_exact else NEARLY, lines_of(side))
            was_exact, written = exact, side
        return rows

    def written_out(self, paths: Sequence[Sequence[Edge]]) -> list[Block]:
        """Write the derivative as a sum over paths; in words if there is no path, or only the empty one."""
        way, words = self.way, []
        root, leaf = self.symbol(way.root), self.symbol(way.leaf)
        if not paths:
            words.append(
                root
                + prose(" does not depend on ")
                + leaf
                + prose(": no path leads from ")
                + leaf
                + prose(" to ")
                + root
                + prose(".")
            )
            if find_way(self.nodes, way.leaf, way.root).delta:
                words.append(prose("Instead, ") + leaf + prose(" depends on ") + root + prose("."))
        elif way.root == way.leaf:
            words.append(prose("The derivative of a number with respect to itself:"))
        elif len(paths) > 1:
            words.append(count(len(paths)) + prose(" paths lead from ") + leaf + prose(" to ") + root + prose(":"))
        terms = [
            Term(
                [self.partial(edge) for edge in path],
                [derivative(self.nodes, edge) for edge in path],
                all(self.nodes[edge.child].takes(edge.operand) for edge in path),
            )
            for path in paths
            if path
        ]
        return [Block(words, self.equation(self.total(), terms, way.value))]

    def factored(self) -> list[Block]:
        """Write the derivative as a sum over the uses of the leaf, using the δ of each node in between."""
        way = self.way
        root, leaf = self.symbol(way.root), self.symbol(way.leaf)
        lead, length = (" path leads", "of") if way.paths == 1 else (" paths lead", "of up to")
        words = [
            count(way.paths) + prose(f"{lead} from ") + leaf + prose(" to ") + root
            + prose(f", {length} {way.longest:,} steps, and {'is' if way.paths == 1 else 'are'} not written out."),
            prose("Factored through the nodes in between, with ") + Math("δ_n", r"\delta_n") + prose(" for ")
            + Math(f"d{root.text}/dn", rf"d {root.latex} / d n") + prose(", it is computed step by step:"),
        ]  # fmt: skip
        rows = abridged(
            list(way.delta)[:-1],
            lambda i: in_one_row(self.equation(self.delta(i), self.terms(i), way.delta[i])),
            lambda n: [(NOTHING, AND_SO_ON, prose(f"and {n:,} more lines of this kind"))],
            MOST_LINES,
        )
        result = self.equation(self.total(), self.terms(way.leaf), way.value)
        return [Block(words, [row for rows_of_node in rows for row in rows_of_node]), Block([prose("and so")], result)]

    def terms(self, i: int) -> list[Term]:
        """Return the terms of a node's δ: for each use, ∂child/∂node times the child's δ."""
        return abridged(
            self.way.uses.get(i, []),
            lambda use: Term(
                [self.partial(use), self.delta(use.child)],
                [derivative(self.nodes, use), self.way.delta[use.child]],
                self.way.carries(self.nodes, use),
            ),
            lambda n: Term([Math(f"… {n:,} more …", rf"\underbrace{{\cdots}}_{{{n:,}\text{{ more}}}}")], []),
            MOST_TERMS,
        )

    def warnings(self) -> list[Block]:
        """Return the warnings to show before the equations: stale numbers, constants, infinite derivatives."""
        words = []
        stale = sum(node.stale for node in self.nodes)
        if stale:
            words += [
                prose(f"This graph is stale: {stale:,} of its numbers or derivatives no longer match their operands,"),
                prose("which changed later. The numbers below were recorded before that."),
                prose("Remedy: compute ") + self.symbol(self.way.root) + prose(" again, and explain the new one."),
            ]
        if self.nodes[self.way.leaf].role == "constant":
            leaf = self.symbol(self.way.leaf)
            convention = "the derivative with respect to a constant exponent counts as 0."
            words.append(leaf + prose(f" is a constant; {convention}"))
        uses = (use for i in self.way.delta for use in self.way.uses.get(i, ()))
        infinite = next((use for use in uses if not math.isfinite(derivative(self.nodes, use))), None)
        if infinite:
            number = self.number(derivative(self.nodes, infinite))
            words.append(prose("A derivative is not finite: ") + self.partial(infinite) + prose(" = ") + number)
            if not self.way.carries(self.nodes, infinite):
                words.append(prose("A choice did not select that operand, so its term is 0."))
        return [Block(words, [])] if words else []

    def legend(self) -> list[Block]:
        """Return the formulas of the mentioned operations, and the numbers of the leaves in those formulas."""
        operations = [i for i in sorted(self.mentioned) if self.nodes[i].parents]
        rows = abridged(
            operations, self.with_formula, lambda n: [(NOTHING, AND_SO_ON, prose(f"and {n:,} more"))], MOST_LINES
        )
        described = set(operations)
        others = [i for i in self.mentioned if i not in described]
        numbers = abridged(others, self.with_number, lambda n: [prose(f"… {n:,} more …")], MOST_LINES)
        blocks = []
        if self.has_several_uses:
            marks = Math("|₁, |₂, …", r"|_1,\;|_2,\;\ldots")
            blocks.append(Block([marks + prose(" number the uses of one node by another.")], []))
        if rows:
            blocks.append(Block([prose("where")], [row for rows_of_node in rows for row in rows_of_node]))
        if numbers:
            with_commas = [[*pieces[:-1], pieces[-1] + COMMA] for pieces in numbers[:-1]]
            first, *more = lines_of([*with_commas, numbers[-1]])
            blocks.append(Block([prose("with ") + first, *more], []))
        return blocks

    def with_formula(self, i: int) -> list[Row]:
        """Write v1 = a · b = −6.0; without the number if the node is stale."""
        formula, x = _formula(self.nodes[i], self.symbol), self.nodes[i].data
        result = [] if self.nodes[i].stale else [[self.sign(x) + SPACE + self.number(x)]]
        return rows_of(self.symbol(i), EQUAL, lines_of([*formula, *result]))

    def with_number(self, i: int) -> list[Math]:
        x = self.nodes[i].data
        return [self.symbol(i), self.sign(x), self.number(x)]

    def sign(self, x: float) -> Math:
        return EQUAL if self.is_exact(x) else NEARLY


def _formula(node: Node, symbol: Callable[[int], Math]) -> list[list[Math]]:
    """Write how a node was computed, such as a · b, as a sum that may be broken into lines."""
    name, n = node.value.primitive.name, len(node.parents) // 2
    products: list[tuple[int, ...]] = [(i,) for i in node.parents]
    if name == "dot":
        products = [*zip(node.parents[:n], node.parents[n:]), node.parents[-1:]]
    terms = abridged(
        products,
        lambda factors: [symbol(i) for i in factors],
        lambda k: [Math(f"… {k:,} more …", r"\cdots")],
        MOST_OPERANDS,
    )
    if name in ("dot", "add", "sum", "identity"):
        return sum_of(terms)
    operands = [operand for (operand,) in terms]
    first, last = operands[0], operands[-1]
    if name == "sub":
        return [[first], [LESS + last]]
    if name == "mul":
        return [[first, DOT + last]]
    if name == "div":
        return [[Math(f"{first.text} / {last.text}", rf"\frac{{{first.latex}}}{{{last.latex}}}")]]
    if name == "neg":
        return [[Math(MINUS, "-") + first]]
    if name in ("power", "constant_power"):
        base = bracketed(first).latex if "^" in first.latex else first.latex
        return [[Math(f"{first.text}^{last.text}", rf"{base}^{{{last.latex}}}")]]
    function = abbreviate(visible("σ" if name == "sigmoid" else node.op), 32)
    arguments = Math(", ", ", ").join(operands)
    return [[Math(function, rf"\mathrm{{{latex_escape(function)}}}") + bracketed(arguments)]]
