"""write_atomically: a file is either complete or as it was before."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import autograd
from autograd.support.files import write_atomically


def test_the_file_holds_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "größe σ.txt"
    write_atomically(path, lambda temporary: temporary.write_text("σ → 日本", encoding="utf-8"))
    assert path.read_bytes().decode("utf-8") == "σ → 日本"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_was_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"a long first content", b"short", b""):
        write_atomically(path, lambda temporary, content=content: temporary.write_bytes(content))  # type: ignore[misc]
        assert path.read_bytes() == content


def test_paths_may_be_texts(tmp_path: Path) -> None:
    write_atomically(str(tmp_path / "file"), lambda temporary: temporary.write_bytes(b"x"))
    assert (tmp_path / "file").read_bytes() == b"x"


def test_until_it_is_whole_nobody_sees_the_new_content(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"old")
    seen = []

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        seen.append(path.read_bytes())
        assert temporary.parent == path.parent, "a rename is at once only within one file system"
        assert temporary.suffix == ".csv", "who writes may tell the format by the name"
        temporary.write_bytes(b"new")

    write_atomically(path, write)
    assert seen == [b"old"]
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [OSError, ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("there_before", [True, False])
def test_an_interrupted_write_leaves_things_as_they_were(
    error: type[BaseException], there_before: bool, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    if there_before:
        path.write_bytes(b"old")

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise error

    with pytest.raises(error):
        write_atomically(path, write)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == ({"file": b"old"} if there_before else {})


def test_a_writer_may_take_its_file_away(tmp_path: Path) -> None:
    """In this case there is no file to rename: an error is raised, and the old file stays."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        write_atomically(path, lambda temporary: temporary.unlink())
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"file": b"old"}


def test_a_folder_that_does_not_exist_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "file", lambda temporary: temporary.write_bytes(b"x"))


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_atomically(tmp_path / "folder", lambda temporary: temporary.write_bytes(b"x"))
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


@pytest.mark.skipif(os.name != "posix", reason="other systems know no permission bits of this kind")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_file_has_the_permissions_of_any_new_file(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "file", lambda temporary: temporary.write_bytes(b"x"))
        (tmp_path / "plain").write_bytes(b"x")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "plain")]
    assert modes[0] == modes[1] == 0o666 & ~mask


@pytest.mark.parametrize("length", [200, 240, 250])
def test_a_name_may_be_as_long_as_the_system_allows(length: int, tmp_path: Path) -> None:
    """The temporary name must not exceed the limit, usually 255 bytes, if the name itself does not."""
    path = tmp_path / ("x" * length + ".csv")
    try:
        path.write_bytes(b"old")
    except OSError:
        pytest.skip("this system does not allow names of this length")
    write_atomically(path, lambda temporary: temporary.write_bytes(b"new"))
    assert path.read_bytes() == b"new"


# Existing files at the path


posix = pytest.mark.skipif(os.name != "posix", reason="device nodes, FIFOs and owners are POSIX's")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may do this")


@posix
@as_root
def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this container may not make device nodes")
    before = device.stat()
    link = tmp_path / "link"
    link.symlink_to(device)
    for path in (device, link):
        write_atomically(path, lambda temporary: temporary.write_bytes(b"x" * 100))
    after = device.stat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_mode, after.st_rdev) == (before.st_ino, before.st_mode, before.st_rdev)
    assert {*tmp_path.iterdir()} == {device, link}


