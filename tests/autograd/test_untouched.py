"""Compiling never changes the user's numbers: not for other threads, not in a retrace, not after an interrupt."""

from __future__ import annotations

import copy
import pickle
import signal
import threading
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

import autograd
import nn
from autograd import Value, compile, recording

SLOT = vars(Value)["data"]


class Watched:
    """A function of Values that lets another thread look at them each time it runs."""

    def __init__(self, values: list[Value], look: Callable[[Value], Any]) -> None:
        self.values, self.look, self.seen, self.own = values, look, [], []  # type: ignore[var-annotated]

    def __call__(self, x: Any) -> Any:
        thread = threading.Thread(target=lambda: self.seen.append([self.look(value) for value in self.values]))
        thread.start()
        thread.join()
        self.own.append([value.data for value in self.values])
        return autograd.sum([value * x for value in self.values])


LOOKS: dict[str, Callable[[Value], Any]] = {
    "data": lambda value: value.data,
    "type": type,
    "class": lambda value: value.__class__,
    "repr": repr,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)).data,
    "copy": lambda value: copy.deepcopy(value).data,
    "eager": lambda value: (value * 3.0).data,
    "backward": lambda value: autograd.grad(lambda x: x * value)(1.0).data,  # type: ignore[attr-defined]
    "getattr": lambda value: SLOT.__get__(value),
}


@pytest.mark.parametrize("look", LOOKS)
def test_another_thread_sees_the_true_numbers_at_any_moment(look: str) -> None:
    values = [Value(1.5, "a"), Value(-2.0, "b"), Value(0.0)]
    expected = [LOOKS[look](value) for value in values]
    f = Watched(values, LOOKS[look])
    compile(f, 1.0)
    assert len(f.seen) > 1
    assert all(seen == expected for seen in f.seen)
    assert any(own != f.own[0] for own in f.own[1:])  # the function itself saw others
    assert [value.data for value in values] == [1.5, -2.0, 0.0]


def test_two_threads_compile_functions_of_the_same_model() -> None:
    """Meanwhile a third thread reads, pickles and computes."""
    w = Value(2.0)
    done = threading.Event()
    wrong: list[Any] = []

    def f(x: Any) -> Any:
        y = x
        for _ in range(60):
            y = y * w * 0.5 + 0.1
        return y

    def watch() -> None:
        looks = (lambda: w.data, lambda: pickle.loads(pickle.dumps(w)).data, lambda: (w * 1.0).data)
        while not done.is_set():
            wrong.extend(seen for look in looks if (seen := look()) != 2.0)

    programs: list[Any] = []
    watcher = threading.Thread(target=watch)
    compilers = [threading.Thread(target=lambda: programs.extend(compile(f, 1.0) for _ in range(2))) for _ in range(2)]
    for thread in [watcher, *compilers]:
        thread.start()
    for thread in compilers:
        thread.join()
    done.set()
    watcher.join()
    assert not wrong and w.data == 2.0
    assert len(programs) == 4
    expected = f(Value(0.25)).data
    assert all(program(0.25) == pytest.approx(expected, rel=1e-14) for program in programs)


def test_files_that_another_thread_saves_hold_the_true_numbers(tmp_path: Path) -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    expected = model.state_dict()
    saved = []

    def f(x: Any) -> Any:
        def save() -> None:
            nn.save(model, tmp_path / "model.safetensors")
            saved.append(nn.load(tmp_path / "model.safetensors").state_dict())

        thread = threading.Thread(target=save)
        thread.start()
        thread.join()
        return model([x, x])

    compile(f, 1.0)
    assert len(saved) > 1
    assert all(state == expected for state in saved)


def test_what_a_function_sets_when_it_runs_again_is_seen_by_itself_alone() -> None:
    """An update inside a function is an example: the first run takes effect, the later runs of the trace do not."""
    w = Value(1.0)
    seen = []

    def f(x: Any) -> Any:
        w.data = w.data * 2.0
        seen.append(w.data)
        return w * x

    compile(f, 1.0)
    assert w.data == 2.0  # as after one call
    assert seen[0] == 2.0 and len(set(seen)) == len(seen) > 1


def test_an_error_when_it_runs_again_changes_nothing() -> None:
    w = Value(1.0)
    runs = []

    def f(x: Any) -> Any:
        runs.append(w.data)
        if len(runs) > 1:
            raise LookupError("not there")
        return w * x

    with pytest.raises(LookupError, match="not there"):
        compile(f, 1.0)
    assert w.data == 1.0 and len(runs) > 1
    assert vars(Value)["data"] is SLOT


class Doubled(Value):
    """A Value with another definition of `data`."""

    __slots__ = ("half",)

    @property
    def data(self) -> float:
        return 2 * self.half

    @data.setter
    def data(self, number: float) -> None:
        self.half: float = number / 2


