"""The modules of the grid that know no page, each by itself, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

Visit = Callable[[str], Page]
Run = Callable[..., Any]
MILLION = 1_000_000

# A store over rows of which row `n` has the id 1000 + n, or one more where row `arg.gone` was deleted above it; the
# answers are held back until they are let go.
STORE = """
  const { PAGE_ROWS, Store } = await import("/static/grid/core/store.js");
  const asked = [];
  const waiting = [];
  const store = new Store((offset, limit, signal) => new Promise((resolve, reject) => {
    asked.push([offset, limit]);
    signal.addEventListener("abort", () => reject(new Error("aborted")));
    waiting.push(values => resolve({ count: arg.count, rows: rows(offset, limit, values) }));
  }));
  const rows = (offset, limit, values = {}) => Array.from({ length: Math.max(0, Math.min(limit, arg.count - offset)) },
    (_, n) => ({ id: 1000 + offset + n + (offset + n >= arg.gone ? 1 : 0), values: { n: offset + n, ...values } }));
  const until = async is => { while (!is()) await new Promise(done => setTimeout(done, 1)); };
  const answer = async values => { await until(() => waiting.length); waiting.shift()(values); await null; };
  const settled = () => new Promise(done => setTimeout(done, 40));
"""


@pytest.fixture
def run(visit: Visit) -> Run:
    """`run(source, arg)` runs the body of an async function in the browser, and gives what it returns."""
    page = visit("/approvals/")
    script = page.locator("script[type=module]").first.get_attribute("src") or ""
    static = script.partition("grid/")[0]

    def go(source: str, arg: Any = None) -> Any:
        return page.evaluate(f"async arg => {{ {source.replace('/static/', static)} }}", arg)

    return go


READ = [
    ("a\tb\nc\td\n", [["a", "b"], ["c", "d"]]),
    ("a\tb\r\nc\td\r\n", [["a", "b"], ["c", "d"]]),
    ("a", [["a"]]),
    ("\n", [[""]]),
    ("a\n\n", [["a"], [""]]),
    ("a\t\n", [["a", ""]]),
    ("a\tb\nc", [["a", "b"], ["c", ""]]),
    ('"a\tb"\t"c\nd"\t"say ""hi"""', [["a\tb", "c\nd", 'say "hi"']]),
    ('"quoted"\t""\n', [["quoted", ""]]),
    ('"he" said\tso', [['"he" said', "so"]]),
    ('6" pipe\t5"', [['6" pipe', '5"']]),
    ('"open\tb\nc', [['"open', "b"], ["c", ""]]),
    ('"a\r\nb"\r\n', [["a\r\nb"]]),
]
PLAIN = [
    ("text", None, ""),
    ("text", "a", "a"),
    ("number", 1.5, "1.5"),
    ("boolean", True, "TRUE"),
    ("boolean", False, "FALSE"),
    ("json", True, "true"),
    ("json", {"a": [1]}, '{"a":[1]}'),
    ("multiselect", ["a", "b"], "a, b"),
    ("multiselect", ["a, b"], '["a, b"]'),
    ("multiselect", [], "[]"),
]


def test_text_of_spreadsheets_is_read_and_written(run: Run) -> None:
    texts = [text for text, _ in READ]
    found = run('const tsv = await import("/static/grid/table/tsv.js"); return arg.map(tsv.read);', texts)
    assert dict(zip(texts, found, strict=True)) == dict(READ)
    source = 'const tsv = await import("/static/grid/table/tsv.js"); const text = tsv.write(arg);'
    cells = [["plain", "with\ttab", 'with "quotes"'], ["two\nlines", "", '"'], ["", "", ""]]
    assert run(f"{source} return tsv.read(text);", cells) == cells
    long = [["x" * 100_000, '"' * 100_000], ["\n" * 100_000, "y"]]
    assert run(f"{source} return tsv.read(text).flat().map(cell => cell.length);", long) == [100_000] * 3 + [1]
    assert run('return (await import("/static/grid/table/tsv.js")).html(arg);', [["<b>", "&"]]) == (
        "<table><tbody><tr><td>&lt;b&gt;</td><td>&amp;</td></tr></tbody></table>"
    )
    source = 'const tsv = await import("/static/grid/table/tsv.js");'
    copied = run(f"{source} return arg.map(([type, value]) => tsv.plain({{ type }}, value));", PLAIN)
    assert copied == [text for _, _, text in PLAIN]


