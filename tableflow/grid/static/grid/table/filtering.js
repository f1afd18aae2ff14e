/** Which rows are shown: the filter's form, what it says in short, and conditions that a cell gives. */

import { register } from "../acts.js";
import { ApiError } from "../api.js";
import { tell } from "../dialogs.js";
import { button, make } from "../elements.js";
import { same } from "../same.js";
import { branchOf, FilterForm, filterOf } from "./filter_form.js";
import { described, targets } from "./filter_words.js";
import { popover } from "./popovers.js";

/** Faces of cells that are known by their state, and have no value. */
const STATES = ["cancelled", "error", "skipped"];

/**
 * @param {import("./sheet.js").Sheet} sheet
 * @param {import("./filter_words.js").Known} known what the server says that filters know
 */
export function filtering(sheet, known) {
  const pop = /** @type {HTMLElement} */ (document.getElementById("filter-popover"));
  const opener = /** @type {HTMLElement} */ (document.getElementById("filter-button"));
  const chips = /** @type {HTMLElement} */ (document.getElementById("chips"));
  const asked = () => targets(sheet.schema, known);
  const form = new FilterForm(pop, asked, apply);

  /** @param {any} filter */
  function apply(filter) {
    if (!same(filter, sheet.query.filter)) sheet.setQuery({ filter });
  }

  function show() {
    form.set(sheet.query.filter);
    const { children } = branchOf(sheet.query.filter);
    opener.textContent = children.length ? `Filter (${children.length})` : "Filter";
    opener.classList.toggle("on", children.length > 0);
    const before = new Map([...chips.children].map((each) => [/** @type {HTMLElement} */ (each).title, each]));
    chips.replaceChildren(...children.map((child) => chip(child, before)));
  }

  /**
   * One that is there already stays: it may be under the pointer.
   *
   * @param {import("./filter_form.js").Node} node
   * @param {Map<string, Element>} before
   */
  function chip(node, before) {
    const said = described(asked(), filterOf(node) ?? node);
    const drawn = before.get(said);
    if (drawn) return drawn;
    const remove = button("×", () => without(node), { "aria-label": `Remove the condition: ${said}` });
    return make("span", { class: "chip", title: said }, [make("span", { class: "cut" }, [said]), remove]);
  }

  /** @param {import("./filter_form.js").Node} node */
  function without(node) {
    const said = JSON.stringify(node);
    const { joint, children } = branchOf(sheet.query.filter);
    apply(filterOf({ joint, children: children.filter((child) => JSON.stringify(child) !== said) }));
    opener.focus();
  }

  /** Also what the filter has already must hold. @param {any} condition */
  function also(condition) {
    const { filter } = sheet.query;
    const { joint, children } = branchOf(filter);
    const both = joint === "any" && children.length > 1 ? [filter] : children.map((child) => filterOf(child));
    apply({ all: [...both.filter((one) => one !== null), condition] });
  }

  async function byCell() {
    const [row, column] = [sheet.activeRow, sheet.activeColumn];
    if (!row || !column) return tell("There is no cell to filter by.");
    const { key, group } = column;
    const kind = row.faces?.[key]?.kind;
    let value = row.values[key];
    if (row.long?.includes(key)) value = (await sheet.get(`rows/${row.id}/values/${key}/`, {}))?.value;
    if (value !== undefined && value !== null) also({ field: key, op: "eq", value });
    else if (group !== null && kind && STATES.includes(kind)) also({ field: `@${group}`, op: "eq", value: kind });
    else also({ field: key, op: "is_empty" });
  }

  /** The server does not take it. */
  function refused() {
    const { refusal } = sheet.store;
    const problems = refusal instanceof ApiError ? refusal.problems : [];
    const ours = problems.filter(({ attr }) => attr?.startsWith("filter"));
    form.tell(ours);
    opener.classList.toggle("wrong", ours.length > 0);
  }

  popover(pop, () => {
    form.render();
    refused();
  });
  for (const event of ["query", "schema"]) sheet.addEventListener(event, show);
  sheet.addEventListener("query", () => opener.classList.remove("wrong"));
  sheet.store.addEventListener("refused", refused);
  register({
    "filter-by-cell": byCell,
    "clear-filter": () => sheet.setQuery({ filter: null, search: "" }),
    "show-all": () => sheet.setQuery({ filter: null, sort: [], search: "" }),
    "edit-filter": () => pop.showPopover(),
  });
  form.render();
  show();
}
