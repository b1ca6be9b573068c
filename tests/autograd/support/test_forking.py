"""A forked process can continue, whatever its parent's other threads were doing."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

FORK = """
import os, sys, threading
import autograd
from autograd import Value

def work():
    while not stop.is_set():
        autograd.draw(Value(2.0) * 3).svg
        rounds.release()

stop, rounds = threading.Event(), threading.Semaphore(0)
thread = threading.Thread(target=work)
thread.start()
for _ in range(5):
    rounds.acquire()  # it is at work
    pid = os.fork()
    if pid == 0:
        os._exit("</svg>" not in autograd.draw(Value(2.0) * 3).svg)
    print(os.waitpid(pid, 0)[1])
stop.set()
thread.join()
"""

FIRST_USE = """
import os, threading
import autograd
from autograd import Value
from autograd.support.forking import across_forks

def work():
    with across_forks:  # as the import of what draws does
        entered.set()
        leave.wait()

entered, leave = threading.Event(), threading.Event()
thread = threading.Thread(target=work)
thread.start()
entered.wait()
threading.Timer(0.0, leave.set).start()
pid = os.fork()
if pid == 0:
    os._exit(not autograd.draw(Value(2.0) * 3).svg)
print(os.waitpid(pid, 0)[1])
thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system knows no fork")
@pytest.mark.parametrize("source", [FORK, FIRST_USE], ids=["while a thread draws", "while a thread imports"])
def test_a_child_draws_whatever_threads_its_parent_has(source: str, run_python: Callable[..., str]) -> None:
    printed = run_python("import warnings; warnings.simplefilter('ignore')\n" + source).split()
    assert printed
    assert {*printed} == {"0"}