@posix
def test_a_fifo_is_written_to_and_stays_a_fifo(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.csv"
    os.mkfifo(fifo)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()))
    reader.start()
    write_atomically(fifo, lambda temporary: temporary.write_text("a,b\n1,2\n"))
    reader.join()
    assert received == [b"a,b\n1,2\n"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert list(tmp_path.iterdir()) == [fifo]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system has no /proc/self/fd")
def test_a_descriptor_is_written_to_and_its_file_not_replaced(tmp_path: Path) -> None:
    """This is the case of `--output /dev/stdout > file`: the shell and later prints still write to the same file."""
    path = tmp_path / "file"
    with path.open("wb") as file:
        inode = path.stat().st_ino
        write_atomically(f"/proc/self/fd/{file.fileno()}", lambda temporary: temporary.write_bytes(b"x"))
    assert path.read_bytes() == b"x"
    assert path.stat().st_ino == inode


@posix
def test_links_are_followed(tmp_path: Path) -> None:
    """Links may be relative or absolute, lead through a linked folder, or to a file that does not exist yet."""
    (tmp_path / "data").mkdir()
    target = tmp_path / "data" / "target.txt"
    target.write_bytes(b"old")
    (tmp_path / "data" / "first").symlink_to("target.txt")
    (tmp_path / "second").symlink_to(Path("data") / "first")
    (tmp_path / "folder").symlink_to(tmp_path / "data")
    (tmp_path / "dangling").symlink_to(tmp_path / "folder" / "new.txt")
    for path in (tmp_path / "second", tmp_path / "folder" / "first", tmp_path / "data" / "first"):
        write_atomically(path, lambda temporary, path=path: temporary.write_text(str(path)))  # type: ignore[misc]
        assert path.is_symlink() or path.parent.is_symlink()
        assert target.read_text() == str(path)
    write_atomically(tmp_path / "dangling", lambda temporary: temporary.write_bytes(b"new"))
    assert (tmp_path / "dangling").is_symlink()
    assert (tmp_path / "data" / "new.txt").read_bytes() == b"new"
    assert {p.name for p in (tmp_path / "data").iterdir()} == {"target.txt", "first", "new.txt"}


@posix
def test_a_link_to_itself_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(OSError, match="link"):
        write_atomically(tmp_path / "link", lambda temporary: temporary.write_bytes(b"x"))


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755, 0o666])
def test_the_mode_of_an_existing_file_is_kept(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    seen: list[int] = []

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"new")
        seen.append(stat.S_IMODE(temporary.stat().st_mode))

    write_atomically(path, write)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert seen == [0o600], "nobody else reads it before it has the mode"


@posix
@as_root
def test_the_owner_of_an_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 12345, 54321)
    path.chmod(0o640)
    write_atomically(path, lambda temporary: temporary.write_bytes(b"new"))
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 54321, 0o640)


def test_a_path_that_ends_as_a_folders_does_is_not_a_files(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="models"):
        write_atomically(f"{tmp_path}/models/", lambda temporary: temporary.write_bytes(b"x"))
    assert not list(tmp_path.iterdir())


@posix
@as_root
def test_an_owner_that_cannot_be_kept_does_not_keep_the_file_from_being_written(tmp_path: Path) -> None:
    """This happens to a file of root's in a folder that everybody may write to."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o777)
    pid = os.fork()
    if pid == 0:
        try:
            os.setgid(12345)
            os.setuid(12345)
            write_atomically(path, lambda temporary: temporary.write_bytes(b"new"))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert path.read_bytes() == b"new"
    assert path.stat().st_uid == 12345


# Errors and interrupts


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_device_is_named() -> None:
    with pytest.raises(OSError, match=r"No space left on device.*'/dev/full'") as caught:
        write_atomically("/dev/full", lambda temporary: temporary.write_bytes(b"x"))
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_the_error_of_a_disk_names_the_file(code: int, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise OSError(code, os.strerror(code))

    with pytest.raises(OSError, match=r"model\.safetensors") as caught:
        write_atomically(path, write)
    assert (caught.value.errno, caught.value.filename) == (code, str(path))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"model.safetensors": b"old"}


@posix
def test_a_file_system_that_is_full_is_named_and_keeps_the_old_file(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        path = tmp_path / "file"
        path.write_bytes(b"old")
        with pytest.raises(OSError, match=r"No space left on device.*file'"):
            write_atomically(path, lambda temporary: temporary.write_bytes(b"x" * 200_000))
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"file": b"old"}
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_an_error_about_another_file_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(tmp_path / "file", lambda temporary: other.read_bytes())
    assert caught.value.filename == str(other)


# An interrupt right after the file is opened leaves closing it to the interpreter, which says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("there_before", [True, False])
def test_an_interrupt_at_any_line_leaves_the_old_file_or_the_new_and_nothing_else(
    error: type[BaseException], there_before: bool, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    descriptors = Path("/proc/self/fd")
    lines = 0
    while True:
        path.unlink(missing_ok=True)
        if there_before:
            path.write_bytes(b"old")
        left = lines

        def trace(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal left
            if not frame.f_code.co_filename.endswith(("autograd/support/files.py", "pathlib.py", "contextlib.py")):
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    sys.settrace(None)
                    raise error
            return trace

        opened = len(list(descriptors.iterdir())) if descriptors.exists() else 0
        interrupted = False
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            write_atomically(path, lambda temporary: temporary.write_bytes(b"new"))
        except error:
            interrupted = True
        finally:
            sys.settrace(before)
        contents = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
        if not interrupted:
            break
        assert contents in ([{"file": b"old"}, {"file": b"new"}] if there_before else [{}, {"file": b"new"}]), lines
        assert not descriptors.exists() or len(list(descriptors.iterdir())) <= opened + 1
        lines += 1
    assert contents == {"file": b"new"}
    assert lines > 30


KILLED = """
import os, signal, sys, time
from pathlib import Path
from autograd.support.files import write_atomically
def write(temporary):
    temporary.write_bytes(b"half")
    print(temporary.name, flush=True)
    sys.stdin.read()