class Slotted(Value):
    __slots__ = ("data",)


class Unhashable(Value):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True


@pytest.mark.parametrize("kind", [Doubled, Slotted])
def test_subclasses_with_a_number_of_their_own(kind: type[Value]) -> None:
    own, w = vars(kind)["data"], kind(3.0)
    program = compile(lambda x: w * x, 2.0)
    assert w.data == 3.0 and program(5.0) == 15.0
    with pytest.raises(ValueError, match="froze a number"):
        compile(lambda x: w * x + w.data, 2.0)
    assert w.data == 3.0 and vars(kind)["data"] is own


def test_values_that_cannot_be_hashed_are_read_meanwhile() -> None:
    other, w = Unhashable(4.0), Value(1.0)
    seen = []

    def f(x: Any) -> Any:
        seen.append(other.data)
        return w * x

    compile(f, 2.0)
    assert seen[0] == other.data == 4.0


def test_compiling_inside_a_function_that_is_compiled() -> None:
    w = Value(1.5)
    inner_runs: list[float] = []

    def inner(x: Any) -> Any:
        inner_runs.append(w.data)
        return w * x

    def outer(x: Any) -> Any:
        compile(inner, 1.0)
        return w * x * 2.0

    assert compile(outer, 1.0)(3.0) == 9.0
    assert w.data == 1.5 and len(set(inner_runs)) > 2


# Loops that never end for other numbers


def _grad(f: Callable[[Any], Any], x: Any) -> Any:
    return autograd.grad(f)(x)


def _hessian(f: Callable[[Any], Any], x: Any) -> Any:
    return autograd.hessian(f)(x)


def _nested(f: Callable[[Any], Any], x: Any) -> Any:
    return autograd.grad(autograd.grad(f))(x)


def _jvp(f: Callable[[Any], Any], x: Any) -> Any:
    return autograd.jvp(f, (x,), (1.0,))[1]


def _without_graph(f: Callable[[Any], Any], x: Any) -> Any:
    with autograd.no_grad():
        f(x)
    return x


def _compiled(f: Callable[[Any], Any], x: Any) -> Any:
    compile(f, x.data)
    return x


@pytest.mark.parametrize("transform", [_grad, _hessian, _nested, _jvp, _without_graph, _compiled])
@pytest.mark.parametrize("w", [1.0, None])
def test_a_loop_that_would_never_end_is_refused(transform: Any, w: float | None) -> None:
    weight = None if w is None else Value(w)

    def inner(x: Any) -> Any:
        while x.data < 2.0:
            x = x + (x if weight is None else x * weight).tanh()
        return x

    with pytest.raises(ValueError, match="different operations"):
        compile(lambda x: transform(inner, x), 1.5)
    assert weight is None or weight.data == w
    assert recording.paused.get() is False and recording.tracer.get() is None


# Interrupts


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError, SystemExit])
@pytest.mark.parametrize("run", [0, 1, 2, 5])
def test_an_interrupt_of_any_run_changes_nothing(kind: type[BaseException], run: int) -> None:
    w = [Value(1.0), Value(-2.0)]
    runs = []

    def f(x: Any) -> Any:
        runs.append([v.data for v in w])
        if len(runs) == run + 1:
            raise kind
        return w[0] * x + w[1]

    with pytest.raises(kind):
        compile(f, 1.0)
    assert [v.data for v in w] == [1.0, -2.0]
    assert recording.paused.get() is False and recording.tracer.get() is None
    assert vars(Value)["data"] is SLOT


def test_a_real_signal_while_a_function_runs_again() -> None:
    w = Value(1.0)
    runs = []

    def f(x: Any) -> Any:
        runs.append(w.data)
        if len(runs) == 2:
            signal.raise_signal(signal.SIGINT)
        return w * x

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background processes may ignore the signal
    try:
        with pytest.raises(KeyboardInterrupt):
            compile(f, 1.0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert w.data == 1.0


def test_a_property_that_was_left_behind_gives_the_true_numbers_and_goes_at_the_next_read() -> None:
    from autograd.overriding import Overriding

    w = Value(1.0)
    overriding = Overriding([w])
    overriding.begin()
    assert vars(Value)["data"] is not SLOT
    assert w.data == 1.0 and overriding.run([5.0], float, lambda: w.data) == 5.0
    del overriding  # as an interrupt drops the frames that hold it
    assert w.data == 1.0
    assert vars(Value)["data"] is SLOT


def test_what_a_function_sets_in_its_context_stays_there() -> None:
    level: ContextVar[float] = ContextVar("level", default=1.0)
    w = Value(1.0)

    def f(x: Any) -> Any:
        level.set(7.0)
        return w * x

    compile(f, 1.0)
    assert level.get() == 1.0
