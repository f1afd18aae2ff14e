/** What may be written, and how much at once; what may not is told. */

import { tell } from "../dialogs.js";
import { many } from "../words.js";
import { MOST_CELLS, MOST_ROWS } from "./blocks.js";

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("./values.js").Column} Column */

/**
 * Whether somebody may write into a column; if not, it is told why.
 *
 * @param {Sheet} sheet
 * @param {Column} column
 */
export function mayWrite(sheet, column) {
  if (!mayEdit(sheet)) return false;
  if (column.group === null) return true;
  tell(`“${column.name}” is filled by the workflow column “${sheet.group(column.group)?.name}”, not by hand.`);
  return false;
}

/** @param {Sheet} sheet */
export function mayEdit(sheet) {
  if (!sheet.mayEdit) tell("You may look at this table, but not change it.");
  return sheet.mayEdit;
}

/**
 * The columns of a range that may be written into; it is said why others may not.
 *
 * @param {Sheet} sheet
 * @param {{left: number, right: number}} range
 * @returns {Column[]}
 */
export function writable(sheet, { left, right }) {
  /** @type {Column[]} */
  const columns = sheet.grid.columns.slice(left, right + 1);
  if (!mayEdit(sheet)) return [];
  const refused = columns.find(({ group }) => group !== null);
  if (refused) mayWrite(sheet, refused);
  return columns.filter(({ group }) => group === null);
}

/**
 * Whether so much may be written at once; if not, it is told.
 *
 * @param {number} rows
 * @param {number} columns
 * @param {string} done
 */
export function fits(rows, columns, done) {
  if (rows <= MOST_ROWS && rows * columns <= MOST_CELLS) return true;
  const [most, these] = rows > MOST_ROWS ? [many(MOST_ROWS, "row"), rows] : [many(MOST_CELLS, "cell"), rows * columns];
  tell(`At most ${most} can be ${done} at once; these are ${these.toLocaleString("en")}.`);
  return false;
}
