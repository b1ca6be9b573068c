"""no_grad: no graph is recorded inside it, only for the thread or asyncio task that is in the block."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import gc
import inspect
import operator
import random
import sys
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value, no_grad, recording


def records() -> bool:
    """Tell whether arithmetic records a graph here and now."""
    x = Value(2.0)
    nodes = [x * x, x.exp(), -x, autograd.sum([x, x]), autograd.dot([x], [x]), autograd.maximum(x, 1.0)]
    recorded = [bool(node.parents) for node in nodes]
    assert len({*recorded}) == 1, "all operations together, or none"
    return recorded[0]


def test_no_graph_is_recorded_inside_no_grad() -> None:
    assert records()
    with no_grad():
        assert not records()
        product = Value(2.0) * 3
    assert (product.data, product.parents, product.is_constant) == (6.0, (), True)
    assert records()


def test_no_grad_nests() -> None:
    with no_grad():
        with no_grad():
            assert not records()
        assert not records()
    assert records()


def test_no_grad_ends_with_an_exception() -> None:
    with pytest.raises(ValueError, match="from inside"), no_grad():
        raise ValueError("from inside")
    assert records()


def test_no_grad_is_a_decorator_too() -> None:
    @no_grad()
    def evaluate() -> bool:
        return records()

    assert [evaluate(), records(), evaluate(), records()] == [False, True, False, True]


def test_leaves_made_inside_no_grad_are_leaves() -> None:
    with no_grad():
        x = Value(2.0)
    assert not x.is_constant
    assert (x * x).parents[0] is x


def test_a_graph_made_before_can_go_backward_inside_no_grad() -> None:
    x = Value(2.0)
    y = x * x
    with no_grad():
        y.backward()
    assert x.grad == 4.0


def run_in_thread(work: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    (result,) = results
    return result


def test_another_thread_records_while_this_one_does_not() -> None:
    with no_grad():
        assert run_in_thread(records)
        assert not records()


def test_this_thread_records_while_another_one_does_not() -> None:
    entered, leave = threading.Event(), threading.Event()
    seen: list[bool] = []

    def work() -> None:
        with no_grad():
            seen.append(records())
            entered.set()
            leave.wait()
        seen.append(records())

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait()
    here = records()
    leave.set()
    thread.join()
    assert here
    assert seen == [False, True]


def test_another_asyncio_task_records_while_this_one_does_not() -> None:
    async def without_graph(entered: asyncio.Event, leave: asyncio.Event) -> bool:
        with no_grad():
            entered.set()
            await leave.wait()
            return records()

    async def with_graph(entered: asyncio.Event, leave: asyncio.Event) -> bool:
        await entered.wait()
        recorded = records()
        leave.set()
        return recorded

    async def both() -> list[bool]:
        entered, leave = asyncio.Event(), asyncio.Event()
        return list(await asyncio.gather(without_graph(entered, leave), with_graph(entered, leave)))

    assert asyncio.run(both()) == [False, True]


def test_a_task_that_outlives_the_block_it_began_in_does_not_depend_on_other_threads() -> None:
    """A new task inherits the context; whether it records must not depend on a no_grad block elsewhere."""

    def inherited() -> contextvars.Context:
        with no_grad():
            return contextvars.copy_context()

    alone = inherited().run(records)
    with no_grad():
        beside_another_block = run_in_thread(lambda: inherited().run(records))
    assert alone == beside_another_block


# Decorated functions of every kind


def test_decorated_generators_do_not_record_and_whoever_iterates_does() -> None:
    @no_grad()
    def steps(first: bool) -> Iterator[bool]:
        """Documented."""
        yield first
        yield records()
        yield records()

    assert inspect.isgeneratorfunction(steps)
    assert (steps.__name__, steps.__doc__) == ("steps", "Documented.")
    assert [(inside, records()) for inside in steps(False)] == [(False, True)] * 3


def test_decorated_generators_pass_on_what_is_sent_thrown_and_returned() -> None:
    log: list[Any] = []

    @no_grad()
    def echo() -> Any:
        try:
            while True:
                try:
                    log.append((yield len(log)))
                except KeyError as error:
                    log.append(error.args[0])
                assert not records()
                if log[-1] == "end":
                    return "result"
        finally:
            log.append("closed")
            assert not records()

    def outer() -> Any:
        return (yield from echo())

    generator = outer()
    assert next(generator) == 0
    assert generator.send("a") == 1
    assert generator.throw(KeyError("b")) == 2
    assert records()
    with pytest.raises(StopIteration) as ended:
        generator.send("end")
    assert ended.value.value == "result"
    assert log == ["a", "b", "end", "closed"]

    log.clear()
    generator = outer()
    next(generator)
    with pytest.raises(ValueError, match="not handled"):
        generator.throw(ValueError("not handled"))
    assert log == ["closed"]
    log.clear()
    generator = outer()
    next(generator)
    generator.close()
    assert log == ["closed"]
    log.clear()
    generator = outer()
    next(generator)
    del generator
    gc.collect()
    assert log == ["closed"]
    assert records()


def test_decorated_coroutines_do_not_record() -> None:
    @no_grad()
    async def evaluate(x: int) -> tuple[int, bool, bool]:
        before = records()
        await asyncio.sleep(0)
        return x, before, records()

    async def main() -> Any:
        task = asyncio.create_task(evaluate(1))
        awaited = await evaluate(2)
        return await task, awaited, await asyncio.gather(evaluate(3), evaluate(4)), records()

    assert inspect.iscoroutinefunction(evaluate)
    expected = [(x, False, False) for x in (1, 2, 3, 4)]
    assert asyncio.run(main()) == (expected[0], expected[1], expected[2:], True)


def test_a_decorated_coroutine_that_is_driven_by_hand_leaves_its_driver_alone() -> None:
    class Pause:
        def __await__(self) -> Generator[str, None, None]:
            yield "paused"

    @no_grad()
    async def evaluate() -> bool:
        await Pause()
        return records()

    coroutine = evaluate()
    assert coroutine.send(None) == "paused"
    assert records()
    with pytest.raises(StopIteration) as ended:
        coroutine.send(None)
    assert ended.value.value is False
    assert records()


def test_a_decorated_coroutine_can_be_cancelled() -> None:
    seen: list[bool] = []

    @no_grad()
    async def evaluate() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            seen.append(records())

    async def main() -> bool:
        task = asyncio.create_task(evaluate())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return records()

    assert asyncio.run(main())
    assert seen == [False]


def test_decorated_asynchronous_generators_do_not_record_and_whoever_iterates_does() -> None:
    closed: list[bool] = []

    @no_grad()
    async def steps() -> AsyncIterator[Any]:
        try:
            sent = yield records()
            await asyncio.sleep(0)
            try:
                yield sent, records()
            except KeyError:
                yield "caught", records()
            yield "more"
        finally:
            closed.append(records())

    async def main() -> list[Any]:
        seen: list[Any] = [(inside, records()) async for inside in steps()]
        generator: Any = steps()
        seen.append(await anext(generator))
        seen.append(await generator.asend("sent"))
        seen.append(await generator.athrow(KeyError("x")))
        seen.append(records())
        await generator.aclose()
        return seen

    assert inspect.isasyncgenfunction(steps)
    seen = asyncio.run(main())
    assert seen == [
        *((False, True), ((None, False), True), ("more", True)),
        *(False, ("sent", False), ("caught", False), True),
    ]
    assert closed == [False, False]


def test_decorated_functions_that_return_something_lazy() -> None:
    """Another decorator may have made the result: the code that runs later belongs to the function, too."""

    def generator() -> Iterator[bool]:
        yield records()

    async def coroutine() -> bool:
        return records()

    async def async_generator() -> AsyncIterator[bool]:
        yield records()

    async def main() -> list[bool]:
        lazily: Any = no_grad()(lambda: coroutine())
        results = [await lazily(), await asyncio.create_task(lazily())]
        lazily = no_grad()(lambda: async_generator())
        return results + [item async for item in lazily()]

    assert list(no_grad()(lambda: generator())()) == [False]
    assert list(no_grad()(functools.partial(generator))()) == [False]
    assert list(no_grad()(lambda: map(operator.call, [records, records]))()) == [False, False]
    assert list(no_grad()(lambda: filter(lambda _: not records(), [1, 2]))()) == [1, 2]
    assert list(no_grad()(lambda: (records() for _ in [1, 2]))()) == [False, False]
    assert asyncio.run(main()) == [False, False, False]
    assert records()


def test_decorated_methods() -> None:
    class Network:
        @no_grad()
        def method(self) -> tuple[bool, Any]:
            return records(), self

        @no_grad()
        @staticmethod
        def static_below() -> bool:
            return records()

        @staticmethod
        @no_grad()
        def static_above() -> bool:
            return records()

        @no_grad()
        @classmethod
        def of_class(cls) -> tuple[bool, type]:
            return records(), cls

        @property
        @no_grad()
        def attribute(self) -> bool:
            return records()

        @no_grad()
        def __call__(self) -> bool:
            return records()

    network = Network()
    assert network.method() == (False, network)
    assert network.static_below() is Network.static_above() is False
    assert network.of_class() == (False, Network)
    assert network.attribute is network() is no_grad()(network)() is False
    assert records()


def test_classes_and_what_cannot_be_called_are_not_decorated() -> None:
    decorate: Any = no_grad()
    with pytest.raises(TypeError, match=r"no_grad\(\) decorates functions, got the class Model; decorate the methods"):

        @decorate
        class Model:
            pass

    for thing in (None, 3, property(lambda self: 0), "f"):
        with pytest.raises(TypeError, match=r"no_grad\(\) decorates functions, got "):
            decorate(thing)


def test_a_decorated_function_may_call_itself_and_run_in_many_threads() -> None:
    @no_grad()
    def down(n: int) -> bool:
        return records() or (n > 0 and down(n - 1))

    assert not down(5)
    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(down, [5] * 40))
    assert records()


def test_one_no_grad_can_be_entered_again_and_inside_itself() -> None:
    block = no_grad()
    with block:
        with block:
            assert not records()
        assert not records()
    assert records()
    with block:
        assert not records()
    assert records()


# Generators that enter a block


def test_a_block_in_a_context_manager_of_ones_own_holds_in_a_generator_while_it_runs() -> None:
    class Inference:
        def __enter__(self) -> None:
            self.block = no_grad()
            self.block.__enter__()

        def __exit__(self, *error: object) -> None:
            self.block.__exit__(*error)

    x = Value(2.0)

    def steps() -> Iterator[bool]:
        with Inference():
            yield bool((x * x).parents)
            yield bool((x * x).parents)
        yield bool((x * x).parents)

    with Inference():
        assert not (x * x).parents
    seen = []
    for recorded in steps():
        seen.append(recorded)
        assert (x * x).parents
    assert seen == [False, False, True]


@pytest.fixture
def inference() -> Iterator[None]:
    with no_grad():
        yield


def test_a_block_in_a_fixture_holds_for_the_test(inference: None) -> None:
    assert not (Value(2.0) * 3.0).parents


def test_a_generator_suspended_in_a_block_does_not_leave_its_caller_in_it() -> None:
    def steps() -> Generator[bool, None, None]:
        with no_grad():
            yield records()
            yield records()
        yield records()

    assert [(inside, records()) for inside in steps()] == [(False, True), (False, True), (True, True)]
    generator = steps()
    next(generator)
    assert records()
    with no_grad():
        assert not next(generator)
        assert not records()
    assert records()
    generator.close()
    assert records()


def test_blocks_of_generators_and_their_callers_may_overlap_in_any_order() -> None:
    def steps() -> Generator[None, None, None]:
        with no_grad():
            assert not records()
            yield
            assert not records()
        yield

    first, second = steps(), steps()
    next(first)
    next(second)
    next(first)  # leaves its block while the second one's is still open
    assert records()
    with no_grad():
        next(second)  # leaves its block inside the caller's
        assert not records()
        third = steps()
        next(third)
        assert not records()
    assert records()
    next(third)
    assert records()
    for generator in (first, second, third):
        generator.close()
    assert records()


def test_a_thousand_generators_may_be_suspended_in_blocks() -> None:
    def steps() -> Generator[None, None, None]:
        with no_grad():
            yield

    generators = [steps() for _ in range(1500)]
    for generator in generators:
        next(generator)
    assert records()
    for generator in random.Random(0).sample(generators, 1500):
        generator.close()
    assert records()
    assert recording.paused.get() is False


def test_blocks_that_overlap_for_ever_take_no_memory() -> None:
    def steps() -> Generator[None, None, None]:
        with no_grad():
            yield

    last = steps()
    next(last)
    for _ in range(1000):
        newer = steps()
        next(newer)
        last.close()
        last = newer
    state = recording.paused.get()
    assert isinstance(state, recording.WhileRunning)
    assert state.outside is False
    last.close()
    assert recording.paused.get() is False


@settings(max_examples=300)
@given(st.lists(st.integers(0, 5), max_size=40), st.randoms(use_true_random=False))
def test_blocks_in_any_order_hold_where_they_should(actions: list[int], chance: random.Random) -> None:
    """Generators and the caller enter and leave blocks at random; a plain list records who is in one."""

    def steps() -> Generator[bool, None, None]:
        for _ in range(3):
            with no_grad():
                yield records()
                yield records()
            yield records()

    generators: list[tuple[Generator[bool, None, None], list[bool]]] = []
    with contextlib.ExitStack() as stack:
        mine = 0
        for action in actions:
            if action == 0:
                stack.enter_context(no_grad())
                mine += 1
            elif action == 1:
                stack.close()
                mine = 0
            elif action == 2 or not generators:
                generators.append((steps(), [False, False, True] * 3))
            else:
                k = chance.randrange(len(generators))
                generator, expected = generators[k]
                if action == 3 or not expected:
                    generator.close()
                    generators.pop(k)
                else:
                    assert next(generator) is (expected.pop(0) and not mine)
            assert records() is not bool(mine)
    for generator, _ in generators:
        generator.close()
    assert recording.paused.get() is False


def test_a_generator_that_is_never_finished_leaves_nothing_behind() -> None:
    def steps() -> Generator[None, None, None]:
        with no_grad():
            yield

    abandoned = steps()
    next(abandoned)
    in_a_cycle: list[Any] = [steps()]
    in_a_cycle.append(in_a_cycle)
    next(in_a_cycle[0])
    del abandoned, in_a_cycle
    assert records()
    gc.collect()
    assert records()
    other = steps()
    next(other)
    run_in_thread(other.close)  # in a different context from the one in which it entered the block
    assert records()


def test_a_block_without_a_yield_in_a_generator() -> None:
    def steps() -> Iterator[tuple[bool, bool]]:
        for _ in range(3):
            with no_grad():
                inside = records()
            yield inside, records()

    assert list(steps()) == [(False, True)] * 3


def test_an_asynchronous_generator_suspended_in_a_block_does_not_leave_its_caller_in_it() -> None:
    async def steps() -> AsyncIterator[bool]:
        with no_grad():
            yield records()
            await asyncio.sleep(0)
            yield records()

    async def main() -> list[tuple[bool, bool]]:
        return [(inside, records()) async for inside in steps()]

    assert asyncio.run(main()) == [(False, True)] * 2


def test_contexts_made_of_generators_hold_for_their_body() -> None:
    @contextlib.contextmanager
    def evaluation() -> Iterator[None]:
        with no_grad():
            yield

    @contextlib.contextmanager
    def stacked() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(evaluation())
            yield

    @contextlib.asynccontextmanager
    async def asynchronously() -> AsyncIterator[None]:
        with no_grad():
            yield

    async def main() -> tuple[bool, bool]:
        async with asynchronously():
            inside = records()
        return inside, records()

    for context in (evaluation, stacked):
        with context():
            assert not records()
        assert records()
    assert asyncio.run(main()) == (False, True)


def test_a_generator_that_enters_such_a_context_does_not_leave_its_caller_in_it() -> None:
    @contextlib.contextmanager
    def evaluation() -> Iterator[None]:
        with no_grad():
            yield

    def steps() -> Iterator[bool]:
        with evaluation():
            yield records()
        with contextlib.ExitStack() as stack:
            stack.enter_context(no_grad())
            yield records()
            stack.enter_context(evaluation())
            yield records()

    assert [(inside, records()) for inside in steps()] == [(False, True)] * 3


def test_transforms_and_compile_inside_a_generators_block() -> None:
    def steps() -> Iterator[Any]:
        with no_grad():
            yield autograd.grad(lambda x: x**3)(2.0)
            yield autograd.hessian(lambda p: p[0] ** 2 * p[1])([1.0, 2.0])
            yield autograd.compile(lambda x: x * x + 1, 2.0)(3.0)
            yield (Value(2.0) * 3).parents

    generator = steps()
    results = []
    for item in generator:
        results.append(item)
        assert records()
    assert results == [12.0, [[4.0, 2.0], [2.0, 0.0]], 10.0, ()]


def test_a_traced_function_may_iterate_over_generators_with_blocks() -> None:
    def constants(x: Any) -> Iterator[Any]:
        for k in range(3):
            with no_grad():
                yield k + 1.0

    def f(x: Any) -> Any:
        return autograd.sum([c * x for c in constants(x)])

    assert autograd.compile(f, 1.0)(2.0) == 12.0
    assert type(Value(1.0) * 2) is Value


def test_an_interrupt_between_entering_and_the_body_leaves_no_block_behind() -> None:
    def interrupted_at(n: int) -> bool:
        """Interrupt the n-th line of entering the block; tell whether there was one."""
        left = n

        def trace(frame: Any, event: str, argument: object) -> Any:
            nonlocal left
            if frame.f_code.co_filename.endswith(("recording.py", "pausing.py")) and frame.f_code.co_name != "__exit__":
                if event == "line":
                    left -= 1
                    if left < 0:
                        sys.settrace(None)
                        raise KeyboardInterrupt
                return trace
            return None

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            with no_grad():
                sys.settrace(before)
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False

    n = 0
    while interrupted_at(n):
        assert records(), n
        n += 1
    assert n > 5
    assert records()
