/**
 * The menu of a cell, of a range of cells, or of rows: by the pointer's other button, Shift+F10 or the menu key. In a
 * workflow column it runs and stops what it was opened on, and says why a cell waits.
 */

import { register } from "../acts.js";
import { make } from "../elements.js";
import { show } from "../menus.js";
import { many } from "../words.js";
import { possible } from "./floating.js";
import { allGroups, chosenRows, fix, MOST_LISTED, oneRow, rangeGroups, rangeRows } from "./scope.js";
import { stateOf } from "./states.js";

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("./scope.js").Scope} Scope */
/** @typedef {{part: string, row: number, column: number, x: number, y: number}} Opened */

const WAITING = ["waiting", "queued", "paused"];

/**
 * @param {Sheet} sheet
 * @param {import("./gestures.js").Gestures} gestures
 */
export function context(sheet, gestures) {
  const menu = document.getElementById("cell-menu");
  if (!menu) return;
  const point = make("button", { type: "button", class: "menu-point", tabindex: "-1" });
  /** What the menu runs and stops; null where there is no workflow cell in it. @type {Scope | null} */
  let scope = null;
  document.body.append(point);

  /** @param {Opened} place */
  function open({ part, row, column, x, y }) {
    if (part === "head") return openHead(x, y);
    const id = sheet.store.row(row)?.id;
    if (id === undefined) return;
    if (!sheet.selection.hasRow(id)) sheet.selection.clearRows();
    if (part === "gutter") sheet.selection.move({ row, column: sheet.selection.active.column });
    const rows = chosenRows(sheet) ?? (part === "gutter" ? oneRow(id) : rangeRows(sheet));
    const touched = part === "gutter" ? [] : rangeGroups(sheet);
    const groups = part === "cell" ? touched : allGroups(sheet);
    const isOne = rows.count === 1 && touched.length === 1 && sheet.selection.isSingle;
    scope = groups.length ? { groups, rows } : null;
    if (scope && rows.listed <= MOST_LISTED) fix(rows);
    point.style.left = `${x}px`;
    point.style.top = `${y}px`;
    lend({
      row: id,
      key: sheet.grid.columns[column]?.key ?? "",
      group: isOne ? touched[0] : null,
      isCell: part === "cell",
    });
    name(rows.count, isOne);
    show(point);
  }

  /** The menu of a head is that of its own button. @param {number} x @param {number} y */
  function openHead(x, y) {
    const head = document.elementFromPoint(x, y)?.closest(".grid-column-head, .grid-band");
    /** @type {HTMLElement | null | undefined} */ (head?.querySelector("[data-menu]"))?.click();
  }

  /** @param {{row: number, key: string, group: number | null, isCell: boolean}} of */
  function lend({ row, key, group, isCell }) {
    for (const old of Object.keys(point.dataset)) delete point.dataset[old];
    const isPlain = sheet.column(key)?.group === null;
    const state =
      group === null ? null : stateOf(sheet, /** @type {any} */ (sheet.store.row(sheet.store.indexOf(row))), group);
    Object.assign(point.dataset, {
      menu: "cell-menu",
      row: String(row),
      key,
      ...(group === null ? {} : { group: String(group) }),
      ...(scope && sheet.mayEdit ? { runs: "" } : {}),
      ...(isCell ? { cell: "" } : {}),
      ...(isCell && isPlain && sheet.mayEdit ? { plain: "" } : {}),
      ...(state ? { one: "" } : {}),
      ...((scope && sheet.mayEdit) || state ? { top: "" } : {}),
      ...(state && WAITING.includes(state.kind ?? state.status ?? "") ? { waits: "" } : {}),
    });
    const may = scope && possible(sheet, scope);
    for (const [act, is] of Object.entries({
      "run-these": may?.run,
      "rerun-these": may?.rerun,
      "stop-cells": may?.stop,
      "trace-cell": may?.trace,
    })) {
      for (const item of items(act)) item.ariaDisabled = is ? null : "true";
    }
  }

  /** @param {number} count of rows @param {boolean} isOne one workflow cell */
  function name(count, isOne) {
    const rows = many(count, "row");
    const words = {
      "run-these": isOne ? "Run" : `Run empty or failed cells on ${rows}`,
      "rerun-these": isOne ? "Re-run" : `Re-run all cells on ${rows}`,
      "stop-cells": isOne ? "Stop" : `Stop on ${rows}`,
      "duplicate-rows": count === 1 ? "Duplicate row" : `Duplicate ${rows}`,
      "delete-rows": count === 1 ? "Delete row" : `Delete ${rows}`,
    };
    for (const [act, word] of Object.entries(words)) for (const item of items(act)) item.textContent = word;
  }

  /** @param {string} act */
  function items(act) {
    return /** @type {NodeListOf<HTMLElement>} */ (
      /** @type {HTMLElement} */ (menu).querySelectorAll(`[data-act="${act}"]`)
    );
  }

  /** At the active cell. */
  function openAtActive() {
    const { active } = sheet.selection;
    if (!sheet.activeRow) return false;
    sheet.grid.reveal(active);
    const { left, bottom } = sheet.grid.boxOf(active);
    open({ part: "cell", ...active, x: left, y: bottom });
    return true;
  }

  sheet.grid.addEventListener("menu", (event) => open(/** @type {CustomEvent<Opened>} */ (event).detail));
  sheet.keymap.bind("Shift+F10 ContextMenu", "The menu of the cell", openAtActive);
  register({
    "run-these": () => scope && gestures.run(scope, "incomplete"),
    "rerun-these": () => scope && gestures.rerun(scope),
    "stop-cells": () => scope && gestures.stop(scope),
    "trace-cell": () => sheet.showTrace(Number(point.dataset.row), Number(point.dataset.group)),
    "copy-cells": () => {
      sheet.grid.focus();
      document.execCommand("copy"); // whoever listens to the grid's own copying does it
    },
    "edit-cell": () => sheet.grid.dispatchEvent(new CustomEvent("open", { detail: { ...sheet.selection.active } })),
  });
}
