/** One value on its way to the server, and what became of it. */

import { ApiError, call } from "../api.js";
import { isUnanswered } from "./refusals.js";

/** @typedef {Pick<import("./edits.js").Edit, "row" | "column" | "before" | "isPart" | "sent">} Edit */
/** @typedef {{kind: "conflict", theirs: any} | {kind: "refused", text: string}} Refused */
/** @typedef {{kind: "saved", value: any} | Refused | {kind: "unanswered"}} Outcome */

/** Who types waits no longer until it is said that nothing comes. */
const PATIENCE_MS = 8000;
export const ROW_GONE = "Somebody has deleted this row. What you typed cannot be saved.";
const SOONEST_MS = 500;
const LATEST_MS = 10_000;

/**
 * Tries once. Nothing is written where somebody was faster.
 *
 * @param {import("./sheet.js").Sheet} sheet
 * @param {Edit} edit
 * @param {any} value
 * @returns {Promise<Outcome>}
 */
export async function save(sheet, edit, value) {
  try {
    if (edit.isPart) edit.before = await whole(sheet, edit.row, edit.column.key);
    edit.isPart = false;
    // What was sent before and not answered may have been written.
    for (const expected of [edit.before, ...edit.sent]) {
      const outcome = await attempt(sheet, edit, value, expected);
      if (outcome) return outcome;
    }
    return { kind: "conflict", theirs: await whole(sheet, edit.row, edit.column.key) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (!isUnanswered(error)) return { kind: "refused", text: error.status === 404 ? ROW_GONE : error.message };
    if (!edit.sent.includes(value)) edit.sent.push(value);
    return { kind: "unanswered" };
  }
}

/**
 * @param {import("./sheet.js").Sheet} sheet
 * @param {Edit} edit
 * @param {any} value
 * @param {any} expected
 * @returns {Promise<Outcome | null>} null: something else is there than was expected
 */
async function attempt(sheet, { row, column: { key } }, value, expected) {
  const body = { data: { [key]: value }, expected: { [key]: expected ?? null } };
  try {
    const { data } = await call("PATCH", `${sheet.base}/rows/${row}/`, body, AbortSignal.timeout(PATIENCE_MS));
    return { kind: "saved", value: data[key] ?? null };
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return null;
    throw error;
  }
}

/**
 * A value in full: of long ones the store has the beginning.
 *
 * @param {import("./sheet.js").Sheet} sheet
 * @param {number} row
 * @param {string} key
 */
export async function whole(sheet, row, key) {
  return (await call("GET", `${sheet.page}/rows/${row}/values/${key}/`)).value;
}

/** How long to wait after so many attempts. @param {number} tries @returns {number} ms */
export function pause(tries) {
  return Math.min(SOONEST_MS * 2 ** tries, LATEST_MS);
}
