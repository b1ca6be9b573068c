"""The worker's end of the protocol (PROTOCOL.md): each JSON message has one or more JSON messages as its answer."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from typing import Any

from playground.worker.graph import LiveGraph
from playground.worker.network import Session
from playground.worker.output import Budget, Output
from playground.worker.program import failure_of, run
from playground.worker.shown import Shown

Send = Callable[[str], Any]


class Worker:
    """The state between messages: the graphs of the last program, and the network.

    Args:
        send: sends a message to the page, as JSON.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._graphs: list[LiveGraph] = []
        self._session: Session | None = None

    def handle(self, text: str) -> None:
        """Answer one message; the answer has the same `id`."""
        message = json.loads(text)
        answer = getattr(self, f"_{message['kind']}".replace("-", "_"))
        try:
            result = {"kind": message["kind"], **answer(message)}
        except Exception as error:
            failure = failure_of(error)
            result = {"kind": "failure", "message": str(error) or failure.message}
        self._post({"id": message["id"], **result})

    def _post(self, message: dict[str, Any]) -> None:
        self._send(json.dumps(_finite(message)))

    # Programs

    def _run(self, message: dict[str, Any]) -> dict[str, Any]:
        budget = Budget()
        out, err = (self._stream(message["id"], name, budget) for name in ("out", "err"))
        shown = Shown(lambda: sys.modules["__main__"].__dict__, out.write)
        failure = run(message["program"], shown.show, out, err)
        self._graphs = shown.graphs
        out.flush()
        items = [item for item in shown.items if item["kind"] != "nothing"]
        for item in items:
            if item["kind"] == "graph":
                item.update(self._graphs[item["graph"]].picture())
        return {"items": items, "dropped": budget.dropped, "failure": failure and failure._asdict()}

    def _stream(self, number: Any, name: str, budget: Budget) -> Output:
        return Output(lambda text: self._post({"id": number, "kind": "output", "stream": name, "text": text}), budget)

    def _slide(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._graph(message).slide(message["leaf"], float(message["data"]))

    def _open(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._graph(message).open(message["group"])

    def _steps(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._graph(message).steps()

    def _explain(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._graph(message).explain(message["leaf"])

    def _source(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._graph(message).source()

    def _graph(self, message: dict[str, Any]) -> LiveGraph:
        number: int = message["graph"]
        return self._graphs[number]

    # Networks

    def _network(self, message: dict[str, Any]) -> dict[str, Any]:
        self._session = Session(message["settings"])
        return self._session.state()

    def _train(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._now().train(message["updates"], message["seconds"])

    def _sample(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._now().step_one_sample()

    def _look(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._now().look_at(message["sample"])

    def _boundary(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._now().boundary(message["size"])

    def _neuron(self, message: dict[str, Any]) -> dict[str, Any]:
        self._graphs = [self._now().neuron(message["layer"], message["neuron"])]
        return {"graph": 0, **self._graphs[0].picture()}

    def _now(self) -> Session:
        if self._session is None:
            raise ValueError("there is no network yet")
        return self._session


def _finite(thing: Any) -> Any:
    """Replace inf and nan, which JSON does not have, by texts."""
    if isinstance(thing, float) and not math.isfinite(thing):
        return str(thing)
    if isinstance(thing, dict):
        return {key: _finite(x) for key, x in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_finite(x) for x in thing]
    return thing
