/** The run menu says how many cells a choice would touch. The counts come when it opens, and none that comes too late. */

import { call } from "./api.js";

/** More columns than this are not counted one by one. */
const MOST_GROUPS = 8;

/**
 * @param {string} table the id
 * @param {HTMLElement} menu its items with `data-counted` name a count, those with `data-word` how it is said
 * @param {() => number[]} groups the ids of the workflow columns that the menu stands for
 */
export function counts(table, menu, groups) {
  const items = /** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll("[data-counted]"));
  let generation = 0;

  menu.addEventListener("toggle", async (event) => {
    const mine = ++generation;
    for (const item of items) item.textContent = `Run ${item.dataset.word}`;
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    const found = await counted(table, groups());
    if (mine !== generation || !found) return;
    for (const item of items) say(item, sum(found, item.dataset.counted ?? ""));
  });
}

/**
 * @param {HTMLElement} item
 * @param {number | null} number
 */
function say(item, number) {
  if (number !== null) item.textContent = `Run ${number.toLocaleString("en")} ${item.dataset.word}`;
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
