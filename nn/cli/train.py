"""`lucidgrad train`: a run from start to finish, which can be interrupted at any moment and resumed."""

from __future__ import annotations

import argparse
import importlib
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Never

from nn import tables
from nn.cli import runs
from nn.cli.runs import Run
from nn.cli.terminal import Progress, say
from nn.tables.opening import digest, same_file

NEVER_SAVED = ("command", "run", "runs", "resume", "quiet")
INTERRUPTED, TERMINATED = 130, 143  # 128 + SIGINT, 128 + SIGTERM


class StoppedError(Exception):
    """A run was interrupted; `status` is the exit status for the shell."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Terminated(BaseException):
    """SIGTERM was received."""


def train(options: argparse.Namespace, defaults: Mapping[str, Any]) -> None:
    """Train with the given options, or resume an interrupted run.

    Args:
        defaults: the options' default values.

    Raises:
        StoppedError: after an interrupt.
        ValueError, OSError, FloatingPointError: if the run fails; a folder without results is removed.
    """
    for package in ("sklearn", "matplotlib"):
        importlib.import_module(package)
    run: Run | None = None
    with _terminable():
        try:
            run = _begin(options) if options.resume is None else _reopen(options, defaults)
            if run is None:
                say(f"{options.resume} is finished: there is nothing to resume")
            else:
                _work(run, Progress(options.quiet))
        except KeyboardInterrupt:
            raise StoppedError(f"interrupted; {_how_to_resume(run)}", INTERRUPTED) from None
        except Terminated:
            raise StoppedError(f"terminated; {_how_to_resume(run)}", TERMINATED) from None
        except Exception as error:
            if run is not None:
                _leave(run, error)
            raise


def _work(run: Run, progress: Progress) -> None:
    from nn.cli import jobs, reports

    settings = run.settings
    dataset = _dataset(settings, progress)
    for remark in dataset.remarks:
        say(f"note: {remark}")
    choices = jobs.Choices(**{name: settings[name] for name in jobs.Choices.__dataclass_fields__})
    result = jobs.train(dataset, choices, say, progress, run.checkpoint)
    say(reports.report(dataset, result.wanted, result.predictions))
    with progress.phase("drawing"):
        written = runs.write_each(run.folder, jobs.results(dataset, result))
    if result.history.stopped.startswith("interrupted"):
        say(f"\nwrote {run.folder}: {', '.join(written)}")
        raise KeyboardInterrupt
    run.finish()
    say(f"\nwrote {run.folder}: {', '.join(written)}")


def _begin(options: argparse.Namespace) -> Run:
    if options.data is None:
        raise ValueError(
            "name the data to train on: lucidgrad train digits, or lucidgrad train FILE.csv --target COLUMN"
        )
    settings = {name: value for name, value in vars(options).items() if name not in NEVER_SAVED}
    settings["checkpoint"] = None if options.checkpoint is None else str(options.checkpoint.absolute())
    if options.data == "digits":
        return runs.begin(options.runs, "digits", settings)
    if options.target is None:
        raise ValueError(f"name the column of {options.data} to predict: --target COLUMN")
    path = Path(options.data)
    if options.checkpoint is not None and same_file(options.checkpoint, path):
        raise ValueError(f"{path} is the table, so it cannot be the checkpoint: name another file")
    if options.checkpoint is not None and options.checkpoint.exists():
        raise ValueError(f"{options.checkpoint} exists: name another file for the checkpoint, or remove it")
    settings["sha256"] = digest(path) if path.is_file() else None
    if "://" not in options.data:
        settings["data"] = str(path.absolute())
    settings["shown"] = options.data
    stem = path.name.removesuffix(".gz")
    return runs.begin(options.runs, Path(stem).stem or "table", settings)


def _reopen(options: argparse.Namespace, defaults: Mapping[str, Any]) -> Run | None:
    """Return the run to resume. Raise ValueError if other options are given, or the table has changed."""
    changed = [name for name in defaults if name not in NEVER_SAVED and getattr(options, name) != defaults[name]]
    if changed:
        option = "digits or FILE.csv" if changed[0] == "data" else f"--{changed[0].replace('_', '-')}"
        raise ValueError(f"--resume continues a run with the options it was started with: leave out {option}")
    run = runs.reopen(options.resume)
    if run is None or run.settings["data"] == "digits":
        return run
    if run.settings.get("sha256") is None:
        raise ValueError(f"{run.settings['data']} was not a regular file, so its run cannot be resumed")
    if digest(run.settings["data"]) != run.settings["sha256"]:
        raise ValueError(f"{run.settings['data']} has changed since {run.folder} was started: start a new run")
    return run


def _dataset(settings: Mapping[str, Any], progress: Progress) -> tables.Dataset:
    if settings["data"] == "digits":
        return tables.digits(settings["held_out"], settings["seed"])
    marks, path = settings["na"], Path(settings["data"])
    shown = Path(settings["shown"])  # the path as given by the user, if it is still the same file
    dialect, drop = tables.Dialect(settings["separator"], settings["encoding"]), tuple(settings["drop"] or ())
    with progress.bar("reading", " rows") as bar:
        rows = tables.read_csv(
            shown if same_file(shown, path) else settings["data"],
            dialect,
            [settings["target"], *drop],
            lambda count: bar.update(count - bar.n),
        )
    with progress.phase("preparing"):
        return tables.table(
            rows,
            settings["target"],
            drop,
            settings["task"],
            settings["held_out"],
            settings["seed"],
            missing=settings["missing"],
            na=tables.MARKS if marks is None else (*tables.MARKS, *marks) if marks else (),
            text=tuple(settings["text"] or ()),
            decimal=settings["decimal"],
        )


@contextmanager
def _terminable() -> Iterator[None]:
    """Make SIGTERM raise Terminated instead of ending the process at once, so that half-written files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(*_: object) -> Never:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _how_to_resume(run: Run | None) -> str:
    return "nothing was started" if run is None else f"resume with `{run.resume_command}`"


def _leave(run: Run, error: Exception) -> None:
    """Remove the folder of a run without results; otherwise raise the error, adding what is left of the run."""
    if not run.checkpoint.exists() and not (run.folder / runs.MODEL_FILE).exists():
        run.abandon()
        return
    names = sorted(path.name for path in run.folder.iterdir() if not path.name.startswith("."))
    remains = f"{run.folder} keeps {', '.join(names)}; {_how_to_resume(run)}"
    raise RuntimeError(f"{' '.join(str(error).split())}; {remains}") from error
