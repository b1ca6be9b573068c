"""The text that a program prints, sent on in pieces, and cut off where it is too much to read."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

MOST = 50_000  # letters of one run that are shown
PIECE = 2_000  # letters that are sent at once
PAUSE = 0.1  # seconds between pieces that are not full


class Budget:
    """The number of letters that may still be shown, of all streams together; and how many were not."""

    def __init__(self, most: int = MOST) -> None:
        self.left, self.dropped = most, 0


class Output(io.TextIOBase):
    """A stream whose text goes to a function.

    Args:
        send: takes a piece of text.
        budget: shared by the streams of one run.
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
