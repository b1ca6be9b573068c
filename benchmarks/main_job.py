"""Time the main job as a user runs it: `python -m benchmarks.main_job EPOCHS` prints JSON.

`lucidgrad train digits` runs in a separate process and a temporary folder, timed from the start of the interpreter to
its end: it reads the data, trains the network, and writes the model, its history and its pictures.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from time import perf_counter

from benchmarks.measure import Numbers


def measure(epochs: str) -> Numbers:
    """Measure wall-clock seconds, and the accuracy on held-out images in percent."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nn", "train", "digits", "--epochs", epochs, "--quiet", "--runs", folder]
        start = perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
        seconds = perf_counter() - start
    match = re.search(r"held-out accuracy ([\d.]+)%", done.stdout)
    if match is None:
        raise SystemExit(f"no accuracy in what `lucidgrad train digits` printed:\n{done.stdout}")
    return {"seconds": seconds, "accuracy": float(match[1])}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
