/**
 * Forms that speak to the API: `data-api` is the address, `data-method` the verb. What the server refuses is
 * written next to the field of the same path (`data-problem`), the rest on top. When it worked, `data-then` is the
 * next page, `{id}` filled in from the answer; without one the form emits `saved`.
 */

import { ApiError, call } from "./api.js";
import { values } from "./values.js";

document.addEventListener("submit", async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.dataset.api) return;
  event.preventDefault();
  await submit(form, event.submitter);
});

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
async function submit(form, submitter) {
  /** @type {NodeListOf<HTMLButtonElement>} */
  const buttons = form.querySelectorAll("button:not([type=button])");
  const sent = values(form, submitter);
  clear(form);
  form.dataset.sending = "";
  for (const button of buttons) button.disabled = true;
  try {
    const answer = await call(form.dataset.method ?? "POST", form.dataset.api ?? "", sent);
    if (form.dataset.then) location.assign(form.dataset.then.replace("{id}", String(answer?.id)));
    else form.dispatchEvent(new CustomEvent("saved", { bubbles: true, detail: answer }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    show(form, error.problems);
  } finally {
    delete form.dataset.sending;
    for (const button of buttons) button.disabled = false;
  }
}

/**
 * What a form of a dialog says is done when it is sent, and the dialog closed, unless that gives false; what the server
 * refuses of it stands beside its field.
 *
 * @param {HTMLFormElement} form
 * @param {() => Promise<unknown>} does
 */
export function whenSent(form, does) {
  const yes = /** @type {HTMLButtonElement} */ (form.querySelector("[data-yes]"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clear(form);
    yes.disabled = true;
    try {
      if ((await does()) !== false) form.closest("dialog")?.close();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      show(form, error.problems);
    } finally {
      yes.disabled = false;
    }
  });
}

/** How many places of problems have got an id, so that fields can point at them. */
let slots = 0;

/** @param {HTMLElement} form */
export function clear(form) {
  for (const slot of form.querySelectorAll("[data-problem]")) slot.textContent = "";
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

/**
 * @param {HTMLElement} form
 * @param {import("./api.js").Problem[]} problems
 */
export function show(form, problems) {
  for (const problem of problems) {
    const path = problem.attr ?? "";
    const slot = nearest(form, path);
    const where = slot.dataset.problem === path || !path ? "" : `${path}: `;
    slot.textContent = `${slot.textContent}${slot.textContent ? "\n" : ""}${where}${problem.detail}`;
    const field = form.querySelector(`[name="${CSS.escape(path)}"]`);
    if (!slot.id) slot.id = `problem-${++slots}`;
    field?.setAttribute("aria-invalid", "true");
    field?.setAttribute("aria-describedby", slot.id);
  }
  const first = form.querySelector("[data-problem]:not(:empty)");
  first?.scrollIntoView({ block: "nearest" });
}

/**
 * The slot of this path, else of the nearest path above it, else the one of the whole form.
 * @param {HTMLElement} form
 * @param {string} path
 * @returns {HTMLElement}
 */
function nearest(form, path) {
  for (let at = path; at; at = at.includes(".") ? at.slice(0, at.lastIndexOf(".")) : "") {
    const slot = form.querySelector(`[data-problem="${CSS.escape(at)}"]`);
    if (slot instanceof HTMLElement) return slot;
  }
  return /** @type {HTMLElement} */ (form.querySelector('[data-problem=""]'));
}
