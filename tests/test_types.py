"""Type checkers accept a user's program and the package's public names."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import autograd

PROGRAM = Path(__file__).with_name("typed_program.py")
PACKAGES = Path(autograd.__file__).parents[1]
INSTALLED = PACKAGES.name == "site-packages"
REQUIRED = "LUCIDGRAD_REQUIRE_TYPES" in os.environ


def checker(name: str) -> str:
    """Return the path of a type checker, next to this Python or on the PATH."""
    beside = Path(sys.executable).with_name(name)
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None and REQUIRED:
        pytest.fail(f"{name} is not installed: pip install '.[lint]'")
    return path or pytest.skip(f"{name}, which checks types, is not installed: pip install '.[lint]'")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Copy the program into a separate folder, where a user has it."""
    return Path(shutil.copy(PROGRAM, tmp_path))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the option that makes mypy read the packages once for all tests."""
    return f"--cache-dir={tmp_path_factory.mktemp('mypy')}"


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a checker, which finds the packages where this Python does."""
    paths = {} if INSTALLED else {"MYPYPATH": str(PACKAGES), "PYTHONPATH": str(PACKAGES)}
    return subprocess.run(command, cwd=folder, env={**os.environ, **paths}, capture_output=True, text=True, check=False)


def test_the_program_runs() -> None:
    runpy.run_path(str(PROGRAM))


def test_mypy_finds_the_types_that_the_program_says(program: Path, cache: str) -> None:
    done = run(
        program.parent, checker("mypy"), cache, "--strict", "--follow-imports=silent",
        "--python-executable", sys.executable,
        program.name,
    )  # fmt: skip
    assert (done.stdout.splitlines()[-1:], done.returncode) == (["Success: no issues found in 1 source file"], 0), (
        done.stdout + done.stderr
    )


def test_mypy_refuses_a_program_that_is_wrong(program: Path, cache: str) -> None:
    """Otherwise the test above would pass without any types."""
    wrong = [
        "grad(energy)(2.0).parents",
        "program.backward(batch, targets).shape",
        "nn.Linear(2, 3)",
        "autograd.tensor",
    ]
    with program.open("a") as file:
        file.writelines(f"{line}\n" for line in wrong)
    done = run(
        program.parent, checker("mypy"), cache, "--strict", "--follow-imports=silent",
        "--python-executable", sys.executable,
        program.name,
    )  # fmt: skip
    first = len(PROGRAM.read_text(encoding="utf-8").splitlines()) + 1
    refused = {int(line) for line in re.findall(rf"^{program.name}:(\d+): error", done.stdout, re.MULTILINE)}
    assert refused == set(range(first, first + len(wrong))), done.stdout


def test_pyright_finds_the_types_that_the_program_says(program: Path) -> None:
    settings: dict[str, Any] = {"strict": [program.name], "extraPaths": [] if INSTALLED else [str(PACKAGES)]}
    settings |= dict.fromkeys(
        ("reportUnknownMemberType", "reportUnknownVariableType", "reportUnknownArgumentType"), False
    )
    (program.parent / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = run(program.parent, checker("pyright"), "--pythonpath", sys.executable)
    assert "0 errors" in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(not INSTALLED, reason="pyright verifies packages that are installed")
@pytest.mark.parametrize("package", ["autograd", "nn"])
def test_pyright_knows_the_types_of_the_public_names(package: str, tmp_path: Path) -> None:
    command = [checker("pyright"), "--verifytypes", package, "--ignoreexternal", "--outputjson"]
    here = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    }  # where pyright looks for packages
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **here}, capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)["typeCompleteness"]
    assert Path(report["pyTypedPath"]).name == "py.typed"
    assert report["completenessScore"] >= 0.95
