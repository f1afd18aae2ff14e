/** Blocks of cells: written by one request, shown at once, taken back and done again by one request as well. */

import { ApiError, call } from "../api.js";
import { tell } from "../dialogs.js";
import { isUnanswered, ofBlock } from "./refusals.js";

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("./values.js").Column} Column */
/**
 * @typedef {object} Block
 * @property {string} label what it is, for who takes it back: `Paste of 12 cells`
 * @property {Column[]} columns
 * @property {number[]} rows ids
 * @property {any[][]} values a list a row; fewer lists than rows begin again from the first
 * @property {boolean} [append] values without a row make new rows at the end
 */
/** @typedef {{changed: number, created: number[], before: {rows: number[], values: any[][]}}} Written */

export const MOST_ROWS = 10_000;
export const MOST_CELLS = 200_000;

/**
 * Writes the block; what the server says against it is told, and null given.
 *
 * @param {Sheet} sheet
 * @param {Block} block
 * @returns {Promise<Written | null>}
 */
export async function write(sheet, block) {
  const work = attempt(sheet, block);
  sheet.undo.after(work);
  return work;
}

/**
 * @param {Sheet} sheet
 * @param {Block} block
 * @returns {Promise<Written | null>}
 */
async function attempt(sheet, { label, columns, rows, values, append = false }) {
  const keys = columns.map(({ key }) => key);
  const held = sheet.store.hold(assumed(sheet, keys, rows, values));
  try {
    /** @type {Written} */
    const written = await put(sheet, { columns: keys, rows, values, ...(append ? { append } : {}) });
    held.settle();
    if (written.created.length) sheet.refresh();
    if (written.changed || written.created.length) sheet.undo.push(entry(sheet, label, keys, values, written));
    return written;
  } catch (error) {
    held.drop();
    if (!(error instanceof ApiError)) throw error;
    const why = ofBlock(error, (key) => sheet.column(key)?.name ?? key);
    const what = isUnanswered(error) ? "Perhaps it was not written" : "Nothing was written";
    tell(`${what}: ${why}`);
    sheet.refresh();
    return null;
  }
}

/**
 * How it is taken back and done again. Either is refused as a whole where somebody has changed a cell of it since.
 *
 * @param {Sheet} sheet
 * @param {string} label
 * @param {string[]} columns keys
 * @param {any[][]} values
 * @param {Pick<Written, "created" | "before">} written
 * @returns {import("./undo.js").Entry}
 */
export function entry(sheet, label, columns, values, { created, before }) {
  const { undo } = sheet;
  const here = before.rows;
  // Where there was no row there was nothing.
  const back = [...before.values, ...created.map(() => columns.map(() => null))];
  const ids = (/** @type {number[]} */ rows) => rows.map((id) => undo.id(id));
  return {
    label,
    async undo() {
      const rows = ids([...here, ...created]);
      await put(sheet, { columns, rows, values: back, expected: values });
      await remove(sheet, ids(created));
      show(sheet, columns, rows);
    },
    async redo() {
      const append = created.length > 0;
      const again = await put(sheet, { columns, rows: ids(here), values, expected: back, append });
      created.forEach((id, place) => {
        undo.renamed(undo.id(id), again.created[place]);
      });
      show(sheet, columns, ids([...here, ...created]));
    },
  };
}

/**
 * @param {Sheet} sheet
 * @param {object} body
 * @returns {Promise<any>}
 */
function put(sheet, body) {
  return call("PUT", `${sheet.base}/block/`, body);
}

/** So many rows at most are deleted by one request. */
const MOST_DOOMED = 1000;

/**
 * @param {Sheet} sheet
 * @param {number[]} rows ids
 */
async function remove(sheet, rows) {
  for (let at = 0; at < rows.length; at += MOST_DOOMED) {
    await call("DELETE", `${sheet.base}/rows/`, { rows: rows.slice(at, at + MOST_DOOMED) });
  }
}

/**
 * Goes where something was taken back, if that is here, and fetches what is there now.
 *
 * @param {Sheet} sheet
 * @param {string[]} columns
 * @param {number[]} rows
 */
function show(sheet, columns, rows) {
  const [row, column] = [sheet.store.indexOf(rows[0]), sheet.grid.columns.findIndex(({ key }) => key === columns[0])];
  if (row >= 0 && column >= 0) {
    sheet.selection.move({ row, column });
    sheet.grid.reveal({ row, column });
  }
  sheet.refresh();
}

/**
 * What is going to stand in the rows that are here.
 *
 * @param {Sheet} sheet
 * @param {string[]} keys
 * @param {number[]} rows
 * @param {any[][]} values
 */
function assumed(sheet, keys, rows, values) {
  /** @type {Map<number, Record<string, any>>} */
  const found = new Map();
  rows.forEach((id, place) => {
    if (sheet.store.indexOf(id) < 0) return;
    const line = values[place % values.length];
    found.set(id, Object.fromEntries(keys.map((key, column) => [key, likely(sheet.column(key), line[column])])));
  });
  return found;
}

/**
 * What the server is likely to make of a value: it has the last word.
 *
 * @param {Column | undefined} column
 * @param {any} value
 */
export function likely(column, value) {
  if (typeof value !== "string") return value;
  if (!value.trim()) return null;
  switch (column?.type) {
    case "number":
    case "currency":
      return Number.isNaN(Number(value)) ? value : Number(value);
    case "boolean":
      return { true: true, false: false }[value.toLowerCase()] ?? value;
    case "multiselect":
      return value.split(",").map((part) => part.trim());
  }
  return value;
}

/**
 * @param {number} count
 * @param {string} noun
 */
export function many(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
