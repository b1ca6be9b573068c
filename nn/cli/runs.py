"""The folder of a run, created and tested before training.

Until a run is finished, its folder holds `run.json`, which records how it was started, and after the first epoch
`checkpoint.safetensors`; `lucidgrad train --resume` continues from these two. Both are removed once all results are
written.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograd.support.files import write_atomically

FORMAT = "lucidgrad run 1"
RUN_FILE, CHECKPOINT_FILE, MODEL_FILE = "run.json", "checkpoint.safetensors", "model.safetensors"
LEAST_SPACE = 20 * 2**20  # bytes: pictures take about two megabytes, a network of 100,000 weights about eight


@dataclass(frozen=True)
class Run:
    """A run's folder, and the settings it was started with.

    Attributes:
        settings: values that JSON can represent.
    """

    folder: Path
    settings: Mapping[str, Any]

    @property
    def checkpoint(self) -> Path:
        """Return the path of the state after the last completed epoch."""
        path = self.settings.get("checkpoint")
        return self.folder / CHECKPOINT_FILE if path is None else Path(path)

    @property
    def resume_command(self) -> str:
        """Return the command that resumes this run."""
        return f"lucidgrad train --resume {self.folder}"

    def finish(self) -> None:
        """Remove the files that only an unfinished run needs."""
        (self.folder / RUN_FILE).unlink(missing_ok=True)
        self.checkpoint.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Remove a folder without results, and its parent if that is then empty."""
        with contextlib.suppress(OSError):
            (self.folder / RUN_FILE).unlink(missing_ok=True)
            self.folder.rmdir()
            self.folder.parent.rmdir()


def begin(runs: Path, name: str, settings: Mapping[str, Any]) -> Run:
    """Create the first of the folders `runs/name-1`, `runs/name-2`, ... that does not exist, and write `run.json`.

    Raises:
        OSError: if it cannot be created or written to, or if the disk is nearly full.
    """
    runs.mkdir(parents=True, exist_ok=True)
    n = 1
    while True:
        try:
            (runs / f"{name}-{n}").mkdir()
        except FileExistsError:
            n += 1
        else:
            break
    run = Run(runs / f"{name}-{n}", settings)
    try:
        free = shutil.disk_usage(run.folder).free
        if free < LEAST_SPACE:
            raise OSError(f"the disk of {runs} has {free / 2**20:.1f} MB left; a run needs {LEAST_SPACE >> 20} MB")
        _write(run)
    except BaseException:
        run.abandon()
        raise
    return run


def _write(run: Run) -> None:
    text = json.dumps({"format": FORMAT, **run.settings}, indent=1, ensure_ascii=False)
    write_atomically(run.folder / RUN_FILE, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def reopen(folder: Path) -> Run | None:
    """Return the run in a folder, to be resumed; None if it is finished.

    Raises:
        ValueError: if the folder is not that of a run, or its file is damaged.
        OSError: if it cannot be read.
    """
    if (folder / MODEL_FILE).exists() and not (folder / RUN_FILE).exists():
        (folder / CHECKPOINT_FILE).unlink(missing_ok=True)  # left by a run that was killed while removing these two
        return None
    if not folder.is_dir():
        raise ValueError(f"{folder} is not the folder of a run; runs are created in the folder given by --runs")
    try:
        settings = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{folder} has no {RUN_FILE}, so there is nothing to resume") from None
    except ValueError as error:
        raise ValueError(f"{folder / RUN_FILE} is damaged: {error}") from None
    if not isinstance(settings, dict) or settings.get("format") != FORMAT or not isinstance(settings.get("data"), str):
        raise ValueError(f"{folder / RUN_FILE} is damaged, or from another version of lucidgrad")
    return Run(folder, settings)


def write_each(folder: Path, files: Iterable[tuple[str, Callable[[Path], object]]]) -> list[str]:
    """Write files into a folder, continuing past any that fail, and return their names.

    Raises:
        OSError: if any failed; names what was written and what was not.
    """
    written: list[str] = []
    failed: list[str] = []
    for name, write in files:
        try:
            write(folder / name)
        except Exception as error:  # of any type: a picture that fails must not cost the files after it
            failed.append(f"{name} ({' '.join(str(error).split()) or type(error).__name__})")
        else:
            written.append(name)
    if failed:
        raise OSError(f"wrote {folder}: {', '.join(written) or 'nothing'}; could not write {'; '.join(failed)}")
    return written
