"""The registry of functions: the decorator, the lookup, and the JSON Schema that a signature gives.

    @function                       # or @function(title="Domain of an address", quick=True)
    def domain(text: str) -> str | None:
        '''The registered domain in a URL or an e-mail address.'''

A function of `cells.functions.<module>` is called by its own name, one of another app's `functions` module by
`<app>.<name>`. Two functions of one name are a mistake that stops the start.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import threading
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from django.utils.module_loading import autodiscover_modules

Call = TypeVar("Call", bound=Callable[..., Any])

_BUILT_IN = "cells.functions"
_JSON_TYPES: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    list: {"type": "array"},
    dict: {"type": "object"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}


@dataclass(frozen=True)
class Function:
    """A registered function. `parameters` is the JSON Schema of its arguments, an object by parameter name.

    `quick` functions are pure and take microseconds: they run on the event loop instead of in a thread.
    """

    name: str
    title: str
    description: str
    call: Callable[..., Any]
    parameters: Mapping[str, Any]
    returns: Mapping[str, Any]
    is_async: bool
    quick: bool


_functions: dict[str, Function] = {}
_loading = threading.RLock()
_loaded = False


@overload
def function(call: Call, /) -> Call: ...
@overload
def function(*, title: str = "", quick: bool = False) -> Callable[[Call], Call]: ...
def function(call: Any = None, /, *, title: str = "", quick: bool = False) -> Any:
    """Register a sync or async function, with annotated parameters and a docstring, for the `python` step.

    `quick=True` promises a pure function of a few microseconds, which is called without a thread.
    """
    if call is None:
        return lambda later: _register(later, title, quick)
    return _register(call, title, quick)


def find(name: str) -> Function | None:
    """The function of that name; None when no installed app registers it."""
    _load()
    return _functions.get(name)


def listing() -> list[Function]:
    """Every registered function, by name."""
    _load()
    return [_functions[name] for name in sorted(_functions)]


def _load() -> None:
    """Import every `functions` module once, under a lock: a step may ask from any thread."""
    global _loaded  # noqa: PLW0603
    if _loaded:
        return
    with _loading:
        if _loaded:
            return
        package = importlib.import_module(_BUILT_IN)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{_BUILT_IN}.{module.name}")
        autodiscover_modules("functions")
        _loaded = True


def _register(call: Any, title: str, quick: bool) -> Any:
    name = _name(call)
    if name in _functions:
        raise TypeError(f"Two functions are called {name!r}: {_functions[name].call.__module__} and {call.__module__}.")
    description = inspect.getdoc(call)
    if not description:
        raise TypeError(f"The function {name!r} needs a docstring: it is what people read when they choose it.")
    hints = typing.get_type_hints(call)
    _functions[name] = Function(
        name=name,
        title=title or call.__name__.replace("_", " ").capitalize(),
        description=description,
        call=call,
        parameters=_parameters(name, inspect.signature(call), hints),
        returns=_returns(hints.get("return", Any)),
        is_async=inspect.iscoroutinefunction(call),
        quick=quick,
    )
    return call


def _name(call: Any) -> str:
    module: str = call.__module__
    if module == _BUILT_IN or module.startswith(_BUILT_IN + "."):
        return str(call.__name__)
    app = module.split(".functions", 1)[0].rsplit(".", 1)[-1]
    return f"{app}.{call.__name__}"


def _parameters(name: str, signature: inspect.Signature, hints: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required = []
    for parameter in signature.parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise TypeError(f"The function {name!r}: the parameter {parameter.name!r} must be a plain, named one.")
        if parameter.name not in hints:
            raise TypeError(f"The function {name!r}: the parameter {parameter.name!r} needs a type annotation.")
        properties[parameter.name] = schema_of(hints[parameter.name])
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        else:
            properties[parameter.name] = {**properties[parameter.name], "default": parameter.default}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def schema_of(annotation: Any) -> dict[str, Any]:
    """The JSON Schema of a type annotation; TypeError for one that JSON cannot say."""
    if annotation in _JSON_TYPES:
        return dict(_JSON_TYPES[annotation])
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        return {"anyOf": [schema_of(argument) for argument in arguments]}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in {list, tuple}:
        return {"type": "array", "items": schema_of(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    if typing.is_typeddict(annotation):
        hints = typing.get_type_hints(annotation)
        return {"type": "object", "properties": {key: schema_of(hint) for key, hint in hints.items()}}
    raise TypeError(f"The annotation {annotation!r} has no JSON Schema; use str, int, float, bool, list, dict, Any.")


def _returns(annotation: Any) -> dict[str, Any]:
    try:
        return schema_of(annotation)
    except TypeError:
        return {}
