/** Auto-run: the switches of a workflow column and of the table, and what becomes of the rows that are there. */

import { register } from "../acts.js";
import { call } from "../api.js";
import { counted, isWanted } from "../automatic.js";
import { tell } from "../dialogs.js";
import { make } from "../elements.js";
import { opened } from "../menus.js";

const ON = "Workflow columns with auto-run work on new and changed rows by themselves";
const OFF = "Nothing in this table runs by itself";

/** @param {import("./sheet.js").Sheet} sheet */
export function autoRun(sheet) {
  const place = /** @type {HTMLElement} */ (document.getElementById("auto-run"));
  const data = { act: "auto-run-table" };
  const button = make("button", { type: "button", class: "button quiet", role: "switch", data });

  function show() {
    const { autoRun: on, groups } = sheet.schema;
    const words = `Auto-run ${on ? "on" : "off"}`;
    button.textContent = words;
    button.title = on ? ON : OFF;
    button.ariaChecked = String(on);
    if (!groups.length) place.replaceChildren();
    else if (!sheet.mayEdit) place.replaceChildren(on ? "" : make("span", { class: "soft" }, [words]));
    else if (!button.isConnected) place.replaceChildren(button);
  }

  /** @param {boolean} on */
  async function turnColumn(on) {
    const group = opened().group ?? "";
    await call("PATCH", `${sheet.base}/groups/${group}/`, { auto_run: on });
    sheet.refresh();
    if (on) await offer(sheet, group);
  }

  async function turnTable() {
    const on = !sheet.schema.autoRun;
    await call("PATCH", `${sheet.base}/`, { auto_run: on });
    sheet.refresh();
    if (on) await offer(sheet);
  }

  sheet.addEventListener("schema", show);
  show();
  register({
    "auto-run-on": () => turnColumn(true),
    "auto-run-off": () => turnColumn(false),
    "auto-run-table": turnTable,
  });
}

/**
 * Runs what never ran, if that is wanted: a switch alone starts nothing that is there.
 *
 * @param {import("./sheet.js").Sheet} sheet
 * @param {string | number} [group] the id of a workflow column; without one, all that run by themselves
 */
export async function offer(sheet, group) {
  const asked = group === undefined ? "" : `?group=${group}`;
  const { cells, groups } = await call("GET", `${sheet.page}/auto-run/${asked}`);
  if (cells !== 0 && (await isWanted(cells))) {
    await call("POST", `${sheet.base}/dispatches/`, { groups, mode: "new" });
    tell(`Running ${counted(cells)} in the rows that are there.`);
  }
  sheet.refresh();
}
