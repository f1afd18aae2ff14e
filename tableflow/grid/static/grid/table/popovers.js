/** Popovers beneath their buttons: `popovertarget` opens and closes them, here they are placed, and get the focus. */

import { place } from "../placing.js";

/**
 * @param {HTMLElement} pop
 * @param {() => void} [opening] fills it, before it is seen
 */
export function popover(pop, opening) {
  const button = /** @type {HTMLElement} */ (document.querySelector(`[popovertarget="${pop.id}"]`));

  pop.addEventListener("beforetoggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    opening?.();
    place(pop, button.getBoundingClientRect());
  });

  pop.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    place(pop, button.getBoundingClientRect());
    const first = pop.querySelector("input, select, button");
    if (first instanceof HTMLElement && !pop.contains(document.activeElement)) first.focus();
  });
}
