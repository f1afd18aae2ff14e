/** The list of all columns: which of them are seen, and in which order, by keys too. */

import { attempt } from "../acts.js";
import { button, check, make } from "../elements.js";
import { ordered } from "./layouts.js";
import { popover } from "./popovers.js";

/** @typedef {import("./values.js").Column} Column */

/**
 * @param {import("./sheet.js").Sheet} sheet
 * @param {(keys: string[], before: string | null) => Promise<void>} move
 * @param {(key: string, isHidden: boolean) => void} hide
 */
export function columnList(sheet, move, hide) {
  const pop = /** @type {HTMLElement} */ (document.getElementById("columns-popover"));
  const opener = /** @type {HTMLElement} */ (document.getElementById("columns-button"));

  function show() {
    const count = sheet.layout.hidden.filter((key) => sheet.column(key)).length;
    opener.textContent = count ? `Columns (${count} hidden)` : "Columns";
    opener.classList.toggle("on", count > 0);
    if (pop.matches(":popover-open")) render();
  }

  function render() {
    const held = /** @type {HTMLElement | null} */ (pop.querySelector(":focus"))?.dataset.for;
    const all = ordered(sheet.schema.columns, sheet.layout.order);
    const lines = all.map((column, place) => line(all, column, place));
    const some = sheet.layout.hidden.length > 0;
    pop.replaceChildren(
      ...lines,
      some ? button("Show all", () => sheet.setLayout({ hidden: [] }), { class: "button small" }) : "",
      all.length ? "" : make("p", { class: "soft" }, ["There are no columns yet."]),
    );
    const again = held && pop.querySelector(`[data-for="${CSS.escape(held)}"]:not(:disabled)`);
    if (again instanceof HTMLElement) again.focus();
    else if (held) pop.querySelector("input")?.focus();
  }

  /** @param {Column[]} all @param {Column} column @param {number} place */
  function line(all, column, place) {
    const { key, name } = column;
    const { box, label } = check(name, !sheet.layout.hidden.includes(key), { data: { for: `show ${key}` } });
    label.classList.add("cut");
    box.addEventListener("change", () => hide(key, !box.checked));
    const [earlier, later] = [before(all, place), after(all, place)];
    return make("div", { class: "column-line" }, [
      label,
      mover("↑", `Move ${name} to the left`, earlier !== undefined, `up ${key}`, () => move([key], earlier ?? null)),
      mover("↓", `Move ${name} to the right`, later !== undefined, `down ${key}`, () => move([key], later ?? null)),
    ]);
  }

  popover(pop, render);
  for (const event of ["layout", "schema"]) sheet.addEventListener(event, show);
  show();
}

/**
 * @param {string} sign
 * @param {string} label
 * @param {boolean} isPossible
 * @param {string} name
 * @param {() => Promise<void>} does
 */
function mover(sign, label, isPossible, name, does) {
  const attributes = { class: "button quiet", "aria-label": label, disabled: !isPossible, data: { for: name } };
  return button(sign, () => attempt(does), attributes);
}

/** The key of the one before which a column goes, to the left; undefined: it is the first. Groups move as one.
 * @param {Column[]} all @param {number} place @returns {string | undefined} */
function before(all, place) {
  const { group } = all[place];
  return all.slice(0, place).findLast((column) => group === null || column.group !== group)?.key;
}

/** As `before`, to the right; null: it becomes the last. @param {Column[]} all @param {number} place */
function after(all, place) {
  const isOther = (/** @type {Column} */ one, /** @type {Column} */ other) =>
    one.group === null || one.group !== other.group;
  const next = all.findIndex((column, at) => at > place && isOther(column, all[place]));
  if (next < 0) return undefined;
  return all.slice(next + 1).find((column) => isOther(column, all[next]))?.key ?? null;
}
