/** The page of one cell: its trace kept fresh while the cell is under way, Run again, and the form of its question. */

import "./forms.js";
import { register } from "./acts.js";
import { call } from "./api.js";
import { Live } from "./live.js";
import { answered, keepTouched } from "./questions.js";

const region = /** @type {HTMLElement} */ (document.querySelector("[data-live-url]"));
const base = `/api/v1/tables/${region.dataset.table}`;
const live = new Live(region);

/** @param {HTMLElement} button */
async function runCell(button) {
  const { group, row } = button.dataset;
  await call("POST", `${base}/dispatches/`, { groups: [Number(group)], rows: [Number(row)], mode: "all" });
  await live.invalidate();
}

/** @param {HTMLElement} button */
async function useNewest(button) {
  await call("POST", `${base}/rows/${button.dataset.row}/executions/${button.dataset.group}/newest-version/`);
  await live.invalidate();
}

keepTouched(region);
region.addEventListener("saved", (event) => {
  answered(/** @type {CustomEvent} */ (event).detail);
  live.invalidate();
});
register({ "run-cell": runCell, "newest-version": useNewest });
live.start();
