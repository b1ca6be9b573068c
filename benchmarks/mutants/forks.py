"""Run jobs in forks of a process, with limits of time and memory."""

from __future__ import annotations

import mmap
import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

LONGEST = 120  # CPU seconds, for mutants that never end
MOST_MEMORY = 6 * 2**30  # bytes, for mutants that allocate without end
KILLED, SURVIVED, ELSEWHERE = 1, 0, 77  # exit statuses of a fork; ELSEWHERE: the mutant changes no function


class Running:
    """The name of the test that runs in a fork, in memory that is shared with it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1024)

    @property
    def test(self) -> str:
        return self._memory[:].rstrip(b"\0").decode(errors="ignore")

    @test.setter
    def test(self, name: str) -> None:
        self._memory[:] = name.encode()[:1024].ljust(1024, b"\0")


def answer(job: Callable[[], Any]) -> Any:
    """Run a job in a fork; return its result."""
    read, write = os.pipe()

    def send() -> int:
        os.close(read)
        with os.fdopen(write, "wb") as stream:
            pickle.dump(job(), stream)
        return 0

    pid = start(send, 30 * LONGEST)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        sent = stream.read()
    if os.waitpid(pid, 0)[1]:
        raise SystemExit("the tests fail without a mutant")
    return pickle.loads(sent)


def run_in_fork(job: Callable[[], int], seconds: float) -> int:
    """Run a job in a fork; return its exit status, or KILLED after this time."""
    status = os.waitpid(start(job, seconds), 0)[1]
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else KILLED


def start(job: Callable[[], int], seconds: float) -> int:
    """Fork, and run a job there, limited to this many CPU seconds, and to a wall-clock time if it blocks."""
    pid = os.fork()
    if not pid:
        status = KILLED
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
            signal.setitimer(signal.ITIMER_PROF, seconds)
            signal.alarm(100 * LONGEST)
            status = job()
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(status)
    return pid


def silence(*streams: int) -> None:
    with Path(os.devnull).open("w") as nowhere:
        for stream in streams:
            os.dup2(nowhere.fileno(), stream)
