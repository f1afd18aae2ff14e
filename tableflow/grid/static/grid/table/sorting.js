/** In which order rows are shown: several columns, one after the other, each up or down. */

import { register } from "../acts.js";
import { button, choice, make } from "../elements.js";
import { opened } from "../menus.js";
import { popover } from "./popovers.js";

const MOST_KEYS = 10;
const WAYS = /** @type {[string, string][]} */ ([
  ["", "Ascending"],
  ["-", "Descending"],
]);

/** @param {import("./sheet.js").Sheet} sheet */
export function sorting(sheet) {
  const pop = /** @type {HTMLElement} */ (document.getElementById("sort-popover"));
  const opener = /** @type {HTMLElement} */ (document.getElementById("sort-button"));
  let drawn = "";

  /** @param {string[]} sort */
  function apply(sort) {
    if (sort.join() !== sheet.query.sort.join()) sheet.setQuery({ sort });
  }

  function show() {
    const { sort } = sheet.query;
    opener.textContent = sort.length ? `Sort (${sort.length})` : "Sort";
    opener.classList.toggle("on", sort.length > 0);
    if (drawn === sort.join()) return;
    drawn = sort.join();
    sheet.grid.drawHead();
    sheet.grid.placeHead();
    if (pop.matches(":popover-open")) render();
  }

  function render() {
    const { sort } = sheet.query;
    const lines = sort.map((_, place) => line(sort, place));
    const left = sheet.schema.columns.filter(({ key }) => !sort.some((each) => bare(each) === key));
    const add = choice([["", "Add a column to sort by…"], ...left.map(named)], "", { "aria-label": "Add a column" });
    add.addEventListener("change", () => changed([...sort, add.value], sort.length));
    pop.replaceChildren(
      ...lines,
      sort.length < MOST_KEYS && left.length ? add : "",
      sort.length ? button("Clear the sort", () => changed([], 0), { class: "button small" }) : "",
    );
  }

  /** @param {string[]} sort @param {number} place */
  function line(sort, place) {
    const each = sort[place];
    const free = sheet.schema.columns.filter(({ key }) => key === bare(each) || !sort.map(bare).includes(key));
    const column = choice(free.map(named), bare(each), { "aria-label": `Sort by, ${place + 1}` });
    const way = choice(WAYS, each.startsWith("-") ? "-" : "", { "aria-label": "Direction" });
    const say = () => changed(sort.with(place, way.value + column.value), place);
    column.addEventListener("change", say);
    way.addEventListener("change", say);
    const name = sheet.column(bare(each))?.name ?? bare(each);
    const quiet = { class: "button quiet" };
    return make("div", { class: "sort-line" }, [
      column,
      way,
      button("↑", () => changed(swapped(sort, place - 1), place - 1), {
        ...quiet,
        "aria-label": `Sort by ${name} earlier`,
        disabled: place === 0,
      }),
      button("↓", () => changed(swapped(sort, place), place + 1), {
        ...quiet,
        "aria-label": `Sort by ${name} later`,
        disabled: place === sort.length - 1,
      }),
      button("×", () => changed(sort.toSpliced(place, 1), place), { ...quiet, "aria-label": `Do not sort by ${name}` }),
    ]);
  }

  /** @param {string[]} sort @param {number} place whose line has the focus then */
  function changed(sort, place) {
    apply(sort);
    render();
    const lines = pop.querySelectorAll(".sort-line");
    const held = lines[Math.min(place, lines.length - 1)] ?? pop;
    /** @type {HTMLElement | null} */ (held.querySelector("select, button"))?.focus();
  }

  popover(pop, render);
  sheet.addEventListener("query", show);
  register({
    "sort-ascending": () => apply([opened().key ?? ""]),
    "sort-descending": () => apply([`-${opened().key}`]),
    "clear-sort": () => apply([]),
  });
  show();
}

/** @param {string} each */
function bare(each) {
  return each.replace(/^-/, "");
}

/** @param {import("./values.js").Column} column @returns {[string, string]} */
function named({ key, name }) {
  return [key, name];
}

/** @param {string[]} sort @param {number} place changes places with the next */
function swapped(sort, place) {
  return sort.with(place, sort[place + 1]).with(place + 1, sort[place]);
}
