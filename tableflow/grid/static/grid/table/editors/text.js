/** Values that are typed as text, in the grid's own field. The server reads them by their column's type. */

import { isLarge, parse as read } from "../../exact.js";
import { Unfit } from "./unfit.js";

/** @typedef {import("./editor.js").Make} Make */

/** @type {Make} */
export function text({ catcher, element }, { type }, draft, isTyped) {
  if (!isTyped) begin(catcher, draft);
  element.classList.toggle("prose", type === "text");
  if (type === "url" || type === "email") catcher.inputMode = type;
  return {
    draft: () => catcher.value,
    value: () => (catcher.value.trim() ? catcher.value : null),
    key: (event) => type === "text" && newLine(catcher, event),
  };
}

/** @type {Make} */
export function number(overlay, column, draft, isTyped) {
  overlay.catcher.inputMode = "decimal";
  overlay.element.classList.add("figures");
  return text(overlay, column, draft, isTyped);
}

/** @type {Make} */
export function json({ catcher, element }, _column, draft, isTyped) {
  if (!isTyped) begin(catcher, draft);
  element.classList.add("large", "code");
  return {
    draft: () => catcher.value,
    value: () => parse(catcher.value),
    key: (event) => newLine(catcher, event),
  };
}

/**
 * The field begins with what is there, and the caret behind it.
 *
 * @param {HTMLTextAreaElement} field
 * @param {string} draft
 */
export function begin(field, draft) {
  field.value = draft;
  field.setSelectionRange(draft.length, draft.length);
}

/**
 * Objects and lists go as they were typed: the server reads them, large numbers included. Throws Unfit.
 *
 * @param {string} typed
 */
export function parse(typed) {
  if (!typed.trim()) return null;
  try {
    const value = read(typed);
    return typeof value === "object" && value !== null && !isLarge(value) ? typed : value;
  } catch (error) {
    throw new Unfit(`This is no JSON: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * Shift+Enter and Alt+Enter begin a new line.
 *
 * @param {HTMLTextAreaElement} field
 * @param {KeyboardEvent} event
 */
function newLine(field, event) {
  if (event.key !== "Enter" || !(event.shiftKey || event.altKey)) return false;
  event.preventDefault();
  document.execCommand("insertText", false, "\n") || field.setRangeText("\n");
  return true;
}
