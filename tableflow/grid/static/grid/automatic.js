/** Auto-run: when it is asked before what is there runs, and in which words. */

import { ask } from "./dialogs.js";
import { many } from "./words.js";

/** From so many cells on it is asked before they run. */
export const MOST_UNASKED = 100;

/** @param {number | null} cells null: too many to be counted */
export async function isWanted(cells) {
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
  return cells === null ? "very many cells" : many(cells, "cell");
}
