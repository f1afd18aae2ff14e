/** Blocks of cells: written by one request, shown at once, taken back and done again by one request as well. */

import { ApiError, call } from "../api.js";
import { tell } from "../dialogs.js";
import { number } from "../exact.js";
import { random } from "../random.js";
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
export function write(sheet, block) {
  const keys = block.columns.map(({ key }) => key);
  const held = sheet.store.hold(assumed(sheet, keys, block.rows, block.values));
  return sheet.undo.inTurn(() => attempt(sheet, block, held));
}

/**
 * @param {Sheet} sheet
 * @param {Block} block
 * @param {ReturnType<Sheet["store"]["hold"]>} held
 * @returns {Promise<Written | null>}
 */
async function attempt(sheet, { label, columns, rows, values, append = false }, held) {
  const keys = columns.map(({ key }) => key);
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
  /** @type {number[] | null} Rows that were made and have not gone yet, while the values are back already. */
  let left = null;
  let key = random(); // the same as long as it is not known whether rows were made
  return {
    label,
    cells: (here.length + values.length) * columns.length,
    async undo() {
      const rows = ids([...here, ...created]);
      if (!left) {
        await refuseTouched(sheet, ids(created), columns);
        await put(sheet, { columns, rows, values: back, expected: values });
        left = ids(created);
      }
      await remove(sheet, left);
      left = null;
      show(sheet, columns, rows);
    },
    async redo() {
      const append = created.length > 0;
      const body = { columns, rows: ids(here), values, expected: back, append };
      const again = await put(sheet, body, append ? key : undefined);
      key = random();
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
 * @param {string} [key] of what is to be done once, however often it is sent
 * @returns {Promise<any>}
 */
function put(sheet, body, key) {
  const headers = key === undefined ? undefined : { "Idempotency-Key": key };
  return call("PUT", `${sheet.base}/block/`, body, undefined, { headers });
}

/**
 * Rows that were made are not deleted with what somebody has written beside the block since: their other columns are
 * expected to be empty, and left so.
 *
 * @param {Sheet} sheet
 * @param {number[]} rows ids
 * @param {string[]} columns keys
 */
async function refuseTouched(sheet, rows, columns) {
  const others = sheet.schema.columns.filter(({ key, group }) => group === null && !columns.includes(key));
  if (!others.length) return;
  const [keys, empty] = [others.map(({ key }) => key), [others.map(() => null)]];
  const most = Math.min(MOST_ROWS, Math.floor(MOST_CELLS / keys.length));
  for (let at = 0; at < rows.length; at += most) {
    await put(sheet, { columns: keys, rows: rows.slice(at, at + most), values: empty, expected: empty });
  }
}

/** So many rows at most are deleted by one request. */
const MOST_DOOMED = 1000;

/**
 * @param {Sheet} sheet
 * @param {number[]} rows ids; it keeps those that have not gone
 */
async function remove(sheet, rows) {
  while (rows.length) {
    await call("DELETE", `${sheet.base}/rows/`, { rows: rows.slice(0, MOST_DOOMED) });
    rows.splice(0, MOST_DOOMED);
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
      return Number.isNaN(number(value)) ? value : number(value);
    case "boolean":
      return { true: true, false: false }[value.toLowerCase()] ?? value;
    case "multiselect":
      return value.split(",").map((part) => part.trim());
  }
  return value;
}
