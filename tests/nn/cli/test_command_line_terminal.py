"""Terminal output and input: progress, control characters, limited encodings, pipes, files, versions."""

from __future__ import annotations

import csv
import gzip
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

import nn
from nn.__main__ import main

QUICK = ("--target", "y", "--epochs", "2", "--hidden", "2", "--quiet")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_curves: None) -> None:
    monkeypatch.chdir(tmp_path)


def table(name: str = "t.csv", text: str = "", encoding: str = "utf-8") -> None:
    lines = text or "a,y\n" + "".join(f"{k * 7 % 20},{('low', 'high')[k * 7 % 20 // 10]}\n" for k in range(20))
    Path(name).write_bytes(lines.encode(encoding))


def model(*options: str) -> str:
    assert main(["train", "t.csv", *QUICK, *options]) == 0
    return "runs/t-1/model.safetensors"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    return said.err


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "nn", *arguments], env={**os.environ, **environment}, capture_output=True, check=False
    )


# Progress


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_progress_is_shown_on_a_terminal_and_nowhere_else(
    tmp_path: Path, lucidgrad: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    import fcntl
    import pty
    import struct
    import termios

    table()
    inside, outside = pty.openpty()
    fcntl.ioctl(outside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    options = ("--target", "y", "--epochs", "12", "--hidden", "2")
    process = subprocess.Popen(
        [sys.executable, "-m", "nn", "train", "t.csv", *options], stdout=subprocess.DEVNULL, stderr=outside
    )
    os.close(outside)
    shown = b""
    while True:
        try:
            part = os.read(inside, 4096)
        except OSError:  # Linux raises it once the other end is closed
            part = b""
        if not part:
            break
        shown += part
    os.close(inside)
    assert process.wait() == 0
    assert [
        word in shown
        for word in (b"epoch 12/12", b"cost=", b"accuracy=", b"held out=", b"reading", b"preparing", b"drawing")
    ] == [True] * 7
    run = lucidgrad(tmp_path, "train", "t.csv", *options)
    assert (run.returncode, run.stderr) == (0, "")


def test_a_closed_pipe_ends_quietly_and_the_run_is_finished_all_the_same() -> None:
    table()
    for arguments in (("train", "t.csv", *QUICK), ("grad", "x", "x=2"), ("train", "--help")):
        inside, outside = os.pipe()
        os.close(inside)
        process = subprocess.Popen([sys.executable, "-m", "nn", *arguments], stdout=outside, stderr=subprocess.PIPE)
        os.close(outside)
        assert process.communicate()[1] == b""
    assert Path("runs/t-1/model.safetensors").exists()
    assert not Path("runs/t-1/run.json").exists()


# Encodings of terminals


def test_a_terminal_of_ascii_shows_a_minus_as_a_minus() -> None:
    run = start("grad", "x*y", "x=2", "y=-3", "--explain", "x", PYTHONIOENCODING="ascii")
    text = run.stdout.decode("ascii")
    assert "d/dx = -3.0" in text
    assert "?" not in text
    assert re.search(r"= -3\.0$", text, re.MULTILINE)


def test_control_characters_of_a_file_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    labels = ("\x1b[2Jred", "gr\u202een")
    table("t.csv", "a\x1b[31m,y\n" + "".join(f"{k},{labels[k % 2]}\n" for k in range(20)))
    path = model()
    Path("new.csv").write_text("b\x07\n1\n", encoding="utf-8")
    assert main(["predict", path, "new.csv"]) == 1
    said = "".join(capsys.readouterr())
    assert "\\x1b[2Jred" in said
    assert all(sign.isprintable() or sign == "\n" for sign in said)


def test_the_version_is_the_installed_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    try:
        version = metadata.version("lucidgrad")
    except metadata.PackageNotFoundError:
        version = "checkout"
    assert version in capsys.readouterr().out


# Files


def test_output_to_standard_output_is_the_table_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    table()
    path = model()
    assert main(["predict", path, "t.csv"]) == 0
    capsys.readouterr()
    assert main(["predict", path, "t.csv", "--output", "-"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines() == Path("predictions.csv").read_text(encoding="utf-8").splitlines()
    assert not Path("-").exists()


def test_an_output_that_is_an_input_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    table()
    path = model()
    Path("link.csv").symlink_to("t.csv")
    before = Path("t.csv").read_bytes(), Path(path).read_bytes()
    for output in ("t.csv", "./t.csv", "link.csv", path):
        assert "cannot be the output" in refused(capsys, "predict", path, "t.csv", "--output", output)
    assert "cannot be the output" in refused(capsys, "draw", path, "--output", path)
    assert (Path("t.csv").read_bytes(), Path(path).read_bytes()) == before


@pytest.mark.parametrize("address", ["http://localhost/t.csv", "https://x.org/t.csv", "file:///t.csv", "s3://b/t.csv"])
def test_nothing_is_fetched(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing is fetched from the network" in refused(capsys, "train", address, *QUICK)
    assert not Path("runs").exists()


def test_gzip_is_unpacked_up_to_a_limit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    table()
    packed = gzip.compress(Path("t.csv").read_bytes())
    Path("t.csv.gz").write_bytes(packed)
    assert main(["train", "t.csv.gz", *QUICK]) == 0
    path = model()
    states = [nn.load(f"runs/t-{n}/model.safetensors").state_dict() for n in (1, 2)]
    assert states[0] == states[1]
    assert main(["predict", path, "t.csv.gz"]) == 0
    Path("hidden.csv").write_bytes(packed)
    assert "its name does not end in .gz" in refused(capsys, "train", "hidden.csv", *QUICK)
    Path("plain.csv.gz").write_bytes(b"a,y\n1,2\n")
    assert "is not compressed with gzip" in refused(capsys, "train", "plain.csv.gz", *QUICK)
    Path("cut.csv.gz").write_bytes(packed[:-12])
    assert "cut.csv.gz is damaged" in refused(capsys, "train", "cut.csv.gz", *QUICK)
    monkeypatch.setattr("nn.tables.opening.MOST_UNPACKED", 100)
    assert "unpacks to more than" in refused(capsys, "train", "t.csv.gz", *QUICK)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04rest", "Excel's workbooks are: save the sheet as CSV"),
        (b"PAR1rest", "a Parquet file"),
        (b"BZh91AY&SY", "compressed with bzip2"),
        (b"a,y\n1,\x002\n", "zero bytes"),
    ],
)
def test_what_is_no_csv_is_named(data: bytes, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.csv").write_bytes(data)
    assert message in refused(capsys, "train", "t.csv", *QUICK)


def test_names_that_a_spreadsheet_would_run_are_marked_on_request() -> None:
    labels = ("=1+2", "@sum", "fine")
    table("t.csv", "a,y\n" + "".join(f"{k % 3},{labels[k % 3]}\n" for k in range(30)))
    path = model("--epochs", "100", "--batch-size", "4")

    def predictions(*options: str) -> set[str]:
        assert main(["predict", path, "t.csv", *options]) == 0
        with Path("predictions.csv").open(encoding="utf-8", newline="") as file:
            return {row["prediction"] for row in csv.DictReader(file)}

    plain = predictions()
    assert plain <= set(labels)
    assert len(plain) > 1
    assert predictions("--escape-formulas") == {label if label == "fine" else f"'{label}" for label in plain}
