/** What fills a whole range: clearing it, and filling it down with its first row. */

import { ApiError, call } from "../api.js";
import { tell } from "../dialogs.js";
import { many } from "../words.js";
import { write } from "./blocks.js";
import { fits, writable } from "./writable.js";

/** @typedef {import("../core/selection.js").Range} Range */
/** @typedef {import("./sheet.js").Sheet} Sheet */

/** @param {Sheet} sheet */
export function filling(sheet) {
  const { keymap, selection } = sheet;
  keymap.bind("Delete Backspace", "Clear the cells", () => void clear(sheet, selection.range));
  keymap.bind("Mod+D", "Fill down", () => void fillDown(sheet, selection.range));
}

/**
 * @param {Sheet} sheet
 * @param {Range} range
 * @param {number[]} [ids] of its rows, where they are known; they may have moved
 */
export async function clear(sheet, range, ids) {
  const columns = writable(sheet, range);
  const cells = columns.length * (range.bottom - range.top + 1);
  if (!columns.length || !fits(range.bottom - range.top + 1, columns.length, "cleared")) return;
  const rows = ids ?? (await known(sheet, range.top, range.bottom + 1));
  const values = [columns.map(() => null)];
  if (rows?.length) await write(sheet, { label: `Clearing of ${many(cells, "cell")}`, columns, rows, values });
}

/**
 * @param {Sheet} sheet
 * @param {Range} range a single row is filled with what stands above it
 */
async function fillDown(sheet, { top, bottom, left, right }) {
  const from = top === bottom ? top - 1 : top;
  const columns = writable(sheet, { left, right });
  if (from < 0 || !columns.length || !fits(bottom - from, columns.length, "filled")) return;
  const ids = await known(sheet, from, bottom + 1);
  const first = ids && (await rowOf(sheet, ids[0]));
  if (!first) return;
  const [, ...rows] = ids;
  const values = [columns.map(({ key }) => first[key] ?? null)];
  const label = `Fill down of ${many(rows.length * columns.length, "cell")}`;
  if (rows.length) await write(sheet, { label, columns, rows, values });
}

/**
 * The ids of rows; null when they cannot be had, which is told.
 *
 * @param {Sheet} sheet
 * @param {number} from
 * @param {number} to the one after the last
 */
export async function known(sheet, from, to) {
  const end = Math.min(to, sheet.store.count);
  try {
    return from < end ? await sheet.idsOf(from, end) : [];
  } catch (error) {
    return refuse(error);
  }
}

/**
 * The values of a row in full; null when they cannot be had, which is told.
 *
 * @param {Sheet} sheet
 * @param {number} id
 * @returns {Promise<Record<string, any> | null>}
 */
async function rowOf(sheet, id) {
  const row = sheet.store.row(sheet.store.indexOf(id));
  if (row && !row.long?.length) return row.values;
  try {
    return (await call("GET", `${sheet.base}/rows/${id}/`)).data;
  } catch (error) {
    return refuse(error);
  }
}

/** @param {unknown} error @returns {null} */
function refuse(error) {
  if (!(error instanceof ApiError)) throw error;
  tell(error.message);
  return null;
}
