/**
 * What buttons do: `data-act="name"` calls what was registered under that name. Refusals of the server are told. One
 * that is `aria-disabled` does nothing.
 */

import { ApiError } from "./api.js";
import { tell } from "./dialogs.js";

/** @typedef {(button: HTMLElement) => unknown} Act */

/** @type {Map<string, Act>} */
const acts = new Map();

/** @param {Record<string, Act>} more */
export function register(more) {
  for (const [name, act] of Object.entries(more)) acts.set(name, act);
}

/** Does something; what the server refuses of it is told. @param {() => unknown} does */
export async function attempt(does) {
  try {
    await does();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    tell(error.message);
  }
}

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-act]");
  if (!(button instanceof HTMLElement) || button.ariaDisabled === "true") return;
  attempt(() => acts.get(button.dataset.act ?? "")?.(button));
});
