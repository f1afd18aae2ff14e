/** How wide columns are that nobody has resized: as their heads and the first rows need it, within bounds. Pure. */

import { shown } from "./values.js";

const LEAST_PX = 80;
const MOST_PX = 260;
const CHARACTER_PX = 7.5;
const HEAD_CHARACTER_PX = 8.5;
const HEAD_PX = 78;
const VALUE_PX = 20;
const TAG_PX = 14;
/** What a workflow fills gets room from the start. */
const FILLED_PX = 200;
/** And what is empty some. */
const EMPTY_PX = 120;
/** One value in ten may be cut: a single long one does not make the others hard to find. */
const FITTING = 0.9;

/**
 * @param {import("./values.js").Column} column
 * @param {import("../core/store.js").Row[]} rows
 * @param {number} [most]
 */
export function width(column, rows, most = MOST_PX) {
  const needs = rows.map((row) => need(shown(column, row.values[column.key]))).filter((px) => px > 0);
  needs.sort((one, other) => one - other);
  const body = needs.length ? needs[Math.ceil(needs.length * FITTING) - 1] : 0;
  const least = column.group !== null ? FILLED_PX : needs.length ? LEAST_PX : EMPTY_PX;
  return Math.round(Math.min(Math.max(column.name.length * HEAD_CHARACTER_PX + HEAD_PX, body, least), most));
}

/** @param {import("./values.js").Shown} what */
function need({ text, tags }) {
  if (tags) return tags.reduce((sum, tag) => sum + tag.length * CHARACTER_PX + TAG_PX, VALUE_PX);
  return text ? text.length * CHARACTER_PX + VALUE_PX : 0;
}
