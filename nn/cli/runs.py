"""The folder of a run: made and tested before the training, and what is in it at every moment of it.

While a run is not finished its folder holds `run.json`, which says how it was started, and after the first epoch
`checkpoint.safetensors`; from these two `lucidgrad train --resume` goes on. Both are removed once all results are
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
    """A folder, and how its run was started.

    Attributes:
        settings: what JSON can hold.
    """

    folder: Path
    settings: Mapping[str, Any]

    @property
    def checkpoint(self) -> Path:
        """The state after the last epoch that was completed."""
        named = self.settings.get("checkpoint")
        return self.folder / CHECKPOINT_FILE if named is None else Path(named)

    @property
    def resume_command(self) -> str:
        """Return the command that resumes a run."""
        return f"lucidgrad train --resume {self.folder}"

    def finish(self) -> None:
        """Remove what a run needs to go on."""
        (self.folder / RUN_FILE).unlink(missing_ok=True)
        self.checkpoint.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Remove a folder in which nothing was learned, and the one around it, if that is then empty."""
        with contextlib.suppress(OSError):
            (self.folder / RUN_FILE).unlink(missing_ok=True)
            self.folder.rmdir()
            self.folder.parent.rmdir()


def begin(runs: Path, name: str, settings: Mapping[str, Any]) -> Run:
    """Make the first of the folders `runs/name-1`, `runs/name-2`, ... that is not there yet, and write `run.json`.

    Raises:
        OSError: if it cannot be made or written to, or where the disk is nearly full.
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
            raise OSError(f"{runs} has {free / 2**20:.1f} MB left on its disk, and a run needs {LEAST_SPACE >> 20} MB")
        _write(run)
    except BaseException:
        run.abandon()
        raise
    return run


def _write(run: Run) -> None:
    text = json.dumps({"format": FORMAT, **run.settings}, indent=1, ensure_ascii=False)
    write_atomically(run.folder / RUN_FILE, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def reopen(folder: Path) -> Run | None:
    """The run of a folder that is to go on; None where it is finished.

    Raises:
        ValueError: where it is no folder of a run, or its file is damaged.
        OSError: if it cannot be read.
    """
    if (folder / MODEL_FILE).exists() and not (folder / RUN_FILE).exists():
        (folder / CHECKPOINT_FILE).unlink(missing_ok=True)  # of a run that was ended while it removed these two
        return None
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder of a run; such are made in the folder that --runs names")
    try:
        settings = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{folder} has no {RUN_FILE}, so there is nothing to go on with") from None
    except ValueError as error:
        raise ValueError(f"{folder / RUN_FILE} is damaged: {error}") from None
    if not isinstance(settings, dict) or settings.get("format") != FORMAT or not isinstance(settings.get("data"), str):
        raise ValueError(f"{folder / RUN_FILE} is damaged, or of another version of lucidgrad")
    return Run(folder, settings)


def write_each(folder: Path, files: Iterable[tuple[str, Callable[[Path], object]]]) -> list[str]:
    """Write files into a folder, the later ones even where one before them fails; gives their names.

    Raises:
        OSError: naming what was written and what was not.
    """
    written: list[str] = []
    failed: list[str] = []
    for name, write in files:
        try:
            write(folder / name)
        except Exception as error:  # of whatever kind: a picture that fails must not cost the files after it
            failed.append(f"{name} ({' '.join(str(error).split()) or type(error).__name__})")
        else:
            written.append(name)
    if failed:
        raise OSError(f"wrote {folder}: {', '.join(written) or 'nothing'}; could not write {'; '.join(failed)}")
    return written
