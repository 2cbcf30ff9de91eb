"""The application's own providers, read as the guide writes them.

The guide's providers name what they depend on without annotations, or with plain types. Litestar refuses
the former and deprecates the latter; a copy that says what is meant makes both work.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from copy import copy
from inspect import Parameter, signature
from types import FunctionType
from typing import Annotated, Any, get_origin

from litestar.constants import RESERVED_KWARGS
from litestar.di import NamedDependency, Provide

_NAMED: Any = NamedDependency


def explicit(provider: Provide | Callable[..., Any], known: Container[str]) -> Provide | Callable[..., Any]:
    """Return a provider whose parameters say that they are dependencies, where they are named like one.

    Args:
        provider: What an application provides; it stays as it is.
        known: The names of the application's dependencies.
    """
    if isinstance(provider, Provide):
        marked = copy(provider)
        marked.dependency = _explicit(provider.dependency, known)
        return marked
    return _explicit(provider, known)


def _explicit(function: Callable[..., Any], known: Container[str]) -> Callable[..., Any]:
    if not isinstance(function, FunctionType):
        return function
    annotations = {
        name: _NAMED[Any if parameter.annotation is Parameter.empty else parameter.annotation]
        for name, parameter in signature(function).parameters.items()
        if name in known and name not in RESERVED_KWARGS and get_origin(parameter.annotation) is not Annotated
    }
    if not annotations:
        return function
    marked = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    marked.__kwdefaults__ = function.__kwdefaults__
    marked.__module__, marked.__qualname__, marked.__doc__ = (
        function.__module__,
        function.__qualname__,
        function.__doc__,
    )
    marked.__annotations__ = function.__annotations__ | annotations
    return marked
