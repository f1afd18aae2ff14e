"""The Jinja2 environment in which templates run: nothing to reach, and no way to eat memory or time.

Templates are written by users and run on the event loop of a worker, so every construct that can multiply work is
bounded: operators, filters and text methods before they build their result; loops, calls and filters by a budget
of steps and of CPU time for one rendering. Only names listed here can be called.
"""

from __future__ import annotations

import functools
import html
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from typing import Any

from jinja2 import ChainableUndefined, StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedFormatter
from jinja2.visitor import NodeTransformer

from cells.values import DEPTH_LIMIT, INTEGER_BITS, SIZE_LIMIT, Unfit, readable_size

STEPS_LIMIT = 100_000
CPU_SECONDS_LIMIT = 1.0
RANGE_LIMIT = 10_000
WIDTH_LIMIT = 1_000

_SCALARS = (str, int, float, bool, type(None))
_FILTERS = (  # noqa: SIM905  (a list of words reads better as words)
    "abs batch capitalize center count d default dictsort filesizeformat first float format groupby indent int items "
    "join last length list lower map max min reject rejectattr replace reverse round select selectattr slice sort "
    "string sum title trim truncate unique upper urlencode wordcount wordwrap"
).split()
_TEXT_METHODS = frozenset(
    "capitalize casefold center count endswith find format format_map index isalnum isalpha isascii isdecimal isdigit "  # noqa: SIM905
    "isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip partition removeprefix "
    "removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title "
    "upper zfill".split()
)
_MAPPING_METHODS = frozenset({"items", "keys", "values", "get"})
_SEQUENCE_METHODS = frozenset({"index", "count"})
_WIDE = re.compile(r"%[^a-zA-Z%]*?(\(|\*|\d{4,})")


class Missing(ChainableUndefined, StrictUndefined):
    """What an unknown name gives: an error that names it, unless `default(…)` or `is defined` takes it up."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if isinstance(self._undefined_obj, Mapping):
            names = ", ".join(str(key) for key in itertools.islice(self._undefined_obj, 10))
            return f"There is no {self._undefined_name!r} here; there are: {names or 'none'}."
        if self._undefined_obj is None:
            return f"{self._undefined_name!r} was asked of an empty value (null)."
        if isinstance(self._undefined_obj, (*_SCALARS, list, tuple)):
            return f"A value of type {type(self._undefined_obj).__name__} has no {self._undefined_name!r}."
        return f"{self._undefined_name!r} is not defined."


class _Meter(threading.local):
    """What the rendering on this thread may still spend."""

    left = STEPS_LIMIT
    started: float | None = None


_meter = _Meter()


def begin_rendering() -> None:
    """Give the rendering that starts now, on this thread, its whole budget."""
    _meter.left = STEPS_LIMIT
    _meter.started = None


def tick() -> None:
    """Spend one step of the budget; Unfit when the steps or the time are used up."""
    _meter.left -= 1
    now = time.thread_time()
    if _meter.started is None:
        _meter.started = now
    if _meter.left < 0 or now - _meter.started > CPU_SECONDS_LIMIT:
        raise Unfit("The template takes too long: its loops are too big.")


def text(value: Any) -> str:
    """A value within text: null is nothing, lists and objects are JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, (*_SCALARS, Undefined)):
        return str(value)
    value = _argument(value)
    return json.dumps(value, ensure_ascii=False, default=list)


def _joined(pieces: Iterable[str]) -> str:
    """The pieces of a rendering as one text, of bounded size."""
    kept, length = [], 0
    for piece in pieces:
        length += len(piece)
        if length > SIZE_LIMIT:
            _require(length)
        kept.append(piece)
    return "".join(kept)


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > RANGE_LIMIT:
        raise Unfit(f"A range may have {RANGE_LIMIT:,} numbers at most.")
    return numbers


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment. The items of a dict win over its methods: a column may be called `items`."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=Missing, autoescape=False, keep_trailing_newline=True, finalize=text, cache_size=0)
        self.filters = {
            **{name: _bounded(name, FILTERS[name]) for name in _FILTERS},
            **{name: _bounded(name, call) for name, call in _OWN_FILTERS.items()},
            METER: pass_context(_metered),
            CONCAT: _concatenated,
        }
        self.tests = {name: _ticking(call) for name, call in self.tests.items()}  # type: ignore[arg-type]
        del self.globals["lipsum"]
        self.globals["range"] = _range

    concat = staticmethod(_joined)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: of a dict the item, and its four harmless methods where no item has that name."""
        if type(obj) is dict:
            try:
                return obj[attribute]
            except KeyError:
                if attribute not in _MAPPING_METHODS:
                    return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Of plain values only the methods listed in this module; of Jinja's own objects what Jinja allows."""
        if isinstance(obj, str):
            return attr in _TEXT_METHODS
        if isinstance(obj, Mapping):
            return attr in _MAPPING_METHODS
        if isinstance(obj, int | float | bytes | range | type):
            return False
        if type(obj) in {list, tuple, set, frozenset}:
            return attr in _SEQUENCE_METHODS
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`"…".format` with its widths and its result bounded; None for anything else."""
        owner = getattr(value, "__self__", None)
        if not isinstance(owner, str) or getattr(value, "__name__", "") not in {"format", "format_map"}:
            return None

        def formatted(*args: Any, **kwargs: Any) -> str:
            if value.__name__ == "format_map":
                return _Formatter(self).vformat(owner, (), args[0])
            return _Formatter(self).vformat(owner, args, kwargs)

        return formatted

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call, for one step of the budget; text methods only when their result is bounded."""
        tick()
        owner = getattr(obj, "__self__", None)
        if isinstance(owner, str):
            args = tuple(_argument(value) for value in args)
            _check(obj.__name__, owner, args, kwargs)
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The operator's result, refused before it is built when it would be too big."""
        _OPERATORS[operator](left, right)
        return super().call_binop(context, operator, left, right)


