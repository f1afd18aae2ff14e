/** Answering a question: what every page with such a form does. */

import { tell } from "./dialogs.js";

/**
 * Marks the forms in which somebody has typed or that are being sent, so that nothing that is fetched takes their place.
 * @param {HTMLElement} within
 */
export function keepTouched(within) {
  for (const kind of ["input", "submit"]) {
    within.addEventListener(kind, (event) => {
      const form = /** @type {Element} */ (event.target).closest("form");
      if (form) form.dataset.touched = "";
    });
  }
}

/**
 * Says what became of a question: it may have been somebody else's answer that counted.
 * @param {{status: string, answered_by: string | null, taken: boolean}} approval
 */
export function answered({ status, answered_by: by, taken }) {
  const whose = by ? ` by ${by}` : "";
  if (taken) tell(`${status === "approved" ? "Approved" : "Rejected"}${whose}. The cell goes on.`);
  else tell(`Already answered: ${status}${whose}. Your answer was not taken.`);
}
