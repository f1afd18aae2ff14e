"""Templates: Jinja2 in the sandbox, compiled once and rendered often.

A template that is exactly one `{{ expression }}` keeps the type of its value; every other gives text. Text is
never read back as Python or JSON.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context

from cells.sandbox import Sandbox, begin_rendering, guard
from cells.values import SIZE_LIMIT, plain
from tableflow.errors import InvalidInput, Problem

SOURCE_LIMIT = 100_000

# Filters and tests that a missing value does not fail.
_TAKE_UP = frozenset({"default", "d", "defined", "undefined"})

_environment = Sandbox()


class TemplateFailed(Exception):
    """A template could not be rendered with these values; the message names the cause."""


@dataclass(frozen=True)
class Template:
    """A compiled template. `names` are the outer names it reads, `references` the (name, attribute) pairs, `needed`
    those of these that must be there: no `default(…)` or `is defined` takes them up. `whole` are the names that it
    reads otherwise than by a fixed attribute.
    """

    source: str
    names: frozenset[str]
    references: frozenset[tuple[str, str]]
    needed: frozenset[tuple[str, str]]
    whole: frozenset[str]
    _evaluate: Callable[[Mapping[str, Any]], Any]

    def render(self, scope: Mapping[str, Any]) -> Any:
        """The value in this scope, as plain JSON. Raises TemplateFailed."""
        try:
            return plain(self._evaluate(scope))
        except Exception as error:  # The edge of what users write.
            raise TemplateFailed(_message(error)) from error


@dataclass(frozen=True)
class Nested:
    """A JSON value whose strings are templates, however deep."""

    templates: tuple[tuple[str, Template], ...]
    _evaluate: Callable[[Mapping[str, Any]], Any]

    def render(self, scope: Mapping[str, Any]) -> Any:
        """The value with every template rendered. Raises TemplateFailed."""
        return self._evaluate(scope)


def is_template(value: Any) -> bool:
    """Whether a text has anything to render."""
    return isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value)


def compile_template(source: str, attr: str) -> Template:
    """The compiled template. Raises InvalidInput at `attr`, with the line, when it does not compile."""
    if not isinstance(source, str):
        raise InvalidInput.at(attr, "A template is a text.")
    if len(source) > SOURCE_LIMIT:
        raise InvalidInput.at(attr, f"The template is longer than {SOURCE_LIMIT:,} characters.")
    try:
        return _compile(source)
    except Exception as error:  # The edge of what users write.
        raise InvalidInput.at(attr, f"The template does not compile: {_place(error)}", "template") from error


def compile_value(value: Any, attr: str) -> Nested:
    """A JSON value whose strings are templates. Raises InvalidInput with every template that does not compile."""
    found: list[tuple[str, Template]] = []
    problems: list[Problem] = []
    evaluate = _nested(value, attr, found, problems)
    if problems:
        raise InvalidInput(problems)
    return Nested(tuple(found), evaluate)


def _nested(
    value: Any, attr: str, found: list[tuple[str, Template]], problems: list[Problem]
) -> Callable[[Mapping[str, Any]], Any]:
    if isinstance(value, dict):
        parts = {key: _nested(item, f"{attr}.{key}", found, problems) for key, item in value.items()}
        return lambda scope: {key: part(scope) for key, part in parts.items()}
    if isinstance(value, list):
        items = [_nested(item, f"{attr}.{place}", found, problems) for place, item in enumerate(value)]
        return lambda scope: [item(scope) for item in items]
    if not is_template(value):
        return lambda _scope: value
    try:
        template = compile_template(value, attr)
    except InvalidInput as error:
        problems += error.problems
        return lambda _scope: None
    found.append((attr, template))
    return template.render


@functools.lru_cache(maxsize=512)
def _compile(source: str) -> Template:
    if not is_template(source):
        return Template(source, frozenset(), frozenset(), frozenset(), frozenset(), lambda _scope: source)
    expression = _only_expression(source)
    tree = _environment.parse(source) if expression is None else _assignment(expression)
    names = frozenset(find_undeclared_variables(tree)) - frozenset(_environment.globals)
    references, whole = frozenset(_references(tree)), _whole(tree)
    needed = references - frozenset(_taken_up(tree))
    compiled = _environment.from_string(guard(tree))
    begin, body, globals_ = begin_rendering, compiled.root_render_func, dict(_environment.globals)

    def new_context(scope: Mapping[str, Any]) -> Context:
        return Context(_environment, {**globals_, **scope}, None, compiled.blocks, globals_)

    def value_of(scope: Mapping[str, Any]) -> Any:
        begin()
        context = new_context(scope)
        for _nothing in body(context):
            pass
        return context.vars["result"]

    def text_of(scope: Mapping[str, Any]) -> str:
        begin()
        return _environment.concat(body(new_context(scope)))

    return Template(source, names, references, needed, whole, text_of if expression is None else value_of)


def _only_expression(source: str) -> nodes.Expr | None:
    """The expression, when the template is one `{{ expression }}` between blanks."""
    stripped = source.strip()
    if not (stripped.startswith("{{") and stripped.endswith("}}")):
        return None
    match _environment.parse(stripped).body:
        case [nodes.Output(nodes=[nodes.Expr() as expression])] if not isinstance(expression, nodes.TemplateData):
            return expression
    return None


def _assignment(expression: nodes.Expr) -> nodes.Template:
    target = nodes.Name("result", "store", lineno=1)
    tree = nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1)
    tree.set_environment(_environment)
    return tree


def _whole(tree: nodes.Template) -> frozenset[str]:
    """The names that stand somewhere without a fixed attribute behind them."""
    every = Counter(node.name for node in tree.find_all(nodes.Name))
    every.subtract(Counter(name for name, _ in _references(tree)))
    return frozenset(name for name, left in every.items() if left > 0)


def _references(tree: nodes.Node) -> Iterator[tuple[str, str]]:
    for node in (tree, *tree.find_all((nodes.Getattr, nodes.Getitem))):
        match node:
            case nodes.Getattr(node=nodes.Name(name=name), attr=attribute):
                yield name, attribute
            case nodes.Getitem(node=nodes.Name(name=name), arg=nodes.Const(value=str() as attribute)):
                yield name, attribute


def _taken_up(tree: nodes.Template) -> Iterator[tuple[str, str]]:
    """What may be missing, since the template asks for that somewhere."""
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        if node.name in _TAKE_UP and node.node is not None:
            yield from _references(node.node)


def _place(error: BaseException) -> str:
    if isinstance(error, TemplateSyntaxError):
        return f"{error.message} (line {error.lineno})"
    return _message(error)


def _message(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "It is nested too deep."
    if isinstance(error, MemoryError):
        return f"It needs more memory than a value of {SIZE_LIMIT // 1024} kB."
    if isinstance(error, KeyError):
        return f"There is no {error}."
    return str(error) or type(error).__name__
