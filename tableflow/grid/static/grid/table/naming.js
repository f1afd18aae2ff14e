/** The dialog that asks for a name; what the server says of it stands beside the field. */

import { ApiError } from "../api.js";
import { clear, show } from "../forms.js";

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
  if (!then) form.addEventListener("submit", (event) => submitted(event, dialog, form, field));
  then = does;
  clear(form);
  field.value = name;
  dialog.showModal();
  field.select();
}

/**
 * @param {SubmitEvent} event
 * @param {HTMLDialogElement} dialog
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} field
 */
async function submitted(event, dialog, form, field) {
  event.preventDefault();
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("[data-yes]"));
  clear(form);
  button.disabled = true;
  try {
    await then?.(field.value);
    dialog.close();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    show(form, error.problems);
  } finally {
    button.disabled = false;
  }
}
