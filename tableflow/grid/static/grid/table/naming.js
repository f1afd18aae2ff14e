/** The dialog that asks for a name; what the server says of it stands beside the field. */

import { clear, whenSent } from "../forms.js";

/** @type {((name: string) => Promise<unknown>) | null} */
let then = null;

/**
 * @param {{title: string, name: string, yes: string}} asked
 * @param {(name: string) => Promise<unknown>} does what is done with it; the dialog stays while the server refuses
 */
export function askName({ title, name, yes }, does) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("naming"));
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("name"));
  /** @type {HTMLElement} */ (dialog.querySelector("h2")).textContent = title;
  /** @type {HTMLElement} */ (form.querySelector("[data-yes]")).textContent = yes;
  if (!then) whenSent(form, async () => void (await then?.(field.value)));
  then = does;
  clear(form);
  field.value = name;
  dialog.showModal();
  field.select();
}
