/** Popovers beneath their buttons: `popovertarget` opens and closes them, here they are placed, and get the focus. */

const GAP_PX = 4;

/**
 * @param {HTMLElement} pop
 * @param {() => void} [opening] fills it, before it is seen
 */
export function popover(pop, opening) {
  const button = /** @type {HTMLElement} */ (document.querySelector(`[popovertarget="${pop.id}"]`));

  pop.addEventListener("beforetoggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    opening?.();
    place(pop, button);
  });

  pop.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    place(pop, button);
    const first = pop.querySelector("input, select, button");
    if (first instanceof HTMLElement && !pop.contains(document.activeElement)) first.focus();
  });
}

/**
 * Beneath the button, so far as the window has room. What is not seen yet has no size.
 *
 * @param {HTMLElement} pop
 * @param {HTMLElement} button
 */
function place(pop, button) {
  const at = button.getBoundingClientRect();
  const { width } = pop.getBoundingClientRect();
  pop.style.left = `${Math.max(GAP_PX, Math.min(at.left, innerWidth - width - GAP_PX))}px`;
  pop.style.top = `${at.bottom + GAP_PX}px`;
}
