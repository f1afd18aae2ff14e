"""The filters and tests that templates may use: Jinja's harmless ones and a few of our own, each within bounds."""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS

from cells.sandbox import bounds
from cells.sandbox.meter import READ_LIMIT, argument, made, tick
from cells.sandbox.texts import text

_NAMES = (  # noqa: SIM905  (a list of words reads better as words)
    "abs batch capitalize center count d default dictsort filesizeformat first float format groupby indent int items "
    "join last length list lower map max min reject rejectattr replace reverse round select selectattr slice sort "
    "string sum title trim truncate unique upper urlencode wordcount wordwrap"
).split()


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=list)


def _from_json(value: Any) -> Any:
    return json.loads(value)


def _strip_tags(value: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", str(value))).split())


def _escape(value: Any) -> str:
    return html.escape(text(value))


_OWN: Mapping[str, Callable[..., Any]] = {
    "tojson": _to_json,
    "fromjson": _from_json,
    "striptags": _strip_tags,
    "escape": _escape,
    "e": _escape,
}


def _bounded(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, for one step of the budget, with its arguments and its result weighed."""
    bound = bounds.FILTERS.get(name)
    passed = 1 if hasattr(call, "jinja_pass_arg") else 0

    @functools.wraps(call)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        tick()
        given = [argument(value) for value in args[passed:]]
        named = {key: argument(value) for key, value in kwargs.items()}
        if bound is not None:
            bound(*given, **named)
        return made(call(*args[:passed], *given, **named), READ_LIMIT)

    return bounded


def _ticking(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test (`is …`), for one step of the budget: `select` asks it of every element."""

    @functools.wraps(test)
    def ticking(*args: Any, **kwargs: Any) -> Any:
        tick()
        return test(*args, **kwargs)

    return ticking


FILTERS = {name: _bounded(name, call) for name, call in (*((n, JINJA_FILTERS[n]) for n in _NAMES), *_OWN.items())}
TESTS: dict[str, Callable[..., Any]] = {name: _ticking(test) for name, test in JINJA_TESTS.items()}  # type: ignore[arg-type]
