/** Run, Pause, Resume and Stop. */

import { register } from "./acts.js";
import { call } from "./api.js";
import { counts } from "./counts.js";
import { ask, tell } from "./dialogs.js";
import { opened } from "./menus.js";

/**
 * @param {string} table the id
 * @param {import("./live.js").Live} live
 */
export function runs(table, live) {
  const base = `/api/v1/tables/${table}`;

  /** @param {Record<string, unknown>} request */
  async function run(request) {
    await call("POST", `${base}/dispatches/`, request);
    await live.invalidate();
  }

  async function runAll() {
    const { groups, name } = chosen(live.region);
    const rows = Number(/** @type {HTMLElement} */ (live.region.querySelector("[data-rows]")).dataset.rows);
    const cells = (rows * groups.length).toLocaleString("en");
    const yes = await ask({
      title: `Run ${cells} ${cells === "1" ? "cell" : "cells"}?`,
      text: `${name}: every row, also the cells that have a value. A value stays until the new one lands.`,
      yes: `Run ${cells} ${cells === "1" ? "cell" : "cells"}`,
    });
    if (yes) await run({ groups, mode: "all" });
  }

  /** @param {HTMLElement} button */
  async function stop(button) {
    const inMenu = button.closest(".menu");
    const scope = inMenu && opened().group ? { groups: chosen(live.region).groups } : {};
    const { cancelled, dispatches } = await call("POST", `${base}/cancel-runs/`, scope);
    const met = `${cancelled} ${cancelled === 1 ? "cell was" : "cells were"} under way`;
    tell(dispatches ? `Stopped. ${met}; what is done stays, what had not begun is left out.` : "Nothing was running.");
    await live.invalidate();
  }

  /**
   * Each of the runs, whatever becomes of the others; the first refusal is told.
   *
   * @param {HTMLElement} button names the runs
   * @param {"pause" | "resume"} verb
   */
  async function eachRun(button, verb) {
    /** @type {number[]} */
    const ids = JSON.parse(button.dataset.dispatches ?? "[]");
    const answers = await Promise.allSettled(ids.map((id) => call("POST", `/api/v1/dispatches/${id}/${verb}/`)));
    await live.invalidate();
    for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
  }

  /** @param {HTMLElement} button */
  async function runCell(button) {
    const { group, row } = button.dataset;
    button.closest("[data-trace-row]")?.setAttribute("data-in-flight", "");
    await run({ groups: [Number(group)], rows: [Number(row)], mode: "all" });
  }

  const menu = document.getElementById("run-menu");
  if (menu) counts(table, menu, () => chosen(live.region).groups);

  register({
    "run-cell": runCell,
    "run-incomplete": () => run({ groups: chosen(live.region).groups, mode: "incomplete" }),
    "run-failed": () => run({ groups: chosen(live.region).groups, mode: "failed" }),
    "run-stale": () => run({ groups: chosen(live.region).groups, mode: "stale" }),
    "run-first": () =>
      run({ groups: chosen(live.region).groups, mode: "incomplete", limit: { type: "rows", max: 10 } }),
    "run-all": runAll,
    "run-row": () => run({ rows: [Number(opened().row)], mode: "incomplete" }),
    pause: (button) => eachRun(button, "pause"),
    resume: (button) => eachRun(button, "resume"),
    stop,
  });
}

/**
 * What the open menu stands for: its column, or all workflow columns that the page shows now.
 *
 * @param {HTMLElement} region
 * @returns {{groups: number[], name: string}}
 */
function chosen(region) {
  const name = opened().name ?? "";
  if (opened().groups) return { groups: JSON.parse(opened().groups ?? "[]"), name };
  const shown = /** @type {NodeListOf<HTMLElement>} */ (region.querySelectorAll("[data-menu='run-menu'][data-group]"));
  return { groups: Array.from(shown, (button) => Number(button.dataset.group)), name };
}
