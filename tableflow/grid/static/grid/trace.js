/** The panel beside the grid: what one cell's workflow did. It is fetched again while that cell is under way. */

import { register } from "./acts.js";
import { call, piece } from "./api.js";
import { columnOf } from "./keys.js";
import { answered, keepTouched } from "./questions.js";

/**
 * @param {string} table the id
 * @returns {{show: (cell: HTMLTableCellElement) => Promise<void>, refresh: () => void}}
 */
export function trace(table) {
  const panel = /** @type {HTMLElement} */ (document.getElementById("trace"));
  /** @type {HTMLTableCellElement | null} */
  let cell = null;
  let generation = 0;

  /** @param {string} address */
  async function load(address) {
    const mine = ++generation;
    const html = (await piece(address)) ?? '<p class="dialog-body">The trace cannot be read now.</p>';
    if (mine !== generation) return;
    const held = panel.contains(document.activeElement);
    panel.innerHTML = html;
    if (held) hold();
    panel.dataset.address = address;
    panel.hidden = false;
  }

  /** @param {HTMLTableCellElement} of */
  async function show(of) {
    cell?.removeAttribute("data-traced");
    cell = of;
    cell.dataset.traced = "";
    const row = /** @type {HTMLElement} */ (of.parentElement).dataset.row;
    await load(`/tables/${table}/rows/${row}/traces/${columnOf(of).group}/`);
    of.scrollIntoView({ block: "nearest", inline: "nearest" });
    hold();
  }

  function hold() {
    /** @type {HTMLElement | null} */ (panel.querySelector("[data-act='close-trace']"))?.focus();
  }

  function close() {
    generation += 1;
    panel.hidden = true;
    cell?.removeAttribute("data-traced");
    if (cell?.isConnected) cell.focus();
  }

  function reload() {
    return load(panel.dataset.address ?? "");
  }

  function refresh() {
    if (panel.hidden || panel.querySelector("form[data-touched]")) return;
    if (panel.querySelector("[data-in-flight]")) reload();
  }

  /** @param {HTMLElement} button */
  async function useNewest(button) {
    const { row, group } = button.dataset;
    await call("POST", `/api/v1/tables/${table}/rows/${row}/executions/${group}/newest-version/`);
    await reload();
  }

  keepTouched(panel);
  panel.addEventListener("saved", (event) => {
    answered(/** @type {CustomEvent} */ (event).detail);
    reload();
  });

  document.addEventListener("keydown", (event) => {
    const isOurs = !panel.hidden && !document.querySelector("dialog[open], :popover-open");
    if (event.key === "Escape" && isOurs) close();
  });
  register({
    trace: (button) => show(/** @type {HTMLTableCellElement} */ (button.closest("td"))),
    "close-trace": close,
    "newest-version": useNewest,
  });
  return { show, refresh };
}
