"""Shared by the tests of `nn`: a process that has imported everything, and forks for each run of the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

import nn

Run = subprocess.CompletedProcess[str]
Forked = Callable[[Path, str], Run]
CAN_FORK = hasattr(os, "fork")

FORKING = """
import io, json, os, resource, shutil, signal, sys, traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
import matplotlib.backends.backend_agg, matplotlib.figure, numpy, sklearn.linear_model, sklearn.model_selection
import autograd, nn, nn.cli.jobs, nn.cli.train
from nn.__main__ import main

autograd.draw(autograd.Value(2.0) * 3).svg  # which loads Graphviz, for all that fork from here
signal.signal(signal.SIGINT, signal.default_int_handler)  # processes in the background may ignore it

def serve(folder, source, said):
    '''Run source as a process of its own would, with what it prints in two files.'''
    os.chdir(folder)
    for stream, path in zip((1, 2), said):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), stream)
    status = 0
    try:
        exec(source, globals())
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

requests = os.fdopen(os.dup(0), encoding="utf-8")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for line in requests:
    child = os.fork()
    if not child:
        serve(*json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    """Run source in a folder, in a separate process that has already imported everything.

    Starting an interpreter takes ten times as long as most of these runs: it imports the libraries and compiles
    Graphviz.
    """
    if not CAN_FORK:
        pytest.skip("this system cannot fork a process")
    said, runs = tmp_path_factory.mktemp("said"), count()
    packages = str(Path(nn.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": packages, "OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", FORKING]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, encoding="utf-8", cwd=said
    ) as server:
        assert server.stdin and server.stdout
        requests, statuses = server.stdin, server.stdout

        def run(folder: Path, source: str) -> Run:
            files = [said / f"{name}-{next(runs)}" for name in ("out", "err")]
            requests.write(json.dumps([str(folder), source, [str(file) for file in files]]) + "\n")
            requests.flush()
            status = int(statuses.readline())
            out, err = (file.read_text(encoding="utf-8") for file in files)
            return Run(source, status, out, err)

        yield run
        requests.close()


@pytest.fixture(scope="session")
def lucidgrad(request: pytest.FixtureRequest) -> Callable[..., Run]:
    """Run the command line in a folder, in a separate process, which is forked if possible."""

    def start(folder: Path, *arguments: str) -> Run:
        command = [sys.executable, "-m", "nn", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)

    if not CAN_FORK:
        return start
    forked: Forked = request.getfixturevalue("forked")
    return lambda folder, *arguments: forked(folder, f"sys.exit(main({list(arguments)!r}))")


@pytest.fixture
def without_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the curves of runs by an empty file, since drawing them takes longer than small trainings."""
    monkeypatch.setattr("nn.plots.training_curves", lambda history: None)
    monkeypatch.setattr("nn.cli.jobs._save_figure", lambda figure, path: path.write_bytes(b""))
