/** The list of tables: a file becomes a new one. */

import { register } from "../acts.js";
import { ImportDialog } from "./dialog.js";
import { dropping } from "./dropping.js";
import { remembered } from "./tray.js";

const element = document.getElementById("importing");
if (element instanceof HTMLDialogElement) {
  const dialog = new ImportDialog(element, {
    address: "/api/v1/imports/",
    look: async () => ({ columns: [], rows: 0, automatic: 0 }),
    done: ({ id, table }) => {
      remembered(String(table)).add(id);
      location.assign(`/tables/${table}/`);
    },
  });
  dropping((file) => dialog.open(file));
  register({ import: () => dialog.open() });
}
