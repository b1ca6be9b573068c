"""Freeing deep graphs where the stack is small, as in a browser.

When a node is freed, so is what it alone held: its parents, their parents, and so on. CPython frees so many inside one
another before it puts the rest off, as 1 MB of stack, which is all that Emscripten gives, does not hold. Here a node
that is freed gives up its parents, and the first one on the way frees those of all, one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd.value import Value


class _Release:
    """The parents of nodes that are being freed.

    Attributes:
        waiting: tuples of parents that nobody else holds.
        is_freeing: whether somebody frees them already, further out on the stack.
    """

    def __init__(self) -> None:
        self.waiting: list[Any] = []
        self.is_freeing = False

    def give_up_parents(self, node: Value) -> None:
        if not getattr(node, "parents", ()):  # some have none: a copy that was never finished
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
    """Have nodes freed one after the other instead of inside one another. Each then takes about twice as long."""
    release = _Release()
    kind.__del__ = lambda node: release.give_up_parents(node)  # type: ignore[attr-defined]
