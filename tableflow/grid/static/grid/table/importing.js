/** Importing into the table: the dialog, files that are dropped anywhere on the page, and the tray of what loads. */

import { register } from "../acts.js";
import { call } from "../api.js";
import { ImportDialog } from "../importing/dialog.js";
import { dropping } from "../importing/dropping.js";
import { Tray } from "../importing/tray.js";

/** @param {import("./sheet.js").Sheet} sheet */
export function importing(sheet) {
  const tray = new Tray(sheet.table, { mayEdit: sheet.mayEdit, ended: () => sheet.refresh() });
  sheet.addEventListener("imports", () => tray.refresh());
  tray.refresh();
  const element = document.getElementById("importing");
  if (!(element instanceof HTMLDialogElement)) return;
  const dialog = new ImportDialog(element, {
    address: `${sheet.base}/imports/`,
    look: () => look(sheet.base),
    done: ({ id }) => {
      tray.add(id);
      sheet.refresh();
    },
  });
  dropping((file) => dialog.open(file));
  register({ import: () => dialog.open() });
}

/** @param {string} base */
async function look(base) {
  const { columns, row_count: rows, auto_run: runs, groups } = await call("GET", `${base}/`);
  const automatic = groups.filter((/** @type {any} */ group) => group.auto_run).length;
  return { columns, rows, automatic: runs ? automatic : 0 };
}
