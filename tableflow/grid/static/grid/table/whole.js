/** The table itself: its name, and its end. */

import { register } from "../acts.js";
import { call } from "../api.js";
import { ask } from "../dialogs.js";
import { askName } from "./naming.js";

/** @param {import("./sheet.js").Sheet} sheet */
export function whole(sheet) {
  const heading = /** @type {HTMLElement} */ (document.querySelector("h1"));

  function show() {
    const { name } = sheet.schema;
    if (heading.textContent === name) return;
    document.title = document.title.replace(heading.textContent, name);
    heading.textContent = name;
    heading.title = name;
    for (const element of [sheet.grid.element, sheet.grid.catcher]) element.setAttribute("aria-label", name);
  }

  /** @param {string} name */
  async function set(name) {
    await call("PATCH", `${sheet.base}/`, { name });
    sheet.refresh();
  }

  function rename() {
    const { name } = sheet.schema;
    askName({ title: "Rename the table", name, yes: "Rename" }, async (now) => {
      await set(now);
      sheet.undo.push({ label: `the table was called ${now}`, undo: () => set(name), redo: () => set(now) });
    });
  }

  async function remove() {
    const text = "Its rows and columns go with it. This cannot be undone.";
    const yes = await ask({ title: `Delete ${sheet.schema.name}?`, text, yes: "Delete the table", danger: true });
    if (!yes) return;
    sheet.leave = () => location.assign("/");
    await call("DELETE", `${sheet.base}/`);
    sheet.stream?.close();
    sheet.leave();
  }

  sheet.addEventListener("schema", show);
  register({ "rename-table": rename, "delete-table": remove });
}
