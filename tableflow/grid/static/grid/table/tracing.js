/**
 * The panel beside the grid: what one cell's workflow did, with its question where it asks one. It is fetched again
 * while that cell is under way; what somebody types in it stays.
 */

import { register } from "../acts.js";
import { PATIENCE_MS } from "../api.js";
import { ask } from "../dialogs.js";
import { Flight } from "../flight.js";
import { questions } from "../questions.js";
import { traceActs } from "../traces.js";

const UNREADABLE = '<p class="dialog-body" data-in-flight>The trace cannot be read now. It is tried again.</p>';

const GONE = '<p class="dialog-body">There is no such cell any more: its row or its column was deleted.</p>';

/** @param {import("./sheet.js").Sheet} sheet */
export function tracing(sheet) {
  const panel = /** @type {HTMLElement} */ (document.getElementById("trace"));
  /** @type {{row: number, group: number} | null} The cell that is shown. */
  let shown = null;
  let generation = 0;
  const flight = new Flight(async () => {
    if (shown) await fetched(shown, ++generation);
  });

  /** @param {{row: number, group: number}} cell ids */
  async function show(cell) {
    const isOther = shown && (shown.row !== cell.row || shown.group !== cell.group);
    if (isOther && panel.querySelector("form[data-touched]") && !(await isLeft())) return;
    if (isOther) panel.replaceChildren();
    shown = cell;
    await flight.ask();
    // The panel takes room from the grid: the cell stays in sight.
    sheet.grid.reveal(sheet.selection.active);
    hold();
  }

  /**
   * @param {{row: number, group: number}} cell
   * @param {number} mine
   */
  async function fetched({ row, group }, mine) {
    const html = await read(`${sheet.page}/rows/${row}/traces/${group}/`);
    if (mine !== generation || !shown || panel.querySelector("form[data-touched]")) return;
    const held = panel.contains(document.activeElement);
    const open = [...panel.querySelectorAll("details")].map((details) => details.open);
    const { scrollTop } = panel;
    panel.innerHTML = html;
    [...panel.querySelectorAll("details")].forEach((details, place) => {
      if (place in open) details.open = open[place];
    });
    panel.hidden = false;
    panel.scrollTop = scrollTop;
    if (held) hold();
  }

  function hold() {
    /** @type {HTMLElement | null} */ (panel.querySelector("[data-act='close-trace']"))?.focus();
  }

  function close() {
    generation += 1;
    shown = null;
    panel.hidden = true;
    panel.replaceChildren();
    sheet.grid.focus();
  }

  function refresh() {
    if (shown && panel.querySelector("[data-in-flight]")) flight.ask();
  }

  /** The cell that a pill stands in. @param {HTMLElement} pill */
  function ofPill(pill) {
    const [, row, column] = /-(\d+)-(\d+)$/.exec(pill.closest(".grid-cell")?.id ?? "") ?? [];
    const id = sheet.store.row(Number(row))?.id;
    const group = sheet.grid.columns[Number(column)]?.group;
    if (id !== undefined && typeof group === "number") show({ row: id, group });
  }

  questions(panel, () => flight.ask());
  traceActs(sheet.base, (row) => {
    sheet.refresh([row]);
    return flight.ask();
  });
  document.addEventListener("keydown", (event) => {
    const isOurs = shown && !event.defaultPrevented && !document.querySelector("dialog[open], :popover-open");
    if (event.key === "Escape" && isOurs) close();
  });
  sheet.addEventListener("trace", (event) => show(/** @type {CustomEvent} */ (event).detail));
  sheet.addEventListener("approvals", refresh);
  sheet.store.addEventListener("change", refresh);
  register({ trace: ofPill, "close-trace": close });
}

function isLeft() {
  const text = "What you have typed there is not sent.";
  return ask({ title: "Leave the question of the other cell?", text, yes: "Leave it", no: "Stay" });
}

/** @param {string} path @returns {Promise<string>} the trace, or why there is none */
async function read(path) {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.status === 404) return GONE;
    return response.ok ? await response.text() : UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}
