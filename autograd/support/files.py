"""Atomic file writes: to a temporary file, which is then renamed."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["write_atomically"]

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_PREFIX = ".lucidgrad-"  # starts the names of temporary files
_LONGEST_SUFFIX = 64  # bytes; most file systems limit a name to 255
_DAY = 86_400.0  # seconds
_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Have `write` fill a temporary file in the same folder, flush it to the disk, then rename it to `path`.

    If anything fails, including by Ctrl-C, an existing file stays unchanged. Symbolic links are followed: the file they
    point to is replaced. An existing file keeps its mode, and its owner if the system permits it. A path that is not a
    regular file (a device, a FIFO, a descriptor such as /dev/stdout) is written to directly, without a temporary file.
    Temporary files that a killed process left in the folder are removed.

    Args:
        path: the file to write.
        write: called with the path to fill, which has the suffix of `path`.

    Raises:
        OSError: if the folder does not exist, the disk is full, or the file cannot be written; it names `path`.
    """
    names_folder = os.fspath(path).endswith(_SEPARATORS)  # Path drops a trailing separator
    path = Path(path)
    try:
        if names_folder:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        destination = _follow_links(path)
        existing = None if destination is None else _status(destination)
        if destination is None or (existing and not stat.S_ISREG(existing.st_mode)):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            write(path)
        else:
            _replace(destination, existing, write)
    except OSError as error:
        ours = error.filename is None or Path(os.fsdecode(error.filename)).name.startswith(_PREFIX)
        if error.errno is None or not ours:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def _follow_links(path: Path) -> Path | None:
    """Return the file that symbolic links point to; None for an open descriptor, which /proc shows as a link."""
    for _ in range(40):  # Linux's limit
        folder = path.parent.resolve()
        if folder.is_relative_to("/proc") or folder.is_relative_to("/dev/fd"):
            return None
        if not path.is_symlink():
            return path
        path = folder / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _replace(path: Path, existing: os.stat_result | None, write: Callable[[Path], object]) -> None:
    _remove_stale(path.parent)
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= _LONGEST_SUFFIX else ""
    temporary = path.parent / f"{_PREFIX}{os.urandom(8).hex()}{suffix}"
    try:
        with _create_locked(temporary) as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode if existing is None else existing.st_mode)
            temporary.chmod(0o600)
            write(temporary)
            _flush(temporary)
            if existing is not None:
                _keep_owner(temporary, existing)
            temporary.chmod(mode)
            if fcntl is None:
                file.close()  # Windows does not rename open files
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _keep_owner(temporary: Path, existing: os.stat_result) -> None:
    """Give the temporary file the owner and group of the file it replaces, if the system permits it."""
    now = temporary.stat()
    for user, group in ((existing.st_uid, -1), (-1, existing.st_gid)):
        if hasattr(os, "chown") and (user, group) not in ((now.st_uid, -1), (-1, now.st_gid)):
            with suppress(PermissionError):
                os.chown(temporary, user, group)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)  # Windows needs a writable descriptor to flush
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Flush the rename, if the system can open a folder and the file system can flush it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create_locked(path: Path) -> BinaryIO:
    """Create a file (O_CREAT | O_EXCL) and lock it, so that no process considers it stale while this one lives."""
    while True:
        file = path.open("xb")
        if fcntl is None:
            return file
        with suppress(OSError):  # the file system may not support locks
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # removed by another process before it was locked


def _remove_stale(folder: Path) -> None:
    """Remove temporary files whose process was killed. Files that cannot be read or removed are left alone."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    _remove_if_stale(Path(entry.path))


def _remove_if_stale(path: Path) -> None:
    if fcntl is None:
        if time.time() - path.stat().st_mtime > _DAY:
            path.unlink()
        return
    with path.open("rb") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError while its process lives
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):  # not recreated in the meantime
            path.unlink()
