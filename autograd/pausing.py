"""no_grad: as a block, and as a decorator of functions of every kind."""

from __future__ import annotations

import functools
import types
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, TypeVar

from autograd import recording

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])
_Function = Callable[..., Any]


def no_grad() -> NoGrad:
    """Open a block, or decorate a function, in which no graph is recorded: results are constants, without parents.

    It applies only to the thread (or asyncio task) that enters it. A generator that enters a block pauses recording
    while its own code runs, not while it is suspended. If the generator is a `contextlib.contextmanager` or a pytest
    fixture, recording is paused in the body of that context, or in the test. Decorated generators, coroutines and
    asynchronous generators run all of their own code without recording.

    >>> from autograd import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (9.0, ())
    """
    return NoGrad()


class NoGrad:
    """The context manager and decorator of `no_grad()`."""

    def __init__(self) -> None:
        self._leave: list[Callable[[], None]] = []  # one for each open block

    def __enter__(self) -> None:
        before = recording.paused.get()
        try:
            self._leave.append(recording.pause())
        except BaseException:  # Ctrl-C before the block is registered: __exit__ will not run
            recording.paused.set(before)
            raise

    def __exit__(self, *error: object) -> None:
        self._leave.pop()()

    def __call__(self, function: _Decorated) -> _Decorated:
        """Decorate a function. Raises TypeError for a class or an object that is not callable."""
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(self(function.__func__))
        if isinstance(function, type) or not callable(function):
            given = f"the class {function.__name__}" if isinstance(function, type) else repr(function)
            raise TypeError(f"no_grad() decorates functions, got {given}; decorate the methods that compute")
        return functools.wraps(function)(_paused_function(function))  # type: ignore[return-value]


def _paused_function(function: _Function) -> _Function:
    """Wrap a function in one of the same kind, since frameworks check for coroutine functions, for example."""
    import inspect  # here, because it would slow down `import autograd` considerably

    if inspect.iscoroutinefunction(function):
        return _paused_coroutine(function)
    if inspect.isasyncgenfunction(function):
        return _paused_async_generator(function)
    if inspect.isgeneratorfunction(function):
        return _paused_generator(function)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with recording.pausing():
            result = function(*args, **kwargs)
            if isinstance(result, (map, filter)):
                result = (item for item in result)
        if isinstance(result, types.GeneratorType):  # its code has not run yet
            return _paused_generator(lambda: result)()
        if isinstance(result, types.CoroutineType):
            return _paused_coroutine(lambda: result)()
        if isinstance(result, types.AsyncGeneratorType):
            return _paused_async_generator(lambda: result)()
        return result

    return wrapper


def _paused_generator(function: _Function) -> Callable[..., Generator[Any, Any, Any]]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from _steps(function(*args, **kwargs)))

    return wrapper


def _paused_coroutine(function: _Function) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await _awaitable_steps(function(*args, **kwargs))

    return wrapper


def _paused_async_generator(function: _Function) -> Callable[..., AsyncGenerator[Any, Any]]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = function(*args, **kwargs)
        step = inner.asend(None)
        while True:
            try:
                item = await _awaitable_steps(step)
            except StopAsyncIteration:
                return
            try:
                step = inner.asend((yield item))
            except GeneratorExit:
                await _awaitable_steps(inner.aclose())
                raise
            except BaseException as error:
                step = inner.athrow(error)

    return wrapper


def _steps(inner: Any) -> Generator[Any, Any, Any]:
    """Run a generator or awaitable step by step, recording no graph within a step."""
    resume, value = inner.send, None
    while True:
        try:
            with recording.pausing():
                item = resume(value)
        except StopIteration as end:
            return end.value
        try:
            resume, value = inner.send, (yield item)
        except GeneratorExit:
            with recording.pausing():
                inner.close()
            raise
        except BaseException as error:
            resume, value = inner.throw, error


_awaitable_steps = types.coroutine(_steps)
