/** What state the cells of workflow columns are in, as the server says it of the rows that are here. */

import { BUSY } from "./painter.js";

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("../core/store.js").Row} Row */
/**
 * @typedef {object} State
 * @property {boolean} busy something goes on in it
 * @property {boolean} hasValue one of its columns has a value
 * @property {boolean} ran there is a trace
 * @property {string | undefined} status of its execution; undefined: completed, or none
 * @property {string | undefined} kind of its face: waiting, queued, paused, …
 */

/** @type {import("../core/store.js").Face} */
const NO_FACE = {};

/** The columns that a workflow column fills. @param {Sheet} sheet @param {number} group */
export function outputs(sheet, group) {
  return sheet.schema.columns.filter((column) => column.group === group).map(({ key }) => key);
}

/**
 * @param {Sheet} sheet
 * @param {Row} row
 * @param {number} group
 * @returns {State}
 */
export function stateOf(sheet, row, group) {
  const keys = outputs(sheet, group);
  const faces = keys.map((key) => row.faces?.[key] ?? NO_FACE);
  const status = faces.find((face) => face.status)?.status;
  return {
    busy: BUSY.includes(status ?? ""),
    hasValue: keys.some((key) => key in row.values),
    ran: faces.some((face) => face.ran),
    status,
    kind: faces.find((face) => face.kind)?.kind,
  };
}

/** Whether it is empty or failed, so far as that is obvious: what a run of these would begin with. @param {State} state */
export function isLacking({ status, ran }) {
  return status === undefined ? !ran : ["error", "cancelled", "skipped"].includes(status);
}
