/**
 * Menus: a button with `data-menu="id"` opens that popover beneath itself, and lends it its own data (`data-name`,
 * `data-groups`, …) for as long as it is open. Arrow keys move in it.
 */

import { place } from "./placing.js";

/** @type {HTMLElement | null} The button that opened the menu last. */
let opener = null;
/** @type {string | null} The menu that this press of the pointer closes. */
let closing = null;

/** @returns {DOMStringMap} the data of the button that opened the menu */
export function opened() {
  return opener?.dataset ?? {};
}

document.addEventListener(
  "pointerdown",
  (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-menu]");
    closing = button?.getAttribute("aria-expanded") === "true" ? button.getAttribute("data-menu") : null;
  },
  true,
);

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const button = target.closest("[data-menu]");
  if (button instanceof HTMLElement) {
    if (closing !== button.dataset.menu) show(button);
    closing = null;
  } else {
    const menu = /** @type {HTMLElement | null} */ (target.closest(".menu:popover-open"));
    if (target.closest("[role=menuitem]:not([aria-disabled])")) menu?.hidePopover();
  }
});

document.addEventListener("keydown", (event) => {
  const menu = /** @type {Element} */ (event.target).closest(".menu");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!menu || !step) return;
  event.preventDefault();
  const items = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("[role=menuitem]:not([hidden])")]);
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  items[(at + step + items.length) % items.length].focus();
});

/** @param {HTMLElement} button */
export function show(button) {
  const menu = document.getElementById(button.dataset.menu ?? "");
  if (!menu) return;
  opener = button;
  fill(menu, button.dataset);
  menu.showPopover();
  place(menu, button.getBoundingClientRect());
  button.setAttribute("aria-expanded", "true");
  menu.addEventListener("toggle", function closed(event) {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    button.removeAttribute("aria-expanded");
    menu.removeEventListener("toggle", closed);
  });
  /** @type {HTMLElement | null} */ (menu.querySelector("[role=menuitem]:not([hidden])"))?.focus();
}

/**
 * @param {HTMLElement} menu
 * @param {DOMStringMap} data
 */
function fill(menu, data) {
  const name = menu.querySelector("[data-menu-name]");
  const kind = menu.querySelector("[data-menu-kind]");
  if (name) name.textContent = data.name ?? "";
  if (kind) kind.textContent = data.kind ?? "";
  for (const item of /** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll("[data-only]"))) {
    item.hidden = !((item.dataset.only ?? "") in data);
  }
}
