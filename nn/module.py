"""Module: the base class of networks, layers and neurons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from autograd import Value
from autograd.reading import number_of
from autograd.support.foreign_names import explain_arguments, explain_attributes
from autograd.updates import commit, setting
from nn.foreign_names import OF_MODULES, OF_ZERO_GRAD
from nn.parameters import Search


class Module:
    """An object with parameters: the Values in its attributes, in the order in which they were set.

    Attributes may be Values, Modules, and lists, tuples, dicts, deques, dataclasses, NumPy arrays and pandas columns of
    these, nested to any depth. Leaf Values are parameters; Values computed from them are not. A parameter that occurs
    twice (tied weights) counts once. To write your own network, derive from Module: set the parameters in `__init__`,
    and compute with them in `forward`, which is called when the module is called, or in your own `__call__`.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.intercepts = Value(2.0), [Value(1.0)]
    ...
    ...     def forward(self, x):
    ...         return self.slope * x + self.intercepts[0]
    >>> line = Line()
    >>> line(3.0).data
    7.0
    >>> list(line.named_parameters())
    [('slope', Value(data=2.0, grad=0.0)), ('intercepts.0', Value(data=1.0, grad=0.0))]
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call `forward`. Raise TypeError if the class defines neither `forward` nor `__call__`."""
        if not computes(self):
            name = type(self).__name__
            raise TypeError(f"{name} computes nothing yet: define forward(self, inputs) in class {name}(nn.Module)")
        return self.forward(*args, **kwargs)  # type: ignore[attr-defined]

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Return each parameter once, with its path, such as `layers.0.neurons.3.weights.12`.

        Raises:
            TypeError: for a parameter in a set, in a class attribute, or in an object that is not a Module.
            ValueError: for two parameters with the same name.
        """
        search = Search(lambda item: isinstance(item, Module))
        search.collect(self, "")
        search.check()
        return iter(search.parameters)

    def parameters(self) -> list[Value]:
        """Return each parameter once, in the order of `named_parameters`."""
        return [parameter for _, parameter in self.named_parameters()]

    @explain_arguments(OF_ZERO_GRAD)
    def zero_grad(self) -> None:
        """Set every parameter's gradient to zero."""
        parameters = self.parameters()
        commit(setting("grad", parameters, [0.0] * len(parameters)))

    def state_dict(self) -> dict[str, float]:
        """Return every parameter's number by its name."""
        return {name: number_of(parameter) for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set all parameters from a mapping such as the result of `state_dict`.

        Raises:
            ValueError: if the names differ from this module's; nothing is changed then.
            TypeError: if an entry is not a number; nothing is changed then.
        """
        parameters = dict(self.named_parameters())
        missing, unknown = parameters.keys() - state.keys(), state.keys() - parameters.keys()
        if missing or unknown:
            raise ValueError(
                f"the state does not fit this {type(self).__name__}: "
                f"{len(missing)} parameters are missing{_example(missing)}, "
                f"{len(unknown)} are unknown{_example(unknown)}"
            )
        numbers = [Value(state[name]).data for name in parameters]
        commit(setting("data", list(parameters.values()), numbers))


explain_attributes(Module, OF_MODULES)


def computes(model: object) -> bool:
    """Tell whether a model can be called; a module can if it defines `forward` or `__call__`."""
    if isinstance(model, Module) and type(model).__call__ is Module.__call__:
        return hasattr(model, "forward")
    return callable(model)


def _example(names: set[str]) -> str:
    return f" (such as {min(names)!r})" if names else ""