def test_whole_numbers_keep_their_digits_however_many(run: Run) -> None:
    exact = 'const { isLarge, number, parse } = await import("/static/grid/exact.js");'
    written = (
        '{"a":[9007199254740993,-9007199254740993,9007199254740992,1.5,0.30000000000000004],"b":"9007199254740993",'
        f'"c":{10**300 + 1}}}'
    )
    assert run(f"{exact} return JSON.stringify(parse(arg));", written) == written
    assert run(f"{exact} return parse(arg).map(isLarge);", "[9007199254740993, 9007199254740991, 1e30]") == [
        True,
        False,
        False,
    ]
    typed = ["9007199254740993", " +009007199254740993 ", "-9007199254740993", "12", "1e3", "many"]
    digits = ["9007199254740993", "9007199254740993", "-9007199254740993", "12", "1000", "null"]
    assert run(f"{exact} return arg.map(text => JSON.stringify(number(text)));", typed) == digits
    shown = 'const { shown } = await import("/static/grid/table/values.js");'
    source = f"{exact} {shown} const large = number('9007199254740993');"
    forms = [
        ["number", {}],
        ["number", {"precision": 2}],
        ["currency", {"currency": "EUR"}],
        ["currency", {"precision": 0}],
    ]
    assert run(f"{source} return arg.map(([type, options]) => shown({{ type, options }}, large).text);", forms) == [
        "9007199254740993",
        "9007199254740993.00",
        "EUR 9,007,199,254,740,993.00",
        "9,007,199,254,740,993",
    ]


UNDO = """
  const { ApiError } = await import("/static/grid/api.js");
  const { Undo } = await import("/static/grid/table/undo.js");
  const told = [], acts = [];
  const undo = new Undo(text => told.push(text), 3);
  const entry = (label, refuses) => ({ label,
    async undo() { acts.push(`-${label}`); if (refuses) throw new ApiError(refuses, [{ detail: "No." }]); },
    async redo() { acts.push(`+${label}`); } });
"""


def test_what_was_done_is_taken_back_in_order_or_it_is_said_why_not(run: Run) -> None:
    acts, told = run(
        UNDO
        + """
        for (const label of ["a", "b", "c", "d"]) undo.push(entry(label));
        await Promise.all([undo.undo(), undo.undo(), undo.redo(), undo.undo(), undo.undo(), undo.undo()]);
        undo.push(entry("e"));
        await undo.redo();
        return [acts, told];
        """
    )
    assert acts == ["-d", "-c", "+c", "-c", "-b"]
    assert told[:3] == ["Undone: d", "Undone: c", "Done again: c"]
    assert told[-2:] == ["There is nothing to undo.", "There is nothing to do again."]

    told, left = run(
        UNDO
        + """
        undo.push(entry("a"));
        undo.push(entry("b", 503));
        undo.push(entry("c", 409));
        await undo.undo();
        await undo.undo();
        return [told, undo.done.map(({ label }) => label)];
        """
    )
    assert told == [
        "Not undone: c. Somebody has changed it since; nothing was written.",
        "Not undone: b. No.",
    ]
    assert left == ["a", "b"]

    acts, ids = run(
        UNDO
        + """
        let write;
        undo.after(new Promise(done => { write = done; }).then(() => { acts.push("written"); undo.push(entry("a")); }));
        const undone = undo.undo();
        write();
        await undone;
        undo.renamed(1, 2);
        undo.renamed(2, 3);
        return [acts, [undo.id(1), undo.id(2), undo.id(4)]];
        """
    )
    assert acts == ["written", "-a"]
    assert ids == [3, 3, 4]


def test_rows_and_columns_are_found_by_pixels_also_the_last_of_a_million(run: Run) -> None:
    found = run(
        """
        const { RowsGeometry } = await import("/static/grid/core/geometry.js");
        const rows = new RowsGeometry(arg, 32, 500);
        const few = new RowsGeometry(3, 32, 500);
        return {
          spacer: rows.spacer, end: rows.seen(rows.last), reach: (rows.spacer - 500) * rows.scale === rows.last,
          revealed: [rows.revealed(0, 640), rows.revealed(30, 640), rows.revealed(arg - 1, 0), few.revealed(2, 0)],
          few: [few.scale, few.seen(0), few.clamp(99)],
        };
        """,
        MILLION,
    )
    assert found["spacer"] == 8_000_000
    assert found["reach"]
    assert found["end"] == [MILLION - 16, MILLION]
    assert found["revealed"] == [0, 640, MILLION * 32 - 500, 0]
    assert found["few"] == [1, [0, 3], 0]

    found = run(
        """
        const { ColumnsGeometry } = await import("/static/grid/core/geometry.js");
        const columns = new ColumnsGeometry([100, 50, 200, 80], 1, 60);
        return {
          total: columns.total, held: columns.held,
          seen: [columns.seen(0, 300), columns.seen(60, 300), columns.seen(0, 1000)],
          at: [columns.at(10, 50), columns.at(100, 50), columns.at(165, 0), columns.at(165, 50), columns.at(999, 0)],
          revealed: [columns.revealed(0, 90, 300), columns.revealed(1, 90, 300), columns.revealed(3, 0, 300)],
        };
        """
    )
    assert found["total"] == 490
    assert found["held"] == 160
    assert found["seen"] == [[1, 3], [2, 3], [1, 4]]
    assert found["at"] == [-1, 0, 1, 2, 4]
    assert found["revealed"] == [90, 0, 190]


