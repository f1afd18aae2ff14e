/** Answering questions: what every page with such a form does. */

import { tell } from "./dialogs.js";

/**
 * Marks the forms in which somebody has typed or that are being sent, so that nothing that is fetched takes their place,
 * and tells what became of an answer.
 *
 * @param {HTMLElement} within
 * @param {() => unknown} then what is shown is older than the answer
 */
export function questions(within, then) {
  for (const kind of ["input", "submit"]) {
    within.addEventListener(kind, (event) => {
      const form = /** @type {Element} */ (event.target).closest("form");
      if (form) form.dataset.touched = "";
    });
  }
  within.addEventListener("saved", (event) => {
    delete (/** @type {HTMLElement} */ (event.target).dataset.touched);
    tellOutcome(/** @type {CustomEvent} */ (event).detail);
    then();
  });
}

/**
 * It may have been somebody else's answer that counted.
 *
 * @param {{status: string, answered_by: string | null, taken: boolean}} approval
 */
function tellOutcome({ status, answered_by: by, taken }) {
  const whose = by ? ` by ${by}` : "";
  if (taken) tell(`${status === "approved" ? "Approved" : "Rejected"}${whose}. The cell goes on.`);
  else tell(`Already answered: ${status}${whose}. Your answer was not taken.`);
}
