"""`explain`: spell out the chain rule from one node of a graph to another, in symbols and numbers."""

from __future__ import annotations

import math
from typing import NamedTuple

from autograd.drawing.derivation import Derivation
from autograd.drawing.equations import as_latex, as_text
from autograd.drawing.snapshot import snapshot
from autograd.drawing.way import all_paths, derivative, find_way
from autograd.value import Value

MOST_FACTORS = 12  # in a product; longer paths are factored


class Explanation(NamedTuple):
    """A derivative, and its computation by the chain rule. `str()` is for a terminal; Jupyter shows the LaTeX.

    Attributes:
        value: the derivative, to the bit what a fresh backward sweep gives.
        paths: the number of paths from the leaf to the root; a node that uses another twice gives two edges.
        terms: the terms of the derivative: the product along each path or, if factored, ∂c/∂leaf · δ_c for each use of
            the leaf by a node c.
        factored: True if the paths were factored through shared nodes instead of written out.
        text: the explanation in plain Unicode.
        latex: the explanation in LaTeX that MathJax and KaTeX both support, without dollar signs around it.
    """

    value: float
    paths: int
    terms: tuple[float, ...]
    factored: bool
    text: str
    latex: str

    def __repr__(self) -> str:
        return self.text

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"


def explain(root: Value, leaf: Value, precision: int = 6, max_paths: int = 8) -> Explanation:
    """Spell out the chain rule for ∂root/∂leaf, in symbols, in numbers, and summed up. The graph is not changed.

    The explanation lists the product of partial derivatives along every path from the leaf to the root. If there are
    more than `max_paths`, or long ones, they are factored through the nodes they share, with the δ of the textbooks on
    backpropagation: δ_n = ∂root/∂n, computed from the δ of the nodes that use n.

    Args:
        root: the Value to differentiate.
        leaf: any Value. If the root does not depend on it, the explanation says so, and the derivative is 0.
        precision: significant digits; "≈" marks rounded numbers.
        max_paths: the most paths to write out; 0 always factors.

    Raises:
        TypeError: if `root` or `leaf` is not a Value.
        ValueError: if `precision` is not an integer of at least 1, or `max_paths` not one of at least 0.

    >>> a, b = Value(2.0, "a"), Value(-3.0, "b")
    >>> c = a * b
    >>> c.label = "c"
    >>> g = c * a
    >>> g.label = "g"
    >>> explain(g, a)
    2 paths lead from a to g:
    dg/da = ∂g/∂c · ∂c/∂a + ∂g/∂a
          = 2.0 · (−3.0) − 6.0
          = −6.0 − 6.0
          = −12.0
    <BLANKLINE>
    where
    c = a · b = −6.0
    g = c · a = −12.0
    <BLANKLINE>
    with a = 2.0, b = −3.0
    """
    for argument, given in (("root", root), ("leaf", leaf)):
        if not isinstance(given, Value):
            raise TypeError(
                f"explain expects two Values of a graph, as in explain(loss, w); the {argument} given is {given!r} of "
                f"type {type(given).__name__}"
            )
    for option, count, least in (("precision", precision, 1), ("max_paths", max_paths, 0)):
        if not isinstance(count, int) or count < least:
            raise ValueError(f"{option} must be an integer of at least {least}, got {count!r}")
    nodes = snapshot([root, leaf])
    index = {id(node.value): i for i, node in enumerate(nodes)}
    way = find_way(nodes, index[id(root)], index[id(leaf)])
    writer = Derivation(nodes, way, precision)
    factored = way.longest > MOST_FACTORS or (way.longest > 0 and way.paths > max_paths)
    paths = [] if factored else all_paths(nodes, way)
    terms = [math.prod(derivative(nodes, edge) for edge in path) for path in paths]
    # If numbers are not finite, a sum over paths may be nan although a sweep is not: inf · (2 − 1), but inf − inf.
    if not math.isfinite(sum(terms)) and repr(sum(terms)) != repr(way.value):
        factored = True
    if factored:
        terms = [derivative(nodes, use) * way.delta[use.child] for use in way.uses[way.leaf]]
    body = writer.factored() if factored else writer.written_out(paths)
    blocks = [*writer.warnings(), *body, *writer.legend()]
    return Explanation(way.value, way.paths, tuple(terms), factored, as_text(blocks), as_latex(blocks))
