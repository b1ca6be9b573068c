"""The entry point for the worker's JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.drawing import use_layout
from playground.worker.messages import Worker


def start(layout: Callable[[str], str], send: Callable[[str], Any]) -> Callable[[str], None]:
    """Use the browser's Graphviz for layouts, and return the function that answers messages."""
    import tqdm

    import nn

    tqdm.tqdm.monitor_interval = 0  # the browser has no threads for a monitor
    use_layout(layout)
    assert nn  # imported early, so that the first program does not wait for it
    return Worker(send).handle
