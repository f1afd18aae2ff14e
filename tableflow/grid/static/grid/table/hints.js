/** What stands in the place of the rows when there are none: why, and what to do next. */

import { make } from "../elements.js";

/** @typedef {{title: string, text: string, ways: HTMLElement[]}} Hint */

/** @param {import("./sheet.js").Sheet} sheet */
export function hints(sheet) {
  const place = make("div", { class: "sheet-hint", hidden: true });
  const nudge = document.getElementById("nudge");
  let drawn = "";

  /** @returns {Hint | null} */
  function hint() {
    const { store, mayEdit, schema } = sheet;
    if (store.refusal) return refused(store.refusal);
    if (!schema.columns.length) return { title: "No columns yet", ...(mayEdit ? newColumns() : nobody) };
    if (!sheet.columns.length)
      return { title: "All columns are hidden", text: "", ways: [act("Show all", "show-columns")] };
    if (store.count || !store.pages.size) return null;
    if (!sheet.isWhole)
      return { title: "No rows match", text: "", ways: [act("Clear filter and search", "clear-filter")] };
    return { title: "No rows yet", ...(mayEdit ? newRows() : nobody) };
  }

  function newColumns() {
    const text = "Add a column and type, import a file, or paste from a spreadsheet.";
    return { text, ways: [act("Add a column", "new-column", "main"), fromFile()] };
  }

  function newRows() {
    const text = "Import a file, add a row and type, or copy cells in a spreadsheet and paste them here.";
    return { text, ways: [act("Add a row", "add-row", "main"), fromFile()] };
  }

  function fromFile() {
    return act("Import a file", "import");
  }

  /** @param {Error} error @returns {Hint} */
  function refused({ message }) {
    const ways = [act("Edit the filter", "edit-filter"), act("Show all rows", "show-all")];
    return { title: "These rows cannot be shown", text: message, ways };
  }

  function show() {
    const said = hint();
    const key = JSON.stringify([said?.title, said?.text]);
    if (nudge) nudge.hidden = sheet.schema.groups.length > 0 || !sheet.schema.columns.length;
    if (key === drawn) return;
    drawn = key;
    place.hidden = !said;
    place.style.top = `${sheet.grid.headHeight}px`;
    const text = said?.text ? make("p", {}, [said.text]) : null;
    const inner = said ? [make("h2", {}, [said.title]), text, make("div", { class: "ways" }, said.ways)] : [];
    place.replaceChildren(make("div", { class: "empty" }, inner));
  }

  for (const event of ["schema", "query", "layout"]) sheet.addEventListener(event, show);
  for (const event of ["change", "refused"]) sheet.store.addEventListener(event, show);
  /** @type {HTMLElement} */ (sheet.grid.scroller.parentElement).append(place);
  show();
}

const nobody = { text: "The people who may edit this table can add some.", ways: [] };

/** @param {string} words @param {string} name @param {string} [kind] */
function act(words, name, kind = "") {
  return make("button", { type: "button", class: `button ${kind}`.trim(), data: { act: name } }, [words]);
}
