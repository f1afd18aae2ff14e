/** Editing a cell where it is: a field of the column's type; Enter keeps, Escape leaves it as it was. */

import { ApiError, call } from "./api.js";
import { tell } from "./dialogs.js";
import { build, read } from "./fields.js";
import { columnOf } from "./keys.js";

/**
 * @param {string} table the id
 * @param {import("./live.js").Live} live
 * @returns {(cell: HTMLTableCellElement) => Promise<void>}
 */
export function editor(table, live) {
  /** @param {HTMLTableCellElement} cell */
  return async function edit(cell) {
    if (!("editable" in live.region.dataset) || cell.hasAttribute("data-editing")) return;
    const column = columnOf(cell);
    const row = /** @type {HTMLElement} */ (cell.parentElement).dataset.row ?? "";
    cell.dataset.editing = "";
    try {
      const { value } = await call("GET", `/tables/${table}/rows/${row}/values/${column.key}/`);
      open(cell, column, value, (next) => save(row, column.key ?? "", next));
    } catch (error) {
      delete cell.dataset.editing;
      if (!(error instanceof ApiError)) throw error;
      tell(error.message);
    }
  };

  /**
   * @param {string} row
   * @param {string} key
   * @param {unknown} value
   */
  async function save(row, key, value) {
    await call("PATCH", `/api/v1/tables/${table}/rows/${row}/`, { data: { [key]: value } });
    live.invalidate();
  }
}

/**
 * @param {HTMLTableCellElement} cell
 * @param {DOMStringMap} column
 * @param {unknown} value
 * @param {(value: unknown) => Promise<void>} save
 */
function open(cell, column, value, save) {
  const box = document.createElement("div");
  const field = build(column, value);
  const problem = document.createElement("p");
  const before = read(field, column);
  box.className = "editor";
  problem.className = "problem";
  problem.setAttribute("role", "alert");
  field.setAttribute("aria-label", column.name ?? "");
  box.append(field, problem);
  cell.append(box);
  field.focus();
  if (field instanceof HTMLInputElement) field.select();

  let done = false;
  const close = () => {
    done = true;
    box.remove();
    delete cell.dataset.editing;
  };
  const keep = async () => {
    if (done) return;
    const next = read(field, column);
    if (next === before) return close();
    done = true;
    try {
      await save(next);
      show(cell, field);
      close();
    } catch (error) {
      done = false;
      if (!(error instanceof ApiError)) throw error;
      problem.textContent = error.message;
      field.setAttribute("aria-invalid", "true");
    }
  };

  field.addEventListener("keydown", async (event) => {
    const key = /** @type {KeyboardEvent} */ (event);
    key.stopPropagation();
    if (key.key === "Escape") close();
    else if (key.key === "Enter" && !key.shiftKey) await keep();
    else return;
    key.preventDefault();
    if (!cell.hasAttribute("data-editing")) cell.focus();
  });
  field.addEventListener("blur", keep);
}

/** What was typed stands in the cell until the server's own rendering of it comes.
 * @param {HTMLTableCellElement} cell
 * @param {import("./fields.js").Field} field */
function show(cell, field) {
  const inside = /** @type {HTMLElement} */ (cell.querySelector("div:not(.editor)"));
  inside.textContent = field instanceof HTMLSelectElement ? (field.selectedOptions[0]?.text ?? "") : field.value;
}
