"""The built wheel, installed in a fresh environment, alone and together with the other `autograd`."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import autograd

CHECKOUT = Path(__file__).parents[1]
# Do not precompile: most of NumPy is never imported here. But pip, which runs many times, may cache bytecode.
ENVIRONMENT = {**os.environ, "PIP_NO_COMPILE": "1", "PYTHONDONTWRITEBYTECODE": ""}


def test_the_tests_run_against_the_installed_package() -> None:
    """Otherwise a file that the wheel lacks would go unnoticed."""
    assert not Path(autograd.__file__).resolve().is_relative_to(CHECKOUT / "autograd")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, so that nothing from an earlier build gets into it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("autograd", "nn"):
        shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.cfg", "setup.py", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source)
    _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, source)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def fresh_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a fresh environment with only the wheel and its requirements."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    _pip(sys.executable, "--python", python, "install", "pip", wheel)
    return python


@pytest.fixture(scope="module")
def python_of_the_other(fresh_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the other `autograd` instead of ours."""
    python = _copy(fresh_python, tmp_path_factory.mktemp("the other"))
    _pip(python, "uninstall", "-y", "lucidgrad")
    _pip(python, "install", "--no-deps", "autograd==1.8.0")
    return python


def test_what_the_wheel_holds(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert packages == {"autograd", "nn"}
    assert {"autograd/py.typed", "nn/py.typed", "autograd/value.py", "nn/__main__.py"} <= names
    assert "autograd/compiler/program.py" in names
    page = {f"autograd/drawing/assets/step_through.{kind}" for kind in ("html", "css", "js")}
    assert page <= names


def test_pictures_are_drawn_after_pip_install_alone(fresh_python: Path, tmp_path: Path) -> None:
    """This works offline, and without a `dot` on the PATH."""
    code = (
        "import os; os.environ['PATH'] = ''; import autograd; x = autograd.Value(3.0, 'x'); y = x * x; "
        "autograd.draw(y).save('y.svg'); autograd.step_through(y).save('y.html'); print(autograd.explain(y, x).value)"
    )
    assert _run(fresh_python, code, tmp_path) == (0, "6.0\n", "")
    assert "<svg" in (tmp_path / "y.svg").read_text(encoding="utf-8")
    assert "<svg" in (tmp_path / "y.html").read_text(encoding="utf-8")


def test_the_wheel_works_from_another_folder(fresh_python: Path, tmp_path: Path) -> None:
    code = (
        "import autograd, nn; x = autograd.Value(3.0); (x * x).backward(); print(x.grad, len(nn.MLP(2, [3])([1, 2])))"
    )
    assert _run(fresh_python, code, tmp_path) == (0, "6.0 3\n", "")


def test_a_missing_extra_is_one_line_that_says_what_to_install(fresh_python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [fresh_python.with_name("lucidgrad"), "train", "digits"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "pip install 'lucidgrad[train]'" in done.stderr


def test_a_students_own_nn_does_not_shadow_the_console_script(fresh_python: Path, tmp_path: Path) -> None:
    (tmp_path / "nn.py").write_text("raise SystemExit('shadowed')", encoding="utf-8")
    done = subprocess.run([fresh_python.with_name("lucidgrad"), "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert "train" in done.stdout


def test_the_other_autograd_installed_after_ours(fresh_python: Path, wheel: Path, tmp_path: Path) -> None:
    """pip has overwritten our `__init__.py`: `nn` must notice and say what to do, and the remedy must work."""
    python = _copy(fresh_python, tmp_path / "environment")
    _pip(python, "install", "--no-deps", "autograd==1.8.0")
    status, _, stderr = _run(python, "import nn", tmp_path)
    assert status != 0
    assert "ImportError" in stderr
    assert "pip uninstall -y autograd lucidgrad" in stderr
    _remedy(python, wheel, tmp_path)


def test_the_other_autograd_installed_before_ours(python_of_the_other: Path, wheel: Path, tmp_path: Path) -> None:
    """Our files overwrite some of its files, and its other files stay."""
    python = _copy(python_of_the_other, tmp_path / "environment")
    _pip(python, "install", "--no-deps", wheel)
    for code in ("import autograd", "import nn"):
        status, _, stderr = _run(python, code, tmp_path)
        assert status != 0
        assert "ImportError" in stderr
        assert "pip uninstall -y autograd lucidgrad" in stderr
    _remedy(python, wheel, tmp_path)


def test_what_is_left_when_the_other_one_is_uninstalled_alone(fresh_python: Path, wheel: Path, tmp_path: Path) -> None:
    """Uninstalling removes our `__init__.py`, too, and leaves a folder that imports as an empty package."""
    python = _copy(fresh_python, tmp_path / "environment")
    _pip(python, "install", "--no-deps", "autograd==1.8.0")
    _pip(python, "uninstall", "-y", "autograd")
    status, _, stderr = _run(python, "import nn", tmp_path)
    assert status != 0
    assert "pip uninstall -y autograd lucidgrad" in stderr
    _remedy(python, wheel, tmp_path)


@pytest.mark.parametrize("host", ["colab", "kaggle"])
def test_a_hosted_notebook_installs_the_wheel_that_was_uploaded(
    host: str, python_of_the_other: Path, wheel: Path, tmp_path: Path
) -> None:
    """The first cell of a walkthrough runs where the other `autograd` is preinstalled."""
    uploads, working = tmp_path / "input" / "a dataset", tmp_path / "working"
    for folder in (uploads, working):
        folder.mkdir(parents=True)
    shutil.copy(wheel, working if host == "colab" else uploads)
    python = _copy(python_of_the_other, tmp_path / "environment")
    code = _hosted(host, uploads.parent) + "import autograd; print(autograd.Value(1.0).data)"
    status, stdout, stderr = _run(python, code, working)
    assert (status, stdout) == (0, "1.0\n"), stderr


def test_a_hosted_notebook_that_imported_the_other_autograd_already(
    python_of_the_other: Path, wheel: Path, tmp_path: Path
) -> None:
    """Python would keep using it, so only a restart helps, and does."""
    shutil.copy(wheel, tmp_path)
    python = _copy(python_of_the_other, tmp_path / "environment")
    cell = _hosted("colab", tmp_path)
    status, _, stderr = _run(python, "import autograd\n" + cell, tmp_path)
    assert status != 0
    assert "restart the session" in stderr
    status, stdout, stderr = _run(python, cell + "import autograd; print(autograd.Value(1.0).data)", tmp_path)
    assert (status, stdout) == (0, "1.0\n"), stderr


def test_a_hosted_notebook_without_a_wheel_says_what_to_upload(fresh_python: Path, tmp_path: Path) -> None:
    """The cell does not install a package by name, since the name is not the project's until it is published."""
    status, stdout, stderr = _run(fresh_python, _hosted("colab", tmp_path), tmp_path)
    assert (status, stdout) == (1, "")
    assert "Upload the wheel of lucidgrad first" in stderr


def _hosted(host: str, uploads: Path) -> str:
    """Return the first cell of a walkthrough as a script that thinks it runs in a hosted notebook.

    `%pip` becomes a call that does the same as IPython's: braces are filled in, and a shell runs the line. The wheel's
    requirements are installed already.
    """
    notebook = json.loads((CHECKOUT / "notebooks" / "01_a_number_that_remembers.ipynb").read_text(encoding="utf-8"))
    cell = "".join(next(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"))
    cell = re.sub("%pip (.*)", r"pip(f'\1')", cell).replace("/kaggle/input", uploads.as_posix())
    sign = {
        "colab": "sys.modules['google.colab'] = ...",
        "kaggle": "os.environ['KAGGLE_KERNEL_RUN_TYPE'] = 'Interactive'",
    }
    return f"""
import os, subprocess, sys
os.environ["PIP_NO_DEPS"] = "1"
{sign[host]}
def pip(line): subprocess.run(f'"{{sys.executable}}" -m pip {{line}}', shell=True, check=True)
{cell}
"""


def _copy(python: Path, folder: Path) -> Path:
    """Return the interpreter of a copy of an environment. It shares files, which pip replaces but never modifies."""
    shutil.copytree(python.parents[1], folder, copy_function=os.link, symlinks=True, dirs_exist_ok=True)
    return folder / python.relative_to(python.parents[1])


def _remedy(python: Path, wheel: Path, folder: Path) -> None:
    """Follow the advice in the message, and check that it works."""
    _pip(python, "uninstall", "-y", "autograd", "lucidgrad")
    _pip(python, "install", "--no-deps", wheel)
    assert _run(python, "import autograd, nn; print(autograd.Value(1.0).data)", folder) == (0, "1.0\n", "")


def _pip(python: str | Path, *arguments: str | Path) -> None:
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(list(map(str, command)), env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _run(python: Path, code: str, folder: Path) -> tuple[int, str, str]:
    done = subprocess.run([python, "-c", code], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


# The source distribution, and its page on PyPI


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution from the files that git tracks."""
    pytest.importorskip(
        "build.__main__", reason="build, which makes the source distribution, is not installed: .[release]"
    )
    folder = tmp_path_factory.mktemp("sdist")
    for name in _tracked():
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, folder / "source" / name)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "build",
        "--sdist",
        "--outdir",
        str(folder),
        str(folder / "source"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.tar.gz"))


def _tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is no checkout: git knows no files of it")
    return [name for name in done.stdout.splitlines() if (CHECKOUT / name).is_file()]


def test_the_sdist_holds_all_tests_and_what_they_want(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {name for name in _tracked() if not name.startswith((".ci/", ".github/", ".gitignore"))}
    assert len([name for name in wanted if name.startswith("tests/")]) > 100
    assert wanted - names == {"MANIFEST.in"} - names
    left = {name for name in names - wanted if ".egg-info" not in name and Path(name).suffix}
    assert left <= {"PKG-INFO"}


def test_pypi_can_show_the_description(sdist: Path) -> None:
    pytest.importorskip("twine", reason="twine, which checks what PyPI takes, is not installed: .[release]")
    done = subprocess.run([sys.executable, "-m", "twine", "check", "--strict", sdist], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def setup() -> dict[str, Any]:
    return runpy.run_path(str(CHECKOUT / "setup.py"), run_name="setup")


def test_links_of_the_readme_lead_to_the_repository_once_it_has_an_address(setup: dict[str, Any]) -> None:
    address = "https://github.com/somebody/lucidgrad"
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    shown = setup["with_absolute_links"](readme, address)
    links = re.findall(r'\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"', shown)
    targets = [markdown or html for markdown, html in links]
    assert [target for target in targets if not target.startswith("http")] == []
    own = [target.removeprefix(f"{address}/").split("/", 2) for target in targets if target.startswith(address)]
    assert len(own) > 20
    for kind, branch, path in own:
        assert (CHECKOUT / path).is_file(), path
        assert (kind, branch) == ("raw" if path.endswith((".png", ".svg")) else "blob", "main"), path


def test_without_an_address_the_readme_is_as_it_is(setup: dict[str, Any]) -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert setup["with_absolute_links"](readme, "") == readme


def test_no_relative_link_is_left_in_the_description_once_there_is_an_address(setup: dict[str, Any]) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    relative = re.findall(r"\]\((?!https?:|#)[^)]+\)", setup["description"]())
    assert bool(relative) is ("Repository" not in project.get("urls", {}))
