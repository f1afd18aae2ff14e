/** What the buttons of a cell's trace do, on a page of its own and beside the grid. */

import { register } from "./acts.js";
import { call } from "./api.js";

/**
 * @param {string} base the table's address in the API
 * @param {(row: number) => unknown} then the cell is in another state
 */
export function traceActs(base, then) {
  register({
    "run-cell": async ({ dataset: { row, group } }) => {
      await call("POST", `${base}/dispatches/`, { groups: [Number(group)], rows: [Number(row)], mode: "all" });
      await then(Number(row));
    },
    "newest-version": async ({ dataset: { row, group } }) => {
      await call("POST", `${base}/rows/${row}/executions/${group}/newest-version/`);
      await then(Number(row));
    },
  });
}
