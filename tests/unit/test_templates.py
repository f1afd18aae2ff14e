"""Templates: types kept, names missing, and nothing that eats memory or time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells.templates import TemplateFailed, compile_template, compile_value
from tableflow.errors import InvalidInput

SCOPE: dict[str, Any] = {
    "inputs": {"x": 3, "name": "Ada", "empty": None, "list": [1, 2]},
    "steps": {"fetch": {"body": {"items": [1, 2], "name": "n"}}, "skipped": None},
    "row": {"items": "five", "blank": None, "key": "k"},
}


def render(source: str) -> Any:
    return compile_template(source, "t").render(SCOPE)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ inputs.x }}", 3),
        ("  {{ inputs.x + 1 }}\n", 4),
        ("{{- inputs.x -}}", 3),
        ("{{ inputs.list }}", [1, 2]),
        ("{{ steps.fetch.body }}", {"items": [1, 2], "name": "n"}),
        ("{{ steps['fetch'].body.name }}", "n"),
        ("{{ inputs.x > 2 }}", True),
        ("{{ row.blank }}", None),
        ("{{ range(3) | map('string') }}", ["0", "1", "2"]),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ '[1]' }}", "[1]"),
        ("{{ '[1]' | fromjson }}", [1]),
    ],
)
def test_a_single_expression_keeps_its_type(source: str, value: Any) -> None:
    rendered = render(source)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("no template", "no template"),
        ("x={{ inputs.x }}", "x=3"),
        ("{{ inputs.x }}{{ inputs.x }}", "33"),
        ("[{{ row.blank }}]", "[]"),
        ("{{ inputs.x ~ none ~ inputs.list }}", "3[1, 2]"),
        ("see {{ steps.fetch.body }}", 'see {"items": [1, 2], "name": "n"}'),
        ("{% if inputs.x > 2 %}big{% endif %}", "big"),
        ("{% for i in inputs.list %}{{ i }}{{ '.' if loop.last else ',' }}{% endfor %}", "1,2."),
        ("<{{ '<b>' | e }}>", "<&lt;b&gt;>"),
        ("line\n", "line\n"),
    ],
)
def test_everything_else_is_text_with_null_as_nothing(source: str, text: str) -> None:
    assert render(source) == text


def test_a_column_may_be_called_like_a_method() -> None:
    assert render("{{ row.items }}") == "five"
    assert render("{{ inputs.get('nothing', 'd') }}") == "d"


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("{{ nothing }}", "'nothing' is not defined"),
        ("{{ inputs.y }}", "There is no 'y' here; there are: x, name, empty, list"),
        ("{{ row.typo }}", "'typo'"),
        ("text {{ steps.gone.body }}", "'gone'"),
        ("{{ steps.skipped.body }}", "'body' was asked of an empty value"),
        ("{{ inputs.x.real }}", "unsafe"),
        ("{{ [inputs.y] }}", "'y'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ 'a' + 1 }}", "str"),
        ("{{ inputs.x() }}", "not callable"),
    ],
)
def test_what_fails_at_run_time_is_named(source: str, named: str) -> None:
    with pytest.raises(TemplateFailed) as failure:
        render(source)
    assert named in str(failure.value)


def test_a_missing_name_can_be_given_a_default() -> None:
    assert render("{{ steps.skipped.body.name | default('none') }}") == "none"
    assert render("{{ inputs.y is defined }}") is False


@pytest.mark.parametrize(
    "source",
    [
        "{{ inputs.x",
        "{% if %}",
        "{{ 'x' | no_such_filter }}",
        "{% include 'other' %}",
        "{% extends 'other' %}",
        "{% import 'other' as o %}",
        "{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}",
        "{{ 1" + " + 1" * 5000 + " }}",
        "{{ " + "9" * 10_000 + " }}",
        "x" * 100_001,
    ],
)
def test_what_does_not_compile_is_refused_at_its_field(source: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        compile_template(source, "steps.0.config.url")
    assert [problem.attr for problem in refusal.value.problems] == ["steps.0.config.url"]


GROWING = "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = GROWTH %}{% endfor %}{{ n.x }}"
NESTING = "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}"


def repeated(*assignments: str) -> str:
    """A template that does the assignments to a namespace's `x` and `y` again and again."""
    body = "".join(f"{{% set {assignment} %}}" for assignment in assignments)
    return f"{{% set n = namespace(x=(1,), y=(1,)) %}}{{% for i in range(9999) %}}{body}{{% endfor %}}"


