/** Where what floats over the page goes. */

const GAP_PX = 4;

/**
 * Puts it beneath a place of the window, or above that where it has more room there; never out of the window. What is
 * not seen yet has no size.
 *
 * @param {HTMLElement} box
 * @param {DOMRect} at
 */
export function place(box, at) {
  const { width, height } = box.getBoundingClientRect();
  const below = at.bottom + height + GAP_PX <= innerHeight || at.top < height;
  const top = below ? Math.min(at.bottom + GAP_PX, innerHeight - height - GAP_PX) : at.top - height - GAP_PX;
  box.style.left = `${Math.max(GAP_PX, Math.min(at.left, innerWidth - width - GAP_PX))}px`;
  box.style.top = `${Math.max(GAP_PX, top)}px`;
}
