/**
 * The run menu says how many cells a choice would touch, and disables what would do nothing. The counts come when it
 * opens, and none that comes too late; what is not known stays enabled.
 */

import { call } from "./api.js";

/** More columns than this are not counted one by one. */
const MOST_GROUPS = 8;

/**
 * @param {string} table the id
 * @param {HTMLElement} menu its items with `data-counted` name a count, and say it with `data-word`; that with
 *   `data-needs-runs` is for what runs
 * @param {() => number[]} groups the ids of the workflow columns that the menu stands for
 */
export function counts(table, menu, groups) {
  const items = /** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll("[data-counted]"));
  const stop = /** @type {HTMLElement} */ (menu.querySelector("[data-needs-runs]"));
  let generation = 0;

  menu.addEventListener("toggle", async (event) => {
    const mine = ++generation;
    for (const item of items) item.textContent = `Run ${item.dataset.word}`;
    for (const item of [...items, stop]) item.ariaDisabled = null;
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    const chosen = groups();
    await Promise.all([
      counted(table, chosen).then((found) => {
        if (mine !== generation || !found) return;
        for (const item of items) say(item, sum(found, item.dataset.counted ?? ""));
      }),
      isIdle(table, chosen).then((idle) => {
        if (mine === generation && idle) stop.ariaDisabled = "true";
      }),
    ]);
  });
}

/**
 * @param {HTMLElement} item
 * @param {number | null} number
 */
function say(item, number) {
  if (number === null) return;
  item.textContent = `Run ${number.toLocaleString("en")} ${item.dataset.word}`;
  if (number === 0) item.ariaDisabled = "true";
}

/**
 * @param {string} table
 * @param {number[]} groups
 * @returns {Promise<boolean>} whether nothing is known to run in these workflow columns
 */
async function isIdle(table, groups) {
  try {
    const { dispatches } = await call("GET", `/api/v1/tables/${table}/run-state/`);
    return !dispatches.some((/** @type {{groups: number[]}} */ one) => one.groups.some((id) => groups.includes(id)));
  } catch {
    return false;
  }
}

/**
 * @param {string} table
 * @param {number[]} groups
 * @returns {Promise<Record<string, number | null>[] | null>} null where there are none, or too many to ask for
 */
async function counted(table, groups) {
  if (!groups.length || groups.length > MOST_GROUPS) return null;
  try {
    return await Promise.all(groups.map((group) => call("GET", `/api/v1/tables/${table}/groups/${group}/counts/`)));
  } catch {
    return null;
  }
}

/**
 * @param {Record<string, number | null>[]} found
 * @param {string} name
 * @returns {number | null} null where one of them is not known
 */
function sum(found, name) {
  return found.reduce((/** @type {number | null} */ all, { [name]: one }) => {
    return all === null || one === null ? null : all + one;
  }, 0);
}
