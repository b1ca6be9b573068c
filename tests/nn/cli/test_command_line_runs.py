"""Nothing of a run is lost: runs are killed at their file operations and resumed; disks fill up, folders fail."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nn.__main__ import main

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")

HELPERS = """
EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")
TRAIN = ["train", "t.csv", "--target", "y", "--quiet", "--hidden", "3", "--epochs", "2"]

def watch(then):
    '''Call a function at each file operation in the folder of the runs.'''
    def hook(event, arguments):
        if event in EVENTS and "runs" in str(arguments[0]) and "__pycache__" not in str(arguments[0]):
            then(event, str(arguments[0]))
    sys.addaudithook(hook)

def run(arguments, prepare=lambda: None):
    '''Run the command line in a process of its own: its status, negative for a signal, and what it printed.'''
    child = os.fork()
    if not child:
        with open("said", "w") as said:
            os.dup2(said.fileno(), 1); os.dup2(said.fileno(), 2)
        prepare()
        try:
            status = main(arguments)
            sys.stdout.flush(); sys.stderr.flush()
        except BaseException as error:
            os.write(2, repr(error).encode())
            status = 99
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, Path("said").read_text()

def state(folder):
    '''What a run left, to the bit.'''
    folder = Path(folder)
    names = sorted(p.name for p in folder.iterdir())
    return [names, nn.load(folder / "model.safetensors").state_dict(), (folder / "history.csv").read_text(),
            nn.read_metadata(folder / "model.safetensors"), (folder / "network.svg").read_text()]
"""

Forking = Callable[[str], Any]


@pytest.fixture
def forking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked: Callable[..., Any]) -> Forking:
    """Run source that may call `run`, `watch` and `state` next to a small table; return its output as JSON."""
    rows = [f"{k},{k * 7919 % 101},{'yes' if k * 7919 % 101 > 50 else 'no'}" for k in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["id,a,y", *rows]) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def call(source: str) -> Any:
        done = forked(tmp_path, HELPERS + source)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return call


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_run_that_is_stopped_anywhere_goes_on_to_the_same_bits(name: str, forking: Forking) -> None:
    output = forking(f"""
signal_number = signal.{name}
operations = []
def count():
    watch(lambda event, path: open("counted", "a").write(f"{{event}} {{path}}\\n"))
status, said = run(TRAIN, count)
expected = state("runs/t-1")
operations = Path("counted").read_text().splitlines()
outcomes = []

