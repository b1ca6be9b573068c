"""Forward the text that a program prints in pieces, up to a limit."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

MOST = 50_000  # characters shown per run
PIECE = 2_000  # characters sent at once
PAUSE = 0.1  # seconds after which a smaller piece is sent


class Budget:
    """The number of characters that all streams together may still show, and the number dropped."""

    def __init__(self, most: int = MOST) -> None:
        self.left, self.dropped = most, 0


class Output(io.TextIOBase):
    """A stream that passes its text to a function.

    Args:
        send: receives each piece of text.
        budget: the limit shared by the streams of one run.
    """

    def __init__(self, send: Callable[[str], None], budget: Budget) -> None:
        self._send, self._budget = send, budget
        self._pending: list[str] = []
        self._length, self._last = 0, time.monotonic()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write expects a string, got {text!r} of type {type(text).__name__}")
        budget = self._budget
        if budget.left <= 0:
            budget.dropped += len(text)
            return len(text)
        shown = text[: budget.left]
        budget.left -= len(shown)
        budget.dropped += len(text) - len(shown)
        self._pending.append(shown)
        self._length += len(shown)
        if self._length >= PIECE or time.monotonic() - self._last > PAUSE:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self._pending:
            self._send("".join(self._pending))
            self._pending.clear()
            self._length, self._last = 0, time.monotonic()