BOMBS = [
    "{{ 'a' * 10 ** 10 }}",
    "{{ 10 ** 10 * 'a' }}",
    "{{ [0] * 10 ** 9 }}",
    "{{ [[[[1] * 1000] * 1000] * 1000] * 1000 }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ (10 ** 1000) * (10 ** 1000) }}",
    "{{ range(10 ** 9) | list }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '%.1000000000f' % 1 }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{w}}'.format(1, w=1000000000) }}",
    "{{ 'a'.center(10 ** 10) }}",
    "{{ 'a'.ljust(10 ** 10) }}",
    "{{ '1'.zfill(10 ** 10) }}",
    "{{ 'a' | center(10 ** 10) }}",
    "{{ 'a\nb' | indent(10 ** 10) }}",
    "{{ [1] | batch(10 ** 9, 0) | list }}",
    "{{ [1] | slice(10 ** 9) | list }}",
    "{{ [1] | tojson(indent=10 ** 9) }}",
    "{{ ('x' * 1000) | wordwrap(1, wrapstring='y' * 1000000) }}",
    "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
    "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "{{ ('b' * 100000).join(range(10000) | map('string') | list) }}",
    "{{ range(10000) | join('b' * 100000) }}",
    "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{{ (range(10000) | map('batch', 1) | map('list') | list) | sum(start=[]) }}",
    "{% set a = range(10000) | list %}{{ range(20000, 30000) | select('in', a + a + a + a + a + a + a) | list }}",
    "{{ ('%(' * 400000) % {} }}",
    "{% set s %}{% for i in range(9999) %}{{ 'a' * 1000 }}{% endfor %}{% endset %}{{ s }}",
    "{% for i in range(9999) %}{{ 'a' * 1000 }}{% endfor %}",
    GROWING.replace("GROWTH", "n.x ~ n.x"),
    GROWING.replace("GROWTH", "n.x + n.x"),
    GROWING.replace("GROWTH", "n.x.replace('', n.x)"),
    GROWING.replace("GROWTH", "'%s%s' % (n.x, n.x)"),
    GROWING.replace("GROWTH", "'{0}{0}'.format(n.x)"),
    GROWING.replace("GROWTH", "[n.x, n.x] | join"),
    NESTING + "{{ n.x }}",
    NESTING + "{{ n }}",
    NESTING + "{{ n ~ 'a' }}",
    NESTING + "{{ [n] | string }}",
    NESTING + "{{ '%s' % n.x }}",
    NESTING + "{{ '%s' % n }}",
    NESTING + "{{ n.x | tojson }}",
    NESTING + "{{ '{}'.format(n.x) }}",
    NESTING + "{{ ','.join([n.x]) }}",
    NESTING + "{{ '{!r}'.format(n.x) }}",
    repeated("n.x = (n.x, n.x)", "n.y = (n.y, n.y)") + "{{ n.x == n.y }}",
    repeated("n.x = (n.x, n.x)") + "{{ {n.x: 1} }}",
    repeated("n.x = {'a': n.x, 'b': n.x}") + "{{ n.x == 1 }}",
    repeated("n.x = namespace(x=n.x, y='a' * 1000000)"),
    repeated("n.x = cycler(n.x, 'a' * 1000000)"),
    "".join(f"{{% set v{n} = 'a' * 1000000 %}}" for n in range(3000)),
    "{{ [" + "'a' * 1000000," * 3000 + "] }}",
    "{{ ([none] * 10000) | map('default', ['a' * 100000], true) | list == 1 }}",
]


@pytest.mark.parametrize("source", BOMBS)
def test_a_bomb_fails_soon_and_small(source: str) -> None:
    template = compile_template(source, "t")
    began = time.thread_time()
    with pytest.raises(TemplateFailed):
        template.render(SCOPE)
    assert time.thread_time() - began < 5


