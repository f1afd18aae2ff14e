/** Rows, columns and the table itself: adding, renaming, deleting. */

import { register } from "./acts.js";
import { call } from "./api.js";
import { ask, open } from "./dialogs.js";
import { opened } from "./menus.js";

/** The server shows the last page there is. */
const LAST_PAGE = 999999999;

/**
 * @param {string} table the id
 * @param {import("./live.js").Live} live
 */
export function structure(table, live) {
  const base = `/api/v1/tables/${table}/`;

  async function addRow() {
    const { id } = await call("POST", `${base}rows/`, { data: {} });
    location.assign(`?page=${LAST_PAGE}&row=${id}`);
  }

  async function deleteRow() {
    const { row, name } = opened();
    const yes = await ask({
      title: `Delete ${name?.toLowerCase()}?`,
      text: gone(),
      yes: "Delete the row",
      danger: true,
    });
    if (!yes) return;
    await call("DELETE", `${base}rows/`, { rows: [Number(row)] });
    await live.invalidate();
  }

  async function deleteColumn() {
    const { key, name } = opened();
    const text = `Its values in every row go with it. ${gone()}`;
    const yes = await ask({ title: `Delete ${name}?`, text, yes: "Delete the column", danger: true });
    if (!yes) return;
    await call("DELETE", `${base}columns/${key}/`);
    await live.invalidate();
  }

  async function deleteGroup() {
    const { group, name } = opened();
    const text = `What it filled goes with it, in every row. ${gone()}`;
    const yes = await ask({ title: `Delete ${name}?`, text, yes: "Delete the workflow column", danger: true });
    if (!yes) return;
    await call("DELETE", `${base}groups/${group}/?columns=drop`);
    await live.invalidate();
  }

  /** @param {HTMLElement} button */
  async function deleteTable(button) {
    const yes = await ask({
      title: `Delete ${button.dataset.name}?`,
      text: gone(),
      yes: "Delete the table",
      danger: true,
    });
    if (!yes) return;
    await call("DELETE", base);
    location.assign("/");
  }

  register({
    "add-row": addRow,
    "delete-row": deleteRow,
    "delete-column": deleteColumn,
    "delete-group": deleteGroup,
    "delete-table": deleteTable,
    "rename-column": () => rename(`${base}columns/${opened().key}/`, opened().name ?? ""),
    "rename-table": (button) => rename(base, button.dataset.name ?? ""),
  });

  document.addEventListener("saved", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const dialog = form.closest("dialog");
    dialog?.close();
    if (dialog?.id === "rename" && form.dataset.api === base) location.reload();
    form.reset();
    live.invalidate();
  });
}

function gone() {
  return "This cannot be undone.";
}

/**
 * @param {string} address
 * @param {string} name
 */
function rename(address, name) {
  const form = /** @type {HTMLFormElement} */ (document.querySelector("#rename form"));
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("name"));
  form.dataset.api = address;
  field.value = name;
  open("rename");
  field.select();
}
