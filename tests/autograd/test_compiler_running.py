"""The form in which a source runs computes what the source says, and puts it where it is asked to."""

from __future__ import annotations

import traceback
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autograd.compiler.running import running_form
from autograd.compiler.targets.kernels import HELPERS

Array = NDArray[Any]

RESULTS = {
    "a product": "d.T @ x",
    "a product times a number": "2 * (d.T @ x)",
    "a sum over samples": "d.sum(axis=0)",
    "a sum over samples and rows": "d.reshape(n, 2, 2).sum(axis=0)",
    "a sum over samples of what is square": "(d.reshape(n, 2, 2) * 0.5).sum(axis=0)",
    "a negative number": "(-0.25 * d).sum(axis=1, keepdims=True).sum(axis=0)",
    "numbers on either side": "(1 - d) * 3 / (2 + d) - 0.5",
    "one row for all": "(d * x[0:1, 0:4]).sum(axis=1, keepdims=True)",
    "sums of products": "(d * d).sum(axis=1, keepdims=True)",
    "a power": "d ** 2 + d ** -2",
    "a condition": "1 * (d > 0) - 1.0 * (d < 0.5)",
    "counted samples": "broadcast_to(d.reshape(n * 2, 2), (2, n * 2, 2))",
    "a name": "d",
    "nothing": "0.0",
    "numbers that are no floats": "inf * d + nan",
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("text", RESULTS.values(), ids=RESULTS)
def test_the_running_form_computes_what_the_source_does(text: str, contiguous: bool, dtype: str) -> None:
    """Also beside a result that is always zero, whose place has no name in the source."""
    source = f"def backward(x, d):\n    n = len(x)\n    nabla = {text}\n    return (0.0, 0.0, 0.0, nabla)\n"
    chance = np.random.default_rng(0)
    x, d = (chance.normal(size=(5, width)).astype(dtype) for width in (6, 4))
    plain: dict[str, Any] = dict(HELPERS)
    exec(source, plain)
    expected = np.asarray(plain["backward"](x, d)[-1])

    tree, numbers = running_form(source, np.dtype(dtype))
    running: dict[str, Any] = {**HELPERS, **numbers}
    exec(compile(tree, "source", "exec"), running)
    wide = np.full((*expected.shape[:-1], 2 * expected.shape[-1]) if expected.shape else (2,), 7.0, dtype)
    place = np.full(expected.shape, 7.0, dtype) if contiguous else wide[..., ::2] if expected.shape else wide[0:1]
    zeros = [np.full(3, 7.0, dtype) for _ in range(3)]
    running["backward"](x, d, *zeros, place)
    tolerance = 1e-13 if dtype == "float64" else 1e-5
    largest = float(np.abs(expected).max())  # terms that cancel leave an error of their size, on some processors
    np.testing.assert_allclose(place, np.broadcast_to(expected, place.shape), rtol=tolerance, atol=tolerance * largest)
    assert not np.any(zeros)
    assert contiguous or not expected.shape or (wide[..., 1::2] == 7.0).all()


def test_lines_keep_their_places() -> None:
    source = "def backward(x, d):\n    n = len(x)\n\n    nabla = (\n        d.T @ x\n    )\n    return (nabla,)\n"
    tree, numbers = running_form(source, np.dtype("float64"))
    running: dict[str, Any] = {**HELPERS, **numbers}
    exec(compile(tree, "source", "exec"), running)
    with pytest.raises(ValueError, match="size 5 is different from 4") as caught:
        running["backward"](np.ones((5, 6)), np.ones((4, 4)), np.empty((4, 6)))
    (line,) = [frame.lineno for frame in traceback.extract_tb(caught.value.__traceback__) if frame.filename == "source"]
    assert line in (4, 5)
