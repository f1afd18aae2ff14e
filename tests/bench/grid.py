"""The grid in a real browser on a real server: how soon it is there, how smoothly it lives, how tall it may be.

First data: from the start of the navigation until the first cell is painted, beside the same page of a table without
rows, until it says so, and beside a page of the same server that has nothing on it, until that is painted; with a
browser that knows nothing yet, and again with one that has just been there.
Live: changes as the product writes them, in rows around those that are seen, while the wheel turns; long tasks are
those of more than 50 ms, and at the end each text that is seen is compared with the stored one. Heap: after what comes
in a minute and in an hour, each hint given to the page's own listeners. Tall: Ctrl+End in a million rows.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tableflow.tables import rows
from tableflow.tables.models import Row, Table
from tests import parts, scenes, seen
from tests.bench import firefox, pacing
from tests.bench.streams import served
from tests.conftest import BROWSERS

ROWS, COLUMNS, MILLION = 100_000, 20, 1_000_000
VISITS, RUNS = 9, 3
FIRST_BOUND = 1.5
RATE, BATCH, SECONDS = 1_000, 50, 10.0
NEARBY = 40
"""So many rows around the first one that is seen are those that change."""
NOTCH_PX, ROW_PX = 96, 32
HINTS_A_MINUTE, MINUTES = 4 * 60, 60
PATIENCE_SECONDS = 30.0
CONTROL, END = "\ue009", "\ue010"

_WATCH = """
window.longTasks = [];
new PerformanceObserver(list => list.getEntries().forEach(task => longTasks.push([task.startTime, task.duration])))
  .observe({type: 'longtask', buffered: true});
window.streams = [];
window.EventSource = class extends EventSource {
  constructor(...given) { super(...given); streams.push(this); }
};
const isThere = () => [...document.querySelectorAll('[role=gridcell], h2')]
  .some(it => it.role === 'gridcell' ? it.textContent : it.textContent === 'No rows yet' && it.checkVisibility());
const watch = new MutationObserver(() => {
  if (!isThere()) return;
  watch.disconnect();
  requestAnimationFrame(() => { const {port1, port2} = new MessageChannel();
    port2.onmessage = () => { window.firstData = performance.now(); }; port1.postMessage(null); });
});
watch.observe(document, {childList: true, subtree: true, characterData: true});
"""
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_TOLD = """async ([count, ids]) => {
  const stream = streams.find(one => one.url.includes('/tables/') && one.readyState === EventSource.OPEN);
  for (let number = 0; number < count; number++) {
    const several = number % 10 ? ids.filter((_, at) => (at + number) % 7 === 0) : 'many';
    const data = JSON.stringify({cursor: number, rev: number, rows: several, dispatches: [], edited: true});
    stream.dispatchEvent(new MessageEvent('rows-changed', {data}));
    if (number % 4 === 0) await new Promise(requestAnimationFrame);
  }
}"""


@dataclass(frozen=True)
class Scene:
    """A browser, and a server with somebody's session."""

    browser: Browser
    url: str
    session: str

    @contextlib.contextmanager
    def context(self) -> Iterator[BrowserContext]:
        """A browser that has been nowhere, and whose user has logged in."""
        with self.browser.new_context(viewport={"width": 1400, "height": 900}) as context:
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": self.session, "url": self.url}
            context.add_cookies([cookie])  # type: ignore[list-item]
            context.add_init_script(_WATCH)
            yield context

    @contextlib.contextmanager
    def page(self, path: str) -> Iterator[Page]:
        """That browser on a page."""
        with self.context() as context:
            page = context.new_page()
            page.goto(self.url + path)
            yield page
            page.goto("about:blank")


