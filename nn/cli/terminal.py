"""Terminal output: text that it can display, without control characters from files, and progress bars."""

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
BROKEN_PIPE = 141  # 128 + SIGPIPE: the status of a program that the signal ends


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that a terminal cannot encode: a minus stays a minus; a letter becomes a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(ASCII.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error("lucidgrad", _replace)


def prepare() -> None:
    """Make the standard streams replace characters that they cannot encode."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="lucidgrad")


def shown(text: str) -> str:
    """Escape control characters, so that a name in a file cannot control the terminal.

    >>> shown("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(sign if sign.isprintable() or sign == "\n" else ascii(sign)[1:-1] for sign in text)


def say(text: str = "") -> None:
    """Print a text, or silence the output if the reader of the pipe has gone, as with `| head`."""
    try:
        print(shown(text), flush=True)
    except BrokenPipeError:
        silence()


def silence() -> None:
    """Discard all further output: the reader of the pipe has gone."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def flush() -> None:
    """Flush the output, or silence it if the reader of the pipe has gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        silence()


class Progress:
    """Progress bars and messages, shown only on a terminal.

    Args:
        quiet: show nothing there either.
    """

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.stream: TextIO | Any = stream or sys.stderr
        self.shown: bool | Any = not quiet and self.stream.isatty()

    @contextlib.contextmanager
    def phase(self, message: str) -> Iterator[None]:
        """Show a message while the block runs."""
        if self.shown:
            self.stream.write(f"\r{message} ...\x1b[K")
            self.stream.flush()
        try:
            yield
        finally:
            if self.shown:
                self.stream.write("\r\x1b[K")
                self.stream.flush()

    def bar(self, message: str, unit: str, total: int | None = None) -> Any:
        """Return a progress bar that vanishes when it is closed."""
        return tqdm(
            total=total, desc=message, unit=unit, disable=not self.shown, leave=False, file=self.stream, mininterval=0.2
        )