def test_a_big_answer_of_another_step_can_be_picked_from() -> None:
    people = [{"name": f"n{n}", "age": n % 100, "text": "x" * 200} for n in range(20_000)]
    scope = {"steps": {"fetch": {"body": people}}}
    source = "{{ steps.fetch.body | selectattr('age', 'gt', 98) | map(attribute='name') | list | length }}"
    assert compile_template(source, "t").render(scope) == 200
    assert compile_template("{{ steps.fetch.body | length }}", "t").render(scope) == 20_000
    assert compile_template("{{ steps.fetch.body[7].name }}", "t").render(scope) == "n7"
    with pytest.raises(TemplateFailed, match="bigger than 1 MB"):
        compile_template("{{ steps.fetch.body }}", "t").render(scope)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ inputs.name.encode().hex() }}",
        "{{ [].append(1) }}",
        "{{ inputs.update({'x': 1}) }}",
        "{{ range.__init__.__globals__ }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ ''|attr('__class__') if false else lipsum() }}",
        "{{ cycler.__init__ }}",
        "{{ namespace() }}",
    ],
)
def test_nothing_is_reached_through_the_sandbox(source: str) -> None:
    with pytest.raises((TemplateFailed, InvalidInput)):
        compile_template(source, "t").render(SCOPE)


def test_what_the_database_cannot_hold_does_not_come_out() -> None:
    scope = {"inputs": {"x": "a\0b", "y": "\ud83d", "z": float("nan"), "e": "\U0001f600"}}
    assert compile_template("{{ inputs.x }}", "t").render(scope) == "a\ufffdb"
    assert compile_template("{{ [inputs.y, inputs.z, inputs.e] }}", "t").render(scope) == ["\ufffd", None, "\U0001f600"]


def test_the_names_and_references_of_a_template_are_known() -> None:
    template = compile_template("{{ inputs.a }}{{ steps['b'].c }}{% for x in row.d %}{{ x.e }}{% endfor %}", "t")
    assert template.names == {"inputs", "steps", "row"}
    assert {("inputs", "a"), ("steps", "b"), ("row", "d")} <= template.references


def test_a_nested_value_renders_its_texts_and_names_every_bad_one() -> None:
    nested = compile_value({"a": ["{{ inputs.x }}", 1, None], "b": {"c": "{{ row.key }}!"}}, "json")
    assert nested.render(SCOPE) == {"a": [3, 1, None], "b": {"c": "k!"}}
    with pytest.raises(InvalidInput) as refusal:
        compile_value({"a": ["{{ x", 1], "b": "{% if %}"}, "json")
    assert [problem.attr for problem in refusal.value.problems] == ["json.a.0", "json.b"]


@given(st.text(max_size=200))
def test_any_text_is_refused_or_rendered(source: str) -> None:
    try:
        template = compile_template(source, "t")
        template.render(SCOPE)
    except (InvalidInput, TemplateFailed):
        pass


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=20,
    )
)
def test_a_value_passes_through_an_expression_unchanged(value: Any) -> None:
    def scrubbed(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("\0", "\ufffd")
        if isinstance(value, list):
            return [scrubbed(item) for item in value]
        if isinstance(value, dict):
            return {scrubbed(key): scrubbed(item) for key, item in value.items()}
        return value

    assert compile_template("{{ inputs.v }}", "t").render({"inputs": {"v": value}}) == scrubbed(value)


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("{{ row.city }} {{ row['land'] }} {{ steps.fetch.body }}", {"city", "land"}),
        ("{{ row.city.name | upper }}", {"city"}),
        ("{{ row.city | default('?') }}", set()),
        ("{{ row.city.name | d('?') | upper }}", set()),
        ("{% if row.city is defined %}{{ row.city }}{% endif %}{{ row.land }}", {"land"}),
        ("{{ row['city'] is undefined }}", set()),
        ("{{ (row.city ~ row.land) | default('?') }}", set()),
        ("{{ row[inputs.x] }} {{ row }}", set()),
    ],
)
def test_what_must_be_there_is_known(source: str, needed: set[str]) -> None:
    assert {name for space, name in compile_template(source, "t").needed if space == "row"} == needed