def run() -> list[tuple[str, ...]]:
    """Each figure, beside its bound. An AssertionError where a text that is seen is not what is stored."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in the thread that also asks the database
    user = User.objects.create_superuser("bench")
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    table = seen.texts(user, ROWS, COLUMNS)
    empty = seen.texts(user, 0, COLUMNS)
    tall = seen.texts(user, MILLION, 3)
    as_in_use = parts.environment(CI="true")  # see tests/settings.py
    with served("tableflow.asgi:application", as_in_use) as web, _chromium() as browser:
        scene = Scene(browser, web.url, session)
        return [
            ("what", "figure", "bound"),
            *_first_data(scene, table, empty),
            *_live(scene, table),
            _heap(scene, table),
            _last_row(scene, tall),
            _last_row_in_firefox(scene, tall),
        ]


@contextlib.contextmanager
def _chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)))
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=quiet)
        yield browser
        browser.close()


# First data


def _first_data(scene: Scene, table: Table, empty: Table) -> Iterator[tuple[str, ...]]:
    """By turns, so that whatever else the machine does meets all of them."""
    paths = {"data": f"/tables/{table.pk}/", "no rows": f"/tables/{empty.pk}/", "nothing": "/nowhere/"}
    cold: dict[str, list[float]] = {what: [] for what in paths}
    warm: dict[str, list[float]] = {what: [] for what in paths}
    for _ in range(VISITS):
        for what, path in paths.items():
            with scene.context() as context:
                for noted in (cold, warm):
                    noted[what].append(_painted(context.new_page(), scene.url + path, is_drawn=what != "nothing"))
    for name, noted in (("at the first visit", cold), ("at a later visit", warm)):
        median = {what: statistics.median(times) for what, times in noted.items()}
        yield f"first data {name}, ms", f"{median['data']:.0f}", ""
        for what in ("no rows", "nothing"):
            told = f"- against a page with {what} ({median[what]:.0f} ms)"
            yield told, f"{median['data'] / median[what]:.2f}", f"{FIRST_BOUND}"


def _painted(page: Page, url: str, *, is_drawn: bool) -> float:
    """Milliseconds, until a grid has been drawn by its scripts or until anything was painted."""
    page.goto(url)
    found: float = page.wait_for_function("() => window.firstData" if is_drawn else _PAINTED).json_value()
    page.close()
    return found


# Live


def _live(scene: Scene, table: Table) -> Iterator[tuple[str, ...]]:
    runs = []
    for _ in range(RUNS):
        with scene.page(f"/tables/{table.pk}/") as page:
            runs.append(_changed_while_scrolled(page, table))
    yield "cell changes a second, least of runs", f"{min(made for made, _ in runs) / SECONDS:,.0f}", f"{RATE:,}"
    yield "long tasks in 10 s, median of runs", f"{statistics.median(len(tasks) for _, tasks in runs):.0f}", "0"
    longest = [max(tasks, default=0.0) for _, tasks in runs]
    yield "- the longest, ms, median of runs", f"{statistics.median(longest):.0f}", "50"
    yield "texts seen at the end that are not stored", "0", "0"


def _changed_while_scrolled(page: Page, table: Table) -> tuple[int, list[float]]:
    """How many cells were changed, and how long each long task was."""
    page.get_by_role("grid").hover()
    scenes.until(lambda: seen.is_true(page, table), "the page shows the first rows")
    began_at: float = page.evaluate("performance.now()")
    near = [0]
    made: list[int] = []
    writer = threading.Thread(target=lambda: made.append(_change(table, near)))
    writer.start()
    began, top = time.monotonic(), 0.0
    while writer.is_alive():
        notch = NOTCH_PX if time.monotonic() < began + SECONDS / 2 else -NOTCH_PX
        page.mouse.wheel(0, notch)
        top = max(0.0, top + notch)
        near[0] = int(top / ROW_PX)
    writer.join()
    tasks: list[tuple[float, float]] = page.evaluate("longTasks")
    scenes.until(lambda: seen.is_true(page, table), "the page shows what is stored", PATIENCE_SECONDS)
    page.keyboard.press("Control+Home")
    scenes.until(lambda: seen.is_true(page, table), "the page shows what is stored", PATIENCE_SECONDS)
    return made[0], [duration for start, duration in tasks if start > began_at]


def _change(table: Table, near: list[int]) -> int:
    """Write so many cells a second around the row that is seen first."""
    chance = random.Random(1)
    ids = list(Row.objects.filter(table=table, position__lte=5000).order_by("position").values_list("pk", flat=True))

    def batch(number: int) -> None:
        around = ids[max(0, near[0] - NEARBY) : near[0] + NEARBY]
        several = chance.sample(around, min(BATCH, len(around)))
        rows.update(table, {row: {f"c{chance.randrange(COLUMNS)}": f"change {number}"} for row in several})

    try:
        return BATCH * pacing.at_rate(batch, RATE // BATCH, SECONDS)
    finally:
        connection.close()


# Heap


def _heap(scene: Scene, table: Table) -> tuple[str, ...]:
    with scene.page(f"/tables/{table.pk}/") as page:
        scenes.until(lambda: seen.is_true(page, table), "the page shows the first rows")
        scenes.until(lambda: page.evaluate("streams.some(one => one.readyState === 1)"), "the stream is open")
        minute = _heap_after(page, table, HINTS_A_MINUTE)
        hour = _heap_after(page, table, HINTS_A_MINUTE * (MINUTES - 1))
    what = f"heap after an hour's hints ({hour / 2**20:.2f} MB) against a minute's ({minute / 2**20:.2f} MB)"
    return what, f"{hour / minute:.2f}", "1"


def _heap_after(page: Page, table: Table, hints: int) -> float:
    ids = list(Row.objects.filter(table=table, position__lte=400).order_by("position").values_list("pk", flat=True))
    page.evaluate(_TOLD, [hints, ids])
    page.wait_for_load_state("networkidle")
    assert seen.is_true(page, table)
    devtools = page.context.new_cdp_session(page)
    for _ in range(3):
        devtools.send("HeapProfiler.collectGarbage")
    used: float = devtools.send("Runtime.getHeapUsage")["usedSize"]
    devtools.detach()
    return used


# The last of a million rows


def _last_row(scene: Scene, tall: Table) -> tuple[str, ...]:
    with scene.page(f"/tables/{tall.pk}/") as page:
        page.get_by_role("gridcell").first.click()
        began = time.monotonic()
        page.keyboard.press("Control+End")
        page.get_by_role("gridcell", name=f"r{MILLION} c2", exact=True).wait_for()
        seconds = time.monotonic() - began
        scenes.until(lambda: seen.is_true(page, tall), "the last rows are shown")
        version = scene.browser.version
    return f"Ctrl+End in {MILLION:,} rows, Chromium {version}", f"{seconds:.2f} s", "is there"


def _last_row_in_firefox(scene: Scene, tall: Table) -> tuple[str, ...]:
    path = firefox.found()
    if path is None:
        return "Ctrl+End in a million rows, Firefox", "not installed", "is there"
    with firefox.running(path) as browser:
        browser.log_in(str(urlsplit(scene.url).hostname), settings.SESSION_COOKIE_NAME, scene.session)
        browser.goto(f"{scene.url}/tables/{tall.pk}/")
        _await(lambda: browser.evaluate(_is_shown("r1 c0")))
        browser.evaluate("document.querySelector('[role=grid]').focus() ?? null")
        began = time.monotonic()
        browser.press(CONTROL, END)
        _await(lambda: browser.evaluate(_is_shown(f"r{MILLION} c2")))
        return (
            f"Ctrl+End in {MILLION:,} rows, Firefox {browser.version}",
            f"{time.monotonic() - began:.2f} s",
            "is there",
        )


def _is_shown(text: str) -> str:
    cells = "[...document.querySelectorAll('[role=gridcell]')]"
    return f"{cells}.some(cell => cell.textContent === {text!r} && cell.checkVisibility())"


def _await(condition: Callable[[], Any]) -> None:
    scenes.until(condition, "Firefox shows it", PATIENCE_SECONDS)
