"""Free deep graphs without recursion, for small stacks such as a browser's.

Freeing a node also frees everything that only it held: its parents, their parents, and so on. CPython nests these calls
too deeply, before it defers the rest, for the 1 MB of stack that Emscripten provides. Here a node that is freed gives
up its parents, and the outermost call frees the parents of all such nodes one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd.value import Value


class _Release:
    """The parents of nodes that are being freed.

    Attributes:
        waiting: tuples of parents that nothing else holds.
        is_freeing: True while a call further out on the stack frees them.
    """

    def __init__(self) -> None:
        self.waiting: list[Any] = []
        self.is_freeing = False

    def give_up_parents(self, node: Value) -> None:
        if not getattr(node, "parents", ()):  # an unfinished copy lacks the attribute
            return
        self.waiting.append(node.parents)
        node.parents = ()
        if self.is_freeing:
            return
        self.is_freeing = True
        try:
            while self.waiting:
                self.waiting.pop()
        finally:
            self.is_freeing = False


def release_in_turn(kind: type[Value]) -> None:
    """Free nodes one after the other instead of recursively. Each then takes about twice as long."""
    release = _Release()
    kind.__del__ = lambda node: release.give_up_parents(node)  # type: ignore[attr-defined]
