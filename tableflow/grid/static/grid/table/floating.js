/** The bar that floats at the bottom while rows are chosen or the range of cells has workflow cells in it. */

import { register } from "../acts.js";
import { make } from "../elements.js";
import { many } from "../words.js";
import { icon } from "./painter.js";
import { chosenRows, said, selected } from "./scope.js";
import { isLacking, stateOf } from "./states.js";

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("./scope.js").Scope} Scope */

/** Where more cells are selected it is not looked which of them are empty, filled or busy. */
const MOST_LOOKED_AT = 2000;
const ACTS = /** @type {const} */ (["run", "rerun", "stop", "trace"]);

/**
 * @param {Sheet} sheet
 * @param {import("./gestures.js").Gestures} gestures
 */
export function floating(sheet, gestures) {
  if (!sheet.mayEdit) return;
  const buttons = {
    run: button("run-floating", "play", "Run empty and failed"),
    rerun: button("rerun-floating", "again", "Re-run"),
    stop: button("stop-floating", "stop", "Stop"),
    trace: button("trace-floating", "workflow", "Open trace"),
    remove: button("delete-rows", "bin", "Delete rows"),
    clear: button("clear-selection", "close", "Clear selection"),
  };
  const words = make("span", { class: "words" });
  const bar = make("div", { class: "floating", role: "toolbar", "aria-label": "Selection", hidden: true }, [
    words,
    ...Object.values(buttons),
  ]);
  let frame = 0;
  let isPutAway = false;

  buttons.clear.classList.add("icon-only");
  document.querySelector(".live")?.append(bar);

  function show() {
    frame = 0;
    const scope = isPutAway ? null : selected(sheet);
    const rows = chosenRows(sheet);
    bar.hidden = !scope && !rows;
    if (bar.hidden) return;
    words.textContent = rows ? `Selected ${said(rows)}`.replace(" selected ", " ") : ofCells(scope);
    buttons.remove.hidden = !rows;
    const may = scope && possible(sheet, scope);
    for (const name of ACTS) {
      buttons[name].hidden = !may;
      buttons[name].ariaDisabled = may?.[name] ? null : "true";
    }
    buttons.trace.hidden = Boolean(rows) || !scope || scope.groups.length !== 1 || scope.rows.count !== 1;
  }

  function soon() {
    if (!frame) frame = requestAnimationFrame(show);
  }

  sheet.selection.addEventListener("change", () => {
    isPutAway = false;
    soon();
  });
  for (const name of ["schema", "query"]) sheet.addEventListener(name, soon);
  sheet.store.addEventListener("change", soon);

  /** @param {(scope: Scope) => unknown} does */
  const withSelected = (does) => () => {
    const scope = selected(sheet);
    return scope && does(scope);
  };
  register({
    "run-floating": withSelected((scope) => gestures.run(scope, "incomplete")),
    "rerun-floating": withSelected((scope) => gestures.rerun(scope)),
    "stop-floating": withSelected((scope) => gestures.stop(scope)),
    "trace-floating": withSelected(({ groups }) => sheet.activeRow && sheet.showTrace(sheet.activeRow.id, groups[0])),
    "clear-selection": () => {
      clear(sheet);
      isPutAway = true;
      soon();
      sheet.grid.focus();
    },
  });
}

/** No row is chosen any more, and no cell but the active one. @param {Sheet} sheet @returns {boolean} false: it was so */
export function clear({ selection }) {
  const had = selection.hasRows || !selection.isSingle;
  selection.clearRows();
  if (!selection.isSingle) selection.move(selection.active);
  return had;
}

/** @param {Scope | null} scope */
function ofCells(scope) {
  return `Selected ${many(scope ? scope.groups.length * scope.rows.count : 0, "workflow cell")}`;
}

/**
 * What would do anything in these cells; everything might where they are not all here.
 *
 * @param {Sheet} sheet
 * @param {Scope} scope
 */
export function possible(sheet, { groups, rows }) {
  const may = { run: true, rerun: true, stop: true, trace: true };
  if (rows.count * groups.length > MOST_LOOKED_AT) return may;
  const here = [...sheet.store.loaded()].filter(([index, row]) => rows.covers(row, index));
  if (here.length < rows.count) return may;
  const states = here.flatMap(([, row]) => groups.map((group) => stateOf(sheet, row, group)));
  return {
    run: states.some((state) => isLacking(state) && !state.busy && state.kind !== "waiting"),
    rerun: states.some((state) => !isLacking(state) && !state.busy),
    stop: states.some(({ busy }) => busy),
    trace: states.some(({ ran }) => ran),
  };
}

/**
 * @param {string} act
 * @param {string} sign
 * @param {string} label
 */
function button(act, sign, label) {
  const attributes = { type: "button", class: "button small", title: label, "aria-label": label, data: { act } };
  return make("button", attributes, [icon(sign), make("span", { class: "label" }, [label])]);
}
