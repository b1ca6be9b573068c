"""Collect the results that a program shows: graphs, pictures, derivations and programs as tabs, others as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd
from autograd import Value
from playground.worker.graph import LiveGraph, size_of

MOST_SHOWN = 20
MOST_NODES = 20_000


class Shown:
    """The results shown, in order.

    Args:
        namespace: the program's variables, whose names serve as labels of Values without one.
        write: prints text to the output.
    """

    def __init__(self, namespace: Callable[[], dict[str, Any]], write: Callable[[str], object]) -> None:
        self._namespace, self._write = namespace, write
        self.items: list[dict[str, Any]] = []
        self.graphs: list[LiveGraph] = []

    def show(self, *things: Any) -> None:
        """Show each object: the graph of a Value or a list of Values, a network, a picture, or any other as text."""
        for thing in things:
            if len(self.items) == MOST_SHOWN:
                self._write(f"Only the first {MOST_SHOWN} results are shown.\n")
            if len(self.items) >= MOST_SHOWN:
                self.items.append({"kind": "nothing"})
                return
            self._show(thing)

    def _show(self, thing: Any) -> None:
        several = isinstance(thing, (list, tuple)) and thing and all(isinstance(x, Value) for x in thing)
        if isinstance(thing, Value) or several:
            self._show_graph(list(thing) if several else [thing])
        elif isinstance(thing, autograd.Explanation):
            self.items.append({"kind": "derivation", "latex": thing.latex, "text": thing.text})
        elif isinstance(thing, autograd.Program):
            self.items.append({"kind": "source", "source": thing.source})
        elif isinstance(getattr(thing, "svg", None), str):
            self.items.append({"kind": "picture", "svg": thing.svg})
        elif _is_network(thing):
            import nn

            self.items.append({"kind": "picture", "svg": nn.draw(thing).svg})
        else:
            self._write(f"{thing!r}\n")

    def _show_graph(self, roots: list[Value]) -> None:
        if size_of(roots, MOST_NODES) > MOST_NODES:
            self._write(f"A graph of more than {MOST_NODES:,} nodes is not drawn here. Show a part of it.\n")
            return
        names: dict[Value, str] = {}
        for name, value in self._namespace().items():
            if isinstance(value, Value) and not value.is_constant and not name.startswith("_"):
                names.setdefault(value, name)
        self.graphs.append(LiveGraph(roots, names))
        self.items.append({"kind": "graph", "graph": len(self.graphs) - 1})


def _is_network(thing: Any) -> bool:
    import sys

    nn = sys.modules.get("nn")
    return nn is not None and isinstance(thing, (nn.MLP, nn.Layer, nn.Neuron))
