/**
 * Copy, cut and paste, by the events of the browser: they need no permission, also over plain http. What is not here
 * is copied by the server; where the browser takes it only while a key is pressed, the key is to be pressed once more.
 */

import { piece } from "../api.js";
import { tell } from "../dialogs.js";
import { many } from "../words.js";
import { write } from "./blocks.js";
import { clear, known } from "./filling.js";
import * as tsv from "./tsv.js";
import { fits, mayEdit } from "./writable.js";

/** @typedef {import("../core/selection.js").Range} Range */
/** @typedef {import("./values.js").Column} Column */

/** So many rows the server gives as text at once. */
const MOST_COPIED = 50_000;

/** So long what came too late is what is there. */
const FRESH_MS = 30_000;

/** With so many rows it is said that something is going on. */
const TOLD_ROWS = 500;

/** @param {import("./sheet.js").Sheet} sheet */
export function clipboard(sheet) {
  const { grid, selection, store } = sheet;
  const { catcher } = grid;
  /** @type {{range: Range, text: string, rows: number[] | undefined, until: number} | null} What came from the server
   * too late for its event; the ids of its rows where it is to be cut. */
  let late = null;

  /** @param {ClipboardEvent} event @param {boolean} isCut */
  async function copy(event, isCut) {
    if (grid.isEditing || !event.clipboardData) return;
    event.preventDefault();
    const { range } = selection;
    const lines = here(range);
    const came = lines ? null : lateOf(range, isCut);
    if (!lines && !came) return fetchText(range, isCut);
    late = null;
    event.clipboardData.setData("text/plain", lines ? written(lines) : (came?.text ?? ""));
    if (lines) event.clipboardData.setData("text/html", tsv.html(lines));
    if (isCut) await clear(sheet, range, came?.rows);
  }

  /** @param {Range} range @param {boolean} isCut */
  function lateOf(range, isCut) {
    const is = late && isSame(late.range, range) && performance.now() < late.until && (late.rows || !isCut);
    return is ? late : null;
  }

  /**
   * The texts of a range; null when some of it is not here.
   *
   * @param {Range} range
   */
  function here({ top, bottom, left, right }) {
    /** @type {Column[]} */
    const columns = grid.columns.slice(left, right + 1);
    const lines = [];
    for (let index = top; index <= bottom; index++) {
      const row = store.row(index);
      if (!row || columns.some(({ key }) => row.long?.includes(key))) return null;
      lines.push(columns.map((column) => tsv.plain(column, row.values[column.key])));
    }
    return lines;
  }

  /**
   * @param {Range} range
   * @param {boolean} isCut
   */
  async function fetchText(range, isCut) {
    const count = range.bottom - range.top + 1;
    if (count > MOST_COPIED) {
      const these = count.toLocaleString("en");
      return tell(`At most ${many(MOST_COPIED, "row")} can be copied at once; these are ${these}. Take an export.`);
    }
    tell(`Copying ${many(count, "row")}…`);
    const rows = isCut ? await known(sheet, range.top, range.bottom + 1) : undefined;
    if (rows === null) return;
    const columns = grid.columns.slice(range.left, range.right + 1).map(({ key }) => key);
    const asked = { ...sheet.asked, offset: String(range.top), limit: String(count), columns: columns.join(",") };
    const text = await piece(`${sheet.base}/range/?${new URLSearchParams(asked)}`);
    if (text === null) return tell("The server did not give these rows. Nothing was copied.");
    if (await placed(text)) {
      tell(`${many(count, "row")} copied.`);
      if (isCut) await clear(sheet, range, rows);
    } else {
      late = { range, text, rows, until: performance.now() + FRESH_MS };
      tell(`${many(count, "row")} are here. Press Ctrl+${isCut ? "X" : "C"} again to have them in the clipboard.`);
    }
  }

  /** @param {ClipboardEvent} event */
  async function paste(event) {
    const text = event.clipboardData?.getData("text/plain");
    if (grid.isEditing || !text) return;
    event.preventDefault();
    if (!mayEdit(sheet)) return;
    const lines = tsv.read(text);
    const isOne = lines.length === 1 && lines[0].length === 1;
    const { top, left, bottom, right } = selection.range;
    const height = isOne ? bottom - top + 1 : lines.length;
    const width = isOne ? right - left + 1 : lines[0].length;
    await put(lines, isOne, { top, left, bottom: top + height - 1, right: left + width - 1 });
  }

  /**
   * @param {string[][]} lines
   * @param {boolean} isOne it fills the range
   * @param {Range} range
   */
  async function put(lines, isOne, range) {
    /** @type {Column[]} */
    const all = grid.columns.slice(range.left, range.right + 1);
    const columns = all.filter(({ group }) => group === null);
    if (!columns.length) return tell(skipped(all));
    const height = range.bottom - range.top + 1;
    if (!fits(height, columns.length, "pasted")) return;
    const rows = await known(sheet, range.top, range.bottom + 1);
    if (!rows) return;
    const values = isOne
      ? [columns.map(() => lines[0][0])]
      : lines.map((line) => columns.map((column) => line[all.indexOf(column)]));
    const append = !isOne && rows.length < height;
    if (height > TOLD_ROWS) tell(`Pasting ${many(height, "row")}…`);
    const label = `Paste of ${many(columns.length * height, "cell")}`;
    const done = await write(sheet, { label, columns, rows, values, append });
    if (!done) return;
    const right = range.left + all.length - 1;
    selection.select({ ...range, right, bottom: Math.min(range.bottom, store.count + done.created.length - 1) });
    tell(said(done.created.length, columns.length, height, all, range));
  }

  /**
   * @param {number} created
   * @param {number} columns
   * @param {number} rows
   * @param {Column[]} all
   * @param {Range} range
   */
  function said(created, columns, rows, all, range) {
    const beyond = range.right - range.left + 1 - all.length;
    return [
      `Pasted ${many(rows, "row")} of ${many(columns, "column")}.`,
      created ? `${many(created, "row")} ${created === 1 ? "is" : "are"} new.` : "",
      skipped(all),
      beyond ? `${many(beyond, "column")} had no place.` : "",
    ]
      .filter(Boolean)
      .join(" ");
  }

  // The browser does these by their events; here they are listed.
  for (const [key, label] of Object.entries({ C: "Copy", X: "Cut", V: "Paste" })) {
    sheet.keymap.bind(`Mod+${key}`, label, () => false);
  }
  sheet.addEventListener("query", () => {
    late = null;
  });
  catcher.addEventListener("copy", (event) => copy(event, false));
  catcher.addEventListener("cut", (event) => copy(event, sheet.mayEdit));
  catcher.addEventListener("paste", paste);
}

/** @param {Column[]} columns */
function skipped(columns) {
  const names = columns.filter(({ group }) => group !== null).map(({ name }) => `“${name}”`);
  if (!names.length) return "";
  const [are, they] = names.length === 1 ? ["is", "it is"] : ["are", "they are"];
  return `${names.join(", ")} ${are} filled by workflows and left as ${they}.`;
}

/** A line has no end where it is the only one, unless it is empty. @param {string[][]} lines */
function written(lines) {
  const text = tsv.write(lines);
  return lines.length === 1 && text !== "\n" ? text.slice(0, -1) : text;
}

/** @param {string} text @returns {Promise<boolean>} whether the browser takes it now */
async function placed(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // not over plain http, or not without a key
  }
}

/**
 * @param {Range} one
 * @param {Range} other
 */
function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
