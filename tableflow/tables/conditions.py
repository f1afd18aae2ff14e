"""SQL on the values of rows: the expressions that filters, sorting and runs are made of.

A stored value may be of another JSON type than its column's (the type was changed, somebody wrote by hand). So
nothing here casts: jsonb is compared with jsonb, text with text, and a condition is true or false, never NULL.
"""

from __future__ import annotations

import json
import operator
from functools import reduce
from typing import Any

from django.db.models import BooleanField, F, Field, Func, JSONField, Q, TextField, Value
from django.db.models.expressions import Combinable

from tableflow.tables import types
from tableflow.tables.schema import ColumnSpec


def value_of(key: str) -> Func:
    """The stored value of a column, as jsonb; NULL when it is missing."""
    return _binary(F("data"), " -> ", _text(key), JSONField())


def text_of(key: str) -> Func:
    """The stored value of a column, as text; NULL when it is null or missing."""
    return _binary(F("data"), " ->> ", _text(key), TextField())


def has_json_type(key: str, json_type: str) -> Func:
    """Whether the stored value is of that JSON type: number, string, boolean, array, object or null."""
    kind = Func(value_of(key), function="jsonb_typeof", output_field=TextField())
    return _condition(kind, " = ", _text(json_type))


def ordered_text(column: ColumnSpec) -> Func:
    """The stored text, compared by code points; a time without its Z, so that a fraction follows the whole second."""
    text = text_of(column.key)
    if column.type == "datetime":
        text = Func(text, Value("Z"), function="RTRIM", output_field=TextField())
    return _by_code_point(text)


def is_empty(key: str) -> Q:
    """The cell is null, missing, "" or []: the same rule as types.is_empty."""
    template = "(COALESCE(%(expressions)s, 'null'::jsonb) IN ('null'::jsonb, '\"\"'::jsonb, '[]'::jsonb))"
    return Q(Func(value_of(key), template=template, output_field=BooleanField()))


def requirement_met(key: str) -> Q:
    """The cell is neither empty nor an unticked checkbox: the same rule as types.requirement_met."""
    unmet = "'null'::jsonb, '\"\"'::jsonb, '[]'::jsonb, 'false'::jsonb"
    template = f"(COALESCE(%(expressions)s, 'null'::jsonb) NOT IN ({unmet}))"
    return Q(Func(value_of(key), template=template, output_field=BooleanField()))


def equals(column: ColumnSpec, value: Any) -> Q:
    """The cell holds this value, coerced and not None; for multiselect the same choices in any order."""
    stored, wanted = value_of(column.key), _json(value)
    if column.type not in types.LIST_TYPES:
        return _holds(_condition(stored, " = ", wanted))
    within, around = _condition(stored, " <@ ", wanted), _condition(stored, " @> ", wanted)
    return _holds(has_json_type(column.key, "array")) & _holds(within) & _holds(around)


def is_one_of(column: ColumnSpec, values: list[Any]) -> Q:
    """The cell holds one of these values (all coerced, none None)."""
    listed = Func(_json(values), template="(SELECT jsonb_array_elements(%(expressions)s))", output_field=JSONField())
    return _holds(_condition(value_of(column.key), " IN ", listed))


def has_choice(key: str, choices: list[str]) -> Q:
    """The multiselect cell has at least one of these choices."""
    elements = "ARRAY(SELECT jsonb_array_elements_text(%(expressions)s))"
    wanted = Func(_json(choices), template=elements, output_field=TextField())
    shared: Func[Any] = Func(value_of(key), wanted, function="jsonb_exists_any", output_field=BooleanField())
    return _holds(has_json_type(key, "array")) & _holds(shared)


def compares(column: ColumnSpec, sign: str, value: Any) -> Q:
    """The cell is greater or less (`sign`: >, >=, <, <=) than this coerced value; an empty cell is neither."""
    if column.type in types.NUMERIC_TYPES:
        is_number = has_json_type(column.key, "number")
        return _holds(is_number) & _holds(_condition(value_of(column.key), f" {sign} ", _json(value)))
    wanted = _text(value.rstrip("Z") if column.type == "datetime" else value)
    is_text = has_json_type(column.key, "string")
    return _holds(is_text) & _holds(_condition(ordered_text(column), f" {sign} ", wanted))


def matches(key: str, pattern: str) -> Q:
    """The cell's text matches the LIKE pattern, without regard to case."""
    return _holds(_like(text_of(key), pattern))


def any_value_contains(keys: tuple[str, ...], text: str) -> Q:
    """A value of one of these columns contains the text, without regard to case."""
    pattern = f"%{escaped(text)}%"
    somewhere = [matches(key, pattern) for key in keys]
    # One look at the row as a whole comes first: few rows have a rare text, and none of their values is then taken out.
    return _may_contain(text) & reduce(operator.or_, somewhere) if somewhere else Q(_never())


def _may_contain(text: str) -> Q:
    """The row's data, written as JSON, has the text: as it is, or as it stands in a JSON string."""
    whole = Func(F("data"), template="(%(expressions)s)::text", output_field=TextField())
    written = {text, json.dumps(text, ensure_ascii=False)[1:-1]}
    return reduce(operator.or_, (Q(_like(whole, f"%{escaped(part)}%")) for part in sorted(written)))


def _never() -> Func:
    return Func(template="FALSE", output_field=BooleanField())


def escaped(text: str) -> str:
    """The text as a part of a LIKE pattern that means just itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _by_code_point(text: Combinable) -> Func:
    return Func(text, template='(%(expressions)s COLLATE "C")', output_field=TextField())


def _like(text: Combinable, pattern: str) -> Func:
    left = Func(text, function="UPPER", output_field=TextField())
    right = Func(_text(pattern), function="UPPER", output_field=TextField())
    return _condition(left, " LIKE ", right)


def _text(text: str) -> Func:
    return Func(Value(text), template="(%(expressions)s)::text", output_field=TextField())


def _json(value: Any) -> Value:
    return Value(value, output_field=JSONField())


def _binary(left: Combinable, joiner: str, right: Combinable, output: Field[Any, Any]) -> Func:
    return Func(left, right, template="(%(expressions)s)", arg_joiner=joiner, output_field=output)


def _condition(left: Combinable, joiner: str, right: Combinable) -> Func:
    return _binary(left, joiner, right, BooleanField())


def _holds(condition: Func) -> Q:
    """The condition with false for NULL, so that its negation is its exact opposite."""
    return Q(Func(condition, Value(value=False), function="COALESCE", output_field=BooleanField()))
