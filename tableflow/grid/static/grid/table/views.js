/**
 * The saved views of the table: which rows are shown, and how the columns are laid out. The layout is saved by itself;
 * another filter, sort or search holds for oneself until it is saved. Who may not edit keeps all of it for oneself.
 */

import { attempt, register } from "../acts.js";
import { call } from "../api.js";
import { ask, tell } from "../dialogs.js";
import { button, make } from "../elements.js";
import { opened } from "../menus.js";
import { same } from "../same.js";
import { putInAddress, queryInAddress, sortOf, viewInAddress } from "./address.js";
import { layoutOf, savedOf } from "./layouts.js";
import { askName } from "./naming.js";
import { icon } from "./painter.js";

/**
 * @typedef {object} View as the API has it
 * @property {number} id
 * @property {string} name
 * @property {boolean} is_default
 * @property {import("./layouts.js").SavedLayout} layout
 * @property {any} filter
 * @property {string} sort
 * @property {string} search
 * @property {string | null} problem why it cannot be shown so any more
 */

const SAVED_AFTER_MS = 600;

/**
 * @param {import("./sheet.js").Sheet} sheet
 * @param {View[]} first the views as the page bears them, the default one first
 */
export function views(sheet, first) {
  const base = `${sheet.base}/views/`;
  const tabs = /** @type {HTMLElement} */ (document.getElementById("views"));
  const changed = /** @type {HTMLElement} */ (document.getElementById("view-changed"));
  let all = first;
  let drawn = "";
  /** How often something was done here to the views. */
  let marks = 0;
  let current = all.find(({ id }) => id === viewInAddress()) ?? all[0];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let saving;

  // What the page begins with

  function begin() {
    const named = viewInAddress();
    if (named !== null && named !== current.id) tell("That view is not there any more: here are all rows.");
    sheet.query = queryInAddress(queryOf(current));
    sheet.layout = layoutOf(current.layout, sheet.schema.columns);
    show();
  }

  /** What is drawn already stays: it may be under the pointer. */
  function show() {
    const key = JSON.stringify([all.map(({ id, name, problem }) => [id, name, problem]), current.id]);
    if (key !== drawn) tabs.replaceChildren(...all.map(tab), sheet.mayEdit ? adder() : "");
    drawn = key;
    if (isChanged() !== changed.hasChildNodes()) changed.replaceChildren(...(isChanged() ? changes() : []));
    putInAddress(current.is_default ? null : current.id, sheet.query, queryOf(current));
  }

  /** @param {View} view */
  function tab(view) {
    const isCurrent = view.id === current.id;
    const said = button(view.name, () => go(view), { class: "view-tab", title: view.problem ?? view.name });
    if (isCurrent) said.setAttribute("aria-current", "true");
    if (view.problem) said.classList.add("wrong");
    if (!isCurrent || !sheet.mayEdit) return said;
    const more = make("button", {
      type: "button",
      class: "view-more",
      "aria-label": `View ${view.name}`,
      data: { menu: "view-menu", name: view.name, ...(view.is_default ? {} : { other: "" }) },
    });
    more.append(icon("chevron"));
    return make("span", { class: "view-current" }, [said, more]);
  }

  function adder() {
    const made = button("", add, { class: "view-tab", "aria-label": "New view", title: "New view" });
    made.append(icon("plus"));
    return made;
  }

  function isChanged() {
    return !same(sheet.query, queryOf(current));
  }

  /** What can be done with another filter, sort or search than the view has. */
  function changes() {
    const reset = button("Reset", () => sheet.setQuery(queryOf(current)), { class: "button small" });
    if (!sheet.mayEdit) return [reset];
    const save = button("Save to view", () => attempt(saveQuery), { class: "button small" });
    const saveNew = button("Save as new view", add, { class: "button small" });
    return current.is_default ? [saveNew, reset] : [save, saveNew, reset];
  }

  // Going from one to another

  /** @param {View} view */
  function go(view) {
    flush();
    marks += 1;
    current = view;
    changed.replaceChildren();
    sheet.setLayout(layoutOf(view.layout, sheet.schema.columns));
    clearTimeout(saving);
    saving = undefined;
    sheet.setQuery(queryOf(view));
    sheet.grid.focus();
  }

  /** Others may have changed them. An answer from before something was done here is asked for again. */
  async function read() {
    const mark = marks;
    const { results } = await call("GET", base);
    if (mark !== marks) return read();
    const before = current;
    all = results;
    current = all.find(({ id }) => id === before.id) ?? all[0];
    if (current.id !== before.id) {
      tell(`The view ${before.name} was deleted: here are all rows.`);
      return go(current);
    }
    const isOurs = same(sheet.query, queryOf(before));
    const isOther = (/** @type {(view: View) => unknown} */ part) => !same(part(before), part(current));
    if (isOther(({ layout }) => layout) && saving === undefined) relaid();
    if (isOurs && isOther(queryOf)) sheet.setQuery(queryOf(current));
    else show();
  }

  /** Somebody else has laid it out. */
  function relaid() {
    sheet.layout = layoutOf(current.layout, sheet.schema.columns);
    sheet.arrange();
  }

  // Saving

  function saveSoon() {
    if (!sheet.mayEdit) return;
    clearTimeout(saving);
    saving = setTimeout(flush, SAVED_AFTER_MS);
  }

  function flush() {
    if (saving === undefined) return;
    clearTimeout(saving);
    saving = undefined;
    attempt(() => change(current, { layout: savedOf(sheet.layout, sheet.grid.columns) }));
  }

  /** @param {View} view @param {Record<string, any>} changes */
  async function change(view, changes) {
    const now = await call("PATCH", `${base}${view.id}/`, changes);
    marks += 1;
    all = all.map((each) => (each.id === now.id ? now : each));
    if (current.id === now.id) current = now;
    show();
  }

  function saveQuery() {
    return change(current, asSaved());
  }

  function asSaved() {
    const { filter, sort, search } = sheet.query;
    return { filter, sort: sort.join(), search };
  }

  /** @param {string} title @param {string} name */
  function copy(title, name) {
    askName({ title, name, yes: "Save the view" }, async (name) => {
      const layout = savedOf(sheet.layout, sheet.grid.columns);
      const made = await call("POST", base, { name, layout, ...asSaved() });
      all = [...all, made];
      go(made);
    });
  }

  function add() {
    copy("New view", "");
  }

  async function remove() {
    const { name, id } = current;
    const text = "The rows stay as they are. The view is gone for everybody.";
    if (!(await ask({ title: `Delete the view ${name}?`, text, yes: "Delete the view", danger: true }))) return;
    clearTimeout(saving);
    saving = undefined;
    await call("DELETE", `${base}${id}/`);
    all = all.filter((view) => view.id !== id);
    go(all[0]);
  }

  sheet.addEventListener("query", show);
  sheet.addEventListener("layout", saveSoon);
  sheet.addEventListener("views", () => attempt(read));
  document.addEventListener("visibilitychange", () => document.hidden && flush());
  register({
    "rename-view": () =>
      askName({ title: "Rename the view", name: opened().name ?? "", yes: "Rename" }, (name) =>
        change(current, { name }),
      ),
    "duplicate-view": () => copy("Duplicate the view", `${current.name} copy`),
    "delete-view": remove,
  });
  begin();
  return { isDefault: () => current.is_default };
}

/** @param {View} view @returns {import("./sheet.js").Query} */
function queryOf({ filter, sort, search }) {
  return { filter, sort: sortOf(sort), search };
}