def test_a_range_lies_between_the_active_cell_and_its_head_and_all_rows_are_chosen_but_for_some(run: Run) -> None:
    found = run(
        """
        const { Selection } = await import("/static/grid/core/selection.js");
        const selection = new Selection();
        let told = 0;
        selection.addEventListener("change", () => told++);
        selection.move({ row: 5, column: 2 });
        selection.extend({ row: 3, column: 4 });
        const range = selection.range;
        const covers = [selection.covers({ row: 4, column: 3 }), selection.covers({ row: 2, column: 3 })];
        selection.clamp(4, 3);
        selection.clamp(4, 3);
        return { range, covers, told, active: selection.active, head: selection.head, single: selection.isSingle };
        """
    )
    assert found["range"] == {"top": 3, "bottom": 5, "left": 2, "right": 4}
    assert found["covers"] == [True, False]
    assert found["active"] == {"row": 3, "column": 2}
    assert found["head"] == {"row": 3, "column": 2}
    assert found["single"]
    assert found["told"] == 3

    found = run(
        """
        const { Selection } = await import("/static/grid/core/selection.js");
        const selection = new Selection();
        selection.toggleRow(7);
        const one = [selection.hasRow(7), selection.hasRow(8), selection.rowCount(100)];
        selection.chooseAll();
        selection.toggleRow(7);
        const most = [selection.hasRow(7), selection.hasRow(8), selection.rowCount(100)];
        selection.clearRows();
        return [one, most, selection.hasRows];
        """
    )
    assert found == [[True, False, 1], [False, True, 99], False]


def test_rows_are_fetched_where_one_looks_and_what_one_has_scrolled_past_is_given_up(run: Run) -> None:
    asked = run(
        STORE
        + """
        store.want(0, 20);
        await answer();
        await settled();
        store.want(470, 480);
        await answer();
        await answer();
        await settled();
        store.touch([1003, 1475, 1477]);
        await answer();
        await settled();
        store.touch([1003]);
        store.want(0, 20);
        await answer();
        await settled();
        return asked;
        """,
        {"count": 600},
    )
    assert asked == [[0, 100], [400, 100], [500, 100], [475, 3], [3, 1]]

    asked, count = run(
        STORE
        + """
        store.want(0, 20);
        await answer();
        await settled();
        store.want(300, 320);
        await until(() => asked.length === 2);
        store.want(700, 720);
        await until(() => asked.length === 3);
        waiting.pop()();
        await settled();
        return [asked, [store.row(300)?.id, store.row(700)?.id]];
        """,
        {"count": 1000},
    )
    assert asked[:3] == [[0, 100], [300, 100], [700, 100]]
    assert count == [None, 1700]


def test_rows_that_moved_up_are_taken_together(run: Run) -> None:
    asked, seen, places = run(
        STORE
        + """
        const seen = [];
        store.want(0, 6);
        await answer();
        await settled();
        store.addEventListener("change", () => seen.push([...store.loaded()].map(([, { id }]) => id)));
        Object.assign(arg, { gone: 1, count: 5 });
        store.touch([1001]);
        await answer();
        await answer();
        await settled();
        return [asked, seen, store.places.size];
        """,
        {"count": 6},
    )
    assert asked == [[0, 100], [1, 1], [0, 6]]
    assert seen == [[1000, 1002, 1003, 1004, 1005]]
    assert places == 5


def test_what_is_written_hides_older_answers_until_the_server_has_it(run: Run) -> None:
    shown = run(
        STORE
        + """
        const shown = [];
        const note = () => shown.push(store.row(3).values.n);
        store.want(0, 20);
        await answer();
        await settled();
        store.touch([1003]);
        await until(() => waiting.length);
        const held = store.hold(new Map([[1003, { n: "mine" }]]));
        note();
        await answer({ n: "asked before" });
        note();
        store.touch([1003]);
        await until(() => waiting.length);
        held.settle(new Map([[1003, { n: "as the server has it" }]]));
        note();
        await answer({ n: "asked before it was saved" });
        note();
        await answer({ n: "newer" });
        await settled();
        note();
        return shown;
        """,
        {"count": 50},
    )
    assert shown == ["mine", "mine", "as the server has it", "as the server has it", "newer"]

    shown = run(
        STORE
        + """
        store.want(0, 20);
        await answer();
        await settled();
        const [first, second] = ["first", "second"].map(n => store.hold(new Map([[1003, { n }]])));
        const shown = [store.row(3).values.n];
        second.drop();
        shown.push(store.row(3).values.n);
        first.drop();
        shown.push(store.row(3).values.n);
        return shown;
        """,
        {"count": 50},
    )
    assert shown == ["second", "first", 3]
