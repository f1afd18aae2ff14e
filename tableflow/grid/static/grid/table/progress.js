/**
 * The bars in the heads of workflow columns: how many of all cells have ended, and how. They are fetched when the page
 * opens, and when a hint says that something ran, at most every two seconds, and seldom where counting takes long.
 */

import { make } from "../elements.js";

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {Record<string, number>} Counted cells by status */

const LEAST_MS = 2000;
/** Counting takes no more of the time than one part in so many. */
const SHARE = 10;

/** From left to right: the class, the word, and the states in it. @type {[string, string, string[]][]} */
const PARTS = [
  ["completed", "completed", ["completed"]],
  ["error", "failed", ["error"]],
  ["running", "running", ["running"]],
  ["paused", "paused", ["paused"]],
  ["queued", "queued", ["pending", "queued"]],
  ["left", "cancelled", ["cancelled"]],
  ["left", "skipped", ["skipped"]],
];

const ENDED = ["completed", "error", "left"];

/** @param {Sheet} sheet */
export function progress(sheet) {
  /** @type {{total: number, groups: Record<string, Counted>}} */
  let counts = { total: 0, groups: {} };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let next = 0;
  /** How many rows were shown when it was counted. */
  let rows = -1;

  /** Draws what is known; heads that were drawn anew get their bars again. */
  function draw() {
    const seen = new Set();
    for (const band of /** @type {NodeListOf<HTMLElement>} */ (sheet.grid.head.querySelectorAll("[data-group]"))) {
      const id = Number(band.dataset.group);
      const group = sheet.group(id);
      const counted = counts.groups[id];
      if (!group || !counted || seen.has(id)) continue;
      seen.add(id);
      fill(band, group.name, counts.total, counted);
    }
  }

  async function fetch() {
    timer = undefined;
    rows = sheet.store.count;
    if (document.hidden || !sheet.schema.groups.length) return;
    const begun = performance.now();
    const answer = await sheet.get("progress/", {});
    const took = performance.now() - begun;
    next = performance.now() + Math.max(LEAST_MS, took * SHARE);
    if (!answer) return;
    counts = answer;
    draw();
  }

  function soon() {
    if (timer === undefined) timer = setTimeout(fetch, Math.max(0, next - performance.now()));
  }

  for (const name of ["ran", "schema"]) sheet.addEventListener(name, soon);
  sheet.store.addEventListener("change", () => {
    if (sheet.isWhole && sheet.store.count !== rows) soon();
  });
  document.addEventListener("visibilitychange", soon);
  new MutationObserver(draw).observe(sheet.grid.head, { childList: true });
  soon();
}

/**
 * @param {HTMLElement} band
 * @param {string} name
 * @param {number} total
 * @param {Counted} counted
 */
function fill(band, name, total, counted) {
  const bar = /** @type {HTMLElement} */ (band.querySelector(".progress") ?? made(band));
  const parts = PARTS.map(([kind, word, states]) => ({
    kind,
    word,
    cells: states.reduce((sum, at) => sum + (counted[at] ?? 0), 0),
  }));
  const begun = parts.reduce((sum, { cells }) => sum + cells, 0);
  const whole = Math.max(total, begun, 1);
  const ended = parts.reduce((sum, { kind, cells }) => sum + (ENDED.includes(kind) ? cells : 0), 0);
  const told = [...parts, { word: "never ran", cells: whole - begun }].filter(({ cells }) => cells > 0);
  const words = total ? told.map(({ word, cells }) => `${cells.toLocaleString("en")} ${word}`).join(", ") : "no rows";
  bar.setAttribute("aria-label", `${name}: ${words}`);
  bar.setAttribute("aria-valuenow", String(Math.floor((100 * ended) / whole)));
  parts.forEach(({ cells }, place) => {
    const part = /** @type {HTMLElement} */ (bar.children[place]);
    part.style.flexGrow = String(cells / whole);
    part.hidden = !cells;
  });
  band.title = words;
  const named = /** @type {HTMLElement | null} */ (band.querySelector(".name"));
  if (named) named.title = `${name}: ${words}`;
}

/** @param {HTMLElement} band */
function made(band) {
  const parts = PARTS.map(([kind]) => make("span", { class: kind }));
  const bar = make("div", { class: "progress", role: "progressbar" }, parts);
  band.append(bar);
  return bar;
}
