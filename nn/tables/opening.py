"""Open a local table file as text, plain or gzipped, in a given encoding or one detected from its first bytes."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

MOST_UNPACKED = 4 * 2**30  # bytes unpacked from a .gz file, so that a small one cannot fill the memory
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GZIP = b"\x1f\x8b"
OTHER_FORMATS = (
    (b"PK\x03\x04", "a ZIP file, as Excel's workbooks are: save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV"),
    (b"PAR1", "a Parquet file: write it as CSV"),
    (b"ARROW1", "an Arrow file: write it as CSV"),
    (b"\x89HDF", "an HDF5 file: write the table as CSV"),
    (b"BZh", "compressed with bzip2: unpack it, or compress it with gzip"),
    (b"\xfd7zXZ", "compressed with xz: unpack it, or compress it with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it, or compress it with gzip"),
)


@contextmanager
def open_text(path: str | Path, encoding: str | None = None) -> Iterator[IO[str]]:
    """Open a file as text, without translating line ends.

    A file whose name ends in `.gz` is unpacked, up to `MOST_UNPACKED` bytes. Other compressions are not supported, and
    URLs are not fetched.

    Args:
        encoding: by default, UTF-8 or the encoding of a byte order mark.

    Raises:
        ValueError: for a URL, an unknown encoding, and, on opening or reading, a file that is not text; a wrong
            encoding raises `UnicodeDecodeError`, which is a ValueError.
        OSError: if the file cannot be read.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", str(path)):
        raise ValueError(f"{path} is a URL, and nothing is fetched from the network: download the file first")
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ValueError(
                f"{encoding!r} is not a known encoding; use one such as utf-8, cp1252, latin-1, utf-16 or cp932"
            ) from None
    with Path(path).open("rb") as file:
        start = file.peek(8)[:8]
        packed = start.startswith(GZIP)
        if str(path).endswith(".gz") != packed:
            raise ValueError(
                f"{path} is compressed with gzip, but its name does not end in .gz: rename it, or unpack it"
                if packed
                else f"{path} is not compressed with gzip, although its name ends in .gz: rename it"
            )
        binary: io.BufferedReader = io.BufferedReader(_Unpacked(path, file)) if packed else file
        start = binary.peek(8)[:8]
        for magic, description in OTHER_FORMATS:
            if start.startswith(magic):
                raise ValueError(f"{path} is {description}")
        if encoding is None:
            encoding = next((name for mark, name in BYTE_ORDER_MARKS if start.startswith(mark)), "utf-8")
        elif codecs.lookup(encoding).name == "utf-8":
            encoding = "utf-8-sig"
        with io.TextIOWrapper(binary, encoding=encoding, newline="") as text:
            yield text


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a gzip file, up to a limit; a damaged file raises a ValueError that names it."""

    def __init__(self, path: str | Path, packed: IO[bytes]) -> None:
        self._path, self._file, self._left = path, gzip.GzipFile(fileobj=packed), MOST_UNPACKED

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            data = self._file.read(len(view))
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{self._path} is damaged: {error}") from None
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(
                f"{self._path} unpacks to more than {MOST_UNPACKED / 2**30:g} GiB, the limit for a .gz file: "
                "unpack it yourself if you trust it"
            )
        view[: len(data)] = data
        return len(data)


def digest(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes. Raises OSError."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same_file(one: str | Path, other: str | Path) -> bool:
    """Tell whether two paths lead to the same existing file."""
    try:
        return Path(one).samefile(other)
    except OSError:
        return False
