/** Running workflow columns from the page of a table: menus, keys, the gutter, the bar of a selection, the chip. */

import { attempt, register } from "../acts.js";
import { ask, tell } from "../dialogs.js";
import { many } from "../words.js";
import { autoRun } from "./auto_run.js";
import { chip } from "./chip.js";
import { context } from "./context.js";
import { clear, floating, possible } from "./floating.js";
import { gestures } from "./gestures.js";
import { progress } from "./progress.js";
import { runMenu } from "./run_menu.js";
import { allGroups, fix, oneRow, rangeRows, selected } from "./scope.js";
import { why } from "./why.js";

/** @param {import("./sheet.js").Sheet} sheet */
export function running(sheet) {
  const does = gestures(sheet);
  chip(sheet, does);
  runMenu(sheet, does);
  floating(sheet, does);
  context(sheet, does);
  why(sheet);
  progress(sheet);
  autoRun(sheet);
  keys(sheet, does);

  /** @param {HTMLElement} button in the gutter of a row */
  const scopeOf = (button) => {
    const gutter = /** @type {HTMLElement} */ (button.closest(".grid-gutter"));
    return { groups: allGroups(sheet), rows: oneRow(Number(gutter.dataset.row)) };
  };
  sheet.grid.addEventListener("drawn", () => corner(sheet)); // heads may be drawn anew at any time
  register({
    "run-row": (button) => does.run(scopeOf(button), "incomplete"),
    "stop-row": (button) => does.stop(scopeOf(button)),
    "choose-all": () => {
      const { selection } = sheet;
      if (selection.isAll && !selection.rows.size) selection.clearRows();
      else selection.chooseAll();
    },
  });
}

/** The box in the corner says whether all rows are chosen, or some. @param {import("./sheet.js").Sheet} sheet */
function corner({ grid, selection }) {
  const button = grid.head.querySelector(".choose-all");
  const said = !selection.hasRows ? "false" : selection.isAll && !selection.rows.size ? "true" : "mixed";
  if (!button || button.ariaPressed === said) return;
  button.ariaPressed = said;
  button.querySelector(".check")?.classList.toggle("on", said === "true");
  button.querySelector(".check")?.classList.toggle("some", said === "mixed");
}

/**
 * @param {import("./sheet.js").Sheet} sheet
 * @param {import("./gestures.js").Gestures} does
 */
function keys(sheet, does) {
  const { keymap, selection } = sheet;

  /** What is empty or failed of the selection; where nothing is, all of it, if that is wanted. */
  async function runSelected() {
    const scope = selected(sheet) ?? { groups: allGroups(sheet), rows: rangeRows(sheet) };
    if (!scope.groups.length || !scope.rows.count) return;
    const { run, rerun } = possible(sheet, scope);
    if (run) return does.run(scope, "incomplete");
    if (!rerun) return tell("Nothing here can run now: it is under way, or waits for values.");
    const number = many(scope.groups.length * scope.rows.count, "cell");
    fix(scope.rows);
    const yes = await ask({
      title: `Re-run ${number}?`,
      text: "None of what is selected is empty or failed. A value stays until the new one lands.",
      yes: `Re-run ${number}`,
    });
    if (yes) await does.run(scope, "all");
  }

  function chooseRow() {
    const { activeRow } = sheet;
    if (activeRow) selection.toggleRow(activeRow.id);
  }

  keymap.bind("Shift+Space", "Choose the row, or let go of it", chooseRow);
  keymap.bind("Escape", "Clear the selection", () => clear(sheet));
  if (sheet.mayEdit) {
    keymap.bind("Mod+Enter", "Run what is empty or failed of the selection", () => void attempt(runSelected));
  }
}
