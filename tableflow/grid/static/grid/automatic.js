/** Auto-run: the switches of a workflow column and of the table, and what becomes of the rows that are there. */

import { register } from "./acts.js";
import { call } from "./api.js";
import { ask, tell } from "./dialogs.js";
import { opened } from "./menus.js";

/** From so many cells on it is asked before they run. */
export const MOST_UNASKED = 100;

/**
 * @param {string} table the id
 * @param {import("./live.js").Live} live
 */
export function automatic(table, live) {
  const base = `/api/v1/tables/${table}/`;

  /** Runs what never ran, if that is wanted: a switch alone starts nothing that is there.
   * @param {string} [group] the id of a workflow column; without one, all that run by themselves */
  async function offer(group) {
    const asked = group === undefined ? "" : `?group=${group}`;
    const { cells, groups } = await call("GET", `/tables/${table}/auto-run/${asked}`);
    if (cells !== 0 && (await isWanted(cells))) {
      await call("POST", `${base}dispatches/`, { groups, mode: "new" });
      tell(`Running ${counted(cells)} in the rows that are there.`);
    }
    await live.invalidate();
  }

  /** @param {boolean} on */
  async function turnColumn(on) {
    const group = opened().group ?? "";
    await call("PATCH", `${base}groups/${group}/`, { auto_run: on });
    if (on) return offer(group);
    await live.invalidate();
  }

  /** @param {HTMLElement} button */
  async function turnTable(button) {
    const on = button.getAttribute("aria-checked") !== "true";
    await call("PATCH", base, { auto_run: on });
    if (on) return offer();
    await live.invalidate();
  }

  register({
    "auto-run-on": () => turnColumn(true),
    "auto-run-off": () => turnColumn(false),
    "auto-run-table": turnTable,
  });

  document.addEventListener("saved", (event) => {
    const made = /** @type {CustomEvent} */ (event).detail;
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.dataset.api === `${base}groups/` && made?.auto_run) offer(made.id);
  });
}

/** @param {number | null} cells */
async function isWanted(cells) {
  if (cells !== null && cells <= MOST_UNASKED) return true;
  return ask({
    title: `Run ${counted(cells)} now?`,
    text: "Auto-run is on: new rows run by themselves, and rows whose values change. These were there before.",
    yes: `Run ${counted(cells)} now`,
    no: "Only new and changed rows",
  });
}

/** @param {number | null} cells null: too many to be counted */
export function counted(cells) {
  if (cells === null) return "very many cells";
  return `${cells.toLocaleString("en")} ${cells === 1 ? "cell" : "cells"}`;
}
