"""The worker's Python, without a browser: messages in, messages out."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

import autograd
import nn
from autograd import Value
from playground.worker.messages import Worker

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that sends a message, and returns the last answer, with output under `printed`."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # restored after the test
    answers: list[dict[str, Any]] = []
    worker = Worker(lambda text: answers.append(json.loads(text)))

    def ask(kind: str, **fields: Any) -> dict[str, Any]:
        answers.clear()
        worker.handle(json.dumps({"id": 7, "kind": kind, **fields}))
        *output, last = answers
        assert {answer["kind"] for answer in output} <= {"output"}
        assert {answer["id"] for answer in answers} == {7}
        printed = {
            stream: "".join(answer["text"] for answer in output if answer["stream"] == stream)
            for stream in ("out", "err")
        }
        return {**last, "printed": printed}

    return ask


EXPRESSION = """
from autograd import Value
a = Value(2.0)
b = Value(-3.0)
c = a * b + a.exp()
c
"""


def test_a_program_shows_its_last_expression_with_variables_as_names(ask: Ask) -> None:
    (item,) = ask("run", program=EXPRESSION)["items"]
    rows = {row["name"]: row for row in item["rows"]}
    assert {"a", "b", "c"} <= rows.keys()
    assert rows["c"]["data"] == -6 + math.exp(2)
    assert (rows["a"]["grad"], rows["b"]["grad"]) == (-3 + math.exp(2), 2.0)
    assert "<svg" in item["svg"]


def test_moving_a_leaf_moves_everything_that_follows_from_it(ask: Ask) -> None:
    (item,) = ask("run", program=EXPRESSION)["items"]
    leaf = next(slider["leaf"] for slider in item["sliders"] if slider["name"] == "a")
    rows = {row["name"]: row for row in ask("slide", graph=0, leaf=leaf, data=0.5)["rows"]}
    assert rows["c"]["data"] == -1.5 + math.exp(0.5)
    assert rows["a"]["grad"] == -3 + math.exp(0.5)
    assert rows["b"]["grad"] == 0.5
    other = next(slider["leaf"] for slider in item["sliders"] if slider["name"] == "b")
    rows = {row["name"]: row for row in ask("slide", graph=0, leaf=other, data=1.0)["rows"]}
    assert rows["c"]["data"] == 0.5 + math.exp(0.5)  # the first leaf keeps its new number
    explained = ask("explain", graph=0, leaf=leaf)
    assert explained["value"] == 1.0 + math.exp(0.5)
    assert "\\frac" in explained["latex"]
    assert "def forward" in ask("source", graph=0)["source"]
    steps = ask("steps", graph=0)
    assert steps["steps"][0]["phase"] == "forward"
    assert len(steps["scenes"]) == 1


def test_an_undefined_value_is_said_and_the_numbers_stay(ask: Ask) -> None:
    (item,) = ask("run", program="from autograd import *\nx = Value(2.0)\nx.log()")["items"]
    answer = ask("slide", graph=0, leaf=item["sliders"][0]["leaf"], data=-1.0)
    assert answer["kind"] == "failure"
    assert re.match(r"log\(.*-1\.0\)", answer["message"])
    assert ask("slide", graph=0, leaf=item["sliders"][0]["leaf"], data=1.0)["rows"][-1]["data"] == 0.0


def test_gradients_are_the_users_where_there_are_any(ask: Ask) -> None:
    (item,) = ask("run", program=EXPRESSION.replace("\nc\n", "\nc.backward(); c.backward()\nc\n"))["items"]
    assert next(row for row in item["rows"] if row["name"] == "b")["grad"] == 4.0


def test_what_is_shown_is_as_it_was_then(ask: Ask) -> None:
    program = "from autograd import Value\nx = Value(1.0, 'x')\nshow(x * 2)\nx.data = 5.0\nshow(x * 2)\n"
    first, second = ask("run", program=program)["items"]
    assert [item["rows"][-1]["data"] for item in (first, second)] == [2.0, 10.0]


@pytest.mark.parametrize(
    ("program", "line", "last"),
    [
        ("x = 1\ny = (2\n", 2, "SyntaxError: '(' was never closed"),
        ("from autograd import *\n\nlog(Value(-1.0))\n", 3, "ValueError: log("),
        ("def f(x):\n    return g(x)\ndef g(x):\n    return 1 / x\nf(0)\n", 4, "ZeroDivisionError: division by zero"),
        ("import nn\nnn.MLP(2, [1])([1.0])\n", 2, "ValueError: MLP expects 2 inputs, got 1"),
        ("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e\n", 4, "KeyError: 'k'"),
        ("def f():\n    f()\nf()\n", 2, "RecursionError: maximum recursion depth exceeded"),
        ("input()\n", 1, "EOFError: input() is not available"),
        ("class E(Exception):\n    def __str__(self):\n        return chr(0x1b) + '<b>'\nraise E\n", 4, "E: "),
    ],
)
def test_errors_are_pythons_at_the_users_line(ask: Ask, program: str, line: int, last: str) -> None:
    failure = ask("run", program=program)["failure"]
    assert failure["line"] == line
    assert failure["message"].startswith(last)
    files = [text for text in failure["text"].splitlines() if text.lstrip().startswith("File ")]
    assert files
    assert all('"program.py"' in text for text in files)


def test_leaving_is_no_error(ask: Ask) -> None:
    assert ask("run", program="raise SystemExit")["failure"] is None
    assert ask("run", program="import sys; sys.exit('no')")["failure"]["message"] == "SystemExit: no"


def test_prints_and_warnings_go_to_their_streams(ask: Ask) -> None:
    program = "import warnings, sys\nprint('a')\nwarnings.warn('careful')\nprint('b', file=sys.stderr)\n[1, 2]\n"
    answer = ask("run", program=program)
    assert answer["printed"]["out"] == "a\n[1, 2]\n"
    assert answer["printed"]["err"] == ("program.py:3: UserWarning: careful\n  warnings.warn('careful')\nb\n")
    assert answer["items"] == []


def test_a_million_prints_and_huge_graphs_are_cut_off(ask: Ask) -> None:
    answer = ask("run", program="for i in range(1_000_000):\n    print(i)\n")
    whole = sum(len(str(i)) + 1 for i in range(1_000_000))
    assert len(answer["printed"]["out"]) + answer["dropped"] == whole
    assert len(answer["printed"]["out"]) < 100_000
    program = "from autograd import Value\nx = Value(1.0)\nfor _ in range(100_000):\n    x = x + 1\nx\n"
    answer = ask("run", program=program)
    assert answer["items"] == []
    assert "more than 20,000 nodes" in answer["printed"]["out"]
    assert (
        len(ask("run", program="from autograd import Value\nfor i in range(50): show(Value(1.0) + i)")["items"]) == 20
    )


def test_everything_that_can_be_shown(ask: Ask) -> None:
    program = """
