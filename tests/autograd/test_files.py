"""write_atomically: a file is there whole, or as it was before."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from autograd.files import write_atomically


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
    """Which leaves nothing to rename: an error, and the old file."""
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
    """The usual limit is 255 bytes, which the temporary name must not pass where the name itself does not."""
    path = tmp_path / ("x" * length + ".csv")
    try:
        path.write_bytes(b"old")
    except OSError:
        pytest.skip("this system does not allow names of this length")
    write_atomically(path, lambda temporary: temporary.write_bytes(b"new"))
    assert path.read_bytes() == b"new"