points = {"1, 3, 6, 10, 15" if name == "SIGKILL" else "4, 13"}
for at in (point * len(operations) // 16 for point in points):
    shutil.rmtree("runs")
    seen = [0]
    def kill_at(event, path):
        seen[0] += 1
        if seen[0] == at + 1:
            os.kill(os.getpid(), signal_number)
    status, said = run(TRAIN, lambda: watch(kill_at))
    again = run(["train", "--resume", "runs/t-1", "--quiet"])
    if again[0] == 1 and "nothing to resume" in again[1] or "not the folder of a run" in again[1]:
        shutil.rmtree("runs", ignore_errors=True)  # it was stopped before it had begun
        again = run(TRAIN)
    outcomes.append([operations[at], status, said, again[0], state("runs/t-1") == expected, again[1]])
print(json.dumps(outcomes))
""")
    assert len(output) >= 2
    for operation, status, said, status_again, equal, said_again in output:
        expected = {"SIGKILL": (-9,), "SIGTERM": (143, 0), "SIGINT": (130, 0)}[name]
        assert status in expected, f"{operation}: {said}"
        assert "Traceback" not in said + said_again
        if status in (143, 130):
            assert "resume with `lucidgrad train --resume runs/t-1`" in said or "nothing was started" in said, operation
        assert (status_again, equal) == (0, True), f"{operation}: {said} then {said_again}"


def test_where_the_disk_is_full_nothing_is_left_or_everything_is_named(forking: Forking) -> None:
    """A limit on the size of files simulates a full disk."""
    output = forking("""
outcomes = []
for limit in (100, 1500, 40_000):
    shutil.rmtree("runs", ignore_errors=True)
    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    status, said = run(TRAIN, full)
    left = sorted(p.name for p in Path("runs").glob("*/*")) if Path("runs").exists() else None
    outcomes.append([limit, status, said, left])
print(json.dumps(outcomes))
""")
    for limit, status, said, left in output:
        *_, line = said.strip().splitlines()
        assert status == 1
        assert line.startswith("lucidgrad: ")
        assert "too large" in line
        if limit < 40_000:
            assert left is None, f"{limit}: {line}"
        else:
            assert "model.safetensors" in left
            assert all(name in line for name in left)
            assert "could not write" in line


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(arguments)
    return status, capsys.readouterr().err


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{k},{k % 2}\n" for k in range(20)), encoding="utf-8")
    return tmp_path


QUICK = ("--target", "y", "--epochs", "2", "--hidden", "2", "--quiet")


@pytest.mark.parametrize("runs", ["t.csv", "/proc/nowhere", "/dev/null/runs"])
def test_a_folder_that_cannot_be_made_is_refused_before_the_training(
    runs: str, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not Path(runs).is_absolute() or sys.platform == "linux":
        status, err = call(capsys, "train", "t.csv", *QUICK, "--runs", runs)
        assert (status, err.count("\n")) == (1, 1)
        assert runs.rpartition("/")[0] in err
    assert [path.name for path in small.iterdir()] == ["t.csv"]


def test_a_refused_training_leaves_nothing(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "train", "t.csv", "--target", "z", "--quiet")[0] == 1
    assert call(capsys, "train", "t.csv", *QUICK, "--loss", "hinge", "--task", "regression")[0] == 1
    assert [path.name for path in small.iterdir()] == ["t.csv"]


def test_a_finished_run_has_nothing_to_go_on_with(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "t.csv", *QUICK]) == 0
    before = {path.name: path.read_bytes() for path in (small / "runs" / "t-1").iterdir()}
    assert {"run.json", "checkpoint.safetensors"}.isdisjoint(before)
    assert main(["train", "--resume", "runs/t-1"]) == 0
    assert "runs/t-1 is finished" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in (small / "runs" / "t-1").iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--resume", "nowhere"), "nowhere is not the folder of a run"),
        (("--resume", "."), "no run.json, so there is nothing to resume"),
        (("--resume", "bad"), "run.json is damaged"),
        (("--resume", "other"), "run.json is damaged"),
        (("--resume", "begun"), "t.csv has changed since begun was started"),
        (("--resume", "begun", "--epochs", "5"), "leave out --epochs"),
        (("--resume", "begun", "--held-out", "0.5"), "leave out --held-out"),
    ],
    ids=lambda case: " ".join(case) if isinstance(case, tuple) else "",
)
def test_what_cannot_go_on_is_refused_in_one_line(
    arguments: tuple[str, ...], message: str, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (
        ("bad", "{"),
        ("other", '{"format": "else"}'),
        ("begun", json.dumps({"format": "lucidgrad run 1", "data": str(small / "t.csv"), "sha256": "0"})),
    ):
        (small / name).mkdir()
        (small / name / "run.json").write_text(text, encoding="utf-8")
    status, err = call(capsys, "train", *arguments)
    assert (status, err.count("\n")) == (1, 1)
    assert message in err


def test_the_checkpoint_may_lie_elsewhere(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "t.csv", *QUICK, "--checkpoint", "state"]) == 0
    assert not (small / "state").exists()
    (small / "mine").write_text("mine", encoding="utf-8")
    status, err = call(capsys, "train", "t.csv", *QUICK, "--checkpoint", "mine")
    assert status == 1
    assert "mine exists" in err
    assert (small / "mine").read_text(encoding="utf-8") == "mine"


def test_an_update_that_overflows_after_some_epochs_names_what_is_kept(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--optimizer", "sgd", "--learning-rate", "1e80", "--activation", "relu", "--patience", "0")
    regression = ("--task", "regression", "--target", "y", "--hidden", "2", "--quiet", "--batch-size", "100")
    status, err = call(capsys, "train", "t.csv", *regression, *options, "--epochs", "20")
    assert (status, err.count("\n")) == (1, 1)
    assert "runs/t-1 keeps checkpoint.safetensors, run.json" in err or not (small / "runs").exists()
