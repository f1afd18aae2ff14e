"""The environment itself: which attributes and calls are allowed, and what the compiler puts around constructs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import ChainableUndefined, StrictUndefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from cells.sandbox import bounds
from cells.sandbox.filters import FILTERS, TESTS
from cells.sandbox.meter import READ_LIMIT, SCALARS, argument, made, tick
from cells.sandbox.texts import Formatter, joined, text
from cells.values import Unfit

RANGE_LIMIT = 10_000

# What the compiler puts around loops, `~`, and lists and objects: filters that no template can name.
METER, CONCAT, MADE = "metered loop", "bounded text", "weighed value"

_TEXT_METHODS = frozenset(
    "capitalize casefold center count endswith find format format_map index isalnum isalpha isascii isdecimal isdigit "  # noqa: SIM905
    "isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip partition removeprefix "
    "removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title "
    "upper zfill".split()
)
MAPPING_METHODS = frozenset({"items", "keys", "values", "get"})
_SEQUENCE_METHODS = frozenset({"index", "count"})


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
        if isinstance(self._undefined_obj, (*SCALARS, list, tuple)):
            return f"A value of type {type(self._undefined_obj).__name__} has no {self._undefined_name!r}."
        return f"{self._undefined_name!r} is not defined."


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment. The items of a dict win over its methods: a column may be called `items`."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    concat = staticmethod(joined)

    def __init__(self) -> None:
        super().__init__(undefined=Missing, autoescape=False, keep_trailing_newline=True, finalize=text, cache_size=0)
        self.filters = {**FILTERS, METER: pass_context(_metered), CONCAT: _concatenated, MADE: pass_context(_made)}
        self.tests = dict(TESTS)
        del self.globals["lipsum"]
        self.globals["range"] = _range

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: of a dict the item, and its four harmless methods where no item has that name."""
        if type(obj) is dict:
            try:
                return obj[attribute]
            except KeyError:
                if attribute not in MAPPING_METHODS:
                    return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Of plain values only the methods listed in this module; of Jinja's own objects what Jinja allows."""
        if isinstance(obj, str):
            return attr in _TEXT_METHODS
        if isinstance(obj, Mapping):
            return attr in MAPPING_METHODS
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
                return Formatter(self).vformat(owner, (), args[0])
            return Formatter(self).vformat(owner, args, kwargs)

        return formatted

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call, for one step of the budget; what is no macro gets plain values only, and text methods bounded ones."""
        tick()
        if isinstance(obj, Macro | LoopContext):
            return super().call(context, obj, *args, **kwargs)
        given = [argument(value) for value in args]
        named = {name: argument(value) for name, value in kwargs.items()}
        owner = getattr(obj, "__self__", None)
        if isinstance(owner, str) and (bound := bounds.METHODS.get(obj.__name__)):
            bound(owner, *given, **named)
        return made(super().call(context, obj, *given, **named), READ_LIMIT)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The operator's result, refused before it is built when it would be too big."""
        bounds.OPERATORS[operator](left, right)
        return made(super().call_binop(context, operator, left, right))


def _range(*limits: int) -> range:
    numbers = range(*limits)
    if len(numbers) > RANGE_LIMIT:
        raise Unfit(f"A range may have {RANGE_LIMIT:,} numbers at most.")
    return numbers


def _metered(_context: Context, values: Any) -> Iterator[Any]:
    for value in values:
        tick()
        yield value


def _concatenated(values: Sequence[Any]) -> str:
    return joined(text(value) for value in values)


def _made(_context: Context, value: Any) -> Any:
    return made(value)


class _Guarded(NodeTransformer):
    """Puts the meter around what loops go over, joins `~` within bounds, and weighs lists and objects."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = _filtered(node.iter, METER)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), CONCAT)

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, MADE)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, MADE)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, MADE) if node.ctx == "load" else node


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def guard(tree: nodes.Template) -> nodes.Template:
    """The parsed template with its constructs guarded. Raises SecurityError for one that would read another."""
    for _node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        raise SecurityError("A template cannot include, import or extend another one.")
    guarded: nodes.Template = _Guarded().visit(tree)
    return guarded.set_environment(tree.environment)  # type: ignore[arg-type,return-value]