import autograd, nn
from autograd import Value
x, y = Value(1.0, "x"), Value(2.0, "y")
model = nn.MLP(2, [2, 1], seed=0)
show([x * y, x + y], model, model.layers[0], autograd.explain(x * y, x), autograd.compile(lambda a: a * a, 1.0),
     autograd.draw(x * y), autograd.step_through(x * y), nn.draw(model, [1.0, 2.0]), "text", {"a": 1})
"""
    answer = ask("run", program=program)
    assert answer["failure"] is None
    kinds = [item["kind"] for item in answer["items"]]
    assert kinds == ["graph", "picture", "picture", "derivation", "source", "picture", "picture", "picture"]
    assert answer["printed"]["out"] == "'text'\n{'a': 1}\n"


def test_groups_open_and_close(ask: Ask) -> None:
    program = "import nn\nm = nn.MLP(3, [4, 4, 1], seed=0)\nnn.half_squared_error(m([1.0, 2.0, 3.0]), 1.0)"
    (item,) = ask("run", program=program)["items"]
    closed = item["svg"].count('data-group="layers.0"')
    assert closed == 1
    before = "layers.0" in item["opened"]
    answer = ask("open", graph=0, group="layers.0")
    assert ("layers.0" in answer["opened"]) is not before
    again = ask("open", graph=0, group="layers.0")
    assert ("layers.0" in again["opened"]) is before
    assert ask("open", graph=0, group="nothing of the kind")["kind"] == "open"


SETTINGS = {"data": "moons", "count": 100, "layers": [8, 8], "activation": "tanh", "rate": 0.3, "batch": 10, "seed": 3}


@pytest.mark.parametrize("data", ["xor", "moons", "circles", "spiral"])
def test_training_is_nn_fit(ask: Ask, data: str) -> None:
    """With the same seed and samples, the weights are equal to the last digit."""
    settings = {**SETTINGS, "data": data}
    points = ask("network", settings=settings)["points"]
    state = ask("train", updates=40, seconds=1e9)
    model = nn.MLP(2, [8, 8, 1], "tanh", "identity", seed=3)
    inputs, targets = [[x, y] for x, y, _ in points], [label for *_, label in points]
    nn.fit(
        model, inputs, targets, loss=nn.binary_cross_entropy_with_logits, epochs=4, batch_size=10, seed=3,
        optimizer=nn.SGD(model.parameters(), 0.3), engine="eager", progress=False,
    )  # fmt: skip
    assert state["epoch"] == 4
    assert state["weights"] == [[[w.data for w in n.weights] for n in layer.neurons] for layer in model.layers]
    assert state["biases"] == [[n.bias.data for n in layer.neurons] for layer in model.layers]
    logits = nn.predict(model, inputs)[:, 0]
    assert state["accuracy"] == nn.accuracy(model, inputs, targets, threshold=0.0)
    losses = [nn.binary_cross_entropy_with_logits(float(z), t) for z, t in zip(logits, targets)]
    assert state["cost"] == pytest.approx(sum(map(float, losses)) / 100, rel=1e-12)
    boundary = ask("boundary", size=40)
    centres = [3 * ((2 * i + 1) / 40 - 1) for i in range(40)]
    expected = [
        autograd.sigmoid(float(z)) for z in nn.predict(model, [[x, -y] for y in centres for x in centres])[:, 0]
    ]
    assert boundary["probabilities"] == pytest.approx(expected, rel=1e-12)


def test_a_step_of_one_sample_shows_its_passes_and_learns_from_it_alone(ask: Ask) -> None:
    points = ask("network", settings=SETTINGS)["points"]
    model = nn.MLP(2, [8, 8, 1], "tanh", "identity", seed=3)
    answer = ask("sample")
    x, y, label = points[answer["passes"]["sample"]]
    cost = nn.binary_cross_entropy_with_logits(model([x, y]), label)
    cost.backward()
    assert answer["passes"]["cost"] == cost.data
    assert answer["passes"]["gradients"] == [
        [[w.grad for w in n.weights] for n in layer.neurons] for layer in model.layers
    ]
    assert answer["passes"]["deltas"] == [[n.bias.grad for n in layer.neurons] for layer in model.layers]
    nn.SGD(model.parameters(), 0.3).step()
    assert answer["weights"] == [[[w.data for w in n.weights] for n in layer.neurons] for layer in model.layers]


def test_a_neuron_opens_with_the_numbers_that_it_has(ask: Ask) -> None:
    ask("network", settings=SETTINGS)
    ask("train", updates=5, seconds=1e9)
    passes = ask("look", sample=11)["passes"]
    item = ask("neuron", layer=1, neuron=2)
    rows = {row["name"]: row for row in item["rows"]}
    assert rows["a2[2]"]["data"] == passes["activations"][2][2]
    assert rows["b2[2]"]["grad"] == passes["deltas"][1][2]
    assert [rows[f"w2[2, {k}]"]["grad"] for k in range(8)] == passes["gradients"][1][2]
    assert [rows[f"a1[{k}]"]["data"] for k in range(8)] == passes["activations"][1]


def test_bad_settings_are_refused_in_words(ask: Ask) -> None:
    for change, words in (
        ({"layers": [9]}, "1 to 8 neurons"),
        ({"layers": [1] * 5}, "up to 4 hidden layers"),
        ({"data": "own", "points": [[0, 0, 1], [1, 1, 1]]}, "both classes"),
        ({"data": "no"}, "unknown data set"),
        ({"activation": "no"}, "unknown activation"),
    ):
        answer = ask("network", settings={**SETTINGS, **change})
        assert answer["kind"] == "failure"
        assert words in answer["message"]


def test_infinite_numbers_travel_as_text(ask: Ask) -> None:
    (item,) = ask("run", program="from autograd import *\nx = Value(0.0)\nx.sqrt()")["items"]
    assert next(row for row in item["rows"] if row["name"] == "x")["grad"] == "inf"


def test_the_graph_shown_is_a_copy(ask: Ask) -> None:
    """Sliders do not change the program's Values."""
    program = "from autograd import Value\nx = Value(1.0)\ny = x * 2\ny"
    (item,) = ask("run", program=program)["items"]
    x = sys.modules["__main__"].__dict__["x"]
    ask("slide", graph=0, leaf=item["sliders"][0]["leaf"], data=9.0)
    assert isinstance(x, Value)
    assert (x.data, x.grad, x.label) == (1.0, 0.0, "")
