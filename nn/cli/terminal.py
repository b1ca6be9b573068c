"""Output to the terminal: text that it can show, without control characters from files, and progress."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from tqdm import tqdm

ASCII = {
    "−": "-", "–": "-", "—": "-", "×": "x", "·": "*", "∂": "d", "δ": "delta", "σ": "sigma", "Σ": "sum", "π": "pi",
    "²": "^2", "³": "^3", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "±": "+-", "√": "sqrt",
    "∞": "inf", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"', "½": "1/2", "∇": "grad", "′": "'",
}  # fmt: skip
BROKEN_PIPE = 141  # 128 + SIGPIPE, as of a program that the signal ends


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Stand in for signs that a terminal cannot show: a minus stays a minus; a letter becomes a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(ASCII.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error("lucidgrad", _replace)


def prepare() -> None:
    """Let the standard streams replace what they cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="lucidgrad")


def shown(text: str) -> str:
    """A text with its control characters escaped, so that a name in a file cannot steer the terminal.

    >>> shown("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(sign if sign.isprintable() or sign == "\n" else ascii(sign)[1:-1] for sign in text)


def say(text: str = "") -> None:
    """Print a text. Where nobody reads on, as behind `| head`, the work goes on in silence."""
    try:
        print(shown(text), flush=True)
    except BrokenPipeError:
        silence()


def silence() -> None:
    """Send what is still printed nowhere: the reader of the pipe has left."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def flush() -> None:
    """Print what is still in the buffer, or nothing where nobody reads on."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        silence()


class Progress:
    """Bars and notes about what is being done, on a terminal alone.

    Args:
        quiet: show nothing on a terminal either.
    """

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.stream: TextIO | Any = stream or sys.stderr
        self.shown: bool | Any = not quiet and self.stream.isatty()

    @contextlib.contextmanager
    def phase(self, what: str) -> Iterator[None]:
        """Show what is being done, until it is."""
        if self.shown:
            self.stream.write(f"\r{what} ...\x1b[K")
            self.stream.flush()
        try:
            yield
        finally:
            if self.shown:
                self.stream.write("\r\x1b[K")
                self.stream.flush()

    def bar(self, what: str, unit: str, total: int | None = None) -> Any:
        """A bar that vanishes when it is closed."""
        return tqdm(
            total=total, desc=what, unit=unit, disable=not self.shown, leave=False, file=self.stream, mininterval=0.2
        )
