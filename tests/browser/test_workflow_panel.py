"""The panel in which a workflow column is made and changed: forms, completion, problems, trials, and what is saved."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, Route, expect

from cells.models import Execution, Workflow, WorkflowVersion
from cells.workflows import versions
from tableflow.tables import columns, groups, rows
from tableflow.tables.models import Column, Group, Row, Table
from tests import scenes
from tests.browser.grid import cell
from tests.factories import TableFactory

Visit = Callable[[str], Page]


@pytest.fixture
def cities(user: User) -> Table:
    """Three cities with their countries."""
    made = TableFactory.create(name="Cities", owner=user, columns={"city": "text", "country": "text"})
    rows.insert(made, [{"city": "paris", "country": "fr"}, {"city": "rome", "country": "it"}, {"city": "oslo"}])
    return made


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Workflow column")


def start(page: Page) -> Locator:
    """Open the panel for a new column."""
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("menuitem", name="Workflow column…").click()
    found = panel(page)
    expect(found.get_by_role("heading", name="New workflow column")).to_be_visible()
    return found


def faults(page: Page) -> list[str]:
    """What axe finds gravely wrong with the panel."""
    found = Axe().run(page, "#workflow-panel", {"resultTypes": ["violations"]}).response["violations"]
    return [str(rule) for rule in found if rule["impact"] in {"serious", "critical"}]


def add_step(page: Page, title: str) -> None:
    panel(page).get_by_role("button", name="Add a step").click()
    page.get_by_role("menuitem", name=title).click()


@pytest.mark.usefixtures("worker")
def test_a_workflow_is_written_tried_and_saved_and_its_column_runs(visit: Visit, cities: Table) -> None:
    page = visit(f"/tables/{cities.pk}/")
    form = start(page)
    form.get_by_label("Name of the workflow").fill("Greet")
    form.get_by_role("button", name="Add an input").click()
    expect(form.get_by_label("Name of the input")).to_have_value("city")
    expect(form.get_by_label("What city is")).to_have_value("city")

    add_step(page, "Template")
    template = form.get_by_role("textbox", name="Template", exact=True)
    template.click()
    page.keyboard.type("Hello {{ ci")
    option = page.get_by_role("option", name="inputs.city")
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(template).to_have_value("Hello {{ inputs.city }}")

    add_step(page, "Template")
    second = form.get_by_role("listitem").filter(has_text="template_2")
    said = second.get_by_role("textbox", name="Template", exact=True)
    said.click()
    page.keyboard.type("{{ steps.template_9 | upper }}")
    expect(second.get_by_text("There is no step 'template_9'")).to_be_visible()
    expect(said).to_have_attribute("aria-invalid", "true")
    said.fill("{{ steps.template | upper }}")
    expect(second.get_by_text("There is no step")).to_have_count(0)
    expect(said).not_to_have_attribute("aria-invalid", "true")

    form.get_by_role("button", name="Add an output").click()
    expect(form.get_by_label("Template of result")).to_have_value("{{ steps.template_2 }}")
    form.get_by_label("New column").fill("Greeting")
    form.get_by_role("button", name="Add an output").click()
    form.get_by_role("textbox", name="Name of the output").last.fill("result")
    expect(form.get_by_text("Another output has this name.")).to_be_visible()
    form.get_by_role("button", name="Remove the output result_2").click()
    cell(page, 2, "City").click()
    form.get_by_role("button", name="Try on row 2").click()
    trial = form.get_by_role("group", name="Trial on row 2")
    expect(trial.get_by_role("heading", name="Greeting")).to_be_visible()
    expect(trial.get_by_text("HELLO ROME", exact=True).first).to_be_visible()
    expect(trial.get_by_text("Completed").first).to_be_visible()
    expect(form.get_by_role("button", name="Try on row 2")).to_be_focused()
    assert not any(model.objects.exists() for model in (Workflow, Group, Execution))

    form.get_by_role("button", name="Save and run 10").click()
    expect(panel(page)).to_be_hidden()
    expect(page.get_by_role("columnheader", name="Greeting")).to_be_visible()
    expect(cell(page, 1, "Greeting")).to_have_text("HELLO PARIS")
    assert WorkflowVersion.objects.get().inputs == ["city"]
    assert Group.objects.get().auto_run is False


@pytest.fixture
def shouted(user: User, cities: Table) -> Group:
    """A workflow column `Loud` of the cities, whose workflow has two outputs and is used by another column, too."""
    steps = [{"id": "up", "type": "template", "config": {"template": "{{ inputs.text | upper }}"}}]
    outputs = {"loud": "{{ steps.up }}", "length": "{{ steps.up | length }}"}
    work = versions.create(user, "Shout", ["text"], steps, outputs)
    made = [
        groups.create(
            table,
            {
                "workflow": work.pk,
                "inputs": {"text": "city"},
                "outputs": [{"from": "loud", "column": {"name": "Loud", "type": "text"}}],
            },
            default_name="Shout",
        )
        for table in (cities, TableFactory.create(name="Towns", owner=user, columns={"city": "text"}))
    ]
    return made[0]


def edit(page: Page) -> Locator:
    """Open the panel for the workflow column `Shout`."""
    page.get_by_role("button", name="Run Shout").click()
    page.get_by_role("menuitem", name="Edit this workflow column…").click()
    found = panel(page)
    expect(found.get_by_role("heading", name="Shout", exact=True)).to_be_visible()
    return found


def test_a_column_is_changed_in_all_its_parts(visit: Visit, cities: Table, shouted: Group) -> None:
    page = visit(f"/tables/{cities.pk}/")
    form = edit(page)
    expect(form.get_by_role("list", name="Steps").get_by_text("up", exact=True)).to_be_visible()
    form.get_by_label("Name of the column").fill("Cry")
    form.get_by_label("What text is").select_option("A template…")
    form.get_by_label("Template for text").fill("{{ row.city }}!")
    expect(form.get_by_label("Column for length")).to_have_value("-")
    form.get_by_label("Column for length").select_option("A new column")
    expect(form.get_by_label("New column").and_(page.locator(":visible"))).to_have_value("Length")
    form.get_by_label("Type").and_(page.locator(":visible")).select_option("Number")

    form.get_by_label("Run if").fill("{{ row.nowhere }}")
    expect(form.get_by_text("There is no column 'nowhere'.")).to_be_visible()
    form.get_by_label("Run if").fill("{{ row.country }}")
    expect(form.get_by_text("Holds for 2 of 3 rows.")).to_be_visible()
    expect(form.get_by_text("There is no column")).to_have_count(0)
    form.get_by_role("checkbox", name="City").check()
    expect(form.get_by_role("checkbox", name="Loud")).to_have_count(0)
    form.get_by_label("At most so many cells at once").fill("4")
    form.get_by_role("button", name="Save", exact=True).click()
    expect(panel(page)).to_be_hidden()
    shouted.refresh_from_db()
    assert (shouted.name, shouted.inputs, shouted.run_if) == ("Cry", {"text": "{{ row.city }}!"}, "{{ row.country }}")
    assert (shouted.run_after, shouted.concurrency, shouted.auto_run) == (["city"], 4, False)
    assert shouted.outputs == [{"from": "loud", "column": "loud"}, {"from": "length", "column": "length"}]
    assert Column.objects.get(table=cities, key="length").type == "number"
    assert WorkflowVersion.objects.count() == 1

    page.get_by_role("button", name="Run Cry").click()
    page.get_by_role("menuitem", name="Edit this workflow column…").click()
    form.get_by_label("Column for loud").select_option("No column")
    form.get_by_role("checkbox", name="Delete the columns that it no longer fills").check()
    form.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("columnheader", name="Loud")).to_have_count(0)
    assert not Column.objects.filter(table=cities, key="loud", deleted_at=None).exists()


def test_steps_are_edited_into_a_new_version_and_a_refusal_of_the_column_loses_nothing(
    visit: Visit, user: User, cities: Table, shouted: Group
) -> None:
    page = visit(f"/tables/{cities.pk}/")
    form = edit(page)
    form.get_by_role("button", name="Edit steps").click()
    expect(form.get_by_text("A change makes version 2 of it.")).to_be_visible()
    expect(form.get_by_text("It is also used by Shout in Towns")).to_be_visible()
    add_step(page, "HTTP request")
    web = form.get_by_role("listitem").filter(has_text="HTTP request")
    expect(web.get_by_label("Method")).to_have_value("GET")
    web.get_by_label("URL").fill("https://example.org/{{ steps.up }}")
    web.get_by_text("More", exact=True).click()
    web.get_by_role("button", name="Add to query parameters").click()
    web.get_by_label("Name in query parameters").fill("q")
    web.get_by_label("Value in query parameters").fill("{{ inputs.nobody }}")
    expect(web.get_by_text("There is no input 'nobody'")).to_be_visible()
    web.get_by_label("Value in query parameters").fill("{{ inputs.text }}")
    expect(web.get_by_text("There is no input")).to_have_count(0)
    web.get_by_label("JSON body").fill('{"a": ')
    expect(web.get_by_text("This is no JSON")).to_be_visible()
    assert faults(page) == []
    form.get_by_role("button", name="Save", exact=True).click()
    expect(web.get_by_label("JSON body")).to_be_focused()
    web.get_by_label("JSON body").fill('{"a": "{{ steps.up }}"}')
    form.get_by_role("button", name="Move up: http").click()
    expect(web.get_by_text("The step 'up' has not run yet here").first).to_be_visible()
    form.get_by_role("button", name="Move down: http").click()
    form.get_by_role("button", name="Duplicate: up").click()
    expect(form.get_by_role("button", name="Delete: up_2")).to_be_visible()
    form.get_by_role("button", name="Delete: up_2").click()
    form.get_by_label("Name of the column").fill("Cry")

    versions.change(Workflow.objects.get(), user=user, inputs=["text", "more"])
    form.get_by_role("checkbox", name="Country").check()
    form.get_by_role("button", name="Save", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("Somebody has saved version 2 of the workflow meanwhile.")

    def meanwhile(route: Route) -> None:
        columns.delete(cities, "country")
        route.continue_()

    mine = re.compile(rf"/groups/{shouted.pk}/$")
    page.route(mine, meanwhile)
    form.get_by_role("button", name="Save", exact=True).click()
    expect(form.get_by_role("alert")).to_have_text(
        "The workflow Shout is saved as version 3. The column is not saved yet."
    )
    expect(form.get_by_text("There is no column 'country'.")).to_be_visible()
    page.unroute(mine)
    form.get_by_role("checkbox", name="country (not to the left)").click()
    form.get_by_role("button", name="Save", exact=True).click()
    expect(panel(page)).to_be_hidden()
    shouted.refresh_from_db()
    assert shouted.name == "Cry"
    newest = WorkflowVersion.objects.latest("number")
    assert newest.number == 3
    assert [step["id"] for step in newest.steps] == ["up", "http"]
    assert newest.steps[1]["config"] == {
        "method": "GET",
        "url": "https://example.org/{{ steps.up }}",
        "query": {"q": "{{ inputs.text }}"},
        "json": {"a": "{{ steps.up }}"},
    }


def test_names_that_nothing_has_are_told_while_one_types_and_a_workflow_of_other_tables_is_saved(
    visit: Visit, cities: Table, shouted: Group
) -> None:
    page = visit(f"/tables/{cities.pk}/")
    form = edit(page)
    form.get_by_role("button", name="Edit steps").click()
    template = form.get_by_role("textbox", name="Template", exact=True)
    template.fill("{{ row.unknown }}")
    expect(form.get_by_text("There is no column 'unknown' in this table.")).to_be_visible()
    expect(template).to_have_attribute("aria-invalid", "true")
    for names, said in {
        "{{ inputs.unknown }}": "There is no input 'unknown'",
        "{{ steps.unknown }}": "There is no step 'unknown' before this",
        "{{ unknown }}": "'unknown' is not defined",
    }.items():
        template.fill(names)
        expect(form.get_by_text(said)).to_be_visible()
    template.fill("{{ row.unknown | default(row.city) | upper }}")
    expect(template).not_to_have_attribute("aria-invalid", "true")
    template.fill("{{ row.population | default(row.city) }}{{ row.unknown }}")
    expect(form.get_by_text("There is no column 'unknown' in this table.")).to_be_visible()
    form.get_by_role("button", name="Save", exact=True).click()
    expect(panel(page)).to_be_hidden()
    assert WorkflowVersion.objects.latest("number").steps[0]["config"]["template"].endswith("{{ row.unknown }}")


def test_what_can_be_read_is_offered_at_its_field_wherever_that_goes(
    visit: Visit, cities: Table, shouted: Group
) -> None:
    page = visit(f"/tables/{cities.pk}/")
    form = edit(page)
    form.get_by_role("button", name="Edit steps").click()
    form.get_by_role("button", name="Duplicate: up").click()
    first, second = form.get_by_role("textbox", name="Template", exact=True).all()
    first.fill("{{ row.unknown }}")
    second.fill("")
    second.press_sequentially("{{ row.")
    offered = page.get_by_role("listbox", name="What can be read here")
    expect(offered).to_be_visible()

    def is_there() -> bool:
        field, box = second.bounding_box(), offered.bounding_box()
        assert field
        assert box
        below, above = box["y"] - field["y"] - field["height"], field["y"] - box["y"] - box["height"]
        return min(abs(below - 2), abs(above - 2)) < 2 and abs(box["x"] - field["x"]) < 2

    scenes.until(is_there, "it is at its field", 15)
    before = second.bounding_box()
    expect(form.get_by_text("There is no column 'unknown' in this table.")).to_be_visible()
    assert second.bounding_box() != before
    scenes.until(is_there, "it has followed when the form grew", 15)
    panel(page).evaluate("panel => panel.scrollBy(0, 40)")
    scenes.until(is_there, "it has followed when the form was scrolled", 15)
    page.set_viewport_size({"width": 1000, "height": 700})
    scenes.until(is_there, "it has followed when the window was made smaller", 15)


EVERYTHING: list[dict[str, Any]] = [
    {
        "id": "web",
        "type": "http",
        "config": {
            "method": "POST",
            "url": "https://example.org/{{ inputs.text }}",
            "query": {"a": 1, "b": "{{ inputs.text }}", "c": None},
            "headers": {"X-Place": "{{ row.city }}"},
            "json": {"deep": [{"text": "{{ inputs.text }}", "number": 1.5}], "none": None},
            "timeout": 2.5,
            "allow_status": [404, 410],
        },
        "if": "{{ inputs.text }}",
        "retry": {"attempts": 3, "backoff_seconds": 0.5},
        "timeout": 9,
        "on_error": "continue",
    },
    {
        "id": "send",
        "type": "http",
        "config": {"method": "PUT", "url": "https://example.org", "json": "{{ steps.web }}"},
    },
    {"id": "where", "type": "python", "config": {"function": "place", "arguments": {"city": "Rome", "country": None}}},
    {
        "id": "far",
        "type": "python",
        "config": {
            "function": "distance_km",
            "arguments": {
                "from_latitude": 1.5,
                "from_longitude": "{{ steps.where.longitude }}",
                "to_latitude": 2,
                "to_longitude": 3,
            },
        },
    },
    {
        "id": "model",
        "type": "llm",
        "config": {
            "model": "small",
            "prompt": "One line\n\n{{ steps.where }}",
            "schema": {"type": "object", "properties": {"mayor": {"type": "string"}}},
            "temperature": 0.5,
            "max_tokens": 50,
        },
        "on_error": "fail",
    },
    {"id": "nap", "type": "wait", "config": {"seconds": 2}},
    {
        "id": "ask",
        "type": "approval",
        "config": {
            "prompt": "Well?",
            "fields": {"type": "object", "properties": {"note": {"type": "string"}}},
            "assignees": ["ada", "{{ row.mayor }}"],
            "expires_in": None,
            "on_expiry": "rejected",
        },
    },
    {"id": "last", "type": "template", "config": {"template": "{% if steps.ask %}\n yes {% endif %}"}},
]


def test_a_workflow_of_every_type_of_step_goes_through_the_forms_unchanged(
    visit: Visit, cities: Table, user: User, shouted: Group
) -> None:
    outputs = {"text": "{{ steps.last }}", "mayor": "{{ steps.model.data.mayor }}", "far": "{{ steps.far }}"}
    work = versions.create(user, "Everything", ["text", "unused"], EVERYTHING, outputs)
    page = visit(f"/tables/{cities.pk}/")
    form = start(page)
    form.get_by_label("Workflow", exact=True).select_option("Everything (version 1)")
    form.get_by_role("button", name="Edit steps").click()
    expect(form.get_by_role("list", name="Steps").get_by_role("listitem")).to_have_count(len(EVERYTHING))
    types = form.get_by_label("Type", exact=True)
    expect(types).to_have_count(3)
    assert [types.nth(place).input_value() for place in range(3)] == ["number", "text", "text"]

    form.get_by_label("Template of text").click()
    form.get_by_label("Template of text").fill("")
    page.keyboard.type("{{ steps.model.d")
    expect(page.get_by_role("option", name="steps.model.data.mayor")).to_be_visible()
    page.keyboard.press("Escape")
    form.get_by_label("Template of text").fill("{{ steps.last }}")
    form.get_by_role("button", name="Save", exact=True).click()
    expect(panel(page)).to_be_hidden()
    assert WorkflowVersion.objects.get(workflow=work).steps == EVERYTHING
    assert Group.objects.get(workflow_id=work.pk).inputs == {}


def test_what_is_typed_stays_while_the_table_changes_and_is_not_lost_unasked(
    visit: Visit, cities: Table, shouted: Group
) -> None:
    page = visit(f"/tables/{cities.pk}/")
    form = edit(page)
    form.get_by_role("button", name="Close the workflow column").click()
    expect(panel(page)).to_be_hidden()

    edit(page)
    form.get_by_label("Run if").fill("{{ row.city }}")
    columns.create(cities, {"name": "Mayor", "type": "text"})
    columns.reorder(cities, ["city", "country", "mayor", "loud"])
    expect(form.get_by_role("checkbox", name="Mayor")).to_be_visible()
    expect(form.get_by_label("Run if")).to_have_value("{{ row.city }}")
    page.set_viewport_size({"width": 800, "height": 600})
    expect(panel(page)).to_have_css("width", "800px")
    form.get_by_label("Run if").press("Escape")
    question = page.get_by_role("dialog", name="Close without saving?")
    question.get_by_role("button", name="Keep on editing").click()
    expect(form.get_by_label("Run if")).to_have_value("{{ row.city }}")
    form.get_by_role("button", name="Close the workflow column").click()
    question.get_by_role("button", name="Close without saving").click()
    expect(panel(page)).to_be_hidden()
    shouted.refresh_from_db()
    assert shouted.run_if == ""


def test_a_column_is_made_by_the_keyboard_alone(visit: Visit, cities: Table, shouted: Group) -> None:
    page = visit(f"/tables/{cities.pk}/")
    page.get_by_role("button", name="Add", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Column…", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    form = panel(page)
    expect(form.get_by_label("Workflow", exact=True)).to_be_focused()
    page.keyboard.type("Shout")
    expect(form.get_by_label("What text is")).to_be_visible()
    page.keyboard.press("Tab")
    expect(form.get_by_role("button", name="Edit steps")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("A template")
    page.keyboard.press("Tab")
    expect(form.get_by_label("Template for text")).to_be_focused()
    page.keyboard.type("{{ row.")
    offered = page.get_by_role("listbox", name="What can be read here").get_by_role("option")
    expect(offered).to_have_count(3)
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="row.country")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    expect(offered).to_have_count(0)
    page.keyboard.type("co")
    expect(page.get_by_role("option", name="row.country")).to_be_visible()
    page.keyboard.press("Tab")
    expect(form.get_by_label("Template for text")).to_have_value("{{ row.country }}")
    expect(form.get_by_label("Template for text")).to_be_focused()
    page.keyboard.press("Enter")
    expect(form.get_by_label("Template for text")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(panel(page)).to_be_hidden()
    made = Group.objects.exclude(pk=shouted.pk).get(table=cities)
    assert (made.name, made.inputs) == ("Shout", {"text": "{{ row.country }}"})
    assert [output["from"] for output in made.outputs] == ["loud", "length"]
    assert Row.objects.filter(table=cities, data__has_key="loud_2").count() == 0
