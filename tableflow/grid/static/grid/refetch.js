/**
 * What htmx does here besides its own. Its streams are ours. `hx-swap="morph"` brings the target up to the element of
 * the same id in the answer, and touches only what differs (morph.js). The event `refetch` on the body, which live
 * regions listen to, comes after own actions and, as a net, every now and then.
 */

import { children } from "./morph.js";
import { Stream } from "./streams.js";

const NET_MS = 15_000;

/** @type {any} */
const htmx = /** @type {any} */ (window).htmx;

/** Has every live region of the page fetched again. */
export function refetch() {
  document.body.dispatchEvent(new Event("refetch"));
}

htmx.createEventSource = (/** @type {string} */ url) => new Stream(url);

htmx.defineExtension("morph", {
  /** @param {string} style */
  isInlineSwap: (style) => style === "morph",

  /**
   * @param {string} style
   * @param {HTMLElement} target
   * @param {DocumentFragment} answer
   */
  handleSwap(style, target, answer) {
    if (style !== "morph") return false;
    const fresh = answer.querySelector(`#${CSS.escape(target.id)}`);
    if (fresh) return keepingPlace(target, () => children(target, fresh));
    location.reload(); // another page came instead: whoever looks has been logged out
    return [];
  },
});

/**
 * Where what had the focus has gone, the nearest thing around it that can hold it gets it (`tabindex`): its row, or
 * the row that is in its place now.
 *
 * @template T
 * @param {HTMLElement} target
 * @param {() => T} change
 * @returns {T}
 */
function keepingPlace(target, change) {
  const holder = document.activeElement?.closest("[tabindex]");
  const place = holder instanceof HTMLTableRowElement ? holder.rowIndex : -1;
  const isOurs = holder && target.contains(holder);
  const changed = change();
  if (!isOurs || document.activeElement !== document.body) return changed;
  const rows = /** @type {NodeListOf<HTMLElement>} */ (target.querySelectorAll("tr"));
  const next = holder.isConnected ? holder : (rows[place] ?? rows[place - 1]);
  /** @type {HTMLElement | undefined} */ (next)?.focus({ preventScroll: true });
  return changed;
}

setInterval(() => document.hidden || refetch(), NET_MS);
