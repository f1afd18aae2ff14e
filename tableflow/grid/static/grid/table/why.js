/** Why a cell waits: said by the server in plain words, beside the cell; the first column that it lacks is selected. */

import { register } from "../acts.js";
import { piece } from "../api.js";
import { opened } from "../menus.js";
import { place } from "../placing.js";

const UNREADABLE = '<p class="why-body">Why it waits cannot be read now. Try again.</p>';

/** @param {import("./sheet.js").Sheet} sheet */
export function why(sheet) {
  const box = /** @type {HTMLElement} */ (document.getElementById("why"));
  let row = 0;

  async function show() {
    const { row: of = "", group = "" } = opened();
    row = Number(of);
    box.innerHTML = (await piece(`${sheet.page}/rows/${row}/why/${group}/`)) ?? UNREADABLE;
    const missing = /** @type {HTMLElement | null} */ (box.querySelector("[data-act='go-to-column']"));
    const at = sheet.grid.boxOf(sheet.selection.active);
    if (missing) go(missing.dataset.key ?? "");
    box.showPopover();
    place(box, at);
    /** @type {HTMLElement | null} */ (box.querySelector("a, button"))?.focus();
  }

  /** Makes the cell of this column in the row the active one. @param {string} key */
  function go(key) {
    const column = sheet.grid.columns.findIndex((each) => each.key === key);
    const index = sheet.store.indexOf(row);
    if (column >= 0 && index >= 0) sheet.grid.goTo({ row: index, column });
  }

  register({
    why: show,
    "go-to-column": (button) => {
      box.hidePopover();
      go(button.dataset.key ?? "");
      sheet.grid.focus();
    },
    "answer-here": (button) => {
      box.hidePopover();
      sheet.showTrace(row, Number(button.dataset.group));
    },
  });
}
