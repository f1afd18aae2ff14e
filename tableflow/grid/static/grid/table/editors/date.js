/** A day, or a day and a time, in the browser's own field. Times are UTC, as cells show them. */

import { Unfit } from "./unfit.js";

const FORMS = {
  date: /^(\d{4}-\d{2}-\d{2})?$/,
  datetime: /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/,
};

/**
 * Whether the browser's field can show it; else it is edited as text.
 *
 * @param {"date" | "datetime"} type
 * @param {any} draft
 */
export function fits(type, draft) {
  return typeof draft === "string" && FORMS[type].test(draft);
}

/** @type {import("./editor.js").Make} */
export function date(overlay, { type, name }, draft) {
  const field = document.createElement("input");
  const isTime = type === "datetime";
  field.type = isTime ? "datetime-local" : "date";
  field.setAttribute("aria-label", isTime ? `${name} (UTC)` : name);
  if (isTime) field.step = /:\d{2}:\d{2}\./.test(draft) ? "0.001" : "1";
  field.max = isTime ? "9999-12-31T23:59:59.999" : "9999-12-31";
  field.value = draft.replace(/Z$/, "");
  overlay.use(field);
  const said = () => (field.value && isTime ? `${seconds(field.value)}Z` : field.value);
  return {
    draft: said,
    value: () => moment(field),
  };
}

/**
 * What such a field says, as the API takes it; null is empty. Throws Unfit when only a part of it is there.
 *
 * @param {HTMLInputElement} field
 */
export function moment(field) {
  const isTime = field.type === "datetime-local";
  if (field.validity.badInput) throw new Unfit(isTime ? "This is no date and time." : "This is no date.");
  if (!field.value) return null;
  return isTime ? `${seconds(field.value)}Z` : field.value;
}

/** The browser leaves out seconds that are none. @param {string} written */
function seconds(written) {
  return /T\d{2}:\d{2}$/.test(written) ? `${written}:00` : written;
}
