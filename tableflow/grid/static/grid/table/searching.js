/** The search box: of the rows those are shown in which some value has the text. */

import { name } from "../core/keymap.js";

const REST_MS = 300;

/** @param {import("./sheet.js").Sheet} sheet */
export function searching(sheet) {
  const box = /** @type {HTMLInputElement} */ (document.getElementById("search"));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function apply() {
    clearTimeout(timer);
    const search = box.value.trim();
    if (search !== sheet.query.search) sheet.setQuery({ search });
  }

  function show() {
    if (box.value.trim() !== sheet.query.search) box.value = sheet.query.search;
  }

  function begin() {
    box.focus();
    box.select();
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, REST_MS);
  });
  box.addEventListener("change", apply);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing || !["Enter", "Escape", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    if (event.key === "Escape") box.value = "";
    apply();
    if (event.key !== "Enter") sheet.grid.focus();
  });
  sheet.keymap.bind("Mod+K", "Search: show only rows that have a text", begin);
  anywhere(sheet, "Mod+K");
  sheet.addEventListener("query", show);
  show();
}

/**
 * The keys work wherever the focus is on the page, unless a dialog is open.
 *
 * @param {import("./sheet.js").Sheet} sheet
 * @param {string} keys
 */
export function anywhere(sheet, keys) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.defaultPrevented || target === sheet.grid.catcher || name(event) !== keys) return;
    if (keys.length === 1 && target.matches("input, textarea, select")) return;
    if (!document.querySelector("dialog[open]")) sheet.keymap.handle(event);
  });
}
