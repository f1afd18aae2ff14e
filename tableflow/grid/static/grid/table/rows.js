/** Rows: making, copying and deleting them. What is put back after it was deleted has another id. */

import { attempt, register } from "../acts.js";
import { call } from "../api.js";
import { ask, tell } from "../dialogs.js";
import { random } from "../random.js";
import { chosenRows, MOST_LISTED, rangeRows } from "./scope.js";

/** @typedef {Record<string, any>} Data values by column key */
/** @typedef {{id: number, data: Data}} Made */
/** @typedef {{id: number, data: Data, after: number | null | undefined}} Kept a row, and the one that it stood below: null is the top, undefined the end */

/** So many the API takes, or gives, at once with their values. */
const AT_ONCE = 1000;
/** So many rows are looked through, at most, for what is needed to put rows back. */
const MOST_READ = 5000;

/** @param {import("./sheet.js").Sheet} sheet */
export function rows(sheet) {
  const address = `${sheet.base}/rows/`;
  const count = /** @type {HTMLElement} */ (document.getElementById("row-count"));

  // Requests

  /**
   * Makes rows; when it is done again because no answer came, those that are there are not made twice.
   *
   * @param {Kept[]} wanted
   * @returns {() => Promise<Made[]>}
   */
  function maker(wanted) {
    let key = random();
    return async () => {
      const made = [];
      for (let from = 0; from < wanted.length; from += AT_ONCE) {
        const part = wanted.slice(from, from + AT_ONCE).map(({ data, after }) => ({
          data,
          ...(after === undefined ? {} : { after_row: after === null ? null : sheet.undo.id(after) }),
        }));
        const headers = { "Idempotency-Key": `${key}-${from}` };
        made.push(...(await call("POST", address, { rows: part }, undefined, { headers })).rows);
      }
      key = random();
      sheet.refresh();
      return made;
    };
  }

  /** Makes rows that were deleted. @param {Kept[]} kept @returns {() => Promise<void>} */
  function putter(kept) {
    const make = maker(kept);
    return async () => {
      const made = await make();
      kept.forEach(({ id }, index) => {
        sheet.undo.renamed(sheet.undo.id(id), made[index].id);
      });
    };
  }

  /**
   * Deletes rows that were made, unless somebody has written in one of them since; when it is done again because no
   * answer came it goes on where it was.
   *
   * @param {Made[]} made with ids as they were
   * @returns {() => Promise<void>}
   */
  function dropper(made) {
    let from = 0;
    return async () => {
      const now = made.slice(from).map(({ id, data }) => ({ id: sheet.undo.id(id), data }));
      for (const part of parts(now, AT_ONCE)) await check(part);
      for (const part of parts(now, MOST_LISTED)) {
        await drop(part.map(({ id }) => id));
        from += part.length;
      }
      from = 0;
    };
  }

  /** Refused as a conflict where something else stands than is believed. @param {Made[]} made at most as many as the API takes */
  function check(made) {
    const plain = sheet.schema.columns.filter(({ group }) => group === null);
    const believed = (/** @type {Data} */ data) => Object.fromEntries(plain.map(({ key }) => [key, data[key] ?? null]));
    return call("PATCH", address, { rows: made.map(({ id, data }) => ({ id, data: {}, expected: believed(data) })) });
  }

  /** @param {number[]} ids at most as many as the API takes */
  async function drop(ids) {
    await call("DELETE", address, { rows: ids });
    sheet.selection.clearRows();
    sheet.refresh();
  }

  /** Nothing is taken back while it is written. @template Answer @param {Promise<Answer>} work */
  function written(work) {
    sheet.undo.after(work);
    return work;
  }

  // New rows

  /**
   * @param {Kept[]} wanted their ids are not known yet
   * @param {string} label
   * @param {number | null} index where the first one will be seen; null: the active cell stays
   */
  async function insert(wanted, label, index) {
    const made = await written(maker(wanted)());
    const kept = wanted.map((row, place) => ({ ...row, id: made[place].id }));
    sheet.undo.push({ label, undo: dropper(made), redo: putter(kept) });
    if (index !== null) go(index, made[0].id);
  }

  /** @param {number} index @param {number} id */
  function go(index, id) {
    const { store, selection, grid } = sheet;
    const place = { row: index, column: selection.active.column };
    store.count = Math.max(store.count, index + 1);
    grid.refresh();
    selection.move(place);
    grid.reveal(place);
    sheet.activeId = id;
    grid.focus();
  }

  async function add() {
    await insert([fresh(undefined)], "1 new row", sheet.store.count);
  }

  /** @param {0 | 1} by 0: above the active row, 1: below */
  async function insertAt(by) {
    const { row } = sheet.selection.active;
    if (!sheet.store.count) return add();
    const above = row + by - 1;
    const [after] = above < 0 ? [null] : await sheet.idsOf(above, above + 1);
    await insert([fresh(after)], "1 new row", above + 1);
  }

  /** A row without values, but for those that the filter asks for. @param {number | null | undefined} after @returns {Kept} */
  function fresh(after) {
    const { filter } = sheet.query;
    const conditions = Array.isArray(filter?.all) ? filter.all : [filter];
    /** @type {Data} */
    const data = {};
    for (const { field, op, value } of conditions.filter(Boolean)) {
      if (op === "eq" && sheet.column(field)?.group === null) data[field] = value;
    }
    return { id: 0, data, after };
  }

  async function duplicate() {
    const scope = chosenRows(sheet) ?? rangeRows(sheet);
    if (scope.count > AT_ONCE) return tell(`At most ${said(AT_ONCE)} are duplicated at once.`);
    const ids = (await scope.named()).rows ?? (await sheet.idsOf(0, sheet.store.count));
    const kept = await read(ids);
    if (!kept?.length) return tell("Scroll through the rows first: not all of them have come yet.");
    const copies = kept.map(({ id, data }) => ({ id: 0, data, after: id }));
    await insert(copies, `the copy of ${said(copies.length)}`, null);
    sheet.selection.clearRows();
    tell(`${said(copies.length)} duplicated.`);
  }

  // Gone rows

  async function remove() {
    const scope = chosenRows(sheet) ?? rangeRows(sheet);
    if (!scope.count) return tell("There is no row to delete.");
    const named = await scope.named();
    const kept = named.rows ? await read(named.rows) : null;
    if (scope.count > 1 || !kept) {
      const text = kept ? "Undo brings them back, with other ids." : "This cannot be undone.";
      const yes = `Delete ${said(scope.count)}`;
      if (!(await ask({ title: `${yes}?`, text, yes, danger: true }))) return;
    }
    await written(kept ? dropKept(kept) : named.rows ? dropNamed(named.rows) : dropShown(named));
    tell(`${said(scope.count)} deleted.`);
    sheet.grid.focus();
  }

  /** What has gone can be put back, also when the rest is refused. @param {Kept[]} kept */
  async function dropKept(kept) {
    /** @type {Kept[]} */
    const gone = [];
    try {
      for (const part of parts(kept, MOST_LISTED)) {
        await drop(part.map(({ id }) => id));
        gone.push(...part);
      }
    } finally {
      const label = gone.length === 1 ? "1 row was deleted" : `${said(gone.length)} were deleted`;
      if (gone.length) sheet.undo.push({ label, undo: putter(gone), redo: dropper(gone) });
    }
  }

  /** @param {number[]} ids */
  async function dropNamed(ids) {
    for (const part of parts(ids, MOST_LISTED)) await drop(part);
  }

  /** All that are shown, but for some: one request. @param {import("./scope.js").Named} named */
  async function dropShown({ filter, exclude_rows }) {
    const which = filter === undefined ? { all: true } : { filter };
    await call("DELETE", address, { ...which, ...(exclude_rows ? { exclude_rows } : {}) });
    sheet.selection.clearRows();
    sheet.refresh();
  }

  /**
   * Rows in full, in the order in which they are shown, with the one above each that is not among them.
   *
   * @param {number[]} ids
   * @returns {Promise<Kept[] | null>} null: they are too far apart
   */
  async function read(ids) {
    const places = ids.map((id) => sheet.store.indexOf(id));
    const [from, to] = [Math.max(Math.min(...places) - 1, 0), Math.max(...places) + 1];
    if (places.includes(-1) || to - from > MOST_READ) return null;
    const wanted = new Set(ids);
    /** @type {Kept[]} */
    const kept = [];
    /** @type {number | null | undefined} */
    let above = null;
    for (let offset = from; offset < to; offset += AT_ONCE) {
      const part = { offset: String(offset), limit: String(Math.min(AT_ONCE, to - offset)) };
      const { results } = await call("GET", `${address}?${new URLSearchParams({ ...sheet.asked, ...part })}`);
      for (const { id, data } of results) {
        if (wanted.has(id)) kept.push({ id, data, after: sheet.query.sort.length ? undefined : above });
        else above = id;
      }
    }
    return kept.length === ids.length ? kept : null;
  }

  // How many there are

  function show() {
    const { store, isWhole, schema } = sheet;
    if (isWhole && store.pages.size) schema.rowCount = store.count;
    const shown = store.count.toLocaleString("en");
    if (isWhole) count.textContent = said(schema.rowCount);
    else count.textContent = store.refusal ? "" : `${shown} of ${said(Math.max(schema.rowCount, store.count))}`;
  }

  sheet.store.addEventListener("change", show);
  sheet.addEventListener("query", show);
  if (sheet.mayEdit) {
    register({
      "add-row": add,
      "insert-above": () => insertAt(0),
      "insert-below": () => insertAt(1),
      "duplicate-rows": duplicate,
      "delete-rows": remove,
    });
    bind("Shift+Enter", "Insert a row below", () => insertAt(1));
    bind("Mod+Shift+Enter", "Insert a row above", () => insertAt(0));
    bind("Mod+Shift+D", "Duplicate the rows", duplicate);
    bind("Mod+Backspace", "Delete the rows", remove);
  }
  show();

  /** @param {string} keys @param {string} label @param {() => Promise<unknown>} does */
  function bind(keys, label, does) {
    sheet.keymap.bind(keys, label, () => {
      attempt(does);
    });
  }
}

/** @param {number} count */
function said(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "row" : "rows"}`;
}

/** So many at once, at most. @template Item @param {Item[]} items @param {number} most @returns {Item[][]} */
function parts(items, most) {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, at) => items.slice(at * most, (at + 1) * most));
}