write_atomically(sys.argv[1], write)
"""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere only the age tells that a temporary file is stale")
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    environment = {**os.environ, "PYTHONPATH": str(Path(autograd.__file__).parents[1])}
    command = [sys.executable, "-c", KILLED, str(path)]
    with (
        subprocess.Popen(command, stdin=-1, stdout=-1, env=environment, text=True) as killed,
        subprocess.Popen(command, stdin=-1, stdout=-1, env=environment, text=True) as living,
    ):
        names = [process.stdout.readline().strip() for process in (killed, living) if process.stdout]
        assert {p.name for p in tmp_path.iterdir()} == {*names}
        (tmp_path / ".lucidgrad-notes").mkdir()  # not one of our files
        killed.kill()
        killed.wait()
        write_atomically(tmp_path / "other", lambda temporary: temporary.write_bytes(b"x"))
        assert {p.name for p in tmp_path.iterdir()} == {"other", names[1], ".lucidgrad-notes"}
        living.communicate("")
    assert living.returncode == 0
    assert path.read_bytes() == b"half"
    assert {p.name for p in tmp_path.iterdir()} == {"other", "model.safetensors", ".lucidgrad-notes"}


def test_threads_that_write_at_once_do_not_disturb_each_other_nor_the_umask(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    os.umask(0o027)
    errors: list[BaseException] = []

    def work(k: int) -> None:
        try:
            for i in range(50):
                path = tmp_path / f"file{(k + i) % 3}"
                write_atomically(path, lambda temporary: temporary.write_bytes(b"x" * 1000))
        except BaseException as error:
            errors.append(error)

    try:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(mask)
    assert errors == []
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {f"file{k}": b"x" * 1000 for k in range(3)}
    if os.name == "posix":
        assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o640}


def test_a_name_may_have_as_many_bytes_as_the_system_allows(tmp_path: Path) -> None:
    for name in ("x" * 255, "é" * 127, "x" * 54 + "." + "y" * 200, "." + "z" * 254, "x" * 244 + ".safetensor"):
        path = tmp_path / name
        try:
            path.write_bytes(b"old")
        except OSError:
            pytest.skip("this system does not allow names of 255 bytes")
        write_atomically(path, lambda temporary: temporary.write_bytes(b"new"))
        assert path.read_bytes() == b"new"
    with pytest.raises(OSError, match="xxxx"):
        write_atomically(tmp_path / ("x" * 256), lambda temporary: temporary.write_bytes(b"new"))


@posix
def test_the_bytes_are_flushed_to_the_disk_before_the_name_changes(tmp_path: Path, monkeypatch: Any) -> None:
    """Otherwise a crash of the machine after the rename could leave an empty file under the name."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    flushed: list[tuple[bool, bytes]] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        fsync(descriptor)
        flushed.append((stat.S_ISDIR(os.stat(descriptor).st_mode), path.read_bytes()))

    monkeypatch.setattr(os, "fsync", watched)
    write_atomically(path, lambda temporary: temporary.write_bytes(b"new"))
    assert flushed == [(False, b"old"), (True, b"new")]
