/**
 * Brings a region up to a newer rendering of it: what differs in its elements of `data-live` (morph.js), and the items of
 * a `data-live-list` by their ids. What has a form in which somebody has typed stays as it is.
 */

import { children } from "./morph.js";

/**
 * @param {HTMLElement} region
 * @param {HTMLElement} fresh
 */
export function patch(region, fresh) {
  region.toggleAttribute("data-active", fresh.hasAttribute("data-active"));
  for (const next of fresh.querySelectorAll("[data-live]")) {
    const now = region.querySelector(`[data-live="${CSS.escape(next.getAttribute("data-live") ?? "")}"]`);
    if (now && !now.querySelector("form[data-touched]")) children(now, next);
  }
  for (const next of fresh.querySelectorAll("[data-live-list]")) {
    const now = region.querySelector(`[data-live-list="${CSS.escape(next.getAttribute("data-live-list") ?? "")}"]`);
    if (now) patchItems(now, next);
  }
}

/**
 * @param {Element} list
 * @param {Element} fresh
 */
function patchItems(list, fresh) {
  const wanted = new Set(Array.from(fresh.children, (item) => item.id));
  for (const item of [...list.children]) {
    // What is being sent stays until the answer has come: whoever sent it is to be told.
    if (!wanted.has(item.id) && !item.querySelector("form[data-sending]")) item.remove();
  }
  [...fresh.children].forEach((next, place) => {
    const now = document.getElementById(next.id);
    const stays = now && (now.outerHTML === next.outerHTML || now.querySelector("form[data-touched]"));
    if (now && !stays) now.remove();
    const item = stays ? now : document.adoptNode(next);
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
}