# Bounds of operators.


def _bound_sum(left: Any, right: Any) -> None:
    if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        _require(len(left) + len(right))


def _bound_product(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _require_bits(left.bit_length() + right.bit_length())
        return
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(times, int):
            _require(weigh(sequence) * max(times, 0))


def _bound_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _require_bits(left.bit_length() * abs(right))


def _bound_modulo(left: Any, right: Any) -> None:
    if isinstance(left, str):
        _bound_format(left, (right,))


def _bound_format(pattern: str, values: Any) -> None:
    if _WIDE.search(pattern):
        raise Unfit(f"A format may be {WIDTH_LIMIT} characters wide at most, and has no names in brackets.")
    _require(len(pattern) + pattern.count("%") * (WIDTH_LIMIT + weigh(values)), SIZE_LIMIT * 16)


_OPERATORS: dict[str, Callable[[Any, Any], None]] = {
    "+": _bound_sum,
    "*": _bound_product,
    "**": _bound_power,
    "%": _bound_modulo,
}


class _Formatter(SandboxedFormatter):
    """`str.format` whose fields and result are bounded."""

    def __init__(self, environment: Sandbox) -> None:
        super().__init__(environment)
        self._length = 0

    def format_field(self, value: Any, format_spec: str) -> str:
        if re.search(r"\d{4,}", format_spec):
            raise Unfit(f"A format may be {WIDTH_LIMIT} characters wide at most.")
        field = str(super().format_field(_argument(value), format_spec))
        self._length += len(field)
        _require(self._length)
        return field


# Bounds of filters and text methods: each is told the value and the arguments, and raises Unfit.


def _width(*allowed: int) -> Callable[..., None]:
    """A bound on the arguments at these places: whole numbers up to WIDTH_LIMIT."""

    def check(_value: Any, *args: Any, **kwargs: Any) -> None:
        positional = [args[place] for place in allowed if place < len(args)]
        for argument in (*positional, *kwargs.values()):
            if isinstance(argument, int | float) and abs(argument) > WIDTH_LIMIT:
                raise Unfit(f"A width may be {WIDTH_LIMIT} at most.")
            if isinstance(argument, str) and len(argument) > WIDTH_LIMIT:
                raise Unfit(f"A filling may be {WIDTH_LIMIT} characters long at most.")

    return check


def _bound_replace(value: Any, old: Any, new: Any, *_args: Any, **_kwargs: Any) -> None:
    found = str(value).count(str(old))
    _require(len(str(value)) + found * len(str(new)))


def _bound_join(values: Any, d: Any = "", attribute: Any = None) -> None:
    del attribute
    if isinstance(values, Sequence | Mapping | AbstractSet):
        _require(len(str(d)) * len(values))


def _bound_text_join(separator: Any, values: Any) -> None:
    _bound_join(values, separator)


def _bound_indent(value: Any, *args: Any, **kwargs: Any) -> None:
    _width(0)(value, *args, **kwargs)
    width = kwargs.get("width", args[0] if args else 4)
    _require(len(str(value)) + str(value).count("\n") * (len(width) if isinstance(width, str) else int(width)))


def _bound_total(_values: Any, attribute: Any = None, start: Any = 0) -> None:
    del attribute
    if not isinstance(start, int | float):
        raise Unfit("Only numbers can be summed.")  # Lists and texts would be copied once for each element.


def _bound_filter_format(pattern: Any, *args: Any, **kwargs: Any) -> None:
    _bound_format(str(pattern), (*args, *kwargs.values()))


_BOUNDS: dict[str, Callable[..., None]] = {
    "batch": _width(0),
    "center": _width(0),
    "ljust": _width(0),
    "rjust": _width(0),
    "zfill": _width(0),
    "slice": _width(0),
    "round": _width(0),
    "tojson": _width(0),
    "wordwrap": _width(2),
    "truncate": _width(2),
    "indent": _bound_indent,
    "replace": _bound_replace,
}
_FILTER_BOUNDS: dict[str, Callable[..., None]] = {
    **_BOUNDS,
    "join": _bound_join,
    "sum": _bound_total,
    "format": _bound_filter_format,
}
_METHOD_BOUNDS: dict[str, Callable[..., None]] = {**_BOUNDS, "join": _bound_text_join}


def _check(name: str, value: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    bound = _METHOD_BOUNDS.get(name)
    if bound is not None:
        bound(value, *args, **kwargs)


def _bounded(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, for one step of the budget, with its arguments weighed first."""
    bound = _FILTER_BOUNDS.get(name)
    passed = 1 if hasattr(call, "jinja_pass_arg") else 0

    @functools.wraps(call)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        tick()
        own = tuple(_argument(value) for value in args[passed:])
        kwargs = {key: _argument(value) for key, value in kwargs.items()}
        if bound is not None:
            bound(*own, **kwargs)
        return call(*args[:passed], *own, **kwargs)

    return bounded


def _ticking(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test (`is …`), for one step of the budget: `select` asks it of every element."""

    @functools.wraps(test)
    def ticking(*args: Any, **kwargs: Any) -> Any:
        tick()
        return test(*args, **kwargs)

    return ticking


def _argument(value: Any) -> Any:
    """The argument of a filter, weighed; what is lazy (a generator of `map`, say) is worked out."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, Undefined):
        return value
    if isinstance(value, Iterator):
        value = list(itertools.islice(value, STEPS_LIMIT))
    weigh(value)
    return value


def weigh(value: Any) -> int:
    """What the value weighs as text, roughly. Unfit above SIZE_LIMIT, or when it is not a plain value."""
    total, pending = 0, [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if isinstance(item, str):
            total += len(item) + 1
        elif isinstance(item, _SCALARS):
            total += 4
        else:
            total += 4
            pending += [(part, depth + 1) for part in _parts(item)]
        if total > SIZE_LIMIT or depth > DEPTH_LIMIT:
            raise Unfit(f"The value is bigger than {readable_size(SIZE_LIMIT)} or nested too deep.")
    return total


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Undefined):
        str(value)  # Raises, and names what is missing.
    if isinstance(value, Mapping):
        return itertools.chain(value.keys(), value.values())
    if isinstance(value, list | tuple | range | AbstractSet | ValuesView):
        _require(len(value))
        return value
    raise Unfit(f"A value of type {type(value).__name__} cannot be used here.")


def _require(size: int, limit: int = SIZE_LIMIT) -> None:
    if size > limit:
        raise Unfit(f"The value would be bigger than {readable_size(limit)}.")


def _require_bits(bits: int) -> None:
    if bits > INTEGER_BITS:
        raise Unfit("The number would have more than a thousand digits.")


# Filters of our own.


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=list)


def _from_json(value: Any) -> Any:
    return json.loads(value)


def _strip_tags(value: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", str(value))).split())


def _escape(value: Any) -> str:
    return html.escape(text(value))


_OWN_FILTERS: dict[str, Callable[..., Any]] = {
    "tojson": _to_json,
    "fromjson": _from_json,
    "striptags": _strip_tags,
    "escape": _escape,
    "e": _escape,
}

# What the compiler of templates puts around loops and `~`.

METER = "metered loop"
CONCAT = "bounded text"


def _metered(_context: Context, values: Any) -> Iterator[Any]:
    for value in values:
        tick()
        yield value


def _concatenated(values: Sequence[Any]) -> str:
    return _joined(text(value) for value in values)


class _Guarded(NodeTransformer):
    """Puts the meter around what loops go over, and joins `~` within bounds."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, METER, [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        pieces = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(pieces, CONCAT, [], [], None, None, lineno=node.lineno)


def guard(tree: nodes.Template) -> nodes.Template:
    """The parsed template with its loops metered and its `~` bounded.

    Raises SecurityError for a template that would read another one.
    """
    for _node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        raise SecurityError("A template cannot include, import or extend another one.")
    guarded: nodes.Template = _Guarded().visit(tree)
    return guarded.set_environment(tree.environment)  # type: ignore[arg-type,return-value]
