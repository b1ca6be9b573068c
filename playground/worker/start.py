"""Take over from the worker's JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.drawing import use_layout
from playground.worker.messages import Worker


def start(layout: Callable[[str], str], send: Callable[[str], Any]) -> Callable[[str], None]:
    """Take the browser's Graphviz for layouts; gives the function that answers messages."""
    import tqdm

    import nn

    tqdm.tqdm.monitor_interval = 0  # of a thread, and there are none
    use_layout(layout)
    assert nn  # imported now, so that the first program need not wait for it
    return Worker(send).handle
