/**
 * Finding a text in all that is shown, also in rows that are not here yet: a bar over the grid that goes from one cell
 * that has it to the next.
 */

import { ApiError, call } from "../api.js";
import { button, make, text } from "../elements.js";
import { anywhere } from "./searching.js";

/** @typedef {{row: number, offset: number, column: string}} Hit a cell: the row's id, its place, the column's key */

const REST_MS = 200;

/** @param {import("./sheet.js").Sheet} sheet */
export function finding(sheet) {
  const field = text("", { type: "search", "aria-label": "Find in the table", placeholder: "Find in the table" });
  const count = make("span", { class: "soft count", role: "status" });
  const bar = make("search", { class: "find-bar", hidden: true }, [
    field,
    count,
    button("↑", () => step(-1), { class: "button quiet", "aria-label": "Previous" }),
    button("↓", () => step(1), { class: "button quiet", "aria-label": "Next" }),
    button("×", close, { class: "button quiet", "aria-label": "Close the find bar" }),
  ]);
  /** @type {Hit[]} */
  let hits = [];
  let at = -1;
  /** What stands behind the number. */
  let more = "";
  /** @type {Map<number, Set<string>>} The columns that have it, by row. */
  let marked = new Map();
  /** @type {AbortController | null} */
  let request = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function open() {
    bar.hidden = false;
    field.focus();
    field.select();
    if (field.value.trim()) look();
  }

  function close() {
    bar.hidden = true;
    forget("");
    sheet.grid.focus();
  }

  /** @param {string} said */
  function forget(said) {
    clearTimeout(timer);
    request?.abort();
    request = null;
    hits = [];
    at = -1;
    marked = new Map();
    count.textContent = said;
    sheet.grid.draw();
  }

  /** Asks where the text is, and goes to the first place from the active cell on. */
  async function look() {
    const q = field.value.trim();
    forget(q ? "…" : "");
    if (!q || bar.hidden) return;
    const mine = new AbortController();
    request = mine;
    try {
      const found = await call(
        "GET",
        `${sheet.base}/find/?${new URLSearchParams({ ...sheet.asked, q })}`,
        undefined,
        mine.signal,
      );
      if (request !== mine) return;
      take(found);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (request === mine) count.textContent = error.message;
    }
  }

  /** @param {{count: number, is_all: boolean, matches: {row: number, offset: number, columns: string[]}[]}} found */
  function take(found) {
    const shown = sheet.grid.columns.map(({ key }) => key);
    const order = (/** @type {string[]} */ keys) => shown.filter((key) => keys.includes(key));
    hits = found.matches.flatMap(({ row, offset, columns }) =>
      order(columns).map((column) => ({ row, offset, column })),
    );
    marked = new Map(found.matches.map(({ row, columns }) => [row, new Set(columns)]));
    const isHidden = found.matches.some(({ columns }) => columns.some((key) => !shown.includes(key)));
    more = `${found.is_all ? "" : "+"}${isHidden ? ", more in hidden columns" : ""}`;
    if (!hits.length) count.textContent = found.count ? "Only in hidden columns" : "Not found";
    else go(first(shown));
    sheet.grid.draw();
  }

  /** The first place from the active cell on. @param {string[]} shown */
  function first(shown) {
    const { row, column } = sheet.selection.active;
    const next = hits.findIndex(
      (hit) => hit.offset > row || (hit.offset === row && shown.indexOf(hit.column) >= column),
    );
    return Math.max(next, 0);
  }

  /** @param {number} place */
  function go(place) {
    at = place;
    const { row, offset, column } = hits[at];
    const here = sheet.store.indexOf(row);
    const shown = sheet.grid.columns.findIndex(({ key }) => key === column);
    sheet.grid.goTo({ row: here < 0 ? offset : here, column: Math.max(shown, 0) });
    count.textContent = `${at + 1} of ${hits.length.toLocaleString("en")}${more}`;
  }

  /** @param {number} by */
  function step(by) {
    if (hits.length) go((at + by + hits.length) % hits.length);
    else look();
  }

  /** Marks the cells that have the text, of those that are seen. */
  function mark() {
    for (const { index, cells } of sheet.grid.slots) {
      const columns = index < 0 ? undefined : marked.get(sheet.store.row(index)?.id ?? -1);
      for (const { element, column } of cells.values()) {
        const isHit = columns?.has(sheet.grid.columns[column]?.key) ?? false;
        if (isHit !== element.classList.contains("hit")) element.classList.toggle("hit", isHit);
      }
    }
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, REST_MS);
  });
  bar.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && event.target === field) step(event.shiftKey ? -1 : 1);
    else if (event.key === "F3") step(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
  });
  sheet.grid.addEventListener("drawn", mark);
  for (const event of ["query", "schema"]) sheet.addEventListener(event, () => bar.hidden || look());
  sheet.keymap.bind("Mod+F", "Find in the table", open);
  sheet.keymap.bind("F3", "The next or previous place of what is sought", () => (bar.hidden ? open() : step(1)));
  sheet.keymap.bind("Shift+F3", "The next or previous place of what is sought", () => (bar.hidden ? open() : step(-1)));
  for (const keys of ["Mod+F", "F3", "Shift+F3"]) anywhere(sheet, keys);
  /** @type {HTMLElement} */ (sheet.grid.scroller.parentElement).append(bar);
}
